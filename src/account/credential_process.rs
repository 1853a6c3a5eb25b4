//! `credential_process`: the user's command that prints the master keys.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use super::keys::MasterKeys;
use crate::environment::Environment;
use crate::error::Failure;
use crate::user_command::{self, Fault};
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

/// The time limit for a `credential_process`: enough to unlock a password manager. The SDKs have no limit.
pub const LIMIT: Duration = Duration::from_secs(60);

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

/// The words of a command line that runs this program, beginning with its name. The program is the first word after
/// assignments, `env` and `exec`.
pub fn aws_mfa_arguments(command_line: &str) -> Option<Vec<String>> {
    // On Windows, a backslash in a path is not an escape.
    let mut words = shlex::split(&command_line.replace('\\', "/"))?;
    let program = words
        .iter()
        .position(|word| !matches!(word.as_str(), "env" | "exec") && !is_assignment(word))?;
    words.drain(..program);
    let name = words.first()?.rsplit('/').next()?;
    matches!(name, "aws-mfa" | "aws-mfa.exe").then_some(words)
}

/// `NAME=value`.
fn is_assignment(word: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_of_name))
}

fn no_long_term_keys(message: &str) -> Failure {
    Failure::setup(message).hint(
        "AWS issues no session for temporary credentials: use the profile that has the user's own keys (AKIA…): `--profile <name>`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
