//! The role to assume, and the chain of roles that leads to it.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>

mod session_tags;

use super::key_source::{self, KeySource};
use super::{Owner, ProfileChoice};
use crate::aws::legal::{self, Legal, is_account};
use crate::aws::sts::SessionTag;
use crate::aws_files::{Profile, Profiles, Property};
use crate::environment::variable;
use crate::error::Failure;
use crate::escape::quote;
use crate::origin::{Origin, Setting};
use crate::session::name;
use crate::sources::{Sources, in_profile};
use std::fmt;

/// The shortest session of a role, and the longest that its MaxSessionDuration can allow, in seconds.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const SHORTEST: i32 = 900;
const LONGEST: i32 = 12 * 3600;

/// The longest session of a role that is assumed with temporary credentials, in seconds. It is also AWS's default.
pub const CHAINED: i32 = 3600;

/// The roles from the user's own session to the selected one.
pub struct RoleChain {
    /// Whose session assumes the first role.
    pub owner: Owner,
    /// The roles assumed before it, in order.
    pub hops: Vec<Role>,
    /// The selected role.
    pub role: Role,
}

/// A role to assume.
pub struct Role {
    /// Its ARN, with its origin.
    pub arn: Setting<RoleArn>,
    /// The external id that its trust policy may require.
    pub external_id: Option<String>,
    /// The session's name in CloudTrail; by default, the user's name.
    pub session_name: Option<String>,
    /// The source identity that it sets, unless a role before it in the chain has set it already.
    pub source_identity: Option<String>,
    /// The session tags that it adds to those that the roles before it pass on.
    pub tags: Vec<SessionTag>,
    /// The requested duration, in seconds.
    pub seconds: i32,
}

impl RoleChain {
    /// What the role's credentials are valid for beside the master key: a text that differs for each. `is_direct`: a code
    /// is spent on the role itself, which then lasts as long as `get` was told.
    pub fn digest(&self, is_direct: bool) -> String {
        let roles = self.hops.iter().chain([&self.role]);
        name::short_digest(roles.flat_map(|role| {
            let seconds = (!is_direct).then(|| role.seconds.to_string());
            [
                role.arn.value.to_string(),
                role.external_id.clone().unwrap_or_default(),
                role.session_name.clone().unwrap_or_default(),
                role.source_identity.clone().unwrap_or_default(),
                session_tags::text(&role.tags, |_| true),
                session_tags::text(&role.tags, |tag| tag.is_transitive),
                seconds.unwrap_or_default(),
            ]
        }))
    }

    /// The source identity of the selected role's session.
    pub fn source_identity(&self) -> Option<&str> {
        let mut roles = self.hops.iter().chain([&self.role]);
        roles.find_map(|role| role.source_identity.as_deref())
    }

