//! `aws-mfa doctor`: what is wrong with the setup, and what to do about it.

use super::authority::Authority;
use super::deadline::InTime;
use super::fake_iam::{FakeIam, FakeKey};
use super::fake_sts::{Behaviour, FakeSts, KEY_ID, Role, SECRET, USER, error_xml, session_json};
use super::sandbox::{DEVICE, Outcome, Sandbox, binary, chmod, in_an_hour, profile_keys};
use super::store::{OTHER_USER, as_other_user, as_root};
use super::terminal::Terminal;
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const OTHER: &str = "arn:aws:iam::123456789012:mfa/phone/igor";
const FIDO: &str = "arn:aws:iam::123456789012:u2f/user/igor/key-ABC";
const SESSION: &str = "ASIASESSION000000001";

fn iam(devices: &[&str], days: i64) -> FakeIam {
    let created = Timestamp::now() - SignedDuration::from_hours(24 * days + 1);
    FakeIam {
        devices: devices.iter().map(|&device| device.to_owned()).collect(),
        keys: vec![FakeKey {
            created,
            ..FakeKey::new(KEY_ID, SECRET)
        }],
        ..FakeIam::default()
    }
}

/// A user with a correct set-up, but no session yet.
fn user(aws: &FakeSts) -> Sandbox {
    aws.set_iam(iam(&[DEVICE], 12));
    let mut sandbox = Sandbox::with_user(aws);
    sandbox
        .set("AWS_ENDPOINT_URL_IAM", aws.url())
        .set("AWS_MFA_HOOK", "1");
    sandbox
}

/// The same user with a session.
fn user_with_session(aws: &FakeSts) -> Sandbox {
    let sandbox = user(aws);
    sandbox.get("111111");
    sandbox
}

/// The findings of these checks, with the exit status.
#[track_caller]
fn findings(sandbox: &Sandbox, arguments: &[&str], checks: &[&str]) -> (i32, String) {
    let outcome = sandbox.run([&["doctor"], arguments].concat());
    assert_eq!(outcome.stderr, "");
    let mut lines = String::new();
    let mut wanted = false;
    for line in outcome.stdout.lines() {
        if !line.starts_with("        ") {
            let check = line[8..].split(':').next().unwrap();
            wanted = checks.contains(&check);
        }
        if wanted {
            lines += line;
            lines += "\n";
        }
    }
    (outcome.status, lines)
}

/// Everything below the directory: modes, times and contents.
fn tree(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, String)> {
    let mut tree = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            tree.extend(self::tree(&path));
        }
        let contents = std::fs::read(&path).unwrap_or_default();
        let about = format!(
            "{:?} {:?}",
            metadata.permissions(),
            metadata.modified().unwrap()
        );
        tree.insert(path, (contents, about));
    }
    tree
}

#[test]
fn correct_setup_has_only_ok_findings_in_order() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    sandbox
        .set("AWS_REGION", "us-east-1")
        .set("AWS_MFA_CODE_COMMAND", "touch \"$HOME/asked\"");
    let before = tree(&sandbox.home());
    let (url, file) = (aws.url(), sandbox.session_file());
    let file = words::with_tilde(file.display());
    let offline = format!(
        "ok      files: valid and private: {file}\n\
         ok      settings: session file {file} (AWS_SESSION_FILE)\n\
         ok      settings: key id {KEY_ID} (MASTER_AWS_ACCESS_KEY_ID)\n\
         ok      settings: device {DEVICE} (AWS_MFA_ARN)\n\
         ok      settings: duration 12h (default)\n\
         ok      settings: region us-east-1 (AWS_REGION)\n\
         ok      settings: endpoint {url} (AWS_ENDPOINT_URL_STS)\n\
         ok      settings: code command touch … (AWS_MFA_CODE_COMMAND)\n\
         ok      environment: nothing conflicts with the session\n\
         ok      shell: the prompt hook has run in this shell\n"
    );
    let asked = aws.requests().len();
    sandbox.run(["doctor", "--offline"]).is(0, &offline, "");
    assert_eq!(aws.requests().len(), asked);
    sandbox.run(["doctor"]).is(
        0,
        &format!(
            "{offline}\
             ok      network: {url} answers\n\
             ok      clock: {}\n\
             ok      keys: {KEY_ID} belongs to {USER}\n\
             ok      keys: {KEY_ID} is in the environment, where every program finds it; rotate can move it\n        \
             aws-mfa rotate --profile work --to file\n\
             ok      keys: {KEY_ID} is 12 days old\n\
             ok      device: {DEVICE} belongs to igor\n\
             ok      policy: MFA is enforced: the access key can list itself with a session, but not without\n\
             ok      session: AWS accepts it as {USER}; valid for 11h 59m\n",
            words::clock_is_right()
        ),
        "",
    );
    // It changes no files, and sends no code.
    assert_eq!(tree(&sandbox.home()), before);
    let actions: Vec<(String, String)> = aws.requests()[asked..]
        .iter()
        .map(|request| (request.form["Action"].clone(), request.key_id.clone()))
        .collect();
    let actions: Vec<(&str, &str)> = actions
        .iter()
        .map(|(action, key)| (action.as_str(), key.as_str()))
        .collect();
    assert_eq!(
        actions,
        [
            ("GetCallerIdentity", KEY_ID),
            ("ListAccessKeys", SESSION),
            ("ListAccessKeys", KEY_ID),
            ("ListMFADevices", KEY_ID),
            ("GetCallerIdentity", SESSION),
        ]
    );
}

#[test]
fn json_report_has_exactly_the_documented_fields() {
    let aws = FakeSts::start();
    let sandbox = user(&aws);
    let outcome = sandbox.run(["doctor", "--json"]);
    let report: Value = serde_json::from_str(outcome.succeeded()).unwrap();
    assert_eq!(report["version"], 1);
    let findings = report["findings"].as_array().unwrap();
    for finding in findings {
        let fields: Vec<&String> = finding.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["check", "hint", "message", "status"]);
    }
    let last = |check: &str| {
        let mut found = findings.iter().filter(|finding| finding["check"] == check);
        found.next_back().unwrap().clone()
    };
    assert_eq!(
        last("session"),
        json!({
            "check": "session",
            "status": "warning",
            "message": words::no_session_yet(sandbox.session_file().display()),
            "hint": "aws-mfa get <code>",
        })
    );
    assert_eq!(
        last("clock"),
        json!({"check": "clock", "status": "ok", "message": words::clock_is_right(), "hint": null})
    );
    assert_eq!(last("policy")["status"], "skipped");
    aws.set_owner("arn:aws:iam::123456789012:root");
    let outcome = sandbox.run(["doctor", "--json"]);
    assert_eq!(outcome.status, 1);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let errors = report["findings"].as_array().unwrap().iter();
    let errors: Vec<&Value> = errors
        .filter(|finding| finding["status"] == "error")
        .map(|finding| &finding["check"])
        .collect();
    assert_eq!(errors, ["keys"]);
}

