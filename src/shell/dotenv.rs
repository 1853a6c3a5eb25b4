//! `NAME=value` lines with unquoted values: docker and `env $(…)` keep quotes as part of the value, but the dotenv
//! libraries and systemd remove them. So this writes only values that all of them read alike. A session from STS contains
//! no others.

use super::{Unfit, put};

pub fn set(name: &str, value: &str, text: &mut String) -> Result<(), Unfit> {
    match value.chars().find(|c| !plain(*c)) {
        Some('\n' | '\r') => Err(Unfit("a line break")),
        Some(_) => Err(Unfit("a character that its readers interpret differently")),
        None => {
            put(text, [name, "=", value, "\n"]);
            Ok(())
        }
    }
}

fn plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+/=_.:,@%-".contains(character)
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
    fn value_is_unquoted_or_an_error() {
        assert_eq!(line("IQoJb3//+=").unwrap(), "N=IQoJb3//+=\n");
        assert_eq!(
            line("2026-11-24T18:10:00Z").unwrap(),
            "N=2026-11-24T18:10:00Z\n"
        );
        assert_eq!(line("a\nb"), Err(Unfit("a line break")));
        for odd in [" ", "'", "\"", "\\", "$", "#", "`", "~", "\u{e9}", "{a,b}"] {
            assert_eq!(
                line(odd),
                Err(Unfit("a character that its readers interpret differently"))
            );
        }
    }

    proptest! {
        #[test]
        fn written_characters_are_not_special(value in hostile::value()) {
            let meaning = |c: char| c.is_whitespace() || "'\"\\$`#~*?!;&|<>(){}[]^".contains(c);
            if let Ok(line) = line(&value) {
                prop_assert_eq!(line, format!("N={value}\n"));
                prop_assert!(!value.contains(meaning));
            }
        }
    }
}
