//! The check for leaked secrets, for every command in every test.

use super::fake_sts;
use super::sandbox::Outcome;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Larger files cannot contain a secret; this skips copies of the binary.
const LARGEST_FILE: u64 = 2 * 1024 * 1024;

/// The secrets of one run, and where they are allowed.
///
/// The master keys' secret and the codes are allowed nowhere. The session's secrets are allowed in the session file, and on
/// the standard output of the subcommands that print it.
pub struct Leaks {
    hands_on: bool,
    codes: BTreeSet<String>,
    files: Vec<PathBuf>,
}

impl Leaks {
    /// For a run of `aws-mfa` with these arguments, which may contain a code in one word or two.
    pub fn new(arguments: &[String]) -> Self {
        let mut leaks = Leaks {
            hands_on: arguments
                .iter()
                .any(|argument| ["load", "exec", "prompt", "--url"].contains(&argument.as_str())),
            codes: BTreeSet::new(),
            files: Vec::new(),
        };
        let digits = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
        for argument in arguments {
            leaks.add_code(argument);
        }
        for two in arguments.windows(2).filter(|two| two.iter().all(digits)) {
            leaks.add_code(&two.concat());
            leaks.add_code(&two.join(" "));
        }
        leaks
    }

    /// Adds `text` if it is a code: six digits, with or without a space.
    pub fn add_code(&mut self, text: &str) {
        let code = text.split_whitespace().collect::<String>();
        if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            self.codes.extend([text.trim().to_owned(), code]);
        }
    }

    /// Adds all files below `directory`, except those that the test has written.
    pub fn add_files(&mut self, directory: &Path, written: &BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => self.add_files(&path, written),
                Ok(metadata)
                    if metadata.is_file()
                        && metadata.len() <= LARGEST_FILE
                        && !written.contains(&path) =>
                {
                    self.files.push(path);
                }
                _ => {}
            }
        }
    }

    /// Each leak, with its place.
    pub fn of(&self, outcome: &Outcome) -> Vec<String> {
        let mut found = Vec::new();
        let mut look = |place: &str, text: &str, sessions_belong_here: bool| {
            for line in text.lines() {
                let mut leaks = self.in_text(line);
                leaks.retain(|leak| !(sessions_belong_here && *leak == SESSION));
                found.extend(
                    leaks
                        .iter()
                        .map(|leak| format!("{leak} in {place}: {line}")),
                );
            }
        };
        look("standard output", &outcome.stdout, self.hands_on);
        look("standard error", &outcome.stderr, false);
        for file in &self.files {
            let text =
                String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
            look(
                &file.display().to_string(),
                &text,
                is_session_file(file, &text),
            );
        }
        if outcome.stderr.contains("panicked at") {
            found.push(format!("a panic: {}", outcome.stderr));
        }
        // Rust adds this to the system's errors; it is useless to users.
        if outcome.stderr.contains("(os error") {
            found.push(format!("an error number: {}", outcome.stderr));
        }
        found
    }

    /// Whether the session's secrets are allowed on standard output.
    pub fn hands_on(&self) -> bool {
        self.hands_on
    }

    /// The kinds of secrets in `text`.
    pub fn in_text(&self, text: &str) -> Vec<&'static str> {
        let rest = text.replace(fake_sts::SECRET, "");
        let mut kinds = Vec::new();
        if rest.len() != text.len() {
            kinds.push(MASTER);
        }
        if rest.contains(fake_sts::SECRET_WORD) {
            kinds.push(SESSION);
        }
        if self.codes.iter().any(|code| is_word_of(code, text)) {
            kinds.push(CODE);
        }
        kinds
    }
}

const MASTER: &str = "the master secret";
const SESSION: &str = "a secret of the session";
const CODE: &str = "a code";

/// Whether `word` is a separate word in `text`: longer numbers can contain its digits.
fn is_word_of(word: &str, text: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        ![before, after]
            .iter()
            .flatten()
            .any(|neighbour| neighbour.is_alphanumeric())
    })
}

/// A complete session in a session file, not in a leftover temporary file.
fn is_session_file(path: &Path, text: &str) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    // The journal of a rotation has the secret of a key that is saved nowhere else yet.
    name.starts_with("rotation-") && text.starts_with("aws-mfa rotation 1\nstep created\n")
        || !name.starts_with(".aws-mfa-")
            && serde_json::from_str::<serde_json::Value>(text)
                .is_ok_and(|json| json["Credentials"]["SessionToken"].is_string())
}
