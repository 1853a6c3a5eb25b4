//! Messages for errors between this machine and AWS, with hints.

use crate::aws::client::{CONNECT_TIMEOUT, ClientError};
use crate::aws::endpoint::{Endpoint, EndpointError};
use crate::aws::error::{CallError, NoAnswer, NotSent, Reason, Refusal, TlsFault, Unusable, Words};
use crate::aws::proxy::{Proxy, ProxyError};
use crate::aws::trust::BundleError;
use crate::code::{State, next_code};
use crate::error::{Failure, Kind, reason, without_number};
use crate::setting::{Origin, Setting};
use crate::time::{rounded_span, span};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

const PROXY_URL: &str = "http://<user>:<password>@<host>:<port>";

/// A request to AWS, as messages describe it.
pub struct Request<'a> {
    /// The action, as in a policy.
    pub action: &'static str,
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// The proxy.
    pub proxy: Option<&'a Setting<Proxy>>,
    /// The signing key's id.
    pub key_id: Setting<&'a str>,
    /// The region in the signature.
    pub region: Setting<&'a str>,
    /// The code's MFA device, if there is a code.
    pub device: Option<Setting<&'a str>>,
    /// The time limit for all attempts together.
    pub limit: Duration,
    /// The command that repeats everything, with another code.
    pub command: &'a str,
    /// The command that forgets an MFA device which was found in IAM.
    pub clear_command: &'a str,
}

/// A role to assume.
pub struct RoleToAssume<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The caller: the user, or the previous role's ARN.
    pub caller: &'a str,
    /// Whether the caller is itself a role, whose credentials carry no MFA.
    pub is_chained: bool,
    /// The requested duration, in seconds.
    pub seconds: i32,
}

