//! `aws-mfa get`: a new session from STS for an MFA code, saved for every shell.

use super::integration::{self, Integration};
use crate::aws::client::{Client, SigningKey};
use crate::aws::sts;
use crate::cli::{Get, Selection};
use crate::code::source::{CodeSource, Failed, Prompt};
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::Failure;
use crate::explain::{self, next_code_hint};
use crate::session::Session;
use crate::session::lock::Lock;
use crate::session::store::{Loaded, SessionStore};
use crate::setting::{Origin, Setting};
use crate::settings::device::Device;
use crate::settings::duration::{self, Duration};
use crate::settings::key_source::KeySource;
use crate::settings::network::Network;
use crate::settings::{self, Flags, Settings};
use crate::time;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Carries out `aws-mfa get`.
pub fn run(get: &Get, environment: &Environment, now: fn() -> Timestamp) -> anyhow::Result<()> {
    let Outcome {
        what,
        session,
        file,
    } = outcome(get, environment, now)?;
    super::confirm(&told(what, &session, &file, now(), environment))?;
    if std::io::stdout().is_terminal()
        && let Integration::None = Integration::of(environment)
    {
        super::note(&format!(
            "to load it in this shell, run `{}`",
            integration::load_command(&get.selection, environment)
        ));
    }
    Ok(())
}

/// A session for a command that needs one and has none: of commands that start together, one asks for a code.
///
/// # Errors
/// Those of `aws-mfa get`.
pub fn session_for_command(
    selection: &Selection,
    environment: &Environment,
    now: fn() -> Timestamp,
) -> anyhow::Result<Session> {
    let get = Get {
        code: Vec::new(),
        selection: selection.clone(),
        serial_number: None,
        duration: None,
        region: None,
        code_command: None,
        unless_valid: Some("0s".to_owned()),
    };
    let Outcome {
        what,
        session,
        file,
    } = outcome(&get, environment, now)?;
    super::note(&told(what, &session, &file, now(), environment));
    Ok(session)
}

/// What has become of a `get`.
struct Outcome {
    /// `saved session info to`, or that it was kept.
    what: &'static str,
    session: Session,
    file: PathBuf,
}

fn outcome(
    get: &Get,
    environment: &Environment,
    now: fn() -> Timestamp,
) -> anyhow::Result<Outcome> {
    let flags = Flags {
        serial_number: get.serial_number.as_deref(),
        duration: get.duration.as_deref(),
        region: get.region.as_deref(),
        code_command: get.code_command.as_deref(),
    };
    let get_command = settings::get_command(&get.selection, &flags);
    let settings = Settings::new(&get.selection, flags, environment)?;
    let resolved = Resolved::of(get, &settings, environment)?;
    let store = &resolved.store;
    let outcome = |what, session| {
        Ok(Outcome {
            what,
            session,
            file: store.path().to_owned(),
        })
    };

    // Held until the session is saved, so that those who wait for the lock find it there.
    let mut _lock = None;
    if let Some(margin) = resolved.margin {
        if let Some(session) = still_good(store, margin, now()) {
            return outcome("kept the session in", session);
        }
        _lock = lock(store, &get_command);
        // Another `get` may have saved one while this one waited.
        if let Some(session) = still_good(store, margin, now()) {
            return outcome("kept the session in", session);
        }
    }

    let session = resolved.session(&settings, &get_command, now)?;
    store
        .save(&session, now())
        .map_err(|error| code_is_spent(error.into(), &get_command, now()))?;
    outcome("saved session info to", session)
}

/// All that a `get` needs to know before it acts.
struct Resolved<'a> {
    /// Where the session is saved.
    store: SessionStore,
    /// `--unless-valid`: what must be left of a session for it to be kept.
    margin: Option<SignedDuration>,
    keys: Setting<KeySource<'a>>,
    device: Setting<Device>,
    duration: Duration,
    region: Setting<String>,
    network: Network,
    code: CodeSource<'a>,
}

impl<'a> Resolved<'a> {
    fn of(
        get: &'a Get,
        settings: &'a Settings,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let session_file = settings.session_file()?;
        let duration = settings.duration()?.value;
        let margin = get.unless_valid.as_deref();
        let keys = settings.key_source()?;
        let device = settings.device()?;
        let region = settings.region(&device.value)?;
        let network = settings.network(&region.value)?;
        Ok(Resolved {
            store: SessionStore::new(session_file.value),
            margin: margin
                .map(|text| duration::margin(text, duration))
                .transpose()?,
            keys,
            device,
            duration,
            network,
            region,
            code: code_source(get, settings, environment)?,
        })
    }

    /// A new session from STS.
    fn session(
        &self,
        settings: &Settings,
        get_command: &str,
        now: fn() -> Timestamp,
    ) -> Result<Session, Failure> {
        let keys = settings.master_keys(&self.keys)?;
        let request = explain::Request {
            action: "sts:GetSessionToken",
            endpoint: &self.network.endpoint.value,
            proxy: self.network.proxy.as_ref(),
            key_id: self.keys.get(|_| keys.access_key_id.as_str()),
            region: self.region.get(String::as_str),
            device: self.device.get(Device::name),
            command: get_command,
        };
        let key = SigningKey {
            id: &keys.access_key_id,
            secret: &keys.secret_access_key,
            region: &self.region.value,
        };
        let client =
            Client::new(&self.network.route(), &key).map_err(|error| request.no_client(&error))?;
        // Before a code is spent: what it buys must have a place to go.
        self.store.prepare()?;
        if let Some(warning) = self.store.directory_warning() {
            super::note(&format!("warning: {warning}"));
        }
        let prompt = Prompt {
            device: self.device.value.name(),
            get_command,
        };
        let seconds = self.duration.seconds();
        let mut session = self.code.spend(&prompt, now, |code| {
            sts::session(&client, prompt.device, code, seconds, now).map_err(|error| Failed {
                code: sts::state_of_code(&error),
                failure: request.failed(&error, now()),
            })
        })?;
        session.region = self.region_to_save();
        Ok(session)
    }

    /// A region that a flag or a profile named belongs to the session. One of the environment does only
    /// where it is that of the session before: `load` has set it then, and the shell would lose it.
    fn region_to_save(&self) -> Option<String> {
        let region = &self.region.value;
        let belongs_to_session = match self.region.origin {
            Origin::Flag(_) | Origin::Profile(..) => true,
            Origin::Variable(_) => match self.store.read() {
                Ok(previous) => previous.session.region.as_ref() == Some(region),
                Err(_) => false,
            },
            Origin::Default => false,
        };
        belongs_to_session.then(|| region.clone())
    }
}

/// The lock of the session file. Without it two `get`s at once spend two codes, which is no reason
/// to get no session.
fn lock(store: &SessionStore, get_command: &str) -> Option<Lock> {
    match store.lock(|waiting| super::note(&waiting.message(get_command))) {
        Ok(lock) => Some(lock),
        Err(error) => {
            let failure = Failure::from(error);
            super::note(&format!(
                "warning: going on without a lock: {}",
                failure.one_line()
            ));
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
    environment: &'a Environment,
) -> Result<CodeSource<'a>, Failure> {
    Ok(match get.code.as_slice() {
        [dash] if dash.expose_secret() == "-" => CodeSource::Stdin,
        [] => match settings.code_command()? {
            Some(command) => CodeSource::Command {
                command,
                environment,
            },
            None => CodeSource::Terminal,
        },
        words => CodeSource::Argument(words),
    })
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
    format!("{what} {}{validity}", file.display())
}
