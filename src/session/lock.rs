//! One process at a time for one file: for a `get --unless-valid`, the renewal of a role, a rotation.

use super::error::Obstacle;
use super::{access, directory, replacement, symlink};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often [`Lock::take_within`] tries: std has no lock with a time limit.
const POLL: Duration = Duration::from_millis(50);

/// The lock of one file; it ends with this value or with the process.
///
/// It is advisory and has its own file next to the locked one, because that one is replaced and must not change for its
/// watchers. The lock's file is never removed: otherwise two processes could hold the lock at once.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`. If another process holds it, calls `waiting` and waits, without a limit.
    ///
    /// # Errors
    /// The lock's file cannot be created, belongs to another user, or the file system has no locks.
    pub fn take(path: &Path, waiting: impl FnOnce()) -> Result<Self, Obstacle> {
        if let Some(lock) = Self::take_within(path, Duration::ZERO)? {
            return Ok(lock);
        }
        waiting();
        let file = open(path)?;
        file.lock()?;
        Ok(Lock { _file: file })
    }

    /// Takes the lock of the file at `path`, if it is free within `limit`.
    ///
    /// # Errors
    /// Those of [`Lock::take`].
    pub fn take_within(path: &Path, limit: Duration) -> Result<Option<Self>, Obstacle> {
        let deadline = Instant::now() + limit;
        let file = open(path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Lock { _file: file })),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }
}

fn open(path: &Path) -> Result<File, Obstacle> {
    let target = replacement::target(path)?;
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".lock");
    directory::make_private(directory::of(&target))?;
    let lock = target.with_file_name(name);

    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = match directory::with_private_umask(|| symlink::open(&lock, &mut options)) {
        Err(Obstacle::System(error)) => {
            return Err(match lock.symlink_metadata() {
                Ok(_) => Obstacle::LockFile(lock, error),
                Err(_) => Obstacle::Directory(directory::of(&lock).to_owned(), error),
            });
        }
        opened => opened?,
    };
    match file.metadata()? {
        metadata if metadata.is_file() && access::is_own(&metadata) => Ok(file),
        _ => Err(Obstacle::ForeignLockFile(lock)),
    }
}
