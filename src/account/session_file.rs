//! Where a session is saved.

use super::keys::{KEY_ID, SECRET, half_a_pair, key_id};
use super::{Owner, ProfileChoice};
use crate::environment::{Environment, native, variable};
use crate::error::Failure;
use crate::file_name::FileNames;
use crate::origin::{Origin, Setting};
use crate::sources::Sources;
use std::path::PathBuf;

/// The file of the session of `owner`; if that is unknown, of the selected profile.
///
/// `--session-file` beats everything. An explicit profile beats `AWS_SESSION_FILE` and the `MASTER_*` variables:
/// `get -p other` never overwrites the current directory's session.
///
/// # Errors
/// The home directory is unknown, only the master key's secret is set, or its id is invalid.
pub fn of(
    sources: &Sources,
    selected: &ProfileChoice,
    owner: Option<&Owner>,
) -> Result<Setting<PathBuf>, Failure> {
    let environment = sources.environment;
    if let Some(path) = &sources.selection.session_file {
        let file = native(path.clone());
        return Ok(Setting::new(file, Origin::Flag("--session-file")));
    }
    let own = |name: &str, origin| -> Result<_, Failure> {
        let file = directory(environment)?.join(format!("session-{name}"));
        Ok(Setting::new(file, origin))
    };
    let of_profile = |name| own(&FileNames::HERE.encode(name), selected.origin.clone());
    let profile = match owner {
        Some(Owner::Profile(name)) => Some(name.as_str()),
        Some(Owner::Environment) => None,
        None => Some(selected.name.as_str()),
    };
    if selected.is_explicit
        && let Some(name) = profile
    {
        return of_profile(name);
    }
    if let Some(path) = environment.get(variable::AWS_SESSION_FILE) {
        // `session-${MASTER_AWS_ACCESS_KEY_ID}` in an .envrc, but the key is unset.
        if path.as_encoded_bytes().ends_with(b"session-") {
            let message =
                format!("AWS_SESSION_FILE ends in `session-`: {KEY_ID} was empty when it was set");
            let hint =
                format!("set {KEY_ID} before AWS_SESSION_FILE, or set AWS_MFA_PROFILE instead");
            return Err(Failure::setup(message).hint(hint));
        }
        // The same with a secret in the place of the id, which every message would show.
        if let Some(id) = environment.text(variable::MASTER_AWS_ACCESS_KEY_ID)?
            && path.to_string_lossy().contains(id)
        {
            key_id(id, KEY_ID)?;
        }
        let origin = Origin::Variable(variable::AWS_SESSION_FILE.name());
        return Ok(Setting::new(native(PathBuf::from(path)), origin));
    }
    match (
        environment.text(variable::MASTER_AWS_ACCESS_KEY_ID)?,
        environment.get(variable::MASTER_AWS_SECRET_ACCESS_KEY),
    ) {
        (Some(id), _) => own(key_id(id, KEY_ID)?, Origin::Variable(KEY_ID)),
        (None, Some(_)) => Err(half_a_pair(KEY_ID, SECRET)),
        (None, None) => of_profile(profile.unwrap_or(&selected.name)),
    }
}

/// The directory of the session files; `None` if the home directory is unknown.
///
/// # Errors
/// HOME is a relative path.
pub fn session_directory(environment: &Environment) -> Result<Option<PathBuf>, Failure> {
    let directory = environment.config_directory()?;
    Ok(directory.map(|directory| directory.join("aws")))
}

