//! Failures that have a remedy, how they are shown, and the exit statuses.
//!
//! A command fails with an [`anyhow::Error`]. Where the user can do something about it, that error
//! is a [`Failure`]: what happened, to what, and what to do next.

use crate::escape::escape;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::process::ExitCode;

/// The kind of a failure, which decides the exit status.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// Something is missing or broken: a setting, a file, a policy, the network.
    Setup = 1,
    /// The command line or the value of a setting is invalid.
    Usage = 2,
    /// There is no valid session.
    NoSession = 3,
    /// AWS rejected the MFA code.
    CodeRejected = 4,
    /// `exec`: the command exists but cannot be run. The status is a shell's, like the next one.
    CannotRun = 126,
    /// `exec`: there is no such command.
    NotFound = 127,
    /// Nothing says which of several profiles is meant. The status is that of [`Kind::Setup`].
    NoSelection,
}

impl Kind {
    /// The exit status.
    pub fn exit_status(self) -> u8 {
        match self {
            Kind::NoSelection => Kind::Setup as u8,
            kind => kind as u8,
        }
    }
}

/// A failure that has a remedy.
///
/// No text in it may contain a secret or a code. Outside text is escaped when it is shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Decides the exit status.
    pub kind: Kind,
    /// What happened and to what: one line, lower case.
    pub message: String,
    /// AWS's own words, shown on a separate line.
    pub detail: Option<String>,
    /// What to do next: one line.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// A failure of the kind [`Kind::Usage`] without a hint.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(Kind::Usage, message)
    }

    /// A failure of the kind [`Kind::Setup`] without a hint.
    pub fn setup(message: impl Into<String>) -> Self {
        Failure::new(Kind::Setup, message)
    }

    /// The same failure with this hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, with this hint if it has none.
    pub fn or_hint(self, hint: impl Into<String>) -> Self {
        match self.hint {
            Some(_) => self,
            None => self.hint(hint),
        }
    }

    /// The same failure with AWS's own words.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The failure on one line, for direnv and prompts, where more would be in the way.
    pub fn one_line(&self) -> String {
        let line = match &self.hint {
            Some(hint) => format!("{}: {hint}", self.message),
            None => self.message.clone(),
        };
        escape(&line).into_owned()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.message))?;
        if let Some(detail) = &self.detail {
            write!(f, "\n  {}", escape(detail))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {}", escape(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The text for standard error: `aws-mfa: ` and the failure, or the chain of causes on one line.
pub fn render(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) => format!("aws-mfa: {failure}\n"),
        None => format!("aws-mfa: {}\n", escape(&causes(error))),
    }
}

/// The chain of causes on one line.
pub fn causes(error: &anyhow::Error) -> String {
    let in_words = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref() {
        Some(error) => reason(error),
        None => cause.to_string(),
    };
    error.chain().map(in_words).collect::<Vec<_>>().join(": ")
}

/// How std begins to give the number of a system's error, after its words.
const NUMBER: &str = " (os error";

/// The reason of a failed system call, as a part of a sentence.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.contains(NUMBER) {
        true => without_number(&text),
        false => text,
    }
}

/// What the system said, as part of a sentence: without Rust's `(os error 13)` and Windows' full stop.
pub fn without_number(text: &str) -> String {
    let reason = text.split_once(NUMBER).map_or(text, |(reason, _)| reason);
    reason
        .trim_end_matches(['.', ' ', '\r', '\n'])
        .to_lowercase()
}

/// The kind of `error`, if it is a [`Failure`].
pub fn kind(error: &anyhow::Error) -> Option<Kind> {
    error.downcast_ref::<Failure>().map(|failure| failure.kind)
}

/// The exit status for `error`.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(kind(error).map_or(1, Kind::exit_status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_shows_message_detail_and_hint_in_this_order() {
        let failure = Failure::new(Kind::Setup, "the code was rejected")
            .detail("AccessDenied: no")
            .hint("wait");
        assert_eq!(
            render(&failure.into()),
            "aws-mfa: the code was rejected\n  AccessDenied: no\nhint: wait\n"
        );
    }

    #[test]
    fn error_without_a_remedy_shows_its_causes_on_one_line() {
        let error = anyhow::anyhow!("no space").context("cannot save the session");
        assert_eq!(
            render(&error),
            "aws-mfa: cannot save the session: no space\n"
        );
    }

    #[test]
    fn cause_from_the_system_has_no_error_number() {
        let error = std::io::Error::from_raw_os_error(13);
        let error = anyhow::Error::new(error).context("cannot write");
        let text = render(&error);
        if cfg!(unix) {
            assert_eq!(text, "aws-mfa: cannot write: permission denied\n");
        }
        assert!(!text.contains("os error"));
        assert!(!text.contains(".\n"), "{text}");
    }

    #[test]
    fn words_of_the_system_become_a_part_of_a_sentence() {
        for (said, shown) in [
            ("Permission denied (os error 13)", "permission denied"),
            ("Access is denied. (os error 5)", "access is denied"),
            (
                "No such host is known.\r\n (os error 11001)",
                "no such host is known",
            ),
            ("Name or service not known", "name or service not known"),
        ] {
            assert_eq!(without_number(said), shown);
        }
    }

    #[test]
    fn each_kind_of_failure_has_the_documented_status() {
        assert_eq!(Kind::Usage.exit_status(), 2);
        assert_eq!(Kind::NoSession.exit_status(), 3);
        assert_eq!(Kind::CodeRejected.exit_status(), 4);
        assert_eq!(Kind::Setup.exit_status(), 1);
        assert_eq!(Kind::NoSelection.exit_status(), 1);
        assert_eq!(Kind::CannotRun.exit_status(), 126);
        assert_eq!(Kind::NotFound.exit_status(), 127);
    }
}
