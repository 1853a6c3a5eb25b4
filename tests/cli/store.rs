//! The session file in bad conditions: wrong kinds of files, other owners, and disk faults.
//!
//! Each failure has its exact message, costs no code if it can be foreseen, and loses nothing.

use super::deadline::InTime;
use super::fake_sts::{FakeSts, KEY_ID};
use super::sandbox::{Outcome, Sandbox, binary, chmod, in_an_hour, mode, words_for};
use super::tool::{LOOK_INSIDE, root, skip, tool};
use super::words;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Another user: neither root nor, most likely, the user who runs the tests.
pub const OTHER_USER: u32 = 54_321;

/// Runs this when it is dropped, in a panic too.
struct Defer<F: FnMut()>(F);

impl<F: FnMut()> Drop for Defer<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a test can switch to another user, who can enter its sandbox. If not, the test is skipped.
#[track_caller]
pub fn as_root() -> bool {
    root("switch to another user") && others_can_enter(&std::env::temp_dir())
}

#[track_caller]
fn others_can_enter(directory: &Path) -> bool {
    let directory = directory.canonicalize().unwrap();
    let closed = directory.ancestors().find(|path| mode(path) & 0o1 == 0);
    if let Some(closed) = closed {
        skip(&format!(
            "other users cannot enter {}; set TMPDIR",
            closed.display()
        ));
    }
    closed.is_none()
}

/// Runs `get` with the session file at `path`. It must fail with this message, without a request.
#[track_caller]
fn get_fails(sandbox: &mut Sandbox, sts: &FakeSts, path: &Path, reason: &str, hint: &str) {
    let requests = sts.requests().len();
    let outcome = sandbox.set("AWS_SESSION_FILE", path).run(["get", "123456"]);
    cannot_save(&outcome, path, reason, hint);
    assert_eq!(sts.requests().len(), requests, "a code was spent");
}

#[track_caller]
fn cannot_save(outcome: &Outcome, path: &Path, reason: &str, hint: &str) {
    outcome.is(
        1,
        "",
        &words::failure(
            &words::cannot_save_the_session(path.display(), reason),
            hint,
        ),
    );
}

/// Runs `load` with the session file at `path`. It must fail with this message.
#[track_caller]
fn load_fails(sandbox: &mut Sandbox, path: &Path, message: &str) {
    let outcome = sandbox.set("AWS_SESSION_FILE", path).run(["load"]);
    outcome.is(3, "", &words::failure(message, words::get_a_session()));
}

#[track_caller]
pub fn get_works(sandbox: &Sandbox, code: &str) {
    sandbox.get(code);
}

/// The hint for a session file of another user.
pub fn be_that_user() -> String {
    format!("run this as that user, or {}", words::choose_another_file())
}

/// Gives the sandbox to another user, who can run the binary and owns the home directory.
pub fn as_other_user(sandbox: &Sandbox) -> Command {
    let directory = sandbox.home().parent().unwrap().to_owned();
    chmod(&directory, 0o755);
    let program = directory.join("aws-mfa");
    if !program.exists() {
        // Another process copies it: a program that is open for writing cannot run, and a parallel test could start a
        // child while it is open here.
        let mut copy = Command::new("cp");
        let copied = copy.arg(binary()).arg(&program).status_in_time();
        assert!(copied.success());
    }
    std::os::unix::fs::chown(sandbox.home(), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    let mut command = sandbox.command(program);
    command.uid(OTHER_USER).gid(OTHER_USER);
    command
}

// The kind of file.

#[test]
fn missing_directory_is_created_and_file_in_its_place_is_an_error() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let deep = sandbox.home().join("a/b/c/session");
    sandbox.set("AWS_SESSION_FILE", &deep);
    get_works(&sandbox, "111111");
    for directory in deep.ancestors().skip(1).take(3) {
        assert_eq!(mode(directory), 0o700);
    }

    let taken = sandbox.write("taken", "a file");
    let path = taken.join("session");
    let not_one = "not a directory";
    let reason = words::cannot_write_to_the_directory(taken.display(), not_one);
    get_fails(
        &mut sandbox,
        &sts,
        &path,
        &reason,
        words::choose_another_file(),
    );
    let path = taken.join("deeper/session");
    let deeper = taken.join("deeper");
    let reason = words::cannot_write_to_the_directory(deeper.display(), not_one);
    get_fails(
        &mut sandbox,
        &sts,
        &path,
        &reason,
        words::choose_another_file(),
    );
    assert_eq!(std::fs::read(&taken).unwrap(), b"a file");
    let message = words::cannot_read_the_session_file(path.display(), not_one);
    load_fails(&mut sandbox, &path, &message);
}