impl Request<'_> {
    /// The failure for a role that was not assumed. The request contained no code.
    pub fn role_failed(&self, role: &RoleToAssume, error: &CallError, now: Timestamp) -> Failure {
        let refusal = match error {
            CallError::NotSent(cause) => return self.not_sent(cause),
            CallError::NoAnswer(cause) => return self.no_answer(cause),
            CallError::Unusable(cause) => {
                return Failure::new(
                    Kind::Setup,
                    format!(
                        "STS's answer is not a session for the role {}: {} ({})",
                        role.arn,
                        unusable(cause),
                        self.endpoint
                    ),
                );
            }
            CallError::Refused(refusal) => refusal,
        };
        with_words(self.role_refused(role, refusal, now), refusal)
    }

    /// The failure for a call without a code.
    pub fn without_code(&self, error: &CallError, now: Timestamp) -> Failure {
        match error {
            CallError::NotSent(cause) => self.not_sent(cause),
            CallError::NoAnswer(cause) => self.no_answer(cause),
            CallError::Refused(refusal) => {
                with_words(self.refused_without_code(refusal, now), refusal)
            }
            CallError::Unusable(cause) => Failure::new(
                Kind::Setup,
                format!(
                    "{}'s answer is unusable: {} ({})",
                    self.service(),
                    unusable(cause),
                    self.endpoint
                ),
            ),
        }
    }

    /// The failure for a call without a code that a session signed.
    pub fn session_failed(&self, error: &CallError, now: Timestamp) -> Failure {
        match error {
            CallError::Refused(refusal)
                if matches!(
                    refusal.reason,
                    Reason::ExpiredSession
                        | Reason::UnknownKey
                        | Reason::WrongSecret
                        | Reason::AccessDenied
                        | Reason::Other
                ) =>
            {
                let message = format!("AWS rejected the session {}", self.key_id.value);
                let failure = Failure::new(Kind::NoSession, message);
                with_words(failure.hint(format!("run `{}`", self.command)), refusal)
            }
            _ => self.without_code(error, now),
        }
    }

    fn refused_without_code(&self, refusal: &Refusal, now: Timestamp) -> Failure {
        let setup = |message: String| Failure::new(Kind::Setup, message);
        let (key_id, key_origin) = (self.key_id.value, &self.key_id.origin);
        match refusal.reason {
            Reason::UnknownKey => setup(format!(
                "AWS does not know the access key {key_id}: deleted, inactive or from another partition"
            ))
            .hint(format!("check {key_origin}")),
            Reason::WrongSecret => {
                setup(format!("the secret does not belong to the access key {key_id}"))
                    .hint(format!("check the secret that goes with {key_origin}"))
            }
            Reason::ClockSkew(time) => clock(time.map(|time| now.duration_since(time))),
            Reason::NotAws | Reason::ProxyCredentials => self.not_aws(refusal.http_status),
            Reason::Throttled => setup(format!("{} is busy", self.service())),
            Reason::ServerFault => setup(format!(
                "{} failed (HTTP {})",
                self.service(),
                refusal.http_status
            )),
            Reason::RegionDisabled => region_disabled(),
            _ => setup(format!("AWS rejected the access key {key_id}"))
                .hint(format!("check {key_origin}")),
        }
    }

    /// The failure for a missing list of MFA devices. There is no code yet.
    pub fn no_device_list(&self, error: &CallError, now: Timestamp) -> Failure {
        let failure = match error {
            CallError::NotSent(cause) => self.not_sent(cause),
            CallError::NoAnswer(cause) => self.no_answer(cause),
            CallError::Unusable(cause) => Failure::new(
                Kind::Setup,
                format!(
                    "IAM's answer is not a list of MFA devices: {} ({})",
                    unusable(cause),
                    self.endpoint
                ),
            ),
            CallError::Refused(refusal) => {
                with_words(self.device_list_refused(refusal, now), refusal)
            }
        };
        with_next_step(
            failure,
            "to skip IAM, set AWS_MFA_ARN to the device's ARN".to_owned(),
        )
    }

    /// The failure for a call that the session signs and that concerns the user's access keys.
    pub fn keys_failed(&self, error: &CallError, now: Timestamp) -> Failure {
        let setup = |message: String| Failure::new(Kind::Setup, message);
        let CallError::Refused(refusal) = error else {
            return self.session_failed(error, now);
        };
        let failure = match refusal.reason {
            Reason::AccessDenied if self.service() == "IAM" => {
                setup(format!("a policy denies {} to this user", self.action)).hint(format!(
                    "allow {} on arn:aws:iam::*:user/${{aws:username}} with MFA: \
                 the statement ReplaceOwnAccessKeys of .github/iam/rotate.json",
                    self.action
                ))
            }
            Reason::LimitExceeded => {
                setup("the user has as many access keys as AWS allows".to_owned())
            }
            Reason::NoSuchEntity | Reason::Other => {
                setup(format!("{} refused {}", self.service(), self.action))
            }
            _ => return self.session_failed(error, now),
        };
        with_words(failure, refusal)
    }

    /// The failure for a new access key that AWS rejects, even after a while.
    pub fn new_key_failed(&self, error: &CallError, now: Timestamp) -> Failure {
        match error {
            CallError::Refused(refusal)
                if matches!(
                    refusal.reason,
                    Reason::UnknownKey | Reason::WrongSecret | Reason::AccessDenied
                ) =>
            {
                let message = format!("AWS rejected the new access key {}", self.key_id.value);
                with_words(Failure::new(Kind::Setup, message), refusal)
            }
            _ => self.without_code(error, now),
        }
    }

    fn device_list_refused(&self, refusal: &Refusal, now: Timestamp) -> Failure {
        match refusal.reason {
            Reason::AccessDenied => Failure::new(
                Kind::Setup,
                "this user is not allowed to list its own MFA devices",
            )
            .hint("allow iam:ListMFADevices on arn:aws:iam::*:user/${aws:username}"),
            Reason::NoSuchEntity | Reason::Other => {
                Failure::new(Kind::Setup, "IAM refused to list the MFA devices")
            }
            _ => self.refused_without_code(refusal, now),
        }
    }

    fn role_refused(&self, role: &RoleToAssume, refusal: &Refusal, now: Timestamp) -> Failure {
        let setup = |message: String| Failure::new(Kind::Setup, message);
        let get = format!("run `{}`", self.command);
        match refusal.reason {
            Reason::AccessDenied => {
                let failure = setup(format!("{} is not allowed to assume the role {}", role.caller, role.arn));
                failure.hint(if role.is_chained {
                    "a role's credentials carry no MFA: a trust policy that requires aws:MultiFactorAuthPresent rejects them from the second role on"
                } else {
                    "check the role's trust policy, the permission sts:AssumeRole, external_id and \
                     role_session_name"
                })
            }
            Reason::ExpiredSession => {
                Failure::new(Kind::NoSession, "AWS says that the session has expired").hint(get)
            }
            Reason::UnknownKey => Failure::new(
                Kind::NoSession,
                format!("AWS rejected the session {}", self.key_id.value),
            )
            .hint(get),
            Reason::InvalidDuration => setup(format!(
                "the role {} does not allow sessions of {}",
                role.arn,
                span(SignedDuration::from_secs(role.seconds.into()))
            ))
            .hint("set duration_seconds, or --duration with --direct, to its MaxSessionDuration or less"),
            Reason::ClockSkew(time) => clock(time.map(|time| now.duration_since(time))),
            Reason::RegionDisabled => region_disabled(),
            Reason::Throttled => setup("STS is busy".to_owned()),
            Reason::ServerFault => setup(format!("STS failed (HTTP {})", refusal.http_status)),
            Reason::NotAws | Reason::ProxyCredentials => self.not_aws(refusal.http_status),
            Reason::InvalidMfaCode
            | Reason::ForeignMfaDevice
            | Reason::TemporaryCredentials
            | Reason::WrongSecret
            | Reason::NoSuchEntity
            | Reason::LimitExceeded
            | Reason::Other => setup(format!(
                "STS refused to let {} assume the role {}",
                role.arn, role.caller
            )),
        }
    }

    /// The failure for a client that cannot be created. There is no code yet.
    pub fn no_client(&self, error: &ClientError) -> Failure {
        let (what, origin) = match error {
            ClientError::KeyId => ("the access key id", &self.key_id.origin),
            ClientError::Region => ("the region", &self.region.origin),
            ClientError::Http(error) => {
                return Failure::new(
                    Kind::Setup,
                    format!("cannot create an HTTP client: {error}"),
                );
            }
        };
        Failure::new(
            Kind::Setup,
            format!("{what} contains characters that cannot be sent"),
        )
        .hint(format!("check {origin}"))
    }

    /// The failure for a call with a code, including what is known about the code.
    pub fn failed(&self, error: &CallError, now: Timestamp) -> Failure {
        match error {
            CallError::NotSent(cause) => with_next_step(self.not_sent(cause), self.unspent_hint()),
            CallError::NoAnswer(cause) => self.maybe_spent(self.no_answer(cause), now),
            CallError::Refused(refusal) => self.refused(refusal, now),
            CallError::Unusable(cause) => Failure::new(
                Kind::Setup,
                format!(
                    "STS's answer is not a session: {} ({}), and the code is used up",
                    unusable(cause),
                    self.endpoint
                ),
            )
            .hint(next_code_hint(now, self.command)),
        }
    }

    fn not_sent(&self, cause: &NotSent) -> Failure {
        let endpoint = self.endpoint;
        // The first hop could not be reached.
        let hop = match self.proxy {
            Some(proxy) => format!("the proxy {}", proxy.value),
            None => endpoint.to_string(),
        };
        let message = match cause {
            NotSent::TimedOut => {
                let through = match self.proxy {
                    Some(proxy) => format!(" through the proxy {}", proxy.value),
                    None => String::new(),
                };
                format!(
                    "no connection to {endpoint}{through} within {} s",
                    CONNECT_TIMEOUT.as_secs()
                )
            }
            // std's prefix repeats what the message already says.
            NotSent::UnknownHost(reason) => format!(
                "cannot find the address of {hop}: {}",
                without_number(&reason.replace("failed to lookup address information: ", ""))
            ),
            NotSent::Unreachable(error) => format!("cannot connect to {hop}: {}", reason(error)),
            NotSent::Tls(fault) => {
                let message = format!("no secure connection to {endpoint}: {}", tls_fault(fault));
                if *fault == TlsFault::UnknownIssuer {
                    return Failure::new(Kind::Setup, message).hint(
                        "if a proxy inspects TLS, set AWS_CA_BUNDLE to a file with its certificate authority",
                    );
                }
                message
            }
            NotSent::ProxyCredentials => match self.proxy {
                Some(proxy) => return self.proxy_credentials(proxy),
                None => format!("{hop} rejected the proxy credentials"),
            },
            NotSent::ProxyRefused => format!("{hop} refused to connect to {endpoint}"),
            NotSent::BrokenTunnel(reason) => {
                format!("{hop} broke the connection to {endpoint}: {reason}")
            }
            NotSent::Unmade => format!("cannot build a request for {endpoint}"),
            NotSent::NoRuntime(error) => format!("cannot start the runtime: {}", reason(error)),
        };
        let failure = Failure::new(Kind::Setup, message);
        match self.proxy {
            Some(proxy) => failure.hint(format!("check {}", proxy.origin)),
            None => failure,
        }
    }

    /// The failure for a proxy that requires credentials, or rejected them.
    fn proxy_credentials(&self, proxy: &Setting<Proxy>) -> Failure {
        Failure::new(
            Kind::Setup,
            format!("the proxy {} rejected the proxy credentials", proxy.value),
        )
        .hint(format!("set them in {}: {PROXY_URL}", proxy.origin))
    }

    fn not_aws(&self, http_status: u16) -> Failure {
        Failure::new(
            Kind::Setup,
            format!(
                "something other than {} answered at {} (HTTP {http_status})",
                self.service(),
                self.endpoint
            ),
        )
    }

    fn service(&self) -> &'static str {
        match self.action.starts_with("iam:") {
            true => "IAM",
            false => "STS",
        }
    }

    fn no_answer(&self, cause: &NoAnswer) -> Failure {
        let endpoint = self.endpoint;
        let setup = |message: String| Failure::new(Kind::Setup, message);
        match cause {
            NoAnswer::Broken => setup(format!(
                "the connection to {endpoint} broke before the answer arrived"
            )),
            NoAnswer::TimedOut => setup(format!(
                "no answer from {endpoint} within {} s",
                self.limit.as_secs()
            )),
            NoAnswer::TooLong(status) => self.not_aws(*status),
        }
    }

    fn refused(&self, refusal: &Refusal, now: Timestamp) -> Failure {
        let endpoint = self.endpoint;
        let Setting {
            value: key_id,
            origin: key_origin,
        } = &self.key_id;
        let setup = |message: String| Failure::new(Kind::Setup, message);
        // Without AWS's own words, the status is all that is known.
        let status = match refusal.words {
            Some(_) => String::new(),
            None => format!(" (HTTP {})", refusal.http_status),
        };
        let failure = match refusal.reason {
            Reason::InvalidMfaCode => {
                Failure::new(
                    Kind::CodeRejected,
                    "the code was rejected: wrong, expired or already used",
                )
                .hint(next_code_hint(now, self.command))
            }
            Reason::ForeignMfaDevice => {
                let (device, origin) = match &self.device {
                    Some(device) => (device.value, device.origin.to_string()),
                    None => ("", "the MFA device".to_owned()),
                };
                let failure =
                    setup(format!("the MFA device does not belong to this user: {device}"));
                if self.device.as_ref().is_some_and(|device| device.origin == Origin::Discovered) {
                    failure.hint(format!(
                        "run `{}`: the next `aws-mfa get` asks IAM for the device again",
                        self.clear_command
                    ))
                } else {
                    failure.hint(format!(
                        "check {origin}: the IAM console shows the user's devices under Security credentials"
                    ))
                }
            }
            Reason::TemporaryCredentials => {
                setup(format!("the master keys are temporary credentials: {key_id}"))
                    .hint(format!("check {key_origin}: a long-term access key (AKIA…) is required"))
            }
            Reason::AccessDenied => setup(format!("a policy denies {} to {key_id}", self.action))
                .hint("ask the account's administrator to allow it without MFA"),
            Reason::UnknownKey => setup(format!(
                "AWS does not know the access key {key_id}: deleted, inactive or from another partition"
            ))
            .hint(format!("check {key_origin} (request sent to {endpoint})")),
            Reason::WrongSecret => {
                setup(format!("the secret does not belong to the access key {key_id}"))
                    .hint(format!("check the secret that goes with {key_origin}"))
            }
            Reason::ExpiredSession => {
                setup(format!("the session has expired: {key_id}"))
                    .hint(format!("run `{}`", self.command))
            }
            Reason::ClockSkew(time) => clock(time.map(|time| now.duration_since(time))),
            Reason::InvalidDuration => {
                Failure::new(Kind::Usage, "STS does not allow a session of this duration").hint(
                    "a session lasts 15m to 36h, and 1h at most for a root user: `--duration 1h`",
                )
            }
            Reason::RegionDisabled => region_disabled(),
            Reason::Throttled => setup(format!("STS is busy{status}")),
            Reason::ServerFault => setup(format!("STS failed{status}")),
            // A proxy cannot answer within TLS.
            Reason::ProxyCredentials => match self.proxy.filter(|_| !endpoint.has_tls()) {
                Some(proxy) => self.proxy_credentials(proxy),
                None => self.not_aws(refusal.http_status),
            },
            Reason::NoSuchEntity | Reason::LimitExceeded | Reason::Other => {
                let code = refusal.words.as_ref().map_or("", |words| &words.code);
                setup(format!("STS refused the request: {code}"))
            }
            Reason::NotAws => self.not_aws(refusal.http_status),
        };
        let failure = match refusal.reason.state_of_code() {
            State::Unspent => with_next_step(failure, self.unspent_hint()),
            State::MaybeSpent => self.maybe_spent(failure, now),
            State::Rejected => failure,
        };
        with_words(failure, refusal)
    }

    fn unspent_hint(&self) -> String {
        format!(
            "the code is still valid while the device shows it: run `{}` again",
            self.command
        )
    }

    /// The same failure, saying that the code may be used up.
    fn maybe_spent(&self, mut failure: Failure, now: Timestamp) -> Failure {
        failure.message.push_str(", and the code may be used up");
        with_next_step(failure, next_code_hint(now, self.command))
    }
}

