//! An MFA code, as the device shows it.

use crate::error::{Failure, Next};
use secrecy::{ExposeSecret, SecretString};

/// Six digits, good for one request within half a minute or so (RFC 6238).
pub struct Code(SecretString);

impl Code {
    /// The code in what was typed or printed; white space is dropped, as authenticators show
    /// `123 456`.
    ///
    /// # Errors
    /// It is not six digits. The message does not repeat what it is.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let digits: String = text.split_whitespace().collect();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Code(SecretString::from(digits)))
        } else {
            Err(Failure::new(Next::FixUse, "an MFA code is six digits")
                .hint("run `aws-mfa get <code>` with the digits that the MFA device shows"))
        }
    }

    /// The six digits, for the request.
    pub fn digits(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_and_spaces_do_not_matter() {
        for text in ["123456", "123 456", " 123456\r\n", "1 2 3 4 5 6"] {
            assert_eq!(Code::parse(text).unwrap().digits(), "123456");
        }
        for text in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345"] {
            assert!(Code::parse(text).is_err(), "{text}");
        }
    }
}
