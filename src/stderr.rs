//! Standard error: text for people, in colour on a terminal.

use crate::environment::{Environment, variable};
use crate::escape::escape;
use anstyle::{AnsiColor, Style};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The style of the word before an error.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The style of the word before a warning or a notice.
pub const NOTICE: Style = AnsiColor::Yellow.on_default().bold();

/// The style of the word before what to do next.
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();

static COLOUR: AtomicBool = AtomicBool::new(false);

/// Whether the user's variables allow colour. `NO_COLOR` (<https://no-color.org>) and `CLICOLOR=0` turn it off, as in
/// clap's help, and so does a terminal without colours.
pub fn allows_colour(environment: &Environment) -> bool {
    environment.get(variable::NO_COLOR).is_none()
        && (environment.get(variable::CLICOLOR)).is_none_or(|value| value != "0")
        && match environment.get(variable::TERM) {
            Some(term) => term != "dumb",
            None => cfg!(windows),
        }
}

/// Turns colour on for a standard error that is a terminal, if the user's variables allow it.
pub fn use_colour(environment: &Environment) {
    COLOUR.store(allows_colour(environment), Ordering::Relaxed);
}

/// Writes `text`, which is whole lines, with its first word in `style`. If standard error is closed, nowhere is left to
/// report that.
pub fn write(text: &str, style: Style) {
    let mut stderr = std::io::stderr();
    let text = match COLOUR.load(Ordering::Relaxed) && stderr.is_terminal() {
        true => coloured(text, style),
        false => text.to_owned(),
    };
    let _ = stderr.write_all(text.as_bytes());
}

/// Colours the words at the start of lines. They are this program's own: outside text is escaped and never starts a
/// line.
fn coloured(text: &str, style: Style) -> String {
    let words = [
        ("aws-mfa:", style),
        ("error:", style),
        ("hint:", HINT),
        ("  tip:", HINT),
    ];
    text.split_inclusive('\n')
        .map(|line| {
            let found = words.iter().find_map(|(word, style)| {
                let rest = line.strip_prefix(word)?;
                Some(format!("{style}{word}{style:#}{rest}"))
            });
            found.unwrap_or_else(|| line.to_owned())
        })
        .collect()
}

/// Writes a one-line notice for people to standard error.
pub fn note(text: &str) {
    write(&format!("aws-mfa: {}\n", escape(text)), NOTICE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_at_the_start_of_lines_are_coloured() {
        assert_eq!(
            coloured(
                "aws-mfa: no hint: here\n  Denied: hint:\nhint: wait\n",
                ERROR
            ),
            "\u{1b}[1m\u{1b}[31maws-mfa:\u{1b}[0m no hint: here\n  Denied: hint:\n\
             \u{1b}[1m\u{1b}[36mhint:\u{1b}[0m wait\n"
        );
    }
}