/// The failure for a setting that is not an endpoint's URL. The URL is not shown, because it may contain a password.
pub fn endpoint(origin: &Origin, error: EndpointError) -> Failure {
    Failure::new(
        Kind::Setup,
        match error {
            EndpointError::Scheme => format!("{origin} does not begin with https:// or http://"),
            EndpointError::Malformed => format!("{origin} is not a valid URL"),
            EndpointError::UserInfo => format!("{origin} contains a user name or a password"),
            EndpointError::Query => format!("{origin} contains a query or a fragment"),
        },
    )
    .hint("write an endpoint as https://<host> or https://<host>:<port>")
}

/// The failure for a region without STS. `meant` is the similar region that exists.
pub fn no_endpoint(region: &str, fips: bool, meant: Option<&str>) -> Failure {
    let example = match meant {
        Some(meant) => format!("did you mean {meant}? "),
        None => "use a region like us-east-1: ".to_owned(),
    };
    Failure::new(
        Kind::Setup,
        format!(
            "there is no {}STS endpoint for the region {}",
            if fips { "FIPS " } else { "" },
            region
        ),
    )
    .hint(format!(
        "{example}set it with `--region`, AWS_REGION or region in the profile"
    ))
}

/// The failure for a partition whose IAM endpoint is not known.
pub fn no_iam(partition: &str, fips: bool) -> Failure {
    Failure::new(
        Kind::Setup,
        format!(
            "there is no {}IAM endpoint for the partition {partition}",
            if fips { "FIPS " } else { "" }
        ),
    )
    .hint("set AWS_MFA_ARN to the MFA device, or AWS_ENDPOINT_URL_IAM to the endpoint")
}