#[test]
fn directory_fifo_and_device_are_rejected_and_left_alone() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let directory = sandbox.home().join("directory");
    let fifo = sandbox.home().join("fifo");
    std::fs::create_dir(&directory).unwrap();
    let made = sandbox.command("mkfifo").arg(&fifo).status_in_time();
    assert!(made.success());
    let devices = ["/dev/null", "/dev/zero", "/dev/full"].map(PathBuf::from);
    // macOS has no /dev/full.
    let devices = devices.into_iter().filter(|device| device.exists());
    for path in [directory, fifo].into_iter().chain(devices) {
        let before = std::fs::metadata(&path).unwrap();
        let message = words::session_file_is_corrupt("not a regular file", path.display());
        load_fails(&mut sandbox, &path, &message);
        let by_flag = [
            OsStr::new("load"),
            OsStr::new("--session-file"),
            path.as_os_str(),
        ];
        let said = sandbox.run(by_flag);
        assert!(
            said.failed(3).starts_with(&format!("aws-mfa: {message}\n")),
            "{}",
            said.stderr
        );
        let reason = format!(
            "{} is not a regular file",
            words::with_tilde(path.display())
        );
        get_fails(
            &mut sandbox,
            &sts,
            &path,
            &reason,
            words::choose_another_file(),
        );
        // Not with a device, which a defect would remove from the machine.
        if path.starts_with(sandbox.home()) {
            let message = format!(
                "aws-mfa: cannot remove the session file {}: {reason}\nhint: {}\n",
                words::with_tilde(path.display()),
                words::choose_another_file()
            );
            sandbox.run(["clear"]).is(1, "", &message);
        }
        let after = std::fs::metadata(&path).unwrap();
        assert_eq!(
            (before.ino(), before.mode(), before.rdev()),
            (after.ino(), after.mode(), after.rdev())
        );
    }
    assert_eq!(
        sandbox.run(["load", "--session-file", "/dev/stdin"]).status,
        3
    );
}

#[test]
fn dangling_symlink_is_followed_and_symlink_loop_is_an_error() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let link = sandbox.home().join("link");
    symlink("new/directory/session", &link).unwrap();
    let missing = words::no_session_yet(link.display());
    load_fails(&mut sandbox, &link, &missing);
    get_works(&sandbox, "111111");
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(mode(&sandbox.home().join("new/directory/session")), 0o600);
    assert_eq!(sandbox.run(["load"]).status, 0);

    let (one, two) = (sandbox.home().join("one"), sandbox.home().join("two"));
    symlink(&one, &two).unwrap();
    symlink(&two, &one).unwrap();
    let loops = "too many levels of symbolic links";
    get_fails(
        &mut sandbox,
        &sts,
        &one,
        loops,
        words::choose_another_file(),
    );
    let message = words::cannot_read_the_session_file(one.display(), loops);
    load_fails(&mut sandbox, &one, &message);
}

#[test]
fn file_of_100_mb_is_rejected_and_can_be_replaced() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write(sandbox.session_file(), "");
    std::fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(100 * 1024 * 1024)
        .unwrap();
    let message = words::session_file_is_corrupt("larger than 1 MiB", file.display());
    load_fails(&mut sandbox, &file, &message);
    get_works(&sandbox, "111111");
    assert_eq!(sandbox.run(["load"]).status, 0);
}

// The file's name.

