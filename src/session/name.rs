//! The names of saved files.

use std::path::Path;

/// Whether the file has a name that this program gives to saved files: `session-…` or `role-…`.
pub fn is_of_saved_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"session-") || name.starts_with(b"role-")
    })
}
