//! The names of saved files.

use crate::file_name::FileNames;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Whether the file has a name that this program gives to saved files: `session-…` or `role-…`.
pub fn is_of_saved_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"session-") || name.starts_with(b"role-")
    })
}

/// The name of the file of a role's credentials: the role's account and name, then a digest of the master key's id and
/// of `digest`, which stands for everything else that they are valid for.
pub fn of_role(arn: &str, master_key_id: Option<&str>, digest: &str, is_direct: bool) -> String {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let name = FileNames::HERE.encode(arn.rsplit('/').next().unwrap_or_default());
    let digest = short_digest([master_key_id.unwrap_or_default(), digest]);
    let direct = if is_direct { "-direct" } else { "" };
    format!("role-{account}-{name}-{digest}{direct}")
}

/// The first 64 bits of a digest of these texts.
pub fn short_digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    let digest = digest.finalize();
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
