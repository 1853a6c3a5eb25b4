//! `get --unless-valid`: if terminals start together, one prompts for a code.

#[cfg(unix)]
use super::deadline::{InTime, wait_until};
use super::fake_sts::{FakeSts, KEY_ID};
use super::sandbox::Sandbox;
#[cfg(unix)]
use super::sandbox::{Outcome, binary, words_for};
use super::words;
#[cfg(unix)]
use super::{shell::Shell, tool::tool};
use jiff::{SignedDuration, Timestamp};
#[cfg(unix)]
use rustix::io::Errno;
#[cfg(unix)]
use std::process::Stdio;

fn in_minutes(minutes: i64) -> Timestamp {
    // Half a minute more, so that the test's own time does not matter.
    Timestamp::now() + SignedDuration::from_secs(60 * minutes + 29)
}

#[test]
fn session_with_more_than_the_margin_left_is_kept() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let end = in_minutes(90);
    sandbox.write_session(end);
    sandbox.run(["get", "--unless-valid"]).is(
        0,
        &format!(
            "{} until {} (1h 30m)\n",
            words::session_is_still_valid(KEY_ID),
            end.strftime("%H:%M")
        ),
        "",
    );
    assert!(sts.requests().is_empty());
    // Without a lock, because no code is needed.
    let name = sandbox.session_file();
    let name = name.file_name().unwrap().to_str().unwrap();
    assert_eq!(sandbox.session_directory(), [name]);
}

#[cfg(unix)]
#[test]
fn kept_session_readable_by_others_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write_session(in_minutes(90));
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let outcome = sandbox.run(["get", "--unless-valid"]);
    assert_eq!(
        (outcome.status, outcome.stderr),
        (
            0,
            format!(
                "aws-mfa: warning: {}: run `chmod 600 {}`\n",
                words::others_can_read_the_session_file("0644"),
                words::with_tilde(file.display())
            )
        )
    );
}

/// The lock file for the sandbox's session file.
#[cfg(unix)]
fn lock_file(sandbox: &Sandbox) -> std::path::PathBuf {
    let name = format!(".session-{}.lock", KEY_ID);
    sandbox.session_file().with_file_name(name)
}

#[cfg(unix)]
#[test]
fn waiting_get_says_so_and_what_to_do() {
    use std::io::{BufRead, BufReader};
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let lock = std::fs::File::open(sandbox.write(lock_file(&sandbox), "")).unwrap();
    lock.lock().unwrap();
    let mut get = sandbox
        .command(binary())
        .args(["get", "--unless-valid"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut note = String::new();
    BufReader::new(get.stderr.take().unwrap())
        .read_line(&mut note)
        .unwrap();
    assert_eq!(
        note,
        format!(
            "aws-mfa: another `aws-mfa get` is already running; waiting for it to finish: \
             enter the code there, or press Ctrl-C and {}\n",
            words::get_a_session()
        )
    );
    sandbox.write_session(in_minutes(90));
    drop(lock);
    let outcome = Outcome::from(get.output_in_time());
    assert_eq!(outcome.status, 0);
    assert!(outcome.stdout.contains(&words::session_is_still_valid("")));
}

/// The lock only helps other processes: without it, this works like plain `get`.
#[cfg(unix)]
#[test]
fn get_without_a_lock_warns_and_continues() {
    use std::os::unix::fs::symlink;
    let Some(strace) = tool("strace") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let get = |command: &mut std::process::Command, code: &str, reason: &str| {
        let outcome = sandbox.run_with(command.args(["get", "--unless-valid=0", code]));
        assert_eq!(
            (outcome.status, outcome.stderr),
            (
                0,
                format!(
                    "aws-mfa: warning: continuing without a lock: cannot lock {}: {reason}\n",
                    words::with_tilde(sandbox.session_file().display())
                )
            )
        );
        std::fs::remove_file(sandbox.session_file()).unwrap();
    };
    let lock = lock_file(&sandbox);
    let elsewhere = words::choose_another_file();
    for (code, name, error) in [
        ("111111", "ENOLCK", Errno::NOLCK),
        ("111112", "EOPNOTSUPP", Errno::OPNOTSUPP),
    ] {
        let mut command = sandbox.command(&strace);
        command
            .args(["-qq", "-o", "/dev/null", "-e"])
            .arg(format!("inject=flock:error={name}"))
            .arg(binary());
        let reason = format!("{}: fix that, or {elsewhere}", words_for(error));
        get(&mut command, code, &reason);
    }
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let is_directory = format!(
        "cannot open {0}: is a directory: remove {0}",
        words::with_tilde(lock.display())
    );
    get(&mut sandbox.command(binary()), "111113", &is_directory);
    std::fs::remove_dir(&lock).unwrap();

    // The user's own symlink is followed, another user's is not.
    let target = sandbox.write("precious", "mine");
    symlink(&target, &lock).unwrap();
    assert_eq!(sandbox.run(["get", "--unless-valid=0", "111114"]).status, 0);
    assert_eq!(std::fs::read(&target).unwrap(), b"mine");
    std::fs::remove_file(sandbox.session_file()).unwrap();
    if super::store::as_root() {
        use super::store::OTHER_USER;
        std::fs::write(&target, "mine").unwrap();
        std::os::unix::fs::lchown(&lock, Some(OTHER_USER), None).unwrap();
        let foreign = format!(
            "another user owns the symlink {}: {elsewhere}",
            words::with_tilde(lock.display())
        );
        get(&mut sandbox.command(binary()), "111115", &foreign);
        assert_eq!(std::fs::read(&target).unwrap(), b"mine");
        std::fs::remove_file(&lock).unwrap();
        sandbox.write(&lock, "1\n");
        std::os::unix::fs::chown(&lock, Some(OTHER_USER), None).unwrap();
        let foreign = format!(
            "{0} does not belong to this user: remove {0}",
            words::with_tilde(lock.display())
        );
        get(&mut sandbox.command(binary()), "111116", &foreign);
        assert_eq!(std::fs::read(&lock).unwrap(), b"1\n");
    }
}

#[test]
fn session_with_less_than_the_margin_left_is_replaced() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    for (number, (left, arguments, kept)) in [
        (14, &["--unless-valid"][..], false),
        (16, &["--unless-valid"], true),
        (29, &["--unless-valid=30m"], false),
        // At most a quarter of the duration: 15 minutes of an hour.
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
        let expected = if kept {
            words::session_is_still_valid("")
        } else {
            words::session_is_valid("")
        };
        assert!(
            outcome.stdout.contains(&expected),
            "{left} {}",
            outcome.stdout
        );
        assert_eq!(sts.requests().len() - before, usize::from(!kept));
    }
}

#[test]
fn invalid_margin_is_a_usage_error() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.run(["get", "--unless-valid=later", "135790"]).is(
        2,
        "",
        &words::failure(
            &words::invalid_duration("later"),
            "write it as 15m, 1h30m or a number of seconds",
        ),
    );
}