/// The failure for a setting that is not a proxy's URL. The URL is not shown, because it may contain a password.
pub fn proxy(origin: &Origin, error: ProxyError) -> Failure {
    match error {
        ProxyError::Malformed => Failure::new(
            Kind::Setup,
            format!("{origin} is not the URL of an HTTP proxy"),
        )
        .hint(format!("write it as {PROXY_URL} or http://<host>:<port>")),
        ProxyError::Unencoded => Failure::new(
            Kind::Setup,
            format!("{origin} has a user name or password that is not percent-encoded"),
        )
        .hint("write %40 for `@`, %2F for `/`, %3F for `?`, %23 for `#`, %20 for a space"),
    }
}

/// The failure for a CA bundle that cannot be used.
pub fn ca_bundle(setting: &Setting<&str>, error: &BundleError) -> Failure {
    let what = match error {
        BundleError::Unreadable(error) => format!("cannot read the CA bundle: {}", reason(error)),
        BundleError::Empty => "the CA bundle contains no certificate".to_owned(),
        BundleError::Broken(number) => format!("certificate {number} in the CA bundle is invalid"),
    };
    Failure::new(Kind::Setup, format!("{what} ({})", setting.value)).hint(format!(
        "check {}: it must be a PEM file that contains the certificate authority's certificate",
        setting.origin
    ))
}

