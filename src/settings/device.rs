//! The MFA device.

use crate::aws::legal::{self, is_account};
use crate::aws_files::Profile;
use crate::error::Failure;
use crate::escape::quote;
use crate::origin::{Origin, Setting};
use crate::session::files;
use crate::sources;
use std::path::Path;

/// The device's name in the profile: `mfa_serial`, or what the Python aws-mfa reads beside the keys.
///
/// # Errors
/// The profile or the value is damaged.
pub fn in_profile(profile: Profile<'_>) -> Result<Option<Setting<String>>, Failure> {
    match sources::in_profile(profile, "mfa_serial")? {
        Some(device) => Ok(Some(device)),
        None => sources::in_profile(profile, "aws_mfa_device"),
    }
}

/// An MFA device, as STS's `SerialNumber` names it: the ARN of a virtual device, or the serial
/// number of a hardware one (`GAHT12345678`), 9 to 256 characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// The device with this ARN or serial number.
    ///
    /// # Errors
    /// STS would reject it, or the device has no codes (a FIDO key or a passkey).
    pub fn parse(name: &str) -> Result<Self, Failure> {
        let name = name.trim();
        let fault = |what: &str, hint: &str| {
            Err(Failure::setup(format!("{what}: {}", quote(name))).hint(hint))
        };
        if !legal::SERIAL_NUMBER.accepts(name) {
            return fault(
                "not an MFA device",
                "use its ARN (arn:aws:iam::<account>:mfa/<name>), or the serial number on a hardware device",
            );
        }
        let is_mfa = |partition: &str, resource: &str| {
            resource.len() > 4 && resource.starts_with("mfa/") && partition.starts_with("aws")
        };
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        match parts.as_slice() {
            // The serial number of a hardware device.
            [_] => Ok(Device(name.to_owned())),
            [_, _, _, _, _, resource] if resource.starts_with("u2f/") => fault(
                "STS needs a six-digit code, which FIDO keys and passkeys do not generate",
                "add a virtual MFA device (an authenticator app) to the same user, and use its ARN",
            ),
            ["arn", partition, "iam", "", account, resource] if is_mfa(partition, resource) => {
                match is_account(account) {
                    true => Ok(Device(name.to_owned())),
                    false => fault(
                        "the account in the ARN of the MFA device is not 12 digits",
                        "copy the ARN from the IAM console, Security credentials",
                    ),
                }
            }
            _ => fault(
                "not the ARN of an MFA device",
                "an MFA device's ARN is arn:aws:iam::<account>:mfa/<name>",
            ),
        }
    }

    /// The ARN or serial number. It is not a secret.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The device's partition. A hardware device's serial number does not show whether it is `aws` or `aws-us-gov`.
    pub fn partition(&self) -> Option<&str> {
        self.arn_part(1)
    }

    /// The device's account. A hardware device's serial number does not show it.
    pub fn account(&self) -> Option<&str> {
        self.arn_part(4)
    }

    /// One part of `arn:partition:iam::account:resource`.
    fn arn_part(&self, index: usize) -> Option<&str> {
        self.0
            .starts_with("arn:")
            .then(|| self.0.splitn(6, ':').nth(index))?
    }
}

/// The device that IAM listed for the master key's user, as saved with the session at `base` or one of its roles.
/// Without a master key, the device of any.
pub fn remembered(base: &Path, master_key_id: Option<&str>) -> Option<Setting<Device>> {
    let name = files::discovered_device(base, master_key_id)?;
    Some(Setting::new(Device::parse(&name).ok()?, Origin::Discovered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_or_hardware_device_is_valid() {
        let device = Device::parse("arn:aws-cn:iam::123456789012:mfa/igor+phone@work").unwrap();
        assert_eq!(device.account(), Some("123456789012"));
        let device = Device::parse(" GAHT12345678\n").unwrap();
        assert_eq!(device.name(), "GAHT12345678");
        assert_eq!(device.account(), None);
    }

    #[test]
    fn device_without_codes_is_an_error() {
        let fault = |name: &str| Device::parse(name).err().unwrap().to_string();
        assert_eq!(
            fault("arn:aws:iam::123456789012:u2f/user/igor/key-ABC"),
            "STS needs a six-digit code, which FIDO keys and passkeys do not generate: \
             arn:aws:iam::123456789012:u2f/user/igor/key-ABC\n\
             hint: add a virtual MFA device (an authenticator app) to the same user, and use its ARN"
        );
        assert_eq!(
            fault("arn:aws:iam::123456789012:user/igor"),
            "not the ARN of an MFA device: arn:aws:iam::123456789012:user/igor\n\
             hint: an MFA device's ARN is arn:aws:iam::<account>:mfa/<name>"
        );
        assert_eq!(
            fault("arn:aws:iam::12345678901:mfa/igor"),
            "the account in the ARN of the MFA device is not 12 digits: \
             arn:aws:iam::12345678901:mfa/igor\n\
             hint: copy the ARN from the IAM console, Security credentials"
        );
        for name in [
            "arn:aws:s3:::igor",
            "arn:aws:aim::123456789012:mfa/igor",
            "arn:was:iam::123456789012:mfa/igor",
            "arm:aws:iam::123456789012:mfa/igor",
            "arn:aws:iam::123456789012/mfa/igor",
            "arn:aws:iam::123456789012:mfas/igor",
        ] {
            assert_eq!(
                fault(name),
                format!(
                    "not the ARN of an MFA device: {name}\n\
                     hint: an MFA device's ARN is arn:aws:iam::<account>:mfa/<name>"
                )
            );
        }
        for name in ["igor", "arn aws mfa igor"] {
            assert_eq!(
                fault(name),
                format!(
                    "not an MFA device: {name}\n\
                     hint: use its ARN (arn:aws:iam::<account>:mfa/<name>), or the serial number on a hardware device"
                )
            );
        }
    }
}
