//! `aws-mfa status`: the session, the settings with their origins, and warnings.

use super::deadline::InTime;
use super::fake_sts::{KEY_ID, SECRET, session_json};
use super::sandbox::{DEVICE, Outcome, Sandbox, binary, chmod, profile_keys};
use super::terminal::Terminal;
use super::words;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A time whose minutes do not change while the test runs.
fn in_half_a_minute_past(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes) + SignedDuration::from_secs(30)
}

fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M").to_string()
}

/// A user with the variables of the README, and no direnv.
fn user() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let file = sandbox.session_file();
    let home = sandbox.home();
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_MFA_ARN", DEVICE)
        .set("AWS_SESSION_FILE", file)
        .set("PATH", home)
        // status connects to nothing, and shows the proxy.
        .unset("HTTPS_PROXY");
    sandbox
}

fn json_of(outcome: &Outcome) -> Value {
    assert_eq!(outcome.stderr, "");
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn status_shows_each_setting_with_its_origin() {
    let sandbox = user();
    let end = in_half_a_minute_past(90);
    let file = sandbox.write_session(end).display().to_string();
    sandbox.run(["status"]).is(
        0,
        &format!(
            "session: valid for 1h 30m, until {}\n\
             session key id: ASIASESSION000000000\n\
             this shell: does not have the session\n\
             integration: none: run `eval \"$(aws-mfa load)\"`, or add `eval \"$(aws-mfa init bash)\"` to ~/.bashrc\n\
             session file: {file} (AWS_SESSION_FILE)\n\
             key id: {KEY_ID} (MASTER_AWS_ACCESS_KEY_ID)\n\
             device: {DEVICE} (AWS_MFA_ARN)\n\
             account: 123456789012\n\
             duration: 12h (default)\n\
             STS region: us-east-1 (default)\n\
             STS endpoint: https://sts.us-east-1.amazonaws.com (default)\n",
            time_of_day(end)
        ),
        "",
    );
}

#[test]
fn settings_of_a_profile_are_shown_with_its_name_and_an_unusual_file() {
    let mut sandbox = user();
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {DEVICE}\nregion = eu-central-1\nduration_seconds = 3600\n\
             endpoint_url = http://127.0.0.1:9\n"
        ),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sandbox.unset("AWS_MFA_ARN");
    let file = sandbox.session_file().with_file_name("session-work");
    let file = file.display();
    sandbox.run(["status", "-p", "work"]).is(
        3,
        &format!(
            "session: none yet\n\
             integration: none: run `eval \"$(aws-mfa load --profile work)\"`, or add `eval \"$(aws-mfa init bash)\"` to ~/.bashrc\n\
             session file: {file} (--profile)\n\
             profile: work (--profile)\n\
             key id: {KEY_ID} (profile work)\n\
             device: {DEVICE} (profile work)\n\
             account: 123456789012\n\
             duration: 1h (profile work)\n\
             region: eu-central-1 (profile work)\n\
             STS endpoint: http://127.0.0.1:9 (profile work)\n"
        ),
        "",
    );
    // An unusual file is shown.
    let config = sandbox.home().join(".aws/config");
    let other = sandbox.write("other/config", std::fs::read(&config).unwrap());
    sandbox.set("AWS_CONFIG_FILE", &other);
    let shown = sandbox.run(["status", "-p", "work"]).stdout;
    let line = format!(
        "\nduration: 1h (profile work in {})\n",
        words::with_tilde(other.display())
    );
    assert!(shown.contains(&line), "{shown}");
}

/// The variables in `[env: …]` of each option that has them: `--region`, [`AWS_REGION`, …].
fn variables_in_help(sandbox: &Sandbox, command: &str) -> Vec<(String, Vec<String>)> {
    let help = sandbox.run([command, "-h"]).stdout;
    let words: Vec<&str> = help.split_whitespace().collect();
    let mut options: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_in_brackets = false;
    for pair in words.windows(2) {
        if pair[0].starts_with("--") && pair[1].starts_with('<') {
            options.push((pair[0].to_owned(), Vec::new()));
        }
        is_in_brackets |= pair[0] == "[env:";
        if is_in_brackets {
            let variable = pair[1].trim_end_matches([',', ']']);
            options.last_mut().unwrap().1.push(variable.to_owned());
            is_in_brackets = !pair[1].ends_with(']');
        }
    }
    options.retain(|(_, variables)| !variables.is_empty());
    options
}

