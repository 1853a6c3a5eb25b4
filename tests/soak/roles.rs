//! Many processes assume one role at once.

use super::deadline::InTime;
use super::fake_sts::{FakeSts, Role};
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
