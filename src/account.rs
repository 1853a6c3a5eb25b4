//! The account: whose credentials a selection means. Resolved once, to plain values; every command uses and shows these.
//!
//! A flag beats everything. An explicit profile's settings beat the environment; otherwise the environment beats the
//! profile. `~/.aws` is read only if a profile is in play: one is named, or nothing else says which session is meant.

pub mod credential_process;
pub mod key_source;
pub mod keys;
mod profile_choice;
pub mod role;
mod session_file;

pub use keys::MASTER_KEYS;
pub use profile_choice::ProfileChoice;
pub use session_file::session_directory;

use crate::aws_files::{Profile, Profiles};
use crate::environment::variable;
use crate::error::Failure;
use crate::escape::escape;
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use crate::session::name;
use crate::sources::{Lineage, Sources};
use key_source::KeySource;
use role::RoleChain;
use std::path::{Path, PathBuf};

/// Whose credentials a selection means. What cannot be resolved is a failure in its place, so that `status` and `doctor`
/// can show the rest.
pub struct Account {
    /// The selected profile, as the one that it stands for. It may not exist.
    pub choice: ProfileChoice,
    /// The selected profile and its sources; empty if no profile is in play or exists.
    pub line: Result<Vec<String>, Failure>,
    /// Who owns the keys.
    pub owner: Result<Owner, Failure>,
    /// The id of the master key, where it is known without running a command.
    pub key_id: Option<String>,
    /// The file of the user's own session.
    pub session_file: Result<Setting<PathBuf>, Failure>,
    /// The configured region, if a profile is in play.
    pub region: Result<Option<Setting<String>>, Failure>,
    /// The roles that lead to the selected one; `None` if it is the user's own session that is selected.
    pub role: Result<Option<RoleChain>, Failure>,
}

/// The owner of the master keys, whose session it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The profile with this name.
    Profile(String),
    /// Whoever has set the `MASTER_*` variables.
    Environment,
}

impl Account {
    /// Resolves the account. Runs no command and uses no network.
    ///
    /// # Errors
    /// The variable with the profile's name is not UTF-8.
    pub fn of(sources: &Sources) -> Result<Self, Failure> {
        let (selection, environment) = (sources.selection, sources.environment);
        let mut selected = ProfileChoice::of(selection, environment)?;
        let of_environment = KeySource::of_environment(environment);
        let has_environment = !matches!(of_environment, Ok(None));
        let names_session = selection.session_file.is_some()
            || environment.get(variable::AWS_SESSION_FILE).is_some();
        let is_in_play = selected.is_named() || !has_environment && !names_session;
        let profiles = is_in_play.then(|| sources.profiles()).transpose();
        let uses_environment = !selected.is_explicit && has_environment;
        let line = match &profiles {
            Ok(Some(profiles)) => {
                selected.name = profile_choice::stands_for(&selected.name, profiles);
                match selected.clone().or_only_one(profiles) {
                    Ok(own) => {
                        selected = own;
                        line(&selected, profiles, !uses_environment)
                    }
                    Err(failure) => Err(failure),
                }
            }
            Ok(None) => Ok(Vec::new()),
            Err(failure) => Err(failure.clone()),
        };
        let none = Profiles::default();
        let profiles = profiles.ok().flatten().unwrap_or(&none);
        let role = line
            .clone()
            .and_then(|line| role::chain(sources, &selected, &line, profiles, uses_environment));
        let owner = match (&role, &line) {
            (Ok(Some(chain)), _) => Ok(chain.owner.clone()),
            _ if uses_environment => Ok(Owner::Environment),
            (_, Ok(line)) => owner(line, profiles, &selected),
            (_, Err(failure)) => Err(failure.clone()),
        };
        let from = Lineage {
            sources,
            is_explicit: selected.is_explicit,
            names: &line,
        };
        let region = from.look_up(None, &variable::REGIONS, "region");
        let key_id = match &owner {
            Ok(owner) if is_in_play || *owner == Owner::Environment => {
                key_source::of(&selected, owner, profiles, of_environment)
                    .ok()
                    .and_then(|keys| keys.value.known_id())
            }
            _ => None,
        };
        Ok(Account {
            session_file: session_file::of(sources, &selected, owner.as_ref().ok()),
            choice: selected,
            line,
            owner,
            key_id,
            region,
            role,
        })
    }

