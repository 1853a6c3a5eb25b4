//! `rotate`: another master key in the place of the one before, and what happens if something goes wrong. The kills are
//! in tests/soak.

use super::deadline::{InTime, wait_until};
use super::fake_iam::{FakeIam, FakeKey};
use super::fake_sts::{
    Behaviour, FakeSts, KEY_ID, REQUEST_ID, Request, SECRET, USER, error_xml, identity_xml,
};
use super::moto::Moto;
use super::readme::ROTATE_ACTIONS;
use super::sandbox::{DEVICE, Outcome, Sandbox, mode, profile_keys, read_json};
use super::tool::tool;
use super::words;
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// The id of the first key that the fake IAM creates.
const NEW: &str = "AKIANEW0000000000001";
/// Its secret.
const NEW_SECRET: &str = "new/S3CR3T+KEY000000000000000000000001";

const ACCOUNT: &str = "123456789012";

/// A user whose keys are in the profile `work`, with a session.
fn sandbox(aws: &FakeSts) -> Sandbox {
    let sandbox = without_session(aws);
    sandbox.get("123456");
    sandbox
}

fn without_session(aws: &FakeSts) -> Sandbox {
    let sandbox = Sandbox::with_profile(aws);
    sandbox.write(".aws/credentials", credentials(KEY_ID, SECRET));
    sandbox
}

fn credentials(id: &str, secret: &str) -> String {
    format!(
        "# my keys\n[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n\n\
         [work]\naws_access_key_id={id}   # since 2026\naws_secret_access_key  =  {secret}\nregion = eu-west-1\n"
    )
}

fn credentials_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".aws/credentials")
}

fn in_credentials_file(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(credentials_file(sandbox)).unwrap()
}

fn journal(sandbox: &Sandbox) -> PathBuf {
    sandbox
        .session_file()
        .with_file_name(format!("rotation-{ACCOUNT}-igor"))
}

/// The ids of the user's keys, with `-` before those that are inactive.
fn keys(aws: &FakeSts) -> Vec<String> {
    let sign = |key: &FakeKey| if key.is_active { "" } else { "-" };
    let keys = aws.iam().keys;
    keys.iter()
        .map(|key| format!("{}{}", sign(key), key.id))
        .collect()
}

fn actions(aws: &FakeSts, from: usize) -> Vec<String> {
    let requests = aws.requests().split_off(from);
    requests
        .iter()
        .map(|request| request.form["Action"].clone())
        .collect()
}

fn replaced(way: &str) -> String {
    format!(
        "aws-mfa: created the access key {NEW}\naws-mfa: saved it {way}\n\
         aws-mfa: deactivated the old access key {KEY_ID}\n"
    )
}

#[test]
fn master_key_in_a_profile_is_replaced_without_a_code() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let before = aws.requests().len();
    let file = credentials_file(&sandbox);
    sandbox.run(["rotate"]).is(
        0,
        &format!(
            "{}; once nothing uses {KEY_ID}, delete it: `aws-mfa rotate --finish`\n",
            words::replaced_the_access_key(KEY_ID, NEW)
        ),
        &replaced(&format!("to {} (profile work)", file.display())),
    );
    assert_eq!(in_credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
    assert_eq!(mode(&file), 0o600);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
    assert_eq!(
        actions(&aws, before),
        [
            "GetCallerIdentity",
            "ListAccessKeys",
            "CreateAccessKey",
            "GetCallerIdentity",
            "GetCallerIdentity",
            "UpdateAccessKey",
            "GetCallerIdentity"
        ]
    );
    for request in aws.requests().split_off(before) {
        let is_of_iam = request.form["Version"] == "2010-05-08";
        assert_eq!(request.form.contains_key("UserName"), is_of_iam);
        assert_eq!(
            request.key_id.starts_with("ASIA"),
            is_of_iam || request.key_id != NEW
        );
    }
    assert_eq!(mode(&journal(&sandbox)), 0o600);

    // The session still counts, and so does what is known of its device.
    sandbox.run(["load"]).succeeded();
    let saved = || read_json(&sandbox.session_file().with_file_name("session-work"));
    let session = saved();
    assert_eq!(session["MasterKeyId"], NEW);

    sandbox.run(["rotate", "--finish"]).is(
        0,
        &format!("deleted the old access key {KEY_ID}\n"),
        "",
    );
    assert_eq!(keys(&aws), [NEW]);
    assert!(!journal(&sandbox).exists());
    sandbox
        .run(["rotate", "--finish"])
        .is(0, "there is no rotation to finish\n", "");
    sandbox.get("234567");
    assert_eq!(saved()["MasterKeyId"], NEW);
}

