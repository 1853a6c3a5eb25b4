//! `aws-mfa status --all`: every profile with keys or a role, and what is saved for it; then the saved credentials that
//! belong to no profile.

use super::report::{SessionReport, SessionState};
use crate::account::role::RoleChain;
use crate::account::{Account, Owner, key_source, session_directory};
use crate::aws::legal::is_account;
use crate::aws_files::Profiles;
use crate::cli::{Selection, Status};
use crate::environment::Environment;
use crate::environment::zone::time_zone;
use crate::error::Failure;
use crate::escape::escape;
use crate::origin::Origin;
use crate::path::in_words;
use crate::session::files;
use crate::session::store::SessionStore;
use crate::settings::device;
use crate::sources::{Flags, Sources};
use crate::terminal::WIDTH;
use crate::{stderr, time};
use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
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

/// A profile, or credentials that belong to none. Scripts rely on its JSON.
#[derive(Default, Serialize)]
struct Entry {
    /// The profile's name, else what the user calls the credentials.
    name: String,
    /// The profiles that stand for it.
    aliases: Vec<String>,
    /// The account's number, where it is known without asking AWS.
    account: Option<String>,
    /// The ARN of its role; `null` if it has keys.
    role: Option<String>,
    /// The file of its credentials.
    file: Option<String>,
    /// The credentials.
    session: SessionReport,
    /// Whether the command line or the environment selects it.
    selected: bool,
    /// Why it cannot be used.
    problem: Option<String>,
    /// Whether a role has no credentials yet, but the session to assume it with.
    #[serde(skip)]
    is_due: bool,
}

/// Runs `aws-mfa status --all`. The exit status is 3 if no saved session is valid.
pub fn run(status: &Status, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    // What cannot be read hides nothing else.
    let warn = |failure: Failure| {
        super::super::note(&format!("warning: {}", failure.one_line()));
    };
    let sources = Sources::new(&status.selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let directory = session_directory(environment).ok().flatten();
    let in_directory = directory.as_deref().map(files::in_directory).transpose();
    let mut files = in_directory.unwrap_or_else(|failure| {
        warn(failure);
        None
    });
    let files = files.get_or_insert_default();
    let own_file = account.session_file.as_ref().map(|file| &file.value);
    if let Some(file) = own_file.ok().filter(|file| file.exists()) {
        files.extend(files::roles_of(file).unwrap_or_default());
        files.push(file.clone());
    }
    files.sort();
    files.dedup();
    let saved: Vec<Saved> = files.iter().map(|file| Saved::of(file, now)).collect();
    let is_valid = |saved: &Saved| saved.session.state == SessionState::Valid;
    let exit_code = super::exit_code(saved.iter().any(is_valid));

    // The files that belong to an entry already.
    let mut claimed = BTreeSet::new();
    let mut list = match sources.profiles() {
        Ok(profiles) => entries(&sources, profiles, &account, now, &mut claimed),
        Err(failure) => {
            warn(failure);
            Vec::new()
        }
    };
    if status.json {
        list.sort_by_key(Entry::rank);
        let report = json!({ "version": 1, "saved": saved, "profiles": list });
        super::super::print(&super::super::json(&report)?)?;
        return Ok(exit_code);
    }
    let role = account.role.as_ref().map(Option::as_ref);
    let is_selected = account.choice.is_named()
        || account.owner == Ok(Owner::Environment)
        || matches!(account.role, Ok(Some(_)))
        || own_file.is_err()
        || own_file.is_ok_and(|file| file.exists());
    if is_selected && !list.iter().any(|entry| entry.selected) {
        let name = account.name();
        let entry = Entry::of(name, role, &sources, &account, now, &mut claimed);
        list.push(Entry {
            selected: true,
            ..entry
        });
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
            table(&list, now, &time_zone(environment), width, colour)
        }
    })?;
    Ok(exit_code)
}

