//! POSIX shells: bash, zsh, dash, ksh.
//!
//! POSIX 2.2.2: within single quotes each character is itself; a single quote cannot be there.
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>
//!
//! `aws-mfa load | source` is typed in fish as well. From version 3 on it runs these lines to the same effect: its
//! `export` is a function, and backslashes are written outside of the quotes, where both agree on them. Its `export`
//! skips a value with a line end, which no credential has.

use super::{put, single_quoted};

pub fn set(name: &str, value: &str, text: &mut String) {
    put(text, ["export ", name, "="]);
    quote(value, text);
    text.push('\n');
}

/// fish has no `unset`, and a POSIX shell always has it.
pub fn unset(name: &str, text: &mut String) {
    put(text, ["command -v unset >/dev/null && unset ", name]);
    put(text, [" || set --erase ", name, " || true\n"]);
}

pub fn quote(value: &str, text: &mut String) {
    let escape = |c| match c {
        '\'' => Some(r"'\''"),
        '\\' => Some(r"'\\'"),
        _ => None,
    };
    single_quoted(value, escape, text);
}

#[cfg(test)]
mod tests {
    use super::super::hostile;
    use super::*;
    use proptest::prelude::*;

    fn quoted(value: &str) -> String {
        let mut text = String::new();
        quote(value, &mut text);
        text
    }

    /// One word as POSIX reads it; `None` if anything but `\'` and `\\` stands outside of quotes.
    fn read(word: &str) -> Option<String> {
        let mut value = String::new();
        let mut rest = word.chars();
        while let Some(character) = rest.next() {
            match character {
                '\'' => loop {
                    match rest.next()? {
                        '\'' => break,
                        inside => value.push(inside),
                    }
                },
                '\\' => value.push(rest.next().filter(|c| "'\\".contains(*c))?),
                _ => return None,
            }
        }
        Some(value)
    }

    #[test]
    fn single_quote_and_backslash_are_written_outside_of_the_quotes() {
        assert_eq!(
            quoted("a'b\n$(c)\\"),
            r"'a'\''b
$(c)'\\''"
        );
    }

    proptest! {
        #[test]
        fn any_value_round_trips_through_a_shell(value in hostile::value()) {
            prop_assert_eq!(read(&quoted(&value)), Some(value));
        }
    }
}
