//! `load --ask`: a program needs credentials, and there is no valid session.

use super::deadline::{InTime, wait_until};
use super::fake_sts::{FakeSts, WRONG_CODE};
use super::readme;
use super::sandbox::{DEVICE, Outcome, Sandbox, binary};
use super::terminal::Terminal;
use super::tool::tool;
use super::words;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Shows nothing, but notes what it was to show, and gives the next line of `answers`. While there is a file `hold`, it
/// waits as a person does.
const DIALOG: &str = "#!/bin/sh
PATH=/usr/bin:/bin
cd \"$HOME\"
{ printf '%s' \"${0##*/}\"; for argument; do printf '|%s' \"$argument\"; done; echo '|end'; } >> dialogs
while [ -e hold ]; do sleep 0.02; done
answer=$(sed -n 1p answers)
sed 1d answers > answers.left; mv answers.left answers
case $answer in
    cancel) echo 'Gtk-Message: not important' >&2; exit 1 ;;
    *) echo \"$answer\" ;;
esac
";

/// A user with the profile `work` at a desktop whose program for dialogs is `name`.
fn desktop(sts: &FakeSts, name: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_profile(sts);
    sandbox.unset("AWS_MFA_PROFILE").add_program(name, DIALOG);
    let recipes = readme::blocks(readme::GUIDE, "ini");
    let recipe = recipes.into_iter().find(|block| block.contains(" --ask "));
    let config = recipe.unwrap().replace("aws-mfa load", "started load");
    sandbox.write(".aws/config", config);
    // The program that SDKs run, counted.
    sandbox.add_program(
        "started",
        "#!/bin/sh\necho >> started\nexec aws-mfa \"$@\"\n",
    );
    sandbox.set("DISPLAY", ":0");
    sandbox
}

fn answers(sandbox: &Sandbox, answers: &[&str]) {
    let lines: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
    sandbox.write("answers", lines);
}

/// What each dialog was to show.
fn dialogs(sandbox: &Sandbox) -> Vec<String> {
    let shown = std::fs::read_to_string(sandbox.home().join("dialogs")).unwrap_or_default();
    let dialogs = shown.split_terminator("|end\n");
    dialogs.map(str::to_owned).collect()
}

/// `aws-mfa` without a terminal, as a program on the desktop runs it.
fn without_terminal(sandbox: &Sandbox, arguments: &[&str]) -> Option<Command> {
    let mut command = sandbox.command(tool("setsid")?);
    command.arg("--wait").arg(binary()).args(arguments);
    Some(command)
}

const LOAD: [&str; 6] = ["load", "--ask", "--profile", "work", "--format", "process"];

fn load(sandbox: &Sandbox) -> Option<Outcome> {
    Some(sandbox.run_with(&mut without_terminal(sandbox, &LOAD)?))
}

#[track_caller]
fn has_session(outcome: &Outcome, number: u32) {
    let printed = outcome.succeeded();
    let id = format!("\"AccessKeyId\":\"ASIASESSION00000000{number}\"");
    assert!(printed.replace(": ", ":").contains(&id), "{printed}");
}

fn session_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".config/aws/session-work")
}

fn get_command() -> String {
    words::run("aws-mfa get --profile work <code>")
}

