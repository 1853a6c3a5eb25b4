//! The command lines that `.envrc`s, hooks and SDKs run all the time, parsed without clap, which would take a third of
//! their time. Anything but the plainest is left to clap, and so is every error.

use super::{Command, Format, Load, Prompt};
use clap::ValueEnum;
use std::ffi::OsString;

/// The subcommand, if it is `load` or `prompt` with plain options: what clap would make of it.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Option<Command> {
    let mut arguments = arguments.into_iter().skip(1);
    let verb = arguments.next()?;
    let is_load = verb == "load";
    if !is_load && verb != "prompt" {
        return None;
    }
    let mut load = Load::default();
    let mut shell = None;
    while let Some(argument) = arguments.next() {
        match argument.to_str()? {
            "-q" if is_load && !load.quiet => load.quiet = true,
            "--quiet" if !load.quiet => load.quiet = true,
            "--ask" if is_load && !load.ask => load.ask = true,
            "--strict" if is_load && !load.strict => load.strict = true,
            word if !is_load && shell.is_none() && is_plain(word) => shell = Some(word.to_owned()),
            option => {
                let value = arguments.next()?.into_string().ok();
                let value = value.filter(|value| is_plain(value))?;
                let to = &mut load.selection;
                match option {
                    "-p" | "--profile" if to.profile.is_none() => to.profile = Some(value),
                    "--role-arn" if to.role_arn.is_none() => to.role_arn = Some(value),
                    "--session-file" if to.session_file.is_none() => {
                        to.session_file = Some(value.into());
                    }
                    "-f" if !is_load => return None,
                    "-f" | "--format" if load.format.is_none() => {
                        load.format = Some(Format::from_str(&value, false).ok()?);
                    }
                    _ => return None,
                }
            }
        }
    }
    if is_load {
        return Some(Command::Load(load));
    }
    Some(Command::Prompt(Prompt {
        format: load.format?,
        selection: load.selection,
        quiet: load.quiet,
        shell: shell?,
    }))
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::Parser;
    use proptest::prelude::*;

    const WORDS: [&str; 26] = [
        "4242",
        "load",
        "get",
        "-p",
        "--profile",
        "--profile=work",
        "-pwork",
        "--role-arn",
        "--session-file",
        "-f",
        "--format",
        "--format=sh",
        "sh",
        "env",
        "bash",
        "zsh",
        "Direnv",
        "nonsense",
        "-q",
        "--quiet",
        "-qq",
        "--strict",
        "--ask",
        "--",
        "-",
        "",
    ];

    fn parts(command: Command) -> (Option<Load>, Option<Prompt>) {
        match command {
            Command::Load(load) => (Some(load), None),
            Command::Prompt(prompt) => (None, Some(prompt)),
            _ => (None, None),
        }
    }

    proptest! {
        #[test]
        fn any_command_line_is_what_clap_makes_of_it_or_is_left_to_clap(
            verb in proptest::sample::select(&["load", "prompt"]),
            words in proptest::collection::vec(proptest::sample::select(&WORDS), 0..7),
        ) {
            let line = ["aws-mfa", verb].into_iter().chain(words);
            let line: Vec<OsString> = line.map(OsString::from).collect();
            if let Some(frequent) = parse(line.clone()) {
                let clap = Cli::try_parse_from(line).ok().map(|cli| parts(cli.command));
                prop_assert_eq!(Some(parts(frequent)), clap);
            }
        }
    }

    #[test]
    fn lines_of_the_readme_and_the_hooks_are_parsed_without_clap() {
        for line in [
            "load",
            "load -p work",
            "load --profile work --format process",
            "load -f fish",
            "load --format zsh",
            "load --ask --profile work --format process",
            "prompt --format sh 4242",
            "prompt --format json -p work --quiet 4242",
            "load --strict -q --role-arn arn:aws:iam::123456789012:role/admin --session-file /s",
        ] {
            let words = ["aws-mfa"].into_iter().chain(line.split(' '));
            assert!(parse(words.map(OsString::from)).is_some(), "{line}");
        }
    }
}
