//! `credential_process`: the user's command that prints the master keys.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use super::keys::MasterKeys;
use crate::aws_files::Profile;
use crate::environment::Environment;
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use crate::user_command::{self, Fault};
use crate::word;
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

/// The time limit for a `credential_process`: enough to unlock a password manager. The SDKs have no limit.
pub const LIMIT: Duration = Duration::from_secs(60);

/// This program.
const AWS_MFA: &str = "aws-mfa";

/// It gets a session from STS, unless it is told not to, see its USAGE.md.
const AWS_VAULT: &str = "aws-vault";
const NO_SESSION: [&str; 2] = ["--no-session", "-n"];

/// It asks for a code if the profile has a device, and prints the key otherwise; or it signs in with IAM Identity Center.
/// See `pkg/cfaws` of <https://github.com/common-fate/granted>.
const GRANTED: &str = "granted";
const GRANTED_SSO: &str = "granted_sso_account_id";

/// They sign in with SAML, Okta or IAM Identity Center, and have no keys of users.
const SIGN_IN: [&str; 5] = [
    "saml2aws",
    "okta-aws-cli",
    "gimme-aws-creds",
    "aws-sso",
    "aws-sso-util",
];

/// What a `credential_process` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    version: u64,
    #[serde(borrow, default)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow, default)]
    secret_access_key: Cow<'a, str>,
    #[serde(borrow, default)]
    session_token: Option<Cow<'a, str>>,
}

/// The keys that the command line prints. `name` is the setting's name, for messages.
///
/// # Errors
/// It runs aws-mfa, cannot be run, or prints something other than long-term keys.
pub fn run(
    command_line: &str,
    name: &str,
    environment: &Environment,
    limit: Duration,
) -> Result<MasterKeys, Failure> {
    // It must not even be started. (An indirect call of this program ends in the same fault.)
    let output = match aws_mfa_arguments(command_line) {
        Some(_) => Err(Fault::Cycle),
        None => user_command::run(command_line, environment, limit),
    };
    match output {
        Ok(output) => parse(&output, name),
        Err(Fault::Cycle) => Err(no_long_term_keys(&format!("{name} {}", Fault::Cycle))),
        Err(fault) => Err(unusable(name, &fault.to_string())),
    }
}

/// The keys in the output of the `credential_process` from the setting `name`.
///
/// # Errors
/// The output is something else. The message quotes none of it.
pub fn parse(output: &[u8], name: &str) -> Result<MasterKeys, Failure> {
    let unusable = |what: &str| unusable(name, what);
    // serde_json's own message can quote the output.
    let answer: Answer = serde_json::from_slice(output)
        .map_err(|_| unusable("printed something other than credentials"))?;
    if answer.version != 1 {
        let version = answer.version;
        return Err(unusable(&format!("printed Version {version}, not 1")));
    }
    if answer.access_key_id.starts_with("ASIA")
        || answer.session_token.is_some_and(|token| !token.is_empty())
    {
        let message = format!("{name} printed temporary credentials, not long-term keys");
        return Err(no_long_term_keys(&message));
    }
    for (key, value) in [
        ("AccessKeyId", &answer.access_key_id),
        ("SecretAccessKey", &answer.secret_access_key),
    ] {
        if value.is_empty() {
            return Err(unusable(&format!("printed no {key}")));
        }
    }
    MasterKeys::new(
        &answer.access_key_id,
        &answer.secret_access_key,
        &format!("AccessKeyId of {name}"),
    )
}

/// The failure for a `credential_process` without keys.
fn unusable(name: &str, what: &str) -> Failure {
    Failure::setup(format!("{name} {what}")).hint(
        "run it in a shell to see why; it has to print \
         {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}",
    )
}

/// Whether the profile's command line is known to print no key: it runs this program, or a tool that gets a session itself.
pub fn is_of_sessions(profile: Profile<'_>, command_line: &str) -> bool {
    let has = |key| profile.written(key).is_some();
    match program(command_line) {
        Some((AWS_VAULT, words)) => !words.iter().any(|word| NO_SESSION.contains(&word.as_str())),
        Some((GRANTED, _)) => has("mfa_serial") || has(GRANTED_SSO),
        Some(_) => true,
        None => false,
    }
}