/// The hint after a used code: to wait for the next one, and how long.
pub fn next_code_hint(now: Timestamp, command: &str) -> String {
    let wait = next_code(now).as_secs();
    format!("wait for the next code ({wait} s), then run `{command}`")
}

/// The same failure with `step` appended to its hint.
pub fn with_next_step(mut failure: Failure, step: String) -> Failure {
    let hint = match failure.hint.take() {
        Some(remedy) => format!("{remedy}; {step}"),
        None => step,
    };
    failure.hint(hint)
}

/// The failure for a wrong clock. `off` is how far it is ahead of AWS's, if known.
pub fn clock(off: Option<SignedDuration>) -> Failure {
    let far = match off {
        Some(off) if off.is_negative() => format!("{} behind", rounded_span(off.abs())),
        Some(off) => format!("{} ahead", rounded_span(off)),
        None => "off".to_owned(),
    };
    Failure::new(Kind::Setup, format!("this machine's clock is {far}")).hint(match cfg!(windows) {
        true => "set the clock (as administrator: `w32tm /resync`)",
        false => "set the clock (Linux: `sudo timedatectl set-ntp true`)",
    })
}

fn region_disabled() -> Failure {
    Failure::new(
        Kind::Setup,
        "STS is disabled in this region for the account",
    )
    .hint("use another region: `--region us-east-1`")
}

