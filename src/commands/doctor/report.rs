//! The findings of `doctor`, for people and for programs.

use crate::error::Failure;
use crate::escape::escape;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;

/// One finding of a check.
#[derive(Clone, Serialize)]
pub struct Finding {
    /// The check, in one word.
    pub check: &'static str,
    /// What it means.
    #[serde(rename = "status")]
    pub mark: Mark,
    /// The finding.
    pub message: String,
    /// What to do about it: one command or line.
    pub hint: Option<String>,
}

/// What a finding means.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Everything is fine.
    Ok,
    /// It works, but should be changed.
    Warning,
    /// It does not work.
    Error,
    /// It was not checked, or the check cannot tell.
    Skipped,
}

impl Mark {
    /// The word for output without colour; for output with it, the symbol and the colour.
    fn shown(self) -> (&'static str, &'static str, AnsiColor) {
        match self {
            Mark::Ok => ("ok", "✓", AnsiColor::Green),
            Mark::Warning => ("warning", "!", AnsiColor::Yellow),
            Mark::Error => ("error", "✗", AnsiColor::Red),
            Mark::Skipped => ("skipped", "-", AnsiColor::BrightBlack),
        }
    }
}

/// A finding that everything is fine.
pub fn ok(check: &'static str, message: impl Into<String>) -> Finding {
    Finding {
        check,
        mark: Mark::Ok,
        message: message.into(),
        hint: None,
    }
}

/// A skipped check, with the reason.
pub fn skipped(check: &'static str, why: impl Into<String>) -> Finding {
    Finding {
        mark: Mark::Skipped,
        ..ok(check, why)
    }
}

/// A finding that is a warning.
pub fn warning(check: &'static str, failure: Failure) -> Finding {
    Finding {
        mark: Mark::Warning,
        ..error(check, failure)
    }
}

/// A finding that is an error.
pub fn error(check: &'static str, failure: Failure) -> Finding {
    Finding {
        check,
        mark: Mark::Error,
        message: match failure.detail {
            Some(detail) => format!("{}: {detail}", failure.message),
            None => failure.message,
        },
        hint: failure.hint.map(|hint| match command_of(&hint) {
            Some(command) => command.to_owned(),
            None => hint,
        }),
    }
}

/// The command in a hint like «run `aws-mfa get`».
fn command_of(hint: &str) -> Option<&str> {
    let command = hint.strip_prefix("run `")?.strip_suffix('`')?;
    (!command.contains('`')).then_some(command)
}

/// The findings for people: one line each, and one for the hint. In colour, a symbol replaces the word.
pub fn text(findings: &[Finding], colour: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let (word, symbol, mark_colour) = finding.mark.shown();
        let style = mark_colour.on_default().bold();
        let mark = match colour {
            true => format!("{style}{symbol}{style:#}"),
            false => format!("{word:7}"),
        };
        let check = finding.check;
        text += &format!("{mark} {check}: {}\n", escape(&finding.message));
        if let Some(hint) = &finding.hint {
            let (indent, style) = match colour {
                true => ("  ", AnsiColor::Cyan.on_default()),
                false => ("        ", Style::new()),
            };
            text += &format!("{indent}{style}{}{style:#}\n", escape(hint));
        }
    }
    text
}

/// The findings as one JSON object. Scripts rely on it: within one `version`, fields are added, but never changed or
/// removed.
pub fn json(findings: &[Finding]) -> anyhow::Result<String> {
    let report = json!({ "version": 1, "findings": findings });
    super::super::json(&report)
}