#[test]
fn variables_in_help_are_read_in_this_order() {
    const SHOWN_AS: [(&str, &str, &str); 7] = [
        ("--serial-number", "device", DEVICE),
        ("--duration", "duration", "3600"),
        ("--region", "STS region", "eu-west-1"),
        ("--code-command", "code command", "oathtool"),
        ("--profile", "profile", "work"),
        (
            "--role-arn",
            "role",
            "arn:aws:iam::333333333333:role/deploy",
        ),
        ("--session-file", "session file", "session"),
    ];
    let mut sandbox = Sandbox::new();
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    let options = variables_in_help(&sandbox, "get");
    let names: Vec<&str> = options.iter().map(|(name, _)| name.as_str()).collect();
    for (name, label, value) in SHOWN_AS {
        assert!(names.contains(&name), "{names:?}");
        for (_, variables) in options.iter().filter(|(option, _)| option == name) {
            for variable in variables {
                sandbox.set(variable, value);
            }
            for variable in variables {
                let shown = sandbox.run(["status"]).stdout;
                let line = shown.lines().find_map(|line| {
                    line.strip_prefix(label)?
                        .strip_prefix(": ")?
                        .strip_suffix(&format!(" ({variable})"))
                });
                assert!(line.is_some(), "{name} {variable}: {shown}");
                sandbox.unset(variable);
            }
            sandbox.set("AWS_MFA_ARN", DEVICE);
        }
    }
    assert_eq!(names.len(), SHOWN_AS.len());
    for command in ["load", "exec", "status", "clear", "init"] {
        for (name, variables) in variables_in_help(&sandbox, command) {
            assert!(options.contains(&(name, variables)), "{command}");
        }
    }
}

#[test]
fn region_of_the_environment_is_for_sts_unless_the_session_has_it() {
    let mut sandbox = user();
    sandbox.set("AWS_REGION", "eu-west-1");
    let shown = sandbox.run(["status"]).stdout;
    assert!(
        shown.contains("\nSTS region: eu-west-1 (AWS_REGION)\n"),
        "{shown}"
    );
    let mut session: Value =
        serde_json::from_str(&session_json(in_half_a_minute_past(90))).unwrap();
    session["Region"] = "eu-west-1".into();
    sandbox.write(sandbox.session_file(), session.to_string());
    let shown = sandbox.run(["status"]).stdout;
    assert!(shown.contains("\nsession region: eu-west-1\n"), "{shown}");
    assert!(
        shown.contains("\nregion: eu-west-1 (AWS_REGION)\n"),
        "{shown}"
    );
}

#[test]
fn json_report_has_exactly_the_documented_fields() {
    let mut sandbox = user();
    let end: Timestamp = format!("{:.0}", in_half_a_minute_past(90)).parse().unwrap();
    let file = sandbox.write_session(end);
    let config = sandbox.write(".aws/config", "[default]\nregion = eu-central-1\n");
    sandbox.set("AWS_ACCESS_KEY_ID", "ASIASESSION000000000");
    let mut report = json_of(&sandbox.run(["status", "--json"]));
    let left = report["session"]["seconds_left"].take().as_i64().unwrap();
    assert!((5370..=5430).contains(&left), "{left}");
    assert_eq!(
        report,
        json!({
            "version": 1,
            "session": {
                "state": "valid",
                "message": null,
                "access_key_id": "ASIASESSION000000000",
                "expiration": end.to_string(),
                "seconds_left": null,
                "region": null,
            },
            "role": null,
            "loaded": true,
            "integration": "none",
            "account": "123456789012",
            "settings": {
                "session_file": {
                    "value": file,
                    "origin": { "kind": "variable", "name": "AWS_SESSION_FILE" },
                },
                "profile": { "value": "default", "origin": { "kind": "default" } },
                "key_id": {
                    "value": KEY_ID,
                    "origin": { "kind": "variable", "name": "MASTER_AWS_ACCESS_KEY_ID" },
                },
                "device": {
                    "value": DEVICE,
                    "origin": { "kind": "variable", "name": "AWS_MFA_ARN" },
                },
                "duration_seconds": { "value": 43200, "origin": { "kind": "default" } },
                "region": {
                    "value": "eu-central-1",
                    "origin": {
                        "kind": "profile",
                        "name": "region",
                        "profile": "default",
                        "file": config,
                    },
                },
                "endpoint": {
                    "value": "https://sts.eu-central-1.amazonaws.com",
                    "origin": { "kind": "default" },
                },
                "code_command": null,
                "proxy": null,
                "ca_bundle": null,
            },
            "warnings": [],
        })
    );
}