#[test]
fn terminal_gets_marks_in_colour_unless_no_color() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws);
    sandbox.unset("AWS_MFA_HOOK").set("TERM", "xterm");
    let shown = |sandbox: &Sandbox| {
        let outcome = Terminal::output(sandbox, "aws-mfa doctor --offline");
        outcome.succeeded().to_owned()
    };
    let text = shown(&sandbox);
    assert!(
        text.starts_with("\u{1b}[1m\u{1b}[32m✓\u{1b}[0m files: none yet\n"),
        "{text}"
    );
    let warning = "\u{1b}[1m\u{1b}[33m!\u{1b}[0m shell: nothing loads the session into this shell\n  \
                   \u{1b}[36mrun `eval \"$(aws-mfa load)\"`, or add `eval \"$(aws-mfa init bash)\"` to\n  ~/.bashrc\u{1b}[0m\n";
    assert!(text.ends_with(warning), "{text}");
    sandbox.set("NO_COLOR", "1");
    let text = shown(&sandbox);
    assert!(text.starts_with("ok      files: none yet\n"), "{text}");
}

/// Which of the two files botocore, and so the AWS CLI, can read.
fn readable_for_the_aws_cli(sandbox: &Sandbox, python: &Path) -> Vec<bool> {
    let script =
        "import sys; from botocore.configloader import load_config; load_config(sys.argv[1])";
    ["config", "credentials"]
        .map(|name| {
            let file = sandbox.home().join(".aws").join(name);
            let mut command = sandbox.command(python);
            command.args(["-X", "utf8", "-c", script]).arg(file);
            command.output_in_time().status.success()
        })
        .to_vec()
}

#[test]
fn odd_lines_of_the_aws_files_are_findings_whose_remedies_help() {
    let aws = FakeSts::start();
    let sandbox = user(&aws);
    let config = "region = x\n[profile a]\nregion\n= x\n[profile b\n[profile a]\nregion = eu-west-1 # mine\n\
                  region = eu-west-2\n[DEFAULT]\noutput = json\n[profile 'my team']\noutput: json\n[default]\n  \
                  region = eu-west-1\n[profile default]\nrole_arn = x\n  output = json\ncaf\u{e9} = 1\n[]\n[profile x y]\n";
    let bytes = config.as_bytes().iter().filter(|byte| **byte != 0xc3);
    let bytes: Vec<u8> = bytes
        .map(|byte| if *byte == 0xa9 { 0xe9 } else { *byte })
        .collect();
    let config = sandbox.write(".aws/config", bytes);
    let credentials = sandbox.write(".aws/credentials", "[profile a]\n");
    chmod(&config, 0o600);
    chmod(&credentials, 0o600);
    let as_key = "write it as <key> = <value>, or put # before it to make it a comment";
    let as_section = "write the section as [profile <name>] in the config file, as [<name>] in the credentials file";
    let mut expected = String::new();
    for (line, what, remedy) in [
        (
            1,
            "is before the first section",
            "move it below the line of its section",
        ),
        (3, "has no =", as_key),
        (4, "has nothing before the =", as_key),
        (5, "has no closing ]", as_section),
        (
            6,
            "begins the section [profile a] again, after line 2",
            "move its lines to the first of the two",
        ),
        (
            8,
            "sets region again, after line 7",
            "delete one of the two lines",
        ),
        (18, "is not UTF-8", "save the file as UTF-8"),
        (19, "has no name in its brackets", as_section),
    ] {
        expected += &format!(
            "error   files: line {line} of {} {what}: the AWS CLI refuses the file\n        {remedy}\n",
            words::with_tilde(config.display())
        );
    }
    for (line, what, remedy) in [
        (
            7,
            "has a comment behind region, which the AWS CLI takes for a part of the value",
            "put the comment on a line of its own",
        ),
        (
            9,
            "begins [DEFAULT], which the AWS SDKs ignore",
            "copy its keys to the profiles",
        ),
        (
            11,
            "begins the profile my team, which the AWS SDKs ignore because of its name",
            "use only letters, digits and _-/.%@:+ in it",
        ),
        (
            12,
            "has : instead of = after output, and the AWS SDKs refuse the file or ignore the line",
            "write =",
        ),
        (
            14,
            "is indented, and the AWS SDKs refuse the file or add region to the line before",
            "remove the white space before it",
        ),
        (
            15,
            "begins the profile default again in another spelling, after line 13: the AWS CLI reads only this one, and the AWS SDKs read the other or both",
            "write both as one section [default]",
        ),
        (
            17,
            "is indented, so it continues role_arn of line 16",
            "remove the white space before it",
        ),
    ] {
        expected += &format!(
            "warning files: line {line} of {} {what}\n        {remedy}\n",
            words::with_tilde(config.display())
        );
    }
    for (path, header, meant) in [
        (&credentials, "profile a", "[a]"),
        (&config, "profile x y", "[profile 'x y']"),
    ] {
        expected += &format!(
            "warning files: the section [{header}] in {} is ignored\n        {meant}\n",
            words::with_tilde(path.display())
        );
    }
    assert_eq!(
        findings(&sandbox, &["--offline"], &["files"]),
        (1, expected)
    );
    // The same files with what the remedies say.
    let python = tool("python-venv");
    if let Some(python) = &python {
        assert_eq!(readable_for_the_aws_cli(&sandbox, python), [false, true]);
    }
    sandbox.write(
        ".aws/config",
        "[profile a]\nregion = x\n# region\n# = x\n# mine\nregion2 = eu-west-1\n[profile b]\n\
         [profile my-team]\noutput = json\n[default]\nregion = eu-west-1\nrole_arn = x\noutput = json\n\
         caf\u{e9} = 1\n[profile n]\n",
    );
    sandbox.write(".aws/credentials", "[a]\n");
    let (_, lines) = findings(&sandbox, &["--offline"], &["files"]);
    assert!(
        lines.starts_with("ok      files: valid and private: "),
        "{lines}"
    );
    if let Some(python) = &python {
        assert_eq!(readable_for_the_aws_cli(&sandbox, python), [true, true]);
    }
}

