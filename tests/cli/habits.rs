//! The habits of other tools' users: their verbs and options, a profile without `-p`, options before the verb. Each suggested
//! command is run, and does what is said of it.

use super::fake_sts::FakeSts;
use super::sandbox::{DEVICE, Outcome, Sandbox};
use super::words;
use std::collections::BTreeSet;

/// A user of the profiles `work` and `prod`, with a session of `work`, whose codes come from a command.
fn user() -> (FakeSts, Sandbox) {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_profile(&sts);
    sandbox.unset("AWS_MFA_PROFILE").set(
        "AWS_MFA_CODE_COMMAND",
        "echo 1 >> codes; wc -l < codes | sed 's/ *//; s/^/22222/'",
    );
    let config = format!("[profile work]\nmfa_serial = {DEVICE}\n[profile prod]\nregion = x\n");
    sandbox.write(".aws/config", config);
    sandbox.run(["get", "-p", "work", "111111"]).succeeded();
    (sts, sandbox)
}

/// The suggested command of a line that is refused, with a code.
#[track_caller]
fn suggested(outcome: &Outcome) -> String {
    let said = outcome.failed(2);
    let (message, hint) = said.split_once("\nhint: ").expect(said);
    assert!(message.starts_with("aws-mfa: "), "{said}");
    assert_eq!((message.lines().count(), hint.lines().count()), (1, 1));
    let command = hint.split('`').nth(1).expect(said);
    command.replace("<code>", "333333")
}

#[track_caller]
fn follow(sandbox: &Sandbox, command: &str) -> Outcome {
    let outcome = Outcome::of(sandbox.command("sh").args(["-c", command]));
    assert_eq!(outcome.status, 0, "{command}: {}", outcome.stderr);
    outcome
}

