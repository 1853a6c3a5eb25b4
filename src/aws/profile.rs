//! The profiles in `~/.aws/config` and `~/.aws/credentials`, read with the SDK's own parser.
//! Nothing is ever written there.

use crate::environment::Environment;
use crate::error::{Failure, Next};
use anyhow::Context;
use aws_config::profile::{ProfileFileLoadError, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};
use std::collections::HashMap;
use std::error::Error;

/// The settings of one profile; none where there is no such profile.
pub struct Profile {
    name: String,
    profiles: ProfileSet,
}

impl Profile {
    /// Reads the two files, where `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` or the
    /// defaults say that they are; files that are missing hold no profiles.
    ///
    /// # Errors
    /// A file is broken: which one, and in which line.
    pub fn load(name: &str, environment: &Environment) -> anyhow::Result<Self> {
        let mut variables = HashMap::new();
        for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            if let Some(value) = environment.text(variable)? {
                variables.insert(variable.to_owned(), value.to_owned());
            }
        }
        if let Some(home) = environment.home() {
            let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
            variables.insert(variable.to_owned(), home.to_string_lossy().into_owned());
        }
        let profiles = tokio::runtime::Builder::new_current_thread()
            .build()
            .context("cannot start the runtime")?
            .block_on(aws_config::profile::load(
                &Fs::real(),
                &Env::from(variables),
                &Default::default(),
                Some(name.to_owned().into()),
            ))
            .map_err(broken)?;
        Ok(Profile {
            name: name.to_owned(),
            profiles,
        })
    }

    /// The profile's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `key`; an empty one counts as none.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.profiles.get(key).filter(|value| !value.is_empty())
    }

    /// Whether one of the files has the profile.
    pub fn exists(&self) -> bool {
        self.profiles.get_profile(&self.name).is_some()
    }
}

/// The parser's message without its line breaks: it names the file and the line, and quotes neither.
fn broken(error: ProfileFileLoadError) -> Failure {
    let message = match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let words: Vec<&str> = message.split_whitespace().collect();
    Failure::new(Next::FixSetup, words.join(" ")).hint(
        "mend that line; `aws configure list-profiles` shows whether the AWS CLI can read the file",
    )
}
