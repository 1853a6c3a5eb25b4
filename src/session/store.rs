//! The session file: read with care, replaced whole.
//!
//! Its contents are the JSON that `aws sts get-session-token --output json` prints, so that other
//! tools go on reading it.

use super::Session;
use crate::error::{Failure, Next};
use anyhow::Context;
use jiff::{Timestamp, Unit};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// No session file is larger: STS's tokens are a few kilobytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// As many symlinks as Linux follows for one path.
const MOST_SYMLINKS: usize = 40;

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

/// The file's contents. Keys that are not known are left aside; a missing one is as an empty one.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Contents<'a> {
    #[serde(borrow)]
    credentials: Credentials<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    region: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    #[serde(borrow, default)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow, default)]
    secret_access_key: Cow<'a, str>,
    #[serde(borrow, default)]
    session_token: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    expiration: Option<Cow<'a, str>>,
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
        let mut json = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
        file.take(LARGEST_FILE)
            .read_to_end(&mut json)
            .map_err(|error| self.unreadable(&error))?;
        let session = self.parse(&json)?;
        Ok(Loaded { session, warning })
    }

    /// Opens the file without ever waiting: opening a fifo would block until somebody writes to it.
    fn open(&self) -> Result<(File, Metadata), Failure> {
        let mut options = File::options();
        options.read(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt;
            let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
            options.custom_flags(flags.bits() as i32);
        }
        let opened = options
            .open(&self.path)
            .and_then(|file| file.metadata().map(|metadata| (file, metadata)));
        match opened {
            Ok((file, metadata)) if metadata.is_file() => Ok((file, metadata)),
            Ok(_) => Err(self.corrupt("not a regular file")),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::new(
                Next::GetSession,
                format!("no session yet ({})", self.path.display()),
            )),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    /// Refuses a file that somebody else could have filled; warns where others can read it.
    #[cfg(unix)]
    fn check_access(&self, metadata: &Metadata) -> Result<Option<String>, Failure> {
        use std::os::unix::fs::MetadataExt;
        let path = self.path.display();
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(Failure::new(
                Next::GetSession,
                format!("session file refused: another user owns it ({path})"),
            ));
        }
        let mode = metadata.mode() & 0o777;
        if mode & 0o002 != 0 {
            return Err(Failure::new(
                Next::GetSession,
                format!("session file refused: everybody can write it, mode {mode:04o} ({path})"),
            ));
        }
        Ok((mode & 0o077 != 0).then(|| {
            format!("warning: others can read the session file, mode {mode:04o}: chmod 600 {path}")
        }))
    }

    /// Windows keeps the user's application data from others by inherited access lists.
    #[cfg(not(unix))]
    fn check_access(&self, _: &Metadata) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    fn parse(&self, json: &[u8]) -> Result<Session, Failure> {
        // serde_json's own message can quote a value of the file: only its kind and place go on.
        let contents: Contents = serde_json::from_slice(json).map_err(|error| {
            use serde_json::error::Category;
            self.corrupt(&match error.classify() {
                Category::Eof => "it ends early".to_owned(),
                Category::Data => format!("not a session, line {}", error.line()),
                Category::Syntax | Category::Io => format!("not JSON, line {}", error.line()),
            })
        })?;
        let Credentials {
            access_key_id,
            secret_access_key,
            session_token,
            expiration,
        } = contents.credentials;
        for (name, value) in [
            ("AccessKeyId", &access_key_id),
            ("SecretAccessKey", &secret_access_key),
            ("SessionToken", &session_token),
        ] {
            if value.is_empty() {
                return Err(self.corrupt(&format!("{name} is missing or empty")));
            }
            if value.contains('\0') {
                return Err(self.corrupt(&format!("{name} has a NUL in it")));
            }
        }
        let expiration = expiration
            .map(|text| whole_seconds(&text))
            .transpose()
            .map_err(|_| self.corrupt("Expiration is not a time in RFC 3339"))?;
        Ok(Session {
            access_key_id: access_key_id.into_owned(),
            secret_access_key: SecretString::from(secret_access_key.into_owned()),
            session_token: SecretString::from(session_token.into_owned()),
            expiration,
            region: contents
                .region
                .filter(|region| !region.is_empty() && !region.contains('\0'))
                .map(Cow::into_owned),
        })
    }

    fn corrupt(&self, fault: &str) -> Failure {
        Failure::new(
            Next::GetSession,
            format!("session file is corrupt: {fault} ({})", self.path.display()),
        )
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::new(
            Next::GetSession,
            format!(
                "cannot read the session file {}: {error}",
                self.path.display()
            ),
        )
    }

    /// Removes the file, and says whether there was one. A symlink stays, and what it leads to is
    /// removed: no session is left behind, and the next one is saved in the same place.
    ///
    /// # Errors
    /// The folder cannot be written to, or something that is not a file is in the place.
    pub fn remove(&self) -> anyhow::Result<bool> {
        let cannot_remove = || format!("cannot remove the session file {}", self.path.display());
        let target = follow_symlinks(&self.path).with_context(cannot_remove)?;
        match std::fs::remove_file(&target) {
            Ok(()) => {
                sync_folder(&target).with_context(cannot_remove)?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).with_context(cannot_remove),
        }
    }

    /// Makes sure that a session could be saved: makes the folder, and a file in it that is removed
    /// again. To be called before a code is spent on a session that has nowhere to go.
    ///
    /// # Errors
    /// The folder cannot be made or written to, or something that is not a file is in the place.
    pub fn prepare(&self) -> anyhow::Result<()> {
        self.place().map(drop)
    }

    /// Replaces the file by one with `session`: readers see the old or the new one whole, and a
    /// failure leaves the old one as it was.
    ///
    /// # Errors
    /// The folder cannot be made or written to, the disk is full, or the like.
    pub fn save(&self, session: &Session, now: Timestamp) -> anyhow::Result<()> {
        let Place {
            target,
            mut temporary,
        } = self.place()?;
        let json = to_json(session)?;
        self.write(&target, &mut temporary, &json, now)
            .and_then(|()| Ok(temporary.persist(&target).map(drop)?))
            .and_then(|()| sync_folder(&target))
            .with_context(|| self.cannot_save())
    }

    fn write(
        &self,
        target: &Path,
        temporary: &mut tempfile::NamedTempFile,
        json: &[u8],
        now: Timestamp,
    ) -> std::io::Result<()> {
        temporary.write_all(json)?;
        if let Some(modified) = next_second(last_modified(&self.path, target), now) {
            temporary.as_file().set_modified(modified)?;
        }
        temporary.as_file().sync_all()
    }

    /// The file that a save replaces, and a temporary one of mode 0600 beside it.
    fn place(&self) -> anyhow::Result<Place> {
        let target = follow_symlinks(&self.path).with_context(|| self.cannot_save())?;
        match std::fs::metadata(&target) {
            Ok(metadata) if !metadata.is_file() => {
                anyhow::bail!(
                    "{}: {} is not a regular file",
                    self.cannot_save(),
                    target.display()
                )
            }
            _ => {}
        }
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        make_private_folder(folder)
            .and_then(|()| {
                tempfile::Builder::new()
                    .prefix(".aws-mfa-")
                    .tempfile_in(folder)
            })
            // tempfile names the random path in its message; the folder is what matters.
            .map_err(|error| match error.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => error,
            })
            .map(|temporary| Place {
                target: target.clone(),
                temporary,
            })
            .with_context(|| format!("cannot write in the folder {}", folder.display()))
            .with_context(|| self.cannot_save())
    }

    fn cannot_save(&self) -> String {
        format!("cannot save the session in {}", self.path.display())
    }
}