#[test]
fn invalid_or_writable_file_is_an_error() {
    let aws = FakeSts::start();
    let sandbox = user(&aws);
    let config = sandbox.write(
        ".aws/config",
        "[work]\nregion = eu-west-1\n[plugins]\ncli_legacy_plugin_path = x\n[default]\n[sso-session x]\n",
    );
    let credentials = sandbox.write(".aws/credentials", format!("[old]\n{}", profile_keys()));
    chmod(&config, 0o622);
    chmod(&credentials, 0o644);
    let file = sandbox.write_session(in_an_hour());
    chmod(&file, 0o644);
    chmod(file.parent().unwrap(), 0o777);
    let [config, credentials] = [config, credentials].map(|file| words::with_tilde(file.display()));
    assert_eq!(
        findings(&sandbox, &["--offline"], &["files"]),
        (
            0,
            format!(
                "warning files: others can read the secret keys in {credentials} (mode 0644)\n        \
                 chmod 600 {credentials}\n\
                 warning files: {config}: everyone can write to it, mode 0622\n        \
                 chmod go-w {config}\n\
                 warning files: the section [work] in {config} is ignored\n        \
                 [profile work]\n\
                 warning files: {readable}\n        \
                 chmod 600 {file}\n\
                 warning files: others can replace files in the session file's directory (mode 0777)\n        \
                 chmod go-w {}\n",
                words::with_tilde(file.parent().unwrap().display()),
                readable = words::others_can_read_the_session_file("0644"),
                file = words::with_tilde(file.display()),
            )
        )
    );

    sandbox.write(&file, "{}");
    chmod(&file, 0o622);
    sandbox.write(".aws/config", b"\xff\xfe[\0");
    assert_eq!(
        findings(&sandbox, &[], &["files", "settings", "network", "session"]),
        (
            1,
            format!(
                "error   files: cannot read {config}: it is UTF-16, not UTF-8\n        \
                 save it as UTF-8\n\
                 error   files: {rejected}\n        \
                 aws-mfa get <code>\n\
                 skipped settings: see files\n\
                 skipped network: a setting is invalid\n\
                 skipped session: a setting is invalid\n",
                rejected = words::session_file_rejected(
                    "everyone can write to it, mode 0622",
                    words::with_tilde(file.display())
                ),
            )
        )
    );
    chmod(&file, 0o600);
    let (status, text) = findings(&sandbox, &["--offline"], &["files"]);
    assert_eq!(status, 1);
    let corrupt = format!(
        "error   files: {}\n",
        words::session_file_is_corrupt("not a session, line 1", file.display())
    );
    assert!(text.contains(&corrupt), "{text}");
    assert!(aws.requests().is_empty());
}

/// After `sudo aws configure`, for example.
#[cfg(unix)]
#[test]
fn file_of_another_user_is_a_warning_until_it_is_ones_own() {
    if !super::tool::root("give a file to another user") {
        return;
    }
    let aws = FakeSts::start();
    let mut sandbox = user(&aws);
    let config = sandbox.write(".aws/config", "[default]\nregion = eu-west-1\n");
    std::os::unix::fs::chown(&config, Some(12345), None).unwrap();
    let remedy = format!(
        "sudo chown \"$USER\" {}",
        words::with_tilde(config.display())
    );
    assert_eq!(
        findings(&sandbox, &["--offline"], &["files"]),
        (
            0,
            format!(
                "warning files: {}: another user owns it, and can choose your keys and the commands that run\n        {remedy}\n",
                words::with_tilde(config.display())
            )
        )
    );
    // A stand-in, because this is root already.
    let sudo = sandbox.write("bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
    chmod(&sudo, 0o755);
    let path = format!(
        "{}:{}",
        sudo.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    sandbox.set("PATH", path).set("USER", "root");
    let mut shell = sandbox.command("sh");
    Outcome::of(shell.args(["-c", &remedy])).succeeded();
    let (_, text) = findings(&sandbox, &["--offline"], &["files"]);
    assert!(text.starts_with("ok      files: "), "{text}");
}

#[test]
fn http_to_another_host_is_a_warning() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws);
    sandbox.set("AWS_REGION", "us-east-1");
    let warnings = |sandbox: &Sandbox| {
        let (_, text) = findings(sandbox, &["--offline"], &["settings"]);
        let lines = text
            .lines()
            .skip_while(|line| !line.starts_with("warning "));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(warnings(&sandbox), "");
    for (variable, is_sts) in [
        ("AWS_ENDPOINT_URL_IAM", false),
        ("AWS_ENDPOINT_URL_STS", true),
    ] {
        let before = if is_sts {
            "http://sts.example"
        } else {
            "http://iam.example"
        };
        sandbox.set(variable, before);
        let warning = format!(
            "warning settings: requests to {before} are not encrypted, nor are the credentials in the answers\n        \
             use an https:// endpoint: {variable}\n"
        );
        assert!(
            warnings(&sandbox).contains(&warning),
            "{}",
            warnings(&sandbox)
        );
        sandbox.set(variable, before.replace("http", "https"));
        assert_eq!(warnings(&sandbox), "");
    }
}

#[test]
fn variable_or_symlink_that_leads_to_no_file_is_a_warning_and_named_where_keys_are_missing() {
    let aws = FakeSts::start();
    let files = |sandbox: &Sandbox| findings(sandbox, &["--offline"], &["files"]).1;
    let hint = |sandbox: &Sandbox, arguments: &[&str]| {
        let said = sandbox.run(arguments).failed(1).to_owned();
        said.split_once("hint: ").unwrap().1.trim_end().to_owned()
    };
    for (variable, name) in [
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ("AWS_CONFIG_FILE", "config"),
    ] {
        let mut sandbox = Sandbox::with_profile(&aws);
        sandbox.unset("AWS_MFA_PROFILE");
        sandbox.set(variable, "~/none");
        // The keys are in the other file, or nowhere.
        if name == "config" {
            std::fs::remove_file(sandbox.home().join(".aws/credentials")).unwrap();
        }
        let expected = format!(
            "warning files: there is no file ~/none, which {variable} names\n        unset {variable}\n"
        );
        assert!(files(&sandbox).contains(&expected), "{}", files(&sandbox));
        let remedy = format!("correct or unset {variable}: there is no file ~/none");
        assert_eq!(hint(&sandbox, &["get", "123456"]), remedy);
        assert_eq!(hint(&sandbox, &["get", "-p", "work", "123456"]), remedy);
        sandbox.unset(variable);
        assert!(!files(&sandbox).contains("there is no file"));
        // A symlink in the place of the file, or of the directory.
        let directory = sandbox.home().join(".aws");
        std::fs::create_dir_all(&directory).unwrap();
        for link in [directory.join(name), directory] {
            if link.is_dir() {
                std::fs::remove_dir_all(&link).unwrap();
            }
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink("gone", &link).unwrap();
            let gone = link.with_file_name("gone");
            let gone = words::with_tilde(gone.display());
            let link = words::with_tilde(link.display());
            let expected = format!(
                "warning files: there is no file {gone}, which {link} leads to\n        \
                 restore it, or remove the symlink: `rm {link}`\n"
            );
            assert!(files(&sandbox).contains(&expected), "{}", files(&sandbox));
            let remedy = format!("restore {gone}, or remove the symlink {link}");
            assert_eq!(hint(&sandbox, &["get", "-p", "work", "123456"]), remedy);
            Outcome::of(sandbox.command("sh").args(["-c", &format!("rm {link}")])).succeeded();
            assert!(!files(&sandbox).contains("there is no file"));
        }
    }
}

/// Root may read and write everything, so that another user has to run it.
fn as_user(sandbox: &Sandbox, program: &Path) -> Command {
    match rustix::process::geteuid().is_root() {
        true => {
            let mut command = as_other_user(sandbox);
            if program != binary() {
                command = sandbox.command(program);
                command.uid(OTHER_USER).gid(OTHER_USER);
            }
            command
        }
        false => sandbox.command(program),
    }
}

#[test]
fn file_or_directory_that_this_user_may_not_use_has_a_remedy_that_works() {
    let is_root = rustix::process::geteuid().is_root();
    if is_root && !as_root() {
        return;
    }
    let [file, directory] = ["~/.aws/credentials", "~/.aws"];
    for (place, mode, owner, check, remedy) in [
        (file, 0o200, OTHER_USER, file, format!("chmod u+r {file}")),
        (
            directory,
            0o600,
            OTHER_USER,
            file,
            format!("chmod u+rwx {directory}"),
        ),
        (file, 0o600, 0, file, format!("sudo chown \"$USER\" {file}")),
        (
            directory,
            0o700,
            0,
            file,
            format!("sudo chown \"$USER\" {directory}"),
        ),
        (
            "~/.config",
            0o500,
            OTHER_USER,
            "~/.config",
            "chmod u+rwx ~/.config".to_owned(),
        ),
        (
            "~/.config/aws",
            0o700,
            0,
            "~/.config/aws",
            "sudo chown \"$USER\" ~/.config/aws".to_owned(),
        ),
    ] {
        if owner == 0 && !is_root {
            continue;
        }
        let aws = FakeSts::start();
        let sandbox = Sandbox::with_profile(&aws);
        let path = |place: &str| sandbox.home().join(place.trim_start_matches("~/"));
        std::fs::create_dir_all(path(place))
            .or_else(|error| match path(place).exists() {
                true => Ok(()),
                false => Err(error),
            })
            .unwrap();
        let give = |place: &str, owner| {
            if is_root {
                std::os::unix::fs::chown(path(place), Some(owner), Some(owner)).unwrap();
            }
        };
        for own in [directory, file, "~/.config"] {
            if path(own).exists() {
                give(own, OTHER_USER);
            }
        }
        give(place, owner);
        chmod(&path(place), mode);
        let (problem, hint) = match check == file {
            true => (
                format!("cannot read {file}: permission denied"),
                format!("run `{remedy}`"),
            ),
            false => (
                format!("no session can be saved in {place}: permission denied"),
                remedy.clone(),
            ),
        };
        let doctor =
            || sandbox.run_with(as_user(&sandbox, &binary()).args(["doctor", "--offline"]));
        let report = doctor();
        assert_eq!(report.status, 1, "{place}");
        let expected = format!("error   files: {problem}\n        {remedy}\n");
        assert!(
            report.stdout.contains(&expected),
            "{place}: {}",
            report.stdout
        );
        let get = || sandbox.run_with(as_user(&sandbox, &binary()).args(["get", "123456"]));
        if check == file {
            assert_eq!(get().failed(1), words::failure(&problem, &hint));
        } else {
            assert_eq!(get().status, 1);
        }
        match remedy.strip_prefix("sudo chown \"$USER\" ") {
            Some(place) => give(place, OTHER_USER),
            None => {
                let mut follow = as_user(&sandbox, Path::new("/bin/sh"));
                Outcome::of(follow.args(["-c", &remedy])).succeeded();
            }
        }
        assert!(!doctor().stdout.contains(&problem), "{place}");
        assert_eq!(get().status, 0, "{place}: {}", get().stderr);
    }
}

#[test]
fn session_without_any_region_is_a_warning() {
    let message = "no region is configured for programs: with the session, `aws` says «You must specify a region»";
    let warned = |sandbox: &Sandbox, arguments: &[&str]| {
        let arguments = [&["--offline"], arguments].concat();
        let (_, text) = findings(sandbox, &arguments, &["settings"]);
        let remedy = text.split_once(&format!("warning settings: {message}\n"));
        remedy.map(|(_, remedy)| remedy.lines().next().unwrap().trim().to_owned())
    };
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    let export = "export AWS_REGION=<region>, in the .envrc or the shell's start-up file";
    assert_eq!(warned(&sandbox, &[]).unwrap(), export);
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        sandbox.set(name, "eu-west-1");
        assert_eq!(warned(&sandbox, &[]), None, "{name}");
        sandbox.unset(name);
    }
    // Saved with the session, for the shell.
    sandbox
        .run(["get", "--region", "eu-west-1", "222222"])
        .succeeded();
    assert_eq!(warned(&sandbox, &[]), None);
    sandbox.run(["clear"]).succeeded();
    assert_eq!(warned(&sandbox, &[]).unwrap(), export);
    // In the profile that the SDKs read, or in the selected one.
    sandbox.write(
        ".aws/config",
        "[default]\nregion = eu-west-1\n[profile work]\n",
    );
    assert_eq!(warned(&sandbox, &[]), None);
    assert_eq!(warned(&sandbox, &["-p", "work"]), None);
    sandbox.set("AWS_PROFILE", "work");
    assert_eq!(
        warned(&sandbox, &[]).unwrap(),
        "add region = <region> to [profile work] in ~/.aws/config"
    );
    sandbox.write(
        ".aws/config",
        "[profile base]\nregion = eu-west-1\n[profile work]\nsource_profile = base\n",
    );
    assert_eq!(warned(&sandbox, &[]), None);
}