#[test]
fn setting_that_may_hold_a_secret_is_masked() {
    let mut sandbox = user();
    sandbox
        .set("AWS_MFA_CODE_COMMAND", "oathtool --totp -b S3CR3TSEED")
        .set("HTTPS_PROXY", "http://igor:S3CR3T@proxy:3128")
        .set("AWS_CA_BUNDLE", "/etc/corporate.pem");
    let shown = sandbox.run(["status"]).stdout;
    assert!(
        shown.ends_with(
            "\ncode command: oathtool … (AWS_MFA_CODE_COMMAND)\n\
             proxy: http://proxy:3128 (HTTPS_PROXY)\n\
             CA bundle: /etc/corporate.pem (AWS_CA_BUNDLE)\n"
        ),
        "{shown}"
    );
    sandbox.set("AWS_MFA_CODE_COMMAND", "SEED=S3CR3T codes");
    let shown = sandbox.run(["status", "--json"]).stdout;
    assert!(shown.contains("\"…\""), "{shown}");
}

/// The id and the secret in each other's place: in `MASTER_*`, in the session file's name, in the shell, in the session.
#[test]
fn secret_in_the_place_of_a_key_id_is_not_shown() {
    const SWAPPED: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12";
    let mut sandbox = user();
    sandbox.write_session(in_half_a_minute_past(90));
    sandbox.set("AWS_ACCESS_KEY_ID", SWAPPED);
    let check = |sandbox: &Sandbox, said: &str| {
        for verb in [
            "status",
            "status --json",
            "status --all",
            "load",
            "doctor --offline",
            "get 123456",
        ] {
            let outcome = sandbox.run(verb.split(' '));
            assert!(
                !(outcome.stdout + &outcome.stderr).contains(SWAPPED),
                "{verb}"
            );
        }
        let outcome = sandbox.run(["status"]);
        let shown = outcome.stdout + &outcome.stderr;
        assert!(shown.contains(said), "{shown}");
    };
    check(
        &sandbox,
        "this shell keeps credentials that aws-mfa did not load (invalid key id): run",
    );
    let session = json!({"Credentials": {"AccessKeyId": SWAPPED, "SecretAccessKey": "AKIA1", "SessionToken": "t"}});
    let file = sandbox.session_file().with_file_name("session-swapped");
    sandbox.write(&file, session.to_string());
    sandbox.set("AWS_SESSION_FILE", &file);
    let report = json_of(&sandbox.run(["status", "--json"]));
    assert_eq!(report["session"]["access_key_id"], Value::Null);
    let file = sandbox.home().join(format!("session-{SWAPPED}"));
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", SWAPPED)
        .set("AWS_SESSION_FILE", file);
    check(
        &sandbox,
        "MASTER_AWS_ACCESS_KEY_ID looks like a secret access key, not an access key id",
    );
}

/// A name of a profile, a path or a saved region can have any character.
#[test]
fn json_contains_no_character_that_a_terminal_acts_on() {
    let mut sandbox = user();
    let odd = "s\u{9b}31m\u{202e}\u{7f}";
    let file = sandbox.home().join(odd);
    sandbox.set("AWS_SESSION_FILE", &file);
    for verb in [
        "status --json",
        "status --all --json",
        "doctor --offline --json",
    ] {
        let outcome = sandbox.run(verb.split(' '));
        assert!(
            !outcome.stdout.contains(['\u{9b}', '\u{202e}', '\u{7f}']),
            "{verb}"
        );
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        if verb == "status --json" {
            let shown = &report["settings"]["session_file"]["value"];
            assert_eq!(shown, &json!(file), "{verb}");
        }
    }
}

