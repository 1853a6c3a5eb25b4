//! Users' stories with the real binary. Each test has its own sandbox; AWS is a server on loopback.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and stands outside of the program"
)]
#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "what only the tests for Linux or Unix need")
)]

mod authority;
mod deadline;
mod fake_iam;
mod fake_sign_in;
mod fake_sts;
mod leaks;
mod moto;
#[cfg(unix)]
mod picture;
mod roles;
mod sandbox;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod story;
#[cfg(unix)]
mod terminal;
mod tool;
mod words;

mod accounts;
#[cfg(unix)]
mod ask;
mod clear;
mod codes;
#[cfg(unix)]
mod coexistence;
#[cfg(unix)]
mod command_lines;
#[cfg(unix)]
mod completions;
#[cfg(unix)]
mod console;
mod direnv;
mod discovery;
#[cfg(unix)]
mod doctor;
mod exec;
mod faults;
#[cfg(unix)]
mod forgotten;
mod formats;
mod get;
#[cfg(unix)]
mod habits;
#[cfg(unix)]
mod hangs;
#[cfg(unix)]
mod hooks;
#[cfg(unix)]
mod inheritance;
#[cfg(unix)]
mod integration;
#[cfg(unix)]
mod killed;
mod load;
mod man;
mod messages;
mod mise;
#[cfg(target_os = "linux")]
mod names;
mod network;
mod notices;
#[cfg(unix)]
mod only_profile;
#[cfg(unix)]
mod other_tools;
#[cfg(unix)]
mod paste;
mod peers;
#[cfg(unix)]
mod places;
mod profiles;
#[cfg(unix)]
mod prompts;
#[cfg(unix)]
mod quick_start;
mod readme;
#[cfg(unix)]
mod recipes;
#[cfg(target_os = "linux")]
mod release;
#[cfg(unix)]
mod remedies;
#[cfg(unix)]
mod rotate;
#[cfg(unix)]
mod sdks;
#[cfg(unix)]
mod secrets;
mod session_tags;
mod shapes;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod store;
#[cfg(target_os = "linux")]
mod supply_chain;
mod unless_valid;
mod vacuous;
mod windows;
