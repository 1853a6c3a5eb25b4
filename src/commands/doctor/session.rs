//! The session: whether AWS accepts it, and its owner.

use super::{Finding, Setup, Unanswered, error, ok, skipped, warning};
use crate::aws::sts::Identity;
use crate::error::Failure;
use crate::session::Session;
use crate::session::error::Problem;
use crate::time::{now, span};

const CHECK: &str = "session";

/// Why there is no session to check.
pub fn missing(setup: &Setup) -> Finding {
    use Problem::{Expired, Missing, OtherKey};
    let Ok(store) = &setup.store else {
        return skipped(CHECK, "the session file is unknown");
    };
    match setup.session_in(&store.value) {
        Err(error) if matches!(error.problem, Missing | Expired { .. } | OtherKey { .. }) => {
            let remedy = setup.get_command.as_str();
            warning(CHECK, Failure::from(error).hint(remedy))
        }
        _ => skipped(CHECK, "the session file cannot be used"),
    }
}

/// Whether AWS accepts the session. `user` is the owner of the master keys, if known.
pub fn check(
    setup: &Setup,
    session: &Session,
    identity: Result<Identity, Unanswered>,
    user: Option<&Identity>,
) -> Finding {
    let identity = match identity {
        Ok(identity) => identity,
        Err(unanswered) if unanswered.is_verdict() => return error(CHECK, *unanswered.failure),
        Err(unanswered) => {
            let why = &unanswered.failure.message;
            return skipped(CHECK, format!("cannot tell whether AWS accepts it: {why}"));
        }
    };
    let arn = &identity.arn;
    match user {
        Some(user) if user != &identity => {
            let of_keys = &user.arn;
            let message = format!("the session belongs to {arn}, but the keys belong to {of_keys}");
            let hint = setup.get_command.as_str();
            warning(CHECK, Failure::setup(message).hint(hint))
        }
        _ => {
            let valid = match session.time_left(now()) {
                Some(left) => format!("valid for {}", span(left)),
                None => "valid, expiry unknown".to_owned(),
            };
            ok(CHECK, format!("AWS accepts it as {arn}; {valid}"))
        }
    }
}
