//! Roles whose trust policy demands a source identity or session tags.

use super::fake_sts::{FakeSts, REQUEST_ID, Role, USER};
use super::readme::GUIDE;
use super::sandbox::{DEVICE, Sandbox, profile_keys};
use super::words;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DEPLOY: &str = "arn:aws:iam::333333333333:role/deploy";
const READER: &str = "arn:aws:iam::444444444444:role/reader";

/// A user whose profile `staging` has a role with these lines, and whose profile `reader` assumes another one from it, with
/// those lines.
fn with_lines(sts: &FakeSts, staging: &str, reader: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    write_config(&sandbox, staging, reader);
    sandbox
}

fn write_config(sandbox: &Sandbox, staging: &str, reader: &str) {
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {DEVICE}\n\
             [profile staging]\nrole_arn = {DEPLOY}\nsource_profile = work\nrole_session_name = igor\n{staging}\n\
             [profile reader]\nrole_arn = {READER}\nsource_profile = staging\nrole_session_name = igor\n{reader}\n"
        ),
    );
}

/// The parameters of a request for a role that are about this.
fn demands(form: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let all = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    all.filter(|(name, _)| name.contains("Tag") || *name == "SourceIdentity")
        .collect()
}

const LINES: &str = "source_identity = igor@example.com\n\
                     session_tags = team=platform, cost center = 42 / b, Größe=\n\
                     transitive_session_tags = Team # AWS ignores the case";

#[test]
fn source_identity_and_tags_are_sent_and_passed_on() {
    let sts = FakeSts::start();
    let sandbox = with_lines(&sts, LINES, "session_tags = stage=test");
    sts.add_role(
        DEPLOY,
        Role {
            source_identity: Some("igor@example.com"),
            tags: &[
                ("team", "platform"),
                ("cost center", "42 / b"),
                ("Größe", ""),
            ],
            ..Role::default()
        },
    );
    // AWS passes on what it has to, and the role adds its own.
    sts.add_role(
        READER,
        Role {
            needs_mfa: false,
            source_identity: Some("igor@example.com"),
            tags: &[("team", "platform"), ("stage", "test")],
            ..Role::default()
        },
    );
    sandbox.run(["get", "-p", "reader", "123456"]).succeeded();
    let sent = sts.requests_for("AssumeRole");
    assert_eq!(
        demands(&sent[0].form),
        [
            ("SourceIdentity", "igor@example.com"),
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", "platform"),
            ("Tags.member.2.Key", "cost center"),
            ("Tags.member.2.Value", "42 / b"),
            ("Tags.member.3.Key", "Größe"),
            ("Tags.member.3.Value", ""),
            ("TransitiveTagKeys.member.1", "team"),
        ]
    );
    let own = [
        ("Tags.member.1.Key", "stage"),
        ("Tags.member.1.Value", "test"),
    ];
    assert_eq!(demands(&sent[1].form), own);

    // The code on the role itself.
    sandbox
        .run(["get", "-p", "staging", "--direct", "222222"])
        .succeeded();
    let direct = sts.requests_for("AssumeRole").pop().unwrap();
    assert_eq!(demands(&direct.form), demands(&sent[0].form));

    // A role without any sends none.
    write_config(&sandbox, "", "");
    sts.add_role(DEPLOY, Role::default());
    sandbox.run(["get", "-p", "staging"]).succeeded();
    let plain = sts.requests_for("AssumeRole").pop().unwrap();
    assert_eq!(demands(&plain.form), []);

    // The same source identity again is no change, and AWS takes none.
    let same = "source_identity = igor@example.com";
    write_config(&sandbox, same, same);
    sts.add_role(
        READER,
        Role {
            needs_mfa: false,
            ..Role::default()
        },
    );
    sandbox.run(["get", "-p", "reader"]).succeeded();
    let last = sts.requests_for("AssumeRole").pop().unwrap();
    assert_eq!(demands(&last.form), []);
}

