//! Changes to an environment, in each shell's language and in file formats.
//!
//! Every value is quoted so that its reader gets exactly the same characters: nothing in a session file can run. A value
//! that a language cannot carry is a failure, never a guess.

mod cmd;
mod dotenv;
mod elvish;
mod fish;
mod json;
mod nushell;
mod powershell;
mod process;
mod sh;
mod tcsh;

use crate::environment::change::{Change, LABEL};
use crate::error::Failure;
#[cfg(test)]
use tests::hostile;

/// A language for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// POSIX shells: bash, zsh, dash, ksh.
    Sh,
    /// fish.
    Fish,
    /// PowerShell, on every system.
    Powershell,
    /// Elvish.
    Elvish,
    /// csh and tcsh.
    Tcsh,
    /// The Windows command processor.
    Cmd,
    /// A flat JSON object, for Nushell's `load-env`; `null` unsets a variable.
    Json,
    /// `NAME=value` lines for `docker --env-file`, systemd, Node.js and the dotenv libraries.
    Dotenv,
    /// The output of a `credential_process`.
    Process,
}

/// The change as text in `language`.
///
/// # Errors
/// The language cannot carry a value. The message contains the variable's name, but not the value.
pub fn render(change: &Change, language: Language) -> Result<String, Failure> {
    // Room for everything, because a growing buffer is copied each time.
    let values: usize = change
        .entries()
        .filter_map(|(_, value)| value.map(str::len))
        .sum();
    let mut text = String::with_capacity(1024 + 2 * values);
    match language {
        Language::Json => json::object(change, &mut text),
        Language::Process => process::answer(change, &mut text),
        _ => {
            for (name, value) in change.entries() {
                match line(language, name, value, &mut text) {
                    // A profile can have any name, and its credentials work without it.
                    Err(_) if name == LABEL => drop(line(language, name, None, &mut text)),
                    line => line.map_err(|Unfit(what)| unfit(language, name, what))?,
                }
            }
        }
    }
    Ok(text)
}

/// `text` quoted as one word in `language`, for the scripts of `init`.
///
/// # Errors
/// tcsh cannot carry a line break.
pub fn word(text: &str, language: Language) -> Result<String, Failure> {
    let mut word = String::with_capacity(text.len() + 2);
    match language {
        Language::Fish => fish::quote(text, &mut word),
        Language::Powershell => {
            word.push('(');
            powershell::quote(text, &mut word);
            word.push(')');
        }
        Language::Elvish => elvish::quote(text, &mut word),
        Language::Tcsh => tcsh::quote(text, &mut word).map_err(|Unfit(what)| {
            Failure::usage(format!("tcsh cannot carry an option that contains {what}"))
        })?,
        Language::Json => nushell::quote(text, &mut word),
        _ => sh::quote(text, &mut word),
    }
    Ok(word)
}

/// The part of a value that a language cannot carry.
#[derive(Debug, PartialEq, Eq)]
struct Unfit(&'static str);

fn unfit(language: Language, name: &str, what: &str) -> Failure {
    let language = match language {
        Language::Tcsh => "tcsh",
        Language::Cmd => "cmd",
        Language::Dotenv => "dotenv",
        _ => "this",
    };
    Failure::setup(format!(
        "the {language} format cannot carry {name}: it contains {what}"
    ))
    .hint("use another format, or get a new session")
}

fn line(
    language: Language,
    name: &str,
    value: Option<&str>,
    text: &mut String,
) -> Result<(), Unfit> {
    match (language, value) {
        (Language::Sh, Some(value)) => sh::set(name, value, text),
        (Language::Sh, None) => sh::unset(name, text),
        (Language::Fish, Some(value)) => fish::set(name, value, text),
        (Language::Fish, None) => fish::unset(name, text),
        (Language::Powershell, Some(value)) => powershell::set(name, value, text),
        (Language::Powershell, None) => powershell::unset(name, text),
        (Language::Elvish, Some(value)) => elvish::set(name, value, text),
        (Language::Elvish, None) => elvish::unset(name, text),
        (Language::Tcsh, Some(value)) => tcsh::set(name, value, text)?,
        (Language::Tcsh, None) => tcsh::unset(name, text),
        (Language::Cmd, Some(value)) => cmd::set(name, value, text)?,
        (Language::Cmd, None) => cmd::unset(name, text),
        (Language::Dotenv, Some(value)) => dotenv::set(name, value, text)?,
        // A dotenv file can only set variables, and the others are not written line by line.
        (Language::Dotenv | Language::Json | Language::Process, _) => {}
    }
    Ok(())
}

/// Appends `parts`.
fn put<const N: usize>(text: &mut String, parts: [&str; N]) {
    parts.iter().for_each(|part| text.push_str(part));
}

/// Appends `value` in single quotes. `escape` returns the replacement for a character that is special there.
fn single_quoted(value: &str, escape: impl Fn(char) -> Option<&'static str>, text: &mut String) {
    text.push('\'');
    // In runs: values are long, and hardly anything in them is special.
    for run in value.split_inclusive(|character| escape(character).is_some()) {
        let last = run.chars().next_back();
        match last.and_then(|last| Some((run.strip_suffix(last)?, escape(last)?))) {
            Some((plain, escaped)) => put(text, [plain, escaped]),
            None => text.push_str(run),
        }
    }
    text.push('\'');
}

#[cfg(test)]
mod tests {
    /// Values that try to be code, for the property tests of each language.
    pub mod hostile {
        use proptest::prelude::*;

        /// Any text without NUL, with many characters that are special in shells.
        pub fn value() -> impl Strategy<Value = String> {
            let special = prop::sample::select(
            "'\"`$(){}[]<>|&;!#~*?%^\\=,:-+/@ \t\n\r\u{7}\u{1b}\u{7f}\u{85}\u{a0}\u{2018}\u{2019}\u{201a}\u{201c}\u{201d}\u{2028}\u{feff}"
                .chars()
                .collect::<Vec<_>>(),
        );
            let character = prop_oneof![
                4 => special,
                2 => prop::char::range('!', '~'),
                1 => any::<char>().prop_filter("NUL is refused when it is read", |c| *c != '\0'),
            ];
            prop::collection::vec(character, 0..40).prop_map(String::from_iter)
        }
    }
}