#[test]
fn invalid_setting_is_an_error_with_its_own_hint() {
    let aws = FakeSts::start();
    let errors = |variables: &[(&str, &str)]| {
        let mut sandbox = user(&aws);
        sandbox.set("AWS_REGION", "us-east-1");
        for (name, value) in variables {
            sandbox.set(name, value);
        }
        let (status, text) = findings(&sandbox, &[], &["settings", "network", "device"]);
        assert_eq!(status, 1, "{text}");
        let lines = text.lines().filter(|line| !line.starts_with("ok "));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let unusable = "skipped network: a setting is invalid\nskipped device: a setting is invalid\n";
    let no_keys = format!(
        "skipped network: there are no keys to sign a request with\nskipped device: {}\n",
        words::the_user_is_unknown()
    );
    assert_eq!(
        errors(&[("AWS_MFA_ARN", FIDO), ("AWS_MFA_DURATION", "1x")]),
        format!(
            "error   settings: STS needs a six-digit code, which FIDO keys and passkeys do not generate: {FIDO}\n        \
             add a virtual MFA device (an authenticator app) to the same user, and use its ARN\n\
             error   settings: {}\n        \
             a session lasts 15m to 36h; write 12h, 90m, 1h30m or a number of seconds\n\
             skipped device: the configured MFA device is invalid\n",
            words::invalid_duration("1x")
        )
    );
    assert_eq!(
        errors(&[("AWS_REGION", "europe"), ("AWS_ENDPOINT_URL_STS", "")]),
        format!(
            "error   settings: AWS_REGION is not the name of a region: \"europe\"\n        \
             a region is written like eu-west-1\n{unusable}"
        )
    );
    assert_eq!(
        errors(&[("AWS_CA_BUNDLE", "/none")]),
        format!(
            "error   settings: cannot read the CA bundle: no such file or directory (/none)\n        \
             check AWS_CA_BUNDLE: it must be a PEM file that contains the certificate authority's certificate\n{unusable}"
        )
    );
    assert_eq!(
        errors(&[("http_proxy", "http://me:S3CR3T@a b")]),
        format!(
            "error   settings: http_proxy is not the URL of an HTTP proxy\n        \
             write it as http://<user>:<password>@<host>:<port> or http://<host>:<port>\n{unusable}"
        )
    );
    assert_eq!(
        errors(&[("MASTER_AWS_SECRET_ACCESS_KEY", "")]),
        format!(
            "error   settings: MASTER_AWS_SECRET_ACCESS_KEY is not set, but MASTER_AWS_ACCESS_KEY_ID is\n        \
             set both, or unset both to use keys from another source\n{no_keys}"
        )
    );
    assert_eq!(
        errors(&[("AWS_MFA_ROLE_ARN", "admin")]),
        "error   settings: AWS_MFA_ROLE_ARN is not the ARN of a role: admin\n        \
         a role's ARN is arn:aws:iam::<account>:role/<name>\n"
    );
    assert_eq!(
        errors(&[("AWS_SESSION_FILE", "/h/session-")]),
        "error   settings: AWS_SESSION_FILE ends in `session-`: MASTER_AWS_ACCESS_KEY_ID was empty when it was set\n        \
         set MASTER_AWS_ACCESS_KEY_ID before AWS_SESSION_FILE, or set AWS_MFA_PROFILE instead\n"
    );
}

#[test]
fn conflicting_variable_or_key_is_a_warning() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    let environment = |sandbox: &Sandbox| {
        let (status, text) = findings(sandbox, &["--offline"], &["environment"]);
        assert_eq!(status, 0);
        text.replace("warning environment: ", "")
    };
    let fallback = |sandbox: &Sandbox, profile: &str| {
        format!(
            "without a session, programs use the keys of [{profile}] in {}/.aws/credentials\n        \
             rename that section, for example to [work-keys], and set AWS_MFA_PROFILE to work-keys\n",
            words::with_tilde(sandbox.home().display())
        )
    };
    sandbox
        .set("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("AWS_SECURITY_TOKEN", "x")
        .set("AWS_PROFILE", "old");
    sandbox.write(".aws/credentials", format!("[old]\n{}", profile_keys()));
    assert_eq!(
        environment(&sandbox),
        format!(
            "this shell keeps credentials that aws-mfa did not load (AKIAOTHER)\n        \
             eval \"$(aws-mfa load)\"\n\
             AWS_PROFILE is set next to AWS_ACCESS_KEY_ID, and the JavaScript SDK prefers the profile's keys to the session\n        \
             unset AWS_PROFILE\n\
             AWS_SECURITY_TOKEN is set, which old SDKs prefer to the session's token\n        \
             unset AWS_SECURITY_TOKEN\n{}",
            fallback(&sandbox, "old")
        )
    );
    sandbox.run(["clear"]).succeeded();
    let unset = "        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN\n";
    sandbox.unset("AWS_SECURITY_TOKEN").unset("AWS_PROFILE");
    assert_eq!(
        environment(&sandbox),
        format!(
            "this shell has credentials that aws-mfa did not load (AKIAOTHER): a long-term key, which programs use \
             without MFA\n{unset}"
        )
    );
    sandbox.write(".aws/credentials", format!("[default]\n{}", profile_keys()));
    sandbox
        .unset("MASTER_AWS_ACCESS_KEY_ID")
        .unset("MASTER_AWS_SECRET_ACCESS_KEY")
        .set("AWS_ACCESS_KEY_ID", "ASIAOTHER")
        .set("AWS_MFA_PROFILE", "default");
    assert_eq!(
        environment(&sandbox),
        format!(
            "AWS_SESSION_FILE is ignored, because AWS_MFA_PROFILE selects the profile default\n        \
             unset AWS_SESSION_FILE\n\
             this shell has credentials that aws-mfa did not load (ASIAOTHER), but there is no valid session\n        \
             run `aws-mfa get <code>`, then `eval \"$(aws-mfa load)\"`\n{}",
            fallback(&sandbox, "default")
        )
    );
}

#[test]
fn shell_without_the_session_is_a_warning() {
    let Some(direnv) = tool("direnv") else { return };
    let aws = FakeSts::start();
    let mut sandbox = user(&aws);
    sandbox.unset("AWS_MFA_HOOK");
    let shell = |sandbox: &Sandbox| {
        let (status, text) = findings(sandbox, &["--offline"], &["shell"]);
        assert_eq!(status, 0);
        text
    };
    let nothing = "warning shell: nothing loads the session into this shell\n        \
                   run `eval \"$(aws-mfa load)\"`, or add `eval \"$(aws-mfa init bash)\"` to ~/.bashrc\n";
    assert_eq!(shell(&sandbox), nothing);

    let envrc = sandbox.write(".envrc", "");
    let envrc = words::with_tilde(envrc.display());
    let blocked = format!(
        "warning shell: direnv is not allowed to load {envrc}\n        direnv allow {envrc}\n"
    );
    let path = std::env::join_paths([direnv.parent().unwrap()]).unwrap();
    let bin = sandbox.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    sandbox.set("PATH", &path);
    assert_eq!(shell(&sandbox), blocked);
    if let Some(newest) = tool("direnv-newest") {
        std::os::unix::fs::symlink(newest, bin.join("direnv")).unwrap();
        let with_bash = std::env::join_paths([bin.as_path(), Path::new(&path)]).unwrap();
        sandbox.set("PATH", with_bash);
        assert_eq!(shell(&sandbox), blocked);
        std::fs::remove_file(bin.join("direnv")).unwrap();
    }
    let mut allow = sandbox.command(&direnv);
    Outcome::of(allow.arg("allow")).succeeded();
    sandbox.set("PATH", &path);
    assert_eq!(
        shell(&sandbox),
        format!(
            "warning shell: direnv is not active in this shell, so {envrc} is not loaded\n        \
             add `eval \"$(direnv hook bash)\"` to ~/.bashrc\n"
        )
    );
    sandbox.set("PATH", &bin);
    assert_eq!(
        shell(&sandbox),
        "warning shell: there is an .envrc, but direnv is not installed\n        \
         install direnv: https://direnv.net/docs/installation.html\n"
    );
    std::fs::remove_file(sandbox.home().join(".envrc")).unwrap();
    sandbox.set("DIRENV_DIR", "-/project");
    assert_eq!(
        shell(&sandbox),
        "warning shell: direnv has loaded /project/.envrc, which loads no session or failed before it could\n        \
         add `direnv_load aws-mfa load` to it, and run `direnv allow`\n"
    );
    sandbox.unset("DIRENV_DIR");
    for (version, is_old) in [
        ("2.21.2", true),
        ("2.21.3", false),
        ("2.37.1", false),
        ("x", false),
    ] {
        // Another process writes it: a parallel test could start a child while the file is open here, and
        // the system runs no program that is open for writing.
        let script = format!(
            "printf '#!/bin/sh\\necho {version}\\n' > bin/direnv && /bin/chmod 755 bin/direnv"
        );
        let mut writer = sandbox.command("/bin/sh");
        assert!(writer.args(["-c", &script]).status_in_time().success());
        let old = format!(
            "warning shell: direnv {version} is too old\n        install direnv 2.21.3 or newer\n"
        );
        assert_eq!(shell(&sandbox).starts_with(&old), is_old);
        assert!(shell(&sandbox).ends_with(nothing));
    }
}

#[test]
fn session_loaded_by_direnv_is_ok_with_its_envrc() {
    let Some(direnv) = tool("direnv") else { return };
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    sandbox.unset("AWS_MFA_HOOK");
    let project = sandbox.project(&direnv, "direnv_load aws-mfa load\n");
    let mut inside = sandbox.command(&direnv);
    inside
        .arg("exec")
        .arg(&project)
        .args(["aws-mfa", "doctor", "--offline"])
        .current_dir(&project);
    let outcome = sandbox.run_with(&mut inside);
    let line = format!(
        "\nok      shell: the session is loaded by direnv ({}/.envrc)\n        \
         direnv does not notice when the session expires: add `eval \"$(aws-mfa init bash)\"` to ~/.bashrc\n",
        words::with_tilde(project.display())
    );
    assert!(outcome.stdout.ends_with(&line), "{}", outcome.stdout);
    let line = "\nok      environment: nothing conflicts with the session\n";
    assert!(outcome.stdout.contains(line), "{}", outcome.stdout);
}

const ONLINE: [&str; 6] = ["network", "clock", "keys", "device", "policy", "session"];

#[test]
fn unreachable_aws_is_an_error_and_the_rest_is_skipped() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    let fails = |sandbox: &Sandbox, message: &str, hint: &str| {
        assert_eq!(
            findings(sandbox, &[], &ONLINE),
            (
                1,
                format!(
                    "error   network: {message}\n        {hint}\n\
                     skipped clock: AWS was not reached\n\
                     skipped keys: AWS was not reached\n\
                     skipped device: AWS was not reached\n\
                     skipped policy: AWS was not reached\n\
                     skipped session: AWS was not reached\n"
                )
            )
        );
    };
    let url = aws.url();
    let check = "check AWS_ENDPOINT_URL_STS";
    let broken = words::the_connection_broke(&url);
    let other = |status| {
        format!(
            "the response from {url} is not from STS (HTTP {status}): a proxy or sign-in page may be in the way"
        )
    };
    for (behaviour, message) in [
        (Behaviour::Close, broken),
        (answer(200), other(200)),
        (answer(302), other(302)),
        (answer(407), other(407)),
    ] {
        aws.behave(behaviour);
        fails(&sandbox, &message, check);
    }
    aws.behave(Behaviour::Serve);
    sandbox.set("http_proxy", "http://me:S3CR3T@127.0.0.1:1");
    fails(
        &sandbox,
        &words::connection_refused("the proxy http://127.0.0.1:1"),
        "check http_proxy",
    );
    sandbox
        .unset("http_proxy")
        .set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    fails(
        &sandbox,
        &words::connection_refused("http://127.0.0.1:1"),
        check,
    );
    sandbox.set("AWS_ENDPOINT_URL_STS", "http://no-such-host.invalid");
    let (status, text) = findings(&sandbox, &[], &["network"]);
    assert_eq!(status, 1);
    let start = "error   network: cannot find the address of http://no-such-host.invalid: ";
    assert!(text.starts_with(start), "{text}");

    let authority = Authority::new();
    let tls = FakeSts::start_with_tls(authority.server("127.0.0.1"));
    let url = tls.url();
    sandbox
        .unset("HTTPS_PROXY")
        .set("AWS_ENDPOINT_URL_STS", &url);
    fails(
        &sandbox,
        &format!(
            "no secure connection to {url}: its certificate is not signed by a trusted authority"
        ),
        "if a proxy inspects TLS, set AWS_CA_BUNDLE to a file with its certificate authority",
    );
    let bundle = sandbox.write("ca.pem", authority.pem());
    sandbox.set("AWS_CA_BUNDLE", bundle);
    let (_, text) = findings(&sandbox, &[], &["network"]);
    assert_eq!(text, format!("ok      network: {url} answers\n"));
}

