//! Elvish: within single quotes a doubled quote is the only escape.
//! <https://elv.sh/ref/language.html#single-quoted-string>

use super::{put, single_quoted};

pub fn set(name: &str, value: &str, text: &mut String) {
    put(text, ["set-env ", name, " "]);
    quote(value, text);
    text.push('\n');
}

pub fn unset(name: &str, text: &mut String) {
    put(text, ["unset-env ", name, "\n"]);
}

pub fn quote(value: &str, text: &mut String) {
    single_quoted(value, |c| (c == '\'').then_some("''"), text);
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

    /// One single-quoted string as Elvish reads it.
    fn read(word: &str) -> Option<String> {
        let mut value = String::new();
        let mut rest = word.strip_prefix('\'')?.chars().peekable();
        loop {
            match rest.next()? {
                '\'' if rest.next_if_eq(&'\'').is_some() => value.push('\''),
                '\'' => return rest.next().is_none().then_some(value),
                inside => value.push(inside),
            }
        }
    }

    #[test]
    fn quote_is_doubled() {
        assert_eq!(quoted("a'b\\c\n"), "'a''b\\c\n'");
    }

    proptest! {
        #[test]
        fn any_value_round_trips_through_elvish(value in hostile::value()) {
            prop_assert_eq!(read(&quoted(&value)), Some(value));
        }
    }
}
