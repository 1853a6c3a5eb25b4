//! Where a code comes from: an argument, standard input, a command, the terminal.

use super::fake_sts::FakeSts;
#[cfg(unix)]
use super::fake_sts::{Behaviour, WRONG_CODE, error_xml};
use super::sandbox::{Sandbox, binary};
#[cfg(unix)]
use super::tool::tool;
use super::words;
#[cfg(unix)]
use super::{
    sandbox::DEVICE,
    shell::{Kind, Shell},
    terminal::Terminal,
};
#[cfg(unix)]
use std::process::Stdio;

fn codes(sts: &FakeSts) -> Vec<String> {
    sts.requests()
        .iter()
        .map(|request| request.form["TokenCode"].clone())
        .collect()
}

#[test]
fn get_with_a_dash_reads_the_code_from_standard_input() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write("code", "135 790\r\nand more\n");
    let mut get = sandbox.command(binary());
    get.args(["get", "-"])
        .stdin(std::fs::File::open(file).unwrap());
    assert_eq!(sandbox.run_with(&mut get).status, 0);
    assert_eq!(codes(&sts), ["135790"]);

    // Blank lines before it are skipped, but not for ever.
    let mut get = sandbox.command(binary());
    let file = sandbox.write("code", "\n \t\r\n246802\n");
    get.args(["get", "-"])
        .stdin(std::fs::File::open(file).unwrap());
    assert_eq!(sandbox.run_with(&mut get).status, 0);
    assert_eq!(codes(&sts), ["135790", "246802"]);

    // Empty or invalid input is a usage error, not a hang.
    let blank = "\n".repeat(2000) + "135790\n";
    for input in [
        &b""[..],
        b"\xff135790\n",
        b"\n\n",
        b"\nx\n135790\n",
        blank.as_bytes(),
    ] {
        let file = sandbox.write("code", input);
        let mut get = sandbox.command(binary());
        get.args(["get", "-"])
            .stdin(std::fs::File::open(file).unwrap());
        sandbox.run_with(&mut get).is(
            2,
            "",
            &words::failure(
                "an MFA code has six digits",
                &format!(
                    "{} with the digits that the MFA device shows",
                    words::get_a_session()
                ),
            ),
        );
    }
}

#[cfg(unix)]
#[test]
fn code_command_of_flag_beats_variable_beats_profile() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.write(".aws/config", "[default]\nmfa_process = echo 111111\n");
    assert_eq!(sandbox.run(["get"]).status, 0);
    sandbox.set(
        "AWS_MFA_CODE_COMMAND",
        "echo touch the key >&2; printf '222 222'",
    );
    let outcome = sandbox.run(["get"]);
    assert_eq!(
        (outcome.status, outcome.stderr.as_str()),
        (0, "touch the key\n")
    );
    assert_eq!(
        sandbox.run(["get", "--code-command", "echo 333333"]).status,
        0
    );
    assert_eq!(sandbox.run(["get", "444444"]).status, 0);
    assert_eq!(codes(&sts), ["111111", "222222", "333333", "444444"]);
}

