//! `aws-mfa get`: what a code buys, and every way in which it can fail.

use super::fake_sts::{FakeSts, KEY_ID};
use super::sandbox::{DEVICE, Sandbox};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The time of day that a session of this length ends, give or take the second that it takes.
fn ends(length: SignedDuration) -> [String; 2] {
    let end = Timestamp::now() + length;
    [end, end - SignedDuration::from_secs(5)].map(|end| end.strftime("%H:%M").to_string())
}

fn saved(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(&std::fs::read(sandbox.session_file()).unwrap()).unwrap()
}

#[test]
fn a_code_buys_a_session_of_twelve_hours_in_a_private_file() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let outcome = sandbox.run(["get", "135790"]);

    let file = sandbox.session_file();
    let possible = ends(SignedDuration::from_hours(12)).map(|time| {
        format!(
            "saved session info to {} (valid 12h, until {time})\n",
            file.display()
        )
    });
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(possible.contains(&outcome.stdout), "{}", outcome.stdout);

    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].region, "us-east-1");
    assert_eq!(requests[0].form["TokenCode"], "135790");
    assert_eq!(requests[0].form["SerialNumber"], DEVICE);
    assert_eq!(requests[0].form["DurationSeconds"], "43200");

    let session = saved(&sandbox);
    assert_eq!(
        session["Credentials"]["AccessKeyId"],
        "ASIASESSION000000001"
    );
    assert_eq!(session["Credentials"]["SessionToken"], "token//S3CR3T+1==");
    let expiration = session["Credentials"]["Expiration"].as_str().unwrap();
    assert_eq!(expiration.len(), "2026-11-24T18:10:00Z".len());
    assert!(expiration.ends_with('Z'));
    assert_eq!(session.get("Region"), None);
    assert_eq!(sandbox.session_folder(), [format!("session-{KEY_ID}")]);
}

#[cfg(unix)]
#[test]
fn the_file_is_0600_its_folder_0700_and_a_symlink_stays_one() {
    use std::os::unix::fs::PermissionsExt;
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(sandbox.run(["get", "111111"]).status, 0);
    let file = sandbox.session_file();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);

    let target = sandbox.home().join("elsewhere");
    std::fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink("../../elsewhere", &file).unwrap();
    assert_eq!(sandbox.run(["get", "222222"]).status, 0);
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(
        saved(&sandbox)["Credentials"]["AccessKeyId"],
        "ASIASESSION000000002"
    );
    assert_eq!(mode(&target), 0o600);
}

#[test]
fn flags_beat_variables() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_MFA_DURATION", "2h");
    let file = sandbox.home().join("named here");
    let outcome = sandbox.run([
        "get",
        "--serial-number",
        "GAHT12345678",
        "--duration",
        "1h30m",
        "--region",
        "eu-central-1",
        "--session-file",
        file.to_str().unwrap(),
        "123 456",
    ]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(
        outcome.stdout.contains("(valid 1h 30m, until "),
        "{}",
        outcome.stdout
    );
    let request = &sts.requests()[0];
    assert_eq!(request.region, "eu-central-1");
    assert_eq!(request.form["SerialNumber"], "GAHT12345678");
    assert_eq!(request.form["DurationSeconds"], "5400");
    assert_eq!(request.form["TokenCode"], "123456");
    let session: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(session["Region"], "eu-central-1");
    assert!(!sandbox.session_file().exists());
}

#[test]
fn a_region_of_the_environment_is_asked_but_not_saved() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_DEFAULT_REGION", "eu-west-1");
    assert_eq!(sandbox.run(["get", "123", "456"]).status, 0);
    assert_eq!(sts.requests()[0].region, "eu-west-1");
    assert_eq!(saved(&sandbox).get("Region"), None);
}

#[test]
fn without_a_session_file_named_it_is_in_the_config_folder() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let xdg = sandbox.home().join("xdg");
    sandbox
        .unset("AWS_SESSION_FILE")
        .set("XDG_CONFIG_HOME", xdg);
    assert_eq!(sandbox.run(["get", "135790"]).status, 0);
    let file = sandbox.home().join(format!("xdg/aws/session-{KEY_ID}"));
    assert_eq!(file.exists(), !cfg!(windows));
}