#[test]
fn next_rotation_deletes_the_old_key() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    let outcome = sandbox.run(["rotate", "--delete-old"]);
    let next = "AKIANEW0000000000002";
    assert_eq!(
        outcome.stdout,
        format!(
            "{}, and deleted {NEW}\n",
            words::replaced_the_access_key(NEW, next)
        )
    );
    assert!(
        outcome
            .stderr
            .starts_with(&format!("aws-mfa: deleted the old access key {KEY_ID}\n"))
    );
    assert_eq!(keys(&aws), [next]);
    assert!(!journal(&sandbox).exists());
}

#[test]
fn session_is_required() {
    let aws = FakeSts::start();
    let sandbox = without_session(&aws);
    let file = sandbox.session_file().with_file_name("session-work");
    sandbox.run(["rotate"]).is(
        3,
        "",
        &words::failure(
            &words::no_session_yet(file.display()),
            words::get_a_session(),
        ),
    );
    assert!(aws.requests().is_empty());

    // One that AWS ended before its time is none.
    sandbox.get("123456");
    aws.set_clock(jiff::SignedDuration::from_hours(13));
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(3);
    let rejected = words::aws_rejected_the_session("ASIASESSION000000001");
    assert!(
        stderr.starts_with(&format!("aws-mfa: {rejected}\n  ExpiredToken: ")),
        "{stderr}"
    );
    let hint = format!("hint: {}\n", words::get_a_session());
    assert!(stderr.ends_with(&hint), "{stderr}");
}

#[test]
fn session_of_another_user_is_an_error() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    sandbox.write(
        ".aws/credentials",
        "[work]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n",
    );
    sandbox.run(["rotate"]).is(
        1,
        "",
        "aws-mfa: the access key AKIAOTHER does not belong to arn:aws:iam::123456789012:user/team/igor, \
         who owns the session\nhint: select the profile whose session it is: `--profile <name>`\n",
    );
    assert_eq!(keys(&aws), [KEY_ID]);
}

#[test]
fn keys_in_the_environment_alone_are_refused_with_the_two_ways() {
    let aws = FakeSts::start();
    let sandbox = Sandbox::with_user(&aws);
    sandbox.get("123456");
    sandbox.run(["rotate"]).is(
        1,
        "",
        "aws-mfa: the master key is in the environment (MASTER_AWS_ACCESS_KEY_ID), where a new key cannot be saved\n\
         hint: the variables come from an .envrc or a secret store: keep the key in a profile of \
         ~/.aws/credentials, or behind credential_process with --store-command; then run \
         `aws-mfa rotate --profile <name>`\n",
    );
    assert_eq!(aws.requests().len(), 1);
}

