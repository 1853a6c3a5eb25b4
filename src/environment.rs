//! The environment as a value: what this process was given.

pub mod change;
pub mod label;
pub mod search;
pub mod variable;
pub mod zone;

use crate::error::Failure;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
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

    /// Whether there is a display of X11 or Wayland.
    pub fn has_display(&self) -> bool {
        let displays = [variable::DISPLAY, variable::WAYLAND_DISPLAY];
        displays.iter().any(|name| self.get(*name).is_some())
    }

    /// The value of a variable that must be UTF-8.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub fn text(&self, variable: Variable) -> Result<Option<&str>, Failure> {
        let not_utf8 = || Failure::setup(format!("{variable} is not valid UTF-8"));
        let value = self.get(variable);
        value
            .map(|value| value.to_str().ok_or_else(not_utf8))
            .transpose()
    }

    /// The first of these variables that is set, with its value, which must be UTF-8.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub fn first(&self, variables: &[Variable]) -> Result<Option<(&'static str, &str)>, Failure> {
        for variable in variables {
            if let Some(value) = self.text(*variable)? {
                let name = match cfg!(windows) {
                    true => self.spelling(*variable, variables),
                    false => variable.name(),
                };
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// The name of `variable` as the user has set it: on Windows, `https_proxy` and `HTTPS_PROXY` are one variable, and
    /// both are among `variables`.
    fn spelling(&self, variable: Variable, variables: &[Variable]) -> &'static str {
        let set = variables
            .iter()
            .map(|other| other.name())
            .filter(|name| name.eq_ignore_ascii_case(variable.name()))
            .find(|name| self.variables.iter().any(|(set, _)| set == *name));
        set.unwrap_or(variable.name())
    }

    /// All variables, in the process's order.
    pub fn variables(&self) -> impl DoubleEndedIterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The user's home directory: `HOME`, on Windows else `USERPROFILE` (the order of the AWS SDK), else the system's
    /// answer.
    ///
    /// # Errors
    /// The variable is a relative path, which would mean a different directory everywhere.
    pub fn home(&self) -> Result<Option<PathBuf>, Failure> {
        let mut variable = variable::HOME;
        if cfg!(windows) && self.get(variable).is_none() {
            variable = variable::USERPROFILE;
        }
        match self.get(variable).map(PathBuf::from) {
            Some(home) if home.is_relative() => {
                let message = format!("{variable} is a relative path ({})", home.display());
                Err(Failure::setup(message).hint(format!("set {variable} to an absolute path")))
            }
            Some(home) => Ok(Some(native(home))),
            None => Ok((self.directories.home)()),
        }
    }

    /// The path with a leading `~/` expanded, as the AWS SDKs do; `None` without a home directory.
    ///
    /// # Errors
    /// Those of [`Environment::home`].
    pub fn expand_home(&self, path: &Path) -> Result<Option<PathBuf>, Failure> {
        Ok(match path.strip_prefix("~") {
            Ok(rest) => self.home()?.map(|home| native(home.join(rest))),
            Err(_) => Some(native(path.to_owned())),
        })
    }

    /// The directory for the user's configuration: `$XDG_CONFIG_HOME` if it is an absolute path, else `~/.config`, on every
    /// Unix (the two scripts saved their session there on macOS too). On Windows, the roaming application data:
    /// `%APPDATA%` if it is an absolute path, else the system's.
    ///
    /// # Errors
    /// Those of [`Environment::home`].
    pub fn config_directory(&self) -> Result<Option<PathBuf>, Failure> {
        let variable = match cfg!(windows) {
            true => variable::APPDATA,
            false => variable::XDG_CONFIG_HOME,
        };
        match self.get(variable).map(PathBuf::from) {
            Some(directory) if directory.is_absolute() => Ok(Some(native(directory))),
            _ if cfg!(windows) => Ok((self.directories.config)()),
            _ => Ok(self.home()?.map(|home| home.join(".config"))),
        }
    }
}

/// The path with the system's separators: Windows accepts `/` too, but a path with both is hard to read.
pub fn native(path: PathBuf) -> PathBuf {
    match path.to_str() {
        Some(text) if cfg!(windows) => text.replace('/', "\\").into(),
        _ => path,
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

    #[test]
    fn tilde_is_the_home_directory() {
        let home = if cfg!(windows) { "C:/h" } else { "/h" };
        let environment: Environment = [("HOME".into(), home.into())].into_iter().collect();
        let cases = match cfg!(windows) {
            true => [
                ("~/.aws/x", "C:\\h\\.aws\\x"),
                ("C:/a\\y", "C:\\a\\y"),
                ("z", "z"),
                ("~u/x", "~u\\x"),
            ],
            false => [("~/x", "/h/x"), ("/y", "/y"), ("z", "z"), ("~u/x", "~u/x")],
        };
        for (path, expanded) in cases {
            let got = environment.expand_home(Path::new(path)).unwrap();
            // As text: to Windows the two separators are the same path.
            assert_eq!(got.unwrap().to_str().unwrap(), expanded);
        }
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

    #[test]
    fn variable_is_named_as_it_is_written() {
        let both = [variable::LOWER_HTTPS_PROXY, variable::HTTPS_PROXY];
        for (set, named) in [
            ("HTTPS_PROXY", "HTTPS_PROXY"),
            ("https_proxy", "https_proxy"),
            ("Https_Proxy", "https_proxy"),
        ] {
            let environment = Environment::from_iter([(set.into(), "x".into())]);
            assert_eq!(environment.spelling(both[0], &both), named);
        }
    }

    #[cfg(windows)]
    #[test]
    fn home_and_appdata_are_honoured_before_the_system_is_asked() {
        let of = |variables: &[(&str, &str)]| Environment {
            directories: Directories {
                home: || Some("S:\\home".into()),
                config: || Some("S:\\config".into()),
            },
            ..variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect()
        };
        for (variables, home) in [
            (&[][..], "S:\\home"),
            (&[("Home", ""), ("USERPROFILE", "")], "S:\\home"),
            (&[("UserProfile", "C:\\u")], "C:\\u"),
            (&[("home", "C:/h/i"), ("USERPROFILE", "C:\\u")], "C:\\h\\i"),
        ] {
            // As text: to Windows both separators are the same path.
            let found = of(variables).home().unwrap().unwrap();
            assert_eq!(found.to_str().unwrap(), home);
        }
        for (variables, config) in [
            (&[][..], "S:\\config"),
            (&[("APPDATA", "a\\b")], "S:\\config"),
            (&[("appdata", "C:\\a")], "C:\\a"),
        ] {
            assert_eq!(
                of(variables).config_directory().unwrap().unwrap(),
                PathBuf::from(config)
            );
        }
        assert_eq!(
            of(&[("USERPROFILE", "\\u")])
                .home()
                .unwrap_err()
                .to_string(),
            "USERPROFILE is a relative path (\\u)\nhint: set USERPROFILE to an absolute path"
        );
    }
}
