//! Every command line of ours in the help, the man page and the documents is one that the program takes, and those that do
//! no harm do what they should.

use super::fake_sts::{FakeSts, Role};
use super::readme::{GUIDE, README};
use super::sandbox::{DEVICE, Outcome, Sandbox, profile_keys};
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENTS: [(&str, &str); 5] = [
    ("README.md", README),
    ("GUIDE.md", GUIDE),
    ("CHANGELOG.md", include_str!("../../.github/CHANGELOG.md")),
    ("IAM.md", include_str!("../../.github/IAM.md")),
    ("SECURITY.md", include_str!("../../.github/SECURITY.md")),
];

/// The program's name, as it begins a command.
const NAME: &str = "aws-mfa ";

/// The command lines of each text, as words without the program's name.
fn command_lines() -> BTreeMap<Vec<String>, BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut add = |place: &str, text: &str| {
        for start in text.match_indices(NAME).map(|(at, _)| at) {
            let (before, command) = text.split_at(start);
            // Not a file's name, such as `_aws-mfa`, or the name of a secret in a keychain.
            let is_secret = ["lookup ", " -s "].iter().any(|it| before.ends_with(it));
            let is_start = !is_secret
                && before
                    .chars()
                    .next_back()
                    .is_none_or(|c| " `(\n'\"/".contains(c));
            if is_start {
                let words = words_of(command.strip_prefix(NAME).unwrap());
                if !words.is_empty() {
                    found.entry(words).or_default().insert(place.to_owned());
                }
            }
        }
    };
    let sandbox = Sandbox::new();
    let mut helps = super::forgotten::subcommands();
    helps.push(String::new());
    for verb in helps {
        let verb = [verb.as_str(), "--help"];
        let verb = verb.into_iter().filter(|word| !word.is_empty());
        let help = sandbox.run(verb.clone()).stdout;
        let (text, examples) = help.split_once("Examples:\n").unwrap_or((&help, ""));
        let place = verb.collect::<Vec<_>>().join(" ");
        add(&place, &code_spans(text));
        for line in examples.lines() {
            // A description follows.
            add(
                &place,
                line.trim()
                    .split("   ")
                    .find(|part| part.contains(NAME))
                    .unwrap_or_default(),
            );
        }
    }
    add(
        "man.txt",
        &code_spans(include_str!("../../src/commands/man.txt")),
    );
    for (place, document) in DOCUMENTS {
        let mut is_code = false;
        for block in document.split("```") {
            let (code, prose): (Vec<&str>, Vec<&str>) = block
                .lines()
                .partition(|line| is_code || line.starts_with("    "));
            code.iter().for_each(|line| add(place, line));
            add(place, &code_spans(&prose.join("\n")));
            is_code = !is_code;
        }
    }
    found
}

/// The code in backticks or in pairs of them, each in a line of its own. In a table, `|` is escaped.
fn code_spans(text: &str) -> String {
    let text = text.replace("\\|", "|");
    let parts = text.split("``").enumerate();
    let spans = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split('`').skip(1).step_by(2).collect(),
        _ => vec![part],
    });
    spans.map(|span| span.replace('\n', " ") + "\n").collect()
}

/// The words of the command that begins this text, up to what a shell takes for its end, with something for each
/// placeholder.
fn words_of(text: &str) -> Vec<String> {
    let line = text.lines().next().unwrap_or_default();
    let line = line
        .replace("<code>", "123456")
        .replace(" X", " work")
        .replace(" …", "");
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let word = words.last_mut().unwrap();
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => word.push(character),
            (None, ' ') if !word.is_empty() => words.push(String::new()),
            (None, ' ') => {}
            (None, '\'' | '"') if word.is_empty() || word.ends_with('=') => quote = Some(character),
            // A placeholder, or a redirection.
            (None, '<') if characters.peek().is_some_and(char::is_ascii_alphabetic) => {
                word.push('x');
                while characters.next().is_some_and(|c| c != '>') {}
            }
            (None, '2') if characters.peek() == Some(&'>') => break,
            (None, '#') if word.is_empty() => break,
            (None, '|' | ';' | '&' | '<' | '>' | '(' | ')' | '`' | '\'' | '"' | ',') => break,
            (None, _) => word.push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Neither a command line nor the usage of one.
fn is_prose(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| word.starts_with('[') || word.contains("|"))
}

