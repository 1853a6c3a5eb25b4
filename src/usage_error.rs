//! What is said of a command line that means something else here: with another tool's verb or option, with a profile in the
//! place of something else, or without a verb. `~/.aws` tells which words are profiles.

use crate::account::Account;
use crate::aws_files::Profiles;
use crate::cli::line::{groups, is_option};
use crate::cli::other_tools::{CODE_OPTIONS, FORCE_OPTIONS, VERBS};
use crate::cli::{Cli, Command};
use crate::environment::{Environment, search};
use crate::error::Failure;
use crate::escape::mask_codes;
use crate::loader;
use crate::mfa_code::Code;
use crate::mfa_code::source::CodeSource;
use crate::sources::{Flags, Sources};
use crate::word;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Parser};
use std::ffi::{OsStr, OsString};

/// The failure for a line that clap refuses, if it is known what the user means.
pub fn in_other_words(
    error: &clap::Error,
    line: &[OsString],
    environment: &Environment,
) -> Option<Failure> {
    let typed = Typed::of(line, environment)?;
    match error.kind() {
        ErrorKind::InvalidSubcommand => (typed.as_other_tool())
            .or_else(|| typed.as_code())
            .or_else(|| typed.as_profile()),
        ErrorKind::UnknownArgument => {
            let option = error.get(ContextKind::InvalidArg)?.to_string();
            (typed.without_option(&option))
                .or_else(|| typed.with_verb())
                .or_else(|| typed.with_profile())
        }
        _ => None,
    }
}

/// The failure for a line that clap accepts although it has something else in the place of a code or of a program.
pub fn misplaced_word(
    command: &Command,
    line: &[OsString],
    environment: &Environment,
) -> Option<Failure> {
    let is_in_doubt = match command {
        Command::Get(get) => CodeSource::of_words(&get.code).is_err(),
        Command::Exec(exec) => {
            let program = exec.command.first()?;
            search::find(program, environment).is_none()
        }
        // A service may have the name of a profile, but without a role there is no console.
        Command::Console(console) => {
            let sources = Sources::new(&console.selection, Flags::default(), environment);
            let role = Account::of(&sources).and_then(|account| account.role);
            console.destination.is_some() && !matches!(role, Ok(Some(_)))
        }
        _ => false,
    };
    let typed = Typed::of(line, environment).filter(|_| is_in_doubt)?;
    typed.with_margin().or_else(|| typed.with_profile())
}

/// A command line as it was typed.
struct Typed<'a> {
    verb: Option<&'a OsString>,
    /// What follows.
    rest: Vec<&'a [OsString]>,
    environment: &'a Environment,
}

impl<'a> Typed<'a> {
    fn of(line: &'a [OsString], environment: &'a Environment) -> Option<Self> {
        let words = line.get(1..)?;
        let verb = words.first().filter(|word| !is_option(word));
        Some(Typed {
            verb,
            rest: groups(words.get(usize::from(verb.is_some())..)?),
            environment,
        })
    }

    /// Another tool's verb.
    fn as_other_tool(&self) -> Option<Failure> {
        let verb = self.verb?.to_str()?;
        let verbs = VERBS.iter().find(|verbs| verbs.names.contains(&verb))?;
        let words = match verbs.ours {
            // They take nothing.
            ["--version"] | ["init", ..] => os(verbs.ours),
            ours => self.fitting(ours, &self.rest),
        };
        let command = match (verbs.ours, Cli::try_parse_from(with_program(&words))) {
            (
                ["load", ..],
                Ok(Cli {
                    command: Command::Load(load),
                }),
            ) => loader::load_command(&load.selection, self.environment),
            (["init", ..], _) => shown(&words) + " >> ~/.aws/config",
            _ => shown(&words),
        };
        let hint = format!("to {}, run `{command}`", verbs.purpose);
        Some(failure(format!("there is no command {verb}"), &hint))
    }

    /// A code, or a part of one, in the place of the verb.
    fn as_code(&self) -> Option<Failure> {
        let verb = self.verb?;
        let is_number = |verb: &str| !verb.is_empty() && verb.chars().all(char::is_numeric);
        verb.to_str().filter(|verb| is_number(verb))?;
        let words = [&[std::slice::from_ref(verb)], self.rest.as_slice()].concat();
        let command = with_code(shown(&self.fitting(&["get"], &words)));
        Some(no_command(&command))
    }

