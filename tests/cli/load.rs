//! `aws-mfa load` for a shell.

use super::deadline::InTime;
use super::fake_sts::KEY_ID;
use super::sandbox::{Sandbox, binary};
use super::words;
use jiff::{SignedDuration, Timestamp};

fn from_now(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes)
}

/// The line that unsets a variable, in a POSIX shell and in fish.
pub fn unset(name: &str) -> String {
    format!("command -v unset >/dev/null && unset {name} || set --erase {name} || true\n")
}

#[test]
fn saved_region_is_set_and_an_unknown_expiration_is_unset() {
    let sandbox = Sandbox::without_session();
    sandbox.write(
        sandbox.session_file(),
        r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"b'c","SessionToken":"d"},"Region":"eu-west-1"}"#,
    );
    sandbox.run(["load"]).is(
        0,
        &format!(
            "export AWS_ACCESS_KEY_ID='A'\n\
             export AWS_SECRET_ACCESS_KEY='b'\\''c'\n\
             export AWS_SESSION_TOKEN='d'\n\
             {}\
             export AWS_MFA_LOADED='{KEY_ID}:A'\n\
             export AWS_REGION='eu-west-1'\n\
             export AWS_DEFAULT_REGION='eu-west-1'\n\
             {}{}",
            unset("AWS_CREDENTIAL_EXPIRATION"),
            unset("AWS_SECURITY_TOKEN"),
            unset("AWS_WEB_IDENTITY_TOKEN_FILE")
        ),
        "",
    );
}

#[test]
fn load_without_a_valid_session_exits_3_with_the_remedy() {
    let sandbox = Sandbox::without_session();
    let file = sandbox.session_file();
    let load_fails = |message: &str| {
        let expected = words::failure(message, words::get_a_session());
        sandbox.run(["load"]).is(3, "", &expected);
    };

    load_fails(&words::no_session_yet(file.display()));

    sandbox.write_session(from_now(-14));
    load_fails(&words::session_expired("14m", file.display()));

    sandbox.write(&file, "{\"Credentials\": {\"AccessKeyId\"");
    load_fails(&words::session_file_is_corrupt(
        "it is truncated",
        file.display(),
    ));

    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let outcome = sandbox.run(["load"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""));
}

#[test]
fn quiet_suppresses_the_reason_and_keeps_the_status() {
    let sandbox = Sandbox::without_session();
    sandbox.run(["load", "--quiet"]).is(3, "", "");
    sandbox
        .run(["load", "-q", "--format", "json"])
        .is(3, "", "");
    // Other failures are reported.
    sandbox.write_session(from_now(60));
    assert_eq!(sandbox.run(["load", "-q", "--format", "direnv"]).status, 2);
}

/// The help and the README contain the tested lines.
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
fn format_names_of_the_aws_cli_are_accepted() {
    let sandbox = Sandbox::without_session();
    sandbox.write_session(from_now(60));
    for (name, alias) in [
        ("sh", "env"),
        ("sh", "bash"),
        ("sh", "zsh"),
        ("sh", "ksh"),
        ("sh", "dash"),
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

#[test]
fn closed_pipe_is_no_error() {
    let sandbox = Sandbox::without_session();
    sandbox.write_session(from_now(60));
    for arguments in [
        &["load"][..],
        &["status"],
        &["status", "--json"],
        &["--help"],
        &["--version"],
        &["man"],
        &["completions", "bash"],
        &["init", "direnv"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox
            .command(binary())
            .args(arguments)
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
            .output_in_time();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), &*said),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn relative_home_is_an_error_wherever_it_is_used() {
    let mut sandbox = Sandbox::new();
    sandbox.set("HOME", "home");
    for command in ["load", "status", "clear", "get"] {
        let outcome = sandbox.run([command]);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (
                1,
                "aws-mfa: HOME is a relative path (home)\nhint: set HOME to an absolute path\n"
            ),
            "{command}"
        );
    }
    let file = sandbox.session_file();
    sandbox.write_session(from_now(60));
    sandbox.set("AWS_SESSION_FILE", file);
    assert_eq!(sandbox.run(["load"]).status, 0);
}

#[test]
fn session_until_the_end_of_the_year_9999_is_valid() {
    let sandbox = Sandbox::without_session();
    sandbox.write(
        sandbox.session_file(),
        r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"b","SessionToken":"d","Expiration":"9999-12-31T23:59:59Z"}}"#,
    );
    let outcome = sandbox.run(["load"]);
    let line = "export AWS_CREDENTIAL_EXPIRATION='9999-12-30T22:00:00Z'\n";
    assert!(
        outcome.stdout.contains(line),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
    assert_eq!(sandbox.run(["status"]).status, 0);
}

#[cfg(unix)]
#[test]
fn system_error_has_no_number() {
    let sandbox = Sandbox::without_session();
    sandbox.write_session(from_now(60));
    let full = std::fs::File::options().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let output = sandbox
        .command(binary())
        .arg("load")
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
        .output_in_time();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "aws-mfa: cannot write to standard output: no space left on device\n"
    );
}