fn answer(status: u16) -> Behaviour {
    Behaviour::Answer {
        status,
        body: "<html>".into(),
    }
}

#[test]
fn clock_off_by_minutes_is_a_warning_or_an_error() {
    let aws = FakeSts::start();
    let sandbox = user_with_session(&aws);
    let set = "set the clock (Linux: `sudo timedatectl set-ntp true`)";
    for (seconds, status, line) in [
        (
            20,
            0,
            format!("ok      clock: {}\n", words::clock_is_right()),
        ),
        (
            100,
            0,
            format!("warning clock: this machine's clock is 2m behind\n        {set}\n"),
        ),
        (
            -360,
            1,
            format!("error   clock: this machine's clock is 6m ahead\n        {set}\n"),
        ),
    ] {
        aws.set_clock(SignedDuration::from_secs(seconds));
        assert_eq!(findings(&sandbox, &[], &["clock"]), (status, line));
    }
    let body = error_xml("InvalidClientTokenId", "x");
    for date in ["", "Date: soon\r\n"] {
        let length = body.len();
        let raw = format!("HTTP/1.1 403 X\r\n{date}Content-Length: {length}\r\n\r\n{body}");
        aws.behave(Behaviour::Raw(raw.into_bytes()));
        assert_eq!(
            findings(&sandbox, &[], &["clock"]).1,
            "skipped clock: AWS's answer has no date\n"
        );
    }
    aws.behave(Behaviour::Serve);
    // So wrong that AWS rejects signatures.
    aws.set_clock(SignedDuration::from_mins(20));
    assert_eq!(
        findings(&sandbox, &[], &ONLINE),
        (
            1,
            format!(
                "ok      network: {} answers\n\
                 error   clock: this machine's clock is 20m behind\n        {set}\n\
                 skipped keys: cannot find the owner of {KEY_ID}: this machine's clock is 20m behind\n\
                 skipped device: {unknown}\n\
                 skipped policy: {unknown}\n\
                 skipped session: cannot tell whether AWS accepts it: this machine's clock is 20m behind\n",
                aws.url(),
                unknown = words::the_user_is_unknown()
            )
        )
    );
}

