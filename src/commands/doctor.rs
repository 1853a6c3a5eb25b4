//! `aws-mfa doctor`: what is wrong with the setup, and what to do about it.
//!
//! It changes nothing, sends no MFA code and shows no secret. Each check has 5 seconds, all of them 20.

mod aws;
mod device;
mod environment;
mod files;
mod keys;
mod limit;
mod network;
mod policy;
mod report;
mod roles;
mod session;
mod settings;
mod setup;
mod shell;

use crate::aws::client::SigningKey;
use crate::aws::sts::Identity;
use crate::cli::Doctor;
use crate::environment::Environment;
use crate::error::Failure;
use crate::origin::Setting;
use crate::settings::network::Network;
use crate::sources::{Flags, Sources};
use crate::stderr;
use crate::time::now;
use aws::{Question, Unanswered};
use policy::KeyLists;
use report::{Finding, Mark, error, ok, skipped, warning};
use serde_json::json;
use setup::Setup;
use std::io::IsTerminal;
use std::process::ExitCode;

/// Why the checks that need the user's name are skipped.
const USER_UNKNOWN: &str = "the user is unknown";

/// Runs `aws-mfa doctor`.
pub fn run(doctor: &Doctor, environment: &Environment) -> anyhow::Result<ExitCode> {
    let sources = Sources::new(&doctor.selection, Flags::default(), environment);
    let setup = Setup::of(&sources)?;
    let sts = setup.sts();
    let mut findings = files::check(&setup);
    findings.extend(settings::check(&setup, &sts));
    findings.extend(environment::check(&setup));
    findings.extend(shell::check(&setup));
    findings.extend(keys::rotation(&setup));
    if !doctor.offline {
        findings.extend(online(&setup, sts));
    }
    if doctor.roles {
        findings.extend(roles::check(&setup));
    }
    super::print(&match doctor.json {
        // Scripts rely on it: within one version, fields are added, but never changed or removed.
        true => super::json(&json!({ "version": 1, "findings": findings }))?,
        false => {
            let is_terminal = std::io::stdout().is_terminal();
            let colour = is_terminal && stderr::allows_colour(environment);
            report::text(&findings, is_terminal, colour)
        }
    })?;
    let any_error = findings.iter().any(|finding| finding.mark == Mark::Error);
    Ok(ExitCode::from(u8::from(any_error)))
}

/// The checks that call AWS, in their order.
const ONLINE: [&str; 6] = ["network", "clock", "keys", "device", "policy", "session"];

/// The checks that call AWS. One that an earlier finding makes impossible is skipped, with the reason.
fn online(setup: &Setup, sts: Result<Network, Failure>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let why = match sts {
        Ok(sts) => ask_aws(setup, &sts, &mut findings),
        Err(_) => "a setting is invalid",
    };
    for check in ONLINE {
        if !findings.iter().any(|finding| finding.check == check) {
            findings.push(skipped(check, why));
        }
    }
    findings.sort_by_key(|finding| ONLINE.iter().position(|check| *check == finding.check));
    findings
}

/// Does the checks that are possible. Returns the reason why the others are not.
fn ask_aws(setup: &Setup, sts: &Network, findings: &mut Vec<Finding>) -> &'static str {
    let keys = keys::of(setup, setup.limit.check());
    let session = setup.session();
    let of_keys = keys.as_ref().ok().map(|(keys, origin)| Setting {
        value: SigningKey::from(keys),
        origin: origin.clone(),
    });
    let of_session = session.as_ref();
    let of_session = of_session.map(|session| Setting::by_default(session.into()));
    findings.extend(keys.as_ref().err().cloned());

    // The first call shows whether AWS can be reached at all.
    let Some(first) = of_keys.as_ref().or(of_session.as_ref()) else {
        let why = "there are no keys to sign a request with";
        findings.extend(["network", "clock"].map(|check| skipped(check, why)));
        findings.push(session::missing(setup));
        return USER_UNKNOWN;
    };
    let (answer, at_aws) = setup.question(sts, first).identity();
    findings.push(network::check(sts, &answer));
    if answer.as_ref().is_err_and(|error| !error.is_from_aws()) {
        return "AWS was not reached";
    }
    findings.push(network::clock(at_aws, now()));

    let mut user = None;
    if let Some(key) = &of_keys {
        let owner = keys::owner(key, &answer);
        user = answer.ok().filter(|_| owner.mark == Mark::Ok);
        findings.push(owner);
        if let Some(user) = &user {
            findings.extend(keys::place(setup, key.value.id));
            findings.extend(of_user(setup, user, key, of_session.as_ref()));
        }
    }
    findings.push(match (&session, &of_session) {
        (Some(session), Some(key)) => {
            let (answer, _) = setup.question(sts, key).identity();
            session::check(setup, session, answer, user.as_ref())
        }
        _ => session::missing(setup),
    });
    USER_UNKNOWN
}

/// The checks in IAM for the keys' user.
fn of_user(
    setup: &Setup,
    user: &Identity,
    key: &Setting<SigningKey>,
    session: Option<&Setting<SigningKey>>,
) -> Vec<Finding> {
    let iam = match setup.iam() {
        Ok(iam) => iam,
        Err(failure) => {
            let skip = |check| skipped(check, &failure.message);
            return vec![skip("device"), skip("policy")];
        }
    };
    let lists = KeyLists::ask(&setup.question(&iam, key), session);
    let mut findings = keys::of_user(setup, key.value.id, &lists);
    findings.push(device::check(setup, user, &setup.question(&iam, key)));
    findings.push(policy::check(setup, user, &lists));
    findings
}
