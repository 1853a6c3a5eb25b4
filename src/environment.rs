//! The environment as a value: what this process was given.

pub mod change;
pub mod variable;
pub mod zone;

use crate::error::{Failure, Kind};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use variable::Variable;

/// A snapshot of the process's environment. Names and values may be any bytes.
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
    directories: Directories,
}

/// The system's functions for the user's directories, called only if the variables do not say.
struct Directories {
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
            directories: Directories {
                home: dirs::home_dir,
                config: dirs::config_dir,
            },
        }
    }

    /// The value of a variable; an empty one counts as not set, as it does for the AWS SDKs.
    pub fn get(&self, variable: Variable) -> Option<&OsStr> {
        self.variables
            .iter()
            .find(|(name, _)| is_same_name(name, variable.name(), cfg!(windows)))
            .map(|(_, value)| value.as_os_str())
            .filter(|value| !value.is_empty())
    }

    /// The value of a variable that must be UTF-8.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub fn text(&self, variable: Variable) -> Result<Option<&str>, Failure> {
        self.get(variable)
            .map(|value| {
                value.to_str().ok_or_else(|| {
                    Failure::new(Kind::Setup, format!("{variable} is not valid UTF-8"))
                })
            })
            .transpose()
    }

    /// The first of these variables that is set, with its value, which must be UTF-8.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub fn first(&self, variables: &[Variable]) -> Result<Option<(&'static str, &str)>, Failure> {
        for variable in variables {
            if let Some(value) = self.text(*variable)? {
                return Ok(Some((variable.name(), value)));
            }
        }
        Ok(None)
    }

    /// All variables, in the process's order.
    pub fn variables(&self) -> impl DoubleEndedIterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The user's home directory: `HOME` (on Windows the profile directory), else what the system
    /// knows.
    ///
    /// # Errors
    /// `HOME` is a relative path, which would mean a different directory everywhere.
    pub fn home(&self) -> Result<Option<PathBuf>, Failure> {
        if cfg!(windows) {
            return Ok((self.directories.home)());
        }
        match self.get(variable::HOME).map(PathBuf::from) {
            Some(home) if home.is_relative() => Err(Failure::new(
                Kind::Setup,
                format!("HOME is a relative path ({})", home.display()),
            )
            .hint("set HOME to an absolute path")),
            Some(home) => Ok(Some(home)),
            None => Ok((self.directories.home)()),
        }
    }

    /// The directory for the user's configuration: `$XDG_CONFIG_HOME` if it is an absolute path, else `~/.config`, on every
    /// Unix (the two scripts saved their session there on macOS too). On Windows, the roaming application data.
    ///
    /// # Errors
    /// Those of [`Environment::home`].
    pub fn config_directory(&self) -> Result<Option<PathBuf>, Failure> {
        if cfg!(windows) {
            return Ok((self.directories.config)());
        }
        match self.get(variable::XDG_CONFIG_HOME).map(PathBuf::from) {
            Some(directory) if directory.is_absolute() => Ok(Some(directory)),
            _ => Ok(self.home()?.map(|home| home.join(".config"))),
        }
    }
}

/// Whether `variable` is the variable called `name`. On Windows, case is ignored. All names that this program reads are
/// ASCII.
fn is_same_name(variable: &OsStr, name: &str, ignore_case: bool) -> bool {
    match ignore_case {
        true => variable.eq_ignore_ascii_case(name),
        false => variable == name,
    }
}

/// An environment with these variables only, on a system without known directories.
impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Environment {
            variables: variables.into_iter().collect(),
            directories: Directories {
                home: || None,
                config: || None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_of_a_name_counts_except_on_windows() {
        let odd = OsStr::new("Aws_Profile");
        assert!(is_same_name(odd, "AWS_PROFILE", true));
        assert!(!is_same_name(odd, "AWS_PROFILE", false));
        assert!(!is_same_name(odd, "AWS_PROFILES", true));
        assert!(is_same_name(
            OsStr::new("AWS_PROFILE"),
            "AWS_PROFILE",
            false
        ));
    }

    #[cfg(unix)]
    #[test]
    fn relative_home_is_an_error_with_a_remedy() {
        let environment =
            |home: &str| -> Environment { [("HOME".into(), home.into())].into_iter().collect() };
        for home in ["h", ".", "~", "../h"] {
            let failure = environment(home).config_directory().unwrap_err();
            assert_eq!(
                failure.to_string(),
                format!("HOME is a relative path ({home})\nhint: set HOME to an absolute path")
            );
        }
        assert_eq!(environment("/h").home().unwrap(), Some("/h".into()));
        assert_eq!(environment("").home().unwrap(), None);
    }
}
