//! `aws-mfa status`: the session, how long it is valid, and where each setting comes from.
//!
//! It uses no network, runs no `credential_process` and shows no secret.

mod all;
mod report;

use super::integration::{self, Integration};
use crate::cli::{Selection, Status};
use crate::environment::Environment;
use crate::environment::variable;
use crate::environment::zone::time_zone;
use crate::error::{Failure, Kind};
use crate::process;
use crate::session::error::{Error, Problem, Warning};
use crate::session::store::{Loaded, SessionStore};
use crate::setting::Setting;
use crate::settings::device::{self, Device};
use crate::settings::duration;
use crate::settings::key_source::KeySource;
use crate::settings::role::{CHAINED, RoleChain};
use crate::settings::{self, Flags, Location, MASTER_KEYS, Settings};
use crate::stderr;
use jiff::Timestamp;
use report::{Report, RoleReport, Row, SessionReport, Shown, State};
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The oldest direnv whose `direnv_load` works with `load`.
const OLDEST_DIRENV: [u32; 3] = [2, 21, 3];

/// The time limit for `direnv version`, which answers at once.
const DIRENV_LIMIT: Duration = Duration::from_secs(2);

/// Runs `aws-mfa status`.
pub fn run(status: &Status, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    let needed = status.valid_for.as_deref();
    let needed = needed.map(duration::time_left).transpose()?;
    if status.all {
        return all::run(status, environment, now);
    }
    let settings = Settings::new(&status.selection, Flags::default(), environment);
    let chain = match &settings {
        Ok(settings) => settings.role_chain(),
        Err(_) => Ok(None),
    };
    let base = match (&settings, &chain) {
        (Ok(settings), Ok(Some(chain))) => Some(settings.base(chain)),
        _ => None,
    };
    let file = match (&base, &settings) {
        (Some(base), _) => base.session_file()?,
        (None, Ok(settings)) => settings.session_file()?,
        // The warnings below report the error in the profiles.
        (None, Err(_)) => settings::session_file(&status.selection, environment)?,
    };
    let store = SessionStore::new(file.value.clone());
    let (session, warning) = session(store.read(), store.path(), now);
    let get_command = settings::get_command(&status.selection, &Flags::default());
    let mut report = Report {
        version: 1,
        next: (session.state != State::Valid).then(|| {
            session
                .hint
                .clone()
                .unwrap_or(format!("run `{get_command}`"))
        }),
        session,
        role: None,
        loaded: false,
        integration: Integration::of(environment),
        integration_in_words: Integration::of(environment).in_words(
            &status.selection,
            environment,
            store.path(),
        ),
        account: None,
        settings: vec![Row::of(
            "session_file",
            Ok(Some(file.map(|path| path.display().to_string()))),
        )],
        home: environment.home().ok().flatten(),
        warnings: warning
            .into_iter()
            .chain(store.directory_warning())
            .map(|warning| warning.to_string())
            .collect(),
    };
    match chain {
        Ok(None) => {}
        Ok(Some(chain)) => {
            let location = Location::of(&status.selection, environment)?;
            report.role = (location.role).map(|file| role(&chain, SessionStore::new(file), now));
        }
        Err(failure) => report.warnings.push(failure.one_line()),
    }
    match &settings {
        Ok(settings) => add_settings(&mut report, settings, base.as_ref().unwrap_or(settings)),
        Err(failure) => report.warnings.push(failure.one_line()),
    }
    warn_about_ignored_variables(&mut report, &status.selection, environment);
    warn_about_environment(&mut report, environment);
    let directory = std::env::current_dir().ok();
    (report.warnings).extend(integration::inactive_direnv(
        environment,
        directory.as_deref(),
    ));
    report.warnings.extend(old_direnv());

    super::print(&if status.json {
        report.json()?
    } else if std::io::stdout().is_terminal() {
        let colour = stderr::allows_colour(environment);
        report.table(now, &time_zone(environment), colour)
    } else {
        report.plain(now, &time_zone(environment))
    })?;
    // For a role, a valid session is enough: the role is assumed on demand.
    let is_enough = |session: &SessionReport| {
        session.state == State::Valid
            && needed.is_none_or(|needed| {
                (session.seconds_left).is_some_and(|left| left >= needed.as_secs())
            })
    };
    let role = report.role.as_ref().map(|role| &role.session);
    Ok(
        if is_enough(&report.session) || role.is_some_and(is_enough) {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(Kind::NoSession.exit_status())
        },
    )
}

