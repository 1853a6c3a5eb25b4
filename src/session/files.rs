//! The saved files in one directory.

use super::Provenance;
use super::error::Error;
use super::store::{Loaded, SessionStore};
use super::{leftover, name, symlink};
use crate::environment::variable::AWS_SESSION_FILE;
use crate::error::{Failure, reason};
use crate::file_name::FileNames;
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use jiff::Timestamp;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for the lock of a session file before it is saved. A `get` that asks for a code may hold it for longer.
pub const SAVING: Duration = Duration::from_secs(5);

/// The files of sessions and roles in `directory`, in alphabetical order, also damaged ones. Their names do not decide
/// alone: a user may have notes in `session-notes.txt`.
///
/// # Errors
/// The directory cannot be read. A missing directory has no files.
pub fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = listed(directory, name::is_of_saved_file)?;
    files.retain(|file| SessionStore::new(file.clone()).has_session());
    Ok(files)
}

/// The files in `directory` with these names, in alphabetical order.
fn listed(directory: &Path, is_listed: fn(&Path) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        let (directory, reason) = (in_words(directory), reason(&error));
        Failure::setup(format!("cannot read the directory {directory}: {reason}"))
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let files = entries.map(|entry| Ok(entry?.path()));
    let mut files: Vec<PathBuf> = files.collect::<Result<_, _>>().map_err(unreadable)?;
    files.retain(|file| is_listed(file));
    files.sort();
    Ok(files)
}

/// The directory of the session file at `base`.
pub fn directory_of(base: &Path) -> &Path {
    super::directory::of(base)
}

/// The files that have the credentials of roles assumed with the session in the file `base`, whichever way its path is
/// spelled. They are next to it, or to the symlink that leads to it.
///
/// # Errors
/// The directory cannot be read.
pub fn roles_of(base: &Path) -> Result<Vec<PathBuf>, Failure> {
    let target = real(base);
    let [own, of_target] = [base, &target].map(super::directory::of);
    let mut files = in_directory(own)?;
    if own.canonicalize().is_ok_and(|own| own != of_target) {
        files.extend(in_directory(of_target)?);
    }
    files.retain(|file| {
        let role = provenance_of(file).and_then(|provenance| provenance.role);
        let name = role.and_then(|role| Some(Path::new(&role.base?).file_name()?.to_owned()));
        name.is_some_and(|name| real(&file.with_file_name(name)) == target)
    });
    Ok(files)
}

/// The file's path without symlinks and detours. The file may be missing.
fn real(file: &Path) -> PathBuf {
    let target = symlink::follow(file).unwrap_or_else(|_| file.to_owned());
    let directory = super::directory::of(&target).canonicalize();
    match (directory, target.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => target,
    }
}

/// The files in `directory` that have credentials of roles with one of these digests, of this master key if it is known.
///
/// # Errors
/// The directory cannot be read.
pub fn with_digest(
    directory: &Path,
    digests: &[String],
    master_key_id: Option<&str>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut files = in_directory(directory)?;
    files.retain(|file| {
        let own = provenance_of(file).filter(|provenance| is_of_key(provenance, master_key_id));
        let role = own.and_then(|provenance| provenance.role);
        role.is_some_and(|role| digests.contains(&role.digest))
    });
    Ok(files)
}

/// The name of the master key's user, as saved with the session at `base` or one of its roles.
pub fn user_name(base: &Path, master_key_id: &str) -> Option<String> {
    of_key(base, Some(master_key_id)).find_map(|provenance| provenance.user_name)
}

/// The MFA device that IAM listed for the master key's user, as saved with the session at `base` or one of its
/// roles. Without a master key, the device of any.
pub fn discovered_device(base: &Path, master_key_id: Option<&str>) -> Option<String> {
    of_key(base, master_key_id).find_map(|provenance| provenance.discovered_device)
}

/// The provenance of the session at `base` and of its roles, if this master key requested them.
fn of_key(base: &Path, master_key_id: Option<&str>) -> impl Iterator<Item = Provenance> {
    let files = std::iter::once(base.to_owned()).chain(roles_of(base).unwrap_or_default());
    let known = files.filter_map(|file| provenance_of(&file));
    known.filter(move |provenance| is_of_key(provenance, master_key_id))
}

/// Whether this master key is not known, or requested the session.
fn is_of_key(provenance: &Provenance, master_key_id: Option<&str>) -> bool {
    master_key_id.is_none() || provenance.master_key_id.as_deref() == master_key_id
}

