//! Faults of STS. In every case, the code is sent at most once, the old session stays, and the message says what to do and
//! whether the code is still valid.

use super::authority::Authority;
use super::fake_sts::{
    Behaviour, FakeSts, KEY_ID, REQUEST_ID, SECRET_WORD, WRONG_CODE, error_xml, session_xml,
};
use super::sandbox::{DEVICE, Sandbox};
use super::words;
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// The error of `get`, with the checks for every fault: one request, the old session unchanged, no leftovers, nothing on
/// standard output, no long wait.
#[track_caller]
fn failed_get(sts: &FakeSts, sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.write_session(Timestamp::now() + SignedDuration::from_hours(1));
    let before = std::fs::read(sandbox.session_file()).unwrap();
    let requests = sts.requests().len();
    let started = Instant::now();

    let outcome = sandbox.run(arguments);

    assert!(started.elapsed() < Duration::from_secs(25));
    let is_rejected = outcome.stderr.starts_with("aws-mfa: the code was rejected");
    let status = if is_rejected { 4 } else { 1 };
    assert_eq!((outcome.status, outcome.stdout.as_str()), (status, ""));
    assert_eq!(sts.requests().len(), requests + 1);
    assert_eq!(std::fs::read(sandbox.session_file()).unwrap(), before);
    assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
    outcome.without_wait()
}

#[track_caller]
fn fault(sts: &FakeSts, behaviour: Behaviour, expected: &str) {
    let sandbox = Sandbox::with_user(sts);
    sts.behave(behaviour);
    assert_eq!(failed_get(sts, &sandbox, &["get", "135790"]), expected);
}

/// The hint after a code that may be used up.
fn next_code() -> String {
    format!(
        "hint: {}\n",
        words::wait_for_the_next_code("aws-mfa get <code>")
    )
}

#[test]
fn connection_broken_after_the_request_leaves_the_code_in_doubt() {
    let next_code = next_code();
    let sts = FakeSts::start();
    let broke = words::the_code_may_be_used_up(words::the_connection_broke(sts.url()));
    let broke = format!("aws-mfa: {broke}\n{next_code}");
    fault(&sts, Behaviour::Close, &broke);
    fault(&sts, Behaviour::Reset, &broke);
    fault(&sts, Behaviour::HalfABody, &broke);
    fault(
        &sts,
        Behaviour::Raw(b"220 smtp.example ready\r\n".into()),
        &broke,
    );
}

/// The same alerts and invalid records as in a handshake, but after STS has read the request.
#[test]
fn tls_fault_after_the_request_leaves_the_code_in_doubt() {
    let next_code = next_code();
    let authority = Authority::new();
    let sts = FakeSts::start_with_tls(authority.server("127.0.0.1"));
    let mut sandbox = Sandbox::with_user(&sts);
    let bundle = sandbox.write("ca.pem", authority.pem());
    sandbox.set("AWS_CA_BUNDLE", bundle);
    let broke = words::the_code_may_be_used_up(words::the_connection_broke(sts.url()));
    let broke = format!("aws-mfa: {broke}\n{next_code}");
    // Type, version, length, contents: RFC 8446, section 5.1.
    let record = |kind: u8, contents: &[u8]| {
        let [high, low] = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3, high, low], contents].concat()
    };
    let (alert, handshake, data) = (21, 22, 23);
    let raw = |bytes: Vec<u8>| Behaviour::Raw(bytes);
    for (number, behaviour) in [
        Behaviour::Close,
        Behaviour::Reset,
        Behaviour::HalfABody,
        raw(vec![]),
        raw(record(data, &[7; 64])),
        raw(record(data, &[7; 3])),
        raw(record(data, &[])),
        raw(record(data, &[7; 20_000])),
        raw(vec![data, 3, 3, 0xff, 0xff]),
        raw(vec![data, 3, 3, 1, 0, 7, 7]),
        raw(vec![data, 9, 9, 0, 1, 7]),
        raw(record(alert, &[2, 20])),
        raw(record(alert, &[2, 40])),
        raw(record(alert, &[1, 0])),
        raw(record(alert, &[2])),
        raw(record(handshake, &[0, 0, 0, 0])),
        raw(record(handshake, &[1, 0xff, 0xff, 0xff])),
        raw(record(99, &[7; 8])),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()),
    ]
    .into_iter()
    .enumerate()
    {
        sts.behave(behaviour);
        let text = failed_get(&sts, &sandbox, &["get", &format!("{:06}", number + 1)]);
        assert_eq!(text, broke, "fault {number}");
    }
}

