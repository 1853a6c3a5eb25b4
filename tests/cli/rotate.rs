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
use super::store::{OTHER_USER, as_other_user, as_root};
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

/// Runs one of the commands that a message names, as it stands there, by its place among them. It must succeed.
#[track_caller]
fn follow(sandbox: &Sandbox, message: &str, place: usize) -> Outcome {
    let outcome = try_to_follow(sandbox, message, place);
    assert_eq!(outcome.status, 0, "{message}\n{}", outcome.stderr);
    outcome
}

#[track_caller]
fn try_to_follow(sandbox: &Sandbox, message: &str, place: usize) -> Outcome {
    let commands = commands(message);
    sandbox.run_with(sandbox.command("sh").args(["-c", &commands[place]]))
}

/// The commands that a message names.
fn commands(message: &str) -> Vec<String> {
    let quoted = message.split('`').skip(1).step_by(2);
    let commands = quoted.filter(|text| text.starts_with("aws-mfa "));
    commands.map(str::to_owned).collect()
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
            "{}\nlater, delete the old key: `aws-mfa rotate --finish`\n",
            words::replaced_the_access_key(KEY_ID, NEW)
        ),
        &replaced(&format!(
            "to {} (profile work)",
            words::with_tilde(file.display())
        )),
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

    let outcome = sandbox.run(["rotate", "--finish"]);
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, format!("deleted the old access key {KEY_ID}\n").as_str())
    );
    assert!(
        outcome
            .stderr
            .starts_with(&format!("aws-mfa: deleting {KEY_ID} (inactive, ")),
        "{}",
        outcome.stderr
    );
    assert_eq!(keys(&aws), [NEW]);
    assert!(!journal(&sandbox).exists());
    sandbox
        .run(["rotate", "--finish"])
        .is(0, "no rotation to finish\n", "");
    sandbox.get("234567");
    assert_eq!(saved()["MasterKeyId"], NEW);
}

#[test]
fn next_rotation_deletes_the_old_key() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    let outcome = sandbox.run(["rotate"]);
    let next = "AKIANEW0000000000002";
    let replaced = words::replaced_the_access_key(NEW, next);
    assert!(outcome.stdout.starts_with(&replaced), "{}", outcome.stdout);
    let told: Vec<&str> = outcome.stderr.lines().take(3).collect();
    assert!(
        told[0].starts_with(&format!("aws-mfa: deleting {KEY_ID} (inactive, ")),
        "{told:?}"
    );
    assert_eq!(
        told[1..],
        [
            format!("aws-mfa: deleted the old access key {KEY_ID}"),
            format!("aws-mfa: created the access key {next}")
        ]
    );
    assert_eq!(keys(&aws), [format!("-{NEW}"), next.into()]);
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
        "aws-mfa: AKIAOTHER is not a key of arn:aws:iam::123456789012:user/team/igor, who owns the session\nhint: select the profile whose session it is: `--profile <name>`\n",
    );
    assert_eq!(keys(&aws), [KEY_ID]);
    sandbox.write(".aws/credentials", format!("[igor]\n{}", profile_keys()));
    let session = sandbox.session_file().with_file_name("session-work");
    std::fs::rename(&session, session.with_file_name("session-igor")).unwrap();
    assert_eq!(sandbox.run(["rotate", "--profile", "igor"]).status, 0);
}

/// A session of root's, or of a role that another program has assumed.
#[test]
fn session_that_is_no_users_is_refused_and_another_profile_is_selected() {
    for arn in [
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:assumed-role/x/igor",
    ] {
        let aws = FakeSts::start();
        let sandbox = sandbox(&aws);
        let both = format!("{}[root]\n{}", credentials(KEY_ID, SECRET), profile_keys());
        sandbox.write(credentials_file(&sandbox), both);
        sandbox.run(["get", "-p", "root", "234567"]).succeeded();
        let answer = Behaviour::Answer {
            status: 200,
            body: identity_xml(arn),
        };
        aws.behave_once(0, true, answer);
        let outcome = sandbox.run(["rotate", "-p", "root"]);
        outcome.is(
            1,
            "",
            &format!(
                "aws-mfa: the session does not belong to an IAM user, but to {arn}\n\
                 hint: select the profile of an IAM user with access keys: `--profile <name>`\n"
            ),
        );
        assert_eq!(keys(&aws), [KEY_ID]);
        let option = outcome.stderr.split('`').nth(1).unwrap();
        let option = option.replace("<name>", "work");
        let rotate = ["rotate"].into_iter().chain(option.split(' '));
        assert_eq!(sandbox.run(rotate).status, 0);
        assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
    }
}

