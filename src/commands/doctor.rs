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
use aws::Question;
use policy::KeyLists;
use report::{Finding, Mark, skipped};
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
    if !doctor.offline {
        findings.extend(online(&setup, sts));
    }
    if doctor.roles {
        findings.extend(roles::check(&setup));
    }
    super::print(&match doctor.json {
        true => report::json(&findings)?,
        false => {
            let colour = std::io::stdout().is_terminal() && stderr::allows_colour(environment);
            report::text(&findings, colour)
        }
    })?;
    let any_error = findings.iter().any(|finding| finding.mark == Mark::Error);
    Ok(ExitCode::from(u8::from(any_error)))
}

/// The checks that call AWS. A check that an earlier finding makes impossible is skipped, with the reason.
fn online(setup: &Setup, sts: Result<Network, Failure>) -> Vec<Finding> {
    let skip = |checks: &[&'static str], why: &str| {
        let skipped = checks.iter().map(|check| skipped(check, why));
        skipped.collect::<Vec<_>>()
    };
    let Ok(sts) = sts else {
        let all = ["network", "clock", "keys", "device", "policy", "session"];
        return skip(&all, "a setting is invalid");
    };

    let keys = keys::of(setup, setup.limit.check());
    let session = setup.session();
    let of_keys = keys.as_ref().ok().map(|(keys, origin)| Setting {
        value: SigningKey::from(keys),
        origin: origin.clone(),
    });
    let of_session = session
        .as_ref()
        .map(|session| Setting::by_default(session.into()));
    let identity = |key: &Setting<SigningKey>| {
        let question = Question {
            setup,
            network: &sts,
            key,
            deadline: setup.limit.check(),
        };
        question.identity()
    };

    // The first call shows whether AWS can be reached at all.
    let Some(first) = of_keys.as_ref().or(of_session.as_ref()) else {
        let why = "there are no keys to sign a request with";
        let mut findings = skip(&["network", "clock"], why);
        findings.extend(keys.err());
        findings.extend(skip(&["device", "policy"], USER_UNKNOWN));
        findings.push(session::missing(setup));
        return findings;
    };
    let (answer, at_aws) = identity(first);
    let mut findings = vec![network::check(&sts, &answer)];
    if !network::is_reached(&answer) {
        let why = "AWS was not reached";
        findings.push(skipped("clock", why));
        findings.push(keys.err().unwrap_or_else(|| skipped("keys", why)));
        findings.extend(skip(&["device", "policy", "session"], why));
        return findings;
    }
    findings.push(network::clock(at_aws, now()));

    let mut user = None;
    match &of_keys {
        Some(signer) => {
            let owner = keys::owner(signer, &answer);
            user = answer.ok().filter(|_| owner.mark == Mark::Ok);
            findings.push(owner);
        }
        None => findings.extend(keys.as_ref().err().cloned()),
    }
    match (&of_keys, &user) {
        (Some(signer), Some(user)) => {
            findings.extend(of_user(setup, user, signer, of_session.as_ref()));
        }
        _ => findings.extend(skip(&["device", "policy"], USER_UNKNOWN)),
    }
    findings.push(match (&session, &of_session) {
        (Some(session), Some(signer)) => {
            session::check(setup, session, identity(signer).0, user.as_ref())
        }
        _ => session::missing(setup),
    });
    findings
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
            let skip = |check| skipped(check, failure.message.as_str());
            return vec![skip("device"), skip("policy")];
        }
    };
    let question = || Question {
        setup,
        network: &iam,
        key,
        deadline: setup.limit.check(),
    };
    let lists = KeyLists::ask(&question(), session);
    vec![
        keys::age(setup, key.value.id, &lists),
        device::check(setup, user, &question()),
        policy::check(setup, user, &lists),
    ]
}
