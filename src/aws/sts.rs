//! STS: GetSessionToken, AssumeRole and GetCallerIdentity, their answers checked.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>

use super::client::Client;
use super::error::{CallError, NotSent, Reason, Refusal};
use crate::escape::MASK;
use crate::mfa_code::{Code, CodeState};
use crate::session::{AssumedRole, Provenance, Session};
use crate::time::now;
use aws_sdk_sts::types::{Credentials, Tag};
use jiff::Timestamp;
use secrecy::SecretString;

/// A new session for a code of `device`, an MFA device's ARN or serial number: one request,
/// whatever happens to it.
///
/// # Errors
/// The call failed; [`state_of_code`] says what that means for the code.
pub fn session(
    client: &Client,
    device: &str,
    code: &Code,
    seconds: i32,
) -> Result<Session, CallError> {
    let request = aws_sdk_sts::Client::new(&client.config)
        .get_session_token()
        .serial_number(device)
        .token_code(code.digits())
        .duration_seconds(seconds);
    let output = client.call(request.send());
    let output = output.map_err(|error| masked(error, Some(code)))?;
    checked(output.credentials(), now()).map_err(CallError::Unusable)
}

/// The same error with the code masked where AWS's words repeat it.
fn masked(mut error: CallError, code: Option<&Code>) -> CallError {
    if let CallError::Refused(Refusal { words, .. }) = &mut error
        && let (Some(words), Some(code)) = (words, code)
    {
        let texts = [&mut words.code, &mut words.message].into_iter();
        for text in texts.chain(&mut words.request_id) {
            *text = text.replace(code.digits(), MASK);
        }
    }
    error
}

/// What has become of the code that was in a request that failed like this.
///
/// AWS first authenticates who has signed a request, and only then looks at what is in it
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>): behind a
/// signature that is not valid, no code is checked. In which order it checks the code, the policies and the
/// other parameters is not documented, so that a code in such a request may be used up.
pub fn state_of_code(error: &CallError) -> CodeState {
    match error {
        CallError::NotSent(_) => CodeState::Unspent,
        CallError::Refused(refusal) => match refusal.reason {
            Reason::InvalidMfaCode => CodeState::Rejected,
            Reason::UnknownKey | Reason::WrongSecret | Reason::ClockSkew(_) => CodeState::Unspent,
            _ => CodeState::MaybeSpent,
        },
        CallError::NoAnswer(_) | CallError::Unusable(_) => CodeState::MaybeSpent,
    }
}

/// A session tag.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTag {
    /// Its key, whose case AWS ignores.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
    /// Whether it stays on through a chain of roles.
    pub is_transitive: bool,
}

/// A role to assume.
pub struct RoleRequest<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// What CloudTrail shows, and what the trust policy may demand.
    pub session_name: &'a str,
    /// What the trust policy may demand.
    pub external_id: Option<&'a str>,
    /// The source identity, which stays on through a chain of roles.
    pub source_identity: Option<&'a str>,
    /// The session tags.
    pub tags: &'a [SessionTag],
    /// How long the credentials are to last, in seconds.
    pub seconds: i32,
    /// An MFA device's ARN or serial number, and its code. Without them the signing session's MFA counts.
    pub mfa: Option<(&'a str, &'a Code)>,
}

/// Temporary credentials of a role. Without a code the request may be sent more than once.
///
/// # Errors
/// The call failed, or the answer is for another role.
pub fn assume_role(client: &Client, role: &RoleRequest) -> Result<Session, CallError> {
    let is_transitive = |tag: &&SessionTag| tag.is_transitive;
    let transitive = role.tags.iter().filter(is_transitive);
    let transitive: Vec<String> = transitive.map(|tag| tag.key.clone()).collect();
    let tags = role.tags.iter().map(|tag| {
        let tag = Tag::builder().key(&tag.key).value(&tag.value).build();
        tag.map_err(|_| CallError::NotSent(NotSent::Unmade))
    });
    let tags: Vec<Tag> = tags.collect::<Result<_, _>>()?;
    let request = aws_sdk_sts::Client::new(&client.config)
        .assume_role()
        .role_arn(role.arn)
        .role_session_name(role.session_name)
        .set_external_id(role.external_id.map(str::to_owned))
        .set_source_identity(role.source_identity.map(str::to_owned))
        .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
        .set_transitive_tag_keys(Some(transitive).filter(|keys| !keys.is_empty()))
        .duration_seconds(role.seconds)
        .set_serial_number(role.mfa.map(|(device, _)| device.to_owned()))
        .set_token_code(role.mfa.map(|(_, code)| code.digits().to_owned()));
    let output = client.call(request.send());
    let output = output.map_err(|error| masked(error, role.mfa.map(|(_, code)| code)))?;
    let user = output.assumed_role_user();
    let user_arn = user.map_or("", |user| user.arn());
    if !is_of_role(user_arn, role.arn) {
        return Err(CallError::Unusable("it is for another role".to_owned()));
    }
    let received = now();
    let mut session = checked(output.credentials(), received).map_err(CallError::Unusable)?;
    let granted = session.time_left(received).map(|left| left.as_secs());
    let granted = granted.and_then(|seconds| i32::try_from(seconds).ok());
    session.provenance.role = Some(AssumedRole {
        arn: role.arn.to_owned(),
        user_arn: user_arn.to_owned(),
        user_id: user.map_or("", |user| user.assumed_role_id()).to_owned(),
        seconds: granted.map_or(role.seconds, |granted| granted.min(role.seconds)),
        is_direct: role.mfa.is_some(),
        ..AssumedRole::default()
    });
    Ok(session)
}