#[test]
fn foreign_or_old_keys_are_a_finding() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    let said = "(request 42d59b56-7407-4c4a-be0f-4c88daeea257)";
    let accepted = format!("ok      session: AWS accepts it as {USER}; valid for 11h 59m");
    let fails_with = |sandbox: &Sandbox, lines: &str, session: &str| {
        let (status, text) = findings(sandbox, &[], &["keys", "device", "policy", "session"]);
        assert_eq!(
            (status, text.as_str()),
            (
                1,
                format!(
                    "error   keys: {lines}\n\
                     skipped device: {unknown}\n\
                     skipped policy: {unknown}\n\
                     {session}\n",
                    unknown = words::the_user_is_unknown()
                )
                .as_str()
            )
        );
    };
    let fails = |sandbox: &Sandbox, lines: &str| fails_with(sandbox, lines, &accepted);
    // The session of another key is not used.
    let file = sandbox.session_file();
    let foreign = |key: &str| {
        format!(
            "warning session: the saved session belongs to the access key {KEY_ID}, but {key} is configured ({})\n        \
             aws-mfa get <code>",
            words::with_tilde(file.display())
        )
    };
    sandbox.set("MASTER_AWS_SECRET_ACCESS_KEY", "x");
    fails(
        &sandbox,
        &format!(
            "the secret does not belong to the access key {KEY_ID}: SignatureDoesNotMatch: The request signature \
             we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing \
             method. Consult the service documentation for details. {said}\n        \
             check the secret that goes with MASTER_AWS_ACCESS_KEY_ID"
        ),
    );
    sandbox
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET)
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAUNKNOWN");
    fails_with(
        &sandbox,
        &format!(
            "AWS does not know the access key AKIAUNKNOWN: deleted, inactive or from another partition: \
             InvalidClientTokenId: The security token included in the request is invalid. {said}\n        \
             check MASTER_AWS_ACCESS_KEY_ID"
        ),
        &foreign("AKIAUNKNOWN"),
    );
    sandbox.set("MASTER_AWS_ACCESS_KEY_ID", "ASIAX");
    fails_with(
        &sandbox,
        "MASTER_AWS_ACCESS_KEY_ID is a temporary key (ASIA…); a long-term key (AKIA…) is required\n        \
         set it to the user's own access key: GetSessionToken requires a long-term key",
        &foreign("ASIAX"),
    );
    sandbox.set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID);
    let root = "arn:aws:iam::123456789012:root";
    aws.set_owner(root);
    fails(
        &sandbox,
        &format!(
            "{KEY_ID} is a key of the root user: {root}\n        \
             use the key of an IAM user, and delete the root user's keys in the console, under Security credentials"
        ),
    );
    let role = "arn:aws:sts::123456789012:assumed-role/x/y";
    aws.set_owner(role);
    fails(
        &sandbox,
        &format!(
            "{KEY_ID} is a temporary key: {role}\n        \
             check MASTER_AWS_ACCESS_KEY_ID: a long-term access key (AKIA…) is required"
        ),
    );

    aws.set_owner(USER);
    let age = |iam: FakeIam| {
        aws.set_iam(iam);
        let (_, text) = findings(&sandbox, &[], &["keys"]);
        // After its owner and its place.
        text.split_once("rotate --profile work --to file\n")
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(
        age(iam(&[], 90)),
        format!("ok      keys: {KEY_ID} is 90 days old\n")
    );
    assert_eq!(
        age(iam(&[], 91)),
        format!(
            "warning keys: {KEY_ID} is 91 days old\n        \
             move it to a profile: `aws-mfa rotate --profile work --to file`\n"
        )
    );
    let denied = FakeIam {
        is_denied: true,
        ..iam(&[], 1)
    };
    assert_eq!(
        age(denied),
        format!(
            "skipped keys: cannot tell the age of {KEY_ID}: this user is not allowed to list its own access keys\n"
        )
    );

    // AWS failed, not the keys.
    aws.behave(answer(503));
    assert_eq!(
        findings(&sandbox, &[], &["keys", "session"]),
        (
            0,
            format!(
                "skipped keys: cannot find the owner of {KEY_ID}: STS is throttling requests (HTTP 503)\n\
                 skipped session: cannot tell whether AWS accepts it: STS is throttling requests (HTTP 503)\n"
            )
        )
    );
}

