//! Nushell: in a double-quoted string a backslash begins an escape, and nothing else is special.
//! <https://www.nushell.sh/book/working_with_strings.html#double-quoted-strings>

pub fn quote(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_quotes_and_backslashes_get_a_backslash() {
        let mut text = String::new();
        quote("a\"b\\c'd$e", &mut text);
        assert_eq!(text, r#""a\"b\\c'd$e""#);
    }
}