#[test]
fn second_key_is_shown_and_deleted_only_on_demand() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let mut second = FakeKey::new("AKIASECOND", "s");
    second.is_active = false;
    second.last_used = Some(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3));
    let mut iam = FakeIam::default();
    iam.keys.push(second);
    aws.set_iam(iam);
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(1);
    let (message, rest) = stderr.split_once('\n').unwrap();
    assert_eq!(
        message,
        "aws-mfa: the user has two access keys, and AWS allows no third"
    );
    let (detail, hint) = rest.split_once('\n').unwrap();
    assert!(
        detail.starts_with(&format!("  {KEY_ID} (in use, active, created ")),
        "{detail}"
    );
    assert!(
        detail.contains(" ago, last use unknown); AKIASECOND (inactive, created "),
        "{detail}"
    );
    assert!(detail.ends_with(" ago, last used 3h ago)"), "{detail}");
    assert_eq!(
        hint,
        "hint: if nothing uses AKIASECOND, delete it: `aws-mfa rotate --delete AKIASECOND`\n"
    );
    sandbox.run(["rotate", "--delete", KEY_ID]).is(
        2,
        "",
        &format!(
            "aws-mfa: {KEY_ID} is the access key that is in use, and is not deleted\n\
             hint: to replace it, run `aws-mfa rotate`\n"
        ),
    );
    sandbox.run(["rotate", "--delete", "AKIATHIRD"]).is(
        1,
        "",
        "aws-mfa: arn:aws:iam::123456789012:user/team/igor has no access key AKIATHIRD\n",
    );
    assert_eq!(keys(&aws), [KEY_ID, "-AKIASECOND"]);
    sandbox.run(["rotate", "--delete", "AKIASECOND"]).is(
        0,
        "deleted the access key AKIASECOND\n",
        "",
    );
    assert_eq!(keys(&aws), [KEY_ID]);
    assert_eq!(sandbox.run(["rotate", "--delete-old"]).status, 0);

    let iam = |request: &Request| request.form["Version"] == "2010-05-08";
    let requests = aws.requests().into_iter().filter(iam);
    let asked: BTreeSet<String> = requests
        .map(|request| format!("iam:{}", request.form["Action"]))
        .collect();
    let allowed = ROTATE_ACTIONS.iter().map(|&action| action.to_owned());
    assert_eq!(asked, allowed.collect());
}

#[test]
fn symlink_mode_and_line_endings_of_the_file_stay() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let dos = |text: String| text.replace('\n', "\r\n");
    let real = sandbox.write("dotfiles/credentials", dos(credentials(KEY_ID, SECRET)));
    super::sandbox::chmod(&real, 0o640);
    let link = credentials_file(&sandbox);
    std::fs::remove_file(&link).unwrap();
    symlink(&real, &link).unwrap();
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(std::fs::read_link(&link).unwrap(), real);
    assert_eq!(
        in_credentials_file(&sandbox),
        dos(credentials(NEW, NEW_SECRET))
    );
    assert_eq!(mode(&real), 0o640);
}

#[test]
fn keys_in_the_config_file_are_replaced_there() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    std::fs::remove_file(credentials_file(&sandbox)).unwrap();
    let config = |id: &str, secret: &str| {
        format!("[profile work]\naws_access_key_id = {id}\naws_secret_access_key = {secret}")
    };
    let file = sandbox.write(".aws/config", config(KEY_ID, SECRET));
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        config(NEW, NEW_SECRET)
    );
}

#[test]
fn file_that_cannot_be_edited_or_replaced_is_found_before_a_key_is_created() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let file = credentials_file(&sandbox);
    let check = |message: &str| {
        let outcome = sandbox.run(["rotate"]);
        let stderr = outcome.failed(1);
        assert!(
            stderr.starts_with(&format!("aws-mfa: {message}")),
            "{stderr}"
        );
        assert_eq!(keys(&aws), [KEY_ID]);
        assert!(!journal(&sandbox).exists());
    };
    let twice = format!("[work]\n{}{}", profile_keys(), profile_keys());
    sandbox.write(&file, twice);
    check(&format!(
        "cannot edit the access key of the profile work in {}: aws_access_key_id is there twice\n",
        file.display()
    ));

    sandbox.write(&file, credentials(KEY_ID, SECRET));
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(4242), None).unwrap();
        check(&format!(
            "cannot replace {}: another user owns it\n",
            file.display()
        ));
        std::os::unix::fs::chown(&file, Some(0), None).unwrap();
    } else {
        let directory = file.parent().unwrap();
        super::sandbox::chmod(directory, 0o500);
        let reason = words::cannot_write_to_the_directory(directory.display(), "permission denied");
        check(&format!("cannot replace {}: {reason}\n", file.display()));
        super::sandbox::chmod(directory, 0o700);
    }
    assert_eq!(sandbox.run(["rotate"]).status, 0);
}