#[test]
fn status_without_a_valid_session_exits_3_with_the_reason() {
    let sandbox = user();
    let file = sandbox.session_file();
    let state = |state: &str, message: String| {
        let outcome = sandbox.run(["status", "--json"]);
        let report = json_of(&outcome);
        assert_eq!(outcome.status, 3);
        assert_eq!(report["session"]["state"], state);
        assert_eq!(report["session"]["message"], message);
    };
    let path = file.display();
    state("missing", words::no_session_yet(&path));
    sandbox.write_session(Timestamp::now() - SignedDuration::from_secs(14 * 60 + 30));
    state("expired", words::session_expired("14m", &path));
    sandbox.write(&file, "{");
    state(
        "unusable",
        words::session_file_is_corrupt("it is truncated", &path),
    );
}

#[test]
fn session_with_less_left_than_valid_for_exits_3() {
    let sandbox = user();
    sandbox.write_session(in_half_a_minute_past(90));
    for (needed, status) in [
        ("30m", 0),
        ("1h30m", 0),
        ("5400", 0),
        ("1h31m", 3),
        ("36h", 3),
    ] {
        let outcome = sandbox.run(["status", "--valid-for", needed]);
        assert_eq!(outcome.status, status, "{needed}");
        assert!(outcome.stdout.starts_with("session: valid for 1h 30m"));
    }
    sandbox.run(["status", "--valid-for", "soon"]).is(
        2,
        "",
        &words::failure(
            &words::invalid_duration("soon"),
            "write it as 15m, 1h30m or a number of seconds",
        ),
    );
}

#[test]
fn session_without_expiration_is_valid() {
    let sandbox = user();
    sandbox.write(
        sandbox.session_file(),
        r#"{"Credentials": {"AccessKeyId": "ASIA1", "SecretAccessKey": "S3CR3T", "SessionToken": "S3CR3T"}}"#,
    );
    let outcome = sandbox.run(["status"]);
    assert_eq!(outcome.status, 0);
    assert!(
        outcome
            .stdout
            .starts_with("session: valid, expiry unknown\n"),
        "{}",
        outcome.stdout
    );
    assert_eq!(sandbox.run(["status", "--valid-for", "1s"]).status, 3);
}

#[test]
fn missing_settings_are_shown_once_and_are_no_error() {
    let mut sandbox = Sandbox::new();
    let home = sandbox.home();
    sandbox.set("PATH", home);
    let outcome = sandbox.run(["status"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (3, ""));
    assert!(
        outcome.stdout.contains(
            "\nkey id: no access key is configured: put aws_access_key_id and aws_secret_access_key under [default] in \
             ~/.aws/credentials, or set MASTER_AWS_ACCESS_KEY_ID and MASTER_AWS_SECRET_ACCESS_KEY\n\
             duration: 12h (default)\n"
        ),
        "{}",
        outcome.stdout
    );
    sandbox.write(".aws/config", "[profile work]\nbroken\n");
    let outcome = sandbox.run(["status", "-p", "work"]);
    assert_eq!(outcome.status, 3);
    assert!(
        outcome
            .stdout
            .contains("\nprofile: cannot read the profile work: line 2 of "),
        "{}",
        outcome.stdout
    );
    sandbox.write(".aws/config", "");
    let outcome = sandbox.run(["status", "-p", "nope"]);
    let missing = words::there_is_no_profile("nope", &sandbox.home());
    assert_eq!(outcome.stdout.matches(&missing).count(), 1);
}

#[test]
fn no_command_is_run() {
    let sandbox = user();
    // Another process writes it: a test beside this one could start a child while the file is open here, and the
    // system runs no program that is open for writing.
    let direnv = "printf '#!/bin/sh\\n: > \"$HOME/ran\"\\n' > direnv && /bin/chmod 755 direnv";
    let mut shell = sandbox.command("/bin/sh");
    assert!(shell.args(["-c", direnv]).status_in_time().success());
    sandbox.write(".envrc", "");
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = touch \"$HOME/ran\"\n",
    );
    let outcome = sandbox.run(["status", "-p", "work"]);
    assert!(
        outcome
            .stdout
            .contains("\nkey id: printed by a command (profile work)\n"),
        "{}",
        outcome.stdout
    );
    let report = json_of(&sandbox.run(["status", "-p", "work", "--json"]));
    assert_eq!(report["settings"]["key_id"]["value"], Value::Null);
    assert!(!sandbox.home().join("ran").exists());
}

