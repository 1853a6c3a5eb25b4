//! A failed renewal of a role, remembered for a minute: an SDK that runs `credential_process` twenty times waits once.

use crate::aws_failure::with_next_step;
use crate::error::Failure;
use crate::file;
use crate::session::name;
use crate::session::replacement::Replacement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How long a failure is remembered, in seconds.
const MEMORY: i64 = 60;

/// The largest file, in bytes: a message and a hint.
const LARGEST_FILE: u64 = 64 * 1024;

/// A failed renewal. Its file is beside the role's, and contains no secret.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FailedRenewal {
    /// In seconds since 1970.
    at: i64,
    /// The key of the user's own session: with a new session, the renewal may succeed.
    session_key_id: String,
    /// A prompt has begun it. Unless that is still running, the user has interrupted it.
    is_of_prompt: bool,
    failure: Failure,
}

impl FailedRenewal {
    /// A renewal that a prompt begins at `now` with this session of the user's, and perhaps never ends.
    pub fn begun_at_prompt(session_key_id: &str, now: Timestamp) -> Self {
        FailedRenewal {
            is_of_prompt: true,
            ..Self::new(session_key_id, Failure::setup("it was interrupted"), now)
        }
    }

    /// A renewal that failed at `now` with this session of the user's.
    pub fn new(session_key_id: &str, failure: Failure, now: Timestamp) -> Self {
        FailedRenewal {
            at: now.as_second(),
            session_key_id: session_key_id.to_owned(),
            is_of_prompt: false,
            failure,
        }
    }

    /// Remembers it. Nothing relies on that, so it is no error if it cannot be saved.
    pub fn save(&self, role_file: &Path) {
        if let Ok(json) = serde_json::to_vec(self)
            && let Ok(replacement) = Replacement::of(&name::of_failed_renewal(role_file))
        {
            let _ = replacement.finish(&json, None);
        }
    }

    /// The renewal that failed with this session of the user's less than a minute ago.
    pub fn recent(role_file: &Path, session_key_id: &str, now: Timestamp) -> Option<Self> {
        let json = file::read(&name::of_failed_renewal(role_file), LARGEST_FILE).ok()?;
        let failed: FailedRenewal = serde_json::from_slice(&json).ok()?;
        // The clock can be set back.
        let is_recent = (0..MEMORY).contains(&(now.as_second() - failed.at));
        (is_recent && failed.session_key_id == session_key_id).then_some(failed)
    }

    /// Whether it ended with a failure. Otherwise it was interrupted, or has not ended yet.
    pub fn has_ended(&self) -> bool {
        !self.is_of_prompt
    }

    /// Forgets the failed renewal of the role in this file.
    pub fn forget(role_file: &Path) {
        let _ = std::fs::remove_file(name::of_failed_renewal(role_file));
    }

    /// Why it failed, and when the next attempt is. `get_command` tries again at once.
    pub fn failure(self, get_command: &str, now: Timestamp) -> Failure {
        let ago = now.as_second() - self.at;
        let step = format!(
            "that was {ago} s ago; the next attempt is in {} s, or at once with `{get_command}`",
            MEMORY - ago
        );
        with_next_step(self.failure, step)
    }
}
