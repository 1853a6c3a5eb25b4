//! `aws-mfa init aws-config`: for each profile with a role or an MFA device, and for the one with the keys that are used
//! where nothing selects a profile, a second profile through which the AWS CLI, SDKs, Terraform and IDEs get its credentials.

use crate::account::credential_process::aws_mfa_arguments;
use crate::account::{ProfileChoice, key_source};
use crate::aws_files::{self, Profile, Profiles};
use crate::environment::Environment;
use crate::error::Failure;
use crate::escape::quote;
use crate::settings::device;
use crate::stderr::note;
use anyhow::Context;

/// The suffix of the second profile's name.
const SUFFIX: &str = "-mfa";

/// The second profiles, to be appended to `~/.aws/config`. Skips a profile that already has one, and with a warning one
/// that cannot have one. `asks`: without a session, they ask for a code.
///
/// # Errors
/// The profiles cannot be read, or the path of this program is unknown or cannot be quoted.
pub fn stanzas(environment: &Environment, asks: bool) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let program = program.to_str().and_then(quoted).ok_or_else(|| {
        let path = program.display();
        Failure::setup(format!("the path of this program cannot be quoted: {path}"))
            .hint("install aws-mfa in a directory with a plain name")
    })?;
    let load = match asks {
        true => format!("{program} load --ask"),
        false => format!("{program} load"),
    };
    let profiles = Profiles::load(environment)?;
    let meant = ProfileChoice::none().or_only_one(&profiles).ok();
    let meant = meant
        .map(|meant| meant.name)
        .filter(|name| key_source::has_user_keys(profiles.profile(name)));
    let mut text = String::new();
    for name in key_source::names(&profiles) {
        let is_meant = meant.as_deref() == Some(name);
        match stanza(profiles.profile(name), is_meant, &profiles, &load) {
            Ok(stanza) => text.push_str(&stanza),
            Err(failure) => {
                let why = failure.one_line();
                note(&format!("warning: skipping the profile {name}: {why}"));
            }
        }
    }
    Ok(text)
}

/// The second profile of `profile`, if it needs one or `is_meant` by default. `load` is the beginning of its command.
fn stanza(
    profile: Profile<'_>,
    is_meant: bool,
    profiles: &Profiles,
    load: &str,
) -> Result<String, Failure> {
    let own = format!("{}{SUFFIX}", profile.name());
    if !is_meant && !is_wanted(profile)? || profiles.profile(&own).exists() {
        return Ok(String::new());
    }
    let word = match profile.name().starts_with('-') {
        true => quoted(&format!("--profile={}", profile.name())),
        false => quoted(profile.name()).map(|name| format!("--profile {name}")),
    };
    let (Some(section), Some(word)) = (aws_files::config_section(&own), word) else {
        return Err(Failure::setup("its name cannot be quoted"));
    };
    let mut text = format!("\n{section}\ncredential_process = {load} {word} --format process\n");
    if let Some(region) = profile.get("region")? {
        // A region of an emulator may be any word.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let region = region.value;
        if !region.chars().all(is_plain) {
            let message = format!("its region is not valid: {}", quote(region));
            return Err(Failure::setup(message));
        }
        text += &format!("region = {region}\n");
    }
    Ok(text)
}

/// Whether the profile has a role or an MFA device, and is not itself a second profile.
fn is_wanted(profile: Profile<'_>) -> Result<bool, Failure> {
    let process = profile.get("credential_process")?;
    let is_alias = process.is_some_and(|command| aws_mfa_arguments(command.value).is_some());
    Ok(!is_alias
        && (profile.has("role_arn")?
            || device::in_profile(profile)?.is_some()
            || key_source::long_term(profile).is_some()))
}

/// A word quoted for every reader of a `credential_process`: botocore splits the line like a POSIX shell, other SDKs pass
/// it to the system's shell.
fn quoted(word: &str) -> Option<String> {
    let is_plain =
        |c: char| c.is_alphanumeric() || "_-./@:+,=".contains(c) || (cfg!(windows) && c == '\\');
    let is_quotable = |c: char| !c.is_control() && !"\"\\$`%!'^".contains(c) || is_plain(c);
    // The SDKs cut a comment behind white space even in quotes.
    let is_comment = |part: &str| part.starts_with(['#', ';']);
    let has_comment = word.split_whitespace().skip(1).any(is_comment);
    if word.is_empty() || has_comment || !word.chars().all(is_quotable) {
        return None;
    }
    Some(match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("\"{word}\""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_plain_quoted_or_rejected() {
        assert_eq!(quoted("work-eu").unwrap(), "work-eu");
        assert_eq!(
            quoted("/opt/my tools/aws-mfa").unwrap(),
            "\"/opt/my tools/aws-mfa\""
        );
        for odd in [
            "", "a #b", "a ;", "a\"b", "a'b", "a$b", "a`b", "a%b", "a\nb",
        ] {
            assert_eq!(quoted(odd), None, "{odd}");
        }
    }
}
