//! Where the master key is kept: in a file of `~/.aws`, or wherever the user's own command stores it.

use crate::account::credential_process;
use crate::account::key_source::KeySource;
use crate::account::keys::MasterKeys;
use crate::aws_files::KeysFile;
use crate::aws_files::Profiles;
use crate::environment::Environment;
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::sources::Sources;
use crate::user_command;
use secrecy::ExposeSecret;
use std::time::Duration;

/// How long a store command may take: the time to unlock a password manager.
const LIMIT: Duration = Duration::from_secs(60);

/// The place of the master key.
pub enum KeyStore<'a> {
    /// A profile's section in a file of `~/.aws`.
    File {
        /// The file.
        file: KeysFile,
        /// To find `~/.aws`.
        environment: &'a Environment,
    },
    /// `--store-command`, which gets a key on standard input; the profile's `credential_process` prints it.
    Command {
        /// The command line for the shell.
        store: &'a str,
        /// Reads the key back.
        source: &'a Setting<KeySource>,
        /// The command's environment.
        environment: &'a Environment,
    },
}

impl<'a> KeyStore<'a> {
    /// The place from which `source` reads the key.
    ///
    /// # Errors
    /// The key is only in the environment, or a store command is missing, or nothing reads back what it stores.
    pub fn of(
        sources: &Sources<'a>,
        source: &'a Setting<KeySource>,
        store_command: Option<&'a str>,
    ) -> Result<Self, Failure> {
        let environment = sources.environment;
        match (&source.value, &source.origin, store_command) {
            (KeySource::Pair { .. }, Origin::Profile(profile, ..), None) => Ok(KeyStore::File {
                file: KeysFile::of(sources.profiles()?.profile(profile))?,
                environment,
            }),
            (KeySource::Process(_), _, Some(store)) => Ok(KeyStore::Command {
                store,
                source,
                environment,
            }),
            (KeySource::Pair { .. }, Origin::Profile(profile, ..), Some(_)) => {
                let message = format!(
                    "--store-command needs a profile with credential_process, and {profile} has its key in ~/.aws"
                );
                Err(Failure::usage(message)
                    .hint("leave out --store-command, and the key is replaced in its file"))
            }
            (KeySource::Pair { .. }, origin, _) => Err(Failure::setup(format!(
                "the master key is in the environment ({origin}), where a new key cannot be saved"
            ))
            .hint(
                "the variables come from an .envrc or a secret store: keep the key in a profile of \
                 ~/.aws/credentials, or behind credential_process with --store-command; then run \
                 `aws-mfa rotate --profile <name>`",
            )),
            (KeySource::Process(_), origin, None) => Err(Failure::setup(format!(
                "the master key comes from {origin}, and no command is set to save a new one"
            ))
            .hint(
                "add a command that reads the key from standard input: --store-command 'pass insert -mf aws/work'",
            )),
        }
    }

    /// The key that is there now.
    ///
    /// # Errors
    /// The file cannot be read or has none, or the `credential_process` fails.
    pub fn current(&self) -> Result<MasterKeys, Failure> {
        match self {
            KeyStore::File { file, environment } => {
                let profiles = Profiles::load(environment)?;
                let profile = profiles.profile(file.profile());
                let key = profile.access_key()?;
                let (id, secret) = key
                    .as_ref()
                    .map_or(("", ""), |key| (key.id.value, key.secret.value));
                let name = format!("aws_access_key_id of the profile {}", file.profile());
                MasterKeys::new(id, secret, &name)
            }
            KeyStore::Command {
                source,
                environment,
                ..
            } => source.master_keys(environment, credential_process::LIMIT),
        }
    }

    /// Checks that another key can be saved in place of `current`. A store command cannot be checked.
    ///
    /// # Errors
    /// The file cannot be edited or replaced.
    pub fn prepare(&self, current: &MasterKeys) -> Result<(), Failure> {
        match self {
            KeyStore::File { file, .. } => file.prepare(pair(current)),
            KeyStore::Command { .. } => Ok(()),
        }
    }

    /// Saves `new` in place of `current`.
    ///
    /// # Errors
    /// The file cannot be edited or replaced, or the command fails.
    pub fn replace(&self, current: &MasterKeys, new: &MasterKeys) -> Result<(), Failure> {
        match self {
            KeyStore::File { file, .. } => file.replace(pair(current), pair(new)),
            KeyStore::Command {
                store, environment, ..
            } => user_command::run_with_input(store, json(new).as_bytes(), environment, LIMIT)
                .map_err(|fault| {
                    Failure::setup(format!("the store command {fault}")).hint(
                        "it must read {\"Version\": 1, \"AccessKeyId\": …} from standard input",
                    )
                }),
        }
    }

    /// The profiles that have the key with this id in `~/.aws`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn other_profiles(&self, id: &str) -> Result<Vec<String>, Failure> {
        let (KeyStore::File { environment, .. } | KeyStore::Command { environment, .. }) = self;
        let profiles = Profiles::load(environment)?;
        let names = profiles.names().into_iter().filter(|name| {
            let profile = profiles.profile(name);
            let key = profile.get("aws_access_key_id");
            matches!(key, Ok(Some(property)) if property.value == id)
        });
        Ok(names.map(str::to_owned).collect())
    }

    /// The place, for messages.
    pub fn name(&self) -> String {
        match self {
            KeyStore::File { file, .. } => {
                format!("{} (profile {})", file.path().display(), file.profile())
            }
            KeyStore::Command { source, .. } => source.origin.to_string(),
        }
    }

    /// How a key is saved there, for messages.
    pub fn way(&self) -> String {
        match self {
            KeyStore::File { .. } => format!("to {}", self.name()),
            KeyStore::Command { .. } => "with the store command".to_owned(),
        }
    }
}

fn pair(keys: &MasterKeys) -> [&str; 2] {
    [&keys.access_key_id, keys.secret_access_key.expose_secret()]
}

/// The key as a `credential_process` prints it. JSON escapes no character of an id or a secret.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
fn json(keys: &MasterKeys) -> String {
    let [id, secret] = pair(keys);
    format!("{{\"Version\":1,\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\"}}\n")
}
