//! Whether the master keys alone can do what should need MFA.

use super::{Finding, Question, Setup, Unanswered, ok, skipped, warning};
use crate::aws::client::SigningKey;
use crate::aws::iam::AccessKey;
use crate::aws::sts::Identity;
use crate::error::Failure;
use crate::origin::Setting;

const CHECK: &str = "policy";

type KeyList = Result<Vec<AccessKey>, Unanswered>;

/// IAM's answers to requests for the user's access keys, which should need MFA.
pub struct KeyLists {
    /// To the master keys.
    pub of_keys: KeyList,
    /// To the session, if it is valid.
    pub of_session: Option<KeyList>,
}

impl KeyLists {
    /// Asks with the master keys, and with the session.
    pub fn ask(of_keys: &Question, session: Option<&Setting<SigningKey>>) -> Self {
        KeyLists {
            of_session: session.map(|key| Question { key, ..*of_keys }.access_keys()),
            of_keys: of_keys.access_keys(),
        }
    }
}

/// Whether the keys alone can do what should need a session.
pub fn check(setup: &Setup, user: &Identity, lists: &KeyLists) -> Finding {
    let cannot_tell =
        |why: &str| skipped(CHECK, format!("cannot tell whether MFA is enforced: {why}"));
    match (&lists.of_keys, &lists.of_session) {
        (Ok(_), _) => {
            let message = "MFA is not enforced: the access key can list itself without a session";
            let hint = format!(
                "as an administrator, deny {} every action where `aws:MultiFactorAuthPresent` is not true, except \
                 `sts:GetSessionToken`, `sts:GetCallerIdentity` and `iam:ListMFADevices`",
                user.name()
            );
            warning(CHECK, Failure::setup(message).hint(hint))
        }
        (Err(unanswered), _) | (_, Some(Err(unanswered))) if !unanswered.is_denied() => {
            cannot_tell(&unanswered.failure.message)
        }
        (Err(_), Some(Ok(_))) => ok(
            CHECK,
            "MFA is enforced: the access key can list itself with a session, but not without",
        ),
        (Err(_), Some(Err(_))) => cannot_tell(
            "this user is not allowed to list its own access keys with the session either",
        ),
        (Err(_), None) => Finding {
            hint: Some(setup.get_command.clone()),
            ..cannot_tell(
                "this user is not allowed to list its own access keys, and there is no session to try",
            )
        },
    }
}
