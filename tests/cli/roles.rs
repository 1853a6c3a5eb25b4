//! Roles: one code serves all of a user's roles, and each is renewed without another code.

use super::fake_sts::{Behaviour, FakeSts, KEY_ID, Role, SECRET, session_json};
#[cfg(unix)]
use super::sandbox::mode;
use super::sandbox::{DEVICE, Outcome, Sandbox, profile_keys, read_json};
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::path::{MAIN_SEPARATOR as SEP, Path};

const DEPLOY: &str = "arn:aws:iam::333333333333:role/team/deploy";
const READER: &str = "arn:aws:iam::444444444444:role/reader";

/// A user whose profile `work` has the keys, and whose profile `staging` has a role.
fn with_profiles(sts: &FakeSts) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {DEVICE}\nregion = eu-central-1\n\
             [profile staging]\nrole_arn = {DEPLOY}\nsource_profile = work\nregion = eu-west-1\n\
             external_id = 42\nrole_session_name = igor@laptop\nduration_seconds = 1800\n\
             [profile reader]\nrole_arn = {READER}\nsource_profile = staging\n"
        ),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sts.add_role(
        DEPLOY,
        Role {
            external_id: Some("42"),
            session_name: Some("igor@laptop"),
            ..Role::default()
        },
    );
    sandbox
}

/// A user of the two scripts, with a role for this directory.
fn with_master_keys(sts: &FakeSts) -> Sandbox {
    let mut sandbox = Sandbox::with_user(sts);
    sandbox.set("AWS_MFA_ROLE_ARN", DEPLOY);
    sts.add_role(DEPLOY, Role::default());
    sandbox
}

fn actions(sts: &FakeSts) -> Vec<String> {
    let requests = sts.requests().into_iter();
    requests
        .map(|request| request.form["Action"].clone())
        .collect()
}

/// The access key that `load` prints.
#[track_caller]
fn loaded(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let outcome = sandbox.run([&["load", "--format", "json"], arguments].concat());
    let json: serde_json::Value = serde_json::from_str(outcome.succeeded()).unwrap();
    json["AWS_ACCESS_KEY_ID"].as_str().unwrap().to_owned()
}

#[test]
fn get_with_a_role_saves_the_users_session_and_assumes_the_role() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    let outcome = sandbox.run(["get", "-p", "staging", "123456"]);
    let lines: Vec<&str> = outcome.succeeded().lines().collect();
    for (line, said, lasts) in [
        (lines[0], words::session_is_valid("work"), "(12h)"),
        (lines[1], "staging: role valid".to_owned(), "(30m)"),
    ] {
        let is_said = line.starts_with(&format!("{said} until ")) && line.ends_with(lasts);
        assert!(is_said, "{lines:?}");
    }
    assert_eq!(actions(&sts), ["GetSessionToken", "AssumeRole"]);
    let request = &sts.requests()[1];
    assert_eq!(request.key_id, "ASIASESSION000000001");
    assert_eq!(request.form["RoleArn"], DEPLOY);
    assert_eq!(request.form["RoleSessionName"], "igor@laptop");
    assert_eq!(request.form["ExternalId"], "42");
    assert_eq!(request.form["DurationSeconds"], "1800");
    assert!(!request.form.contains_key("TokenCode"));

    // As `aws sts assume-role` prints it, in a private file.
    let file = sandbox.role_file("deploy");
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
    let saved = read_json(&file);
    assert_eq!(saved["Credentials"]["AccessKeyId"], "ASIAROLE000000000001");
    assert_eq!(
        saved["AssumedRoleUser"],
        json!({
            "AssumedRoleId": "AROAEXAMPLE:igor",
            "Arn": "arn:aws:sts::333333333333:assumed-role/deploy/igor@laptop",
        })
    );

    // In every format and for exec: the role, and its region.
    let shell = sandbox.run(["load", "-p", "staging"]);
    let text = shell.succeeded();
    assert!(
        text.contains("export AWS_ACCESS_KEY_ID='ASIAROLE000000000001'\n"),
        "{text}"
    );
    assert!(text.contains("export AWS_REGION='eu-west-1'\n"), "{text}");
    if tool("env").is_some() {
        let exec = sandbox.run(["exec", "-p", "staging", "env"]);
        let key = "AWS_ACCESS_KEY_ID=ASIAROLE000000000001\n";
        assert!(exec.succeeded().contains(key));
    }
    assert_eq!(loaded(&sandbox, &["-p", "work"]), "ASIASESSION000000001");
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn get_with_a_role_and_no_code_uses_the_valid_session() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    assert_eq!(sandbox.run(["get", "-p", "work", "123456"]).status, 0);
    let outcome = sandbox.run(["get", "-p", "staging"]);
    let lines: Vec<&str> = outcome.succeeded().lines().collect();
    assert!(
        lines[0].contains(&words::session_is_still_valid("")),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("staging: role valid until "),
        "{lines:?}"
    );
    assert_eq!(actions(&sts), ["GetSessionToken", "AssumeRole"]);
    // All terminals start together, and one of them sends the request.
    let kept = sandbox.run(["get", "-p", "staging", "--unless-valid"]);
    assert!(
        kept.succeeded()
            .contains("\nstaging: role still valid until "),
        "{}",
        kept.stdout
    );
    assert_eq!(actions(&sts).len(), 2);
    // `load` alone assumes it too.
    std::fs::remove_file(sandbox.role_file("deploy")).unwrap();
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000002");
}