/// The profiles with keys or a role, in alphabetical order. Those that stand for another one are with that one.
fn entries(
    sources: &Sources,
    profiles: &Profiles,
    selected: &Account,
    now: Timestamp,
    claimed: &mut BTreeSet<PathBuf>,
) -> Vec<Entry> {
    let is_of_profile = role_of_profile(selected).is_some()
        || !matches!(selected.role, Ok(Some(_))) && selected.owner != Ok(Owner::Environment);
    let mut entries = Vec::new();
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    profiles.index();
    for name in key_source::names(profiles) {
        let selection = Selection {
            profile: Some(name.to_owned()),
            ..Selection::default()
        };
        let sources = sources.selecting(&selection);
        let Ok(own) = Account::of(&sources) else {
            continue;
        };
        let target = &own.choice.name;
        if target != name && profiles.profile(target).exists() {
            let names = aliases.entry(target.clone()).or_default();
            names.push(name.to_owned());
            continue;
        }
        let is_selected = is_of_profile && selected.choice.name == *name;
        // One from AWS_MFA_ROLE_ARN is for what is selected.
        let has_role = || profiles.profile(name).has("role_arn") != Ok(false);
        let role = match &own.role {
            Err(failure) if is_selected || has_role() => Err(failure),
            _ => Ok(role_of_profile(&own)),
        };
        let owner = match &own.owner {
            Ok(Owner::Profile(owner)) => Some(profiles.profile(owner)),
            _ => None,
        };
        if matches!(role, Ok(None))
            && owner.is_some_and(|owner| key_source::has_keys(owner) == Ok(false))
        {
            continue;
        }
        let account = if is_selected { selected } else { &own };
        let entry = Entry::of(name.to_owned(), role, &sources, account, now, claimed);
        // The keys of another tool.
        if matches!(role, Ok(None))
            && !is_selected
            && owner.is_some_and(|owner| !key_source::has_user_keys(owner))
            && entry.problem.is_none()
            && entry.session.state == SessionState::Missing
        {
            continue;
        }
        entries.push(Entry {
            selected: is_selected,
            ..entry
        });
    }
    for entry in &mut entries {
        entry.aliases = aliases.remove(&entry.name).unwrap_or_default();
    }
    entries
}

