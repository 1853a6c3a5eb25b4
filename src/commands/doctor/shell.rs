//! What loads the session into the shell: direnv or the prompt hook.

use super::limit::Deadline;
use super::{Finding, Setup, ok, warning};
use crate::environment::Environment;
use crate::error::Failure;
use crate::loader::{self, Loader};
use crate::path::in_words;
use crate::user_command::{self, Fault};
use crate::{direnv, file};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const CHECK: &str = "shell";

/// The oldest direnv whose `direnv_load` works with `load`.
const OLDEST_DIRENV: [u32; 3] = [2, 21, 3];

/// The largest `.envrc`, in bytes.
const LARGEST_ENVRC: u64 = 1024 * 1024;

/// The time limit for direnv, which answers at once.
const DIRENV_LIMIT: Duration = Duration::from_secs(2);

/// Whether something loads the session into this shell.
pub fn check(setup: &Setup) -> Vec<Finding> {
    let deadline = setup.limit.check();
    let environment = setup.environment;
    let version = ask_direnv("version", deadline);
    let mut findings = Vec::new();
    findings.extend(version.as_deref().ok().and_then(too_old));

    let directory = std::env::current_dir().ok();
    let inactive = loader::inactive_direnv(environment, directory.as_deref());
    let is_inactive = inactive.is_some();
    if let Some(inactive) = inactive {
        findings.push(warning(CHECK, why_inactive(inactive, version, deadline)));
    }

    findings.extend(traced(setup.environment, directory.as_deref()));
    match setup.integration().in_words() {
        Ok((words, hint)) => {
            let message = match Loader::of(environment) {
                Loader::Direnv => format!("the session is loaded by {words}"),
                _ => words,
            };
            findings.push(Finding {
                hint,
                ..ok(CHECK, message)
            });
        }
        // direnv is not active, which is reported.
        Err(_) if is_inactive => {}
        Err(mut failure) => {
            if Loader::of(environment) == Loader::None {
                failure.message = "nothing loads the session into this shell".to_owned();
            }
            findings.push(warning(CHECK, failure));
        }
    }
    findings
}

/// The line of the `.envrc` that makes bash print the secrets which `load` hands to it. `use aws_mfa` turns that off.
fn traced(environment: &Environment, directory: Option<&Path>) -> Option<Finding> {
    let envrc = direnv::loaded_file(environment).or_else(|| loader::envrc_above(directory?))?;
    let text = String::from_utf8(file::read(&envrc, LARGEST_ENVRC).ok()?).ok()?;
    let mut tracing = None;
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        let words: Vec<&str> = code.split([' ', ';']).collect();
        match words.as_slice() {
            ["set", option, ..] if option.starts_with('-') && option.contains('x') => {
                tracing = Some(number)
            }
            ["set", "-o", "xtrace", ..] => tracing = Some(number),
            ["set", option, ..] if option.starts_with('+') && option.contains('x') => {
                tracing = None
            }
            _ if !code.starts_with('#') && code.contains("aws-mfa load") => {
                let Some(number) = tracing else { continue };
                let envrc = in_words(&envrc);
                let message =
                    format!("line {number} of {envrc} makes bash print the session's secrets");
                let hint = format!("delete line {number} of {envrc}");
                return Some(warning(CHECK, Failure::setup(message).hint(hint)));
            }
            _ => {}
        }
    }
    None
}

/// Why direnv has not loaded an existing `.envrc`; `otherwise`, if it could.
fn why_inactive(otherwise: Failure, version: Result<String, Fault>, deadline: Deadline) -> Failure {
    match version.and_then(|_| ask_direnv("status", deadline)) {
        Ok(status) => not_allowed(&status).unwrap_or(otherwise),
        Err(Fault::Io(_)) => Failure::setup("there is an .envrc, but direnv is not installed")
            .hint("install direnv: https://direnv.net/docs/installation.html"),
        Err(fault) => Failure::setup(format!("direnv {fault}")).hint("direnv status"),
    }
}

/// The output of direnv.
fn ask_direnv(question: &str, deadline: Deadline) -> Result<String, Fault> {
    let limit = deadline.left().unwrap_or_default().min(DIRENV_LIMIT);
    let mut command = Command::new("direnv");
    command.arg(question).stdin(Stdio::null());
    command.stderr(Stdio::null());
    let output = user_command::bounded(command, limit)?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

fn too_old(version: &str) -> Option<Finding> {
    let numbers = version.split('.').map_while(|number| number.parse().ok());
    let numbers: [u32; 3] = numbers.collect::<Vec<_>>().try_into().ok()?;
    let [major, minor, patch] = OLDEST_DIRENV;
    let failure = Failure::setup(format!("direnv {version} is too old"))
        .hint(format!("install direnv {major}.{minor}.{patch} or newer"));
    (numbers < OLDEST_DIRENV).then(|| warning(CHECK, failure))
}

/// The `.envrc` that direnv has found but must not load, from `direnv status`: «Found RC allowed false», since 2.33
/// 1 or 2 instead of 0.
fn not_allowed(status: &str) -> Option<Failure> {
    let line = |start: &str| status.lines().find_map(|line| line.strip_prefix(start));
    let path = PathBuf::from(line("Found RC path ")?);
    if !matches!(line("Found RC allowed ")?, "false" | "1" | "2") {
        return None;
    }
    let message = format!("direnv is not allowed to load {}", in_words(&path));
    Some(Failure::setup(message).hint(loader::allow(&path)))
}
