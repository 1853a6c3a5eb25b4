//! One `get --unless-valid` at a time for one session file.

use super::error::Obstacle;
use super::{access, directory, replacement, symlink};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often the lock is tried.
const POLL: Duration = Duration::from_millis(50);

/// How many tries there are between two reports: 30 seconds.
const POLLS_PER_REPORT: u32 = 600;

/// The command that ends a process, given its id.
const KILL: &str = if cfg!(windows) {
    "taskkill /f /pid"
} else {
    "kill"
};

/// The lock of one session file; it ends with this value or with the process.
pub struct Lock {
    file: File,
    is_signed: bool,
}

/// Another process has the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The other process's id, if known.
    pub holder: Option<u32>,
    /// Whether this was reported before.
    pub again: bool,
}

impl Waiting {
    /// The one-line notice for the user; after a long wait, it says what to do. `get_command` needs no lock.
    pub fn message(self, get_command: &str) -> String {
        let pid = |before: &str, after: &str| match self.holder {
            Some(pid) => format!("{before}{pid}{after}"),
            None => String::new(),
        };
        let mut message = format!(
            "another `aws-mfa get` is already running{}; waiting for it to finish",
            pid(" (pid ", ")")
        );
        if self.again {
            message.push_str(&format!(
                ": give it a code, {}or press Ctrl-C and run `{get_command}`",
                pid(&format!("end it with `{KILL} "), "`, ")
            ));
        }
        message
    }
}

impl Lock {
    /// Takes the lock of the session file at `path`. While another process holds it, this waits, and reports that at
    /// once and every 30 seconds.
    ///
    /// The lock is advisory and has its own file next to the session file, because the session file is replaced and must
    /// not change for its watchers. The lock's file contains the id of the process that holds the lock. It is never
    /// removed: otherwise two processes could hold the lock at once.
    ///
    /// # Errors
    /// The lock's file cannot be created, belongs to another user, or the file system has no locks.
    pub fn take(path: &Path, waiting: impl FnMut(Waiting)) -> Result<Self, Obstacle> {
        Self::poll(path, POLL, POLLS_PER_REPORT, waiting)
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
                Ok(()) => return Ok(Some(Self::signed(file))),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    fn signed(file: File) -> Self {
        let mut lock = Lock {
            file,
            is_signed: false,
        };
        lock.sign();
        lock
    }

    fn poll(
        path: &Path,
        interval: Duration,
        polls_per_report: u32,
        mut waiting: impl FnMut(Waiting),
    ) -> Result<Self, Obstacle> {
        let file = open(path)?;
        let mut polls: u32 = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            // From the second try on: a process that has just taken the lock has not signed it yet.
            if polls % polls_per_report == 1 {
                waiting(Waiting {
                    holder: holder(&file),
                    again: polls > 1,
                });
            }
            polls = polls.wrapping_add(1);
            std::thread::sleep(interval);
        }
        Ok(Self::signed(file))
    }

    /// Writes this process's id into the lock's file, for messages only. Replaces nothing but a number: through the
    /// user's own symlink, this can be any file.
    fn sign(&mut self) {
        let mut file = &self.file;
        let is_vacant = file
            .metadata()
            .is_ok_and(|metadata| metadata.len() == 0 || holder(file).is_some());
        if !is_vacant {
            return;
        }
        self.is_signed = true;
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    }
}

impl Drop for Lock {
    /// Removes the id: that of an ended process would mislead the next ones that wait.
    fn drop(&mut self) {
        if self.is_signed {
            let _ = self.file.set_len(0);
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

fn holder(mut file: &File) -> Option<u32> {
    let mut number = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(16).read_to_string(&mut number).ok()?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_reported_with_the_holder_again_and_again() {
        let directory = tempfile::tempdir().unwrap();
        let session = directory.path().join("session");
        let mut held = Some(Lock::take(&session, |_| panic!("it is free")).unwrap());
        let mut reports = Vec::new();
        let taken = Lock::poll(&session, Duration::ZERO, 3, |report| {
            reports.push(report);
            if reports.len() == 3 {
                held = None;
            }
        });
        assert!(taken.is_ok());
        let holder = Some(std::process::id());
        if cfg!(windows) {
            // There a lock keeps others from reading, too.
            reports.iter_mut().for_each(|report| report.holder = holder);
        }
        let report = |again| Waiting { holder, again };
        assert_eq!(reports, [report(false), report(true), report(true)]);
        drop(taken);
        let file = File::open(directory.path().join(".session.lock")).unwrap();
        assert_eq!(super::holder(&file), None);
    }

    #[test]
    fn long_wait_is_reported_with_what_to_do() {
        let message = |holder, again| Waiting { holder, again }.message("aws-mfa get <code>");
        let waiting = "another `aws-mfa get` is already running (pid 42); waiting for it to finish";
        assert_eq!(message(Some(42), false), waiting);
        assert_eq!(
            message(Some(42), true),
            format!(
                "{waiting}: give it a code, end it with `{KILL} 42`, \
                 or press Ctrl-C and run `aws-mfa get <code>`"
            )
        );
        assert_eq!(
            message(None, true),
            "another `aws-mfa get` is already running; waiting for it to finish: \
             give it a code, or press Ctrl-C and run `aws-mfa get <code>`"
        );
    }
}