#[test]
fn status_warns_about_conflicting_environment() {
    let mut sandbox = user();
    let file = sandbox.write_session(in_half_a_minute_past(90));
    chmod(&file, 0o640);
    sandbox.write(
        ".aws/config",
        "[profile admin]\nrole_arn = arn:aws:iam::333333333333:role/admin\nsource_profile = admin\n",
    );
    sandbox
        .set("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("AWS_SECURITY_TOKEN", "old")
        .set("AWS_PROFILE", "admin");
    let outcome = sandbox.run(["status"]);
    let warnings: Vec<&str> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("warning: "))
        .collect();
    assert_eq!(
        warnings,
        [
            &format!(
                "{}: run `chmod 600 {}`",
                words::others_can_read_the_session_file("0640"),
                words::with_tilde(file.display())
            ),
            "the role of the profile admin needs the keys of the profile admin, but MASTER_AWS_ACCESS_KEY_ID is another key: use the keys of admin with `--profile admin` or AWS_MFA_PROFILE=admin, or the MASTER_* keys with credential_source = Environment instead of source_profile",
            "this shell keeps credentials that aws-mfa did not load (AKIAOTHER): run `eval \"$(aws-mfa load)\"`",
            "AWS_PROFILE is set next to AWS_ACCESS_KEY_ID, and the JavaScript SDK prefers the profile's keys to the session: unset AWS_PROFILE",
            "AWS_SECURITY_TOKEN is set, which old SDKs prefer to the session's token: unset AWS_SECURITY_TOKEN",
        ]
    );
}

#[test]
fn terminal_gets_80_columns_and_colour_unless_no_color() {
    let mut sandbox = user();
    let end = in_half_a_minute_past(90);
    sandbox.write_session(end);
    let file = sandbox.session_file();
    let file = file.strip_prefix(sandbox.home()).unwrap().display();
    let on_terminal = |sandbox: &Sandbox, options: &str| {
        Terminal::output(sandbox, &format!("{} status {options}", binary().display())).stdout
    };
    sandbox.set("TERM", "xterm");
    let coloured = on_terminal(&sandbox, "");
    assert!(
        coloured.starts_with(&format!(
            "\u{1b}[1msession       \u{1b}[0m  \u{1b}[32mvalid for 1h 30m, until {}\u{1b}[0m\n",
            time_of_day(end)
        )),
        "{coloured}"
    );
    let columns = format!("session file    ~/{file}  AWS_SESSION_FILE\n");
    assert!(!coloured.contains(&columns), "{coloured}");
    sandbox.set("NO_COLOR", "1");
    let plain = on_terminal(&sandbox, "");
    assert!(plain.contains(&columns), "{plain}");
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(
        plain.lines().all(|line| line.chars().count() <= 80),
        "{plain}"
    );
    sandbox.unset("NO_COLOR").set("CLICOLOR", "0");
    assert_eq!(on_terminal(&sandbox, ""), plain);
    sandbox.unset("CLICOLOR").set("TERM", "dumb");
    assert_eq!(on_terminal(&sandbox, ""), plain);
    assert!(!plain.contains("next:"), "{plain}");
    // Without a session it ends with the next step.
    std::fs::remove_file(sandbox.session_file()).unwrap();
    let shown = on_terminal(&sandbox, "");
    let next = format!("next: {}\n", words::get_a_session());
    assert!(shown.ends_with(&next), "{shown}");
    assert!(shown.starts_with("session       none yet\n"), "{shown}");
}

