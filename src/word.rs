//! Words of a command line that a person pastes into a shell.

use crate::path::in_words;
use std::path::Path;

/// A word quoted for a shell, if necessary.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./@:+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else if cfg!(windows) && !text.contains(['"', '$', '`', '%', '!']) {
        // The one way that cmd, PowerShell and a POSIX shell share.
        format!("\"{text}\"")
    } else if cfg!(windows) {
        // PowerShell's own.
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path as such a word of its own: after `--option=`, a shell expands no `~`, and neither does cmd.
pub fn of_path(path: &Path) -> String {
    let short = in_words(path);
    match short.strip_prefix("~/") {
        Some(rest) if cfg!(unix) && quoted(rest) == rest => short,
        _ => quoted(&path.to_string_lossy()),
    }
}
