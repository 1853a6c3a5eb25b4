//! How a shell loads the session: direnv, the prompt hook of `init`, or the user.

use crate::cli::Selection;
use crate::direnv;
use crate::environment::{Environment, native, variable};
use crate::error::Failure;
use crate::invocation;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What loads the session into the shell that started this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loader {
    /// direnv has loaded an `.envrc` for the directory.
    Direnv,
    /// The hook of `init`.
    Hook,
    /// Neither.
    None,
}

impl Loader {
    /// The integration, from the shell's environment. Where direnv has loaded an `.envrc`, the hook leaves the session to
    /// it.
    pub fn of(environment: &Environment) -> Self {
        if environment.get(variable::DIRENV_DIR).is_some() {
            Loader::Direnv
        } else if environment.get(variable::AWS_MFA_HOOK).is_some() {
            Loader::Hook
        } else {
            Loader::None
        }
    }

    /// The same in words.
    ///
    /// # Errors
    /// Nothing brings the session; with what would.
    pub fn in_words(
        self,
        selection: &Selection,
        environment: &Environment,
        session_file: &Path,
    ) -> Result<String, Failure> {
        let directory = environment.get(variable::DIRENV_DIR).unwrap_or_default();
        let directory = directory.to_string_lossy();
        // direnv marks it with a dash.
        let directory = directory.strip_prefix('-').unwrap_or(&directory);
        let envrc = native(Path::new(directory).join(".envrc"));
        match self {
            Loader::Direnv if direnv::is_watched(environment, session_file) => {
                Ok(format!("direnv ({})", envrc.display()))
            }
            Loader::Direnv => {
                let message = format!("direnv, but {} does not load this session", envrc.display());
                Err(Failure::setup(message).hint("add `use aws_mfa` or `direnv_load aws-mfa load`"))
            }
            Loader::Hook => Ok("the prompt hook".to_owned()),
            Loader::None => {
                let load = load_command(selection, environment);
                let hint = match UserShell::of(environment).start_up_line("aws-mfa init") {
                    Some(line) => format!("run `{load}`, or add {line}"),
                    None => format!("run `{load}`"),
                };
                Err(Failure::setup("none").hint(hint))
            }
        }
    }
}

/// The warning for an `.envrc` that is not loaded because direnv's hook is missing in this shell.
pub fn inactive_direnv(environment: &Environment, directory: Option<&Path>) -> Option<Failure> {
    if environment.get(variable::DIRENV_DIR).is_some() {
        return None;
    }
    let envrc = envrc_above(directory?)?;
    let line = UserShell::of(environment).start_up_line("direnv hook")?;
    let envrc = envrc.display();
    let message = format!("direnv is not active in this shell, so {envrc} is not loaded");
    Some(Failure::setup(message).hint(format!("add {line}")))
}

fn envrc_above(directory: &Path) -> Option<PathBuf> {
    let mut envrcs = directory.ancestors().map(|above| above.join(".envrc"));
    envrcs.find(|envrc| envrc.is_file())
}

/// The command that loads the session of this selection into the user's shell.
pub fn load_command(selection: &Selection, environment: &Environment) -> String {
    let shell = UserShell::of(environment);
    let load = |format: &str| invocation::command("load", selection, format);
    match shell {
        UserShell::Sh(_) => format!("eval \"$({})\"", load("")),
        UserShell::Fish => format!("{} | source", load(" --format fish")),
        UserShell::Elvish => format!("eval ({} | slurp)", load(" --format elvish")),
        UserShell::Tcsh => format!("eval \"`{}`\"", load(" --format tcsh")),
        UserShell::Nushell => format!("{} | from json | load-env", load(" --format json")),
        UserShell::Powershell => {
            format!("{} | Invoke-Expression", load(" --format powershell"))
        }
        UserShell::Cmd => {
            let load = load(" --format cmd");
            format!("for /f \"delims=\" %i in ('{load}') do @%i")
        }
    }
}

