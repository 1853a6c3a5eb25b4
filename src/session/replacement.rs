//! A file's next version: written beside it, and put in its place whole.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// How the name of a temporary file begins, so that one which was left behind can be told.
const PREFIX: &str = ".aws-mfa-";

/// As many symlinks as Linux follows for one path.
const MOST_SYMLINKS: usize = 40;

/// A temporary file of mode 0600 in the folder of the file that it is to replace.
///
/// It goes away with this value. What remains of a process that was killed is removed by the next
/// [`clean_up`]: a temporary file is locked as long as its process lives.
pub struct Replacement {
    target: PathBuf,
    temporary: NamedTempFile,
}

/// Why a file cannot be replaced, as the rest of a sentence, and what to do about it.
pub struct Fault {
    /// What is wrong.
    pub reason: String,
    /// The remedy.
    pub hint: &'static str,
}

/// The remedy where this place will not do.
pub const ELSEWHERE: &str = "name another file with AWS_SESSION_FILE or --session-file";

impl Fault {
    /// A fault with its remedy.
    pub fn new(reason: impl Into<String>, hint: &'static str) -> Self {
        Fault {
            reason: reason.into(),
            hint,
        }
    }

    /// What the system said of `folder`.
    fn of_folder(folder: &Path, error: std::io::Error) -> Self {
        let fault = Fault::from(error);
        Fault {
            reason: format!(
                "cannot write in the folder {}: {}",
                folder.display(),
                fault.reason
            ),
            ..fault
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        let hint = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some room on that disk",
            ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidFilename => ELSEWHERE,
            _ => "mend that, or name another file with AWS_SESSION_FILE or --session-file",
        };
        Fault::new(crate::error::reason(&error), hint)
    }
}

impl Replacement {
    /// A temporary file for the next version of the file that `path` leads to. Neither has to be
    /// there, nor has the folder.
    ///
    /// A symlink at `path` is followed, as renaming onto it would replace the link.
    ///
    /// # Errors
    /// The folder cannot be made or written to, or what is at `path` cannot be replaced by a file.
    pub fn of(path: &Path) -> Result<Self, Fault> {
        check_name(path)?;
        let target = follow_symlinks(path)?;
        check_name(&target)?;
        let folder = folder(&target);
        if std::fs::metadata(folder).is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(Fault::of_folder(folder, ErrorKind::NotADirectory.into()));
        }
        make_private_folder(folder).map_err(|error| Fault::of_folder(folder, error))?;
        check_replaceable(&target, folder)?;
        let temporary = temporary_file(folder).map_err(|error| Fault::of_folder(folder, error))?;
        Ok(Replacement { target, temporary })
    }

    /// What the system knows of the temporary file, and will know of the file.
    pub fn metadata(&self) -> std::io::Result<Metadata> {
        self.temporary.as_file().metadata()
    }

    /// Takes up as much room as the contents will need at most, so that a full disk shows.
    pub fn reserve(&mut self, bytes: usize) -> std::io::Result<()> {
        self.temporary.write_all(&vec![0; bytes])
    }

    /// Puts `contents` in the place of the file: readers see the old version or the new one, whole.
    ///
    /// # Errors
    /// The disk is full, or the like; the old version is still there.
    pub fn finish(mut self, contents: &[u8], modified: Option<SystemTime>) -> Result<(), Fault> {
        self.temporary.write_all(contents)?;
        let file = self.temporary.as_file();
        if let Some(modified) = modified {
            file.set_modified(modified)?;
        }
        file.sync_all()?;
        let renamed = self.temporary.persist(&self.target);
        renamed.map_err(|error| error.error)?;
        sync_folder(folder(&self.target));
        Ok(())
    }

    /// The file that will be replaced.
    pub fn target(&self) -> &Path {
        &self.target
    }
}

/// Removes the file that `path` leads to, and says whether there was one.
///
/// # Errors
/// The folder cannot be written to, or what is there is not a file.
pub fn remove(path: &Path) -> Result<bool, Fault> {
    let target = follow_symlinks(path)?;
    match std::fs::remove_file(&target) {
        Ok(()) => {
            sync_folder(folder(&target));
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Opens a file beside the one that `path` leads to, whose name is put between `before` and
/// `after`; the folder is made if it is missing.
///
/// # Errors
/// The folder cannot be made, or `open` fails.
pub fn beside(
    path: &Path,
    before: &str,
    after: &str,
    open: impl FnOnce(&Path) -> std::io::Result<File>,
) -> Result<File, Fault> {
    check_name(path)?;
    let target = follow_symlinks(path)?;
    let folder = folder(&target);
    let mut name = OsString::from(before);
    name.push(target.file_name().unwrap_or_default());
    name.push(after);
    make_private_folder(folder)
        .and_then(|()| with_private_umask(|| open(&target.with_file_name(name))))
        .map_err(|error| Fault::of_folder(folder, error))
}

/// Removes the temporary files beside the file at `path` that killed processes have left behind.
///
/// Nothing depends on it, so that it has no errors: where the folder cannot be read, or the file
/// system knows no locks, they stay.
pub fn clean_up(path: &Path) {
    let Ok(target) = follow_symlinks(path) else {
        return;
    };
    for entry in std::fs::read_dir(folder(&target))
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            remove_if_abandoned(&entry.path());
        }
    }
}

/// On Windows a lock would keep readers of the renamed file out, so that files are not locked.
#[cfg(not(unix))]
fn remove_if_abandoned(_: &Path) {}

#[cfg(unix)]
fn remove_if_abandoned(temporary: &Path) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let opened = File::options()
        .read(true)
        .write(true)
        .custom_flags(flags.bits() as i32)
        .open(temporary);
    let Ok(file) = opened else { return };
    let ours = file.metadata().is_ok_and(|metadata| {
        metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw()
    });
    if ours && file.try_lock().is_ok() {
        let _ = std::fs::remove_file(temporary);
    }
}