/// A line as words, without quotes.
fn words_of(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Lines with another tool's verb, and the suggestion for each.
const LINES: [(&str, &str); 34] = [
    ("login work", "aws-mfa get -p work"),
    ("login work 333333", "aws-mfa get -p work 333333"),
    (
        "login --profile=work -d 8h",
        "aws-mfa get --profile=work -d 8h",
    ),
    ("-p work login", "aws-mfa get -p work"),
    ("refresh -p work --force", "aws-mfa get -p work"),
    ("renew -p work --bogus=1", "aws-mfa get -p work"),
    ("session -p work", "aws-mfa get -p work"),
    ("token -p work", "aws-mfa get -p work"),
    ("ls", "aws-mfa status --all"),
    ("list --json", "aws-mfa status --all --json"),
    ("profiles --long", "aws-mfa status --all"),
    ("sessions", "aws-mfa status --all"),
    ("logout work", "aws-mfa clear -p work"),
    ("remove -p work", "aws-mfa clear -p work"),
    ("rm --all", "aws-mfa clear --all"),
    ("env work", "eval \"$(aws-mfa load --profile work)\""),
    (
        "export --format=env -p work",
        "eval \"$(aws-mfa load --profile work)\"",
    ),
    ("assume work", "eval \"$(aws-mfa load --profile work)\""),
    ("source -p work", "eval \"$(aws-mfa load --profile work)\""),
    ("switch work", "eval \"$(aws-mfa load --profile work)\""),
    ("use work", "eval \"$(aws-mfa load --profile work)\""),
    (
        "run -p work -- printenv AWS_ACCESS_KEY_ID",
        "aws-mfa exec -p work -- printenv AWS_ACCESS_KEY_ID",
    ),
    (
        "run work -- printenv AWS_ACCESS_KEY_ID",
        "aws-mfa exec -p work -- printenv AWS_ACCESS_KEY_ID",
    ),
    (
        "shell work printenv AWS_ACCESS_KEY_ID",
        "aws-mfa exec -p work printenv AWS_ACCESS_KEY_ID",
    ),
    ("server", "aws-mfa init aws-config >> ~/.aws/config"),
    (
        "ecs -p work --start",
        "aws-mfa init aws-config >> ~/.aws/config",
    ),
    ("add work", "aws-mfa rotate --to STORE -p work"),
    ("store -p work", "aws-mfa rotate --to STORE -p work"),
    ("import work --env", "aws-mfa rotate --to STORE -p work"),
    ("version", "aws-mfa --version"),
    ("update", "aws-mfa --version"),
    ("upgrade --check", "aws-mfa --version"),
    // Help is what it is of.
    ("login --help", "aws-mfa get --help"),
    ("rm -h", "aws-mfa clear -h"),
];

#[test]
fn other_tools_verb_is_answered_with_a_command_that_does_it() {
    let store = if cfg!(target_os = "macos") {
        "keychain"
    } else {
        "file"
    };
    for (line, expected) in LINES {
        let (sts, sandbox) = user();
        let command = suggested(&sandbox.run(words_of(line)));
        assert_eq!(command, expected.replace("STORE", store), "{line}");
        if store == "keychain" && command.contains("rotate") {
            continue;
        }
        let session = sandbox.session_file().with_file_name("session-work");
        let file = |name: &str| std::fs::read_to_string(sandbox.home().join(name)).unwrap();
        if command.starts_with("eval") {
            let then = format!("{command}; printenv AWS_ACCESS_KEY_ID");
            assert_eq!(follow(&sandbox, &then).stdout, "ASIASESSION000000001\n");
            continue;
        }
        let outcome = follow(&sandbox, &command);
        match command.split(' ').nth(1).unwrap() {
            _ if command.ends_with(" -h") || command.ends_with(" --help") => {
                assert!(outcome.stdout.contains("Usage: "), "{}", outcome.stdout);
            }
            "get" => {
                assert!(
                    outcome.stdout.starts_with(&words::session_is_valid("work")),
                    "{}",
                    outcome.stdout
                );
                let code = if line.ends_with("333333") {
                    "333333"
                } else {
                    "222221"
                };
                assert_eq!(sts.requests().last().unwrap().form["TokenCode"], code);
            }
            "status" => assert!(outcome.stdout.contains("work"), "{}", outcome.stdout),
            "clear" => assert!(!session.exists()),
            "exec" => assert_eq!(outcome.stdout, "ASIASESSION000000001\n"),
            "init" => assert!(file(".aws/config").contains("load --profile work")),
            "rotate" => {
                assert!(!file(".aws/credentials").contains("aws_access_key_id"));
                assert!(file(".aws/config").contains("credential_process = cat "));
            }
            "--version" => assert!(outcome.stdout.starts_with("aws-mfa ")),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn every_verb_of_other_tools_has_a_line_here() {
    let source = include_str!("../../src/cli/other_tools.rs");
    let (_, table) = source.split_once("pub const VERBS").unwrap();
    let lists = table.split("verbs(").skip(1);
    let lists = lists.filter_map(|list| list.split("&[").nth(1)?.split(']').next());
    let names: BTreeSet<&str> = lists
        .flat_map(|list| list.split('"').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let tried = LINES.iter().flat_map(|(line, _)| line.split(' '));
    let tried: BTreeSet<&str> = tried.collect();
    let missing: Vec<_> = names.difference(&tried).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// aws-vault's `add work` with the key in the environment: the profile does not exist yet.
#[cfg(not(target_os = "macos"))]
#[test]
fn key_in_the_environment_is_added_to_a_new_profile() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_ENDPOINT_URL_IAM", sts.url());
    sandbox.get("111111");
    let command = suggested(&sandbox.run(["add", "prod"]));
    assert_eq!(command, "aws-mfa rotate --to file -p prod");
    follow(&sandbox, &command);
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    assert!(config.contains("[profile prod]"), "{config}");
}

#[test]
fn profile_in_the_wrong_place_is_suggested_for_the_option() {
    for (line, expected) in [
        ("get work", "aws-mfa get -p work"),
        ("get work 333333", "aws-mfa get -p work 333333"),
        ("get -q work -d 8h", "aws-mfa get -p work -q -d 8h"),
        ("load work", "aws-mfa load -p work"),
        ("load --format sh work", "aws-mfa load -p work --format sh"),
        ("status work --json", "aws-mfa status -p work --json"),
        ("doctor work --offline", "aws-mfa doctor -p work --offline"),
        (
            "exec work -- printenv HOME",
            "aws-mfa exec -p work -- printenv HOME",
        ),
        (
            "exec work printenv -- HOME",
            "aws-mfa exec -p work printenv -- HOME",
        ),
        // As aws-vault has it.
        (
            "exec work --duration=1h --no-session -- printenv HOME",
            "aws-mfa exec -p work -- printenv HOME",
        ),
        (
            "exec -d 1h work -- printenv HOME",
            "aws-mfa exec -p work -- printenv HOME",
        ),
        ("get work 33333", "aws-mfa get -p work"),
        ("work", "aws-mfa get -p work"),
        ("work -d 8h", "aws-mfa get -p work -d 8h"),
        ("rotate work --to file", "aws-mfa rotate -p work --to file"),
        ("clear work", "aws-mfa clear -p work"),
    ] {
        let (_sts, sandbox) = user();
        let outcome = sandbox.run(words_of(line));
        let said = outcome.failed(2);
        assert!(
            said.starts_with("aws-mfa: work is a profile: select it with -p\nhint: did you mean `"),
            "{said}"
        );
        let command = suggested(&outcome);
        assert_eq!(command, expected, "{line}");
        follow(&sandbox, &command);
    }
    // A console needs a role.
    let (_sts, sandbox) = user();
    let command = suggested(&sandbox.run(["console", "work", "s3"]));
    assert_eq!(command, "aws-mfa console -p work s3");
}

#[test]
fn word_that_is_no_profile_means_what_it_did() {
    let (sts, mut sandbox) = user();
    let requests = sts.requests().len();
    for line in ["get nobody", "get work.", "get 33333"] {
        let said = sandbox.run(words_of(line)).stderr;
        assert!(
            said.starts_with("aws-mfa: an MFA code has six digits\n"),
            "{said}"
        );
    }
    for line in ["load nobody", "status nobody work", "clear -p prod work"] {
        let said = sandbox.run(words_of(line)).stderr;
        assert!(said.starts_with("error: unexpected argument '"), "{said}");
    }
    assert_eq!(sts.requests().len(), requests);
    sandbox.run(["exec", "-p", "work", "nobody"]).is(
        127,
        "",
        &format!("aws-mfa: {}\n", words::command_not_found("nobody")),
    );
    // A program of that name is run.
    sandbox.set("AWS_MFA_PROFILE", "work");
    sandbox.add_program("work", "#!/bin/sh\necho ran $1\n");
    sandbox.run(["exec", "work", "it"]).is(0, "ran it\n", "");
}

#[test]
fn profile_with_an_odd_name_is_quoted_in_the_suggestion() {
    let (_sts, sandbox) = user();
    sandbox.write(
        ".aws/config",
        "[profile 'my $(work)']\nregion = x\n[profile 'a\u{9b}b']\nregion = x\n",
    );
    let command = suggested(&sandbox.run(["status", "my $(work)"]));
    assert_eq!(command, "aws-mfa status -p 'my $(work)'");
    let status = sandbox.run_with(sandbox.command("sh").args(["-c", &command]));
    assert!(
        status.stdout.contains("profile: my $(work) (--profile)"),
        "{}",
        status.stdout
    );
    let said = sandbox.run(["status", "a\u{9b}b"]).stderr;
    assert!(said.contains("`aws-mfa status -p 'a\\u{9b}b'`"), "{said}");
}

#[test]
fn other_tools_option_is_answered() {
    let (sts, sandbox) = user();
    for option in ["-c", "-t", "--code", "--token", "--mfa-code", "--mfa-token"] {
        for line in [
            format!("get -p work {option} 333333"),
            format!("get {option} 333333 -p work"),
            format!("get {option}=333333 -p work"),
            format!("-p work {option}=333333 get"),
            format!("-p work {option}=333333"),
        ] {
            let outcome = sandbox.run(words_of(&line));
            let said = format!(
                "aws-mfa: there is no option {option}\nhint: the code goes without an option: `"
            );
            assert!(
                outcome.stderr.starts_with(&said),
                "{line}: {}",
                outcome.stderr
            );
            assert_eq!(suggested(&outcome), "aws-mfa get -p work 333333", "{line}");
        }
    }
    follow(&sandbox, "aws-mfa get -p work 333333");
    assert_eq!(sts.requests().last().unwrap().form["TokenCode"], "333333");
    // Other verbs take no code.
    let command = suggested(&sandbox.run(["exec", "--code", "333333", "-p", "work", "--", "env"]));
    assert_eq!(command, "aws-mfa get -p work 333333");
    for option in ["--force", "--refresh"] {
        let outcome = sandbox.run(["get", option, "-p", "work", "333333"]);
        outcome.is(
            2,
            "",
            &format!(
                "aws-mfa: there is no option {option}\n\
                 hint: get always asks for a new session; leave {option} out: `aws-mfa get -p work <code>`\n"
            ),
        );
    }
}

#[test]
fn margin_without_an_equals_sign_is_suggested_with_one() {
    let (sts, sandbox) = user();
    let requests = sts.requests().len();
    sandbox
        .run(["get", "-p", "work", "--unless-valid", "30m", "-q"])
        .is(
            2,
            "",
            &words::failure(
                "--unless-valid takes a duration after an equals sign",
                "did you mean `aws-mfa get -p work --unless-valid=30m -q`?",
            ),
        );
    // The session is valid for longer.
    follow(&sandbox, "aws-mfa get -p work --unless-valid=30m -q");
    assert_eq!(sts.requests().len(), requests);
}

#[test]
fn tip_is_neither_nonsense_nor_harmful() {
    let (sts, sandbox) = user();
    let requests = sts.requests().len();
    for line in [
        "get -x",
        "get --cod 654321",
        "get --kode 654321",
        "exec --code-x true",
        "get -x 1",
    ] {
        let said = sandbox.run(words_of(line)).stderr;
        assert!(said.starts_with("error: unexpected argument '-"), "{said}");
        assert!(
            !said.contains("tip:") && !said.contains("\n\n\n"),
            "{line}: {said}"
        );
    }
    let said = sandbox.run(["get", "--code-comand", "x"]).stderr;
    assert!(
        said.contains("  tip: a similar argument exists: '--code-command'\n"),
        "{said}"
    );
    assert_eq!(sts.requests().len(), requests);
}

#[test]
fn options_before_the_verb_are_those_behind_it() {
    let (_sts, sandbox) = user();
    for (before, behind) in [
        ("-p work status --json", "status -p work --json"),
        ("-pwork status", "status -pwork"),
        (
            "--profile=work load --format json",
            "load --profile=work --format json",
        ),
        (
            "-p work exec -- printenv AWS_ACCESS_KEY_ID",
            "exec -p work -- printenv AWS_ACCESS_KEY_ID",
        ),
        ("--session-file x -q load", "load --session-file x -q"),
        ("-p work status -h", "status -p work -h"),
        ("-p work -h status", "status -p work -h"),
        ("-p work man", "man -p work"),
        ("-p work status --nonsense", "status -p work --nonsense"),
        ("-p work nonsense", "nonsense -p work"),
        ("--all -p work", "status --all -p work x"),
        ("-h status", "-h"),
        ("--version status", "--version"),
    ] {
        let [before, behind] = [before, behind].map(|line| sandbox.run(words_of(line)));
        let shown = |outcome: &Outcome| (outcome.status, outcome.stdout.clone());
        assert_eq!(shown(&before), shown(&behind));
        if !before.stderr.starts_with("aws-mfa: no command was given") {
            assert_eq!(before.stderr, behind.stderr);
        }
    }
    sandbox.run(["-p", "work"]).is(
        2,
        "",
        "aws-mfa: no command was given\nhint: did you mean `aws-mfa get -p work`?\n",
    );
    sandbox.run(["--json"]).is(
        2,
        "",
        "aws-mfa: no command was given\nhint: did you mean `aws-mfa status --json`?\n",
    );
    // The Python aws-mfa has no verbs.
    let device = "--device arn:aws:iam::1:mfa/x --profile work --duration 3600 --log-level DEBUG";
    for (line, expected) in [
        (device, "aws-mfa get --profile work --duration 3600"),
        (
            "--profile work --token 333333",
            "aws-mfa get --profile work 333333",
        ),
        ("--force --profile work", "aws-mfa get --profile work"),
        ("-p work --nonsense", "aws-mfa get -p work"),
    ] {
        assert_eq!(suggested(&sandbox.run(words_of(line))), expected, "{line}");
    }
    for line in ["-p", "--nonsense", "- status"] {
        let said = sandbox.run(words_of(line)).stderr;
        assert!(said.starts_with("error: un"), "{said}");
    }
}

#[test]
fn every_option_of_every_verb_works_before_the_verb() {
    let sandbox = Sandbox::new();
    for verb in super::forgotten::subcommands() {
        let help = sandbox.run([verb.as_str(), "--help"]).stdout;
        for option in super::forgotten::options(&verb) {
            let takes_value = help.contains(&format!("{option} <"));
            let value = takes_value.then_some("8h");
            let options: Vec<&str> = [option.as_str()].into_iter().chain(value).collect();
            let before = sandbox.run([&options[..], &[&verb]].concat());
            let behind = sandbox.run([&[verb.as_str()], &options[..]].concat());
            let result = |outcome: Outcome| (outcome.status, outcome.stdout, outcome.stderr);
            assert_eq!(result(before), result(behind), "{option} {verb}");
        }
    }
}

#[test]
fn code_before_the_verb_is_not_shown() {
    let (sts, sandbox) = user();
    let requests = sts.requests().len();
    for line in [
        "333333 get",
        "-p work 333333",
        "-p work 333 333",
        "--code 333333 get",
        "--code=333333 get",
        "-x333333 get",
        "--nonsense=333333 get -p work",
        "run 333333",
        "run 333 333",
        "login --otp 333333",
        "login --otp=333333",
        "env 333333",
        "-p 333333 env",
        "exec -p 333333 work",
    ] {
        let outcome = sandbox.run(words_of(line));
        assert_ne!(outcome.status, 0, "{line}");
        assert!(
            !outcome.stderr.contains("333"),
            "{line}: {}",
            outcome.stderr
        );
    }
    assert_eq!(sts.requests().len(), requests);
}
