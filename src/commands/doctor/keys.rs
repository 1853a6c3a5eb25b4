//! The master keys: their owner and their age.

use super::aws::Unanswered;
use super::limit::Deadline;
use super::policy::KeyLists;
use super::report::{Finding, error, ok, skipped, warning};
use super::setup::Setup;
use crate::account::keys::MasterKeys;
use crate::aws::client::SigningKey;
use crate::aws::sts::Identity;
use crate::error::Failure;
use crate::invocation;
use crate::origin::{Origin, Setting};
use crate::time::now;
use jiff::SignedDuration;

const CHECK: &str = "keys";

/// Days after which a key should be replaced.
const OLD: i64 = 90;

/// The master keys with their origin. Runs a `credential_process`.
///
/// # Errors
/// There are none; the finding says why.
pub fn of(setup: &Setup, deadline: Deadline) -> Result<(MasterKeys, Origin), Finding> {
    let source = match &setup.settings.keys {
        Ok(source) => source,
        // The check of the settings has reported it.
        Err(_) => return Err(skipped(CHECK, "no keys are configured")),
    };
    let limit = deadline.left().unwrap_or_default();
    match source.master_keys(setup.environment, limit) {
        Ok(keys) => Ok((keys, source.origin.clone())),
        Err(failure) => Err(error(CHECK, failure)),
    }
}

/// The owner of the keys.
pub fn owner(key: &Setting<SigningKey>, identity: &Result<Identity, Unanswered>) -> Finding {
    let id = key.value.id;
    let identity = match identity {
        Ok(identity) => identity,
        Err(unanswered) if unanswered.is_verdict() => {
            return error(CHECK, (*unanswered.failure).clone());
        }
        Err(unanswered) => {
            let why = &unanswered.failure.message;
            return skipped(CHECK, format!("cannot find the owner of {id}: {why}"));
        }
    };
    let arn = &identity.arn;
    if arn.ends_with(":root") {
        let message = format!("{id} is a key of the root user: {arn}");
        let hint = "use the key of an IAM user, and delete the root user's keys in the console, under Security credentials";
        return error(CHECK, Failure::setup(message).hint(hint));
    }
    if arn.contains(":sts::") {
        let message = format!("{id} is a temporary key: {arn}");
        let hint = format!(
            "check {}: a long-term access key (AKIA…) is required",
            key.origin
        );
        return error(CHECK, Failure::setup(message).hint(hint));
    }
    ok(CHECK, format!("{id} belongs to {arn}"))
}

/// The age of the key.
pub fn age(setup: &Setup, id: &str, lists: &KeyLists) -> Finding {
    let cannot_tell = |why: &str| skipped(CHECK, format!("cannot find the age of {id}: {why}"));
    let keys = match (&lists.of_session, &lists.of_keys) {
        (Some(Ok(keys)), _) | (_, Ok(keys)) => keys,
        (Some(Err(unanswered)), _) | (None, Err(unanswered)) if !unanswered.is_denied() => {
            return cannot_tell(&unanswered.failure.message);
        }
        (Some(_), _) => return cannot_tell("this user is not allowed to list its own access keys"),
        (None, _) => {
            return cannot_tell(
                "this user is not allowed to list its own access keys without a session",
            );
        }
    };
    let created = keys.iter().find(|key| key.id == id);
    let Some(created) = created.and_then(|key| key.created) else {
        return cannot_tell("IAM does not list it");
    };
    let age = now().duration_since(created);
    let days = (age.as_secs() / SignedDuration::from_hours(24).as_secs()).max(0);
    let message = match days {
        1 => format!("{id} is 1 day old"),
        _ => format!("{id} is {days} days old"),
    };
    if days <= OLD {
        return ok(CHECK, message);
    }
    let command = invocation::command("rotate", setup.selection, "");
    warning(CHECK, Failure::setup(message).hint(command))
}