#[test]
fn endless_answer_is_cut_off() {
    let next_code = next_code();
    let sts = FakeSts::start();
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ] {
        let expected = format!(
            "aws-mfa: {}\n{next_code}",
            words::the_code_may_be_used_up(format!(
                "the response from {} is not from STS (HTTP 200): a proxy or sign-in page may be in the way",
                sts.url()
            ))
        );
        fault(&sts, Behaviour::Endless(head), &expected);
    }
}

/// Without a Content-Length, the answer ends with the connection, even if part of it is missing.
#[test]
fn token_cut_short_by_a_closed_connection_is_not_saved() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let whole = session_xml(1, "2040-01-01T00:00:00Z");
    // The token comes last, which is allowed.
    let (before, rest) = whole.split_once("<SessionToken>").unwrap();
    let (token, after) = rest.split_once("</SessionToken>").unwrap();
    let (expiration, end) = after.split_once("</Expiration>").unwrap();
    let reordered = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n{before}{expiration}</Expiration><SessionToken>{token}"
    );
    for cut in [reordered.len(), reordered.len() - 3] {
        sts.behave(Behaviour::Raw(reordered.as_bytes()[..cut].into()));
        assert!(
            failed_get(&sts, &sandbox, &["get", "135790"])
                .starts_with("aws-mfa: the connection to "),
            "{cut}"
        );
    }
    // A complete answer is accepted.
    sts.behave(Behaviour::Raw(
        format!("{reordered}</SessionToken>{end}").into(),
    ));
    assert_eq!(sandbox.run(["get", "135791"]).status, 0);
}

/// AWS quotes invalid parameters.
#[test]
fn code_in_a_message_from_aws_is_masked() {
    let next_code = next_code();
    let sts = FakeSts::start();
    let words = |code: &str| {
        format!("1 validation error detected: Value '{code}' at 'tokenCode' is not accepted")
    };
    let body = error_xml("ValidationError", &words("135790"));
    fault(
        &sts,
        Behaviour::Answer { status: 400, body },
        &format!(
            "aws-mfa: {}\n  ValidationError: {} (request {REQUEST_ID})\n{next_code}",
            words::the_code_may_be_used_up("STS refused the request: ValidationError"),
            words("******")
        ),
    );
}

#[test]
fn unknown_host_leaves_the_code_valid() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    // No name server can have this name, so none is asked.
    let url = format!("http://{}.invalid", "a".repeat(64));
    sandbox.set("AWS_ENDPOINT_URL_STS", &url);
    let outcome = sandbox.run(["get", "135790"]);
    let (message, hint) = outcome.failed(1).split_once('\n').unwrap();
    assert!(
        message.starts_with(&format!("aws-mfa: cannot find the address of {url}: ")),
        "{message}"
    );
    assert_eq!(
        hint,
        format!("hint: {}\n", words::the_code_is_still_valid())
    );
}

