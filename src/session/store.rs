//! The session file: checked when it is read, replaced atomically.

use super::Session;
use super::access::{self, Access, Refusal};
use super::error::{Error, Obstacle, Problem, Warning};
use super::lock::{Lock, Waiting};
use super::replacement::{self, Replacement};
use super::{directory, json, leftover, symlink};
use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The largest session file, in bytes: STS's tokens have a few kilobytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// More space than a session needs, in bytes.
const ROOM: usize = 16 * 1024;

/// The file of one session.
pub struct SessionStore {
    path: PathBuf,
}

/// A session from a file, with a warning about the file.
pub struct Loaded {
    /// The session. It may have expired.
    pub session: Session,
    /// Others can read the file.
    pub warning: Option<Warning>,
}

impl SessionStore {
    /// The store at `path`. Opens nothing.
    pub fn new(path: PathBuf) -> Self {
        SessionStore { path }
    }

    /// The file's path, as configured.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session in the file, expired or not.
    ///
    /// # Errors
    /// There is no file, it cannot be read, it is not a session, or another user could have written it.
    pub fn read(&self) -> Result<Loaded, Error> {
        self.read_file().map_err(|problem| self.error(problem))
    }

    fn read_file(&self) -> Result<Loaded, Problem> {
        let file = self.open()?;
        let unreadable = |error| Problem::Unreadable(Obstacle::System(error));
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Problem::Corrupt("not a regular file".to_owned()));
        }
        let warning = match access::of_file(&metadata) {
            Access::Private => None,
            Access::Readable { mode } => Some(Warning::Readable {
                file: self.path.clone(),
                mode,
            }),
            Access::Refused(refusal) => return Err(Problem::Refused(refusal)),
        };
        // Room for the whole file, so that two read(2) calls are enough: one for the contents, one for the end.
        let size = metadata.len().min(LARGEST_FILE) as usize + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        file.take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let session = parse(&bytes).map_err(Problem::Corrupt)?;
        Ok(Loaded { session, warning })
    }

    fn open(&self) -> Result<File, Problem> {
        symlink::open(&self.path, File::options().read(true)).map_err(|obstacle| match obstacle {
            Obstacle::System(error) if error.kind() == ErrorKind::NotFound => {
                match self.path.starts_with("~") {
                    true => Problem::Unreadable(Obstacle::Tilde),
                    false => Problem::Missing,
                }
            }
            Obstacle::ForeignSymlink(link) => Problem::Refused(Refusal::ForeignSymlink(link)),
            obstacle => Problem::Unreadable(obstacle),
        })
    }

    /// The warning for a directory in which others can replace the file. For subcommands that save or report a session,
    /// not for every `load`.
    pub fn directory_warning(&self) -> Option<Warning> {
        let target = symlink::follow(&self.path).ok()?;
        [self.path.as_path(), &target].into_iter().find_map(|file| {
            let directory = directory::of(file);
            let mode = access::shared_mode(&std::fs::metadata(directory).ok()?)?;
            let directory = directory.to_owned();
            Some(Warning::SharedDirectory { directory, mode })
        })
    }

    /// Removes the file and the leftovers of killed `get`s. Returns whether there was a file. If it is a symlink, the
    /// target is removed and the link stays: no session is left, and the next one is saved in the same place.
    ///
    /// # Errors
    /// The directory cannot be written to, or something other than a file is there.
    pub fn remove(&self) -> Result<bool, Error> {
        leftover::clean_up(&self.path);
        replacement::remove(&self.path)
            .map_err(|obstacle| self.error(Problem::NotRemoved(obstacle)))
    }

    /// The lock of this file, see [`Lock::take`].
    ///
    /// # Errors
    /// Those of [`Lock::take`]. A session can be saved without the lock.
    pub fn lock(&self, waiting: impl FnMut(Waiting)) -> Result<Lock, Error> {
        Lock::take(&self.path, waiting).map_err(|obstacle| self.error(Problem::NotLocked(obstacle)))
    }

    /// Checks that a session could be saved, before a code is spent on it, and removes the leftovers of killed `get`s.
    ///
    /// # Errors
    /// The directory cannot be created or written to, the disk is full, something other than a file is there, or `load`
    /// would reject the file.
    pub fn prepare(&self) -> Result<(), Error> {
        leftover::clean_up(&self.path);
        let probe = || -> Result<(), Obstacle> {
            let mut probe = Replacement::of(&self.path)?;
            probe.reserve(ROOM)?;
            match access::of_file(&probe.metadata()?) {
                Access::Refused(refusal) => Err(Obstacle::RefusedByLoad(refusal)),
                Access::Private | Access::Readable { .. } => Ok(()),
            }
        };
        probe().map_err(|obstacle| self.error(Problem::NotSaved(obstacle)))
    }

    /// Replaces the file with one that contains `session`. Readers see either the old file or the new one, whole; a
    /// failure leaves the old one unchanged.
    ///
    /// # Errors
    /// The file cannot be written, or [`Self::read`] would reject it.
    pub fn save(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let save = || -> Result<(), Obstacle> {
            let json = json::render(session)?;
            parse(&json).map_err(Obstacle::CorruptForLoad)?;
            let replacement = Replacement::of(&self.path)?;
            let modified = next_second(last_modified(&self.path, replacement.target()), now);
            Ok(replacement.finish(&json, modified)?)
        };
        save().map_err(|obstacle| self.error(Problem::NotSaved(obstacle)))
    }

    fn error(&self, problem: Problem) -> Error {
        Error {
            file: self.path.clone(),
            problem,
        }
    }
}