#[test]
fn session_named_by_the_key_moves_to_the_new_one() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let directory = sandbox.session_file().parent().unwrap().to_owned();
    let session = std::fs::read_to_string(directory.join("session-work")).unwrap();
    sandbox.write(sandbox.session_file(), &session);
    let role = |base: &str| {
        let role = format!(
            "\"Role\": {{\"Arn\": \"arn:aws:iam::123456789012:role/x\", \"Base\": \"{}\", \"Seconds\": 3600, \"Direct\": false}},\n\"Credentials\"",
            directory.join(base).display()
        );
        session.replace("\"Credentials\"", &role)
    };
    let before = directory.join("role-123456789012-x-0123456789abcdef");
    sandbox.write(&before, role(&format!("session-{KEY_ID}")));
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    let renamed = sandbox.role_file("x");
    assert_ne!(renamed, before);
    let names = sandbox.session_directory();
    assert_eq!(
        names,
        [
            ".rotation.lock".to_owned(),
            renamed.file_name().unwrap().to_str().unwrap().to_owned(),
            format!("rotation-{ACCOUNT}-igor"),
            format!("session-{NEW}"),
            "session-work".to_owned(),
        ]
    );
    let moved = read_json(&directory.join(format!("session-{NEW}")));
    assert_eq!(moved["MasterKeyId"], NEW);
    let base = directory.join(format!("session-{NEW}"));
    let role = read_json(&renamed);
    assert_eq!(role["Role"]["Base"], base.to_str().unwrap());
}

#[test]
fn other_places_of_the_old_key_are_named() {
    let aws = FakeSts::start();
    let mut sandbox = sandbox(&aws);
    let copy = format!("{}[copy]\n{}", credentials(KEY_ID, SECRET), profile_keys());
    sandbox.write(credentials_file(&sandbox), copy);
    sandbox.set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID);
    let outcome = sandbox.run(["rotate"]);
    assert_eq!(outcome.status, 0);
    for place in ["the profile copy", "MASTER_AWS_ACCESS_KEY_ID"] {
        let warning = format!("aws-mfa: warning: {place} still has the old access key {KEY_ID}\n");
        assert!(outcome.stderr.contains(&warning), "{}", outcome.stderr);
    }
}

/// AWS accepts a new key only after a while.
#[test]
fn new_key_is_waited_for() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    aws.set_iam(FakeIam {
        refusals_of_new_key: 3,
        ..FakeIam::default()
    });
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

const DENIED: &str = "User: x is not authorized";

fn denied() -> Behaviour {
    Behaviour::Answer {
        status: 403,
        body: error_xml("AccessDenied", DENIED),
    }
}

/// What each call of a rotation says when it is denied.
const DENIALS: [&str; 7] = [
    // See `words`.
    "REJECTED",
    "a policy denies iam:ListAccessKeys to this user",
    "a policy denies iam:CreateAccessKey to this user",
    "AWS rejected the new access key AKIANEW0000000000001",
    "AWS rejected the new access key AKIANEW0000000000001; the old access key is active",
    "a policy denies iam:UpdateAccessKey to this user; the old access key is active",
    "AWS rejected the new access key AKIANEW0000000000001; the old access key is active",
];

#[test]
fn denied_call_is_explained_and_the_next_rotation_goes_on() {
    for (call, denial) in DENIALS.into_iter().enumerate() {
        let aws = FakeSts::start();
        let sandbox = sandbox(&aws);
        aws.behave_once(call, false, denied());
        let outcome = sandbox.run(["rotate"]);
        let stderr = outcome.failed(if call == 0 { 3 } else { 1 });
        let rejected = words::aws_rejected_the_session("ASIASESSION000000001");
        let denial = denial.replace("REJECTED", &rejected);
        let message =
            format!("aws-mfa: {denial}\n  AccessDenied: {DENIED} (request {REQUEST_ID})\nhint: ");
        assert!(stderr.contains(&message), "{call}: {stderr}");
        if denial.contains("iam:CreateAccessKey") {
            assert!(!journal(&sandbox).exists());
            assert!(
                stderr.ends_with(
                    "hint: allow iam:CreateAccessKey on arn:aws:iam::*:user/${aws:username} with MFA: \
                     the statement ReplaceOwnAccessKeys of .github/iam/rotate.json\n"
                ),
                "{stderr}"
            );
        }
        // Whatever failed, the key that is saved works.
        let works =
            |key: &FakeKey| key.is_active && in_credentials_file(&sandbox).contains(&key.id);
        assert!(aws.iam().keys.iter().any(works), "{call}");
        if call >= 4 {
            assert_eq!(keys(&aws), [KEY_ID, NEW]);
        }
        let outcome = sandbox.run(["rotate"]);
        assert_eq!(outcome.status, 0, "{call}: {}", outcome.stderr);
        assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
        assert_eq!(in_credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
    }
}

#[test]
fn new_key_of_another_user_is_not_saved() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let other = USER.replace("igor", "eve");
    let answer = Behaviour::Answer {
        status: 200,
        body: identity_xml(&other),
    };
    aws.behave_once(3, true, answer);
    let outcome = sandbox.run(["rotate"]);
    let message = format!("aws-mfa: the access key {NEW} belongs to {other}, not to {USER}\n");
    let stderr = outcome.failed(1);
    assert!(stderr.contains(&message), "{stderr}");
    assert_eq!(in_credentials_file(&sandbox), credentials(KEY_ID, SECRET));
}

