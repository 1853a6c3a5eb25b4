//! `aws-mfa status`: the session, how long it is valid, and where each setting comes from.
//!
//! It uses no network, starts no process and shows no secret.

mod all;
mod report;

use crate::account::keys::is_key_id;
use crate::account::role::{CHAINED, RoleChain};
use crate::account::{Account, session_directory};
use crate::cli::{Selection, Status};
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::{Failure, Kind};
use crate::loader::{self, Integration, Loader};
use crate::rotation::journal::Journal;
use crate::session::Provenance;
use crate::session::error::{Error, Problem, Warning};
use crate::session::store::{Loaded, SessionStore};
use crate::settings::rows::{self, Row};
use crate::settings::{Settings, duration};
use crate::sources::{Flags, Sources};
use crate::{invocation, rival_credentials, stderr};
use jiff::{SignedDuration, Timestamp};
use report::{Report, RoleReport, SessionReport, SessionState};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs `aws-mfa status`.
pub fn run(status: &Status, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    let needed = status.valid_for.as_deref();
    let needed = needed.map(duration::time_left).transpose()?;
    if status.all {
        return all::run(status, environment, now);
    }
    let selection = &status.selection;
    let sources = Sources::new(selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let file = account.session_file.clone()?;
    let store = SessionStore::new(file.value.clone());
    let (mut session, warning, provenance) = own_session(&account, store.path(), now);
    // As `load` would say.
    if let Err(failure) = &account.owner {
        session.hint = failure.hint.clone();
        if session.state == SessionState::Valid {
            session.state = SessionState::Unusable;
            session.message = Some(failure.message.clone());
            session.problem = Some("cannot be used without its profile".to_owned());
        }
    }
    let role = match &account.role {
        Ok(Some(chain)) => {
            // They are named by the key, which only the session may know.
            let key = provenance.master_key_id.as_deref();
            let file = |is_direct| account.role_file(chain, store.path(), key, is_direct);
            Some(role(chain, file, now))
        }
        _ => None,
    };
    let settings = Settings::of(&sources, &account);
    let file = file.map(|path| path.display().to_string());
    let mut rows = vec![Row::of("session_file", Ok(Some(file)))];
    rows.extend(rows::rows(&account, &settings));
    let device = rows::device(&account, &settings).ok().flatten();
    let wanted = role.as_ref().map_or(&session, |role| &role.session);
    let valid = match wanted.state {
        SessionState::Valid => wanted.access_key_id.as_deref(),
        _ => None,
    };

    let mut failures = Vec::new();
    // If the line of profiles is broken, each setting says so.
    if let (Err(failure), Ok(_)) = (&account.role, &account.line) {
        failures.push(failure.clone());
    }
    failures.extend(sources.profiles().err());
    let has_keys = rows.iter().any(Row::is_key_id_of_profile);
    failures.extend(rival_credentials::ignored(selection, environment, has_keys));
    let integration = Integration::of(&sources, &account);
    failures.extend(rival_credentials::with_session(
        environment,
        &integration,
        valid,
    ));
    let own = Selection {
        role_arn: None,
        ..selection.clone()
    };
    let rotation = account.profile_of_keys(&sources).and_then(|profile| {
        let (journal, rotation) = Journal::find(&session_directory(environment).ok()??, &profile)?;
        Some(journal.unfinished(&rotation, &invocation::command("rotate", &own, "")))
    });
    failures.extend(rotation);
    let directory = std::env::current_dir().ok();
    failures.extend(loader::inactive_direnv(environment, directory.as_deref()));
    let of_files = warning.into_iter().chain(store.directory_warning());
    let warnings = of_files.map(|warning| warning.to_string());
    let warnings = warnings.chain(failures.iter().map(Failure::one_line));

    let next = session.hint.clone();
    let get_command = invocation::get_command(selection, &Flags::default());
    let next = next.unwrap_or(format!("run `{get_command}`"));
    let integration_in_words = match integration.in_words() {
        Ok((words, None)) => words,
        Ok((words, Some(hint))) => format!("{words}; {hint}"),
        Err(failure) => failure.one_line(),
    };
    let report = Report {
        version: 1,
        next: (session.state != SessionState::Valid).then_some(next),
        loaded: valid.is_some_and(|id| rival_credentials::has_credentials(environment, id)),
        session,
        role,
        integration_in_words,
        integration: Loader::of(environment),
        account: device.and_then(|device| device.value.account().map(str::to_owned)),
        settings: rows,
        home: environment.home().ok().flatten(),
        warnings: warnings.collect(),
    };
    super::print(&if status.json {
        super::json(&report)?
    } else if std::io::stdout().is_terminal() {
        let colour = stderr::allows_colour(environment);
        report.table(now, &time_zone(environment), colour)
    } else {
        report.plain(now, &time_zone(environment))
    })?;
    // For a role, a valid session is enough: the role is assumed on demand.
    let of_role = report
        .role
        .is_some_and(|role| role.session.is_valid_for(needed));
    Ok(exit_code(of_role || report.session.is_valid_for(needed)))
}

/// The exit status of a report that has found valid credentials, or none.
fn exit_code(any_valid: bool) -> ExitCode {
    match any_valid {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(Kind::NoSession.exit_status()),
    }
}

/// The role, and its credentials: those that cost a code of their own, while they are valid.
fn role(chain: &RoleChain, file: impl Fn(bool) -> PathBuf, now: Timestamp) -> RoleReport {
    let report = |is_direct| role_in(chain, SessionStore::new(file(is_direct)), now);
    let direct = report(true);
    match direct.session.state {
        SessionState::Valid => direct,
        _ => report(false),
    }
}

/// The role, and its credentials in `store`.
fn role_in(chain: &RoleChain, store: SessionStore, now: Timestamp) -> RoleReport {
    let role = &chain.role;
    let loaded = store.read();
    let saved = loaded.as_ref().ok();
    let saved = saved.and_then(|it| it.session.provenance.role.clone());
    let session = match &saved {
        Some(_) => session(loaded, store.path(), now).0,
        None => SessionReport::default(),
    };
    RoleReport {
        arn: role.arn.value.to_string(),
        origin: role.arn.origin.clone(),
        source_identity: chain.source_identity().map(str::to_owned),
        session_tags: chain
            .tags()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
        transitive_session_tags: chain
            .tags()
            .filter(|tag| tag.is_transitive)
            .map(|tag| tag.key.clone())
            .collect(),
        through: (chain.hops.iter().map(|hop| hop.arn.value.to_string())).collect(),
        file: store.path().display().to_string(),
        session,
        renewable: saved.is_none_or(|saved| !saved.is_direct),
        reduced_from_seconds: (role.seconds > CHAINED).then_some(role.seconds),
    }
}

/// The user's own session in `file`, with a warning about that, and how it was obtained.
fn own_session(
    account: &Account,
    file: &Path,
    now: Timestamp,
) -> (SessionReport, Option<Warning>, Provenance) {
    let loaded = SessionStore::new(file.to_owned()).read();
    let provenance = loaded.as_ref().ok();
    let provenance = provenance.map(|it| it.session.provenance.clone());
    let loaded = loaded.and_then(|Loaded { session, warning }| {
        let session = session.of_key(account.key_of_session(), file)?;
        Ok(Loaded { session, warning })
    });
    let (report, warning) = session(loaded, file, now);
    (report, warning, provenance.unwrap_or_default())
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
        // The file may have been written by hand, with the secret in the wrong place.
        access_key_id: Some(session.access_key_id.clone()).filter(|id| is_key_id(id)),
        expiration: session.expiration,
        seconds_left: session.time_left(now).map(|left| left.as_secs().max(0)),
        region: session.region.clone(),
        ..SessionReport::default()
    };
    let report = match session.valid_at(now, file) {
        Ok(_) => report,
        Err(error) => report.unusable(error),
    };
    (report, loaded.warning)
}

impl SessionReport {
    /// Whether it is valid, and for as long as needed. An unknown expiry counts as too short.
    fn is_valid_for(&self, needed: Option<SignedDuration>) -> bool {
        let lasts = |needed: SignedDuration| self.seconds_left >= Some(needed.as_secs());
        self.state == SessionState::Valid && needed.is_none_or(lasts)
    }

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
