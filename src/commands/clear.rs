//! `aws-mfa clear`: removes saved credentials.

use crate::cli::Clear;
use crate::environment::Environment;
use crate::error::Failure;
use crate::session::saved;
use crate::session::store::SessionStore;
use crate::settings::{self, Flags, Location, Settings};
use std::path::Path;

/// Runs `aws-mfa clear`. It is no failure if there is nothing to remove.
pub fn run(clear: &Clear, environment: &Environment) -> anyhow::Result<()> {
    if clear.all {
        return remove_all(clear, environment);
    }
    let settings = Settings::new(&clear.selection, Flags::default(), environment);
    // Credentials can be removed even if the profiles are invalid.
    let is_role = settings.and_then(|settings| settings.role_chain());
    if let Ok(Some(_)) = is_role
        && let Some(role) = Location::of(&clear.selection, environment)?.role
    {
        return confirm(remove(&role)?, "the role's credentials", &role);
    }
    let session = settings::session_file(&clear.selection, environment)?.value;
    // Its roles cannot be renewed any more, and must not outlive it.
    for role in saved::roles_of(&session)? {
        confirm(remove(&role)?, "the role's credentials", &role)?;
    }
    confirm(remove(&session)?, "the session", &session)
}

/// Removes every session and role in the directory of the session files, and the selected session file.
fn remove_all(clear: &Clear, environment: &Environment) -> anyhow::Result<()> {
    let mut files = Vec::new();
    if let Some(directory) = settings::session_directory(environment)? {
        files = saved::in_directory(&directory)?;
    }
    let selected = settings::session_file(&clear.selection, environment)?.value;
    files.extend(saved::roles_of(&selected)?);
    files.push(selected);
    files.sort();
    files.dedup();
    let mut removed = false;
    let mut outcome = Ok(());
    for file in files {
        match remove(&file) {
            Ok(true) => {
                super::confirm(&format!("removed {}", file.display()))?;
                removed = true;
            }
            Ok(false) => {}
            // Go on: the other sessions must not stay because of this one.
            Err(failure) => outcome = outcome.and(Err(failure.into())),
        }
    }
    if !removed && outcome.is_ok() {
        super::confirm("there was no session to remove")?;
    }
    outcome
}

fn remove(file: &Path) -> Result<bool, Failure> {
    let store = SessionStore::new(file.to_owned());
    store.remove().map_err(Failure::from)
}

fn confirm(removed: bool, what: &str, file: &Path) -> anyhow::Result<()> {
    let done = match removed {
        true => format!("removed {what}"),
        false => format!("there was no {} to remove", what.trim_start_matches("the ")),
    };
    super::confirm(&format!("{done} ({})", file.display()))
}
