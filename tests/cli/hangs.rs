//! What hangs fails its test by name.

use super::deadline::{InTime, Watch, output, status};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell
}

fn fails(wait: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(wait).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn process_that_hangs_fails_its_test_by_name() {
    let patience = Duration::from_millis(50);
    let failure = fails(move || {
        let mut child = shell("exec sleep 600").spawn().unwrap();
        status(&mut child, "sleep", patience);
    });
    assert_eq!(failure, "sleep: it did not end within 0.05 s");
    // Its own child has the pipe.
    let failure = fails(move || {
        let mut command = shell("sleep 5 & exit 3");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        output(&mut child, "sh", patience);
    });
    assert_eq!(failure, "sh: its output did not end within 0.05 s");
}

#[test]
fn process_that_ends_gives_its_status_and_output() {
    let output = shell("echo out; echo err >&2; exit 3").output_in_time();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        (&b"out\n"[..], &b"err\n"[..])
    );
}

#[test]
fn test_that_hangs_ends_the_run_and_is_named() {
    const INSIDE: &str = "AWS_MFA_TEST_THAT_HANGS";
    let name = std::thread::current().name().unwrap().to_owned();
    if std::env::var_os(INSIDE).is_some() {
        let _watch = Watch::with(Duration::from_millis(50));
        loop {
            std::thread::park();
        }
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", &name]).env(INSIDE, "1");
    let output = again.output_in_time();
    assert_eq!(output.status.code(), Some(101));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&format!("the test {name} has not ended within 0.05 s")),
        "{said}"
    );
}

/// Others use `deadline::InTime`.
#[test]
fn tests_wait_with_a_deadline() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for directory in ["cli", "soak"] {
        for file in std::fs::read_dir(tests.join(directory)).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("cli/deadline.rs") || path.ends_with("cli/hangs.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                for wait in [".output()", ".status()", ".wait()", ".wait_with_output()"] {
                    assert!(
                        !line.contains(wait),
                        "{}:{}: {wait} has no deadline; tests/cli/deadline.rs does",
                        path.display(),
                        number + 1
                    );
                }
            }
        }
    }
}