/// What STS answers, and the message for the user.
#[test]
fn each_refusal_is_an_error_with_its_hint() {
    let sts = FakeSts::start();
    let busy = "STS is throttling requests; DOUBT";
    for (status, code, message, expected, hint) in [
        (
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
            format!("the MFA device {DEVICE} belongs to another user; DOUBT"),
            "hint: check AWS_MFA_ARN: the IAM console shows the user's devices under Security credentials; NEXT_CODE",
        ),
        (
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
            format!("the access key {KEY_ID} is temporary; DOUBT"),
            "hint: check MASTER_AWS_ACCESS_KEY_ID: a long-term access key (AKIA…) is required; NEXT_CODE",
        ),
        (
            403,
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/igor is not authorized to perform: sts:GetSessionToken with an explicit deny",
            format!("a policy denies sts:GetSessionToken to {KEY_ID}; DOUBT"),
            "hint: ask the account's administrator to allow it without MFA; NEXT_CODE",
        ),
        (
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            format!(
                "AWS does not know the access key {KEY_ID}: deleted, inactive or from another partition"
            ),
            "hint: check MASTER_AWS_ACCESS_KEY_ID (request sent to ENDPOINT); STILL_VALID\n",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
            format!("the secret does not belong to the access key {KEY_ID}"),
            "hint: check the secret that goes with MASTER_AWS_ACCESS_KEY_ID; STILL_VALID\n",
        ),
        (
            403,
            "RegionDisabledException",
            "STS is not activated in this region for account:123456789012.",
            "STS is disabled in this region for the account; DOUBT".into(),
            "hint: use another region: `--region us-east-1`; NEXT_CODE",
        ),
        (
            400,
            "Throttling",
            "Rate exceeded",
            busy.into(),
            "hint: NEXT_CODE",
        ),
        (
            400,
            "ThrottlingException",
            "Rate exceeded",
            busy.into(),
            "hint: NEXT_CODE",
        ),
        (
            503,
            "ServiceUnavailable",
            "Come back.",
            busy.into(),
            "hint: NEXT_CODE",
        ),
        (
            500,
            "InternalFailure",
            "We all make mistakes.",
            "STS failed; DOUBT".into(),
            "hint: NEXT_CODE",
        ),
        (
            400,
            "Unheard",
            "of",
            "STS refused the request: Unheard; DOUBT".into(),
            "hint: NEXT_CODE",
        ),
    ] {
        let expected = match expected.strip_suffix("; DOUBT") {
            Some(expected) => words::the_code_may_be_used_up(expected),
            None => expected,
        };
        let body = error_xml(code, message);
        let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let hint = hint
            .replace("ENDPOINT", &sts.url())
            .replace("STILL_VALID", words::the_code_is_still_valid())
            .replace("hint: NEXT_CODE", &next_code())
            .replace("NEXT_CODE", next_code().trim_start_matches("hint: "));
        fault(
            &sts,
            Behaviour::Answer { status, body },
            &format!("aws-mfa: {expected}\n  {code}: {words} (request {REQUEST_ID})\n{hint}"),
        );
    }
}

#[test]
fn rejected_code_exits_4_with_the_wait_for_the_next_one() {
    let next_code = next_code();
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    assert_eq!(
        failed_get(&sts, &sandbox, &["get", WRONG_CODE]),
        format!(
            "aws-mfa: the code was rejected: wrong, expired or already used\n  \
             AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. \
             (request {REQUEST_ID})\n{next_code}"
        )
    );
}

