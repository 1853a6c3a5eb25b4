//! `aws-mfa exec`: a command with the session, and nothing but the session.

use super::sandbox::{Outcome, Sandbox, binary};
use jiff::{SignedDuration, Timestamp};

#[test]
fn the_command_has_the_session_and_no_other_keys() {
    let mut sandbox = Sandbox::with_session();
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIA1")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", "master")
        .set("AWS_PROFILE", "private")
        .set("AWS_DEFAULT_PROFILE", "private")
        .set("AWS_SECURITY_TOKEN", "old")
        .set("AWS_ACCESS_KEY_ID", "other")
        .set("AWS_REGION", "eu-west-1");
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
fn a_region_of_the_session_is_set() {
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
fn all_that_follows_the_commands_name_is_its_own() {
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
    // Before the name they are ours.
    let outcome = sandbox.run(["exec", "--unknown", "true"]);
    assert_eq!(outcome.status, 2);
    let outcome = sandbox.run(["exec"]);
    assert_eq!(outcome.status, 2);
    assert!(outcome.stderr.contains("<COMMAND>"), "{}", outcome.stderr);
}

#[cfg(unix)]
#[test]
fn arguments_need_not_be_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::with_session();
    let mut command = sandbox.command(binary());
    command
        .args(["exec", "printf", "%s"])
        .arg(OsStr::from_bytes(b"a\xff"));
    assert_eq!(command.output().unwrap().stdout, b"a\xff");
}

#[test]
fn the_status_is_the_commands() {
    let sandbox = Sandbox::with_session();
    for status in [0, 1, 3, 42, 255] {
        sandbox
            .run(["exec", "sh", "-c", &format!("exit {status}")])
            .is(status, "", "");
    }
}

#[cfg(unix)]
#[test]
fn the_command_takes_the_place_of_aws_mfa() {
    use std::os::unix::process::ExitStatusExt;
    let sandbox = Sandbox::with_session();
    // The shell's own process is the one that was started.
    let child = sandbox
        .command(binary())
        .args(["exec", "sh", "-c", "echo $$"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{id}\n"));
    // A signal kills it, and who waits for it sees that.
    let status = sandbox
        .command(binary())
        .args(["exec", "sh", "-c", "kill -TERM $$"])
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(15));
    // To a shell this is 128+N, and a closed pipe ends the command quietly.
    let outcome = Outcome::from(
        sandbox
            .command("bash")
            .args(["-c", "aws-mfa exec sh -c 'kill -TERM $$'; echo $?; aws-mfa exec yes | head -n 1; echo ${PIPESTATUS[0]}"])
            .output()
            .unwrap(),
    );
    assert_eq!(outcome.stdout, "143\ny\n141\n");
}

#[cfg(unix)]
#[test]
fn a_command_that_cannot_be_run_is_told_as_a_shell_does() {
    let sandbox = Sandbox::with_session();
    sandbox.run(["exec", "--", "no-such-command", "x"]).is(
        127,
        "",
        "aws-mfa: command not found: no-such-command\n",
    );
    let file = sandbox.write("not-executable", "#!/bin/sh\n");
    sandbox.run(["exec", file.to_str().unwrap()]).is(
        126,
        "",
        &format!(
            "aws-mfa: cannot run {}: Permission denied (os error 13)\n",
            file.display()
        ),
    );
}

#[test]
fn without_a_valid_session_nothing_runs() {
    let sandbox = Sandbox::with_session();
    sandbox.write_session(Timestamp::now() - SignedDuration::from_mins(14));
    let file = sandbox.session_file();
    sandbox.run(["exec", "touch", "ran"]).is(
        3,
        "",
        &format!(
            "aws-mfa: session expired 14m ago ({})\nhint: run `aws-mfa get <code>`\n",
            file.display()
        ),
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(sandbox.run(["exec", "touch", "ran"]).status, 3);
    sandbox.run(["exec", "-p", "work", "touch", "ran"]).is(
        3,
        "",
        &format!(
            "aws-mfa: no session yet ({})\nhint: run `aws-mfa get --profile work <code>`\n",
            file.with_file_name("session-work").display()
        ),
    );
    assert!(!sandbox.home().join("ran").exists());
}