#[test]
fn invalid_file_name_is_an_error_before_the_code_is_spent() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let a_directory = "that is the name of a directory";
    for path in ["session/", "/", "..", "a/.."] {
        get_fails(
            &mut sandbox,
            &sts,
            Path::new(path),
            a_directory,
            words::choose_another_file(),
        );
    }
    let link = sandbox.home().join("link");
    symlink("directory/", &link).unwrap();
    get_fails(
        &mut sandbox,
        &sts,
        &link,
        a_directory,
        words::choose_another_file(),
    );

    get_fails(
        &mut sandbox,
        &sts,
        Path::new("~/.config/aws/session"),
        "the shell did not expand ~",
        "write $HOME instead of ~, or remove the quotes",
    );
    assert!(!sandbox.home().join("~").exists());
    let explained = words::failure(
        &words::cannot_read_the_session_file("~/.config/aws/session", "the shell did not expand ~"),
        "write $HOME instead of ~, or remove the quotes",
    );
    sandbox.run(["load"]).is(3, "", &explained);
    sandbox
        .run(["exec", "--no-prompt", "--", "true"])
        .is(3, "", &explained);
    let shown = sandbox.run(["status"]).stdout;
    assert!(
        shown.starts_with("session: cannot use the file: the shell did not expand ~\n"),
        "{shown}"
    );

    let long = sandbox.home().join("n".repeat(256));
    let too_long = words_for(Errno::NAMETOOLONG);
    get_fails(
        &mut sandbox,
        &sts,
        &long,
        &too_long,
        words::choose_another_file(),
    );
    let message = words::cannot_read_the_session_file(long.display(), &too_long);
    load_fails(&mut sandbox, &long, &message);

    let longer = PathBuf::from("/directory".repeat(600));
    let parent = longer.parent().unwrap();
    let reason = words::cannot_write_to_the_directory(parent.display(), &too_long);
    get_fails(
        &mut sandbox,
        &sts,
        &longer,
        &reason,
        words::choose_another_file(),
    );

    let empty = sandbox.run(["get", "--session-file", "", "123456"]);
    assert_eq!((empty.status, empty.stdout.as_str()), (2, ""));
    assert!(sts.requests().is_empty());
}

#[test]
fn relative_path_starts_at_the_current_directory() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    for path in ["session", "./here/session", "here/../session"] {
        sandbox.set("AWS_SESSION_FILE", path);
        let code = format!("1111{:02}", path.len());
        get_works(&sandbox, &code);
        assert_eq!(sandbox.run(["load"]).status, 0);
        assert_eq!(mode(&sandbox.home().join(path)), 0o600);
    }
}

/// On macOS, file names must be UTF-8.
#[cfg(target_os = "linux")]
#[test]
fn path_that_is_not_utf8_works() {
    use std::os::unix::ffi::OsStrExt;
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let path = sandbox
        .home()
        .join(OsStr::from_bytes(b"f\xffolder/s\xfe\nssion"));
    load_fails(
        &mut sandbox,
        &path,
        &words::no_session_yet(path.display()).replace('\n', "\\n"),
    );
    get_works(&sandbox, "111111");
    assert_eq!(mode(&path), 0o600);
    let outcome = sandbox.run(["load"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    let outcome = sandbox.unset("AWS_SESSION_FILE").run([
        OsStr::new("load"),
        OsStr::new("--session-file"),
        path.as_os_str(),
    ]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
}

#[test]
fn unset_home_is_an_error_only_if_no_file_is_configured() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    // HOME does not matter if the file is configured.
    sandbox.unset("HOME");
    get_works(&sandbox, "111111");
    assert_eq!(sandbox.run(["load"]).status, 0);
    // No user has this number, so there is no home directory.
    if as_root() {
        sandbox.unset("AWS_SESSION_FILE");
        sandbox.run_with(as_other_user(&sandbox).arg("load")).is(
            1,
            "",
            "aws-mfa: no place for the session file: the home directory is unknown\n\
             hint: set HOME or AWS_SESSION_FILE\n",
        );
    }
}

// Permissions.

#[test]
fn modes_are_private_under_any_umask() {
    if is_root() && !as_root() {
        return;
    }
    let sts = FakeSts::start();
    for (number, umask) in ["000", "022", "077", "277", "777"].into_iter().enumerate() {
        let mut sandbox = Sandbox::with_user(&sts);
        let script = format!("umask {umask}; exec \"$0\" get 11111{number}");
        let mut command = if is_root() {
            // Root can read files of mode 0.
            let mut command = as_other_user(&sandbox);
            let program = command.get_program().to_owned();
            command = sandbox.command("sh");
            command.uid(OTHER_USER).gid(OTHER_USER);
            command.args(["-c", &script]).arg(program);
            command
        } else {
            let mut command = sandbox.command("sh");
            command.args(["-c", &script]).arg(binary());
            command
        };
        let outcome = sandbox.run_with(&mut command);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, ""),
            "{umask}"
        );
        let file = sandbox.session_file();
        assert_eq!(mode(&file), 0o600, "umask {umask}");
        assert_eq!(mode(file.parent().unwrap()), 0o700, "umask {umask}");
        let load = match is_root() {
            true => sandbox.run_with(as_other_user(&sandbox).arg("load")),
            false => sandbox.run(["load"]),
        };
        assert_eq!((load.status, load.stderr.as_str()), (0, ""));
        sandbox.unset("HOME");
    }
}

