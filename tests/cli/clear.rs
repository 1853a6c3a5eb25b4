//! `aws-mfa clear`: the session is gone, from the file and from every shell.

use super::fake_sts::FakeSts;
use super::sandbox::Sandbox;
use super::shell::Shell;
use super::tool::tool;
use jiff::{SignedDuration, Timestamp};

fn with_session() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let file = sandbox.write_session(Timestamp::now() + SignedDuration::from_hours(1));
    sandbox.set("AWS_SESSION_FILE", file);
    sandbox
}

#[test]
fn session_is_removed_and_missing_session_is_no_failure() {
    let sandbox = with_session();
    let file = sandbox.session_file();
    sandbox.run(["clear"]).is(
        0,
        &format!("removed the session ({})\n", file.display()),
        "",
    );
    assert!(sandbox.session_folder().is_empty());
    sandbox.run(["clear"]).is(
        0,
        &format!("there was no session to remove ({})\n", file.display()),
        "",
    );
    assert_eq!(sandbox.run(["load"]).status, 3);
}

#[test]
fn corrupt_file_is_removed_and_other_sessions_stay() {
    let sandbox = with_session();
    let other = sandbox.write(".config/aws/session-work", "not a session");
    sandbox.run(["clear", "-p", "work"]).is(
        0,
        &format!("removed the session ({})\n", other.display()),
        "",
    );
    assert!(sandbox.session_file().exists());
}

#[cfg(unix)]
#[test]
fn symlink_stays_and_its_target_is_removed() {
    let sandbox = with_session();
    let file = sandbox.session_file();
    let target = sandbox.home().join("elsewhere");
    std::fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink("../../elsewhere", &file).unwrap();
    sandbox.run(["clear"]).is(
        0,
        &format!("removed the session ({})\n", file.display()),
        "",
    );
    assert!(!target.exists());
    assert!(file.symlink_metadata().unwrap().is_symlink());
}

#[test]
fn file_that_cannot_be_removed_is_an_error() {
    let mut sandbox = with_session();
    sandbox.set("AWS_SESSION_FILE", sandbox.home());
    let outcome = sandbox.run(["clear"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
    assert!(
        outcome.stderr.starts_with(&format!(
            "aws-mfa: cannot remove the session file {}: ",
            sandbox.home().display()
        )),
        "{}",
        outcome.stderr
    );
}

#[test]
fn every_shell_drops_the_credentials_at_its_next_prompt() {
    let Some(direnv) = tool("direnv") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    assert_eq!(sandbox.run(["get", "123456"]).status, 0);
    let envrc = sandbox.write(
        "project/.envrc",
        "direnv_load aws-mfa load\nexport PROJECT=mine\n",
    );
    let directory = envrc.parent().unwrap();
    let mut allow = sandbox.command(&direnv);
    assert!(
        allow
            .arg("allow")
            .current_dir(directory)
            .status()
            .unwrap()
            .success()
    );
    let mut shells = [
        Shell::open(&sandbox, directory, &direnv),
        Shell::open(&sandbox, directory, &direnv),
    ];
    for shell in &mut shells {
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000001");
    }
    let shown = shells[0].run("aws-mfa clear");
    assert!(shown.contains("removed the session"), "{shown}");
    shells[1].run("");
    for shell in &mut shells {
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_CREDENTIAL_EXPIRATION",
        ] {
            assert_eq!(shell.variable(name), "unset", "{name}");
        }
        assert_eq!(shell.variable("PROJECT"), "mine");
    }
}
