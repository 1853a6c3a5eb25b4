//! Errors of calls to AWS, by phase: what was sent, and what came back.
//!
//! The SDK's errors are never printed as they are: their `Debug` contains the whole of an answer that the SDK cannot
//! parse, including secrets.

use crate::error::reason;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http_body_util::LengthLimitError;
use hyper_util::client::legacy;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use std::error::Error;
use std::io;

/// Why a call failed.
#[derive(Debug)]
pub enum CallError {
    /// No part of the request was sent.
    NotSent(NotSent),
    /// The request, or part of it, was sent, and no complete answer came.
    NoAnswer(NoAnswer),
    /// AWS, or a proxy, refused the request.
    Refused(Refusal),
    /// The answer reports success, but is not what the request asked for, for this reason.
    Unusable(String),
}

impl CallError {
    /// Whether AWS may have done what the request asks for.
    pub fn may_be_done(&self) -> bool {
        match self {
            CallError::NotSent(_) => false,
            CallError::Refused(refusal) => {
                refusal.words.is_none() || refusal.reason == Reason::ServerFault
            }
            CallError::NoAnswer(_) | CallError::Unusable(_) => true,
        }
    }

    /// Whether the same request may succeed later, also one that a new key signs.
    pub fn may_pass(&self) -> bool {
        match self {
            CallError::Refused(refusal) => matches!(
                refusal.reason,
                Reason::UnknownKey | Reason::WrongSecret | Reason::Throttled | Reason::ServerFault
            ),
            CallError::NotSent(_) | CallError::NoAnswer(_) => true,
            CallError::Unusable(_) => false,
        }
    }
}

/// Why nothing was sent.
#[derive(Debug)]
pub enum NotSent {
    /// Name resolution, connection and TLS handshake took longer than
    /// [`CONNECT_TIMEOUT`](super::client::CONNECT_TIMEOUT).
    TimedOut,
    /// The first hop's name has no address, for this reason from the system.
    UnknownHost(String),
    /// The first hop cannot be connected to, for this reason from the system.
    Unreachable(String),
    /// The TLS handshake failed.
    Tls(rustls::Error),
    /// The proxy requires credentials, or rejected them.
    ProxyCredentials,
    /// The proxy refused to connect to the endpoint.
    ProxyRefused,
    /// The proxy did not answer, or not in HTTP, for this reason.
    BrokenTunnel(String),
    /// The SDK could not build a request.
    Unmade,
    /// The runtime could not be started.
    NoRuntime(io::Error),
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The connection broke.
    Broken,
    /// It took longer than [`CALL_TIMEOUT`](super::client::CALL_TIMEOUT).
    TimedOut,
    /// The answer, with this HTTP status, was longer than any from AWS.
    TooLong(u16),
}

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    /// What it means.
    pub reason: Reason,
    /// AWS's own words; `None` if the answer is not AWS's.
    pub words: Option<Words>,
    /// The status of the HTTP answer.
    pub http_status: u16,
}

/// AWS's own words.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
#[derive(Debug)]
pub struct Words {
    /// `AccessDenied`, `InvalidClientTokenId`, …
    pub code: String,
    /// The message; empty if there is none.
    pub message: String,
    /// The request id, for AWS Support.
    pub request_id: Option<String>,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The MFA code is wrong, expired or already used.
    InvalidMfaCode,
    /// The MFA device belongs to another user.
    ForeignMfaDevice,
    /// The keys are temporary credentials, which cannot call this.
    TemporaryCredentials,
    /// A policy denies the action.
    AccessDenied,
    /// A policy denies session tags.
    TagsDenied,
    /// A policy denies a source identity.
    SourceIdentityDenied,
    /// AWS does not know the key's id.
    UnknownKey,
    /// The signature was not made with the key's secret.
    WrongSecret,
    /// The session that signed the request has expired.
    ExpiredSession,
    /// The signature's time is too far from AWS's time, which is this, if known.
    ClockSkew(Option<Timestamp>),
    /// The session duration is too long.
    InvalidDuration,
    /// There is no such user, key or device.
    NoSuchEntity,
    /// The account or user has as many of these as it may have.
    LimitExceeded,
    /// The service is not activated in the region.
    RegionDisabled,
    /// AWS is busy.
    Throttled,
    /// AWS failed.
    ServerFault,
    /// A proxy requires credentials: HTTP status 407.
    ProxyCredentials,
    /// Any other error of AWS.
    Other,
    /// The answer is not from AWS: a sign-in page, or a gateway's error.
    NotAws,
}

/// Why an answer is unusable that is not the service's answer to this call.
pub const UNEXPECTED: &str = "it cannot be parsed";

impl CallError {
    /// What `error` means.
    pub fn of<E: ProvideErrorMetadata + Error + 'static>(
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        match error {
            SdkError::ServiceError(refused) => {
                CallError::Refused(Refusal::of(refused.err(), refused.raw()))
            }
            SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
                Some(error) if is_of_connecting(error) => CallError::NotSent(NotSent::of(error)),
                _ => CallError::NoAnswer(NoAnswer::Broken),
            },
            // Connecting has its own, shorter limit.
            SdkError::TimeoutError(_) => CallError::NoAnswer(NoAnswer::TimedOut),
            // The head of an answer came, but its body broke off or did not end.
            SdkError::ResponseError(answer) => {
                CallError::NoAnswer(match find::<LengthLimitError>(error) {
                    Some(_) => NoAnswer::TooLong(answer.raw().status().as_u16()),
                    None => NoAnswer::Broken,
                })
            }
            _ => CallError::NotSent(NotSent::Unmade),
        }
    }
}

