//! `aws-mfa exec`: runs a command with the session in its environment.

use crate::cli::Exec;
use crate::environment::Environment;
use crate::environment::change::Change;
use crate::error::{Failure, Kind};
use crate::escape::quote;
use crate::session::store::SessionStore;
use crate::settings;
use jiff::Timestamp;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

/// What else names credentials. A profile goes with the master keys: the JavaScript SDK prefers
/// the keys of AWS_PROFILE to those of the environment, and every SDK fails on one that is missing.
const OTHER_CREDENTIALS: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Carries out `aws-mfa exec`. On Unix it returns only if the command could not be started.
pub fn run(exec: &Exec, environment: &Environment, now: Timestamp) -> anyhow::Result<ExitCode> {
    let store = SessionStore::new(settings::session_file(&exec.selection, environment)?.value);
    let session = super::valid_session(&exec.selection, &store, now)?;
    let Some((program, arguments)) = exec.command.split_first() else {
        return Err(Failure::new(Kind::Usage, "no command was given").into());
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in settings::MASTER_KEYS.iter().chain(&OTHER_CREDENTIALS) {
        command.env_remove(name);
    }
    for (name, value) in Change::of(&session).entries() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    become_it(command).map_err(|error| {
        let program = program.to_string_lossy();
        match error.kind() {
            ErrorKind::NotFound => Failure::new(
                Kind::NotFound,
                format!("command not found: {}", quote(&program)),
            ),
            _ => Failure::new(Kind::CannotRun, format!("cannot run {program}: {error}")),
        }
        .into()
    })
}

/// Puts the command in the place of this process, so that signals, terminal and status are its own.
#[cfg(unix)]
fn become_it(mut command: Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Runs the command and hands its status on; Windows knows no other way.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    // A status of Windows has 32 bits, and ExitCode eight; std's exit takes them all.
    std::process::exit(status.code().unwrap_or(1))
}
