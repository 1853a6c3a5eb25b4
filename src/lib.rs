//! `aws-mfa`: one MFA code a day, and every shell, project and SDK on the machine has the session.
//!
//! The program is [`run`]. This library exists for the tests and the fuzz targets; it has no stable API.

mod aws;
mod cli;
mod code;
mod commands;
mod direnv;
mod environment;
mod error;
mod file;
mod memory;
mod process;
mod profile;
mod session;
mod setting;
mod settings;
mod shell;
mod time;

/// The parsers, for `tests/parsers.rs` and `tests/fuzz`.
#[doc(hidden)]
pub mod parsers {
    pub use crate::code::Code;
    pub use crate::direnv::{Watch, dump};
    pub use crate::environment::Environment;
    pub use crate::environment::change::Change;
    pub use crate::error::Failure;
    pub use crate::profile::Profiles;
    pub use crate::session::json;
    pub use crate::settings::duration;
    pub use crate::settings::keys::MasterKeys;
    pub use crate::shell::{Language, render};
}

use clap::Parser;
use environment::Environment;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Parses the command line of this process, carries it out and reports.
pub fn run() -> ExitCode {
    let environment = Environment::of_process();
    if environment.get(commands::completions::VARIABLE).is_some() {
        return commands::completions::answer(&environment);
    }
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return report_usage(&usage),
    };
    // Elsewhere it would pass on to the command of exec.
    if cfg!(any(target_os = "linux", target_os = "android"))
        || !matches!(cli.command, cli::Command::Exec(_))
    {
        memory::keep_out_of_core_dumps();
    }
    match commands::run(&cli.command, &environment, now) {
        Ok(status) => status,
        Err(error) => {
            say(&error::render(&error));
            error::exit_code(&error)
        }
    }
}

/// Help and version go to standard output, with their colours; what was used wrongly goes to
/// standard error, without the codes that are in it.
fn report_usage(usage: &clap::Error) -> ExitCode {
    if usage.use_stderr() {
        let arguments = std::env::args_os()
            .skip(1)
            .map(|argument| argument.to_string_lossy().into_owned());
        say(&cli::usage_message(usage, arguments));
    } else if let Err(error) = usage.print()
        && error.kind() != ErrorKind::BrokenPipe
    {
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
}

/// There is nowhere left to complain to when standard error is closed.
fn say(message: &str) {
    let _ = std::io::stderr().write_all(message.as_bytes());
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
