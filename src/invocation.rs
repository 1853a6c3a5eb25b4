//! Command lines of this program, as hints name them.

use crate::account::{Account, Owner};
use crate::cli::{STORE, Selection};
use crate::environment::variable;
use crate::sources::{Flags, Sources};
use crate::word;
use std::path::Path;

/// The `get` command for this selection and these flags, for hints.
pub fn get_command(selection: &Selection, flags: &Flags) -> String {
    let device = words(&[("--serial-number", flags.serial_number)]);
    get_command_with(&device, selection, flags)
}

/// The same command, with the place of a device that the user has to name.
pub fn get_command_naming_device(selection: &Selection, flags: &Flags) -> String {
    get_command_with(" --serial-number <device>", selection, flags)
}

fn get_command_with(device: &str, selection: &Selection, flags: &Flags) -> String {
    let rest = words(&[("--duration", flags.duration), ("--region", flags.region)]);
    command("get", selection, &format!("{device}{rest} <code>"))
}

/// A subcommand's command line for this selection, for hints. `options` begin with a space.
pub fn command(verb: &str, selection: &Selection, options: &str) -> String {
    let session_file = selection.session_file.as_deref().map(Path::to_string_lossy);
    let selection = words(&[
        ("--profile", selection.profile.as_deref()),
        ("--role-arn", selection.role_arn.as_deref()),
        ("--session-file", session_file.as_deref()),
    ]);
    format!("aws-mfa {verb}{selection}{options}")
}

/// The command that moves the key of a profile, or of the environment, to a store that the profile reads.
pub fn move_command(profile: &str) -> String {
    let words = words(&[("--profile", Some(profile)), ("--to", Some(STORE))]);
    format!("aws-mfa rotate{words}")
}

/// Options with their values, as words that a person can paste into a shell, each after a space.
pub fn words(options: &[(&str, Option<&str>)]) -> String {
    let given = |(option, value): &(&str, Option<&str>)| {
        value.map(|value| match value.starts_with('-') {
            true => format!(" {option}={}", word::quoted(value)),
            false => format!(" {option} {}", word::quoted(value)),
        })
    };
    options.iter().filter_map(given).collect()
}

/// The commands that the hints of `get` name.
pub struct Commands {
    /// This one.
    pub get: String,
    /// The same, with the place of a device that the user has to name.
    pub get_naming_device: String,
    /// What forgets a device that was found in IAM.
    pub clear: String,
}

impl Commands {
    /// The commands for this selection and these flags.
    pub fn of(sources: &Sources, account: &Account) -> Self {
        let (selection, flags) = (sources.selection, &sources.flags);
        let role_variable = sources.environment.get(variable::AWS_MFA_ROLE_ARN);
        let clear = match &account.role {
            Err(_) | Ok(None) => command("clear", selection, ""),
            // For a role, only the role's credentials would be removed.
            Ok(Some(chain)) => match (&chain.owner, role_variable) {
                (Owner::Profile(base), None) => {
                    let mut base_selection = selection.clone();
                    base_selection.profile = Some(base.clone());
                    base_selection.role_arn = None;
                    command("clear", &base_selection, "")
                }
                _ => "aws-mfa clear --all".to_owned(),
            },
        };
        Commands {
            get: get_command(selection, flags),
            get_naming_device: get_command_naming_device(selection, flags),
            clear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn selection(profile: Option<&str>, session_file: Option<&str>) -> Selection {
        Selection {
            profile: profile.map(str::to_owned),
            role_arn: None,
            session_file: session_file.map(PathBuf::from),
        }
    }

    #[test]
    fn get_command_repeats_the_selection_and_the_flags() {
        let none = Flags::default();
        assert_eq!(
            get_command(&selection(None, None), &none),
            "aws-mfa get <code>"
        );
        assert_eq!(
            get_command(&selection(Some("a b"), Some("/s")), &none),
            match cfg!(windows) {
                true => "aws-mfa get --profile \"a b\" --session-file /s <code>",
                false => "aws-mfa get --profile 'a b' --session-file /s <code>",
            }
        );
        assert_eq!(
            get_command(&selection(Some("-x"), None), &none),
            "aws-mfa get --profile=-x <code>"
        );
        let flags = Flags {
            serial_number: Some("GAHT12345678"),
            duration: Some("8h"),
            region: Some("eu-west-1"),
            code_command: Some("pass otp aws"),
        };
        assert_eq!(
            get_command(&selection(None, None), &flags),
            "aws-mfa get --serial-number GAHT12345678 --duration 8h --region eu-west-1 <code>"
        );
    }
}