#[test]
fn denied_role_is_an_error_that_costs_no_second_code() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    sts.add_role(
        DEPLOY,
        Role {
            external_id: Some("another"),
            ..Role::default()
        },
    );
    let outcome = sandbox.run(["get", "-p", "staging", "123456"]);
    assert_eq!(outcome.status, 1);
    let saved = words::session_is_valid("");
    assert!(outcome.stdout.contains(&saved));
    assert_eq!(
        outcome.stderr,
        format!(
            "aws-mfa: the user is not allowed to assume the role {DEPLOY}\n  \
             AccessDenied: User: {} is not authorized to perform: sts:AssumeRole on resource: {DEPLOY} (request {})\n\
             hint: check the role's trust policy, the permission sts:AssumeRole, external_id, role_session_name, source_identity and session_tags\n",
            super::fake_sts::USER,
            super::fake_sts::REQUEST_ID
        )
    );
    assert_eq!(loaded(&sandbox, &["-p", "work"]), "ASIASESSION000000001");
    assert_eq!(sts.requests_for("GetSessionToken").len(), 1);
}

/// One line in the .envrc of each directory, and no `~/.aws`.
#[test]
fn role_from_the_environment_has_the_users_name() {
    let sts = FakeSts::start();
    let mut sandbox = with_master_keys(&sts);
    sts.add_role(
        DEPLOY,
        Role {
            session_name: Some("igor"),
            ..Role::default()
        },
    );
    assert_eq!(sandbox.run(["get", "123456"]).status, 0);
    assert_eq!(
        actions(&sts),
        ["GetSessionToken", "GetCallerIdentity", "AssumeRole"]
    );
    let role = sandbox.role_file("deploy");
    let role = role.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        sandbox.session_directory(),
        [role.to_owned(), format!("session-{KEY_ID}")]
    );
    let (readable, digest) = role.rsplit_once('-').unwrap();
    assert_eq!(readable, "role-333333333333-deploy");
    assert!(digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    // A due role is not mistaken for the user's session.
    for key in ["ASIAROLE000000000002", "ASIAROLE000000000003"] {
        sandbox.make_due(&sandbox.role_file("deploy"));
        assert_eq!(loaded(&sandbox, &[]), key);
    }
    // Another role of the same user needs no code, and the name is known.
    sts.add_role(READER, Role::default());
    assert_eq!(
        loaded(&sandbox, &["--role-arn", READER]),
        "ASIAROLE000000000004"
    );
    sandbox.set("AWS_MFA_ROLE_ARN", READER);
    assert_eq!(loaded(&sandbox, &[]), "ASIAROLE000000000004");
    assert_eq!(sts.requests_for("GetCallerIdentity").len(), 1);
    // Without a role, it is the user's own session, with one request as usual.
    sandbox.unset("AWS_MFA_ROLE_ARN");
    assert_eq!(loaded(&sandbox, &[]), "ASIASESSION000000001");
    let before = sts.requests().len();
    assert_eq!(sandbox.run(["get", "222222"]).status, 0);
    assert_eq!(sts.requests().len(), before + 1);
    // The new session still knows the user's name.
    sandbox.set("AWS_MFA_ROLE_ARN", READER);
    std::fs::remove_file(sandbox.role_file("reader")).unwrap();
    assert_eq!(loaded(&sandbox, &[]), "ASIAROLE000000000005");
    assert_eq!(sts.requests_for("GetCallerIdentity").len(), 1);
}

#[test]
fn role_with_a_quarter_left_is_renewed_and_a_failure_keeps_the_old_one() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    assert_eq!(sandbox.run(["get", "-p", "staging", "123456"]).status, 0);
    let role = sandbox.role_file("deploy");
    // A quarter of 30 minutes is 7:30.
    let left = |minutes| sandbox.make_end_in(&role, SignedDuration::from_mins(minutes));
    left(8);
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000001");
    left(7);
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000002");
    // STS does not answer, but the saved credentials are still valid for some minutes.
    left(7);
    sts.behave(Behaviour::Close);
    let outcome = sandbox.run(["load", "-p", "staging"]);
    assert_eq!(outcome.status, 0);
    assert!(outcome.stdout.contains("ASIAROLE000000000002"));
    assert_eq!(
        outcome.stderr,
        format!(
            "aws-mfa: warning: the role was not renewed: {}\n",
            words::the_connection_broke(sts.url())
        )
    );
    // A request without a code is sent again.
    assert_eq!(sts.requests_for("AssumeRole").len(), 2 + 3);
    sts.behave(Behaviour::Serve);
    assert_eq!(sandbox.run(["get", "-p", "staging"]).status, 0);
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000006");
}

