//! `aws-mfa exec`: a command with the session, and nothing but the session.

#[cfg(unix)]
use super::deadline::InTime;
use super::sandbox::Sandbox;
#[cfg(unix)]
use super::sandbox::{Outcome, binary};
#[cfg(unix)]
use super::shell::Kind;
#[cfg(unix)]
use super::terminal::Terminal;
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};

#[test]
fn command_has_the_session_and_no_other_credentials() {
    if tool("sh").is_none() {
        return;
    }
    let mut sandbox = Sandbox::with_session();
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIA1")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", "master")
        .set("AWS_ACCESS_KEY_ID", "other")
        .set("AWS_REGION", "eu-west-1");
    // A profile that does not exist is none, beside the master keys.
    for name in [
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_PROFILE",
        "AWS_MFA_CODE_COMMAND",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_EXPIRATION",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        sandbox.set(name, "old");
    }
    let outcome = sandbox.run(["exec", "--", "env"]);
    let mut aws: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.contains("AWS_") && !line.starts_with("AWS_CREDENTIAL_EXPIRATION="))
        .collect();
    aws.sort_unstable();
    assert_eq!(
        aws,
        [
            "AWS_ACCESS_KEY_ID=ASIASESSION000000000",
            "AWS_MFA_LOADED=AKIA1:ASIASESSION000000000",
            "AWS_REGION=eu-west-1",
            "AWS_SECRET_ACCESS_KEY=session/S3CR3T+0",
            &format!("AWS_SESSION_FILE={}", sandbox.session_file().display()),
            "AWS_SESSION_TOKEN=token//S3CR3T+0==",
        ]
    );
    assert!(outcome.stdout.contains("AWS_CREDENTIAL_EXPIRATION=20"));
    assert!(
        outcome
            .stdout
            .contains(&format!("HOME={}", sandbox.home().display()))
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
}

#[test]
fn region_of_the_session_is_set() {
    if tool("sh").is_none() {
        return;
    }
    let mut sandbox = Sandbox::with_session();
    let json = std::fs::read_to_string(sandbox.session_file()).unwrap();
    let json = format!(
        "{}, \"Region\": \"eu-central-1\"}}",
        json.trim().strip_suffix('}').unwrap()
    );
    sandbox.write(sandbox.session_file(), json);
    sandbox.set("AWS_REGION", "us-east-2");
    sandbox
        .run(["exec", "sh", "-c", "echo $AWS_REGION $AWS_DEFAULT_REGION"])
        .is(0, "eu-central-1 eu-central-1\n", "");
}

#[test]
fn arguments_after_the_commands_name_belong_to_it() {
    if tool("sh").is_none() {
        return;
    }
    let sandbox = Sandbox::with_session();
    let show = r#"for word; do echo "[$word]"; done"#;
    for dashes in [&["--"][..], &[]] {
        let arguments = [
            &["exec"],
            dashes,
            &[
                "sh",
                "-c",
                show,
                "sh",
                "-p",
                "x",
                "--profile",
                "--help",
                "-h",
                "--",
                "--version",
                "",
                "a b",
            ],
        ]
        .concat();
        sandbox.run(&arguments).is(
            0,
            "[-p]\n[x]\n[--profile]\n[--help]\n[-h]\n[--]\n[--version]\n[]\n[a b]\n",
            "",
        );
    }
    // Before the command's name, they belong to exec.
    let outcome = sandbox.run(["exec", "--unknown", "true"]);
    assert_eq!(outcome.status, 2);
}

/// The shell that a user has, with these lines in its start-up file.
#[cfg(unix)]
fn shell_with(kind: Kind, sandbox: &Sandbox, lines: &str) -> Option<std::path::PathBuf> {
    let file = match kind {
        Kind::Zsh => ".zshrc",
        Kind::Fish => ".config/fish/config.fish",
        _ => ".bashrc",
    };
    sandbox.write(file, lines);
    // fish reads all man pages, if it has not done so before.
    sandbox.write(".local/share/fish/generated_completions/none.fish", "");
    tool(kind.program())
}

