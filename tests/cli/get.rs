//! `aws-mfa get`: success, and errors before and after the request.

use super::fake_sts::{FakeSts, KEY_ID, WRONG_CODE};
use super::sandbox::{DEVICE, Sandbox, read_json};
use super::words;
use jiff::{SignedDuration, Timestamp};
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;

/// The time of day at which a session of this duration ends, give or take a second.
fn ends(length: SignedDuration) -> [String; 2] {
    let end = Timestamp::now() + length;
    [end, end - SignedDuration::from_secs(5)].map(|end| end.strftime("%H:%M").to_string())
}

#[test]
fn get_with_defaults_saves_a_12_hour_session() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let outcome = sandbox.run(["get", "135790"]);

    let possible = ends(SignedDuration::from_hours(12))
        .map(|time| format!("{} until {time} (12h)\n", words::session_is_valid(KEY_ID)));
    outcome.succeeded();
    assert!(possible.contains(&outcome.stdout), "{}", outcome.stdout);

    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].region, "us-east-1");
    assert_eq!(requests[0].form["TokenCode"], "135790");
    assert_eq!(requests[0].form["SerialNumber"], DEVICE);
    assert_eq!(requests[0].form["DurationSeconds"], "43200");

    let session = sandbox.saved_session();
    assert_eq!(
        session["Credentials"]["AccessKeyId"],
        "ASIASESSION000000001"
    );
    assert_eq!(session["Credentials"]["SessionToken"], "token//S3CR3T+1==");
    let expiration = session["Credentials"]["Expiration"].as_str().unwrap();
    assert_eq!(expiration.len(), "2026-11-24T18:10:00Z".len());
    assert!(expiration.ends_with('Z'));
    assert_eq!(session.get("Region"), None);
    assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
}

#[test]
fn quiet_get_saves_the_session_and_prints_nothing() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.run(["get", "-q", "135790"]).is(0, "", "");
    assert!(sandbox.session_file().exists());
    sandbox
        .run(["get", "--quiet", "--unless-valid"])
        .is(0, "", "");
    assert_eq!(sandbox.run(["get", "-q", WRONG_CODE]).status, 4);
}

#[cfg(unix)]
#[test]
fn get_through_a_symlink_replaces_its_target() {
    use super::sandbox::mode;
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.get("111111");
    let file = sandbox.session_file();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);

    let target = sandbox.home().join("elsewhere");
    std::fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink("../../elsewhere", &file).unwrap();
    sandbox.get("222222");
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(
        read_json(&target)["Credentials"]["AccessKeyId"],
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
    outcome.succeeded();
    assert!(
        outcome
            .stdout
            .starts_with(&words::session_is_valid("named here"))
            && outcome.stdout.ends_with(&format!(
                " (1h 30m), in {}\n",
                words::with_tilde(file.display())
            )),
        "{}",
        outcome.stdout
    );
    let request = &sts.requests()[0];
    assert_eq!(request.region, "eu-central-1");
    assert_eq!(request.form["SerialNumber"], "GAHT12345678");
    assert_eq!(request.form["DurationSeconds"], "5400");
    assert_eq!(request.form["TokenCode"], "123456");
    assert_eq!(read_json(&file)["Region"], "eu-central-1");
    assert!(!sandbox.session_file().exists());
}

#[test]
fn region_from_the_environment_is_used_but_not_saved() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_DEFAULT_REGION", "eu-west-1");
    assert_eq!(sandbox.run(["get", "123", "456"]).status, 0);
    assert_eq!(sts.requests()[0].region, "eu-west-1");
    assert_eq!(sandbox.saved_session().get("Region"), None);
}

#[test]
fn default_session_file_is_in_xdg_config_home() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let xdg = sandbox.home().join("xdg");
    sandbox
        .unset("AWS_SESSION_FILE")
        .set("XDG_CONFIG_HOME", xdg);
    sandbox.get("135790");
    let file = sandbox.home().join(format!("xdg/aws/session-{KEY_ID}"));
    assert_eq!(file.exists(), !cfg!(windows));
}

