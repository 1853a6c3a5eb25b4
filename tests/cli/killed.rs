//! Leftovers of killed `get`s next to the session file. tests/soak kills them.

use super::fake_sts::FakeSts;
use super::sandbox::{Sandbox, binary, in_an_hour};
use super::store::{OTHER_USER, get_works};
use std::os::unix::fs::symlink;
use std::path::Path;

/// The name of a temporary file for the session file `session`.
fn temporary_of(session: &str, random: &str) -> String {
    format!(".aws-mfa-{session}.{random}.tmp")
}

#[test]
fn only_leftovers_of_this_session_file_are_removed() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let session = "session-a";
    let file = sandbox.home().join(".config/aws").join(session);
    sandbox.set("AWS_SESSION_FILE", &file);
    let name = |name: &str| file.with_file_name(name);
    let chmod = |path: &Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let killed = sandbox.write(name(&temporary_of(session, "killed000000")), "half a sess");

    // A running `get` locks its temporary file.
    let held = sandbox.write(name(&temporary_of(session, "running00000")), "");
    let running = std::fs::File::open(&held).unwrap();
    running.lock().unwrap();
    // The user's own files, and leftovers of session files with similar names.
    for own in [
        ".aws-mfa",
        ".aws-mfa-",
        ".aws-mfa-env",
        ".aws-mfa-session-a",
        ".aws-mfa-session-a.tmp",
        &temporary_of(session, "short"),
        &temporary_of(session, "far-from-it-"),
        &temporary_of(session, "killed0000000"),
        &format!("{}.bak", temporary_of(session, "killed000000")),
        &temporary_of("session", "killed000000"),
        &temporary_of("session-ab", "killed000000"),
        &temporary_of("session-a.killed000000.tmp", "killed000000"),
        &temporary_of("my-session-a", "killed000000"),
    ] {
        sandbox.write(name(own), "mine");
    }
    let loose = sandbox.write(name(&temporary_of(session, "readable0000")), "mine");
    chmod(&loose, 0o644);
    std::fs::create_dir(name(&temporary_of(session, "directory000"))).unwrap();
    symlink(&loose, name(&temporary_of(session, "symlink00000"))).unwrap();
    if rustix::process::geteuid().is_root() {
        let foreign = sandbox.write(name(&temporary_of(session, "foreign00000")), "theirs");
        std::os::unix::fs::chown(&foreign, Some(OTHER_USER), None).unwrap();
    }

    let mut expected = sandbox.session_directory();
    expected.retain(|name| *name != temporary_of(session, "killed000000"));
    sandbox.run(["clear"]);
    assert_eq!(sandbox.session_directory(), expected);

    std::fs::write(&killed, "half a sess").unwrap();
    chmod(&killed, 0o600);
    get_works(&sandbox, "111111");
    expected.push(session.to_owned());
    expected.sort();
    assert_eq!(sandbox.session_directory(), expected);
}

/// A leftover can contain a session.
#[test]
fn clear_removes_leftovers_too() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.write_session(in_an_hour());
    let session = file.file_name().unwrap().to_str().unwrap();
    std::fs::copy(
        &file,
        file.with_file_name(temporary_of(session, "killed000000")),
    )
    .unwrap();
    let outcome = sandbox.run_with(sandbox.command(binary()).arg("clear"));
    assert_eq!(outcome.status, 0);
    assert_eq!(sandbox.session_directory(), [""; 0]);
}