fn directory(environment: &Environment) -> Result<PathBuf, Failure> {
    session_directory(environment)?.ok_or_else(|| {
        Failure::setup("no place for the session file: the home directory is unknown").hint(
            match cfg!(windows) {
                true => "set APPDATA or AWS_SESSION_FILE",
                false => "set HOME or AWS_SESSION_FILE",
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Selection;
    use crate::sources::Flags;
    use std::ffi::OsString;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect()
    }

    fn session_file(
        selection: &Selection,
        environment: &Environment,
    ) -> Result<Setting<PathBuf>, Failure> {
        let selected = ProfileChoice::of(selection, environment)?;
        let sources = Sources::new(selection, Flags::default(), environment);
        super::of(&sources, &selected, None)
    }

    fn selection(profile: Option<&str>, session_file: Option<&str>) -> Selection {
        Selection {
            profile: profile.map(str::to_owned),
            role_arn: None,
            session_file: session_file.map(PathBuf::from),
        }
    }

    #[cfg(unix)]
    #[test]
    fn session_file_comes_from_flag_explicit_profile_variable_key_or_profile() {
        let all = [
            ("HOME", "/h"),
            ("AWS_MFA_PROFILE", "e"),
            ("AWS_SESSION_FILE", "/v"),
            (KEY_ID, "AKIA1"),
            ("AWS_PROFILE", "a/b"),
        ];
        let path = |selection: &Selection, from: usize| {
            let variables = [&all[..1], &all[from..]].concat();
            session_file(selection, &environment(&variables))
                .unwrap()
                .value
        };
        let none = selection(None, None);
        assert_eq!(
            path(&selection(Some("p"), Some("/f")), 1),
            PathBuf::from("/f")
        );
        assert_eq!(
            path(&selection(Some("p"), None), 1),
            PathBuf::from("/h/.config/aws/session-p")
        );
        assert_eq!(path(&none, 1), PathBuf::from("/h/.config/aws/session-e"));
        assert_eq!(path(&none, 2), PathBuf::from("/v"));
        assert_eq!(
            path(&none, 3),
            PathBuf::from("/h/.config/aws/session-AKIA1")
        );
        assert_eq!(
            path(&none, 4),
            PathBuf::from("/h/.config/aws/session-a%2Fb")
        );
        assert_eq!(
            path(&none, 5),
            PathBuf::from("/h/.config/aws/session-default")
        );
    }

    #[cfg(unix)]
    #[test]
    fn relative_xdg_config_home_is_ignored() {
        let path = |xdg: &str| {
            let environment = environment(&[("HOME", "/h"), ("XDG_CONFIG_HOME", xdg)]);
            session_file(&selection(None, None), &environment)
                .unwrap()
                .value
        };
        assert_eq!(path("/x"), PathBuf::from("/x/aws/session-default"));
        assert_eq!(path("x"), PathBuf::from("/h/.config/aws/session-default"));
    }

    #[cfg(windows)]
    #[test]
    fn session_file_on_windows_is_in_appdata_and_has_no_mixed_slashes() {
        let variables = [("AppData", "C:/a"), ("AWS_PROFILE", "Work:1")];
        let path = |selection: &Selection| {
            let file = session_file(selection, &environment(&variables));
            file.unwrap().value.to_str().unwrap().to_owned()
        };
        assert_eq!(
            path(&selection(None, None)),
            "C:\\a\\aws\\session-%57ork%3A1"
        );
        assert_eq!(path(&selection(None, Some("C:/a\\s"))), "C:\\a\\s");
    }

    #[test]
    fn missing_home_directory_is_an_error() {
        let failure = session_file(&selection(None, None), &environment(&[])).err();
        assert_eq!(
            failure.unwrap().to_string(),
            format!(
                "no place for the session file: the home directory is unknown\n\
                 hint: set {} or AWS_SESSION_FILE",
                if cfg!(windows) { "APPDATA" } else { "HOME" }
            )
        );
    }

    #[test]
    fn session_file_of_an_unset_key_is_an_error() {
        let set = environment(&[("AWS_SESSION_FILE", "/h/.config/aws/session-")]);
        let failure = session_file(&selection(None, None), &set).err();
        assert_eq!(
            failure.unwrap().to_string(),
            "AWS_SESSION_FILE ends in `session-`: MASTER_AWS_ACCESS_KEY_ID was empty when it was set\n\
             hint: set MASTER_AWS_ACCESS_KEY_ID before AWS_SESSION_FILE, or set AWS_MFA_PROFILE instead"
        );
        assert!(session_file(&selection(Some("p"), Some("/f")), &set).is_ok());
    }

    #[test]
    fn secret_without_key_id_is_an_error() {
        let failure = session_file(&selection(None, None), &environment(&[(SECRET, "x")])).err();
        assert_eq!(
            failure.unwrap().message,
            "MASTER_AWS_ACCESS_KEY_ID is not set, but MASTER_AWS_SECRET_ACCESS_KEY is"
        );
    }

    #[test]
    fn secret_instead_of_the_key_id_is_an_error_that_does_not_show_it() {
        for id in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "a\u{1b}b",
            "a/b",
            "x".repeat(129).as_str(),
        ] {
            let failure = session_file(
                &selection(None, None),
                &environment(&[("HOME", "/h"), (KEY_ID, id)]),
            );
            let failure = failure.err().unwrap().to_string();
            assert!(
                failure.contains(KEY_ID) && !failure.contains(id),
                "{failure}"
            );
        }
    }
}