/// device.rs tests the region of each partition.
#[test]
fn device_in_another_partition_uses_its_default_region() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let device = "arn:aws-cn:iam::123456789012:mfa/igor";
    sandbox.set("AWS_MFA_ARN", device).get("135790");
    let request = &sts.requests()[0];
    assert_eq!(request.region, "cn-north-1");
    assert_eq!(request.form["SerialNumber"], device);
}

/// No user of the one partition is in the other.
#[test]
fn device_in_another_partition_than_the_endpoint_is_an_error_before_the_code() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let device = "arn:aws-cn:iam::123456789012:mfa/igor";
    sandbox.set("AWS_MFA_ARN", device);
    for (variable, value, endpoint) in [
        (
            "AWS_REGION",
            "eu-west-1",
            "https://sts.eu-west-1.amazonaws.com",
        ),
        (
            "AWS_ENDPOINT_URL_STS",
            "https://vpce-1.sts.us-gov-west-1.vpce.amazonaws.com",
            "https://vpce-1.sts.us-gov-west-1.vpce.amazonaws.com",
        ),
    ] {
        sandbox.unset("AWS_ENDPOINT_URL_STS").unset("AWS_REGION");
        sandbox.set(variable, value);
        let other = if endpoint.contains("gov") {
            "aws-us-gov"
        } else {
            "aws"
        };
        sandbox.run(["get", "135790"]).is(
            1,
            "",
            &words::failure(
                &format!("the MFA device {device} is in the partition aws-cn, but {endpoint} is in {other}"),
                "use a region of aws-cn, such as `--region cn-north-1`, or check AWS_MFA_ARN",
            ),
        );
    }
    sandbox
        .unset("AWS_ENDPOINT_URL_STS")
        .set("AWS_REGION", "eu-west-1");
    let outcome = sandbox.run(["get", "--region", "cn-north-1", "135790"]);
    let sent = "aws-mfa: cannot connect to the proxy ";
    assert!(outcome.stderr.starts_with(sent), "{}", outcome.stderr);
    // Any other host may be a proxy or an emulator.
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url()).get("135790");
}

#[cfg(target_os = "linux")]
#[test]
fn quiet_get_reads_no_time_zones() {
    use super::sandbox::binary;
    use super::tool::{LOOK_INSIDE, root, tool};
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.unset("TZ");
    let reads_zones = |arguments: &[&str]| {
        let trace = sandbox.home().join("trace");
        let mut command = sandbox.command(&strace);
        command.args(["-f", "-e", "trace=open,openat,statx", "-o"]);
        sandbox
            .run_with(command.arg(&trace).arg(binary()).args(arguments))
            .succeeded();
        let calls = std::fs::read_to_string(trace).unwrap();
        assert!(calls.contains("session-"), "{calls}");
        calls.contains("zoneinfo") || calls.contains("/etc/localtime")
    };
    assert!(reads_zones(&["get", "111111"]));
    assert!(!reads_zones(&["get", "-q", "222222"]));
}

/// duration.rs tests the notations of a duration.
#[test]
fn expiry_of_a_36_hour_session_has_a_date() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let outcome = sandbox.run(["get", "-d", "36h", "135790"]);
    let shown = outcome.succeeded();
    assert!(
        shown.contains(" valid until 20") && shown.ends_with(" (36h)\n"),
        "{shown}"
    );
    assert_eq!(sts.requests()[0].form["DurationSeconds"], "129600");
}

