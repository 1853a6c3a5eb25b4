//! The program; see `lib.rs`.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites what is freed. Types of this program wipe their secrets themselves; this is for the
/// copies that others make: the AWS SDK, serde, the HTTP client, a string that grows.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    aws_mfa::run()
}
