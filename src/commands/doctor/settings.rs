//! The settings, each with its origin.

use super::{Finding, Setup, error, ok, skipped, warning};
use crate::aws_files::KeysFile;
use crate::error::Failure;
use crate::origin::Setting;
use crate::path::in_words;
use crate::settings::network::Network;
use crate::settings::rows;

const CHECK: &str = "settings";

/// Checks each setting and shows its origin. `sts` is the network that they select.
pub fn check(setup: &Setup, sts: &Result<Network, Failure>) -> Vec<Finding> {
    if setup.sources.profiles().is_err() {
        return vec![skipped(CHECK, "see files")];
    }
    let mut findings = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    // Several settings can fail for the same reason.
    let mut fail = |failure: &Failure| {
        if !failures.contains(failure) {
            failures.push(failure.clone());
        }
    };
    match &setup.store {
        Ok(store) => {
            let path = store.get(|store| in_words(store.path()));
            findings.push(with_origin("session file", &path));
        }
        Err(failure) => fail(failure),
    }
    for row in rows::rows(&setup.account, &setup.settings) {
        let name = row.name.trim_end_matches("_seconds").replace('_', " ");
        match row.setting {
            Ok(None) => {}
            Ok(Some(setting)) => findings.push(with_origin(
                &name,
                &setting.map(|it| in_words(it.text.as_ref())),
            )),
            Err(failure) => fail(&failure),
        }
    }
    let iam = setup.iam();
    for network in [sts, &iam].into_iter().flatten() {
        let Setting { value, origin } = &network.endpoint;
        if value.is_exposed() {
            let message = format!(
                "requests to {value} are not encrypted, nor are the credentials in the answers"
            );
            let hint = format!("use an https:// endpoint: {origin}");
            findings.push(warning(CHECK, Failure::setup(message).hint(hint)));
        }
    }
    match &setup.account.role {
        Ok(None) => {}
        Ok(Some(chain)) => {
            let role = &chain.role.arn;
            findings.push(with_origin("role", &role.get(|arn| arn.as_str())));
        }
        Err(failure) => fail(failure),
    }
    sts.as_ref().err().map(fail);
    findings.extend(no_region(setup));
    let failures = failures.into_iter().map(|failure| error(CHECK, failure));
    findings.into_iter().chain(failures).collect()
}

/// No region for programs: neither the session, nor the shell, nor a profile that they read has one.
fn no_region(setup: &Setup) -> Option<Finding> {
    let saved = setup.store.as_ref().ok();
    let saved = saved.and_then(|store| store.value.read().ok()?.session.region);
    let profiles = setup.sources.profiles().ok()?;
    let fallback = profiles.profile(setup.programs_profile());
    let is_known = |region: &Result<Option<_>, Failure>| !matches!(region, Ok(None));
    if saved.is_some() || is_known(&setup.account.region) || fallback.has("region") != Ok(false) {
        return None;
    }
    let hint = match &setup.account.line {
        Ok(line) if !line.is_empty() => {
            let profile = profiles.profile(&setup.account.choice.name);
            let [KeysFile { path, .. }, _] = KeysFile::both(profile);
            let section = profile.section_in(&path);
            format!("add region = <region> to {section} in {}", in_words(&path))
        }
        _ => "export AWS_REGION=<region>, in the .envrc or the shell's start-up file".to_owned(),
    };
    let message = "no region is configured for programs: with the session, `aws` says «You must specify a region»";
    Some(warning(CHECK, Failure::setup(message).hint(hint)))
}

fn with_origin<T: AsRef<str>>(name: &str, setting: &Setting<T>) -> Finding {
    let Setting { value, origin } = setting;
    ok(CHECK, format!("{name} {} ({origin})", value.as_ref()))
}
