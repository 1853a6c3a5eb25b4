//! Every setting, resolved in one place: flag, then environment, then profile, then default.

pub mod device;
pub mod duration;
pub mod keys;

use crate::aws::{network, sts};
use crate::cli::Selection;
use crate::environment::Environment;
use crate::error::{Failure, Kind};
use crate::profile::{Profile, Profiles};
use crate::setting::{Origin, Setting};
use device::Device;
use duration::Duration;
use keys::{KeySource, MasterKeys};
use std::path::PathBuf;

const KEY_ID: &str = "MASTER_AWS_ACCESS_KEY_ID";
const SECRET: &str = "MASTER_AWS_SECRET_ACCESS_KEY";

/// The variables that hold the master keys.
pub const MASTER_KEYS: [&str; 2] = [KEY_ID, SECRET];

/// The flags of `get` that are settings.
#[derive(Default)]
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

/// All that a setting can come from.
pub struct Settings<'a> {
    selection: &'a Selection,
    flags: Flags<'a>,
    environment: &'a Environment,
    profile_name: Setting<String>,
    profiles: Profiles,
}

impl<'a> Settings<'a> {
    /// Reads the profiles; the settings are looked up when they are asked for.
    ///
    /// # Errors
    /// A file in `~/.aws` is broken.
    pub fn new(
        selection: &'a Selection,
        flags: Flags<'a>,
        environment: &'a Environment,
    ) -> anyhow::Result<Self> {
        Ok(Settings {
            selection,
            flags,
            environment,
            profile_name: profile_name(selection, environment)?,
            profiles: Profiles::load(environment)?,
        })
    }