struct Place {
    target: PathBuf,
    temporary: tempfile::NamedTempFile,
}

/// The JSON of the AWS CLI, indented as it prints it.
fn to_json(session: &Session) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let contents = Contents {
        credentials: Credentials {
            access_key_id: Cow::from(&session.access_key_id),
            secret_access_key: Cow::from(session.secret_access_key.expose_secret()),
            session_token: Cow::from(session.session_token.expose_secret()),
            expiration: session.expiration.map(|time| Cow::from(time.to_string())),
        },
        region: session.region.as_deref().map(Cow::from),
    };
    // Large enough that the buffer never moves and leaves a copy of the secrets behind.
    let room = 512 + 2 * session.session_token.expose_secret().len();
    let mut json = Zeroizing::new(Vec::with_capacity(room));
    let mut serializer = serde_json::Serializer::with_formatter(
        &mut *json,
        serde_json::ser::PrettyFormatter::with_indent(b"    "),
    );
    contents.serialize(&mut serializer)?;
    json.push(b'\n');
    Ok(json)
}

/// A time in RFC 3339 with any offset and any fraction, in whole seconds of UTC.
fn whole_seconds(text: &str) -> Result<Timestamp, jiff::Error> {
    use jiff::{RoundMode, TimestampRound};
    text.parse::<Timestamp>()?.round(
        TimestampRound::new()
            .smallest(Unit::Second)
            .mode(RoundMode::Floor),
    )
}

