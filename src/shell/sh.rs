//! POSIX shells: bash, zsh, dash, ksh.
//!
//! POSIX 2.2.2: within single quotes each character is itself; a single quote cannot be there.
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>

use super::{put, single_quoted};

pub fn set(name: &str, value: &str, text: &mut String) {
    put(text, ["export ", name, "="]);
    quote(value, text);
    text.push('\n');
}

pub fn unset(name: &str, text: &mut String) {
    put(text, ["unset ", name, "\n"]);
}

pub fn quote(value: &str, text: &mut String) {
    single_quoted(value, |c| (c == '\'').then_some(r"'\''"), text);
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

    /// One word as POSIX reads it; `None` if anything but `\'` stands outside of quotes.
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
                '\\' => value.push(rest.next().filter(|c| *c == '\'')?),
                _ => return None,
            }
        }
        Some(value)
    }

    #[test]
    fn single_quote_is_written_outside_of_the_quotes() {
        assert_eq!(quoted("a'b\n$(c)"), "'a'\\''b\n$(c)'");
    }

    proptest! {
        #[test]
        fn any_value_round_trips_through_a_shell(value in hostile::value()) {
            prop_assert_eq!(read(&quoted(&value)), Some(value));
        }
    }
}