/// Parses a file's contents. Reading and saving use the same rules.
fn parse(contents: &[u8]) -> Result<Session, String> {
    if contents.len() as u64 > LARGEST_FILE {
        return Err("larger than 1 MiB".to_owned());
    }
    json::parse(contents)
}

/// The file's modification time for watchers: direnv uses the later time of a symlink and its target.
fn last_modified(path: &Path, target: &Path) -> Option<SystemTime> {
    [std::fs::symlink_metadata(path), std::fs::metadata(target)]
        .into_iter()
        .flatten()
        .filter_map(|metadata| metadata.modified().ok())
        .max()
}

/// A modification time that direnv can distinguish from `previous`, if `now` is not one: direnv compares whole seconds.
fn next_second(previous: Option<SystemTime>, now: Timestamp) -> Option<SystemTime> {
    let previous = Timestamp::try_from(previous?).ok()?.as_second();
    let next = u64::try_from(previous + 1).ok()?;
    (now.as_second() <= previous).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn second_save_within_a_second_gets_the_next_second() {
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

    fn session(token: String) -> Session {
        Session {
            access_key_id: "ASIA".into(),
            secret_access_key: "s".into(),
            session_token: token.into(),
            expiration: None,
            region: None,
            provenance: crate::session::Provenance::default(),
        }
    }

    #[test]
    fn session_that_reading_would_reject_is_not_saved() {
        let directory = tempfile::tempdir().unwrap();
        let store = SessionStore::new(directory.path().join("session"));
        let now = Timestamp::UNIX_EPOCH;
        assert!(store.save(&session("old".into()), now).is_ok());
        for (token, reason) in [
            ("a\0b".to_owned(), "SessionToken contains a NUL"),
            ("t".repeat(1024 * 1024), "larger than 1 MiB"),
            // Six bytes each after escaping.
            ("\u{1}".repeat(200 * 1024), "larger than 1 MiB"),
        ] {
            match store.save(&session(token), now).err().unwrap().problem {
                Problem::NotSaved(Obstacle::CorruptForLoad(fault)) => assert_eq!(fault, reason),
                problem => panic!("{problem:?}"),
            }
            let kept = store.read().ok().unwrap().session;
            assert_eq!(kept.session_token.expose_secret(), "old");
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn largest_session_is_saved_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let store = SessionStore::new(directory.path().join("session"));
        let token = "t".repeat(1024 * 1024 - 200);
        assert!(store.save(&session(token), Timestamp::UNIX_EPOCH).is_ok());
        assert!(store.read().is_ok());
    }
}