    /// The profile that settings are looked up in, also where none is in play: the only one with access keys, else
    /// `default`, which may not exist.
    ///
    /// # Errors
    /// A file in `~/.aws` cannot be read, or several profiles have keys.
    pub fn profile(&self, sources: &Sources) -> Result<ProfileChoice, Failure> {
        let own = self.choice.clone();
        match self.is_in_play() || self.owner == Ok(Owner::Environment) {
            true => Ok(own),
            false => own.or_only_one(sources.profiles()?),
        }
    }

    /// This profile with its sources; empty if it does not exist.
    ///
    /// # Errors
    /// A file in `~/.aws` cannot be read, the profile is named and does not exist, or its sources lead nowhere.
    pub fn lineage(&self, sources: &Sources) -> Result<Vec<String>, Failure> {
        match self.is_in_play() {
            true => self.line.clone(),
            false => {
                let profile = self
                    .profile(sources)
                    .unwrap_or_else(|_| self.choice.clone());
                line(&profile, sources.profiles()?, false)
            }
        }
    }

    /// Whether a profile is in play, and exists or should.
    fn is_in_play(&self) -> bool {
        !matches!(&self.line, Ok(own) if own.is_empty())
    }

    /// The owner of the keys, also where no profile is in play.
    ///
    /// # Errors
    /// Those of [`Account::profile`] and [`Account::lineage`].
    pub fn owner_of_keys(&self, sources: &Sources) -> Result<Owner, Failure> {
        let owner = self.owner.clone()?;
        if self.is_in_play() || owner == Owner::Environment {
            return Ok(owner);
        }
        // This profile may have sources.
        let profile = self.profile(sources)?;
        self::owner(&self.lineage(sources)?, sources.profiles()?, &profile)
    }

    /// The profile that owns the master keys; `None` if that is the environment.
    pub fn profile_of_keys(&self, sources: &Sources) -> Option<String> {
        match self.owner_of_keys(sources) {
            Ok(Owner::Profile(name)) => Some(name),
            Ok(Owner::Environment) => None,
            Err(_) => Some(self.choice.name.clone()),
        }
    }

    /// Where the master keys are.
    ///
    /// # Errors
    /// There are none, or only half a pair.
    pub fn keys(&self, sources: &Sources) -> Result<Setting<KeySource>, Failure> {
        let of_environment = KeySource::of_environment(sources.environment);
        let owner = self.owner_of_keys(sources)?;
        if owner == Owner::Environment {
            return of_environment?.ok_or_else(key_source::no_keys);
        }
        let profile = self.profile(sources)?;
        key_source::of(&profile, &owner, sources.profiles()?, of_environment)
    }

    /// The file of a role's credentials, beside the session file `base`: named by the configured key, else by the key that
    /// the session was made with.
    pub fn role_file(
        &self,
        chain: &RoleChain,
        base: &Path,
        made_with: Option<&str>,
        is_direct: bool,
    ) -> PathBuf {
        let arn = chain.role.arn.value.as_str();
        let key = self.key_id.as_deref().or(made_with);
        let digest = chain.digest(is_direct);
        base.with_file_name(name::of_role(arn, key, &digest, is_direct))
    }

    /// The region for a shell that loads the account's credentials: `saved`, which `get` was given, else the profile's. A
    /// region that the environment has already is left alone.
    ///
    /// # Errors
    /// The profile's region is damaged.
    pub fn region_to_load(&self, saved: Option<String>) -> Result<Option<String>, Failure> {
        let own = self.region.clone()?;
        let own = own.filter(|region| matches!(region.origin, Origin::Profile(..)));
        Ok(saved.or(own.map(|region| region.value)))
    }

    /// What the user calls these credentials: the profile; `<role>@<account>`, if a flag or a variable names the role; the id of
    /// the master key; else the name of the session file.
    pub fn name(&self) -> String {
        let of_profile = |origin: &Origin| matches!(origin, Origin::Profile(..));
        let name = match &self.role {
            Ok(Some(chain)) if of_profile(&chain.role.arn.origin) => self.choice.name.clone(),
            Ok(Some(chain)) => role_in_words(chain.role.arn.value.as_str()),
            _ => return self.name_of_session(),
        };
        escape(&name).into_owned()
    }