/// At no moment during `get` can others read a file.
#[test]
fn file_is_created_with_0600_and_never_changes_its_mode() {
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = sandbox.command("sh");
    command
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(&strace)
        .args(["-f", "-e", "trace=/open|creat|chmod|umask|mkdir", "-o"])
        .arg(log.path())
        .arg(binary())
        .args(["get", "111111"]);
    assert_eq!(sandbox.run_with(&mut command).status, 0);
    let log = std::fs::read_to_string(log.path()).unwrap();
    let made: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("O_CREAT"))
        .collect();
    // One file for testing the directory, and one that is renamed.
    assert_eq!(made.len(), 2, "{log}");
    for line in made {
        assert!(
            line.contains("/.aws-mfa-") && line.contains(", 0600)"),
            "{line}"
        );
    }
    assert!(!log.contains("chmod"), "{log}");
}

/// Runs the command in a warning.
fn follow_remedy(sandbox: &Sandbox, warning: &str) {
    let (_, rest) = warning.split_once("run `").unwrap();
    let (remedy, _) = rest.split_once('`').unwrap();
    Outcome::of(sandbox.command("sh").args(["-c", remedy])).is(0, "", "");
}

#[test]
fn file_writable_by_others_is_rejected_and_a_readable_one_is_a_warning() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.home().join("its session");
    std::fs::rename(sandbox.write_session(in_an_hour()), &file).unwrap();
    sandbox.set("AWS_SESSION_FILE", &file);
    let is_root = root("give a file to another user");
    let own = |user, group| std::os::unix::fs::chown(&file, user, group).unwrap();
    let warning = |warning: &str| {
        let file = file.display();
        format!("aws-mfa: warning: {warning}: run `chmod 600 '{file}'`\n")
    };
    let readable = |mode: &str| warning(&words::others_can_read_the_session_file(mode));
    let writable = warning("others can write to the session file (mode 0620)");
    let load = |mode| {
        chmod(&file, mode);
        sandbox.run(["load"])
    };
    for (mode, group, stderr) in [
        (0o600, None, String::new()),
        (0o400, Some(OTHER_USER), String::new()),
        (0o611, Some(OTHER_USER), String::new()),
        (0o640, None, readable("0640")),
        (0o640, Some(OTHER_USER), readable("0640")),
        (0o604, None, readable("0604")),
        // A group with the user's number is the user's private group.
        (0o664, Some(0), readable("0664")),
        (0o660, Some(0), readable("0660")),
        (0o620, Some(0), writable),
    ] {
        if group.is_some() && !is_root {
            continue;
        }
        own(None, group);
        let outcome = load(mode);
        assert_eq!((outcome.status, &outcome.stderr), (0, &stderr), "{mode:o}");
        if !stderr.is_empty() {
            follow_remedy(&sandbox, &outcome.stderr);
            assert_eq!(super::sandbox::mode(&file), 0o600);
        }
    }
    if is_root {
        let keys = format!("[default]\n{}", super::sandbox::profile_keys());
        let credentials = sandbox.write(".aws/credentials", keys);
        chmod(&credentials, 0o620);
        chmod(&file, 0o620);
        let findings = sandbox.run(["doctor", "--offline"]).stdout;
        let shown = words::with_tilde(credentials.display());
        let session = format!("'{}'", file.display());
        for (subject, word) in [("the session file", &session), (&shown, &shown)] {
            let finding = format!(
                "warning files: others can write to {subject} (mode 0620)\n        chmod 600 {word}\n"
            );
            assert!(findings.contains(&finding), "{findings}");
        }
    }
    let group = Some(OTHER_USER);
    for (mode, user, group, reason) in [
        (0o602, None, None, "everyone can write to it, mode 0602"),
        (0o666, None, None, "everyone can write to it, mode 0666"),
        (0o660, None, group, "its group can write to it, mode 0660"),
        (0o620, None, group, "its group can write to it, mode 0620"),
        (0o600, Some(OTHER_USER), None, "another user owns it"),
    ] {
        if user.or(group).is_some() && !is_root {
            continue;
        }
        own(user, group);
        let refused = words::session_file_rejected(reason, file.display());
        let hint = match user {
            Some(_) => be_that_user(),
            None => words::get_a_session().to_owned(),
        };
        load(mode).is(3, "", &words::failure(&refused, &hint));
    }
}

