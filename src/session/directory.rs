//! The directory of a session file.

use super::error::Obstacle;
use std::fs::File;
use std::path::Path;

/// The directory of `file`.
pub fn of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates the directory and its missing ancestors, each with mode 0700 under any umask.
///
/// # Errors
/// It cannot be created, or something else has its name.
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

/// Creates something with exactly the requested mode: under the umask 0277 or 0777 its own user could not read it, and a
/// later change of mode can fail.
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

/// Makes a renaming or removal survive a power failure, if the directory can be opened and synced. It cannot without
/// permission to read it, on some network file systems, and on Windows.
pub fn sync(directory: &Path) {
    if cfg!(unix) {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
