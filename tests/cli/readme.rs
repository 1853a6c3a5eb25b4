//! What the README says, held against the product.

use super::direnv::ENVRC;

const README: &str = include_str!("../../README.md");

/// The text of the fenced blocks of this language.
pub fn blocks(language: &str) -> Vec<&'static str> {
    README
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

#[test]
fn readme_policy_without_mfa_allows_only_setting_up_a_device() {
    let policy: serde_json::Value = serde_json::from_str(blocks("json")[0]).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        let with_mfa = statement["Condition"]["Bool"]["aws:MultiFactorAuthPresent"] == "true";
        let actions = statement["Action"].to_string();
        assert!(with_mfa || !actions.contains('*'), "{statement}");
        for dangerous in ["Deactivate", "Delete"] {
            assert!(with_mfa || !actions.contains(dangerous), "{statement}");
        }
    }
}

#[test]
fn readme_envrc_is_the_one_under_test() {
    assert!(ENVRC.starts_with(blocks("sh")[0]), "{ENVRC}");
}
