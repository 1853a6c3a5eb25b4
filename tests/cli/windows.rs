//! PowerShell and cmd, which run on Windows in the hosted workflow. The tests are compiled everywhere.

use super::formats::{CMD, HOSTILE, HOSTILE_LINES, POWERSHELL, threes};
use super::sandbox::{Outcome, Sandbox};
use super::tool::tool;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

const NAMES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_SECURITY_TOKEN",
];

/// Characters that cmd can carry, but that are special outside double quotes.
const FOR_CMD: &[&str] = &[
    "plain",
    "a&echo ran>ran",
    "a|b<c>ran^d^^e(f)g",
    "two  spaces   three",
    " at both ends ",
    "'; `x` $(x) ${x} ~ * ? [a] {b} #;,=@ \\ \\\\ /x -n",
];

fn sandbox(fields: [&str; 3]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let file = sandbox.session_file();
    let [id, secret, token] = fields;
    let session = json!({
        "Credentials": {"AccessKeyId": id, "SecretAccessKey": secret, "SessionToken": token},
        "Region": "eu-west-1",
    });
    sandbox.write(&file, session.to_string());
    sandbox
        .set("AWS_SESSION_FILE", &file)
        .set("AWS_CREDENTIAL_EXPIRATION", "old")
        .set("AWS_SECURITY_TOKEN", "old");
    sandbox
}

fn expected([id, secret, token]: [&str; 3]) -> BTreeMap<String, String> {
    [
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", token),
        ("AWS_REGION", "eu-west-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Runs the line in PowerShell, and returns the variables afterwards.
fn powershell(program: &Path, sandbox: &Sandbox) -> (Outcome, BTreeMap<String, String>) {
    // In base64, to avoid code pages and line breaks.
    let names = NAMES.map(|name| format!("'{name}'")).join(", ");
    let script = format!(
        "{POWERSHELL}\n\
         foreach ($name in {names}) {{\n\
           $value = [Environment]::GetEnvironmentVariable($name)\n\
           if ($null -ne $value) {{\n\
             \"$name=\" + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($value))\n\
           }}\n\
         }}\n"
    );
    let script = sandbox.write("script.ps1", script);
    let outcome = Outcome::from(
        sandbox
            .command(program)
            .args([
                "-NoProfile",
                "-NonInteractive",
                "-ExecutionPolicy",
                "Bypass",
                "-File",
            ])
            .arg(script)
            .output()
            .unwrap(),
    );
    let set = outcome
        .stdout
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| {
            let value = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
            (name.to_owned(), value)
        })
        .collect();
    (outcome, set)
}

#[test]
fn powershell_accepts_any_value() {
    if !cfg!(windows) {
        return;
    }
    for program in ["powershell.exe", "pwsh.exe"].into_iter().filter_map(tool) {
        for fields in threes(HOSTILE).into_iter().chain(threes(HOSTILE_LINES)) {
            let sandbox = sandbox(fields);
            let (outcome, set) = powershell(&program, &sandbox);
            assert_eq!(set, expected(fields), "{}", outcome.stderr);
            assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
            assert!(!sandbox.home().join("ran").exists());
        }
    }
}

#[test]
fn powershell_continues_without_a_session() {
    if !cfg!(windows) {
        return;
    }
    for program in ["powershell.exe", "pwsh.exe"].into_iter().filter_map(tool) {
        let sandbox = sandbox(["A", "s", "t"]);
        std::fs::remove_file(sandbox.session_file()).unwrap();
        let (outcome, set) = powershell(&program, &sandbox);
        let before = ["AWS_CREDENTIAL_EXPIRATION", "AWS_SECURITY_TOKEN"]
            .map(|name| (name.to_owned(), "old".to_owned()))
            .into();
        assert_eq!(set, before);
        assert!(
            outcome.stderr.starts_with("aws-mfa: no session yet ("),
            "{}",
            outcome.stderr
        );
    }
}

/// Types the line at cmd's prompt, and returns the variables afterwards, and ERRORLEVEL.
fn cmd(program: &Path, sandbox: &Sandbox) -> (BTreeMap<String, String>, String) {
    let typed = sandbox.write(
        "typed",
        format!("{CMD}\r\necho %ERRORLEVEL%>level\r\nset AWS_>after\r\n"),
    );
    let outcome = Outcome::from(
        sandbox
            .command(program)
            .args(["/d", "/q"])
            .stdin(Stdio::from(std::fs::File::open(typed).unwrap()))
            .output()
            .unwrap(),
    );
    let read = |name: &str| {
        std::fs::read_to_string(sandbox.home().join(name))
            .unwrap_or_else(|_| panic!("{}{}", outcome.stdout, outcome.stderr))
    };
    let set = read("after")
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| NAMES.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (set, read("level").trim().to_owned())
}

#[test]
fn cmd_accepts_any_value_that_it_can_carry() {
    if !cfg!(windows) {
        return;
    }
    let Some(program) = tool("cmd.exe") else {
        return;
    };
    for fields in threes(FOR_CMD) {
        let mut sandbox = sandbox(fields);
        let (set, level) = cmd(&program, &sandbox);
        assert_eq!((set, level.as_str()), (expected(fields), "0"));
        assert!(!sandbox.home().join("ran").exists());
        // Unsetting unset variables is no failure.
        sandbox
            .unset("AWS_SECURITY_TOKEN")
            .unset("AWS_CREDENTIAL_EXPIRATION");
        let (set, level) = cmd(&program, &sandbox);
        assert_eq!((set, level.as_str()), (expected(fields), "0"));
    }
}

/// The lines for the two shells, on any system.
#[test]
fn powershell_and_cmd_lines_are_exact() {
    let sandbox = sandbox(["a'b", "se cret", "t\u{2019}"]);
    sandbox.run(["load", "--format", "powershell"]).is(
        0,
        "$env:AWS_ACCESS_KEY_ID = 'a''b'\n\
         $env:AWS_SECRET_ACCESS_KEY = 'se cret'\n\
         $env:AWS_SESSION_TOKEN = 't' + [char]8217 + ''\n\
         $env:AWS_CREDENTIAL_EXPIRATION = $null\n\
         $env:AWS_REGION = 'eu-west-1'\n\
         $env:AWS_DEFAULT_REGION = 'eu-west-1'\n\
         $env:AWS_SECURITY_TOKEN = $null\n\
         $env:AWS_WEB_IDENTITY_TOKEN_FILE = $null\n",
        "",
    );
    let lines = "set \"AWS_ACCESS_KEY_ID=a&b\"\n\
         set \"AWS_SECRET_ACCESS_KEY=se cret\"\n\
         set \"AWS_SESSION_TOKEN=t\"\n\
         set \"AWS_CREDENTIAL_EXPIRATION=-\"\n\
         set \"AWS_CREDENTIAL_EXPIRATION=\"\n\
         set \"AWS_REGION=eu-west-1\"\n\
         set \"AWS_DEFAULT_REGION=eu-west-1\"\n\
         set \"AWS_SECURITY_TOKEN=-\"\n\
         set \"AWS_SECURITY_TOKEN=\"\n\
         set \"AWS_WEB_IDENTITY_TOKEN_FILE=-\"\n\
         set \"AWS_WEB_IDENTITY_TOKEN_FILE=\"\n";
    let sandbox = self::sandbox(["a&b", "se cret", "t"]);
    for format in ["cmd", "windows-cmd"] {
        sandbox.run(["load", "--format", format]).is(0, lines, "");
    }
}