#[test]
fn command_line_is_cut_out_of_its_text() {
    for (text, words) in [
        ("load)\"", &["load"][..]),
        ("get -p 'a b' <code>` and", &["get", "-p", "a b", "123456"]),
        ("status >/dev/null || x", &["status"]),
        ("load --format cmd') do @%i", &["load", "--format", "cmd"]),
        ("exec -- <command>  # x", &["exec", "--", "x"]),
        ("status 2>&1", &["status"]),
        ("load --format fish | source", &["load", "--format", "fish"]),
    ] {
        assert_eq!(words_of(text), words, "{text}");
    }
    assert_eq!(
        code_spans("a `b` c `d\\|e` ``f `g` h``"),
        "b\nd|e\nf `g` h\n"
    );
}

#[test]
fn every_command_line_in_the_documents_is_one_that_the_program_takes() {
    let lines = command_lines();
    assert!(lines.len() > 60, "{lines:#?}");
    let mut faults = String::new();
    for (words, places) in lines.iter().filter(|(words, _)| !is_prose(words)) {
        let line = ["aws-mfa".to_owned()]
            .iter()
            .chain(words)
            .map(Into::into)
            .collect();
        if let Some(fault) = aws_mfa::parsers::fault_of(line) {
            faults += &format!("{places:?}: aws-mfa {}: {fault}\n", words.join(" "));
        }
    }
    assert!(faults.is_empty(), "{faults}");
    // Without a profile, a credential_process hands out whichever account the environment selects.
    for (words, places) in lines
        .iter()
        .filter(|(words, _)| words.contains(&"process".into()))
    {
        let names_one = |word: &String| word == "-p" || word == "--profile";
        assert!(words.iter().any(names_one), "{places:?}: {words:?}");
    }
}

/// The user that the documents speak of, and what they have in `~/.aws` for this line: keys, or else a role.
fn user_of(words: &[String]) -> (FakeSts, Sandbox) {
    let aws = FakeSts::start();
    let role = Role {
        longest: 12 * 3600,
        ..Role::default()
    };
    aws.add_role("arn:aws:iam::333333333333:role/deploy", role);
    let mut sandbox = Sandbox::with_profile(&aws);
    let keys = profile_keys();
    let keys = ["work", "private", "default"]
        .map(|name| format!("[{name}]\n{keys}"))
        .concat();
    sandbox.write(".aws/credentials", keys);
    let role = "role_arn = arn:aws:iam::333333333333:role/deploy\nsource_profile = work\n";
    let mut config = format!("[profile work]\nmfa_serial = {DEVICE}\n");
    for pair in words
        .windows(2)
        .filter(|pair| ["-p", "--profile"].contains(&pair[0].as_str()))
    {
        if !["work", "private", "default"].contains(&pair[1].as_str()) {
            config += &format!("[profile {}]\n{role}", pair[1]);
        }
    }
    sandbox.write(".aws/config", config);
    sandbox.set(
        "AWS_MFA_CODE_COMMAND",
        "echo 1 >> codes; wc -l < codes | sed 's/ *//; s/^/22222/'",
    );
    (aws, sandbox)
}

#[test]
fn every_harmless_command_line_in_the_documents_succeeds() {
    let mut ran = BTreeSet::new();
    let lines = command_lines();
    for (words, places) in lines.iter().filter(|(words, _)| !is_prose(words)) {
        let verb = words.first().map_or("", String::as_str);
        // What only direnv or the user's own file makes possible.
        let is_about_a_place = ["direnv", "--session-file", "x"];
        let is_about_a_place = words
            .iter()
            .any(|word| is_about_a_place.contains(&word.as_str()));
        let is_harmless = [
            "load",
            "status",
            "completions",
            "man",
            "init",
            "doctor",
            "get",
            "clear",
        ];
        // A code from standard input.
        let is_dash = words.last().is_some_and(|word| word == "-");
        if !is_harmless.contains(&verb) || verb == "load" && is_about_a_place || is_dash {
            continue;
        }
        let (_aws, sandbox) = user_of(words);
        for profile in ["work", "private", "default"] {
            sandbox.run(["get", "-q", "-p", profile]).succeeded();
        }
        // As the shell expands it.
        let home = format!("{}/", sandbox.home().display());
        let expanded = words.iter().map(|word| match word.strip_prefix("~/") {
            Some(rest) => format!("{home}{rest}"),
            None => word.clone(),
        });
        let mut words: Vec<String> = expanded.collect();
        if verb == "doctor" && !words.contains(&"--roles".to_owned()) {
            words.push("--offline".to_owned());
        }
        let outcome = Outcome::of(sandbox.command(super::sandbox::binary()).args(&words));
        let line = words.join(" ");
        let is_fine = outcome.status == 0 || verb == "doctor" && outcome.status == 1;
        assert!(is_fine, "{places:?}: aws-mfa {line}: {}", outcome.stderr);
        ran.insert(line);
    }
    assert!(ran.len() > 40, "{ran:#?}");
}