/// An SDK runs `credential_process` for each of its clients.
#[test]
fn failed_renewal_is_remembered_for_a_minute_or_until_a_get_or_clear() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    assert_eq!(sandbox.run(["get", "-p", "work", "123456"]).status, 0);
    let fails = |message: &str, sent: usize| {
        let before = sts.requests_for("AssumeRole").len();
        let outcome = sandbox.run(["load", "-p", "staging"]);
        let error = outcome.failed(1).to_owned();
        assert!(
            error.starts_with(&format!("aws-mfa: {message}\n")),
            "{error}"
        );
        assert_eq!(
            sts.requests_for("AssumeRole").len(),
            before + sent,
            "{error}"
        );
        error
    };
    let silent = format!("no answer from {} within 5 s", sts.url());
    sts.behave(Behaviour::Silence);
    assert_eq!(sandbox.run(["load", "-p", "staging"]).status, 1);
    sts.behave(Behaviour::Close);
    let error = fails(&silent, 0);
    let (_, hint) = error.split_once("\nhint: that was ").unwrap();
    let numbers: Vec<u32> = hint
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(numbers.iter().sum::<u32>(), 60, "{hint}");
    assert!(
        hint.ends_with(" s, or at once with `aws-mfa get --profile staging <code>`\n"),
        "{hint}"
    );

    let file = |name: &str| sandbox.session_file().with_file_name(name);
    let names = sandbox.session_directory();
    let failed = file(names.iter().find(|name| name.ends_with(".failed")).unwrap());
    #[cfg(unix)]
    assert_eq!(mode(&failed), 0o600);
    let broken = words::the_connection_broke(sts.url());
    let change = |key: &str, to: &dyn Fn(&serde_json::Value) -> serde_json::Value| {
        let mut memory = read_json(&failed);
        memory[key] = to(&memory[key]);
        sandbox.write(&failed, memory.to_string());
    };
    // A minute later; with the clock set back; with another session; damaged.
    change("At", &|at| json!(at.as_i64().unwrap() - 60_000));
    fails(&broken, 3);
    fails(&broken, 0);
    change("At", &|at| json!(at.as_i64().unwrap() + 90_000));
    fails(&broken, 3);
    change("SessionKeyId", &|_| json!("ASIAOTHER"));
    fails(&broken, 3);
    sandbox.write(&failed, "{");
    fails(&broken, 3);
    // A prompt has begun it, and the user has interrupted it: the next prompt does not wait again, but a program does.
    change("By", &|_| json!("Prompt"));
    change(
        "Failure",
        &|_| json!({"kind": "Setup", "message": "it was interrupted"}),
    );
    let before = sts.requests().len();
    let prompt = sandbox.run(["prompt", "--format", "sh", "-p", "staging", "4711"]);
    let said = "aws-mfa: it was interrupted: that was ";
    assert!(prompt.stderr.starts_with(said), "{}", prompt.stderr);
    assert_eq!(sts.requests().len(), before);
    fails(&broken, 3);
    for forget in [
        &["get", "-p", "staging"][..],
        &["clear", "-p", "staging"],
        &["clear", "--all"],
    ] {
        fails(&broken, 0);
        sandbox.run(forget);
        assert!(!failed.exists(), "{forget:?}");
        if forget.contains(&"--all") {
            break;
        }
        fails(&broken, 3);
    }
}

#[test]
fn missing_or_expired_session_exits_3_with_the_remedy() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    let base = sandbox.session_file().with_file_name("session-work");
    let hint = words::run("aws-mfa get --profile staging <code>");
    let expect = |message: &str| {
        let expected = words::failure(message, &hint);
        sandbox.run(["load", "-p", "staging"]).is(3, "", &expected);
    };
    expect(&words::no_session_yet(base.display()));
    sandbox.write(
        &base,
        session_json(Timestamp::now() - SignedDuration::from_mins(90)),
    );
    expect(&words::session_expired("1h 30m", base.display()));
    // A session that AWS no longer knows.
    sandbox.write(
        &base,
        session_json(Timestamp::now() + SignedDuration::from_hours(1)),
    );
    let outcome = sandbox.run(["load", "-p", "staging"]);
    assert_eq!(outcome.status, 3);
    let rejected = words::aws_rejected_the_session("ASIASESSION000000000");
    assert!(
        outcome
            .stderr
            .starts_with(&format!("aws-mfa: {rejected}\n"))
            && outcome.stderr.ends_with(&format!("hint: {hint}\n")),
        "{}",
        outcome.stderr
    );
    assert_eq!(sts.requests_for("GetSessionToken").len(), 0);
}

#[test]
fn second_role_is_assumed_with_the_credentials_of_the_first() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    sts.add_role(
        READER,
        Role {
            needs_mfa: false,
            session_name: Some("igor"),
            ..Role::default()
        },
    );
    assert_eq!(sandbox.run(["get", "-p", "reader", "123456"]).status, 0);
    let signers: Vec<(String, String)> = sts
        .requests()
        .into_iter()
        .map(|request| (request.form["Action"].clone(), request.key_id))
        .collect();
    assert_eq!(
        signers,
        [
            ("GetSessionToken", KEY_ID),
            ("GetCallerIdentity", "ASIASESSION000000001"),
            ("AssumeRole", "ASIASESSION000000001"),
            ("AssumeRole", "ASIAROLE000000000001"),
        ]
        .map(|(action, key)| (action.to_owned(), key.to_owned()))
    );
    assert_eq!(loaded(&sandbox, &["-p", "reader"]), "ASIAROLE000000000002");
    // From the second role on, there is no MFA.
    sts.add_role(READER, Role::default());
    let outcome = sandbox.run(["get", "-p", "reader"]);
    assert_eq!(outcome.status, 1);
    assert!(
        outcome.stderr.starts_with(&format!(
            "aws-mfa: the role {DEPLOY} is not allowed to assume the role {READER}\n"
        )) && outcome.stderr.ends_with(
            "hint: only the first role of a chain is assumed with MFA: the trust policies of the others must not require aws:MultiFactorAuthPresent\n"
        ),
        "{}",
        outcome.stderr
    );
}

