//! Atomic replacement: a file's next version is written next to it and renamed.

use super::error::Obstacle;
#[cfg(windows)]
use super::open_elsewhere;
use super::{access, directory, leftover, symlink};
use crate::error::Failure;
use crate::file_name::FileNames;
use crate::path::in_words;
use std::ffi::OsStr;
#[cfg(windows)]
use std::fs::File;
use std::fs::Metadata;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// A temporary file with mode 0600 in the directory of the file that it will replace.
///
/// Dropping this value removes it. If the process is killed, the next [`leftover::clean_up`] does.
pub struct Replacement {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl Replacement {
    /// A temporary file for the next version of the file at `path`. Neither the file nor its directory has to exist.
    ///
    /// A symlink at `path` is followed, because renaming would replace the link.
    ///
    /// # Errors
    /// The directory cannot be created or written to, or `path` is something that a file cannot replace.
    pub fn of(path: &Path) -> Result<Self, Obstacle> {
        let target = target(path)?;
        let directory = directory::of(&target);
        directory::make_private(directory)?;
        check_replaceable(&target, directory)?;
        let temporary = leftover::create(&target)
            .map_err(|error| Obstacle::Directory(directory.to_owned(), error))?;
        Ok(Replacement { target, temporary })
    }

    /// Replaces a user's own file, whose mode and group stay. A new one has mode 0600. A trial only checks that it could.
    ///
    /// # Errors
    /// Those of [`Replacement::of`] and [`Replacement::finish`], or another user owns the file.
    pub fn of_own(path: &Path, contents: &[u8], is_trial: bool) -> Result<(), Failure> {
        leftover::clean_up(path);
        let replace = || -> Result<(), Obstacle> {
            let mut replacement = Replacement::of(path)?;
            if let Ok(metadata) = std::fs::metadata(&replacement.target) {
                if !access::is_own(&metadata) {
                    return Err(Obstacle::RefusedByLoad(access::Distrust::ForeignFile));
                }
                replacement.resemble(&metadata)?;
            }
            match is_trial {
                true => replacement.reserve(contents.len())?,
                false => replacement.finish(contents, None)?,
            }
            Ok(())
        };
        replace().map_err(|obstacle| {
            let path = in_words(path);
            let why = match &obstacle {
                Obstacle::RefusedByLoad(refusal) => refusal.to_string(),
                other => other.to_string(),
            };
            Failure::setup(format!("cannot replace {path}: {why}"))
                .hint(format!("make {path} and its directory writable"))
        })
    }

    /// The metadata of the temporary file, and later of the file itself.
    pub fn metadata(&self) -> std::io::Result<Metadata> {
        self.temporary.as_file().metadata()
    }

    /// Gives the file the mode of another, and its group if this user may.
    fn resemble(&self, other: &Metadata) -> std::io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let file = self.temporary.as_file();
            if file.metadata()?.gid() != other.gid() {
                let _ = fchown(file, None, Some(other.gid()));
            }
            // After that: a change of the group can clear bits of the mode.
            file.set_permissions(other.permissions())?;
        }
        #[cfg(not(unix))]
        let _ = other;
        Ok(())
    }

    /// Uses as much space as the contents may need, to detect a full disk.
    pub fn reserve(&mut self, bytes: usize) -> std::io::Result<()> {
        self.temporary.write_all(&vec![0; bytes])
    }

    /// Replaces the file with `contents`: readers see either the old version or the new one, whole.
    ///
    /// It is no error if the time cannot be set, or the file system or the directory cannot be synced: the session has
    /// cost a code.
    ///
    /// # Errors
    /// The contents cannot be written, for example because the disk is full. The old version is still there.
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
        rename(self.temporary, &self.target)?;
        directory::sync(directory::of(&self.target));
        Ok(())
    }

    /// The file that will be replaced.
    pub fn target(&self) -> &Path {
        &self.target
    }
}

#[cfg(not(windows))]
fn rename(temporary: NamedTempFile, target: &Path) -> std::io::Result<()> {
    temporary.persist(target)?;
    Ok(())
}

/// std's rename also replaces a file that another program has open, if that program shares deletion; tempfile's does
/// not.
#[cfg(windows)]
fn rename(temporary: NamedTempFile, target: &Path) -> std::io::Result<()> {
    // The handle stays open until the end: without it, the file would count as a leftover.
    let (_open, path) = temporary.keep()?;
    let renamed = open_elsewhere::patiently(|| std::fs::rename(&path, target))
        .or_else(|error| put_aside(&path, target).map_err(|_| error));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    renamed
}

/// The last resort if an open file can be renamed but not replaced, as on file systems other than NTFS and in Wine. For a
/// moment there is no file, but no code is lost.
#[cfg(windows)]
fn put_aside(new: &Path, target: &Path) -> std::io::Result<()> {
    let old = leftover::create(target)?.into_temp_path();
    std::fs::rename(target, &old)?;
    std::fs::rename(new, target).inspect_err(|_| {
        let _ = std::fs::rename(&old, target);
    })
}

/// Removes the file at `path`, or its target if it is a symlink. Returns whether there was one.
///
/// # Errors
/// The directory cannot be written to, or something other than a file is there.
pub fn remove(path: &Path) -> Result<bool, Obstacle> {
    let target = symlink::follow(path)?;
    if regular_file(&target)?.is_none() {
        return Ok(false);
    }
    #[cfg(not(windows))]
    let removed = std::fs::remove_file(&target);
    #[cfg(windows)]
    let removed = open_elsewhere::patiently(|| std::fs::remove_file(&target));
    match removed {
        Ok(()) => {
            directory::sync(directory::of(&target));
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The path of the file at `path` after following symlinks. It may not exist.
///
/// # Errors
/// `path` cannot be a file, or another user's symlink is on the way.
pub fn target(path: &Path) -> Result<PathBuf, Obstacle> {
    check_name(path)?;
    let target = symlink::follow(path)?;
    check_name(&target)?;
    Ok(target)
}

/// Checks that `path` names a file, not a directory, and does so in every directory.
fn check_name(path: &Path) -> Result<(), Obstacle> {
    let last = path.as_os_str().as_encoded_bytes().last();
    let is_separator = |byte: &u8| std::path::is_separator(char::from(*byte));
    if last.is_some_and(is_separator) || path.file_name().is_none() {
        return Err(Obstacle::Path("that is the name of a directory"));
    }
    if path.starts_with("~") {
        return Err(Obstacle::Tilde);
    }
    if let Some(name) = path.file_name().and_then(OsStr::to_str)
        && !FileNames::HERE.allow(name)
    {
        return Err(Obstacle::Path("Windows does not allow this file name"));
    }
    Ok(())
}

/// Checks for everything that would make the renaming fail later.
fn check_replaceable(target: &Path, directory: &Path) -> Result<(), Obstacle> {
    let Some(metadata) = regular_file(target)? else {
        return Ok(());
    };
    if is_kept_by_sticky(directory, &metadata) {
        return Err(Obstacle::StickyDirectory(directory.to_owned()));
    }
    check_attributes(target)
}

/// The metadata of the regular file at `target`, if anything is there.
fn regular_file(target: &Path) -> Result<Option<Metadata>, Obstacle> {
    match std::fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(_) => Err(Obstacle::NotRegular(target.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
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

/// A file that is itself a mount point, as in containers, can be written but not replaced. Nor can a file that chattr(1)
/// protects.
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
    open_elsewhere::patiently(|| {
        File::options()
            .access_mode(open_elsewhere::DELETE)
            .open(target)
    })?;
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
fn check_attributes(_: &Path) -> Result<(), Obstacle> {
    Ok(())
}
