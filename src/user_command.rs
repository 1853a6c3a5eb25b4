//! The user's commands that print or store secrets: a `credential_process`, a code command or a store command.
//!
//! The setting is a command line for the system's shell, as `credential_process` is in the AWS SDKs for Rust, Go,
//! JavaScript and PHP:
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.

use crate::environment::Environment;
use crate::environment::variable::{self, Variable};
use crate::error::reason;
use std::fmt;
use std::io::{IsTerminal, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Set for every command, so that aws-mfa fails if the command runs it again, however indirectly.
const MARKER: Variable = variable::AWS_MFA_INSIDE_COMMAND;

/// The most that a command may print, in bytes.
const LARGEST_OUTPUT: u64 = 64 * 1024;

/// Why a command's output cannot be used. No variant contains any of the output.
#[derive(Debug)]
pub enum Fault {
    /// This aws-mfa was itself started by such a command.
    Cycle,
    /// The shell could not be started, or its output could not be read.
    Io(std::io::Error),
    /// It did not end in time, and was killed.
    TimedOut(Duration),
    /// It exited with a failure.
    Failed(ExitStatus),
    /// It printed more than 64 KiB, and was killed.
    TooLong,
}

impl fmt::Display for Fault {
    /// The rest of a sentence that begins with the command's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Cycle => f.write_str("runs aws-mfa again"),
            Fault::Io(error) => write!(f, "cannot be run: {}", reason(error)),
            Fault::TimedOut(limit) => write!(f, "did not end within {} s", limit.as_secs()),
            Fault::Failed(status) => write!(f, "failed: {status}"),
            Fault::TooLong => f.write_str("printed more than 64 KiB"),
        }
    }
}

/// Runs `command_line` in the shell and returns its standard output.
///
/// It shares this process's standard error and may prompt on the terminal. After `limit`, it is killed. Without a
/// terminal, so are all processes that it started; on a terminal it cannot have its own process group, because only the
/// foreground group may prompt.
///
/// # Errors
/// It runs aws-mfa again, cannot be started, fails, prints too much or takes too long.
pub fn run(
    command_line: &str,
    environment: &Environment,
    limit: Duration,
) -> Result<Vec<u8>, Fault> {
    // Otherwise standard input may hold the code that `get -` reads.
    let input = match std::io::stdin().is_terminal() {
        true => Stdio::inherit(),
        false => Stdio::null(),
    };
    run_on(input, command_line, environment, limit)
}

/// Runs `command_line` in the shell with `input`, a kilobyte at most, on standard input; as [`run`] else.
///
/// # Errors
/// Those of [`run`]. That it does not read its input is none.
pub fn run_with_input(
    command_line: &str,
    input: &[u8],
    environment: &Environment,
    limit: Duration,
) -> Result<(), Fault> {
    // A pipe takes that much without a reader.
    let (reader, mut writer) = std::io::pipe().map_err(Fault::Io)?;
    writer.write_all(input).map_err(Fault::Io)?;
    drop(writer);
    run_on(reader.into(), command_line, environment, limit).map(drop)
}

fn run_on(
    input: Stdio,
    command_line: &str,
    environment: &Environment,
    limit: Duration,
) -> Result<Vec<u8>, Fault> {
    if environment.get(MARKER).is_some() {
        return Err(Fault::Cycle);
    }
    let mut command = shell(command_line);
    command
        .env(MARKER.name(), "1")
        .env_remove(variable::AWS_MFA_HOOK.name())
        .stdin(input)
        .stderr(Stdio::inherit());
    bounded(command, limit)
}

/// Runs `command` and returns its standard output. Kills it after `limit`.
///
/// # Errors
/// It cannot be started, fails, prints too much or takes too long.
pub fn bounded(mut command: Command, limit: Duration) -> Result<Vec<u8>, Fault> {
    let deadline = Instant::now() + limit;
    // Its own process group, unless there is a terminal: a background group is stopped when it prompts there, and Ctrl-C
    // does not reach it.
    let apart = cfg!(unix) && std::fs::File::open("/dev/tty").is_err();
    #[cfg(unix)]
    if apart {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(Fault::Io)?;
    let outcome = output(&mut child, deadline, limit);
    match outcome {
        // It has ended and was reaped: another process may have its id by now.
        Ok(_) | Err(Fault::Failed(_)) => {}
        Err(_) => kill(&mut child, apart),
    }
    outcome
}

fn output(child: &mut Child, deadline: Instant, limit: Duration) -> Result<Vec<u8>, Fault> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // Reads have no time limit. A thread that is still reading ends with this process.
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(LARGEST_OUTPUT + 1).read_to_end(&mut bytes);
            sender.send(read.map(|_| bytes))
        });
    }
    let bytes = receiver
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        .map_err(|_| Fault::TimedOut(limit))?
        .map_err(Fault::Io)?;
    if bytes.len() as u64 > LARGEST_OUTPUT {
        return Err(Fault::TooLong);
    }
    // Most commands end when they close their output. std can poll, but has no wait with a time limit.
    let status = loop {
        match child.try_wait().map_err(Fault::Io)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => return Err(Fault::TimedOut(limit)),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.success() {
        Ok(bytes)
    } else {
        Err(Fault::Failed(status))
    }
}

#[cfg(not(windows))]
fn shell(command_line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", command_line]);
    command
}

/// `cmd /C` strips one pair of quotes from the rest of the line and changes nothing else.
#[cfg(windows)]
fn shell(command_line: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut command = Command::new("cmd.exe");
    command.arg("/C").raw_arg(format!("\"{command_line}\""));
    command
}

/// Kills the command, and its process group if it has one. It may have ended, but must not have been reaped: until then
/// no other process gets its id.
fn kill(child: &mut Child, apart: bool) {
    #[cfg(unix)]
    if apart && let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = apart;
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn nothing() -> Environment {
        Environment::from_iter([])
    }

    fn fault(command_line: &str, limit: Duration) -> String {
        match run(command_line, &nothing(), limit) {
            Ok(_) => "none".to_owned(),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn command_line_is_run_by_the_shell() {
        let output = run("printf '%s' \"a  b\" | tr a c", &nothing(), LIMIT).unwrap();
        assert_eq!(output, b"c  b");
    }

    #[test]
    fn fault_of_a_command_contains_none_of_its_output() {
        assert_eq!(
            fault("echo S3CR3T; exit 7", LIMIT),
            "failed: exit status: 7"
        );
        assert_eq!(
            fault("dd if=/dev/zero bs=1024 count=65 2>/dev/null", LIMIT),
            "printed more than 64 KiB"
        );
    }

    #[test]
    fn command_that_takes_too_long_is_killed() {
        let limit = Duration::from_secs(1);
        assert_eq!(fault("sleep 600", limit), "did not end within 1 s");
        // It closes its output but does not end.
        assert_eq!(fault("exec sleep 600 >&-", limit), "did not end within 1 s");
        // A background process holds the output open.
        assert_eq!(fault("sleep 600 & exit", limit), "did not end within 1 s");
    }

    #[test]
    fn command_that_runs_aws_mfa_again_is_an_error() {
        let inside = [(MARKER.name().into(), "1".into())].into_iter().collect();
        let fault = run("echo", &inside, LIMIT).unwrap_err();
        assert_eq!(fault.to_string(), "runs aws-mfa again");
        assert_eq!(
            run("echo $AWS_MFA_INSIDE_COMMAND", &nothing(), LIMIT).unwrap(),
            b"1\n"
        );
    }
}