#[test]
fn rotation_without_a_home_directory_says_which_variable_to_set() {
    if !as_root() {
        return;
    }
    let aws = FakeSts::start();
    let mut sandbox = sandbox(&aws);
    let home = sandbox.home();
    let mut all = std::process::Command::new("chown");
    let owner = format!("{OTHER_USER}:{OTHER_USER}");
    assert!(
        all.arg("-R")
            .arg(owner)
            .arg(&home)
            .status_in_time()
            .success()
    );
    // No user has this number, so there is no home directory.
    sandbox.unset("HOME");
    sandbox.run_with(as_other_user(&sandbox).arg("rotate")).is(
        1,
        "",
        "aws-mfa: no home directory is known\nhint: set HOME\n",
    );
    sandbox.set("HOME", home);
    let outcome = sandbox.run_with(as_other_user(&sandbox).arg("rotate"));
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

#[test]
fn keys_in_the_environment_alone_are_refused_with_the_way_to_a_profile() {
    let aws = FakeSts::start();
    let sandbox = Sandbox::with_user(&aws);
    sandbox.get("123456");
    sandbox.run(["rotate"]).is(
        1,
        "",
        "aws-mfa: the access key is in the environment (MASTER_AWS_ACCESS_KEY_ID), where a new key cannot be stored\n\
         hint: move it to a profile: `aws-mfa rotate --profile work --to file`\n",
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
        detail.starts_with(&format!("  {KEY_ID} (in use, active, ")),
        "{detail}"
    );
    assert!(
        detail.contains("d old, last use unknown); AKIASECOND (inactive, "),
        "{detail}"
    );
    assert!(detail.ends_with("d old, last used 3h ago)"), "{detail}");
    assert_eq!(
        hint,
        "hint: if nothing uses AKIASECOND, delete it: `aws-mfa rotate --delete AKIASECOND`\n"
    );
    let in_use = sandbox.run(["rotate", "--delete", KEY_ID]);
    in_use.is(
        2,
        "",
        &format!(
            "aws-mfa: {KEY_ID} is the access key in use: it was not deleted\n\
             hint: to replace it, run `aws-mfa rotate`\n"
        ),
    );
    let outcome = try_to_follow(&sandbox, &in_use.stderr, 0);
    assert!(outcome.failed(1).starts_with(message));
    sandbox.run(["rotate", "--delete", "AKIATHIRD"]).is(
        1,
        "",
        "aws-mfa: arn:aws:iam::123456789012:user/team/igor has no access key AKIATHIRD\n",
    );
    assert_eq!(keys(&aws), [KEY_ID, "-AKIASECOND"]);
    let outcome = sandbox.run(["rotate", "--delete", "AKIASECOND"]);
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, "deleted the access key AKIASECOND\n")
    );
    let told = outcome.stderr;
    assert!(
        told.starts_with("aws-mfa: deleting AKIASECOND (inactive, ")
            && told.ends_with("d old, last used 3h ago)\n"),
        "{told}"
    );
    assert_eq!(keys(&aws), [KEY_ID]);
    follow(&sandbox, &in_use.stderr, 0);

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
        "cannot edit the profile work in {}: aws_access_key_id appears twice\n",
        words::with_tilde(file.display())
    ));

    sandbox.write(&file, credentials(KEY_ID, SECRET));
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(4242), None).unwrap();
        check(&format!(
            "cannot replace {}: another user owns it\n",
            words::with_tilde(file.display())
        ));
        std::os::unix::fs::chown(&file, Some(0), None).unwrap();
    } else {
        let directory = file.parent().unwrap();
        super::sandbox::chmod(directory, 0o500);
        let reason = words::cannot_write_to_the_directory(directory.display(), "permission denied");
        check(&format!(
            "cannot replace {}: {reason}\n",
            words::with_tilde(file.display())
        ));
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
    let mut names = sandbox.session_directory();
    names.retain(|name| !name.ends_with(".lock"));
    assert_eq!(
        names,
        [
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
    for (place, remedy) in [
        ("the profile copy", ""),
        (
            "MASTER_AWS_ACCESS_KEY_ID",
            ": delete it and MASTER_AWS_SECRET_ACCESS_KEY from where they are set",
        ),
    ] {
        let warning =
            format!("aws-mfa: warning: the old access key {KEY_ID} is still in {place}{remedy}\n");
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
const DENIALS: [&str; 8] = [
    // See `words`.
    "REJECTED",
    "a policy denies iam:ListAccessKeys to this user",
    "a policy denies iam:CreateAccessKey to this user",
    "AWS rejected the new access key AKIANEW0000000000001; JOURNAL",
    "AWS rejected the new access key AKIANEW0000000000001; JOURNAL",
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
        let in_journal = format!(
            "{NEW} is in {}, and {KEY_ID} is still active",
            words::with_tilde(journal(&sandbox).display())
        );
        let denial = denial
            .replace("REJECTED", &rejected)
            .replace("JOURNAL", &in_journal);
        let message =
            format!("aws-mfa: {denial}\n  AccessDenied: {DENIED} (request {REQUEST_ID})\nhint: ");
        assert!(stderr.contains(&message), "{call}: {stderr}");
        if denial.contains("iam:CreateAccessKey") {
            assert!(!journal(&sandbox).exists());
            assert!(
                stderr.ends_with(
                    "hint: allow iam:CreateAccessKey on arn:aws:iam::*:user/${aws:username} with MFA\n"
                ),
                "{stderr}"
            );
        }
        // Whatever failed, the key that is saved works.
        let works =
            |key: &FakeKey| key.is_active && in_credentials_file(&sandbox).contains(&key.id);
        assert!(aws.iam().keys.iter().any(works), "{call}");
        if call >= 5 {
            assert_eq!(keys(&aws), [KEY_ID, NEW]);
        }
        // As the message says, once the policy allows it.
        match call {
            0 => {
                assert_eq!(commands(stderr), ["aws-mfa get <code>"]);
                follow(&sandbox, &stderr.replace("<code>", "234567"), 0);
                sandbox.run(["rotate"]);
            }
            1 | 2 => {
                assert_eq!(commands(stderr), [""; 0]);
                sandbox.run(["rotate"]);
            }
            _ => {
                assert_eq!(commands(stderr)[0], "aws-mfa rotate", "{call}");
                follow(&sandbox, stderr, 0);
            }
        }
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
    let message = format!("aws-mfa: the access key {NEW} belongs to another user: {other}; ");
    let stderr = outcome.failed(1);
    assert!(stderr.contains(&message), "{stderr}");
    assert_eq!(in_credentials_file(&sandbox), credentials(KEY_ID, SECRET));
    follow(&sandbox, stderr, 0);
    assert_eq!(in_credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
}

/// `rotate`, which runs while the test goes on.
fn start(sandbox: &Sandbox) -> std::process::Child {
    let mut rotate = sandbox.command(super::sandbox::binary());
    let pipe = std::process::Stdio::piped;
    rotate.arg("rotate").stdout(pipe()).stderr(pipe());
    rotate.spawn().unwrap()
}

/// A disk that is full, say: nobody would know the secret of the new key.
#[test]
fn new_key_that_cannot_be_written_down_is_deleted() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let go = sandbox.home().join("go");
    aws.behave_once(2, true, Behaviour::Hold(go.clone()));
    let mut rotate = start(&sandbox);
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
            "aws-mfa: cannot replace {0}: {0} is not a regular file\nhint: make {0} and its directory writable\n",
            words::with_tilde(path.display())
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
        let outcome = try_to_follow(&sandbox, &outcome.stderr, 0);
        let stderr = outcome.failed(1);
        assert!(
            stderr.starts_with(
                "aws-mfa: the new key's secret was lost when an earlier rotation was interrupted\n"
            ),
            "{stderr}"
        );
        let delete =
            format!("hint: if nothing uses {NEW}, delete it: `aws-mfa rotate --delete {NEW}`\n");
        assert!(stderr.ends_with(&delete), "{stderr}");
        follow(&sandbox, stderr, 0);
        assert_eq!(keys(&aws), [KEY_ID]);
        assert!(!journal(&sandbox).exists());
        assert_eq!(sandbox.run(["rotate"]).status, 0);
    }
}

#[test]
fn lost_request_for_a_key_is_made_again_by_the_next_rotation() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    aws.behave_once(2, false, Behaviour::Close);
    let outcome = sandbox.run(["rotate"]);
    follow(&sandbox, outcome.failed(1), 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// The file was put back by hand, or restored.
#[test]
fn file_that_has_another_key_by_now_stops_the_rotation() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    sandbox.write(credentials_file(&sandbox), credentials(KEY_ID, SECRET));
    let failure = [&["rotate", "--finish"][..], &["rotate"]].map(|arguments| {
        let outcome = sandbox.run(arguments);
        outcome.is(
            1,
            "",
            &format!(
                "aws-mfa: the profile work has {KEY_ID}, but {NEW} is to replace {KEY_ID}\nhint: restore {NEW} there, and run `aws-mfa rotate` again, or delete the unused key: \
                 `aws-mfa rotate --delete {NEW}`\n"
            ),
        );
        outcome.stderr
    });
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
    // Restored: the first of the two ways. The next rotation deletes the old key.
    sandbox.write(credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
    follow(&sandbox, &failure[0], 0);

    // The other one activates the key that stays.
    sandbox.write(credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
    let next = "AKIANEW0000000000002";
    assert_eq!(keys(&aws), [format!("-{NEW}"), next.into()]);
    let outcome = sandbox.run(["rotate"]);
    let said = follow(&sandbox, outcome.failed(1), 1);
    assert!(
        said.stderr
            .starts_with(&format!("aws-mfa: reactivated the access key {NEW}\n")),
        "{}",
        said.stderr
    );
    assert_eq!(keys(&aws), [NEW]);
    assert!(!journal(&sandbox).exists());
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
    let offer = format!(
        "aws-mfa: to leave out --store-command next time, add to the profile: mfa_store_process = {command}\n"
    );
    assert_eq!(
        (outcome.status, outcome.stderr),
        (0, replaced("with the store command") + &offer)
    );
    assert_eq!(
        outcome.stdout,
        format!(
            "{}\nlater, delete the old key: `aws-mfa rotate --finish`\n",
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

    // The line that it offers.
    let line = format!("mfa_store_process = {command}");
    let config = format!("[profile work]\ncredential_process = cat store | cat\n{line}\n");
    sandbox.write(".aws/config", config);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(
        keys(&aws),
        [format!("-{NEW}"), "AKIANEW0000000000002".into()]
    );
}

#[test]
fn store_command_that_stores_nothing_leaves_the_key_in_the_journal() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    for (command, message) in [
        (
            "true",
            format!(
                "the new access key {NEW} was not stored: credential_process in the profile work still has {KEY_ID}"
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
        let in_journal = format!(
            "; {NEW} is in {}, and {KEY_ID} is still active\nhint: ",
            words::with_tilde(journal(&sandbox).display())
        );
        assert!(
            stderr.contains(&format!("aws-mfa: {message}{in_journal}")),
            "{stderr}"
        );
        assert_eq!(keys(&aws), [KEY_ID, NEW]);
        assert!(
            std::fs::read_to_string(journal(&sandbox))
                .unwrap()
                .contains(NEW_SECRET)
        );
    }
    let outcome = sandbox.run(["rotate", "--store-command", "cat > store"]);
    assert_eq!(outcome.status, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

#[test]
fn store_command_and_credential_process_need_each_other() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    let config = "[profile work]\ncredential_process = cat store | cat\n";
    sandbox.write(".aws/config", config);
    sandbox.run(["rotate"]).is(
        1,
        "",
        "aws-mfa: the profile work runs `cat store | cat`, but how to store a new key there is not known\n\
         hint: add to the profile: mfa_store_process = <command that reads the key's JSON from standard input>; \
         or move the key: `aws-mfa rotate --profile work --to file`\n",
    );
    sandbox.write(".aws/credentials", credentials(KEY_ID, SECRET));
    sandbox.run(["rotate", "--store-command", "true"]).is(
        2,
        "",
        "aws-mfa: --store-command needs a profile with credential_process, but the key of work is in ~/.aws\n\
         hint: leave out --store-command to replace the key in its file\n",
    );
    assert_eq!(keys(&aws), [KEY_ID]);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(in_credentials_file(&sandbox), credentials(NEW, NEW_SECRET));
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
    follow(&sandbox, stderr, 0);
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
            "aws-mfa: the user already has the maximum number of access keys\n  LimitExceeded"
        ),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("\nhint: run `aws-mfa rotate` again\n"),
        "{stderr}"
    );
    let outcome = try_to_follow(&sandbox, stderr, 0);
    let delete = format!("`aws-mfa rotate --delete {NEW}`\n");
    assert!(outcome.failed(1).ends_with(&delete), "{}", outcome.stderr);
    follow(&sandbox, &outcome.stderr, 0);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
}

/// A profile whose store command is the script `keep`, and which a failed `rotate` has left with a new key in the journal.
fn with_key_in_the_journal(aws: &FakeSts) -> Sandbox {
    let sandbox = with_store(aws);
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = cat store\nmfa_store_process = sh ./keep\n",
    );
    sandbox.write("keep", "exit 1");
    sandbox.run(["rotate"]).failed(1);
    assert_eq!(keys(aws), [KEY_ID, NEW]);
    sandbox
}

fn key_json(id: &str, secret: &str) -> String {
    format!("{{\"Version\":1,\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\"}}\n")
}

/// What a store may hold while the new key is in the journal: nothing, half a file, garbage, the new id with another
/// secret, somebody else's key, and nothing that can be read.
fn damaged_stores() -> [(&'static str, Option<String>); 6] {
    let half = key_json(KEY_ID, SECRET)[..60].to_owned();
    [
        ("empty", Some(String::new())),
        ("half", Some(half)),
        ("garbage", Some("garbage\n".to_owned())),
        ("wrong secret", Some(key_json(NEW, "wrong"))),
        ("third key", Some(key_json("AKIATHIRD", "third"))),
        ("failing", None),
    ]
}

fn damage(sandbox: &Sandbox, contents: Option<&str>) {
    match contents {
        Some(contents) => drop(sandbox.write("store", contents)),
        None => std::fs::remove_file(sandbox.home().join("store")).unwrap(),
    }
}

#[test]
fn new_key_is_stored_from_the_journal_whatever_the_store_holds() {
    for (state, contents) in damaged_stores() {
        let aws = FakeSts::start();
        let sandbox = with_key_in_the_journal(&aws);
        let before = std::fs::read_to_string(journal(&sandbox)).unwrap();
        damage(&sandbox, contents.as_deref());

        // Nothing deletes a key, because none works as it is stored.
        for arguments in [
            &["rotate", "--delete", KEY_ID][..],
            &["rotate", "--delete", NEW],
            &["rotate", "--finish"],
        ] {
            let outcome = sandbox.run(arguments);
            assert_ne!(outcome.status, 0, "{state}: {}", outcome.stdout);
            assert_eq!(keys(&aws), [KEY_ID, NEW], "{state}");
            assert_eq!(std::fs::read_to_string(journal(&sandbox)).unwrap(), before);
        }

        // The store command still fails, and the message names the journal and one command.
        let outcome = sandbox.run(["rotate"]);
        let stderr = outcome.failed(1);
        let in_journal = format!(
            "{NEW} is in {}, and {KEY_ID} is still active",
            words::with_tilde(journal(&sandbox).display())
        );
        assert!(stderr.contains(&in_journal), "{state}: {stderr}");
        assert_eq!(commands(stderr), ["aws-mfa rotate"], "{state}");

        // With one that works, that command does what it says.
        sandbox.write("keep", "cat > store");
        let said = follow(&sandbox, stderr, 0);
        let warning = format!("aws-mfa: warning: {NEW} replaces the access key AKIATHIRD\n");
        assert_eq!(
            said.stderr.contains(&warning),
            state == "third key",
            "{state}"
        );
        assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()], "{state}");
        let stored = std::fs::read_to_string(sandbox.home().join("store")).unwrap();
        assert_eq!(stored, key_json(NEW, NEW_SECRET));
        assert!(
            !std::fs::read_to_string(journal(&sandbox))
                .unwrap()
                .contains(NEW_SECRET)
        );
        follow(&sandbox, &said.stdout, 0);
        assert_eq!(keys(&aws), [NEW]);
        assert!(!journal(&sandbox).exists());
    }
}

/// The same for `~/.aws/credentials`, which an editor or a full disk has damaged.
#[test]
fn new_key_is_stored_from_the_journal_whatever_the_credentials_file_holds() {
    for (state, contents) in [
        ("empty", String::new()),
        (
            "half a pair",
            format!("[work]\naws_access_key_id = {KEY_ID}\n"),
        ),
        ("garbage", "garbage\n".to_owned()),
        ("wrong secret", credentials(NEW, "wrong")),
        ("third key", credentials("AKIATHIRD", "third")),
        ("other profiles", "[other]\nregion = x\n".to_owned()),
    ] {
        let aws = FakeSts::start();
        let sandbox = sandbox(&aws);
        aws.behave_once(3, false, denied());
        sandbox.run(["rotate"]).failed(1);
        assert_eq!(keys(&aws), [KEY_ID, NEW], "{state}");
        sandbox.write(credentials_file(&sandbox), &contents);
        let outcome = sandbox.run(["rotate"]);
        assert_eq!(outcome.status, 0, "{state}: {}", outcome.stderr);
        assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()], "{state}");
        let file = in_credentials_file(&sandbox);
        assert!(file.contains(NEW) && file.contains(NEW_SECRET), "{file}");
        assert!(
            contents
                .lines()
                .all(|line| line.contains('=') || file.contains(line))
        );
        sandbox.get("234567");
    }
}

#[test]
fn line_of_the_profile_that_cannot_be_read_is_named_with_the_journal() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    aws.behave_once(3, false, denied());
    sandbox.run(["rotate"]).failed(1);
    let half = credentials(KEY_ID, SECRET);
    let half = half.split("secret_access_key  =").next().unwrap();
    sandbox.write(credentials_file(&sandbox), half);
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(1);
    assert!(
        stderr.starts_with(&format!(
            "aws-mfa: cannot edit the profile work in {}: line 8 has no =; {NEW} is in {}, and {KEY_ID} is still active\n\
             hint: correct that line, and keep each key of the profile once, on one line; run `aws-mfa rotate` to store it again",
            words::with_tilde(credentials_file(&sandbox).display()),
            words::with_tilde(journal(&sandbox).display())
        )),
        "{stderr}"
    );
    // The line is corrected, as the hint says.
    sandbox.write(credentials_file(&sandbox), half.trim_end_matches("aws_"));
    follow(&sandbox, stderr, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// Without a key in the store, there is no way to get a session.
#[test]
fn new_key_is_stored_before_a_session_is_needed() {
    let aws = FakeSts::start();
    let sandbox = with_key_in_the_journal(&aws);
    sandbox.write("store", "");
    sandbox.run(["clear"]);
    sandbox.run(["get", "234567"]).failed(1);
    sandbox.write("keep", "cat > store");
    let outcome = sandbox.run(["rotate"]);
    assert!(
        outcome
            .failed(3)
            .starts_with("aws-mfa: saved it with the store command\n"),
        "{}",
        outcome.stderr
    );
    sandbox.get("345678");
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// A store command that cut the secret short: the old key's deletion would take the last key that works.
#[test]
fn deletion_needs_a_key_that_works_as_it_is_stored() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    let cut = "head -c 70 > store; echo '\"}' >> store";
    let outcome = sandbox.run(["rotate", "--store-command", cut]);
    let message = format!(
        "the new access key {NEW} was not stored: credential_process in the profile work has another secret; {NEW} is in"
    );
    assert!(outcome.failed(1).contains(&message), "{}", outcome.stderr);
    let outcome = sandbox.run(["rotate", "--delete", KEY_ID]);
    let stderr = outcome.failed(1);
    assert!(
        stderr.starts_with(&format!(
            "aws-mfa: no key was deleted: the secret does not belong to the access key {NEW}\n"
        )),
        "{stderr}"
    );
    assert_eq!(keys(&aws), [KEY_ID, NEW]);
    assert!(
        std::fs::read_to_string(journal(&sandbox))
            .unwrap()
            .contains(NEW_SECRET)
    );
    // Its hint: `rotate` stores the key again, here where `cat` reads it.
    follow(&sandbox, stderr, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// Giving up keeps the journal, unless the key whose secret it holds is the one that goes, or is stored and works.
#[test]
fn journal_stays_until_its_key_is_stored_or_deleted() {
    let aws = FakeSts::start();
    let sandbox = with_key_in_the_journal(&aws);
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(1);
    assert_eq!(
        commands(stderr),
        [
            "aws-mfa rotate".to_owned(),
            format!("aws-mfa rotate --delete {NEW}")
        ]
    );
    let said = follow(&sandbox, stderr, 1);
    assert_eq!(said.stdout, format!("deleted the access key {NEW}\n"));
    assert_eq!(keys(&aws), [KEY_ID]);
    assert!(!journal(&sandbox).exists());

    // It was stored, and `rotate` was killed before it knew.
    sandbox.run(["rotate"]).failed(1);
    let next = "AKIANEW0000000000002";
    let text = std::fs::read_to_string(journal(&sandbox)).unwrap();
    let secret = text
        .lines()
        .find_map(|line| line.strip_prefix("secret "))
        .unwrap();
    sandbox.write("store", key_json(next, secret));
    let outcome = sandbox.run(["rotate", "--delete", KEY_ID]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(keys(&aws), [next]);
    assert!(!journal(&sandbox).exists());
}

/// A journal that somebody has edited must not delete the only key.
#[test]
fn journal_whose_two_keys_are_one_deletes_nothing() {
    for step in ["created", "saved", "retired"] {
        for arguments in [&["rotate", "--finish"][..], &["rotate"]] {
            let aws = FakeSts::start();
            let sandbox = sandbox(&aws);
            let secret = if step == "created" { SECRET } else { "" };
            let secret = secret.lines().map(|secret| format!("secret {secret}\n"));
            let text = format!(
                "aws-mfa rotation 1\nstep {step}\nold {KEY_ID}\nnew {KEY_ID}\n{}profile work\n",
                secret.collect::<String>()
            );
            sandbox.write(journal(&sandbox), text);
            let outcome = sandbox.run(arguments);
            assert_eq!(outcome.status, 0, "{}", outcome.stderr);
            let left = aws.iam().keys;
            assert!(left.iter().any(|key| key.id == KEY_ID), "{step} {left:?}");
            assert!(in_credentials_file(&sandbox).contains(&left.last().unwrap().id));
            if arguments.len() == 2 {
                assert_eq!(keys(&aws), [KEY_ID]);
                assert!(!journal(&sandbox).exists());
            }
        }
    }
}

/// Another machine needed it.
#[test]
fn old_key_that_is_active_again_is_not_deleted_by_a_plain_run() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    let mut iam = aws.iam();
    iam.keys[0].is_active = true;
    aws.set_iam(iam);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// The second key is somebody's, and the one in the store does not work: no hint offers to delete either.
#[test]
fn second_key_is_not_offered_for_deletion_if_the_first_does_not_work() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let mut iam = FakeIam::default();
    iam.keys.push(FakeKey::new("AKIASECOND", "s"));
    aws.set_iam(iam);
    sandbox.write(credentials_file(&sandbox), credentials(KEY_ID, "wrong"));
    let outcome = sandbox.run(["rotate"]);
    let stderr = outcome.failed(1);
    let hint = format!(
        "\nhint: AWS does not accept {KEY_ID}: correct its secret (aws_access_key_id in the profile work), and run \
         `aws-mfa rotate` again\n"
    );
    assert!(stderr.ends_with(&hint), "{stderr}");
    sandbox.run(["rotate", "--delete", "AKIASECOND"]).failed(1);
    assert_eq!(keys(&aws), [KEY_ID, "AKIASECOND"]);

    // Corrected, as it says.
    sandbox.write(credentials_file(&sandbox), credentials(KEY_ID, SECRET));
    let outcome = try_to_follow(&sandbox, stderr, 0);
    follow(&sandbox, outcome.failed(1), 0);
    assert_eq!(keys(&aws), [KEY_ID]);
    follow(&sandbox, stderr, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

/// What `finish` needs is the session and the profile.
#[test]
fn finish_and_delete_need_no_store() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    let config = "[profile work]\ncredential_process = cat store | cat\n";
    sandbox.write(".aws/config", config);
    assert_eq!(sandbox.run(["rotate", "--finish"]).status, 0);
    assert_eq!(keys(&aws), [NEW]);
    let mut iam = aws.iam();
    iam.keys.push(FakeKey::new("AKIASECOND", "s"));
    aws.set_iam(iam);
    let outcome = sandbox.run(["rotate", "--delete", "AKIASECOND"]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(keys(&aws), [NEW]);
}

#[test]
fn ctrl_c_says_what_state_things_are_in_and_how_to_go_on() {
    let aws = FakeSts::start();
    let sandbox = with_store(&aws);
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = cat store\nmfa_store_process = sh ./keep\n",
    );
    sandbox.write(
        "keep",
        "exec 2> /dev/null; touch started; while [ ! -e go ]; do sleep 0.1; done",
    );
    let mut rotate = start(&sandbox);
    wait_until("the store command", || {
        sandbox.home().join("started").exists()
    });
    let pid = rustix::process::Pid::from_raw(rotate.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    wait_until("its end", || rotate.try_wait().unwrap().is_some());
    sandbox.write("go", "");
    let outcome = Outcome::from(rotate.output_in_time());
    let (path, created) = (
        journal(&sandbox),
        format!("aws-mfa: created the access key {NEW}\n"),
    );
    outcome.is(
        130,
        "",
        &format!(
            "{created}aws-mfa: the rotation of the access key is not finished: {NEW} is in {}, and {KEY_ID} is still \
             active\nhint: run `aws-mfa rotate`\n",
            words::with_tilde(path.display())
        ),
    );
    sandbox.write("keep", "cat > store");
    follow(&sandbox, &outcome.stderr, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

#[test]
fn ctrl_c_before_a_key_is_requested_says_that_none_is_being_replaced() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let go = sandbox.home().join("go");
    aws.behave_once(1, true, Behaviour::Hold(go.clone()));
    let mut rotate = start(&sandbox);
    wait_until("ListAccessKeys", || {
        !aws.requests_for("ListAccessKeys").is_empty()
    });
    let pid = rustix::process::Pid::from_raw(rotate.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    wait_until("its end", || rotate.try_wait().unwrap().is_some());
    sandbox.write(go, "");
    let outcome = Outcome::from(rotate.output_in_time());
    let message =
        "aws-mfa: interrupted; no key is being replaced\nhint: run `aws-mfa rotate` again\n";
    outcome.is(130, "", message);
    assert_eq!(keys(&aws), [KEY_ID]);
    follow(&sandbox, &outcome.stderr, 0);
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
}

#[test]
fn status_and_doctor_report_an_unfinished_rotation_with_the_command_that_goes_on() {
    let aws = FakeSts::start();
    let sandbox = with_key_in_the_journal(&aws);
    let report = |state: &str, command: &str| {
        let message = format!("the rotation of the access key is not finished: {state}");
        let status = sandbox.run(["status"]).stdout;
        let warning = format!("warning: {message}: run `{command}`\n");
        assert!(status.contains(&warning), "{status}");
        let doctor = sandbox.run(["doctor", "--offline"]).stdout;
        let finding = format!("warning keys: {message}\n        {command}\n");
        assert!(doctor.contains(&finding), "{doctor}");
        format!("`{command}`")
    };
    let in_journal = format!(
        "{NEW} is in {}, and {KEY_ID} is still active",
        words::with_tilde(journal(&sandbox).display())
    );
    let command = report(&in_journal, "aws-mfa rotate");
    sandbox.write("keep", "cat > store");
    follow(&sandbox, &command, 0);
    let stored = format!("{NEW} is stored, and {KEY_ID} is inactive");
    let command = report(&stored, "aws-mfa rotate --finish");
    follow(&sandbox, &command, 0);
    assert_eq!(keys(&aws), [NEW]);
    assert!(!sandbox.run(["status"]).stdout.contains("rotation"));
}

/// A rotation that was killed while it wrote the journal has left a file with a secret. Only `rotate` writes here.
#[test]
fn temporary_file_of_a_killed_rotation_stays_until_the_next_rotate() {
    for arguments in [
        &["rotate"][..],
        &["rotate", "--finish"],
        &["rotate", "--delete", KEY_ID],
    ] {
        let aws = FakeSts::start();
        let sandbox = with_key_in_the_journal(&aws);
        let name = format!(".aws-mfa-rotation-{ACCOUNT}-igor.killed000000.tmp");
        let left = sandbox.write(journal(&sandbox).with_file_name(name), NEW_SECRET);
        for reader in [
            &["status"][..],
            &["status", "--all"],
            &["doctor"],
            &["doctor", "--offline"],
        ] {
            sandbox.run(reader);
            assert!(left.exists(), "{reader:?}");
        }
        sandbox.run(arguments);
        assert!(!left.exists(), "{arguments:?}");
        sandbox.write("keep", "cat > store");
        assert_eq!(sandbox.run(["rotate"]).status, 0);
    }
}

/// Of an earlier version, or of the console.
#[test]
fn doctor_reports_a_second_key_that_is_inactive() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let mut iam = FakeIam::default();
    let mut second = FakeKey::new("AKIASECOND", "s");
    second.is_active = false;
    iam.keys.push(second);
    aws.set_iam(iam);
    let doctor = sandbox.run(["doctor"]).stdout;
    let command = "aws-mfa rotate --delete AKIASECOND";
    let finding = format!(
        "warning keys: the user has a second access key, AKIASECOND, which is inactive\n        {command}\n"
    );
    assert!(doctor.contains(&finding), "{doctor}");
    follow(&sandbox, &format!("`{command}`"), 0);
    assert_eq!(keys(&aws), [KEY_ID]);
}

/// A path that the user gave keeps its name whatever it ends in.
#[test]
fn session_file_that_the_user_has_named_keeps_its_name() {
    let aws = FakeSts::start();
    let mut sandbox = without_session(&aws);
    for file in [
        sandbox.session_file(),
        sandbox.home().join(format!("own/session-{KEY_ID}")),
    ] {
        aws.set_iam(FakeIam::default());
        sandbox.write(credentials_file(&sandbox), credentials(KEY_ID, SECRET));
        let _ = std::fs::remove_file(journal(&sandbox));
        sandbox
            .unset("AWS_MFA_PROFILE")
            .set("AWS_PROFILE", "work")
            .set("AWS_SESSION_FILE", &file);
        sandbox.get(&format!("{}", 100_000 + aws.requests().len()));
        let outcome = sandbox.run(["rotate"]);
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        assert_ne!(read_json(&file)["MasterKeyId"], KEY_ID);
        assert!(!file.with_file_name(format!("session-{NEW}")).exists());
    }
}

/// `get` has saved another session after the rotation has read the one before.
#[test]
fn session_of_a_get_during_the_rotation_is_kept() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let file = sandbox.session_file().with_file_name("session-work");
    let lock = std::fs::File::options()
        .create(true)
        .append(true)
        .open(file.with_file_name(".session-work.lock"))
        .unwrap();
    lock.lock().unwrap();
    let mut rotate = start(&sandbox);
    wait_until("the stored key", || {
        let text = std::fs::read_to_string(journal(&sandbox)).unwrap_or_default();
        text.contains("\nstep saved\n")
    });
    // At once, as `get` does.
    let session = std::fs::read_to_string(&file).unwrap();
    let session = session.replace("ASIASESSION000000001", "ASIASESSIONOFGET");
    let new = sandbox.write("session.new", session);
    std::fs::rename(new, &file).unwrap();
    lock.unlock().unwrap();
    let outcome = Outcome::from(rotate.output_in_time());
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    let session = read_json(&file);
    assert_eq!(session["Credentials"]["AccessKeyId"], "ASIASESSIONOFGET");
    assert_eq!(session["MasterKeyId"], NEW);
}

#[test]
fn session_of_another_user_does_not_finish_a_rotation() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    assert_eq!(sandbox.run(["rotate"]).status, 0);
    let eve = Behaviour::Answer {
        status: 200,
        body: identity_xml(&USER.replace("igor", "eve")),
    };
    aws.behave_once(0, true, eve);
    let outcome = sandbox.run(["rotate", "--finish"]);
    outcome.is(
        1,
        "",
        &format!(
            "aws-mfa: the session belongs to {}, but another user's key is being replaced\nhint: run `aws-mfa get <code>`\n",
            USER.replace("igor", "eve")
        ),
    );
    assert_eq!(keys(&aws), [format!("-{KEY_ID}"), NEW.into()]);
    follow(&sandbox, &outcome.stderr.replace("<code>", "234567"), 0);
    assert_eq!(sandbox.run(["rotate", "--finish"]).status, 0);
    assert_eq!(keys(&aws), [NEW]);
}

#[test]
fn journal_that_cannot_be_read_is_checked_before_it_is_removed() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    sandbox.write(journal(&sandbox), "aws-mfa rotation 1\nstep cre");
    sandbox.run(["rotate"]).is(
        1,
        "",
        &format!(
            "aws-mfa: cannot use the journal of the rotation, {}: it is corrupt\n\
             hint: it may hold the only copy of a new key's secret: check it before you remove it\n",
            words::with_tilde(journal(&sandbox).display())
        ),
    );
    assert_eq!(keys(&aws), [KEY_ID]);
    std::fs::remove_file(journal(&sandbox)).unwrap();
    assert_eq!(sandbox.run(["rotate"]).status, 0);
}

/// Both meant nothing that other options do not say.
#[test]
fn role_and_deletion_at_once_are_no_options() {
    for option in [
        "--role-arn=arn:aws:iam::123456789012:role/x",
        "--delete-old",
    ] {
        let outcome = Sandbox::new().run(["rotate", option]);
        let name = option.split('=').next().unwrap();
        let message = format!("error: unexpected argument '{name}' found");
        assert!(
            outcome.failed(2).starts_with(&message),
            "{}",
            outcome.stderr
        );
    }
}

/// A hint names no file that a release does not have.
#[test]
fn hints_name_no_file_of_the_repository() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in [
        "caller.rs",
        "aws_failure.rs",
        "commands/rotate.rs",
        "commands/doctor/policy.rs",
    ] {
        let text = std::fs::read_to_string(sources.join(file)).unwrap();
        assert!(
            !text.contains(".github/") && !text.contains(".json"),
            "{file}"
        );
    }
}