#[test]
fn changed_source_identity_or_tag_is_another_role_session() {
    let sts = FakeSts::start();
    let sandbox = with_lines(&sts, "", "");
    sts.add_role(DEPLOY, Role::default());
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    let variants = [
        "",
        "source_identity = igor",
        "source_identity = anna",
        "session_tags = a=b",
        "session_tags = a=c",
        "session_tags = a=b,c=d",
        "session_tags = a=b\ntransitive_session_tags = a",
    ];
    for (number, lines) in variants.iter().enumerate() {
        write_config(&sandbox, lines, "");
        for _ in 0..2 {
            sandbox.run(["load", "-p", "staging"]).succeeded();
        }
        assert_eq!(sts.requests_for("AssumeRole").len(), number + 1, "{lines}");
    }
    // Each is still there.
    write_config(&sandbox, variants[1], "");
    sandbox.run(["load", "-p", "staging"]).succeeded();
    assert_eq!(sts.requests_for("AssumeRole").len(), variants.len());
}

#[test]
fn status_shows_the_source_identity_and_the_tags() {
    let sts = FakeSts::start();
    let sandbox = with_lines(&sts, LINES, "session_tags = stage=test");
    let shown = sandbox.run(["status", "-p", "staging"]).stdout;
    let lines = "\nsource identity: igor@example.com\n\
                 session tags: Größe=, cost center=42 / b, team=platform\n\
                 transitive tags: team\n";
    assert!(shown.contains(lines), "{shown}");
    let role = |profile: &str| {
        let json = sandbox.run(["status", "-p", profile, "--json"]).stdout;
        serde_json::from_str::<Value>(&json).unwrap()["role"].take()
    };
    let staging = role("staging");
    assert_eq!(staging["source_identity"], "igor@example.com");
    let tags = json!({"Größe": "", "cost center": "42 / b", "team": "platform"});
    assert_eq!(staging["session_tags"], tags);
    assert_eq!(staging["transitive_session_tags"], json!(["team"]));
    // With what AWS passes on.
    let reader = role("reader");
    assert_eq!(reader["source_identity"], "igor@example.com");
    assert_eq!(
        reader["session_tags"],
        json!({"stage": "test", "team": "platform"})
    );
    write_config(&sandbox, "", "");
    let plain = role("staging");
    assert_eq!(plain["source_identity"], Value::Null);
    assert_eq!(plain["session_tags"], json!({}));
    assert_eq!(plain["transitive_session_tags"], json!([]));
}

