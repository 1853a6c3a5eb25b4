//! fish: within single quotes `\'` and `\\` are the only escapes.
//! <https://fishshell.com/docs/current/language.html#quotes>

use super::{put, single_quoted};

pub fn set(name: &str, value: &str, text: &mut String) {
    put(text, ["set -gx ", name, " "]);
    quote(value, text);
    text.push('\n');
}

/// Unsetting an unset variable sets the status to 4, which `source` would return.
pub fn unset(name: &str, text: &mut String) {
    put(text, ["set -ge ", name, "; or true\n"]);
}

pub fn quote(value: &str, text: &mut String) {
    let escape = |c| match c {
        '\'' => Some(r"\'"),
        '\\' => Some(r"\\"),
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

    /// One single-quoted string as fish reads it. A backslash before anything else is itself.
    fn read(word: &str) -> Option<String> {
        let mut value = String::new();
        let mut rest = word.strip_prefix('\'')?.chars().peekable();
        loop {
            match rest.next()? {
                '\'' => return rest.next().is_none().then_some(value),
                '\\' => match rest.next_if(|c| "'\\".contains(*c)) {
                    Some(escaped) => value.push(escaped),
                    None => value.push('\\'),
                },
                inside => value.push(inside),
            }
        }
    }

    #[test]
    fn quotes_and_backslashes_get_a_backslash() {
        assert_eq!(quoted("a'b\\c$d\n"), "'a\\'b\\\\c$d\n'");
    }

    proptest! {
        #[test]
        fn any_value_round_trips_through_fish(value in hostile::value()) {
            prop_assert_eq!(read(&quoted(&value)), Some(value));
        }
    }
}
