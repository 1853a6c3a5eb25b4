//! `aws-mfa get`: a new session from STS for an MFA code, saved for every shell.

use crate::aws::client::{Client, SigningKey};
use crate::aws::sts;
use crate::cli::Get;
use crate::code::source::{CodeSource, Failed};
use crate::environment::Environment;
use crate::error::Failure;
use crate::explain::{self, next_code_hint};
use crate::session::Session;
use crate::session::lock::Lock;
use crate::session::store::SessionStore;
use crate::setting::{Origin, Setting};
use crate::settings::device::Device;
use crate::settings::duration::{self, Duration};
use crate::settings::{self, Flags, Settings};
use crate::time;
use jiff::Timestamp;
use jiff::tz::TimeZone;
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
    let get_command = settings::get_command(&get.selection, &flags);
    let settings = Settings::new(&get.selection, flags, environment)?;
    let store = SessionStore::new(settings::session_file(&get.selection, environment)?.value);
    let duration = settings.duration()?.value;

    // Held until the session is saved, so that those who wait for the lock find it there.
    let _lock = match &get.unless_valid {
        Some(margin) => {
            let lock = lock(&store)?;
            if let Some(session) = still_good(&store, margin, duration, now())? {
                return super::confirm(&told("kept the session in", &session, store.path(), now()));
            }
            Some(lock)
        }
        None => None,
    };

    let keys = settings.master_keys()?;
    let device = settings.device()?;
    let region = settings.region(&device.value)?;
    let network = settings.network(&region.value)?;
    let request = explain::Request {
        action: "sts:GetSessionToken",
        endpoint: &network.endpoint.value,
        proxy: network.proxy.as_ref(),
        key_id: keys.get(|keys| keys.access_key_id.as_str()),
        region: region.get(String::as_str),
        device: device.get(Device::name),
        command: &get_command,
    };
    let key = SigningKey {
        id: request.key_id.value,
        secret: &keys.value.secret_access_key,
        region: &region.value,
    };
    let client = Client::new(&network.route(), &key).map_err(|error| request.no_client(&error))?;
    let source = code_source(get, &settings, &request, environment)?;
    // Before a code is spent: what it buys must have a place to go.
    store.prepare()?;

    let mut session = source.spend(now, |code| {
        sts::session(&client, request.device.value, code, duration.seconds(), now).map_err(
            |error| Failed {
                code: sts::state_of_code(&error),
                failure: request.failed(&error, now()),
            },
        )
    })?;
    session.region = region_to_save(region, store.read().ok().map(|loaded| loaded.session));
    store
        .save(&session, now())
        .map_err(|failure| code_is_spent(failure, &get_command, now()))?;
    super::confirm(&told(
        "saved session info to",
        &session,
        store.path(),
        now(),
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
    request: &explain::Request<'a>,
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
                device: request.device.value,
                get_command: request.command,
            },
        },
        words => CodeSource::Argument(words),
    })
}

/// A region that a flag or a profile named belongs to the session. One of the environment does only where it
/// is that of the session before: `load` has set it then, and the shell would lose it.
fn region_to_save(region: Setting<String>, previous: Option<Session>) -> Option<String> {
    let belongs_to_session = match region.origin {
        Origin::Flag(_) | Origin::Profile(..) => true,
        Origin::Variable(_) => {
            previous.is_some_and(|session| session.region.as_ref() == Some(&region.value))
        }
        Origin::Default => false,
    };
    belongs_to_session.then_some(region.value)
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
    format!("{what} {}{validity}", file.display())
}
