//! The master keys: a user's long-term access key.

use crate::error::{Failure, Next};
use secrecy::SecretString;

/// A long-term access key. It cannot hold a session token: GetSessionToken refuses to be called
/// with a session's credentials.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>
pub struct MasterKeys {
    /// `AKIA…`; not a secret.
    pub access_key_id: String,
    /// Signs the request to STS.
    pub secret_access_key: SecretString,
}

impl MasterKeys {
    /// The keys of a pair; `id_name` is where the id comes from, for the message.
    ///
    /// # Errors
    /// It is a session's key (`ASIA…`).
    pub fn new(
        access_key_id: &str,
        secret_access_key: &str,
        id_name: &str,
    ) -> Result<Self, Failure> {
        let (access_key_id, secret_access_key) = (access_key_id.trim(), secret_access_key.trim());
        if access_key_id.starts_with("ASIA") {
            return Err(Self::of_session(id_name));
        }
        Ok(MasterKeys {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: SecretString::from(secret_access_key),
        })
    }

    /// The failure for a session's keys in the place of master keys.
    pub fn of_session(name: &str) -> Failure {
        Failure::new(
            Next::FixSetup,
            format!("{name} is of a session (ASIA…), not of the long-term keys"),
        )
        .hint("give the user's own access key there (AKIA…): a session cannot get another session")
    }
}
