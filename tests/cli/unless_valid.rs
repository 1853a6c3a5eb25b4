//! `get --unless-valid`: terminals that start together ask once.

use super::fake_sts::FakeSts;
use super::sandbox::{Outcome, Sandbox, binary};
use super::shell::Shell;
use super::tool::tool;
use jiff::{SignedDuration, Timestamp};
use std::process::Stdio;

fn in_minutes(minutes: i64) -> Timestamp {
    // Half a minute more, so that the time that the test takes does not show.
    Timestamp::now() + SignedDuration::from_secs(60 * minutes + 29)
}

#[test]
fn a_session_with_more_than_the_margin_left_is_kept_and_told() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let end = in_minutes(90);
    sandbox.write_session(end);
    sandbox.run(["get", "--unless-valid"]).is(
        0,
        &format!(
            "kept the session in {} (valid 1h 30m, until {})\n",
            sandbox.session_file().display(),
            end.strftime("%H:%M")
        ),
        "",
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn one_with_less_left_is_replaced() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    for (number, (left, arguments, kept)) in [
        (14, &["--unless-valid"][..], false),
        (16, &["--unless-valid"], true),
        (29, &["--unless-valid=30m"], false),
        // A quarter of the duration is the most: 15 minutes of an hour.
        (16, &["--unless-valid=30m", "--duration", "1h"], true),
    ]
    .into_iter()
    .enumerate()
    {
        sandbox.write_session(in_minutes(left));
        let before = sts.requests().len();
        let code = format!("10000{number}");
        let outcome = sandbox.run([&["get", &code], arguments].concat());
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        let told = if kept {
            "kept the session in "
        } else {
            "saved session info to "
        };
        assert!(
            outcome.stdout.starts_with(told),
            "{left} {}",
            outcome.stdout
        );
        assert_eq!(sts.requests().len() - before, usize::from(!kept));
    }
}

#[test]
fn a_margin_that_is_none_is_told() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.run(["get", "--unless-valid=later", "135790"]).is(
        2,
        "",
        "aws-mfa: invalid duration: later\n\
         hint: write the margin as 15m, 1h30m or a number of seconds\n",
    );
}

/// The first holds the lock until its code is there, which is when all of the others wait for it.
#[cfg(unix)]
#[test]
fn of_ten_terminals_that_start_together_one_asks() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set(
        "AWS_MFA_CODE_COMMAND",
        "echo asked >> asks; while [ ! -e go ]; do sleep 0.02; done; echo 135790",
    );
    let mut terminals: Vec<_> = (0..10)
        .map(|_| {
            sandbox
                .command(binary())
                .args(["get", "--unless-valid"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    // Nine say that they wait; only then does the code come.
    let mut waiting = 0;
    let mut ends = Vec::new();
    let notes: Vec<_> = terminals
        .iter_mut()
        .map(|terminal| {
            use std::io::{BufRead, BufReader};
            let stderr = BufReader::new(terminal.stderr.take().unwrap());
            let (sender, receiver) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                stderr.lines().map_while(Result::ok).for_each(|line| {
                    let _ = sender.send(line);
                });
            });
            receiver
        })
        .collect();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while waiting < 9 && std::time::Instant::now() < deadline {
        waiting += notes
            .iter()
            .filter(|notes| notes.try_recv().is_ok())
            .count();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(waiting, 9);
    sandbox.write("go", "");
    for terminal in terminals {
        ends.push(Outcome::from(terminal.wait_with_output().unwrap()));
    }
    let told = |what: &str| {
        ends.iter()
            .filter(|end| end.stdout.starts_with(what))
            .count()
    };
    assert_eq!(told("saved session info to "), 1);
    assert_eq!(told("kept the session in "), 9);
    assert!(ends.iter().all(|end| end.status == 0));
    assert_eq!(sts.requests().len(), 1);
    assert_eq!(
        std::fs::read_to_string(sandbox.home().join("asks")).unwrap(),
        "asked\n"
    );
}

#[cfg(unix)]
#[test]
fn the_lock_is_private_and_makes_no_shell_reload() {
    let Some(direnv) = tool("direnv") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.write_session(in_minutes(90));
    let folder = sandbox.project(&direnv, "direnv_load aws-mfa load\n");
    let mut shell = Shell::open(&sandbox, &folder, &direnv);
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000000");
    let shown = shell.run("aws-mfa get --unless-valid");
    assert!(
        shown.starts_with("kept the session in ") && shown.lines().count() == 1,
        "{shown}"
    );
    let name = format!(".session-{}.lock", super::fake_sts::KEY_ID);
    let lock = sandbox.session_file().with_file_name(name);
    assert_eq!(super::sandbox::mode(&lock), 0o600);
}