#[test]
fn credential_process_without_keys_is_an_error() {
    let aws = FakeSts::start();
    let mut sandbox = user(&aws);
    sandbox.write(
        ".aws/config",
        "[profile work]\ncredential_process = cat ~/key.json\n",
    );
    sandbox.write("key.json", SECRET);
    let checks = ["network", "keys", "session"];
    let keys = "error   keys: credential_process in the profile work printed something other than credentials\n        \
                run it in a shell to see why; it has to print {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}\n";
    let file = sandbox.home().join(".config/aws/session-work");
    assert_eq!(
        findings(&sandbox, &["-p", "work"], &checks),
        (
            1,
            format!(
                "skipped network: there are no keys to sign a request with\n{keys}\
                 warning session: {}\n        \
                 aws-mfa get --profile work <code>\n",
                words::no_session_yet(file.display())
            )
        )
    );
    // The session signs the first request.
    sandbox.write(&file, session_json(in_an_hour()));
    sandbox.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    assert_eq!(
        findings(&sandbox, &["-p", "work"], &checks),
        (
            1,
            format!(
                "error   network: {}\n        \
                 check AWS_ENDPOINT_URL_STS\n{keys}\
                 skipped session: AWS was not reached\n",
                words::connection_refused("http://127.0.0.1:1")
            )
        )
    );
}

#[test]
fn device_that_iam_does_not_list_is_an_error() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    let device = |sandbox: &Sandbox, devices: &[&str]| {
        aws.set_iam(iam(devices, 1));
        findings(sandbox, &[], &["device"])
    };
    let foreign = |others: &str, hint: &str| {
        let text = format!(
            "error   device: {DEVICE} does not belong to igor, who has {others}\n        {hint}\n"
        );
        (1, text)
    };
    assert_eq!(
        device(&sandbox, &[OTHER, FIDO]),
        foreign(OTHER, &format!("set AWS_MFA_ARN to {OTHER}"))
    );
    assert_eq!(
        device(&sandbox, &[FIDO]),
        foreign("none that generates codes", "check AWS_MFA_ARN")
    );
    let denied = FakeIam {
        is_denied: true,
        ..FakeIam::default()
    };
    aws.set_iam(denied.clone());
    assert_eq!(
        findings(&sandbox, &[], &["device"]),
        (
            0,
            "skipped device: cannot find its owner: this user is not allowed to list its own MFA devices\n"
                .to_owned()
        )
    );

    sandbox.unset("AWS_MFA_ARN");
    let (status, text) = findings(&sandbox, &[], &["device"]);
    assert_eq!(status, 1);
    let hint = "\n        allow iam:ListMFADevices on arn:aws:iam::*:user/${aws:username}; \
                to skip IAM, set AWS_MFA_ARN to the device's ARN\n";
    assert!(text.ends_with(hint), "{text}");
    let add = "add a virtual MFA device (an authenticator app) in the IAM console, under Security credentials";
    assert_eq!(
        device(&sandbox, &[]),
        (
            1,
            format!("error   device: this user has no MFA device\n        {add}\n")
        )
    );
    assert_eq!(
        device(&sandbox, &[FIDO]),
        (
            1,
            format!(
                "error   device: this user has only security keys or passkeys, which generate no six-digit code for STS: {FIDO}\n        {add}\n"
            )
        )
    );
    assert_eq!(
        device(&sandbox, &[DEVICE, FIDO]),
        (0, format!("ok      device: `get` finds {DEVICE} in IAM\n"))
    );
    assert_eq!(
        device(&sandbox, &[DEVICE, OTHER]),
        (
            0,
            format!(
                "warning device: none is configured, and igor has several: {DEVICE}, {OTHER}\n        \
                 set AWS_MFA_ARN to {DEVICE}\n"
            )
        )
    );
    aws.set_iam(iam(&[DEVICE], 1));
    assert_eq!(sandbox.run(["get", "222222"]).status, 0);
    assert_eq!(
        device(&sandbox, &[OTHER]),
        foreign(
            OTHER,
            &format!("aws-mfa get --serial-number {OTHER} <code>")
        )
    );
    assert_eq!(
        device(&sandbox, &[]),
        foreign("none that generates codes", "aws-mfa clear")
    );
}