/// The role that the selection means, and its credentials.
fn role(chain: &RoleChain, store: SessionStore, now: Timestamp) -> RoleReport {
    let role = &chain.role;
    let loaded = store.read();
    let saved = loaded.as_ref().ok().and_then(|loaded| {
        let saved = loaded.session.provenance.role.clone()?;
        (saved.arn == role.arn.value.as_str()).then_some(saved)
    });
    let session = match &saved {
        Some(_) => session(loaded, store.path(), now).0,
        None => SessionReport::default(),
    };
    RoleReport {
        arn: role.arn.value.to_string(),
        origin: role.arn.origin.clone(),
        through: chain
            .hops
            .iter()
            .map(|hop| hop.arn.value.to_string())
            .collect(),
        file: store.path().display().to_string(),
        session,
        renewable: saved.is_none_or(|saved| !saved.is_direct),
        reduced_from_seconds: (role.seconds > CHAINED).then_some(role.seconds),
    }
}

/// The session, with a warning about its file.
fn session(
    loaded: Result<Loaded, Error>,
    file: &Path,
    now: Timestamp,
) -> (SessionReport, Option<Warning>) {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return (SessionReport::default().unusable(error), None),
    };
    let session = loaded.session;
    let report = SessionReport {
        state: State::Valid,
        message: None,
        problem: None,
        hint: None,
        access_key_id: Some(session.access_key_id.clone()),
        expiration: session.expiration,
        seconds_left: session.time_left(now).map(|left| left.as_secs().max(0)),
        region: session.region.clone(),
    };
    let report = match session.valid_at(now, file) {
        Ok(_) => report,
        Err(error) => report.unusable(error),
    };
    (report, loaded.warning)
}

impl SessionReport {
    /// The report for a session that cannot be used.
    fn unusable(self, error: Error) -> Self {
        let state = match error.problem {
            Problem::Missing => State::Missing,
            Problem::Expired { .. } => State::Expired,
            _ => State::Unusable,
        };
        let problem = error.problem.to_string();
        let failure = Failure::from(error);
        SessionReport {
            state,
            message: Some(failure.message),
            problem: Some(problem),
            hint: failure.hint,
            ..self
        }
    }
}

/// Adds the settings of the next `get`. For a role, the keys and the session come from `base`.
fn add_settings(report: &mut Report, settings: &Settings, base: &Settings) {
    let profile = settings.named_profile();
    let device = match settings.device() {
        Ok(None) => Ok(discovered_device(base)),
        device => device,
    };
    let known = device.as_ref().ok().and_then(Option::as_ref);
    report.account = known
        .and_then(|device| device.value.account())
        .map(str::to_owned);
    // The device has the partition, and the partition has the default region and endpoint.
    let region = known
        .map(|device| settings.region(&device.value))
        .transpose();
    let endpoint = match &region {
        Ok(Some(region)) => settings.endpoint(&region.value).map(Some),
        _ => Ok(None),
    };
    let proxy = settings.proxy(match &endpoint {
        Ok(Some(endpoint)) => Some(&endpoint.value),
        _ => None,
    });
    report.settings.extend([
        Row::of(
            "profile",
            profile.map(|profile| profile.map(|profile| profile.map(|profile| profile.name()))),
        ),
        Row::of("key_id", base.key_source().map(key_id)),
        Row::of(
            "device",
            device.map(|device| device.map(|device| device.map(|device| device.name().to_owned()))),
        ),
        Row::of(
            "duration_seconds",
            base.duration().map(|duration| {
                Some(duration.map(|duration| Shown {
                    text: duration.to_string(),
                    json: duration.seconds().into(),
                }))
            }),
        ),
        Row::of("region", region),
        Row::of("endpoint", endpoint.map(shown)),
        Row::of(
            "code_command",
            settings
                .code_command()
                .map(|command| command.map(|command| command.map(program))),
        ),
        Row::of("proxy", proxy.map(shown)),
        Row::of("ca_bundle", settings.ca_bundle()),
    ]);
}

