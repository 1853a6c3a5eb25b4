//! The settings, each with its origin.

use super::{Finding, Setup, error, ok, skipped, warning};
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
    let failures = failures.into_iter().map(|failure| error(CHECK, failure));
    findings.into_iter().chain(failures).collect()
}

fn with_origin<T: AsRef<str>>(name: &str, setting: &Setting<T>) -> Finding {
    let Setting { value, origin } = setting;
    ok(CHECK, format!("{name} {} ({origin})", value.as_ref()))
}