#[test]
fn direct_spends_the_code_on_the_role_for_a_longer_session() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    sts.add_role(
        DEPLOY,
        Role {
            longest: 12 * 3600,
            ..Role::default()
        },
    );
    let outcome = sandbox.run(["get", "-p", "staging", "--direct", "-d", "8h", "123456"]);
    assert!(
        outcome.succeeded().ends_with(" (8h)\n"),
        "{}",
        outcome.stdout
    );
    assert_eq!(actions(&sts), ["AssumeRole"]);
    let request = &sts.requests()[0];
    assert_eq!(request.key_id, KEY_ID);
    assert_eq!(request.form["TokenCode"], "123456");
    assert_eq!(request.form["SerialNumber"], DEVICE);
    assert_eq!(request.form["DurationSeconds"], "28800");
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000001");
    assert_eq!(sts.requests().len(), 1);

    // A rejected code does not lose the existing credentials.
    let outcome = sandbox.run(["get", "-p", "staging", "--direct", "000000"]);
    assert!(
        outcome.stderr.starts_with("aws-mfa: the code was rejected"),
        "{}",
        outcome.stderr
    );
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000001");
    for (arguments, status, message) in [
        (
            &["-p", "work", "--direct", "135790"][..],
            2,
            "--direct needs a role\n",
        ),
        (
            &["-p", "reader", "--direct", "135790"],
            2,
            "--direct cannot assume the role ",
        ),
        (
            &["-p", "staging", "--direct", "-d", "13h", "135790"],
            2,
            "invalid duration for a role: 13h\n",
        ),
    ] {
        let outcome = sandbox.run([&["get"], arguments].concat());
        assert_eq!(outcome.status, status);
        assert!(
            outcome.stderr.starts_with(&format!("aws-mfa: {message}")),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn direct_credentials_are_kept_and_not_replaced_without_a_word() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    let longest = 12 * 3600;
    sts.add_role(
        DEPLOY,
        Role {
            longest,
            ..Role::default()
        },
    );
    let direct = ["get", "-p", "staging", "--direct", "-d", "8h"];
    sandbox.run([&direct[..], &["123456"]].concat()).succeeded();
    let file = sandbox.role_file("deploy").display().to_string();
    let kept = sandbox.run([&direct[..], &["--unless-valid", "222222"]].concat());
    let said = "staging: role still valid until ";
    assert!(kept.succeeded().starts_with(said), "{}", kept.stdout);
    // With less left than the margin, they are replaced.
    sandbox.make_end_in(Path::new(&file), SignedDuration::from_mins(14));
    sandbox
        .run([&direct[..], &["--unless-valid", "222222"]].concat())
        .succeeded();
    assert_eq!(actions(&sts), ["AssumeRole", "AssumeRole"]);

    // Plain `get` says what `load` uses, and the remedy works.
    sandbox.run(["get", "-p", "work", "333333"]).succeeded();
    let plain = sandbox.run(["get", "-p", "staging"]);
    assert!(
        plain.stdout.contains("\nstaging: role valid until "),
        "{}",
        plain.stdout
    );
    assert_eq!(
        plain.stderr,
        "aws-mfa: `load` still uses the credentials from --direct (valid 8h); to remove them, run \
         `aws-mfa clear --profile staging`\n"
    );
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000002");
    sandbox.run(["clear", "--profile", "staging"]).succeeded();
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000004");
    sandbox.run(["get", "-p", "staging"]).succeeded();

    // So does a duration that changes nothing.
    let outcome = sandbox.run(["get", "-p", "staging", "-d", "8h"]);
    assert_eq!(outcome.status, 0);
    assert_eq!(
        outcome.stderr,
        "aws-mfa: --duration 8h applies to new sessions, and the current one is kept: give a code to get a new \
         session, or add --direct to get the role for that long\n"
    );
    sandbox.run([&direct[..], &["444444"]].concat()).succeeded();
    sandbox
        .run(["get", "-p", "work", "-d", "8h", "555555"])
        .succeeded();
}

#[test]
fn changed_profile_is_noticed_and_the_old_session_is_not_used() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    // Version 0.1 saved the user's session under the role's name.
    let old = sandbox.session_file().with_file_name("session-staging");
    sandbox.write(
        &old,
        session_json(Timestamp::now() + SignedDuration::from_hours(1)),
    );
    assert_eq!(sandbox.run(["load", "-p", "staging"]).status, 3);
    assert_eq!(sandbox.run(["get", "-p", "staging", "123456"]).status, 0);
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000001");
    // Another role under the same name.
    sts.add_role(READER, Role::default());
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    sandbox.write(".aws/config", config.replace(DEPLOY, READER));
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000002");
    // A plain profile that gets a role.
    assert_eq!(loaded(&sandbox, &["-p", "work"]), "ASIASESSION000000001");
    sandbox.write(
        ".aws/config",
        format!("{config}[profile base]\n[profile x]\n").replace(
            "[profile work]\n",
            &format!("[profile work]\nrole_arn = {READER}\nsource_profile = work\n"),
        ),
    );
    assert_eq!(loaded(&sandbox, &["-p", "work"]), "ASIAROLE000000000003");
}