/// Errors before the request: nothing is sent, and the code stays valid.
#[test]
fn missing_or_invalid_setting_is_an_error_before_any_request() {
    let sts = FakeSts::start();
    let keys = "hint: set both, or unset both to use keys from another source\n";
    let duration =
        "hint: a session lasts 15m to 36h; write 12h, 90m, 1h30m or a number of seconds\n";
    let code = words::failure(
        "an MFA code has six digits",
        &format!(
            "{} with the digits that the MFA device shows",
            words::get_a_session()
        ),
    );
    type Change = fn(&mut Sandbox);
    let cases: [(Change, &[&str], i32, String); 12] = [
        (
            |sandbox| {
                sandbox.unset("MASTER_AWS_ACCESS_KEY_ID").unset("MASTER_AWS_SECRET_ACCESS_KEY");
            },
            &["get", "135790"],
            1,
            "aws-mfa: no access key is configured\n\
             hint: put aws_access_key_id and aws_secret_access_key under [default] in ~/.aws/credentials, or set MASTER_AWS_ACCESS_KEY_ID and MASTER_AWS_SECRET_ACCESS_KEY\n".into(),
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
            "aws-mfa: MASTER_AWS_ACCESS_KEY_ID is a temporary key (ASIA…); a long-term key (AKIA…) is required\n\
             hint: set it to the user's own access key: GetSessionToken requires a long-term key\n".into(),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_MFA_ARN", "igor");
            },
            &["get", "135790"],
            1,
            "aws-mfa: not an MFA device: igor\n\
             hint: use its ARN (arn:aws:iam::<account>:mfa/<name>), or the serial number on a hardware device\n".into(),
        ),
        (
            |_| {},
            &["get", "135790", "--serial-number", "arn:aws:iam::123456789012/mfa/igor"],
            1,
            "aws-mfa: not the ARN of an MFA device: arn:aws:iam::123456789012/mfa/igor\n\
             hint: an MFA device's ARN is arn:aws:iam::<account>:mfa/<name>\n".into(),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_MFA_ROLE_ARN", "arn:aws:iam::123456789012:roles/admin");
            },
            &["get", "135790"],
            1,
            "aws-mfa: AWS_MFA_ROLE_ARN is not the ARN of a role: arn:aws:iam::123456789012:roles/admin\n\
             hint: a role's ARN is arn:aws:iam::<account>:role/<name>\n".into(),
        ),
        (|_| {}, &["get", "12345"], 2, code.clone()),
        (|_| {}, &["get", "1234567"], 2, code.clone()),
        (
            |_| {},
            &["get", "135790", "--duration", "37h"],
            2,
            format!("aws-mfa: too long for a session: 37h\n{duration}"),
        ),
        (
            |sandbox| {
                sandbox.unset("AWS_ENDPOINT_URL_STS");
            },
            &["get", "135790", "--region", "the moon"],
            1,
            "aws-mfa: --region is not the name of a region: \"the moon\"\n\
             hint: a region is written like eu-west-1\n".into(),
        ),
        (
            |sandbox| {
                sandbox.set("AWS_ENDPOINT_URL_STS", "localhost:5000");
            },
            &["get", "135790"],
            1,
            "aws-mfa: AWS_ENDPOINT_URL_STS does not begin with https:// or http://\n\
             hint: write an endpoint as https://<host> or https://<host>:<port>\n".into(),
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
fn refused_connection_is_an_error_that_leaves_the_code_valid() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    // The port belongs to this socket, which does not listen.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    sandbox.set("AWS_ENDPOINT_URL_STS", format!("http://{address}"));
    sandbox.run(["get", "135790"]).is(
        1,
        "",
        &words::failure(
            &words::connection_refused(format!("http://{address}")),
            words::the_code_is_still_valid(),
        ),
    );
}

/// This keeps every test on this machine: without its own endpoint, a request fails at the proxy.
#[test]
fn request_to_aws_itself_does_not_leave_the_sandbox() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.unset("AWS_ENDPOINT_URL_STS");
    sandbox.run(["get", "135790"]).is(
        1,
        "",
        &words::failure(
            &words::connection_refused("the proxy http://127.0.0.1:1"),
            &format!("check HTTPS_PROXY; {}", words::the_code_is_still_valid()),
        ),
    );
}
