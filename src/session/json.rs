//! The contents of the session file: the JSON that `aws sts get-session-token --output json` prints, so that other tools
//! can read it.

use super::{AssumedRole, Provenance, Session};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The file. Unknown keys are ignored; a missing one counts as empty.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    credentials: Credentials,
    #[serde(skip_serializing_if = "Option::is_none")]
    assumed_role_user: Option<AssumedRoleUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovered_device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<AssumedRole>,
}

/// `AssumedRoleUser`, as `aws sts assume-role` prints it.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

/// The session that `json` describes.
///
/// # Errors
/// It is not a session. The reason quotes nothing from it.
pub fn parse(json: &[u8]) -> Result<Session, String> {
    // serde_json's message can quote a value from the file, so only its kind and line are used.
    let contents: Contents = serde_json::from_slice(json).map_err(|error| {
        use serde_json::error::Category;
        match error.classify() {
            Category::Eof => "it is truncated".to_owned(),
            Category::Data => format!("not a session, line {}", error.line()),
            Category::Syntax | Category::Io => format!("not JSON, line {}", error.line()),
        }
    })?;
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
        expiration,
    } = contents.credentials;
    for (name, value) in [
        ("AccessKeyId", &access_key_id),
        ("SecretAccessKey", &secret_access_key),
        ("SessionToken", &session_token),
    ] {
        if value.is_empty() {
            return Err(format!("{name} is missing or empty"));
        }
        if value.contains('\0') {
            return Err(format!("{name} contains a NUL"));
        }
    }
    let expiration = expiration
        .map(|text| whole_seconds(&text))
        .transpose()
        .map_err(|_| "Expiration is not a time in RFC 3339")?;
    let user = contents.assumed_role_user.unwrap_or_default();
    Ok(Session {
        access_key_id,
        secret_access_key: SecretString::from(secret_access_key),
        session_token: SecretString::from(session_token),
        expiration,
        region: contents
            .region
            .filter(|region| !region.is_empty() && !region.contains('\0')),
        provenance: Provenance {
            master_key_id: contents.master_key_id,
            user_name: contents.user_name,
            discovered_device: contents.discovered_device,
            role: contents.role.map(|role| AssumedRole {
                user_arn: user.arn,
                user_id: user.assumed_role_id,
                ..role
            }),
        },
    })
}

/// Whether `contents` are those of a session file, perhaps one that was cut off: it has `Credentials`, or begins with them
/// like every file that this program and the AWS CLI write.
pub fn is_session(contents: &[u8]) -> bool {
    let Some(inside) = contents.trim_ascii_start().strip_prefix(b"{") else {
        return false;
    };
    match serde_json::from_slice::<HashMap<String, Option<IgnoredAny>>>(contents) {
        Ok(outline) => matches!(outline.get("Credentials"), Some(Some(_))),
        Err(_) => inside.trim_ascii_start().starts_with(b"\"Credentials\""),
    }
}

/// Whether `contents` could be those of a session file, even if nothing is left of them: blank after a power failure.
pub fn could_be_session(contents: &[u8]) -> bool {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    contents.iter().all(is_blank) || is_session(contents)
}

/// The JSON of `session`, indented as the AWS CLI prints it.
pub fn render(session: &Session) -> std::io::Result<Vec<u8>> {
    let provenance = session.provenance.clone();
    let contents = Contents {
        credentials: Credentials {
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret_access_key.expose_secret().to_owned(),
            session_token: session.session_token.expose_secret().to_owned(),
            expiration: session.expiration.map(|time| time.to_string()),
        },
        assumed_role_user: provenance.role.clone().map(|role| AssumedRoleUser {
            assumed_role_id: role.user_id,
            arn: role.user_arn,
        }),
        region: session.region.clone(),
        master_key_id: provenance.master_key_id,
        user_name: provenance.user_name,
        discovered_device: provenance.discovered_device,
        role: provenance.role,
    };
    let mut json = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(
        &mut json,
        serde_json::ser::PrettyFormatter::with_indent(b"    "),
    );
    // It could only fail for values that JSON cannot express, and these are all strings.
    contents.serialize(&mut serializer)?;
    json.push(b'\n');
    Ok(json)
}

/// A time in RFC 3339, with any offset and any fraction, as whole seconds in UTC.
///
/// Credentials that never expire often have `9999-12-31T23:59:59Z`, about 26 hours after jiff's latest time. Later times
/// become that latest time.
fn whole_seconds(text: &str) -> Result<Timestamp, jiff::Error> {
    let time = match text.parse::<Timestamp>() {
        Err(_) if is_in_the_last_days(text) => Timestamp::MAX,
        parsed => parsed?,
    };
    Timestamp::from_second(time.as_second())
}

