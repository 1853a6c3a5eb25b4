//! The README and the other documents, compared with the product.

use super::direnv::ENVRC;
use super::sandbox::Outcome;
use super::tool::tool;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The README.
pub const README: &str = include_str!("../../README.md");
/// The guide.
pub const GUIDE: &str = include_str!("../../.github/GUIDE.md");

/// The page about IAM.
pub const IAM: &str = include_str!("../../.github/IAM.md");

const DENY: &str = include_str!("../../.github/iam/deny-without-mfa.json");
const DENY_EXCEPT_ENROLMENT: &str =
    include_str!("../../.github/iam/deny-without-mfa-except-enrolment.json");
const ALLOW: &str = include_str!("../../.github/iam/allow-with-mfa.json");
/// What `rotate` asks of IAM, all told; its tests hold this against its requests.
pub const ROTATE_ACTIONS: &[&str] = &[
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:ListAccessKeys",
    "iam:UpdateAccessKey",
];

const ROTATE: &str = include_str!("../../.github/iam/rotate.json");
const ENROL: &str = include_str!("../../.github/iam/enrol.json");

/// The section of the document with this heading.
pub fn section(document: &'static str, heading: &str) -> &'static str {
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    section.split("\n## ").next().unwrap()
}

/// The text of the document's fenced blocks of this language.
pub fn blocks(document: &'static str, language: &str) -> Vec<&'static str> {
    document
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

#[test]
fn readme_has_at_most_250_lines() {
    assert!(README.lines().count() <= 250);
    // What has a button to copy it fits a terminal, and is pasted by a test or says that it is a file's.
    for page in [README, section(IAM, "From an empty account")] {
        for (index, part) in page.split("```").enumerate() {
            if index % 2 == 0 {
                assert!(!part.contains("\n    "), "an indented block: {part}");
                continue;
            }
            let language = part.lines().next().unwrap();
            assert!(
                ["sh", "bash", "zsh", "text", "ini"].contains(&language),
                "{language}"
            );
            for line in part.lines() {
                assert!(line.chars().count() <= 82, "{line}");
                // A paste goes on after a line that fails.
                assert!(!line.contains("rm ") || line.contains("&& rm "), "{line}");
            }
            // Another shell knows nothing of the rest of a paste.
            let others = part.trim_end().rsplit_once('\n').unwrap().0;
            assert!(!others.contains("exec "), "{part}");
        }
    }
    // zsh takes a comment for arguments.
    for page in [README, IAM, GUIDE] {
        for language in ["sh", "bash", "zsh"] {
            for block in blocks(page, language) {
                assert!(!block.contains(" # ") && !block.contains("\n#"), "{block}");
            }
        }
    }
}

/// A cell that is not known says so.
#[test]
fn comparison_has_a_cell_for_each_tool_and_names_the_versions_that_were_run() {
    let rows = section(README, "Compared with other tools")
        .lines()
        .filter(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> = rows
        .map(|row| {
            row.split(" | ")
                .map(|cell| cell.trim_matches(['|', ' ']))
                .collect()
        })
        .collect();
    for (index, row) in rows.iter().enumerate().filter(|(index, _)| *index != 1) {
        let cells = if index == 0 { &row[1..] } else { &row[..] };
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row:?}");
        assert_eq!(row.len(), 6, "{row:?}");
    }
    let has_version = |name: &&&str| name.ends_with(|c: char| c.is_ascii_digit());
    assert_eq!(
        rows[0].iter().filter(has_version).count(),
        3,
        "{:?}",
        rows[0]
    );
}

/// The two commands for whoever comes here first, each alone, to be copied. `.ci/run` reads and runs them.
#[test]
fn readme_begins_with_the_demo_and_the_tests() {
    let commands = [
        "cargo run --example demo\n".to_owned(),
        "cargo test --locked\n".to_owned(),
    ];
    assert_eq!(blocks(README, "sh")[..2], commands);
    let (top, _) = README.split_once("\n## ").unwrap();
    assert_eq!(blocks(top, "sh").len(), 2);
    let Some(bash) = tool("bash") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ci = std::fs::read_to_string(root.join(".ci/run")).unwrap();
    let reads = ci.lines().find(|line| line.contains("README.md"));
    let reads = reads.expect(".ci/run takes its commands from the README");
    let mut shell = Command::new(bash);
    shell.current_dir(root);
    shell.args([
        "-c",
        &format!("{reads}\nprintf '%s\\n' \"${{commands[@]}}\""),
    ]);
    let read = Outcome::of(&mut shell);
    assert_eq!(read.succeeded(), commands.concat());
}

#[test]
fn links_between_the_documents_have_targets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in [
        "README.md",
        ".github/CHANGELOG.md",
        ".github/CONTRIBUTING.md",
        ".github/GUIDE.md",
        ".github/IAM.md",
        ".github/SECURITY.md",
        ".github/SPEED.md",
    ] {
        let path = root.join(document);
        let text = std::fs::read_to_string(&path).unwrap();
        // Code blocks contain no links.
        let prose: String = text.split("```").step_by(2).collect();
        for link in prose.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{document}: {link}");
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let anchors = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = anchors.map(|line| {
                    let title = line.trim_start_matches('#').trim().to_lowercase();
                    title.replace(' ', "-").replace([':', ','], "")
                });
                assert!(
                    anchors.any(|anchor| anchor == heading),
                    "{document}: {link}"
                );
            }
        }
    }
}

