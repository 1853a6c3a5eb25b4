//! A session: temporary credentials that STS gave for a code, and when they expire.

mod access;
mod directory;
pub mod error;
pub mod json;
mod leftover;
pub mod lock;
mod replacement;
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
}

impl Session {
    /// How long the session is still valid: `None` if its expiry is unknown, zero or negative if it
    /// has expired.
    pub fn time_left(&self, now: Timestamp) -> Option<SignedDuration> {
        self.expiration
            .map(|expiration| expiration.duration_since(now))
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
