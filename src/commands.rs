//! One file for each verb.

mod get;
mod load;

use crate::cli::Command;
use crate::environment::Environment;
use anyhow::Context;
use jiff::Timestamp;
use std::io::Write;

/// Carries out `command`.
pub fn run(
    command: &Command,
    environment: &Environment,
    now: fn() -> Timestamp,
) -> anyhow::Result<()> {
    match command {
        Command::Get(get) => get::run(get, environment, now),
        Command::Load(load) => load::run(load, environment, now()),
    }
}

/// Writes a command's result to standard output, whole and at once.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
}

/// Tells people something; programs read standard output.
fn note(text: &str) {
    let _ = std::io::stderr().write_all(format!("aws-mfa: {text}\n").as_bytes());
}
