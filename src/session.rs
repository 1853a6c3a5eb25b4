//! Sessions: temporary credentials with their expiry.

pub mod access;
mod directory;
pub mod error;
pub mod files;
pub mod json;
pub mod leftover;
pub mod lock;
pub mod name;
#[cfg(windows)]
mod open_elsewhere;
pub mod replacement;
pub mod store;
mod symlink;

use error::{Error, Problem};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A session with less time left expires soon. This is the shortest session that STS issues, and the time at which the
/// AWS CLI renews credentials.
pub const SOON: SignedDuration = SignedDuration::from_mins(15);

/// Temporary credentials with their expiry.
///
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>.
pub struct Session {
    /// `ASIA…`; not a secret.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: SecretString,
    /// Sent with each request; as sensitive as a secret.
    pub session_token: SecretString,
    /// In whole seconds; `None` if the file does not say.
    pub expiration: Option<Timestamp>,
    /// The region that `get` was given by a flag or the environment.
    pub region: Option<String>,
    /// How it was obtained.
    pub provenance: Provenance,
}

/// How a session was obtained, as far as using and renewing it needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The id of the master key that obtained it.
    pub master_key_id: Option<String>,
    /// The user's name, from GetCallerIdentity.
    pub user_name: Option<String>,
    /// The MFA device, if it was found in IAM.
    pub discovered_device: Option<String>,
    /// The assumed role; `None` for the user's own session.
    pub role: Option<AssumedRole>,
}

/// An assumed role.
///
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AssumedRole {
    /// The role's ARN.
    pub arn: String,
    /// `AssumedRoleUser`'s ARN: `arn:aws:sts::<account>:assumed-role/<role>/<session name>`
    #[serde(skip)]
    pub user_arn: String,
    /// `AssumedRoleUser`'s id: `AROA…:<session name>`
    #[serde(skip)]
    pub user_id: String,
    /// The session file of the user's session that assumed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What it is valid for beside the master key, see `RoleChain::digest`.
    pub digest: String,
    /// The duration of the credentials as granted, in seconds.
    pub seconds: i32,
    /// Whether a code was spent on the role itself: renewal then needs another code.
    #[serde(rename = "Direct")]
    pub is_direct: bool,
}

impl Session {
    /// The time left: `None` if the expiry is unknown, zero or negative if the session has expired.
    pub fn time_left(&self, now: Timestamp) -> Option<SignedDuration> {
        self.expiration
            .map(|expiration| expiration.duration_since(now))
    }

    /// Whether the session is valid at `now`, or its expiry is unknown.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.time_left(now).is_none_or(|left| left.is_positive())
    }

    /// The session, if it was made with the master key called `key`. Both ids may be unknown: the files of the two scripts
    /// have none.
    ///
    /// # Errors
    /// It was made with another key.
    pub fn of_key(self, key: Option<&str>, file: &Path) -> Result<Self, Error> {
        match (key, &self.provenance.master_key_id) {
            (Some(key), Some(made_with)) if key != made_with => Err(Error {
                problem: Problem::OtherKey {
                    made_with: made_with.clone(),
                    key: key.to_owned(),
                },
                file: file.to_owned(),
            }),
            _ => Ok(self),
        }
    }

    /// The session, if it is valid at `now` or its expiry is unknown.
    ///
    /// # Errors
    /// It has expired.
    pub fn valid_at(self, now: Timestamp, file: &Path) -> Result<Self, Error> {
        match self.time_left(now) {
            Some(left) if !left.is_positive() => Err(Error {
                file: file.to_owned(),
                problem: Problem::Expired(left.abs()),
            }),
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn session_ends_at_its_expiration_not_after_it() {
        let session = |expiration: Option<&str>| Session {
            access_key_id: "ASIA".into(),
            secret_access_key: "s".into(),
            session_token: "t".into(),
            expiration: expiration.map(time),
            region: None,
            provenance: Provenance::default(),
        };
        let now = time("2026-11-24T12:00:00Z");
        let file = Path::new("/s");
        assert!(session(None).valid_at(now, file).is_ok());
        assert!(
            session(Some("2026-11-24T12:00:01Z"))
                .valid_at(now, file)
                .is_ok()
        );
        let expired = session(Some("2026-11-24T12:00:00Z")).valid_at(now, file);
        assert_eq!(
            crate::error::Failure::from(expired.err().unwrap()).message,
            "session expired 0s ago (/s)"
        );
    }
}
