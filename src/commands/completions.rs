//! `aws-mfa completions`: the completion script for a shell. The script calls this program for each completion, so it knows
//! the names of the profiles. In bash, zsh and fish, the shell completes the command of `exec`, see `completions/`.

use crate::aws_files::Profiles;
use crate::cli::{Cli, Completions};
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::escape::escape;
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use std::process::ExitCode;

/// The variable that the scripts set. clap's own `COMPLETE` may have other uses.
const VARIABLE: &str = variable::AWS_MFA_COMPLETE.name();

const PROGRAM: &str = "aws-mfa";

/// Runs `aws-mfa completions`.
pub fn run(completions: &Completions) -> anyhow::Result<()> {
    let name = completions.shell.to_string();
    let shells = Shells::builtins();
    let shell = shells.completer(&name);
    let shell = shell.with_context(|| format!("there are no completions for {name}"))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    let mut script = String::from_utf8(script)?;
    script.push_str(match completions.shell {
        Shell::Bash => include_str!("completions/exec.bash"),
        Shell::Zsh => include_str!("completions/exec.zsh"),
        Shell::Fish => include_str!("completions/exec.fish"),
        _ => "",
    });
    super::print(&script)
}

/// Answers a completion script. After an error, there are no completions. clap would quote an unknown shell as it is, so
/// the variable's value is checked first.
///
/// # Errors
/// The variable names no shell.
pub fn answer(environment: &Environment) -> anyhow::Result<ExitCode> {
    let shell = environment.get(variable::AWS_MFA_COMPLETE);
    let shell = shell.unwrap_or_default().to_string_lossy();
    if Shells::builtins().completer(&shell).is_none() {
        let hint = "the scripts of `aws-mfa completions` set it for themselves";
        let message = format!("{VARIABLE} is not the name of a shell: {shell}");
        Err(Failure::usage(message).hint(format!("unset {VARIABLE}: {hint}")))?;
    }
    CompleteEnv::with_factory(|| with_profiles(environment))
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .complete();
    Ok(ExitCode::SUCCESS)
}

/// The command line's definition, with the profiles' names for `--profile`.
fn with_profiles(environment: &Environment) -> Command {
    let profiles = Profiles::load(environment).unwrap_or_default();
    // A terminal could not show the others.
    let is_plain = |name: &&str| escape(name) == *name;
    let names = profiles.names().into_iter().filter(is_plain);
    let names: Vec<String> = names.map(str::to_owned).collect();
    let candidates =
        ArgValueCandidates::new(move || names.iter().map(CompletionCandidate::new).collect());
    let mut command = Cli::command();
    // clap builds the arguments of subcommands on demand.
    command.build();
    command.mut_subcommands(|command| {
        command.mut_args(|arg| match arg.get_id() == "profile" {
            true => arg.add(candidates.clone()),
            false => arg,
        })
    })
}
