//! Where a code comes from: the command line, standard input, a command of the user's, or the
//! terminal.

use super::{Code, Malformed, State, next_code};
use crate::environment::Environment;
use crate::error::{self, Failure, Kind};
use crate::process;
use crate::setting::Setting;
use crate::stderr;
use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

/// For a code command: long enough to touch a key or to unlock a vault.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// A code is asked for so often on a terminal, the first time included.
const MOST_PROMPTS: u32 = 3;

/// No line with a code in it is longer.
const LONGEST_LINE: u64 = 1024;

/// Where the codes of one `get` come from.
pub enum CodeSource<'a> {
    /// The words that were given on the command line.
    Argument(&'a [SecretString]),
    /// A line of standard input: `get -`.
    Stdin,
    /// A command that prints one: `ykman oath accounts code --single aws`.
    Command {
        /// The command line for the shell.
        command: Setting<&'a str>,
        /// What the command runs in.
        environment: &'a Environment,
    },
    /// A prompt on the terminal, whatever standard input and output are.
    Terminal,
}

/// What the user is asked on the terminal.
pub struct Prompt<'a> {
    /// The MFA device.
    pub device: &'a str,
    /// The command to run if there is no terminal.
    pub get_command: &'a str,
}

/// A request with a code in it that failed.
pub struct Failed {
    /// Why, for the user.
    pub failure: Failure,
    /// What is known of the code.
    pub code: State,
}

/// Why a source gives no code.
enum NoCode {
    /// It gave something else.
    Malformed(Malformed),
    /// It has nothing to give.
    Unavailable(Failure),
}

impl From<Malformed> for NoCode {
    fn from(malformed: Malformed) -> Self {
        NoCode::Malformed(malformed)
    }
}

impl From<Failure> for NoCode {
    fn from(failure: Failure) -> Self {
        NoCode::Unavailable(failure)
    }
}

impl CodeSource<'_> {
    /// Asks for codes and sends each with `request`, until one is accepted or it makes no sense to
    /// go on. No code is sent again once it was rejected.
    ///
    /// A code that is malformed or was rejected is asked for again on a terminal, three times in
    /// all. A command is asked once more for a code that was rejected, after the next time step has
    /// begun: until then it prints the same code. The other sources have one code to give.
    ///
    /// # Errors
    /// No code can be had, or the last failure of `request`.
    pub fn spend<T>(
        &self,
        prompt: &Prompt,
        now: fn() -> Timestamp,
        mut request: impl FnMut(&Code) -> Result<T, Failed>,
    ) -> Result<T, Failure> {
        let mut rejected: Option<Code> = None;
        let mut attempt = 1;
        loop {
            let (failure, try_another) = match self.code(prompt) {
                Err(NoCode::Malformed(malformed)) => (malformed.into(), true),
                Err(NoCode::Unavailable(failure)) => (failure, false),
                Ok(code) if rejected.as_ref() == Some(&code) => (self.rejected_again(), true),
                Ok(code) => match request(&code) {
                    Ok(value) => return Ok(value),
                    Err(Failed {
                        failure,
                        code: State::Rejected,
                    }) => {
                        rejected = Some(code);
                        (failure, true)
                    }
                    Err(failed) => (failed.failure, false),
                },
            };
            match self {
                CodeSource::Terminal if try_another && attempt < MOST_PROMPTS => {
                    tell(&error::render(
                        &try_again(failure, attempt + 1, now()).into(),
                    ));
                }
                CodeSource::Command { .. } if try_another && attempt == 1 => {
                    let wait = next_code(now());
                    tell(&format!(
                        "aws-mfa: the code was rejected; running the code command again in {} s\n",
                        wait.as_secs()
                    ));
                    std::thread::sleep(wait);
                }
                _ => return Err(failure),
            }
            attempt += 1;
        }
    }

    fn code(&self, prompt: &Prompt) -> Result<Code, NoCode> {
        match self {
            CodeSource::Argument(words) => {
                let words: Vec<&str> = words.iter().map(ExposeSecret::expose_secret).collect();
                Ok(Code::parse(&Zeroizing::new(words.join(" ")))?)
            }
            CodeSource::Stdin => {
                let line = read_line(std::io::stdin().lock()).map_err(|error| {
                    Failure::new(
                        Kind::Setup,
                        format!("cannot read standard input: {}", error::reason(&error)),
                    )
                })?;
                Ok(parse_line(&line)?)
            }
            CodeSource::Command {
                command,
                environment,
            } => Ok(code_of_command(command, environment)?),
            CodeSource::Terminal => Ok(parse_line(&ask(prompt)?)?),
        }
    }

    fn rejected_again(&self) -> Failure {
        match self {
            CodeSource::Command { command, .. } => Failure::new(
                Kind::CodeRejected,
                "the code command printed the rejected code again",
            )
            .hint(format!(
                "check {}: it must print the device's current code",
                command.origin
            )),
            _ => Failure::new(Kind::CodeRejected, "this code has already been rejected")
                .hint("wait until the MFA device shows the next code"),
        }
    }
}

/// The same failure for a user who is asked again, for the `attempt`-th time.
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

fn code_of_command(command: &Setting<&str>, environment: &Environment) -> Result<Code, Failure> {
    let fault = |what: String| {
        Failure::new(Kind::Setup, what).hint(format!(
            "check {}: it must print six digits and nothing else",
            command.origin
        ))
    };
    let output = process::run(command.value, environment, COMMAND_LIMIT)
        .map_err(|reason| fault(format!("the code command {reason}")))?;
    parse_line(&output).map_err(|_| fault("the code command printed no MFA code".to_owned()))
}

/// Asks on the terminal. The digits are shown as they are typed: they are worthless in a moment.
fn ask(prompt: &Prompt) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (input, mut output) = terminal().map_err(|_| no_terminal(prompt.get_command))?;
    let broken = |error: std::io::Error| {
        Failure::new(
            Kind::Setup,
            format!("cannot prompt on the terminal: {}", error::reason(&error)),
        )
    };
    write!(output, "MFA code for {}: ", prompt.device)
        .and_then(|()| output.flush())
        .map_err(broken)?;
    let line = read_line(BufReader::new(input)).map_err(broken)?;
    if line.is_empty() {
        // The end of input, Ctrl-D: the user does not want to.
        let _ = writeln!(output);
        return Err(Failure::new(Kind::Setup, "no MFA code was entered"));
    }
    Ok(line)
}

/// The line that is typed on the terminal after `question`.
///
/// # Errors
/// There is no terminal, nothing was typed, or the line is not UTF-8.
pub fn ask_on_terminal(question: &str) -> std::io::Result<String> {
    let (input, mut output) = terminal()?;
    write!(output, "{question}")?;
    output.flush()?;
    let line = read_line(BufReader::new(input))?;
    if line.is_empty() {
        let _ = writeln!(output);
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(line.to_vec()).map_err(|_| std::io::ErrorKind::InvalidData.into())
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

fn no_terminal(get_command: &str) -> Failure {
    Failure::new(
        Kind::Setup,
        "no MFA code was given, and there is no terminal to prompt on",
    )
    .hint(format!(
        "run `{get_command}`, pipe the code into `aws-mfa get -`, or set AWS_MFA_CODE_COMMAND"
    ))
}

/// A line, as the bytes that were typed: they need not be text.
fn read_line(input: impl BufRead) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE as usize));
    input.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

fn parse_line(line: &[u8]) -> Result<Code, Malformed> {
    Code::parse(std::str::from_utf8(line).map_err(|_| Malformed)?)
}

fn tell(text: &str) {
    stderr::write(text, stderr::ERROR);
}
