//! Slow tests: `get` and `rotate` killed at hundreds of moments, many processes at once, and timeouts. The fast tests,
//! and the shared sandbox, are in tests/cli.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and stands outside of the program"
)]

#[path = "../cli/deadline.rs"]
mod deadline;
#[path = "../cli/fake_iam.rs"]
mod fake_iam;
#[path = "../cli/fake_sign_in.rs"]
mod fake_sign_in;
#[path = "../cli/fake_sts.rs"]
mod fake_sts;
#[path = "../cli/leaks.rs"]
mod leaks;
#[path = "../cli/sandbox.rs"]
mod sandbox;
#[path = "../cli/tool.rs"]
mod tool;
#[path = "../cli/words.rs"]
mod words;

#[cfg(unix)]
mod killed;
mod patience;
#[cfg(unix)]
mod roles;
#[cfg(unix)]
mod rotate;
#[cfg(unix)]
mod sequences;
