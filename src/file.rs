//! The user's files, opened without blocking and read up to a limit.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Opens the file at `path` for reading. Never blocks, not even on a FIFO that has no writer.
///
/// # Errors
/// Those of open(2) and fstat(2).
pub fn open(path: &Path) -> Result<(File, Metadata)> {
    let file = never_blocking(File::options().read(true), true).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// These options, made never to block, not even on a FIFO that nobody else has open. `follow`: a symlink at the path.
#[cfg(unix)]
pub fn never_blocking(options: &mut OpenOptions, follow: bool) -> &mut OpenOptions {
    use rustix::fs::OFlags;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, !follow);
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits() as i32)
}

/// Windows has no such files.
#[cfg(not(unix))]
pub fn never_blocking(options: &mut OpenOptions, _: bool) -> &mut OpenOptions {
    options
}

/// The contents of the file at `path`, at most `limit` bytes.
///
/// `/dev/null` is an empty file, as it is for the AWS CLI.
///
/// # Errors
/// Those of open(2) and read(2), [`ErrorKind::FileTooLarge`], and [`ErrorKind::InvalidInput`] for a FIFO, a device or a
/// directory, which could block the reader.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    // Room for the whole file and for detecting its end: one read.
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    match file.take(limit + 1).read_to_end(&mut bytes) {
        Ok(length) if length as u64 > limit => Err(too_large(limit)),
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Err(Error::new(ErrorKind::InvalidInput, "not a regular file"))
        }
        Err(error) => Err(error),
    }
}

fn too_large(limit: u64) -> Error {
    Error::new(
        ErrorKind::FileTooLarge,
        format!("larger than {} KiB", limit / 1024),
    )
}
