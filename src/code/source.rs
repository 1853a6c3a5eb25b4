//! Where a code comes from: the command line, standard input, a command of the user's, or the
//! terminal.

use super::{Code, next_code};
use crate::environment::Environment;
use crate::error::{self, Failure, Kind};
use crate::process;
use crate::setting::Setting;
use crate::settings::device::Device;
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
    Terminal {
        /// For the prompt.
        device: &'a Device,
        /// For the remedy where there is no terminal.
        get_command: &'a str,
    },
}

impl CodeSource<'_> {
    /// Asks for codes and tries each with `spend`, until one is taken or it makes no sense to go on.
    ///
    /// A code that was turned down is asked for again on a terminal, three times in all. A command
    /// is asked once more, after the next time step has begun: until then it prints the same code.
    /// The other sources have one code to give.
    ///
    /// # Errors
    /// No code can be had, or the last failure of `spend`.
    pub fn spend<T>(
        &self,
        now: fn() -> Timestamp,
        mut spend: impl FnMut(&Code) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut attempt = 1;
        loop {
            let failure = match self
                .code()
                .map_err(Into::into)
                .and_then(|code| spend(&code))
            {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            match self {
                CodeSource::Terminal { .. }
                    if attempt < MOST_PROMPTS && another_code_helps(&failure) =>
                {
                    tell(&error::render(&failure));
                }
                CodeSource::Command { .. } if attempt == 1 && was_rejected(&failure) => {
                    let wait = next_code(now());
                    tell(&format!(
                        "aws-mfa: the code was rejected; asking the code command again in {} s\n",
                        wait.as_secs()
                    ));
                    std::thread::sleep(wait);
                }
                _ => return Err(failure),
            }
            attempt += 1;
        }
    }

    fn code(&self) -> Result<Code, Failure> {
        match self {
            CodeSource::Argument(words) => {
                let words: Vec<&str> = words.iter().map(ExposeSecret::expose_secret).collect();
                Code::parse(&Zeroizing::new(words.join(" ")))
            }
            CodeSource::Stdin => {
                let line = read_line(std::io::stdin().lock()).map_err(|error| {
                    Failure::new(
                        Kind::Setup,
                        format!("cannot read standard input: {}", error::reason(&error)),
                    )
                })?;
                Code::parse(&line)
            }
            CodeSource::Command {
                command,
                environment,
            } => code_of_command(command, environment),
            CodeSource::Terminal {
                device,
                get_command,
            } => ask(device).map_err(|_| no_terminal(get_command))?,
        }
    }
}

fn another_code_helps(error: &anyhow::Error) -> bool {
    matches!(error::kind(error), Some(Kind::ReplaceCode | Kind::Usage))
}

fn was_rejected(error: &anyhow::Error) -> bool {
    error::kind(error) == Some(Kind::ReplaceCode)
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
    std::str::from_utf8(&output)
        .ok()
        .and_then(|text| Code::parse(text).ok())
        .ok_or_else(|| fault("the code command printed no MFA code".to_owned()))
}

/// Asks on the terminal. The digits are shown as they are typed: they are worthless in a moment.
fn ask(device: &Device) -> std::io::Result<Result<Code, Failure>> {
    let (input, mut output) = terminal()?;
    write!(output, "MFA code for {}: ", device.name())?;
    output.flush()?;
    let line = read_line(BufReader::new(input))?;
    if line.is_empty() {
        // The end of input, Ctrl-D: the user does not want to.
        writeln!(output)?;
        return Ok(Err(Failure::new(Kind::Setup, "no MFA code was typed")));
    }
    Ok(Code::parse(&line))
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
        "there is no MFA code, and no terminal to ask for one",
    )
    .hint(format!(
        "run `{get_command}`, pipe the code into `aws-mfa get -`, or set AWS_MFA_CODE_COMMAND"
    ))
}

fn read_line(input: impl BufRead) -> std::io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LONGEST_LINE as usize + 1));
    input.take(LONGEST_LINE).read_line(&mut line)?;
    Ok(line)
}

fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
