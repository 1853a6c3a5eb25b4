//! `aws-mfa status --all`: every profile with keys or a role, and what is saved for it; then the saved credentials that
//! belong to no profile.

mod entry;
mod table;

use super::report::{SessionReport, SessionState};
use crate::account::{Account, Owner, session_directory};
use crate::cli::Status;
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::Failure;
use crate::session::files;
use crate::session::store::SessionStore;
use crate::sources::{Flags, Sources};
use crate::stderr;
use crate::terminal::WIDTH;
use entry::Entry;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A file with credentials. Scripts rely on its JSON, as on that of `status` itself.
#[derive(Serialize)]
struct Saved {
    file: String,
    /// The role; `null` for a user's own session.
    role: Option<String>,
    /// Whether `load` and `exec` renew them.
    renewable: bool,
    session: SessionReport,
}

/// Runs `aws-mfa status --all`. The exit status is 3 if no saved session is valid.
pub fn run(status: &Status, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    let sources = Sources::new(&status.selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let files = saved_files(&account, environment);
    let saved: Vec<Saved> = files.iter().map(|file| Saved::of(file, now)).collect();
    let is_valid = |saved: &Saved| saved.session.state == SessionState::Valid;
    let exit_code = super::exit_code(saved.iter().any(is_valid));

    // The files that belong to an entry already.
    let mut claimed = BTreeSet::new();
    let mut list = match sources.profiles() {
        Ok(profiles) => entry::of_profiles(&sources, profiles, &account, now, &mut claimed),
        Err(failure) => {
            warn(&failure);
            Vec::new()
        }
    };
    if status.json {
        list.sort_by_key(Entry::rank);
        let report = json!({ "version": 1, "saved": saved, "profiles": list });
        super::super::print(&super::super::json(&report)?)?;
        return Ok(exit_code);
    }
    if has_selection(&account) && !list.iter().any(|entry| entry.selected) {
        list.push(Entry::of_selection(&sources, &account, now, &mut claimed));
    }
    let others = files.iter().zip(saved);
    let others = others.filter(|(file, _)| !claimed.contains(*file));
    list.extend(others.map(|(file, saved)| Entry::of_file(file, saved)));
    list.sort_by_key(Entry::rank);
    super::super::print(&match list.is_empty() {
        true => "no saved sessions, and no profiles with keys or roles\n".to_owned(),
        false => {
            let is_terminal = std::io::stdout().is_terminal();
            let colour = is_terminal && stderr::allows_colour(environment);
            let width = is_terminal.then_some(WIDTH);
            table::of(&list, now, &time_zone(environment), width, colour)
        }
    })?;
    Ok(exit_code)
}

/// What cannot be read hides nothing else.
fn warn(failure: &Failure) {
    super::super::note(&format!("warning: {}", failure.one_line()));
}

/// The files with credentials: those in the session directory, and those of the account.
fn saved_files(account: &Account, environment: &Environment) -> Vec<PathBuf> {
    let directory = session_directory(environment).ok().flatten();
    let mut files = match directory.as_deref().map(files::in_directory) {
        Some(Ok(files)) => files,
        Some(Err(failure)) => {
            warn(&failure);
            Vec::new()
        }
        None => Vec::new(),
    };
    if let Ok(own) = &account.session_file
        && own.value.exists()
    {
        files.extend(files::roles_of(&own.value).unwrap_or_default());
        files.push(own.value.clone());
    }
    files.sort();
    files.dedup();
    files
}

/// Whether the command line, the environment or a session file selects something, even if it is no profile.
fn has_selection(account: &Account) -> bool {
    account.choice.is_named()
        || account.owner == Ok(Owner::Environment)
        || matches!(account.role, Ok(Some(_)))
        || (account.session_file.as_ref()).map_or(true, |file| file.value.exists())
}

impl Saved {
    fn of(file: &Path, now: Timestamp) -> Self {
        let loaded = SessionStore::new(file.to_owned()).read();
        let role = loaded.as_ref().ok();
        let role = role.and_then(|it| it.session.provenance.role.clone());
        Saved {
            file: file.display().to_string(),
            renewable: role.as_ref().is_some_and(|role| !role.is_direct),
            role: role.map(|role| role.arn),
            session: super::session(loaded, file, now).0,
        }
    }
}