/// Only hyper's connect errors (name resolution, TCP, the proxy's tunnel, the TLS handshake) happen before anything is
/// sent. The same TLS and TCP errors can happen later too.
fn is_of_connecting(error: &ConnectorError) -> bool {
    find::<legacy::Error>(error).is_some_and(legacy::Error::is_connect)
}

impl NotSent {
    fn of(error: &ConnectorError) -> Self {
        if error.is_timeout() {
            return NotSent::TimedOut;
        }
        if let Some(dns) = find::<ResolveDnsError>(error) {
            return NotSent::UnknownHost(root(dns).to_string());
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return NotSent::Tls(tls.clone());
        }
        // hyper-util's TunnelError is private, but its texts are not.
        let tunnel = chain(error)
            .map(ToString::to_string)
            .find_map(|text| text.strip_prefix("tunnel error: ").map(str::to_owned));
        match tunnel.as_deref() {
            Some("proxy authorization required") => return NotSent::ProxyCredentials,
            None | Some("failed to create underlying connection") => {}
            Some("unsuccessful") => return NotSent::ProxyRefused,
            Some(reason) => return NotSent::BrokenTunnel(reason.to_owned()),
        }
        let from_system = find::<io::Error>(error).map(reason);
        NotSent::Unreachable(from_system.unwrap_or_else(|| root(error).to_string()))
    }
}

impl Refusal {
    fn of(error: &impl ProvideErrorMetadata, raw: &HttpResponse) -> Self {
        let http_status = raw.status().as_u16();
        let words = error.code().map(|code| Words {
            code: code.to_owned(),
            message: error.message().unwrap_or_default().trim().to_owned(),
            request_id: error.meta().request_id().map(str::to_owned),
        });
        Refusal {
            reason: Reason::of(words.as_ref(), http_status, raw.headers().get("date")),
            words,
            http_status,
        }
    }
}

impl Reason {
    fn of(words: Option<&Words>, http_status: u16, date: Option<&str>) -> Self {
        if http_status == 407 {
            return Reason::ProxyCredentials;
        }
        let Some(words) = words else {
            return Reason::of_status(http_status).unwrap_or(Reason::NotAws);
        };
        let message = words.message.as_str();
        let says = |words: &str| message.to_ascii_lowercase().contains(words);
        match words.code.as_str() {
            "AccessDenied" if says("invalid mfa one time pass code") => Reason::InvalidMfaCode,
            "AccessDenied" if says("unable to validate mfa code") => Reason::ForeignMfaDevice,
            "AccessDenied" if says("with session credentials") => Reason::TemporaryCredentials,
            "AccessDenied" if says("perform: sts:tagsession") => Reason::TagsDenied,
            "AccessDenied" if says("perform: sts:setsourceidentity") => {
                Reason::SourceIdentityDenied
            }
            "AccessDenied" => Reason::AccessDenied,
            "InvalidClientTokenId" => Reason::UnknownKey,
            "ExpiredToken" | "ExpiredTokenException" => Reason::ExpiredSession,
            "SignatureDoesNotMatch" if signature_time(message).is_none() => Reason::WrongSecret,
            "SignatureDoesNotMatch" | "RequestExpired" => {
                Reason::ClockSkew(server_time(message, date))
            }
            "ValidationError" if says("durationseconds") => Reason::InvalidDuration,
            "NoSuchEntity" => Reason::NoSuchEntity,
            "LimitExceeded" => Reason::LimitExceeded,
            "RegionDisabledException" => Reason::RegionDisabled,
            code if THROTTLING.iter().any(|word| code.contains(word)) => Reason::Throttled,
            _ => Reason::of_status(http_status).unwrap_or(Reason::Other),
        }
    }

    /// What the status of a refusal means without words, if it means anything.
    fn of_status(http_status: u16) -> Option<Self> {
        match http_status {
            429 | 503 => Some(Reason::Throttled),
            500.. => Some(Reason::ServerFault),
            _ => None,
        }
    }
}

/// What is in the codes of services that are busy.
const THROTTLING: [&str; 4] = ["Throttl", "RequestLimit", "TooManyRequests", "SlowDown"];

/// AWS's time: from its message, which is exact, else from its `Date` header.
fn server_time(message: &str, date: Option<&str>) -> Option<Timestamp> {
    signature_time(message).or_else(|| self::date(date?))
}

/// The time in a `Date` header.
pub fn date(header: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(header).ok()
}

/// The third time in «Signature expired: 20261124T060000Z is now earlier than 20261124T061000Z
/// (20261124T062500Z - 15 min.)», and in its twin for a clock that is ahead.
fn signature_time(message: &str) -> Option<Timestamp> {
    let (_, rest) = message.split_once('(')?;
    let text = rest.split_whitespace().next()?;
    let time = civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

/// The error and its causes in turn. `io::Error::source` skips the error that it wraps, which is where hyper and rustls
/// put theirs.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

/// The innermost cause, which is the most precise.
fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    chain(error).last().unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_time_comes_from_the_message_or_the_date_header() {
        let expired = "Signature expired: 20261124T060000Z is now earlier than 20261124T061000Z (20261124T062500Z - 15 min.)";
        assert_eq!(
            server_time(expired, None).unwrap().to_string(),
            "2026-11-24T06:25:00Z"
        );
        assert_eq!(
            server_time(
                "Request has expired.",
                Some("Tue, 24 Nov 2026 06:25:00 GMT")
            )
            .unwrap()
            .to_string(),
            "2026-11-24T06:25:00Z"
        );
        assert_eq!(server_time("no (time) here", Some("soon")), None);
    }
}
