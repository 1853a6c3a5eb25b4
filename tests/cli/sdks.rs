//! The README's recipes for profiles and SDKs, followed with the real clients against moto.

use super::deadline::InTime;
use super::moto::Moto;
use super::readme::{self, README};
use super::sandbox::{DEVICE, Outcome, Sandbox, process_json, profile_keys, read_json};
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};

/// A user with the README's profiles, whose keys are in `~/.aws/credentials`.
fn user() -> Option<(Sandbox, Moto)> {
    let moto_server = tool("moto_server")?;
    let mut sandbox = Sandbox::new();
    let moto = Moto::start(&sandbox, &moto_server);
    let mut config = format!("[profile work]\nmfa_serial = {DEVICE}\nregion = eu-central-1\n");
    for block in readme::blocks(README, "ini") {
        config += block;
    }
    assert!(config.contains("[profile work-mfa]") && config.contains("[profile private]"));
    let keys = profile_keys();
    sandbox.write(".aws/config", config);
    sandbox.write(
        ".aws/credentials",
        format!("[work]\n{keys}[private]\n{keys}"),
    );
    sandbox
        .set("AWS_ENDPOINT_URL", &moto.url)
        // The SDKs' default chains look here if there is no session.
        .set("AWS_EC2_METADATA_DISABLED", "true");
    Some((sandbox, moto))
}

/// The same user with a session for the profile `work`.
fn user_with_session() -> Option<(Sandbox, Moto)> {
    let (sandbox, moto) = user()?;
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    Some((sandbox, moto))
}

/// What the AWS CLI and boto3 show, as in the guide.
const AS_IN_GUIDE: &str = "Error when retrieving credentials from custom-process: aws-mfa: ";

fn saved_token(file: &Path) -> String {
    let token = &read_json(file)["Credentials"]["SessionToken"];
    token.as_str().unwrap().to_owned()
}

fn session_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".config/aws/session-work")
}

/// Runs a client that must succeed, and returns its output.
#[track_caller]
fn prints(sandbox: &Sandbox, program: &Path, arguments: &[&str]) -> String {
    let outcome = Outcome::of(sandbox.command(program).args(arguments));
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    outcome.stdout.trim().to_owned()
}

/// Runs a client whose session has expired, checks that it shows the hint, and returns its messages.
#[track_caller]
fn shows_the_remedy(sandbox: &Sandbox, program: &Path, arguments: &[&str]) -> String {
    let outcome = Outcome::of(sandbox.command(program).args(arguments));
    assert_ne!(outcome.status, 0);
    let expired = words::session_expired("14m", session_file(sandbox).display());
    let hint = words::run("aws-mfa get --profile work <code>");
    for part in [format!("aws-mfa: {expired}"), format!("hint: {hint}")] {
        assert!(outcome.stderr.contains(&part), "{}", outcome.stderr);
    }
    outcome.stderr
}

fn expire(sandbox: &Sandbox) {
    let expired = Timestamp::now() - SignedDuration::from_secs(14 * 60 + 30);
    sandbox.write(
        session_file(sandbox),
        super::fake_sts::session_json(expired),
    );
}

/// Two accounts, from nothing to `aws s3 ls`.
#[test]
fn two_new_accounts_can_list_s3() {
    let (Some(aws), Some((sandbox, _moto))) = (tool("aws"), user()) else {
        return;
    };
    for profile in ["work", "private"] {
        let outcome = sandbox.run(["get", "-p", profile, "123456"]);
        outcome.succeeded();
    }
    assert_eq!(
        sandbox.session_directory(),
        ["session-private", "session-work"]
    );
    let aws = aws.to_str().unwrap();
    let made = sandbox.run(["exec", "-p", "work", "--", aws, "s3", "mb", "s3://reports"]);
    made.succeeded();
    let listed = sandbox.run(["exec", "-p", "work", "--", aws, "s3", "ls"]);
    listed.succeeded();
    assert!(
        listed.stdout.trim_end().ends_with(" reports"),
        "{}",
        listed.stdout
    );
}

#[test]
fn aws_cli_uses_the_session_and_shows_the_remedy_when_expired() {
    let (Some(aws), Some((mut sandbox, _moto))) = (tool("aws"), user_with_session()) else {
        return;
    };
    let call = [
        "sts",
        "get-caller-identity",
        "--query",
        "Account",
        "--output",
        "text",
    ];
    let with_flag = [&["--profile", "work-mfa"], &call[..]].concat();
    assert_eq!(prints(&sandbox, &aws, &with_flag), "123456789012");
    // Other variables for sessions do not matter here.
    sandbox
        .set("AWS_PROFILE", "work-mfa")
        .set("AWS_SESSION_FILE", "/nonexistent");
    assert_eq!(prints(&sandbox, &aws, &call), "123456789012");
    expire(&sandbox);
    let said = shows_the_remedy(&sandbox, &aws, &call);
    assert!(said.contains(AS_IN_GUIDE), "{said}");
}

