//! Symlinks at a file's path: followed only if they belong to this user or root.
//!
//! In a directory that others can write to, their symlink could make this program read or replace any of the user's
//! files. Linux has the same rule for open(2) in sticky directories (`fs.protected_symlinks` in proc_sys_fs(5)), but not
//! for readlink(2). Only the last component of a path is checked, not its directories.

use super::access::Distrust;
use super::error::Obstacle;
use crate::file::never_blocking;
use std::fs::{File, Metadata, OpenOptions};
use std::path::{Path, PathBuf};

/// The number of symlinks that Linux follows for one path, see path_resolution(7).
const MOST_SYMLINKS: usize = 40;

/// Opens the file at `path`, following symlinks. Never blocks, not even on a FIFO that has no writer.
///
/// # Errors
/// A symlink belongs to another user, the symlinks form a loop, or open(2) fails.
pub fn open(path: &Path, options: &mut OpenOptions) -> Result<File, Obstacle> {
    match never_blocking(options, false).open(path) {
        Err(error) if is_symlink(&error) => Ok(options.open(follow(path)?)?),
        opened => Ok(opened?),
    }
}

/// The path of the file at `path` after following symlinks. It may not exist.
///
/// # Errors
/// A symlink belongs to another user, or the symlinks form a loop.
pub fn follow(path: &Path) -> Result<PathBuf, Obstacle> {
    let mut target = path.to_owned();
    for _ in 0..MOST_SYMLINKS {
        // The caller's open(2) reports what cannot be read here.
        let Ok(Some((link, next))) = read(&target) else {
            return Ok(target);
        };
        if !is_trusted(&link) {
            return Err(Obstacle::Distrusted(Distrust::ForeignSymlink(target)));
        }
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(Obstacle::Path("too many levels of symbolic links"))
}

/// The symlink at `path` and its target, if it is a symlink. Both come from one descriptor, because another link could
/// replace it between two calls by name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn read(path: &Path) -> std::io::Result<Option<(Metadata, PathBuf)>> {
    use rustix::fs::{Mode, OFlags, open, readlinkat};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    // Not by std: to musl, O_PATH belongs to O_ACCMODE, which OpenOptions removes from custom flags.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = File::from(open(path, flags, Mode::empty())?);
    let metadata = link.metadata()?;
    if !metadata.is_symlink() {
        return Ok(None);
    }
    let next = readlinkat(&link, "", Vec::new())?.into_bytes();
    Ok(Some((metadata, OsString::from_vec(next).into())))
}

/// Without O_PATH, this reads the link by name until it has not changed meanwhile.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn read(path: &Path) -> std::io::Result<Option<(Metadata, PathBuf)>> {
    loop {
        let before = path.symlink_metadata()?;
        if !before.is_symlink() {
            return Ok(None);
        }
        let next = path.read_link()?;
        if is_same(&before, &path.symlink_metadata()?) {
            return Ok(Some((before, next)));
        }
    }
}

/// Renaming a link changes its ctime.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |link: &Metadata| (link.dev(), link.ino(), link.ctime(), link.ctime_nsec());
    identity(one) == identity(other)
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_trusted(link: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    link.uid() == 0 || super::access::is_own(link)
}

#[cfg(not(unix))]
fn is_trusted(_: &Metadata) -> bool {
    true
}

/// Whether open(2) failed because the last component is a symlink: ELOOP, or EMLINK on FreeBSD.
#[cfg(unix)]
fn is_symlink(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    errno == Some(Errno::LOOP) || errno == Some(Errno::MLINK)
}

#[cfg(not(unix))]
fn is_symlink(_: &std::io::Error) -> bool {
    false
}
