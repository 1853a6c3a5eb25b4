//! Paths in messages.

use crate::environment::Environment;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::OnceLock;

static HOME: OnceLock<PathBuf> = OnceLock::new();

/// From now on, messages have `~` for the user's home directory.
pub fn shorten_home(environment: &Environment) {
    // Every path is in the root directory.
    let home = environment.home().ok().flatten();
    if let Some(home) = home.filter(|home| home.parent().is_some()) {
        let _ = HOME.set(home);
    }
}

/// The path for people. For a command line, see [`crate::word::of_path`].
pub fn in_words(path: &Path) -> String {
    words(path, HOME.get().map(PathBuf::as_path))
}

fn words(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~{MAIN_SEPARATOR}{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn tilde_is_the_whole_home_directory_at_the_start() {
        for (path, shown) in [
            ("/home/igor", "~"),
            ("/home/igor/.aws/config", "~/.aws/config"),
            ("/home/igor2/s", "/home/igor2/s"),
            ("/mnt/home/igor/s", "/mnt/home/igor/s"),
            ("home/igor/s", "home/igor/s"),
        ] {
            assert_eq!(words(Path::new(path), Some(Path::new("/home/igor"))), shown);
            assert_eq!(words(Path::new(path), None), path);
        }
    }
}
