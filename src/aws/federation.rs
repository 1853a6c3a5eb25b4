//! AWS sign-in: what opens the console with the credentials of a role.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>

use super::client::{Client, SigningKey};
use super::endpoint::Endpoint;
use super::error::{CallError, NotSent, UNEXPECTED};
use super::query;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use form_urlencoded::Serializer;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The shortest and the longest session in the console, in seconds.
pub const SHORTEST: i64 = 15 * 60;
/// See [`SHORTEST`].
pub const LONGEST: i64 = 12 * 3600;

const PATH: &str = "/federation";

/// The credentials, as the endpoint wants them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    session_id: &'a str,
    session_key: &'a str,
    session_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    signin_token: String,
}

/// A token that signs in to the console within 15 minutes, for the credentials of a role. They are in the body of the
/// request, which proxies do not log, and which needs no signature. The session in the console lasts `seconds`: AWS refuses
/// any for a role that temporary credentials have assumed.
///
/// # Errors
/// The call failed, or the answer has no token.
pub fn signin_token(
    client: &Client,
    role: &SigningKey,
    seconds: Option<i64>,
) -> Result<SecretString, CallError> {
    let unmade = || CallError::NotSent(NotSent::Unmade);
    let credentials = serde_json::to_string(&Credentials {
        session_id: role.id,
        session_key: role.secret.expose_secret(),
        session_token: role.token.map_or("", |token| token.expose_secret()),
    });
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", "getSigninToken");
    if let Some(seconds) = seconds {
        form.append_pair("SessionDuration", &seconds.to_string());
    }
    form.append_pair("Session", &credentials.map_err(|_| unmade())?);
    let request = query::form(PATH, &form.finish()).map_err(|_| unmade())?;
    let request = HttpRequest::try_from(request).map_err(|_| unmade())?;
    let answer = query::send(client, "signin", "getSigninToken", request)?;
    match serde_json::from_slice(answer.expose_secret()) {
        Ok(Answer { signin_token }) if !signin_token.is_empty() => Ok(signin_token.into()),
        _ => Err(CallError::Unusable(UNEXPECTED.to_owned())),
    }
}

/// The URL that signs in with `token` and goes on to `destination`, a URL of the console. It is as secret as the token.
pub fn sign_in_url(endpoint: &Endpoint, destination: &str, token: &SecretString) -> SecretString {
    let page = format!("{}{PATH}?", endpoint.as_str().trim_end_matches('/'));
    let start = page.len();
    let mut query = Serializer::for_suffix(page, start);
    query.append_pair("Action", "login");
    query.append_pair("Destination", destination);
    query.append_pair("SigninToken", token.expose_secret());
    query.finish().into()
}
