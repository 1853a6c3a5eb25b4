//! Who calls AWS: a key on a network, within a time limit. Creates the clients, and says why their calls have failed.

use crate::aws::client::{CONNECT_TIMEOUT, Client, Patience, SigningKey, is_sendable};
use crate::aws::error::{CallError, NoAnswer, NotSent, Reason, Refusal};
use crate::aws::sts;
use crate::aws_failure::{PROXY_URL, clock, next_code_hint, quoted, tls_fault, with_next_step};
use crate::error::{Failure, Kind, reason, without_number};
use crate::mfa_code::CodeState;
use crate::origin::{Origin, Setting};
use crate::settings::network::Network;
use crate::time::{now, span};
use jiff::SignedDuration;
use rustls::CertificateError;
use std::time::Duration;

/// What a machine without the certificates of its network's proxy says.
const UNKNOWN_ISSUER: rustls::Error =
    rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);

/// Why a role that needs MFA cannot be reached through another role.
const CHAINED_WITHOUT_MFA: &str = "only the first role of a chain is assumed with MFA: the trust policies of \
    the others must not require aws:MultiFactorAuthPresent";

/// Who calls a service of AWS.
pub struct Caller<'a> {
    /// The network settings for the service.
    pub network: &'a Network,
    /// The key that signs the requests.
    pub key: Setting<SigningKey<'a>>,
    /// The time limit for all attempts of a call together, as messages name it.
    pub limit: Duration,
    /// The command that repeats everything, with another code.
    pub command: &'a str,
}

/// What AWS is asked for, as far as messages differ.
pub enum Call<'a> {
    /// GetSessionToken, for a code.
    Session(CodeDevice<'a>),
    /// AssumeRole, for a code or with the session's own MFA.
    Role(RoleToAssume<'a>, Option<CodeDevice<'a>>),
    /// GetCallerIdentity.
    Identity,
    /// GetCallerIdentity, signed by an access key that IAM has just created.
    IdentityOfNewKey,
    /// ListMFADevices, to find the one for the code.
    MfaDevices,
    /// This action of IAM on the user's own access keys.
    AccessKeys(&'static str),
    /// A token for the console.
    SignIn(RoleToSignIn<'a>),
}

/// A role that signs in to the console.
pub struct RoleToSignIn<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The command that forgets its credentials.
    pub clear_command: &'a str,
}

/// The MFA device of a code.
pub struct CodeDevice<'a> {
    /// Its ARN or serial number.
    pub name: Setting<&'a str>,
    /// The command that forgets a device which was found in IAM.
    pub clear_command: &'a str,
}

/// A role to assume.
pub struct RoleToAssume<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The caller: the user, or the previous role.
    pub caller: &'a str,
    /// Whether the caller is itself a role, whose credentials carry no MFA.
    pub is_chained: bool,
    /// The requested duration, in seconds.
    pub seconds: i32,
}

impl<'a> Call<'a> {
    /// The service, and the action as in a policy.
    fn action(&self) -> (&'static str, &'static str) {
        match self {
            Call::Session(_) => ("STS", "sts:GetSessionToken"),
            Call::Role(..) => ("STS", "sts:AssumeRole"),
            Call::Identity | Call::IdentityOfNewKey => ("STS", "sts:GetCallerIdentity"),
            Call::MfaDevices => ("IAM", "iam:ListMFADevices"),
            Call::AccessKeys(action) => ("IAM", action),
            Call::SignIn(_) => ("AWS sign-in", "getSigninToken"),
        }
    }

    /// The device of the code in the request, if there is one.
    fn device(&self) -> Option<&CodeDevice<'a>> {
        match self {
            Call::Session(device) | Call::Role(_, Some(device)) => Some(device),
            _ => None,
        }
    }
}

