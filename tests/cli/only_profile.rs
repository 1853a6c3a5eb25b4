//! One profile with access keys: nothing needs to select it.

use super::fake_iam::FakeIam;
use super::fake_sts::{FakeSts, KEY_ID, SECRET};
use super::sandbox::{DEVICE, Outcome, Sandbox, process_json, profile_keys};
use super::words;

/// What `get` says of the profile.
const NOTE: &str = "aws-mfa: profile work, the only one with access keys\n";

/// Where `status` and `doctor` say the selection comes from.
const ORIGIN: &str = "(the only profile with access keys)";

/// A role, as a profile.
const ROLE: &str = "role_arn = arn:aws:iam::210987654321:role/deploy\nsource_profile = work\n";

/// Keys that another tool has got for a while.
const TEMPORARY: &str =
    "aws_access_key_id = ASIAOTHER\naws_secret_access_key = x\naws_session_token = y\n";

/// A user whose `~/.aws` is this, and with nothing that selects a profile. IAM knows the device.
pub fn with_files(sts: &FakeSts, config: &str, credentials: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_profile(sts);
    sandbox.unset("AWS_MFA_PROFILE").unset("AWS_MFA_ARN");
    sandbox.write(".aws/config", config);
    sandbox.write(".aws/credentials", credentials);
    sts.set_iam(FakeIam {
        devices: vec![DEVICE.to_owned()],
        ..FakeIam::default()
    });
    sandbox
}

/// The same with the user's keys in `[work]`, and the device in its profile.
fn with_work(sts: &FakeSts, config: &str, credentials: &str) -> Sandbox {
    let config = format!("[profile work]\nmfa_serial = {DEVICE}\n{config}");
    let credentials = format!("{credentials}\n[work]\n{}", profile_keys());
    with_files(sts, &config, &credentials)
}

/// Checks that `get` uses the keys of work.
#[track_caller]
fn gets_for_work(sandbox: &Sandbox, case: &str) {
    let got = sandbox.run(["get", "111111"]);
    assert_eq!((got.status, got.stderr.as_str()), (0, NOTE), "{case}");
    assert_eq!(sandbox.session_directory(), ["session-work"], "{case}");
}

/// The line that begins like this.
#[track_caller]
fn line(shown: &Outcome, start: &str) -> String {
    let found = shown.stdout.lines().find(|line| line.starts_with(start));
    found
        .unwrap_or_else(|| panic!("no {start}: {}", shown.stdout))
        .to_owned()
}

#[test]
fn only_profile_with_keys_is_meant_by_every_verb() {
    let sts = FakeSts::start();
    let config = "region = eu-central-1\nduration_seconds = 3600\n[default]\nregion = eu-west-1\n";
    let sandbox = with_work(&sts, config, "");
    gets_for_work(&sandbox, "");
    let request = &sts.requests()[0];
    assert_eq!(request.region, "eu-central-1");
    assert_eq!(request.form["SerialNumber"], DEVICE);
    assert_eq!(request.form["DurationSeconds"], "3600");
    assert_eq!(sandbox.run(["get", "--quiet", "222222"]).succeeded(), "");

    let loaded = sandbox.run(["load"]).succeeded().to_owned();
    assert!(
        loaded.contains("export AWS_REGION='eu-central-1'\n"),
        "{loaded}"
    );
    assert!(loaded.contains("export AWS_MFA_LOADED='work:"), "{loaded}");
    assert_eq!(sandbox.run(["load", "-p", "work"]).succeeded(), loaded);
    let prompt = sandbox.run(["prompt", "--format", "sh", "1"]);
    assert!(prompt.succeeded().contains("export AWS_MFA_LOADED='work:"));
    let environment = sandbox.run(["exec", "--", "aws-mfa", "status", "--json"]);
    assert!(
        environment.stdout.contains("\"loaded\": true"),
        "{}",
        environment.stdout
    );

    let status = sandbox.run(["status"]);
    assert!(line(&status, "profile: ").ends_with(&format!(" work {ORIGIN}")));
    assert!(line(&status, "session file: ").ends_with(&format!("session-work {ORIGIN}")));
    let status = sandbox.run(["status", "--json"]).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(
        status["settings"]["profile"]["origin"]["kind"],
        "only_profile"
    );
    let doctor = sandbox.run(["doctor"]).stdout;
    assert!(
        doctor.contains(&format!("profile work {ORIGIN}")),
        "{doctor}"
    );
    assert!(
        doctor.contains(&format!("{KEY_ID} belongs to ")),
        "{doctor}"
    );

    // It has no role, so it needs a second profile for SDKs only because it is the one.
    let stanza = sandbox.run(["init", "aws-config"]);
    assert!(
        stanza.succeeded().contains("[profile work-mfa]\n"),
        "{}",
        stanza.stdout
    );
    let rotated = sandbox.run(["rotate"]);
    assert_eq!(rotated.status, 0, "{}", rotated.stderr);
    let file = sandbox.home().join(".aws/credentials");
    assert!(!std::fs::read_to_string(file).unwrap().contains(KEY_ID));
    assert_eq!(sandbox.run(["load"]).status, 0);
    assert_eq!(sandbox.run(["clear"]).status, 0);
    assert!(
        !sandbox
            .session_directory()
            .contains(&"session-work".to_owned())
    );
}

