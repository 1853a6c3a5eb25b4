//! How a shell loads the session: direnv, the prompt hook of `init`, or the user.

use crate::cli::Selection;
use crate::direnv;
use crate::environment::Environment;
use crate::environment::variable;
use crate::error::{Failure, Kind};
use crate::settings;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What loads the session into the shell that started this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Integration {
    /// direnv has loaded an `.envrc` for the directory.
    Direnv,
    /// The hook of `init`.
    Hook,
    /// Neither.
    None,
}

impl Integration {
    /// The integration, from the shell's environment. Where direnv has loaded an `.envrc`, the hook leaves the session to
    /// it.
    pub fn of(environment: &Environment) -> Self {
        if environment.get(variable::DIRENV_DIR).is_some() {
            Integration::Direnv
        } else if environment.get(variable::AWS_MFA_HOOK).is_some() {
            Integration::Hook
        } else {
            Integration::None
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
        let envrc = environment
            .get(variable::DIRENV_DIR)
            .map(|directory| {
                // direnv marks the directory of an .envrc with a dash.
                let text = directory.to_string_lossy();
                Path::new(text.strip_prefix('-').unwrap_or(&text)).join(".envrc")
            })
            .unwrap_or_default();
        match self {
            Integration::Direnv if direnv::is_watched(environment, session_file) => {
                Ok(format!("direnv ({})", envrc.display()))
            }
            Integration::Direnv => Err(Failure::new(
                Kind::Setup,
                format!("direnv, but {} does not load this session", envrc.display()),
            )
            .hint("add `use aws_mfa` or `direnv_load aws-mfa load`")),
            Integration::Hook => Ok("the prompt hook".to_owned()),
            Integration::None => Err(Failure::new(Kind::Setup, "none").hint(format!(
                "run `{}`, or add `{}` to {}",
                load_command(selection, environment),
                UserShell::of(environment).init_line("aws-mfa init"),
                UserShell::of(environment).start_up_file(),
            ))),
        }
    }
}

/// The warning for an `.envrc` that is not loaded because direnv's hook is missing in this shell.
pub fn inactive_direnv(environment: &Environment, directory: Option<&Path>) -> Option<Failure> {
    if environment.get(variable::DIRENV_DIR).is_some() {
        return None;
    }
    let envrc = envrc_above(directory?)?;
    let shell = UserShell::of(environment);
    Some(
        Failure::new(
            Kind::Setup,
            format!(
                "direnv is not active in this shell, so {} is not loaded",
                envrc.display()
            ),
        )
        .hint(format!(
            "add `{}` to {}",
            shell.init_line("direnv hook"),
            shell.start_up_file()
        )),
    )
}

fn envrc_above(directory: &Path) -> Option<PathBuf> {
    directory
        .ancestors()
        .map(|directory| directory.join(".envrc"))
        .find(|envrc| envrc.is_file())
}

/// The command that loads the session of this selection into the user's shell.
pub fn load_command(selection: &Selection, environment: &Environment) -> String {
    let shell = UserShell::of(environment);
    let load = |format: &str| settings::command("load", selection, format);
    match shell {
        UserShell::Sh(_) => format!("eval \"$({})\"", load("")),
        UserShell::Fish => format!("{} | source", load(" --format fish")),
        UserShell::Elvish => format!("eval ({} | slurp)", load(" --format elvish")),
        UserShell::Tcsh => format!("eval \"`{}`\"", load(" --format tcsh")),
        UserShell::Nushell => format!("{} | from json | load-env", load(" --format json")),
        UserShell::Powershell => {
            format!("{} | Invoke-Expression", load(" --format powershell"))
        }
    }
}

/// The user's login shell, from `SHELL`. An unknown one counts as a POSIX shell.
enum UserShell {
    /// bash, zsh or another POSIX shell.
    Sh(&'static str),
    Fish,
    Elvish,
    Tcsh,
    Nushell,
    Powershell,
}

impl UserShell {
    fn of(environment: &Environment) -> Self {
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
            None if cfg!(windows) => UserShell::Powershell,
            _ => UserShell::Sh("bash"),
        }
    }

    /// The line for the start-up file that evaluates the output of `command` for this shell.
    fn init_line(&self, command: &str) -> String {
        match self {
            UserShell::Sh(name) => format!("eval \"$({command} {name})\""),
            UserShell::Fish => format!("{command} fish | source"),
            UserShell::Elvish => format!("eval ({command} elvish | slurp)"),
            UserShell::Tcsh => format!("eval \"`{command} tcsh`\""),
            // Nushell cannot evaluate text; it sources a file.
            UserShell::Nushell => format!("{command} nushell | save --force ~/.aws-mfa.nu"),
            UserShell::Powershell => {
                format!("{command} powershell | Out-String | Invoke-Expression")
            }
        }
    }

    fn start_up_file(&self) -> &'static str {
        match self {
            UserShell::Sh("zsh") => "~/.zshrc",
            UserShell::Sh(_) => "~/.bashrc",
            UserShell::Fish => "~/.config/fish/config.fish",
            UserShell::Elvish => "~/.config/elvish/rc.elv",
            UserShell::Tcsh => "~/.tcshrc",
            UserShell::Nushell => "config.nu",
            UserShell::Powershell => "$PROFILE",
        }
    }
}
