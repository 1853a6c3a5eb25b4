//! `get` killed at any moment, and many `get`s at once: a reader finds either the old session or the new one, whole.

use super::deadline::InTime;
use super::fake_sts::{FakeSts, KEY_ID};
use super::sandbox::{Outcome, Sandbox, binary, mode};
use super::tool::{LOOK_INSIDE, root, tool};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The session in the file: none, or a whole one in a private file.
#[track_caller]
fn whole_session(file: &Path) -> Option<String> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(mode(file), 0o600);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let credentials = &json["Credentials"];
    let number = |name: &str, prefix: &str, suffix: &str| {
        let value = credentials[name].as_str().unwrap();
        let rest = value.strip_prefix(prefix).unwrap();
        rest.strip_suffix(suffix).unwrap().parse::<u32>().unwrap()
    };
    let id = number("AccessKeyId", "ASIASESSION", "");
    assert_eq!(id, number("SecretAccessKey", "session/S3CR3T+", ""));
    assert_eq!(id, number("SessionToken", "token//S3CR3T+", "=="));
    assert!(credentials["Expiration"].is_string());
    Some(credentials["AccessKeyId"].as_str().unwrap().to_owned())
}

/// The leftovers of killed `get`s next to the session file, which must be private.
#[track_caller]
fn left_over(sandbox: &Sandbox) -> usize {
    let session = format!("session-{KEY_ID}");
    let names = sandbox.session_directory();
    let left = names.iter().filter(|name| **name != session);
    left.map(|name| {
        let path = sandbox.session_file().with_file_name(name);
        assert_eq!(mode(&path), 0o600);
    })
    .count()
}

