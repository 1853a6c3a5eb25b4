//! The output of a `credential_process`.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use super::json;
use crate::environment::change::Change;

pub fn answer(change: &Change, text: &mut String) {
    let mut map = serde_json::Map::from_iter([("Version".to_owned(), 1.into())]);
    for (key, name) in [
        ("AccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("SecretAccessKey", "AWS_SECRET_ACCESS_KEY"),
        ("SessionToken", "AWS_SESSION_TOKEN"),
        ("Expiration", "AWS_CREDENTIAL_EXPIRATION"),
    ] {
        if let Some(value) = change.value(name) {
            map.insert(key.to_owned(), value.into());
        }
    }
    json::line(&map.into(), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_has_an_expiration_if_the_session_has_one() {
        let answered = |expiration| -> serde_json::Value {
            let change = Change::of_variables([
                ("AWS_ACCESS_KEY_ID", Some("A")),
                ("AWS_SECRET_ACCESS_KEY", Some("s")),
                ("AWS_SESSION_TOKEN", Some("t")),
                ("AWS_CREDENTIAL_EXPIRATION", expiration),
            ]);
            let mut text = String::new();
            answer(&change, &mut text);
            serde_json::from_str(&text).unwrap()
        };
        let mut expected = serde_json::json!({
            "Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t",
        });
        assert_eq!(answered(None), expected);
        expected["Expiration"] = "2026-11-24T18:10:00Z".into();
        assert_eq!(answered(Some("2026-11-24T18:10:00Z")), expected);
    }
}