#[test]
fn unwritable_directory_is_an_error_before_the_code_is_spent() {
    if !as_root() {
        return;
    }
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let directory = sandbox.home().join("directory");
    std::fs::create_dir(&directory).unwrap();
    let file = sandbox.write(
        "directory/session",
        super::fake_sts::session_json(in_an_hour()),
    );
    let before = std::fs::read(&file).unwrap();
    sandbox.set("AWS_SESSION_FILE", &file);
    let reason = words::cannot_write_to_the_directory(directory.display(), "permission denied");
    for (owner, mode) in [(OTHER_USER, 0o500), (0, 0o755), (0, 0o711)] {
        std::os::unix::fs::chown(&directory, Some(owner), None).unwrap();
        chmod(&directory, mode);
        let outcome = sandbox.run_with(as_other_user(&sandbox).args(["get", "123456"]));
        cannot_save(&outcome, &file, &reason, words::choose_another_file());
    }
    assert!(sts.requests().is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    // Another user's file cannot be read either.
    sandbox.run_with(as_other_user(&sandbox).arg("load")).is(
        3,
        "",
        &words::failure(
            &words::session_file_rejected("another user owns it", file.display()),
            &be_that_user(),
        ),
    );
}

/// The directory can be written to but not read, so it cannot be synced, but the session is saved.
#[test]
fn directory_that_cannot_be_synced_is_no_failure() {
    if !as_root() {
        return;
    }
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.session_file();
    let directory = file.parent().unwrap();
    let outcome = sandbox.run_with(as_other_user(&sandbox).args(["get", "111111"]));
    assert_eq!(outcome.status, 0);
    chmod(directory, 0o300);
    let outcome = sandbox.run_with(as_other_user(&sandbox).args(["get", "222222"]));
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(saved.contains("ASIASESSION000000002"), "{saved}");
}

/// In a directory that everyone can write to, like /tmp.
#[test]
fn file_and_symlink_of_another_user_are_rejected() {
    if !as_root() {
        return;
    }
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let shared = sandbox.home().join("shared");
    std::fs::create_dir(&shared).unwrap();
    chmod(&shared, 0o1777);
    let file = shared.join("session");
    sandbox.set("AWS_SESSION_FILE", &file);
    let get = |sandbox: &Sandbox| sandbox.run_with(as_other_user(sandbox).args(["get", "123456"]));
    let load = |sandbox: &Sandbox| sandbox.run_with(as_other_user(sandbox).arg("load"));

    // Another user's session is not loaded, and cannot be replaced.
    let planted = super::fake_sts::session_json(in_an_hour());
    sandbox.write("shared/session", planted);
    std::os::unix::fs::chown(&file, Some(1), None).unwrap();
    chmod(&file, 0o644);
    load(&sandbox).is(
        3,
        "",
        &words::failure(
            &words::session_file_rejected("another user owns it", file.display()),
            &be_that_user(),
        ),
    );
    let reason = format!(
        "it belongs to another user, and only that user can replace it in the sticky directory {}",
        words::with_tilde(shared.display())
    );
    cannot_save(&get(&sandbox), &file, &reason, words::choose_another_file());

    // Another user's symlink could make `get` replace one of this user's files.
    std::fs::remove_file(&file).unwrap();
    let precious = sandbox.write("precious", "mine");
    std::os::unix::fs::chown(&precious, Some(OTHER_USER), None).unwrap();
    symlink(&precious, &file).unwrap();
    std::os::unix::fs::lchown(&file, Some(1), None).unwrap();
    let reason = format!(
        "another user owns the symlink {}",
        words::with_tilde(file.display())
    );
    cannot_save(&get(&sandbox), &file, &reason, words::choose_another_file());
    assert_eq!(std::fs::read(&precious).unwrap(), b"mine");
    load(&sandbox).is(
        3,
        "",
        &words::failure(
            &words::session_file_rejected(&reason, file.display()),
            words::get_a_session(),
        ),
    );
    assert!(sts.requests().is_empty());

    // This user's own symlink is followed there too.
    std::fs::write(&precious, "").unwrap();
    std::os::unix::fs::lchown(&file, Some(OTHER_USER), None).unwrap();
    assert_eq!(get(&sandbox).status, 0);
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert_eq!(load(&sandbox).status, 0);
}

/// Between two calls by name, a symlink can be replaced.
#[test]
fn symlink_is_checked_and_read_from_one_descriptor() {
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.write("target", super::fake_sts::session_json(in_an_hour()));
    let link = sandbox.home().join("the-link");
    symlink("target", &link).unwrap();
    sandbox.set("AWS_SESSION_FILE", &link);
    for arguments in [
        &["load"][..],
        &["get", "111111"],
        &["get", "--unless-valid=3h", "222222"],
        &["clear"],
    ] {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = sandbox.command(&strace);
        command
            .args(["-f", "-e", "trace=file,readlinkat", "-o"])
            .arg(log.path())
            .arg(binary())
            .args(arguments);
        assert_eq!(sandbox.run_with(&mut command).status, 0);
        let log = std::fs::read_to_string(log.path()).unwrap();
        let of_link = log
            .lines()
            .filter(|line| line.contains("/the-link\"") && !line.contains("execve("));
        for line in of_link {
            let looks_only = line.contains("stat") || line.contains("O_PATH");
            assert!(looks_only || line.contains("O_NOFOLLOW"), "{line}");
            assert!(!line.contains("readlink"), "{line}");
        }
        let read = |line: &str| line.contains("readlinkat(") && line.contains(", \"\", \"target\"");
        assert!(log.lines().any(read), "{log}");
    }
}

/// Another user keeps replacing this user's symlink with their own, and back.
#[cfg(target_os = "linux")]
#[test]
fn symlink_that_keeps_changing_never_leads_to_a_foreign_file() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use std::sync::atomic::{AtomicBool, Ordering};
    if !as_root() {
        return;
    }
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let shared = sandbox.home().join("shared");
    std::fs::create_dir(&shared).unwrap();
    chmod(&shared, 0o777);
    let precious = sandbox.write("precious", "mine");
    let (own, foreign) = (shared.join("session"), shared.join("foreign"));
    symlink(sandbox.home().join("harmless"), &own).unwrap();
    symlink(&precious, &foreign).unwrap();
    std::os::unix::fs::chown(&precious, Some(OTHER_USER), None).unwrap();
    std::os::unix::fs::lchown(&own, Some(OTHER_USER), None).unwrap();
    std::os::unix::fs::lchown(&foreign, Some(1), None).unwrap();
    sandbox.set("AWS_SESSION_FILE", &own);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, &own, CWD, &foreign, RenameFlags::EXCHANGE).unwrap();
            }
        });
        // The other thread ends with this one, which may panic.
        let _end = Defer(|| done.store(true, Ordering::Relaxed));
        for number in 1..=100 {
            let code = format!("{number:06}");
            let outcome = sandbox.run_with(as_other_user(&sandbox).args(["get", &code]));
            assert!([0, 1].contains(&outcome.status), "{}", outcome.stderr);
            assert_eq!(std::fs::read(&precious).unwrap(), b"mine");
        }
    });
}

