//! How long `get` waits for an answer, for a connection and for the next code.

#[cfg(unix)]
use super::deadline::InTime;
use super::fake_sts::{Behaviour, FakeSts, KEY_ID};
#[cfg(unix)]
use super::fake_sts::{SECRET, WRONG_CODE};
use super::sandbox::{Sandbox, in_an_hour};
use super::words;
use std::time::{Duration, Instant};

#[test]
fn silent_server_times_out_after_20_s_with_the_code_in_doubt() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write_session(in_an_hour());
    let before = std::fs::read(&file).unwrap();
    sts.behave(Behaviour::Silence);
    let started = Instant::now();
    let outcome = sandbox.run(["get", "135790"]);
    assert!(started.elapsed() < Duration::from_secs(25));
    outcome.failed(1);
    assert_eq!(
        outcome.without_wait(),
        words::failure(
            &words::the_code_may_be_used_up(format!("no answer from {} within 20 s", sts.url())),
            &words::wait_for_the_next_code("aws-mfa get <code>"),
        )
    );
    assert_eq!(sts.requests().len(), 1);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
}

/// A server that accepts the connection and never answers the handshake.
#[test]
fn unanswered_handshake_times_out_after_5_s_with_the_code_valid() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox
        .unset("HTTPS_PROXY")
        .set("AWS_ENDPOINT_URL_STS", &url);
    sandbox.run(["get", "135790"]).is(
        1,
        "",
        &words::failure(
            &format!("no connection to {url} within 5 s"),
            words::the_code_is_still_valid(),
        ),
    );
}

#[cfg(unix)]
#[test]
fn code_command_whose_code_is_rejected_is_run_again_in_the_next_time_step() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    // First a wrong code, like an authenticator whose code was used a moment ago.
    sandbox.set(
        "AWS_MFA_CODE_COMMAND",
        format!("if [ -e asked ]; then echo 654321; else touch asked; echo {WRONG_CODE}; fi"),
    );
    let outcome = sandbox.run(["get"]);
    assert_eq!(outcome.status, 0);
    let wait: u32 = outcome
        .stderr
        .strip_prefix("aws-mfa: the code was rejected; running the code command again in ")
        .and_then(|rest| rest.strip_suffix(" s\n"))
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&wait));
    let codes: Vec<String> = sts
        .requests()
        .iter()
        .map(|request| request.form["TokenCode"].clone())
        .collect();
    assert_eq!(codes, [WRONG_CODE, "654321"]);
}

#[cfg(unix)]
#[test]
fn rejected_code_that_a_command_prints_again_is_not_sent_again() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let outcome = sandbox.run(["get", "--code-command", &format!("echo {WRONG_CODE}")]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (4, ""));
    let (_, failure) = outcome.stderr.split_once('\n').unwrap();
    assert_eq!(
        failure,
        "aws-mfa: the code command printed the rejected code again\n\
         hint: check --code-command: it must print the device's current code\n"
    );
    assert_eq!(sts.requests().len(), 1);
}

/// Whatever hangs: a `credential_process`, direnv, IAM. Each check ends by itself, and all of them in time.
#[cfg(unix)]
#[test]
fn doctor_takes_20_seconds_at_most() {
    let aws = FakeSts::start();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let iam = format!("http://{}", silent.local_addr().unwrap());
    let mut sandbox = Sandbox::with_user(&aws);
    sandbox.get("135790");
    let key =
        format!(r#"{{"Version": 1, "AccessKeyId": "{KEY_ID}", "SecretAccessKey": "{SECRET}"}}"#);
    sandbox.write("key.json", key);
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = sleep 4; cat ~/key.json\n",
    );
    // Another process writes it: a test beside this one could start a child while the file is open here, and the
    // system runs no program that is open for writing.
    let direnv =
        "mkdir bin && printf '#!/bin/sh\\nexec sleep 60\\n' > bin/direnv && chmod 755 bin/direnv";
    let mut shell = sandbox.command("/bin/sh");
    assert!(shell.args(["-c", direnv]).status_in_time().success());
    let path = format!("{}/bin:/usr/bin:/bin", sandbox.home().display());
    sandbox.set("PATH", path).set("AWS_ENDPOINT_URL_IAM", &iam);
    let started = Instant::now();
    let outcome = sandbox.run(["doctor", "-p", "work"]);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(21), "{took:?}");
    let (_, online) = outcome.stdout.split_once("ok      network:").unwrap();
    let (_, online) = online.split_once('\n').unwrap();
    assert_eq!(
        online,
        format!(
            "ok      clock: {}\n\
             ok      keys: {KEY_ID} belongs to arn:aws:iam::123456789012:user/team/igor\n\
             skipped keys: cannot tell the age of {KEY_ID}: no answer from {iam} within 5 s\n\
             skipped device: cannot find its owner: no answer from {iam} within 5 s\n\
             skipped policy: cannot tell whether MFA is enforced: no answer from {iam} within 5 s\n\
             warning session: {}\n        \
             aws-mfa get --profile work <code>\n",
            words::clock_is_right(),
            words::no_session_yet(sandbox.home().join(".config/aws/session-work").display())
        )
    );
}

#[test]
fn doctor_gives_up_a_silent_sts_after_5_seconds_and_skips_the_rest() {
    let aws = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&aws);
    sandbox
        .set("AWS_ENDPOINT_URL_IAM", aws.url())
        .set("AWS_MFA_HOOK", "1");
    aws.behave(Behaviour::Silence);
    let started = Instant::now();
    let outcome = sandbox.run(["doctor"]);
    assert!(started.elapsed() < Duration::from_secs(8));
    let url = aws.url();
    let online = format!(
        "\nerror   network: no answer from {url} within 5 s\n        check AWS_ENDPOINT_URL_STS\n\
         skipped clock: AWS was not reached\nskipped keys: AWS was not reached\n\
         skipped device: AWS was not reached\nskipped policy: AWS was not reached\n\
         skipped session: AWS was not reached\n"
    );
    assert_eq!(outcome.status, 1);
    assert!(outcome.stdout.ends_with(&online), "{}", outcome.stdout);
    assert_eq!(aws.requests().len(), 1);
}

/// A `credential_process` may take a minute for `get`; a check has 5 seconds.
#[cfg(unix)]
#[test]
fn doctor_stops_a_credential_process_after_5_seconds() {
    let sandbox = Sandbox::without_session();
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = sleep 60\n",
    );
    let started = Instant::now();
    let outcome = sandbox.run(["doctor", "-p", "work"]);
    assert!(started.elapsed() < Duration::from_secs(8));
    let line = "\nerror   keys: credential_process in the profile work did not end within ";
    assert!(outcome.stdout.contains(line), "{}", outcome.stdout);
}

/// Before a code is asked for: a user who waits for the prompt does not wait longer than that.
#[test]
fn silent_iam_times_out_after_5_s() {
    let aws = FakeSts::start();
    aws.behave(Behaviour::Silence);
    let mut sandbox = Sandbox::with_user(&aws);
    sandbox
        .unset("AWS_MFA_ARN")
        .set("AWS_ENDPOINT_URL_IAM", aws.url());
    let url = aws.url();
    sandbox.run(["get"]).is(
        1,
        "",
        &format!(
            "aws-mfa: no answer from {url} within 5 s\n\
             hint: to skip IAM, set AWS_MFA_ARN to the device's ARN\n"
        ),
    );
}