    fn profile(&self) -> Profile<'_> {
        self.profiles.profile(&self.profile_name.value)
    }

    /// The profile that the settings come from: `None` where nothing names one and there is no
    /// default one.
    ///
    /// # Errors
    /// The one that is named does not exist.
    pub fn named_profile(&self) -> Result<Option<Setting<Profile<'_>>>, Failure> {
        let profile = self.profile();
        match (&self.profile_name.origin, profile.exists()) {
            (Origin::Default, false) => Ok(None),
            (_, false) => Err(self.profiles.missing(profile.name())),
            (origin, true) => Ok(Some(Setting {
                value: profile,
                origin: origin.clone(),
            })),
        }
    }

    /// The master keys: those of [`Settings::key_source`], for which a `credential_process` is run.
    pub fn master_keys(&self) -> Result<Setting<MasterKeys>, Failure> {
        let Setting { value, origin } = self.key_source()?;
        Ok(Setting {
            value: MasterKeys::of(&value, &origin.to_string(), self.environment)?,
            origin,
        })
    }

    /// What the master keys are made of. `--profile` beats `MASTER_*`; of a pair, one half without
    /// the other is a failure and never falls through to the next source.
    pub fn key_source(&self) -> Result<Setting<KeySource<'_>>, Failure> {
        if self.selection.profile.is_none() {
            let id = self.environment.text(KEY_ID)?;
            let secret = self.environment.text(SECRET)?;
            if let Some((access_key_id, secret_access_key)) = pair((KEY_ID, id), (SECRET, secret))?
            {
                return Ok(Setting {
                    value: KeySource::Pair {
                        access_key_id,
                        secret_access_key,
                    },
                    origin: Origin::Variable(KEY_ID),
                });
            }
        }
        self.keys_of_profile()
    }

    /// A profile's own keys; those of its `source_profile` where it has none, or where it is a
    /// role's, because a role is assumed with the keys of the source.
    fn keys_of_profile(&self) -> Result<Setting<KeySource<'_>>, Failure> {
        let profile = self.profile();
        let named =
            self.selection.profile.is_some() || self.environment.get("AWS_PROFILE").is_some();
        if !profile.exists() {
            return Err(if named {
                self.profiles.missing(profile.name())
            } else {
                no_keys()
            });
        }
        if profile.get("role_arn").is_none()
            && let Some(keys) = keys_in(profile)?
        {
            return Ok(keys);
        }
        let sources = profile.with_sources()?;
        let mut rest = sources.iter();
        while let Some(source) = rest.next() {
            let of_role = source.get("role_arn").is_some() && rest.len() > 0;
            if !of_role && let Some(keys) = keys_in(*source)? {
                return Ok(keys);
            }
        }
        if !named {
            return Err(no_keys());
        }
        let last = sources.last().copied().unwrap_or(profile);
        let hint = if last.get("sso_session").is_some() || last.get("sso_start_url").is_some() {
            "it signs in with IAM Identity Center, which has MFA of its own: run `aws sso login`"
                .to_owned()
        } else {
            format!(
                "put aws_access_key_id and aws_secret_access_key under [{}] in ~/.aws/credentials",
                last.name()
            )
        };
        Err(Failure::new(
            Kind::Setup,
            format!("the profile {} has no keys", last.name()),
        )
        .hint(hint))
    }

    /// The MFA device.
    pub fn device(&self) -> Result<Setting<Device>, Failure> {
        let named = self.look_up(
            self.flags
                .serial_number
                .map(|value| ("--serial-number", value)),
            &["AWS_MFA_ARN"],
            "mfa_serial",
        )?;
        let named = match named {
            Some(setting) => Some(setting),
            None => self
                .profile()
                .with_sources()?
                .into_iter()
                .find_map(|profile| in_profile(profile, "mfa_serial")),
        };
        named
            .ok_or_else(|| {
                Failure::new(Kind::Setup, "no MFA device is named").hint(
                    "set AWS_MFA_ARN to its ARN, arn:aws:iam::<account>:mfa/<name>: \
                 the IAM console shows it under Security credentials",
                )
            })?
            .try_map(Device::parse)
    }

    /// How long the session is to hold.
    pub fn duration(&self) -> Result<Setting<Duration>, Failure> {
        let named = self.look_up(
            self.flags.duration.map(|value| ("--duration", value)),
            &["AWS_MFA_DURATION"],
            "duration_seconds",
        )?;
        match named {
            Some(setting) => setting.try_map(Duration::parse),
            None => Ok(Setting {
                value: Duration::DEFAULT,
                origin: Origin::Default,
            }),
        }
    }

    /// The region whose STS to ask; by default that of `device`'s partition.
    pub fn region(&self, device: &Device) -> Result<Setting<String>, Failure> {
        let named = self.look_up(
            self.flags.region.map(|value| ("--region", value)),
            &["AWS_REGION", "AWS_DEFAULT_REGION"],
            "region",
        )?;
        Ok(match named {
            Some(setting) => setting.map(str::to_owned),
            None => Setting {
                value: device.default_region().to_owned(),
                origin: Origin::Default,
            },
        })
    }

    /// The command that prints a code, where one is named; aws-vault calls its key `mfa_process`,
    /// see its USAGE.md.
    pub fn code_command(&self) -> Result<Option<Setting<&str>>, Failure> {
        self.look_up(
            self.flags
                .code_command
                .map(|value| ("--code-command", value)),
            &["AWS_MFA_CODE_COMMAND"],
            "mfa_process",
        )
    }

    /// The address of STS: the one that is named, else the region's own.
    ///
    /// # Errors
    /// The region has none.
    pub fn endpoint(&self, region: &str) -> Result<Setting<String>, Failure> {
        let named = self.look_up(
            None,
            &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"],
            "endpoint_url",
        )?;
        match named {
            Some(setting) => Ok(setting.map(str::to_owned)),
            None => Ok(Setting {
                value: sts::endpoint_of(region, self.use_fips()?)?,
                origin: Origin::Default,
            }),
        }
    }

    fn use_fips(&self) -> Result<bool, Failure> {
        let setting = self.look_up(None, &["AWS_USE_FIPS_ENDPOINT"], "use_fips_endpoint")?;
        Ok(setting.is_some_and(|setting| setting.value.eq_ignore_ascii_case("true")))
    }

    /// What is set about the way to `endpoint`. As curl has it, a proxy's variable in lower case
    /// beats the one in upper case.
    pub fn network(&self, endpoint: &str) -> Result<network::Options<'_>, Failure> {
        let variable = |names: &[&'static str]| self.environment.first(names);
        let proxy = match endpoint.starts_with("http://") {
            true => variable(&["http_proxy", "HTTP_PROXY"])?,
            false => variable(&["https_proxy", "HTTPS_PROXY"])?,
        };
        Ok(network::Options {
            proxy: proxy.map(|(name, value)| Setting {
                value,
                origin: Origin::Variable(name),
            }),
            no_proxy: variable(&["no_proxy", "NO_PROXY"])?.map(|(_, value)| value),
            ca_bundle: self.look_up(None, &["AWS_CA_BUNDLE"], "ca_bundle")?,
        })
    }

    /// The first that is there: the flag, one of the variables, the profile's key.
    fn look_up(
        &self,
        flag: Option<(&'static str, &'a str)>,
        variables: &[&'static str],
        key: &'static str,
    ) -> Result<Option<Setting<&str>>, Failure> {
        if let Some((name, value)) = flag {
            return Ok(Some(Setting {
                value,
                origin: Origin::Flag(name),
            }));
        }
        if let Some((name, value)) = self.environment.first(variables)? {
            return Ok(Some(Setting {
                value,
                origin: Origin::Variable(name),
            }));
        }
        Ok(in_profile(self.profile(), key))
    }
}

