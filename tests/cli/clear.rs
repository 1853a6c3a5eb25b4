//! `aws-mfa clear`. prompts.rs tests that every shell drops the session.

use super::sandbox::Sandbox;

#[test]
fn session_is_removed_and_missing_session_is_no_failure() {
    let sandbox = Sandbox::with_session();
    let file = sandbox.session_file();
    sandbox.run(["clear"]).is(
        0,
        &format!("removed the session ({})\n", file.display()),
        "",
    );
    assert!(sandbox.session_directory().is_empty());
    sandbox.run(["clear"]).is(
        0,
        &format!("there was no session to remove ({})\n", file.display()),
        "",
    );
    assert_eq!(sandbox.run(["load"]).status, 3);
}

#[test]
fn corrupt_file_is_removed_and_other_sessions_stay() {
    let sandbox = Sandbox::with_session();
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
    let sandbox = Sandbox::with_session();
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
    let mut sandbox = Sandbox::with_session();
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
