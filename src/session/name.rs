//! The names of saved files.

use crate::file_name::FileNames;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Whether the file has a name that this program gives to saved files: `session-…`, or one from [`of_role`].
pub fn is_of_saved_file(path: &Path) -> bool {
    let is_session = |name: &OsStr| name.as_encoded_bytes().starts_with(b"session-");
    path.file_name().is_some_and(is_session) || is_of_role(path)
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

fn is_of_role(path: &Path) -> bool {
    path.file_name()
        .and_then(OsStr::to_str)
        .is_some_and(has_form_of_role)
}

fn has_form_of_role(name: &str) -> bool {
    let name = name.strip_suffix("-direct").unwrap_or(name);
    let parts = name
        .strip_prefix("role-")
        .and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(account, rest)| {
        let digest = rest.rsplit('-').next().unwrap_or_default();
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        is_account && digest.len() == 16 && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// The file that remembers, beside a session's or a role's, that its credentials were not to be had.
pub fn of_past_failure(file: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(".failed");
    file.with_file_name(name)
}

/// Whether the file has a name from [`of_past_failure`], for a role.
pub fn is_of_failed_role(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    let role = name.and_then(|name| name.strip_prefix('.')?.strip_suffix(".failed"));
    role.is_some_and(has_form_of_role)
}

/// The first 64 bits of a digest of these texts.
pub fn short_digest(texts: impl IntoIterator<Item: AsRef<[u8]>>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.as_ref().len() as u64).to_be_bytes());
        digest.update(text);
    }
    let digest = digest.finalize();
    let first = digest
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first));
    format!("{first:016x}")
}
