//! Whether the session can assume the roles.

use super::report::{Finding, Mark, error, ok, skipped};
use super::setup::Setup;
use crate::cli::Selection;
use crate::commands::credentials::role::SelectedRole;
use crate::error::Failure;
use crate::setting::Origin;
use crate::settings::{Flags, Location, Settings};

const CHECK: &str = "roles";

/// Assumes each profile's role, and a role that is selected without a profile, once. Saves nothing.
pub fn check(setup: &Setup) -> Vec<Finding> {
    let Ok(settings) = &setup.settings else {
        return vec![skipped(CHECK, "see files")];
    };
    let profiles = settings.profiles();
    let mut findings = Vec::new();
    for name in profiles.names() {
        if profiles.profile(name).has("role_arn").unwrap_or(false) {
            let selection = Selection {
                profile: Some(name.to_owned()),
                role_arn: None,
                session_file: None,
            };
            findings.push(assumed(setup, &selection, name));
        }
    }
    if let Ok(Some(chain)) = &setup.chain
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
    let role = match role(setup, selection) {
        Ok(role) => role,
        Err(failure) => return named(failure),
    };
    let session = match role.session((setup.now)()) {
        Ok(session) => session,
        Err(failure) => {
            return Finding {
                mark: Mark::Skipped,
                ..named(failure)
            };
        }
    };
    match role.assume(session, deadline.instant(), setup.now) {
        Ok(_) => {
            let arn = &role.chain.role.arn.value;
            ok(CHECK, format!("{name}: the session may assume {arn}"))
        }
        Err(failure) => named(failure),
    }
}

fn role(setup: &Setup, selection: &Selection) -> Result<SelectedRole, Failure> {
    let settings = Settings::new(selection, Flags::default(), setup.environment)?;
    let file = Location::of(selection, setup.environment)?.role;
    let (Some(chain), Some(file)) = (settings.role_chain()?, file) else {
        return Err(Failure::setup("there is no role"));
    };
    SelectedRole::of(&settings, chain, file, String::new(), selection)
}
