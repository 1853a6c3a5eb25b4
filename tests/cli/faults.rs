//! STS at its worst: whatever it does, a code is sent once, the old session stays, and the user is
//! told whether the code is still good.

use super::fake_sts::{Behaviour, FakeSts, KEY_ID};
use super::sandbox::{Outcome, Sandbox};
use jiff::{SignedDuration, Timestamp};

/// Runs `get` against an STS that behaves like this, and checks all that holds for every fault.
#[track_caller]
fn fault(sts: &FakeSts, behaviour: Behaviour) -> Outcome {
    let sandbox = Sandbox::with_user(sts);
    let old = Timestamp::now() + SignedDuration::from_hours(1);
    sandbox.write_session(old);
    let before = std::fs::read(sandbox.session_file()).unwrap();
    let requests = sts.requests().len();

    sts.behave(behaviour);
    let outcome = sandbox.run(["get", "123456"]);

    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
    assert_eq!(sts.requests().len(), requests + 1);
    assert_eq!(std::fs::read(sandbox.session_file()).unwrap(), before);
    assert_eq!(sandbox.session_folder(), [format!("session-{KEY_ID}")]);
    outcome
}

#[track_caller]
fn assert_message(outcome: &Outcome, message: &str) {
    let first = outcome.stderr.lines().next();
    assert_eq!(first, Some(format!("aws-mfa: {message}").as_str()));
}

#[test]
fn a_connection_that_breaks_after_the_request_may_have_used_the_code() {
    let sts = FakeSts::start();
    let broke = format!(
        "the connection to {} broke before an answer came, and the code may be used up",
        sts.url()
    );
    assert_message(&fault(&sts, Behaviour::Close), &broke);
    assert_message(&fault(&sts, Behaviour::Reset), &broke);
    assert_message(&fault(&sts, Behaviour::HalfABody), &broke);
}

#[test]
fn a_server_that_says_nothing_is_given_up_after_twenty_seconds() {
    let sts = FakeSts::start();
    let started = std::time::Instant::now();
    let outcome = fault(&sts, Behaviour::Silence);
    assert!(started.elapsed() < std::time::Duration::from_secs(25));
    assert_message(
        &outcome,
        &format!(
            "no answer from {} within 20 s, and the code may be used up",
            sts.url()
        ),
    );
}

#[test]
fn a_clock_that_is_off_is_told_with_how_far() {
    let sts = FakeSts::start();
    sts.set_clock(SignedDuration::from_mins(25));
    let outcome = fault(&sts, Behaviour::Serve);
    assert_message(&outcome, "this machine's clock is 25m behind");
    assert_eq!(
        outcome.stderr.lines().last(),
        Some("hint: set the clock (Linux: `sudo timedatectl set-ntp true`), then get a new code")
    );
    sts.set_clock(SignedDuration::from_hours(-3));
    assert_message(
        &fault(&sts, Behaviour::Serve),
        "this machine's clock is 3h ahead",
    );
}
