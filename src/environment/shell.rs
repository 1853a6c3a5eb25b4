//! A change in the language of each shell and of each file format that holds an environment.
//!
//! Every value is quoted so that its consumer takes it for exactly those characters: nothing in a
//! session file can run. What a language cannot carry is a failure, never a guess.

use super::Change;
use crate::error::{Failure, Next};
use secrecy::zeroize::Zeroizing;

/// A language in which a change can be written.
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
    /// A flat JSON object, for Nushell's `load-env`; what is removed is `null`.
    Json,
    /// `NAME=value` lines for `docker --env-file`, systemd, Node.js and the dotenv libraries.
    Dotenv,
    /// The answer of a `credential_process`, see
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
    Process,
}

/// The change as text in `language`.
///
/// # Errors
/// A value that the language cannot carry; the message names the variable, not the value.
pub fn render(change: &Change, language: Language) -> Result<Zeroizing<String>, Failure> {
    // Room for a token of the usual size, so that the buffer seldom moves.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    match language {
        Language::Json => json(change, &mut text),
        Language::Process => process(change, &mut text),
        _ => {
            for (name, value) in change.entries() {
                line(language, name, value, &mut text)
                    .map_err(|Unfit(what)| unfit(language, name, what))?;
            }
        }
    }
    Ok(text)
}

/// What it is in a value that a language cannot carry.
#[derive(Debug, PartialEq, Eq)]
struct Unfit(&'static str);

fn unfit(language: Language, name: &str, what: &str) -> Failure {
    let language = match language {
        Language::Tcsh => "tcsh",
        Language::Cmd => "cmd",
        Language::Dotenv => "dotenv",
        _ => "this",
    };
    Failure::new(
        Next::FixSetup,
        format!("the {language} format cannot carry {name}: there is {what} in it"),
    )
    .hint("use another format, or get a new session")
}

fn line(
    language: Language,
    name: &str,
    value: Option<&str>,
    text: &mut String,
) -> Result<(), Unfit> {
    let mut put = |parts: [&str; 4]| parts.iter().for_each(|part| text.push_str(part));
    match (language, value) {
        (Language::Sh, Some(value)) => put(["export ", name, "=", &sh(value)]),
        (Language::Sh, None) => put(["unset ", name, "", ""]),
        (Language::Fish, Some(value)) => put(["set -gx ", name, " ", &fish(value)]),
        (Language::Fish, None) => put(["set -ge ", name, "", ""]),
        (Language::Powershell, Some(value)) => put(["$env:", name, " = ", &powershell(value)]),
        (Language::Powershell, None) => put(["$env:", name, " = ", "$null"]),
        (Language::Elvish, Some(value)) => put(["set-env ", name, " ", &elvish(value)]),
        (Language::Elvish, None) => put(["unset-env ", name, "", ""]),
        (Language::Tcsh, Some(value)) => put(["setenv ", name, " ", &tcsh(value)?]),
        (Language::Tcsh, None) => put(["unsetenv ", name, "", ""]),
        (Language::Cmd, Some(value)) => put(["set \"", name, "=", &cmd(value)?]),
        (Language::Cmd, None) => put(["set \"", name, "=", "\""]),
        (Language::Dotenv, Some(value)) => put([name, "=", &dotenv(value)?, ""]),
        // A file of this kind can only add.
        (Language::Dotenv, None) => return Ok(()),
        (Language::Json | Language::Process, _) => {}
    }
    text.push_str(if language == Language::Tcsh {
        ";\n"
    } else {
        "\n"
    });
    Ok(())
}

/// POSIX 2.2.2: within single quotes each character is itself; a single quote cannot be there.
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>
fn sh(value: &str) -> String {
    quoted(value, |character, text| match character {
        '\'' => text.push_str(r"'\''"),
        _ => text.push(character),
    })
}

/// fish: within single quotes `\'` and `\\` are the only escapes.
/// <https://fishshell.com/docs/current/language.html#quotes>
fn fish(value: &str) -> String {
    quoted(value, |character, text| match character {
        '\'' | '\\' => text.extend(['\\', character]),
        _ => text.push(character),
    })
}

/// Elvish: within single quotes a doubled quote is the only escape.
/// <https://elv.sh/ref/language.html#single-quoted-string>
fn elvish(value: &str) -> String {
    quoted(value, |character, text| match character {
        '\'' => text.push_str("''"),
        _ => text.push(character),
    })
}

fn quoted(value: &str, mut escape: impl FnMut(char, &mut String)) -> String {
    let mut text = String::with_capacity(value.len() + 16);
    text.push('\'');
    value
        .chars()
        .for_each(|character| escape(character, &mut text));
    text.push('\'');
    text
}

/// PowerShell: a single-quoted string, in which a doubled quote is the only escape, joined with
/// `[char]` numbers for all that is not printable ASCII. PowerShell also ends the string at
/// typographic quotes, `Out-String` rewrites line ends, and the console has a code page.
/// <https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules>
fn powershell(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 16);
    text.push('\'');
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\'') => text.push_str("''"),
            Ok(byte @ b' '..=b'~') => text.push(char::from(byte)),
            _ => text.push_str(&format!("' + [char]{unit} + '")),
        }
    }
    text.push('\'');
    text
}

