//! The command lines that `.envrc`s, hooks and SDKs run all the time, parsed without clap, which would take a third of
//! their time. Anything but the plainest is left to clap, and so is every error.

use super::{Command, Format, Load};
use clap::ValueEnum;
use std::ffi::OsString;

/// The subcommand, if it is `load` with plain options: what clap would make of it.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Option<Command> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != "load" {
        return None;
    }
    let mut load = Load::default();
    while let Some(option) = arguments.next() {
        match option.to_str()? {
            "-q" | "--quiet" if !load.quiet => load.quiet = true,
            "--ask" if !load.ask => load.ask = true,
            "--strict" if !load.strict => load.strict = true,
            option => {
                let value = arguments.next()?.into_string().ok()?;
                if value.is_empty() || value.starts_with('-') {
                    return None;
                }
                let to = &mut load.selection;
                match option {
                    "-p" | "--profile" if to.profile.is_none() => to.profile = Some(value),
                    "--role-arn" if to.role_arn.is_none() => to.role_arn = Some(value),
                    "--session-file" if to.session_file.is_none() => {
                        to.session_file = Some(value.into());
                    }
                    "-f" | "--format" if load.format.is_none() => {
                        load.format = Some(Format::from_str(&value, false).ok()?);
                    }
                    _ => return None,
                }
            }
        }
    }
    Some(Command::Load(load))
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::Parser;
    use proptest::prelude::*;

    const WORDS: [&str; 23] = [
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

    fn load(command: Command) -> Option<Load> {
        match command {
            Command::Load(load) => Some(load),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn any_command_line_is_what_clap_makes_of_it_or_is_left_to_clap(
            words in proptest::collection::vec(proptest::sample::select(&WORDS), 0..7),
        ) {
            let line = ["aws-mfa", "load"].into_iter().chain(words);
            let line: Vec<OsString> = line.map(OsString::from).collect();
            if let Some(frequent) = parse(line.clone()) {
                let clap = Cli::try_parse_from(line).ok().map(|cli| cli.command);
                prop_assert_eq!(load(frequent), clap.and_then(load));
            }
        }
    }

    #[test]
    fn lines_of_the_readme_are_parsed_without_clap() {
        for line in [
            "load",
            "load -p work",
            "load --profile work --format process",
            "load -f fish",
            "load --ask --profile work --format process",
            "load --strict -q --role-arn arn:aws:iam::123456789012:role/admin --session-file /s",
        ] {
            let words = ["aws-mfa"].into_iter().chain(line.split(' '));
            assert!(parse(words.map(OsString::from)).is_some(), "{line}");
        }
    }
}
