//! `aws-mfa completions`: the completion script for a shell. The script calls this program for each completion, so it knows
//! what there is, such as the names of the profiles. In bash, zsh and fish, the shell completes the command of `exec`, see
//! `completions/`.

mod values;

use crate::cli::{Cli, Completions};
use crate::environment::{Environment, variable};
use crate::error::Failure;
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
    CompleteEnv::with_factory(|| with_values(environment))
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .complete();
    Ok(ExitCode::SUCCESS)
}

/// The command line's definition, with what there is here for the values of options.
fn with_values(environment: &Environment) -> Command {
    let all = values::all(environment);
    let mut command = Cli::command();
    // clap builds the arguments of subcommands on demand.
    command.build();
    let command = command.mut_subcommands(|command| {
        command.mut_args(|arg| match all.get(arg.get_id().as_str()) {
            None => arg,
            Some(values) => {
                let values = values.clone();
                let candidates = move || values.iter().map(CompletionCandidate::new).collect();
                arg.add(ArgValueCandidates::new(candidates))
            }
        })
    });
    // Options may come before the subcommand.
    let status = command.find_subcommand("status");
    let profile = status.and_then(|it| it.get_arguments().find(|arg| arg.get_id() == "profile"));
    let profile = profile.cloned();
    command.args(profile.map(|arg| arg.hide(true)))
}
