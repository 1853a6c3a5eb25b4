//! What a session changes in an environment.

use super::label::{KeyId, Label};
use super::variable;
use crate::session::Session;
use secrecy::ExposeSecret;
use std::borrow::Cow;

/// The variable with the label of a session.
pub const LABEL: &str = variable::AWS_MFA_LOADED.name();

/// What a session changes in an environment: variables in order, each with its new value, or unset.
///
/// The formats of [`crate::shell`] and [`crate::direnv`] each render this one value.
pub struct Change<'a> {
    entries: Vec<(&'static str, Option<Cow<'a, str>>)>,
}

impl<'a> Change<'a> {
    /// The change that loads `session`, whose label begins with `name`.
    ///
    /// It unsets the variables that this session lacks, because they can only come from another session. It also unsets
    /// those that an SDK prefers to the session:
    ///
    /// - `AWS_SECURITY_TOKEN`: older SDKs prefer it to `AWS_SESSION_TOKEN`.
    /// - `AWS_WEB_IDENTITY_TOKEN_FILE`: the SDK for .NET up to version 3 assumes that role before it
    ///   looks for keys in the environment (`FallbackCredentialsFactory.Reset` in aws-sdk-net). The
    ///   other SDKs look for the keys first, and all SDKs look for a container's credentials last:
    ///   <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
    pub fn of(session: &'a Session, name: &str) -> Self {
        let label = Label {
            name: name.to_owned(),
            key: KeyId::of(&session.access_key_id),
        };
        let expiration = session.expiration.map(|time| Cow::from(time.to_string()));
        let region = session.region.as_deref().map(Cow::from);
        let secret = session.secret_access_key.expose_secret();
        let token = session.session_token.expose_secret();
        let mut entries = vec![
            ("AWS_ACCESS_KEY_ID", Some(Cow::from(&session.access_key_id))),
            ("AWS_SECRET_ACCESS_KEY", Some(Cow::from(secret))),
            ("AWS_SESSION_TOKEN", Some(Cow::from(token))),
            ("AWS_CREDENTIAL_EXPIRATION", expiration),
            (LABEL, Some(Cow::from(label.to_string()))),
        ];
        if region.is_some() {
            entries.push(("AWS_REGION", region.clone()));
            entries.push(("AWS_DEFAULT_REGION", region));
        }
        entries.push(("AWS_SECURITY_TOKEN", None));
        entries.push(("AWS_WEB_IDENTITY_TOKEN_FILE", None));
        Change { entries }
    }

    /// A change of these variables, in this order.
    pub fn of_variables<const N: usize>(entries: [(&'static str, Option<&'a str>); N]) -> Self {
        let entries = entries.map(|(name, value)| (name, value.map(Cow::from)));
        Change {
            entries: entries.into(),
        }
    }

    /// The change that removes a session. Regions stay: without credentials they do no harm, and the shell may have had
    /// them before.
    pub fn without_session() -> Self {
        Change::of_variables([
            ("AWS_ACCESS_KEY_ID", None),
            ("AWS_SECRET_ACCESS_KEY", None),
            ("AWS_SESSION_TOKEN", None),
            ("AWS_CREDENTIAL_EXPIRATION", None),
            (LABEL, None),
        ])
    }

    /// The same change with another variable set.
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.entries.push((name, Some(Cow::from(value))));
        self
    }

    /// The empty change.
    pub fn nothing() -> Self {
        Change {
            entries: Vec::new(),
        }
    }

    /// The names with their new values; `None` means unset.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.entries
            .iter()
            .map(|(name, value)| (*name, value.as_deref()))
    }

    /// The new value of `name`, if the change sets it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entries()
            .find(|(entry, _)| *entry == name)
            .and_then(|(_, value)| value)
    }
}