#[test]
fn the_partition_of_the_device_chooses_the_region() {
    let sts = FakeSts::start();
    for (number, (device, region)) in [
        ("arn:aws:iam::123456789012:mfa/igor", "us-east-1"),
        ("arn:aws-cn:iam::123456789012:mfa/igor", "cn-north-1"),
        ("arn:aws-us-gov:iam::123456789012:mfa/igor", "us-gov-west-1"),
        ("arn:aws-iso:iam::123456789012:mfa/igor", "us-iso-east-1"),
        ("arn:aws-iso-b:iam::123456789012:mfa/igor", "us-isob-east-1"),
        ("arn:aws-iso-e:iam::123456789012:mfa/igor", "eu-isoe-west-1"),
        (
            "arn:aws-iso-f:iam::123456789012:mfa/igor",
            "us-isof-south-1",
        ),
        ("arn:aws-eusc:iam::123456789012:mfa/igor", "eusc-de-east-1"),
        ("GAHT12345678", "us-east-1"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox.set("AWS_MFA_ARN", device);
        let outcome = sandbox.run(["get", &format!("77777{number}")]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        let request = &sts.requests()[number];
        assert_eq!(request.region, region);
        assert_eq!(request.form["SerialNumber"], device);
    }
}

#[test]
fn lengths_of_a_session_are_read_as_people_write_them() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    for (number, (duration, seconds, told)) in [
        ("12h", "43200", "valid 12h, until "),
        ("90m", "5400", "valid 1h 30m, until "),
        ("1h30m", "5400", "valid 1h 30m, until "),
        ("3600", "3600", "valid 1h, until "),
        ("15m", "900", "valid 15m, until "),
        ("36h", "129600", "valid 36h, until 20"),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = sandbox.run(["get", "-d", duration, &format!("88888{number}")]);
        assert!(
            outcome.stdout.contains(told),
            "{}{}",
            outcome.stdout,
            outcome.stderr
        );
        assert_eq!(sts.requests()[number].form["DurationSeconds"], seconds);
    }
}

/// What is wrong before STS is asked: no request is sent, and the code is still good.
#[test]
fn what_is_missing_or_wrong_is_told_before_the_code_is_spent() {
    let sts = FakeSts::start();
    let keys = "hint: set both, or neither to have the keys looked for elsewhere\n";
    let duration =
        "hint: a session holds 15m to 36h; write 12h, 90m, 1h30m or a number of seconds\n";
    let code = "aws-mfa: an MFA code is six digits\n\
                hint: run `aws-mfa get <code>` with the digits that the MFA device shows\n";
    type Change = fn(&mut Sandbox);
    let cases: [(Change, &[&str], i32, String); 14] = [
        (
            |sandbox| {
                sandbox.unset("MASTER_AWS_ACCESS_KEY_ID").unset("MASTER_AWS_SECRET_ACCESS_KEY");
            },
            &["get", "135790"],
            1,
            "aws-mfa: no master keys are set\n\
             hint: export MASTER_AWS_ACCESS_KEY_ID and MASTER_AWS_SECRET_ACCESS_KEY, or name a profile that has keys: `--profile <name>`\n".into(),
        ),
        (
            |sandbox| {
                sandbox.unset("MASTER_AWS_SECRET_ACCESS_KEY");
            },
            &["get", "135790"],
            1,
            format!("aws-mfa: MASTER_AWS_SECRET_ACCESS_KEY is not set, but MASTER_AWS_ACCESS_KEY_ID is\n{keys}"),
        ),
        (
            |sandbox| {
                sandbox.set("MASTER_AWS_ACCESS_KEY_ID", "");
            },
            &["get", "135790"],
            1,
            format!("aws-mfa: MASTER_AWS_ACCESS_KEY_ID is not set, but MASTER_AWS_SECRET_ACCESS_KEY is\n{keys}"),
        ),
        (
            |sandbox| {
                sandbox.set("MASTER_AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
            },
            &["get", "135790"],
            1,
            "aws-mfa: MASTER_AWS_ACCESS_KEY_ID is of a session (ASIA…), not of the long-term keys\n\
             hint: give the user's own access key there (AKIA…): a session cannot get another session\n".into(),
        ),
        (
            |sandbox| {
                sandbox.unset("AWS_MFA_ARN");
            },
            &["get", "135790"],
            1,
            "aws-mfa: no MFA device is named\n\
             hint: set AWS_MFA_ARN to its ARN, arn:aws:iam::<account>:mfa/<name>: the IAM console shows it under Security credentials\n".into(),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_MFA_ARN", "igor");
            },
            &["get", "135790"],
            1,
            "aws-mfa: not an MFA device: igor\n\
             hint: name its ARN (arn:aws:iam::<account>:mfa/<name>) or the serial number on a hardware device\n".into(),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_MFA_ARN", "arn:aws:iam::123456789012:u2f/user/igor/key-AB12");
            },
            &["get", "135790"],
            1,
            "aws-mfa: a FIDO security key or passkey gives no codes, and STS takes nothing else: arn:aws:iam::123456789012:u2f/user/igor/key-AB12\n\
             hint: add a virtual MFA device (an authenticator app) to the same user, and name its ARN\n".into(),
        ),
        (
            |_| {},
            &["get", "135790", "--duration", "14m59s"],
            2,
            format!("aws-mfa: too short for a session: 14m59s\n{duration}"),
        ),
        (|_| {}, &["get", "12345"], 2, code.into()),
        (|_| {}, &["get", "1234567"], 2, code.into()),
        (
            |_| {},
            &["get", "135790", "--duration", "37h"],
            2,
            format!("aws-mfa: too long for a session: 37h\n{duration}"),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_MFA_DURATION", "half a day");
            },
            &["get", "135790"],
            2,
            format!("aws-mfa: not a length of time: half a day\n{duration}"),
        ),
        (
            |sandbox| {
                sandbox.unset("AWS_ENDPOINT_URL_STS");
            },
            &["get", "135790", "--region", "the moon"],
            1,
            "aws-mfa: there is no STS for the region the moon\n\
             hint: name a region like us-east-1: `--region`, AWS_REGION, or region of the profile\n".into(),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_ENDPOINT_URL_STS", "localhost:5000");
            },
            &["get", "135790"],
            1,
            "aws-mfa: not the URL of an endpoint: localhost:5000\n\
             hint: check AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL: https://<host>\n".into(),
        ),
    ];
    for (change, arguments, status, stderr) in cases {
        let mut sandbox = Sandbox::with_user(&sts);
        change(&mut sandbox);
        sandbox.run(arguments).is(status, "", &stderr);
        assert!(!sandbox.session_file().exists());
    }
    assert!(sts.requests().is_empty());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_the_code_is_spent() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let folder = sandbox.write("taken", "a file");
    let file = folder.join("session");
    sandbox.set("AWS_SESSION_FILE", &file);
    let outcome = sandbox.run(["get", "135790"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
    let expected = format!(
        "aws-mfa: cannot save the session in {}: cannot write in the directory {}: ",
        file.display(),
        folder.display()
    );
    assert!(outcome.stderr.starts_with(&expected), "{}", outcome.stderr);
    assert!(sts.requests().is_empty());
}

#[test]
fn no_server_at_the_endpoint_leaves_the_code_good() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    sandbox.set("AWS_ENDPOINT_URL_STS", format!("http://127.0.0.1:{port}"));
    sandbox.run(["get", "135790"]).is(
        1,
        "",
        &format!(
            "aws-mfa: cannot connect to http://127.0.0.1:{port}: connection refused\n\
             hint: the code is still good while the device shows it: run `aws-mfa get <code>` again\n"
        ),
    );
}

#[test]
fn a_forgotten_verb_does_not_put_the_code_on_the_screen() {
    let outcome = Sandbox::new().run(["123456"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
    assert!(
        outcome
            .stderr
            .starts_with("error: unrecognized subcommand '******'\n")
    );
    let outcome = Sandbox::new().run(["135", "790"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
    assert!(
        outcome
            .stderr
            .starts_with("error: unrecognized subcommand '******'\n")
    );
}
