//! tcsh: within single quotes only `!`, the history substitution, is special, and the backslash if `backslash_quote` is
//! set. So both are written outside the quotes, with a backslash.
//! <https://man.archlinux.org/man/tcsh.1#Quoting>
//!
//! A line break does not survive a command substitution, and `$'\n'` works only since 6.23.

use super::{Unfit, put, single_quoted};

pub fn set(name: &str, value: &str, text: &mut String) -> Result<(), Unfit> {
    put(text, ["setenv ", name, " "]);
    quote(value, text)?;
    text.push_str(";\n");
    Ok(())
}

pub fn unset(name: &str, text: &mut String) {
    put(text, ["unsetenv ", name, ";\n"]);
}

pub fn quote(value: &str, text: &mut String) -> Result<(), Unfit> {
    if value.contains('\n') {
        return Err(Unfit("a line break"));
    }
    let escape = |c| match c {
        '\'' => Some(r"'\''"),
        '!' => Some(r"'\!'"),
        '\\' => Some(r"'\\'"),
        _ => None,
    };
    single_quoted(value, escape, text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::hostile;
    use super::*;
    use proptest::prelude::*;

    fn quoted(value: &str) -> Result<String, Unfit> {
        let mut text = String::new();
        quote(value, &mut text).map(|()| text)
    }

    /// One word as tcsh reads it, with or without `backslash_quote`: `None` if the two differ, if history would be
    /// substituted, or if anything outside quotes is unescaped.
    fn read(word: &str) -> Option<String> {
        let mut value = String::new();
        let mut rest = word.chars();
        while let Some(character) = rest.next() {
            match character {
                '\'' => loop {
                    match rest.next()? {
                        '\'' => break,
                        '!' | '\\' | '\n' => return None,
                        inside => value.push(inside),
                    }
                },
                '\\' => value.push(rest.next().filter(|c| *c != '\n')?),
                _ => return None,
            }
        }
        Some(value)
    }

    #[test]
    fn history_quotes_and_backslashes_are_written_outside_the_quotes() {
        assert_eq!(quoted("a'b!c\\").unwrap(), r"'a'\''b'\!'c'\\''");
        assert_eq!(quoted("a\nb"), Err(Unfit("a line break")));
    }

    proptest! {
        #[test]
        fn any_value_round_trips_through_tcsh(value in hostile::value()) {
            match quoted(&value) {
                Ok(word) => prop_assert_eq!(read(&word), Some(value)),
                Err(_) => prop_assert!(value.contains('\n')),
            }
        }
    }
}