#[test]
fn boto3_uses_the_session_and_shows_the_remedy_when_expired() {
    let (Some(python), Some((mut sandbox, _moto))) = (tool("python-venv"), user_with_session())
    else {
        return;
    };
    sandbox.set("AWS_PROFILE", "work-mfa");
    let script = "\
import boto3
session = boto3.Session()
print(session.client('sts').get_caller_identity()['Account'])
print(session.get_credentials().get_frozen_credentials().token)";
    let token = saved_token(&session_file(&sandbox));
    assert_eq!(
        prints(&sandbox, &python, &["-c", script]),
        format!("123456789012\n{token}")
    );
    expire(&sandbox);
    let said = shows_the_remedy(&sandbox, &python, &["-c", script]);
    assert!(said.contains(AS_IN_GUIDE), "{said}");
}

/// The README's row. Only what boto3 has from the environment cannot be refreshed.
#[test]
fn boto3_with_an_expired_session_in_its_environment_says_so_until_the_remedy_is_followed() {
    let (Some(python), Some((mut sandbox, _moto))) = (tool("python-venv"), user_with_session())
    else {
        return;
    };
    // Pretends that the hours have passed, in botocore's memory and in the environment.
    let script = "\
import boto3, datetime, os, subprocess, sys
session = boto3.Session()
client = session.client('sts')
client.get_caller_identity()
credentials = session.get_credentials()
credentials._expiry_time = datetime.datetime.now(datetime.timezone.utc)
if 'AWS_CREDENTIAL_EXPIRATION' in os.environ:
    os.environ['AWS_CREDENTIAL_EXPIRATION'] = '2026-01-01T00:00:00Z'
subprocess.run(['aws-mfa', 'get', '-q', '-p', 'work', sys.argv[1]], check=True)
client.get_caller_identity()
print(credentials.get_frozen_credentials().token)";
    let said = README
        .lines()
        .find_map(|line| line.strip_prefix("| boto3: `… "))
        .and_then(|row| row.split('`').next())
        .unwrap();
    let program = python.to_str().unwrap();
    let exec = ["exec", "-p", "work", "--", program, "-c", script, "234567"];
    let outcome = sandbox.run(exec);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
    let message = format!("RuntimeError: Credentials were refreshed, but {said}.\n");
    assert!(outcome.stderr.ends_with(&message), "{}", outcome.stderr);
    // The program, started again, works.
    let again = sandbox.run([
        "exec",
        "-p",
        "work",
        "--",
        program,
        "-c",
        "import boto3; boto3.client('sts').get_caller_identity()",
    ]);
    assert_eq!(again.status, 0, "{}", again.stderr);
    // With the profile, the same program has the new session.
    sandbox.set("AWS_PROFILE", "work-mfa");
    let printed = prints(&sandbox, &python, &["-c", script, "345678"]);
    assert_eq!(printed, saved_token(&session_file(&sandbox)));
}

/// The README's row: `rotate --to file` writes such a line, which the AWS CLI cannot follow to the key.
#[test]
fn aws_cli_needs_the_whole_path_in_a_credential_process() {
    let (Some(aws), Some((sandbox, _moto))) = (tool("aws"), user()) else {
        return;
    };
    assert!(README.contains("| `No such file` for a `credential_process` with `~` |"));
    let key = sandbox.write(".config/aws/work-key.json", process_json());
    sandbox.write(".aws/credentials", "");
    let mut call = sandbox.command(&aws);
    call.args(["--profile", "work", "sts", "get-caller-identity"]);
    for (path, works) in [
        ("~/.config/aws/work-key.json", false),
        (key.to_str().unwrap(), true),
    ] {
        sandbox.write(".aws/config", format!("[profile work]\nmfa_serial = {DEVICE}\nregion = eu-west-1\ncredential_process = cat {path}\n"));
        let outcome = Outcome::of(&mut call);
        assert_eq!(outcome.status == 0, works, "{}", outcome.stderr);
        assert!(
            works || outcome.stderr.contains("No such file"),
            "{}",
            outcome.stderr
        );
        sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    }
}

const JAVASCRIPT: &str = "\
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const client = new STSClient({ endpoint: process.env.AWS_ENDPOINT_URL });
(async () => {
  console.log((await client.send(new GetCallerIdentityCommand({}))).Account);
  console.log((await client.config.credentials()).sessionToken);
})().catch((error) => { console.error(error.message); process.exit(1); });";

/// The tests' Node.js, with the SDK.
fn javascript(sandbox: &mut Sandbox) -> Option<PathBuf> {
    let node = tool("node-npm")?;
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/npm/node_modules");
    sandbox.set("NODE_PATH", modules);
    Some(node)
}

