//! `aws-mfa exec`: runs a command, or the user's shell, with the session in its environment.

use super::get;
use crate::account::MASTER_KEYS;
use crate::cli::Exec;
use crate::credentials::{self, Waiter};
use crate::environment::change::Change;
use crate::environment::label::Label;
use crate::environment::variable::{self, Variable};
use crate::environment::zone::time_zone;
use crate::environment::{Environment, search};
use crate::error::{Failure, Kind, reason};
use crate::escape::quote;
use crate::file;
use crate::invocation;
use crate::session::{SOON, Session};
use crate::time::{self, now};
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Other variables that select credentials: they would beat the session, or take over after it has expired.
const OTHER_CREDENTIALS: [&str; 12] = [
    // The JavaScript SDK prefers a profile's keys to the environment's, and every SDK fails if the profile does not exist.
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    // <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    // <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    // The expiry of another tool's session.
    "AWS_SESSION_EXPIRATION",
    // Prints codes, which could get more sessions.
    "AWS_MFA_CODE_COMMAND",
    // Applies to this process only.
    variable::AWS_MFA_HOOK.name(),
];

/// The longest first line of a script that Linux reads (`BINPRM_BUF_SIZE`).
const LONGEST_FIRST_LINE: u64 = 256;

/// Runs `aws-mfa exec`. On Unix it returns only if the command could not be started.
pub fn run(exec: &Exec, environment: &Environment) -> anyhow::Result<ExitCode> {
    let (program, arguments) = match exec.command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (shell(exec, environment)?, [].as_slice()),
    };
    let (session, name) = session(exec, environment)?;
    if let Some(left) = session.time_left(now()).filter(|left| *left < SOON) {
        let left = time::span(left);
        super::note(&format!("warning: the session expires in {left}"));
    }
    if exec.command.is_empty() {
        super::note(&about_shell(&program, &session, &name, environment));
    }
    let mut command = command_of(&program, environment)?;
    command.args(arguments);
    set_environment(&mut command, environment, &Change::of(&session, &name));
    replace_process(command).map_err(|error| {
        let failure = not_run(&program, &error, environment);
        match exec.command.is_empty() {
            true => failure
                .or_hint("set SHELL to your shell, or name a command")
                .into(),
            false => failure.into(),
        }
    })
}

/// The user's shell, for a line without a command. A script whose command is in an empty variable must not succeed, so
/// the shell is for a terminal only.
fn shell(exec: &Exec, environment: &Environment) -> Result<OsString, Failure> {
    if !std::io::stdin().is_terminal() {
        let message = "no command was given, and there is no terminal for a shell";
        let of = |command| invocation::command("exec", &exec.selection, command);
        return Err(Failure::usage(message).hint(format!(
            "run `{}`; for commands on standard input, `{}`",
            of(" -- <command>"),
            of(" -- sh")
        )));
    }
    let (variable, default) = match cfg!(windows) {
        true => (variable::COMSPEC, "cmd.exe"),
        false => (variable::SHELL, "/bin/sh"),
    };
    Ok(environment
        .get(variable)
        .unwrap_or(OsStr::new(default))
        .to_owned())
}

/// What is said before the shell starts: whose session it has, and how to leave it.
fn about_shell(shell: &OsStr, session: &Session, name: &str, environment: &Environment) -> String {
    let until = session.expiration.map(|end| {
        let end = time::until(end, now(), &time_zone(environment));
        format!(" until {end}")
    });
    let leaves = match Label::of(environment) {
        Some(outer) => format!("returns to {}", outer.name),
        None => "leaves it".to_owned(),
    };
    format!(
        "{name}: {} with the session{}; `exit` {leaves}",
        shell.to_string_lossy(),
        until.unwrap_or_default(),
    )
}

/// The saved credentials, with their name. On a terminal or with a code command, gets a session if there is none.
fn session(exec: &Exec, environment: &Environment) -> anyhow::Result<(Session, String)> {
    let can_ask =
        || std::io::stderr().is_terminal() || get::has_code_command(&exec.selection, environment);
    match credentials::find(&exec.selection, environment, Waiter::Program, &mut |_| {}) {
        Err(failure) if failure.kind == Kind::NoSession && !exec.no_prompt && can_ask() => {
            super::note(&failure.message);
            let session = get::session_for_command(&exec.selection, environment)?;
            Ok((session, credentials::name(&exec.selection, environment)?))
        }
        found => {
            let found = found?.with_warnings_printed();
            Ok((found.session, found.name))
        }
    }
}

