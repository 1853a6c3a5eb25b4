//! Errors of session files, and their messages.

use super::access::Distrust;
use super::name::is_of_saved_file;
use crate::error::{Failure, Kind, reason};
use crate::path::in_words;
use crate::time::span;
use crate::word;
use jiff::SignedDuration;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A session file that cannot be used, and why.
///
/// It is not a [`std::error::Error`], so that it reaches `main` only as a [`Failure`] with a hint.
#[derive(Debug)]
pub struct Error {
    /// The path of the session file, as configured.
    pub file: PathBuf,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a session file.
#[derive(Debug)]
pub enum Problem {
    /// There is no file.
    Missing,
    /// The session has expired, so long ago.
    Expired(SignedDuration),
    /// The session was made with another access key.
    OtherKey {
        /// The id of the key that it was made with.
        made_with: String,
        /// The id of the key that is configured now.
        key: String,
    },
    /// The file is not a session. The reason quotes nothing from it.
    Corrupt(String),
    /// Another user may have chosen the file's contents.
    Refused(Distrust),
    /// The file cannot be read.
    Unreadable(Obstacle),
    /// A session cannot be saved in the file.
    NotSaved(Obstacle),
    /// The file cannot be removed.
    NotRemoved(Obstacle),
    /// The lock of the file cannot be taken.
    NotLocked(Obstacle),
}

/// Why a file cannot be read, replaced, removed or locked.
#[derive(Debug)]
pub enum Obstacle {
    /// No file can have this path, for this reason.
    Path(&'static str),
    /// The path begins with a `~` that no shell has expanded.
    Tilde,
    /// Another user may choose what is there.
    Distrusted(Distrust),
    /// Something other than a regular file has the name.
    NotRegular(PathBuf),
    /// The file contains something other than a session.
    OtherContents,
    /// Another user owns the file, in a sticky directory.
    StickyDirectory(PathBuf),
    /// The file is a mount point.
    MountPoint(PathBuf),
    /// The file is immutable or append-only.
    Protected(PathBuf),
    /// The file has Windows' read-only attribute.
    ReadOnly(PathBuf),
    /// `load` would reject any file there.
    RefusedByLoad(Distrust),
    /// `load` would reject the session to be saved, for this reason.
    CorruptForLoad(String),
    /// No file can be created in the directory.
    Directory(PathBuf, std::io::Error),
    /// The lock's file cannot be opened.
    LockFile(PathBuf, std::io::Error),
    /// The lock's file belongs to another user, or is not a regular file.
    ForeignLockFile(PathBuf),
    /// The system's error.
    System(std::io::Error),
}

/// What the user should know about a session file that can be used nevertheless.
#[derive(Debug)]
pub struct Warning {
    /// What others can do.
    pub message: String,
    /// The command that fixes it.
    pub remedy: String,
}

const ELSEWHERE: &str = "choose another file with AWS_SESSION_FILE or --session-file";

impl Obstacle {
    /// What to do about it.
    fn hint(&self) -> String {
        let or_elsewhere = |what: &str| format!("{what}, or {ELSEWHERE}");
        match self {
            Obstacle::Path(_)
            | Obstacle::Distrusted(_)
            | Obstacle::NotRegular(_)
            | Obstacle::StickyDirectory(_)
            | Obstacle::RefusedByLoad(_) => ELSEWHERE.to_owned(),
            Obstacle::OtherContents => or_elsewhere("remove it yourself if nothing needs it"),
            Obstacle::Tilde if cfg!(windows) => "write the whole path instead of ~".to_owned(),
            Obstacle::Tilde => "write $HOME instead of ~, or remove the quotes".to_owned(),
            Obstacle::MountPoint(_) => "mount its directory instead of the file".to_owned(),
            Obstacle::Protected(file) => {
                format!("run `chattr -i -a {}` as root", word::of_path(file))
            }
            Obstacle::ReadOnly(file) => format!("run `attrib -r \"{}\"`", file.display()),
            Obstacle::CorruptForLoad(_) => "run `aws-mfa status` and check the endpoint".to_owned(),
            Obstacle::LockFile(file, _) | Obstacle::ForeignLockFile(file) => {
                format!("remove {}", in_words(file))
            }
            #[cfg(windows)]
            Obstacle::System(error) if super::open_elsewhere::is_violation(error) => {
                or_elsewhere("close the program that has the file open")
            }
            Obstacle::Directory(_, error) | Obstacle::System(error) => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "free some space on that disk".to_owned()
                }
                ErrorKind::ReadOnlyFilesystem
                | ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::InvalidFilename => ELSEWHERE.to_owned(),
                _ => or_elsewhere("fix that"),
            },
        }
    }
}