#[test]
fn dialog_shows_profile_and_device_and_its_code_gets_the_session() {
    if tool("setsid").is_none() {
        return;
    }
    let line = format!("MFA code for the profile work\n{DEVICE}");
    let applescript = "on run argv\n\
         set answer to display dialog (item 1 of argv) with title \"aws-mfa\" default answer \"\" \
         giving up after (item 2 of argv as integer)\n\
         return text returned of answer\nend run";
    for (name, display, shown) in [
        (
            "zenity",
            Some("DISPLAY"),
            format!("zenity|--entry|--title|aws-mfa|--timeout=65|--text={line}"),
        ),
        (
            "kdialog",
            Some("WAYLAND_DISPLAY"),
            format!(
                "kdialog|--title|aws-mfa|--inputbox|<qt>{}</qt>",
                line.replace('\n', "<br>")
            ),
        ),
        (
            "osascript",
            None,
            format!("osascript|-e|{applescript}|{line}|65"),
        ),
    ] {
        let sts = FakeSts::start();
        let mut sandbox = desktop(&sts, name);
        sandbox.unset("DISPLAY");
        if let Some(display) = display {
            sandbox.set(display, ":0");
        }
        answers(&sandbox, &["123 456"]);
        has_session(&load(&sandbox).unwrap(), 1);
        assert_eq!(dialogs(&sandbox), [shown]);
        has_session(&load(&sandbox).unwrap(), 1);
        assert_eq!(dialogs(&sandbox).len(), 1);
        assert_eq!(sts.requests().len(), 1);
    }
}

/// What these programs would take for markup, an escape sequence or a mnemonic.
#[test]
fn odd_name_of_a_profile_is_shown_as_it_is() {
    if tool("setsid").is_none() {
        return;
    }
    for (name, shown) in [
        (
            "zenity",
            r"--text=MFA code for the profile a__b &amp; <i>\\n",
        ),
        (
            "kdialog",
            r"<qt>MFA code for the profile a_b &amp;&amp;amp; &lt;i&gt;\\n<br>",
        ),
        ("osascript", r"|MFA code for the profile a_b &amp; <i>\n"),
    ] {
        let sts = FakeSts::start();
        let sandbox = desktop(&sts, name);
        let profile = r"a_b &amp; <i>\n";
        sandbox.write(
            ".aws/credentials",
            format!("[{profile}]\n{}", super::sandbox::profile_keys()),
        );
        answers(&sandbox, &["123456"]);
        let arguments = ["load", "--ask", "--profile", profile, "--format", "process"];
        let mut load = without_terminal(&sandbox, &arguments).unwrap();
        has_session(&sandbox.run_with(&mut load), 1);
        let dialogs = dialogs(&sandbox);
        assert!(dialogs[0].contains(shown), "{dialogs:?}");
    }
}

#[test]
fn malformed_or_rejected_code_is_asked_for_again_three_times_in_all() {
    let sts = FakeSts::start();
    let sandbox = desktop(&sts, "zenity");
    answers(&sandbox, &["12345", WRONG_CODE, "123456"]);
    let Some(outcome) = load(&sandbox) else {
        return;
    };
    has_session(&outcome, 1);
    let shown = dialogs(&sandbox);
    assert_eq!(shown.len(), 3);
    let question = format!("MFA code for the profile work\n{DEVICE}");
    let malformed = format!("--text=an MFA code has six digits\ntry again (2 of 3)\n\n{question}");
    assert!(shown[1].ends_with(&malformed), "{shown:?}");
    let rejected = format!(" s), then try again (3 of 3)\n\n{question}");
    assert!(shown[2].ends_with(&rejected), "{shown:?}");

    sandbox.run(["clear", "-p", "work"]).succeeded();
    answers(&sandbox, &[WRONG_CODE, "12345", "1", "123457"]);
    let failure = load(&sandbox).unwrap();
    assert!(failure.failed(2).contains("an MFA code has six digits"));
    assert_eq!(dialogs(&sandbox).len(), 6);
}

