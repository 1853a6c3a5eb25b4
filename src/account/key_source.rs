//! Where the master keys come from: a profile, its `credential_process`, or the `MASTER_*` variables.

use super::keys::{KEY_ID, MasterKeys, SECRET, half_a_pair};
use super::{Owner, ProfileChoice, credential_process};
use crate::aws_files::{Profile, Profiles};
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use crate::sources::{in_profile, of_profile};
use std::collections::BTreeSet;
use std::time::Duration;

/// Where the master keys are.
#[derive(Clone)]
pub enum KeySource {
    /// In the setting itself.
    Pair(MasterKeys),
    /// In the output of a `credential_process`, whose command line this is.
    Process(String),
}

impl KeySource {
    /// The id of the key, where it is known without running a command.
    pub fn known_id(self) -> Option<String> {
        match self {
            KeySource::Pair(keys) => Some(keys.access_key_id),
            KeySource::Process(_) => None,
        }
    }

    /// The `MASTER_*` variables, if they are set.
    ///
    /// # Errors
    /// Only one of them is set, one is not UTF-8, or the id is invalid.
    pub fn of_environment(environment: &Environment) -> Result<Option<Setting<Self>>, Failure> {
        let id = environment.text(variable::MASTER_AWS_ACCESS_KEY_ID)?;
        let secret = environment.text(variable::MASTER_AWS_SECRET_ACCESS_KEY)?;
        match (id, secret) {
            (Some(id), Some(secret)) => {
                let keys = MasterKeys::of_any_kind(id, secret, KEY_ID)?;
                let origin = Origin::Variable(KEY_ID);
                Ok(Some(Setting::new(KeySource::Pair(keys), origin)))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(half_a_pair(SECRET, KEY_ID)),
            (None, Some(_)) => Err(half_a_pair(KEY_ID, SECRET)),
        }
    }
}

impl Setting<KeySource> {
    /// The keys. Runs the `credential_process`, if that is their source, for `limit` at most.
    ///
    /// # Errors
    /// The command fails or prints something else, or the keys are not long-term keys.
    pub fn master_keys(
        &self,
        environment: &Environment,
        limit: Duration,
    ) -> Result<MasterKeys, Failure> {
        let name = self.origin.to_string();
        match &self.value {
            KeySource::Pair(keys) => keys.clone().long_term(&name),
            KeySource::Process(command_line) => {
                credential_process::run(command_line, &name, environment, limit)
            }
        }
    }
}

/// Where the owner's keys are. An explicit profile without keys has those of the environment. Half a pair is a failure and
/// never falls through to the next source.
pub fn of(
    selected: &ProfileChoice,
    owner: &Owner,
    profiles: &Profiles,
    of_environment: Result<Option<Setting<KeySource>>, Failure>,
) -> Result<Setting<KeySource>, Failure> {
    let Owner::Profile(name) = owner else {
        return of_environment?.ok_or_else(no_keys);
    };
    let owner = profiles.profile(name);
    if let Some(keys) = in_one_profile(owner)? {
        return Ok(keys);
    }
    let none = Failure::setup(format!("the profile {name} has no keys"));
    if selected.is_named() && (owner.has("sso_session")? || owner.has("sso_start_url")?) {
        return Err(none.hint(
            "it signs in with IAM Identity Center, which has its own MFA: run `aws sso login`",
        ));
    }
    match of_environment? {
        Some(keys) => Ok(keys),
        None => {
            let none = match selected.is_named() {
                true => none.hint(format!(
                    "put aws_access_key_id and aws_secret_access_key under [{name}] in ~/.aws/credentials"
                )),
                false => no_keys(),
            };
            Err(match profiles.missing_files().next() {
                Some(missing) => none.hint(missing.hint()),
                None => none,
            })
        }
    }
}

/// The failure where nobody has said what the keys are.
pub fn no_keys() -> Failure {
    Failure::setup("no access key is configured").hint(format!(
        "put aws_access_key_id and aws_secret_access_key under [default] in ~/.aws/credentials, or set {KEY_ID} and {SECRET}"
    ))
}

/// What the Python aws-mfa adds to a profile's name for the section with its keys. The profile itself gets temporary ones.
/// <https://github.com/broamski/aws-mfa>
const LONG_TERM: &str = "-long-term";

/// The profile that has the keys of this one, which has none of its own: `work-long-term` for `work`.
pub fn long_term(profile: Profile<'_>) -> Option<Profile<'_>> {
    match says(profile, "role_arn") || is_written_in(profile) {
        true => None,
        false => profile
            .with_suffix(LONG_TERM)
            .filter(|own| is_written_in(*own)),
    }
}

/// Whether the profile has this key, though it may be damaged, or includes it.
pub fn says(profile: Profile<'_>, key: &str) -> bool {
    profile.written(key).is_some() || profile.has(key) == Ok(true)
}

/// Whether the profile has keys of a user, in its own section or in that beside it.
pub fn has_user_keys(profile: Profile<'_>) -> bool {
    is_written_in(profile) || long_term(profile).is_some()
}

/// The names of all profiles, in alphabetical order: `work` for `work-long-term`, if that has the keys of work.
pub fn names(profiles: &Profiles) -> BTreeSet<&str> {
    let names = profiles.names().into_iter();
    let names = names.map(|name| match name.strip_suffix(LONG_TERM) {
        Some(short) if long_term(profiles.profile(short)).is_some() => short,
        _ => name,
    });
    names.collect()
}

/// Whether the profile says where its own keys are.
pub fn has_keys(profile: Profile<'_>) -> Result<bool, Failure> {
    let id = profile.get("aws_access_key_id")?;
    // The usual case costs one more look-up.
    if id.is_some_and(|id| !id.value.starts_with("ASIA")) && !profile.has("aws_session_token")? {
        return Ok(true);
    }
    let is_there = profile.has("aws_access_key_id")?
        || profile.has("aws_secret_access_key")?
        || profile.has("credential_process")?;
    Ok(is_there && long_term(profile).is_none())
}

/// Whether a user's own keys are written in the profile, well or badly, or a command that prints them. The keys of a role's
/// profile are another one's, and so are temporary ones.
fn is_written_in(profile: Profile<'_>) -> bool {
    if says(profile, "role_arn") {
        return false;
    }
    match profile.written_key() {
        Some((_, is_temporary)) => !is_temporary,
        None if profile.written("aws_secret_access_key").is_some() => true,
        None => (profile.written("credential_process"))
            .is_some_and(|line| !credential_process::is_of_sessions(profile, line)),
    }
}

/// The keys in one profile: written there, or printed by its `credential_process`.
fn in_one_profile(profile: Profile<'_>) -> Result<Option<Setting<KeySource>>, Failure> {
    let Some(key) = profile.access_key()? else {
        let command = in_profile(profile, "credential_process")?;
        if let Some(command) = &command {
            credential_process::check(profile, command)?;
        }
        return Ok(command.map(|command| command.map(KeySource::Process)));
    };
    let id = of_profile("aws_access_key_id", key.id);
    if let Some(token) = key.token
        && !id.value.starts_with("ASIA")
    {
        let (name, file) = (profile.name(), in_words(token.file));
        let message = format!("the profile {name} has a long-term key with an aws_session_token");
        let hint = format!("remove aws_session_token from the profile {name} in {file}");
        return Err(Failure::setup(message).hint(hint));
    }
    let keys = MasterKeys::of_any_kind(&id.value, key.secret.value, &id.origin.to_string())?;
    Ok(Some(id.map(|_| KeySource::Pair(keys))))
}
