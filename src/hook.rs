//! `AWS_MFA_HOOK`: the shell that the prompt hook runs in, and what the hook remembers between prompts.
//!
//! It is exported. A child of the shell sees from the process id that it is another shell, and what its parent was given.

use crate::environment::label::KeyId;
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::session::name;
use std::fmt;

/// A hook's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The process id of the shell.
    pub shell: Option<u32>,
    /// The saved key that is loaded in the shell, by this hook or otherwise.
    pub given: Option<KeyId>,
    /// The key with a warning that it expires soon.
    pub warned: Option<KeyId>,
    /// The expired key that direnv should replace by reloading.
    pub reloaded: Option<KeyId>,
    /// The role's key, about to expire, that direnv should replace by reloading.
    pub renewed: Option<KeyId>,
    /// The expired key that stays, and has been reported.
    pub reported: Option<KeyId>,
    /// The failure that has been reported, as a digest.
    pub failure: Option<KeyId>,
    /// Whose credentials the hook loads, see [`crate::account::Account::name`]; `None` if no profile is selected.
    pub selected: Option<String>,
}

impl Memory {
    /// The memory in this environment. After an update of this program, it can be anything.
    pub fn of(environment: &Environment) -> Self {
        let text = environment.get(variable::AWS_MFA_HOOK);
        text.map_or_else(Memory::default, |text| {
            Memory::parse(&text.to_string_lossy())
        })
    }

    fn parse(text: &str) -> Self {
        // The name comes last: it can have any character.
        let mut fields = text.splitn(8, ':').map(|field| match field {
            "" => None,
            field => Some(field),
        });
        let mut next = || fields.next().flatten();
        let shell = next().and_then(|shell| shell.parse().ok());
        let id = |field: Option<&str>| field.map(KeyId::of);
        Memory {
            shell,
            given: id(next()),
            warned: id(next()),
            reloaded: id(next()),
            renewed: id(next()),
            reported: id(next()),
            failure: id(next()),
            selected: next().map(str::to_owned),
        }
    }

    /// The memory for the shell with this process id. Another shell than before has seen nothing yet, but knows what its
    /// parent was given.
    pub fn in_shell(self, shell: u32) -> Self {
        match self.shell == Some(shell) {
            true => self,
            false => Memory {
                shell: Some(shell),
                given: self.given,
                ..Memory::default()
            },
        }
    }

    /// Whether this failure is another one than at the last prompt, so that each is reported once.
    pub fn is_new(&mut self, failure: &Failure) -> bool {
        let digest = KeyId::of(&name::short_digest([failure.message.as_str()]));
        self.failure.replace(digest.clone()) != Some(digest)
    }

    /// Whether the hook has run in the shell that started this process, directly or in a pipe, a subshell or a script. A
    /// shell with job control that has inherited the variable has another process group.
    pub fn is_of_this_shell(&self) -> bool {
        self.shell.is_some_and(is_parent)
    }
}

#[cfg(unix)]
fn is_parent(shell: u32) -> bool {
    use rustix::process::{getpgid, getpgrp, getppid};
    let Some(parent) = getppid() else {
        return false;
    };
    i64::from(parent.as_raw_nonzero().get()) == i64::from(shell)
        || getpgid(Some(parent)).is_ok_and(|group| group == getpgrp())
}

/// std does not know the parent.
#[cfg(not(unix))]
fn is_parent(_: u32) -> bool {
    true
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shell = self.shell.map_or(String::new(), |shell| shell.to_string());
        let id = |id: &Option<KeyId>| id.as_ref().map_or("", KeyId::as_str).to_owned();
        let fields = [
            shell,
            id(&self.given),
            id(&self.warned),
            id(&self.reloaded),
            id(&self.renewed),
            id(&self.reported),
            id(&self.failure),
            self.selected.clone().unwrap_or_default(),
        ];
        f.write_str(&fields.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_round_trips_through_its_text() {
        let memory = Memory {
            shell: Some(4711),
            given: Some(KeyId::of("ASIA1")),
            reported: Some(KeyId::of("a'; rm -rf / #:b")),
            failure: Some(KeyId::of("0123456789abcdef")),
            selected: Some("arn:x y".to_owned()),
            ..Memory::default()
        };
        assert_eq!(
            memory.to_string(),
            "4711:ASIA1::::armrfb:0123456789abcdef:arn:x y"
        );
        assert_eq!(Memory::parse(&memory.to_string()), memory);
        for text in ["", ":", "x", ":::::::"] {
            assert_eq!(Memory::parse(text), Memory::default(), "{text}");
        }
    }

    #[test]
    fn other_shell_knows_only_what_its_parent_was_given() {
        let memory = Memory::parse("1:A:B:C:D:E:F:work");
        assert_eq!(memory.clone().in_shell(1), memory);
        assert_eq!(memory.in_shell(2), Memory::parse("2:A"));
    }

    #[test]
    fn failure_is_new_until_it_has_been_reported() {
        let mut memory = Memory::default();
        let [first, second] = ["no network", "no region"].map(Failure::setup);
        let is_new = [&first, &first, &second, &first].map(|failure| memory.is_new(failure));
        assert_eq!(is_new, [true, false, true, true]);
    }
}
