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
    failure: Failure,
}

impl FailedRenewal {
    /// Remembers `failure`, which occurred at `now` with this session of the user's. Nothing relies on it, so it is no error
    /// if it cannot be saved.
    pub fn save(role_file: &Path, session_key_id: &str, failure: &Failure, now: Timestamp) {
        let failed = FailedRenewal {
            at: now.as_second(),
            session_key_id: session_key_id.to_owned(),
            failure: failure.clone(),
        };
        if let Ok(json) = serde_json::to_vec(&failed)
            && let Ok(replacement) = Replacement::of(&name::of_failed_renewal(role_file))
        {
            let _ = replacement.finish(&json, None);
        }
    }

    /// Why a renewal with this session of the user's failed less than a minute ago. `get_command` tries again at once.
    pub fn recent(
        role_file: &Path,
        session_key_id: &str,
        get_command: &str,
        now: Timestamp,
    ) -> Option<Failure> {
        let json = file::read(&name::of_failed_renewal(role_file), LARGEST_FILE).ok()?;
        let failed: FailedRenewal = serde_json::from_slice(&json).ok()?;
        let ago = now.as_second() - failed.at;
        // The clock can be set back.
        let is_recent = (0..MEMORY).contains(&ago);
        (is_recent && failed.session_key_id == session_key_id).then(|| {
            let step = format!(
                "that was {ago} s ago; the next attempt is in {} s, or at once with `{get_command}`",
                MEMORY - ago
            );
            with_next_step(failed.failure, step)
        })
    }
}
