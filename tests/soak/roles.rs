//! Many processes assume one role at once.

use super::deadline::{InTime, wait_until};
use super::fake_sts::{Behaviour, FakeSts, Role};
use super::sandbox::{Outcome, Sandbox, binary};
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";

fn sandbox(sts: &FakeSts) -> Sandbox {
    let mut sandbox = Sandbox::with_user(sts);
    sandbox.set("AWS_MFA_ROLE_ARN", ROLE);
    sts.add_role(ROLE, Role::default());
    assert_eq!(sandbox.run(["get", "123456"]).status, 0);
    sandbox
}

fn forget_the_role(sandbox: &Sandbox) {
    std::fs::remove_file(sandbox.role_file("deploy")).unwrap();
}

#[test]
fn hundred_concurrent_loads_make_one_request() {
    let sts = FakeSts::start();
    let sandbox = sandbox(&sts);
    forget_the_role(&sandbox);
    let before = sts.requests_for("AssumeRole").len();
    let load = || {
        let output = sandbox.command(binary()).arg("load").output_in_time();
        let outcome = Outcome::from(output);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        assert!(outcome.stdout.contains("ASIAROLE"), "{}", outcome.stdout);
    };
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(load);
        }
    });
    assert_eq!(sts.requests_for("AssumeRole").len(), before + 1);
}

#[test]
fn load_killed_during_a_renewal_blocks_no_other() {
    let sts = FakeSts::start();
    let sandbox = sandbox(&sts);
    for moment in 0..40 {
        forget_the_role(&sandbox);
        let mut load = sandbox
            .command(binary())
            .arg("load")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(250) * moment);
        load.kill().unwrap();
        load.status_in_time();
        let outcome = sandbox.run(["load"]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        assert!(outcome.stdout.contains("ASIAROLE"), "{}", outcome.stdout);
    }
}

/// A debugger, or Ctrl-Z: it keeps its lock, and its time is not that of the others.
#[cfg(unix)]
#[test]
fn load_stopped_during_a_renewal_costs_the_others_two_seconds() {
    use rustix::process::{Pid, Signal, kill_process};
    let sts = FakeSts::start();
    let sandbox = sandbox(&sts);
    forget_the_role(&sandbox);
    sts.behave(Behaviour::Silence);
    let requests = sts.requests().len();
    let mut stopped = sandbox
        .command(binary())
        .arg("load")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the request", || sts.requests().len() > requests);
    let pid = Pid::from_raw(stopped.id() as i32).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    // A slow answer, but well within the limit.
    let answer = sandbox.home().join("answer");
    sts.behave(Behaviour::Hold(answer.clone()));
    let requests = sts.requests().len();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the request", || sts.requests().len() > requests);
            std::thread::sleep(Duration::from_secs(1));
            std::fs::write(&answer, "").unwrap();
        });
        let outcome = sandbox.run(["load"]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        assert!(outcome.stdout.contains("ASIAROLE"), "{}", outcome.stdout);
    });
    stopped.kill().unwrap();
    stopped.status_in_time();
}
