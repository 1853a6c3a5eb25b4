//! Where a code comes from: the command line, standard input, the user's code command, the terminal, or a dialog.

use super::dialog::Dialog;
use super::{Code, CodeState, Prompt, next_code};
use crate::environment::Environment;
use crate::error::{self, Failure, Kind};
use crate::origin::Setting;
use crate::stderr;
use crate::time::now;
use crate::user_command;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

/// The time limit for a code command: enough to touch a key or to unlock a vault.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// How many times the terminal or a dialog asks for a code, including the first.
const MOST_PROMPTS: u32 = 3;

/// The longest line that can contain a code, in bytes.
const LONGEST_LINE: u64 = 1024;

/// Where the codes of one `get` come from.
pub enum CodeSource<'a> {
    /// The command line.
    Argument(Code),
    /// A line of standard input: `get -`.
    Stdin,
    /// A command that prints it: `ykman oath accounts code --single aws`.
    Command {
        /// The command line for the shell.
        command: Setting<String>,
        /// The command's environment.
        environment: &'a Environment,
    },
    /// A prompt on the terminal, even if standard input and output are redirected.
    Terminal,
    /// A dialog, for a program without a terminal.
    Dialog(Dialog),
}

/// A failed request that contained a code.
pub struct Failed {
    /// The reason, for the user.
    pub failure: Failure,
    /// What is known about the code.
    pub code: CodeState,
}

impl CodeSource<'_> {
    /// The source that these words of the command line name: `-`, or the code itself, perhaps in several words.
    ///
    /// # Errors
    /// They are no code.
    pub fn of_words(words: &[SecretString]) -> Result<Option<Self>, Failure> {
        let words: Vec<&str> = words.iter().map(ExposeSecret::expose_secret).collect();
        Ok(match words.as_slice() {
            [] => None,
            ["-"] => Some(CodeSource::Stdin),
            words => Some(CodeSource::Argument(Code::parse(&words.join(" "))?)),
        })
    }

    /// Gets codes and sends each with `request`, until one is accepted or another would not help. A rejected code is
    /// never sent again.
    ///
    /// After a malformed or rejected code, the terminal or the dialog asks again, three times in all. After a rejected code, a
    /// code command runs once more, in the next time step: until then it would print the same code. The other sources
    /// have only one code.
    ///
    /// # Errors
    /// The source has no code, or the last `request` failed.
    pub fn spend<T>(
        &self,
        prompt: &Prompt,
        mut request: impl FnMut(&Code) -> Result<T, Failed>,
    ) -> Result<T, Failure> {
        let mut rejected: Option<Code> = None;
        let mut previous: Option<Failure> = None;
        let mut attempt = 1;
        loop {
            let (failure, try_another) = match self.code(prompt, previous.as_ref())? {
                Err(malformed) => (malformed, true),
                Ok(code) if rejected.as_ref() == Some(&code) => (self.rejected_again(), true),
                Ok(code) => match request(&code) {
                    Ok(value) => return Ok(value),
                    Err(Failed {
                        failure,
                        code: CodeState::Rejected,
                    }) => {
                        rejected = Some(code);
                        (failure, true)
                    }
                    Err(failed) => (failed.failure, false),
                },
            };
            match self {
                CodeSource::Terminal if try_another && attempt < MOST_PROMPTS => {
                    let failure = try_again(failure, attempt + 1, now());
                    stderr::write(&error::render(&failure.into()), stderr::ERROR);
                }
                CodeSource::Dialog(_) if try_another && attempt < MOST_PROMPTS => {
                    previous = Some(try_again(failure, attempt + 1, now()));
                }
                CodeSource::Command { .. } if try_another && attempt == 1 => {
                    let wait = next_code(now());
                    let what = "the code was rejected; running the code command again in";
                    let text = format!("aws-mfa: {what} {} s\n", wait.as_secs());
                    stderr::write(&text, stderr::ERROR);
                    std::thread::sleep(wait);
                }
                _ => return Err(failure),
            }
            attempt += 1;
        }
    }

    /// The code, or the failure for something else that was given. A dialog shows why the previous one was none.
    ///
    /// # Errors
    /// The source could not give anything.
    fn code(
        &self,
        prompt: &Prompt,
        previous: Option<&Failure>,
    ) -> Result<Result<Code, Failure>, Failure> {
        Ok(match self {
            CodeSource::Argument(code) => Ok(code.clone()),
            CodeSource::Stdin => {
                let line = first_line(std::io::stdin().lock());
                parse_line(&line.map_err(|error| cannot("read standard input", &error))?)
            }
            CodeSource::Command {
                command,
                environment,
            } => Ok(code_of_command(command, environment)?),
            CodeSource::Terminal => parse_line(&ask(prompt)?),
            CodeSource::Dialog(dialog) => parse_line(&dialog.ask(prompt, previous)?),
        })
    }

    fn rejected_again(&self) -> Failure {
        let rejected = |message: &str| Failure::new(Kind::CodeRejected, message);
        match self {
            CodeSource::Command { command, .. } => {
                let origin = &command.origin;
                rejected("the code command printed the rejected code again").hint(format!(
                    "check {origin}: it must print the device's current code"
                ))
            }
            _ => rejected("this code has already been rejected")
                .hint("wait until the MFA device shows the next code"),
        }
    }
}