impl fmt::Display for Obstacle {
    /// The rest of a sentence: «cannot save the session in …: this».
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Path(why) => f.write_str(why),
            Obstacle::Tilde => f.write_str("the shell did not expand ~"),
            Obstacle::Distrusted(why) => write!(f, "{why}"),
            Obstacle::NotRegular(file) => write!(f, "{} is not a regular file", in_words(file)),
            Obstacle::OtherContents => f.write_str("it contains something other than a session"),
            Obstacle::StickyDirectory(directory) => write!(
                f,
                "it belongs to another user, and only that user can replace it in the sticky directory {}",
                in_words(directory)
            ),
            Obstacle::MountPoint(file) => write!(
                f,
                "{} is a mount point and cannot be replaced",
                in_words(file)
            ),
            Obstacle::Protected(file) => {
                write!(f, "{} is immutable or append-only", in_words(file))
            }
            Obstacle::ReadOnly(file) => write!(f, "{} is read-only", in_words(file)),
            Obstacle::RefusedByLoad(refusal) => {
                write!(f, "`load` could not use a file there: {refusal}")
            }
            Obstacle::CorruptForLoad(fault) => {
                write!(f, "`load` could not use AWS's answer: {fault}")
            }
            Obstacle::Directory(directory, error) => write!(
                f,
                "cannot write to the directory {}: {}",
                in_words(directory),
                reason(error)
            ),
            Obstacle::LockFile(file, error) => {
                write!(f, "cannot open {}: {}", in_words(file), reason(error))
            }
            Obstacle::ForeignLockFile(file) => {
                write!(f, "{} does not belong to this user", in_words(file))
            }
            Obstacle::System(error) => f.write_str(&reason(error)),
        }
    }
}

impl From<std::io::Error> for Obstacle {
    fn from(error: std::io::Error) -> Self {
        Obstacle::System(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let file = in_words(&error.file);
        // Nothing is wrong with a file in the usual place.
        let is_fine = matches!(error.problem, Problem::Missing | Problem::Expired(_));
        let cannot = |what: &str, obstacle: Obstacle| {
            Failure::setup(format!("cannot {what} {file}: {obstacle}")).hint(obstacle.hint())
        };
        let message = match error.problem {
            Problem::NotSaved(obstacle) => return cannot("save the session in", obstacle),
            Problem::NotRemoved(obstacle) => return cannot("remove the session file", obstacle),
            Problem::NotLocked(obstacle) => return cannot("lock", obstacle),
            Problem::Unreadable(obstacle) => {
                let message = format!("cannot read the session file {file}: {obstacle}");
                let failure = Failure::new(Kind::NoSession, message);
                return match obstacle {
                    Obstacle::Tilde => failure.hint(obstacle.hint()),
                    _ => failure,
                };
            }
            Problem::Missing => "no session yet".to_owned(),
            Problem::Expired(ago) => format!("session expired {} ago", span(ago)),
            Problem::OtherKey { made_with, key } => format!(
                "the saved session belongs to the access key {made_with}, but {key} is configured"
            ),
            Problem::Corrupt(fault) => format!("session file is corrupt: {fault}"),
            Problem::Refused(refusal) => {
                let message = format!("session file rejected: {refusal} ({file})");
                let failure = Failure::new(Kind::NoSession, message);
                // `get` is of no use where it could not replace the file, as in a container.
                return match refusal {
                    Distrust::ForeignFile => {
                        failure.hint(format!("run this as that user, or {ELSEWHERE}"))
                    }
                    _ => failure,
                };
            }
        };
        let message = match is_fine && is_of_saved_file(&error.file) {
            true => message,
            false => format!("{message} ({file})"),
        };
        Failure::new(Kind::NoSession, message)
    }
}

impl fmt::Display for Problem {
    /// Beside the name of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing => f.write_str("none yet"),
            Problem::Expired(ago) => write!(f, "expired {} ago", span(*ago)),
            Problem::OtherKey { made_with, .. } => {
                write!(f, "made with another access key, {made_with}")
            }
            Problem::Corrupt(fault) => write!(f, "corrupt file: {fault}"),
            Problem::Refused(refusal) => write!(f, "file rejected: {refusal}"),
            Problem::Unreadable(obstacle)
            | Problem::NotSaved(obstacle)
            | Problem::NotRemoved(obstacle)
            | Problem::NotLocked(obstacle) => write!(f, "cannot use the file: {obstacle}"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: run `{}`", self.message, self.remedy)
    }
}
