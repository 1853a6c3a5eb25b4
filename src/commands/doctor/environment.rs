//! Variables that conflict with the session, and keys that programs fall back to without it.

use super::{Finding, Setup, ok, warning};
use crate::account::credential_process::aws_mfa_arguments;
use crate::error::Failure;
use crate::origin::Origin;
use crate::path::in_words;
use crate::rival_credentials;
use crate::time::now;
use crate::word;
use std::collections::BTreeSet;

const CHECK: &str = "environment";

/// Checks for leftover variables, and for keys that work without a session.
pub fn check(setup: &Setup) -> Vec<Finding> {
    let environment = setup.environment;
    let session = match setup.account.role {
        Ok(Some(_)) => {
            let stores = setup.role_stores();
            let mut saved = stores.iter().filter_map(|it| Some(it.read().ok()?.session));
            saved.find(|session| session.is_valid(now()))
        }
        _ => setup.session(),
    };
    let valid = session.as_ref().map(|it| it.access_key_id.as_str());
    let keys = setup.settings.keys.as_ref();
    let has_profile_keys = keys.is_ok_and(|keys| matches!(keys.origin, Origin::Profile(..)));
    let mut failures = rival_credentials::ignored(setup.selection, environment, has_profile_keys);
    let integration = setup.integration();
    if valid.is_none() {
        failures.extend(integration.leftover_credentials());
    }
    failures.extend(rival_credentials::with_session(
        environment,
        &integration,
        valid,
    ));
    failures.extend(fallback(setup));
    failures.extend(temporary_keys(setup));
    failures.extend(stale_keys(setup));
    if failures.is_empty() {
        return vec![ok(CHECK, "nothing conflicts with the session")];
    }
    let failures = failures.into_iter();
    failures.map(|failure| warning(CHECK, failure)).collect()
}

/// Keys in the credentials file, often another tool's expired ones, that programs prefer to the `credential_process` which
/// loads a session.
fn stale_keys(setup: &Setup) -> Vec<Failure> {
    let Ok(profiles) = setup.sources.profiles() else {
        return Vec::new();
    };
    let stale = |name| {
        let profile = profiles.profile(name);
        let process = profile.get("credential_process").ok()??;
        let key = profile.get("aws_access_key_id").ok()??;
        aws_mfa_arguments(process.value).filter(|_| key.file != process.file)?;
        let (section, file) = (profile.section_in(key.file), in_words(key.file));
        let message = format!(
            "{section} in {file} has keys, which programs prefer to its credential_process"
        );
        Some(Failure::setup(message).hint(format!("delete the section {section} from {file}")))
    };
    profiles.names().into_iter().filter_map(stale).collect()
}

/// The temporary keys that another tool has written to the selected profile, or to the one that programs use otherwise.
fn temporary_keys(setup: &Setup) -> Vec<Failure> {
    let Ok(profiles) = setup.sources.profiles() else {
        return Vec::new();
    };
    let temporary = |name| {
        let profile = profiles.profile(name);
        profile
            .written_key()
            .filter(|(_, is_temporary)| *is_temporary)?;
        // Where it loads a session, that has been said.
        let process = profile.written("credential_process");
        if process.is_some_and(|line| aws_mfa_arguments(line).is_some()) {
            return None;
        }
        let file = profile.get("aws_access_key_id").ok()??.file;
        let (section, file) = (profile.section_in(file), in_words(file));
        let message = format!(
            "{section} in {file} has temporary keys of another tool: `aws --profile {}` uses those, not the session",
            word::quoted(name)
        );
        Some(Failure::setup(message).hint(format!("delete the section {section} from {file}")))
    };
    let names = BTreeSet::from([setup.programs_profile(), &setup.account.choice.name]);
    names.into_iter().filter_map(temporary).collect()
}

/// The profile's keys that programs use if the environment has none.
fn fallback(setup: &Setup) -> Option<Failure> {
    let profile = setup
        .sources
        .profiles()
        .ok()?
        .profile(setup.programs_profile());
    profile
        .written_key()
        .filter(|(_, is_temporary)| !is_temporary)?;
    let key = profile.get("aws_access_key_id").ok()??;
    let message = format!(
        "without a session, programs use the keys of {} in {}",
        profile.section_in(key.file),
        in_words(key.file)
    );
    Some(Failure::setup(message).hint(
        "rename that section, for example to [work-keys], and set AWS_MFA_PROFILE to work-keys",
    ))
}
