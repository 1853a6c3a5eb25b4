//! The findings of `doctor`, for people and for programs.

use crate::error::Failure;
use crate::escape::escape;
use crate::terminal::{WIDTH, wrapped};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

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
        hint: (failure.hint).map(|hint| command_of(&hint).unwrap_or(&hint).to_owned()),
    }
}

/// The command in a hint like «run `aws-mfa get`».
fn command_of(hint: &str) -> Option<&str> {
    let command = hint.strip_prefix("run `")?.strip_suffix('`')?;
    (!command.contains('`')).then_some(command)
}

/// The findings for people: one line each, and one for the hint. On a terminal, long lines are wrapped, but no command is.
/// In colour, a symbol replaces the word.
pub fn text(findings: &[Finding], is_terminal: bool, colour: bool) -> String {
    let mut text = String::new();
    let lines = |text: &str, indent: usize, is_prose: bool| match is_terminal && is_prose {
        true => wrapped(text, WIDTH - indent).join(&format!("\n{:indent$}", "")),
        false => text.to_owned(),
    };
    for finding in findings {
        let (word, symbol, mark_colour) = finding.mark.shown();
        let bold = mark_colour.on_default().bold();
        let (mark, indent, style) = match colour {
            true => (
                format!("{bold}{symbol}{bold:#}"),
                2,
                AnsiColor::Cyan.on_default(),
            ),
            false => (format!("{word:7}"), 8, Style::new()),
        };
        let check = finding.check;
        let message = format!("{check}: {}", escape(&finding.message));
        text += &format!("{mark} {}\n", lines(&message, indent, true));
        if let Some(hint) = &finding.hint {
            let hint = lines(&escape(hint), indent, hint.contains('`'));
            text += &format!("{:indent$}{style}{hint}{style:#}\n", "");
        }
    }
    text
}
