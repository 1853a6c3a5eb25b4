//! A failure remembered for a while, beside the file whose credentials were not to be had: an SDK that runs
//! `credential_process` twenty times waits once, and a dialog that the user has cancelled does not come back at once.

use crate::error::Failure;
use crate::file;
use crate::session::name;
use crate::session::replacement::Replacement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The largest file, in bytes: a message and a hint.
const LARGEST_FILE: u64 = 64 * 1024;

/// Who has tried.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
pub enum By {
    /// A program that needs credentials.
    Program,
    /// A shell's prompt.
    Prompt,
    /// A program that asked for a code on its terminal.
    Terminal,
}

/// A failure of the past. Its file contains no secret.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PastFailure {
    /// In milliseconds since 1970.
    at: i64,
    /// Who has tried.
    pub by: By,
    /// The key of the user's own session with which a role was to be assumed: with a new session, that may succeed.
    pub session_key_id: String,
    /// What it was.
    pub failure: Failure,
}

impl PastFailure {
    /// A failure at `now`.
    pub fn new(failure: Failure, by: By, session_key_id: &str, now: Timestamp) -> Self {
        PastFailure {
            at: now.as_millisecond(),
            by,
            session_key_id: session_key_id.to_owned(),
            failure,
        }
    }

    /// Remembers it, for the credentials in `file`. Nothing relies on that, so it is no error if it cannot be saved.
    pub fn save(&self, file: &Path) {
        if let Ok(json) = serde_json::to_vec(self)
            && let Ok(replacement) = Replacement::of(&name::of_past_failure(file))
        {
            let _ = replacement.finish(&json, None);
        }
    }

    /// The one that is remembered for the credentials in `file`, if it is at most `memory` seconds old.
    pub fn recent(file: &Path, memory: i64, now: Timestamp) -> Option<Self> {
        let json = file::read(&name::of_past_failure(file), LARGEST_FILE).ok()?;
        let past: PastFailure = serde_json::from_slice(&json).ok()?;
        // The clock can be set back.
        let is_recent = (0..1000 * memory).contains(&(now.as_millisecond() - past.at));
        is_recent.then_some(past)
    }

    /// Forgets it.
    pub fn forget(file: &Path) {
        let _ = std::fs::remove_file(name::of_past_failure(file));
    }

    /// Whether it has occurred since that time.
    pub fn is_since(&self, time: Timestamp) -> bool {
        self.at >= time.as_millisecond()
    }

    /// How long ago it was, in whole seconds.
    pub fn seconds_ago(&self, now: Timestamp) -> i64 {
        (now.as_millisecond() - self.at) / 1000
    }
}