/// A role's profile uses the keys of its source, not its own, unless it is its own source. It inherits the device.
#[test]
fn keys_and_device_come_from_the_source_of_a_role() {
    let sts = FakeSts::start();
    let other = DEVICE.replace("123456789012", "222222222222");
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
    sandbox.write(
        ".aws/config",
        format!(
            "[profile admin]\nrole_arn = {DEPLOY}\nsource_profile = work\n\
             mfa_serial = {DEVICE}\naws_access_key_id = AKIANOTTHESE\naws_secret_access_key = x\n\
             [profile reader]\nrole_arn = {READER}\nsource_profile = private\n\
             [profile private]\nmfa_serial = {other}\n\
             [profile own]\nrole_arn = {READER}\nsource_profile = own\nmfa_serial = {DEVICE}\n{}",
            profile_keys()
        ),
    );
    sandbox.write(
        ".aws/credentials",
        format!("[work]\n{}[private]\n{}", profile_keys(), profile_keys()),
    );
    sts.add_role(DEPLOY, Role::default())
        .add_role(READER, Role::default());
    for (profile, code, device) in [
        ("admin", "111111", DEVICE),
        ("reader", "222222", &other),
        ("own", "333333", DEVICE),
    ] {
        assert_eq!(sandbox.run(["get", "-p", profile, code]).status, 0);
        let requests = sts.requests_for("GetSessionToken");
        assert_eq!(requests.last().unwrap().form["SerialNumber"], device);
        assert!(loaded(&sandbox, &["-p", profile]).starts_with("ASIAROLE"));
    }
    let mut sessions = sandbox.session_directory();
    sessions.retain(|name| name.starts_with("session-"));
    assert_eq!(sessions, ["session-own", "session-private", "session-work"]);
}

#[test]
fn role_with_master_keys_needs_credential_source_environment() {
    let sts = FakeSts::start();
    let mut sandbox = with_profiles(&sts);
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_MFA_ARN", DEVICE)
        .set("AWS_PROFILE", "staging");
    for verb in ["get 123456", "load", "exec true"] {
        let outcome = sandbox.run(verb.split(' '));
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (
                1,
                "aws-mfa: the role of the profile staging needs the keys of the profile work, but MASTER_AWS_ACCESS_KEY_ID is another key\n\
                 hint: use the keys of work with `--profile staging` or AWS_MFA_PROFILE=staging, or the MASTER_* \
                 keys with credential_source = Environment instead of source_profile\n"
            )
        );
    }
    assert!(sts.requests().is_empty());
    sts.add_role(DEPLOY, Role::default());
    sandbox.write(
        ".aws/config",
        format!("[profile staging]\nrole_arn = {DEPLOY}\ncredential_source = Environment\n"),
    );
    assert_eq!(sandbox.run(["get", "123456"]).status, 0);
    assert_eq!(loaded(&sandbox, &[]), "ASIAROLE000000000001");
    // An explicit profile too: it is the same role of the same keys.
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000001");
    assert_eq!(sts.requests_for("GetSessionToken").len(), 1);
}

#[test]
fn unsupported_source_of_credentials_is_an_error_with_the_remedy() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    for (lines, message) in [
        (
            "credential_source = Ec2InstanceMetadata",
            "the profile x uses credential_source = Ec2InstanceMetadata, which does not work with MFA codes",
        ),
        (
            "credential_source = EcsContainer",
            "the profile x uses credential_source = EcsContainer, which does not work with MFA codes",
        ),
        (
            "web_identity_token_file = /t",
            "the profile x uses web_identity_token_file, which does not work with MFA codes",
        ),
        (
            "sso_session = s",
            "the profile x uses sso_session, which does not work with MFA codes",
        ),
        (
            "",
            "the profile x has a role_arn, but no source of credentials",
        ),
        (
            "source_profile = x",
            "the profile x is its own source_profile, but has no access key",
        ),
        (
            "source_profile = work\ncredential_source = Environment",
            "the profile x has both source_profile and credential_source",
        ),
        (
            "source_profile = work\nduration_seconds = 1",
            "duration_seconds in the profile x is not a number of seconds from 900 to 43200: 1",
        ),
        (
            "source_profile = work\nrole_session_name = a b",
            "role_session_name in the profile x is invalid: a b",
        ),
        (
            "source_profile = work\nexternal_id = a~b",
            "external_id in the profile x is invalid: a~b",
        ),
    ] {
        sandbox.write(
            ".aws/config",
            format!("[profile work]\n[profile x]\nrole_arn = {DEPLOY}\n{lines}\n"),
        );
        for verb in ["get", "load"] {
            let outcome = sandbox.run([verb, "-p", "x"]);
            assert_eq!(outcome.status, 1, "{lines}");
            assert!(
                outcome
                    .stderr
                    .starts_with(&format!("aws-mfa: {message}\nhint: ")),
                "{}",
                outcome.stderr
            );
        }
    }
    for arn in ["admin", "arn:aws:iam::123456789012:user/igor"] {
        let outcome = sandbox.run(["load", "--role-arn", arn]);
        assert_eq!(outcome.status, 1);
        assert_eq!(
            outcome.stderr,
            format!(
                "aws-mfa: --role-arn is not the ARN of a role: {arn}\n\
                 hint: a role's ARN is arn:aws:iam::<account>:role/<name>\n"
            )
        );
    }
    assert!(sts.requests().is_empty());
}

