//! Variables that conflict with the session.

use crate::account::MASTER_KEYS;
use crate::cli::Selection;
use crate::environment::Environment;
use crate::environment::variable::{self, Variable};
use crate::error::Failure;
use crate::loader::{self, Integration};

/// Variables that are ignored because `AWS_MFA_PROFILE` is set. `has_keys` tells whether that profile has keys.
pub fn ignored(selection: &Selection, environment: &Environment, has_keys: bool) -> Vec<Failure> {
    let explicit = environment.get(variable::AWS_MFA_PROFILE);
    let (Some(profile), None) = (explicit, &selection.profile) else {
        return Vec::new();
    };
    let profile = profile.to_string_lossy();
    let mut ignored = Vec::new();
    if selection.session_file.is_none() {
        ignored.push(variable::AWS_SESSION_FILE);
    }
    if has_keys {
        ignored.extend(MASTER_KEYS);
    }
    ignored.retain(|variable| environment.get(*variable).is_some());
    let conflict = |variable: &Variable| {
        let why = format!("AWS_MFA_PROFILE selects the profile {profile}");
        let message = format!("{variable} is ignored, because {why}");
        Failure::setup(message).hint(loader::unset_command(environment, &[variable.name()]))
    };
    ignored.iter().map(conflict).collect()
}

/// Variables that other programs prefer to the session, or that belong to another one. `valid` is the id of the selected
/// credentials, if they are valid.
pub fn with_session(
    environment: &Environment,
    integration: &Integration,
    valid: Option<&str>,
) -> Vec<Failure> {
    let mut conflicts = Vec::new();
    conflicts.extend(valid.and_then(|valid| integration.other_credentials(valid)));
    let mut add = |message: &str, variable: Variable| {
        let unset = loader::unset_command(environment, &[variable.name()]);
        conflicts.push(Failure::setup(message).hint(unset));
    };
    let has_key = environment.get(variable::AWS_ACCESS_KEY_ID).is_some();
    if has_key && environment.get(variable::AWS_PROFILE).is_some() {
        let message = "AWS_PROFILE is set next to AWS_ACCESS_KEY_ID, and the JavaScript SDK prefers the profile's keys to \
                       the session";
        add(message, variable::AWS_PROFILE);
    }
    if environment.get(variable::AWS_SECURITY_TOKEN).is_some() {
        let message = "AWS_SECURITY_TOKEN is set, which old SDKs prefer to the session's token";
        add(message, variable::AWS_SECURITY_TOKEN);
    }
    conflicts
}

/// Whether the environment has the credentials with this id.
pub fn has_credentials(environment: &Environment, id: &str) -> bool {
    (environment.get(variable::AWS_ACCESS_KEY_ID)).is_some_and(|own| own == id)
}