/// Makes sure that the profile's command line is not of another tool that would get a session itself, perhaps for a code.
///
/// # Errors
/// It is; with what makes the tool print the key.
pub fn check(profile: Profile<'_>, command: &Setting<String>) -> Result<(), Failure> {
    let (line, origin) = (&command.value, &command.origin);
    if !is_of_sessions(profile, line) {
        return Ok(());
    }
    let (name, quoted) = (profile.name(), word::quoted(profile.name()));
    let file = match origin {
        Origin::Profile(.., file) => in_words(file),
        other => other.to_string(),
    };
    let (tool, hint) = match program(line) {
        Some((AWS_VAULT, _)) => (AWS_VAULT, {
            let line = without_session(line);
            format!("write `credential_process = {line}` in {file}")
        }),
        Some((GRANTED, _)) if profile.has(GRANTED_SSO)? => (GRANTED, {
            format!(
                "it signs in with IAM Identity Center, which has its own MFA: run `assume {quoted}`"
            )
        }),
        Some((GRANTED, _)) => (GRANTED, {
            format!(
                "remove mfa_serial from the profile {name} in {file}, and run `{GRANTED} credential-process --no-cache \
                 --profile={quoted} > /dev/null` once: it prints the key then, and aws-mfa finds the device"
            )
        }),
        _ => return Ok(()),
    };
    let message = format!("{origin} prints temporary credentials: {tool} gets a session itself");
    Err(Failure::setup(message).hint(hint))
}

/// The command line of aws-vault with the option to print the key, after the verb: `export`, in earlier versions
/// `exec --json`.
fn without_session(line: &str) -> String {
    let verb = line.find(AWS_VAULT).and_then(|start| {
        let verbs = [" export ", " exec "];
        let ends = verbs.map(|verb| Some(start + line.get(start..)?.find(verb)? + verb.len()));
        ends.into_iter().flatten().min()
    });
    let (before, after) = line.split_at(verb.unwrap_or(line.len()));
    format!("{before}--no-session {after}")
}

/// The words of a command line that runs this program, beginning with its name.
pub fn aws_mfa_arguments(command_line: &str) -> Option<Vec<String>> {
    program(command_line).and_then(|(name, words)| (name == AWS_MFA).then_some(words))
}

/// The program of a command line, if it is one of those above, and its words, beginning with its name. The program is the first
/// word after assignments, `env` and `exec`.
fn program(command_line: &str) -> Option<(&'static str, Vec<String>)> {
    // On Windows, a backslash in a path is not an escape.
    let mut words = shlex::split(&command_line.replace('\\', "/"))?;
    let program = words
        .iter()
        .position(|word| !matches!(word.as_str(), "env" | "exec") && !is_assignment(word))?;
    words.drain(..program);
    let name = words.first()?.rsplit('/').next()?;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let mut known = [AWS_MFA, AWS_VAULT, GRANTED].into_iter().chain(SIGN_IN);
    let name = known.find(|known| *known == name)?;
    Some((name, words))
}

/// `NAME=value`.
fn is_assignment(word: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_of_name))
}

fn no_long_term_keys(message: &str) -> Failure {
    Failure::setup(message).hint(
        "GetSessionToken requires a long-term key: use the profile that has the user's own keys (AKIA…): `--profile <name>`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_of_aws_vault_comes_after_its_verb() {
        for (line, corrected) in [
            (
                "aws-vault export --format=json work",
                "aws-vault export --no-session --format=json work",
            ),
            (
                "env A=b exec /opt/aws-vault/aws-vault exec --json exec",
                "env A=b exec /opt/aws-vault/aws-vault exec --no-session --json exec",
            ),
        ] {
            assert_eq!(without_session(line), corrected);
        }
    }

    #[test]
    fn only_the_program_itself_counts_as_aws_mfa() {
        for line in [
            "aws-mfa load --format process",
            "\"/opt/my tools/aws-mfa\" load",
            "env A=b /usr/bin/aws-mfa load",
            "  A='b' exec '/usr/bin/aws-mfa' load",
            r"C:\tools\aws-mfa.exe load",
        ] {
            assert!(aws_mfa_arguments(line).is_some(), "{line}");
        }
        for line in [
            "",
            "\"",
            "env A=b",
            "/opt/aws-mfa/keys",
            "my-aws-mfa",
            "keys --for aws-mfa-user",
            "cat ~/secrets/aws-mfa",
            "keys=1; pass show aws-mfa",
        ] {
            assert!(aws_mfa_arguments(line).is_none(), "{line}");
        }
    }
}
