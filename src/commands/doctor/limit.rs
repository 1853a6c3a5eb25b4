//! The time limits of `doctor`.

use std::time::{Duration, Instant};

/// For one check.
pub const CHECK: Duration = Duration::from_secs(5);

/// For all checks together.
const ALL: Duration = Duration::from_secs(20);

/// The end of all checks.
#[derive(Clone, Copy)]
pub struct Limit(Instant);

/// The end of one check.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Limit {
    /// All checks begin now.
    pub fn start() -> Self {
        Limit(Instant::now() + ALL)
    }

    /// A check begins now.
    pub fn check(self) -> Deadline {
        Deadline(self.0.min(Instant::now() + CHECK))
    }
}

impl Deadline {
    /// The time left, if any.
    pub fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The moment itself.
    pub fn instant(self) -> Instant {
        self.0
    }
}