/// Either way of the hint.
#[test]
fn profile_that_is_its_own_source_needs_an_access_key() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    sts.add_role(READER, Role::default());
    let profile = |source: &str| {
        let config = format!(
            "[profile work]\nmfa_serial = {DEVICE}\n[profile own]\nrole_arn = {READER}\n\
             source_profile = {source}\nmfa_serial = {DEVICE}\n"
        );
        sandbox.write(".aws/config", config);
    };
    let fails = words::failure(
        "the profile own is its own source_profile, but has no access key",
        "set source_profile to the profile that has it, or put aws_access_key_id and aws_secret_access_key under [own] in \
         ~/.aws/credentials",
    );
    profile("own");
    sandbox
        .run(["get", "-p", "own", "111111"])
        .is(1, "", &fails);
    profile("work");
    sandbox.run(["get", "-p", "own", "111111"]).succeeded();
    profile("own");
    sandbox.run(["load", "-p", "own"]).is(1, "", &fails);
    let keys = format!("[own]\n{}", profile_keys());
    sandbox.write(".aws/credentials", keys);
    sandbox.run(["get", "-p", "own", "222222"]).succeeded();
    assert!(loaded(&sandbox, &["-p", "own"]).starts_with("ASIAROLE"));
}

#[test]
fn every_legal_name_of_a_device_or_a_role_is_accepted() {
    const ODD: &str = "arn:aws:iam::333333333333:role/team~x!/De+ploy@1";
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    sts.add_role(
        ODD,
        Role {
            external_id: Some("a+=,.@:/-_1"),
            ..Role::default()
        },
    );
    let device = "arn:aws:iam::123456789012:mfa/te+am/igor";
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {device} # the phone\n\
             [profile x]\nrole_arn = {ODD} # here\nsource_profile = work # and here\nexternal_id = a+=,.@:/-_1 # too\n"
        ),
    );
    let outcome = sandbox.run(["get", "-p", "x", "123456"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert_eq!(sts.requests()[0].form["SerialNumber"], device);
    assert_eq!(loaded(&sandbox, &["-p", "x"]), "ASIAROLE000000000001");
}

#[test]
fn status_shows_the_users_session_and_the_role() {
    let sts = FakeSts::start();
    let mut sandbox = with_profiles(&sts);
    sandbox.set("PATH", sandbox.home());
    let lines = |sandbox: &Sandbox, status: i32| -> Vec<String> {
        let outcome = sandbox.run(["status", "-p", "reader"]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (status, ""));
        outcome.stdout.lines().map(str::to_owned).collect()
    };
    let missing = lines(&sandbox, 3);
    assert_eq!(missing[0], "session: none yet");
    assert_eq!(missing[1], format!("role: {READER} (profile reader)"));
    assert_eq!(missing[2], format!("through: {DEPLOY}"));
    assert_eq!(missing[3], "role session: not assumed");
    sts.add_role(
        READER,
        Role {
            needs_mfa: false,
            ..Role::default()
        },
    );
    assert_eq!(sandbox.run(["get", "-p", "work", "123456"]).status, 0);
    let valid = lines(&sandbox, 0);
    assert!(
        valid.contains(&"role session: not assumed yet".to_owned()),
        "{valid:?}"
    );
    assert_eq!(sandbox.run(["get", "-p", "reader"]).status, 0);
    sandbox.set("AWS_ACCESS_KEY_ID", "ASIAROLE000000000002");
    let assumed = lines(&sandbox, 0);
    for line in [
        "role key id: ASIAROLE000000000002",
        "renewed: by load and exec, while the session is valid",
        "this shell: has the role",
        "profile: reader (--profile)",
        "duration: 12h (default)",
    ] {
        assert!(assumed.contains(&line.to_owned()), "{line}: {assumed:?}");
    }
    let json = sandbox.run(["status", "-p", "reader", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(json["session"]["access_key_id"], "ASIASESSION000000001");
    assert_eq!(json["role"]["arn"], READER);
    assert_eq!(json["role"]["through"], json!([DEPLOY]));
    assert_eq!(
        json["role"]["session"]["access_key_id"],
        "ASIAROLE000000000002"
    );
    assert_eq!(json["role"]["renewable"], true);
    assert_eq!(json["loaded"], true);
    let json = sandbox.run(["status", "-p", "work", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(json["role"], serde_json::Value::Null);
}

#[test]
fn status_shows_reduced_durations_and_roles_that_need_a_code() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    sandbox.write(".aws/config", config.replace("= 1800", "= 14400"));
    sts.add_role(
        DEPLOY,
        Role {
            longest: 14_400,
            ..Role::default()
        },
    );
    assert_eq!(sandbox.run(["get", "-p", "staging", "123456"]).status, 0);
    assert_eq!(
        sts.requests_for("AssumeRole")[0].form["DurationSeconds"],
        "3600"
    );
    let status = sandbox.run(["status", "-p", "staging"]).stdout;
    let reduced = "\nrole duration: 1h (4h requested; longer needs --direct)\n";
    assert!(status.contains(reduced), "{status}");
    let direct = sandbox.run(["get", "-p", "staging", "--direct", "222222"]);
    assert!(direct.succeeded().ends_with(" (4h)\n"), "{}", direct.stdout);
    let status = sandbox.run(["status", "-p", "staging"]).stdout;
    assert!(
        status.contains("\nrenewed: only with a code (--direct)\n"),
        "{status}"
    );
}

#[test]
fn status_all_lists_every_session_and_role_and_clear_removes_them() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    sandbox.run(["status", "--all"]).is(
        3,
        "* work     123456789012  session      none yet\n  \
         reader   444444444444  role reader  not assumed\n  \
         staging  333333333333  role deploy  not assumed\n",
        "",
    );
    assert_eq!(sandbox.run(["get", "-p", "staging", "123456"]).status, 0);
    let own = sandbox.write_session(Timestamp::now() - SignedDuration::from_hours(1));
    let directory = own.parent().unwrap().display().to_string();
    let role = sandbox.role_file("deploy").display().to_string();
    let shown = sandbox.run(["status", "--all"]);
    let lines: Vec<&str> = shown.succeeded().lines().collect();
    for (line, start) in std::iter::zip(
        lines,
        [
            "* work                  123456789012  session      valid until ",
            "  staging               333333333333  role deploy  valid until ",
            "  reader                444444444444  role reader  not assumed yet",
            &format!("  {KEY_ID}                session      expired 1h "),
        ],
    ) {
        assert!(line.starts_with(start), "{}", shown.stdout);
    }
    let json = sandbox.run(["status", "--all", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["saved"][0]["role"], DEPLOY);
    assert_eq!(json["saved"][1]["session"]["state"], "expired");
    assert_eq!(json["saved"][2]["role"], serde_json::Value::Null);

    // First only a role, then the session with its roles.
    sandbox
        .run(["clear", "-p", "staging"])
        .is(0, "staging: removed the role\n", "");
    assert_eq!(loaded(&sandbox, &["-p", "staging"]), "ASIAROLE000000000002");
    sandbox.run(["clear", "-p", "work"]).is(
        0,
        &format!("{} and 1 role\n", words::removed_the_session("work")),
        "",
    );
    assert!(own.exists());
    assert_eq!(sandbox.run(["get", "-p", "staging", "222222"]).status, 0);
    sandbox.run(["clear", "--all"]).is(
        0,
        &format!(
            "removed {}\nremoved {}\nremoved {}{SEP}session-work\n",
            words::with_tilde(role),
            words::with_tilde(own.display()),
            words::with_tilde(directory)
        ),
        "",
    );
    sandbox
        .run(["clear", "--all"])
        .is(0, "no session to remove\n", "");
}

#[test]
fn init_aws_config_prints_a_second_profile_for_each_role_and_device() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    sandbox.write(
        ".aws/config",
        format!(
            "{config}[profile plain]\nregion = x\n[profile a%b]\nmfa_serial = {DEVICE}\n\
             [profile 'My Team']\nmfa_serial = {DEVICE}\nsource_profile = work\nregion = eu-west-3 # ours\n\
             [profile -x]\nmfa_serial = {DEVICE}\nsource_profile = work\n\
             [profile odd]\nmfa_serial = {DEVICE}\nregion = eu_west\n\
             [profile long]\nmfa_serial = {DEVICE}\nregion = eu-west-1\n  [profile evil]\n"
        ),
    );
    let binary = super::sandbox::binary();
    let binary = std::path::absolute(binary).unwrap();
    let program = binary.display();
    let stanza = |section: &str, option: &str| {
        format!(
            "\n[profile {section}]\ncredential_process = {program} load {option} --format process\n"
        )
    };
    let expected = [
        stanza("-x-mfa", "--profile=-x"),
        stanza("'My Team-mfa'", "--profile \"My Team\""),
        "region = eu-west-3\n".to_owned(),
        stanza("reader-mfa", "--profile reader"),
        stanza("staging-mfa", "--profile staging"),
        "region = eu-west-1\n".to_owned(),
        stanza("work-mfa", "--profile work"),
        "region = eu-central-1\n".to_owned(),
    ]
    .concat();
    let written = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    let line = |text: &str| written.lines().position(|line| line == text).unwrap() + 1;
    let evil = line("  [profile evil]");
    sandbox.run(["init", "aws-config"]).is(
        0,
        &expected,
        &format!(
            "aws-mfa: warning: skipping the profile a%b: its name cannot be quoted\n\
             aws-mfa: warning: skipping the profile long: cannot read the profile long: line {evil} of {} is indented, \
             so it continues region of line {}: remove the white space before it\n\
             aws-mfa: warning: skipping the profile odd: its region is not valid: eu_west\n",
            words::with_tilde(sandbox.home().join(".aws").join("config").display()),
            evil - 1
        ),
    );
    let asking = expected.replace(" load ", " load --ask ");
    assert_eq!(sandbox.run(["init", "aws-config", "--ask"]).stdout, asking);
    sandbox.run(["init", "bash", "--ask"]).is(
        2,
        "",
        "aws-mfa: only `init aws-config` takes --ask: neither a hook nor direnv asks for a code\n",
    );
    // Each line that it prints works, in a shell too.
    sandbox.write(".aws/config", format!("{written}{expected}"));
    for (name, code) in [("-x", "111111"), ("My Team", "222222")] {
        let outcome = sandbox.run(["get", &format!("--profile={name}-mfa"), code]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{name}");
    }
    if tool("sh").is_some() {
        let lines = expected.lines();
        let lines = lines.filter_map(|line| line.strip_prefix("credential_process = "));
        for line in lines.take(2) {
            let outcome = Outcome::of(sandbox.command("sh").args(["-c", line]));
            assert!(outcome.succeeded().contains("ASIASESSION"), "{line}");
        }
    }
    // After appending, there is nothing more to append, and the new profiles are aliases of the old ones.
    sandbox.write(".aws/config", format!("{config}{expected}"));
    sandbox.run(["init", "aws-config"]).is(0, "", "");
    assert_eq!(
        sandbox.run(["get", "-p", "staging-mfa", "123456"]).status,
        0
    );
    assert_eq!(
        loaded(&sandbox, &["-p", "staging-mfa"]),
        "ASIAROLE000000000001"
    );
}

#[cfg(unix)]
#[test]
fn direnv_reloads_for_session_and_role_without_a_loop() {
    use super::shell::Shell;
    use super::tool::tool;
    for direnv in ["direnv", "direnv-newest"] {
        let Some(direnv) = tool(direnv) else { continue };
        let sts = FakeSts::start();
        let sandbox = with_profiles(&sts);
        sts.add_role(DEPLOY, Role::default());
        let project = sandbox.project(&direnv, "direnv_load aws-mfa load -p staging\n");
        let mut shell = Shell::open(&sandbox, &project, &direnv);
        assert!(
            shell
                .first_prompt
                .contains("run `aws-mfa get --profile staging <code>`"),
            "{}",
            shell.first_prompt
        );
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "unset");
        shell.run("aws-mfa get -p staging 123456");
        let first = shell.variable("AWS_ACCESS_KEY_ID");
        assert!(first.starts_with("ASIAROLE"), "{first}");
        assert_eq!(shell.variable("AWS_REGION"), "eu-west-1");
        assert_eq!(shell.run("true"), "");
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), first);
        // Its own renewal of the role does not make direnv reload again.
        let left = SignedDuration::from_mins(7);
        sandbox.make_end_in(&sandbox.role_file("deploy"), left);
        let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
        let envrc = std::fs::File::options()
            .write(true)
            .open(project.join(".envrc"));
        envrc.unwrap().set_modified(soon).unwrap();
        shell.run("");
        let renewed = shell.variable("AWS_ACCESS_KEY_ID");
        assert_ne!(renewed, first);
        assert_eq!(shell.run("true"), "");
        let first = renewed;
        // This shell notices a role that another process has renewed.
        assert_eq!(sandbox.run(["get", "-p", "staging"]).status, 0);
        shell.run("");
        assert_ne!(shell.variable("AWS_ACCESS_KEY_ID"), first);
        assert_eq!(shell.run("true"), "");
        // It also notices the end of the user's session.
        assert_eq!(sandbox.run(["clear", "-p", "work"]).status, 0);
        shell.run("");
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "unset");
        assert_eq!(shell.run("true"), "");
    }
}

