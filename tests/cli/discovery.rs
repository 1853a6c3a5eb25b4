//! `get` without a configured MFA device, which it finds in IAM.

use super::fake_iam::FakeIam;
use super::fake_sts::{Behaviour, FakeSts, KEY_ID, Role};
use super::sandbox::{DEVICE, Sandbox, profile_keys};
use super::words;
#[cfg(unix)]
use super::{fake_sts::SECRET, terminal::Terminal};

const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";
/// A device that the fake STS does not take for the user's.
const GONE: &str = "arn:aws:iam::123456789012:mfa/gone";
const OTHER: &str = "arn:aws:iam::123456789012:mfa/phone/igor";
const FIDO: &str = "arn:aws:iam::123456789012:u2f/user/igor/key-ABC";
const WITHOUT_IAM: &str = "to skip IAM, set AWS_MFA_ARN to the device's ARN\n";

fn iam_with(devices: &[&str]) -> FakeIam {
    FakeIam {
        devices: devices.iter().map(|&device| device.to_owned()).collect(),
        ..FakeIam::default()
    }
}

/// A user with keys but no configured device. IAM lists these devices.
fn user(aws: &FakeSts, devices: &[&str]) -> Sandbox {
    aws.set_iam(iam_with(devices));
    let mut sandbox = Sandbox::with_user(aws);
    sandbox
        .unset("AWS_MFA_ARN")
        .set("AWS_ENDPOINT_URL_IAM", aws.url());
    sandbox
}

#[test]
fn malformed_code_is_an_error_before_anything_is_asked() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws, &[DEVICE]);
    for arguments in [
        &["get", "abc"][..],
        &["get", "12345"],
        &["get", "1234567"],
        &["get", "12345x", "--unless-valid"],
        // Not even of ~/.aws, which has no such profile.
        &["get", "-p", "nobody", "12345x"],
    ] {
        let outcome = sandbox.run(arguments);
        let said = outcome.failed(2);
        assert!(
            said.starts_with("aws-mfa: an MFA code has six digits\n"),
            "{said}"
        );
        assert!(!said.contains("12345") && !said.contains("abc"), "{said}");
    }
    let hint = sandbox.run(["get", "-p", "work", "-d", "8h", "1"]).stderr;
    let command = "`aws-mfa get --profile work --duration 8h <code>`";
    assert!(hint.contains(command), "{hint}");
    // Nor is a command run for the keys.
    sandbox
        .unset("MASTER_AWS_ACCESS_KEY_ID")
        .unset("MASTER_AWS_SECRET_ACCESS_KEY");
    sandbox.write(".aws/config", "[default]\ncredential_process = touch ran\n");
    sandbox.run(["get", "abc"]).failed(2);
    assert!(!sandbox.home().join("ran").exists());
    assert!(aws.requests().is_empty());
    assert!(aws.requests_for("ListMFADevices").is_empty());
}

#[test]
fn only_device_with_codes_is_discovered_and_remembered() {
    let aws = FakeSts::start();
    let sandbox = user(&aws, &[FIDO, DEVICE]);
    // All pages of the list are read.
    let pages = FakeIam {
        page: 1,
        ..iam_with(&[FIDO, DEVICE])
    };
    aws.set_iam(pages);
    let outcome = sandbox.run(["get", "111111"]);
    assert_eq!(
        (outcome.status, outcome.stderr.as_str()),
        (
            0,
            format!("aws-mfa: {}\n", words::found_the_device(DEVICE)).as_str()
        )
    );
    let requests = aws.requests_for("ListMFADevices");
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.key_id == KEY_ID));
    assert!(
        requests
            .iter()
            .all(|request| !request.form.contains_key("UserName"))
    );
    assert_eq!(requests[0].region, "us-east-1");
    let sessions = aws.requests_for("GetSessionToken");
    assert_eq!(sessions[0].form["SerialNumber"], DEVICE);

    sandbox.get("222222");
    assert_eq!(aws.requests_for("ListMFADevices").len(), 2);
    let sessions = aws.requests_for("GetSessionToken");
    assert_eq!(sessions[1].form["SerialNumber"], DEVICE);
    let status = sandbox.run(["status"]).stdout;
    let line = format!("\ndevice: {DEVICE} (found in IAM)\n");
    assert!(status.contains(&line), "{status}");

    // The device is remembered for one master key only: another user has another device.
    let file = sandbox.session_file();
    let saved = std::fs::read_to_string(&file).unwrap();
    sandbox.write(&file, saved.replace(KEY_ID, "AKIAOTHER"));
    assert_eq!(sandbox.run(["get", "333333"]).status, 0);
    assert_eq!(aws.requests_for("ListMFADevices").len(), 4);
}

