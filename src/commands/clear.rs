//! `aws-mfa clear`: removes the saved session.

use crate::cli::Clear;
use crate::environment::Environment;
use crate::error::Failure;
use crate::session::store::SessionStore;
use crate::settings;

/// Carries out `aws-mfa clear`. That there is no session is no failure.
pub fn run(clear: &Clear, environment: &Environment) -> anyhow::Result<()> {
    let store = SessionStore::new(settings::session_file(&clear.selection, environment)?.value);
    let done = match store.remove().map_err(Failure::from)? {
        true => "removed the session",
        false => "there was no session to remove",
    };
    super::confirm(&format!("{done} ({})", store.path().display()))
}