#[test]
fn device_of_the_only_profile_is_found() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "", &format!("[work]\n{}", profile_keys()));
    let got = sandbox.run(["get", "111111"]);
    let device = words::found_the_device(DEVICE);
    assert_eq!(
        (got.status, got.stderr),
        (0, format!("aws-mfa: {device}\n{NOTE}"))
    );
    let stanza = sandbox.run(["init", "aws-config"]);
    assert!(
        stanza.succeeded().contains("[profile work-mfa]\n"),
        "{}",
        stanza.stdout
    );
}

#[test]
fn profile_without_keys_of_its_own_does_not_count() {
    let damaged = "[profile broken]\nregion\n[profile open\nregion = x\n";
    for (config, credentials) in [
        (format!("[profile prod]\n{ROLE}"), String::new()),
        (
            format!("[profile prod]\n{ROLE}{}", profile_keys()),
            String::new(),
        ),
        (
            "[profile sdk]\ncredential_process = aws-mfa load --profile work --format process\n"
                .into(),
            String::new(),
        ),
        (
            "[default]\ncredential_process = aws-mfa load --format process\n".into(),
            String::new(),
        ),
        (
            "[profile sso]\ncredential_process = saml2aws script --credential-process\n".into(),
            String::new(),
        ),
        (String::new(), format!("[other]\n{TEMPORARY}")),
        (String::new(), format!("[default]\n{TEMPORARY}")),
        (
            "[profile sso]\nsso_session = x\n[sso-session x]\nsso_region = eu-west-1\n".into(),
            String::new(),
        ),
        (
            "[default]\nsso_session = x\n[sso-session x]\nsso_region = eu-west-1\n".into(),
            String::new(),
        ),
        (
            "[default]\nregion = eu-west-1\noutput = json\nmfa_serial = GAHT12345678\n".into(),
            String::new(),
        ),
        (
            damaged.into(),
            "[odd\naws_access_key_id = AKIAODD\naws_secret_access_key = x\n".into(),
        ),
    ] {
        let sts = FakeSts::start();
        let sandbox = with_work(&sts, &config, &credentials);
        gets_for_work(&sandbox, &format!("{config}{credentials}"));
    }
}

#[test]
fn keys_that_a_command_prints_count() {
    let sts = FakeSts::start();
    let config = format!("[profile work]\nmfa_serial = {DEVICE}\ncredential_process = cat store\n");
    let sandbox = with_files(&sts, &config, "");
    sandbox.write("store", process_json());
    gets_for_work(&sandbox, "");
    assert_eq!(
        sandbox.run(["load"]).stdout,
        sandbox.run(["load", "-p", "work"]).stdout
    );
}

