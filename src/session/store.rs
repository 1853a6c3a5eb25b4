//! The session file: checked when it is read, replaced atomically.

use super::Session;
use super::access::{self, Access, Distrust};
use super::error::{Error, Obstacle, Problem, Warning};
use super::lock::Lock;
use super::replacement::{self, Replacement};
use super::{directory, json, leftover, name, symlink};
use crate::{file, word};
use jiff::Timestamp;
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
    /// Others can read the file, or write to it.
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
            Access::Readable { mode } => Some(self.warning("read", mode)),
            Access::Writable { mode } => Some(self.warning("write to", mode)),
            Access::Refused(refusal) => return Err(Problem::Refused(refusal)),
        };
        // Room for the whole file, so that two read(2) calls are enough: one for the contents, one for the end.
        let size = metadata.len().min(LARGEST_FILE) as usize + 1;
        let mut bytes = Vec::with_capacity(size);
        file.take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let session = parse(&bytes).map_err(Problem::Corrupt)?;
        Ok(Loaded { session, warning })
    }

    fn warning(&self, what: &str, mode: u32) -> Warning {
        Warning {
            message: format!("others can {what} the session file (mode {mode:04o})"),
            remedy: format!("chmod 600 {}", word::of_path(&self.path)),
        }
    }

    fn open(&self) -> Result<File, Problem> {
        let is_foreign = || std::fs::metadata(&self.path).is_ok_and(|it| !access::is_own(&it));
        symlink::open(&self.path, File::options().read(true)).map_err(|obstacle| match obstacle {
            Obstacle::System(error)
                if error.kind() == ErrorKind::PermissionDenied && is_foreign() =>
            {
                Problem::Refused(Distrust::ForeignFile)
            }
            Obstacle::System(error) if error.kind() != ErrorKind::NotFound => {
                Problem::Unreadable(error.into())
            }
            Obstacle::System(_) if self.path.starts_with("~") => {
                Problem::Unreadable(Obstacle::Tilde)
            }
            Obstacle::System(_) => Problem::Missing,
            Obstacle::Distrusted(why) => Problem::Refused(why),
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
            let what = "replace files in the session file's directory";
            Some(Warning {
                message: format!("others can {what} (mode {mode:04o})"),
                remedy: format!("chmod go-w {}", word::of_path(directory)),
            })
        })
    }

    /// Removes the file and the leftovers of killed `get`s. Returns whether there was a file. If it is a symlink, the
    /// target is removed and the link stays: no session is left, and the next one is saved in the same place.
    ///
    /// # Errors
    /// The directory cannot be written to, or something other than a session is there.
    pub fn remove(&self) -> Result<bool, Error> {
        leftover::clean_up(&self.path);
        self.check_contents()
            .and_then(|()| replacement::remove(&self.path))
            .map_err(|obstacle| self.error(Problem::NotRemoved(obstacle)))
    }

    /// The lock of this file, see [`Lock::take`].
    ///
    /// # Errors
    /// Those of [`Lock::take`]. A session can be saved without the lock.
    pub fn lock(&self, waiting: impl FnOnce()) -> Result<Lock, Error> {
        Lock::take(&self.path, waiting).map_err(|obstacle| self.error(Problem::NotLocked(obstacle)))
    }

    /// The same, within this limit; `None` if another process holds it for longer.
    ///
    /// # Errors
    /// Those of [`Lock::take_within`].
    pub fn lock_within(&self, limit: Duration) -> Result<Option<Lock>, Error> {
        Lock::take_within(&self.path, limit)
            .map_err(|obstacle| self.error(Problem::NotLocked(obstacle)))
    }

    /// Checks that a session could be saved, before a code is spent on it, and removes the leftovers of killed `get`s.
    ///
    /// # Errors
    /// The directory cannot be created or written to, the disk is full, something other than a session is there, or `load`
    /// would reject the file.
    pub fn prepare(&self) -> Result<(), Error> {
        leftover::clean_up(&self.path);
        let probe = || -> Result<(), Obstacle> {
            let mut probe = Replacement::of(&self.path)?;
            self.check_contents()?;
            probe.reserve(ROOM)?;
            match access::of_file(&probe.metadata()?) {
                Access::Refused(refusal) => Err(Obstacle::RefusedByLoad(refusal)),
                Access::Private | Access::Readable { .. } | Access::Writable { .. } => Ok(()),
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

    /// Whether the file has a session in it, perhaps a damaged one. One that cannot be read may have.
    pub fn has_session(&self) -> bool {
        match file::read(&self.path, LARGEST_FILE) {
            Ok(contents) => json::is_session(&contents),
            Err(error) => ![ErrorKind::NotFound, ErrorKind::FileTooLarge].contains(&error.kind()),
        }
    }

    /// Protects a user's other file, such as `~/.aws/credentials`, that `AWS_SESSION_FILE` names by mistake. A file with
    /// the name of a session may contain anything.
    fn check_contents(&self) -> Result<(), Obstacle> {
        if name::is_of_saved_file(&self.path) {
            return Ok(());
        }
        match file::read(&symlink::follow(&self.path)?, LARGEST_FILE) {
            Ok(contents) if !json::could_be_session(&contents) => Err(Obstacle::OtherContents),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(Obstacle::OtherContents),
            // A file that cannot be read may still be replaced or removed.
            _ => Ok(()),
        }
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

    #[cfg(windows)]
    mod windows {
        use super::*;
        use crate::error::Failure;
        use std::fs::OpenOptions;
        use std::os::windows::fs::OpenOptionsExt;
        use std::time::Instant;

        const FILE_SHARE_READ: u32 = 1;
        const FILE_SHARE_WRITE: u32 = 2;
        const FILE_SHARE_DELETE: u32 = 4;

        /// A store with a session in it, and a way for another program to open it.
        fn store(share: u32) -> (tempfile::TempDir, SessionStore, OpenOptions) {
            let directory = tempfile::tempdir().unwrap();
            let store = SessionStore::new(directory.path().join("session"));
            assert!(
                store
                    .save(&session("old".into()), Timestamp::UNIX_EPOCH)
                    .is_ok()
            );
            let mut options = File::options();
            options.read(true).share_mode(share);
            (directory, store, options)
        }

        fn token(store: &SessionStore) -> String {
            let session = store.read().ok().unwrap().session;
            session.session_token.expose_secret().to_owned()
        }

        #[test]
        fn file_that_another_program_reads_is_replaced() {
            let (directory, store, options) =
                store(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
            let mut reader = options.open(store.path()).unwrap();
            assert!(store.prepare().is_ok());
            let saved = store.save(&session("new".into()), Timestamp::UNIX_EPOCH);
            assert!(saved.is_ok(), "{}", Failure::from(saved.unwrap_err()));
            assert_eq!(token(&store), "new");
            let mut old = String::new();
            reader.read_to_string(&mut old).unwrap();
            assert!(old.contains("old"), "{old}");
            drop(reader);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        }

        #[test]
        fn file_that_another_program_keeps_for_a_moment_is_replaced() {
            let (_directory, store, options) = store(FILE_SHARE_READ | FILE_SHARE_WRITE);
            let keeper = options.open(store.path()).unwrap();
            let released = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                drop(keeper);
            });
            let start = Instant::now();
            assert!(
                store
                    .save(&session("new".into()), Timestamp::UNIX_EPOCH)
                    .is_ok()
            );
            assert!(start.elapsed() >= Duration::from_millis(250));
            assert_eq!(token(&store), "new");
            released.join().unwrap();
        }

        #[test]
        fn file_that_another_program_keeps_is_found_out_before_the_code_is_sent() {
            let (directory, store, options) = store(FILE_SHARE_READ | FILE_SHARE_WRITE);
            let keeper = options.open(store.path()).unwrap();
            for outcome in [
                store.prepare(),
                store.save(&session("new".into()), Timestamp::UNIX_EPOCH),
            ] {
                let failure = Failure::from(outcome.unwrap_err());
                assert!(
                    failure.message.starts_with("cannot save the session in ")
                        && failure.hint.unwrap().starts_with("close the program"),
                    "{}",
                    failure.message
                );
            }
            assert_eq!(token(&store), "old");
            assert!(store.remove().is_err());
            drop(keeper);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
            assert!(store.remove().is_ok_and(|removed| removed));
        }

        #[test]
        fn read_only_file_is_found_out_before_the_code_is_sent() {
            let (_directory, store, _) = store(0);
            let read_only = |is: bool| {
                let mut permissions = std::fs::metadata(store.path()).unwrap().permissions();
                permissions.set_readonly(is);
                std::fs::set_permissions(store.path(), permissions).unwrap();
            };
            read_only(true);
            let file = store.path().display();
            assert_eq!(
                Failure::from(store.prepare().unwrap_err()).to_string(),
                format!(
                    "cannot save the session in {file}: {file} is read-only\n\
                     hint: run `attrib -r \"{file}\"`"
                )
            );
            read_only(false);
            assert!(store.prepare().is_ok());
        }

        #[test]
        fn name_of_a_device_or_a_stream_is_found_out_before_the_code_is_sent() {
            let (directory, _, _) = store(0);
            for name in ["NUL", "session:work", "com1.json", "session.", "a?"] {
                let store = SessionStore::new(directory.path().join(name));
                let failure = Failure::from(store.prepare().unwrap_err());
                let reason = ": Windows does not allow this file name";
                assert!(failure.message.ends_with(reason), "{}", failure.message);
            }
        }

        #[test]
        fn temporary_file_of_a_process_that_has_ended_is_removed() {
            let (directory, store, _) = store(0);
            let left = leftover::create(store.path()).unwrap().keep().unwrap();
            store.remove().ok().unwrap();
            assert!(left.1.exists());
            drop(left.0);
            assert!(left.1.exists());
            store.remove().ok().unwrap();
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }
}