/// Unix searches `PATH` itself.
#[cfg(not(windows))]
fn command_of(program: &OsStr, _: &Environment) -> Result<Command, Failure> {
    Ok(Command::new(program))
}

/// Windows itself searches for `.exe` files only. std also runs batch files, with their arguments safely quoted or
/// rejected: <https://doc.rust-lang.org/std/process/index.html#windows-argument-splitting>.
#[cfg(windows)]
fn command_of(program: &OsStr, environment: &Environment) -> Result<Command, Failure> {
    let path = search::find(program, environment).ok_or_else(|| not_found(program))?;
    Ok(Command::new(path))
}

fn not_found(program: &OsStr) -> Failure {
    let name = program.to_string_lossy();
    let message = format!("command not found: {}", quote(&name));
    Failure::new(Kind::NotFound, message)
}

fn set_environment(command: &mut Command, environment: &Environment, change: &Change) {
    // If a name occurs twice, getenv(3) sees the first value, but Command keeps the last.
    command.env_clear().envs(environment.variables().rev());
    let master_keys = MASTER_KEYS.map(Variable::name);
    for name in master_keys.iter().chain(&OTHER_CREDENTIALS) {
        command.env_remove(name);
    }
    for (name, value) in change.entries() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

fn not_run(program: &OsStr, error: &std::io::Error, environment: &Environment) -> Failure {
    /// `ERROR_BAD_EXE_FORMAT`
    const NO_PROGRAM: i32 = 193;
    let name = program.to_string_lossy();
    let name = quote(&name);
    let cannot_run = |why: &str| Failure::new(Kind::CannotRun, format!("cannot run {name}: {why}"));
    if cfg!(windows) && error.raw_os_error() == Some(NO_PROGRAM) {
        let hint = format!("run it with its interpreter: `aws-mfa exec -- <interpreter> {name}`");
        return cannot_run("Windows cannot execute this type of file").hint(hint);
    }
    if error.kind() != ErrorKind::NotFound {
        return cannot_run(&reason(error));
    }
    let Some(path) = search::find(program, environment) else {
        return not_found(program);
    };
    // It exists, so something that it needs does not.
    match interpreter(&path) {
        Some(interpreter) => cannot_run(&format!("its interpreter {interpreter} does not exist")),
        None => cannot_run("its interpreter or loader does not exist"),
    }
}

/// The interpreter in a script's first line: `/bin/sh` in `#!/bin/sh -e`.
fn interpreter(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    let (file, _) = file::open(path).ok()?;
    file.take(LONGEST_FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = String::from_utf8_lossy(start.strip_prefix(b"#!")?);
    // Not all white space: in a file from Windows, the carriage return is part of the name.
    let line = line.trim_start_matches([' ', '\t']);
    line.split([' ', '\t', '\n']).next().map(str::to_owned)
}

/// Replaces this process with the command, so that signals, terminal and status are its own.
///
/// The command inherits every signal disposition but one: Rust's runtime ignores SIGPIPE before `main`, and std resets it
/// to its default before exec(2), whatever it was (see `-Zon-broken-pipe`,
/// <https://github.com/rust-lang/rust/issues/97889>). Stable Rust without unsafe code cannot find out what it was;
/// `.github/GUIDE.md` has a workaround.
#[cfg(unix)]
fn replace_process(mut command: Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Runs the command and exits with its status. Windows has no exec(2).
///
/// The console sends Ctrl-C and Ctrl-Break to both processes. This one ignores them: if it exited first, the shell would
/// take the terminal back from a running command, and would never see the command's status.
#[cfg(windows)]
fn replace_process(mut command: Command) -> std::io::Result<ExitCode> {
    use tokio::signal::windows::{ctrl_break, ctrl_c};
    let _ignored = (ctrl_c(), ctrl_break());
    let status = command.status()?;
    // On Windows, a status has 32 bits and ExitCode only eight, but std's exit accepts them all.
    std::process::exit(status.code().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_of_duplicate_variables_counts() {
        let environment = [("A", "1"), ("B", "2"), ("A", "3")]
            .map(|(name, value)| (name.into(), value.into()))
            .into_iter()
            .collect();
        let mut command = Command::new("true");
        set_environment(&mut command, &environment, &Change::nothing());
        let set: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_some())
            .collect();
        let expected = [("A", Some("1")), ("B", Some("2"))];
        let expected = expected.map(|(name, value)| (OsStr::new(name), value.map(OsStr::new)));
        assert_eq!(set, expected);
    }
}
