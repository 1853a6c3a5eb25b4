//! Outside text, made safe to show on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every character escaped that a terminal would act on, or that would reorder or hide its neighbours:
/// control characters (C0 and C1, including the line feed), Unicode's bidirectional controls, line separators and
/// invisible characters.
///
/// See <https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::from(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !is_unsafe(character) {
            escaped.push(character);
        } else if character.is_ascii() {
            escaped.extend(character.escape_default());
        } else {
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        }
    }
    Cow::from(escaped)
}

/// JSON with every such character as JSON escapes it, so that a terminal can show it. Outside strings, JSON has none.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let is_unsafe = |character: char| character != '\n' && is_unsafe(character);
    if !json.contains(is_unsafe) {
        return Cow::from(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        match is_unsafe(character) {
            true => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
            false => escaped.push(character),
        }
    }
    Cow::from(escaped)
}

/// A value for a message to quote. An MFA code in the wrong place is masked.
pub fn quote(value: &str) -> &str {
    let digits: Vec<char> = value.chars().filter(|c| !c.is_whitespace()).collect();
    match digits.len() == 6 && digits.iter().all(|c| c.is_numeric()) {
        true => MASK,
        false => value,
    }
}

/// `message` with every run of two or more digits masked: without a verb, clap quotes the code, or a part of it, as an
/// argument.
pub fn mask_digits(message: &str) -> String {
    let characters: Vec<char> = message.chars().collect();
    let runs = characters.chunk_by(|left, right| left.is_numeric() == right.is_numeric());
    let mask = |run: &[char]| match run {
        [digit, _, ..] if digit.is_numeric() => MASK.to_owned(),
        _ => run.iter().collect(),
    };
    runs.map(mask).collect()
}

/// `line` with each MFA code masked: six digits, in one word or in several.
pub fn mask_codes(line: &str) -> String {
    let characters: Vec<char> = line.chars().collect();
    let is_part = |c: &char| c.is_numeric() || c.is_whitespace();
    let mask = |run: &[char]| {
        let text: String = run.iter().collect();
        match run.iter().filter(|c| c.is_numeric()).count() {
            6 => text.replace(text.trim(), MASK),
            _ => text,
        }
    };
    let runs = characters.chunk_by(|left, right| is_part(left) == is_part(right));
    runs.map(mask).collect()
}

/// What is shown instead of a code.
pub const MASK: &str = "******";

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_unchanged() {
        for text in ["", "work", "/home/zoë/«session»…", "東京", "a\\b"] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn characters_that_a_terminal_acts_on_are_escaped() {
        for (text, escaped) in [
            ("a\nhint: b", "a\\nhint: b"),
            ("\u{1b}[2J\r\t\0", "\\u{1b}[2J\\r\\t\\u{0}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            (
                "a\u{202e}b\u{2066}c\u{200f}",
                "a\\u{202e}b\\u{2066}c\\u{200f}",
            ),
            ("\u{2028}\u{feff}\u{ad}", "\\u{2028}\\u{feff}\\u{ad}"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn json_is_the_same_with_escapes() {
        let value = serde_json::json!({"a\u{9b}": "\u{202e}\u{7f}\u{e0001}é\n", "b": 1});
        let json = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escape_json(&json);
        assert!(
            escaped.contains(r#""a\u009b": "\u202e\u007f\udb40\udc01é\n""#),
            "{escaped}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
        assert_eq!(escape_json("{\n}"), "{\n}");
    }

    #[test]
    fn quoted_code_is_masked() {
        for code in ["483920", "483 920", "４８３９２０", "٤٨٣٩٢٠"] {
            assert_eq!(quote(code), "******");
        }
        for value in ["", "48392", "4839201", "48392a", "eu-west-1"] {
            assert_eq!(quote(value), value);
        }
    }

    #[test]
    fn codes_in_a_command_line_are_masked() {
        for (line, masked) in [
            ("get 123456 -d 8h", "get ****** -d 8h"),
            ("get 123 456", "get ******"),
            ("-c123456 --x='123 456'", "-c****** --x='******'"),
            (
                "-d 28800 --role-arn arn:aws:iam::123456789012:role/a",
                "-d 28800 --role-arn arn:aws:iam::123456789012:role/a",
            ),
            ("４８３９２０", "******"),
            ("", ""),
        ] {
            assert_eq!(mask_codes(line), masked);
        }
    }

    #[test]
    fn runs_of_digits_are_masked() {
        for (message, masked) in [
            ("'-f483920' and --a=48", "'-f******' and --a=******"),
            ("eu-west-1", "eu-west-1"),
            ("４８３９２０!", "******!"),
            ("", ""),
        ] {
            assert_eq!(mask_digits(message), masked);
        }
    }
}
