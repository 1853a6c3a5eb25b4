//! Messages: outside text cannot control the terminal, and a misplaced code is masked.

use super::fake_sts::{Behaviour, FakeSts, error_xml};
use super::sandbox::Sandbox;
#[cfg(unix)]
use super::terminal::Terminal;
use super::words;

/// Text that a terminal would act on, with a forged line of ours.
const HOSTILE: &str = "x\nhint: run `evil`\u{1b}[2J\u{9b}m\u{202e}y";

/// The same text escaped.
const ESCAPED: &str = r"x\nhint: run `evil`\u{1b}[2J\u{9b}m\u{202e}y";

#[track_caller]
fn assert_safe(shown: &str) {
    let safe = |c: char| c == '\n' || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c);
    assert!(shown.chars().all(safe), "{shown:?}");
    assert!(!shown.contains("\nhint: run `evil"), "{shown}");
}

#[test]
fn text_from_the_environment_and_the_command_line_is_escaped() {
    let sts = FakeSts::start();
    for variable in [
        "AWS_MFA_ARN",
        "AWS_SESSION_FILE",
        "AWS_MFA_DURATION",
        "AWS_PROFILE",
        "AWS_MFA_PROFILE",
        "AWS_REGION",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CA_BUNDLE",
        "HTTPS_PROXY",
        "http_proxy",
        "MASTER_AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_ACCESS_KEY_ID",
    ] {
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox.set(variable, HOSTILE);
        for verb in ["get 13579", "get", "load", "exec true", "status", "clear"] {
            let outcome = sandbox.run(verb.split(' '));
            assert_safe(&outcome.stdout);
            assert_safe(&outcome.stderr);
        }
    }
    let sandbox = Sandbox::with_user(&sts);
    for arguments in [
        vec!["get", "-p", HOSTILE, "135790"],
        vec!["get", "--region", HOSTILE, "135790"],
        vec!["get", "-d", HOSTILE, "135790"],
        vec!["get", "--serial-number", HOSTILE, "135790"],
        vec!["get", "--unless-valid", HOSTILE],
        vec!["load", "--session-file", HOSTILE],
        vec!["load", "--format", HOSTILE],
        vec!["exec", HOSTILE],
        vec![HOSTILE],
    ] {
        let outcome = sandbox.run(&arguments);
        assert_ne!(outcome.status, 0);
        assert_safe(&outcome.stderr);
    }
    let format = format!("--format={HOSTILE}");
    let shown = sandbox.run(["load", &format]).stderr;
    assert_safe(&shown);
    assert!(
        shown.contains(&format!("invalid value '{ESCAPED}'")),
        "{shown}"
    );
}

#[test]
fn text_of_an_answer_is_escaped() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sts.behave(Behaviour::Answer {
        status: 400,
        body: error_xml(
            "Odd\u{9b}31m",
            "told\u{202e} by &#x1b;[2J&#10;hint: run `evil`",
        ),
    });
    let outcome = sandbox.run(["get", "135790"]);
    assert_eq!(outcome.status, 1);
    assert_safe(&outcome.stderr);
    assert!(outcome.stderr.contains("told"), "{}", outcome.stderr);
}