/// Also with the hook, which keeps what the shell was started with.
#[cfg(unix)]
#[test]
fn exec_without_a_command_starts_the_users_shell_until_exit() {
    for (kind, hook) in [
        (Kind::Bash, ""),
        (Kind::Bash, "eval \"$(aws-mfa init bash)\"\n"),
        (Kind::Zsh, ""),
        (Kind::Zsh, "eval \"$(aws-mfa init zsh)\"\n"),
        (Kind::Fish, ""),
        (Kind::Fish, "aws-mfa init fish | source\n"),
    ] {
        let sts = super::fake_sts::FakeSts::start();
        let sandbox = Sandbox::with_profile(&sts);
        let keys = super::sandbox::profile_keys();
        let keys = format!("[work]\n{keys}[prod]\n{keys}");
        sandbox.write(".aws/credentials", keys);
        sandbox.run(["get", "111111"]).succeeded();
        sandbox.run(["get", "-p", "prod", "222222"]).succeeded();
        let Some(shell) = shell_with(kind, &sandbox, hook) else {
            continue;
        };
        let shell = shell.display();
        for line in ["exec", "exec --", "-p work exec --no-prompt"] {
            let line = format!("SHELL='{shell}' TERM=dumb aws-mfa {line}");
            let mut terminal = Terminal::run(&sandbox, &line);
            assert_eq!(
                terminal.wait_for(" until "),
                format!("aws-mfa: work: {shell} with the session")
            );
            let rest = terminal.wait_for("\r\n");
            assert!(rest.ends_with("; `exit` leaves it"), "{rest}");
            let has = |terminal: &mut Terminal, label: &str| {
                // Three prompts of the hook.
                for _ in 0..3 {
                    terminal.type_line("echo ha''s $AWS_MFA_LOADED $AWS_ACCESS_KEY_ID.");
                    terminal.wait_for(&format!(
                        "has {label} {}.",
                        label.split(':').nth(1).unwrap()
                    ));
                }
            };
            has(&mut terminal, "work:ASIASESSION000000001");
            // A shell in the shell.
            terminal.type_line("aws-mfa exec -p prod");
            terminal.wait_for(&format!("aws-mfa: prod: {shell} with the session until "));
            terminal.wait_for("; `exit` returns to work\r\n");
            has(&mut terminal, "prod:ASIASESSION000000002");
            terminal.type_line("exit");
            has(&mut terminal, "work:ASIASESSION000000001");
            terminal.type_line("exit 7");
            assert_eq!(terminal.end().0, 7);
        }
        assert_eq!(sts.requests().len(), 2);
    }
}

#[cfg(unix)]
#[test]
fn exec_without_a_command_and_without_shell_starts_sh_and_gets_a_session_first() {
    let sts = super::fake_sts::FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    for shell in ["unset SHELL", "export SHELL="] {
        let mut terminal = Terminal::run(&sandbox, &format!("{shell}; aws-mfa exec"));
        if sts.requests().is_empty() {
            terminal.wait_for("MFA code for ");
            terminal.type_line("111111");
        }
        terminal.wait_for(": /bin/sh with the session until ");
        terminal.type_line("exit 3");
        assert_eq!(terminal.end().0, 3);
    }
    let (status, shown) = Terminal::run(&sandbox, "SHELL=/no/shell aws-mfa exec").end();
    assert_eq!(status, 127);
    let said = words::failure(
        &words::command_not_found("/no/shell"),
        "set SHELL to your shell, or name a command",
    );
    assert!(shown.replace('\r', "").ends_with(&said), "{shown}");
    // Either way out works.
    let mut terminal = Terminal::run(&sandbox, "SHELL=/bin/sh aws-mfa exec");
    terminal.type_line("exit 4");
    assert_eq!(terminal.end().0, 4);
    let (status, _) = Terminal::run(&sandbox, "SHELL=/no/shell aws-mfa exec true").end();
    assert_eq!(status, 0);
}

/// A script whose command is in an empty variable must not succeed. The hint's commands work.
#[test]
fn exec_without_a_command_or_a_terminal_is_a_usage_error() {
    if tool("sh").is_none() {
        return;
    }
    let mut sandbox = Sandbox::with_session();
    sandbox.set("SHELL", "/bin/sh");
    for (line, exec) in [
        (&["exec"][..], "aws-mfa exec"),
        (&["exec", "--"], "aws-mfa exec"),
        (
            &["exec", "--session-file", "a b"],
            "aws-mfa exec --session-file 'a b'",
        ),
    ] {
        let exec = match cfg!(windows) {
            true => exec.replace('\'', "\""),
            false => exec.to_owned(),
        };
        sandbox.run(line).is(
            2,
            "",
            &words::failure(
                "no command was given, and there is no terminal for a shell",
                &format!(
                    "run `{exec} -- <command>`; for commands on standard input, `{exec} -- sh`"
                ),
            ),
        );
    }
    let script = sandbox.write("script", "echo $AWS_ACCESS_KEY_ID\n");
    let mut exec = sandbox.command(super::sandbox::binary());
    exec.args(["exec", "--", "sh"])
        .stdin(std::fs::File::open(script).unwrap());
    sandbox
        .run_with(&mut exec)
        .is(0, "ASIASESSION000000000\n", "");
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf8_reach_the_command() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::with_session();
    let mut command = sandbox.command(binary());
    command
        .args(["exec", "printf", "%s"])
        .arg(OsStr::from_bytes(b"a\xff"));
    assert_eq!(command.output_in_time().stdout, b"a\xff");
}

