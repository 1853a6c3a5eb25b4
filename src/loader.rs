//! How a shell loads the session: direnv, the prompt hook of `init`, or the user.

use crate::account::Account;
use crate::account::keys::is_key_id;
use crate::cli::Selection;
use crate::direnv;
use crate::environment::label::{KeyId, Label};
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::hook::Memory;
use crate::invocation;
use crate::path::in_words;
use crate::session::store::SessionStore;
use crate::sources::{Flags, Sources};
use crate::word;
use serde::Serialize;
use std::ffi::OsStr;
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
        if direnv::loaded_file(environment).is_some() {
            Loader::Direnv
        } else if Memory::of(environment).is_of_this_shell() {
            Loader::Hook
        } else {
            Loader::None
        }
    }
}

/// What loads the credentials of a selection into the shell, in words.
pub struct Integration<'a> {
    selection: &'a Selection,
    environment: &'a Environment,
    /// The files that `load` reads for the selection.
    files: Vec<PathBuf>,
    /// See [`Account::name`].
    name: String,
}

impl<'a> Integration<'a> {
    /// The integration for the account of these sources.
    pub fn of(sources: &Sources<'a>, account: &Account) -> Self {
        Integration {
            selection: sources.selection,
            environment: sources.environment,
            files: files_of(account),
            name: account.name(),
        }
    }

    /// What loads them, with what would make it better.
    ///
    /// # Errors
    /// Nothing does; with what would.
    pub fn in_words(&self) -> Result<(String, Option<String>), Failure> {
        let environment = self.environment;
        match Loader::of(environment) {
            Loader::Direnv => self.direnv_in_words(),
            Loader::Hook => Ok(("the prompt hook has run in this shell".to_owned(), None)),
            Loader::None => {
                let load = load_command(self.selection, environment);
                let hint = match start_up_line(environment) {
                    Some(line) => format!("run `{load}`, or add {line}"),
                    None => format!("run `{load}`"),
                };
                Err(Failure::setup("none").hint(hint))
            }
        }
    }

    fn direnv_in_words(&self) -> Result<(String, Option<String>), Failure> {
        let environment = self.environment;
        let envrc = direnv::loaded_file(environment).unwrap_or_default();
        let shown = in_words(&envrc);
        if direnv::watches_any(environment, &self.files) {
            let has_hook = Memory::of(environment).is_of_this_shell();
            let line = start_up_line(environment).filter(|_| !has_hook);
            let hint = line
                .map(|line| format!("direnv does not notice when the session expires: add {line}"));
            return Ok((format!("direnv ({shown})"), hint));
        }
        if direnv::is_blocked(environment) {
            let message = format!("direnv is not allowed to load {shown}");
            return Err(Failure::setup(message).hint(allow(&envrc)));
        }
        let load = invocation::command("load", self.selection, "");
        let hint = format!("add `direnv_load {load}` to it, and run `direnv allow`");
        let own = KeyId::of_environment(environment);
        let message = match own.is_some_and(|own| direnv::has_loaded(environment, &own)) {
            true => {
                let whose = whose(environment);
                format!(
                    "direnv has loaded {shown}, which loads {whose}, not {}",
                    self.name
                )
            }
            false => {
                format!(
                    "direnv has loaded {shown}, which loads no session or failed before it could"
                )
            }
        };
        Err(Failure::setup(message).hint(hint))
    }

    /// Why this shell, which direnv or the hook looks after, will not have the new credentials at its next prompt.
    ///
    /// # Errors
    /// It will not.
    pub fn will_follow(&self) -> Result<(), Failure> {
        let environment = self.environment;
        let own = KeyId::of_environment(environment);
        let own = own.as_ref();
        let memory = Memory::of(environment);
        let why = match Loader::of(environment) {
            Loader::None => return Ok(()),
            Loader::Direnv if direnv::watches_any(environment, &self.files) => return Ok(()),
            Loader::Direnv => {
                let envrc = direnv::loaded_file(environment).unwrap_or_default();
                match direnv::is_blocked(environment) {
                    true => format!("direnv is not allowed to load {}", in_words(&envrc)),
                    false => format!("{} does not load it", in_words(&envrc)),
                }
            }
            Loader::Hook => match &memory.selected {
                None if memory.failure.is_none() => "no profile is selected in it".to_owned(),
                Some(selected) if *selected != self.name => {
                    format!("its prompt hook loads {selected}")
                }
                _ => match own.filter(|own| memory.given.as_ref() != Some(own)) {
                    Some(_)
                        if Label::of(environment).is_none_or(|label| label.name != self.name) =>
                    {
                        format!(
                            "it has {}, which the prompt hook leaves alone",
                            whose(environment)
                        )
                    }
                    _ => return Ok(()),
                },
            },
        };
        let message = format!("this shell will not load it, because {why}");
        Err(Failure::setup(message))
    }