#[test]
fn directory_that_others_can_write_to_is_a_warning_unless_sticky() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let shared = sandbox.home().join("shared by all");
    std::fs::create_dir(&shared).unwrap();
    sandbox.set("AWS_SESSION_FILE", shared.join("session"));
    for (number, (mode, warned)) in [
        (0o777, true),
        (0o702, true),
        (0o1777, false),
        (0o755, false),
        (0o700, false),
    ]
    .into_iter()
    .enumerate()
    {
        chmod(&shared, mode);
        let warning = format!(
            "others can replace files in the session file's directory (mode {mode:04o}): run `chmod go-w '{}'`",
            shared.display()
        );
        let outcome = sandbox.run(["get", &format!("11111{number}")]);
        let expected = match warned {
            true => format!("aws-mfa: warning: {warning}\n"),
            false => String::new(),
        };
        assert_eq!(
            (outcome.status, &outcome.stderr),
            (0, &expected),
            "{mode:o}"
        );
        let status = sandbox.run(["status"]);
        assert_eq!(
            status.stdout.contains(&warning),
            warned,
            "{}",
            status.stdout
        );
        let load = sandbox.run(["load"]);
        assert_eq!((load.status, load.stderr.as_str()), (0, ""));
        if warned {
            follow_remedy(&sandbox, &outcome.stderr);
            assert_eq!(super::sandbox::mode(&shared), mode & !0o022);
        }
    }
    // A group with the user's number is the user's private group.
    if as_root() {
        for (group, warned) in [(OTHER_USER, true), (0, false)] {
            chmod(&shared, 0o770);
            std::os::unix::fs::chown(&shared, None, Some(group)).unwrap();
            let outcome = sandbox.run(["get", &format!("33333{}", usize::from(warned))]);
            assert_eq!(outcome.stderr.contains("mode 0770"), warned);
        }
    }
    // The same for the directory of a symlink's target.
    chmod(&shared, 0o777);
    let link = sandbox.home().join("link");
    symlink(shared.join("session"), &link).unwrap();
    let outcome = sandbox.set("AWS_SESSION_FILE", link).run(["get", "222222"]);
    assert!(outcome.stderr.contains("mode 0777"), "{}", outcome.stderr);
}