#[test]
fn code_in_the_wrong_place_is_masked() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let no_session = words::no_session_yet(sandbox.session_file().display());
    let no_session = format!("aws-mfa: {no_session}\n");
    let invalid = format!("aws-mfa: {}\n", words::invalid_duration("******"));
    for (arguments, shown) in [
        (
            vec!["483920"],
            "aws-mfa: no command was given\nhint: did you mean `aws-mfa get <code>`?\n",
        ),
        (
            vec!["483", "920"],
            "aws-mfa: no command was given\nhint: did you mean `aws-mfa get <code>`?\n",
        ),
        (
            vec!["４８３９２０"],
            "aws-mfa: no command was given\nhint: did you mean `aws-mfa get <code>`?\n",
        ),
        (vec!["-f483920"], "error: unexpected argument '-f' found\n"),
        (
            vec!["load", "-f483920"],
            "error: invalid value '******' for '--format <FORMAT>'\n",
        ),
        (
            vec!["load", "--format=483920"],
            "error: invalid value '******' for '--format <FORMAT>'\n",
        ),
        (
            vec!["status", "483920"],
            "error: unexpected argument '******' found\n",
        ),
        (
            vec!["load", "--483920"],
            "error: unexpected argument '--******' found\n",
        ),
        (
            vec!["get", "-d", "483920"],
            "aws-mfa: too long for a session: ******\n",
        ),
        (vec!["get", "-d", "４８３９２０"], invalid.as_str()),
        (
            vec!["get", "--serial-number", "483 920"],
            "aws-mfa: not an MFA device: ******\n",
        ),
        (vec!["exec", "483920"], no_session.as_str()),
    ] {
        let outcome = sandbox.run(&arguments);
        assert!(
            outcome.stderr.starts_with(shown),
            "{arguments:?}: {}",
            outcome.stderr
        );
        for part in ["483", "920", "４８"] {
            assert!(
                !outcome.stderr.contains(part),
                "{arguments:?}: {}",
                outcome.stderr
            );
        }
    }
    let file = sandbox.write_session(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
    let outcome = sandbox.run(["exec", "483920"]);
    assert_eq!(
        outcome.stderr,
        format!("aws-mfa: {}\n", words::command_not_found("******"))
    );
    if cfg!(unix) {
        // It exists in PATH, but is no program.
        let path = sandbox.write("bin/483920", "");
        sandbox.set("PATH", path.parent().unwrap());
        let outcome = sandbox.run(["exec", "483920"]);
        let said = "aws-mfa: cannot run ******: permission denied\n";
        outcome.is(126, "", said);
    }
    std::fs::remove_file(file).unwrap();
    let outcome = sandbox.run(["get", "-p", "483920", "135790"]);
    let no_profile = words::there_is_no_profile("******", &sandbox.home());
    assert!(
        outcome
            .stderr
            .starts_with(&format!("aws-mfa: {no_profile}\n")),
        "{}",
        outcome.stderr
    );
    assert!(sts.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn error_on_a_terminal_has_colour_unless_no_color() {
    let mut sandbox = Sandbox::with_session();
    let red = "\u{1b}[1m\u{1b}[31m";
    let cyan = "\u{1b}[1m\u{1b}[36m";
    let end = "\u{1b}[0m";
    let refusal = "aws-mfa: load would show the session's secrets on the terminal\n\
                   hint: run `eval \"$(aws-mfa load)\"`; to see them: `aws-mfa load --format sh`\n";
    let coloured = refusal
        .replace("aws-mfa: load", &format!("{red}aws-mfa:{end} load"))
        .replace("hint:", &format!("{cyan}hint:{end}"));

    sandbox.set("TERM", "xterm");
    Terminal::output(&sandbox, "aws-mfa load").is(2, &coloured, "");
    let outcome = Terminal::output(&sandbox, "aws-mfa nonsense");
    assert_eq!(outcome.status, 2);
    assert!(
        (outcome.stdout).starts_with(&format!("{red}error:{end} unrecognized")),
        "{}",
        outcome.stdout
    );
    let piped = Terminal::output(&sandbox, "aws-mfa nonsense 2>&1 | cat").stdout;
    assert!(piped.starts_with("error: unrecognized"), "{piped}");
    sandbox.set("NO_COLOR", "1");
    Terminal::output(&sandbox, "aws-mfa load").is(2, refusal, "");
    sandbox.unset("NO_COLOR").set("CLICOLOR", "0");
    Terminal::output(&sandbox, "aws-mfa load").is(2, refusal, "");
    sandbox.unset("CLICOLOR").set("TERM", "dumb");
    Terminal::output(&sandbox, "aws-mfa load").is(2, refusal, "");
}

#[test]
fn empty_profile_is_a_usage_error() {
    let sandbox = Sandbox::new();
    for arguments in [["load", "-p", ""], ["status", "--profile", ""]] {
        let outcome = sandbox.run(arguments);
        assert_eq!(outcome.status, 2);
        assert!(
            outcome.stderr.starts_with(
                "error: a value is required for '--profile <NAME>' but none was supplied\n"
            ),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn hint_repeats_the_flags_of_the_failed_get() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let outcome = sandbox.run([
        "get",
        "--serial-number",
        "GAHT12345678",
        "--region",
        "eu-west-1",
        "-d",
        "8h",
        super::fake_sts::WRONG_CODE,
    ]);
    assert!(
        outcome.stderr.ends_with(
            " s), then run `aws-mfa get --serial-number GAHT12345678 --duration 8h --region eu-west-1 <code>`\n"
        ),
        "{}",
        outcome.stderr
    );
}

/// A backtrace is captured when an error occurs, but never printed. A musl binary with the wrong unwinder crashes here.
#[test]
fn backtraces_change_neither_message_nor_status() {
    let mut sandbox = Sandbox::without_session();
    let message = words::failure(
        &words::no_session_yet(sandbox.session_file().display()),
        words::get_a_session(),
    );
    for variable in ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"] {
        for value in ["0", "1", "full"] {
            sandbox.set(variable, value);
            sandbox.run(["load"]).is(3, "", &message);
        }
        sandbox.unset(variable);
    }
}

/// An ordinary day on a small terminal: a profile with a name of 12 characters, its only device, and a role.
#[cfg(unix)]
#[test]
fn nothing_on_an_ordinary_day_is_wider_than_80_columns() {
    use super::sandbox::{DEVICE, profile_keys};
    use super::shell::{Kind, Shell};
    let aws = FakeSts::start();
    aws.set_iam(super::fake_iam::FakeIam {
        devices: vec![DEVICE.to_owned()],
        ..super::fake_iam::FakeIam::default()
    });
    let role = "arn:aws:iam::123456789012:role/deploy";
    aws.add_role(role, super::fake_sts::Role::default());
    let mut sandbox = Sandbox::with_profile(&aws);
    sandbox
        .unset("AWS_MFA_ARN")
        .set("SHELL", "/bin/bash")
        .set("AWS_MFA_PROFILE", "abcdefghijkl");
    let keys = format!("[abcdefghijkl]\n{}", profile_keys());
    sandbox.write(".aws/credentials", keys);
    sandbox.write(
        ".aws/config",
        format!("[profile deploy-to-it]\nsource_profile = abcdefghijkl\nrole_arn = {role}\n"),
    );
    let mut terminal = Terminal::run(&sandbox, "aws-mfa get");
    let mut shown = terminal.wait_for("igor: ") + "igor: ";
    terminal.type_line("111111");
    shown += &terminal.end().1;
    assert_eq!(shown.matches(DEVICE).count(), 1, "{shown}");
    let mut run = |line: &str| {
        let line = format!("aws-mfa {line}");
        shown += &format!("{line}\n{}", Terminal::output(&sandbox, &line).stdout);
    };
    for line in [
        "status",
        "get -p deploy-to-it",
        "get -p deploy-to-it --unless-valid",
        "status -p deploy-to-it",
        "status --all",
        "load",
        "load --format json > /dev/null",
        "doctor --offline",
        "rotate",
        "rotate --finish",
        "get -p abcdefghijkl 222222",
        "get --unless-valid",
        "clear -p deploy-to-it",
        "clear",
        "clear",
        "load --format json",
        "load -p deploy-to-it --format json",
        "status",
        "status --all",
        "get 333333",
        "clear --all",
        "clear --all",
        "doctor --offline",
        "get wrong",
    ] {
        run(line);
    }
    if super::tool::tool("bash").is_some() {
        let mut shell = Shell::open_hooked(Kind::Bash, &sandbox, "");
        let file = sandbox
            .session_file()
            .with_file_name("session-abcdefghijkl");
        shown += &shell.run("aws-mfa get 444444");
        for minutes in [10, -3] {
            sandbox.make_end_in(&file, jiff::SignedDuration::from_mins(minutes));
            shown += &shell.run("");
        }
        shown += &shell.run("aws-mfa get 555555; aws-mfa clear");
        shown += &shell.run("");
    }
    let wide = shown
        .lines()
        .filter(|line| line.trim_end().chars().count() > 80);
    let wide: Vec<&str> = wide.collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

/// The sentences of `words`, each with its text. They stand nowhere else in the tests.
#[cfg(unix)]
fn sentences() -> Vec<(String, &'static str)> {
    let home = std::path::Path::new("~");
    let owned = str::to_owned;
    vec![
        (words::no_session_yet("FILE"), "no session yet (FILE)"),
        (owned(words::get_a_session()), "run `aws-mfa get <code>`"),
        (
            words::session_expired("14m", "FILE"),
            "session expired 14m ago (FILE)",
        ),
        (
            words::session_file_is_corrupt("FAULT", "FILE"),
            "session file is corrupt: FAULT (FILE)",
        ),
        (
            words::session_file_rejected("REASON", "FILE"),
            "session file rejected: REASON (FILE)",
        ),
        (
            words::others_can_read_the_session_file("0644"),
            "others can read the session file (mode 0644)",
        ),
        (
            words::cannot_read_the_session_file("FILE", "REASON"),
            "cannot read the session file FILE: REASON",
        ),
        (
            words::cannot_save_the_session("FILE", "REASON"),
            "cannot save the session in FILE: REASON",
        ),
        (
            owned(words::choose_another_file()),
            "choose another file with AWS_SESSION_FILE or --session-file",
        ),
        (
            words::cannot_write_to_the_directory("DIRECTORY", "REASON"),
            "cannot write to the directory DIRECTORY: REASON",
        ),
        (words::session_is_valid("NAME"), "NAME: session valid"),
        (
            words::session_is_still_valid("NAME"),
            "NAME: session still valid",
        ),
        (
            words::removed_the_session("NAME"),
            "NAME: removed the session",
        ),
        (
            words::wait_for_the_next_code("true"),
            "wait for the next code (N s), then run `true`",
        ),
        (
            owned(words::the_code_is_still_valid()),
            "the code was not used: run `aws-mfa get <code>` again while the device still shows it",
        ),
        (
            words::the_code_may_be_used_up("FAULT"),
            "FAULT, and the code may be used up",
        ),
        (
            words::the_connection_broke("URL"),
            "the connection to URL broke before the answer arrived",
        ),
        (
            words::connection_refused("URL"),
            "cannot connect to URL: connection refused",
        ),
        (
            words::found_the_device("DEVICE"),
            "found the MFA device DEVICE",
        ),
        (
            words::there_is_no_profile("NAME", home),
            "there is no profile NAME in ~/.aws/config or ~/.aws/credentials",
        ),
        (words::invalid_duration("TEXT"), "invalid duration: TEXT"),
        (
            words::command_not_found("PROGRAM"),
            "command not found: PROGRAM",
        ),
        (
            words::dump_path_points_to("WHAT", "PLACE"),
            "DIRENV_DUMP_FILE_PATH points to WHAT (PLACE)",
        ),
        (
            owned(words::outside_direnv_load()),
            "outside direnv_load, run `unset DIRENV_DUMP_FILE_PATH`, or choose a format: `aws-mfa load --format sh`",
        ),
        (owned(words::clock_is_right()), "within 30 s of AWS's"),
        (owned(words::the_user_is_unknown()), "the user is unknown"),
        (
            words::replaced_the_access_key("OLD", "NEW"),
            "replaced the access key OLD with NEW",
        ),
        (
            words::aws_rejected_the_session("ID"),
            "AWS rejected the session ID",
        ),
    ]
}

#[cfg(unix)]
#[test]
fn much_used_sentences_are_exactly_these() {
    let (said, texts): (Vec<_>, Vec<_>) = sentences().into_iter().unzip();
    assert_eq!(said, texts);
}

/// Otherwise a new wording would turn more than one test red.
#[cfg(unix)]
#[test]
fn much_used_sentences_stand_in_one_place() {
    let sentences = sentences();
    // A command to run is also a part of other sentences.
    let sentences = sentences
        .iter()
        .filter(|(_, text)| !text.starts_with("run `"));
    let fixed: Vec<&str> = sentences.map(|(_, text)| fixed_part(text)).collect();
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    for directory in ["cli", "soak"] {
        for file in std::fs::read_dir(tests.join(directory)).unwrap() {
            let path = file.unwrap().path();
            if path == tests.join("cli/messages.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().map(str::trim);
            let code = code.filter(|line| !line.starts_with("//"));
            // A string goes on after a backslash at the end of a line.
            let code: String = code.map(|line| line.trim_end_matches('\\')).collect();
            let again = fixed.iter().filter(|sentence| code.contains(**sentence));
            let path = path.display();
            found.extend(again.map(|sentence| format!("{path} has «{sentence}»")));
        }
    }
    assert!(
        found.is_empty(),
        "words.rs has a function for each of them:\n{}\n",
        found.join("\n")
    );
}

/// The longest part of a sentence that never varies.
#[cfg(unix)]
fn fixed_part(sentence: &'static str) -> &'static str {
    let mut parts = vec![sentence];
    for name in [
        "FILE",
        "FAULT",
        "REASON",
        "DIRECTORY",
        "URL",
        "DEVICE",
        "NAME",
        "TEXT",
        "PROGRAM",
        "WHAT",
        "PLACE",
        "OLD",
        "NEW",
        "ID",
        "14m",
        "0644",
        "true",
    ] {
        parts = parts.iter().flat_map(|part| part.split(name)).collect();
    }
    let longest = parts.into_iter().max_by_key(|part| part.len());
    longest.unwrap_or_default().trim_matches([' ', '('])
}
