//! `cargo run --example demo`: the README's story without an AWS account.
//!
//! AWS is the tests' STS on loopback, and the home directory is temporary. The binary is real, and so are the two bashes, on
//! Unix. `cargo run --example demo -- --picture FILE` draws the README's picture.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the demo borrows the tests' world"
)]

#[path = "cli/deadline.rs"]
mod deadline;
#[path = "cli/fake_iam.rs"]
mod fake_iam;
#[path = "cli/fake_sign_in.rs"]
mod fake_sign_in;
#[path = "cli/fake_sts.rs"]
mod fake_sts;
#[path = "cli/leaks.rs"]
mod leaks;
#[cfg(unix)]
#[path = "cli/picture.rs"]
mod picture;
#[path = "cli/sandbox.rs"]
mod sandbox;
#[cfg(unix)]
#[path = "cli/shell.rs"]
mod shell;
#[cfg(unix)]
#[path = "cli/story.rs"]
mod story;
#[cfg(unix)]
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/tool.rs"]
mod tool;

use fake_sts::FakeSts;
use sandbox::Sandbox;
use std::process::Command;

fn main() {
    build();
    let aws = FakeSts::start();
    #[cfg(unix)]
    if tool::installed("bash").is_some() {
        let sandbox = story::machine(&aws);
        if let [flag, file] = &std::env::args().skip(1).collect::<Vec<_>>()[..] {
            assert_eq!(flag, "--picture");
            let mut parts = Vec::new();
            story::play(&sandbox, |part| parts.push(part));
            std::fs::write(file, picture::svg(&parts)).unwrap();
            return;
        }
        return tell(&sandbox);
    }
    println!("The demo's two shells are bash, which is not installed here.");
    let sandbox = Sandbox::with_user(&aws);
    play(&sandbox, &["get", "123456"]);
    play(&sandbox, &["status"]);
}

/// Tells the story, on a terminal at the pace of a reader.
#[cfg(unix)]
fn tell(sandbox: &Sandbox) {
    use std::io::{IsTerminal, Write, stdout};
    remove_on_ctrl_c(sandbox);
    let is_terminal = stdout().is_terminal();
    let in_colour =
        is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let pause = |milliseconds| {
        if is_terminal {
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        }
    };
    let show = |text: &str| {
        let _ = stdout().write_all(text.as_bytes());
        let _ = stdout().flush();
    };
    story::play(sandbox, |part| {
        let before = match part {
            story::Part::Say(_) => 1_200,
            story::Part::Type(..) => 900,
            story::Part::Show(_) => 600,
        };
        pause(before);
        show(&story::text(&part, in_colour));
    });
    pause(1_200);
    show(&story::end(
        &std::env::var("SHELL").unwrap_or_default(),
        in_colour,
    ));
}

/// On Ctrl-C, nothing stays behind either.
#[cfg(unix)]
fn remove_on_ctrl_c(sandbox: &Sandbox) {
    let directory = sandbox.home().parent().unwrap().to_owned();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(tokio::signal::ctrl_c()).unwrap();
        let _ = std::fs::remove_dir_all(directory);
        std::process::exit(130)
    });
}

/// `cargo run --example` builds only the example.
fn build() {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--locked", "--bin", "aws-mfa"]);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    // ring is built again when one of these differs: here, and once more by the next cargo that has none.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&name);
        }
    }
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "aws-mfa does not build");
}

fn play(sandbox: &Sandbox, arguments: &[&str]) {
    println!("  $ aws-mfa {}", arguments.join(" "));
    let outcome = sandbox.run(arguments);
    print!("{}{}", indented(&outcome.stdout), indented(&outcome.stderr));
    if outcome.status != 0 {
        println!("    (exit status {})", outcome.status);
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
