//! `aws-mfa`: one MFA code a day, and every shell, project and SDK on the machine has the session.
//!
//! The program is [`run`]. This library exists for the tests and the fuzz targets; it has no stable API.

mod account;
mod aws;
mod aws_failure;
mod aws_files;
mod caller;
mod cli;
mod commands;
mod core_dump;
mod credentials;
mod direnv;
mod environment;
mod error;
mod escape;
mod hook;
mod loader;
mod mfa_code;
mod origin;
mod path;
mod rival_credentials;
mod rotation;
mod usage_error;
mod user_command;

mod file;
mod file_name;
mod invocation;
mod session;
mod settings;
mod shell;
mod sources;
mod stderr;
mod terminal;
mod time;
mod word;

/// The parsers, for `tests/parsers.rs` and `tests/fuzz`.
#[doc(hidden)]
pub mod parsers {
    pub use crate::account::credential_process::parse as parse_credential_process;
    pub use crate::aws_files::Profiles;
    pub use crate::direnv::{Watches, dump};
    pub use crate::environment::Environment;
    pub use crate::environment::change::Change;
    pub use crate::error::Failure;
    pub use crate::mfa_code::Code;
    pub use crate::session::json;
    pub use crate::settings::duration;
    pub use crate::shell::{Language, render};

    /// What is wrong with a command line, which begins with the program; `None` if it can be run.
    pub fn fault_of(line: Vec<std::ffi::OsString>) -> Option<String> {
        let parsed = crate::cli::line::parse(line).1;
        let error = parsed.err().filter(clap::Error::use_stderr)?;
        Some(error.to_string())
    }

    /// The language of each format of `load`, except direnv's dump.
    pub fn languages() -> impl Iterator<Item = Language> {
        let formats = <crate::cli::Format as clap::ValueEnum>::value_variants().iter();
        formats.filter_map(|format| crate::commands::load::language(*format))
    }
}

use environment::{Environment, variable};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

/// Parses this process's command line, runs the subcommand and reports errors.
pub fn run() -> ExitCode {
    let environment = Environment::of_process();
    if environment.get(variable::AWS_MFA_COMPLETE).is_some() {
        return reported(commands::completions::answer(&environment));
    }
    stderr::use_colour(&environment);
    path::shorten_home(&environment);
    let command = match cli::frequent::parse(std::env::args_os()) {
        Some(command) => command,
        None => {
            let (line, parsed) = cli::line::parse(std::env::args_os().collect());
            let command = match parsed {
                Ok(cli) => cli.command,
                Err(usage) => return report_usage(usage, &line, &environment),
            };
            if let Some(failure) = usage_error::misplaced_word(&command, &line, &environment) {
                return reported(Err(failure.into()));
            }
            command
        }
    };
    // On other systems, the command of exec would inherit it.
    if cfg!(any(target_os = "linux", target_os = "android"))
        || !matches!(command, cli::Command::Exec(_))
    {
        core_dump::prevent();
    }
    reported(commands::run(&command, &environment))
}

/// The exit status; an error is shown first.
fn reported(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        stderr::write(&error::render(&error), stderr::ERROR);
        error::exit_code(&error)
    })
}

/// Help and version go to standard output, a usage error to standard error.
fn report_usage(error: clap::Error, line: &[OsString], environment: &Environment) -> ExitCode {
    let status = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    if let Some(failure) = usage_error::in_other_words(&error, line, environment) {
        return reported(Err(failure.into()));
    }
    if error.use_stderr() {
        let error = cli::safe_to_show(error, line);
        stderr::write(&error.render().to_string(), stderr::ERROR);
    } else if let Err(error) = error.print()
        && error.kind() != ErrorKind::BrokenPipe
    {
        return ExitCode::FAILURE;
    }
    status
}
