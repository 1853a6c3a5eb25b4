//! Ctrl-C during a rotation.

use super::journal::Journal;
use crate::error::{Failure, render};
use crate::stderr;
use std::path::Path;

/// On Ctrl-C, says in what state the rotation of this profile's key is and how to go on, and ends the process. `rotate` is
/// the command for the profile.
pub fn watch(directory: &Path, profile: &str, rotate: String) {
    let (directory, profile) = (directory.to_owned(), profile.to_owned());
    std::thread::spawn(move || -> Option<()> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let interrupted = runtime.enable_all().build().ok()?;
        interrupted.block_on(tokio::signal::ctrl_c()).ok()?;
        let failure = match Journal::find(&directory, &profile) {
            Some((journal, rotation)) => journal.unfinished(&rotation, &rotate),
            None => Failure::setup("interrupted; no key is being replaced")
                .hint(format!("run `{rotate}` again")),
        };
        stderr::write(&render(&failure.into()), stderr::ERROR);
        // As a shell has it.
        std::process::exit(130)
    });
}