#[test]
fn cancelled_dialog_comes_back_after_30_s_or_a_get() {
    const CANCELLED: &str = "aws-mfa: no MFA code was entered: the dialog was cancelled\nhint: ";
    let sts = FakeSts::start();
    let sandbox = desktop(&sts, "zenity");
    answers(&sandbox, &["cancel", "cancel", "123456"]);
    let Some(outcome) = load(&sandbox) else {
        return;
    };
    let get = get_command();
    outcome.is(1, "", &format!("{CANCELLED}{get}\n"));

    let again = load(&sandbox).unwrap();
    let said = again.failed(1);
    let step = format!("{CANCELLED}{get}; that was ");
    assert!(said.starts_with(&step), "{said}");
    assert!(said.contains(" s ago; aws-mfa asks again in "), "{said}");
    assert_eq!(dialogs(&sandbox).len(), 1);

    // Time passes.
    let memory = session_file(&sandbox).with_file_name(".session-work.failed");
    let mut remembered = super::sandbox::read_json(&memory);
    remembered["At"] = (remembered["At"].as_i64().unwrap() - 30_000).into();
    std::fs::write(&memory, remembered.to_string()).unwrap();
    assert!(load(&sandbox).unwrap().failed(1).starts_with(CANCELLED));
    assert_eq!(dialogs(&sandbox).len(), 2);

    // What the hint says.
    sandbox
        .run(["get", "--profile", "work", "234567"])
        .succeeded();
    has_session(&load(&sandbox).unwrap(), 1);
    sandbox.run(["clear", "-p", "work"]).succeeded();
    has_session(&load(&sandbox).unwrap(), 2);
    assert_eq!(dialogs(&sandbox).len(), 3);
}

#[test]
fn get_by_hand_while_the_dialog_is_open_serves_all() {
    let sts = FakeSts::start();
    let sandbox = desktop(&sts, "zenity");
    sandbox.write("hold", "");
    answers(&sandbox, &["cancel"]);
    let Some(asking) = start(&sandbox) else {
        return;
    };
    wait_until("a dialog", || dialogs(&sandbox).len() == 1);
    let waiting = start(&sandbox).unwrap();
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    // The dialog is still open.
    has_session(&end(waiting), 1);
    std::fs::remove_file(sandbox.home().join("hold")).unwrap();
    has_session(&end(asking), 1);
    assert_eq!(dialogs(&sandbox).len(), 1);
}

fn start(sandbox: &Sandbox) -> Option<Child> {
    let mut command = without_terminal(sandbox, &LOAD)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command.spawn().unwrap())
}

fn end(mut process: Child) -> Outcome {
    Outcome::from(process.output_in_time())
}

#[test]
fn another_process_asks_after_the_one_that_asked_was_killed() {
    let sts = FakeSts::start();
    let sandbox = desktop(&sts, "zenity");
    sandbox.write("hold", "");
    answers(&sandbox, &["123456", "234567"]);
    let Some(mut first) = start(&sandbox) else {
        return;
    };
    wait_until("a dialog", || dialogs(&sandbox).len() == 1);
    let second = start(&sandbox).unwrap();
    first.kill().unwrap();
    first.status_in_time();
    wait_until("another dialog", || dialogs(&sandbox).len() == 2);
    std::fs::remove_file(sandbox.home().join("hold")).unwrap();
    has_session(&end(second), 1);
    assert_eq!(sts.requests().len(), 1);
}

const BOTO3: &str = "\
import boto3
print(boto3.Session().get_credentials().get_frozen_credentials().access_key)";

