//! Temporary files, and the removal of those left behind by killed processes.
//!
//! A temporary file is named `.aws-mfa-NAME.RANDOM.tmp`, where NAME is the session file's name, so it belongs to exactly
//! one session file. It is locked while its process runs.

use super::{directory, symlink};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Error;
use std::path::Path;
use tempfile::NamedTempFile;

const PREFIX: &str = ".aws-mfa-";
const SUFFIX: &str = ".tmp";
/// Letters and digits.
const RANDOM: usize = 12;
/// The longest name of a file on the usual file systems, in bytes.
const NAME_MAX: usize = 255;

/// Creates a temporary file with mode 0600 in the directory of `target`, and locks it.
///
/// # Errors
/// The directory cannot be written to.
pub fn create(target: &Path) -> std::io::Result<NamedTempFile> {
    let prefix = prefix(target.file_name().unwrap_or_default());
    let prefix = prefix.unwrap_or_else(|| PREFIX.into());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    // Until it is locked, another process may remove it as a leftover: then create another.
    loop {
        let made = directory::with_private_umask(|| builder.tempfile_in(directory::of(target)));
        // tempfile's message contains the random path, but only the directory matters.
        let without_path =
            |error: Error| error.raw_os_error().map_or(error, Error::from_raw_os_error);
        let temporary = made.map_err(without_path)?;
        if lock(temporary.as_file())? {
            return Ok(temporary);
        }
    }
}

/// Removes the temporary files that killed processes have left for the session file at `path`.
///
/// It returns no errors, because nothing depends on it: leftovers remain if the directory cannot be read or the file
/// system has no locks.
pub fn clean_up(path: &Path) {
    let Ok(target) = symlink::follow(path) else {
        return;
    };
    let Some(prefix) = prefix(target.file_name().unwrap_or_default()) else {
        return;
    };
    let entries = std::fs::read_dir(directory::of(&target));
    for entry in entries.into_iter().flatten().flatten() {
        if is_temporary(&entry.file_name(), &prefix) {
            remove_if_abandoned(&entry.path());
        }
    }
}

/// The prefix of temporary files for the session file `name`; `None` for a name that is too long, whose leftovers cannot
/// be recognized and remain.
fn prefix(name: &OsStr) -> Option<OsString> {
    let mut prefix = OsString::from(PREFIX);
    prefix.push(name);
    prefix.push(".");
    (prefix.len() + RANDOM + SUFFIX.len() <= NAME_MAX).then_some(prefix)
}

fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    name.as_encoded_bytes()
        .strip_prefix(prefix.as_encoded_bytes())
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .is_some_and(|random| {
            random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
        })
}

#[cfg(unix)]
fn remove_if_abandoned(temporary: &Path) {
    use crate::file::never_blocking;
    use std::os::unix::fs::MetadataExt;
    let opened = never_blocking(File::options().read(true).write(true), false).open(temporary);
    let Ok(file) = opened else { return };
    let is_ours = file.metadata().is_ok_and(|metadata| {
        metadata.is_file() && metadata.mode() & 0o7777 == 0o600 && super::access::is_own(&metadata)
    });
    if is_ours && file.try_lock().is_ok() {
        let _ = std::fs::remove_file(temporary);
    }
}

/// On Windows, a lock would block readers of the renamed file, so temporary files have none. A process that writes one has
/// it open. This opens it exclusively, and Windows deletes it on close.
#[cfg(windows)]
fn remove_if_abandoned(temporary: &Path) {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
    let _ = File::options()
        .access_mode(super::open_elsewhere::DELETE)
        .share_mode(0)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_DELETE_ON_CLOSE)
        .open(temporary);
}

/// Locks a temporary file; false if another process has removed it.
#[cfg(unix)]
fn lock(file: &File) -> std::io::Result<bool> {
    use std::fs::TryLockError;
    use std::os::unix::fs::MetadataExt;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        // On a file system without locks, no other process can lock the file to remove it.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file.metadata()?.nlink() > 0),
    }
}

#[cfg(windows)]
fn lock(_: &File) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_file_belongs_to_exactly_one_session_file() {
        let directory = tempfile::tempdir().unwrap();
        let names = [
            "session",
            "session-a",
            "session.tmp",
            "session.0123456789ab.tmp",
        ];
        for name in names {
            let temporary = create(&directory.path().join(name)).unwrap();
            let temporary = temporary.path().file_name().unwrap();
            let owners = names.map(|name| {
                is_temporary(temporary, &prefix(OsStr::new(name)).unwrap()).then_some(name)
            });
            let owners: Vec<_> = owners.into_iter().flatten().collect();
            assert_eq!(owners, [name], "{temporary:?}");
        }
    }

    #[test]
    fn longest_file_name_has_room_for_a_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        for length in [NAME_MAX - 26, NAME_MAX - 25, NAME_MAX] {
            let name = "n".repeat(length);
            assert!(create(&directory.path().join(name)).is_ok(), "{length}");
        }
    }
}