#[test]
fn root_replaces_another_users_file_but_does_not_load_it() {
    if !as_root() {
        return;
    }
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write_session(in_an_hour());
    std::os::unix::fs::chown(&file, Some(OTHER_USER), None).unwrap();
    let message = words::session_file_rejected("another user owns it", file.display());
    let load = sandbox.run(["load"]);
    load.is(3, "", &words::failure(&message, &be_that_user()));
    get_works(&sandbox, "111111");
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), 0);
    assert_eq!(sandbox.run(["load"]).status, 0);
}

// The disk.

/// A private mount namespace, if the machine permits it.
fn in_namespace(sandbox: &Sandbox, script: &str) -> Option<Command> {
    let namespace = if is_root() {
        &["--mount"][..]
    } else {
        &["--user", "--map-root-user", "--mount"]
    };
    let unshare = tool("unshare")?;
    let mut mount = sandbox.command(&unshare);
    mount
        .args(namespace)
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null());
    if !mount.status_in_time().success() {
        skip(if is_root() {
            "this machine permits no mount namespaces"
        } else {
            "only root can make a mount namespace on this machine"
        });
        return None;
    }
    let mut command = sandbox.command(unshare);
    command
        .args(namespace)
        .args(["sh", "-e", "-c", script])
        .arg(binary());
    Some(command)
}

