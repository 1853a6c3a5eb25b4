//! `aws-mfa clear`. prompts.rs tests that every shell drops the session.

use super::fake_sts::FakeSts;
use super::sandbox::Sandbox;
use super::words;

#[test]
fn session_is_removed_and_missing_session_is_no_failure() {
    let sandbox = Sandbox::with_session();
    let file = sandbox.session_file();
    sandbox
        .run(["clear"])
        .is(0, &(words::removed_the_session(file.display()) + "\n"), "");
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
        &(words::removed_the_session(other.display()) + "\n"),
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
    sandbox
        .run(["clear"])
        .is(0, &(words::removed_the_session(file.display()) + "\n"), "");
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

/// `AWS_SESSION_FILE` names it by mistake.
#[test]
fn file_with_something_other_than_a_session_is_neither_removed_nor_replaced() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let keys = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n";
    let file = sandbox.write(".aws/credentials", keys);
    sandbox.set("AWS_SESSION_FILE", &file);
    let hint = format!(
        "remove it yourself if nothing needs it, or {}",
        words::choose_another_file()
    );
    let reason = "it contains something other than a session";
    let not_removed = format!(
        "cannot remove the session file {}: {reason}",
        file.display()
    );
    let not_saved = words::cannot_save_the_session(file.display(), reason);
    let work = sandbox.write(".config/aws/session-work", "not a session");
    let removed = format!("removed {}\n", work.display());
    for (arguments, stdout, message) in [
        (&["clear"][..], "", &not_removed),
        (&["clear", "--all"], &*removed, &not_removed),
        (&["get", "111111"], "", &not_saved),
    ] {
        let failure = words::failure(message, &hint);
        sandbox.run(arguments).is(1, stdout, &failure);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), keys);
    }
    assert!(sts.requests().is_empty());
    // A session that was cut off is still one.
    let cut_off = sandbox.write("cut-off", "{\"Credentials\": {\"Acc");
    sandbox.set("AWS_SESSION_FILE", cut_off);
    sandbox.run(["get", "111111"]).succeeded();
}
