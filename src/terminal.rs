//! Text for a small terminal.

/// Its columns.
pub const WIDTH: usize = 80;

/// The text in lines of at most `width` characters. A longer word is not broken, and neither is a command in backquotes: it
/// could not be pasted.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut command = String::new();
    for word in text.split(' ') {
        command += word;
        if command.matches('`').count() % 2 == 1 {
            command.push(' ');
            continue;
        }
        let word = std::mem::take(&mut command);
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if !command.is_empty() {
        lines.push(command.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_commands() {
        for (text, lines) in [
            ("a bc d", vec!["a bc", "d"]),
            ("abcdefg h", vec!["abcdefg", "h"]),
            ("run `a b c`, or d", vec!["run", "`a b c`,", "or d"]),
            ("an odd ` b c", vec!["an", "odd", "` b c"]),
            ("", vec![""]),
        ] {
            assert_eq!(wrapped(text, 4), lines);
        }
    }
}
