//! A session: temporary credentials that STS gave for a code, and when they expire.

mod access;
mod directory;
pub mod error;
pub mod json;
mod leftover;
pub mod lock;
mod replacement;
pub mod saved;
#[cfg(windows)]
mod sharing;
pub mod store;
mod symlink;

use error::{Error, Problem};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use std::path::Path;

/// When a session is about to expire: the shortest one that STS gives, and what the AWS CLI renews at.
pub const SOON: SignedDuration = SignedDuration::from_mins(15);

/// Temporary credentials with their expiry.
///
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>.
pub struct Session {
    /// `ASIA…`; not a secret.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: SecretString,
    /// Goes with each request; as good as a secret.
    pub session_token: SecretString,
    /// In whole seconds; `None` if the file does not say.
    pub expiration: Option<Timestamp>,
    /// The region that a flag or a profile named for this session.
    pub region: Option<String>,
    /// How it was got.
    pub provenance: Provenance,
}

/// How a session was got, as far as it helps to use and to renew it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// What the settings were that led to it; see `settings::stamp`.
    pub settings: Option<String>,
    /// The id of the master key that it was got with.
    pub master_key_id: Option<String>,
    /// The name of the user, as GetCallerIdentity gave it.
    pub user_name: Option<String>,
    /// The MFA device, where IAM was asked for it.
    pub discovered_device: Option<String>,
    /// The role that these are the credentials of; `None` for the user's own session.
    pub role: Option<AssumedRole>,
}

/// The role that was assumed.
///
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumedRole {
    /// The role that was asked for.
    pub arn: String,
    /// `AssumedRoleUser`'s ARN: `arn:aws:sts::<account>:assumed-role/<role>/<session name>`
    pub user_arn: String,
    /// `AssumedRoleUser`'s id: `AROA…:<session name>`
    pub user_id: String,
    /// The session file of the user's own session that it was assumed with.
    pub base: Option<String>,
    /// How long the credentials last, in seconds.
    pub seconds: i32,
    /// Whether a code was spent on the role itself, so that only another code gets as long a session again.
    pub is_direct: bool,
}

impl Session {
    /// How long the session is still valid: `None` if its expiry is unknown, zero or negative if it
    /// has expired.
    pub fn time_left(&self, now: Timestamp) -> Option<SignedDuration> {
        self.expiration
            .map(|expiration| expiration.duration_since(now))
    }

    /// Whether the session is valid at `now`, or its expiry is unknown.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.time_left(now).is_none_or(|left| left.is_positive())
    }

    /// The session, if it is valid at `now` or its expiry is unknown.
    ///
    /// # Errors
    /// It has expired: how long ago, and in which file.
    pub fn valid_at(self, now: Timestamp, file: &Path) -> Result<Self, Error> {
        match self.time_left(now) {
            Some(left) if !left.is_positive() => Err(Error {
                file: file.to_owned(),
                problem: Problem::Expired { ago: left.abs() },
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