#[test]
fn invalid_duration_is_a_usage_error() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let message = "1 validation error detected: Value '43200' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 3600";
    sts.behave(Behaviour::Answer {
        status: 400,
        body: error_xml("ValidationError", message),
    });
    let outcome = sandbox.run(["get", "135790"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
    assert_eq!(
        outcome.without_wait(),
        format!(
            "aws-mfa: {}\n  ValidationError: {message} (request {REQUEST_ID})\n\
             hint: a session lasts 15m to 36h, and 1h at most for a root user: `--duration 1h`; {}\n",
            words::the_code_may_be_used_up("STS does not allow a session of this duration"),
            words::wait_for_the_next_code("aws-mfa get <code>")
        ),
    );
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn wrong_clock_is_an_error_with_the_difference() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let command = match cfg!(windows) {
        true => "as administrator: `w32tm /resync`",
        false => "Linux: `sudo timedatectl set-ntp true`",
    };
    let hint = format!(
        "hint: set the clock ({command}); {}\n",
        words::the_code_is_still_valid()
    );
    for (offset, expected) in [
        (
            SignedDuration::from_mins(25),
            "aws-mfa: this machine's clock is 25m behind\n",
        ),
        (
            SignedDuration::from_hours(-3),
            "aws-mfa: this machine's clock is 3h ahead\n",
        ),
    ] {
        sts.set_clock(offset);
        let text = failed_get(&sts, &sandbox, &["get", "135790"]);
        assert!(
            text.starts_with(expected) && text.ends_with(&hint),
            "{text}"
        );
        let detail = text.lines().nth(1).unwrap();
        assert!(
            detail.starts_with("  SignatureDoesNotMatch: Signature "),
            "{text}"
        );
    }

    // The message has no time, but the answer's Date header has.
    sts.set_clock(SignedDuration::from_mins(40))
        .behave(Behaviour::Answer {
            status: 400,
            body: error_xml("RequestExpired", "Request has expired."),
        });
    assert_eq!(
        failed_get(&sts, &sandbox, &["get", "135790"]),
        format!(
            "aws-mfa: this machine's clock is 40m behind\n  \
             RequestExpired: Request has expired. (request {REQUEST_ID})\n{hint}"
        )
    );
}

/// Answers that are not from STS, or are from STS but contain no session.
#[test]
fn answer_without_a_session_is_an_error_and_never_shown() {
    let next_code = next_code();
    let sts = FakeSts::start();
    let url = sts.url();
    let html = format!("<html>Sign in to the hotel, room {SECRET_WORD}</html>");
    let session = session_xml(1, "2040-01-01T00:00:00Z");
    let lacks = |name: &str| {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let (before, rest) = session.split_once(&open).unwrap();
        let (_, after) = rest.split_once(&close).unwrap();
        (
            format!("{before}{after}"),
            format!("{before}{open}{close}{after}"),
        )
    };
    let other = |status: u16| {
        words::the_code_may_be_used_up(format!(
            "the response from {url} is not from STS (HTTP {status}): a proxy or sign-in page may be in the way"
        ))
    };
    let no_session = |what: &str| {
        format!("STS's answer is not a session: {what} ({url}), and the code is used up")
    };
    let mut cases = vec![
        (200, html.clone(), other(200)),
        (200, String::new(), other(200)),
        (403, html.clone(), other(403)),
        (404, String::new(), other(404)),
        // Only a proxy may ask for proxy credentials, and there is no proxy.
        (407, html.clone(), other(407)),
        (
            500,
            html.clone(),
            words::the_code_may_be_used_up("STS failed (HTTP 500)"),
        ),
        (
            503,
            html,
            words::the_code_may_be_used_up("STS is throttling requests (HTTP 503)"),
        ),
        (
            200,
            session[..session.len() / 2].to_owned(),
            no_session("Expiration is missing or unreadable"),
        ),
        (
            200,
            session_xml(1, "2020-01-01T00:00:00Z"),
            no_session("it expired at 2020-01-01T00:00:00Z"),
        ),
        (200, session_xml(1, "tomorrow"), other(200)),
        (
            200,
            lacks("Expiration").0,
            no_session("Expiration is missing or unreadable"),
        ),
        (
            200,
            lacks("Credentials").0,
            no_session("it contains no credentials"),
        ),
    ];
    for name in ["AccessKeyId", "SecretAccessKey", "SessionToken"] {
        let (gone, empty) = lacks(name);
        cases.push((200, gone, no_session(&format!("{name} is missing"))));
        cases.push((200, empty, no_session(&format!("{name} is missing"))));
    }
    for (status, body, message) in cases {
        let expected = format!("aws-mfa: {message}\n{next_code}");
        fault(&sts, Behaviour::Answer { status, body }, &expected);
    }
}