/// A disk that is full, say: nobody would know the secret of the new key.
#[test]
fn new_key_that_cannot_be_written_down_is_deleted() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let go = sandbox.home().join("go");
    aws.behave_once(2, true, Behaviour::Hold(go.clone()));
    let mut rotate = sandbox.command(super::sandbox::binary());
    let pipe = std::process::Stdio::piped;
    rotate.arg("rotate").stdout(pipe()).stderr(pipe());
    let mut rotate = rotate.spawn().unwrap();
    wait_until("CreateAccessKey", || {
        !aws.requests_for("CreateAccessKey").is_empty()
    });
    std::fs::remove_file(journal(&sandbox)).unwrap();
    std::fs::create_dir(journal(&sandbox)).unwrap();
    sandbox.write(go, "");
    let outcome = Outcome::from(rotate.output_in_time());
    let path = journal(&sandbox);
    outcome.is(
        1,
        "",
        &format!(
            "aws-mfa: cannot write {0}: {0} is not a regular file\n",
            path.display()
        ),
    );
    assert_eq!(keys(&aws), [KEY_ID]);
    std::fs::remove_dir(path).unwrap();
    assert_eq!(sandbox.run(["rotate"]).status, 0);
}

#[test]
fn key_whose_secret_was_lost_is_offered_for_deletion() {
    for behaviour in [Behaviour::Close, Behaviour::HalfABody] {
        let aws = FakeSts::start();
        let sandbox = sandbox(&aws);
        aws.behave_once(2, true, behaviour);
        let outcome = sandbox.run(["rotate"]);
        assert!(
            outcome.failed(1).ends_with(
                ", and there may be a new access key\nhint: run `aws-mfa rotate` again to find out\n"
            ),
            "{}",
            outcome.stderr
        );
        assert_eq!(aws.requests_for("CreateAccessKey").len(), 1);
        let outcome = sandbox.run(["rotate"]);
        let stderr = outcome.failed(1);
        assert!(
            stderr.starts_with(
                "aws-mfa: an earlier rotation was interrupted, and the secret of its new access key is lost\n"
            ),
            "{stderr}"
        );
        let delete =
            format!("hint: if {NEW} is that one, delete it: `aws-mfa rotate --delete {NEW}`\n");
        assert!(stderr.ends_with(&delete), "{stderr}");
        sandbox.run(["rotate", "--delete", NEW]).succeeded();
        assert!(!journal(&sandbox).exists());
        assert_eq!(sandbox.run(["rotate"]).status, 0);
    }
}

#[test]
fn lost_request_for_a_key_is_made_again_by_the_next_rotation() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    aws.behave_once(2, false, Behaviour::Close);
    sandbox.run(["rotate"]).failed(1);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// The file was put back by hand, or restored.
#[test]
fn file_that_has_another_key_by_now_stops_the_rotation() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    sandbox.write(credentials_file(&sandbox), credentials(KEY_ID, SECRET));
    for arguments in [["rotate", "--finish"], ["rotate", "--delete-old"]] {
        let outcome = sandbox.run(arguments);
        let stderr = outcome.failed(1);
        assert!(
            stderr.contains(&format!(
                "has the access key {KEY_ID}, but the rotation from {KEY_ID} to {NEW} is not finished\n"
            )),
            "{stderr}"
        );
    }
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
    sandbox.run(["rotate", "--delete", NEW]).succeeded();
    assert_eq!(sandbox.run(["rotate", "--delete-old"]).status, 0);
    assert_eq!(keys(&aws), ["AKIANEW0000000000002"]);
}