/// The account's role, if neither a flag nor a variable names it.
fn role_of_profile(account: &Account) -> Option<&RoleChain> {
    let chain = account.role.as_ref().ok()?.as_ref()?;
    matches!(chain.role.arn.origin, Origin::Profile(..)).then_some(chain)
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

impl Entry {
    /// The account's own session, or the role.
    fn of(
        name: String,
        role: Result<Option<&RoleChain>, &Failure>,
        sources: &Sources,
        account: &Account,
        now: Timestamp,
        claimed: &mut BTreeSet<PathBuf>,
    ) -> Self {
        let chain = role.ok().flatten();
        let mut entry = Entry {
            name,
            account: chain.and_then(|chain| account_in(chain.role.arn.value.as_str())),
            role: chain.map(|chain| chain.role.arn.value.to_string()),
            ..Entry::default()
        };
        let mut failure = account.owner.as_ref().err();
        failure = failure.or(role.err());
        failure = failure.or(account.session_file.as_ref().err());
        entry.problem = failure.map(|failure| failure.message.clone());
        let Ok(file) = &account.session_file else {
            return entry;
        };
        let file = file.value.as_path();
        let (session, _, provenance) = super::own_session(account, file, now);
        match chain {
            Some(chain) => {
                let made_with = provenance.master_key_id.as_deref();
                let role_file = |is_direct| account.role_file(chain, file, made_with, is_direct);
                claimed.extend([true, false].map(role_file));
                let role = super::role(chain, role_file, now);
                let is_missing = role.session.state == SessionState::Missing;
                entry.is_due = is_missing && session.state == SessionState::Valid;
                entry.file = Some(role.file);
                entry.session = role.session;
            }
            None => {
                claimed.insert(file.to_owned());
                let configured = account.line.iter().flatten().find_map(|name| {
                    let profile = sources.profiles().ok()?.profile(name);
                    Some(device::in_profile(profile).ok()??.value)
                });
                let device = configured.or(provenance.discovered_device);
                entry.account = device.as_deref().and_then(account_in);
                entry.file = Some(file.display().to_string());
                entry.session = session;
            }
        }
        if account.choice.is_named() && entry.session.state != SessionState::Valid {
            let keys = account.keys(sources).err();
            entry.problem = entry.problem.or(keys.map(|failure| failure.message));
        }
        entry
    }

    /// Saved credentials that belong to no profile: a role is called as in [`Account::name`].
    fn of_file(file: &Path, saved: Saved) -> Self {
        let account = saved.role.as_deref().and_then(account_in);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = match (&saved.role, name.strip_prefix("session-")) {
            (Some(role), _) => {
                let role = role.rsplit('/').next().unwrap_or_default();
                format!("{role}@{}", account.as_deref().unwrap_or_default())
            }
            (None, Some(name)) => name.to_owned(),
            (None, None) => in_words(file),
        };
        Entry {
            name,
            account,
            role: saved.role,
            session: saved.session,
            ..Entry::default()
        }
    }

    /// Those in use come first.
    fn rank(&self) -> (bool, bool) {
        (!self.selected, self.session.state != SessionState::Valid)
    }

    /// Its credentials, in words.
    fn state(&self, now: Timestamp, zone: &TimeZone) -> (String, Style) {
        let red = AnsiColor::Red.on_default();
        let session = &self.session;
        let (mut text, style) = match (&self.problem, session.state) {
            (Some(problem), _) => (problem.clone(), red),
            (None, SessionState::Missing) => match (&self.role, self.is_due) {
                (Some(_), true) => ("not assumed yet".to_owned(), Style::new()),
                (Some(_), false) => ("not assumed".to_owned(), Style::new().dimmed()),
                (None, _) => ("none yet".to_owned(), Style::new().dimmed()),
            },
            (None, SessionState::Valid) => {
                let until = session.expiration.zip(session.seconds_left);
                let text = until.map(|(end, left)| {
                    let left = time::rounded_span(SignedDuration::from_secs(left));
                    format!("valid until {} ({left})", time::until(end, now, zone))
                });
                let text = text.unwrap_or("valid, expiry unknown".to_owned());
                (text, session.style())
            }
            (None, SessionState::Expired) => (
                session.problem.clone().unwrap_or_default(),
                Style::new().dimmed(),
            ),
            (None, SessionState::Unusable) => (session.problem.clone().unwrap_or_default(), red),
        };
        if !self.aliases.is_empty() {
            text += &format!("; also {}", self.aliases.join(", "));
        }
        (escape(&text).into_owned(), style)
    }

    /// The columns before that.
    fn columns(&self) -> [String; 3] {
        let what = match &self.role {
            Some(role) => format!("role {}", role.rsplit('/').next().unwrap_or_default()),
            None => "session".to_owned(),
        };
        [
            &self.name,
            self.account.as_ref().unwrap_or(&String::new()),
            &what,
        ]
        .map(|text| escape(text).into_owned())
    }
}

/// The account in this ARN.
fn account_in(arn: &str) -> Option<String> {
    let account = arn.split(':').nth(4).filter(|account| is_account(account));
    account.map(str::to_owned)
}

/// The list in columns, with `*` before what is selected. On a terminal of this width, long names and reasons are cut.
fn table(
    list: &[Entry],
    now: Timestamp,
    zone: &TimeZone,
    width: Option<usize>,
    colour: bool,
) -> String {
    let length = |text: &str| text.chars().count();
    let rows = list
        .iter()
        .map(|entry| (entry, entry.columns(), entry.state(now, zone)));
    let rows: Vec<_> = rows.collect();
    let longest = |column: fn(&[String; 3]) -> &String| {
        rows.iter()
            .map(|(_, columns, _)| length(column(columns)))
            .max()
            .unwrap_or_default()
    };
    let [mut name, account, mut what] = [
        longest(|[it, ..]| it),
        longest(|[_, it, _]| it),
        longest(|[.., it]| it),
    ];
    if let Some(width) = width {
        let valid = rows
            .iter()
            .filter(|(entry, ..)| entry.session.state == SessionState::Valid);
        let state = valid
            .map(|(_, _, (state, _))| length(state.split(';').next().unwrap_or_default()))
            .max()
            .unwrap_or(20);
        let rest = width.saturating_sub(2 + account + 6 + (state + 1).min(34));
        what = what.min((rest / 2).max(rest.saturating_sub(name)));
        name = name.min(rest.saturating_sub(what));
    }
    let mut text = String::new();
    for (entry, [own_name, own_account, own_what], (state, style)) in &rows {
        let mark = if entry.selected { '*' } else { ' ' };
        let mut line = format!("{mark} {:name$}", cut(own_name, name));
        if account > 0 {
            line += &format!("  {own_account:account$}");
        }
        line += &format!("  {:what$}  ", cut(own_what, what));
        let state = match width {
            Some(width) => cut(state, width.saturating_sub(length(&line))),
            None => state.clone(),
        };
        text += &match colour {
            true => format!("{line}{style}{state}{style:#}\n"),
            false => format!("{line}{state}\n"),
        };
    }
    text
}

/// The text in at most so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() <= most {
        true => text.to_owned(),
        false => {
            let start: String = text.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", start.trim_end())
        }
    }
}
