//! `cargo run --example demo`: the story of the README without an AWS account.
//!
//! AWS is the tests' STS on loopback, the home directory a throw-away one; the binary, and direnv
//! where it is installed, are the real ones.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the demo borrows the tests' world"
)]

#[path = "cli/fake_sts.rs"]
mod fake_sts;
#[path = "cli/leaks.rs"]
mod leaks;
#[path = "cli/sandbox.rs"]
mod sandbox;
#[path = "cli/shell.rs"]
mod shell;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/tool.rs"]
mod tool;

use fake_sts::FakeSts;
use sandbox::Sandbox;
use shell::Shell;
use std::path::Path;
use std::process::Command;

const ENVRC: &str = "\
export AWS_MFA_ARN=arn:aws:iam::123456789012:mfa/igor
export AWS_SESSION_FILE=\"${HOME}/.config/aws/session-${MASTER_AWS_ACCESS_KEY_ID}\"
watch_file $AWS_SESSION_FILE
direnv_load aws-mfa load
";

fn main() {
    build();
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

    let direnv = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|directory| directory.join("direnv"))
        .find(|path| path.is_file());
    match direnv {
        Some(direnv) => two_shells(&sandbox, &direnv),
        None => {
            say("direnv is not installed here; with it, two shells would follow by themselves.")
        }
    }
}

/// `cargo run --example` builds the example alone.
fn build() {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--locked", "--bin", "aws-mfa"]);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "aws-mfa does not build");
}

fn two_shells(sandbox: &Sandbox, direnv: &Path) {
    say("With direnv, two shells stand in a project with this .envrc:");
    let project = sandbox.project(direnv, ENVRC);
    print!("{}", indented(ENVRC));
    let mut shells = [
        Shell::open(sandbox, &project, direnv),
        Shell::open(sandbox, &project, direnv),
    ];
    let show = "echo \"$AWS_ACCESS_KEY_ID until $AWS_CREDENTIAL_EXPIRATION\"";
    for (number, shell) in shells.iter_mut().enumerate() {
        type_into(number, shell, show);
    }
    say("A new code in the first one; the second follows at its next prompt:");
    type_into(0, &mut shells[0], "aws-mfa get 654321");
    type_into(1, &mut shells[1], "");
    for (number, shell) in shells.iter_mut().enumerate() {
        type_into(number, shell, show);
    }
}

fn type_into(number: usize, shell: &mut Shell, line: &str) {
    println!("  shell {} $ {line}", number + 1);
    print!("{}", indented(&shell.run(line)));
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
