//! A code that nobody gave, or that AWS refused, remembered beside the session file: whoever waited for it need not ask
//! again, and a dialog that the user has cancelled does not come back at once.

use crate::aws_failure::with_next_step;
use crate::error::Failure;
use crate::file;
use crate::session::name;
use crate::session::replacement::Replacement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How long it is remembered, in milliseconds.
const MEMORY: i64 = 30_000;

/// The largest file, in bytes: a message and a hint.
const LARGEST_FILE: u64 = 64 * 1024;

/// Why `load --ask` got no session. Its file contains no secret.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Refusal {
    /// In milliseconds since 1970.
    at: i64,
    /// A terminal prompts again for the next command: it is in nobody's way.
    is_of_terminal: bool,
    failure: Failure,
}

impl Refusal {
    /// A session that was not to be had at `now`.
    pub fn new(failure: Failure, is_of_terminal: bool, now: Timestamp) -> Self {
        Refusal {
            at: now.as_millisecond(),
            is_of_terminal,
            failure,
        }
    }

    /// Remembers it. Nothing relies on that, so it is no error if it cannot be saved.
    pub fn save(&self, session_file: &Path) {
        if let Ok(json) = serde_json::to_vec(self)
            && let Ok(replacement) = Replacement::of(&name::of_refusal(session_file))
        {
            let _ = replacement.finish(&json, None);
        }
    }

    /// Why a process that has been waiting since `since` need not ask: what came meanwhile, or less than 30 s ago from
    /// something other than a terminal. `get_command` needs no waiting.
    pub fn recent(
        session_file: &Path,
        since: Timestamp,
        now: Timestamp,
        get_command: &str,
    ) -> Option<Failure> {
        let json = file::read(&name::of_refusal(session_file), LARGEST_FILE).ok()?;
        let refusal: Refusal = serde_json::from_slice(&json).ok()?;
        let ago = now.as_millisecond() - refusal.at;
        // The clock can be set back.
        if !(0..MEMORY).contains(&ago) {
            return None;
        }
        if refusal.at >= since.as_millisecond() {
            return Some(refusal.failure);
        }
        (!refusal.is_of_terminal).then(|| refusal.remembered(ago / 1000, get_command))
    }

    /// The failure, `ago` seconds later.
    fn remembered(self, ago: i64, get_command: &str) -> Failure {
        let left = MEMORY / 1000 - ago;
        let mut step = format!("that was {ago} s ago; aws-mfa asks again in {left} s");
        let hint = self.failure.hint.as_deref().unwrap_or_default();
        if !hint.contains(get_command) {
            step += &format!(", or at once with `{get_command}`");
        }
        with_next_step(self.failure, step)
    }

    /// Forgets the one for the session in this file.
    pub fn forget(session_file: &Path) {
        let _ = std::fs::remove_file(name::of_refusal(session_file));
    }
}
