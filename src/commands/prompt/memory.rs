//! A hook's memory between prompts: the key that it has loaded, and what it has reported.

use crate::aws::legal;
use crate::error::Failure;
use crate::session::name;
use std::fmt;

/// The longest access key id in AWS.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>
const LONGEST_ID: usize = 128;

/// The id of an access key, with only the characters that AWS uses (`\w`). None is special in any shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// The id without any other characters.
    pub fn of(id: &str) -> Self {
        let legal = id.chars().filter(|c| legal::ACCESS_KEY_ID.allows(*c));
        KeyId(legal.take(LONGEST_ID).collect())
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
    /// The failure that has been reported, as a digest.
    pub failure: Option<KeyId>,
}

impl Memory {
    /// The memory from the last prompt. At the first prompt, and after an update of this program, it can be anything.
    pub fn parse(text: &str) -> Self {
        let mut fields = text.split(':');
        let mut id = || (fields.next().filter(|field| !field.is_empty())).map(KeyId::of);
        Memory {
            given: id(),
            warned: id(),
            reloaded: id(),
            renewed: id(),
            reported: id(),
            failure: id(),
        }
    }

    /// Whether this failure is another one than at the last prompt, so that each is reported once.
    pub fn is_new(&mut self, failure: &Failure) -> bool {
        let digest = KeyId(name::short_digest([failure.message.as_str()]));
        self.failure.replace(digest.clone()) != Some(digest)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |id: &Option<KeyId>| id.as_ref().map_or(String::new(), |KeyId(id)| id.clone());
        let fields = [
            &self.given,
            &self.warned,
            &self.reloaded,
            &self.renewed,
            &self.reported,
            &self.failure,
        ];
        f.write_str(&fields.map(id).join(":"))
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
            failure: Some(KeyId::of("0123456789abcdef")),
            ..Memory::default()
        };
        assert_eq!(memory.to_string(), "ASIA1::::armrfb:0123456789abcdef");
        assert_eq!(Memory::parse(&memory.to_string()), memory);
        for text in ["", ":", "::::::x"] {
            assert_eq!(Memory::parse(text), Memory::default(), "{text}");
        }
    }

    #[test]
    fn failure_is_new_until_it_has_been_reported() {
        let mut memory = Memory::default();
        let [first, second] = ["no network", "no region"].map(Failure::setup);
        let is_new = [&first, &first, &second, &first].map(|failure| memory.is_new(failure));
        assert_eq!(is_new, [true, false, true, true]);
    }
}
