//! `aws-mfa clear`: removes saved credentials.

use crate::account::role::RoleChain;
use crate::account::{Account, session_directory};
use crate::cli::Clear;
use crate::credentials::past_failure::PastFailure;
use crate::environment::Environment;
use crate::error::{Failure, Kind};
use crate::path::in_words;
use crate::session::files;
use crate::session::name::is_of_saved_file;
use crate::session::store::SessionStore;
use crate::sources::{Flags, Sources};
use jiff::Timestamp;
use std::path::Path;

/// Runs `aws-mfa clear`. It is no failure if there is nothing to remove.
pub fn run(clear: &Clear, environment: &Environment, now: Timestamp) -> anyhow::Result<()> {
    let sources = Sources::new(&clear.selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let session = account.session_file.clone()?.value;
    let removed = match &account.role {
        _ if clear.all => remove_all(&session, environment),
        Ok(Some(chain)) => remove_role(chain, &account, &session),
        // A role that was mistyped must not mean the user's session, nor one of several profiles that of none. Where nothing
        // can be read, there is only that.
        Err(failure) if account.line.is_ok() || failure.kind == Kind::NoSelection => {
            return Err(failure.clone().into());
        }
        Ok(None) | Err(_) => remove_session(&account, &session),
    };
    // Nothing reads them again.
    PastFailure::forget(&session);
    files::sweep(files::directory_of(&session), now)?;
    removed
}

/// Removes the user's own session, and its roles, which could not be renewed any more and must not outlive it.
fn remove_session(account: &Account, session: &Path) -> anyhow::Result<()> {
    let mut roles = 0;
    for role in files::roles_of(session)? {
        roles += usize::from(remove(&role)?);
    }
    let roles = match roles {
        0 => None,
        1 => Some("1 role".to_owned()),
        _ => Some(format!("{roles} roles")),
    };
    let mut done = match (remove(session)?, roles) {
        (true, None) => "removed the session".to_owned(),
        (true, Some(roles)) => format!("removed the session and {roles}"),
        (false, None) => "no session to remove".to_owned(),
        (false, Some(roles)) => format!("removed {roles}; no session to remove"),
    };
    if !is_of_saved_file(session) {
        done += &format!(" ({})", in_words(session));
    }
    super::confirm(&format!("{}: {done}", account.name_of_session()))
}

/// Removes the credentials of the selected role, also those that cost a code of their own. Without a session, nothing says
/// which key behind a `credential_process` they are of, so all go.
fn remove_role(chain: &RoleChain, account: &Account, session: &Path) -> anyhow::Result<()> {
    let digests = [false, true].map(|is_direct| chain.digest(is_direct));
    let key = account.key_id.as_deref();
    let files = files::with_digest(files::directory_of(session), &digests, key)?;
    let mut done = "no role to remove";
    for file in &files {
        if remove(file)? {
            done = "removed the role";
        }
    }
    super::confirm(&format!("{}: {done}", account.name()))
}

/// Removes every session and role in the directory of the session files, and the selected session file.
fn remove_all(selected: &Path, environment: &Environment) -> anyhow::Result<()> {
    let mut files = match session_directory(environment)? {
        Some(directory) => files::in_directory(&directory)?,
        None => Vec::new(),
    };
    files.extend(files::roles_of(selected)?);
    files.push(selected.to_owned());
    files.sort();
    files.dedup();
    let mut removed = false;
    let mut outcome = Ok(());
    for file in files {
        match remove(&file) {
            Ok(true) => {
                super::confirm(&format!("removed {}", in_words(&file)))?;
                removed = true;
            }
            Ok(false) => {}
            // Go on: the other sessions must not stay because of this one.
            Err(failure) => outcome = outcome.and(Err(failure.into())),
        }
    }
    if !removed && outcome.is_ok() {
        super::confirm("no session to remove")?;
    }
    outcome
}

fn remove(file: &Path) -> Result<bool, Failure> {
    let store = SessionStore::new(file.to_owned());
    store.remove().map_err(Failure::from)
}
