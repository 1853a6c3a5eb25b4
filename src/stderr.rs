//! Standard error: text for people, in colour on a terminal.

use crate::environment::{Environment, variable};
use anstyle::{AnsiColor, Style};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// For the word before an error.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();

/// For the word before a warning or a notice.
pub const NOTICE: Style = AnsiColor::Yellow.on_default().bold();

const HINT: Style = AnsiColor::Cyan.on_default().bold();

static COLOUR: AtomicBool = AtomicBool::new(false);

/// Whether the user's variables allow colour: not with `NO_COLOR` (<https://no-color.org>) or `CLICOLOR=0`, which
/// clap's help obeys too, nor on a terminal that has none.
pub fn allows_colour(environment: &Environment) -> bool {
    environment.get(variable::NO_COLOR).is_none()
        && (environment.get(variable::CLICOLOR)).is_none_or(|value| value != "0")
        && match environment.get(variable::TERM) {
            Some(term) => term != "dumb",
            None => cfg!(windows),
        }
}

/// Has what is written from now on coloured, if standard error is a terminal.
pub fn use_colour(environment: &Environment) {
    COLOUR.store(allows_colour(environment), Ordering::Relaxed);
}

/// Writes `text`, whole lines, the word before the first one in `style`. If standard error is closed, there is
/// nowhere left to complain to.
pub fn write(text: &str, style: Style) {
    let mut stderr = std::io::stderr();
    let text = match COLOUR.load(Ordering::Relaxed) && stderr.is_terminal() {
        true => coloured(text, style),
        false => text.to_owned(),
    };
    let _ = stderr.write_all(text.as_bytes());
}

/// Text from outside has no line of its own in a message: it is escaped. So the words at the start of a line are
/// this program's.
fn coloured(text: &str, style: Style) -> String {
    let words = [
        ("aws-mfa:", style),
        ("error:", style),
        ("hint:", HINT),
        ("  tip:", HINT),
    ];
    text.split_inclusive('\n')
        .map(|line| {
            let found = words
                .iter()
                .find_map(|(word, style)| Some((word, style, line.strip_prefix(word)?)));
            match found {
                Some((word, style, rest)) => format!("{style}{word}{style:#}{rest}"),
                None => line.to_owned(),
            }
        })
        .collect()
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
