//! The MFA device of a user who has configured none: IAM lists it.

use crate::account::keys::MasterKeys;
use crate::aws::client::Patience;
use crate::aws::error::{CallError, Reason};
use crate::aws::{iam, sts};
use crate::caller::{Call, Caller};
use crate::error::Failure;
use crate::invocation::Commands;
use crate::mfa_code::source::ask_on_terminal;
use crate::origin::{Origin, Setting};
use crate::settings::Settings;
use crate::settings::device::Device;
use std::time::Duration;

/// The time limit for the whole call.
const LIMIT: Duration = Duration::from_secs(5);

/// How many times the user is asked for a number.
const MOST_QUESTIONS: u32 = 3;

/// The device that IAM lists for the user of `keys`. If there are several, the user chooses one.
///
/// # Errors
/// IAM cannot be called or refuses, no device has codes, or there are several and no terminal.
pub fn discover(
    settings: &Settings,
    keys: &MasterKeys,
    key_origin: &Origin,
    commands: &Commands,
) -> Result<Setting<Device>, Failure> {
    let network = settings.network.iam(settings.partition(None)?)?;
    let caller = Caller {
        network: &network,
        key: Setting::new(keys.into(), key_origin.clone()),
        limit: LIMIT,
        command: &commands.get,
    };
    let iam = caller.client(Patience::once(LIMIT))?;
    let names = match iam::mfa_devices(&iam, None) {
        // An emulator of IAM (moto) does not look at who signs the request.
        Err(CallError::Refused(refusal)) if refusal.reason == Reason::NoSuchEntity => {
            let network = &settings.network.sts(network.region.clone())?;
            let sts = Caller {
                network,
                key: caller.key.clone(),
                ..caller
            }
            .client(Patience::once(LIMIT))?;
            sts::caller_identity(&sts).and_then(|user| iam::mfa_devices(&iam, Some(user.name())))
        }
        names => names,
    }
    .map_err(|error| caller.failure(&Call::MfaDevices, &error))?;
    let usable = names.iter().filter_map(|name| Device::parse(name).ok());
    let mut devices: Vec<Device> = usable.collect();
    let device = match devices.len() {
        0 => return Err(no_device(&names)),
        1 => devices.remove(0),
        _ => choose(devices, commands)?,
    };
    Ok(Setting::new(device, Origin::Discovered))
}

/// The failure for a user none of whose devices has codes.
pub fn no_device(names: &[String]) -> Failure {
    let failure = match names {
        [] => Failure::setup("this user has no MFA device"),
        _ => Failure::setup(format!(
            "this user has only security keys or passkeys, which generate no six-digit code for STS: {}",
            names.join(", ")
        )),
    };
    failure.hint(
        "add a virtual MFA device (an authenticator app) in the IAM console, under Security credentials",
    )
}

fn choose(devices: Vec<Device>, commands: &Commands) -> Result<Device, Failure> {
    let line = |(number, device): (usize, &Device)| format!("{number}  {}\n", device.name());
    let lines: String = (1..).zip(&devices).map(line).collect();
    let mut question =
        format!("This user has several MFA devices:\n{lines}Number of the device to use: ");
    for _ in 0..MOST_QUESTIONS {
        let answer = match ask_on_terminal(&question) {
            Ok(answer) if !answer.is_empty() => answer,
            _ => break,
        };
        let chosen = answer.trim().parse::<usize>().ok();
        if let Some(device) = chosen.and_then(|number| devices.get(number.checked_sub(1)?)) {
            return Ok(device.clone());
        }
        question = format!("Enter a number from 1 to {}: ", devices.len());
    }
    let names: Vec<&str> = devices.iter().map(Device::name).collect();
    let (names, get) = (names.join(", "), &commands.get_naming_device);
    let hint = format!("choose one with AWS_MFA_ARN, mfa_serial in the profile, or `{get}`");
    Err(Failure::setup(format!("this user has several MFA devices: {names}")).hint(hint))
}
