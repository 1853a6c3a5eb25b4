//! The master keys: a user's long-term access key.

use crate::aws::client::SigningKey;
use crate::aws::legal;
use crate::environment::variable::{self, Variable};
use crate::error::Failure;
use secrecy::{ExposeSecret, SecretString};

/// The variable with the id of the master key.
pub const KEY_ID: &str = variable::MASTER_AWS_ACCESS_KEY_ID.name();

/// The variable with its secret.
pub const SECRET: &str = variable::MASTER_AWS_SECRET_ACCESS_KEY.name();

/// The variables that hold the master keys.
pub const MASTER_KEYS: [Variable; 2] = [
    variable::MASTER_AWS_ACCESS_KEY_ID,
    variable::MASTER_AWS_SECRET_ACCESS_KEY,
];

/// The length of every secret access key that AWS has issued so far.
pub const SECRET_LENGTH: usize = 40;

/// An access key without a session token, because GetSessionToken rejects temporary credentials.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>
#[derive(Clone)]
pub struct MasterKeys {
    /// `AKIA…`; not a secret.
    pub access_key_id: String,
    /// Signs the request to STS.
    pub secret_access_key: SecretString,
}

impl MasterKeys {
    /// The pair from the setting `name`.
    ///
    /// # Errors
    /// The id is invalid, or belongs to temporary credentials (`ASIA…`).
    pub fn new(access_key_id: &str, secret_access_key: &str, name: &str) -> Result<Self, Failure> {
        Self::of_any_kind(access_key_id, secret_access_key, name)?.long_term(name)
    }

    /// The same, also for temporary credentials.
    ///
    /// # Errors
    /// The id is invalid.
    pub fn of_any_kind(id: &str, secret: &str, name: &str) -> Result<Self, Failure> {
        Ok(MasterKeys {
            access_key_id: key_id(id, name)?.to_owned(),
            secret_access_key: SecretString::from(secret.trim()),
        })
    }

    /// The same keys, from the setting `name`.
    ///
    /// # Errors
    /// They are temporary credentials (`ASIA…`).
    pub fn long_term(self, name: &str) -> Result<Self, Failure> {
        if !self.access_key_id.starts_with("ASIA") {
            return Ok(self);
        }
        let message =
            format!("{name} is a temporary key (ASIA…); a long-term key (AKIA…) is required");
        Err(Failure::setup(message)
            .hint("set it to the user's own access key: GetSessionToken requires a long-term key"))
    }

    /// Whether these are one key, with one secret.
    pub fn is(&self, other: &MasterKeys) -> bool {
        self.access_key_id == other.access_key_id
            && self.secret_access_key.expose_secret() == other.secret_access_key.expose_secret()
    }
}

impl<'a> From<&'a MasterKeys> for SigningKey<'a> {
    fn from(keys: &'a MasterKeys) -> Self {
        SigningKey {
            id: &keys.access_key_id,
            secret: &keys.secret_access_key,
            token: None,
        }
    }
}

/// The access key id from the setting `name`, trimmed: 1 to 128 letters, digits and underscores. (AWS's own have at least
/// 16; emulators' are shorter.)
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>
///
/// # Errors
/// It is not an access key id, or looks like a secret; the message does not show it.
pub fn key_id<'v>(value: &'v str, name: &str) -> Result<&'v str, Failure> {
    let id = value.trim();
    if is_key_id(id) {
        return Ok(id);
    }
    let fault = match id.len() {
        SECRET_LENGTH => "looks like a secret access key, not an access key id",
        _ => "is not an access key id",
    };
    Err(Failure::setup(format!("{name} {fault}"))
        .hint("set it to the id, which begins with AKIA; the secret has its own setting"))
}

/// Whether the text can be shown as an access key id: it is legal, and not as long as a secret.
pub fn is_key_id(text: &str) -> bool {
    text.len() != SECRET_LENGTH && legal::ACCESS_KEY_ID.accepts(text)
}

/// The failure for one half of a pair without the other.
pub fn half_a_pair(missing: &str, present: &str) -> Failure {
    Failure::setup(format!("{missing} is not set, but {present} is"))
        .hint("set both, or unset both to use keys from another source")
}