/// tcsh: within single quotes only `!` is special, the history substitution; a backslash before it
/// takes that away. A line end cannot pass through a command substitution.
fn tcsh(value: &str) -> Result<String, Unfit> {
    if value.contains(['\n', '\r']) {
        return Err(Unfit("a line end"));
    }
    Ok(quoted(value, |character, text| match character {
        '\'' => text.push_str(r"'\''"),
        '!' => text.push_str(r"\!"),
        _ => text.push(character),
    }))
}

/// cmd: within double quotes `&`, `|`, `<`, `>` and `^` are plain. `%` and `!` mean one thing in a
/// batch file and another in `for /f`, so that neither spelling is right in both; a double quote
/// ends the quoting.
fn cmd(value: &str) -> Result<String, Unfit> {
    match value
        .chars()
        .find(|c| c.is_control() || "\"%!".contains(*c))
    {
        Some('"') => Err(Unfit("a double quote")),
        Some('%') => Err(Unfit("a percent sign")),
        Some('!') => Err(Unfit("an exclamation mark")),
        Some(_) => Err(Unfit("a control character")),
        None => Ok(format!("{value}\"")),
    }
}

/// dotenv: plain where every reader agrees on it, else in single quotes. What readers take in
/// different ways within single quotes (an escape, a quote, a line end) is not written at all.
fn dotenv(value: &str) -> Result<String, Unfit> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+/=_.:,@%-".contains(c);
    if value.chars().all(plain) {
        return Ok(value.to_owned());
    }
    match value.chars().find(|c| c.is_control() || "'\\".contains(*c)) {
        Some('\'') => Err(Unfit("a single quote")),
        Some('\\') => Err(Unfit("a backslash")),
        Some('\n' | '\r') => Err(Unfit("a line end")),
        Some(_) => Err(Unfit("a control character")),
        None => Ok(format!("'{value}'")),
    }
}

fn json(change: &Change, text: &mut String) {
    let map: serde_json::Map<_, _> = change
        .entries()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json_line(&map.into(), text);
}

fn process(change: &Change, text: &mut String) {
    let mut map = serde_json::Map::from_iter([("Version".to_owned(), 1.into())]);
    for (key, name) in [
        ("AccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("SecretAccessKey", "AWS_SECRET_ACCESS_KEY"),
        ("SessionToken", "AWS_SESSION_TOKEN"),
        ("Expiration", "AWS_CREDENTIAL_EXPIRATION"),
    ] {
        if let Some(value) = change.value(name) {
            map.insert(key.to_owned(), value.into());
        }
    }
    json_line(&map.into(), text);
}

fn json_line(value: &serde_json::Value, text: &mut String) {
    text.push_str(&value.to_string());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_its_own_quotes() {
        let value = "a'b\\c!d$e`f\"g\u{2019}h\ni";
        assert_eq!(sh(value), "'a'\\''b\\c!d$e`f\"g\u{2019}h\ni'");
        assert_eq!(fish(value), "'a\\'b\\\\c!d$e`f\"g\u{2019}h\ni'");
        assert_eq!(elvish(value), "'a''b\\c!d$e`f\"g\u{2019}h\ni'");
        assert_eq!(
            powershell(value),
            "'a''b\\c!d$e`f\"g' + [char]8217 + 'h' + [char]10 + 'i'"
        );
        assert_eq!(tcsh("a'b!c").unwrap(), r"'a'\''b\!c'");
    }

    #[test]
    fn what_a_format_cannot_carry_is_refused() {
        assert_eq!(tcsh("a\nb"), Err(Unfit("a line end")));
        assert_eq!(cmd("a\"b"), Err(Unfit("a double quote")));
        assert_eq!(cmd("a%b"), Err(Unfit("a percent sign")));
        assert_eq!(cmd("a!b"), Err(Unfit("an exclamation mark")));
        assert_eq!(cmd("a\nb"), Err(Unfit("a control character")));
        assert_eq!(dotenv("a\nb"), Err(Unfit("a line end")));
        assert_eq!(dotenv("a'b"), Err(Unfit("a single quote")));
        assert_eq!(dotenv("a\\b"), Err(Unfit("a backslash")));
    }

    #[test]
    fn a_dotenv_value_is_plain_where_it_can_be() {
        assert_eq!(dotenv("IQoJb3//+=").unwrap(), "IQoJb3//+=");
        assert_eq!(dotenv("a b$c").unwrap(), "'a b$c'");
    }
}
