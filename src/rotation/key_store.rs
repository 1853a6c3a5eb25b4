//! The key of one profile: read anew each time, and replaced where it is kept.

use super::journal::Rotation;
use super::place::{self, Place};
use crate::account::key_source::{self, KeySource};
use crate::account::keys::{KEY_ID, MasterKeys, SECRET};
use crate::account::{Account, Owner, ProfileChoice, credential_process};
use crate::aws_files::{KeysFile, Profiles};
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::invocation;
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use crate::sources::{Sources, in_profile};
use crate::user_command;

/// The store of a key. What stores another one is found at once, because the store may be damaged later.
pub struct KeyStore<'a> {
    environment: &'a Environment,
    choice: ProfileChoice,
    owner: Owner,
    place: Result<Place, Failure>,
    /// The `credential_process` that the profile gets with the new key.
    pub line: Option<String>,
}

impl<'a> KeyStore<'a> {
    /// The store of the account's key. `resumed` is its rotation, `to` a store of `--to`, and `command` a store command.
    pub fn of(
        sources: &Sources<'a>,
        account: &Account,
        resumed: Option<&Rotation>,
        [to, command]: [Option<&str>; 2],
    ) -> Self {
        let environment = sources.environment;
        let choice = account.profile(sources);
        let choice = choice.unwrap_or_else(|_| account.choice.clone());
        let own = |_| Owner::Profile(choice.name.clone());
        let mut store = KeyStore {
            environment,
            owner: account.owner_of_keys(sources).unwrap_or_else(own),
            choice,
            place: Err(Failure::setup("")),
            line: resumed.map(|own| own.to.clone()),
        };
        store.line = store.line.filter(|line| !line.is_empty());
        let line = to.map(|to| place::credential_process(to, store.profile(), environment));
        store.place = line.transpose().and_then(|line| {
            store.line = line.or(store.line.take());
            store.find_place(resumed.is_some(), command)
        });
        store
    }

    fn find_place(&self, is_resumed: bool, command: Option<&str>) -> Result<Place, Failure> {
        let (environment, name) = (self.environment, self.profile());
        let of_line = |line: &str| {
            let place = Place::of(line, name, environment);
            place.ok_or_else(|| {
                let command = invocation::move_command(name);
                let message = format!(
                    "the profile {name} runs `{line}`, but how to store a new key there is not known"
                );
                Failure::setup(message).hint(format!(
                    "add to the profile: mfa_store_process = <command that reads the key's JSON from standard input>; \
                     or move the key: `{command}`"
                ))
            })
        };
        if let (Some(line), Owner::Profile(_)) = (&self.line, &self.owner) {
            place::check_program(line, name, environment)?;
            return of_line(line);
        }
        let profiles = Profiles::load(environment)?;
        let profile = profiles.profile(name);
        let [config, credentials] = KeysFile::both(profile);
        let source = self.source().map(|source| (source.value, source.origin));
        let message = match source {
            Ok((KeySource::Process(line), _)) => {
                let own = in_profile(profile, "mfa_store_process")?.map(|own| own.value);
                return match command.map(str::to_owned).or(own) {
                    Some(command) => Ok(Place::Command(command)),
                    None => of_line(&line),
                };
            }
            Ok((_, Origin::Profile(..))) if command.is_some() => {
                let message = format!(
                    "--store-command needs a profile with credential_process, but the key of {name} is in ~/.aws"
                );
                let hint = "leave out --store-command to replace the key in its file";
                return Err(Failure::usage(message).hint(hint));
            }
            Ok((_, Origin::Profile(.., file))) if file == config.path => {
                return Ok(Place::Profile(config));
            }
            Ok((_, Origin::Profile(..))) => return Ok(Place::Profile(credentials)),
            Ok((_, origin)) if !is_resumed => format!(
                "the access key is in the environment ({origin}), where a new key cannot be stored"
            ),
            Err(failure) if !is_resumed => return Err(failure),
            // The file was damaged after the rotation began.
            _ => return Ok(Place::Profile(credentials)),
        };
        let command = invocation::move_command(profiles.free_name());
        Err(Failure::setup(message).hint(format!("move it to a profile: `{command}`")))
    }

    /// The profile's name.
    pub fn profile(&self) -> &str {
        match &self.owner {
            Owner::Profile(name) => name,
            Owner::Environment => &self.choice.name,
        }
    }

    fn source(&self) -> Result<Setting<KeySource>, Failure> {
        let of_environment = KeySource::of_environment(self.environment);
        let profiles = Profiles::load(self.environment)?;
        key_source::of(&self.choice, &self.owner, &profiles, of_environment)
    }

