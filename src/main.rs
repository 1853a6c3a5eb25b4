//! The program; see `lib.rs`.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites freed memory, so that no secret remains there: neither this program's own nor the copies that the AWS SDK,
/// serde, the HTTP client and growing strings make.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    aws_mfa::run()
}
