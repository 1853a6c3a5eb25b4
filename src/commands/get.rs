//! `aws-mfa get`: a new session from STS for an MFA code, saved for every shell.

use crate::aws::network::Network;
use crate::aws::refusal::next_code_hint;
use crate::aws::sts::{Caller, Sts};
use crate::cli::Get;
use crate::code::source::CodeSource;
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::Failure;
use crate::session::Session;
use crate::session::lock::Lock;
use crate::session::store::SessionStore;
use crate::setting::{Origin, Setting};
use crate::settings::duration::{self, Duration};
use crate::settings::{self, Flags, Settings};
use crate::time;
use jiff::Timestamp;
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
            let lock = lock(&store)?;
            if let Some(session) = still_good(&store, margin, duration, now())? {
                return super::print(&told(
                    "kept the session in",
                    &session,
                    store.path(),
                    now(),
                    environment,
                ));
            }
            Some(lock)
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
    store.prepare()?;

    let mut session = source.spend(now, |code| sts.session(&caller, code, duration, now))?;
    session.region = region_to_save(region);
    store
        .save(&session, now())
        .map_err(|failure| code_is_spent(failure, &caller.get_command, now()))?;
    super::print(&told(
        "saved session info to",
        &session,
        store.path(),
        now(),
        environment,
    ))
}

fn lock(store: &SessionStore) -> Result<Lock, Failure> {
    store.lock(|| {
        super::note(&format!(
            "another `aws-mfa get` is at it; waiting for its session ({})",
            store.path().display()
        ));
    })
}

/// The session that is there, if more than the margin is left of it. One whose end is not known is
/// not relied upon.
fn still_good(
    store: &SessionStore,
    margin: &str,
    duration: Duration,
    now: Timestamp,
) -> anyhow::Result<Option<Session>> {
    let margin = duration::margin(margin, duration)?;
    Ok(store
        .read()
        .ok()
        .map(|loaded| loaded.session)
        .filter(|session| session.time_left(now).is_some_and(|left| left > margin)))
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

fn told(
    what: &str,
    session: &Session,
    file: &Path,
    now: Timestamp,
    environment: &Environment,
) -> String {
    let validity = match (session.time_left(now), session.expiration) {
        (Some(left), Some(end)) => format!(
            " (valid {}, until {})",
            time::rounded_span(left),
            time::until(end, now, &time_zone(environment))
        ),
        _ => String::new(),
    };
    format!("{what} {}{validity}\n", file.display())
}
