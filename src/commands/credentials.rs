//! The credentials of a selection, for the subcommands that use them: the user's own session, or a role's credentials.

pub mod role;

use crate::cli::Selection;
use crate::environment::Environment;
use crate::error::Failure;
use crate::session::Session;
use crate::session::error::Warning;
use crate::session::store::{Loaded, SessionStore};
use crate::settings::{self, Flags, Location, Settings};
use jiff::Timestamp;
use role::SelectedRole;
use std::path::Path;

/// Credentials with warnings about them.
pub struct Found {
    /// The credentials, which are valid.
    pub session: Session,
    /// Others can read their file.
    pub warning: Option<Warning>,
    /// Why a role was not renewed although it was due.
    pub not_renewed: Option<Failure>,
}

impl Found {
    /// The credentials; prints the warnings first.
    pub fn with_warnings_printed(self) -> Session {
        if let Some(warning) = self.warning {
            super::note(&format!("warning: {warning}"));
        }
        if let Some(failure) = self.not_renewed {
            super::note(&format!(
                "warning: the role was not renewed: {}",
                failure.one_line()
            ));
        }
        self.session
    }
}

impl From<Loaded> for Found {
    fn from(loaded: Loaded) -> Self {
        Found {
            session: loaded.session,
            warning: loaded.warning,
            not_renewed: None,
        }
    }
}

/// The credentials of the selection. A role's credentials are renewed when they are due; nothing else uses the network.
///
/// `watch` is called with each file before it is read, and again after this has replaced it.
///
/// # Errors
/// There are no credentials, they have expired, their file cannot be used, or the role cannot be assumed. The hint has the
/// command to run next.
pub fn find(
    selection: &Selection,
    environment: &Environment,
    now: fn() -> Timestamp,
    watch: &mut dyn FnMut(&Path),
) -> Result<Found, Failure> {
    let location = Location::of(selection, environment)?;
    let session_store = SessionStore::new(location.session.value);
    watch(session_store.path());
    let Some(role_file) = location.role else {
        return saved(&session_store, selection, now());
    };
    watch(&role_file);
    let stamp = Location::stamp(selection, environment)?;
    // The settings that decide between session and role have not changed since these credentials were saved.
    if let Ok(loaded) = SessionStore::new(role_file.clone()).read()
        && loaded.session.provenance.settings.as_ref() == Some(&stamp.role)
        && role::is_fresh(&loaded.session, now())
    {
        return Ok(loaded.into());
    }
    if location.depends_on_profiles
        && !location.names_role
        && let Ok(loaded) = session_store.read()
        && loaded.session.provenance.settings.as_ref() == Some(&stamp.session)
        && loaded.session.is_valid(now())
    {
        return Ok(loaded.into());
    }

    let settings = Settings::new(selection, Flags::default(), environment)?;
    let Some(chain) = settings.role_chain()? else {
        let store = SessionStore::new(settings.session_file()?.value);
        watch(store.path());
        return saved(&store, selection, now());
    };
    let role = SelectedRole::of(&settings, chain, role_file, stamp.role, selection)?;
    watch(role.base_store.path());
    role.credentials(now, watch)
}

/// The user's own session in `store`.
///
/// # Errors
/// There is none, it has expired, or its file cannot be used. The hint has the `get` command to run.
pub fn saved(
    store: &SessionStore,
    selection: &Selection,
    now: Timestamp,
) -> Result<Found, Failure> {
    let get_command = settings::get_command(selection, &Flags::default());
    let remedy = |error| Failure::from(error).or_hint(format!("run `{get_command}`"));
    let mut loaded = store.read().map_err(remedy)?;
    loaded.session = loaded.session.valid_at(now, store.path()).map_err(remedy)?;
    Ok(loaded.into())
}