fn in_profile<'p>(profile: Profile<'p>, key: &'static str) -> Option<Setting<&'p str>> {
    profile.get(key).map(|property| Setting {
        value: property.value,
        origin: Origin::Profile(profile.name().to_owned(), key, property.file.to_owned()),
    })
}

/// The keys in one profile: those that are written there, else those of its `credential_process`.
fn keys_in(profile: Profile<'_>) -> Result<Option<Setting<KeySource<'_>>>, Failure> {
    let (id_key, secret_key) = ("aws_access_key_id", "aws_secret_access_key");
    let id = in_profile(profile, id_key);
    let of_profile = |key: &str| format!("{key} of the profile {}", profile.name());
    let keys = pair(
        (&of_profile(id_key), id.as_ref().map(|id| id.value)),
        (
            &of_profile(secret_key),
            profile.get(secret_key).map(|property| property.value),
        ),
    )?;
    match (id, keys) {
        (Some(id), Some(_)) if profile.get("aws_session_token").is_some() => {
            Err(MasterKeys::of_session(&id.origin.to_string()))
        }
        (Some(id), Some((access_key_id, secret_access_key))) => {
            Ok(Some(id.map(|_| KeySource::Pair {
                access_key_id,
                secret_access_key,
            })))
        }
        _ => Ok(in_profile(profile, "credential_process")
            .map(|command| command.map(KeySource::Process))),
    }
}

fn no_keys() -> Failure {
    Failure::new(Kind::Setup, "no master keys are set").hint(format!(
        "export {KEY_ID} and {SECRET}, or name a profile that has keys: `--profile <name>`"
    ))
}

/// The file that keeps the session. This is all that `load` resolves, and it opens no file for it.
///
/// `--profile` beats `AWS_SESSION_FILE`: `get -p other` never overwrites the session of the
/// directory that one stands in.
///
/// # Errors
/// No home folder is known, or of the master keys only the secret is set.
pub fn session_file(
    selection: &Selection,
    environment: &Environment,
) -> Result<Setting<PathBuf>, Failure> {
    if let Some(path) = &selection.session_file {
        return Ok(Setting {
            value: path.clone(),
            origin: Origin::Flag("--session-file"),
        });
    }
    if let Some(name) = &selection.profile {
        return Ok(Setting {
            value: default_session_file(name, environment)?,
            origin: Origin::Flag("--profile"),
        });
    }
    if let Some(path) = environment.get("AWS_SESSION_FILE") {
        return Ok(Setting {
            value: PathBuf::from(path),
            origin: Origin::Variable("AWS_SESSION_FILE"),
        });
    }
    match (environment.text(KEY_ID)?, environment.get(SECRET)) {
        (Some(id), _) => Ok(Setting {
            value: default_session_file(id.trim(), environment)?,
            origin: Origin::Variable(KEY_ID),
        }),
        (None, Some(_)) => Err(half_a_pair(KEY_ID, SECRET)),
        (None, None) => {
            let profile = profile_name(selection, environment)?;
            let value = default_session_file(&profile.value, environment)?;
            Ok(profile.map(|_| value))
        }
    }
}

fn default_session_file(name: &str, environment: &Environment) -> Result<PathBuf, Failure> {
    let directory = environment.config_directory()?.ok_or_else(|| {
        Failure::new(
            Kind::Setup,
            "no home folder is known, so there is no place for the session file",
        )
        .hint("set HOME, or name a file with AWS_SESSION_FILE")
    })?;
    Ok(directory
        .join("aws")
        .join(format!("session-{}", file_name(name))))
}

/// A name as part of a file name: path separators are percent-encoded, and `%` with them.
fn file_name(name: &str) -> String {
    name.replace('%', "%25")
        .replace('/', "%2F")
        .replace('\\', "%5C")
}

fn profile_name(
    selection: &Selection,
    environment: &Environment,
) -> Result<Setting<String>, Failure> {
    if let Some(name) = &selection.profile {
        return Ok(Setting {
            value: name.clone(),
            origin: Origin::Flag("--profile"),
        });
    }
    Ok(match environment.text("AWS_PROFILE")? {
        Some(name) => Setting {
            value: name.to_owned(),
            origin: Origin::Variable("AWS_PROFILE"),
        },
        None => Setting {
            value: "default".to_owned(),
            origin: Origin::Default,
        },
    })
}

/// Both values of a pair, or none of them.
fn pair<'v>(
    (left_name, left): (&str, Option<&'v str>),
    (right_name, right): (&str, Option<&'v str>),
) -> Result<Option<(&'v str, &'v str)>, Failure> {
    match (left, right) {
        (Some(left), Some(right)) => Ok(Some((left, right))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half_a_pair(right_name, left_name)),
        (None, Some(_)) => Err(half_a_pair(left_name, right_name)),
    }
}

fn half_a_pair(missing: &str, present: &str) -> Failure {
    Failure::new(
        Kind::Setup,
        format!("{missing} is not set, but {present} is"),
    )
    .hint("set both, or neither to have the keys looked for elsewhere")
}

/// The `get` that renews the session of this selection, for hints.
pub fn get_command(selection: &Selection) -> String {
    let mut command = "aws-mfa get".to_owned();
    if let Some(profile) = &selection.profile {
        command.push_str(&format!(" --profile {}", word(profile)));
    }
    if let Some(path) = &selection.session_file {
        command.push_str(&format!(
            " --session-file {}",
            word(&path.to_string_lossy())
        ));
    }
    command + " <code>"
}

/// A word that a person can paste into a shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./@:+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect()
    }

    fn selection(profile: Option<&str>, session_file: Option<&str>) -> Selection {
        Selection {
            profile: profile.map(str::to_owned),
            session_file: session_file.map(PathBuf::from),
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_session_file_is_named_by_flag_variable_key_and_profile_in_this_order() {
        let all = [
            ("HOME", "/h"),
            ("AWS_SESSION_FILE", "/v"),
            (KEY_ID, "AKIA1"),
            ("AWS_PROFILE", "a/b"),
        ];
        let path = |selection: &Selection, from: usize| {
            let variables = [&all[..1], &all[from..]].concat();
            session_file(selection, &environment(&variables))
                .unwrap()
                .value
        };
        let none = selection(None, None);
        assert_eq!(
            path(&selection(Some("p"), Some("/f")), 1),
            PathBuf::from("/f")
        );
        assert_eq!(
            path(&selection(Some("p"), None), 1),
            PathBuf::from("/h/.config/aws/session-p")
        );
        assert_eq!(path(&none, 1), PathBuf::from("/v"));
        assert_eq!(
            path(&none, 2),
            PathBuf::from("/h/.config/aws/session-AKIA1")
        );
        assert_eq!(
            path(&none, 3),
            PathBuf::from("/h/.config/aws/session-a%2Fb")
        );
        assert_eq!(
            path(&none, 4),
            PathBuf::from("/h/.config/aws/session-default")
        );
    }

    #[cfg(unix)]
    #[test]
    fn an_xdg_folder_counts_where_it_is_absolute() {
        let path = |xdg: &str| {
            let environment = environment(&[("HOME", "/h"), ("XDG_CONFIG_HOME", xdg)]);
            session_file(&selection(None, None), &environment)
                .unwrap()
                .value
        };
        assert_eq!(path("/x"), PathBuf::from("/x/aws/session-default"));
        assert_eq!(path("x"), PathBuf::from("/h/.config/aws/session-default"));
    }

    #[test]
    fn without_a_home_folder_there_is_no_place_for_the_session() {
        let failure = session_file(&selection(None, None), &environment(&[])).err();
        assert_eq!(
            failure.unwrap().to_string(),
            "no home folder is known, so there is no place for the session file\n\
             hint: set HOME, or name a file with AWS_SESSION_FILE"
        );
    }

    #[test]
    fn the_secret_alone_names_no_file() {
        let failure = session_file(&selection(None, None), &environment(&[(SECRET, "x")])).err();
        assert_eq!(
            failure.unwrap().message,
            "MASTER_AWS_ACCESS_KEY_ID is not set, but MASTER_AWS_SECRET_ACCESS_KEY is"
        );
    }

    #[test]
    fn the_hint_repeats_the_selection() {
        assert_eq!(get_command(&selection(None, None)), "aws-mfa get <code>");
        assert_eq!(
            get_command(&selection(Some("a b"), Some("/s"))),
            "aws-mfa get --profile 'a b' --session-file /s <code>"
        );
    }
}
