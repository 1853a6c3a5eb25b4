//! Whether the session can assume the roles.

use super::{Finding, Mark, Setup, error, ok, skipped};
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
                ..Selection::default()
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
        return skipped(CHECK, format!("{name}: the checks timed out"));
    }
    let named = |mut failure: Failure| {
        failure.message = format!("{name}: {}", failure.message);
        error(CHECK, failure)
    };
    let assume = || {
        let sources = Sources::new(selection, Flags::default(), setup.environment);
        let account = Account::of(&sources)?;
        let sts = Settings::of(&sources, &account).sts(None)?;
        let chain = account.role.as_ref().map_err(Failure::clone)?.as_ref();
        let chain = chain.ok_or_else(|| Failure::setup("there is no role"))?;
        let store = SessionStore::new(account.session_file.clone()?.value);
        let role = RoleSession::of(&sources, &account, chain, store);
        let session = match role.session(now()) {
            Ok(session) => session,
            Err(failure) => {
                let mark = Mark::Skipped;
                return Ok(Finding {
                    mark,
                    ..named(failure)
                });
            }
        };
        role.assume(&sts, session, deadline.instant())?;
        let arn = &chain.role.arn.value;
        Ok(ok(CHECK, format!("{name}: the session may assume {arn}")))
    };
    assume().unwrap_or_else(named)
}