fn tls_fault(fault: &TlsFault) -> &str {
    match fault {
        TlsFault::UnknownIssuer => "its certificate is not signed by a trusted authority",
        TlsFault::Expired => "its certificate has expired, or this machine's clock is ahead",
        TlsFault::WrongName => "its certificate is for another name",
        TlsFault::Other(words) => words,
    }
}

fn unusable(cause: &Unusable) -> String {
    match cause {
        Unusable::NoCredentials => "it contains no credentials".to_owned(),
        Unusable::Missing(field) => format!("{field} is missing"),
        Unusable::NoExpiration => "Expiration is missing or unreadable".to_owned(),
        Unusable::Expired(time) => format!("it expired at {time}"),
        Unusable::OtherRole => "it is for another role".to_owned(),
        Unusable::Unexpected => "it cannot be parsed".to_owned(),
    }
}

/// The same failure with AWS's own words, if there are any.
fn with_words(failure: Failure, refusal: &Refusal) -> Failure {
    match &refusal.words {
        Some(words) => failure.detail(quoted(words)),
        None => failure,
    }
}

/// The code, the message and the request id, on one line.
fn quoted(words: &Words) -> String {
    let mut text = words.code.clone();
    if let Some(message) = &words.message {
        text.push_str(": ");
        text.push_str(&message.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(id) = &words.request_id {
        text.push_str(&format!(" (request {id})"));
    }
    text
}