#[test]
fn what_aws_would_refuse_is_an_error_before_the_call() {
    let sts = FakeSts::start();
    let sandbox = with_lines(&sts, "", "");
    let tags = |number: usize| {
        let tags: Vec<String> = (0..number).map(|number| format!("k{number}=v")).collect();
        format!("session_tags = {}", tags.join(","))
    };
    let key = "1 to 128 letters, digits, spaces and characters from _.:/=+@-";
    let value = key.replace("1 to 128", "0 to 256");
    let long = "x".repeat(257);
    let fails = |profile: &str, message: &str, hint: &str| {
        for verb in ["get", "load"] {
            let expected = words::failure(message, hint);
            sandbox.run([verb, "-p", profile]).is(1, "", &expected);
        }
    };
    let no_list = "is not a list like team=x,stage=y";
    let own = "a key or a value cannot contain , or =";
    for (lines, message, hint) in [
        (
            "source_identity = i",
            "source_identity in the profile staging is invalid: i",
            "use 2 to 256 letters, digits and characters from _+=,.@-",
        ),
        (
            "session_tags = team=a=b",
            &format!("session_tags in the profile staging {no_list}: team=a=b"),
            own,
        ),
        (
            "session_tags = team=a,b",
            &format!("session_tags in the profile staging {no_list}: b"),
            own,
        ),
        (
            "session_tags = team",
            &format!("session_tags in the profile staging {no_list}: team"),
            own,
        ),
        (
            "session_tags = te*am=x",
            "session_tags in the profile staging has an invalid key: te*am=x",
            &format!("use {key}"),
        ),
        (
            "session_tags = =x",
            "session_tags in the profile staging has an invalid key: =x",
            &format!("use {key}"),
        ),
        (
            "session_tags = team=x!",
            "session_tags in the profile staging has an invalid value: team=x!",
            &format!("use {value}"),
        ),
        (
            &format!("session_tags = a={long}"),
            &format!("session_tags in the profile staging has an invalid value: a={long}"),
            &format!("use {value}"),
        ),
        (
            "session_tags = AWS:team=x",
            "session_tags in the profile staging has a reserved key: AWS:team=x",
            "keys must not begin with aws:",
        ),
        (
            "session_tags = team=x,Team=y",
            "session_tags in the profile staging has a duplicate key: Team=y",
            "to AWS, keys that differ only in case are the same",
        ),
        (
            &tags(51),
            "session_tags in the profile staging has 51 tags",
            "AWS allows at most 50",
        ),
        (
            "transitive_session_tags = team",
            "transitive_session_tags in the profile staging has a key without a tag: team",
            "add it to session_tags, with a value",
        ),
    ] {
        write_config(&sandbox, lines, "");
        fails("staging", message, hint);
        fails("reader", message, hint);
    }
    let remedy = "remove it there: AWS passes it on, and no later role can change it";
    write_config(
        &sandbox,
        "session_tags = team=x\ntransitive_session_tags = team",
        "session_tags = TEAM=x",
    );
    fails(
        "reader",
        "session_tags in the profile reader sets TEAM, which transitive_session_tags in the profile staging already passes on",
        remedy,
    );
    write_config(&sandbox, "source_identity = igor", "source_identity = anna");
    fails(
        "reader",
        "source_identity in the profile reader is anna, but source_identity in the profile staging is igor",
        remedy,
    );
    assert!(sts.requests().is_empty());

    // As the hints say; and as many as AWS allows.
    sts.add_role(DEPLOY, Role::default());
    sts.add_role(
        READER,
        Role {
            needs_mfa: false,
            ..Role::default()
        },
    );
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    for (staging, reader) in [
        (
            format!("{}\ntransitive_session_tags = k0,k49,", tags(50)),
            "session_tags = k50=v",
        ),
        (
            format!("session_tags = a={}", &long[1..]),
            "session_tags = a=b",
        ),
        ("source_identity = igor".to_owned(), ""),
    ] {
        write_config(&sandbox, &staging, reader);
        sandbox.run(["load", "-p", "reader"]).succeeded();
    }
}

#[test]
fn trust_policy_that_forbids_them_is_explained() {
    let sts = FakeSts::start();
    let (_, example) = GUIDE.split_once("```ini\nsource_identity").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let sandbox = with_lines(&sts, &format!("source_identity{example}"), "");
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    let all = ["sts:TagSession", "sts:SetSourceIdentity"];
    sts.add_role(DEPLOY, Role::default());
    let user = "arn:aws:sts::333333333333:assumed-role/deploy/igor";
    for (what, missing, allows) in [
        ("session tags", all[0], &["sts:SetSourceIdentity"]),
        ("a source identity", all[1], &["sts:TagSession"]),
    ] {
        let hint = format!(
            "allow {missing} next to sts:AssumeRole in the trust policies of this role and of all roles that are assumed from it"
        );
        // A role in the chain too: AWS passes them on.
        for (profile, role, caller, caller_arn) in [
            ("reader", READER, format!("the role {DEPLOY}"), user),
            ("staging", DEPLOY, "the user".to_owned(), USER),
        ] {
            let trust = Role {
                allows,
                needs_mfa: false,
                ..Role::default()
            };
            sts.add_role(role, trust.clone());
            let expected = format!(
                "aws-mfa: {caller} is not allowed to assume the role {role} with {what}\n  \
                 AccessDenied: User: {caller_arn} is not authorized to perform: {missing} on resource: {role} (request {REQUEST_ID})\n\
                 hint: {hint}\n"
            );
            let outcome = sandbox.run(["get", "-p", profile]);
            assert_eq!((outcome.status, outcome.stderr), (1, expected));
            // As the hint says.
            sts.add_role(
                role,
                Role {
                    allows: &["sts:TagSession", "sts:SetSourceIdentity"],
                    ..trust
                },
            );
            sandbox.run(["get", "-p", profile]).succeeded();
        }
        sandbox.run(["clear", "-p", "reader"]).succeeded();
    }
}