#[test]
fn keys_that_work_without_mfa_are_a_warning() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    let policy = |sandbox: &Sandbox, needs_mfa, is_denied| {
        aws.set_iam(FakeIam {
            needs_mfa,
            is_denied,
            ..iam(&[DEVICE], 1)
        });
        findings(sandbox, &[], &["policy"])
    };
    assert_eq!(
        policy(&sandbox, false, false),
        (
            0,
            "warning policy: MFA is not enforced: the access key can list itself without a session\n        \
             as an administrator, deny igor every action where `aws:MultiFactorAuthPresent` is not true, except \
             `sts:GetSessionToken`, `sts:GetCallerIdentity` and `iam:ListMFADevices`\n"
                .to_owned()
        )
    );
    let cannot_tell = |why: &str| {
        (
            0,
            format!("skipped policy: cannot tell whether MFA is enforced: {why}\n"),
        )
    };
    assert_eq!(
        policy(&sandbox, true, true),
        cannot_tell("this user is not allowed to list its own access keys with the session either")
    );
    sandbox.set("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1");
    assert_eq!(
        policy(&sandbox, true, false),
        cannot_tell(&words::connection_refused("http://127.0.0.1:1"))
    );
    sandbox.set("AWS_ENDPOINT_URL_IAM", aws.url());
    sandbox.run(["clear"]).succeeded();
    assert_eq!(
        policy(&sandbox, true, false),
        cannot_tell(
            "this user is not allowed to list its own access keys, and there is no session to try\n        \
             aws-mfa get <code>"
        )
    );
}

#[test]
fn rejected_or_foreign_session_is_an_error() {
    let aws = FakeSts::start();
    let sandbox = user_with_session(&aws);
    let session = || findings(&sandbox, &[], &["session"]);
    let file = sandbox.session_file();
    let anna = "arn:aws:iam::123456789012:user/anna";
    aws.set_owner(anna);
    assert_eq!(
        session(),
        (
            0,
            format!(
                "warning session: the session belongs to {USER}, but the keys belong to {anna}\n        \
                 aws-mfa get <code>\n"
            )
        )
    );
    let saved = std::fs::read_to_string(&file).unwrap();
    sandbox.write(&file, saved.replace("token//", "other//"));
    assert_eq!(
        session(),
        (
            1,
            format!(
                "error   session: {}: InvalidClientTokenId: The security \
                 token included in the request is invalid. (request 42d59b56-7407-4c4a-be0f-4c88daeea257)\n        \
                 aws-mfa get <code>\n",
                words::aws_rejected_the_session(SESSION)
            )
        )
    );
    sandbox.write_session(Timestamp::now() - SignedDuration::from_secs(870));
    assert_eq!(
        session(),
        (
            0,
            format!(
                "warning session: {}\n        aws-mfa get <code>\n",
                words::session_expired("14m", file.display())
            )
        )
    );
    sandbox.write(&file, "x");
    assert_eq!(
        session(),
        (
            1,
            "skipped session: the session file cannot be used\n".to_owned()
        )
    );
}

/// Without the master keys, the session is still checked.
#[test]
fn session_without_keys_is_checked() {
    let aws = FakeSts::start();
    let mut sandbox = user_with_session(&aws);
    sandbox
        .unset("MASTER_AWS_ACCESS_KEY_ID")
        .unset("MASTER_AWS_SECRET_ACCESS_KEY");
    assert_eq!(
        findings(&sandbox, &[], &ONLINE),
        (
            1,
            format!(
                "ok      network: {} answers\n\
                 ok      clock: {}\n\
                 skipped keys: no keys are configured\n\
                 skipped device: {unknown}\n\
                 skipped policy: {unknown}\n\
                 ok      session: AWS accepts it as {USER}; valid for 11h 59m\n",
                aws.url(),
                words::clock_is_right(),
                unknown = words::the_user_is_unknown()
            )
        )
    );
}

#[test]
fn each_role_is_assumed_once_and_nothing_is_saved() {
    const DEPLOY: &str = "arn:aws:iam::333333333333:role/deploy";
    const ADMIN: &str = "arn:aws:iam::333333333333:role/admin";
    let aws = FakeSts::start();
    aws.add_role(DEPLOY, Role::default());
    let mut sandbox = user(&aws);
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sandbox.write(
        ".aws/config",
        format!(
            "[profile staging]\nrole_arn = {DEPLOY}\nsource_profile = work\n\
             [profile admin]\nrole_arn = {ADMIN}\nsource_profile = work\n\
             [profile x]\nrole_arn = {DEPLOY}\nsource_profile = gone\n"
        ),
    );
    let roles = |sandbox: &Sandbox| findings(sandbox, &["-p", "work", "--roles"], &["roles"]);
    let home = sandbox.home();
    let none = |name: &str| {
        format!(
            "skipped roles: {name}: {}\n        \
             aws-mfa get --profile {name} <code>\n",
            words::no_session_yet(home.join(".config/aws/session-work").display())
        )
    };
    let gone = format!(
        "error   roles: x: {}, which is the source_profile of the profile x\n        \
         available profiles: admin, staging, work, x\n",
        words::there_is_no_profile("gone", &home)
    );
    assert_eq!(
        roles(&sandbox),
        (1, none("admin") + &none("staging") + &gone)
    );
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let before = tree(&sandbox.home());
    assert_eq!(
        roles(&sandbox),
        (
            1,
            format!(
                "error   roles: admin: the user igor is not allowed to assume the role {ADMIN}: AccessDenied: User: {USER} \
                 is not authorized to perform: sts:AssumeRole on resource: {ADMIN} \
                 (request 42d59b56-7407-4c4a-be0f-4c88daeea257)\n        \
                 check the role's trust policy, the permission sts:AssumeRole, external_id, role_session_name, source_identity and session_tags\n\
                 ok      roles: staging: the session may assume {DEPLOY}\n{gone}"
            )
        )
    );
    assert_eq!(aws.requests_for("AssumeRole").len(), 2);
    assert_eq!(tree(&sandbox.home()), before);
    // The role of a directory, on top of that directory's session.
    sandbox.get("222222");
    sandbox.set("AWS_MFA_ROLE_ARN", DEPLOY);
    let (_, text) = findings(&sandbox, &["--roles"], &["roles"]);
    let line = format!("ok      roles: AWS_MFA_ROLE_ARN: the session may assume {DEPLOY}\n");
    assert!(text.ends_with(&line), "{text}");
    std::fs::remove_dir_all(sandbox.home().join(".aws")).unwrap();
    sandbox.unset("AWS_MFA_ROLE_ARN");
    assert_eq!(
        findings(&sandbox, &["--roles"], &["roles"]),
        (0, "ok      roles: none is configured\n".to_owned())
    );
}