    /// The credentials in the shell, if they are others than `valid`, the selected ones.
    pub fn other_credentials(&self, valid: &str) -> Option<Failure> {
        let own = KeyId::of_environment(self.environment)?;
        if own == KeyId::of(valid) {
            return None;
        }
        let message = match Label::of(self.environment) {
            Some(label) if label.name == self.name => {
                format!("this shell still has an older session of {}", self.name)
            }
            _ => format!("this shell keeps {}", whose(self.environment)),
        };
        let load = load_command(self.selection, self.environment);
        Some(Failure::setup(message).hint(format!("run `{load}`")))
    }

    /// The credentials in a shell whose selection has no valid ones.
    pub fn leftover_credentials(&self) -> Option<Failure> {
        let environment = self.environment;
        let own = KeyId::of_environment(environment)?;
        let whose = whose(environment);
        let get = invocation::get_command(self.selection, &Flags::default());
        let load = load_command(self.selection, environment);
        if own.as_str().starts_with("ASIA") {
            let failure = Failure::setup(format!(
                "this shell has {whose}, but there is no valid session"
            ));
            return Some(failure.hint(
                match self.will_follow().is_ok() && Loader::of(environment) != Loader::None {
                    true => format!("run `{get}`"),
                    false => format!("run `{get}`, then `{load}`"),
                },
            ));
        }
        let unset = [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ];
        let message =
            format!("this shell has {whose}: a long-term key, which programs use without MFA");
        Some(Failure::setup(message).hint(unset_command(environment, &unset)))
    }
}

/// The files that `load` reads for this account, which direnv then watches: the session, and the role's credentials.
fn files_of(account: &Account) -> Vec<PathBuf> {
    let Ok(session_file) = &account.session_file else {
        return Vec::new();
    };
    let base = &session_file.value;
    let mut files = vec![base.clone()];
    if let Ok(Some(chain)) = &account.role {
        let session = SessionStore::new(base.clone()).read().ok();
        let made_with = session.and_then(|loaded| loaded.session.provenance.master_key_id);
        files.extend(
            [true, false]
                .map(|is_direct| account.role_file(chain, base, made_with.as_deref(), is_direct)),
        );
    }
    files
}

/// Whose the shell's credentials are: their label says it, else nobody knows. A secret in the place of the id is not shown.
fn whose(environment: &Environment) -> String {
    match Label::of(environment) {
        Some(label) => format!("the session of {}", label.name),
        None => {
            let own = environment.get(variable::AWS_ACCESS_KEY_ID);
            let own = own.and_then(OsStr::to_str).filter(|own| is_key_id(own));
            let own = own.unwrap_or("invalid key id");
            format!("credentials that aws-mfa did not load ({own})")
        }
    }
}

/// The remedy for a file that direnv is not allowed to load.
pub fn allow(envrc: &Path) -> String {
    let envrc = word::of_path(envrc);
    format!("run `direnv allow {envrc}`")
}

/// The warning for an `.envrc` that is not loaded because direnv's hook is missing in this shell.
pub fn inactive_direnv(environment: &Environment, directory: Option<&Path>) -> Option<Failure> {
    if direnv::loaded_file(environment).is_some() {
        return None;
    }
    let envrc = envrc_above(directory?)?;
    let line = UserShell::of(environment).start_up_line("direnv hook")?;
    let envrc = in_words(&envrc);
    let message = format!("direnv is not active in this shell, so {envrc} is not loaded");
    Some(Failure::setup(message).hint(format!("add {line}")))
}

/// The `.envrc` of this directory, or of one above it.
pub fn envrc_above(directory: &Path) -> Option<PathBuf> {
    let mut envrcs = directory.ancestors().map(|above| above.join(".envrc"));
    envrcs.find(|envrc| envrc.is_file())
}

/// The line for the hook of `init`, with the start-up file that it belongs to.
fn start_up_line(environment: &Environment) -> Option<String> {
    UserShell::of(environment).start_up_line("aws-mfa init")
}

/// The command that unsets these variables in the user's shell.
pub fn unset_command(environment: &Environment, names: &[&str]) -> String {
    let all = names.join(" ");
    let each = |before: &str, after: &str, between: &str| {
        let commands = names.iter().map(|name| format!("{before}{name}{after}"));
        commands.collect::<Vec<_>>().join(between)
    };
    match UserShell::of(environment) {
        UserShell::Sh(_) => format!("unset {all}"),
        UserShell::Fish => format!("set --erase {all}"),
        UserShell::Elvish => each("unset-env ", "", "; "),
        UserShell::Tcsh => each("unsetenv ", "", "; "),
        UserShell::Nushell => format!("hide-env --ignore-errors {all}"),
        UserShell::Powershell => format!("Remove-Item {}", each("Env:", "", ", ")),
        UserShell::Cmd => each("set \"", "=\"", " & "),
    }
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