    /// The tags of the selected role's session: those that the roles before it pass on, and its own.
    pub fn tags(&self) -> impl Iterator<Item = &SessionTag> {
        let passed_on = self.hops.iter().flat_map(|hop| &hop.tags);
        let passed_on = passed_on.filter(|tag| tag.is_transitive);
        passed_on.chain(&self.role.tags)
    }
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
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match parts.as_slice() {
            ["arn", partition, "iam", "", account, resource]
                if partition.starts_with("aws")
                    && partition.bytes().all(is_letter)
                    && is_account(account)
                    && resource.strip_prefix("role/").is_some_and(legal::is_role) =>
            {
                Ok(RoleArn(text.to_owned()))
            }
            _ => {
                let message = format!("{origin} is not the ARN of a role: {}", quote(text));
                Err(Failure::setup(message)
                    .hint("a role's ARN is arn:aws:iam::<account>:role/<name>"))
            }
        }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role's partition: `aws`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The selected role with the roles that lead to it: from `--role-arn`, else an explicit profile, else `AWS_MFA_ROLE_ARN`,
/// else the profile in `AWS_PROFILE`. `line` is the selected profile with its sources.
///
/// # Errors
/// The chain does not begin with an access key, or a setting of the role is invalid.
pub fn chain(
    sources: &Sources,
    selected: &ProfileChoice,
    line: &[String],
    profiles: &Profiles,
    uses_environment: bool,
) -> Result<Option<RoleChain>, Failure> {
    let flag = sources.selection.role_arn.as_deref();
    let arn = sources.look_up(
        flag.map(|value| ("--role-arn", value)),
        &[variable::AWS_MFA_ROLE_ARN],
        selected.is_explicit,
        || match line.first() {
            Some(name) => in_profile(profiles.profile(name), "role_arn"),
            None => Ok(None),
        },
    )?;
    let Some(arn) = arn else {
        return Ok(None);
    };
    let is_of_profile = matches!(arn.origin, Origin::Profile(..));
    let (mut roles, owner) = match line.first() {
        _ if uses_environment && !is_of_profile => (Vec::new(), Owner::Environment),
        Some(first) if profiles.profile(first).has("role_arn")? => {
            let (roles, owner) = of_profiles(line, profiles)?;
            check_own_source(sources, profiles, &owner)?;
            (roles, owner)
        }
        _ => (Vec::new(), super::owner(line, profiles, selected)?),
    };
    let name = &selected.name;
    if !is_of_profile {
        roles = vec![Role {
            arn: role_arn(arn)?,
            external_id: None,
            session_name: None,
            source_identity: None,
            tags: Vec::new(),
            seconds: CHAINED,
        }];
    } else if uses_environment && let Owner::Profile(owner) = &owner {
        return Err(Failure::setup(format!(
            "the role of the profile {name} needs the keys of the profile {owner}, but MASTER_AWS_ACCESS_KEY_ID is another key"
        ))
        .hint(format!(
            "use the keys of {owner} with `--profile {name}` or AWS_MFA_PROFILE={name}, or the MASTER_* keys with \
             credential_source = Environment instead of source_profile"
        )));
    }
    // The selected one is assumed last.
    roles.reverse();
    check_inheritance(&mut roles)?;
    let role = roles.pop().ok_or_else(|| no_source(name))?;
    Ok(Some(RoleChain {
        owner,
        hops: roles,
        role,
    }))
}

/// Whether these roles, assumed in this order, set nothing that AWS passes on to them already: it would refuse the call.
/// The source identity is set once.
fn check_inheritance(roles: &mut [Role]) -> Result<(), Failure> {
    const REMEDY: &str = "remove it there: AWS passes it on, and no later role can change it";
    let mut identity: Option<(String, Origin)> = None;
    let mut passed_on: Vec<(SessionTag, Origin)> = Vec::new();
    for role in roles {
        let named = |key| role.arn.origin.of_key(key);
        if let Some(own) = role.source_identity.take() {
            match &identity {
                None => {
                    role.source_identity = Some(own.clone());
                    identity = Some((own, named("source_identity")));
                }
                Some((earlier, _)) if *earlier == own => {}
                Some((earlier, set_by)) => {
                    let own = format!("{} is {}", named("source_identity"), quote(&own));
                    let message = format!("{own}, but {set_by} is {}", quote(earlier));
                    return Err(Failure::setup(message).hint(REMEDY));
                }
            }
        }
        for tag in &role.tags {
            let is_same =
                |(other, _): &&(SessionTag, Origin)| session_tags::is_same(&other.key, &tag.key);
            if let Some((_, set_by)) = passed_on.iter().find(is_same) {
                let own = format!("{} sets {}", named("session_tags"), quote(&tag.key));
                let message = format!("{own}, which {set_by} already passes on");
                return Err(Failure::setup(message).hint(REMEDY));
            }
        }
        let transitive = role.tags.iter().filter(|tag| tag.is_transitive);
        let origin = named("transitive_session_tags");
        passed_on.extend(transitive.map(|tag| (tag.clone(), origin.clone())));
    }
    Ok(())
}

/// Whether a profile that is its own source has keys, perhaps those of the environment.
fn check_own_source(sources: &Sources, profiles: &Profiles, owner: &Owner) -> Result<(), Failure> {
    let Owner::Profile(name) = owner else {
        return Ok(());
    };
    let profile = profiles.profile(name);
    let of_environment = KeySource::of_environment(sources.environment);
    let has_keys = key_source::has_keys(profile)? || !matches!(of_environment, Ok(None));
    match profile.has("role_arn")? && !has_keys {
        true => Err(Failure::setup(format!(
            "the profile {name} is its own source_profile, but has no access key"
        ))
        .hint(format!(
            "set source_profile to the profile that has it, or put aws_access_key_id and aws_secret_access_key under [{name}] in ~/.aws/credentials"
        ))),
        false => Ok(()),
    }
}

/// The roles of these profiles, the selected one first, and the owner of the keys at their end. A profile without a role
/// and without keys is a hop.
fn of_profiles(line: &[String], profiles: &Profiles) -> Result<(Vec<Role>, Owner), Failure> {
    let mut roles = Vec::new();
    for name in line {
        let profile = profiles.profile(name);
        if profile.has("role_arn")? {
            roles.push(Role::of_profile(profile)?);
            if let Some(owner) = end_of_chain(profile)? {
                return Ok((roles, owner));
            }
        } else if key_source::has_keys(profile)? {
            return Ok((roles, Owner::Profile(name.clone())));
        }
    }
    // The last one has neither.
    let last = line.last().map_or("", String::as_str);
    match profiles.profile(last).get("role_arn")? {
        Some(_) => Err(no_source(last)),
        None => Ok((roles, Owner::Profile(last.to_owned()))),
    }
}

fn role_arn(setting: Setting<String>) -> Result<Setting<RoleArn>, Failure> {
    let arn = RoleArn::parse(&setting.value, &setting.origin)?;
    Ok(Setting::new(arn, setting.origin))
}

impl Role {
    fn of_profile(profile: Profile<'_>) -> Result<Self, Failure> {
        let arn = in_profile(profile, "role_arn")?.ok_or_else(|| no_source(profile.name()))?;
        let seconds = match in_profile(profile, "duration_seconds")? {
            None => CHAINED,
            Some(Setting { value, origin }) => match value.trim().parse() {
                Ok(seconds @ SHORTEST..=LONGEST) => seconds,
                _ => {
                    let what = "is not a number of seconds from 900 to 43200";
                    let message = format!("{origin} {what}: {}", quote(&value));
                    return Err(Failure::setup(message)
                        .hint("a role's credentials last 15 minutes to 12 hours"));
                }
            },
        };
        let legal = |key: &'static str, legal: &Legal| match in_profile(profile, key)? {
            Some(Setting { value, origin }) if !legal.accepts(&value) => {
                let message = format!("{origin} is invalid: {}", quote(&value));
                Err(Failure::setup(message).hint(format!("use {legal}")))
            }
            setting => Ok(setting.map(|setting| setting.value)),
        };
        Ok(Role {
            arn: role_arn(arn)?,
            external_id: legal("external_id", &legal::EXTERNAL_ID)?,
            session_name: legal("role_session_name", &legal::SESSION_NAME)?,
            source_identity: legal("source_identity", &legal::SOURCE_IDENTITY)?,
            tags: session_tags::of_profile(profile)?,
            seconds,
        })
    }
}