#[test]
fn report_of_a_role_on_a_terminal_fits_80_columns() {
    let mut sandbox = user();
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nregion = eu-central-1\nmfa_serial = {DEVICE}\n\
             [profile administrator]\nsource_profile = work\nduration_seconds = 7200\n\
             role_arn = arn:aws:iam::333333333333:role/administrator\nregion = eu-central-1\n"
        ),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    let file = sandbox.write_session(in_half_a_minute_past(-90));
    chmod(&file, 0o644);
    sandbox
        .set("AWS_MFA_PROFILE", "administrator")
        .set("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("AWS_PROFILE", "administrator")
        .set("NO_COLOR", "1");
    let home = sandbox.home().display().to_string();
    for options in ["", "--all", "--session-file .config/aws/session-work"] {
        let line = format!("{} status {options}", binary().display());
        let shown = Terminal::output(&sandbox, &line).stdout;
        assert!(!shown.is_empty() && !shown.contains(&home), "{shown}");
        assert!(
            shown.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
    }
}

const ROLE: &str = "arn:aws:iam::333333333333:role/team/deploy";

/// A user of several accounts, some of whose profiles have a fault, with a valid session of `work` until then.
fn user_of_several_accounts(end: Timestamp) -> Sandbox {
    let sandbox = Sandbox::new();
    let config = format!(
        "[default]\nregion = eu-west-1\n[profile sso]\nsso_session = x\n\
         [profile stored]\ncredential_process = touch asked\n\
         [profile work]\nmfa_serial = {DEVICE}\n[profile work-mfa]\n\
         credential_process = /usr/bin/aws-mfa load --profile work --format process\n\
         [profile a-name-of-more-than-half-a-line]\nrole_arn = {ROLE}\nsource_profile = work\n\
         [profile staging]\nrole_arn = {ROLE}\nsource_profile = work\nexternal_id = 42\n\
         [profile lost]\nrole_arn = {ROLE}\nsource_profile = nobody\n\
         [profile torn]\n{}nonsense\n",
        profile_keys()
    );
    sandbox.write(".aws/config", config);
    let keys = format!(
        "[work]\n{}[half]\naws_access_key_id = {KEY_ID}\n",
        profile_keys()
    );
    sandbox.write(".aws/credentials", keys);
    let file = |name| sandbox.session_file().with_file_name(name);
    sandbox.write(file("session-work"), session_json(end));
    sandbox.write(
        file("session-gone"),
        session_json(in_half_a_minute_past(-90)),
    );
    sandbox.write(file("session-cut"), "{\"Credentials\": {\"Acc");
    sandbox
}

#[test]
fn all_lists_every_profile_with_what_is_saved_for_it_and_those_in_use_first() {
    let end = in_half_a_minute_past(90);
    let mut sandbox = user_of_several_accounts(end);
    let nobody = words::there_is_no_profile("nobody", &sandbox.home());
    let rows = |staging: &str, rest: &str| {
        let rows = "\
STAGING  work                             123456789012  session      valid until HH:MM (1h 30m); also work-mfa
  a-name-of-more-than-half-a-line  333333333333  role deploy  not assumed yet
  half                                           session      aws_secret_access_key in the profile half is not set, but aws_access_key_id in the profile half is
  lost                                           session      NOBODY, which is the source_profile of the profile lost
REST  stored                                         session      none yet
  torn                                           session      cannot read the profile torn: line 24 of ~/.aws/config has no =
  cut                                            session      corrupt file: it is truncated
  gone                                           session      expired 1h 29m ago
";
        rows.replace("STAGING", staging)
            .replace("REST", rest)
            .replace("NOBODY", &nobody)
            .replace("HH:MM", &time_of_day(end))
    };
    let staging = "  staging                          333333333333  role deploy  not assumed yet\n";
    sandbox
        .run(["status", "--all"])
        .is(0, &rows("", staging), "");
    let selected = staging.replacen(' ', "*", 1);
    sandbox
        .run(["status", "--all", "-p", "staging"])
        .is(0, &rows(&selected, ""), "");
    assert!(!sandbox.home().join("asked").exists());

    let report = json_of(&sandbox.run(["status", "--all", "--json", "-p", "staging"]));
    let profiles = report["profiles"].as_array().unwrap();
    let names: Vec<&str> = profiles
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[..2], ["staging", "work"]);
    assert_eq!(
        (names.len(), report["saved"].as_array().unwrap().len()),
        (7, 3)
    );
    let file = sandbox.session_file().with_file_name("session-work");
    assert_eq!(
        (
            &profiles[0]["selected"],
            &profiles[0]["role"],
            &profiles[0]["session"]["state"]
        ),
        (&json!(true), &json!(ROLE), &json!("missing"))
    );
    assert_eq!(
        (
            &profiles[1]["file"],
            &profiles[1]["aliases"],
            &profiles[1]["account"]
        ),
        (&json!(file), &json!(["work-mfa"]), &json!("123456789012"))
    );

    // What is selected is there, also if it is no profile with keys.
    let mut check = |variables: &[(&str, &str)], start: &str| {
        for (name, value) in variables {
            sandbox.set(name, value);
        }
        let shown = sandbox.run(["status", "--all"]).stdout;
        assert!(
            shown.starts_with(start) && shown.matches('*').count() == 1,
            "{shown}"
        );
        for (name, _) in variables {
            sandbox.unset(name);
        }
    };
    check(&[("AWS_PROFILE", "sso")], "* sso   ");
    check(&[("AWS_MFA_PROFILE", "gone")], "* gone   ");
    let keys = [
        ("MASTER_AWS_ACCESS_KEY_ID", KEY_ID),
        ("MASTER_AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    check(&keys, &format!("* {KEY_ID}   "));
    check(
        &[&keys[..], &[("AWS_MFA_ROLE_ARN", ROLE)]].concat(),
        "* deploy@333333333333  ",
    );

    // A fault of what is selected is not one of the others.
    check(
        &[
            ("AWS_MFA_ROLE_ARN", "nonsense"),
            ("AWS_MFA_PROFILE", "stored"),
        ],
        "* stored                                         session      AWS_MFA_ROLE_ARN is not the ARN of a role: \
         nonsense\n  work                             123456789012  session      valid until ",
    );
    check(
        &[("AWS_SESSION_FILE", "session-")],
        "* session                                        session      AWS_SESSION_FILE ends in `session-`: ",
    );

    // A file that cannot be read hides no session.
    sandbox.write(".aws/config", b"\xff\xfe[\0w\0]\0");
    let outcome = sandbox.run(["status", "--all"]);
    assert_eq!(outcome.status, 0);
    assert!(outcome.stdout.contains("  work"), "{}", outcome.stdout);
    let said = "aws-mfa: warning: cannot read ~/.aws/config: ";
    assert!(outcome.stderr.starts_with(said), "{}", outcome.stderr);
    let sandbox = Sandbox::new();
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sandbox.write(".config/aws", "");
    let outcome = sandbox.run(["status", "--all"]);
    let reason = if cfg!(windows) {
        "none yet"
    } else {
        "cannot use the file: "
    };
    let start = format!("* work  session  {reason}");
    assert!(outcome.stdout.starts_with(&start), "{}", outcome.stdout);
    let said = "aws-mfa: warning: cannot read the directory ~/.config/aws: ";
    assert!(outcome.stderr.starts_with(said), "{}", outcome.stderr);
}

#[test]
fn all_lists_no_temporary_keys_of_other_tools() {
    let sandbox = Sandbox::new();
    let keys = profile_keys();
    let temporary = keys.replace("AKIA", "ASIA") + "aws_session_token = x\n";
    sandbox.write(
        ".aws/credentials",
        format!(
            "[work-long-term]\n{keys}aws_mfa_device = {DEVICE}\n[work]\n{temporary}[autoawsume-x]\n{temporary}\
             [saml]\ncredential_process = saml2aws script\n[torn]\n{keys}aws_session_token = x\n"
        ),
    );
    sandbox.run(["status", "--all"]).is(
        3,
        "* work  123456789012  session  none yet\n  \
           torn                session  the profile torn has a long-term key with an aws_session_token\n",
        "",
    );
}

#[test]
fn all_lists_thousands_of_profiles() {
    let sandbox = Sandbox::new();
    let profile = |number| {
        format!(
            "[profile base{number}]\n{}[profile role{number}]\nrole_arn = {ROLE}\nsource_profile = base{number}\n",
            profile_keys()
        )
    };
    sandbox.write(".aws/config", (0..1500).map(profile).collect::<String>());
    let outcome = sandbox.run(["status", "--all"]);
    assert_eq!((outcome.status, outcome.stdout.lines().count()), (3, 3000));
    let hint = "base1014 and 2980 more, see `aws-mfa status --all`\n";
    let outcome = sandbox.run(["get", "-p", "zzz", "111111"]);
    assert!(outcome.stderr.ends_with(hint), "{}", outcome.stderr);
}

#[cfg(unix)]
#[test]
fn all_fits_a_small_terminal() {
    let end = in_half_a_minute_past(90);
    let mut sandbox = user_of_several_accounts(end);
    sandbox.set("NO_COLOR", "1").set("AWS_MFA_PROFILE", "work");
    let shown = Terminal::output(&sandbox, "aws-mfa status --all").stdout;
    let until = time_of_day(end);
    let start = format!(
        "* work                    123456789012  session      valid until {until} (1h 30m)…\n"
    );
    assert!(shown.starts_with(&start), "{shown}");
    assert!(
        shown.contains("\n  a-name-of-more-than-h…  333333333333  role deploy  not assumed yet\n"),
        "{shown}"
    );
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn expiry_is_in_local_time() {
    let mut sandbox = user();
    let end = in_half_a_minute_past(90);
    sandbox.write_session(end);
    let until = |zone: &str| {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let local = end.to_zoned_datetime(zone).strftime("%H:%M");
        format!("until {local}\n")
    };
    let india = until("Asia/Kolkata");
    for (zone, expected) in [
        ("Asia/Kolkata", &india),
        (":Asia/Kolkata", &india),
        ("XYZ-5:30", &india),
        ("Nowhere/Near", &until("UTC")),
    ] {
        sandbox.set("TZ", zone);
        let shown = sandbox.run(["status"]).stdout;
        assert!(shown.contains(expected), "{zone}: {shown}");
    }
    #[cfg(unix)]
    for zone in [
        "/usr/share/zoneinfo/Asia/Kolkata",
        "/etc/passwd",
        "/dev/zero",
    ] {
        sandbox.set("TZ", zone);
        let expected = match zone.ends_with("Kolkata") {
            true => india.clone(),
            false => until("UTC"),
        };
        let shown = sandbox.run(["status"]).stdout;
        assert!(shown.contains(&expected), "{zone}: {shown}");
    }
    sandbox
        .set("TZ", "Kolkata")
        .set("TZDIR", "/usr/share/zoneinfo/Asia");
    let shown = sandbox.run(["status"]).stdout;
    assert!(!cfg!(unix) || shown.contains(&india), "{shown}");
}

#[test]
fn time_zone_that_is_a_fifo_does_not_block() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.write_session(Timestamp::now() + SignedDuration::from_hours(1));
    let fifo = sandbox.home().join("fifo");
    assert!(
        sandbox
            .command("mkfifo")
            .arg(&fifo)
            .status_in_time()
            .success()
    );
    sandbox.set("AWS_SESSION_FILE", file).set("TZ", &fifo);
    assert_eq!(sandbox.run(["status"]).status, 0);
}

#[test]
fn integration_is_direnv_the_hook_or_the_command_to_run() {
    let mut sandbox = user();
    let row = |sandbox: &Sandbox| {
        let shown = sandbox.run(["status"]).stdout;
        let row = shown
            .lines()
            .find_map(|line| line.strip_prefix("integration: "));
        row.unwrap().to_owned()
    };
    sandbox.set("SHELL", "/usr/bin/fish");
    assert_eq!(
        row(&sandbox),
        "none: run `aws-mfa load --format fish | source`, or add `aws-mfa init fish | source` to ~/.config/fish/config.fish"
    );
    // An .envrc that is not loaded.
    let envrc = sandbox.write(".envrc", "");
    let shown = sandbox.run(["status"]).stdout;
    let warning = format!(
        "warning: direnv is not active in this shell, so {} is not loaded: add `direnv hook fish | source` to ~/.config/fish/config.fish\n",
        words::with_tilde(envrc.display())
    );
    assert!(shown.contains(&warning), "{shown}");
    sandbox.set("AWS_MFA_HOOK", "1");
    assert_eq!(row(&sandbox), "the prompt hook has run in this shell");
    sandbox.set("DIRENV_DIR", "-/project");
    assert_eq!(
        row(&sandbox),
        "direnv has loaded /project/.envrc, which loads no session or failed before it could: \
         add `direnv_load aws-mfa load` to it, and run `direnv allow`"
    );
    assert!(
        !sandbox
            .run(["status"])
            .stdout
            .contains("direnv is not active")
    );
}