    /// The same for the user's own session, also where a role is selected.
    pub fn name_of_session(&self) -> String {
        let name = match (&self.owner, &self.line, self.key_of_session()) {
            (Ok(Owner::Environment), _, Some(key)) => key.to_owned(),
            (Ok(Owner::Profile(name)), ..) if matches!(self.role, Ok(Some(_))) => name.clone(),
            (_, Ok(line), _) if self.choice.is_named() || !line.is_empty() => {
                self.choice.name.clone()
            }
            (_, _, Some(key)) => key.to_owned(),
            _ => self.name_of_session_file(),
        };
        escape(&name).into_owned()
    }

    /// The name of the session file, without what it begins with by default. A secret in its place is not shown.
    fn name_of_session_file(&self) -> String {
        let file = self.session_file.as_ref().ok();
        let name = file.and_then(|file| file.value.file_name()?.to_str());
        let name = name.map(|name| name.strip_prefix("session-").unwrap_or(name));
        let name = name.filter(|name| name.len() != keys::SECRET_LENGTH);
        name.unwrap_or("session").to_owned()
    }

    /// The id of the key that the saved session must have been made with, where it is known. A file that `--session-file`
    /// names without a profile is taken as it is.
    pub fn key_of_session(&self) -> Option<&str> {
        let is_named_by_flag = |file: &Setting<PathBuf>| matches!(file.origin, Origin::Flag(_));
        let is_named = self.session_file.as_ref().is_ok_and(is_named_by_flag);
        let key = self.key_id.as_deref();
        key.filter(|_| self.choice.is_explicit || !is_named)
    }
}

/// What the user calls a role without a profile: `<role>@<account>`.
pub fn role_in_words(arn: &str) -> String {
    let account = arn.split(':').nth(4).unwrap_or_default();
    format!("{}@{account}", arn.rsplit('/').next().unwrap_or_default())
}

/// The selected profile with its sources; empty if it does not exist and need not.
fn line(
    selected: &ProfileChoice,
    profiles: &Profiles,
    must_exist: bool,
) -> Result<Vec<String>, Failure> {
    let profile = profiles.profile(&selected.name);
    if profile.exists() || key_source::long_term(profile).is_some() {
        with_sources(&selected.name, profiles)
    } else if must_exist && selected.is_named() {
        Err(profiles.missing(&selected.name))
    } else {
        Ok(Vec::new())
    }
}

/// The profile, then its `source_profile`, then that profile's, and so on, each as the profile that it stands for. The line
/// ends at the profile that owns the keys, whatever source it names, and at one that is its own source. `work-long-term` is
/// the source of `work`.
///
/// # Errors
/// They form a cycle, one of them does not exist, or it is damaged.
fn with_sources(name: &str, profiles: &Profiles) -> Result<Vec<String>, Failure> {
    let mut line = vec![name.to_owned()];
    while let Some(last) = line.last().cloned()
        && !owns_keys(profiles.profile(&last))?
    {
        if let Some(long_term) = key_source::long_term(profiles.profile(&last)) {
            line.push(long_term.name().to_owned());
            break;
        }
        let Some(source) = profiles.profile(&last).get("source_profile")? else {
            break;
        };
        if source.value == last {
            break;
        }
        let next = profile_choice::stands_for(source.value, profiles);
        let is_cycle = line.contains(&next);
        let own = profiles.profile(&next);
        if !is_cycle && !own.exists() && key_source::long_term(own).is_none() {
            let mut failure = profiles.missing(&next);
            failure.message += &format!(", which is the source_profile of the profile {last}");
            return Err(failure);
        }
        line.push(next);
        if is_cycle {
            let message = format!("cycle in source_profile: {}", line.join(" → "));
            let file = in_words(source.file);
            let hint = format!("set source_profile to the profile that has the keys, in {file}");
            return Err(Failure::setup(message).hint(hint));
        }
    }
    Ok(line)
}

/// The first profile of the line that has keys and no role; else the last one, or the selected one.
fn owner(line: &[String], profiles: &Profiles, selected: &ProfileChoice) -> Result<Owner, Failure> {
    for name in line {
        if owns_keys(profiles.profile(name))? {
            return Ok(Owner::Profile(name.clone()));
        }
    }
    Ok(Owner::Profile(
        line.last().unwrap_or(&selected.name).clone(),
    ))
}

/// Whether the profile has keys, and no role to use them for.
fn owns_keys(profile: Profile<'_>) -> Result<bool, Failure> {
    Ok(!profile.has("role_arn")? && key_source::has_keys(profile)?)
}
