//! What a hook remembers from prompt to prompt: which key it gave the shell, and what it has reported.

use jiff::Timestamp;
use std::fmt;

/// How long nothing is tried after a failure, in seconds: each attempt can take a few seconds of a prompt.
const PAUSE: i64 = 60;

/// No access key id of AWS is longer.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>
const LONGEST_ID: usize = 128;

/// The id of an access key, in the characters that AWS's have (`\w`): no shell gives them a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// The id; other characters than AWS's are left out.
    pub fn of(id: &str) -> Self {
        KeyId(
            id.chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(LONGEST_ID)
                .collect(),
        )
    }
}

/// What a hook remembers. As text it is one word, which no shell has to quote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The saved key that the shell has, from this hook or otherwise.
    pub given: Option<KeyId>,
    /// The key that a warning was printed for: it expires soon.
    pub warned: Option<KeyId>,
    /// The expired key that direnv was asked to replace.
    pub reloaded: Option<KeyId>,
    /// The key of a role, close to its end, that direnv was asked to replace.
    pub renewed: Option<KeyId>,
    /// The expired key that was still there afterwards, and was reported.
    pub reported: Option<KeyId>,
    /// When the last attempt failed, in seconds since 1970.
    pub failed_at: Option<i64>,
}

impl Memory {
    /// The memory of the last prompt. At the first one, and after an update of this program, it may be
    /// anything.
    pub fn parse(text: &str) -> Self {
        let mut fields = text.split(':').map(|field| match field {
            "" => None,
            field => Some(field),
        });
        let mut next = || fields.next().flatten();
        let id = |field: Option<&str>| field.map(KeyId::of);
        Memory {
            given: id(next()),
            warned: id(next()),
            reloaded: id(next()),
            renewed: id(next()),
            reported: id(next()),
            failed_at: next().and_then(|field| field.parse().ok()),
        }
    }

    /// Whether the last attempt failed less than a minute ago.
    pub fn is_pausing(&self, now: Timestamp) -> bool {
        self.failed_at
            .is_some_and(|failed_at| (0..PAUSE).contains(&(now.as_second() - failed_at)))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in [
            &self.given,
            &self.warned,
            &self.reloaded,
            &self.renewed,
            &self.reported,
        ] {
            write!(f, "{}:", id.as_ref().map_or("", |KeyId(id)| id))?;
        }
        match self.failed_at {
            Some(second) => write!(f, "{second}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_round_trips_through_its_text() {
        let memory = Memory {
            given: Some(KeyId::of("ASIA1")),
            reported: Some(KeyId::of("a'; rm -rf / #:b")),
            failed_at: Some(1_700_000_000),
            ..Memory::default()
        };
        assert_eq!(memory.to_string(), "ASIA1::::armrfb:1700000000");
        assert_eq!(Memory::parse(&memory.to_string()), memory);
        for text in ["", ":", ":::::x"] {
            assert_eq!(Memory::parse(text), Memory::default(), "{text}");
        }
    }

    #[test]
    fn failure_is_followed_by_a_pause_of_a_minute() {
        let memory = Memory {
            failed_at: Some(1000),
            ..Memory::default()
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(memory.is_pausing(at(1000)) && memory.is_pausing(at(1059)));
        // The clock can be set back.
        assert!(!memory.is_pausing(at(1060)) && !memory.is_pausing(at(999)));
    }
}