    /// A profile in the place of the verb.
    fn as_profile(&self) -> Option<Failure> {
        let verb = self.verb?;
        self.is_profile(verb).then_some(())?;
        let words = [os(&["get", "-p"]), vec![verb.clone()], self.rest.concat()].concat();
        fits(&words).then(|| did_you_mean(verb, &words))
    }

    /// A profile in the place of something else.
    fn with_profile(&self) -> Option<Failure> {
        let (name, others) = self.profile(&self.rest)?;
        let ours = [self.verb?.clone(), "-p".into(), name.clone()];
        let lines = [others.concat(), those_that_fit(&ours, &others)];
        let mut lines = lines
            .into_iter()
            .map(|rest| [&ours, rest.as_slice()].concat());
        lines
            .find(|words| fits(words))
            .map(|words| did_you_mean(name, &words))
    }

    /// A duration behind `--unless-valid`, and not a part of a code.
    fn with_margin(&self) -> Option<Failure> {
        let option = |group: &&[OsString]| matches!(group, [option] if option == "--unless-valid");
        let at = self.rest.iter().position(option)?;
        let ([before @ .., _], [margin, after @ ..]) = self.rest.split_at(at + 1) else {
            return None;
        };
        let margin = margin.first()?.to_str()?;
        let is_duration =
            margin.starts_with(|c: char| c.is_ascii_digit()) && margin.ends_with(['h', 'm', 's']);
        let margin = is_duration.then(|| vec![format!("--unless-valid={margin}").into()])?;
        let verb = vec![self.verb?.clone()];
        let words = [verb, before.concat(), margin, after.concat()].concat();
        let message = "--unless-valid takes a duration after an equals sign".to_owned();
        let hint = format!("did you mean `{}`?", shown(&words));
        fits(&words).then(|| failure(message, &hint))
    }

    /// Another tool's option, which is none here. Without a verb, clap knows no option at all, and rejects the first.
    fn without_option(&self, rejected: &str) -> Option<Failure> {
        let is_of_get = self.verb.is_none_or(|verb| verb == "get");
        let mut options = CODE_OPTIONS.iter().chain(&FORCE_OPTIONS);
        let option = *options.find(|option| match self.verb {
            Some(_) => **option == rejected,
            None => self.rest.iter().any(|group| has_option(group, option)),
        })?;
        let is_for_code = CODE_OPTIONS.contains(&option);
        (is_for_code || is_of_get).then_some(())?;
        let rest = self.rest.iter().copied();
        let rest: Vec<&[OsString]> = rest.filter(|group| !has_option(group, option)).collect();
        let command = shown(&self.fitting(&["get"], &rest));
        let hint = match is_for_code {
            true => format!("the code goes without an option: `{}`", with_code(command)),
            false => format!("get always asks for a new session; leave {option} out: `{command}`"),
        };
        Some(failure(format!("there is no option {option}"), &hint))
    }