#[test]
fn status_of_the_command_is_the_exit_status() {
    if tool("sh").is_none() {
        return;
    }
    let sandbox = Sandbox::with_session();
    for status in [0, 1, 3, 42, 255] {
        sandbox
            .run(["exec", "sh", "-c", &format!("exit {status}")])
            .is(status, "", "");
    }
}

#[cfg(unix)]
#[test]
fn exec_without_a_session_or_a_terminal_runs_the_code_command() {
    let sts = super::fake_sts::FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let exec = ["exec", "env"];
    let expected = words::no_session_yet(sandbox.session_file().display());
    let hint = words::get_a_session();
    sandbox
        .run(exec)
        .is(3, "", &words::failure(&expected, hint));
    sandbox.set("AWS_MFA_CODE_COMMAND", "echo 123456");
    sandbox
        .run(["exec", "--no-prompt", "env"])
        .is(3, "", &words::failure(&expected, hint));
    // A code command that runs `exec` itself.
    sandbox.set("AWS_MFA_INSIDE_COMMAND", "1");
    sandbox.run(exec).failed(3);
    sandbox.unset("AWS_MFA_INSIDE_COMMAND");
    let outcome = sandbox.run_with(sandbox.command(binary()).args(["exec", "--", "true"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, ""));
    let saved = words::session_is_valid(super::fake_sts::KEY_ID);
    let said = format!("aws-mfa: {expected}\naws-mfa: {saved} until ");
    assert!(outcome.stderr.starts_with(&said), "{}", outcome.stderr);
    sandbox.run(["exec", "--", "true"]).is(0, "", "");
    assert_eq!(sts.requests().len(), 1);
}

#[cfg(unix)]
#[test]
fn command_replaces_aws_mfa() {
    use std::os::unix::process::ExitStatusExt;
    let sandbox = Sandbox::with_session();
    // The command has the pid of the process that was started.
    let mut child = sandbox
        .command(binary())
        .args(["exec", "sh", "-c", "echo $$"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let output = child.output_in_time();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{id}\n"));
    // A signal kills the command itself, and its parent sees that.
    let status = sandbox
        .command(binary())
        .args(["exec", "sh", "-c", "kill -TERM $$"])
        .status_in_time();
    assert_eq!(status.signal(), Some(15));
    if tool("bash").is_none() {
        return;
    }
    // A shell shows this as 128+N. A closed pipe ends the command silently.
    let outcome = Outcome::from(
        sandbox
            .command("bash")
            .args(["-c", "aws-mfa exec sh -c 'kill -TERM $$'; echo $?; aws-mfa exec yes | head -n 1; echo ${PIPESTATUS[0]}"])
            .output_in_time(),
    );
    assert_eq!(outcome.stdout, "143\ny\n141\n");
}

/// The guide's workaround. Blocked signals stay blocked.
#[cfg(target_os = "linux")]
#[test]
fn sigpipe_is_ignored_if_env_ignores_it_and_blocked_signals_are_inherited() {
    let sandbox = Sandbox::with_session();
    let is_set = |field: &str, number: u32, around: &[&str], inside: &[&str]| {
        let mut exec = sandbox.command("env");
        exec.args(around).arg(binary()).arg("exec").args(inside);
        let outcome = sandbox.run_with(exec.args(["grep", field, "/proc/self/status"]));
        let mask = outcome.stdout.split_whitespace().next_back().unwrap();
        u64::from_str_radix(mask, 16).unwrap() & (1 << (number - 1)) != 0
    };
    let ignore = ["env", "--ignore-signal=PIPE"];
    assert!(!is_set("SigIgn", 13, &[], &[]));
    assert!(is_set("SigIgn", 13, &[], &ignore));
    assert!(!is_set("SigBlk", 15, &[], &[]));
    assert!(is_set("SigBlk", 15, &["--block-signal=TERM"], &[]));
}

#[cfg(unix)]
#[test]
fn command_that_cannot_be_run_exits_126_or_127() {
    let sandbox = Sandbox::with_session();
    sandbox.run(["exec", "--", "no-such-command", "x"]).is(
        127,
        "",
        &format!("aws-mfa: {}\n", words::command_not_found("no-such-command")),
    );
    let file = sandbox.write("not-executable", "#!/bin/sh\n");
    sandbox.run(["exec", file.to_str().unwrap()]).is(
        126,
        "",
        &format!(
            "aws-mfa: cannot run {}: permission denied\n",
            file.display()
        ),
    );
}

#[cfg(unix)]
#[test]
fn missing_interpreter_is_not_a_missing_command() {
    let mut sandbox = Sandbox::with_session();
    let script = |name: &str, text: &[u8]| {
        let path = sandbox.write(format!("bin/{name}"), text);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        path
    };
    let path = script("script", b"#! /nope/sh -e\n");
    script("from-windows", b"#!/bin/sh\r\n");
    sandbox.set(
        "PATH",
        format!("/nowhere:{}", path.parent().unwrap().display()),
    );
    let path = path.to_str().unwrap();
    for (program, interpreter) in [
        (path, "/nope/sh"),
        ("script", "/nope/sh"),
        ("from-windows", "/bin/sh\\r"),
    ] {
        sandbox.run(["exec", program]).is(
            126,
            "",
            &format!(
                "aws-mfa: cannot run {program}: its interpreter {interpreter} does not exist\n"
            ),
        );
    }
    let missing = format!("{path}-2");
    sandbox.run(["exec", &missing]).is(
        127,
        "",
        &format!("aws-mfa: {}\n", words::command_not_found(&missing)),
    );
}

#[test]
fn exec_without_a_valid_session_exits_3_and_runs_nothing() {
    let sandbox = Sandbox::with_session();
    sandbox.write_session(Timestamp::now() - SignedDuration::from_mins(14));
    let file = sandbox.session_file();
    sandbox.run(["exec", "touch", "ran"]).is(
        3,
        "",
        &words::failure(
            &words::session_expired("14m", file.display()),
            words::get_a_session(),
        ),
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(sandbox.run(["exec", "touch", "ran"]).status, 3);
    sandbox.write(".aws/config", "[profile work]\n");
    sandbox.run(["exec", "-p", "work", "touch", "ran"]).is(
        3,
        "",
        &words::failure(
            &words::no_session_yet(file.with_file_name("session-work").display()),
            &words::run("aws-mfa get --profile work <code>"),
        ),
    );
    assert!(!sandbox.home().join("ran").exists());
}

#[cfg(unix)]
#[test]
fn exec_on_a_terminal_without_a_session_prompts_for_a_code() {
    use super::fake_sts::FakeSts;
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let (status, shown) = Terminal::run(&sandbox, "aws-mfa exec --no-prompt true").end();
    assert_eq!(status, 3, "{shown}");
    let line = "aws-mfa exec -- printenv AWS_ACCESS_KEY_ID";
    let mut terminal = Terminal::run(&sandbox, line);
    let before = terminal.wait_for("MFA code for ");
    let said = words::no_session_yet(sandbox.session_file().display());
    assert!(before.contains(&format!("aws-mfa: {said}")), "{before}");
    terminal.type_line("111111");
    let (status, shown) = terminal.end();
    assert_eq!(status, 0, "{shown}");
    assert!(shown.ends_with("\nASIASESSION000000001\r\n"), "{shown}");
    // The next command needs no code.
    let (status, shown) = Terminal::run(&sandbox, line).end();
    assert_eq!((status, shown.as_str()), (0, "ASIASESSION000000001\r\n"));
}

#[test]
fn exec_with_less_than_15_minutes_left_is_a_warning() {
    if tool("sh").is_none() {
        return;
    }
    let sandbox = Sandbox::without_session();
    sandbox.write_session(Timestamp::now() + SignedDuration::from_secs(12 * 60 + 30));
    sandbox
        .run(["exec", "true"])
        .is(0, "", "aws-mfa: warning: the session expires in 12m\n");
}