#[test]
fn anything_that_selects_comes_before_the_only_profile() {
    let own = format!("mfa_serial = {DEVICE}\n{}", profile_keys());
    // What `default` says of its own keys, even if that is wrong.
    for (default, expected) in [
        (own.as_str(), Ok("session-default")),
        ("source_profile = work\n", Ok("session-work")),
        (
            "credential_process = aws-mfa load -p work\n",
            Ok("session-work"),
        ),
        (
            "aws_access_key_id = AKIAHALF\n",
            Err("aws_secret_access_key in the profile default is not set"),
        ),
        ("region\n", Err("cannot read the profile default: line ")),
    ] {
        let sts = FakeSts::start();
        let sandbox = with_work(&sts, &format!("[default]\n{default}"), "");
        let got = sandbox.run(["get", "111111"]);
        match expected {
            Ok(name) => {
                assert_eq!(got.status, 0, "{default}{}", got.stderr);
                assert!(
                    !got.stderr.contains("the only one"),
                    "{default}{}",
                    got.stderr
                );
                assert!(
                    sandbox.session_directory().contains(&name.to_owned()),
                    "{default}"
                );
            }
            Err(message) => assert!(got.failed(1).contains(message), "{default}{}", got.stderr),
        }
    }
    let sts = FakeSts::start();
    let sandbox = with_work(&sts, &format!("[default]\n{ROLE}"), "");
    let role = sandbox.run(["get", "111111"]).stderr;
    assert!(
        role.contains("not allowed to assume the role") && !role.contains("the only one"),
        "{role}"
    );
    let mut sandbox = with_work(&sts, "", "");
    sandbox.set("AWS_PROFILE", "other");
    assert!(
        sandbox
            .run(["get", "111111"])
            .failed(1)
            .contains(&words::there_is_no_profile("other", &sandbox.home()))
    );
    sandbox.unset("AWS_PROFILE");
    sandbox.write(".aws/config", "[default\nregion = eu-west-1\n");
    assert!(
        sandbox
            .run(["get", "111111"])
            .failed(1)
            .contains("write it as [default]")
    );
    // The environment comes before a profile that nobody has named.
    let sts = FakeSts::start();
    let mut sandbox = with_work(&sts, "duration_seconds = 3600\n", "");
    sandbox
        .set("AWS_MFA_ARN", "GAHT12345678")
        .set("AWS_MFA_DURATION", "2h");
    gets_for_work(&sandbox, "");
    let request = sts.requests().pop().unwrap();
    assert_eq!(request.form["SerialNumber"], "GAHT12345678");
    assert_eq!(request.form["DurationSeconds"], "7200");
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET);
    sandbox.get("222222");
    assert!(sandbox.session_file().exists());
}

#[test]
fn session_file_that_is_named_is_for_the_keys_of_the_only_profile() {
    let sts = FakeSts::start();
    let mut sandbox = with_work(&sts, "duration_seconds = 3600\n", "");
    let file = sandbox.home().join("here");
    sandbox.set("AWS_SESSION_FILE", &file);
    let got = sandbox.run(["get", "111111"]);
    assert_eq!((got.status, got.stderr.as_str()), (0, NOTE));
    assert_eq!(sts.requests()[0].form["DurationSeconds"], "3600");
    assert!(file.exists());
    assert!(line(&sandbox.run(["status"]), "profile: ").ends_with(&format!(" work {ORIGIN}")));
    sandbox.run(["load"]).succeeded();
    let rotated = sandbox.run(["rotate"]);
    assert_eq!(rotated.status, 0, "{}", rotated.stderr);
    assert!(
        rotated.stderr.contains("(profile work)"),
        "{}",
        rotated.stderr
    );
}

