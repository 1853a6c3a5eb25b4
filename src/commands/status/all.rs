//! `aws-mfa status --all`: every saved session and role.

use super::report::{SessionReport, SessionState};
use crate::account::{Account, session_directory};
use crate::cli::Status;
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::escape::escape;
use crate::path::in_words;
use crate::session::files;
use crate::session::store::SessionStore;
use crate::sources::{Flags, Sources};
use crate::terminal::WIDTH;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use std::io::IsTerminal;
use std::path::Path;
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
    let mut files = Vec::new();
    if let Some(directory) = session_directory(environment)? {
        files = files::in_directory(&directory)?;
    }
    let sources = Sources::new(&status.selection, Flags::default(), environment);
    let selected = Account::of(&sources)?.session_file?.value;
    if selected.exists() {
        files.extend(files::roles_of(&selected).unwrap_or_default());
        files.push(selected);
    }
    files.sort();
    files.dedup();
    let saved: Vec<Saved> = files.iter().map(|file| Saved::of(file, now)).collect();
    super::super::print(&match status.json {
        true => super::super::json(&json!({ "version": 1, "saved": saved }))?,
        false if saved.is_empty() => "nothing is saved\n".to_owned(),
        false => {
            let zone = time_zone(environment);
            let lines = saved.iter().map(|saved| saved.in_words(now, &zone));
            match std::io::stdout().is_terminal() {
                true => lines.map(|line| fitted(in_words(line.as_ref()))).collect(),
                false => lines.collect(),
            }
        }
    })?;
    let is_valid = |saved: &Saved| saved.session.state == SessionState::Valid;
    Ok(super::exit_code(saved.iter().any(is_valid)))
}

/// The line for a terminal. A long line is broken after the file name.
fn fitted(line: String) -> String {
    match line.trim_end().chars().count() <= WIDTH {
        true => line,
        false => line.replacen(": ", ":\n  ", 1),
    }
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

    /// One line.
    fn in_words(&self, now: Timestamp, zone: &TimeZone) -> String {
        let what = self.role.as_deref().unwrap_or("session");
        let state = match self.session.state {
            SessionState::Valid => self.session.in_words(now, zone),
            SessionState::Expired => "expired".to_owned(),
            SessionState::Missing | SessionState::Unusable => "unusable".to_owned(),
        };
        format!("{}: {}, {state}\n", escape(&self.file), escape(what))
    }
}
