//! `aws-mfa load`: the saved session, handed on to a shell.

use super::sandbox::Sandbox;
use jiff::{SignedDuration, Timestamp};

fn from_now(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes)
}

#[test]
fn a_shell_gets_export_lines() {
    let sandbox = Sandbox::without_session();
    let expiration = from_now(60);
    sandbox.write_session(expiration);
    sandbox.run(["load"]).is(
        0,
        &format!(
            "export AWS_ACCESS_KEY_ID='ASIASESSION000000000'\n\
             export AWS_SECRET_ACCESS_KEY='session/S3CR3T+0'\n\
             export AWS_SESSION_TOKEN='token//S3CR3T+0=='\n\
             export AWS_CREDENTIAL_EXPIRATION='{expiration:.0}'\n\
             unset AWS_SECURITY_TOKEN\n"
        ),
        "",
    );
}

#[test]
fn a_saved_region_is_set_and_an_unknown_expiry_is_unset() {
    let sandbox = Sandbox::without_session();
    sandbox.write(
        sandbox.session_file(),
        r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"b'c","SessionToken":"d"},"Region":"eu-west-1"}"#,
    );
    sandbox.run(["load", "--format", "sh"]).is(
        0,
        "export AWS_ACCESS_KEY_ID='A'\n\
         export AWS_SECRET_ACCESS_KEY='b'\\''c'\n\
         export AWS_SESSION_TOKEN='d'\n\
         unset AWS_CREDENTIAL_EXPIRATION\n\
         export AWS_REGION='eu-west-1'\n\
         export AWS_DEFAULT_REGION='eu-west-1'\n\
         unset AWS_SECURITY_TOKEN\n",
        "",
    );
}

#[test]
fn without_a_valid_session_a_shell_gets_nothing_and_the_user_the_remedy() {
    let sandbox = Sandbox::without_session();
    let file = sandbox.session_file();
    let hint = "hint: run `aws-mfa get <code>`\n";

    sandbox.run(["load"]).is(
        3,
        "",
        &format!("aws-mfa: no session yet ({})\n{hint}", file.display()),
    );

    sandbox.write_session(from_now(-14));
    sandbox.run(["load"]).is(
        3,
        "",
        &format!(
            "aws-mfa: session expired 14m ago ({})\n{hint}",
            file.display()
        ),
    );

    sandbox.write(&file, "{\"Credentials\": {\"AccessKeyId\"");
    sandbox.run(["load"]).is(
        3,
        "",
        &format!(
            "aws-mfa: session file is corrupt: it ends early ({})\n{hint}",
            file.display()
        ),
    );

    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let outcome = sandbox.run(["load"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""));
}

#[test]
fn the_hint_names_the_profile_that_was_asked_for() {
    let sandbox = Sandbox::without_session();
    let file = sandbox.home().join(".config/aws/session-work");
    if cfg!(unix) {
        sandbox.run(["load", "--profile", "work"]).is(
            3,
            "",
            &format!(
                "aws-mfa: no session yet ({})\nhint: run `aws-mfa get --profile work <code>`\n",
                file.display()
            ),
        );
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_loaded_with_a_warning_and_one_they_can_write_is_refused() {
    use super::sandbox::chmod;
    let sandbox = Sandbox::without_session();
    let file = sandbox.write_session(from_now(60));
    chmod(&file, 0o640);
    let outcome = sandbox.run(["load"]);
    assert_eq!(outcome.status, 0);
    assert_eq!(
        outcome.stderr,
        format!(
            "aws-mfa: warning: others can read the session file, mode 0640: chmod 600 {}\n",
            file.display()
        )
    );

    chmod(&file, 0o602);
    sandbox.run(["load"]).is(
        3,
        "",
        &format!(
            "aws-mfa: session file refused: everybody can write it, mode 0602 ({})\n\
             hint: run `aws-mfa get <code>`\n",
            file.display()
        ),
    );
}

#[test]
fn quiet_leaves_the_reason_out_and_the_status_in() {
    let sandbox = Sandbox::without_session();
    sandbox.run(["load", "--quiet"]).is(3, "", "");
    sandbox
        .run(["load", "-q", "--format", "json"])
        .is(3, "", "");
    // What is not for want of a session is said.
    sandbox.write_session(from_now(60));
    assert_eq!(sandbox.run(["load", "-q", "--format", "direnv"]).status, 2);
}

/// What a person pastes is in the help and in the README, as the tests have it.
#[test]
fn help_and_readme_have_the_line_for_each_shell() {
    use super::formats::{CMD, ELVISH, FISH, NUSHELL, POWERSHELL, SH, TCSH};
    let readme = include_str!("../../README.md").replace("\\|", "|");
    let mut sandbox = Sandbox::without_session();
    sandbox.set("COLUMNS", "80");
    for argument in ["--help", "-h"] {
        let help = sandbox.run(["load", argument]).stdout;
        for line in [
            SH,
            FISH,
            ELVISH,
            TCSH,
            NUSHELL,
            POWERSHELL,
            CMD,
            "direnv_load aws-mfa load",
        ] {
            assert!(help.contains(&format!("  {line}\n")), "{line}: {help}");
            assert!(readme.contains(line), "{line}");
        }
        assert!(
            help.lines().all(|line| line.chars().count() <= 80),
            "{help}"
        );
    }
}

#[test]
fn the_aws_clis_names_of_the_formats_are_known() {
    let sandbox = Sandbox::without_session();
    sandbox.write_session(from_now(60));
    for (name, alias) in [
        ("sh", "env"),
        ("dotenv", "env-no-export"),
        ("cmd", "windows-cmd"),
    ] {
        let printed = sandbox.run(["load", "--format", name]);
        assert_eq!((printed.status, printed.stderr.as_str()), (0, ""));
        sandbox
            .run(["load", "--format", alias])
            .is(0, &printed.stdout, "");
    }
}
