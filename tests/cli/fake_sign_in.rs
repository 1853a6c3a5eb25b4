//! A double of AWS's federation endpoint, made from its documentation and not compared with the real one. It is beside the
//! fake STS, whose roles it knows.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>

use super::fake_sts::{HttpRequest, SECRET_WORD};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The token, as it is in a URL.
pub const TOKEN: &str = "signin%2F%2FS3CR3T%2B0%3D%3D";

/// The credentials of a role.
pub struct Role {
    pub secret: String,
    pub token: String,
    /// Whether temporary credentials obtained them.
    pub is_chained: bool,
}

/// The answer to a request, with `role` to look up the credentials that are valid.
pub fn answer(
    request: &HttpRequest,
    form: &BTreeMap<String, String>,
    role: impl Fn(&str) -> Option<Role>,
) -> (u16, String) {
    // The real one also takes GET, with the credentials in the URL.
    assert_eq!((&*request.method, &*request.path), ("POST", "/federation"));
    assert_eq!(
        request.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(request.header("authorization"), "");
    assert_eq!(form["Action"], "getSigninToken");
    let session: Value = serde_json::from_str(&form["Session"]).unwrap();
    let id = session["sessionId"].as_str().unwrap();
    let Some(role) = role(id) else {
        return refused();
    };
    let expected = json!({
        "sessionId": id,
        "sessionKey": role.secret,
        "sessionToken": role.token,
    });
    let duration = form
        .get("SessionDuration")
        .map(|text| text.parse().unwrap());
    let is_allowed = |seconds: i64| !role.is_chained && (15 * 60..=12 * 3600).contains(&seconds);
    match session == expected && duration.is_none_or(is_allowed) {
        true => (
            200,
            json!({ "SigninToken": format!("signin//{SECRET_WORD}+0==") }).to_string(),
        ),
        false => refused(),
    }
}

/// <https://repost.aws/knowledge-center/invalid-credentials-parameter>
fn refused() -> (u16, String) {
    let page = "<html><head><title>Error</title></head><body><h1>HTTP Status 400 - Invalid credentials parameter</h1></body></html>";
    (400, page.to_owned())
}
