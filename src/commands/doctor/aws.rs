//! The calls of `doctor` to AWS.

use super::Setup;
use super::limit::Deadline;
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
    /// Whether AWS has answered at all.
    pub fn is_from_aws(&self) -> bool {
        let elsewhere = [Reason::NotAws, Reason::ProxyCredentials];
        self.refusal
            .is_some_and(|reason| !elsewhere.contains(&reason))
    }

    /// Whether this is the service's answer about the signer, not a fault of the network, the clock or the service.
    pub fn is_verdict(&self) -> bool {
        use Reason::{ClockSkew, ServerFault, Throttled};
        self.is_from_aws() && !matches!(self.refusal, Some(ClockSkew(_) | Throttled | ServerFault))
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
        let mut at_aws = None;
        let answer = self.ask(&Call::Identity, |client| {
            let answer = sts::caller_identity(client);
            at_aws = client.server_time();
            answer
        });
        (answer, at_aws)
    }

    /// The user's access keys.
    pub fn access_keys(&self) -> Result<Vec<AccessKey>, Unanswered> {
        let call = Call::AccessKeys("iam:ListAccessKeys");
        self.ask(&call, |client| iam::access_keys(client, None))
    }

    /// The user's MFA devices.
    pub fn mfa_devices(&self, user: &str) -> Result<Vec<String>, Unanswered> {
        self.ask(&Call::MfaDevices, |client| {
            iam::mfa_devices(client, Some(user))
        })
    }

    fn ask<T>(
        &self,
        call: &Call,
        send: impl FnOnce(&Client) -> Result<T, CallError>,
    ) -> Result<T, Unanswered> {
        let left = self.deadline.left();
        let left = left.ok_or_else(|| Failure::setup("this check timed out"))?;
        let caller = Caller {
            network: self.network,
            key: self.key.clone(),
            limit: super::limit::CHECK,
            command: &self.setup.get_command,
        };
        send(&caller.client(Patience::once(left))?).map_err(|error| Unanswered {
            failure: Box::new(caller.failure(call, &error)),
            refusal: match error {
                CallError::Refused(refusal) => Some(refusal.reason),
                _ => None,
            },
        })
    }
}
