//! MFA codes.

pub mod dialog;
pub mod source;

use crate::error::Failure;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The time step of RFC 6238, in seconds: a device shows a code for that long.
const TIME_STEP: i64 = 30;

/// What is known about a code after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// It was not used, and is valid for as long as the device shows it.
    Unspent,
    /// It was rejected: wrong, expired, or used before.
    Rejected,
    /// It was sent, and may be used up.
    MaybeSpent,
}

/// What the prompt on the terminal or the dialog shows.
pub struct Prompt<'a> {
    /// The MFA device.
    pub device: &'a str,
    /// The selected profile, which a dialog names: it may come from a program in the background.
    pub profile: Option<&'a str>,
    /// The command to run without a terminal or a dialog.
    pub get_command: &'a str,
}

/// Six digits, valid for one request within about half a minute (RFC 6238).
#[derive(Clone)]
pub struct Code(SecretString);

impl Code {
    /// Parses a code that was typed or printed. White space is ignored, because authenticators show `123 456`.
    ///
    /// # Errors
    /// `text` is not six digits.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let code = SecretString::from(text.split_whitespace().collect::<String>());
        let digits = code.expose_secret();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Code(code))
        } else {
            // The text is not repeated.
            Err(Code::six_digits("aws-mfa get <code>"))
        }
    }

    /// What is wrong with a text that is no code; `get_command` would take one.
    pub fn six_digits(get_command: &str) -> Failure {
        Failure::usage("an MFA code has six digits").hint(format!(
            "run `{get_command}` with the digits that the MFA device shows"
        ))
    }

    /// The six digits, for the request.
    pub fn digits(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.digits() == other.digits()
    }
}

/// The time until the device shows the next code, if its clock is right: 1 to 30 s.
pub fn next_code(now: Timestamp) -> Duration {
    let wait = TIME_STEP - now.as_second().rem_euclid(TIME_STEP);
    Duration::from_secs(wait.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_with_or_without_spaces_is_six_digits() {
        for text in ["123456", "123 456", " 123456\r\n", "1 2 3 4 5 6"] {
            assert_eq!(Code::parse(text).unwrap().digits(), "123456");
        }
        for text in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345"] {
            assert!(Code::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn wait_is_the_rest_of_the_time_step() {
        let wait = |second| next_code(Timestamp::from_second(second).unwrap()).as_secs();
        assert_eq!([wait(0), wait(1), wait(89), wait(90)], [30, 29, 1, 30]);
    }
}
