//! `AWS_MFA_LOADED`: whose credentials this program has put into an environment, and their key.

use super::{Environment, variable};
use crate::aws::legal;
use std::fmt;

/// The longest access key id in AWS.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>
const LONGEST_ID: usize = 128;

/// The id of an access key, with only the characters that AWS uses (`\w`). None is special in any shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// The id without any other characters.
    pub fn of(id: &str) -> Self {
        let legal = id.chars().filter(|c| legal::ACCESS_KEY_ID.allows(*c));
        KeyId(legal.take(LONGEST_ID).collect())
    }

    /// The id of the environment's key.
    pub fn of_environment(environment: &Environment) -> Option<Self> {
        let own = environment.get(variable::AWS_ACCESS_KEY_ID)?;
        Some(KeyId::of(&own.to_string_lossy()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value of `AWS_MFA_LOADED`: `<profile or role>:<key id>`. Only the key says whether it is still true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The profile or the role, see [`crate::account::Account::name`].
    pub name: String,
    /// The key that was loaded with it.
    pub key: KeyId,
}

impl Label {
    /// The label of the environment's key; `None` if there is none, or if it belongs to another key.
    pub fn of(environment: &Environment) -> Option<Self> {
        let text = environment.get(variable::AWS_MFA_LOADED)?.to_str()?;
        let (name, key) = text.rsplit_once(':')?;
        let key = KeyId::of(key);
        (Some(&key) == KeyId::of_environment(environment).as_ref()).then(|| Label {
            name: name.to_owned(),
            key,
        })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.key.as_str())
    }
}
