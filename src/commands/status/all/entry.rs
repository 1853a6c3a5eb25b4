//! A line of the list: a profile with keys or a role, or credentials that belong to none.

use super::Saved;
use crate::account::role::RoleChain;
use crate::account::{Account, Owner, key_source, role_in_words};
use crate::aws::legal::is_account;
use crate::aws_files::Profiles;
use crate::cli::Selection;
use crate::commands::status;
use crate::commands::status::report::{SessionReport, SessionState};
use crate::error::Failure;
use crate::origin::Origin;
use crate::path::in_words;
use crate::settings::device;
use crate::sources::Sources;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A profile, or credentials that belong to none. Scripts rely on its JSON.
#[derive(Default, Serialize)]
pub struct Entry {
    /// The profile's name, else what the user calls the credentials.
    pub name: String,
    /// The profiles that stand for it.
    pub aliases: Vec<String>,
    /// The account's number, where it is known without asking AWS.
    pub account: Option<String>,
    /// The ARN of its role; `null` if it has keys.
    pub role: Option<String>,
    /// The file of its credentials.
    pub file: Option<String>,
    /// The credentials.
    pub session: SessionReport,
    /// Whether the command line or the environment selects it.
    pub selected: bool,
    /// Why it cannot be used.
    pub problem: Option<String>,
    /// Whether a role has no credentials yet, but the session to assume it with.
    #[serde(skip)]
    pub is_due: bool,
}

/// The profiles with keys or a role, in alphabetical order. Those that stand for another one are with that one.
pub fn of_profiles(
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
        let (session, _, provenance) = status::own_session(account, file, now);
        match chain {
            Some(chain) => {
                let made_with = provenance.master_key_id.as_deref();
                let role_file = |is_direct| account.role_file(chain, file, made_with, is_direct);
                claimed.extend([true, false].map(role_file));
                let role = status::role(chain, role_file, now);
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

    /// What is selected, if that is no profile in the list.
    pub fn of_selection(
        sources: &Sources,
        account: &Account,
        now: Timestamp,
        claimed: &mut BTreeSet<PathBuf>,
    ) -> Self {
        let role = account.role.as_ref().map(Option::as_ref);
        Entry {
            selected: true,
            ..Entry::of(account.name(), role, sources, account, now, claimed)
        }
    }

    /// Saved credentials that belong to no profile: a role is called as [`Account::name`] calls it.
    pub fn of_file(file: &Path, saved: Saved) -> Self {
        let account = saved.role.as_deref().and_then(account_in);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = match (&saved.role, name.strip_prefix("session-")) {
            (Some(role), _) => role_in_words(role),
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
    pub fn rank(&self) -> (bool, bool) {
        (!self.selected, self.session.state != SessionState::Valid)
    }
}

/// The account in this ARN.
fn account_in(arn: &str) -> Option<String> {
    let account = arn.split(':').nth(4).filter(|account| is_account(account));
    account.map(str::to_owned)
}
