//! The last test target: shows what the tests before it have skipped, in whole or in part.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it belongs to the tests"
)]

#[path = "cli/tool.rs"]
mod tool;

use std::collections::BTreeSet;

fn main() {
    // Who asks for a list gets an empty one.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let file = tool::skipped().unwrap();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("{}: {error}", file.display()),
    };
    // A file that the user has named stays.
    if std::env::var_os("AWS_MFA_SKIPPED").is_none() {
        let _ = std::fs::remove_file(&file);
    }
    let skips: BTreeSet<&str> = text.lines().collect();
    println!();
    for skip in &skips {
        println!("skipped: {skip}");
    }
    let tests = skips.iter().filter_map(|skip| skip.split_once(": "));
    let tests: BTreeSet<&str> = tests.map(|(test, _)| test).collect();
    println!("skipped, in whole or in part: {} tests", tests.len());
}