/// Whether `arn:aws:sts::<account>:assumed-role/<role>/<session name>` is of the role
/// `arn:aws:iam::<account>:role/<path><role>`.
fn is_of_role(user_arn: &str, role_arn: &str) -> bool {
    let of_user: Vec<&str> = user_arn.splitn(6, ':').collect();
    let of_role: Vec<&str> = role_arn.splitn(6, ':').collect();
    let (&[_, partition, "sts", _, account, user], &[_, role_partition, _, _, role_account, role]) =
        (of_user.as_slice(), of_role.as_slice())
    else {
        return false;
    };
    let name = user
        .strip_prefix("assumed-role/")
        .and_then(|rest| rest.split('/').next());
    (partition, account) == (role_partition, role_account) && name == role.rsplit('/').next()
}

/// Who has signed a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `arn:aws:iam::<account>:user/<path><name>`, `arn:aws:iam::<account>:root`, or that of a role's session.
    pub arn: String,
    /// The account's number.
    pub account: String,
}

impl Identity {
    /// The user's name without its path; `root` for the root user, the session's name for a role.
    pub fn name(&self) -> &str {
        self.arn.rsplit([':', '/']).next().unwrap_or_default()
    }
}

/// The identity whose credentials sign the request. No policy can deny this call.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
///
/// # Errors
/// The call failed, or the answer contains no user.
pub fn caller_identity(client: &Client) -> Result<Identity, CallError> {
    let request = aws_sdk_sts::Client::new(&client.config).get_caller_identity();
    let output = client.call(request.send())?;
    let identity = Identity {
        arn: output.arn().unwrap_or_default().to_owned(),
        account: output.account().unwrap_or_default().to_owned(),
    };
    match identity.name().is_empty() {
        true => Err(CallError::Unusable("Arn is missing".to_owned())),
        false => Ok(identity),
    }
}

/// The session in a successful answer. For missing or unreadable fields, the SDK has filled in empty strings and the year
/// 1970.
fn checked(credentials: Option<&Credentials>, now: Timestamp) -> Result<Session, String> {
    let credentials = credentials.ok_or("it contains no credentials")?;
    for (name, value) in [
        ("AccessKeyId", credentials.access_key_id()),
        ("SecretAccessKey", credentials.secret_access_key()),
        ("SessionToken", credentials.session_token()),
    ] {
        if value.is_empty() {
            return Err(format!("{name} is missing"));
        }
    }
    let expiration = Timestamp::from_second(credentials.expiration().secs())
        .ok()
        .filter(|time| *time > Timestamp::UNIX_EPOCH)
        .ok_or("Expiration is missing or unreadable")?;
    if expiration <= now {
        return Err(format!("it expired at {expiration}"));
    }
    Ok(Session {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: SecretString::from(credentials.secret_access_key()),
        session_token: SecretString::from(credentials.session_token()),
        expiration: Some(expiration),
        region: None,
        provenance: Provenance::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_arn_belongs_to_its_role_only() {
        let user = "arn:aws:sts::123456789012:assumed-role/admin/igor";
        for (role, expected) in [
            ("arn:aws:iam::123456789012:role/admin", true),
            ("arn:aws:iam::123456789012:role/team/admin", true),
            ("arn:aws:iam::123456789012:role/reader", false),
            ("arn:aws:iam::210987654321:role/admin", false),
            ("arn:aws-cn:iam::123456789012:role/admin", false),
        ] {
            assert_eq!(is_of_role(user, role), expected, "{role}");
        }
        assert!(!is_of_role("", "arn:aws:iam::123456789012:role/admin"));
        assert!(!is_of_role(
            "arn:aws:iam::123456789012:user/admin",
            "arn:aws:iam::123456789012:role/admin"
        ));
    }
}