    /// The key that is there now. Runs the `credential_process`, if there is one.
    ///
    /// # Errors
    /// There is none, the file cannot be read, or the `credential_process` fails.
    pub fn current(&self) -> Result<Setting<MasterKeys>, Failure> {
        let source = self.source()?;
        let keys = source.master_keys(self.environment, credential_process::LIMIT)?;
        Ok(source.map(|_| keys))
    }

    /// What stores another key.
    ///
    /// # Errors
    /// Nothing does.
    pub fn place(&self) -> Result<&Place, Failure> {
        self.place.as_ref().map_err(Failure::clone)
    }

    /// Checks that another key can be stored in place of `current`, as far as that can be told.
    ///
    /// # Errors
    /// The file cannot be edited or replaced; or, if the key moves, something else is there, or the program is missing.
    pub fn prepare(&self, current: &MasterKeys) -> Result<(), Failure> {
        self.place()?.store(current, self.environment, true)?;
        let Some(line) = &self.line else {
            return Ok(());
        };
        // What is not there yet is no error to show.
        let read = format!("{line} 2> /dev/null");
        let found = user_command::run(&read, self.environment, credential_process::LIMIT);
        let found = found.unwrap_or_default();
        let is_free = found.trim_ascii().is_empty()
            || credential_process::parse(&found, line)
                .is_ok_and(|there| there.access_key_id == current.access_key_id);
        if !is_free {
            let message = format!("`{line}` already prints something else, which would be lost");
            return Err(Failure::setup(message).hint("choose another name: `--to STORE:NAME`"));
        }
        self.edit_profile(line, true)
    }

    /// Stores `new`, whatever is there.
    ///
    /// # Errors
    /// The file cannot be edited or replaced, the command fails, or the key is not there afterwards.
    pub fn store(&self, new: &MasterKeys) -> Result<(), Failure> {
        self.place()?.store(new, self.environment, false)?;
        let check = |read: &MasterKeys, origin: &str| {
            let (new_id, id) = (&new.access_key_id, &read.access_key_id);
            let what = match id == new_id {
                _ if read.is(new) => return Ok(()),
                true => "has another secret".to_owned(),
                false => format!("still has {id}"),
            };
            let message = format!("the new access key {new_id} was not stored: {origin} {what}");
            Err(Failure::setup(message))
        };
        if let Some(line) = &self.line {
            let (name, limit) = (format!("`{line}`"), credential_process::LIMIT);
            let read = credential_process::run(line, &name, self.environment, limit)?;
            check(&read, &name)?;
            self.edit_profile(line, false)?;
        }
        let read = self.current()?;
        check(&read.value, &read.origin.to_string())
    }

    /// Gives the profile this `credential_process`, and takes out the pair that would beat it, in this order: at every
    /// moment, the profile has a key.
    fn edit_profile(&self, line: &str, is_trial: bool) -> Result<(), Failure> {
        let profiles = Profiles::load(self.environment)?;
        let profile = profiles.profile(self.profile());
        let changes = |line| {
            [
                ("credential_process", line),
                ("mfa_store_process", None),
                ("aws_access_key_id", None),
                ("aws_secret_access_key", None),
            ]
        };
        let [config, credentials] = KeysFile::both(profile);
        config.change(&changes(Some(line)), is_trial)?;
        credentials.change(&changes(None), is_trial)
    }

    /// Other places that have the key with this id.
    pub fn other_places(&self, id: &str) -> Vec<String> {
        let profiles = Profiles::load(self.environment).unwrap_or_default();
        let has_key = |name: &&str| {
            let key = profiles.profile(name).get("aws_access_key_id");
            matches!(key, Ok(Some(property)) if property.value == id)
        };
        let names = profiles.names().into_iter().filter(has_key);
        let mut places: Vec<String> = names.map(|name| format!("the profile {name}")).collect();
        let variable = self.environment.get(variable::MASTER_AWS_ACCESS_KEY_ID);
        if variable.is_some_and(|value| value == id) {
            let place = format!("{KEY_ID}: delete it and {SECRET} from where they are set");
            places.push(place);
        }
        places
    }

    /// What the profile may get instead of this store command in the next call.
    pub fn line_to_add(&self, command: &str) -> Option<String> {
        let profiles = Profiles::load(self.environment).ok()?;
        let is_set = profiles.profile(self.profile()).has("mfa_store_process");
        (is_set == Ok(false)).then(|| format!("mfa_store_process = {command}"))
    }

    /// How a key is stored, for messages.
    pub fn way(&self) -> String {
        match (&self.place, &self.line) {
            (Ok(Place::Profile(file)), _) => {
                format!("to {} (profile {})", in_words(&file.path), self.profile())
            }
            (Ok(Place::File(path)), _) => format!("to {}", in_words(path)),
            (_, Some(line)) => format!("where `{line}` reads it"),
            _ => "with the store command".to_owned(),
        }
    }
}