/// A profile whose key is in a file of the test's, which stands for a secret store.
fn with_store(aws: &FakeSts) -> Sandbox {
    let sandbox = Sandbox::with_store(aws);
    sandbox.get("123456");
    sandbox
}

#[test]
fn store_command_gets_the_key_on_standard_input_and_is_read_back() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    // Where secrets would show, the check of the sandbox finds them.
    let command =
        "env > environment; cat /proc/$$/cmdline /proc/$PPID/cmdline > arguments; cat > store";
    let outcome = sandbox.run(["rotate", "--store-command", command]);
    assert_eq!(
        (outcome.status, outcome.stderr),
        (0, replaced("with the store command"))
    );
    assert_eq!(
        outcome.stdout,
        format!(
            "{}; once nothing uses {KEY_ID}, delete it: \
             `aws-mfa rotate --store-command '{command}' --finish`\n",
            words::replaced_the_access_key(KEY_ID, NEW)
        )
    );
    assert_eq!(
        std::fs::read_to_string(sandbox.home().join("store")).unwrap(),
        format!(
            "{{\"Version\":1,\"AccessKeyId\":\"{NEW}\",\"SecretAccessKey\":\"{NEW_SECRET}\"}}\n"
        )
    );
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
    sandbox.get("234567");
}

#[test]
fn store_command_that_stores_nothing_leaves_the_key_in_the_journal() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    for (command, message) in [
        (
            "true",
            format!(
                "the new access key {NEW} was not saved: credential_process in the profile work still has {KEY_ID}"
            ),
        ),
        (
            "exit 7",
            "the store command failed: exit status: 7".to_owned(),
        ),
        (
            "cat > /dev/null; kill $$",
            "the store command failed: signal: 15 (SIGTERM)".to_owned(),
        ),
    ] {
        let outcome = sandbox.run(["rotate", "--store-command", command]);
        let stderr = outcome.failed(1);
        assert!(
            stderr.contains(&format!("aws-mfa: {message}\n")),
            "{stderr}"
        );
        assert!(
            stderr.contains("the old access key still works, and the new one is in the journal"),
            "{stderr}"
        );
        assert_eq!(keys(&aws), [KEY_ID, NEW]);
        assert!(
            std::fs::read_to_string(journal(&sandbox))
                .unwrap()
                .contains(NEW_SECRET)
        );
    }
    let outcome = sandbox.run(["rotate", "--store-command", "cat > store", "--delete-old"]);
    assert_eq!(outcome.status, 0);
    assert_eq!(keys(&aws), [NEW]);
    assert!(!journal(&sandbox).exists());
}

#[test]
fn store_command_and_credential_process_need_each_other() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    sandbox.run(["rotate"]).is(
        1,
        "",
        "aws-mfa: the master key comes from credential_process in the profile work, and no command is set to save a new one\n\
         hint: add a command that reads the key from standard input: --store-command \
         'pass insert -mf aws/work'\n",
    );
    sandbox.write(".aws/credentials", credentials(KEY_ID, SECRET));
    sandbox.run(["rotate", "--store-command", "true"]).is(
        2,
        "",
        "aws-mfa: --store-command needs a profile with credential_process, and work has its key in ~/.aws\n\
         hint: leave out --store-command, and the key is replaced in its file\n",
    );
    assert_eq!(keys(&aws), [KEY_ID]);
}

#[test]
fn one_rotation_runs_at_a_time() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    let mut first = sandbox.command(super::sandbox::binary());
    first.args([
        "rotate",
        "--store-command",
        "touch started; while [ ! -e go ]; do sleep 0.1; done; cat > store",
    ]);
    let mut first = first
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the store command", || {
        sandbox.home().join("started").exists()
    });
    sandbox
        .run(["rotate", "--store-command", "cat > store"])
        .is(
            1,
            "",
            "aws-mfa: another `aws-mfa rotate` is already running\n",
        );
    sandbox.write("go", "");
    let first = Outcome::from(first.output_in_time());
    assert_eq!(first.status, 0, "{}", first.stderr);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// The session of a role's user is what counts.
