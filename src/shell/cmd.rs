//! cmd: within double quotes `&`, `|`, `<`, `>` and `^` are plain.
//!
//! `%` and `!` mean different things in a batch file and in `for /f`, so no spelling is right in both; a double quote ends
//! the quoting; characters beyond ASCII depend on the code page.

use super::{Unfit, put};

/// The longest line that cmd accepts, see
/// <https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation>
const LONGEST_LINE: usize = 8191;

pub fn set(name: &str, value: &str, text: &mut String) -> Result<(), Unfit> {
    match value.chars().find(|c| !plain(*c)) {
        Some('"') => return Err(Unfit("a double quote")),
        Some('%') => return Err(Unfit("a percent sign")),
        Some('!') => return Err(Unfit("an exclamation mark")),
        Some(c) if c.is_ascii() => return Err(Unfit("a control character")),
        Some(_) => return Err(Unfit("a character beyond ASCII")),
        None => {}
    }
    if "set \"=\"".len() + name.len() + value.len() > LONGEST_LINE {
        return Err(Unfit("more than 8191 characters"));
    }
    put(text, ["set \"", name, "=", value, "\"\n"]);
    Ok(())
}

/// Unsetting an unset variable sets ERRORLEVEL to 1, so this sets it first.
pub fn unset(name: &str, text: &mut String) {
    put(text, ["set \"", name, "=-\"\nset \"", name, "=\"\n"]);
}

fn plain(character: char) -> bool {
    matches!(character, ' '..='~') && !"\"%!".contains(character)
}

#[cfg(test)]
mod tests {
    use super::super::hostile;
    use super::*;
    use proptest::prelude::*;

    fn line(value: &str) -> Result<String, Unfit> {
        let mut text = String::new();
        set("N", value, &mut text).map(|()| text)
    }

    #[test]
    fn value_that_cmd_cannot_carry_is_an_error() {
        assert_eq!(line("a\"b"), Err(Unfit("a double quote")));
        assert_eq!(line("a%b"), Err(Unfit("a percent sign")));
        assert_eq!(line("a!b"), Err(Unfit("an exclamation mark")));
        assert_eq!(line("a\nb"), Err(Unfit("a control character")));
        assert_eq!(line("a\u{7f}b"), Err(Unfit("a control character")));
        assert_eq!(line("\u{e9}"), Err(Unfit("a character beyond ASCII")));
        assert!(line(&"a".repeat(8191 - 8)).is_ok());
        assert_eq!(
            line(&"a".repeat(8191 - 7)),
            Err(Unfit("more than 8191 characters"))
        );
        assert_eq!(line("a&b|c^ ").unwrap(), "set \"N=a&b|c^ \"\n");
    }

    proptest! {
        /// The value is between the first and the last double quote, where none of its characters is special.
        #[test]
        fn any_value_round_trips_through_cmd_or_is_an_error(value in hostile::value()) {
            if let Ok(line) = line(&value) {
                let read = line.strip_prefix("set \"N=").and_then(|rest| rest.strip_suffix("\"\n"));
                prop_assert_eq!(read, Some(value.as_str()));
                prop_assert!(!value.contains(['"', '%', '!', '\n', '\r']) && value.is_ascii());
            }
        }
    }
}