#[test]
fn discovered_device_of_a_direct_role_is_remembered() {
    let aws = FakeSts::start();
    let sandbox = user(&aws, &[DEVICE]);
    aws.add_role(ROLE, Role::default());
    let get = |code| sandbox.run(["get", "--role-arn", ROLE, "--direct", code]);
    assert_eq!(
        get("111111").stderr,
        format!("aws-mfa: {}\n", words::found_the_device(DEVICE))
    );
    get("222222").succeeded();
    sandbox.get("333333");
    assert_eq!(aws.requests_for("ListMFADevices").len(), 1);
    let devices = aws.requests();
    let devices = devices
        .iter()
        .filter_map(|request| request.form.get("SerialNumber"));
    assert_eq!(devices.collect::<Vec<_>>(), [DEVICE; 3]);
}

#[cfg(unix)]
#[test]
fn remembered_device_of_a_credential_process_is_shown() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws, &[DEVICE]);
    sandbox
        .unset("MASTER_AWS_ACCESS_KEY_ID")
        .unset("MASTER_AWS_SECRET_ACCESS_KEY");
    sandbox.write(
        "key.json",
        format!(r#"{{"Version": 1, "AccessKeyId": "{KEY_ID}", "SecretAccessKey": "{SECRET}"}}"#),
    );
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = cat ~/key.json\n",
    );
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let status = sandbox.run(["status", "-p", "work"]).stdout;
    let line = format!("\ndevice: {DEVICE} (found in IAM)\n");
    assert!(status.contains(&line), "{status}");
}

/// The administrator has removed it from the user, who has another one by now.
#[test]
fn remembered_device_of_another_user_is_an_error_with_the_command_to_forget_it() {
    let aws = FakeSts::start();
    let sandbox = user(&aws, &[DEVICE]);
    sandbox.write(
        ".aws/config",
        format!("[profile work]\n[profile staging]\nrole_arn = {ROLE}\nsource_profile = work\n"),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let file = sandbox.home().join(".config/aws/session-work");
    let saved = std::fs::read_to_string(&file).unwrap();
    sandbox.write(&file, saved.replace(DEVICE, GONE));
    aws.set_iam(iam_with(&[OTHER]));
    // Where a backslash separates directories, a path in a hint is quoted.
    let quote = if cfg!(windows) { "\"" } else { "" };
    for (arguments, clear) in [
        (&["-p", "work"][..], "aws-mfa clear --profile work"),
        (
            &["-p", "staging", "--direct"],
            "aws-mfa clear --profile work",
        ),
        (
            &["-p", "work", "--session-file", file.to_str().unwrap()],
            &format!(
                "aws-mfa clear --profile work --session-file {quote}{}{quote}",
                file.display()
            ),
        ),
    ] {
        let outcome = sandbox.run([&["get"], arguments, &["222222"]].concat());
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
        let said = format!("the MFA device {GONE} belongs to another user, ");
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
        let hint = format!(
            "\nhint: run `{clear}`: the next `aws-mfa get` asks IAM for the device again; "
        );
        assert!(outcome.stderr.contains(&hint), "{}", outcome.stderr);
    }
    sandbox.run(["clear", "-p", "work"]).succeeded();
    assert_eq!(
        sandbox.run(["get", "-p", "work", "222222"]).stderr,
        format!("aws-mfa: {}\n", words::found_the_device(OTHER))
    );
}

#[test]
fn configured_device_is_used_without_iam() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws, &[OTHER]);
    sandbox.set("AWS_MFA_ARN", DEVICE).get("111111");
    assert!(aws.requests_for("ListMFADevices").is_empty());
    let saved = sandbox.saved_session();
    assert_eq!(saved.get("DiscoveredDevice"), None);
}

#[test]
fn iam_endpoint_comes_from_the_regions_partition_or_the_profile() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws, &["arn:aws-cn:iam::123456789012:mfa/igor"]);
    sandbox
        .unset("AWS_ENDPOINT_URL_IAM")
        .unset("AWS_ENDPOINT_URL_STS");
    let url = aws.url();
    sandbox.write(
        ".aws/config",
        format!("[profile work]\nregion = cn-northwest-1\nendpoint_url = {url}\n"),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let requests = aws.requests();
    assert_eq!(requests[0].region, "cn-north-1");
    assert_eq!(requests[1].region, "cn-northwest-1");
}