#[test]
fn rotation_goes_on_when_the_only_profile_has_lost_its_keys() {
    let sts = FakeSts::start();
    let config = format!(
        "[profile work]\nmfa_serial = {DEVICE}\ncredential_process = cat store\nmfa_store_process = false\n"
    );
    let sandbox = with_files(&sts, &config, "");
    sandbox.write("store", process_json());
    gets_for_work(&sandbox, "");
    let rotated = sandbox.run(["rotate"]);
    assert_eq!(rotated.status, 1, "{}", rotated.stderr);
    let again = "run `aws-mfa rotate` to store it again";
    assert!(rotated.stderr.contains(again), "{}", rotated.stderr);
    sandbox.write(".aws/config", "");
    let rotated = sandbox.run(["rotate"]);
    assert_eq!(rotated.status, 0, "{}", rotated.stderr);
    let new = sts
        .iam()
        .keys
        .into_iter()
        .find(|key| key.is_active)
        .unwrap();
    let stored = std::fs::read_to_string(sandbox.home().join(".aws/credentials")).unwrap();
    assert!(
        new.id != KEY_ID
            && stored.starts_with(&format!("[work]\naws_access_key_id = {}\n", new.id)),
        "{stored}"
    );
    // Nothing of that for somebody who has just no keys.
    let other = with_files(&sts, "", "");
    assert!(other.run(["rotate"]).failed(1).contains("no access key"));
}

#[test]
fn second_profile_with_keys_is_an_error_whose_hints_work() {
    let sts = FakeSts::start();
    let mut sandbox = with_work(&sts, "", "");
    gets_for_work(&sandbox, "");
    let file = sandbox.home().join(".aws/credentials");
    let credentials = std::fs::read_to_string(&file).unwrap();
    // A fault in it does not make it the one that is left.
    for second in [
        profile_keys(),
        format!("{}region\n", profile_keys()),
        "aws_secret_access_key = x\n".into(),
    ] {
        sandbox.write(
            ".aws/credentials",
            format!("{credentials}[my prod]\n{second}"),
        );
        let said = words::failure(
            "no profile is selected, and several have access keys: my prod, work",
            "add `--profile 'my prod'`, or set AWS_MFA_PROFILE to 'my prod'",
        );
        for verb in [
            &["get", "222222"][..],
            &["load"],
            &["rotate"],
            &["exec", "true"],
            &["clear"],
        ] {
            assert_eq!(sandbox.run(verb).failed(1), said, "{second}");
        }
    }
    let doctor = sandbox.run(["doctor"]);
    assert!(
        doctor
            .stdout
            .contains("error   settings: no profile is selected, and several "),
        "{}",
        doctor.stdout
    );
    assert_eq!(sandbox.run(["load", "-p", "work"]).status, 0);
    sandbox.write(
        ".aws/credentials",
        format!("{credentials}[my prod]\n{}", profile_keys()),
    );
    sandbox.set("AWS_MFA_ARN", DEVICE);
    let hinted = Outcome::of(
        sandbox
            .command("sh")
            .args(["-c", "aws-mfa get --profile 'my prod' 222222"]),
    );
    assert!(!hinted.succeeded().is_empty());
    sandbox.set("AWS_MFA_PROFILE", "my prod");
    assert_eq!(sandbox.run(["load"]).status, 0);
    sandbox.unset("AWS_MFA_PROFILE");
    sandbox.write(
        ".aws/credentials",
        format!("[-x]\n{0}[work]\n{0}", profile_keys()),
    );
    let said = sandbox.run(["load"]).failed(1).to_owned();
    assert!(said.contains("hint: add `--profile=-x`, "), "{said}");
    assert_eq!(sandbox.run(["get", "--profile=-x", "333333"]).status, 0);
    // Only some of them are listed, and nothing in a name can act on a terminal.
    let many: String = (10..30)
        .map(|number| format!("[a{number}\u{1b}]\n{}", profile_keys()))
        .collect();
    sandbox.write(".aws/credentials", many);
    let said = sandbox.run(["load"]).failed(1).to_owned();
    assert!(
        said.contains("a17\\u{1b} and 12 more\n") && !said.contains("a18"),
        "{said}"
    );
}
