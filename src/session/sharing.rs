//! Windows: files that another program has open.
//!
//! Such a program can keep others from replacing and removing the file, and most that do so are done in a moment:
//! virus scanners, indexers, a backup. Hence the patience, which is that of Go's `robustio`:
//! <https://github.com/golang/go/blob/master/src/cmd/internal/robustio/robustio_flaky.go>.

use std::io::Result;
use std::time::Duration;

/// `ERROR_ACCESS_DENIED`: also what Windows says of a file that is open, where it is to be replaced.
const ACCESS_DENIED: i32 = 5;
/// `ERROR_SHARING_VIOLATION`
const SHARING_VIOLATION: i32 = 32;

/// The access right to delete a file, or to put another one in its place.
pub const DELETE: u32 = 0x0001_0000;

const ATTEMPTS: u32 = 40;
/// Between two attempts: two seconds in all.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes `attempt` until it succeeds or fails for another reason than that someone has the file open, for two seconds
/// at most.
///
/// # Errors
/// That of the last attempt.
pub fn patiently<T>(attempt: impl Fn() -> Result<T>) -> Result<T> {
    for _ in 0..ATTEMPTS {
        match attempt() {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(ACCESS_DENIED | SHARING_VIOLATION)
                ) =>
            {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
    attempt()
}

/// Whether the error is that another program has the file open.
pub fn is_violation(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(SHARING_VIOLATION)
}
