//! What STS says when it gives no session, in words that tell what to do.

use super::sts::Caller;
use crate::code::next_code;
use crate::error::{Failure, Kind};
use crate::time::rounded_span;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// AWS's error answer.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
pub struct Refusal<'a> {
    /// `AccessDenied`, `InvalidClientTokenId`, …; `None` where the answer is not AWS's.
    pub code: Option<&'a str>,
    /// AWS's own words.
    pub message: Option<&'a str>,
    /// For AWS's support.
    pub request_id: Option<&'a str>,
    /// The status of the HTTP answer.
    pub http_status: u16,
    /// The `Date` header: what time it is for the other side.
    pub date: Option<&'a str>,
}

/// The failure for `refusal`, with AWS's own words in its detail.
pub fn translate(refusal: &Refusal, caller: &Caller, endpoint: &str, now: Timestamp) -> Failure {
    let message = refusal.message.unwrap_or_default();
    let says = |words: &str| message.to_ascii_lowercase().contains(words);
    let keys = &caller.keys;
    let key_id = &keys.value.access_key_id;
    let next_code = || next_code_hint(now, &caller.get_command);

    let Some(code) = refusal.code else {
        return not_sts(endpoint, refusal.http_status, caller, now);
    };
    let failure = match code {
        "AccessDenied" if says("invalid mfa one time pass code") => {
            Failure::new(Kind::ReplaceCode, "the code was rejected: wrong, expired or used already")
                .hint(next_code())
        }
        "AccessDenied" if says("unable to validate mfa code") => Failure::new(
            Kind::Setup,
            format!("the MFA device is not this user's: {}", caller.device.value.name()),
        )
        .hint(format!(
            "check {}: the IAM console shows the user's devices under Security credentials",
            caller.device.origin
        )),
        "AccessDenied" if says("with session credentials") => Failure::new(
            Kind::Setup,
            format!("the master keys are a session's, not a user's: {key_id}"),
        )
        .hint(format!("check {}: it must be a user's own access key", keys.origin)),
        "AccessDenied" => Failure::new(
            Kind::Setup,
            format!("a policy denies sts:GetSessionToken to {key_id}"),
        )
        .hint("ask the account's administrator to allow it without MFA"),
        "InvalidClientTokenId" => Failure::new(
            Kind::Setup,
            format!("AWS does not know the access key {key_id}: deleted, inactive, or another partition's"),
        )
        .hint(format!("check {} (asked was {endpoint})", keys.origin)),
        "SignatureDoesNotMatch" if signature_time(message).is_none() => Failure::new(
            Kind::Setup,
            format!("the secret does not belong to the access key {key_id}"),
        )
        .hint(format!("check the secret that goes with {}", keys.origin)),
        "SignatureDoesNotMatch" | "RequestExpired" => {
            clock(server_time(message, refusal.date).map(|time| now.duration_since(time)))
        }
        "ValidationError" if says("durationseconds") => Failure::new(
            Kind::Usage,
            "STS does not give a session of this length",
        )
        .hint("a session holds 15m to 36h, and 1h at most for a root user: `--duration 1h`"),
        "RegionDisabledException" => Failure::new(
            Kind::Setup,
            "STS is switched off in this region for the account",
        )
        .hint("name another region: `--region us-east-1`"),
        _ if is_throttling(code, refusal.http_status) => {
            Failure::new(Kind::DoubtCode, "STS is busy, and the code may be used up").hint(next_code())
        }
        _ if refusal.http_status >= 500 => {
            Failure::new(Kind::DoubtCode, "STS is broken, and the code may be used up").hint(next_code())
        }
        _ => Failure::new(Kind::DoubtCode, format!("STS refused the request: {code}")).hint(next_code()),
    };
    failure.detail(words_of_aws(code, refusal))
}

/// The failure for an answer that is not STS's: of a proxy, a sign-in page, a gateway.
pub fn not_sts(endpoint: &str, http_status: u16, caller: &Caller, now: Timestamp) -> Failure {
    let hint = next_code_hint(now, &caller.get_command);
    let what = match http_status {
        429 | 503 => "STS is busy".to_owned(),
        500.. => "STS is broken".to_owned(),
        _ => format!("something other than STS answered at {endpoint}"),
    };
    Failure::new(
        Kind::DoubtCode,
        format!("{what} (HTTP {http_status}), and the code may be used up"),
    )
    .hint(hint)
}

/// What to do when a code is gone: wait for the next one, and how long.
pub fn next_code_hint(now: Timestamp, get_command: &str) -> String {
    let wait = next_code(now).as_secs();
    format!("wait for the next code ({wait} s), then run `{get_command}`")
}

/// `off` is how far ahead of AWS's this machine's clock is, where that is known.
fn clock(off: Option<SignedDuration>) -> Failure {
    let far = match off {
        Some(off) if off.is_negative() => format!("{} behind", rounded_span(off.abs())),
        Some(off) => format!("{} ahead", rounded_span(off)),
        None => "off".to_owned(),
    };
    Failure::new(Kind::Setup, format!("this machine's clock is {far}"))
        .hint("set the clock (Linux: `sudo timedatectl set-ntp true`), then get a new code")
}

fn is_throttling(code: &str, http_status: u16) -> bool {
    [
        "Throttl",
        "RequestLimitExceeded",
        "TooManyRequests",
        "SlowDown",
    ]
    .iter()
    .any(|word| code.contains(word))
        || matches!(http_status, 429 | 503)
}

/// The code, the message and the request id, on one line.
fn words_of_aws(code: &str, refusal: &Refusal) -> String {
    let mut words = code.to_owned();
    if let Some(message) = refusal.message {
        words.push_str(": ");
        words.push_str(&message.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(id) = refusal.request_id {
        words.push_str(&format!(" (request {id})"));
    }
    words
}

/// What time it is for AWS: the time in its words, which is exact, else its `Date` header.
fn server_time(message: &str, date: Option<&str>) -> Option<Timestamp> {
    signature_time(message).or_else(|| rfc2822::DateTimeParser::new().parse_timestamp(date?).ok())
}

/// The third time in «Signature expired: 20261124T060000Z is now earlier than 20261124T061000Z
/// (20261124T062500Z - 15 min.)», and in its twin for a clock that is ahead.
fn signature_time(message: &str) -> Option<Timestamp> {
    let (_, rest) = message.split_once('(')?;
    let text = rest.split_whitespace().next()?;
    let time = civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_aws_is_in_its_message_or_its_date() {
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
