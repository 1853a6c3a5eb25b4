//! Where the master keys come from: a profile, its `credential_process`, or the `MASTER_*` variables.

use super::keys::{KEY_ID, MasterKeys, SECRET, half_a_pair, temporary};
use super::{Settings, credential_process, in_profile, of_profile};
use crate::aws_files::Profile;
use crate::environment::variable;
use crate::error::{Failure, Kind};
use crate::setting::{Origin, Setting};
use std::time::Duration;

/// Where the master keys are.
pub enum KeySource<'a> {
    /// In the setting itself.
    Pair {
        /// `AKIA…`
        access_key_id: &'a str,
        /// Its secret.
        secret_access_key: &'a str,
    },
    /// In the output of a `credential_process`, whose command line this is.
    Process(&'a str),
}

impl Settings<'_> {
    /// The master keys of `source`. Runs its `credential_process`, if it has one.
    pub fn master_keys(&self, source: &Setting<KeySource>) -> Result<MasterKeys, Failure> {
        self.master_keys_within(credential_process::LIMIT, source)
    }

    /// The same, with another limit for the `credential_process`.
    pub fn master_keys_within(
        &self,
        limit: Duration,
        source: &Setting<KeySource>,
    ) -> Result<MasterKeys, Failure> {
        let name = source.origin.to_string();
        match source.value {
            KeySource::Pair {
                access_key_id,
                secret_access_key,
            } => MasterKeys::new(access_key_id, secret_access_key, &name),
            KeySource::Process(command_line) => {
                credential_process::run(command_line, &name, self.environment, limit)
            }
        }
    }

    /// Where the master keys come from: an explicit profile, else the `MASTER_*` variables, else the profile. Half a pair
    /// is a failure and never falls through to the next source.
    pub fn key_source(&self) -> Result<Setting<KeySource<'_>>, Failure> {
        let (first, second) = if self.selected.is_explicit {
            (self.keys_of_profile()?, self.keys_of_environment())
        } else {
            (self.keys_of_environment()?, self.keys_of_profile())
        };
        match first {
            Some(keys) => Ok(keys),
            None => second?.ok_or_else(|| self.no_keys()),
        }
    }

    pub(super) fn keys_of_environment(&self) -> Result<Option<Setting<KeySource<'_>>>, Failure> {
        let id = self.environment.text(variable::MASTER_AWS_ACCESS_KEY_ID)?;
        let secret = self
            .environment
            .text(variable::MASTER_AWS_SECRET_ACCESS_KEY)?;
        let keys = pair((KEY_ID, id), (SECRET, secret))?;
        Ok(keys.map(|(access_key_id, secret_access_key)| Setting {
            value: KeySource::Pair {
                access_key_id,
                secret_access_key,
            },
            origin: Origin::Variable(KEY_ID),
        }))
    }

    /// The keys of the profile, or of the profile at the end of its chain of `source_profile`s.
    fn keys_of_profile(&self) -> Result<Option<Setting<KeySource<'_>>>, Failure> {
        if self.named_profile()?.is_none() {
            return Ok(None);
        }
        let owner = self.key_owner()?;
        let keys = keys_in(owner)?;
        if keys.is_none() && self.selected.is_named() && uses_identity_center(owner)? {
            return Err(Failure::new(
                Kind::Setup,
                format!("the profile {} has no keys", owner.name()),
            )
            .hint(
                "it signs in with IAM Identity Center, which has its own MFA: run `aws sso login`",
            ));
        }
        Ok(keys)
    }

    /// The profile whose keys are used: the selected one or, if it has a role or no keys, the one at the end of its chain
    /// of `source_profile`s.
    ///
    /// # Errors
    /// One of the sources does not exist, or they form a cycle.
    pub fn key_owner(&self) -> Result<Profile<'_>, Failure> {
        let profile = self.profile();
        if !profile.has("role_arn")? && has_keys(profile)? {
            return Ok(profile);
        }
        let sources = profile.with_sources()?;
        let last = sources.last().copied().unwrap_or(profile);
        for source in sources {
            if !source.has("role_arn")? && has_keys(source)? {
                return Ok(source);
            }
        }
        Ok(last)
    }

    fn no_keys(&self) -> Failure {
        if self.selected.is_named()
            && let Ok(owner) = self.key_owner()
        {
            return Failure::new(
                Kind::Setup,
                format!("the profile {} has no keys", owner.name()),
            )
            .hint(format!(
                "put aws_access_key_id and aws_secret_access_key under [{}] in ~/.aws/credentials",
                owner.name()
            ));
        }
        Failure::new(Kind::Setup, "no master keys are configured").hint(format!(
            "set {KEY_ID} and {SECRET}, or use a profile that has keys: `--profile <name>`"
        ))
    }
}

/// Whether the profile says where its own keys are.
fn has_keys(profile: Profile<'_>) -> Result<bool, Failure> {
    Ok(profile.has("aws_access_key_id")?
        || profile.has("aws_secret_access_key")?
        || profile.has("credential_process")?)
}

fn uses_identity_center(profile: Profile<'_>) -> Result<bool, Failure> {
    Ok(profile.has("sso_session")? || profile.has("sso_start_url")?)
}

/// The keys in one profile: written there, or printed by its `credential_process`.
fn keys_in(profile: Profile<'_>) -> Result<Option<Setting<KeySource<'_>>>, Failure> {
    let Some(key) = profile.access_key()? else {
        let command = in_profile(profile, "credential_process")?;
        return Ok(command.map(|command| command.map(KeySource::Process)));
    };
    let secret_access_key = key.secret.value;
    let id = of_profile(profile, "aws_access_key_id", key.id);
    if key.token.is_some() {
        return Err(temporary(&id.origin.to_string()));
    }
    Ok(Some(id.map(|access_key_id| KeySource::Pair {
        access_key_id,
        secret_access_key,
    })))
}

/// Both values of a pair, or neither.
fn pair<'v>(
    (left_name, left): (&str, Option<&'v str>),
    (right_name, right): (&str, Option<&'v str>),
) -> Result<Option<(&'v str, &'v str)>, Failure> {
    match (left, right) {
        (Some(left), Some(right)) => Ok(Some((left, right))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half_a_pair(right_name, left_name)),
        (None, Some(_)) => Err(half_a_pair(left_name, right_name)),
    }
}