/// A new file, locked. Between its making and its locking another process may take it for one that
/// was left behind and remove it: then there is a next one.
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    loop {
        let temporary =
            with_private_umask(|| tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder))
                // tempfile names the random path in its message; the folder is what matters.
                .map_err(|error| match error.raw_os_error() {
                    Some(code) => std::io::Error::from_raw_os_error(code),
                    None => error,
                })?;
        if hold(temporary.as_file())? {
            return Ok(temporary);
        }
    }
}

/// Locks a temporary file; false where another process has taken it away.
#[cfg(unix)]
fn hold(file: &File) -> std::io::Result<bool> {
    use std::fs::TryLockError;
    use std::os::unix::fs::MetadataExt;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        // A file system without locks: nobody can lock the file to remove it either.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file.metadata()?.nlink() > 0),
    }
}

#[cfg(not(unix))]
fn hold(_: &File) -> std::io::Result<bool> {
    Ok(true)
}

/// The name of a file, not of a folder, and one that means the same everywhere.
fn check_name(path: &Path) -> Result<(), Fault> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let ends_in_separator = bytes
        .last()
        .is_some_and(|byte| std::path::is_separator(char::from(*byte)));
    if ends_in_separator || path.file_name().is_none() {
        return Err(Fault::new("that is the name of a folder", ELSEWHERE));
    }
    if path.starts_with("~") {
        return Err(Fault::new(
            "no shell has expanded the ~",
            "write $HOME instead of ~, or take the quotes away",
        ));
    }
    Ok(())
}

/// The folder of a file.
fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The file that `path` leads to, which need not exist.
///
/// A symlink counts only where this user or root has made it: in a folder that others can write
/// in, one of theirs would have any file of this user's replaced. (Linux guards open(2) by the same
/// rule, `fs.protected_symlinks`, but not a path that is resolved by readlink(2).)
fn follow_symlinks(path: &Path) -> Result<PathBuf, Fault> {
    let mut target = path.to_owned();
    for _ in 0..MOST_SYMLINKS {
        let Ok(next) = std::fs::read_link(&target) else {
            return Ok(target);
        };
        if !std::fs::symlink_metadata(&target).is_ok_and(|link| is_trusted(&link)) {
            return Err(Fault::new(
                format!("{} is a symlink of another user's", target.display()),
                ELSEWHERE,
            ));
        }
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(Fault::new("too many levels of symbolic links", ELSEWHERE))
}

#[cfg(unix)]
fn is_trusted(link: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    link.uid() == 0 || link.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_trusted(_: &Metadata) -> bool {
    true
}

/// Looks for what would have the renaming fail, once it is too late.
fn check_replaceable(target: &Path, folder: &Path) -> Result<(), Fault> {
    let metadata = match std::fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !metadata.is_file() {
        return Err(Fault::new(
            format!("{} is not a regular file", target.display()),
            ELSEWHERE,
        ));
    }
    if is_anothers_in_sticky_folder(&metadata, folder) {
        return Err(Fault::new(
            format!(
                "another user owns it, and the folder {} lets nobody else replace it",
                folder.display()
            ),
            ELSEWHERE,
        ));
    }
    check_attributes(target)
}

#[cfg(unix)]
fn is_anothers_in_sticky_folder(target: &Metadata, folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid();
    !user.is_root()
        && target.uid() != user.as_raw()
        && std::fs::metadata(folder)
            .is_ok_and(|folder| folder.mode() & 0o1000 != 0 && folder.uid() != user.as_raw())
}

#[cfg(not(unix))]
fn is_anothers_in_sticky_folder(_: &Metadata, _: &Path) -> bool {
    false
}

/// A file that is mounted by itself, as containers do it, can be written but not replaced; nor can
/// one that `chattr` protects.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn check_attributes(target: &Path) -> Result<(), Fault> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let Ok(status) = statx(CWD, target, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) else {
        return Ok(());
    };
    let attributes = status.stx_attributes;
    if attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Err(Fault::new(
            format!(
                "{} is a mount point and cannot be replaced",
                target.display()
            ),
            "mount its folder instead of the file",
        ));
    }
    if attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
        return Err(Fault::new(
            format!("{} is protected from being replaced", target.display()),
            "run `chattr -i -a` on it as root",
        ));
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn check_attributes(_: &Path) -> Result<(), Fault> {
    Ok(())
}

/// Makes the folder and those above it that are missing, each of mode 0700.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    with_private_umask(|| builder.create(folder))
}

/// Makes something with exactly the mode that is asked for: under the umask 0277 or 0777 the user
/// could not read what is made, and setting its mode later is a thing that can fail.
#[cfg(unix)]
fn with_private_umask<T>(make: impl FnOnce() -> T) -> T {
    use rustix::fs::Mode;
    use rustix::process::umask;
    let before = umask(Mode::RWXG | Mode::RWXO);
    let made = make();
    umask(before);
    made
}

#[cfg(not(unix))]
fn with_private_umask<T>(make: impl FnOnce() -> T) -> T {
    make()
}

/// Makes the renaming last, which is a change of the folder. Where the folder cannot be opened or
/// synced (no permission to read it, some network file systems; Windows has no such call), the new
/// version is in place all the same.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
