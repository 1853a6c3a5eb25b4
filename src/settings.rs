//! Every setting, resolved in one place. Each value knows its origin.
//!
//! A flag beats everything. An explicit profile's settings beat the environment; otherwise the environment beats the
//! profile.

pub mod arn;
pub mod credential_process;
pub mod device;
pub mod duration;
pub mod key_source;
pub mod keys;
pub mod network;
pub mod partition;
pub mod role;
mod selected;
mod session_file;

pub use keys::MASTER_KEYS;
pub use selected::SelectedProfile;
pub use session_file::{Location, session_directory, session_file};

use crate::aws_files::{Profile, Profiles, Property};
use crate::cli::Selection;
use crate::environment::Environment;
use crate::environment::variable::{self, Variable};
use crate::error::Failure;
use crate::setting::{Origin, Setting};
use device::Device;
use duration::Duration;
use role::{Base, RoleChain};
use std::path::Path;
use std::rc::Rc;

/// The flags of `get` that are settings.
#[derive(Clone, Copy, Default)]
pub struct Flags<'a> {
    /// `--serial-number`
    pub serial_number: Option<&'a str>,
    /// `--duration`
    pub duration: Option<&'a str>,
    /// `--region`
    pub region: Option<&'a str>,
    /// `--code-command`
    pub code_command: Option<&'a str>,
}

/// The sources of all settings.
pub struct Settings<'a> {
    session_file: Option<&'a Path>,
    role_arn: Option<&'a str>,
    flags: Flags<'a>,
    environment: &'a Environment,
    selected: SelectedProfile,
    profiles: Rc<Profiles>,
}

impl<'a> Settings<'a> {
    /// Reads the profiles. Settings are looked up on demand.
    ///
    /// # Errors
    /// A file in `~/.aws` cannot be parsed.
    pub fn new(
        selection: &'a Selection,
        flags: Flags<'a>,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let selected = SelectedProfile::of(selection, environment)?;
        let profiles = Profiles::load(environment)?;
        Ok(Settings {
            session_file: selection.session_file.as_deref(),
            role_arn: selection.role_arn.as_deref(),
            flags,
            environment,
            selected: selected.resolved(&profiles)?,
            profiles: Rc::new(profiles),
        })
    }

    /// The settings of the user's own session, where `chain` begins.
    pub fn base(&self, chain: &RoleChain) -> Settings<'a> {
        let selected = match &chain.base {
            Base::Profile(name) => SelectedProfile {
                name: name.clone(),
                ..self.selected.clone()
            },
            Base::Environment => SelectedProfile {
                is_explicit: false,
                ..self.selected.clone()
            },
        };
        Settings {
            session_file: self.session_file,
            role_arn: None,
            flags: self.flags,
            environment: self.environment,
            selected,
            profiles: Rc::clone(&self.profiles),
        }
    }

    /// All profiles.
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// The profile that the settings come from, whether or not it exists.
    fn profile(&self) -> Profile<'_> {
        self.profiles.profile(&self.selected.name)
    }

    /// Whether the selected profile has a role.
    pub fn profile_is_role(&self) -> Result<bool, Failure> {
        self.profile().has("role_arn")
    }

    /// The profile that the settings come from: `None` if none is selected and there is no `default`.
    ///
    /// # Errors
    /// The selected profile does not exist.
    pub fn named_profile(&self) -> Result<Option<Setting<Profile<'_>>>, Failure> {
        let profile = self.profile();
        if profile.exists() {
            Ok(Some(self.selected.setting().map(|_| profile)))
        } else if self.selected.is_named() {
            Err(self.profiles.missing(profile.name()))
        } else {
            Ok(None)
        }
    }

    /// The session's duration. In a profile: `duration_seconds` of the profile that has the keys.
    pub fn duration(&self) -> Result<Setting<Duration>, Failure> {
        let named = self.look_up_in(
            self.flags.duration.map(|value| ("--duration", value)),
            &[variable::AWS_MFA_DURATION],
            |settings| in_profile(settings.key_owner()?, "duration_seconds"),
        )?;
        match named {
            Some(setting) => setting.try_map(Duration::parse),
            None => Ok(Setting {
                value: Duration::DEFAULT,
                origin: Origin::Default,
            }),
        }
    }

    /// The region of the STS endpoint; by default, the first one in `device`'s partition.
    pub fn region(&self, device: &Device) -> Result<Setting<String>, Failure> {
        Ok(self.own_region()?.unwrap_or_else(|| Setting {
            value: device.default_region().to_owned(),
            origin: Origin::Default,
        }))
    }

    /// The configured region.
    pub fn own_region(&self) -> Result<Option<Setting<String>>, Failure> {
        let region = self.look_up(
            self.flags.region.map(|value| ("--region", value)),
            &[variable::AWS_REGION, variable::AWS_DEFAULT_REGION],
            "region",
        )?;
        Ok(region.map(|setting| setting.map(str::to_owned)))
    }

    /// The code command, if one is configured. A profile inherits `mfa_process` from its `source_profile`. aws-vault
    /// introduced this key, see its USAGE.md.
    pub fn code_command(&self) -> Result<Option<Setting<&str>>, Failure> {
        self.look_up_in(
            self.flags
                .code_command
                .map(|value| ("--code-command", value)),
            &[variable::AWS_MFA_CODE_COMMAND],
            |settings| settings.inherited("mfa_process"),
        )
    }

    /// The value of `key` in the selected profile, or in the first of its sources that has it.
    fn inherited(&self, key: &'static str) -> Result<Option<Setting<&str>>, Failure> {
        let profile = self.profile();
        if let Some(setting) = in_profile(profile, key)? {
            return Ok(Some(setting));
        }
        let mut sources = profile.with_sources()?.into_iter();
        sources
            .find_map(|source| in_profile(source, key).transpose())
            .transpose()
    }

    /// The flag's value, else the explicit profile's, else the first of these variables, else the profile's.
    fn look_up(
        &self,
        flag: Option<(&'static str, &'a str)>,
        variables: &[Variable],
        key: &'static str,
    ) -> Result<Option<Setting<&str>>, Failure> {
        self.look_up_in(flag, variables, |settings| {
            in_profile(settings.profile(), key)
        })
    }

    /// The same, for a setting that `of_profile` looks up in the chain of profiles.
    fn look_up_in<'s>(
        &'s self,
        flag: Option<(&'static str, &'a str)>,
        variables: &[Variable],
        of_profile: impl Fn(&'s Self) -> Result<Option<Setting<&'s str>>, Failure>,
    ) -> Result<Option<Setting<&'s str>>, Failure> {
        if let Some((name, value)) = flag {
            return Ok(Some(Setting {
                value,
                origin: Origin::Flag(name),
            }));
        }
        if self.selected.is_explicit
            && let Some(setting) = of_profile(self)?
        {
            return Ok(Some(setting));
        }
        if let Some((name, value)) = self.environment.first(variables)? {
            return Ok(Some(Setting {
                value,
                origin: Origin::Variable(name),
            }));
        }
        of_profile(self)
    }
}