#[test]
fn missing_device_is_an_error_before_any_code() {
    let aws = FakeSts::start();
    let add = "hint: add a virtual MFA device (an authenticator app) in the IAM console, under Security credentials\n";
    let fails = |sandbox: &Sandbox, message: &str| {
        sandbox
            .run(["get"])
            .is(1, "", &format!("aws-mfa: {message}"));
        assert!(!sandbox.session_file().exists());
    };
    fails(
        &user(&aws, &[]),
        &format!("this user has no MFA device\n{add}"),
    );
    fails(
        &user(&aws, &[FIDO]),
        &format!(
            "this user has only security keys or passkeys, which generate no six-digit code for STS: {FIDO}\n{add}"
        ),
    );
    let sandbox = user(&aws, &[DEVICE]);
    aws.set_iam(FakeIam {
        is_denied: true,
        ..FakeIam::default()
    });
    fails(
        &sandbox,
        &format!(
            "this user is not allowed to list its own MFA devices\n  \
             AccessDenied: User: arn:aws:iam::123456789012:user/team/igor is not authorized to perform: \
             iam:ListMFADevices on resource: user igor (request 42d59b56-7407-4c4a-be0f-4c88daeea257)\n\
             hint: allow iam:ListMFADevices on arn:aws:iam::*:user/${{aws:username}}; {WITHOUT_IAM}"
        ),
    );
    let url = aws.url();
    let broke = words::the_connection_broke(&url);
    for (behaviour, message) in [
        (Behaviour::Close, format!("{broke}\nhint: {WITHOUT_IAM}")),
        (Behaviour::Reset, format!("{broke}\nhint: {WITHOUT_IAM}")),
        (
            Behaviour::Answer {
                status: 200,
                body: "<html>Sign in</html>".into(),
            },
            format!(
                "IAM's answer is not a list of MFA devices: it cannot be parsed ({url})\nhint: {WITHOUT_IAM}"
            ),
        ),
        (
            Behaviour::Answer {
                status: 302,
                body: "<html>".into(),
            },
            format!(
                "the response from {url} is not from IAM (HTTP 302): a proxy or sign-in page may be in the way\nhint: {WITHOUT_IAM}"
            ),
        ),
    ] {
        aws.behave(behaviour);
        fails(&sandbox, &message);
    }
    assert!(aws.requests_for("GetSessionToken").is_empty());
}

/// What may exist tomorrow is looked up.
#[test]
fn region_that_cannot_exist_is_an_error_before_any_request() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws, &[DEVICE]);
    sandbox.unset("AWS_ENDPOINT_URL_STS");
    for (region, hint) in [
        ("EU-WEST-1", "write eu-west-1"),
        ("eu-west-1a", "write eu-west-1"),
        ("eu-west-1 ", "write eu-west-1"),
        ("europe", "a region is written like eu-west-1"),
        ("eu_west_1", "a region is written like eu-west-1"),
    ] {
        sandbox.set("AWS_REGION", region);
        sandbox.run(["get", "111111"]).is(
            1,
            "",
            &words::failure(
                &format!("AWS_REGION is not the name of a region: \"{region}\""),
                hint,
            ),
        );
    }
    for region in ["eu-west-1", "mx-south-1", "sa-west-1"] {
        sandbox.set("AWS_REGION", region);
        let shown = sandbox.run(["status"]).stdout;
        let endpoint = format!("\nSTS endpoint: https://sts.{region}.amazonaws.com (default)\n");
        assert!(shown.contains(&endpoint), "{shown}");
    }
    assert!(aws.requests().is_empty());
}

/// A server that pretends to be IAM.
#[test]
fn list_of_a_thousand_devices_shows_eight() {
    let names: Vec<String> = (0..1000)
        .map(|number| format!("{DEVICE}{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let aws = FakeSts::start();
    let outcome = user(&aws, &names).run(["get", "111111"]);
    let first = outcome.failed(1).lines().next().unwrap();
    let message = "aws-mfa: this user has several MFA devices: ";
    assert_eq!(first, format!("{message}{}", names[..8].join(", ")));
}

#[test]
fn several_devices_without_a_terminal_are_an_error_that_lists_them() {
    let aws = FakeSts::start();
    let sandbox = user(&aws, &[DEVICE, FIDO, OTHER]);
    sandbox.run(["get", "-d", "8h", "111111"]).is(
        1,
        "",
        &format!(
            "aws-mfa: this user has several MFA devices: {DEVICE}, {OTHER}\n\
             hint: choose one with AWS_MFA_ARN, mfa_serial in the profile, or \
             `aws-mfa get --serial-number <device> --duration 8h <code>`\n"
        ),
    );
}

#[cfg(unix)]
#[test]
fn several_devices_on_a_terminal_are_a_choice() {
    let aws = FakeSts::start();
    let sandbox = user(&aws, &[DEVICE, FIDO, OTHER]);
    let mut terminal = Terminal::run(&sandbox, "aws-mfa get");
    let list = terminal.wait_for("Number of the device to use: ");
    assert_eq!(
        list.replace('\r', ""),
        format!("This user has several MFA devices:\n1  {DEVICE}\n2  {OTHER}\n")
    );
    terminal.type_line("3");
    terminal.wait_for("Enter a number from 1 to 2: ");
    terminal.type_line("2");
    terminal.wait_for(&format!("MFA code for {OTHER}: "));
    terminal.type_line("111111");
    let (status, shown) = terminal.end();
    assert_eq!(status, 0, "{shown}");
    let sessions = aws.requests_for("GetSessionToken");
    assert_eq!(sessions[0].form["SerialNumber"], OTHER);
    sandbox.get("222222");
    assert_eq!(aws.requests_for("ListMFADevices").len(), 1);
}
