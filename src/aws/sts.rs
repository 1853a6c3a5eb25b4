//! STS GetSessionToken: exactly one request for a code, its answer checked.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>

use super::client::Client;
use super::error::{CallError, Reason, Refusal, Unusable};
use crate::code::{self, Code};
use crate::session::Session;
use aws_sdk_sts::operation::get_session_token::GetSessionTokenOutput;
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
    now: fn() -> Timestamp,
) -> Result<Session, CallError> {
    let request = aws_sdk_sts::Client::new(client.config())
        .get_session_token()
        .serial_number(device)
        .token_code(code.digits())
        .duration_seconds(seconds);
    let output = client
        .call(request.send())
        .map_err(|error| masked(error, code))?;
    checked(&output, now()).map_err(CallError::Unusable)
}

/// The same error with the code masked where AWS's words repeat it.
fn masked(mut error: CallError, code: &Code) -> CallError {
    if let CallError::Refused(Refusal {
        words: Some(words), ..
    }) = &mut error
    {
        for text in std::iter::once(&mut words.code)
            .chain(&mut words.message)
            .chain(&mut words.request_id)
        {
            *text = text.replace(code.digits(), "******");
        }
    }
    error
}

/// What has become of the code that was in a request that failed like this.
pub fn state_of_code(error: &CallError) -> code::State {
    match error {
        CallError::NotSent(_) => code::State::Unspent,
        CallError::Refused(Refusal {
            reason: Reason::InvalidMfaCode,
            ..
        }) => code::State::Rejected,
        CallError::Refused(_) | CallError::NoAnswer(_) | CallError::Unusable(_) => {
            code::State::MaybeSpent
        }
    }
}

/// The session in an answer that says that all is well. What is missing in it, or unreadable, the
/// SDK has filled in by then: empty strings, and the year 1970.
fn checked(output: &GetSessionTokenOutput, now: Timestamp) -> Result<Session, Unusable> {
    let credentials = output.credentials().ok_or(Unusable::NoCredentials)?;
    for (name, value) in [
        ("AccessKeyId", credentials.access_key_id()),
        ("SecretAccessKey", credentials.secret_access_key()),
        ("SessionToken", credentials.session_token()),
    ] {
        if value.is_empty() {
            return Err(Unusable::Missing(name));
        }
    }
    let expiration = Timestamp::from_second(credentials.expiration().secs())
        .ok()
        .filter(|time| *time > Timestamp::UNIX_EPOCH)
        .ok_or(Unusable::NoExpiration)?;
    if expiration <= now {
        return Err(Unusable::Expired(expiration));
    }
    Ok(Session {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: SecretString::from(credentials.secret_access_key()),
        session_token: SecretString::from(credentials.session_token()),
        expiration: Some(expiration),
        region: None,
    })
}
