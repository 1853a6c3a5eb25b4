//! Real programs that some tests need.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// The path of `name`, if it is installed. A test without its tool is skipped with a note; with `CI=true` it fails, because
/// `.ci/setup` has installed every tool, and so it does without a tool in `AWS_MFA_TOOLS`, a list separated by spaces.
#[track_caller]
pub fn tool(name: &str) -> Option<PathBuf> {
    // direnv runs nothing without bash.
    let needs = name.starts_with("direnv").then_some("bash");
    let name = needs
        .filter(|needs| installed(needs).is_none())
        .unwrap_or(name);
    let found = installed(name);
    if found.is_none() {
        let required = std::env::var("AWS_MFA_TOOLS").unwrap_or_default();
        let is_required = required.split_whitespace().any(|tool| tool == name);
        assert!(!is_required, "AWS_MFA_TOOLS requires {name}");
        skip(&format!("{name} is not installed; run .ci/setup"));
    }
    found
}

/// Notes why a test, or part of it, is skipped: libtest shows nothing that a test prints unless it fails. With `CI=true`, the
/// test fails instead.
#[track_caller]
pub fn skip(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "with CI=true nothing is skipped: {reason}"
    );
    eprintln!("skipped: {reason}");
    if let Some(file) = skipped() {
        let test = std::thread::current();
        let line = format!("{}: {reason}\n", test.name().unwrap_or_default());
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// The file of what was skipped, which tests/summary.rs shows: the one in `AWS_MFA_SKIPPED`, or one of this run of cargo's.
pub fn skipped() -> Option<PathBuf> {
    if let Some(file) = std::env::var_os("AWS_MFA_SKIPPED") {
        return Some(file.into());
    }
    // Cargo starts the test targets one after the other, all from one process.
    #[cfg(unix)]
    let run = std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let run = "";
    let directory = match option_env!("CARGO_TARGET_TMPDIR") {
        Some(directory) => PathBuf::from(directory),
        // The library's tests are not told; they are in `<target directory>/<profile>/deps`.
        None => {
            let test = std::env::current_exe().ok()?;
            test.ancestors().nth(3)?.join("tmp")
        }
    };
    // An example has no such directory, and skips nothing.
    directory
        .is_dir()
        .then(|| directory.join(format!("skipped-{run}")))
}

/// Whether the tests run as root. Without root, that part of a test is skipped.
#[cfg(unix)]
#[track_caller]
pub fn root(to: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip(&format!("only root can {to}"));
    }
    root
}

/// What needs root for a process that is not dumpable, for [`root`].
pub const LOOK_INSIDE: &str = "look into a process that is not dumpable";

/// The path of `name`, if it is installed. On Windows, only of `name.exe`: Wine also finds Linux's programs.
pub fn installed(name: &str) -> Option<PathBuf> {
    let suffix = std::env::consts::EXE_SUFFIX;
    let name = format!("{}{suffix}", name.strip_suffix(".exe").unwrap_or(name));
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(tools_directory())
        .map(|directory| directory.join(&name))
        .find(|path| path.is_file())
}

/// The directory of tools that `.ci/setup` does not install system-wide.
fn tools_directory() -> Option<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin");
    directory.is_dir().then_some(directory)
}
