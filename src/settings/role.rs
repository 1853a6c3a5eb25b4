//! The role to assume, and the chain of roles that leads to it.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>

use super::arn::is_account;
use super::{Settings, in_profile, selected};
use crate::aws_files::Profile;
use crate::environment::variable;
use crate::error::{Failure, Kind};
use crate::escape::quote;
use crate::setting::{Origin, Setting};
use std::fmt;

/// The shortest session of a role, and the longest that its MaxSessionDuration can allow, in seconds.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const SHORTEST: i32 = 900;
const LONGEST: i32 = 12 * 3600;

/// The longest session of a role that is assumed with temporary credentials, in seconds. It is also AWS's default.
pub const CHAINED: i32 = 3600;

/// The roles from the user's own session to the selected one.
pub struct RoleChain {
    /// The keys whose session assumes the first role.
    pub base: Base,
    /// The roles assumed before it, in order.
    pub hops: Vec<Role>,
    /// The selected role.
    pub role: Role,
}

/// Where the keys at the start of the chain are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// In this profile.
    Profile(String),
    /// In the `MASTER_*` variables.
    Environment,
}

/// A role to assume.
pub struct Role {
    /// Its ARN, with its origin.
    pub arn: Setting<RoleArn>,
    /// The external id that its trust policy may require.
    pub external_id: Option<String>,
    /// The session's name in CloudTrail; by default, the user's name.
    pub session_name: Option<String>,
    /// The requested duration, in seconds.
    pub seconds: i32,
    /// The region of its profile.
    pub region: Option<Setting<String>>,
}

/// `arn:<partition>:iam::<account>:role/<path><name>`
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn(String);

impl RoleArn {
    /// The role with this ARN.
    ///
    /// # Errors
    /// It is not the ARN of a role.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, Failure> {
        let text = text.trim();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c);
        let valid = match parts.as_slice() {
            ["arn", partition, "iam", "", account, resource] => {
                partition.starts_with("aws")
                    && is_account(account)
                    && resource
                        .strip_prefix("role/")
                        .is_some_and(|role| !role.is_empty() && !role.ends_with('/'))
                    && text.chars().all(allowed)
                    && text.len() <= 2048
            }
            _ => false,
        };
        if valid {
            Ok(RoleArn(text.to_owned()))
        } else {
            Err(Failure::new(
                Kind::Setup,
                format!("{origin} is not the ARN of a role: {}", quote(text)),
            )
            .hint("a role's ARN is arn:aws:iam::<account>:role/<name>"))
        }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role's account.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The role's partition: `aws`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings<'_> {
    /// The selected role with the roles that lead to it: from `--role-arn`, else an explicit profile, else
    /// `AWS_MFA_ROLE_ARN`, else the profile in `AWS_PROFILE`.
    ///
    /// # Errors
    /// The chain does not begin with an access key, or a setting of the role is invalid.
    pub fn role_chain(&self) -> Result<Option<RoleChain>, Failure> {
        let Some(arn) = self.look_up(
            self.role_arn.map(|value| ("--role-arn", value)),
            &[variable::AWS_MFA_ROLE_ARN],
            "role_arn",
        )?
        else {
            return Ok(None);
        };
        if matches!(arn.origin, Origin::Profile(..)) {
            return self.chain_of_profile().map(Some);
        }
        let has_environment = self.keys_of_environment()?.is_some();
        let base = if !self.selected.is_explicit && has_environment {
            Base::Environment
        } else if self.profile().has("role_arn")? {
            self.chain_of_profile()?.base
        } else {
            Base::Profile(self.selected.name.clone())
        };
        Ok(Some(RoleChain {
            base,
            hops: Vec::new(),
            role: Role {
                arn: role_arn(arn)?,
                external_id: None,
                session_name: None,
                seconds: CHAINED,
                region: None,
            },
        }))
    }

    /// The chain of `source_profile`s from the selected profile, which has a role.
    fn chain_of_profile(&self) -> Result<RoleChain, Failure> {
        let sources = self.profile().with_sources()?;
        let mut roles = Vec::new();
        let mut base = None;
        for source in &sources {
            if !source.has("role_arn")? {
                let owner = selected::resolve(source.name(), &self.profiles)?;
                base = Some(Base::Profile(owner));
                break;
            }
            roles.push(Role::of_profile(*source)?);
            if let Some(end) = end_of_chain(*source)? {
                base = Some(end);
            }
        }
        let last = sources.last().map_or("", Profile::name);
        let base = base.ok_or_else(|| no_source(last))?;
        if let Base::Profile(name) = &base
            && !self.selected.is_explicit
            && self.keys_of_environment()?.is_some()
        {
            return Err(Failure::new(
                Kind::Setup,
                format!(
                    "the role of the profile {} needs the keys of the profile {name}, but MASTER_AWS_ACCESS_KEY_ID is another key",
                    self.selected.name
                ),
            )
            .hint(format!(
                "use the keys of {name} with `--profile {0}` or AWS_MFA_PROFILE={0}, or the MASTER_* keys with \
                 credential_source = Environment instead of source_profile",
                self.selected.name
            )));
        }
        roles.reverse();
        let role = roles.pop().ok_or_else(|| no_source(last))?;
        Ok(RoleChain {
            base,
            hops: roles,
            role,
        })
    }
}

