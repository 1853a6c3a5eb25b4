//! What users wait for: the prompt hook, and a complete reload of an `.envrc` by direnv.

use super::Build;
use super::fake_sts;
use super::measure::{Bench, Side};
use super::report::Row;
use super::sandbox::Sandbox;
use super::tool::installed;
use jiff::{SignedDuration, Timestamp};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const DIRENV_LIB: &str = include_str!("../../src/commands/init/direnv.sh");

/// `.envrc`s that load the session.
const ENVRCS: [(&str, &str); 3] = [
    ("use aws_mfa", "use aws_mfa\n"),
    ("direnv_load aws-mfa load", "direnv_load aws-mfa load\n"),
    (
        "the scripts",
        "direnv_load bash \"$SCRIPTS/aws_load_session\"\n",
    ),
];

/// The hook at a prompt where nothing has changed, compared with `true` and with direnv's own hook.
pub fn prompt(bench: &Bench, build: &Build, rows: &mut Vec<Row>) {
    let mut sandbox = user();
    let (name, key) = (fake_sts::KEY_ID, "ASIASESSION000000000");
    sandbox
        .set("AWS_ACCESS_KEY_ID", key)
        .set("AWS_MFA_LOADED", format!("{name}:{key}"))
        .set("AWS_MFA_HOOK", format!("4711:{key}::::::{name}"));
    let ours = Side::new(build.name, || {
        let mut command = sandbox.command(&build.binary);
        command.args(["prompt", "--format", "sh", "4711"]);
        command
    });
    let nothing = installed("true").map(|path| {
        let sandbox = &sandbox;
        Side::new("/bin/true", move || sandbox.command(&path))
    });
    let direnv = installed("direnv").map(|path| {
        let sandbox = &sandbox;
        Side::new("direnv's hook", move || {
            let mut command = sandbox.command(&path);
            command.args(["export", "bash"]);
            command
        })
    });
    for other in [nothing, direnv].into_iter().flatten() {
        rows.push(Row {
            command: "prompt".to_owned(),
            build: build.name,
            scene: "nothing has changed".to_owned(),
            against: other.name.to_owned(),
            comparison: bench.compare("prompt", &ours, &other),
        });
    }
}

/// A complete reload, compared with an empty `.envrc`, with the oldest and the newest installed direnv.
pub fn reload(bench: &Bench, build: &Build, rows: &mut Vec<Row>) {
    for program in ["direnv", "direnv-newest"] {
        let Some(direnv) = installed(program) else {
            println!("skipped: {program} is not installed");
            continue;
        };
        let mut sandbox = user();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench");
        sandbox
            .set("PATH", path_with(build, &direnv))
            .set("SCRIPTS", scripts)
            .set("DIRENV_LOG_FORMAT", "");
        sandbox.write(".config/direnv/lib/aws-mfa.sh", DIRENV_LIB);
        let version = Command::new(&direnv).arg("version").output().unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        let empty = project(&sandbox, &direnv, "empty", "");
        for (name, envrc) in ENVRCS {
            if name == "the scripts" && installed("jq").is_none() {
                continue;
            }
            let loads = project(&sandbox, &direnv, &name.replace(' ', "-"), envrc);
            let side = |name, directory: &PathBuf| {
                let (sandbox, direnv, directory) = (&sandbox, direnv.clone(), directory.clone());
                Side::new(name, move || {
                    let mut command = sandbox.command(&direnv);
                    command.args(["export", "bash"]).current_dir(&directory);
                    command
                })
            };
            let scene = format!("{name}, direnv {}", version.trim());
            rows.push(Row {
                command: "reload".to_owned(),
                build: build.name,
                scene: scene.clone(),
                against: "an empty .envrc".to_owned(),
                comparison: bench.compare(
                    &scene,
                    &side(build.name, &loads).uncounted(),
                    &side("an empty .envrc", &empty).uncounted(),
                ),
            });
        }
    }
}

/// A user of the scripts with a valid session.
fn user() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let expiration = Timestamp::now() + SignedDuration::from_hours(12);
    let file = sandbox.write(sandbox.session_file(), fake_sts::session_json(expiration));
    sandbox.set("AWS_SESSION_FILE", file);
    sandbox
}

/// A directory with this `.envrc`, allowed.
fn project(sandbox: &Sandbox, direnv: &Path, name: &str, envrc: &str) -> PathBuf {
    let envrc = sandbox.write(Path::new(name).join(".envrc"), envrc);
    let directory = envrc.parent().unwrap().to_owned();
    let mut allow = sandbox.command(direnv);
    let status = allow.arg("allow").current_dir(&directory).status();
    assert!(status.unwrap().success());
    directory
}

/// A PATH that begins with the measured build and this direnv.
fn path_with(build: &Build, direnv: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = [build.binary.parent(), direnv.parent()];
    let directories = first.into_iter().flatten().map(Path::to_owned);
    std::env::join_paths(directories.chain(std::env::split_paths(&path))).unwrap()
}
