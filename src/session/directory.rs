//! The directory of a session file.

use super::error::Obstacle;
use std::fs::File;
use std::path::Path;

/// The directory that `file` is in.
pub fn of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the directory and those above it that are missing, each of mode 0700 under any umask.
///
/// # Errors
/// It cannot be made, or something else is in its place.
pub fn make_private(directory: &Path) -> Result<(), Obstacle> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = match std::fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => Err(std::io::ErrorKind::NotADirectory.into()),
        _ => with_private_umask(|| builder.create(directory)),
    };
    made.map_err(|error| Obstacle::Directory(directory.to_owned(), error))
}

/// Makes something with exactly the mode that is asked for: under the umask 0277 or 0777 the user
/// could not read what is made, and to set its mode later can fail.
#[cfg(unix)]
pub fn with_private_umask<T>(make: impl FnOnce() -> T) -> T {
    use rustix::fs::Mode;
    use rustix::process::umask;
    let before = umask(Mode::RWXG | Mode::RWXO);
    let made = make();
    umask(before);
    made
}

/// Windows has no umask.
#[cfg(not(unix))]
pub fn with_private_umask<T>(make: impl FnOnce() -> T) -> T {
    make()
}

/// Makes a renaming or a removal survive a power failure, if the directory can be opened and
/// synced: without permission to read it, on some network file systems and on Windows it cannot.
pub fn sync(directory: &Path) {
    if cfg!(unix) {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