impl Caller<'_> {
    /// A client for the service.
    ///
    /// # Errors
    /// A setting contains characters that cannot be sent, or the HTTP client cannot be created.
    pub fn client(&self, patience: Patience) -> Result<Client, Failure> {
        let (key, region) = (&self.key, &self.network.region);
        for (what, value, origin) in [
            ("the access key id", key.value.id, &key.origin),
            ("the region", region.value.as_str(), &region.origin),
        ] {
            if !is_sendable(value) {
                let message = format!("{what} contains characters that cannot be sent");
                return Err(Failure::setup(message).hint(format!("check {origin}")));
            }
        }
        Client::new(&self.network.route(), &key.value, patience)
            .map_err(|error| Failure::setup(format!("cannot create an HTTP client: {error}")))
    }

    /// The failure for `call`, including what is known about its code.
    pub fn failure(&self, call: &Call, error: &CallError) -> Failure {
        let endpoint = &self.network.endpoint.value;
        let failure = match error {
            CallError::NotSent(cause) => self.not_sent(cause),
            CallError::NoAnswer(NoAnswer::Broken) => Failure::setup(format!(
                "the connection to {endpoint} broke before the answer arrived"
            )),
            CallError::NoAnswer(NoAnswer::TimedOut) => {
                let limit = self.limit.as_secs();
                Failure::setup(format!("no answer from {endpoint} within {limit} s"))
            }
            CallError::NoAnswer(NoAnswer::TooLong(status)) => self.not_aws(call, *status),
            CallError::Refused(refusal) => Failure {
                detail: refusal.words.as_ref().map(quoted),
                ..self.refused(call, refusal)
            },
            CallError::Unusable(cause) => {
                let what = match call {
                    Call::Session(_) => "not a session".to_owned(),
                    Call::Role(role, _) => format!("not a session for the role {}", role.arn),
                    Call::MfaDevices => "not a list of MFA devices".to_owned(),
                    _ => "unusable".to_owned(),
                };
                let (service, _) = call.action();
                let message = format!("{service}'s answer is {what}: {cause} ({endpoint})");
                Failure::setup(message)
            }
        };
        match call {
            Call::MfaDevices => {
                let step = "to skip IAM, set AWS_MFA_ARN to the device's ARN";
                with_next_step(failure, step.to_owned())
            }
            _ if call.device().is_some() => self.with_code(failure, error),
            _ => failure,
        }
    }

    /// The same failure with what has become of the code, and when to use which one next.
    fn with_code(&self, mut failure: Failure, error: &CallError) -> Failure {
        match sts::state_of_code(error) {
            CodeState::Rejected => failure,
            CodeState::Unspent => {
                let command = self.command;
                let step = format!(
                    "the code was not used: run `{command}` again while the device still shows it"
                );
                with_next_step(failure, step)
            }
            CodeState::MaybeSpent => {
                let is_spent = matches!(error, CallError::Unusable(_));
                let state = if is_spent { "is" } else { "may be" };
                failure.message += &format!(", and the code {state} used up");
                with_next_step(failure, next_code_hint(self.command))
            }
        }
    }

    /// What AWS says, in the user's words.
    fn refused(&self, call: &Call, refusal: &Refusal) -> Failure {
        let (key_id, key_origin) = (self.key.value.id, &self.key.origin);
        let (service, action) = call.action();
        let endpoint = &self.network.endpoint.value;
        let get = format!("run `{}`", self.command);
        let is_session = self.key.value.token.is_some();
        // Without AWS's own words, the status is all that is known.
        let status = match refusal.words {
            Some(_) => String::new(),
            None => format!(" (HTTP {})", refusal.http_status),
        };
        match (call, refusal.reason) {
            (_, Reason::ClockSkew(time)) => clock(time.map(|time| now().duration_since(time))),
            (_, Reason::RegionDisabled) => {
                Failure::setup("STS is disabled in this region for the account")
                    .hint("use another region: `--region us-east-1`")
            }
            (_, Reason::Throttled) => Failure::setup(format!("{service} is throttling requests{status}")),
            (_, Reason::ServerFault) => Failure::setup(format!("{service} failed{status}")),
            // A proxy cannot answer within TLS.
            (_, Reason::ProxyCredentials)
                if self.network.proxy.is_some() && !endpoint.has_tls() =>
            {
                self.not_sent(&NotSent::ProxyCredentials)
            }
            // Its refusals are HTML, without a code.
            (Call::SignIn(role), Reason::NotAws) if refusal.http_status == 400 => {
                let message = format!(
                    "AWS does not accept the credentials of the role {} for the console{status}",
                    role.arn
                );
                Failure::setup(message)
                    .hint(format!("run `{}`, then try again", role.clear_command))
            }
            (_, Reason::NotAws | Reason::ProxyCredentials) => {
                self.not_aws(call, refusal.http_status)
            }

            (Call::Session(_) | Call::Role(_, Some(_)), Reason::InvalidMfaCode) => {
                let message = "the code was rejected: wrong, expired or already used";
                Failure::new(Kind::CodeRejected, message).hint(next_code_hint(self.command))
            }
            (Call::Session(device) | Call::Role(_, Some(device)), Reason::ForeignMfaDevice) => {
                foreign(device)
            }
            (Call::Session(_) | Call::Role(_, Some(_)), Reason::TemporaryCredentials) => {
                Failure::setup(format!("the access key {key_id} is temporary"))
                    .hint(format!("check {key_origin}: a long-term access key (AKIA…) is required"))
            }
            (Call::Session(_), Reason::InvalidDuration) => {
                Failure::usage("STS does not allow a session of this duration").hint(
                    "a session lasts 15m to 36h, and 1h at most for a root user: `--duration 1h`",
                )
            }
            (Call::Session(_), Reason::AccessDenied) => {
                Failure::setup(format!("a policy denies {action} to {key_id}"))
                    .hint("ask the account's administrator to allow it without MFA")
            }

            (Call::Role(RoleToAssume { arn, caller, is_chained, .. }, _), Reason::AccessDenied) => {
                Failure::setup(format!("{caller} is not allowed to assume the role {arn}"))
                    .hint(match is_chained {
                        true => CHAINED_WITHOUT_MFA,
                        false => "check the role's trust policy, the permission sts:AssumeRole, external_id, role_session_name, source_identity and session_tags",
                    })
            }
            (Call::Role(role, _), Reason::TagsDenied | Reason::SourceIdentityDenied) => {
                let (what, action) = match refusal.reason {
                    Reason::TagsDenied => ("session tags", "sts:TagSession"),
                    _ => ("a source identity", "sts:SetSourceIdentity"),
                };
                let RoleToAssume { arn, caller, .. } = role;
                let message = format!("{caller} is not allowed to assume the role {arn} with {what}");
                Failure::setup(message).hint(format!(
                    "allow {action} next to sts:AssumeRole in the trust policies of this role and of all roles that are assumed from it"
                ))
            }
            (Call::Role(role, code), Reason::InvalidDuration) => {
                let kind = if code.is_some() { Kind::Usage } else { Kind::Setup };
                let length = span(SignedDuration::from_secs(role.seconds.into()));
                let message = format!("the role {} does not allow sessions of {length}", role.arn);
                Failure::new(kind, message).hint(
                    "set duration_seconds, or --duration with --direct, to its MaxSessionDuration or less",
                )
            }
            (Call::Role(..), Reason::ExpiredSession) => {
                Failure::new(Kind::NoSession, "AWS says that the session has expired").hint(get)
            }

            (Call::MfaDevices, Reason::AccessDenied) => {
                Failure::setup("this user is not allowed to list its own MFA devices")
                    .hint("allow iam:ListMFADevices on arn:aws:iam::*:user/${aws:username}")
            }
            (Call::AccessKeys(_), Reason::AccessDenied) => {
                Failure::setup(format!("a policy denies {action} to this user")).hint(format!(
                    "allow {action} on arn:aws:iam::*:user/${{aws:username}} with MFA"
                ))
            }
            (Call::AccessKeys(_), Reason::LimitExceeded) => {
                Failure::setup("the user already has the maximum number of access keys")
            }
            (
                Call::IdentityOfNewKey,
                Reason::UnknownKey | Reason::WrongSecret | Reason::AccessDenied,
            ) => Failure::setup(format!("AWS rejected the new access key {key_id}")),

            (
                _,
                Reason::ExpiredSession
                | Reason::UnknownKey
                | Reason::WrongSecret
                | Reason::AccessDenied,
            ) if is_session => {
                Failure::new(Kind::NoSession, format!("AWS rejected the session {key_id}")).hint(get)
            }
            (_, Reason::UnknownKey) => {
                let why = "deleted, inactive or from another partition";
                Failure::setup(format!("AWS does not know the access key {key_id}: {why}"))
                    .hint(match call.device() {
                        Some(_) => format!("check {key_origin} (request sent to {endpoint})"),
                        None => format!("check {key_origin}"),
                    })
            }
            (_, Reason::WrongSecret) => {
                Failure::setup(format!("the secret does not belong to the access key {key_id}"))
                    .hint(format!("check the secret that goes with {key_origin}"))
            }
            (_, Reason::ExpiredSession | Reason::AccessDenied) => {
                Failure::setup(format!("AWS rejected the access key {key_id}"))
                    .hint(format!("check {key_origin}"))
            }

            (Call::Session(_), _) => {
                let code = refusal.words.as_ref().map_or("", |words| &words.code);
                Failure::setup(format!("STS refused the request: {code}"))
            }
            (Call::Role(RoleToAssume { arn, caller, .. }, _), _) => {
                Failure::setup(format!("STS refused to let {caller} assume the role {arn}"))
            }
            (Call::MfaDevices, _) => Failure::setup("IAM refused to list the MFA devices"),
            _ => Failure::setup(format!("{service} refused {action}")),
        }
    }

    fn not_sent(&self, cause: &NotSent) -> Failure {
        let endpoint = &self.network.endpoint.value;
        let proxy = self.network.proxy.as_ref();
        // The first hop could not be reached.
        let hop = match proxy {
            Some(proxy) => format!("the proxy {}", proxy.value),
            None => endpoint.to_string(),
        };
        let message = match cause {
            NotSent::TimedOut => {
                let through = proxy.map_or(String::new(), |_| format!(" through {hop}"));
                let limit = CONNECT_TIMEOUT.as_secs();
                format!("no connection to {endpoint}{through} within {limit} s")
            }
            // std's prefix repeats what the message already says.
            NotSent::UnknownHost(reason) => format!(
                "cannot find the address of {hop}: {}",
                without_number(&reason.replace("failed to lookup address information: ", ""))
            ),
            NotSent::Unreachable(reason) => format!("cannot connect to {hop}: {reason}"),
            NotSent::Tls(error) => {
                format!("no secure connection to {endpoint}: {}", tls_fault(error))
            }
            NotSent::ProxyCredentials => format!("{hop} rejected the proxy credentials"),
            NotSent::ProxyRefused => format!("{hop} refused to connect to {endpoint}"),
            NotSent::BrokenTunnel(reason) => {
                format!("{hop} broke the connection to {endpoint}: {reason}")
            }
            NotSent::Unmade => format!("cannot build a request for {endpoint}"),
            NotSent::NoRuntime(error) => format!("cannot start the runtime: {}", reason(error)),
        };
        let failure = Failure::setup(message);
        match (cause, proxy) {
            (NotSent::Tls(error), _) if *error == UNKNOWN_ISSUER => failure.hint(
                "if a proxy inspects TLS, set AWS_CA_BUNDLE to a file with its certificate authority",
            ),
            (NotSent::ProxyCredentials, Some(Setting { origin, .. })) => {
                failure.hint(format!("set them in {origin}: {PROXY_URL}"))
            }
            (_, Some(proxy)) => failure.hint(format!("check {}", proxy.origin)),
            // AWS may have a new region, so nobody knows before.
            (NotSent::UnknownHost(_), None) if self.network.endpoint.origin == Origin::Default => {
                let Setting { value, origin } = &self.network.region;
                failure.hint(format!("check the region {value} ({origin})"))
            }
            _ => failure,
        }
    }

    fn not_aws(&self, call: &Call, http_status: u16) -> Failure {
        let (endpoint, (service, _)) = (&self.network.endpoint.value, call.action());
        let answer =
            format!("the response from {endpoint} is not from {service} (HTTP {http_status})");
        Failure::setup(format!(
            "{answer}: a proxy or sign-in page may be in the way"
        ))
    }
}

/// The failure for a device of another user.
fn foreign(device: &CodeDevice) -> Failure {
    let Setting { value, origin } = &device.name;
    let message = format!("the MFA device {value} belongs to another user");
    let clear = device.clear_command;
    let console = "the IAM console shows the user's devices under Security credentials";
    Failure::setup(message).hint(match origin {
        Origin::Discovered => {
            format!("run `{clear}`: the next `aws-mfa get` asks IAM for the device again")
        }
        origin => format!("check {origin}: {console}"),
    })
}