#[cfg(unix)]
#[test]
fn invalid_output_of_a_code_command_is_an_error_and_never_shown() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    for (command, shown, message) in [
        ("echo S3CR3T", "", "printed no MFA code"),
        ("true", "", "printed no MFA code"),
        ("printf '\\377123456'", "", "printed no MFA code"),
        (
            "echo 123456; echo no key >&2; exit 7",
            "no key\n",
            "failed: exit status: 7",
        ),
        (
            "aws-mfa get",
            "aws-mfa: the code command runs aws-mfa again\nhint: check AWS_MFA_CODE_COMMAND: it must print six digits and nothing else\n",
            "failed: exit status: 1",
        ),
    ] {
        sandbox.set("AWS_MFA_CODE_COMMAND", command);
        sandbox.run(["get"]).is(
            1,
            "",
            &format!(
                "{shown}aws-mfa: the code command {message}\n\
                 hint: check AWS_MFA_CODE_COMMAND: it must print six digits and nothing else\n"
            ),
        );
    }
    assert!(sts.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn missing_terminal_is_an_error() {
    let Some(setsid) = tool("setsid") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let mut get = sandbox.command(setsid);
    get.arg("--wait")
        .arg(binary())
        .args(["get", "--profile", "default"]);
    sandbox.write(
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
    );
    sandbox.run_with(&mut get).is(
        1,
        "",
        "aws-mfa: no MFA code was given, and there is no terminal to prompt on\n\
         hint: run `aws-mfa get --profile default <code>`, pipe the code into `aws-mfa get -`, \
         or set AWS_MFA_CODE_COMMAND\n",
    );
}

#[cfg(unix)]
#[test]
fn terminal_prompts_three_times_even_with_redirections() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let prompt = format!("MFA code for {DEVICE}: ");

    // A typo, a rejected code, the right code.
    let mut terminal = Terminal::run(&sandbox, "aws-mfa get < /dev/null > out 2> err");
    terminal.wait_for(&prompt);
    terminal.type_line("13579");
    terminal.wait_for(&prompt);
    terminal.type_line(WRONG_CODE);
    terminal.wait_for(&prompt);
    terminal.type_line("135790");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(codes(&sts), [WRONG_CODE, "135790"]);
    let read = |name: &str| std::fs::read_to_string(sandbox.home().join(name)).unwrap();
    assert!(read("out").contains(&words::session_is_valid("")));
    assert!(
        read("err").starts_with("aws-mfa: an MFA code has six digits\nhint: try again (2 of 3)\n")
    );
    assert!(
        read("err").contains("aws-mfa: the code was rejected: wrong, expired or already used\n")
    );

    // Gives up after three rejected codes. The same code is not sent again.
    let mut terminal = Terminal::run(&sandbox, "aws-mfa get > out 2> err");
    for code in [WRONG_CODE, WRONG_CODE, "135790"] {
        terminal.wait_for(&prompt);
        terminal.type_line(code);
    }
    assert_eq!(terminal.end().0, 4);
    let err = read("err");
    let (_, second) = err
        .split_once("aws-mfa: this code has already been rejected\n")
        .unwrap();
    let wait = words::wait_for_the_next_code("");
    let (wait, _) = wait.split_once('N').unwrap();
    assert!(second.starts_with(&format!("hint: {wait}")), "{err}");
    for again in [
        " s), then try again (2 of 3)\n",
        " s), then try again (3 of 3)\n",
    ] {
        assert_eq!(err.matches(again).count(), 1, "{err}");
    }
    assert_eq!(codes(&sts)[2..], [WRONG_CODE, "135790"]);

    // Input that is not UTF-8 is malformed.
    let mut terminal = Terminal::run(&sandbox, "aws-mfa get > out 2> err");
    terminal.wait_for(&prompt);
    terminal.type_key(0xff);
    terminal.type_line("24680");
    terminal.wait_for(&prompt);
    terminal.type_line("246801");
    assert_eq!(terminal.end().0, 0);
    assert!(read("err").starts_with("aws-mfa: an MFA code has six digits\n"));
    assert_eq!(sts.requests().len(), 5);

    // Any other refusal ends the prompts: the next code would be wasted too.
    sts.behave(Behaviour::Answer {
        status: 400,
        body: error_xml("ValidationError", "'durationSeconds' is too long"),
    });
    let line = "aws-mfa get > out 2> err; echo status $?";
    let mut terminal = Terminal::run(&sandbox, line);
    terminal.wait_for(&prompt);
    terminal.type_line("357911");
    terminal.wait_for("status 2");
    assert_eq!(sts.requests().len(), 6);
    sts.behave(Behaviour::Serve);

    // Ctrl-D ends the prompts.
    let mut terminal = Terminal::run(&sandbox, "aws-mfa get > out 2> err");
    terminal.wait_for(&prompt);
    terminal.type_key(4);
    assert_eq!(terminal.end().0, 1);
    assert_eq!(read("err"), "aws-mfa: no MFA code was entered\n");
    assert_eq!(sts.requests().len(), 6);
}

#[cfg(unix)]
#[test]
fn question_is_shown_again_after_ctrl_z_and_fg() {
    for kind in [Kind::Bash, Kind::Zsh] {
        if tool(kind.program()).is_none() {
            continue;
        }
        let sts = FakeSts::start();
        let sandbox = Sandbox::with_user(&sts);
        let mut shell = Shell::open_bare(kind, &sandbox, &sandbox.home());
        let prompt = format!("MFA code for {DEVICE}: ");
        shell.type_line("aws-mfa get");
        shell.wait_for(&prompt);
        for code in ["1357", ""] {
            shell.type_keys(code);
            shell.type_key(26);
            // The shell says what is stopped.
            shell.wait_for("aws-mfa get");
            // In the background, it asks nothing.
            let is_stopped = "jobs | grep -qiE 'stopped|suspended'";
            shell.type_line(&format!(
                "bg; until {is_stopped}; do sleep 0.01; done; echo no''question"
            ));
            let shown = shell.wait_for("noquestion");
            assert!(!shown.contains("MFA code"), "{shown}");
            shell.type_line("fg");
            shell.wait_for(&prompt);
        }
        shell.type_line("135790");
        shell.wait_for(&words::session_is_valid(super::fake_sts::KEY_ID));
        assert_eq!(codes(&sts), ["135790"]);
        // The next signal shows no question: there is none.
        let shown = shell.run("true");
        assert!(!shown.contains("MFA code"), "{shown}");
    }
}

/// A hanging command is killed. process.rs tests the time limit itself.
#[cfg(unix)]
#[test]
fn code_command_cannot_read_the_standard_input_of_get() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let mut get = sandbox.command(binary());
    get.args(["get", "--code-command", "cat; echo 135790"])
        .stdin(Stdio::piped());
    assert_eq!(sandbox.run_with(&mut get).status, 0);
}
