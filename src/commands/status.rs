//! `aws-mfa status`: the session, how long it holds, and where each setting comes from.
//!
//! It asks nobody, runs no `credential_process` and shows no secret.

mod report;

use crate::cli::Status;
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::{Failure, Kind};
use crate::process;
use crate::session::store::SessionStore;
use crate::setting::Setting;
use crate::settings::keys::KeySource;
use crate::settings::{self, Flags, Settings};
use jiff::Timestamp;
use report::{Report, Row, SessionReport, Shown, State};
use std::io::IsTerminal;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The first direnv whose `direnv_load` does all that `load` needs.
const OLDEST_DIRENV: [u32; 3] = [2, 21, 3];

/// direnv prints its version at once.
const DIRENV_LIMIT: Duration = Duration::from_secs(2);

/// Carries out `aws-mfa status`.
pub fn run(status: &Status, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    let file = settings::session_file(&status.selection, environment)?;
    let store = SessionStore::new(file.value.clone());
    let (session, warning) = session(&store, now);
    let mut report = Report {
        version: 1,
        session,
        loaded: false,
        account: None,
        settings: vec![Row::of(
            "session_file",
            Ok(Some(file.map(|path| path.display().to_string()))),
        )],
        warnings: Vec::from_iter(warning),
    };
    match Settings::new(&status.selection, Flags::default(), environment) {
        Ok(settings) => add_settings(&mut report, &settings),
        Err(error) => report.warnings.push(match error.downcast_ref::<Failure>() {
            Some(failure) => failure.one_line(),
            None => crate::error::causes(&error),
        }),
    }
    warn_of_environment(&mut report, environment);
    report.warnings.extend(old_direnv());

    super::print(&if status.json {
        report.json()?
    } else if std::io::stdout().is_terminal() {
        let plain_terminal = environment.get("TERM").is_some_and(|term| term == "dumb");
        // https://no-color.org
        let colour = environment.get("NO_COLOR").is_none() && !plain_terminal;
        report.table(now, &time_zone(environment), colour)
    } else {
        report.plain(now, &time_zone(environment))
    })?;
    Ok(match report.session.state {
        State::Valid => ExitCode::SUCCESS,
        _ => ExitCode::from(Kind::NoSession.exit_status()),
    })
}

/// The session, and what its owner should know of its file.
fn session(store: &SessionStore, now: Timestamp) -> (SessionReport, Option<String>) {
    let loaded = match store.read() {
        Ok(loaded) => loaded,
        Err(failure) => {
            let report = SessionReport {
                state: match store.path().try_exists() {
                    Ok(false) => State::Missing,
                    _ => State::Unusable,
                },
                message: Some(failure.message),
                ..SessionReport::default()
            };
            return (report, None);
        }
    };
    let session = loaded.session;
    let mut report = SessionReport {
        state: State::Valid,
        message: None,
        access_key_id: Some(session.access_key_id.clone()),
        expiration: session.expiration,
        seconds_left: session.time_left(now).map(|left| left.as_secs().max(0)),
        region: session.region.clone(),
    };
    if let Err(failure) = session.valid_at(now, store.path()) {
        report.state = State::Expired;
        report.message = Some(failure.message);
    }
    (report, loaded.warning)
}

