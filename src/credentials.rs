//! The credentials of a selection, for the subcommands that use them: the user's own session, or a role's credentials.

pub mod device_lookup;
pub mod past_failure;
pub mod role;

use crate::account::Account;
use crate::cli::Selection;
use crate::environment::Environment;
use crate::error::Failure;
use crate::invocation;
use crate::session::Session;
use crate::session::error::{Error, Warning};
use crate::session::store::{Loaded, SessionStore};
use crate::sources::{Flags, Sources};
use crate::stderr;
use crate::time::now;
use jiff::Timestamp;
use role::RoleSession;
use std::path::Path;

/// Credentials with warnings about them.
pub struct Found {
    /// The credentials, which are valid.
    pub session: Session,
    /// Whose they are, see [`Account::name`].
    pub name: String,
    /// Others can read their file.
    pub warning: Option<Warning>,
    /// Why a role was not renewed although it was due.
    pub not_renewed: Option<Failure>,
}

impl Found {
    /// The same without the warnings, which are printed.
    pub fn with_warnings_printed(mut self) -> Self {
        if let Some(warning) = self.warning.take() {
            stderr::note(&format!("warning: {warning}"));
        }
        if let Some(failure) = self.not_renewed.take() {
            let reason = failure.one_line();
            stderr::note(&format!("warning: the role was not renewed: {reason}"));
        }
        self
    }
}

/// Who waits for the credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waiter {
    /// A program: it needs them now.
    Program,
    /// A shell's prompt: where the user has interrupted a renewal, the next prompt must not wait again.
    Prompt,
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
    waiter: Waiter,
    watch: &mut dyn FnMut(&Path),
) -> Result<Found, Failure> {
    let sources = Sources::new(selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    account.owner.as_ref().map_err(Failure::clone)?;
    let role = account.role.as_ref().map_err(Failure::clone)?;
    let store = SessionStore::new(account.session_file.clone()?.value);
    watch(store.path());
    let mut found = match role {
        None => saved(&store, account.key_of_session(), selection, now())?,
        Some(chain) => {
            let role = RoleSession::of(&sources, &account, chain, store);
            role.credentials(waiter, watch)?
        }
    };
    found.session.region = account.region_to_load(found.session.region)?;
    found.name = account.name();
    Ok(found)
}

/// What the user calls the credentials of the selection, see [`Account::name`].
///
/// # Errors
/// A variable is not UTF-8.
pub fn name(selection: &Selection, environment: &Environment) -> Result<String, Failure> {
    let sources = Sources::new(selection, Flags::default(), environment);
    Ok(Account::of(&sources)?.name())
}

/// The user's own session in `store`, made with `key` if that is known.
///
/// # Errors
/// There is none, it has expired, it was made with another key, or its file cannot be used. The hint has the `get` command
/// to run.
pub fn saved(
    store: &SessionStore,
    key: Option<&str>,
    selection: &Selection,
    now: Timestamp,
) -> Result<Found, Failure> {
    let found = || -> Result<Found, Error> {
        let Loaded { session, warning } = store.read()?;
        let session = session.of_key(key, store.path())?;
        Ok(Found {
            session: session.valid_at(now, store.path())?,
            name: String::new(),
            warning,
            not_renewed: None,
        })
    };
    found().map_err(|error| {
        let get_command = invocation::get_command(selection, &Flags::default());
        Failure::from(error).or_hint(format!("run `{get_command}`"))
    })
}
