//! The MFA device: whether it belongs to the user, and whether it has codes.

use super::{Finding, Question, Setup, error, ok, skipped, warning};
use crate::aws::sts::Identity;
use crate::credentials::device_lookup;
use crate::error::Failure;
use crate::invocation;
use crate::origin::{Origin, Setting};
use crate::settings::device::Device;
use crate::sources::Flags;

const CHECK: &str = "device";

/// Whether IAM lists the device for the user. If none is configured, which device `get` finds.
pub fn check(setup: &Setup, user: &Identity, question: &Question) -> Finding {
    let Ok(device) = setup.device() else {
        return skipped(CHECK, "the configured MFA device is invalid");
    };
    let names = match question.mfa_devices(user.name()) {
        Ok(names) => names,
        // `get` does not need to ask.
        Err(unanswered) if device.is_some() => {
            let why = &unanswered.failure.message;
            return skipped(CHECK, format!("cannot find its owner: {why}"));
        }
        Err(unanswered) => return error(CHECK, *unanswered.failure),
    };
    let mut with_codes: Vec<&str> = names.iter().map(String::as_str).collect();
    with_codes.retain(|name| Device::parse(name).is_ok());
    let user = user.name();
    match (device, with_codes.as_slice()) {
        (Some(device), own) if own.contains(&device.value.name()) => {
            let name = device.value.name();
            ok(CHECK, format!("{name} belongs to {user}"))
        }
        (Some(device), own) => error(CHECK, foreign(setup, &device, user, own)),
        (None, []) => error(CHECK, device_lookup::no_device(&names)),
        (None, [one]) => ok(CHECK, format!("`get` finds {one} in IAM")),
        (None, [first, ..]) => {
            let all = with_codes.join(", ");
            let message = format!("none is configured, and {user} has several: {all}");
            let hint = format!("set AWS_MFA_ARN to {first}");
            warning(CHECK, Failure::setup(message).hint(hint))
        }
    }
}

fn foreign(setup: &Setup, device: &Setting<Device>, user: &str, own: &[&str]) -> Failure {
    let name = device.value.name();
    let others = match own {
        [] => "has none that generates codes".to_owned(),
        own => format!("has {}", own.join(", ")),
    };
    let message = format!("{name} does not belong to {user}, who {others}");
    let hint = match (&device.origin, own) {
        (Origin::Discovered, &[one]) => {
            let flags = Flags {
                serial_number: Some(one),
                ..Flags::default()
            };
            invocation::get_command(setup.selection, &flags)
        }
        (Origin::Discovered, _) => invocation::command("clear", setup.selection, ""),
        (origin, [one]) => format!("set {origin} to {one}"),
        (origin, _) => format!("check {origin}"),
    };
    Failure::setup(message).hint(hint)
}