/// The user's login shell, from `SHELL`. An unknown one counts as a POSIX shell.
///
/// On Windows, only the shells of Git, MSYS and Cygwin set `SHELL`. Of the other two, cmd sets `PROMPT` for the programs
/// that it starts.
#[derive(Debug, PartialEq, Eq)]
enum UserShell {
    /// bash, zsh or another POSIX shell.
    Sh(&'static str),
    Fish,
    Elvish,
    Tcsh,
    Nushell,
    Powershell,
    Cmd,
}

impl UserShell {
    fn of(environment: &Environment) -> Self {
        Self::on(cfg!(windows), environment)
    }

    fn on(windows: bool, environment: &Environment) -> Self {
        let name = environment
            .get(variable::SHELL)
            .and_then(|shell| Path::new(shell).file_stem()?.to_str());
        match name {
            Some("zsh") => UserShell::Sh("zsh"),
            Some("fish") => UserShell::Fish,
            Some("elvish") => UserShell::Elvish,
            Some("tcsh" | "csh") => UserShell::Tcsh,
            Some("nu") => UserShell::Nushell,
            Some("pwsh") => UserShell::Powershell,
            None if windows && environment.get(variable::PROMPT).is_some() => UserShell::Cmd,
            None if windows => UserShell::Powershell,
            _ => UserShell::Sh("bash"),
        }
    }

    /// The line that evaluates the output of `command` for this shell, and the start-up file for it. Neither direnv nor
    /// `init` supports cmd.
    fn start_up_line(&self, command: &str) -> Option<String> {
        let line = match self {
            UserShell::Sh(name) => format!("eval \"$({command} {name})\""),
            UserShell::Fish => format!("{command} fish | source"),
            UserShell::Elvish => format!("eval ({command} elvish | slurp)"),
            UserShell::Tcsh => format!("eval \"`{command} tcsh`\""),
            // Nushell cannot evaluate text; it sources a file.
            UserShell::Nushell => format!("{command} nushell | save --force ~/.aws-mfa.nu"),
            UserShell::Powershell => {
                format!("{command} powershell | Out-String | Invoke-Expression")
            }
            UserShell::Cmd => return None,
        };
        let file = match self {
            UserShell::Sh("zsh") => "~/.zshrc",
            UserShell::Sh(_) => "~/.bashrc",
            UserShell::Fish => "~/.config/fish/config.fish",
            UserShell::Elvish => "~/.config/elvish/rc.elv",
            UserShell::Tcsh => "~/.tcshrc",
            UserShell::Nushell => "config.nu",
            UserShell::Powershell => "$PROFILE",
            UserShell::Cmd => return None,
        };
        Some(format!("`{line}` to {file}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_on_windows_is_known_by_shell_and_prompt() {
        let shell = |windows, variables: &[(&str, &str)]| {
            let variables = variables.iter();
            let environment = variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            UserShell::on(windows, &environment)
        };
        let prompt = ("PROMPT", "$P$G");
        let modules = ("PSModulePath", "C:\\Modules");
        assert_eq!(shell(true, &[modules]), UserShell::Powershell);
        assert_eq!(shell(true, &[modules, prompt]), UserShell::Cmd);
        // As Git's bash passes it on.
        let bash = ("SHELL", "C:/Program Files/Git/usr/bin/bash.exe");
        assert_eq!(shell(true, &[bash, prompt]), UserShell::Sh("bash"));
        assert_eq!(shell(false, &[prompt]), UserShell::Sh("bash"));
    }

    #[test]
    fn cmd_is_given_a_line_to_type_and_none_for_a_start_up_file() {
        assert_eq!(UserShell::Cmd.start_up_line("aws-mfa init"), None);
        assert_eq!(
            UserShell::Powershell.start_up_line("aws-mfa init").unwrap(),
            "`aws-mfa init powershell | Out-String | Invoke-Expression` to $PROFILE"
        );
    }
}
