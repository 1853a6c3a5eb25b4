//! `aws-mfa load`: prints the saved session for a shell, direnv or an SDK.
//!
//! It runs whenever direnv reloads and, in some set-ups, at every prompt. It reads, checks, renders and writes once, and
//! without `--ask` never prompts or starts a process.

mod ask;

use crate::cli::{Format, Load};
use crate::credentials::{self, Found, Waiter};
use crate::direnv::{self, Watches};
use crate::environment::change::Change;
use crate::environment::label::Label;
use crate::environment::{Environment, variable};
use crate::error::{self, Failure, Kind};
use crate::loader;
use crate::shell::{self, Language};
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Runs `aws-mfa load` and returns the exit status.
pub fn run(load: &Load, environment: &Environment) -> anyhow::Result<ExitCode> {
    match print_session(load, environment) {
        Err(error) if load.quiet && error::kind(&error) == Some(Kind::NoSession) => {
            Ok(error::exit_code(&error))
        }
        printed => printed.map(|()| ExitCode::SUCCESS),
    }
}

fn print_session(load: &Load, environment: &Environment) -> anyhow::Result<()> {
    let dump_file = environment.get(variable::DIRENV_DUMP_FILE_PATH);
    let language = match load.format {
        Some(format) => language(format),
        None => dump_file.is_none().then_some(Language::Sh),
    };
    let Some(language) = language else {
        return dump(load, environment, dump_file);
    };
    refuse_to_show_secrets(load, environment)?;
    if language == Language::Sh && environment.get(variable::DIRENV_IN_ENVRC).is_some() {
        return in_envrc(load, environment);
    }
    let found = match load.ask {
        true => ask::find(&load.selection, environment),
        false => credentials::find(&load.selection, environment, Waiter::Program, &mut |_| {}),
    };
    let found = found?.with_warnings_printed();
    let change = Change::of(&found.session, &found.name);
    super::print(&shell::render(&change, language)?)
}

/// The language of a format; direnv's dump has none.
pub fn language(format: Format) -> Option<Language> {
    Some(match format {
        Format::Sh => Language::Sh,
        Format::Fish => Language::Fish,
        Format::Powershell => Language::Powershell,
        Format::Elvish => Language::Elvish,
        Format::Tcsh => Language::Tcsh,
        Format::Cmd => Language::Cmd,
        Format::Json => Language::Json,
        Format::Dotenv => Language::Dotenv,
        Format::Process => Language::Process,
        Format::Direnv => return None,
    })
}

/// The dump for `direnv_load`. Without a valid session, it is the environment with the watch and [`change`]. If `load` failed
/// instead, direnv would forget the watch, and no shell would see the next `get`.
fn dump(load: &Load, environment: &Environment, dump_file: Option<&OsStr>) -> anyhow::Result<()> {
    let dump_file = dump_file.ok_or_else(|| {
        let name = direnv::DUMP_FILE;
        let message = format!("the direnv format needs {name}, which direnv_load sets");
        Failure::usage(message).hint("write `direnv_load aws-mfa load` in the .envrc")
    })?;
    let (found, watches) = found_or_note(load, environment)?;
    let change = change(load, environment, found.as_ref());
    direnv::write_dump(dump_file, &direnv::dump(environment, &change, &watches)?)
}

/// The commands for an .envrc's shell. As with `direnv_load`, they include the watch, also without a valid session. The
/// watch comes last.
fn in_envrc(load: &Load, environment: &Environment) -> anyhow::Result<()> {
    let (found, watches) = found_or_note(load, environment)?;
    let change = change(load, environment, found.as_ref());
    let change = direnv::with_watches(change, environment, &watches);
    super::print(&shell::render(&change, Language::Sh)?)
}

/// The change in an .envrc. Without valid credentials there is none, unless this program has put the environment's own
/// credentials there, outside the directory: those of another account would be taken for the directory's.
fn change<'f>(load: &Load, environment: &Environment, found: Option<&'f Found>) -> Change<'f> {
    if let Some(found) = found {
        return Change::of(&found.session, &found.name);
    }
    let Some(Label { name, .. }) = Label::of(environment) else {
        return Change::nothing();
    };
    let is_other = credentials::name(&load.selection, environment).is_ok_and(|own| own != name);
    if is_other && !load.quiet {
        super::note(&format!(
            "unset the session of {name}, loaded outside this directory"
        ));
    }
    Change::without_session()
}

/// The credentials, or a notice if there are no valid ones, with the files to watch.
///
/// # Errors
/// Those of [`credentials::find`], with `--strict`.
fn found_or_note(
    load: &Load,
    environment: &Environment,
) -> Result<(Option<Found>, Watches), Failure> {
    let mut watches = Watches::default();
    let mut watch = |file: &Path| watches.add(file);
    let found = match credentials::find(&load.selection, environment, Waiter::Program, &mut watch) {
        Ok(found) => Some(found.with_warnings_printed()),
        Err(failure) if load.strict => return Err(failure),
        Err(failure) => {
            if !load.quiet {
                super::note(&failure.one_line());
            }
            None
        }
    };
    Ok((found, watches))
}

/// Rejects an output that would only show the secrets: a terminal, unless a format is given, or an .envrc, whose standard
/// output direnv sends to standard error.
fn refuse_to_show_secrets(load: &Load, environment: &Environment) -> Result<(), Failure> {
    if environment.get(variable::DIRENV_IN_ENVRC).is_some() && direnv::is_seen(&std::io::stdout()) {
        let message = "in an .envrc, load would show the session's secrets on the screen";
        return Err(Failure::usage(message).hint("write `direnv_load aws-mfa load`"));
    }
    if load.format.is_none() && std::io::stdout().is_terminal() {
        let load = loader::load_command(&load.selection, environment);
        let hint = format!("run `{load}`; to see them: `aws-mfa load --format sh`");
        let message = "load would show the session's secrets on the terminal";
        return Err(Failure::usage(message).hint(hint));
    }
    Ok(())
}
