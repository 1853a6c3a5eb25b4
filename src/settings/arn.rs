//! ARNs of IAM: `arn:<partition>:iam::<account>:<kind>/<path><name>`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>

use super::partition;
use strsim::osa_distance;

/// Whether this is an account's number.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ARN of this kind (`role`, `mfa`) that `text` was probably meant to be: it has at most one typo in each part, or is
/// the ARN of the role's session or of the device's user. `None` if `text` is right or too different.
pub fn misspelled(text: &str, kind: &str) -> Option<String> {
    let mut parts: Vec<&str> = text.splitn(6, ':').collect();
    // arn:aws:iam::123456789012/role/admin
    if let Some((account, resource)) = parts.last().and_then(|last| last.split_once('/'))
        && is_account(account)
    {
        parts.pop();
        parts.extend([account, resource]);
    }
    let (arn, partition, service, account, resource) = match parts.as_slice() {
        // IAM has no regions, so any region is dropped.
        [arn, partition, service, _, account, resource]
        | [arn, partition, service, account, resource] => {
            (arn, partition, service, account, resource)
        }
        _ => return None,
    };
    let account = account.replace('-', "");
    let (own_kind, name) = resource.split_once(['/', ':'])?;
    let name = match (kind, *service, own_kind) {
        // GetCallerIdentity shows a role like this, without its path.
        ("role", "sts", "assumed-role") => name.split('/').next()?,
        // A virtual device is often named like its user.
        ("mfa", _, "user") if is_typo_of(service, "iam") => name.rsplit('/').next()?,
        _ if is_typo_of(service, "iam") && is_typo_of(own_kind, kind) => name,
        _ => return None,
    };
    if !is_typo_of(arn, "arn") || !is_account(&account) || name.is_empty() {
        return None;
    }
    let partition = match partition::misspelled_name(partition) {
        Some(known) => known,
        None if partition.starts_with("aws") => partition,
        None => return None,
    };
    let meant = format!("arn:{partition}:iam::{account}:{kind}/{name}");
    (meant != text).then_some(meant)
}

/// Whether `text` is the word, with one typo at most.
fn is_typo_of(text: &str, word: &str) -> bool {
    osa_distance(&text.to_ascii_lowercase(), word) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_with_a_typo_in_each_part_is_corrected() {
        for text in [
            "arn:aws:iam::123456789012:roles/team/admin",
            "arn:aws:aim::123456789012:role/team/admin",
            "arn:asw:iam::123456789012:role/team/admin",
            "anr:aws:iam::123456789012:role/team/admin",
            "arn:aws:iam::123456789012/role/team/admin",
            "arn:aws:iam:123456789012:role/team/admin",
            "arn:aws:iam:us-east-1:123456789012:role/team/admin",
            "arn:aws:iam::1234-5678-9012:role/team/admin",
            "arn:aws:iam::123456789012:role:team/admin",
            "ARN:AWS:IAM::123456789012:Role/team/admin",
            "rn:was:ima::123456789012:rol/team/admin",
        ] {
            assert_eq!(
                misspelled(text, "role").as_deref(),
                Some("arn:aws:iam::123456789012:role/team/admin"),
                "{text}"
            );
        }
    }

    #[test]
    fn arn_of_a_user_or_role_session_is_corrected() {
        let user = "arn:aws-cn:iam::123456789012:user/team/igor";
        assert_eq!(
            misspelled(user, "mfa").unwrap(),
            "arn:aws-cn:iam::123456789012:mfa/igor"
        );
        let caller = "arn:aws:sts::123456789012:assumed-role/admin/igor";
        assert_eq!(
            misspelled(caller, "role").unwrap(),
            "arn:aws:iam::123456789012:role/admin"
        );
    }

    #[test]
    fn right_or_unrelated_arn_is_not_corrected() {
        for text in [
            "arn:aws:iam::123456789012:role/admin",
            "arn:aws-new:iam::123456789012:role/admin",
            "arn:aws:iam::12345:role/admin",
            "arn:aws:iam::123456789012:user/igor",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3:::bucket",
            "arn:aws:iam::123456789012:role",
            "admin",
            "",
        ] {
            assert_eq!(misspelled(text, "role"), None, "{text}");
        }
    }
}
