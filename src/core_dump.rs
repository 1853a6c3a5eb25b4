//! Keeps secrets out of core dumps. (`main.rs` wipes freed memory.)

/// Keeps this process from dumping core, and other processes of this user from reading its memory.
///
/// Child processes do not inherit this, nor does the command of `exec`. See `PR_SET_DUMPABLE` in prctl(2); ssh-agent does
/// the same.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn prevent() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // Everything else works even if this fails.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Other systems only have a limit that child processes inherit. `exec` does not set it, because its command would inherit
/// it.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub fn prevent() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, limit);
}

/// Windows writes no dumps by default.
#[cfg(not(unix))]
pub fn prevent() {}
