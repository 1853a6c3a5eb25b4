//! A hook's memory between prompts: the key that it has loaded, and what it has reported.

use jiff::Timestamp;
use std::fmt;

/// The pause after a failure, in seconds: each attempt can delay a prompt by a few seconds.
const PAUSE: i64 = 60;

/// The longest access key id in AWS.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>
const LONGEST_ID: usize = 128;

/// The id of an access key, with only the characters that AWS uses (`\w`). None is special in any shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// The id without any other characters.
    pub fn of(id: &str) -> Self {
        KeyId(
            id.chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(LONGEST_ID)
                .collect(),
        )
    }
}

/// A hook's memory. As text, it is one word that needs no quotes in any shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The saved key that is loaded in the shell, by this hook or otherwise.
    pub given: Option<KeyId>,
    /// The key with a warning that it expires soon.
    pub warned: Option<KeyId>,
    /// The expired key that direnv should replace by reloading.
    pub reloaded: Option<KeyId>,
    /// The role's key, about to expire, that direnv should replace by reloading.
    pub renewed: Option<KeyId>,
    /// The expired key that was still there afterwards, and has been reported.
    pub reported: Option<KeyId>,
    /// When the last attempt failed, in seconds since 1970.
    pub failed_at: Option<i64>,
}

impl Memory {
    /// The memory from the last prompt. At the first prompt, and after an update of this program, it can be anything.
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
