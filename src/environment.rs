//! The environment as a value: what this process was given, and what a session changes in it.

pub mod direnv;
pub mod shell;

use crate::error::{Failure, Next};
use crate::session::Session;
use secrecy::ExposeSecret;
use std::borrow::Cow;
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
                value.to_str().ok_or_else(|| {
                    Failure::new(Next::FixSetup, format!("{name} is not valid UTF-8"))
                })
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

/// What a session changes in an environment: names in order, each with its new value or gone.
///
/// The formats of [`shell`] and [`direnv`] each render this one value.
pub struct Change<'a> {
    entries: Vec<(&'static str, Option<Cow<'a, str>>)>,
}

impl<'a> Change<'a> {
    /// The change that puts `session` into force.
    ///
    /// `AWS_SECURITY_TOKEN` goes, because older SDKs prefer it to `AWS_SESSION_TOKEN`; what this
    /// session lacks goes too, because it can only be left from another one.
    pub fn of(session: &'a Session) -> Self {
        let expiration = session.expiration.map(|time| Cow::from(time.to_string()));
        let region = session.region.as_deref().map(Cow::from);
        let mut entries = vec![
            ("AWS_ACCESS_KEY_ID", Some(Cow::from(&session.access_key_id))),
            (
                "AWS_SECRET_ACCESS_KEY",
                Some(Cow::from(session.secret_access_key.expose_secret())),
            ),
            (
                "AWS_SESSION_TOKEN",
                Some(Cow::from(session.session_token.expose_secret())),
            ),
            ("AWS_CREDENTIAL_EXPIRATION", expiration),
        ];
        if region.is_some() {
            entries.push(("AWS_REGION", region.clone()));
            entries.push(("AWS_DEFAULT_REGION", region));
        }
        entries.push(("AWS_SECURITY_TOKEN", None));
        Change { entries }
    }

    /// A change that leaves everything as it is.
    pub fn nothing() -> Self {
        Change {
            entries: Vec::new(),
        }
    }

    /// The names with their new values; `None` where the variable goes.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.entries
            .iter()
            .map(|(name, value)| (*name, value.as_deref()))
    }

    /// The new value of `name`, if the change gives it one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entries()
            .find(|(entry, _)| *entry == name)
            .and_then(|(_, value)| value)
    }
}
