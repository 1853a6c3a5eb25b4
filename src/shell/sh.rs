//! POSIX shells: bash, zsh, dash, ksh.
//!
//! POSIX 2.2.2: within single quotes each character is itself; a single quote cannot be there.
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>
//!
//! fish 3 and later run these lines to the same effect, for users who type `aws-mfa load | source` there: `export` is a
//! function in fish, and a backslash outside quotes means the same in both. (fish's `export` skips a value that contains a
//! line break, but no credential does.)

use super::{put, single_quoted};

pub fn set(name: &str, value: &str, text: &mut String) {
    put(text, ["export ", name, "="]);
    quote(value, text);
    text.push('\n');
}

/// POSIX shells always have `unset`; fish does not.
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

    /// One word as POSIX reads it; `None` if there is anything but `\'` and `\\` outside quotes.
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
    fn single_quote_and_backslash_are_written_outside_the_quotes() {
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
