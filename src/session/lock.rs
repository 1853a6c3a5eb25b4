//! One `get` at a time for one session file.

use super::replacement::{self, Fault};
use std::fs::{File, TryLockError};
use std::path::Path;

/// The right to get a session for one file; it ends with this value, or with the process.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`, and waits for another `get` that holds it, after
    /// `waiting` was called once.
    ///
    /// It is advisory, on a file of its own beside the session file: the session file itself is
    /// replaced, and must not change for those who watch it. The lock's file stays, because to
    /// remove it would let two hold the lock at once.
    ///
    /// # Errors
    /// The lock's file cannot be made, or the file system has no locks.
    pub fn take(path: &Path, waiting: impl FnOnce()) -> Result<Self, Fault> {
        let file = replacement::beside(path, ".", ".lock", |lock| options().open(lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(Lock { _file: file })
    }
}

fn options() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