fn is_in_the_last_days(text: &str) -> bool {
    use jiff::fmt::temporal::Pieces;
    Pieces::parse(text).is_ok_and(|pieces| {
        let date = pieces.date();
        (date.year(), date.month()) == (9999, 12)
            && date.day() >= 30
            && pieces.time().is_some()
            && pieces.offset().is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any string that a session can have: not empty, and without NUL.
    fn text() -> impl Strategy<Value = String> {
        any::<String>().prop_map(|text| match text.replace('\0', "") {
            empty if empty.is_empty() => "x".to_owned(),
            text => text,
        })
    }

    proptest! {
        #[test]
        fn any_rendered_session_is_parsed_back(
            id in text(),
            secret in text(),
            token in text(),
            expiration in proptest::option::of(0..253_402_207_200_i64),
            region in proptest::option::of(text()),
        ) {
            let session = Session {
                access_key_id: id.clone(),
                secret_access_key: secret.as_str().into(),
                session_token: token.as_str().into(),
                expiration: expiration.map(|second| Timestamp::from_second(second).unwrap()),
                region: region.clone(),
                provenance: Provenance::default(),
            };
            let read = parse(&render(&session).unwrap()).unwrap();
            prop_assert_eq!(read.access_key_id, id);
            prop_assert_eq!(read.secret_access_key.expose_secret(), &secret);
            prop_assert_eq!(read.session_token.expose_secret(), &token);
            prop_assert_eq!(read.expiration, session.expiration);
            prop_assert_eq!(read.region, region);
        }

        #[test]
        fn any_bytes_are_a_session_or_an_error(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn damaged_session_could_be_a_session_and_other_files_could_not() {
        for contents in [
            "",
            "\n",
            "\0\0\0",
            r#"{"Credentials": {"AccessKeyId": "A"#,
            r#"{"Credentials": {}}"#,
            "{\"Credentials\": \u{fffd}",
        ] {
            assert!(could_be_session(contents.as_bytes()), "{contents}");
        }
        for contents in [
            "[default]\naws_access_key_id = AKIA1\n",
            "root:*:20000:0:99999:7:::\n",
            r#"{"Version": 1, "AccessKeyId": "A"}"#,
            r#"[{"Credentials": {}}]"#,
            "{}",
            "{",
            r#"{"Version": "2012-10-17","#,
        ] {
            assert!(!could_be_session(contents.as_bytes()), "{contents}");
        }
    }

    #[test]
    fn output_of_both_aws_cli_versions_is_parsed() {
        for expiration in [
            "2026-11-24T18:10:00Z",
            "2026-11-24T18:10:00+00:00",
            "2026-11-24T20:10:00.123456+02:00",
        ] {
            let json = format!(
                r#"{{"Credentials": {{"AccessKeyId": "ASIA1", "SecretAccessKey": "s\/e", "SessionToken": "t",
                   "Expiration": "{expiration}", "Other": [1]}}, "More": {{}}}}"#
            );
            let session = parse(json.as_bytes()).unwrap();
            assert_eq!(session.access_key_id, "ASIA1");
            assert_eq!(session.secret_access_key.expose_secret(), "s/e");
            assert_eq!(session.session_token.expose_secret(), "t");
            assert_eq!(
                session.expiration.unwrap().to_string(),
                "2026-11-24T18:10:00Z"
            );
            assert_eq!(session.region, None);
        }
    }

    #[test]
    fn rendered_session_is_parsed_back() {
        let session = Session {
            access_key_id: "ASIA1".into(),
            secret_access_key: "se/cr+et\"\\".into(),
            session_token: "token\n".into(),
            expiration: Some("2026-11-24T18:10:00Z".parse().unwrap()),
            region: Some("eu-west-1".into()),
            provenance: Provenance {
                discovered_device: Some("GAHT12345678".into()),
                master_key_id: Some("AKIA1".into()),
                user_name: Some("igor".into()),
                role: Some(AssumedRole {
                    arn: "arn:aws:iam::123456789012:role/admin".into(),
                    user_arn: "arn:aws:sts::123456789012:assumed-role/admin/igor".into(),
                    user_id: "AROA1:igor".into(),
                    base: Some("/s".into()),
                    digest: "0123456789abcdef".into(),
                    seconds: 3600,
                    is_direct: true,
                }),
            },
        };
        let read = parse(&render(&session).unwrap()).unwrap();
        assert_eq!(read.access_key_id, session.access_key_id);
        assert_eq!(read.secret_access_key.expose_secret(), "se/cr+et\"\\");
        assert_eq!(read.session_token.expose_secret(), "token\n");
        assert_eq!(read.expiration, session.expiration);
        assert_eq!(read.region, session.region);
        assert_eq!(read.provenance, session.provenance);
    }

    #[test]
    fn expiration_in_the_last_days_of_9999_is_the_latest_time() {
        for text in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59+00:00",
            "9999-12-31T00:00:00-23:59",
            "9999-12-30T22:00:00Z",
        ] {
            let time = whole_seconds(text).unwrap();
            assert_eq!(time.to_string(), "9999-12-30T22:00:00Z", "{text}");
            assert_eq!(whole_seconds(&time.to_string()).unwrap(), time);
        }
        for text in [
            "9999-12-31",
            "9999-12-31T23:59:59",
            "9999-12-32T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert!(whole_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn missing_expiration_is_unknown() {
        let json =
            r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t"}}"#;
        assert_eq!(parse(json.as_bytes()).unwrap().expiration, None);
    }

    #[test]
    fn invalid_session_is_an_error_that_quotes_nothing() {
        for (json, message) in [
            ("", "it is truncated"),
            (r#"{"Credentials": {"AccessKeyId": "A"#, "it is truncated"),
            ("hunter2", "not JSON, line 1"),
            (r#"{"Credentials": "hunter2"}"#, "not a session, line 1"),
            ("{}", "not a session, line 1"),
            (r#"{"Credentials": {}}"#, "AccessKeyId is missing or empty"),
            (
                r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"","SessionToken":"t"}}"#,
                "SecretAccessKey is missing or empty",
            ),
            (
                r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"a\u0000b"}}"#,
                "SessionToken contains a NUL",
            ),
            (
                r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"soon"}}"#,
                "Expiration is not a time in RFC 3339",
            ),
        ] {
            assert_eq!(parse(json.as_bytes()).err().unwrap(), message);
        }
    }
}