/// The message contains the directory, not the missing lock file.
#[cfg(unix)]
#[test]
fn lock_in_a_directory_that_cannot_be_created_is_a_warning() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let taken = sandbox.write("taken", "a file");
    let file = taken.join("session");
    let outcome = sandbox
        .set("AWS_SESSION_FILE", &file)
        .run(["get", "--unless-valid", "123456"]);
    let reason = words::cannot_write_to_the_directory(taken.display(), "not a directory");
    let hint = words::choose_another_file();
    let file = words::with_tilde(file.display());
    let failure = words::failure(&words::cannot_save_the_session(&file, &reason), hint);
    outcome.is(
        1,
        "",
        &format!(
            "aws-mfa: warning: continuing without a lock: cannot lock {file}: {reason}: {hint}\n{failure}"
        ),
    );
    assert!(sts.requests().is_empty());
}

/// The first process holds the lock until it has a code. Meanwhile, all others wait for the lock.
#[cfg(unix)]
#[test]
fn only_one_of_ten_concurrent_gets_prompts_for_a_code() {
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
    // The code comes only after nine processes have reported that they wait.
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
    wait_until("nine notes", || {
        let new = notes.iter().filter(|notes| notes.try_recv().is_ok());
        waiting += new.count();
        waiting >= 9
    });
    assert_eq!(waiting, 9);
    sandbox.write("go", "");
    for mut terminal in terminals {
        ends.push(Outcome::from(terminal.output_in_time()));
    }
    let count = |what: String| ends.iter().filter(|end| end.stdout.contains(&what)).count();
    assert_eq!(count(words::session_is_valid("")), 1);
    assert_eq!(count(words::session_is_still_valid("")), 9);
    assert!(ends.iter().all(|end| end.status == 0));
    assert_eq!(sts.requests().len(), 1);
    assert_eq!(
        std::fs::read_to_string(sandbox.home().join("asks")).unwrap(),
        "asked\n"
    );
}

#[cfg(unix)]
#[test]
fn lock_file_is_private_and_makes_no_shell_reload() {
    let Some(direnv) = tool("direnv") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.write_session(in_minutes(90));
    let directory = sandbox.project(&direnv, "direnv_load aws-mfa load\n");
    let mut shell = Shell::open(&sandbox, &directory, &direnv);
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000000");
    // It takes the lock, but has no code.
    let shown = shell.run("aws-mfa get --unless-valid=3h --code-command false");
    assert!(
        shown.starts_with("aws-mfa: ") && !shown.contains("direnv:"),
        "{shown}"
    );
    assert_eq!(super::sandbox::mode(&lock_file(&sandbox)), 0o600);
}
