//! What reading and saving a session can run into, and how people see it.

use super::access::Refusal;
use crate::error::{Failure, Kind, reason};
use crate::time::span;
use jiff::SignedDuration;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A session file that is of no use, and why.
///
/// It becomes a [`Failure`] to be shown, and is no [`std::error::Error`], so that none reaches `main` without its hint.
#[derive(Debug)]
pub struct Error {
    /// The path of the session file, as the user named it.
    pub file: PathBuf,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a session file.
#[derive(Debug)]
pub enum Problem {
    /// There is no file.
    Missing,
    /// The session has expired.
    Expired {
        /// How long ago.
        ago: SignedDuration,
    },
    /// The file is not a session: why, in a few words that quote nothing of it.
    Corrupt(String),
    /// Someone else may have chosen what is in the file.
    Refused(Refusal),
    /// The system does not let the file be read.
    Unreadable(Obstacle),
    /// A session cannot be saved in the file.
    NotSaved(Obstacle),
    /// The file cannot be removed.
    NotRemoved(Obstacle),
    /// The lock of the file cannot be taken.
    NotLocked(Obstacle),
}

/// What is in the way of reading, replacing, removing or locking a file.
#[derive(Debug)]
pub enum Obstacle {
    /// The path is the name of a directory.
    DirectoryName,
    /// The path begins with a `~` that no shell has expanded.
    Tilde,
    /// Windows keeps the name for a device, or takes it for another one.
    ReservedName,
    /// Another user has made the symlink.
    ForeignSymlink(PathBuf),
    /// The symlinks form a loop, or there are too many.
    SymlinkLoop,
    /// Something that is not a regular file is in the place.
    NotRegular(PathBuf),
    /// Another user owns the file, in a sticky directory.
    StickyDirectory(PathBuf),
    /// The file is a mount point.
    MountPoint(PathBuf),
    /// The file is immutable or append-only.
    Protected(PathBuf),
    /// The file has Windows' attribute of that name.
    ReadOnly(PathBuf),
    /// `load` would refuse any file in this place.
    RefusedByLoad(Refusal),
    /// `load` would find no session in what is to be saved: why.
    CorruptForLoad(String),
    /// No file can be made in the directory.
    Directory(PathBuf, std::io::Error),
    /// The lock's file cannot be opened.
    LockFile(PathBuf, std::io::Error),
    /// The lock's file is another user's, or no regular file.
    ForeignLockFile(PathBuf),
    /// What the system said.
    System(std::io::Error),
}

/// What the user should know of a session file that can be used all the same.
#[derive(Debug)]
pub enum Warning {
    /// Others can read the file.
    Readable {
        /// The session file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can rename and remove the files in the directory.
    SharedDirectory {
        /// The directory of the session file.
        directory: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

const ELSEWHERE: &str = "name another file with AWS_SESSION_FILE or --session-file";

impl Obstacle {
    /// What to do about it.
    fn hint(&self) -> String {
        match self {
            Obstacle::DirectoryName
            | Obstacle::ReservedName
            | Obstacle::ForeignSymlink(_)
            | Obstacle::SymlinkLoop
            | Obstacle::NotRegular(_)
            | Obstacle::StickyDirectory(_)
            | Obstacle::RefusedByLoad(_) => ELSEWHERE.to_owned(),
            Obstacle::Tilde if cfg!(windows) => "write the whole path instead of ~".to_owned(),
            Obstacle::Tilde => "write $HOME instead of ~, or remove the quotes".to_owned(),
            Obstacle::MountPoint(_) => "mount its directory instead of the file".to_owned(),
            Obstacle::Protected(file) => {
                format!("run `chattr -i -a {}` as root", file.display())
            }
            Obstacle::ReadOnly(file) => format!("run `attrib -r \"{}\"`", file.display()),
            Obstacle::CorruptForLoad(_) => {
                "check with `aws-mfa status` that the endpoint is the right one".to_owned()
            }
            Obstacle::LockFile(file, _) | Obstacle::ForeignLockFile(file) => {
                format!("remove {}", file.display())
            }
            #[cfg(windows)]
            Obstacle::System(error) if super::sharing::is_violation(error) => {
                format!("close the program that has the file open, or {ELSEWHERE}")
            }
            Obstacle::Directory(_, error) | Obstacle::System(error) => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "free some space on that disk".to_owned()
                }
                ErrorKind::ReadOnlyFilesystem
                | ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::InvalidFilename => ELSEWHERE.to_owned(),
                _ => format!("fix that, or {ELSEWHERE}"),
            },
        }
    }
}

impl fmt::Display for Obstacle {
    /// The rest of a sentence: «cannot save the session in …: this».
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::DirectoryName => f.write_str("that is the name of a directory"),
            Obstacle::Tilde => f.write_str("no shell has expanded the ~"),
            Obstacle::ReservedName => f.write_str("Windows allows no file of that name"),
            Obstacle::ForeignSymlink(link) => {
                write!(f, "another user owns the symlink {}", link.display())
            }
            Obstacle::SymlinkLoop => f.write_str("too many levels of symbolic links"),
            Obstacle::NotRegular(file) => write!(f, "{} is not a regular file", file.display()),
            Obstacle::StickyDirectory(directory) => write!(
                f,
                "another user owns it, and nobody else can replace it in the sticky directory {}",
                directory.display()
            ),
            Obstacle::MountPoint(file) => write!(
                f,
                "{} is a mount point and cannot be replaced",
                file.display()
            ),
            Obstacle::Protected(file) => {
                write!(f, "{} is immutable or append-only", file.display())
            }
            Obstacle::ReadOnly(file) => write!(f, "{} is read-only", file.display()),
            Obstacle::RefusedByLoad(refusal) => {
                write!(f, "`load` would refuse a file there: {refusal}")
            }
            Obstacle::CorruptForLoad(fault) => {
                write!(f, "`load` would refuse what AWS answered: {fault}")
            }
            Obstacle::Directory(directory, error) => write!(
                f,
                "cannot write in the directory {}: {}",
                directory.display(),
                reason(error)
            ),
            Obstacle::LockFile(file, error) => {
                write!(f, "cannot open {}: {}", file.display(), reason(error))
            }
            Obstacle::ForeignLockFile(file) => {
                write!(f, "{} is not a file of this user", file.display())
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
        let file = error.file.display();
        let no_session = |message| Failure::new(Kind::NoSession, message);
        let cannot = |what: &str, obstacle: Obstacle| {
            Failure::new(Kind::Setup, format!("cannot {what} {file}: {obstacle}"))
                .hint(obstacle.hint())
        };
        match error.problem {
            Problem::Missing => no_session(format!("no session yet ({file})")),
            Problem::Expired { ago } => {
                no_session(format!("session expired {} ago ({file})", span(ago)))
            }
            Problem::Corrupt(fault) => {
                no_session(format!("session file is corrupt: {fault} ({file})"))
            }
            Problem::Refused(refusal) => {
                no_session(format!("session file refused: {refusal} ({file})"))
            }
            Problem::Unreadable(obstacle) => {
                no_session(format!("cannot read the session file {file}: {obstacle}"))
            }
            Problem::NotSaved(obstacle) => cannot("save the session in", obstacle),
            Problem::NotRemoved(obstacle) => cannot("remove the session file", obstacle),
            Problem::NotLocked(obstacle) => cannot("lock", obstacle),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Readable { file, mode } => write!(
                f,
                "others can read the session file, mode {mode:04o}: chmod 600 {}",
                file.display()
            ),
            Warning::SharedDirectory { directory, mode } => write!(
                f,
                "others can replace files in the directory of the session file, mode {mode:04o}: chmod go-w {}",
                directory.display()
            ),
        }
    }
}