/// Ten processes with boto3 at once, and one dialog.
fn ten_with_boto3(sandbox: &mut Sandbox) -> Option<Vec<Outcome>> {
    let (setsid, python) = (tool("setsid")?, tool("python-venv")?);
    sandbox.set("AWS_PROFILE", "work-mfa");
    sandbox.write("hold", "");
    let start = |_| {
        let mut command = sandbox.command(&setsid);
        command.arg("--wait").arg(&python).args(["-c", BOTO3]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let processes: Vec<Child> = (0..10).map(start).collect();
    let started = sandbox.home().join("started");
    wait_until("ten processes", || {
        std::fs::read(&started).is_ok_and(|lines| lines.len() == 10)
    });
    wait_until("a dialog", || dialogs(sandbox).len() == 1);
    std::fs::remove_file(sandbox.home().join("hold")).unwrap();
    let outcomes = processes.into_iter().map(end).collect();
    assert_eq!(dialogs(sandbox).len(), 1);
    Some(outcomes)
}

#[test]
fn ten_processes_with_boto3_show_one_dialog() {
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "zenity");
    answers(&sandbox, &["123456", "234567"]);
    let Some(outcomes) = ten_with_boto3(&mut sandbox) else {
        return;
    };
    for outcome in outcomes {
        outcome.is(0, "ASIASESSION000000001\n", "");
    }
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn cancelled_dialog_is_an_error_of_all_ten_processes_with_boto3() {
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "osascript");
    answers(&sandbox, &["cancel", "234567"]);
    sandbox.add_program(
        "osascript",
        &DIALOG.replace(
            "Gtk-Message: not important",
            "execution error: User canceled. (-128)",
        ),
    );
    let Some(outcomes) = ten_with_boto3(&mut sandbox) else {
        return;
    };
    for outcome in outcomes {
        let shown = "Error when retrieving credentials from custom-process: \
                     aws-mfa: no MFA code was entered: the dialog was cancelled\nhint: ";
        assert!(outcome.failed(1).contains(shown), "{}", outcome.stderr);
        let hint = format!("hint: {}\n", get_command());
        assert!(outcome.stderr.contains(&hint), "{}", outcome.stderr);
    }
    assert!(sts.requests().is_empty());
}

#[test]
fn code_that_aws_refuses_is_an_error_of_all_ten_processes_with_boto3() {
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "zenity");
    sts.behave(super::fake_sts::Behaviour::Answer {
        status: 403,
        body: super::fake_sts::error_xml("AccessDenied", "no"),
    });
    answers(&sandbox, &["123456", "234567"]);
    let Some(outcomes) = ten_with_boto3(&mut sandbox) else {
        return;
    };
    for outcome in outcomes {
        assert!(
            outcome.failed(1).contains("AccessDenied"),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn aws_cli_gets_the_session_or_shows_why_not() {
    let (Some(setsid), Some(aws)) = (tool("setsid"), tool("aws")) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "zenity");
    answers(&sandbox, &["123456", "cancel"]);
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let own = [
        sandbox.home().join("bin"),
        binary().parent().unwrap().to_owned(),
    ];
    let path = own.into_iter().chain(std::env::split_paths(&usual));
    // It may be a script.
    sandbox.set("PATH", std::env::join_paths(path).unwrap());
    let who = || {
        let mut command = sandbox.command(&setsid);
        command.arg("--wait").arg(&aws);
        let call = "sts get-caller-identity --profile work-mfa --region us-east-1 --query Arn";
        Outcome::of(command.args(call.split(' ')))
    };
    let outcome = who();
    let arn = format!("\"{}\"\n", super::fake_sts::USER);
    assert_eq!(
        (outcome.status, outcome.stdout),
        (0, arn),
        "{}",
        outcome.stderr
    );
    assert_eq!(sts.requests_for("GetSessionToken").len(), 1);
    sandbox.run(["clear", "-p", "work"]).succeeded();
    let outcome = who();
    assert_ne!(outcome.status, 0);
    assert!(
        outcome
            .stderr
            .contains("aws-mfa: no MFA code was entered: the dialog was cancelled"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn code_command_comes_before_the_terminal_and_that_before_a_dialog() {
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "zenity");
    answers(&sandbox, &["345678"]);
    let line = "aws-mfa load --ask --profile work --format json < /dev/null > /dev/null 2>&1";

    sandbox.set("AWS_MFA_CODE_COMMAND", "echo 123456");
    sandbox.add_program("sh", "#!/bin/sh\nexec /bin/sh \"$@\"\n");
    assert_eq!(Terminal::run(&sandbox, line).end(), (0, String::new()));
    sandbox.run(["clear", "--all"]).succeeded();

    sandbox.unset("AWS_MFA_CODE_COMMAND");
    let mut terminal = Terminal::run(&sandbox, line);
    terminal.wait_for(&format!("MFA code for {DEVICE}: "));
    terminal.type_line("234567");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(dialogs(&sandbox).len(), 0);
    sandbox.run(["clear", "--all"]).succeeded();

    // A shell with job control gives each job a process group of its own.
    let in_background = format!("set -m; {line} & wait $!");
    let (status, shown) = Terminal::run(&sandbox, &in_background).end();
    assert!(status == 0 && !shown.contains("MFA code"), "{shown}");
    assert_eq!(dialogs(&sandbox).len(), 1);
    let codes = sts
        .requests()
        .into_iter()
        .map(|request| request.form["TokenCode"].clone());
    assert_eq!(codes.collect::<Vec<_>>(), ["123456", "234567", "345678"]);
}

/// The next command on a terminal prompts again at once: only a dialog is in the way.
#[test]
fn terminal_without_a_code_prompts_again_for_the_next_command() {
    let sts = FakeSts::start();
    let sandbox = desktop(&sts, "zenity");
    let line = "aws-mfa load --ask --profile work --format json > /dev/null";
    for _ in 0..2 {
        let mut terminal = Terminal::run(&sandbox, line);
        terminal.wait_for("MFA code for ");
        terminal.type_key(4);
        let (status, shown) = terminal.end();
        assert!(
            status == 1 && shown.contains("no MFA code was entered"),
            "{shown}"
        );
    }
}

#[test]
fn nobody_to_ask_is_the_error_of_plain_load() {
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "no-dialog");
    let plain = sandbox.run(["load", "--profile", "work", "--format", "process"]);
    let expected = words::failure(
        &words::no_session_yet(session_file(&sandbox).display()),
        &get_command(),
    );
    plain.is(3, "", &expected);
    let Some(outcome) = load(&sandbox) else {
        return;
    };
    outcome.is(3, "", &expected);
    // zenity, but no display.
    sandbox.add_program("zenity", DIALOG).unset("DISPLAY");
    load(&sandbox).unwrap().is(3, "", &expected);
    assert!(dialogs(&sandbox).is_empty());
}

#[test]
fn dialog_that_cannot_be_shown_is_an_error_with_its_reason() {
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "zenity");
    let said = "(zenity:7): Gtk-WARNING **: cannot open display: :0";
    sandbox.add_program("zenity", &format!("#!/bin/sh\necho '{said}' >&2\nexit 1\n"));
    let Some(outcome) = load(&sandbox) else {
        return;
    };
    let expected = words::failure(
        &format!("the dialog for the MFA code cannot be shown: zenity: {said}"),
        &get_command(),
    );
    outcome.is(1, "", &expected);
}

#[test]
fn direnv_the_hooks_plain_load_and_commands_for_codes_never_ask() {
    if tool("setsid").is_none() {
        return;
    }
    let sts = FakeSts::start();
    let mut sandbox = desktop(&sts, "zenity");
    answers(&sandbox, &["123456"]);
    let plain = ["load", "--profile", "work", "--format", "process"];
    let hook = ["prompt", "--format", "sh", "--profile", "work", "4711"];
    for (arguments, status) in [(&plain[..], 3), (&hook, 0)] {
        let mut command = without_terminal(&sandbox, arguments).unwrap();
        assert_eq!(sandbox.run_with(&mut command).status, status);
    }
    let dump = sandbox.write("dump", "");
    for (name, value) in [
        ("DIRENV_IN_ENVRC", "1"),
        ("DIRENV_DUMP_FILE_PATH", dump.to_str().unwrap()),
        ("AWS_MFA_INSIDE_COMMAND", "1"),
    ] {
        sandbox.set(name, value);
        load(&sandbox).unwrap().failed(3);
        sandbox.unset(name);
    }
    sandbox.set("DIRENV_DUMP_FILE_PATH", &dump);
    let mut direnv_load = without_terminal(&sandbox, &["load", "--ask", "-p", "work"]).unwrap();
    let outcome = sandbox.run_with(&mut direnv_load);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, ""));
    assert!(dialogs(&sandbox).is_empty() && sts.requests().is_empty());
}