/// Removes the files in `directory` that have expired credentials of roles, and the memory of failed renewals.
///
/// # Errors
/// The directory cannot be read. A file that cannot be removed stays.
pub fn sweep(directory: &Path, now: Timestamp) -> Result<(), Failure> {
    for file in listed(directory, name::is_of_failed_role)? {
        let _ = std::fs::remove_file(file);
    }
    for file in in_directory(directory)? {
        let store = SessionStore::new(file);
        if let Ok(Loaded { session, .. }) = store.read()
            && session.provenance.role.is_some()
            && !session.is_valid(now)
        {
            let _ = store.remove();
        }
    }
    Ok(())
}

/// Makes the sessions and roles in `directory`, and the selected session, those of another master key: what they say of it,
/// and the names of files that are named by it. `keys` are the ids before and after. A file that the user has named keeps
/// its name. If the key moves to a profile, its session goes with it.
///
/// # Errors
/// A file cannot be written; the others are changed all the same.
pub fn change_key(
    directory: &Path,
    selected: &Setting<PathBuf>,
    keys: [&str; 2],
    profile: Option<&str>,
    now: Timestamp,
) -> Result<(), Failure> {
    let [old, new] = keys;
    let own = profile.map(|profile| format!("session-{}", FileNames::HERE.encode(profile)));
    let own = own.filter(|own| !directory.join(own).exists());
    let names_by_user = [
        Origin::Variable(AWS_SESSION_FILE.name()),
        Origin::Flag("--session-file"),
    ];
    let given = names_by_user
        .contains(&selected.origin)
        .then_some(selected.value.as_path());
    let change = KeyChange {
        old,
        new,
        named_by_key: directory.join(format!("session-{old}")),
        given,
        is_move: own.is_some(),
        name: own.unwrap_or_else(|| format!("session-{new}")),
    };
    let mut files = in_directory(directory)?;
    files.extend(in_directory(super::directory::of(&selected.value)).unwrap_or_default());
    files.push(selected.value.clone());
    files.sort();
    files.dedup();
    let mut outcome = Ok(());
    for file in files {
        if let Err(error) = change_key_in(&file, &change, now) {
            outcome = Err(error.into());
        }
    }
    outcome
}

/// Another master key in the place of one.
struct KeyChange<'c> {
    old: &'c str,
    new: &'c str,
    /// The file of the environment's session.
    named_by_key: PathBuf,
    /// The file that the user has named.
    given: Option<&'c Path>,
    /// Whether the session moves to a profile.
    is_move: bool,
    /// The new name of the file that is named by the key.
    name: String,
}

fn change_key_in(file: &Path, change: &KeyChange, now: Timestamp) -> Result<(), Error> {
    let store = SessionStore::new(file.to_owned());
    let is_given = |path: &Path| change.given == Some(path);
    let renamed = |path: &Path| {
        let is_renamed = path == change.named_by_key && (change.is_move || !is_given(path));
        is_renamed.then(|| path.with_file_name(&change.name))
    };
    let is_of_key = |provenance: &Provenance| {
        let base = provenance.role.as_ref().and_then(|role| role.base.as_ref());
        provenance.master_key_id.as_deref() == Some(change.old)
            || renamed(file).is_some()
            || base.is_some_and(|base| renamed(Path::new(base)).is_some())
    };
    if !provenance_of(file).is_some_and(|provenance| is_of_key(&provenance)) {
        return Ok(());
    }
    // A `get` may save another session in the meantime.
    let Some(_lock) = store.lock_within(SAVING)? else {
        return Ok(());
    };
    // What a rotation that was killed here has left.
    leftover::clean_up(file);
    let Ok(Loaded { mut session, .. }) = store.read() else {
        return Ok(());
    };
    let before = session.provenance.clone();
    let provenance = &mut session.provenance;
    let mut other_file = renamed(file);
    if provenance.master_key_id.as_deref() == Some(change.old) {
        provenance.master_key_id = Some(change.new.to_owned());
        if let Some(role) = &provenance.role
            && name::is_of_saved_file(file)
        {
            let name = name::of_role(&role.arn, Some(change.new), &role.digest, role.is_direct);
            other_file = Some(file.with_file_name(name));
        }
    }
    if let Some(base) = provenance.role.as_mut().and_then(|role| role.base.as_mut())
        && let Some(renamed) = renamed(Path::new(base.as_str()))
    {
        *base = renamed.to_string_lossy().into_owned();
    }
    if let Some(other_file) = other_file {
        leftover::clean_up(&other_file);
        SessionStore::new(other_file).save(&session, now)?;
        if !is_given(file) {
            store.remove()?;
            return Ok(());
        }
    }
    match session.provenance == before {
        true => Ok(()),
        false => store.save(&session, now),
    }
}

fn provenance_of(file: &Path) -> Option<Provenance> {
    let loaded = SessionStore::new(file.to_owned()).read().ok()?;
    Some(loaded.session.provenance)
}