/// Starts `get` and kills it after `delay`.
fn get_killed_after(sandbox: &Sandbox, code: u32, delay: Duration) {
    let mut get = sandbox
        .command(binary())
        .args(["get", &format!("{code:06}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(delay);
    get.kill().unwrap();
    get.status_in_time();
}

/// The moments cover a little more than the time of a complete `get`.
#[test]
fn get_killed_at_500_moments_leaves_a_whole_session() {
    const MOMENTS: u32 = 500;
    const AT_ONCE: u32 = 4;
    let sts = FakeSts::start();
    let moments = |first: u32| {
        let sandbox = Sandbox::with_user(&sts);
        let started = Instant::now();
        sandbox.get(&format!("99999{first}"));
        let life = started.elapsed();
        let file = sandbox.session_file();
        let (mut old, mut new, mut left) = (0, 0, 0);
        for moment in (first..MOMENTS).step_by(AT_ONCE as usize) {
            let before = whole_session(&file);
            get_killed_after(&sandbox, moment + 1, life * 5 / 4 * moment / MOMENTS);
            match whole_session(&file) == before {
                true => old += 1,
                false => new += 1,
            }
            left += left_over(&sandbox);
        }
        sandbox.get(&format!("88888{first}"));
        assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
        (old, new, left)
    };
    let (old, new, left) = std::thread::scope(|scope| {
        let moments = &moments;
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|first| scope.spawn(move || moments(first)))
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.fold((0, 0, 0), |all, one| {
            (all.0 + one.0, all.1 + one.1, all.2 + one.2)
        })
    });
    println!(
        "{MOMENTS} kills: {old} times the old session, {new} times the new one; {left} left-overs"
    );
    assert_eq!(old + new, MOMENTS);
}

/// The system calls for files.
const FILE_CALLS: [&str; 9] = [
    "flock",
    "fsync",
    "mkdir",
    "openat",
    "readlink",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
];

/// The file can change only during a system call. So every one is a moment, from the first that concerns the file.
#[test]
fn get_killed_at_each_system_call_leaves_a_whole_session() {
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.get("999999");
    // Every save must set the file's time, not only one within a second of the last.
    let set_ahead = || {
        let file = std::fs::File::open(sandbox.session_file()).unwrap();
        let time = SystemTime::now() + Duration::from_secs(3_600);
        file.set_modified(time).unwrap();
    };
    set_ahead();
    let calls = system_calls(&sandbox, &strace, "888888");
    let (mut old, mut new, mut left) = (0, 0, 0);
    for (moment, (name, number)) in calls.iter().enumerate() {
        set_ahead();
        let before = whole_session(&sandbox.session_file());
        let kill = format!("inject={name}:signal=KILL:when={number}");
        let status = sandbox
            .command(&strace)
            .args(["-qq", "-o", "/dev/null", "-e", &kill])
            .arg(binary())
            .args(["get", &format!("{moment:06}")])
            .stdout(Stdio::null())
            .status_in_time();
        // The number of reads from the network varies; everything else is constant.
        let of_files = FILE_CALLS.contains(&name.as_str());
        assert!(
            !of_files || !status.success(),
            "alive after {name} {number}"
        );
        match whole_session(&sandbox.session_file()) == before {
            true => old += 1,
            false => new += 1,
        }
        let files = left_over(&sandbox);
        assert!(files <= 1, "what the one before has left is still there");
        left += files;
    }
    println!(
        "{} system calls: {old} times the old session, {new} times the new one; {left} left-overs",
        calls.len()
    );
    assert!(old > 0 && new > 0 && left > 0);
    for name in ["open", "fsync", "rename"] {
        assert!(
            calls.iter().any(|(call, _)| call.starts_with(name)),
            "no {name}"
        );
    }
    sandbox.get("777777");
    assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
}

/// The system calls of a complete `get`, each with its ordinal among those of its name.
fn system_calls(sandbox: &Sandbox, strace: &Path, code: &str) -> Vec<(String, usize)> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = sandbox.command(strace);
    command.arg("-o").arg(log.path()).arg(binary());
    assert_eq!(sandbox.run_with(command.args(["get", code])).status, 0);
    let log = std::fs::read_to_string(log.path()).unwrap();
    let file = sandbox.session_file();
    let directory = file.parent().unwrap().to_str().unwrap();
    let mut counts = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        let count = counts.entry(name).or_insert(0);
        *count += 1;
        // The number of waits for the network varies.
        if (line.contains(directory) || !calls.is_empty()) && !name.starts_with("epoll") {
            calls.push((name.to_owned(), *count));
        }
    }
    calls
}

#[test]
fn concurrent_gets_and_loads_meet_only_whole_sessions() {
    const GETS: u32 = 40;
    const LOADS: u32 = 2_000;
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.get("999999");
    let (gets, loads) = (AtomicU32::new(0), AtomicU32::new(0));
    let get = || {
        while let number @ 0..GETS = gets.fetch_add(1, Ordering::Relaxed) {
            let mut command = sandbox.command(binary());
            command.args(["get", &format!("{:06}", number + 1)]);
            let outcome = Outcome::from(command.output_in_time());
            assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        }
    };
    let load = || {
        while loads.fetch_add(1, Ordering::Relaxed) < LOADS {
            let output = sandbox.command(binary()).arg("load").output_in_time();
            let outcome = Outcome::from(output);
            assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
            let value = |line: usize, prefix: &str| {
                let rest = outcome.stdout.lines().nth(line)?.strip_prefix(prefix)?;
                rest.trim_end_matches(['\'', '=']).parse::<u32>().ok()
            };
            let id = value(0, "export AWS_ACCESS_KEY_ID='ASIASESSION").unwrap();
            assert_eq!(
                value(1, "export AWS_SECRET_ACCESS_KEY='session/S3CR3T+"),
                Some(id)
            );
            assert_eq!(
                value(2, "export AWS_SESSION_TOKEN='token//S3CR3T+"),
                Some(id)
            );
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(load);
            scope.spawn(get);
        }
    });
    assert_eq!(sts.requests().len(), GETS as usize + 1);
    assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
}
