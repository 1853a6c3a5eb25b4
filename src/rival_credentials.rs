//! Variables that conflict with the session.

use crate::account::MASTER_KEYS;
use crate::account::keys::is_key_id;
use crate::cli::Selection;
use crate::environment::Environment;
use crate::environment::variable::{self, Variable};
use crate::error::Failure;
use std::ffi::OsStr;

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
        Failure::setup(message).hint(format!("unset {variable}"))
    };
    ignored.iter().map(conflict).collect()
}

/// Variables that other programs prefer to the session, or that belong to another one. `valid` is the id of the selected
/// credentials, if they are valid.
pub fn with_session(environment: &Environment, valid: Option<&str>) -> Vec<Failure> {
    let mut conflicts = Vec::new();
    let mut add = |message: &str, hint: &str| conflicts.push(Failure::setup(message).hint(hint));
    if let Some(own) = environment.get(variable::AWS_ACCESS_KEY_ID) {
        if valid.is_some_and(|id| own != id) {
            let message = format!("this shell has other credentials ({})", key_id_to_show(own));
            add(&message, "load the session, or unset AWS_ACCESS_KEY_ID");
        }
        if environment.get(variable::AWS_PROFILE).is_some() {
            let message = "AWS_PROFILE is set next to AWS_ACCESS_KEY_ID, and the JavaScript SDK prefers the profile's keys to \
                           the session";
            add(message, "unset AWS_PROFILE");
        }
    }
    if environment.get(variable::AWS_SECURITY_TOKEN).is_some() {
        let message = "AWS_SECURITY_TOKEN is set, which old SDKs prefer to the session's token";
        add(message, "unset AWS_SECURITY_TOKEN");
    }
    conflicts
}

/// The id of a shell's key; a secret in its place is not shown.
pub fn key_id_to_show(own: &OsStr) -> &str {
    own.to_str()
        .filter(|own| is_key_id(own))
        .unwrap_or("invalid key id")
}

/// Whether the environment has the credentials with this id.
pub fn has_credentials(environment: &Environment, id: &str) -> bool {
    (environment.get(variable::AWS_ACCESS_KEY_ID)).is_some_and(|own| own == id)
}
