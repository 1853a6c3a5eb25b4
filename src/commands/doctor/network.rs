//! The network, from the first call, and the clock, from its answer.

use super::{Finding, Unanswered, error, ok, skipped, warning};
use crate::aws::sts::Identity;
use crate::aws_failure;
use crate::origin::{Origin, Setting};
use crate::settings::network::Network;
use jiff::{SignedDuration, Timestamp};

/// A smaller difference is fine: `Date` has whole seconds, and an answer takes some time.
const INEXACT: SignedDuration = SignedDuration::from_secs(30);

/// AWS accepts a signature's time within 5 minutes (IAM) to 15 minutes (STS).
const WRONG: SignedDuration = SignedDuration::from_mins(5);

/// Name resolution, connection, TLS and proxy.
pub fn check(sts: &Network, first: &Result<Identity, Unanswered>) -> Finding {
    const CHECK: &str = "network";
    let endpoint = &sts.endpoint.value;
    match (first, &sts.proxy) {
        (Err(unanswered), _) if !unanswered.is_from_aws() => {
            let hint = match &sts.endpoint.origin {
                Origin::Default => format!("curl -v {endpoint}"),
                origin => format!("check {origin}"),
            };
            error(CHECK, (*unanswered.failure).clone().or_hint(hint))
        }
        (_, Some(Setting { value, .. })) => ok(
            CHECK,
            format!("{endpoint} answers through the proxy {value}"),
        ),
        (_, None) => ok(CHECK, format!("{endpoint} answers")),
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
