//! The session tags in a role's profile, under aws-vault's names: `session_tags = key=value,key=value`, and in
//! `transitive_session_tags` the keys of those that AWS passes on along a chain of roles.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use crate::aws::legal::{MOST_TAGS, TAG_KEY, TAG_VALUE};
use crate::aws::sts::SessionTag;
use crate::aws_files::Profile;
use crate::error::Failure;
use crate::escape::quote;
use crate::sources::in_profile;

/// The tags of `profile`, as AWS accepts them.
///
/// # Errors
/// AWS would refuse them, or they cannot be told apart: a value cannot have `,` or `=`.
pub fn of_profile(profile: Profile<'_>) -> Result<Vec<SessionTag>, Failure> {
    let mut tags: Vec<SessionTag> = Vec::new();
    if let Some(setting) = in_profile(profile, "session_tags")? {
        let origin = &setting.origin;
        for part in parts(&setting.value) {
            let fault = |what: &str, hint: String| {
                Err(Failure::setup(format!("{origin} {what}: {}", quote(part))).hint(hint))
            };
            let pair = part
                .split_once('=')
                .filter(|(_, value)| !value.contains('='));
            let Some((key, value)) = pair.map(|(key, value)| (key.trim(), value.trim())) else {
                return fault(
                    "is not a list like team=x,stage=y",
                    "a key or a value cannot contain , or =".to_owned(),
                );
            };
            if !TAG_KEY.accepts(key) {
                return fault("has an invalid key", format!("use {TAG_KEY}"));
            }
            if key.to_lowercase().starts_with("aws:") {
                return fault(
                    "has a reserved key",
                    "keys must not begin with aws:".to_owned(),
                );
            }
            if !TAG_VALUE.accepts(value) {
                return fault("has an invalid value", format!("use {TAG_VALUE}"));
            }
            if tags.iter().any(|tag| is_same(&tag.key, key)) {
                return fault(
                    "has a duplicate key",
                    "to AWS, keys that differ only in case are the same".to_owned(),
                );
            }
            tags.push(SessionTag {
                key: key.to_owned(),
                value: value.to_owned(),
                is_transitive: false,
            });
        }
        if tags.len() > MOST_TAGS {
            let message = format!("{origin} has {} tags", tags.len());
            return Err(Failure::setup(message).hint(format!("AWS allows at most {MOST_TAGS}")));
        }
    }
    if let Some(setting) = in_profile(profile, "transitive_session_tags")? {
        for key in parts(&setting.value) {
            let Some(tag) = tags.iter_mut().find(|tag| is_same(&tag.key, key)) else {
                let message = format!("{} has a key without a tag: {}", setting.origin, quote(key));
                return Err(Failure::setup(message).hint("add it to session_tags, with a value"));
            };
            tag.is_transitive = true;
        }
    }
    Ok(tags)
}

/// The parts of a list. A comma too many is no part.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// Whether AWS takes two keys for one.
pub fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Those of these tags that are `wanted`, as a profile has them.
pub fn text(tags: &[SessionTag], wanted: impl Fn(&SessionTag) -> bool) -> String {
    let tags = tags.iter().filter(|tag| wanted(tag));
    let tags: Vec<String> = tags
        .map(|tag| format!("{}={}", tag.key, tag.value))
        .collect();
    tags.join(",")
}
