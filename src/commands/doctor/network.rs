//! The network, from the first call, and the clock, from its answer.

use super::aws::Unanswered;
use super::report::{Finding, error, ok, skipped, warning};
use crate::aws::endpoint::Endpoint;
use crate::aws::error::Reason;
use crate::aws::sts::Identity;
use crate::aws_failure;
use crate::origin::{Origin, Setting};
use crate::settings::network::Network;
use jiff::{SignedDuration, Timestamp};

/// A smaller difference is fine: `Date` has whole seconds, and an answer takes some time.
const INEXACT: SignedDuration = SignedDuration::from_secs(30);

/// AWS accepts a signature's time within 5 minutes (IAM) to 15 minutes (STS).
const WRONG: SignedDuration = SignedDuration::from_mins(5);

/// Whether AWS has answered at all.
pub fn is_reached(first: &Result<Identity, Unanswered>) -> bool {
    match first {
        Ok(_) => true,
        Err(unanswered) => !matches!(
            unanswered.refusal,
            None | Some(Reason::NotAws | Reason::ProxyCredentials)
        ),
    }
}

/// Name resolution, connection, TLS and proxy.
pub fn check(sts: &Network, first: &Result<Identity, Unanswered>) -> Finding {
    const CHECK: &str = "network";
    match first {
        Err(unanswered) if !is_reached(first) => {
            let mut failure = (*unanswered.failure).clone();
            failure.hint = failure.hint.or_else(|| Some(hint(&sts.endpoint)));
            error(CHECK, failure)
        }
        _ => {
            let endpoint = &sts.endpoint.value;
            let proxy = match &sts.proxy {
                Some(proxy) => format!(" through the proxy {}", proxy.value),
                None => String::new(),
            };
            ok(CHECK, format!("{endpoint} answers{proxy}"))
        }
    }
}

/// The hint if nothing better is known.
fn hint(endpoint: &Setting<Endpoint>) -> String {
    match &endpoint.origin {
        Origin::Default => format!("curl -v {}", endpoint.value),
        origin => format!("check {origin}"),
    }
}

/// This machine's clock against AWS's: `now` as its answer came, with the time `at_aws`.
pub fn clock(at_aws: Option<Timestamp>, now: Timestamp) -> Finding {
    const CHECK: &str = "clock";
    let Some(at_aws) = at_aws else {
        return skipped(CHECK, "AWS's answer has no date");
    };
    let off = now.duration_since(at_aws);
    match off.abs() {
        length if length < INEXACT => ok(CHECK, "within 30 s of AWS's"),
        length if length < WRONG => warning(CHECK, aws_failure::clock(Some(off))),
        _ => error(CHECK, aws_failure::clock(Some(off))),
    }
}
