//! Secrets must not be on the screen, in arguments, in files, in freed memory or in a core dump. The first tests are for the
//! check that all other tests use.

use super::deadline::{InTime, wait_for};
use super::fake_sts::{FakeSts, KEY_ID, SECRET, SECRET_WORD, WRONG_CODE, session_json};
use super::leaks::Leaks;
use super::sandbox::{Outcome, Sandbox, binary, in_an_hour, profile_keys};
use super::store::{OTHER_USER, as_other_user, as_root};
use super::tool::{LOOK_INSIDE, root, skip, tool};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The leaks of a script that runs instead of `aws-mfa get 123456`.
fn leaks_of(script: &str) -> Vec<String> {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    // The script's own text must not count.
    let words = [
        ("MASTER", SECRET),
        ("SESSION", &format!("session/{SECRET_WORD}+1")),
        ("TOKEN", &format!("token//{SECRET_WORD}+1==")),
        ("JSON", &session_json(in_an_hour())),
    ];
    let mut command = sandbox.command("sh");
    command.args(["-c", script, "get", "123456"]).envs(words);
    let outcome = Outcome::of(&mut command);
    sandbox.leaks(&command).of(&outcome)
}

#[test]
fn leak_anywhere_is_found() {
    for (script, leak) in [
        ("echo $MASTER", "the master secret in standard output"),
        ("echo x$MASTER >&2", "the master secret in standard error"),
        (
            "echo $SESSION",
            "a secret of the session in standard output",
        ),
        (
            "echo $TOKEN >&2",
            "a secret of the session in standard error",
        ),
        ("echo code $1", "a code in standard output"),
        (
            "echo \"code '$1' rejected\" >&2",
            "a code in standard error",
        ),
        ("echo $MASTER > $TMPDIR/x", "the master secret in /"),
        ("echo $TOKEN > $HOME/x", "a secret of the session in /"),
        ("echo $1 > $HOME/x", "a code in /"),
        (
            "echo \"$JSON\" > $HOME/.aws-mfa-x",
            "a secret of the session in /",
        ),
        (
            "echo \"{\\\"Code\\\": \\\"$1\\\", ${JSON#?}\" > $HOME/session",
            "a code in /",
        ),
        ("echo thread panicked at x >&2", "a panic: "),
    ] {
        let leaks = leaks_of(script);
        assert!(
            leaks.first().is_some_and(|found| found.starts_with(leak)),
            "{script}: {leaks:#?}"
        );
    }
}

#[test]
fn secret_that_belongs_there_is_no_leak() {
    for script in [
        "echo saved",
        "echo \"$JSON\" > $HOME/session",
        // Longer numbers can contain the digits of a code.
        "echo x1234567 1123456 a123456",
    ] {
        assert_eq!(leaks_of(script), [""; 0], "{script}");
    }
    let print_session = |text: &str| Outcome {
        status: 0,
        stdout: text.to_owned(),
        stderr: String::new(),
    };
    let leaks = Leaks::new(&["load".to_owned()]);
    let session = format!("export AWS_SECRET_ACCESS_KEY='session/{SECRET_WORD}+1'");
    assert_eq!(leaks.of(&print_session(&session)), [""; 0]);
    assert_eq!(leaks.of(&print_session(SECRET)).len(), 1);
}

/// A code that was not an argument is known from the requests to STS.
#[test]
fn code_known_only_to_sts_is_a_leak() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_MFA_CODE_COMMAND", "echo 246810");
    assert_eq!(sandbox.run(["get"]).status, 0);
    let mut echo = sandbox.command("sh");
    echo.args(["-c", "echo 246810"]);
    let outcome = Outcome::of(&mut echo);
    let mut other = sandbox.command("true");
    assert_eq!(
        sandbox.leaks(other.arg("status")).of(&outcome),
        ["a code in standard output: 246810"]
    );
}

#[test]
fn help_with_secrets_in_variables_shows_no_secret() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let assert_no_value = |help: &str| {
        assert!(
            !help.contains(SECRET_WORD) && !help.contains(KEY_ID),
            "{help}"
        );
    };
    let help = sandbox.run(["--help"]);
    assert_no_value(&help.stdout);
    let verbs = help
        .succeeded()
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help");
    let mut seen = 0;
    for verb in verbs.filter(|verb| *verb != "help") {
        for flag in ["-h", "--help"] {
            assert_no_value(sandbox.run([verb, flag]).succeeded());
        }
        seen += 1;
    }
    assert!(seen >= 4, "{}", help.stdout);
}