#[test]
fn javascript_sdk_uses_the_session_and_shows_the_remedy_when_expired() {
    let Some((mut sandbox, _moto)) = user_with_session() else {
        return;
    };
    let Some(node) = javascript(&mut sandbox) else {
        return;
    };
    sandbox.set("AWS_PROFILE", "work-mfa");
    let token = saved_token(&session_file(&sandbox));
    assert_eq!(
        prints(&sandbox, &node, &["-e", JAVASCRIPT]),
        format!("123456789012\n{token}")
    );
    expire(&sandbox);
    // With fromIni() it shows the reason. Its default chain tries other sources and shows no reason.
    let ini = JAVASCRIPT.replace(
        "process.env.AWS_ENDPOINT_URL",
        "process.env.AWS_ENDPOINT_URL, credentials: require('@aws-sdk/credential-provider-ini').fromIni()",
    );
    shows_the_remedy(&sandbox, &node, &["-e", &ini]);
    let outcome = sandbox
        .command(&node)
        .args(["-e", JAVASCRIPT])
        .output_in_time();
    Outcome::from(outcome).is(1, "", "Could not load credentials from any providers\n");
}

/// The reason why `exec` removes `AWS_PROFILE`.
#[test]
fn exec_with_aws_profile_gives_the_javascript_sdk_the_session() {
    let Some((mut sandbox, _moto)) = user_with_session() else {
        return;
    };
    let Some(node) = javascript(&mut sandbox) else {
        return;
    };
    sandbox.set("AWS_PROFILE", "private");
    let token = saved_token(&session_file(&sandbox));
    let node = node.to_str().unwrap();
    let outcome = sandbox.run(["exec", "-p", "work", node, "-e", JAVASCRIPT]);
    assert_eq!(
        outcome.stdout.trim(),
        format!("123456789012\n{token}"),
        "{}",
        outcome.stderr
    );
    // With AWS_PROFILE set again, the SDK uses the profile's keys, which have no token.
    let outcome = sandbox.run([
        "exec",
        "-p",
        "work",
        "env",
        "AWS_PROFILE=private",
        node,
        "-e",
        JAVASCRIPT,
    ]);
    assert_eq!(
        outcome.stdout.trim(),
        "123456789012\nundefined",
        "{}",
        outcome.stderr
    );
}

const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";

/// A user with a session, a role, and the profiles from `init aws-config`.
fn user_with_role() -> Option<(Sandbox, Moto)> {
    let (sandbox, moto) = user()?;
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    // Without the README's own second profile.
    let config = config.replace("[profile work-mfa]", "[profile other]");
    let config = format!(
        "{config}\n[profile deploy]\nrole_arn = {ROLE}\nsource_profile = work\nregion = eu-west-1\n\
         duration_seconds = 1800\n"
    );
    sandbox.write(".aws/config", &config);
    let stanzas = sandbox.run(["init", "aws-config"]);
    sandbox.write(".aws/config", config + stanzas.succeeded());
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    Some((sandbox, moto))
}

fn is_the_role(arn: &str) -> bool {
    arn.starts_with("arn:aws:sts::333333333333:assumed-role/deploy/")
}

#[test]
fn aws_cli_and_javascript_sdk_use_the_role_through_credential_process() {
    let Some((mut sandbox, _moto)) = user_with_role() else {
        return;
    };
    let (Some(aws), Some(node)) = (tool("aws"), javascript(&mut sandbox)) else {
        return;
    };
    let call = "--profile deploy-mfa sts get-caller-identity --query Arn --output text";
    let arn = prints(&sandbox, &aws, &call.split(' ').collect::<Vec<_>>());
    assert!(is_the_role(&arn), "{arn}");
    sandbox.set("AWS_PROFILE", "deploy-mfa");
    let script = JAVASCRIPT.replace(".Account", ".Arn");
    let printed = prints(&sandbox, &node, &["-e", &script]);
    assert!(is_the_role(printed.lines().next().unwrap()), "{printed}");
    let exec = sandbox.run([
        "exec",
        "-p",
        "deploy",
        aws.to_str().unwrap(),
        "sts",
        "get-caller-identity",
    ]);
    assert!(
        exec.succeeded().contains(":assumed-role/deploy/"),
        "{}",
        exec.stdout
    );
}

#[test]
fn boto3_renews_a_role_within_one_process() {
    let (Some(python), Some((mut sandbox, _moto))) = (tool("python-venv"), user_with_role()) else {
        return;
    };
    sandbox.set("AWS_PROFILE", "deploy-mfa");
    // Pretends that an hour has passed, in the file and in botocore's memory.
    let script = "\
import boto3, datetime, glob, json, os
session = boto3.Session()
client = session.client('sts')
print(client.get_caller_identity()['Arn'])
credentials = session.get_credentials()
first = credentials.get_frozen_credentials().token
file, = glob.glob(os.path.expanduser('~/.config/aws/role-*-deploy-*'))
saved = json.load(open(file))
saved['Credentials']['Expiration'] = '2020-01-01T00:00:00Z'
json.dump(saved, open(file, 'w'))
credentials._expiry_time = datetime.datetime.now(datetime.timezone.utc)
print(client.get_caller_identity()['Arn'])
second = session.get_credentials().get_frozen_credentials().token
print(first != second, second == json.load(open(file))['Credentials']['SessionToken'])";
    let printed = prints(&sandbox, &python, &["-c", script]);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(is_the_role(lines[0]) && is_the_role(lines[1]), "{printed}");
    assert_eq!(lines[2], "True True");
}
