//! The calls of `doctor` to AWS.

use super::limit::Deadline;
use super::setup::{Service, Setup};
use crate::aws::client::{Client, Patience, SigningKey};
use crate::aws::error::{CallError, Reason};
use crate::aws::iam::{self, AccessKey};
use crate::aws::sts::{self, Identity};
use crate::error::{Failure, Kind};
use crate::explain;
use crate::session::Session;
use crate::setting::{Origin, Setting};
use crate::settings::keys::MasterKeys;
use jiff::Timestamp;
use secrecy::SecretString;

/// The credentials that sign a request: the master keys or the session.
pub struct Signer<'k> {
    /// The key's id.
    pub id: &'k str,
    /// Its secret.
    pub secret: &'k SecretString,
    /// The session's token.
    pub token: Option<&'k SecretString>,
    /// Where the key comes from.
    pub origin: Origin,
}

impl<'k> Signer<'k> {
    /// The master keys.
    pub fn keys(keys: &'k MasterKeys, origin: &Origin) -> Self {
        Signer {
            id: &keys.access_key_id,
            secret: &keys.secret_access_key,
            token: None,
            origin: origin.clone(),
        }
    }

    /// The session.
    pub fn session(session: &'k Session) -> Self {
        Signer {
            id: &session.access_key_id,
            secret: &session.secret_access_key,
            token: Some(&session.session_token),
            origin: Origin::Default,
        }
    }
}

/// Why a question has no answer.
pub struct Unanswered {
    /// The same for people.
    pub failure: Box<Failure>,
    /// The reason of the service's refusal, if it refused.
    pub refusal: Option<Reason>,
}

impl Unanswered {
    fn new(error: &CallError, failure: Failure) -> Self {
        Unanswered {
            failure: Box::new(failure),
            refusal: match error {
                CallError::Refused(refusal) => Some(refusal.reason),
                _ => None,
            },
        }
    }

    /// Whether this is the service's answer about the signer, not a fault of the network, the clock or the service.
    pub fn is_verdict(&self) -> bool {
        !matches!(
            self.refusal,
            None | Some(
                Reason::NotAws
                    | Reason::ProxyCredentials
                    | Reason::ClockSkew(_)
                    | Reason::Throttled
                    | Reason::ServerFault
            )
        )
    }

    /// Whether a policy denies the question to this signer.
    pub fn is_denied(&self) -> bool {
        self.refusal == Some(Reason::AccessDenied)
    }
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Unanswered {
            failure: Box::new(failure),
            refusal: None,
        }
    }
}

/// One question to a service.
pub struct Question<'a> {
    pub setup: &'a Setup<'a>,
    pub service: &'a Service,
    pub signer: &'a Signer<'a>,
    pub action: &'static str,
    pub deadline: Deadline,
}

impl Question<'_> {
    /// Who the signer is, and the time at AWS as it answered.
    pub fn identity(&self) -> (Result<Identity, Unanswered>, Option<Timestamp>) {
        let client = match self.client() {
            Ok(client) => client,
            Err(failure) => return (Err(failure.into()), None),
        };
        let identity = sts::caller_identity(&client).map_err(|error| self.failed(&error));
        (identity, client.server_time())
    }

    /// The user's access keys.
    pub fn access_keys(&self) -> Result<Vec<AccessKey>, Unanswered> {
        let client = self.client()?;
        iam::access_keys(&client, None, (self.setup.now)()).map_err(|error| self.failed(&error))
    }

    /// The user's MFA devices.
    pub fn mfa_devices(&self, user: &str) -> Result<Vec<String>, Unanswered> {
        let client = self.client()?;
        let now = (self.setup.now)();
        iam::mfa_devices(&client, Some(user), now).map_err(|error| {
            let failure = self.request().no_device_list(&error, now);
            Unanswered::new(&error, failure)
        })
    }

    fn failed(&self, error: &CallError) -> Unanswered {
        let now = (self.setup.now)();
        let failure = match self.signer.token {
            Some(_) => self.request().session_failed(error, now),
            None => self.request().without_code(error, now),
        };
        Unanswered::new(error, failure)
    }

    fn client(&self) -> Result<Client, Failure> {
        let left = (self.deadline.left())
            .ok_or_else(|| Failure::new(Kind::Setup, "this check has timed out"))?;
        let key = SigningKey {
            id: self.signer.id,
            secret: self.signer.secret,
            token: self.signer.token,
            region: &self.service.region,
        };
        Client::new(&self.service.network.route(), &key, Patience::once(left))
            .map_err(|error| self.request().no_client(&error))
    }

    fn request(&self) -> explain::Request<'_> {
        explain::Request {
            action: self.action,
            endpoint: &self.service.network.endpoint.value,
            proxy: self.service.network.proxy.as_ref(),
            key_id: Setting {
                value: self.signer.id,
                origin: self.signer.origin.clone(),
            },
            region: Setting {
                value: &self.service.region,
                origin: Origin::Default,
            },
            device: None,
            limit: super::limit::CHECK,
            command: &self.setup.get_command,
            clear_command: "",
        }
    }
}
