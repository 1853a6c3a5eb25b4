//! Durations of sessions.

use crate::error::Failure;
use crate::escape::quote;
use jiff::SignedDuration;
use std::fmt;

/// A session's duration in whole seconds, 15 minutes to 36 hours: the range of GetSessionToken's `DurationSeconds`. (A
/// root user gets an hour at most, but only STS knows who is root.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(i32);

impl Duration {
    /// Half a day: a morning's code lasts the working day.
    pub const DEFAULT: Duration = Duration(12 * 3600);

    const SHORTEST: i32 = 15 * 60;
    const LONGEST: i32 = 36 * 3600;

    /// Parses `12h`, `90m`, `1h30m`, `45m30s` or plain seconds: `3600`.
    ///
    /// # Errors
    /// `text` is an invalid duration, or out of range.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let fault = |what: &str| {
            Failure::usage(format!("{what}: {}", quote(text)))
                .hint("a session lasts 15m to 36h; write 12h, 90m, 1h30m or a number of seconds")
        };
        let seconds = seconds(text.trim()).ok_or_else(|| fault(INVALID))?;
        match i32::try_from(seconds) {
            Ok(seconds @ Self::SHORTEST..=Self::LONGEST) => Ok(Duration(seconds)),
            Ok(..Self::SHORTEST) => Err(fault("too short for a session")),
            _ => Err(fault("too long for a session")),
        }
    }

    /// The duration in seconds, for the request.
    pub fn seconds(self) -> i32 {
        self.0
    }
}

/// The duration of a role's session in seconds, 15 minutes to 12 hours: the range of AssumeRole's `DurationSeconds`.
///
/// # Errors
/// `text` is an invalid duration, or out of range.
pub fn of_role(text: &str) -> Result<i32, Failure> {
    seconds(text.trim())
        .and_then(|seconds| i32::try_from(seconds).ok())
        .filter(|seconds| (900..=43_200).contains(seconds))
        .ok_or_else(|| {
            let hint =
                "a role's session lasts 15m to 12h; write 8h, 90m, 1h30m or a number of seconds";
            Failure::usage(format!("{INVALID} for a role: {}", quote(text))).hint(hint)
        })
}

/// The time that a session must have left.
///
/// # Errors
/// `text` is an invalid duration.
pub fn time_left(text: &str) -> Result<SignedDuration, Failure> {
    seconds(text.trim())
        .and_then(|seconds| i64::try_from(seconds).ok())
        .map(SignedDuration::from_secs)
        .ok_or_else(|| {
            Failure::usage(format!("{INVALID}: {}", quote(text)))
                .hint("write it as 15m, 1h30m or a number of seconds")
        })
}

/// The time that a session must have left to be kept: a quarter of its duration in seconds at most. With more, a new session would
/// be renewed again at once.
///
/// # Errors
/// `text` is an invalid duration.
pub fn margin(text: &str, seconds: i32) -> Result<SignedDuration, Failure> {
    let most = SignedDuration::from_secs(i64::from(seconds) / 4);
    Ok(time_left(text)?.min(most))
}

const INVALID: &str = "invalid duration";

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::time::span(SignedDuration::from_secs(self.0.into())))
    }
}

/// The seconds in a duration with units, as jiff reads them, or in one number without a unit. jiff's signs, `1.5h` and
/// `PT1H` have no place here.
fn seconds(text: &str) -> Option<u64> {
    if !text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    {
        return None;
    }
    text.parse().ok().or_else(|| {
        let length: SignedDuration = text.parse().ok()?;
        u64::try_from(length.as_secs()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_duration_is_read_back_from_any_notation(
            seconds in Duration::SHORTEST..=Duration::LONGEST,
        ) {
            let (hours, minutes) = (seconds / 3600, seconds / 60);
            for text in [
                format!("{seconds}"),
                format!("{seconds}s"),
                format!("{minutes}m{}s", seconds % 60),
                format!("{hours}h{}m{}s", minutes % 60, seconds % 60),
            ] {
                prop_assert_eq!(Duration::parse(&text).unwrap().seconds(), seconds);
            }
        }

        #[test]
        fn any_text_is_a_duration_in_range_or_an_error(text in any::<String>()) {
            if let Ok(length) = Duration::parse(&text) {
                prop_assert!((Duration::SHORTEST..=Duration::LONGEST).contains(&length.seconds()));
            }
        }
    }

    #[test]
    fn duration_in_any_notation_is_read() {
        for (text, seconds) in [
            ("12h", 43_200),
            ("90m", 5_400),
            ("1h30m", 5_400),
            ("3600", 3_600),
            ("15m", 900),
            ("900s", 900),
            ("36h", 129_600),
            (" 1h ", 3_600),
        ] {
            assert_eq!(Duration::parse(text).unwrap().seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn margin_is_a_quarter_of_the_duration_at_most() {
        let margin = |text, duration| {
            margin(text, Duration::parse(duration).unwrap().seconds())
                .map(|margin| margin.as_secs())
        };
        assert_eq!(margin("15m", "12h").unwrap(), 900);
        assert_eq!(margin("0", "12h").unwrap(), 0);
        assert_eq!(margin("15m", "15m").unwrap(), 225);
        assert_eq!(margin("30m", "12h").unwrap(), 1_800);
        assert_eq!(margin("30m", "1h").unwrap(), 900);
        assert_eq!(margin("99h", "12h").unwrap(), 10_800);
        assert_eq!(
            margin("a while", "12h").err().unwrap().to_string(),
            "invalid duration: a while\n\
             hint: write it as 15m, 1h30m or a number of seconds"
        );
    }

    #[test]
    fn invalid_or_out_of_range_duration_is_an_error() {
        for (text, message) in [
            ("", "invalid duration: "),
            ("12", "too short for a session: 12"),
            ("14m59s", "too short for a session: 14m59s"),
            ("36h1s", "too long for a session: 36h1s"),
            (
                "99999999999999999999h",
                "invalid duration: 99999999999999999999h",
            ),
            ("+3600", "invalid duration: +3600"),
            ("30m1h", "invalid duration: 30m1h"),
            ("1h 30m", "invalid duration: 1h 30m"),
            ("h", "invalid duration: h"),
            ("12 hours", "invalid duration: 12 hours"),
            ("half a day", "invalid duration: half a day"),
            ("37h", "too long for a session: 37h"),
        ] {
            assert_eq!(
                Duration::parse(text).err().unwrap().to_string(),
                format!(
                    "{message}\nhint: a session lasts 15m to 36h; write 12h, 90m, 1h30m or a number of seconds"
                )
            );
        }
    }
}
