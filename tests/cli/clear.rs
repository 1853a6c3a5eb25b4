//! `aws-mfa clear`. prompts.rs tests that every shell drops the session.

use super::fake_sts::{FakeSts, KEY_ID, Role};
use super::sandbox::Sandbox;
use super::words;
use std::path::Path;

#[test]
fn session_is_removed_and_missing_session_is_no_failure() {
    let sandbox = Sandbox::with_session();
    sandbox
        .run(["clear"])
        .is(0, &(words::removed_the_session(KEY_ID) + "\n"), "");
    assert!(sandbox.session_directory().is_empty());
    sandbox
        .run(["clear"])
        .is(0, &format!("{KEY_ID}: no session to remove\n"), "");
    assert_eq!(sandbox.run(["load"]).status, 3);
}

#[test]
fn corrupt_file_is_removed_and_other_sessions_stay() {
    let sandbox = Sandbox::with_session();
    sandbox.write(".config/aws/session-work", "not a session");
    sandbox
        .run(["clear", "-p", "work"])
        .is(0, &(words::removed_the_session("work") + "\n"), "");
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
        .is(0, &(words::removed_the_session(KEY_ID) + "\n"), "");
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
            words::with_tilde(sandbox.home().display())
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
        words::with_tilde(file.display())
    );
    let not_saved = words::cannot_save_the_session(file.display(), reason);
    for (arguments, stdout, message) in [
        (&["clear"][..], "", &not_removed),
        (&["clear", "--all"], "", &not_removed),
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

#[test]
fn clear_all_and_status_all_mean_only_sessions_and_roles() {
    let sandbox = Sandbox::with_session();
    let session = sandbox.session_file();
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let own = [
        ("role-policy.json", policy),
        ("role-123456789012-deploy-0123456789abcdef", policy),
        ("session-notes.txt", "call igor\n"),
        ("session-draft", "{\"to\": "),
        ("session-empty", ""),
    ];
    for (name, contents) in own {
        sandbox.write(session.with_file_name(name), contents);
    }
    // A session that was cut off has secrets in it.
    let cut_off = sandbox.write(
        session.with_file_name("session-old"),
        "{\n    \"Credentials\": {\n        \"AccessK",
    );
    let all = sandbox.run(["status", "--all"]);
    let names = all
        .stdout
        .lines()
        .map(|line| line.get(2..)?.split(' ').next());
    let names: Vec<Option<&str>> = names.collect();
    assert_eq!(names, [Some(KEY_ID), Some("old")]);
    let removed = |file: &Path| format!("removed {}\n", words::with_tilde(file.display()));
    let all = removed(&session) + &removed(&cut_off);
    sandbox.run(["clear", "--all"]).is(0, &all, "");
    let mut left = own.map(|(name, _)| name.to_owned());
    left.sort();
    assert_eq!(sandbox.session_directory(), left);
}

const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";

/// A user with a session and a role of it.
fn with_role(sts: &FakeSts) -> Sandbox {
    let sandbox = Sandbox::with_user(sts);
    sts.add_role(ROLE, Role::default());
    let get = sandbox.run(["get", "--role-arn", ROLE, "123456"]);
    get.succeeded();
    sandbox
}

#[test]
fn roles_go_with_their_session_whichever_way_its_path_is_spelled() {
    let session = Sandbox::new().session_file();
    let name = session.file_name().unwrap().to_str().unwrap();
    let mut spellings = vec![
        format!(".config/aws/{name}"),
        format!(".config/aws/../aws//./{name}"),
    ];
    if cfg!(unix) {
        spellings.extend([format!("link/{name}"), "session".to_owned()]);
    }
    for spelling in spellings {
        let sts = FakeSts::start();
        let sandbox = with_role(&sts);
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(".config/aws", sandbox.home().join("link")).unwrap();
            symlink(sandbox.session_file(), sandbox.home().join("session")).unwrap();
        }
        let cleared = sandbox.run(["clear", "--session-file", &spelling]);
        assert!(
            cleared.succeeded().contains(" the session and 1 role"),
            "{spelling}"
        );
        assert!(sandbox.session_directory().is_empty(), "{spelling}");
    }
}

/// The user has removed the profile, and what is left of it must go too.
#[test]
fn session_of_a_profile_that_is_gone_is_removed_with_its_roles() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_profile(&sts);
    sts.add_role(ROLE, Role::default());
    let get = sandbox.run(["get", "-p", "work", "--role-arn", ROLE, "123456"]);
    get.succeeded();
    sandbox.write(".aws/credentials", "");
    let cleared = sandbox.run(["clear", "-p", "work"]);
    let removed = words::removed_the_session("work");
    cleared.is(0, &format!("{removed} and 1 role\n"), "");
    assert!(sandbox.session_directory().is_empty());
}

#[test]
fn mistyped_role_is_an_error_and_the_session_stays() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    sandbox.write(
        ".aws/config",
        "[profile broken]\nrole_arn = deploy\nsource_profile = broken\n",
    );
    let saved = sandbox.session_directory();
    let fails = |sandbox: &Sandbox, arguments: &[&str], message: &str| {
        let outcome = sandbox.run([&["clear"], arguments].concat());
        assert!(
            outcome
                .failed(1)
                .starts_with(&format!("aws-mfa: {message}\nhint: ")),
            "{}",
            outcome.stderr
        );
        assert_eq!(sandbox.session_directory(), saved);
    };
    let message = "is not the ARN of a role: deploy";
    fails(
        &sandbox,
        &["--role-arn", "deploy"],
        &format!("--role-arn {message}"),
    );
    fails(
        &sandbox,
        &["-p", "broken"],
        &format!("role_arn in the profile broken {message}"),
    );
    sandbox.set("AWS_MFA_ROLE_ARN", "deploy");
    fails(&sandbox, &[], &format!("AWS_MFA_ROLE_ARN {message}"));
}
