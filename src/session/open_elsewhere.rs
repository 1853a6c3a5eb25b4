//! Windows: files that another program has open.
//!
//! If that program does not share deletion, the file can be neither replaced nor removed. Most such programs are done
//! soon: virus scanners, indexers, backups. So this retries for two seconds, as Go's `robustio` does:
//! <https://github.com/golang/go/blob/master/src/cmd/internal/robustio/robustio_flaky.go>.

use std::io::Result;
use std::time::Duration;

/// `ERROR_ACCESS_DENIED`: also the error for replacing an open file.
const ACCESS_DENIED: i32 = 5;
/// `ERROR_SHARING_VIOLATION`
const SHARING_VIOLATION: i32 = 32;

/// The access right to delete or replace a file, see
/// <https://learn.microsoft.com/windows/win32/secauthz/standard-access-rights>.
pub const DELETE: u32 = 0x0001_0000;

const ATTEMPTS: u32 = 40;
/// Between two attempts; two seconds in all.
const PAUSE: Duration = Duration::from_millis(50);

/// Retries `attempt` for up to two seconds while it fails because a program has the file open.
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

/// Whether the error means that another program has the file open.
pub fn is_violation(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(SHARING_VIOLATION)
}