/// One statement: its effect, the element that lists actions and those actions, and its condition.
type Statement = (
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<(&'static str, &'static str, &'static str)>,
);

const WITHOUT_MFA: Option<(&str, &str, &str)> =
    Some(("BoolIfExists", "aws:MultiFactorAuthPresent", "false"));
const WITH_MFA: Option<(&str, &str, &str)> = Some(("Bool", "aws:MultiFactorAuthPresent", "true"));
const UNTIL: Option<(&str, &str, &str)> =
    Some(("DateLessThan", "aws:CurrentTime", "2026-12-31T00:00:00Z"));

/// Checks every statement of a policy, and returns all its resources.
#[track_caller]
fn assert_policy(policy: &str, expected: &[Statement]) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let list = |value: &Value| -> BTreeSet<String> {
        match value {
            Value::Array(values) => values
                .iter()
                .map(|value| value.as_str().unwrap().to_owned())
                .collect(),
            Value::Null => BTreeSet::new(),
            value => BTreeSet::from([value.as_str().unwrap().to_owned()]),
        }
    };
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), expected.len());
    let mut resources = BTreeSet::new();
    for (statement, (effect, element, actions, condition)) in statements.iter().zip(expected) {
        assert_eq!(statement["Effect"], *effect);
        let other = match *element {
            "Action" => "NotAction",
            _ => "Action",
        };
        let actions: BTreeSet<String> = actions.iter().map(|&action| action.to_owned()).collect();
        assert_eq!(list(&statement[*element]), actions, "{statement}");
        assert_eq!(statement[other], Value::Null);
        let condition = condition.map_or(
            Value::Null,
            |(operator, key, value)| json!({ operator: { key: value } }),
        );
        assert_eq!(statement["Condition"], condition, "{statement}");
        resources.extend(list(&statement["Resource"]));
    }
    resources
}

const OWN_USER: [&str; 2] = [
    "arn:aws:iam::*:user/${aws:username}",
    "arn:aws:iam::*:user/*/${aws:username}",
];

fn set<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
    items.map(str::to_owned).into()
}

#[test]
fn deny_policy_exempts_only_calls_needed_before_a_session() {
    let excepted = &[
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
    ];
    let expected = [("Deny", "NotAction", excepted.as_slice(), WITHOUT_MFA)];
    assert_eq!(assert_policy(DENY, &expected), set(["*"]));

    // The first section has the same policy in another layout.
    let (_, policy) = IAM.split_once("--policy-document '").unwrap();
    let (policy, _) = policy.split_once('\'').unwrap();
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(parsed(policy), parsed(DENY));
}

#[test]
fn deny_policy_for_enrolment_also_exempts_its_calls() {
    let excepted = &[
        "iam:ChangePassword",
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetAccountPasswordPolicy",
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
    ];
    let expected = [("Deny", "NotAction", excepted.as_slice(), WITHOUT_MFA)];
    assert_eq!(assert_policy(DENY_EXCEPT_ENROLMENT, &expected), set(["*"]));
}

#[test]
fn allow_policy_without_mfa_allows_only_reading_devices() {
    let expected: [Statement; 2] = [
        ("Allow", "Action", &["*"], WITH_MFA),
        (
            "Allow",
            "Action",
            &["iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices"],
            None,
        ),
    ];
    let mut resources = set(OWN_USER);
    resources.insert("*".to_owned());
    assert_eq!(assert_policy(ALLOW, &expected), resources);
}

#[test]
fn rotation_policy_allows_the_calls_of_rotate_only_with_mfa() {
    let expected: [Statement; 1] = [("Allow", "Action", ROTATE_ACTIONS, WITH_MFA)];
    assert_eq!(assert_policy(ROTATE, &expected), set(OWN_USER));
}

#[test]
fn enrolment_policy_allows_changes_only_until_its_date() {
    let expected: [Statement; 3] = [
        (
            "Allow",
            "Action",
            &[
                "iam:GetAccountPasswordPolicy",
                "iam:ListUsers",
                "iam:ListVirtualMFADevices",
            ],
            None,
        ),
        ("Allow", "Action", &["iam:CreateVirtualMFADevice"], UNTIL),
        (
            "Allow",
            "Action",
            &[
                "iam:ChangePassword",
                "iam:EnableMFADevice",
                "iam:GetMFADevice",
                "iam:GetUser",
                "iam:ListMFADevices",
                "iam:ResyncMFADevice",
            ],
            UNTIL,
        ),
    ];
    let mut resources = set(OWN_USER);
    resources.insert("*".to_owned());
    resources.insert("arn:aws:iam::*:mfa/${aws:username}".to_owned());
    assert_eq!(assert_policy(ENROL, &expected), resources);
}

#[test]
fn policy_that_ends_sessions_denies_older_ones() {
    let expected: [Statement; 1] = [(
        "Deny",
        "Action",
        &["*"],
        Some(("DateLessThan", "aws:TokenIssueTime", "2026-11-24T20:31:00Z")),
    )];
    let policies = blocks(IAM, "json");
    assert_eq!(assert_policy(policies[0], &expected), set(["*"]));
    assert_eq!(policies.len(), 1);
}

#[test]
fn readme_envrc_is_the_tested_one() {
    let [_, scripts] = blocks(README, "text")[..] else {
        panic!("the README has other files");
    };
    assert!(ENVRC.starts_with(scripts), "{ENVRC}");
}
