//! What a `get` that was killed has left beside the session file. The kills themselves are in
//! tests/soak.

use super::fake_sts::{FakeSts, KEY_ID};
use super::sandbox::{Sandbox, binary, in_an_hour};
use super::store::get_works;
use std::os::unix::fs::symlink;

#[test]
fn only_what_is_left_over_is_cleaned_up() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let file = sandbox.session_file();
    let name = |name: &str| file.with_file_name(name);
    sandbox.write(name(".aws-mfa-killed"), "half a sess");
    // That of a get that is alive is locked.
    let held = sandbox.write(name(".aws-mfa-alive"), "");
    let alive = std::fs::File::open(&held).unwrap();
    alive.lock().unwrap();
    // What only looks alike is somebody's own.
    sandbox.write(name(".aws-mfa"), "mine");
    std::fs::create_dir(name(".aws-mfa-folder")).unwrap();
    symlink(&held, name(".aws-mfa-link")).unwrap();
    get_works(&sandbox, "111111");
    assert_eq!(
        sandbox.session_folder(),
        [
            ".aws-mfa",
            ".aws-mfa-alive",
            ".aws-mfa-folder",
            ".aws-mfa-link",
            &format!("session-{KEY_ID}"),
        ]
    );
}

/// What was left over can hold a session.
#[test]
fn clear_takes_what_was_left_over_with_it() {
    let sandbox = Sandbox::with_user(&FakeSts::start());
    let file = sandbox.write_session(in_an_hour());
    let left_over = file.with_file_name(".aws-mfa-killed");
    std::fs::copy(&file, &left_over).unwrap();
    assert_eq!(
        sandbox
            .run_with(sandbox.command(binary()).arg("clear"))
            .status,
        0
    );
    assert_eq!(sandbox.session_folder(), [""; 0]);
}