/// The file that `path` leads to, which need not exist: renaming onto a symlink would replace it.
fn follow_symlinks(path: &Path) -> std::io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_SYMLINKS {
        match std::fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(std::io::Error::other("too many levels of symbolic links"))
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

/// Makes the folder and those above it that are missing, each of mode 0700.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the rename last: it is a change of the folder. Windows has no such call.
fn sync_folder(target: &Path) -> std::io::Result<()> {
    match target.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => {
            File::open(folder)?.sync_all()
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> SessionStore {
        SessionStore::new(PathBuf::from("/s"))
    }

    fn fault(json: &str) -> String {
        store().parse(json.as_bytes()).err().unwrap().message
    }

    #[test]
    fn what_the_aws_cli_prints_is_read_in_both_its_versions() {
        for expiration in [
            "2026-11-24T18:10:00Z",
            "2026-11-24T18:10:00+00:00",
            "2026-11-24T20:10:00.123456+02:00",
        ] {
            let json = format!(
                r#"{{"Credentials": {{"AccessKeyId": "ASIA1", "SecretAccessKey": "s\/e", "SessionToken": "t",
                   "Expiration": "{expiration}", "Other": [1]}}, "More": {{}}}}"#
            );
            let session = store().parse(json.as_bytes()).unwrap();
            assert_eq!(session.access_key_id, "ASIA1");
            assert_eq!(session.secret_access_key.expose_secret(), "s/e");
            assert_eq!(session.session_token.expose_secret(), "t");
            assert_eq!(
                session.expiration.unwrap().to_string(),
                "2026-11-24T18:10:00Z"
            );
            assert_eq!(session.region, None);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let session = Session {
            access_key_id: "ASIA1".into(),
            secret_access_key: "se/cr+et\"\\".into(),
            session_token: "token\n".into(),
            expiration: Some("2026-11-24T18:10:00Z".parse().unwrap()),
            region: Some("eu-west-1".into()),
        };
        let read = store().parse(&to_json(&session).unwrap()).unwrap();
        assert_eq!(read.access_key_id, session.access_key_id);
        assert_eq!(read.secret_access_key.expose_secret(), "se/cr+et\"\\");
        assert_eq!(read.session_token.expose_secret(), "token\n");
        assert_eq!(read.expiration, session.expiration);
        assert_eq!(read.region, session.region);
    }

    #[test]
    fn a_missing_expiration_is_unknown_not_wrong() {
        let json =
            r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t"}}"#;
        assert_eq!(store().parse(json.as_bytes()).unwrap().expiration, None);
    }

    #[test]
    fn what_is_no_session_is_told_without_quoting_it() {
        for (json, message) in [
            ("", "session file is corrupt: it ends early (/s)"),
            (
                r#"{"Credentials": {"AccessKeyId": "A"#,
                "session file is corrupt: it ends early (/s)",
            ),
            ("hunter2", "session file is corrupt: not JSON, line 1 (/s)"),
            (
                r#"{"Credentials": "hunter2"}"#,
                "session file is corrupt: not a session, line 1 (/s)",
            ),
            ("{}", "session file is corrupt: not a session, line 1 (/s)"),
            (
                r#"{"Credentials": {}}"#,
                "session file is corrupt: AccessKeyId is missing or empty (/s)",
            ),
            (
                r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"","SessionToken":"t"}}"#,
                "session file is corrupt: SecretAccessKey is missing or empty (/s)",
            ),
            (
                r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"a\u0000b"}}"#,
                "session file is corrupt: SessionToken has a NUL in it (/s)",
            ),
            (
                r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"soon"}}"#,
                "session file is corrupt: Expiration is not a time in RFC 3339 (/s)",
            ),
        ] {
            assert_eq!(fault(json), message);
        }
    }

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
