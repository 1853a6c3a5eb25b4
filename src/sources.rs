//! Where settings come from: the command line, the environment and `~/.aws`. The files are read at most once, and only
//! when a setting is looked up there.

use crate::aws_files::{Profile, Profiles, Property};
use crate::cli::Selection;
use crate::environment::Environment;
use crate::environment::variable::Variable;
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use std::cell::OnceCell;
use std::rc::Rc;

/// The flags of `get` that are settings.
#[derive(Clone, Copy, Default)]
pub struct Flags<'a> {
    /// `--serial-number`
    pub serial_number: Option<&'a str>,
    /// `--duration`
    pub duration: Option<&'a str>,
    /// `--region`
    pub region: Option<&'a str>,
    /// `--code-command`
    pub code_command: Option<&'a str>,
}

/// All sources of settings.
pub struct Sources<'a> {
    /// `--profile`, `--role-arn` and `--session-file`.
    pub selection: &'a Selection,
    /// The other flags.
    pub flags: Flags<'a>,
    /// The variables.
    pub environment: &'a Environment,
    profiles: Rc<OnceCell<Result<Profiles, Failure>>>,
}

impl<'a> Sources<'a> {
    /// These sources. Reads no file yet.
    pub fn new(selection: &'a Selection, flags: Flags<'a>, environment: &'a Environment) -> Self {
        Sources {
            selection,
            flags,
            environment,
            profiles: Rc::default(),
        }
    }

    /// The same sources for another selection. The files are read once for both.
    pub fn selecting<'b>(&self, selection: &'b Selection) -> Sources<'b>
    where
        'a: 'b,
    {
        Sources {
            selection,
            flags: self.flags,
            environment: self.environment,
            profiles: Rc::clone(&self.profiles),
        }
    }

    /// The profiles in `~/.aws`, read at the first call.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn profiles(&self) -> Result<&Profiles, Failure> {
        let read = || Profiles::load(self.environment);
        self.profiles
            .get_or_init(read)
            .as_ref()
            .map_err(Failure::clone)
    }

    /// The flag's value, else the explicit profile's, else the first of these variables, else the profile's.
    ///
    /// # Errors
    /// A variable is not UTF-8, or `of_profile` fails.
    pub fn look_up(
        &self,
        flag: Option<(&'static str, &str)>,
        variables: &[Variable],
        profile_is_explicit: bool,
        of_profile: impl Fn() -> Result<Option<Setting<String>>, Failure>,
    ) -> Result<Option<Setting<String>>, Failure> {
        if let Some((name, value)) = flag {
            return Ok(Some(Setting::new(value.to_owned(), Origin::Flag(name))));
        }
        if profile_is_explicit && let Some(setting) = of_profile()? {
            return Ok(Some(setting));
        }
        match self.environment.first(variables)? {
            Some((name, value)) => Ok(Some(Setting::new(value.to_owned(), Origin::Variable(name)))),
            None if profile_is_explicit => Ok(None),
            None => of_profile(),
        }
    }
}

/// The profiles that settings are inherited from: the selected one, then its sources.
pub struct Lineage<'s> {
    /// Where they are looked up.
    pub sources: &'s Sources<'s>,
    /// Whether the user has chosen the selected profile explicitly: it then beats the variables.
    pub is_explicit: bool,
    /// Their names.
    pub names: &'s Result<Vec<String>, Failure>,
}

impl Lineage<'_> {
    /// A setting: the flag's value, else that of the variables and of `key` in the profiles, in their order.
    pub fn look_up(
        &self,
        flag: Option<(&'static str, &str)>,
        variables: &[Variable],
        key: &'static str,
    ) -> Result<Option<Setting<String>>, Failure> {
        self.look_up_in(flag, variables, |profile| in_profile(profile, key))
    }

    /// The same, for a setting that `of_profile` finds in a profile.
    pub fn look_up_in(
        &self,
        flag: Option<(&'static str, &str)>,
        variables: &[Variable],
        of_profile: impl Fn(Profile<'_>) -> Result<Option<Setting<String>>, Failure>,
    ) -> Result<Option<Setting<String>>, Failure> {
        self.sources.look_up(flag, variables, self.is_explicit, || {
            for name in self.names.as_ref().map_err(Failure::clone)? {
                if let Some(setting) = of_profile(self.sources.profiles()?.profile(name))? {
                    return Ok(Some(setting));
                }
            }
            Ok(None)
        })
    }
}

/// The value of `key` in `profile`.
///
/// # Errors
/// The profile or the value is damaged.
pub fn in_profile(
    profile: Profile<'_>,
    key: &'static str,
) -> Result<Option<Setting<String>>, Failure> {
    Ok(profile.get(key)?.map(|own| of_profile(key, own)))
}

/// The value of `key` in a profile, as a setting.
pub fn of_profile(key: &'static str, own: Property<'_>) -> Setting<String> {
    Setting::new(
        own.value.to_owned(),
        Origin::Profile(own.profile.to_owned(), key, own.file.to_owned()),
    )
}
