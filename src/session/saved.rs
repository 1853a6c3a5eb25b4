//! All that is saved in one directory.

use super::AssumedRole;
use super::store::SessionStore;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The files of sessions and roles in `directory`, in alphabetical order. Only their names are looked at: `session-…`
/// and `role-…`.
///
/// # Errors
/// The directory cannot be read; a missing one has no files.
pub fn in_directory(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b"session-") || name.starts_with(b"role-") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The files beside the session file at `base` with the credentials of roles that were assumed with its session.
///
/// # Errors
/// The directory cannot be read.
pub fn roles_of(base: &Path) -> std::io::Result<Vec<PathBuf>> {
    let directory = super::directory::of(base);
    let mut files = in_directory(directory)?;
    files.retain(|file| {
        let role = role_in(file);
        role.is_some_and(|role| role.base.as_deref() == base.to_str())
    });
    Ok(files)
}

/// The role whose credentials are in the file.
fn role_in(file: &Path) -> Option<AssumedRole> {
    let loaded = SessionStore::new(file.to_owned()).read().ok()?;
    loaded.session.provenance.role
}
