//! Who else can read or write a session file.

use crate::path::in_words;
#[cfg(unix)]
use crate::word;
#[cfg(unix)]
use rustix::io::Errno;
use std::fmt;
use std::fs::Metadata;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What other users can do with a file.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "Windows has no modes"))]
pub enum Access {
    /// Nothing.
    Private,
    /// Read it.
    Readable {
        /// The permission bits.
        mode: u32,
    },
    /// Write to it, but not read it. They are the user's private group, see [`group_writes`].
    Writable {
        /// The permission bits.
        mode: u32,
    },
    /// Choose its contents, and so the account that the user works in.
    Refused(Distrust),
}

/// Why another user may have chosen a file's contents.
#[derive(Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Another user owns the file.
    ForeignFile,
    /// Another user owns the symlink that leads to it.
    ForeignSymlink(PathBuf),
    /// The file has these permission bits.
    EverybodyWrites(u32),
    /// The file has these permission bits, and its group may have other members.
    GroupWrites(u32),
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distrust::ForeignFile => f.write_str("another user owns it"),
            Distrust::ForeignSymlink(link) => {
                write!(f, "another user owns the symlink {}", in_words(link))
            }
            Distrust::EverybodyWrites(mode) => {
                write!(f, "everyone can write to it, mode {mode:04o}")
            }
            Distrust::GroupWrites(mode) => write!(f, "its group can write to it, mode {mode:04o}"),
        }
    }
}

/// What other users can do with the file.
#[cfg(unix)]
pub fn of_file(metadata: &Metadata) -> Access {
    let mode = metadata.mode() & 0o777;
    if !is_own(metadata) {
        Access::Refused(Distrust::ForeignFile)
    } else if mode & 0o002 != 0 {
        Access::Refused(Distrust::EverybodyWrites(mode))
    } else if group_writes(metadata) {
        Access::Refused(Distrust::GroupWrites(mode))
    } else if mode & 0o044 != 0 {
        Access::Readable { mode }
    } else if mode & 0o020 != 0 {
        Access::Writable { mode }
    } else {
        Access::Private
    }
}

/// On Windows, inherited access lists protect the user's application data.
#[cfg(not(unix))]
pub fn of_file(_: &Metadata) -> Access {
    Access::Private
}

/// The mode of a directory in which others can rename and remove this user's files, because they can write to it and it
/// is not sticky.
#[cfg(unix)]
pub fn shared_mode(directory: &Metadata) -> Option<u32> {
    let mode = directory.mode() & 0o7777;
    let shared = mode & 0o1000 == 0 && (mode & 0o002 != 0 || group_writes(directory));
    shared.then_some(mode)
}

/// See [`of_file`].
#[cfg(not(unix))]
pub fn shared_mode(_: &Metadata) -> Option<u32> {
    None
}

/// Whether this user owns it.
#[cfg(unix)]
pub fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Windows: see [`of_file`].
#[cfg(not(unix))]
pub fn is_own(_: &Metadata) -> bool {
    true
}

/// The command that gives this user the bits of the mode that they need for the file or directory (`0o400`), or to get there;
/// `None` if none would.
#[cfg(unix)]
pub fn remedy(path: &Path, needed: u32) -> Option<String> {
    use rustix::fs::{Access, access};
    let is_closed = |directory: &&Path| access(*directory, Access::EXEC_OK) == Err(Errno::ACCESS);
    let above: Vec<&Path> = path.ancestors().skip(1).collect();
    let (place, needed) = match above.into_iter().rev().find(is_closed) {
        Some(directory) => (directory, 0o700),
        None => (path, needed),
    };
    let bits = if needed == 0o400 { "u+r" } else { "u+rwx" };
    let metadata = std::fs::metadata(place).ok()?;
    let word = word::of_path(place);
    match is_own(&metadata) {
        true if metadata.mode() & needed == needed => None,
        true => Some(format!("chmod {bits} {word}")),
        // Nothing of the system is given to a user.
        false => word
            .starts_with("~/")
            .then(|| format!("sudo chown \"$USER\" {word}")),
    }
}

/// Windows has neither command.
#[cfg(not(unix))]
pub fn remedy(_: &Path, _: u32) -> Option<String> {
    None
}

/// Whether this user can create and replace files in the directory, as far as its mode and its disk tell.
///
/// # Errors
/// They cannot.
#[cfg(unix)]
pub fn check_writable(directory: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(directory, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Windows: see [`of_file`].
#[cfg(not(unix))]
pub fn check_writable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Whether a group other than the user's private one can write to it.
///
/// Many systems give each user a private group with the same number, and a umask of 0002, so session files written by
/// other tools have mode 0664. This compares the numbers, because names need a look-up. (`usergroups` in pam_umask(8),
/// which sets such a umask, compares the names of the user and the primary group, and excludes root.)
#[cfg(unix)]
fn group_writes(metadata: &Metadata) -> bool {
    metadata.mode() & 0o020 != 0 && metadata.gid() != rustix::process::geteuid().as_raw()
}