#[test]
fn refused_role_is_an_error_with_its_hint() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    assert_eq!(sandbox.run(["get", "-p", "work", "123456"]).status, 0);
    let refused = |status: u16, code: &str, message: &str| {
        sts.behave(Behaviour::Answer {
            status,
            body: super::fake_sts::error_xml(code, message),
        });
        let before = sts.requests().len();
        let outcome = sandbox.run(["get", "-p", "staging"]);
        let first = outcome.stderr.lines().next().unwrap().to_owned();
        (outcome.status, first, sts.requests().len() - before)
    };
    // Temporary faults are retried within five seconds: the request contains no code.
    assert_eq!(
        refused(400, "Throttling", "Rate exceeded"),
        (1, "aws-mfa: STS is throttling requests".to_owned(), 3)
    );
    assert_eq!(
        refused(500, "InternalFailure", "We all make mistakes."),
        (1, "aws-mfa: STS failed".to_owned(), 3)
    );
    assert_eq!(
        refused(
            400,
            "MalformedPolicyDocument",
            "Syntax errors in the policy."
        ),
        (
            1,
            format!("aws-mfa: STS refused to let the user assume the role {DEPLOY}"),
            1
        )
    );
    assert_eq!(
        refused(
            403,
            "ExpiredToken",
            "The security token included in the request is expired"
        ),
        (
            3,
            "aws-mfa: AWS says that the session has expired".to_owned(),
            1
        )
    );
    // Longer than MaxSessionDuration.
    sts.behave(Behaviour::Serve);
    let direct = ["get", "-p", "staging", "--direct", "-d", "2h", "222222"];
    let outcome = sandbox.run(direct);
    assert_eq!(outcome.status, 2);
    assert!(
        outcome.stderr.starts_with(&format!(
            "aws-mfa: {}\n  ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration",
            words::the_code_may_be_used_up(format!(
                "the role {DEPLOY} does not allow sessions of 2h"
            ))
        )),
        "{}",
        outcome.stderr
    );
    // The master key's policy, or the role's.
    sts.behave(Behaviour::Answer {
        status: 403,
        body: super::fake_sts::error_xml("AccessDenied", "User: x is not authorized"),
    });
    let outcome = sandbox.run(direct);
    assert!(
        outcome.stderr.starts_with(&format!(
            "aws-mfa: {}\n",
            words::the_code_may_be_used_up(format!(
                "the access key {KEY_ID} is not allowed to assume the role {DEPLOY}"
            ))
        )),
        "{}",
        outcome.stderr
    );
}

/// A cache may answer instead of STS.
#[test]
fn credentials_of_another_role_are_not_saved() {
    let sts = FakeSts::start();
    let sandbox = with_profiles(&sts);
    assert_eq!(sandbox.run(["get", "-p", "work", "123456"]).status, 0);
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId>\
         <Arn>arn:aws:sts::333333333333:assumed-role/admin/igor</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>{0}</SecretAccessKey>\
         <SessionToken>{0}</SessionToken><Expiration>2040-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>",
        super::fake_sts::SECRET_WORD
    );
    sts.behave(Behaviour::Answer { status: 200, body });
    let outcome = sandbox.run(["load", "-p", "staging"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
    assert_eq!(
        outcome.stderr,
        format!(
            "aws-mfa: STS's answer is not a session for the role {DEPLOY}: it is for another role ({})\n",
            sts.url()
        )
    );
}