/// The same failure, for the prompt number `attempt`.
fn try_again(failure: Failure, attempt: u32, now: Timestamp) -> Failure {
    let again = format!("try again ({attempt} of {MOST_PROMPTS})");
    match failure.kind {
        Kind::CodeRejected => {
            let wait = next_code(now).as_secs();
            failure.hint(format!("wait for the next code ({wait} s), then {again}"))
        }
        _ => failure.hint(again),
    }
}

fn code_of_command(command: &Setting<String>, environment: &Environment) -> Result<Code, Failure> {
    let origin = &command.origin;
    let hint = format!("check {origin}: it must print six digits and nothing else");
    let fault = |what: String| Failure::setup(what).hint(&hint);
    let output = user_command::run(&command.value, environment, COMMAND_LIMIT)
        .map_err(|reason| fault(format!("the code command {reason}")))?;
    parse_line(&output).map_err(|_| fault("the code command printed no MFA code".to_owned()))
}

/// Prompts on the terminal. The digits are shown as they are typed: they are worthless a moment later.
fn ask(prompt: &Prompt) -> Result<Vec<u8>, Failure> {
    let terminal = terminal().map_err(|_| {
        let other_ways = "pipe the code into `aws-mfa get -`, or set AWS_MFA_CODE_COMMAND";
        Failure::setup("no MFA code was given, and there is no terminal to prompt on")
            .hint(format!("run `{}`, {other_ways}", prompt.get_command))
    })?;
    let question = format!("MFA code for {}: ", prompt.device);
    match typed_after(&question, terminal) {
        Err(error) => Err(cannot("prompt on the terminal", &error)),
        Ok(line) if line.is_empty() => Err(Failure::setup("no MFA code was entered")),
        Ok(line) => Ok(line),
    }
}

/// Whether this process may prompt on its terminal. In the background, the system would stop it instead.
#[cfg(not(windows))]
pub fn is_in_foreground() -> bool {
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;
    File::open("/dev/tty").is_ok_and(|it| tcgetpgrp(it).is_ok_and(|group| group == getpgrp()))
}

/// Whether this process may prompt on its console. A program with windows may have one that is hidden, but then standard
/// input is something else.
#[cfg(windows)]
pub fn is_in_foreground() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// The line typed on the terminal after `question`; empty if the user has pressed Ctrl-D.
///
/// # Errors
/// There is no terminal, or the line is not UTF-8.
pub fn ask_on_terminal(question: &str) -> std::io::Result<String> {
    let line = typed_after(question, terminal()?)?;
    String::from_utf8(line).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

fn typed_after(question: &str, (input, mut output): (File, File)) -> std::io::Result<Vec<u8>> {
    let mut show = || write!(output, "{question}").and_then(|()| output.flush());
    show()?;
    let line = read_showing_again(input, &mut show)?;
    if line.is_empty() {
        // End of input: no line break was typed.
        let _ = writeln!(output);
    }
    Ok(line)
}

/// Reads a line, and calls `show` when the user comes back after Ctrl-Z: the shell has written over the question, and the
/// terminal has dropped what was typed.
#[cfg(not(windows))]
fn read_showing_again(
    input: File,
    show: &mut dyn FnMut() -> std::io::Result<()>,
) -> std::io::Result<Vec<u8>> {
    use rustix::process::Signal;
    use std::future::poll_fn;
    use std::pin::Pin;
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let mut read = tokio::task::spawn_blocking(|| read_line(BufReader::new(input)));
        let line = poll_fn(|context| {
            while continued.poll_recv(context).is_ready() {
                // After `bg`, the system stops it again.
                if is_in_foreground() {
                    let _ = show();
                }
            }
            Future::poll(Pin::new(&mut read), context)
        });
        line.await?
    })
}

#[cfg(windows)]
fn read_showing_again(
    input: File,
    _: &mut dyn FnMut() -> std::io::Result<()>,
) -> std::io::Result<Vec<u8>> {
    read_line(BufReader::new(input))
}

#[cfg(not(windows))]
fn terminal() -> std::io::Result<(File, File)> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    Ok((terminal.try_clone()?, terminal))
}

#[cfg(windows)]
fn terminal() -> std::io::Result<(File, File)> {
    let open = |name| File::options().read(true).write(true).open(name);
    Ok((open("CONIN$")?, open("CONOUT$")?))
}

fn cannot(what: &str, error: &std::io::Error) -> Failure {
    Failure::setup(format!("cannot {what}: {}", error::reason(error)))
}

/// A line as bytes, which need not be text.
fn read_line(input: impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// The first line that is not blank, if it is near the start.
fn first_line(input: impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut input = input.take(LONGEST_LINE);
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 || !line.trim_ascii().is_empty() {
            return Ok(line);
        }
    }
}

fn parse_line(line: &[u8]) -> Result<Code, Failure> {
    Code::parse(&String::from_utf8_lossy(line))
}
