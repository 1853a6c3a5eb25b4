//! The saved files in one directory.

use super::Provenance;
use super::store::SessionStore;
use crate::error::{Failure, Kind, reason};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The files of sessions and roles in `directory`, in alphabetical order. Only their names count: `session-…` and
/// `role-…`.
///
/// # Errors
/// The directory cannot be read. A missing directory has no files.
pub fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| {
        Failure::new(
            Kind::Setup,
            format!(
                "cannot read the directory {}: {}",
                directory.display(),
                reason(&error)
            ),
        )
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b"session-") || name.starts_with(b"role-") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The files next to the session file at `base` that have the credentials of roles assumed with its session.
///
/// # Errors
/// The directory cannot be read.
pub fn roles_of(base: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = in_directory(super::directory::of(base))?;
    files.retain(|file| {
        let role = provenance_of(file).and_then(|provenance| provenance.role);
        role.is_some_and(|role| role.base.as_deref() == base.to_str())
    });
    Ok(files)
}

/// The name of the master key's user, as saved with the session at `base` or one of its roles.
pub fn user_name(base: &Path, master_key_id: &str) -> Option<String> {
    of_key(base, Some(master_key_id))
        .into_iter()
        .find_map(|provenance| provenance.user_name)
}

/// The MFA device that IAM listed for the master key's user, as saved with the session at `base` or one of its
/// roles. Without a master key, the device of any.
pub fn discovered_device(base: &Path, master_key_id: Option<&str>) -> Option<String> {
    of_key(base, master_key_id)
        .into_iter()
        .find_map(|provenance| provenance.discovered_device)
}

/// The provenance of the session at `base` and of its roles, if this master key requested them.
fn of_key(base: &Path, master_key_id: Option<&str>) -> Vec<Provenance> {
    let mut files = vec![base.to_owned()];
    files.extend(roles_of(base).unwrap_or_default());
    let mut known: Vec<Provenance> = files
        .iter()
        .filter_map(|file| provenance_of(file))
        .collect();
    if master_key_id.is_some() {
        known.retain(|provenance| provenance.master_key_id.as_deref() == master_key_id);
    }
    known
}

fn provenance_of(file: &Path) -> Option<Provenance> {
    let loaded = SessionStore::new(file.to_owned()).read().ok()?;
    Some(loaded.session.provenance)
}
