//! The session file: read with care, replaced whole.

use super::Session;
use super::json;
use super::lock::Lock;
use super::replacement::{self, Fault, Replacement};
use crate::error::{Failure, Kind};
use crate::file;
use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// No session file is larger: STS's tokens are a few kilobytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// More than a session takes, in bytes.
const ROOM: usize = 16 * 1024;

/// The file that keeps one session.
pub struct SessionStore {
    path: PathBuf,
}

/// A session as it was read, with what its owner should know of the file.
pub struct Loaded {
    /// The session; it may have expired.
    pub session: Session,
    /// One line, where others may read the file.
    pub warning: Option<String>,
}

impl SessionStore {
    /// The store at `path`; nothing is opened yet.
    pub fn new(path: PathBuf) -> Self {
        SessionStore { path }
    }

    /// The file's path, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session in the file, expired or not.
    ///
    /// # Errors
    /// There is no file, it cannot be read, it is not a session, or somebody else could have
    /// written it.
    pub fn read(&self) -> Result<Loaded, Failure> {
        let (file, metadata) = self.open()?;
        let warning = self.check_access(&metadata)?;
        if metadata.len() > LARGEST_FILE {
            return Err(self.corrupt("larger than 1 MiB"));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
        file.take(LARGEST_FILE)
            .read_to_end(&mut bytes)
            .map_err(|error| self.unreadable(&error))?;
        let session = json::parse(&bytes).map_err(|fault| self.corrupt(&fault))?;
        Ok(Loaded { session, warning })
    }

    /// Opens the file without ever waiting: opening a fifo would block until somebody writes to it.
    fn open(&self) -> Result<(File, Metadata), Failure> {
        match file::open(&self.path) {
            Ok((file, metadata)) if metadata.is_file() => Ok((file, metadata)),
            Ok(_) => Err(self.corrupt("not a regular file")),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::new(
                Kind::NoSession,
                format!("no session yet ({})", self.path.display()),
            )),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn check_access(&self, metadata: &Metadata) -> Result<Option<String>, Failure> {
        let path = self.path.display();
        match access(metadata) {
            Access::Private => Ok(None),
            Access::Readable { mode } => Ok(Some(format!(
                "others can read the session file, mode {mode:04o}: chmod 600 {path}"
            ))),
            Access::Refused { reason } => Err(Failure::new(
                Kind::NoSession,
                format!("session file refused: {reason} ({path})"),
            )),
        }
    }

    fn corrupt(&self, fault: &str) -> Failure {
        Failure::new(
            Kind::NoSession,
            format!("session file is corrupt: {fault} ({})", self.path.display()),
        )
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::new(
            Kind::NoSession,
            format!(
                "cannot read the session file {}: {}",
                self.path.display(),
                crate::error::reason(error)
            ),
        )
    }

    /// Removes the file, and says whether there was one. A symlink stays, and what it leads to is
    /// removed: no session is left behind, and the next one is saved in the same place. What killed
    /// `get`s have left beside it goes too.
    ///
    /// # Errors
    /// The folder cannot be written to, or something that is not a file is in the place.
    pub fn remove(&self) -> Result<bool, Failure> {
        replacement::clean_up(&self.path);
        replacement::remove(&self.path).map_err(|fault| {
            Failure::new(
                Kind::Setup,
                format!(
                    "cannot remove the session file {}: {}",
                    self.path.display(),
                    fault.reason
                ),
            )
            .hint(fault.hint)
        })
    }

    /// The right to get a session for this file, see [`Lock::take`].
    ///
    /// # Errors
    /// The lock's file cannot be made, or the file system has no locks.
    pub fn lock(&self, waiting: impl FnOnce()) -> Result<Lock, Failure> {
        Lock::take(&self.path, waiting).map_err(|fault| {
            Failure::new(
                Kind::Setup,
                format!("cannot lock {}: {}", self.path.display(), fault.reason),
            )
            .hint(fault.hint)
        })
    }

    /// Makes sure that a session could be saved, and removes what a `get` that was killed has left
    /// behind. To be called before a code is spent on a session that has nowhere to go.
    ///
    /// # Errors
    /// The folder cannot be made or written to, the disk is full, something that is not a file is
    /// in the place, or `load` would refuse what is saved there.
    pub fn prepare(&self) -> Result<(), Failure> {
        replacement::clean_up(&self.path);
        let probe = || {
            let mut probe = Replacement::of(&self.path)?;
            probe.reserve(ROOM)?;
            match access(&probe.metadata()?) {
                Access::Refused { reason } => Err(Fault::new(
                    format!("load would refuse a file there: {reason}"),
                    replacement::ELSEWHERE,
                )),
                Access::Private | Access::Readable { .. } => Ok(()),
            }
        };
        probe().map_err(|fault| self.cannot_save(&fault))
    }

    /// Replaces the file by one with `session`: readers see the old or the new one whole, and a
    /// failure leaves the old one as it was.
    ///
    /// # Errors
    /// The folder cannot be made or written to, the disk is full, or the like.
    pub fn save(&self, session: &Session, now: Timestamp) -> Result<(), Failure> {
        let save = || {
            let json = json::render(session)?;
            let replacement = Replacement::of(&self.path)?;
            let modified = next_second(last_modified(&self.path, replacement.target()), now);
            replacement.finish(&json, modified)
        };
        save().map_err(|fault| self.cannot_save(&fault))
    }

    fn cannot_save(&self, fault: &Fault) -> Failure {
        Failure::new(
            Kind::Setup,
            format!(
                "cannot save the session in {}: {}",
                self.path.display(),
                fault.reason
            ),
        )
        .hint(fault.hint)
    }
}

/// What others can do with a file of this user's.
#[derive(Debug, PartialEq, Eq)]
enum Access {
    /// Nothing.
    Private,
    /// Read it.
    #[cfg_attr(not(unix), expect(dead_code, reason = "Windows has no modes"))]
    Readable { mode: u32 },
    /// Choose what is in it, and with it whose account one works in.
    #[cfg_attr(not(unix), expect(dead_code, reason = "Windows has no modes"))]
    Refused { reason: String },
}

/// A group that has the user's own number is the user's alone: where each user has such a group,
/// the umask is often 0002, and what other tools write there has mode 0664. `pam_umask(8)` goes by
/// the same rule.
#[cfg(unix)]
fn access(metadata: &Metadata) -> Access {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let mode = metadata.mode() & 0o777;
    let refused = |reason: String| Access::Refused { reason };
    if metadata.uid() != user {
        refused("another user owns it".to_owned())
    } else if mode & 0o002 != 0 {
        refused(format!("everybody can write it, mode {mode:04o}"))
    } else if mode & 0o020 != 0 && metadata.gid() != user {
        refused(format!("its group can write it, mode {mode:04o}"))
    } else if mode & 0o077 != 0 {
        Access::Readable { mode }
    } else {
        Access::Private
    }
}

/// Windows keeps the user's application data from others by inherited access lists.
#[cfg(not(unix))]
fn access(_: &Metadata) -> Access {
    Access::Private
}

/// When a watcher last saw the file change: direnv takes the later time of a symlink and its target.
fn last_modified(path: &Path, target: &Path) -> Option<SystemTime> {
    [std::fs::symlink_metadata(path), std::fs::metadata(target)]
        .into_iter()
        .flatten()
        .filter_map(|metadata| metadata.modified().ok())
        .max()
}

/// The modification time that direnv can tell from `previous`, where `now` is not late enough:
/// direnv compares whole seconds.
fn next_second(previous: Option<SystemTime>, now: Timestamp) -> Option<SystemTime> {
    let previous = Timestamp::try_from(previous?).ok()?.as_second();
    let next = u64::try_from(previous + 1).ok()?;
    (now.as_second() <= previous).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_save_within_a_second_gets_the_next_second() {
        let file = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
        let clock = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        assert_eq!(next_second(None, clock(5_000)), None);
        assert_eq!(next_second(Some(file(4_999)), clock(5_000)), None);
        assert_eq!(
            next_second(Some(file(5_100)), clock(5_900)),
            Some(file(6_000))
        );
        assert_eq!(
            next_second(Some(file(7_000)), clock(5_900)),
            Some(file(8_000))
        );
    }
}
