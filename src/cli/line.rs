//! The words of a command line, where clap cannot parse it as it was typed.

use super::Cli;
use super::other_tools::{CODE_OPTIONS, VALUE_OPTIONS};
use clap::{Arg, Command, CommandFactory, Parser};
use std::ffi::{OsStr, OsString};

/// The options of the program itself.
const OF_THE_PROGRAM: [&str; 4] = ["-h", "--help", "-V", "--version"];

/// The line as it is parsed, with options before the verb moved behind it, and what clap makes of it.
pub fn parse(line: Vec<OsString>) -> (Vec<OsString>, Result<Cli, clap::Error>) {
    let line = verb_first(line);
    let parsed = Cli::try_parse_from(&line);
    (line, parsed)
}

/// The line with the options before its verb moved behind it (`aws-mfa -p work status`): only there does clap know them.
/// Without a verb, it stays as it is.
fn verb_first(line: Vec<OsString>) -> Vec<OsString> {
    let is_moved =
        |word: &OsString| is_option(word) && !OF_THE_PROGRAM.iter().any(|own| word == own);
    let [program, words @ ..] = line.as_slice() else {
        return line;
    };
    if !words.first().is_some_and(is_moved) {
        return line;
    }
    let groups = groups(words);
    let is_word = |group: &&[OsString]| !group.first().is_some_and(|word| is_option(word));
    let Some(at) = groups.iter().position(is_word) else {
        return line;
    };
    let (options, rest) = groups.split_at(at);
    let (verb, rest) = rest.split_at(1);
    let program = [std::slice::from_ref(program)];
    [&program, verb, options, rest].concat().concat()
}

/// The words in groups: an option with its value, `--` with all that follows, or any other word.
pub fn groups(mut words: &[OsString]) -> Vec<&[OsString]> {
    let mut definition = Cli::command();
    // clap builds the options of subcommands on demand.
    definition.build();
    let mut groups = Vec::new();
    while let Some(first) = words.first() {
        let length = match is_option(first) {
            true if first == "--" => words.len(),
            true if value_follows(&definition, first) => words.len().min(2),
            _ => 1,
        };
        let (group, rest) = words.split_at(length);
        groups.push(group);
        words = rest;
    }
    groups
}

/// Whether the word is an option or `--`.
pub fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-") && word != "-"
}

/// Whether the value of this option is in the next word. It is the same for every subcommand that has the option. Those of
/// other tools count too: a code behind one is no verb.
fn value_follows(definition: &Command, option: &OsStr) -> bool {
    let takes_value = |is_meant: &dyn Fn(&Arg) -> bool| {
        let mut all = definition
            .get_subcommands()
            .flat_map(Command::get_arguments);
        all.any(|arg| {
            is_meant(arg) && arg.get_action().takes_values() && !arg.is_require_equals_set()
        })
    };
    let option = option.to_string_lossy();
    if CODE_OPTIONS
        .iter()
        .chain(&VALUE_OPTIONS)
        .any(|other| option == *other)
    {
        return true;
    }
    if let Some(name) = option.strip_prefix("--") {
        return takes_value(&|arg| arg.get_long() == Some(name));
    }
    // `-qp work`, but `-pwork`: the first one with a value takes the rest.
    let mut cluster = option.chars().skip(1);
    cluster.any(|short| takes_value(&|arg| arg.get_short() == Some(short)))
        && cluster.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Vec<OsString> {
        words.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn options_before_the_verb_are_moved_behind_it() {
        for (typed, parsed) in [
            ("x -p work status --json", "x status -p work --json"),
            ("x --profile=a -qd 8h get 1", "x get --profile=a -qd 8h 1"),
            ("x -qp status get", "x get -qp status"),
            ("x -pstatus get", "x get -pstatus"),
            ("x --unless-valid get", "x get --unless-valid"),
            ("x -p a exec -- sh -p b", "x exec -p a -- sh -p b"),
            ("x --nonsense get -h", "x get --nonsense -h"),
            ("x --token 1 get --device a", "x get --token 1 --device a"),
            ("x -p work -h get", "x get -p work -h"),
            // Nothing to move, or nothing to move behind.
            ("x", "x"),
            ("x get -p work", "x get -p work"),
            ("x -p work", "x -p work"),
            ("x -p", "x -p"),
            ("x -h get", "x -h get"),
            ("x -V get", "x -V get"),
            ("x -- get -p work", "x -- get -p work"),
            ("x -p work -- get", "x -p work -- get"),
        ] {
            assert_eq!(verb_first(line(typed)), line(parsed), "{typed}");
        }
        assert_eq!(verb_first(Vec::new()), Vec::<OsString>::new());
    }

    #[cfg(unix)]
    #[test]
    fn words_that_are_not_utf8_are_moved_as_they_are() {
        use std::os::unix::ffi::OsStrExt;
        let odd = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        let typed = vec![
            "x".into(),
            odd(b"-p\xff"),
            "-p".into(),
            odd(b"\xfe"),
            "get".into(),
        ];
        let parsed = vec![
            "x".into(),
            "get".into(),
            odd(b"-p\xff"),
            "-p".into(),
            odd(b"\xfe"),
        ];
        assert_eq!(verb_first(typed), parsed);
    }

    #[test]
    fn option_takes_a_value_in_every_subcommand_or_in_none() {
        let mut definition = Cli::command();
        definition.build();
        for arg in definition
            .get_subcommands()
            .flat_map(Command::get_arguments)
        {
            let takes = arg.get_action().takes_values() && !arg.is_require_equals_set();
            let names = [
                arg.get_long().map(|long| format!("--{long}")),
                arg.get_short().map(|short| format!("-{short}")),
            ];
            for name in names.into_iter().flatten() {
                assert_eq!(
                    value_follows(&definition, OsStr::new(&name)),
                    takes,
                    "{name}"
                );
            }
        }
    }
}