#[test]
fn full_disk_is_an_error_before_the_code_is_spent() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_SESSION_FILE", "/mnt/session");
    let old = sandbox.write("old", super::fake_sts::session_json(in_an_hour()));
    // There is room for the name of a file, and for a part of its contents.
    let script = format!(
        "umask 077; mount -t tmpfs -o size=32k tmpfs /mnt; cp {} /mnt/session
         head -c 24k /dev/zero > /mnt/filling
         status=0; \"$0\" get 123456 || status=$?
         cmp {0} /mnt/session; ls -A /mnt; exit $status",
        old.display()
    );
    let Some(mut command) = in_namespace(&sandbox, &script) else {
        return;
    };
    sandbox.run_with(&mut command).is(
        1,
        "filling\nsession\n",
        &words::failure(
            &words::cannot_save_the_session("/mnt/session", "no space left on device"),
            "free some space on that disk",
        ),
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn read_only_disk_and_mounted_file_are_errors_before_the_code_is_spent() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_SESSION_FILE", "/mnt/session");
    let script = "mount -t tmpfs -o ro tmpfs /mnt; \"$0\" get 123456";
    let Some(mut command) = in_namespace(&sandbox, script) else {
        return;
    };
    sandbox.run_with(&mut command).is(
        1,
        "",
        &words::failure(
            &words::cannot_save_the_session(
                "/mnt/session",
                words::cannot_write_to_the_directory("/mnt", "read-only file system"),
            ),
            words::choose_another_file(),
        ),
    );

    // As with `docker run -v file:file`: renaming onto it fails.
    let script = "mount -t tmpfs tmpfs /mnt; touch /mnt/outside /mnt/session
                  mount --bind /mnt/outside /mnt/session; \"$0\" get 123456";
    let mut command = in_namespace(&sandbox, script).unwrap();
    sandbox.run_with(&mut command).is(
        1,
        "",
        &words::failure(
            &words::cannot_save_the_session(
                "/mnt/session",
                "/mnt/session is a mount point and cannot be replaced",
            ),
            "mount its directory instead of the file",
        ),
    );
    assert!(sts.requests().is_empty());
}

/// These calls are useful, but not worth losing a code.
#[test]
fn optional_call_that_fails_does_not_lose_the_session() {
    let Some(strace) = tool("strace") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.session_file();
    for (number, fault) in [
        "utimensat:error=EPERM",
        "utimensat:error=ENOSYS",
        "fsync:error=EINVAL:when=1",
        "fsync:error=EOPNOTSUPP:when=1",
        // The directory.
        "fsync:error=EIO:when=2",
        "flock:error=ENOLCK",
    ]
    .into_iter()
    .enumerate()
    {
        // In the future, so that the time must be set.
        sandbox.write_session(in_an_hour());
        let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(600);
        let old = std::fs::File::open(&file).unwrap();
        old.set_modified(ahead).unwrap();
        let code = format!("11111{number}");
        let outcome = sandbox.run_with(
            sandbox
                .command(&strace)
                .args(["-qq", "-o", "/dev/null", "-e", &format!("inject={fault}")])
                .arg(binary())
                .args(["get", &code]),
        );
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, ""),
            "{fault}"
        );
        let saved = std::fs::read_to_string(&file).unwrap();
        assert!(
            saved.contains(&format!("ASIASESSION{:09}", number + 1)),
            "{saved}"
        );
    }
}

/// An unforeseeable fault: the code is spent, and the session cannot be saved.
#[test]
fn failed_save_is_an_error_that_keeps_the_old_session() {
    let Some(strace) = tool("strace") else { return };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write_session(in_an_hour());
    let before = std::fs::read(&file).unwrap();
    let elsewhere = words::choose_another_file();
    let remedy = &*format!("fix that, or {elsewhere}");
    let room = "free some space on that disk";
    for (number, (fault, error, remedy)) in [
        ("fsync:error=EIO:when=1", Errno::IO, remedy),
        ("fsync:error=ENOSPC:when=1", Errno::NOSPC, room),
        ("fsync:error=EDQUOT:when=1", Errno::DQUOT, room),
        ("/^rename:error=EROFS", Errno::ROFS, elsewhere),
        ("/^rename:error=EBUSY", Errno::BUSY, remedy),
    ]
    .into_iter()
    .enumerate()
    {
        let code = format!("11111{number}");
        let outcome = sandbox.run_with(
            sandbox
                .command(&strace)
                .args(["-qq", "-o", "/dev/null", "-e", &format!("inject={fault}")])
                .arg(binary())
                .args(["get", &code]),
        );
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (1, ""),
            "{fault}"
        );
        assert_eq!(
            outcome.without_wait(),
            words::failure(
                &words::cannot_save_the_session(
                    words::with_tilde(file.display()),
                    format!("{}, and the code is used up", words_for(error)),
                ),
                &format!(
                    "{remedy}, {}",
                    words::wait_for_the_next_code("aws-mfa get <code>")
                ),
            )
        );
        assert_eq!(std::fs::read(&file).unwrap(), before);
        assert_eq!(sandbox.session_directory(), [format!("session-{KEY_ID}")]);
        assert_eq!(sts.requests().len(), number + 1);
    }
}
