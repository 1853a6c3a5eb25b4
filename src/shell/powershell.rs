//! PowerShell: a single-quoted string, where a doubled quote is the only escape, joined with `[char]` numbers for
//! everything but printable ASCII.
//!
//! PowerShell also ends the string at typographic quotes, splits a program's output at line breaks, and decodes it by the
//! console's code page.
//! <https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules>

use super::put;
use std::fmt::Write;

pub fn set(name: &str, value: &str, text: &mut String) {
    put(text, ["$env:", name, " = "]);
    quote(value, text);
    text.push('\n');
}

pub fn unset(name: &str, text: &mut String) {
    put(text, ["$env:", name, " = $null\n"]);
}

pub fn quote(value: &str, text: &mut String) {
    text.push('\'');
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\'') => text.push_str("''"),
            Ok(byte @ b' '..=b'~') => text.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => drop(write!(text, "' + [char]{unit} + '")),
        }
    }
    text.push('\'');
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

    /// Such an expression as PowerShell reads it: any of these quotes ends the string, and the output was split at line
    /// breaks.
    fn read(expression: &str) -> Option<String> {
        let mut units: Vec<u16> = Vec::new();
        let mut rest = expression;
        loop {
            if let Some(number) = rest.strip_prefix("[char]") {
                let end = number.find(|c: char| !c.is_ascii_digit())?;
                let (digits, after) = number.split_at(end);
                units.push(digits.parse().ok()?);
                rest = after;
            } else {
                let mut string = rest.strip_prefix('\'')?.chars();
                loop {
                    match string.next()? {
                        '\'' if string.as_str().starts_with('\'') => {
                            string.next();
                            units.push(u16::from(b'\''));
                        }
                        '\'' => break,
                        '\u{2018}'..='\u{201b}' | '\n' | '\r' => return None,
                        inside => units.extend(inside.encode_utf16(&mut [0; 2]).iter()),
                    }
                }
                rest = string.as_str();
            }
            match rest.strip_prefix(" + ") {
                Some(next) => rest = next,
                None if rest.is_empty() => return String::from_utf16(&units).ok(),
                None => return None,
            }
        }
    }

    #[test]
    fn character_that_is_not_printable_ascii_becomes_a_number() {
        assert_eq!(
            quoted("a'b\\c!d$e`f\"g\u{2019}h\ni"),
            "'a''b\\c!d$e`f\"g' + [char]8217 + 'h' + [char]10 + 'i'"
        );
    }

    proptest! {
        #[test]
        fn any_value_round_trips_through_powershell(value in hostile::value()) {
            let written = quoted(&value);
            prop_assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(read(&written), Some(value));
        }
    }
}
