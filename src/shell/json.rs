//! A flat JSON object, for Nushell's `load-env`: an unset variable is `null`, which Nushell does not export to programs.
//! <https://www.nushell.sh/commands/docs/load-env.html>

use crate::environment::change::Change;

pub fn object(change: &Change, text: &mut String) {
    let map: serde_json::Map<_, _> = change
        .entries()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    line(&map.into(), text);
}

/// Writes `value` on one line.
pub fn line(value: &serde_json::Value, text: &mut String) {
    text.push_str(&value.to_string());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::hostile;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_value_round_trips_through_json(value in hostile::value()) {
            let change = Change::of_variables([("SET", Some(&value)), ("GONE", None)]);
            let mut text = String::new();
            object(&change, &mut text);
            prop_assert_eq!(text.matches('\n').count(), 1);
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, serde_json::json!({"SET": value, "GONE": null}));
        }
    }
}
