//! Messages for what is between this machine and AWS: endpoints, proxies, certificates, clocks and answers.

use crate::aws::endpoint::EndpointError;
use crate::aws::error::{Refusal, TlsFault, Unusable, Words};
use crate::aws::partition;
use crate::aws::proxy::ProxyError;
use crate::aws::trust::BundleError;
use crate::error::{Failure, reason};
use crate::mfa_code::next_code;
use crate::origin::{Origin, Setting};
use crate::time::{now, rounded_span};
use jiff::SignedDuration;

/// How a proxy with credentials is written.
pub const PROXY_URL: &str = "http://<user>:<password>@<host>:<port>";

/// The failure for a setting that is not an endpoint's URL. The URL is not shown, because it may contain a password.
pub fn endpoint(origin: &Origin, error: EndpointError) -> Failure {
    Failure::setup(match error {
        EndpointError::Scheme => format!("{origin} does not begin with https:// or http://"),
        EndpointError::Malformed => format!("{origin} is not a valid URL"),
        EndpointError::UserInfo => format!("{origin} contains a user name or a password"),
        EndpointError::Query => format!("{origin} contains a query or a fragment"),
    })
    .hint("write an endpoint as https://<host> or https://<host>:<port>")
}

/// The failure for a setting that cannot be a region: AWS may add regions, but it has one form for their names.
pub fn not_a_region(region: &Setting<String>) -> Failure {
    let Setting { value, origin } = region;
    let almost = value.trim().to_lowercase();
    let zone = almost.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let meant = [almost.as_str(), zone]
        .into_iter()
        .find(|name| partition::is_region(name));
    let hint = match meant {
        Some(name) => format!("write {name}"),
        None => "a region is written like eu-west-1".to_owned(),
    };
    Failure::setup(format!("{origin} is not the name of a region: \"{value}\"")).hint(hint)
}

/// The failure for a region without STS.
pub fn no_endpoint(region: &str, fips: bool) -> Failure {
    let fips = if fips { "FIPS " } else { "" };
    Failure::setup(format!(
        "there is no {fips}STS endpoint for the region {region}"
    ))
    .hint("use another region: `--region`, AWS_REGION or region in the profile")
}

/// The failure for a partition whose IAM endpoint is not known.
pub fn no_iam(partition: &str, fips: bool) -> Failure {
    Failure::setup(format!(
        "there is no {}IAM endpoint for the partition {partition}",
        if fips { "FIPS " } else { "" }
    ))
    .hint("set AWS_MFA_ARN to the MFA device, or AWS_ENDPOINT_URL_IAM to the endpoint")
}

/// The failure for a setting that is not a proxy's URL. The URL is not shown, because it may contain a password.
pub fn proxy(origin: &Origin, error: ProxyError) -> Failure {
    match error {
        ProxyError::Malformed => {
            Failure::setup(format!("{origin} is not the URL of an HTTP proxy"))
                .hint(format!("write it as {PROXY_URL} or http://<host>:<port>"))
        }
        ProxyError::Unencoded => Failure::setup(format!(
            "{origin} has a user name or password that is not percent-encoded"
        ))
        .hint("write %40 for `@`, %2F for `/`, %3F for `?`, %23 for `#`, %20 for a space"),
    }
}

/// The failure for a CA bundle that cannot be used.
pub fn ca_bundle(setting: &Setting<String>, error: &BundleError) -> Failure {
    let what = match error {
        BundleError::Unreadable(error) => format!("cannot read the CA bundle: {}", reason(error)),
        BundleError::Empty => "the CA bundle contains no certificate".to_owned(),
        BundleError::Broken(number) => format!("certificate {number} in the CA bundle is invalid"),
    };
    Failure::setup(format!("{what} ({})", setting.value)).hint(format!(
        "check {}: it must be a PEM file that contains the certificate authority's certificate",
        setting.origin
    ))
}

/// The hint after a used code: to wait for the next one, and how long.
pub fn next_code_hint(command: &str) -> String {
    let wait = next_code(now()).as_secs();
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
    Failure::setup(format!("this machine's clock is {far}")).hint(match cfg!(windows) {
        true => "set the clock (as administrator: `w32tm /resync`)",
        false => "set the clock (Linux: `sudo timedatectl set-ntp true`)",
    })
}

/// The failure for a region that the account has not enabled.
pub fn region_disabled() -> Failure {
    Failure::setup("STS is disabled in this region for the account")
        .hint("use another region: `--region us-east-1`")
}

/// What is wrong with a TLS handshake.
pub fn tls_fault(fault: &TlsFault) -> &str {
    match fault {
        TlsFault::UnknownIssuer => "its certificate is not signed by a trusted authority",
        TlsFault::Expired => "its certificate has expired, or this machine's clock is ahead",
        TlsFault::WrongName => "its certificate is for another name",
        TlsFault::Other(words) => words,
    }
}

/// What is wrong with an answer.
pub fn unusable(cause: &Unusable) -> String {
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
pub fn with_words(failure: Failure, refusal: &Refusal) -> Failure {
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
