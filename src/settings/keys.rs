//! The master keys: a user's long-term access key.

use crate::environment::Environment;
use crate::error::{Failure, Kind};
use crate::process;
use secrecy::SecretString;
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

/// How long a `credential_process` may take: the time to unlock a password manager. The SDKs set
/// no limit at all.
const PROCESS_LIMIT: Duration = Duration::from_secs(60);

/// A long-term access key. It cannot hold a session token: GetSessionToken refuses to be called
/// with a session's credentials.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>
pub struct MasterKeys {
    /// `AKIA…`; not a secret.
    pub access_key_id: String,
    /// Signs the request to STS.
    pub secret_access_key: SecretString,
}

/// What the master keys are made of.
pub enum KeySource<'a> {
    /// They are there.
    Pair {
        /// `AKIA…`
        access_key_id: &'a str,
        /// The secret that goes with it.
        secret_access_key: &'a str,
    },
    /// The command line of a `credential_process`, which prints them.
    Process(&'a str),
}

/// What a `credential_process` prints.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
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

impl MasterKeys {
    /// The keys of `source`; `name` is where they come from, for the messages.
    ///
    /// # Errors
    /// They are a session's (`ASIA…`), or the `credential_process` does not give any.
    pub fn of(source: &KeySource, name: &str, environment: &Environment) -> Result<Self, Failure> {
        match *source {
            KeySource::Pair {
                access_key_id,
                secret_access_key,
            } => Self::new(access_key_id, secret_access_key, name),
            KeySource::Process(command_line) => Self::of_process(command_line, name, environment),
        }
    }

    fn new(access_key_id: &str, secret_access_key: &str, name: &str) -> Result<Self, Failure> {
        let (access_key_id, secret_access_key) = (access_key_id.trim(), secret_access_key.trim());
        if access_key_id.starts_with("ASIA") {
            return Err(Self::of_session(name));
        }
        Ok(MasterKeys {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: SecretString::from(secret_access_key),
        })
    }

    fn of_process(
        command_line: &str,
        name: &str,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        if runs_aws_mfa(command_line) {
            return Err(not_itself(&format!("{name} {}", process::Fault::Circle)));
        }
        let output =
            process::run(command_line, environment, PROCESS_LIMIT).map_err(
                |fault| match fault {
                    process::Fault::Circle => not_itself(&format!("{name} {fault}")),
                    _ => unusable(name, &fault.to_string()),
                },
            )?;
        Self::of_answer(&output, name)
    }

    /// The keys that a `credential_process`, named `name`, has printed.
    ///
    /// # Errors
    /// It has printed something else; the message quotes nothing of it.
    pub fn of_answer(output: &[u8], name: &str) -> Result<Self, Failure> {
        let unusable = |what: &str| unusable(name, what);
        // serde_json's own message can quote what was printed.
        let answer: Answer = serde_json::from_slice(output)
            .map_err(|_| unusable("printed something else than credentials"))?;
        if answer.version != 1 {
            return Err(unusable(&format!(
                "printed Version {}, not 1",
                answer.version
            )));
        }
        if answer.access_key_id.starts_with("ASIA")
            || answer.session_token.is_some_and(|token| !token.is_empty())
        {
            return Err(not_itself(&format!(
                "{name} printed a session's keys, not the long-term ones"
            )));
        }
        for (key, value) in [
            ("AccessKeyId", &answer.access_key_id),
            ("SecretAccessKey", &answer.secret_access_key),
        ] {
            if value.is_empty() {
                return Err(unusable(&format!("printed no {key}")));
            }
        }
        Self::new(&answer.access_key_id, &answer.secret_access_key, name)
    }

    /// The failure for a session's keys in the place of master keys.
    pub fn of_session(name: &str) -> Failure {
        Failure::new(
            Kind::Setup,
            format!("{name} is of a session (ASIA…), not of the long-term keys"),
        )
        .hint("give the user's own access key there (AKIA…): a session cannot get another session")
    }
}

/// The failure for a `credential_process`, named `name`, that gives no keys.
fn unusable(name: &str, what: &str) -> Failure {
    Failure::new(Kind::Setup, format!("{name} {what}")).hint(
        "run it in a shell to see; it has to print \
         {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}",
    )
}

/// Whether the command line runs this program; it is then not even started. The first word is what
/// runs, after assignments and `env`. (What is hidden better ends in [`process::Fault::Circle`].)
fn runs_aws_mfa(command_line: &str) -> bool {
    let mut rest = command_line.trim_start();
    loop {
        let (word, after) = first_word(rest);
        let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
        match name {
            "aws-mfa" | "aws-mfa.exe" => return true,
            "env" | "exec" => {}
            _ if is_assignment(word) => {}
            _ => return false,
        }
        rest = after.trim_start();
    }
}

/// The first word, in quotes or not, and what comes after it.
fn first_word(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some((word, after)) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return (word, after);
        }
    }
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// `NAME=value`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn not_itself(message: &str) -> Failure {
    Failure::new(Kind::Setup, message).hint(
        "a session cannot get another session: name the profile that has the user's own \
         keys (AKIA…), `--profile <name>`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_that_is_run_counts_as_aws_mfa() {
        for line in [
            "aws-mfa load --format process",
            "\"/opt/my tools/aws-mfa\" load",
            "env A=b /usr/bin/aws-mfa load",
            "  A='b' exec '/usr/bin/aws-mfa' load",
            r"C:\tools\aws-mfa.exe load",
        ] {
            assert!(runs_aws_mfa(line), "{line}");
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
            assert!(!runs_aws_mfa(line), "{line}");
        }
    }
}