fn in_profile<'p>(
    profile: Profile<'p>,
    key: &'static str,
) -> Result<Option<Setting<&'p str>>, Failure> {
    let property = profile.get(key)?;
    Ok(property.map(|property| of_profile(profile, key, property)))
}

/// A value as the setting that `key` of the profile made it.
fn of_profile<'p>(
    profile: Profile<'_>,
    key: &'static str,
    property: Property<'p>,
) -> Setting<&'p str> {
    Setting {
        value: property.value,
        origin: Origin::Profile(profile.name().to_owned(), key, property.file.to_owned()),
    }
}

/// The `get` command for this selection and these flags, for hints.
pub fn get_command(selection: &Selection, flags: &Flags) -> String {
    let device = words(&[("--serial-number", flags.serial_number)]);
    get_command_with(&device, selection, flags)
}

/// The same command, with the place of a device that the user has to name.
pub fn get_command_naming_device(selection: &Selection, flags: &Flags) -> String {
    get_command_with(" --serial-number <device>", selection, flags)
}

fn get_command_with(device: &str, selection: &Selection, flags: &Flags) -> String {
    let rest = words(&[("--duration", flags.duration), ("--region", flags.region)]);
    command("get", selection, &format!("{device}{rest} <code>"))
}

/// A subcommand's command line for this selection, for hints. `options` begin with a space.
pub fn command(verb: &str, selection: &Selection, options: &str) -> String {
    let session_file = selection.session_file.as_deref().map(Path::to_string_lossy);
    let selection = words(&[
        ("--profile", selection.profile.as_deref()),
        ("--role-arn", selection.role_arn.as_deref()),
        ("--session-file", session_file.as_deref()),
    ]);
    format!("aws-mfa {verb}{selection}{options}")
}

/// Options with their values, as words that a person can paste into a shell, each after a space.
pub fn words(options: &[(&str, Option<&str>)]) -> String {
    let given = |(option, value): &(&str, Option<&str>)| {
        value.map(|value| format!(" {option} {}", word(value)))
    };
    options.iter().filter_map(given).collect()
}

/// A word quoted for a shell, if necessary.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./@:+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else if cfg!(windows) && !text.contains(['"', '$', '`', '%', '!']) {
        // The one way that cmd, PowerShell and a POSIX shell share.
        format!("\"{text}\"")
    } else if cfg!(windows) {
        // PowerShell's own.
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn selection(profile: Option<&str>, session_file: Option<&str>) -> Selection {
        Selection {
            profile: profile.map(str::to_owned),
            role_arn: None,
            session_file: session_file.map(PathBuf::from),
        }
    }

    #[test]
    fn get_command_repeats_the_selection_and_the_flags() {
        let none = Flags::default();
        assert_eq!(
            get_command(&selection(None, None), &none),
            "aws-mfa get <code>"
        );
        assert_eq!(
            get_command(&selection(Some("a b"), Some("/s")), &none),
            match cfg!(windows) {
                true => "aws-mfa get --profile \"a b\" --session-file /s <code>",
                false => "aws-mfa get --profile 'a b' --session-file /s <code>",
            }
        );
        let flags = Flags {
            serial_number: Some("GAHT12345678"),
            duration: Some("8h"),
            region: Some("eu-west-1"),
            code_command: Some("pass otp aws"),
        };
        assert_eq!(
            get_command(&selection(None, None), &flags),
            "aws-mfa get --serial-number GAHT12345678 --duration 8h --region eu-west-1 <code>"
        );
    }
}
