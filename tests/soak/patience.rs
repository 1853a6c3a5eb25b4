//! How long `get` waits for an answer, for a connection and for the next code.

#[cfg(unix)]
use super::fake_sts::WRONG_CODE;
use super::fake_sts::{Behaviour, FakeSts, KEY_ID};
use super::sandbox::{Sandbox, in_an_hour};
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
        format!(
            "aws-mfa: no answer from {} within 20 s, and the code may be used up\n\
             hint: wait for the next code (N s), then run `aws-mfa get <code>`\n",
            sts.url()
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
    let mut sandbox = Sandbox::with_user(&FakeSts::start());
    sandbox
        .unset("HTTPS_PROXY")
        .set("AWS_ENDPOINT_URL_STS", &url);
    sandbox.run(["get", "135790"]).is(
        1,
        "",
        &format!(
            "aws-mfa: no connection to {url} within 5 s\n\
             hint: the code is still valid while the device shows it: run `aws-mfa get <code>` again\n"
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

/// A user who waits for the prompt waits no longer than that.
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
