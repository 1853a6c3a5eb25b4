//! The environment as a value: what this process was given.

pub mod change;

use crate::error::{Failure, Kind};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A snapshot of the process's environment. Names and values may be any bytes.
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
    folders: Folders,
}

/// What the system knows of the user's folders, asked only where the variables do not tell.
struct Folders {
    home: fn() -> Option<PathBuf>,
    config: fn() -> Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the process and the system"
    )]
    pub fn of_process() -> Self {
        Environment {
            variables: std::env::vars_os().collect(),
            folders: Folders {
                home: dirs::home_dir,
                config: dirs::config_dir,
            },
        }
    }

    /// The value of a variable; an empty one counts as not set, as it does for the AWS SDKs.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .iter()
            .find(|(variable, _)| variable == name)
            .map(|(_, value)| value.as_os_str())
            .filter(|value| !value.is_empty())
    }

    /// The value of a variable that has to be text.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.get(name)
            .map(|value| {
                value
                    .to_str()
                    .ok_or_else(|| Failure::new(Kind::Setup, format!("{name} is not valid UTF-8")))
            })
            .transpose()
    }

    /// The first of these variables that is set, with its value, which has to be text.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub fn first(&self, names: &[&'static str]) -> Result<Option<(&'static str, &str)>, Failure> {
        for name in names {
            if let Some(value) = self.text(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// All variables, in the order in which the process was given them.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The user's home folder: `HOME` (on Windows the profile folder), else what the system knows.
    pub fn home(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return (self.folders.home)();
        }
        self.get("HOME")
            .map(PathBuf::from)
            .or_else(self.folders.home)
    }

    /// The folder of the user's settings: `$XDG_CONFIG_HOME` where it is an absolute path, else
    /// `~/.config`, on every Unix (the two scripts kept their session there on macOS too); on
    /// Windows the roaming application data.
    pub fn config_folder(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return (self.folders.config)();
        }
        self.get("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| Some(self.home()?.join(".config")))
    }
}

/// An environment of these variables alone, on a system that knows no folders.
impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Environment {
            variables: variables.into_iter().collect(),
            folders: Folders {
                home: || None,
                config: || None,
            },
        }
    }
}
