//! How AWS is asked: every setting but the account, resolved once to plain values that know their origin. What cannot be
//! resolved is a failure in its place, so that `status` and `doctor` can show the rest.
//!
//! A flag beats everything. An explicit profile's settings beat the environment; otherwise the environment beats the
//! profile. A profile inherits what it does not set from its sources.

pub mod device;
pub mod duration;
pub mod network;
pub mod rows;

use crate::account::key_source::KeySource;
use crate::account::{Account, Owner};
use crate::aws::partition;
use crate::environment::variable;
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::session::store::SessionStore;
use crate::sources::{Lineage, Sources, in_profile};
use device::Device;
use duration::Duration;
use network::{Network, NetworkSettings};

/// How AWS is asked.
pub struct Settings {
    /// The profile that they are looked up in; `None` if none is named and there is no `default`.
    pub profile: Result<Option<Setting<String>>, Failure>,
    /// Where the master keys are.
    pub keys: Result<Setting<KeySource>, Failure>,
    /// The configured MFA device.
    pub device: Result<Option<Setting<Device>>, Failure>,
    /// The duration of the user's own session. In a profile: `duration_seconds` of the profile that has the keys.
    pub duration: Result<Setting<Duration>, Failure>,
    /// The configured region.
    pub region: Result<Option<Setting<String>>, Failure>,
    /// The command that prints a code. aws-vault introduced the profile's key `mfa_process`, see its USAGE.md.
    pub code_command: Result<Option<Setting<String>>, Failure>,
    /// Endpoints, proxy and trusted certificates.
    pub network: NetworkSettings,
    /// The partition of the selected role.
    role_partition: Option<String>,
}

impl Settings {
    /// Resolves the settings of `account`. Uses no network and runs no command.
    pub fn of(sources: &Sources, account: &Account) -> Self {
        let own = account.profile(sources);
        let own = own.unwrap_or_else(|_| account.choice.clone());
        let lineage = account.lineage(sources);
        let from = Lineage {
            sources,
            is_explicit: account.choice.is_explicit,
            names: &lineage,
        };
        let flags = &sources.flags;
        let duration = sources
            .look_up(
                flags.duration.map(|value| ("--duration", value)),
                &[variable::AWS_MFA_DURATION],
                account.choice.is_explicit,
                || of_owner(sources, account, "duration_seconds"),
            )
            .and_then(|named| match named {
                Some(setting) => setting.try_map(|text| Duration::parse(&text)),
                None => Ok(Setting::by_default(Duration::DEFAULT)),
            });
        let device = from.look_up_in(
            flags.serial_number.map(|value| ("--serial-number", value)),
            &[variable::AWS_MFA_ARN],
            device::in_profile,
        );
        let parsed = |name: Setting<String>| name.try_map(|name| Device::parse(&name));
        let role = account.role.as_ref().ok().and_then(Option::as_ref);
        Settings {
            profile: lineage
                .clone()
                .map(|names| (!names.is_empty()).then(|| own.setting())),
            keys: account.keys(sources),
            device: device.and_then(|device| device.map(parsed).transpose()),
            duration,
            region: from.look_up(
                flags.region.map(|value| ("--region", value)),
                &variable::REGIONS,
                "region",
            ),
            code_command: from.look_up(
                flags.code_command.map(|value| ("--code-command", value)),
                &[variable::AWS_MFA_CODE_COMMAND],
                "mfa_process",
            ),
            network: NetworkSettings::of(&from),
            role_partition: role.map(|chain| chain.role.arn.value.partition().to_owned()),
        }
    }

    /// The region of STS: the configured one, else the first one in the partition of `device` or of the selected role.
    ///
    /// # Errors
    /// The configured region cannot be read.
    pub fn sts_region(&self, device: Option<&Device>) -> Result<Setting<String>, Failure> {
        let default = || partition::default_region(self.default_partition(device));
        let region = self.region.clone()?;
        Ok(region.unwrap_or_else(|| Setting::by_default(default().to_owned())))
    }

    /// STS. Reads the CA bundle.
    ///
    /// # Errors
    /// A setting is invalid, or the CA bundle cannot be used.
    pub fn sts(&self, device: Option<&Device>) -> Result<Network, Failure> {
        self.network.sts(self.sts_region(device)?)
    }

    /// STS for the account's session: in the configured region, else the session's, else that of its device.
    ///
    /// # Errors
    /// Those of [`Settings::sts`].
    pub fn sts_of_session(&self, account: &Account) -> Result<Network, Failure> {
        let file = account.session_file.clone()?.value;
        let device = self.device.clone()?;
        let device = device.or_else(|| device::remembered(&file, None));
        let mut region = self.sts_region(device.as_ref().map(|device| &device.value))?;
        let session = SessionStore::new(file)
            .read()
            .ok()
            .map(|saved| saved.session);
        if let Some(saved) = session.and_then(|session| session.region)
            && region.origin == Origin::Default
        {
            region = Setting::by_default(saved);
        }
        self.network.sts(region)
    }

    /// The partition that requests go to: that of the configured region, else of `device` or of the selected role.
    ///
    /// # Errors
    /// The configured region cannot be read, or cannot be a region.
    pub fn partition<'s>(&'s self, device: Option<&'s Device>) -> Result<&'s str, Failure> {
        match self.region.clone()? {
            Some(region) => {
                self.network.sts_endpoint(&region)?;
                Ok(partition::of_region(&region.value))
            }
            None => Ok(self.default_partition(device)),
        }
    }

    fn default_partition<'s>(&'s self, device: Option<&'s Device>) -> &'s str {
        device
            .and_then(Device::partition)
            .or(self.role_partition.as_deref())
            .unwrap_or("aws")
    }
}

/// The value of `key` in the profile that owns the keys.
fn of_owner(
    sources: &Sources,
    account: &Account,
    key: &'static str,
) -> Result<Option<Setting<String>>, Failure> {
    let owner = match account.owner_of_keys(sources) {
        Ok(Owner::Profile(name)) => name,
        _ => account.choice.name.clone(),
    };
    let profile = sources.profiles()?.profile(&owner);
    // That of a role is another one.
    match account.owner == Ok(Owner::Environment) && profile.has("role_arn")? {
        true => Ok(None),
        false => in_profile(profile, key),
    }
}
