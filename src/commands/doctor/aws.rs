//! The calls of `doctor` to AWS.

use super::limit::Deadline;
use super::setup::Setup;
use crate::aws::client::{Client, Patience, SigningKey};
use crate::aws::error::{CallError, Reason};
use crate::aws::iam::{self, AccessKey};
use crate::aws::sts::{self, Identity};
use crate::caller::{Call, Caller};
use crate::error::Failure;
use crate::origin::Setting;
use crate::settings::network::Network;
use jiff::Timestamp;

/// Why a question has no answer.
pub struct Unanswered {
    /// The same for people.
    pub failure: Box<Failure>,
    /// The reason of the service's refusal, if it refused.
    pub refusal: Option<Reason>,
}

impl Unanswered {
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
    pub network: &'a Network,
    pub key: &'a Setting<SigningKey<'a>>,
    pub deadline: Deadline,
}

impl Question<'_> {
    /// Who the key belongs to, and the time at AWS as it answered.
    pub fn identity(&self) -> (Result<Identity, Unanswered>, Option<Timestamp>) {
        match self.client() {
            Ok(client) => (
                sts::caller_identity(&client).map_err(|error| self.failed(&Call::Identity, &error)),
                client.server_time(),
            ),
            Err(failure) => (Err(failure.into()), None),
        }
    }

    /// The user's access keys.
    pub fn access_keys(&self) -> Result<Vec<AccessKey>, Unanswered> {
        let call = Call::AccessKeys("iam:ListAccessKeys");
        iam::access_keys(&self.client()?, None).map_err(|error| self.failed(&call, &error))
    }

    /// The user's MFA devices.
    pub fn mfa_devices(&self, user: &str) -> Result<Vec<String>, Unanswered> {
        iam::mfa_devices(&self.client()?, Some(user))
            .map_err(|error| self.failed(&Call::MfaDevices, &error))
    }

    fn failed(&self, call: &Call, error: &CallError) -> Unanswered {
        let failure = self.caller().failure(call, error);
        Unanswered {
            failure: Box::new(failure),
            refusal: match error {
                CallError::Refused(refusal) => Some(refusal.reason),
                _ => None,
            },
        }
    }

    fn client(&self) -> Result<Client, Failure> {
        let left =
            (self.deadline.left()).ok_or_else(|| Failure::setup("this check has timed out"))?;
        self.caller().client(Patience::once(left))
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            network: self.network,
            key: self.key.clone(),
            limit: super::limit::CHECK,
            command: &self.setup.get_command,
        }
    }
}
