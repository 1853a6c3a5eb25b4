//! `cargo run --example demo`: the README's story without an AWS account.
//!
//! AWS is the tests' STS on loopback, and the home directory is temporary. The binary is real. On Unix, so are direnv, if
//! it is installed, and two shells. `cargo run --example demo -- --picture FILE` draws the README's picture.

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
    #[cfg(unix)]
    if let [flag, file] = &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        assert_eq!(flag, "--picture");
        let direnv = tool::installed("direnv").expect("direnv");
        let mut story = Vec::new();
        story::two_shells(&direnv, |line| story.push(line));
        std::fs::write(file, picture::svg(&story)).unwrap();
        return;
    }
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    println!("AWS is an STS on loopback ({}).", sts.url());
    println!(
        "Home is {}, and goes away with this demo.",
        sandbox.home().display()
    );

    say("There is no session yet:");
    play(&sandbox, &["load"]);
    say("A code from the authenticator buys one; a code works once:");
    play(&sandbox, &["get", "123456"]);
    play(&sandbox, &["get", "123456"]);
    say("The rejected code has cost nothing: the session is there for every shell.");
    play(&sandbox, &["load"]);

    #[cfg(unix)]
    match tool::installed("direnv") {
        Some(direnv) => two_shells(&direnv),
        None => {
            say("direnv is not installed here; with it, two shells would follow by themselves.")
        }
    }
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

#[cfg(unix)]
fn two_shells(direnv: &std::path::Path) {
    say("With direnv, a code in one shell serves the other one at its next prompt:");
    story::two_shells(
        direnv,
        |story::Line {
             shell,
             typed,
             shown,
         }| {
            println!("  shell {} $ {typed}", shell + 1);
            print!("{}", indented(&shown));
        },
    );
}

fn play(sandbox: &Sandbox, arguments: &[&str]) {
    println!("  $ aws-mfa {}", arguments.join(" "));
    let outcome = sandbox.run(arguments);
    print!("{}{}", indented(&outcome.stdout), indented(&outcome.stderr));
    if outcome.status != 0 {
        println!("    (exit status {})", outcome.status);
    }
}

fn say(text: &str) {
    println!("\n{text}");
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
