//! One file per subcommand.

mod clear;
pub mod completions;
mod console;
mod doctor;
mod exec;
mod get;
mod init;
pub mod load;
mod man;
mod prompt;
mod rotate;
mod status;

use crate::cli::Command;
use crate::environment::Environment;
use crate::escape::{escape, escape_json};
use crate::stderr::note;
use crate::time::now;
use anyhow::Context;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Runs `command` and returns the exit status.
pub fn run(command: &Command, environment: &Environment) -> anyhow::Result<ExitCode> {
    match command {
        Command::Get(get) => get::run(get, environment),
        Command::Load(load) => return load::run(load, environment),
        Command::Init(init) => init::run(init, environment),
        Command::Exec(exec) => return exec::run(exec, environment),
        Command::Console(console) => console::run(console, environment),
        Command::Status(status) => return status::run(status, environment, now()),
        Command::Doctor(doctor) => return doctor::run(doctor, environment),
        Command::Clear(clear) => clear::run(clear, environment, now()),
        Command::Rotate(rotate) => rotate::run(rotate, environment),
        Command::Completions(completions) => completions::run(completions),
        Command::Prompt(prompt) => return prompt::run(prompt, environment),
        Command::Man => man::run(),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A report for `--json`. What came from outside cannot act on a terminal.
fn json(report: &impl Serialize) -> anyhow::Result<String> {
    let json = serde_json::to_string_pretty(report)?;
    Ok(escape_json(&json).into_owned() + "\n")
}

/// Writes a command's result to standard output, all at once. A reader that has closed the pipe, such as `head`, is no
/// error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Writes a command's result for people to standard output: one line.
fn confirm(text: &str) -> anyhow::Result<()> {
    print(&format!("{}\n", escape(text)))
}