fn role_arn(setting: Setting<&str>) -> Result<Setting<RoleArn>, Failure> {
    Ok(Setting {
        value: RoleArn::parse(setting.value, &setting.origin)?,
        origin: setting.origin,
    })
}

impl Role {
    fn of_profile(profile: Profile<'_>) -> Result<Self, Failure> {
        let arn = in_profile(profile, "role_arn")?.ok_or_else(|| no_source(profile.name()))?;
        let seconds = match in_profile(profile, "duration_seconds")? {
            None => CHAINED,
            Some(setting) => setting
                .value
                .trim()
                .parse()
                .ok()
                .filter(|seconds| (SHORTEST..=LONGEST).contains(seconds))
                .ok_or_else(|| {
                    Failure::new(
                        Kind::Setup,
                        format!(
                            "{} is not a number of seconds from 900 to 43200: {}",
                            setting.origin,
                            quote(setting.value)
                        ),
                    )
                    .hint("a role's credentials last 15 minutes to 12 hours")
                })?,
        };
        let session_name = match in_profile(profile, "role_session_name")? {
            None => None,
            Some(setting) if is_session_name(setting.value) => Some(setting.value.to_owned()),
            Some(setting) => {
                return Err(Failure::new(
                    Kind::Setup,
                    format!("{} is invalid: {}", setting.origin, quote(setting.value)),
                )
                .hint("use 2 to 64 letters, digits and characters from _+=,.@-"));
            }
        };
        Ok(Role {
            arn: role_arn(arn)?,
            external_id: in_profile(profile, "external_id")?
                .map(|setting| setting.value.to_owned()),
            session_name,
            seconds,
            region: in_profile(profile, "region")?.map(|setting| setting.map(str::to_owned)),
        })
    }
}

/// The keys at the end of the chain, if this role's profile is the last one.
fn end_of_chain(profile: Profile<'_>) -> Result<Option<Base>, Failure> {
    let source = profile.get("source_profile")?;
    let Some(credential_source) = profile.get("credential_source")? else {
        return match source {
            // A profile that is its own source has its own keys.
            Some(source) if source.value == profile.name() => {
                Ok(Some(Base::Profile(profile.name().to_owned())))
            }
            Some(_) => Ok(None),
            None => {
                for other in ["web_identity_token_file", "sso_session", "sso_start_url"] {
                    if profile.has(other)? {
                        return Err(unsupported(profile, other));
                    }
                }
                Err(no_source(profile.name()))
            }
        };
    };
    if source.is_some() {
        return Err(Failure::new(
            Kind::Setup,
            format!(
                "the profile {} has both source_profile and credential_source",
                profile.name()
            ),
        )
        .hint("remove one of them"));
    }
    match credential_source.value {
        "Environment" => Ok(Some(Base::Environment)),
        other => Err(unsupported(
            profile,
            &format!("credential_source = {other}"),
        )),
    }
}

fn unsupported(profile: Profile<'_>, what: &str) -> Failure {
    Failure::new(
        Kind::Setup,
        format!(
            "the profile {} has {what}, which cannot use an MFA code",
            profile.name()
        ),
    )
    .hint(
        "set source_profile to a profile with an access key, or credential_source = Environment for the MASTER_* variables; or use this profile with the AWS CLI",
    )
}

fn no_source(profile: &str) -> Failure {
    Failure::new(
        Kind::Setup,
        format!("the profile {profile} has a role_arn, but no source of credentials"),
    )
    .hint("add source_profile = <the profile with the access key>, or credential_source = Environment for MASTER_*")
}

/// Whether this is a valid RoleSessionName: 2 to 64 of `[\w+=,.@-]`.
fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.chars().all(in_session_name)
}

fn in_session_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

/// The user's name as a RoleSessionName. IAM's user names use the same alphabet, so only a single letter or an emulator's
/// odd name changes.
pub fn session_name(user: &str) -> String {
    let mut name: String = user
        .chars()
        .map(|c| if in_session_name(c) { c } else { '-' })
        .take(64)
        .collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arn_has_account_and_name() {
        let role = RoleArn::parse(
            " arn:aws-cn:iam::123456789012:role/team/admin\n",
            &Origin::Default,
        )
        .unwrap();
        assert_eq!(role.account(), "123456789012");
        assert_eq!(role.name(), "admin");
        assert_eq!(
            role.as_str(),
            "arn:aws-cn:iam::123456789012:role/team/admin"
        );
    }

    #[test]
    fn invalid_role_arn_is_an_error() {
        for text in [
            "",
            "admin",
            "arn:aws:iam::123456789012:user/igor",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::12345:role/admin",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:sts::123456789012:assumed-role/admin/igor",
        ] {
            assert_eq!(
                RoleArn::parse(text, &Origin::Flag("--role-arn"))
                    .err()
                    .unwrap()
                    .message,
                format!("--role-arn is not the ARN of a role: {text}")
            );
        }
    }

    #[test]
    fn session_name_has_only_characters_that_aws_allows() {
        assert_eq!(session_name("igor@example.com"), "igor@example.com");
        assert_eq!(session_name("ig or/ä"), "ig-or--");
        assert_eq!(session_name("i"), "i-");
        assert_eq!(session_name(&"x".repeat(80)).len(), 64);
    }
}