/// What the next `get` would work with.
fn add_settings(report: &mut Report, settings: &Settings) {
    let profile = settings.named_profile();
    if let Ok(Some(profile)) = &profile
        && profile.value.get("role_arn").is_some()
    {
        report.warnings.push(format!(
            "the profile {} is a role's; the session is the user's own, and aws-mfa assumes no role",
            profile.value.name()
        ));
    }
    let device = settings.device();
    report.account = device
        .as_ref()
        .ok()
        .and_then(|device| device.value.account())
        .map(str::to_owned);
    // Without a device no partition is known, and without that neither region nor endpoint.
    let region = device
        .as_ref()
        .ok()
        .map(|device| settings.region(&device.value))
        .transpose();
    let endpoint = match &region {
        Ok(Some(region)) => settings.endpoint(&region.value).map(Some),
        _ => Ok(None),
    };
    let network = settings.network(match &endpoint {
        Ok(Some(endpoint)) => &endpoint.value,
        _ => "https://",
    });
    let (proxy, ca_bundle) = match network {
        Ok(network) => (Ok(network.proxy), Ok(network.ca_bundle)),
        Err(failure) => (Err(failure.clone()), Err(failure)),
    };
    report.settings.extend([
        Row::of(
            "profile",
            profile.map(|profile| profile.map(|profile| profile.map(|profile| profile.name()))),
        ),
        Row::of("key_id", settings.key_source().map(key_id)),
        Row::of(
            "device",
            device.map(|device| Some(device.map(|device| device.name().to_owned()))),
        ),
        Row::of(
            "duration_seconds",
            settings.duration().map(|duration| {
                Some(duration.map(|duration| Shown {
                    text: duration.to_string(),
                    json: duration.seconds().into(),
                }))
            }),
        ),
        Row::of("region", region),
        Row::of("endpoint", endpoint),
        Row::of(
            "code_command",
            settings
                .code_command()
                .map(|command| command.map(|command| command.map(program))),
        ),
        Row::of(
            "proxy",
            proxy.map(|proxy| proxy.map(|proxy| proxy.map(without_user))),
        ),
        Row::of("ca_bundle", ca_bundle),
    ]);
}

fn key_id(source: Setting<KeySource>) -> Option<Setting<Shown>> {
    Some(source.map(|source| match source {
        KeySource::Pair { access_key_id, .. } => access_key_id.trim().into(),
        KeySource::Process(_) => Shown {
            text: "printed by a program".to_owned(),
            json: serde_json::Value::Null,
        },
    }))
}

/// The first word of a command line: the rest of it may be the seed that codes are made of.
fn program(command_line: &str) -> String {
    match command_line.trim().split_once(char::is_whitespace) {
        Some((program, _)) if !program.contains('=') => format!("{program} …"),
        Some(_) => "…".to_owned(),
        None => command_line.trim().to_owned(),
    }
}

/// A proxy's address without the user and the password in it.
fn without_user(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((user, host)) => match user.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{host}"),
            None => host.to_owned(),
        },
        None => address.to_owned(),
    }
}

fn warn_of_environment(report: &mut Report, environment: &Environment) {
    let mut warn = |warning: String| report.warnings.push(warning);
    if let Some(own) = environment.get("AWS_ACCESS_KEY_ID") {
        let own = own.to_string_lossy();
        let session = report.session.access_key_id.as_deref();
        match (&report.session.state, session) {
            (State::Valid, Some(id)) if own == id => report.loaded = true,
            (State::Valid, Some(_)) => warn(format!(
                "AWS_ACCESS_KEY_ID of this shell is another one's, {own}: load the session, or unset it"
            )),
            _ => {}
        }
        if environment.get("AWS_PROFILE").is_some() {
            report.warnings.push(
                "AWS_PROFILE is set beside AWS_ACCESS_KEY_ID: the JavaScript SDK takes the profile's \
                 keys, and no session"
                    .to_owned(),
            );
        }
    }
    if environment.get("AWS_SECURITY_TOKEN").is_some() {
        report.warnings.push(
            "AWS_SECURITY_TOKEN is set: old SDKs prefer it to the session's token; unset it"
                .to_owned(),
        );
    }
}

/// The warning for a direnv that is too old. It is no fault to have none.
fn old_direnv() -> Option<String> {
    let mut command = Command::new("direnv");
    command
        .arg("version")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = process::bounded(command, DIRENV_LIMIT).ok()?;
    let version = std::str::from_utf8(&output).ok()?.trim();
    let numbers: Vec<u32> = version
        .split('.')
        .map_while(|number| number.parse().ok())
        .collect();
    (numbers.len() == OLDEST_DIRENV.len() && numbers.as_slice() < OLDEST_DIRENV.as_slice()).then(
        || {
            let [major, minor, patch] = OLDEST_DIRENV;
            format!(
                "direnv {version} is too old: direnv_load needs {major}.{minor}.{patch} or newer"
            )
        },
    )
}
