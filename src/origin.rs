//! A setting's value and where it came from.

use std::fmt;
use std::path::PathBuf;

/// A setting's value and its origin.
#[derive(Clone)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where the value comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A setting that comes from there.
    pub fn new(value: T, origin: Origin) -> Self {
        Setting { value, origin }
    }

    /// The default for a setting.
    pub fn by_default(value: T) -> Self {
        Setting::new(value, Origin::Default)
    }

    /// The same setting with part of its value.
    pub fn get<'a, U>(&'a self, part: impl FnOnce(&'a T) -> U) -> Setting<U> {
        Setting::new(part(&self.value), self.origin.clone())
    }

    /// The same setting with its value converted.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Setting<U> {
        Setting::new(into(self.value), self.origin)
    }

    /// The same setting with its value converted.
    ///
    /// # Errors
    /// `into` fails.
    pub fn try_map<U, E>(self, into: impl FnOnce(T) -> Result<U, E>) -> Result<Setting<U>, E> {
        Ok(Setting::new(into(self.value)?, self.origin))
    }
}

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line: `--region`.
    Flag(&'static str),
    /// A variable of the environment: `AWS_REGION`.
    Variable(&'static str),
    /// A key of a profile, and the file that it is in: `region` of `work`.
    Profile(String, &'static str, PathBuf),
    /// `~/.aws`, where one profile has access keys and nothing selects another.
    OnlyProfile,
    /// IAM, either now or when the saved session was requested.
    Discovered,
    /// The default.
    Default,
}

impl Origin {
    /// The same profile's `key`; of another origin, that origin.
    pub fn of_key(&self, key: &'static str) -> Self {
        match self {
            Origin::Profile(profile, _, file) => {
                Origin::Profile(profile.clone(), key, file.clone())
            }
            other => other.clone(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => f.write_str(name),
            Origin::Profile(profile, key, _) => write!(f, "{key} in the profile {profile}"),
            Origin::OnlyProfile => f.write_str("the only profile with access keys"),
            Origin::Discovered => f.write_str("found in IAM"),
            Origin::Default => f.write_str("default"),
        }
    }
}
