//! The story of the first page, with real direnv in real shells.

use super::fake_sts::FakeSts;
use super::sandbox::Sandbox;
use super::shell::Shell;
use super::tool::tool;
use std::path::{Path, PathBuf};
use std::process::Command;

const CREDENTIALS: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
];

/// The README's .envrc, with something of the user's after it.
pub const ENVRC: &str = "\
export AWS_MFA_ARN=arn:aws:iam::123456789012:mfa/igor
export AWS_SESSION_FILE=\"${HOME}/.config/aws/session-${MASTER_AWS_ACCESS_KEY_ID}\"
watch_file $AWS_SESSION_FILE
direnv_load aws-mfa load
export PROJECT=mine
";

/// A project with this `.envrc`, allowed.
pub fn project(sandbox: &Sandbox, direnv: &Path, envrc: &str) -> PathBuf {
    let envrc = sandbox.write("project/.envrc", envrc);
    let folder = envrc.parent().unwrap().to_owned();
    let allowed = sandbox
        .command(direnv)
        .arg("allow")
        .current_dir(&folder)
        .status()
        .unwrap();
    assert!(allowed.success());
    folder
}

#[test]
fn one_code_serves_every_shell_at_its_next_prompt() {
    let Some(direnv) = tool("direnv") else { return };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.unset("AWS_MFA_ARN").unset("AWS_SESSION_FILE");
    let folder = project(&sandbox, &direnv, ENVRC);
    let session_file = sandbox.session_file();

    // No session: the rest of the .envrc loads, and one line tells what to do.
    let mut first = Shell::open(&sandbox, &folder, &direnv);
    let mut second = Shell::open(&sandbox, &folder, &direnv);
    let hints: Vec<&str> = first
        .first_prompt
        .lines()
        .filter(|line| line.starts_with("aws-mfa: "))
        .collect();
    assert_eq!(
        hints,
        [format!(
            "aws-mfa: no session yet ({}): run `aws-mfa get <code>`",
            session_file.display()
        )]
    );
    for shell in [&mut first, &mut second] {
        assert_eq!(shell.variable("PROJECT"), "mine");
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "unset");
    }

    // One code: both shells have the session.
    let shown = first.run("aws-mfa get 123456");
    assert!(shown.contains("saved session info to "), "{shown}");
    second.run("");
    for shell in [&mut first, &mut second] {
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000001");
        assert_eq!(shell.variable("AWS_SESSION_TOKEN"), "token//S3CR3T+1==");
        for name in CREDENTIALS {
            assert_ne!(shell.variable(name), "unset", "{name}");
        }
        assert_eq!(shell.variable("PROJECT"), "mine");
    }

    // A second one at once, within the same second, is noticed too.
    first.run("aws-mfa get 222222");
    second.run("");
    for shell in [&mut first, &mut second] {
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000002");
    }

    // The file gone, the credentials are.
    std::fs::remove_file(&session_file).unwrap();
    for shell in [&mut first, &mut second] {
        shell.run("");
        for name in CREDENTIALS {
            assert_eq!(shell.variable(name), "unset", "{name}");
        }
        assert_eq!(shell.variable("PROJECT"), "mine");
    }
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn the_watch_is_loads_own_and_holds_under_strict_env() {
    let Some(direnv) = tool("direnv") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let folder = project(
        &sandbox,
        &direnv,
        "strict_env\ndirenv_load aws-mfa load\nexport PROJECT=mine\n",
    );
    let mut shell = Shell::open(&sandbox, &folder, &direnv);
    assert_eq!(shell.variable("PROJECT"), "mine");
    shell.run("aws-mfa get 123456");
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000001");
    // Nothing has changed since: direnv has no reason to load again.
    assert_eq!(shell.run("true"), "");
}

/// The dump of `direnv_load` is read with `direnv apply_dump`, as direnv_load does it.
#[test]
fn direnv_takes_the_dump() {
    let Some(direnv) = tool("direnv") else { return };
    let mut sandbox = Sandbox::new();
    let session_file =
        sandbox.write_session(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
    let dump = sandbox.write("dump", "");
    sandbox
        .set("AWS_SESSION_FILE", &session_file)
        .set("DIRENV_DUMP_FILE_PATH", &dump)
        .set("AWS_SECURITY_TOKEN", "old");
    sandbox.run(["load"]).is(0, "", "");
    let mut apply: Command = sandbox.command(&direnv);
    let script = apply.arg("apply_dump").arg(&dump).output().unwrap();
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(
        script.contains("export AWS_ACCESS_KEY_ID=ASIASESSION000000000;"),
        "{script}"
    );
    assert!(script.contains("unset AWS_SECURITY_TOKEN;"), "{script}");
    assert!(!script.contains("unset PATH"), "{script}");
}

#[test]
fn strict_fails_and_quiet_is_silent_without_a_session() {
    let mut sandbox = Sandbox::new();
    let dump = sandbox.write("dump", "");
    let file = sandbox.session_file();
    sandbox
        .set("AWS_SESSION_FILE", &file)
        .set("DIRENV_DUMP_FILE_PATH", &dump);
    sandbox.run(["load", "--strict"]).is(
        3,
        "",
        &format!(
            "aws-mfa: no session yet ({})\nhint: run `aws-mfa get <code>`\n",
            file.display()
        ),
    );
    assert_eq!(std::fs::read(&dump).unwrap(), b"");
    sandbox.run(["load", "--quiet"]).is(0, "", "");
    assert_ne!(std::fs::read(&dump).unwrap(), b"");
}

#[test]
fn a_leaked_dump_path_is_told_with_its_remedy() {
    let mut sandbox = Sandbox::new();
    let gone = sandbox.home().join("gone");
    let session_file =
        sandbox.write_session(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
    sandbox
        .set("AWS_SESSION_FILE", &session_file)
        .set("DIRENV_DUMP_FILE_PATH", &gone);
    sandbox.run(["load"]).is(
        1,
        "",
        &format!(
            "aws-mfa: DIRENV_DUMP_FILE_PATH names a file that is gone ({})\n\
             hint: outside of direnv_load run `unset DIRENV_DUMP_FILE_PATH`, or name a format: `aws-mfa load --format sh`\n",
            gone.display()
        ),
    );
    assert!(!gone.exists());
}
