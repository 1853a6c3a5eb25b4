//! `load` under direnv: the dump that it writes, and its errors. prompts.rs has the prompts.

use super::deadline::InTime;
use super::sandbox::Sandbox;
use super::tool::tool;
use super::words;
use std::process::Command;

/// The README's .envrc, with a line of the user's after it.
pub const ENVRC: &str = "\
export AWS_MFA_ARN=arn:aws:iam::123456789012:mfa/igor
export AWS_SESSION_FILE=\"${HOME}/.config/aws/session-${MASTER_AWS_ACCESS_KEY_ID}\"
watch_file $AWS_SESSION_FILE
export AWS_REGION=eu-central-1
direnv_load aws-mfa load
export PROJECT=mine
";

/// `direnv apply_dump` reads the dump, as in direnv_load.
#[test]
fn direnv_applies_the_dump() {
    let Some(direnv) = tool("direnv") else { return };
    let mut sandbox = Sandbox::new();
    let session_file =
        sandbox.write_session(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
    let dump = sandbox.write("dump", "");
    sandbox
        .set("AWS_SESSION_FILE", &session_file)
        .set("DIRENV_DUMP_FILE_PATH", &dump)
        .set("AWS_SECURITY_TOKEN", "old");
    sandbox.run(["load"]).is(0, "", "");
    let mut apply: Command = sandbox.command(&direnv);
    let script = apply.arg("apply_dump").arg(&dump).output_in_time();
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(
        script.contains("export AWS_ACCESS_KEY_ID=ASIASESSION000000000;"),
        "{script}"
    );
    assert!(script.contains("unset AWS_SECURITY_TOKEN;"), "{script}");
    assert!(!script.contains("unset PATH"), "{script}");
}

#[test]
fn without_a_session_strict_fails_and_quiet_is_silent() {
    let mut sandbox = Sandbox::new();
    let dump = sandbox.write("dump", "");
    let file = sandbox.session_file();
    sandbox
        .set("AWS_SESSION_FILE", &file)
        .set("DIRENV_DUMP_FILE_PATH", &dump);
    sandbox.run(["load", "--strict"]).is(
        3,
        "",
        &words::failure(
            &words::no_session_yet(file.display()),
            words::get_a_session(),
        ),
    );
    assert_eq!(std::fs::read(&dump).unwrap(), b"");
    sandbox.run(["load", "--quiet"]).is(0, "", "");
    assert_ne!(std::fs::read(&dump).unwrap(), b"");
}

#[test]
fn leaked_dump_path_is_an_error_with_a_remedy() {
    let mut sandbox = Sandbox::new();
    let gone = sandbox.home().join("gone");
    let session_file =
        sandbox.write_session(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
    sandbox
        .set("AWS_SESSION_FILE", &session_file)
        .set("DIRENV_DUMP_FILE_PATH", &gone);
    sandbox.run(["load"]).is(
        1,
        "",
        &words::failure(
            &words::dump_path_points_to("a file that does not exist", gone.display()),
            words::outside_direnv_load(),
        ),
    );
    assert!(!gone.exists());
}

/// The variables in a dump, unpacked without the program's own code.
pub fn dumped(dump: &[u8]) -> serde_json::Map<String, serde_json::Value> {
    use base64::Engine;
    let stream = base64::engine::general_purpose::URL_SAFE
        .decode(dump)
        .unwrap();
    serde_json::from_reader(flate2::read::ZlibDecoder::new(stream.as_slice())).unwrap()
}

#[cfg(unix)]
#[test]
fn dump_replaces_a_longer_file_and_has_every_variable() {
    use std::os::unix::ffi::OsStrExt;
    let mut sandbox = Sandbox::with_session();
    let dump = sandbox.write("dump", "!".repeat(100_000));
    let odd = std::ffi::OsStr::from_bytes(b"a\xff\nb");
    sandbox
        .set("DIRENV_DUMP_FILE_PATH", &dump)
        .set("DIRENV_WATCHES", "what is this?")
        .set("odd name.%", odd);
    sandbox.run(["load"]).is(0, "", "");
    let dumped = dumped(&std::fs::read(&dump).unwrap());
    assert_eq!(dumped["odd name.%"], "a\u{fffd}\nb");
    assert_eq!(dumped["DIRENV_WATCHES"], "what is this?");
    assert_eq!(dumped["HOME"], sandbox.home().to_str().unwrap());
    assert_eq!(dumped["AWS_ACCESS_KEY_ID"], "ASIASESSION000000000");
    assert!(!dumped.contains_key("DIRENV_DUMP_FILE_PATH"));
}

#[cfg(unix)]
#[test]
fn dump_file_number_is_a_file_descriptor() {
    let sandbox = Sandbox::with_session();
    for line in [
        "DIRENV_DUMP_FILE_PATH=3 aws-mfa load 3>dump",
        "DIRENV_DUMP_FILE_PATH=3 aws-mfa load 3>&1 | cat >dump",
        "DIRENV_DUMP_FILE_PATH=1 aws-mfa load | cat >dump",
    ] {
        let ran = sandbox.command("sh").args(["-c", line]).output_in_time();
        assert!(ran.status.success() && ran.stderr.is_empty(), "{line}");
        let dump = std::fs::read(sandbox.home().join("dump")).unwrap();
        assert!(dumped(&dump).contains_key("PATH"), "{line}");
    }
    sandbox.write("dump", "before ");
    let line = "DIRENV_DUMP_FILE_PATH=3 aws-mfa load 3>>dump";
    assert!(
        sandbox
            .command("sh")
            .args(["-c", line])
            .status_in_time()
            .success()
    );
    let appended = std::fs::read(sandbox.home().join("dump")).unwrap();
    assert!(dumped(appended.strip_prefix(b"before ").unwrap()).contains_key("PATH"));

    let line = "DIRENV_DUMP_FILE_PATH=9 aws-mfa load";
    let ran =
        super::sandbox::Outcome::from(sandbox.command("sh").args(["-c", line]).output_in_time());
    ran.is(
        1,
        "",
        &words::failure(
            &words::dump_path_points_to("a file that does not exist", "/dev/fd/9"),
            words::outside_direnv_load(),
        ),
    );
}

#[cfg(unix)]
#[test]
fn dump_file_that_is_a_fifo_a_device_or_a_directory_is_an_error() {
    let mut sandbox = Sandbox::with_session();
    // With a reader and without one.
    let [fifo, with_reader] = ["fifo", "with-reader"].map(|name| {
        let path = sandbox.home().join(name);
        assert!(
            sandbox
                .command("mkfifo")
                .arg(&path)
                .status_in_time()
                .success()
        );
        path
    });
    let _reader = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&with_reader)
        .unwrap();
    for path in [
        fifo,
        with_reader,
        "/dev/zero".into(),
        "/dev/null".into(),
        sandbox.home(),
    ] {
        sandbox.set("DIRENV_DUMP_FILE_PATH", &path);
        sandbox.run(["load"]).is(
            1,
            "",
            &words::failure(
                &words::dump_path_points_to("something other than a regular file", path.display()),
                words::outside_direnv_load(),
            ),
        );
    }
}

#[cfg(unix)]
#[test]
fn dump_larger_than_a_pipe_waits_for_its_reader() {
    let mut sandbox = Sandbox::with_session();
    for name in ["A", "B", "C", "D", "E"] {
        sandbox.set(name, "x".repeat(100_000));
    }
    let line = "DIRENV_DUMP_FILE_PATH=1 aws-mfa load | cat";
    let ran = sandbox.command("sh").args(["-c", line]).output_in_time();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    assert_eq!(dumped(&ran.stdout)["E"].as_str().unwrap().len(), 100_000);
}

#[cfg(target_os = "linux")]
#[test]
fn dump_is_not_shown_on_a_terminal() {
    let sandbox = Sandbox::with_session();
    for (place, path) in [("1", "/dev/fd/1"), ("2", "/dev/fd/2")] {
        let line = format!("DIRENV_DUMP_FILE_PATH={place} aws-mfa load 2>said; cat said");
        // If standard error is the terminal too, it is the same file.
        let both = format!("DIRENV_DUMP_FILE_PATH={place} aws-mfa load");
        for line in [line, both] {
            let shown = super::terminal::Terminal::output(&sandbox, &line).stdout;
            let expected = words::failure(
                &words::dump_path_points_to("the screen", path),
                words::outside_direnv_load(),
            );
            assert_eq!(shown, expected, "{line}");
        }
    }
    let line = "DIRENV_DUMP_FILE_PATH=/dev/tty aws-mfa load 2>said; cat said";
    let (_, shown) = super::terminal::Terminal::run(&sandbox, line).end();
    let said = words::dump_path_points_to("something other than a regular file", "/dev/tty");
    assert!(shown.starts_with(&format!("aws-mfa: {said}")), "{shown}");
}

#[cfg(unix)]
#[test]
fn dump_is_not_written_into_the_log_of_an_editor() {
    let sandbox = Sandbox::with_session();
    let screen = words::dump_path_points_to("the screen", "");
    let screen = screen.trim_end_matches(')');
    for line in [
        "DIRENV_DUMP_FILE_PATH=1 aws-mfa load >log 2>&1",
        "DIRENV_DUMP_FILE_PATH=2 aws-mfa load >log 2>&1",
        "DIRENV_DUMP_FILE_PATH=$PWD/log aws-mfa load >log 2>&1",
    ] {
        let ran = sandbox.command("sh").args(["-c", line]).status_in_time();
        assert_eq!(ran.code(), Some(1), "{line}");
        let log = std::fs::read_to_string(sandbox.home().join("log")).unwrap();
        assert!(
            log.starts_with(&format!("aws-mfa: {screen}"))
                && log.ends_with(&format!("hint: {}\n", words::outside_direnv_load())),
            "{line}: {log}"
        );
    }
}

#[cfg(unix)]
#[test]
fn odd_names_are_dumped_as_by_direnv() {
    for direnv in ["direnv", "direnv-newest"] {
        let Some(direnv) = tool(direnv) else { continue };
        let mut sandbox = Sandbox::new();
        let file = sandbox.session_file();
        let dump = sandbox.write("dump", "");
        sandbox
            .set("AWS_SESSION_FILE", &file)
            .set("=C:", "x")
            .set("=", "z")
            .set("a b", "=c=");
        let ran = sandbox.command(&direnv).arg("dump").output_in_time();
        let theirs = dumped(ran.stdout.trim_ascii_end());
        sandbox.set("DIRENV_DUMP_FILE_PATH", &dump);
        assert_eq!(sandbox.run(["load", "--quiet"]).status, 0);
        let ours = dumped(&std::fs::read(&dump).unwrap());
        assert!(theirs.contains_key(""));
        assert_eq!(ours, theirs);
    }
}

/// A few kilobytes unpack to 16 MB of JSON, and a tree would take many times as much.
#[cfg(target_os = "linux")]
#[test]
fn watches_that_unpack_to_more_than_a_mebibyte_take_no_memory() {
    use base64::Engine;
    use std::io::Write;
    let mut sandbox = Sandbox::with_session();
    let dump = sandbox.write("dump", "");
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(b"[1").unwrap();
    packed.write_all(&b",1".repeat(8_000_000)).unwrap();
    packed.write_all(b"]").unwrap();
    let watches = base64::engine::general_purpose::URL_SAFE.encode(packed.finish().unwrap());
    sandbox
        .set("DIRENV_DUMP_FILE_PATH", &dump)
        .set("DIRENV_WATCHES", &watches);
    let line = "ulimit -v 131072; exec aws-mfa load";
    sandbox
        .run_with(sandbox.command("sh").args(["-c", line]))
        .is(0, "", "");
    let dumped = dumped(&std::fs::read(&dump).unwrap());
    assert_eq!(dumped["DIRENV_WATCHES"], watches);
}

#[test]
fn direnv_format_outside_direnv_load_is_an_error() {
    Sandbox::with_session()
        .run(["load", "--format", "direnv"])
        .is(
            2,
            "",
            "aws-mfa: the direnv format needs DIRENV_DUMP_FILE_PATH, which direnv_load sets\n\
         hint: write `direnv_load aws-mfa load` in the .envrc\n",
        );
}

const REFUSED: &str = "aws-mfa: in an .envrc, load would show the session's secrets on the screen\n\
    hint: write `direnv_load aws-mfa load`\n";

#[cfg(unix)]
#[test]
fn load_in_an_envrc_shows_no_secrets_on_a_terminal() {
    let sandbox = Sandbox::with_session();
    // Standard error is elsewhere: only the terminal counts.
    let line = "DIRENV_IN_ENVRC=1 aws-mfa load 2>said";
    let (status, shown) = super::terminal::Terminal::run(&sandbox, line).end();
    assert_eq!((status, shown.as_str()), (2, ""));
    let said = std::fs::read_to_string(sandbox.home().join("said")).unwrap();
    assert_eq!(said, REFUSED);
}

#[cfg(unix)]
#[test]
fn load_in_an_envrc_writes_no_secrets_into_the_log_of_an_editor() {
    let sandbox = Sandbox::with_session();
    let run = |line: &str| {
        super::sandbox::Outcome::from(sandbox.command("sh").args(["-c", line]).output_in_time())
    };
    run("DIRENV_IN_ENVRC=1 aws-mfa load 2>&1").is(2, REFUSED, "");
    run("DIRENV_IN_ENVRC=1 aws-mfa load >/dev/null 2>&1").is(0, "", "");
    let piped = run("DIRENV_IN_ENVRC=1 aws-mfa load | cat");
    assert!(piped.stdout.starts_with("export AWS_ACCESS_KEY_ID="));
}

/// strace shows no prompt, no network and no child process. The watch comes before the file is read, and the dump is
/// written at the end, in one write.
#[cfg(unix)]
#[test]
fn load_only_reads_and_writes() {
    use super::tool::{LOOK_INSIDE, root};
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let mut sandbox = Sandbox::with_session();
    let dump = sandbox.write("dump", "");
    let trace = sandbox.home().join("trace");
    sandbox.set("DIRENV_DUMP_FILE_PATH", &dump);
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", super::fake_sts::KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", super::fake_sts::SECRET);
    let ran = sandbox
        .command(strace)
        .args([
            "-f",
            "-y",
            "-e",
            "trace=%network,%process,%file,write,read",
            "-o",
        ])
        .arg(&trace)
        .arg(super::sandbox::binary())
        .arg("load")
        .output_in_time();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let trace = std::fs::read_to_string(trace).unwrap();
    let calls: Vec<&str> = trace
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(_, call)| call.trim_start())
        .collect();
    let named = |name: &str| calls.iter().filter(|call| call.starts_with(name)).count();
    assert_eq!(named("execve("), 1);
    for call in ["clone", "fork", "vfork", "socket", "connect", "sendto"] {
        assert_eq!(named(call), 0, "{call}: {trace}");
    }
    // No profile is in play.
    assert!(!trace.contains("/.aws/"), "{trace}");
    let at = |what: &dyn Fn(&str) -> bool| calls.iter().position(|call| what(call)).unwrap();
    let session = sandbox.session_file();
    let session = session.to_str().unwrap();
    let watched = at(&|call| call.contains(session) && call.contains("stat"));
    let opened = at(&|call| call.contains(session) && call.starts_with("open"));
    assert!(watched < opened, "{trace}");
    let writes: Vec<&&str> = calls
        .iter()
        .filter(|call| call.starts_with("write("))
        .collect();
    assert_eq!(writes.len(), 1, "{trace}");
    assert!(writes[0].contains("home/dump>"), "{trace}");
    assert!(!calls.iter().any(|call| call.contains("/.aws/")), "{trace}");
    assert!(
        !calls.iter().any(|call| call.contains("/dev/tty")),
        "{trace}"
    );
}
