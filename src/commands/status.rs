//! `aws-mfa status`: the session, how long it is valid, and where each setting comes from.
//!
//! It uses no network, starts no process and shows no secret.

mod all;
mod report;

use crate::loader::{self, Loader};
use crate::rival_credentials;

use crate::account::Account;
use crate::account::keys::is_key_id;
use crate::account::role::{CHAINED, RoleChain};
use crate::cli::Status;
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::{Failure, Kind};
use crate::invocation;
use crate::session::error::{Error, Problem, Warning};
use crate::session::store::{Loaded, SessionStore};
use crate::settings::rows::{self, Row};
use crate::settings::{Settings, duration};
use crate::sources::{Flags, Sources};
use crate::stderr;
use jiff::Timestamp;
use report::{Report, RoleReport, SessionReport, SessionState};
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Runs `aws-mfa status`.
pub fn run(status: &Status, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    let needed = status.valid_for.as_deref();
    let needed = needed.map(duration::time_left).transpose()?;
    if status.all {
        return all::run(status, environment, now);
    }
    let sources = Sources::new(&status.selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let file = account.session_file.clone()?;
    let store = SessionStore::new(file.value.clone());
    let loaded = store.read();
    // The role's credentials are named by the key, which only the session may know.
    let made_with = loaded
        .as_ref()
        .ok()
        .and_then(|loaded| loaded.session.provenance.master_key_id.clone());
    let loaded = loaded.and_then(|Loaded { session, warning }| {
        let session = session.of_key(account.key_of_session(), store.path())?;
        Ok(Loaded { session, warning })
    });
    let (mut session, warning) = session(loaded, store.path(), now);
    // As `load` would say.
    if let Err(failure) = &account.owner {
        session.hint = failure.hint.clone();
        if session.state == SessionState::Valid {
            session.state = SessionState::Unusable;
            session.message = Some(failure.message.clone());
            session.problem = Some("not usable without its profile".to_owned());
        }
    }
    let get_command = invocation::get_command(&status.selection, &Flags::default());
    let mut report = Report {
        version: 1,
        next: (session.state != SessionState::Valid).then(|| {
            session
                .hint
                .clone()
                .unwrap_or(format!("run `{get_command}`"))
        }),
        session,
        role: None,
        loaded: false,
        integration: Loader::of(environment),
        integration_in_words: Loader::of(environment)
            .in_words(&status.selection, environment, store.path())
            .unwrap_or_else(|failure| failure.one_line()),
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
    match &account.role {
        Ok(None) => {}
        Ok(Some(chain)) => {
            let file = |is_direct| {
                let made_with = made_with.as_deref();
                SessionStore::new(account.role_file(chain, store.path(), made_with, is_direct))
            };
            let direct = role(chain, file(true), now);
            report.role = Some(match direct.session.state {
                SessionState::Valid => direct,
                _ => role(chain, file(false), now),
            });
        }
        Err(failure) if account.line.is_ok() => report.warnings.push(failure.one_line()),
        // Each setting says so.
        Err(_) => {}
    }
    if let Err(failure) = sources.profiles() {
        report.warnings.push(failure.one_line());
    }
    let settings = Settings::of(&sources, &account);
    report.account = match rows::device(&account, &settings) {
        Ok(Some(device)) => device.value.account().map(str::to_owned),
        _ => None,
    };
    report.settings.extend(rows::rows(&account, &settings));
    let wanted = match &report.role {
        Some(role) => &role.session,
        None => &report.session,
    };
    let valid = match wanted.state {
        SessionState::Valid => wanted.access_key_id.as_deref(),
        _ => None,
    };
    report.loaded = valid.is_some_and(|id| rival_credentials::has_credentials(environment, id));
    let has_profile_keys = report.settings.iter().any(Row::is_key_id_of_profile);
    let mut found = rival_credentials::ignored(&status.selection, environment, has_profile_keys);
    found.extend(rival_credentials::with_session(environment, valid));
    let directory = std::env::current_dir().ok();
    found.extend(loader::inactive_direnv(environment, directory.as_deref()));
    (report.warnings).extend(found.iter().map(Failure::one_line));

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
        session.state == SessionState::Valid
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
    let saved = loaded
        .as_ref()
        .ok()
        .and_then(|loaded| loaded.session.provenance.role.clone());
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
        state: SessionState::Valid,
        message: None,
        problem: None,
        hint: None,
        // The file may have been written by hand, with the secret in the wrong place.
        access_key_id: Some(session.access_key_id.clone()).filter(|id| is_key_id(id)),
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
            Problem::Missing => SessionState::Missing,
            Problem::Expired { .. } => SessionState::Expired,
            _ => SessionState::Unusable,
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
