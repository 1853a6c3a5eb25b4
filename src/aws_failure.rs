//! Messages for what is between this machine and AWS: endpoints, proxies, certificates, clocks and answers.

use crate::aws::error::Words;
use crate::aws::partition;
use crate::aws::proxy::ProxyError;
use crate::error::Failure;
use crate::mfa_code::next_code;
use crate::origin::{Origin, Setting};
use crate::time::{now, rounded_span};
use jiff::SignedDuration;
use rustls::CertificateError;

/// How a proxy with credentials is written.
pub const PROXY_URL: &str = "http://<user>:<password>@<host>:<port>";

/// The failure for a setting that is not an endpoint's URL. The URL is not shown, because it may contain a password.
pub fn endpoint(origin: &Origin, fault: &str) -> Failure {
    Failure::setup(format!("{origin} {fault}"))
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
    let message = format!("there is no {fips}STS endpoint for the region {region}");
    Failure::setup(message)
        .hint("use another region: `--region`, AWS_REGION or region in the profile")
}

/// The failure for a partition whose IAM endpoint is not known.
pub fn no_iam(partition: &str, fips: bool) -> Failure {
    let fips = if fips { "FIPS " } else { "" };
    let message = format!("there is no {fips}IAM endpoint for the partition {partition}");
    Failure::setup(message)
        .hint("set AWS_MFA_ARN to the MFA device, or AWS_ENDPOINT_URL_IAM to the endpoint")
}

/// The failure for a partition whose console is not known.
pub fn no_console(partition: &str) -> Failure {
    Failure::setup(format!(
        "aws-mfa does not know the console of the partition {partition}"
    ))
    .hint("it knows those of aws, aws-cn, aws-us-gov and aws-eusc")
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
pub fn ca_bundle(setting: &Setting<String>, fault: &str) -> Failure {
    let Setting { value, origin } = setting;
    Failure::setup(format!("{fault} ({value})")).hint(format!(
        "check {origin}: it must be a PEM file that contains the certificate authority's certificate"
    ))
}

/// The hint after a used code: to wait for the next one, and how long.
pub fn next_code_hint(command: &str) -> String {
    let wait = next_code(now()).as_secs();
    format!("wait for the next code ({wait} s), then run `{command}`")
}

/// The same failure with `step` appended to its hint.
pub fn with_next_step(mut failure: Failure, step: String) -> Failure {
    let remedy = failure.hint.take().map(|remedy| format!("{remedy}; "));
    failure.hint(remedy.unwrap_or_default() + &step)
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

/// What is wrong with a TLS handshake.
pub fn tls_fault(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return error.to_string();
    };
    let fault = match fault {
        CertificateError::UnknownIssuer => "is not signed by a trusted authority",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired, or this machine's clock is ahead"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name"
        }
        _ => return error.to_string(),
    };
    format!("its certificate {fault}")
}

/// AWS's own words on one line: the code, the message and the request id.
pub fn quoted(words: &Words) -> String {
    let mut text = words.code.clone();
    let message = words.message.split_whitespace().collect::<Vec<_>>();
    if !message.is_empty() {
        text += &format!(": {}", message.join(" "));
    }
    if let Some(id) = &words.request_id {
        text += &format!(" (request {id})");
    }
    text
}
