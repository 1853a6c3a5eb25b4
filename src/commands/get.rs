//! `aws-mfa get`: a new session from STS for an MFA code, saved for every shell.

use crate::aws::network::Network;
use crate::aws::refusal::next_code_hint;
use crate::aws::sts::{Caller, Sts};
use crate::cli::Get;
use crate::code::source::CodeSource;
use crate::environment::Environment;
use crate::error::Failure;
use crate::session::Session;
use crate::session::lock::Lock;
use crate::session::store::{Loaded, SessionStore};
use crate::setting::{Origin, Setting};
use crate::settings::duration;
use crate::settings::{self, Flags, Settings};
use crate::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use std::path::Path;

/// Carries out `aws-mfa get`.
pub fn run(get: &Get, environment: &Environment, now: fn() -> Timestamp) -> anyhow::Result<()> {
    let flags = Flags {
        serial_number: get.serial_number.as_deref(),
        duration: get.duration.as_deref(),
        region: get.region.as_deref(),
        code_command: get.code_command.as_deref(),
    };
    let settings = Settings::new(&get.selection, flags, environment)?;
    let store = SessionStore::new(settings::session_file(&get.selection, environment)?.value);
    let duration = settings.duration()?.value;

    // Held until the session is saved, so that those who wait for the lock find it there.
    let _lock = match &get.unless_valid {
        Some(margin) => {
            let margin = duration::margin(margin, duration)?;
            if let Some(session) = still_good(&store, margin, now()) {
                return super::print(&told("kept the session in", &session, store.path(), now()));
            }
            let lock = lock(&store, &settings::get_command(&get.selection));
            // Another `get` may have saved one while this one waited.
            if let Some(session) = still_good(&store, margin, now()) {
                return super::print(&told("kept the session in", &session, store.path(), now()));
            }
            lock
        }
        None => None,
    };

    let caller = Caller {
        keys: settings.master_keys()?,
        device: settings.device()?,
        get_command: settings::get_command(&get.selection),
    };
    let region = settings.region(&caller.device.value)?;
    let endpoint = settings.endpoint(&region.value)?.value;
    let options = settings.network(&endpoint)?;
    let sts = Sts::new(&region.value, Network::new(endpoint, &options)?);
    let source = code_source(get, &settings, &caller, environment)?;
    // Before a code is spent: what it buys must have a place to go.
    store.prepare().map_err(Failure::from)?;
    if let Some(warning) = store.directory_warning() {
        super::note(&format!("warning: {warning}"));
    }

    let mut session = source.spend(now, |code| sts.session(&caller, code, duration, now))?;
    session.region = region_to_save(region);
    store
        .save(&session, now())
        .map_err(|error| code_is_spent(error.into(), &caller.get_command, now()))?;
    super::print(&told(
        "saved session info to",
        &session,
        store.path(),
        now(),
    ))
}

/// The lock of the session file. Without it two `get`s at once spend two codes, which is no reason
/// to get no session.
fn lock(store: &SessionStore, get_command: &str) -> Option<Lock> {
    match store.lock(|waiting| super::note(&waiting.message(get_command))) {
        Ok(lock) => Some(lock),
        Err(error) => {
            let failure = Failure::from(error);
            super::note(&format!("warning: going on without a lock: {failure}"));
            None
        }
    }
}

/// The session that is saved, if more than the margin is left of it. One whose expiry is unknown is
/// not relied upon.
fn still_good(store: &SessionStore, margin: SignedDuration, now: Timestamp) -> Option<Session> {
    let Loaded { session, warning } = store.read().ok()?;
    session.time_left(now).filter(|left| *left > margin)?;
    if let Some(warning) = warning {
        super::note(&format!("warning: {warning}"));
    }
    Some(session)
}

fn code_source<'a>(
    get: &'a Get,
    settings: &'a Settings,
    caller: &'a Caller,
    environment: &'a Environment,
) -> anyhow::Result<CodeSource<'a>> {
    Ok(match get.code.as_slice() {
        [dash] if dash.expose_secret() == "-" => CodeSource::Stdin,
        [] => match settings.code_command()? {
            Some(command) => CodeSource::Command {
                command,
                environment,
            },
            None => CodeSource::Terminal {
                device: &caller.device.value,
                get_command: &caller.get_command,
            },
        },
        words => CodeSource::Argument(words),
    })
}

/// A region that a flag or a profile named belongs to the session; one of the environment is there
/// anyway.
fn region_to_save(region: Setting<String>) -> Option<String> {
    match region.origin {
        Origin::Flag(_) | Origin::Profile(..) => Some(region.value),
        Origin::Variable(_) | Origin::Default => None,
    }
}

/// The worst that can happen: STS has given a session for the code, and it could not be saved.
fn code_is_spent(mut failure: Failure, get_command: &str, now: Timestamp) -> Failure {
    failure.message.push_str(", and the code is used up");
    let next_code = next_code_hint(now, get_command);
    let hint = match failure.hint.take() {
        Some(remedy) => format!("{remedy}, {next_code}"),
        None => next_code,
    };
    failure.hint(hint)
}

fn told(what: &str, session: &Session, file: &Path, now: Timestamp) -> String {
    let validity = match (session.time_left(now), session.expiration) {
        (Some(left), Some(end)) => format!(
            " (valid {}, until {})",
            time::rounded_span(left),
            time::until(end, now, &TimeZone::system())
        ),
        _ => String::new(),
    };
    format!("{what} {}{validity}\n", file.display())
}
