//! The master keys: their owner and their age.

use super::aws::Unanswered;
use super::limit::Deadline;
use super::policy::KeyLists;
use super::report::{Finding, error, ok, skipped, warning};
use super::setup::Setup;
use crate::account::key_source::KeySource;
use crate::account::keys::MasterKeys;
use crate::account::session_directory;
use crate::aws::client::SigningKey;
use crate::aws::iam::AccessKey;
use crate::aws::sts::Identity;
use crate::cli::Selection;
use crate::error::Failure;
use crate::invocation;
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use crate::rotation::journal::Journal;
use crate::rotation::key_store::KeyStore;
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

/// A rotation that was interrupted, or whose old key is not deleted yet.
pub fn rotation(setup: &Setup) -> Option<Finding> {
    let directory = session_directory(setup.environment).ok()??;
    let (journal, rotation) =
        Journal::find(&directory, &setup.account.profile_of_keys(setup.sources)?)?;
    let mut failure = journal.unfinished(&rotation, &command(setup, ""));
    failure.hint = Some(rotation.next(&command(setup, "")));
    Some(warning(CHECK, failure))
}

/// The age of the key, where it lies, and a second one.
pub fn of_user(setup: &Setup, id: &str, lists: &KeyLists) -> Vec<Finding> {
    let mut findings = vec![age(setup, id, lists)];
    let ((Some(Ok(keys)), _) | (_, Ok(keys))) = (&lists.of_session, &lists.of_keys) else {
        return findings;
    };
    let is_other = |key: &&AccessKey| key.id != id && !key.is_active;
    if let Some(other) = keys.iter().find(is_other)
        && rotation(setup).is_none()
    {
        let message = format!(
            "the user has a second access key, {}, which is inactive",
            other.id
        );
        let delete = command(setup, &format!(" --delete {}", other.id));
        findings.push(warning(CHECK, Failure::setup(message).hint(delete)));
    }
    findings
}

/// Where the key lies, if that is in the clear.
pub fn place(setup: &Setup, id: &str) -> Option<Finding> {
    let source = setup.settings.keys.as_ref().ok()?;
    let (place, hint) = match (&source.value, &source.origin) {
        (KeySource::Process(_), _) => return None,
        (_, Origin::Profile(profile, _, file)) => {
            let place = format!("{}, where every SDK finds it", in_words(file));
            (place, invocation::move_command(profile))
        }
        _ => {
            let place = "the environment, where every program finds it".to_owned();
            let profiles = setup.sources.profiles().ok()?;
            (place, invocation::move_command(profiles.free_name()))
        }
    };
    Some(Finding {
        hint: Some(hint),
        ..ok(CHECK, format!("{id} is in {place}; rotate can move it"))
    })
}

fn command(setup: &Setup, options: &str) -> String {
    let selection = Selection {
        role_arn: None,
        ..setup.selection.clone()
    };
    invocation::command("rotate", &selection, options)
}

/// The age of the key.
fn age(setup: &Setup, id: &str, lists: &KeyLists) -> Finding {
    let cannot_tell = |why: &str| skipped(CHECK, format!("cannot tell the age of {id}: {why}"));
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
    let rotate = command(setup, "");
    let store = KeyStore::of(setup.sources, &setup.account, None, [None, None]);
    let hint = match store.place() {
        Ok(_) => rotate,
        Err(failure) => failure.hint.unwrap_or(rotate),
    };
    warning(CHECK, Failure::setup(message).hint(hint))
}