/// The device that IAM listed when the saved session was requested with these master keys.
fn discovered_device(base: &Settings) -> Option<Setting<Device>> {
    let KeySource::Pair { access_key_id, .. } = base.key_source().ok()?.value else {
        return None;
    };
    let file = base.session_file().ok()?.value;
    device::remembered(&file, access_key_id.trim())
}

fn key_id(source: Setting<KeySource>) -> Option<Setting<Shown>> {
    Some(source.map(|source| match source {
        KeySource::Pair { access_key_id, .. } => access_key_id.trim().into(),
        KeySource::Process(_) => Shown {
            text: "printed by a command".to_owned(),
            json: serde_json::Value::Null,
        },
    }))
}

/// The first word of a command line. The rest may contain the seed for the codes.
fn program(command_line: &str) -> String {
    match command_line.trim().split_once(char::is_whitespace) {
        Some((program, _)) if !program.contains('=') => format!("{program} …"),
        Some(_) => "…".to_owned(),
        None => command_line.trim().to_owned(),
    }
}

fn shown<T: ToString>(setting: Option<Setting<T>>) -> Option<Setting<String>> {
    setting.map(|setting| setting.map(|value| value.to_string()))
}

/// Warns about variables that are ignored because `AWS_MFA_PROFILE` is set.
fn warn_about_ignored_variables(
    report: &mut Report,
    selection: &Selection,
    environment: &Environment,
) {
    let explicit = environment.get(variable::AWS_MFA_PROFILE);
    let (Some(profile), None) = (explicit, &selection.profile) else {
        return;
    };
    let profile = profile.to_string_lossy();
    let mut ignored = Vec::new();
    if selection.session_file.is_none() {
        ignored.push(variable::AWS_SESSION_FILE);
    }
    let keys_are_the_profiles = report.settings.iter().any(Row::is_key_id_of_profile);
    if keys_are_the_profiles {
        ignored.extend(MASTER_KEYS);
    }
    for variable in ignored {
        if environment.get(variable).is_some() {
            report.warnings.push(format!(
                "{variable} is ignored: AWS_MFA_PROFILE selects the profile {profile}"
            ));
        }
    }
}

fn warn_about_environment(report: &mut Report, environment: &Environment) {
    let mut warn = |warning: String| report.warnings.push(warning);
    if let Some(own) = environment.get(variable::AWS_ACCESS_KEY_ID) {
        let own = own.to_string_lossy();
        let wanted = match &report.role {
            Some(role) => &role.session,
            None => &report.session,
        };
        match (&wanted.state, wanted.access_key_id.as_deref()) {
            (State::Valid, Some(id)) if own == id => report.loaded = true,
            (State::Valid, Some(_)) => warn(format!(
                "this shell has other credentials ({own}): load the session, or unset AWS_ACCESS_KEY_ID"
            )),
            _ => {}
        }
        if environment.get(variable::AWS_PROFILE).is_some() {
            report.warnings.push(
                "AWS_PROFILE is set next to AWS_ACCESS_KEY_ID: the JavaScript SDK uses the profile's \
                 keys instead of the session"
                    .to_owned(),
            );
        }
    }
    if environment.get(variable::AWS_SECURITY_TOKEN).is_some() {
        report.warnings.push(
            "AWS_SECURITY_TOKEN is set: old SDKs prefer it to the session's token; unset it"
                .to_owned(),
        );
    }
}

/// The warning for a direnv that is too old. A missing direnv is fine.
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
