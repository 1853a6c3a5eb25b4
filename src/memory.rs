//! Secrets in memory: in no core dump. (They are wiped where they are freed: `main.rs`.)

/// Keeps this process out of core dumps, and other processes of this user from reading its memory.
///
/// It does not pass on to a program that is run or that `exec` puts in the place of this one. See
/// `PR_SET_DUMPABLE` in prctl(2); ssh-agent does the same.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn keep_out_of_core_dumps() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // Where it is refused, all else works as well.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Other systems have a limit only, which each program that is run inherits. `exec`, whose command
/// is the user's own, is left alone for that reason.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub fn keep_out_of_core_dumps() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, limit);
}

/// Windows writes no dumps of its own accord.
#[cfg(not(unix))]
pub fn keep_out_of_core_dumps() {}
