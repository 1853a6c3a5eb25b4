//! The program; see `lib.rs`.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites freed memory. This program's types wipe their own secrets; this covers the copies made by the AWS SDK,
/// serde, the HTTP client and growing strings.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    aws_mfa::run()
}
