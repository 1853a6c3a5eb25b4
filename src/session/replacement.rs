//! A file's next version: written beside it, and put in its place whole.

use super::error::Obstacle;
#[cfg(windows)]
use super::sharing;
use super::{directory, leftover, symlink};
use crate::file_name::FileNames;
use std::ffi::OsStr;
#[cfg(windows)]
use std::fs::File;
use std::fs::Metadata;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// A temporary file of mode 0600 in the directory of the file that it is to replace.
///
/// It is removed with this value; what a killed process leaves, by the next [`leftover::clean_up`].
pub struct Replacement {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl Replacement {
    /// A temporary file for the next version of the file that `path` leads to. Neither the file nor
    /// its directory has to exist.
    ///
    /// A symlink at `path` is followed, as renaming onto it would replace the link.
    ///
    /// # Errors
    /// The directory cannot be made or written to, or what is at `path` cannot be replaced by a
    /// file.
    pub fn of(path: &Path) -> Result<Self, Obstacle> {
        let target = target(path)?;
        let directory = directory::of(&target);
        directory::make_private(directory)?;
        check_replaceable(&target, directory)?;
        let temporary = leftover::create(&target)
            .map_err(|error| Obstacle::Directory(directory.to_owned(), error))?;
        Ok(Replacement { target, temporary })
    }

    /// What the system knows of the temporary file, and will know of the file.
    pub fn metadata(&self) -> std::io::Result<Metadata> {
        self.temporary.as_file().metadata()
    }

    /// Takes up as much space as the contents will need at most, so that a full disk shows.
    pub fn reserve(&mut self, bytes: usize) -> std::io::Result<()> {
        self.temporary.write_all(&vec![0; bytes])
    }

    /// Puts `contents` in the place of the file: readers see the old version or the new one, whole.
    ///
    /// A time that cannot be set, a file system that cannot sync and a directory that cannot be
    /// synced are no errors: the session was paid for with a code.
    ///
    /// # Errors
    /// The disk is full, or the like; the old version is still there.
    pub fn finish(mut self, contents: &[u8], modified: Option<SystemTime>) -> std::io::Result<()> {
        self.temporary.write_all(contents)?;
        let file = self.temporary.as_file();
        if let Some(modified) = modified {
            let _ = file.set_modified(modified);
        }
        match file.sync_all() {
            // Some network and FUSE file systems have no fsync(2).
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unsupported | ErrorKind::InvalidInput
                ) => {}
            synced => synced?,
        }
        put(self.temporary, &self.target)?;
        directory::sync(directory::of(&self.target));
        Ok(())
    }

    /// The file that will be replaced.
    pub fn target(&self) -> &Path {
        &self.target
    }
}

#[cfg(not(windows))]
fn put(temporary: NamedTempFile, target: &Path) -> std::io::Result<()> {
    temporary.persist(target)?;
    Ok(())
}

/// std's renaming succeeds while others have the target open, if they have let it be deleted; tempfile's does not.
#[cfg(windows)]
fn put(temporary: NamedTempFile, target: &Path) -> std::io::Result<()> {
    // Open until it has its name: it could be taken for a leftover.
    let (_open, path) = temporary.keep()?;
    let renamed = sharing::patiently(|| std::fs::rename(&path, target))
        .or_else(|error| put_aside(&path, target).map_err(|_| error));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    renamed
}

/// The last resort where a file that others have open can be renamed but not replaced: file systems other than NTFS, and
/// Wine. For a moment there is no file, which beats the loss of a session that was paid for with a code.
#[cfg(windows)]
fn put_aside(new: &Path, target: &Path) -> std::io::Result<()> {
    let old = leftover::create(target)?.into_temp_path();
    std::fs::rename(target, &old)?;
    std::fs::rename(new, target).inspect_err(|_| {
        let _ = std::fs::rename(&old, target);
    })
}

/// Removes the file that `path` leads to, and says whether there was one.
///
/// # Errors
/// The directory cannot be written to, or what is there is not a file.
pub fn remove(path: &Path) -> Result<bool, Obstacle> {
    let target = symlink::follow(path)?;
    #[cfg(not(windows))]
    let removed = std::fs::remove_file(&target);
    #[cfg(windows)]
    let removed = sharing::patiently(|| std::fs::remove_file(&target));
    match removed {
        Ok(()) => {
            directory::sync(directory::of(&target));
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The path of the file that `path` leads to, which need not exist.
///
/// # Errors
/// `path` is not a file's, or goes through a symlink of another user.
pub fn target(path: &Path) -> Result<PathBuf, Obstacle> {
    check_name(path)?;
    let target = symlink::follow(path)?;
    check_name(&target)?;
    Ok(target)
}

/// The name of a file, not of a directory, and one that means the same everywhere.
fn check_name(path: &Path) -> Result<(), Obstacle> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let ends_in_separator = bytes
        .last()
        .is_some_and(|byte| std::path::is_separator(char::from(*byte)));
    if ends_in_separator || path.file_name().is_none() {
        return Err(Obstacle::DirectoryName);
    }
    if path.starts_with("~") {
        return Err(Obstacle::Tilde);
    }
    if let Some(name) = path.file_name().and_then(OsStr::to_str)
        && !FileNames::HERE.allow(name)
    {
        return Err(Obstacle::ReservedName);
    }
    Ok(())
}

/// Looks for what would make the renaming fail, once it is too late.
fn check_replaceable(target: &Path, directory: &Path) -> Result<(), Obstacle> {
    let metadata = match std::fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !metadata.is_file() {
        return Err(Obstacle::NotRegular(target.to_owned()));
    }
    if is_kept_by_sticky(directory, &metadata) {
        return Err(Obstacle::StickyDirectory(directory.to_owned()));
    }
    check_attributes(target)
}

/// Whether only another user can replace the file, see the restricted deletion flag in inode(7).
#[cfg(unix)]
fn is_kept_by_sticky(directory: &Path, target: &Metadata) -> bool {
    use super::access::is_own;
    use std::os::unix::fs::MetadataExt;
    !rustix::process::geteuid().is_root()
        && !is_own(target)
        && std::fs::metadata(directory)
            .is_ok_and(|directory| directory.mode() & 0o1000 != 0 && !is_own(&directory))
}

#[cfg(not(unix))]
fn is_kept_by_sticky(_: &Path, _: &Metadata) -> bool {
    false
}

/// A file that is mounted by itself, as containers do it, can be written but not replaced; nor can
/// one that chattr(1) protects.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn check_attributes(target: &Path) -> Result<(), Obstacle> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let Ok(status) = statx(CWD, target, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) else {
        return Ok(());
    };
    let attributes = status.stx_attributes;
    if attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Err(Obstacle::MountPoint(target.to_owned()));
    }
    if attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
        return Err(Obstacle::Protected(target.to_owned()));
    }
    Ok(())
}

/// A file that is read-only cannot be replaced, nor one that another program has open and does not let be deleted.
#[cfg(windows)]
fn check_attributes(target: &Path) -> Result<(), Obstacle> {
    use std::os::windows::fs::OpenOptionsExt;
    if target.metadata()?.permissions().readonly() {
        return Err(Obstacle::ReadOnly(target.to_owned()));
    }
    sharing::patiently(|| File::options().access_mode(sharing::DELETE).open(target))?;
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
fn check_attributes(_: &Path) -> Result<(), Obstacle> {
    Ok(())
}
