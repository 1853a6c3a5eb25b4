//! The story of the demo and the README's picture: one code serves two shells.

use super::fake_sts::FakeSts;
use super::sandbox::{DEVICE, Sandbox, profile_keys};
use super::shell::Shell;
use std::path::Path;

/// The quick start's .envrc.
pub const ENVRC: &str = "export AWS_MFA_PROFILE=work\ndirenv_load aws-mfa load\n";

/// A line typed into a shell, and the output until the next prompt.
pub struct Line {
    /// The number of the shell, from 0.
    pub shell: usize,
    /// The line.
    pub typed: &'static str,
    /// The output. The user is always igor, and the time is always 08:31.
    pub shown: String,
}

/// Plays the story with the real binary and the real direnv, and passes each line to `tell`.
pub fn two_shells(direnv: &Path, mut tell: impl FnMut(Line)) {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::new();
    sandbox
        .set("AWS_ENDPOINT_URL_STS", sts.url())
        // direnv must not warn about a slow machine.
        .set("DIRENV_WARN_TIMEOUT", "1h");
    sandbox.write(
        ".aws/config",
        format!("[profile work]\nmfa_serial = {DEVICE}\nregion = eu-central-1\n"),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sandbox.project(direnv, ENVRC);
    let home = sandbox.home();
    let mut shells = [
        Shell::open(&sandbox, &home, direnv),
        Shell::open(&sandbox, &home, direnv),
    ];
    for (shell, typed) in [
        (0, "cat project/.envrc"),
        (0, "cd project"),
        (1, "cd project"),
        (0, "aws-mfa get 123456"),
        (1, ""),
        (1, "echo $AWS_ACCESS_KEY_ID in $AWS_REGION"),
    ] {
        let shown = shells[shell].run(typed);
        let shown = shown.replace(&home.display().to_string(), "/home/igor");
        tell(Line {
            shell,
            typed,
            shown: at_a_fixed_time(&shown),
        });
    }
}

/// Fixes the time in `until 11:39`, which differs in each run.
fn at_a_fixed_time(text: &str) -> String {
    match text.split_once(" until ") {
        Some((before, after)) => {
            format!("{before} until 20:31{}", after.get(5..).unwrap_or_default())
        }
        None => text.to_owned(),
    }
}