/// The keys at the end of the chain, if this role's profile is the last one.
fn end_of_chain(profile: Profile<'_>) -> Result<Option<Owner>, Failure> {
    let name = profile.name();
    let source = profile.get("source_profile")?;
    match (source, profile.get("credential_source")?) {
        (Some(_), Some(_)) => Err(Failure::setup(format!(
            "the profile {name} has both source_profile and credential_source"
        ))
        .hint("remove one of them")),
        // A profile that is its own source has its own keys.
        (Some(source), None) => Ok((source.value == name).then(|| Owner::Profile(name.to_owned()))),
        (None, Some(source)) if source.value == "Environment" => Ok(Some(Owner::Environment)),
        (None, Some(Property { value, .. })) => {
            Err(unsupported(name, &format!("credential_source = {value}")))
        }
        (None, None) => {
            for key in ["web_identity_token_file", "sso_session", "sso_start_url"] {
                if profile.has(key)? {
                    return Err(unsupported(name, key));
                }
            }
            Err(no_source(name))
        }
    }
}

fn unsupported(profile: &str, what: &str) -> Failure {
    Failure::setup(format!("the profile {profile} uses {what}, which does not work with MFA codes"))
    .hint(
        "set source_profile to a profile with an access key, or use this profile with the AWS CLI alone",
    )
}

fn no_source(profile: &str) -> Failure {
    let message = format!("the profile {profile} has a role_arn, but no source of credentials");
    Failure::setup(message).hint("add source_profile = <the profile with the access key>, or credential_source = Environment if the key is in MASTER_*")
}

/// The user's name as a RoleSessionName. IAM's user names use the same alphabet, so only a single letter or an emulator's
/// odd name changes.
pub fn session_name(user: &str) -> String {
    let allowed = |c| match legal::SESSION_NAME.allows(c) {
        true => c,
        false => '-',
    };
    let name: String = user.chars().map(allowed).take(64).collect();
    format!("{name:-<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arn_is_trimmed_and_has_a_partition() {
        let role = RoleArn::parse(
            " arn:aws-cn:iam::123456789012:role/team/admin\n",
            &Origin::Default,
        )
        .unwrap();
        let odd = "arn:aws:iam::123456789012:role/team~x/Deploy";
        assert!(RoleArn::parse(odd, &Origin::Default).is_ok());
        assert_eq!(role.partition(), "aws-cn");
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
            "arn:aws:iam::123456789012:role/team~x",
            "arn:aws:iam::123456789012:role/team x/admin",
            "arn:aws/x:iam::123456789012:role/admin",
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