/// Every system call that writes or sends something: its data, and its destination.
#[test]
fn secret_in_a_system_call_goes_only_where_it_belongs() {
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let dump = sandbox.write("dump", "");
    sandbox.write(".aws/credentials", format!("[kept]\n{}", profile_keys()));
    let keys = format!(r#"{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}"#);
    let keys = sandbox.write("keys", keys);
    sandbox.write(
        ".aws/config",
        format!(
            "[profile kept]\nmfa_serial = arn:aws:iam::123456789012:mfa/igor\n\
             [profile process]\nmfa_serial = arn:aws:iam::123456789012:mfa/igor\n\
             credential_process = cat {}\n",
            keys.display()
        ),
    );
    let code = sandbox.write("code", "333333\n");
    let code_command = format!("cat {}", code.display());
    let stories: &[(i32, &[&str])] = &[
        (0, &["get", "111111"]),
        (4, &["get", "111111"]),
        (4, &["get", WRONG_CODE]),
        (0, &["get", "222", "222"]),
        (2, &["get", "12345a"]),
        (0, &["get", "--code-command", &code_command]),
        (0, &["get", "--profile", "kept", "444444"]),
        (0, &["get", "--profile", "process", "555555"]),
        (2, &["666666"]),
        (2, &["get", "--no-such-flag", "666666"]),
        (0, &["load"]),
        (0, &["load", "--format", "process"]),
        (0, &["load", "--profile", "kept"]),
        (1, &["load", "--profile", "nobody"]),
        (0, &["load", "--format", "direnv"]),
        (0, &["exec", "--", "env"]),
        (0, &["status"]),
        (0, &["status", "--json"]),
        (0, &["clear"]),
        (3, &["exec", "--", "env"]),
    ];
    let mut seen = 0;
    for (status, arguments) in stories {
        let log = tempfile::NamedTempFile::new().unwrap();
        let direnv = arguments.contains(&"direnv");
        match direnv {
            true => sandbox.set("DIRENV_DUMP_FILE_PATH", &dump),
            false => sandbox.unset("DIRENV_DUMP_FILE_PATH"),
        };
        let mut command = sandbox.command(&strace);
        command
            .args(["-f", "-qq", "-y", "-s", "100000", "-e", "signal=none", "-e"])
            .arg("trace=execve,write,writev,pwrite64,sendto,sendmsg,sendmmsg")
            .arg("-o")
            .arg(log.path())
            .arg(binary())
            .args(*arguments);
        let outcome = sandbox.run_with(&mut command);
        assert_eq!(outcome.status, *status, "{arguments:?}: {}", outcome.stderr);
        let log = std::fs::read_to_string(log.path()).unwrap();
        let leaks = sandbox.leaks(&command);
        let mut calls = log.lines();
        let (process, _) = calls.next().unwrap().split_once(' ').unwrap();
        for call in calls {
            let kinds = leaks.in_text(call);
            seen += kinds.len();
            let of_child = !call.starts_with(&format!("{process} "));
            let into = |place: &str| call.contains(place);
            let belongs = if into("execve(") {
                false
            } else if of_child {
                // The answer of the user's own command.
                into("(1<pipe:")
            } else {
                kinds.iter().all(|kind| match *kind {
                    "a secret of the session" => {
                        into("/.aws-mfa-") || (leaks.hands_on() && into("(1<"))
                    }
                    "a code" => into("<socket:") || into("<TCP:"),
                    _ => false,
                })
            };
            assert!(
                kinds.is_empty() || belongs,
                "{kinds:?} of {arguments:?}: {call}"
            );
        }
    }
    assert!(seen > 10, "nothing was seen at all");
}

// Memory.

/// A `get` that has finished and dropped everything, stopped at its last system call.
struct Ended {
    strace: Child,
    process: u32,
}

impl Ended {
    fn get(sandbox: &Sandbox, strace: &Path) -> Self {
        let strace = sandbox
            .command(strace)
            .args(["-qq", "-o", "/dev/null", "-e", "trace=exit_group"])
            .args(["-e", "inject=exit_group:delay_enter=60000000"])
            .arg(binary())
            .args(["get", "135791"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let children = format!("/proc/{0}/task/{0}/children", strace.id());
        // exit_group(2) of x86_64, and of all newer machines.
        let last = if cfg!(target_arch = "x86_64") {
            "231 "
        } else {
            "94 "
        };
        let process = wait_for("its last system call", || {
            let process = std::fs::read_to_string(&children)
                .ok()?
                .trim()
                .parse()
                .ok()?;
            let call = std::fs::read_to_string(format!("/proc/{process}/syscall")).ok()?;
            call.starts_with(last).then_some(process)
        });
        Ended { strace, process }
    }

    /// How often `text` is in writable memory, with and without the stack.
    fn count(&self, text: &str) -> (usize, usize) {
        use std::os::unix::fs::FileExt;
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.process)).unwrap();
        let memory = std::fs::File::open(format!("/proc/{}/mem", self.process)).unwrap();
        let (mut all, mut without_stack) = (0, 0);
        for map in maps.lines().filter(|map| map.contains(" rw")) {
            let (range, _) = map.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let address = |text| u64::from_str_radix(text, 16).unwrap();
            let mut bytes = vec![0; (address(end) - address(start)) as usize];
            if memory.read_exact_at(&mut bytes, address(start)).is_err() {
                continue;
            }
            let count = bytes
                .windows(text.len())
                .filter(|window| *window == text.as_bytes())
                .count();
            all += count;
            if !map.ends_with("[stack]") {
                without_stack += count;
            }
        }
        (all, without_stack)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.strace.kill();
        self.strace.status_in_time();
    }
}

#[test]
fn freed_memory_contains_no_secret() {
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let ended = Ended::get(&sandbox, &strace);
    assert_eq!(sts.requests().len(), 1);
    for text in ["session/S3CR3T+1", "token//S3CR3T+1", "TokenCode=135791"] {
        assert_eq!(ended.count(text), (0, 0), "{text}");
    }
    // The kernel put the arguments and the environment on the stack, where they stay.
    let (all, without_stack) = ended.count(SECRET);
    assert!(all > 0, "this test does not find what is there");
    assert_eq!(without_stack, 0);
}

// Core dumps.

/// Starts a shell that permits core dumps and becomes this program.
fn with_core_dumps(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command("sh");
    command
        .args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Whether this machine writes core dumps at all.
fn core_dumps_here(sandbox: &Sandbox) -> bool {
    let mut command = with_core_dumps(sandbox);
    command.args(["sh", "-c", "kill -ABRT $$"]);
    let dumped = command.status_in_time().core_dumped();
    if !dumped {
        skip("this machine writes no core dumps");
    }
    dumped
}

#[cfg(target_os = "linux")]
#[test]
fn crashing_get_leaves_no_core_dump() {
    use super::fake_sts::Behaviour;
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    if !core_dumps_here(&sandbox) {
        return;
    }
    sts.behave(Behaviour::Silence);
    let mut command = with_core_dumps(&sandbox);
    let mut get = command
        .arg(binary())
        .args(["get", "123456"])
        .spawn()
        .unwrap();
    // The request has been sent, so the secret and the code are in memory.
    wait_for("the request", || sts.requests().pop());
    let process = rustix::process::Pid::from_child(&get);
    rustix::process::kill_process(process, rustix::process::Signal::ABORT).unwrap();
    let status = get.status_in_time();
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
}

#[test]
fn crashing_command_of_exec_leaves_a_core_dump() {
    let sandbox = Sandbox::with_session();
    if !core_dumps_here(&sandbox) {
        return;
    }
    let mut command = with_core_dumps(&sandbox);
    command
        .arg(binary())
        .args(["exec", "--", "sh", "-c", "kill -ABRT $$"]);
    let status = command.status_in_time();
    assert_eq!(status.signal(), Some(6));
    assert!(status.core_dumped());
}

/// A process that is not dumpable does not own its files in /proc, but can still open its own descriptors by number.
#[test]
fn numbered_dump_file_without_root_is_written() {
    if !as_root() {
        return;
    }
    let mut sandbox = Sandbox::with_session();
    let file = sandbox.session_file();
    for path in file.ancestors().skip(1).take(3) {
        std::os::unix::fs::chown(path, Some(OTHER_USER), None).unwrap();
    }
    std::os::unix::fs::chown(&file, Some(OTHER_USER), None).unwrap();
    sandbox.set("DIRENV_DUMP_FILE_PATH", "3");
    for script in [
        "\"$0\" load 3>&1 >/dev/null | cat",
        "\"$0\" load 3>dump; cat dump",
    ] {
        let program = as_other_user(&sandbox).get_program().to_owned();
        let mut command = sandbox.command("sh");
        command.uid(OTHER_USER).gid(OTHER_USER);
        let outcome = sandbox.run_with(command.args(["-c", script]).arg(program));
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, ""),
            "{script}"
        );
        // The head of a zlib stream that is stored, in base64url.
        assert!(outcome.stdout.starts_with("eAE"), "{}", outcome.stdout);
    }
}