#[test]
fn role_profile_means_the_keys_of_its_user() {
    let aws = FakeSts::start();
    let mut sandbox = sandbox(&aws);
    sandbox.write(
        ".aws/config",
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = work\n",
    );
    sandbox.unset("AWS_MFA_PROFILE").set("AWS_MFA_ARN", DEVICE);
    let outcome = sandbox.run(["rotate", "-p", "role"]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(in_credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
}

/// An IAM that someone else has written. moto knows a session by its key id alone, and takes any signature: the
/// session's id here is that of the user's key.
#[test]
fn key_is_replaced_in_moto() {
    let (Some(moto_server), Some(aws), Some(_)) = (tool("moto_server"), tool("aws"), tool("bash"))
    else {
        return;
    };
    let mut sandbox = Sandbox::new();
    let moto = Moto::start(&sandbox, &moto_server);
    sandbox
        .set("AWS_ENDPOINT_URL", &moto.url)
        .set("AWS_MFA_PROFILE", "work");
    let iam = |arguments: &str| {
        let script = format!(
            "AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s {} --region us-east-1 iam {arguments}",
            aws.display()
        );
        let outcome = Outcome::of(sandbox.command("bash").args(["-c", &script]));
        outcome.succeeded().trim().to_owned()
    };
    iam("create-user --user-name igor --path /team/");
    let old = iam("create-access-key --user-name igor --query AccessKey.AccessKeyId --output text");
    sandbox.write(".aws/credentials", credentials(&old, SECRET));
    let session = super::fake_sts::session_json(super::sandbox::in_an_hour());
    sandbox.write(
        ".config/aws/session-work",
        session.replace("ASIASESSION000000000", &old),
    );
    // What moto gives is a secret that the sandbox does not know.
    let outcome = sandbox.run(["rotate"]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    let list = "list-access-keys --user-name igor --query AccessKeyMetadata[].[AccessKeyId,Status] --output text";
    let listed = iam(list);
    let (first, second) = listed.split_once('\n').unwrap();
    let (new, status) = second.split_once('\t').unwrap();
    assert_eq!(
        (first, status),
        (format!("{old}\tInactive").as_str(), "Active")
    );
    let saved = in_credentials_file(&sandbox);
    assert!(saved.contains(&format!("aws_access_key_id={new}   # since 2026\n")));

    // A third key is refused, by aws-mfa and by moto.
    iam(&format!(
        "update-access-key --user-name igor --status Active --access-key-id {old}"
    ));
    std::fs::remove_file(journal(&sandbox)).unwrap();
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(1);
    assert!(
        stderr.starts_with("aws-mfa: the user has two access keys"),
        "{stderr}"
    );
    let delete = format!("`aws-mfa rotate --delete {old}`\n");
    assert!(stderr.ends_with(&delete), "{stderr}");
    sandbox.run(["rotate", "--delete", &old]).succeeded();
    assert_eq!(iam(list), format!("{new}\tActive"));
}

/// IAM may not list a key yet that it has created a moment ago.
#[test]
fn key_that_iam_does_not_list_yet_is_offered_for_deletion_later() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    aws.behave_once(2, true, Behaviour::Close);
    sandbox.run(["rotate"]).failed(1);
    let list = format!(
        "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member>\
         <AccessKeyId>{KEY_ID}</AccessKeyId><Status>Active</Status>\
         </member></AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>"
    );
    let stale = Behaviour::Answer {
        status: 200,
        body: list,
    };
    aws.behave_once(1, true, stale);
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(1);
    assert!(
        stderr.starts_with(
            "aws-mfa: the user has as many access keys as AWS allows\n  LimitExceeded"
        ),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("\nhint: run `aws-mfa rotate` again\n"),
        "{stderr}"
    );
    let outcome = sandbox.run(["rotate"]);
    let delete = format!("`aws-mfa rotate --delete {NEW}`\n");
    assert!(outcome.failed(1).ends_with(&delete), "{}", outcome.stderr);
}
