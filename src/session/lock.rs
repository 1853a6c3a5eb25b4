//! One `get` at a time for one session file.

use super::store::SessionStore;
use anyhow::Context;
use std::fs::{File, TryLockError};

/// The right to get a session for one file; it ends with this value, or with the process.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, and waits for another `get` that holds it, after `waiting` was called once.
    ///
    /// It is advisory, on a file of its own beside the session file: the session file itself is
    /// replaced, and must not change for those who watch it. The lock's file stays, because to
    /// remove it would let two hold the lock at once.
    ///
    /// # Errors
    /// The lock's file cannot be made.
    pub fn take(store: &SessionStore, waiting: impl FnOnce()) -> anyhow::Result<Self> {
        let path = store.lock_path()?;
        let file = options()
            .open(&path)
            .with_context(|| format!("cannot open the lock {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock()
                    .with_context(|| format!("cannot take the lock {}", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error)
                    .with_context(|| format!("cannot take the lock {}", path.display()));
            }
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