    /// Options without a verb: the first one that has them all, else `get` with those that it has.
    fn with_verb(&self) -> Option<Failure> {
        self.verb.is_none().then_some(())?;
        let definition = Cli::command();
        let verbs = definition
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set());
        let mut lines = verbs.map(|verb| [os(&[verb.get_name()]), self.rest.concat()].concat());
        let get = || {
            let rest = those_that_fit(&os(&["get"]), &self.rest);
            (!rest.is_empty()).then(|| [os(&["get"]), rest].concat())
        };
        let line = lines.find(|words| fits(words)).or_else(get)?;
        Some(no_command(&shown(&line)))
    }

    /// Our words for another tool's, with as much of the rest as fits.
    fn fitting(&self, ours: &[&str], rest: &[&[OsString]]) -> Vec<OsString> {
        let ours_alone = os(ours);
        let fitting = |groups: &[&[OsString]]| those_that_fit(&ours_alone, groups);
        let mut lines = vec![rest.concat(), fitting(rest), Vec::new()];
        let new = || self.named(rest).filter(|_| ours.contains(&"rotate"));
        if let Some((name, others)) = self.profile(rest).or_else(new) {
            let name = vec!["-p".into(), name.clone()];
            lines.insert(0, [name.clone(), others.concat()].concat());
            lines.insert(2, [name, fitting(&others)].concat());
        }
        let mut lines = lines.into_iter().map(|rest| [os(ours), rest].concat());
        lines.find(|words| fits(words)).unwrap_or_default()
    }

    /// The profile among these words, with the others, unless an option names one.
    fn profile<'w>(&self, words: &[&'w [OsString]]) -> Option<(&'w OsString, Vec<&'w [OsString]>)> {
        let names_one = |group: &&[OsString]| {
            ["-p", "--profile"]
                .iter()
                .any(|option| has_option(group, option))
        };
        let named = self.named(words).filter(|(name, _)| self.is_profile(name));
        named.filter(|_| !words.iter().any(names_one))
    }

    /// The first word that is no option, with the others.
    fn named<'w>(&self, words: &[&'w [OsString]]) -> Option<(&'w OsString, Vec<&'w [OsString]>)> {
        let is_option = |group: &&[OsString]| group.first().is_some_and(|word| is_option(word));
        let at = words.iter().position(|group| !is_option(group))?;
        let mut others = words.to_vec();
        let name = others.remove(at).first()?;
        Some((name, others))
    }

    fn is_profile(&self, word: &OsStr) -> bool {
        let profiles = Profiles::load(self.environment).unwrap_or_default();
        let is_profile = |word: &str| Code::parse(word).is_err() && profiles.profile(word).exists();
        word.to_str().is_some_and(is_profile)
    }
}

/// What stands for a code.
const CODE: &str = "<code>";

fn failure(message: String, hint: &str) -> Failure {
    Failure::usage(mask_codes(&message)).hint(mask_codes(hint))
}

fn did_you_mean(profile: &OsStr, words: &[OsString]) -> Failure {
    let profile = profile.to_string_lossy();
    let message = format!("{profile} is a profile: select it with -p");
    failure(message, &format!("did you mean `{}`?", shown(words)))
}

fn no_command(command: &str) -> Failure {
    let hint = format!("did you mean `{command}`?");
    failure("no command was given".to_owned(), &hint)
}

fn with_code(command: String) -> String {
    match command.ends_with(CODE) {
        true => command,
        false => format!("{command} {CODE}"),
    }
}

fn os(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn with_program(words: &[OsString]) -> Vec<OsString> {
    [os(&["aws-mfa"]), words.to_vec()].concat()
}

/// Whether the group is this option: `-c123456`, `--code=123456`, or the option alone.
fn has_option(group: &[OsString], option: &str) -> bool {
    let word = group.first().map(|word| word.to_string_lossy());
    let value = word.as_deref().and_then(|word| word.strip_prefix(option));
    value.is_some_and(|value| {
        !option.starts_with("--") || value.is_empty() || value.starts_with('=')
    })
}

/// Whether the program can do something with these arguments.
fn fits(words: &[OsString]) -> bool {
    match Cli::try_parse_from(with_program(words)) {
        Ok(Cli {
            command: Command::Get(get),
        }) => CodeSource::of_words(&get.code).is_ok(),
        Ok(_) => true,
        Err(error) => !error.use_stderr(),
    }
}

/// The words of the groups that the program can do something with, each behind `ours`.
fn those_that_fit(ours: &[OsString], groups: &[&[OsString]]) -> Vec<OsString> {
    let fit = |group: &&&[OsString]| fits(&[ours, group].concat());
    let fit: Vec<&[OsString]> = groups.iter().filter(fit).copied().collect();
    fit.concat()
}

/// The command line to show. A code is not repeated.
fn shown(words: &[OsString]) -> String {
    let is_get = words.first().is_some_and(|verb| verb == "get");
    let is_code = |group: &&[OsString]| {
        is_get && matches!(group, [word] if !is_option(word) && word != "get" && word != "-")
    };
    let (codes, words): (Vec<_>, Vec<_>) = groups(words).into_iter().partition(is_code);
    let words = words.into_iter().flatten();
    let words = words.map(|word| word::quoted(&word.to_string_lossy()));
    let code = (!codes.is_empty()).then(|| CODE.to_owned());
    let words = ["aws-mfa".to_owned()].into_iter().chain(words).chain(code);
    words.collect::<Vec<_>>().join(" ")
}
