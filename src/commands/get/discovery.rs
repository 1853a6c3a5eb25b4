//! The MFA device of a user who has configured none: IAM lists it.

use crate::aws::client::{Client, Patience, SigningKey};
use crate::aws::iam;
use crate::code::source::ask_on_terminal;
use crate::error::{Failure, Kind};
use crate::explain;
use crate::setting::{Origin, Setting};
use crate::settings::device::Device;
use crate::settings::keys::MasterKeys;
use crate::settings::{Settings, partition};
use jiff::Timestamp;
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
    get_command: &str,
    now: Timestamp,
) -> Result<Setting<Device>, Failure> {
    let partition = match settings.own_region()? {
        Some(region) => {
            // A mistyped region is an error before any call.
            settings.endpoint(&region.value)?;
            partition::of_region(&region.value)
        }
        None => "aws",
    };
    let network = settings.iam_network(partition)?;
    let region = partition::default_region(partition);
    let request = explain::Request {
        action: "iam:ListMFADevices",
        endpoint: &network.endpoint.value,
        proxy: network.proxy.as_ref(),
        key_id: Setting {
            value: &keys.access_key_id,
            origin: key_origin.clone(),
        },
        region: Setting {
            value: region,
            origin: Origin::Default,
        },
        device: None,
        limit: LIMIT,
        command: get_command,
    };
    let key = SigningKey {
        id: &keys.access_key_id,
        secret: &keys.secret_access_key,
        token: None,
        region,
    };
    let once = Patience {
        connect: LIMIT,
        attempt: LIMIT,
        call: LIMIT,
        attempts: 1,
    };
    let client =
        Client::new(&network.route(), &key, once).map_err(|error| request.no_client(&error))?;
    let names =
        iam::mfa_devices(&client, now).map_err(|error| request.no_device_list(&error, now))?;
    let mut devices: Vec<Device> = names
        .iter()
        .filter_map(|name| Device::parse(name).ok())
        .collect();
    let device = match devices.len() {
        0 => return Err(no_device(&names)),
        1 => devices.remove(0),
        _ => choose(devices, get_command)?,
    };
    Ok(Setting {
        value: device,
        origin: Origin::Discovered,
    })
}

fn no_device(names: &[String]) -> Failure {
    let failure = match names {
        [] => Failure::new(Kind::Setup, "this user has no MFA device"),
        _ => Failure::new(
            Kind::Setup,
            format!(
                "none of this user's MFA devices has codes, and STS accepts nothing else: {}",
                names.join(", ")
            ),
        ),
    };
    failure.hint(
        "add a virtual MFA device (an authenticator app) in the IAM console, under Security credentials",
    )
}

fn choose(devices: Vec<Device>, get_command: &str) -> Result<Device, Failure> {
    let lines: String = (1..)
        .zip(&devices)
        .map(|(number, device)| format!("{number}  {}\n", device.name()))
        .collect();
    let mut question =
        format!("This user has several MFA devices:\n{lines}Number of the device to use: ");
    for _ in 0..MOST_QUESTIONS {
        let Ok(answer) = ask_on_terminal(&question) else {
            break;
        };
        let chosen = answer.trim().parse::<usize>().ok();
        if let Some(device) = chosen.and_then(|number| devices.get(number.checked_sub(1)?)) {
            return Ok(device.clone());
        }
        question = format!("A number from 1 to {}: ", devices.len());
    }
    let names: Vec<&str> = devices.iter().map(Device::name).collect();
    Err(Failure::new(
        Kind::Setup,
        format!("this user has several MFA devices: {}", names.join(", ")),
    )
    .hint(format!(
        "choose one with AWS_MFA_ARN, mfa_serial in the profile, or `{}`",
        get_command.replace("aws-mfa get", "aws-mfa get --serial-number <device>")
    )))
}
