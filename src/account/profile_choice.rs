//! The selected profile.

use super::credential_process::aws_mfa_arguments;
use super::key_source;
use crate::aws_files::Profiles;
use crate::cli::{Cli, Command, Selection};
use crate::environment::Environment;
use crate::environment::variable;
use crate::error::{Failure, Kind};
use crate::origin::{Origin, Setting};
use crate::word;
use clap::Parser;

/// An `.envrc` exports this variable to select one account for every subcommand in its directory. No SDK reads it, so it
/// does not hide the session as an exported `AWS_PROFILE` does.
const EXPLICIT: &str = variable::AWS_MFA_PROFILE.name();

/// The profile that is meant where nothing selects another.
const DEFAULT: &str = "default";

/// The most profiles that a message lists.
const LISTED: usize = 8;

/// The name of the profile that the settings come from, and its origin.
#[derive(Clone)]
pub struct ProfileChoice {
    /// The profile's name.
    pub name: String,
    /// `--profile`, `AWS_MFA_PROFILE`, `AWS_PROFILE`, the only one with access keys, or the default.
    pub origin: Origin,
    /// Whether the user has chosen the account explicitly: its own settings then beat variables that the shell exports
    /// for another account.
    pub is_explicit: bool,
}

impl ProfileChoice {
    /// The profile from `--profile`, else `AWS_MFA_PROFILE`, else `AWS_PROFILE`, else `default`. It may not exist.
    ///
    /// # Errors
    /// A variable is not UTF-8.
    pub fn of(selection: &Selection, environment: &Environment) -> Result<Self, Failure> {
        let (name, origin) = match &selection.profile {
            Some(name) => (name.as_str(), Origin::Flag("--profile")),
            None => match environment.first(&[variable::AWS_MFA_PROFILE, variable::AWS_PROFILE])? {
                Some((variable, name)) => (name, Origin::Variable(variable)),
                None => return Ok(ProfileChoice::none()),
            },
        };
        Ok(ProfileChoice {
            name: name.to_owned(),
            is_explicit: matches!(origin, Origin::Flag(_) | Origin::Variable(EXPLICIT)),
            origin,
        })
    }

    /// Nothing selects a profile: `default`.
    pub fn none() -> Self {
        ProfileChoice {
            name: DEFAULT.to_owned(),
            origin: Origin::Default,
            is_explicit: false,
        }
    }

    /// The only profile with access keys, if nothing selects one, and `default` has none.
    ///
    /// # Errors
    /// Several have some, or what belongs to `default` cannot be read.
    pub fn or_only_one(self, profiles: &Profiles) -> Result<Self, Failure> {
        let own = profiles.profile(&self.name);
        if self.is_named()
            || self.name != DEFAULT
            || key_source::says(own, "role_arn")
            || key_source::says(own, "source_profile")
            || key_source::has_user_keys(own)
        {
            return Ok(self);
        }
        own.is_intact()?;
        profiles.index();
        let names = key_source::names(profiles).into_iter();
        let mut names = names.filter(|name| key_source::has_user_keys(profiles.profile(name)));
        let (Some(first), second) = (names.next(), names.next()) else {
            return Ok(self);
        };
        let Some(second) = second else {
            return Ok(ProfileChoice {
                name: first.to_owned(),
                origin: Origin::OnlyProfile,
                is_explicit: false,
            });
        };
        let mut listed = vec![first, second];
        listed.extend(names.by_ref().take(LISTED - listed.len()));
        let more = match names.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let listed = listed.join(", ");
        let message =
            format!("no profile is selected, and several have access keys: {listed}{more}");
        let separator = if first.starts_with('-') { '=' } else { ' ' };
        let first = word::quoted(first);
        let hint = format!("add `--profile{separator}{first}`, or set {EXPLICIT} to {first}");
        Err(Failure::new(Kind::NoSelection, message).hint(hint))
    }

    /// Whether a flag or a variable selects the profile, or its keys do.
    pub fn is_named(&self) -> bool {
        self.origin != Origin::Default
    }

    /// The name as a setting.
    pub fn setting(&self) -> Setting<String> {
        Setting::new(self.name.clone(), self.origin.clone())
    }
}

/// The profile that `name` stands for: itself, or X if its `credential_process` runs `aws-mfa load --profile X`.
pub fn stands_for(name: &str, profiles: &Profiles) -> String {
    let mut names = vec![name.to_owned()];
    while let Some(next) = names.last().and_then(|name| alias_of(name, profiles))
        && !names.contains(&next)
    {
        names.push(next);
    }
    names.pop().unwrap_or_default()
}

/// The profile whose session the profile's `credential_process` loads. A damaged profile stands for itself, and is
/// reported where it is used.
fn alias_of(name: &str, profiles: &Profiles) -> Option<String> {
    let profile = profiles.profile(name);
    let value = |key| profile.get(key).ok().flatten();
    if value("aws_access_key_id").is_some() || value("role_arn").is_some() {
        return None;
    }
    loaded_profile(value("credential_process")?.value)
}

/// X in the command line `aws-mfa load --profile X`, with any other options.
fn loaded_profile(command_line: &str) -> Option<String> {
    let words = aws_mfa_arguments(command_line)?;
    match Cli::try_parse_from(words).ok()?.command {
        Command::Load(load) => load.selection.profile,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_that_loads_a_profile_is_its_alias() {
        for (line, profile) in [
            ("aws-mfa load --profile work --format process", Some("work")),
            (
                "/opt/bin/aws-mfa load --format=process -pwork",
                Some("work"),
            ),
            ("'/opt/my tools/aws-mfa' load --profile='a b'", Some("a b")),
            ("aws-mfa load --ask -p work -f process", Some("work")),
            ("aws-mfa load --format process", None),
            ("aws-mfa get --profile work", None),
            ("aws-mfa load --nonsense --profile work", None),
            ("env A=b aws-mfa load --profile work", Some("work")),
            ("cat ~/secrets/aws-mfa", None),
            ("aws-mfa load --profile 'work", None),
            ("", None),
        ] {
            assert_eq!(loaded_profile(line).as_deref(), profile, "{line}");
        }
    }
}
