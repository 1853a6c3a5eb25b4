//! Whether the session can assume the roles.

use super::report::{Finding, Mark, error, ok, skipped};
use super::setup::Setup;
use crate::account::Account;
use crate::cli::Selection;
use crate::credentials::role::RoleSession;
use crate::error::Failure;
use crate::origin::Origin;
use crate::session::store::SessionStore;
use crate::settings::Settings;
use crate::sources::{Flags, Sources};
use crate::time::now;

const CHECK: &str = "roles";

/// Assumes each profile's role, and a role that is selected without a profile, once. Saves nothing.
pub fn check(setup: &Setup) -> Vec<Finding> {
    let Ok(profiles) = setup.sources.profiles() else {
        return vec![skipped(CHECK, "see files")];
    };
    let mut findings = Vec::new();
    for name in profiles.names() {
        // A damaged profile is reported by the attempt.
        let arn = profiles.profile(name).get("role_arn");
        if !matches!(arn, Ok(None)) {
            let selection = Selection {
                profile: Some(name.to_owned()),
                role_arn: None,
                session_file: None,
            };
            findings.push(assumed(setup, &selection, name));
        }
    }
    if let Ok(Some(chain)) = &setup.account.role
        && !matches!(chain.role.arn.origin, Origin::Profile(..))
    {
        let name = chain.role.arn.origin.to_string();
        findings.push(assumed(setup, setup.selection, &name));
    }
    if findings.is_empty() {
        findings.push(ok(CHECK, "none is configured"));
    }
    findings
}

/// Assumes the role of this selection.
fn assumed(setup: &Setup, selection: &Selection, name: &str) -> Finding {
    let deadline = setup.limit.check();
    if deadline.left().is_none() {
        return skipped(CHECK, format!("{name}: the checks have timed out"));
    }
    let named = |mut failure: Failure| {
        failure.message = format!("{name}: {}", failure.message);
        error(CHECK, failure)
    };
    let sources = Sources::new(selection, Flags::default(), setup.environment);
    let resolved = Account::of(&sources).and_then(|account| {
        let settings = Settings::of(&sources, &account);
        Ok((settings.sts(None)?, account))
    });
    let (sts, account) = match resolved {
        Ok(resolved) => resolved,
        Err(failure) => return named(failure),
    };
    let (chain, store) = match (&account.role, &account.session_file) {
        (Ok(Some(chain)), Ok(file)) => (chain, SessionStore::new(file.value.clone())),
        (Ok(None), _) => return named(Failure::setup("there is no role")),
        (Err(failure), _) | (_, Err(failure)) => return named(failure.clone()),
    };
    let role = RoleSession::of(&sources, &account, chain, store);
    let session = match role.session(now()) {
        Ok(session) => session,
        Err(failure) => {
            return Finding {
                mark: Mark::Skipped,
                ..named(failure)
            };
        }
    };
    match role.assume(&sts, session, deadline.instant()) {
        Ok(_) => {
            let arn = &chain.role.arn.value;
            ok(CHECK, format!("{name}: the session may assume {arn}"))
        }
        Err(failure) => named(failure),
    }
}
