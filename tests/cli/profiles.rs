//! Profiles in `~/.aws`: several accounts side by side, keys from elsewhere, and invalid files.

#[cfg(unix)]
use super::deadline::InTime;
use super::fake_iam::FakeIam;
#[cfg(unix)]
use super::fake_sts;
use super::fake_sts::{FakeSts, KEY_ID, SECRET};
use super::sandbox::{Sandbox, profile_keys};
use super::tool::tool;
use super::words;
use std::collections::BTreeMap;
use std::path::{MAIN_SEPARATOR as SEP, Path, PathBuf};

const WORK: &str = "arn:aws:iam::111111111111:mfa/igor";
const PRIVATE: &str = "arn:aws:iam::222222222222:mfa/igor";

/// A user with only these two files in `~/.aws`.
fn with_files(sts: &FakeSts, config: &str, credentials: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
    sandbox.write(".aws/config", config);
    sandbox.write(".aws/credentials", credentials);
    sandbox
}

fn two_accounts(sts: &FakeSts) -> Sandbox {
    with_files(
        sts,
        &format!(
            "[profile work]\nmfa_serial = {WORK}\nregion = eu-central-1\nduration_seconds = 3600\n\
             [profile private]\nmfa_serial = {PRIVATE}\n"
        ),
        &format!("[work]\n{}[private]\n{}", profile_keys(), profile_keys()),
    )
}

/// Runs a `get` that must fail, and returns the two lines of its error.
#[track_caller]
fn fails(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.run(arguments).failed(1).to_owned()
}

/// All files below a directory, with their contents.
fn tree(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn each_profile_has_its_own_session() {
    let sts = FakeSts::start();
    let sandbox = two_accounts(&sts);
    let before = tree(&sandbox.home().join(".aws"));
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    assert_eq!(
        sandbox
            .run(["get", "--profile", "private", "222222"])
            .status,
        0
    );
    assert_eq!(
        sandbox.session_directory(),
        ["session-private", "session-work"]
    );
    let requests = sts.requests();
    for (request, device, region, duration) in [
        (&requests[0], WORK, "eu-central-1", "3600"),
        (&requests[1], PRIVATE, "us-east-1", "43200"),
    ] {
        assert_eq!(request.form["SerialNumber"], device);
        assert_eq!(request.region, region);
        assert_eq!(request.form["DurationSeconds"], duration);
    }
    // A profile's region belongs to its session, in every shell.
    let work = sandbox.run(["load", "-p", "work"]).stdout;
    assert!(
        work.contains("export AWS_ACCESS_KEY_ID='ASIASESSION000000001'\n"),
        "{work}"
    );
    assert!(
        work.contains("export AWS_REGION='eu-central-1'\n"),
        "{work}"
    );
    assert!(
        work.contains("export AWS_DEFAULT_REGION='eu-central-1'\n"),
        "{work}"
    );
    let private = sandbox.run(["load", "-p", "private"]).stdout;
    assert!(
        private.contains("export AWS_ACCESS_KEY_ID='ASIASESSION000000002'\n"),
        "{private}"
    );
    assert!(!private.contains("REGION"), "{private}");
    // AWS_PROFILE selects the same session as the flag.
    let mut sandbox = sandbox;
    sandbox.set("AWS_PROFILE", "work");
    assert_eq!(sandbox.run(["load"]).stdout, work);
    assert_eq!(tree(&sandbox.home().join(".aws")), before);
}

#[test]
fn region_flag_beats_the_profile_and_is_saved() {
    let sts = FakeSts::start();
    let sandbox = two_accounts(&sts);
    let outcome = sandbox.run(["get", "-p", "work", "--region", "eu-west-3", "111111"]);
    assert_eq!(outcome.status, 0);
    assert_eq!(sts.requests()[0].region, "eu-west-3");
    let loaded = sandbox.run(["load", "-p", "work"]).stdout;
    assert!(loaded.contains("export AWS_REGION='eu-west-3'\n"));
}

#[cfg(unix)]
#[test]
fn read_only_aws_directory_is_enough_for_get() {
    use super::sandbox::chmod;
    let sts = FakeSts::start();
    let sandbox = two_accounts(&sts);
    let directory = sandbox.home().join(".aws");
    chmod(&directory.join("config"), 0o400);
    chmod(&directory.join("credentials"), 0o400);
    chmod(&directory, 0o500);
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    chmod(&directory, 0o700);
}

#[test]
fn get_without_a_profile_uses_default() {
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        &format!("[default]\nmfa_serial = {WORK}\n{}", profile_keys()),
        "",
    );
    sandbox.get("111111");
    assert_eq!(sandbox.session_directory(), ["session-default"]);
}

#[test]
fn profile_flag_beats_the_environment_and_aws_profile_does_not() {
    let sts = FakeSts::start();
    let mut sandbox = two_accounts(&sts);
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", "other")
        .set("AWS_SESSION_FILE", "/nonexistent/session");
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    assert_eq!(sandbox.session_directory(), ["session-work"]);

    let file = sandbox.session_file();
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_SESSION_FILE", &file)
        .set("AWS_PROFILE", "work");
    sandbox.get("222222");
    assert!(file.exists());
    // The profile's other settings still count.
    assert_eq!(sts.requests()[1].form["SerialNumber"], WORK);
}

/// Another project's `.envrc`, with every setting for another account.
fn in_another_project(sandbox: &mut Sandbox) {
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", "other")
        .set("AWS_SESSION_FILE", "/nonexistent/session")
        .set("AWS_MFA_ARN", PRIVATE)
        .set("AWS_MFA_DURATION", "2h")
        .set("AWS_REGION", "ap-south-1")
        .set("AWS_MFA_CODE_COMMAND", "echo 999999")
        .set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");
}

#[cfg(unix)]
#[test]
fn explicit_profile_beats_every_variable() {
    let sts = FakeSts::start();
    let profile = format!(
        "[profile work]\nmfa_serial = {WORK}\nregion = eu-central-1\nduration_seconds = 3600\n\
         mfa_process = cat code\nendpoint_url = {}\n{}",
        sts.url(),
        profile_keys()
    );
    let mut sandbox = with_files(&sts, &profile, "");
    in_another_project(&mut sandbox);
    let gets = |sandbox: &Sandbox, arguments: &[&str], code: &str| {
        sandbox.write("code", code);
        let outcome = sandbox.run(arguments);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        let request = sts.requests().pop().unwrap();
        assert_eq!(request.form["SerialNumber"], WORK);
        assert_eq!(request.form["DurationSeconds"], "3600");
        assert_eq!(request.form["TokenCode"], code);
        assert_eq!(request.region, "eu-central-1");
        assert_eq!(sandbox.session_directory(), ["session-work"]);
    };
    gets(&sandbox, &["get", "-p", "work"], "246810");
    sandbox.set("AWS_MFA_PROFILE", "work");
    gets(&sandbox, &["get"], "135790");
    let file = sandbox.session_file();
    // AWS_PROFILE may be for another tool, so the environment's settings count.
    sandbox
        .unset("AWS_MFA_PROFILE")
        .set("AWS_PROFILE", "work")
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_ENDPOINT_URL_STS", sts.url())
        .set("AWS_SESSION_FILE", file);
    assert_eq!(sandbox.run(["get"]).status, 0);
    let request = sts.requests().pop().unwrap();
    assert_eq!(request.form["SerialNumber"], PRIVATE);
    assert_eq!(request.form["DurationSeconds"], "7200");
    assert_eq!(request.form["TokenCode"], "999999");
    assert_eq!(request.region, "ap-south-1");
}

#[test]
fn explicit_profile_without_keys_uses_the_environments_keys() {
    let sts = FakeSts::start();
    let mut sandbox = with_files(&sts, &format!("[profile work]\nmfa_serial = {WORK}\n"), "");
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET);
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    assert_eq!(sandbox.session_directory(), ["session-work"]);
    // A profile with IAM Identity Center does not.
    sandbox.write(".aws/config", "[profile sso]\nsso_session = corporate\n");
    assert_eq!(
        fails(&sandbox, &["get", "-p", "sso", "111111"]),
        "aws-mfa: the profile sso has no keys\n\
         hint: it signs in with IAM Identity Center, which has its own MFA: run `aws sso login`\n"
    );
    assert_eq!(sts.requests().len(), 1);
}

/// Applies the output of `load` to the sandbox, as a shell would.
fn load(sandbox: &mut Sandbox, arguments: &[&str]) -> String {
    let loaded = sandbox.run([&["load", "--format", "dotenv"], arguments].concat());
    assert_eq!((loaded.status, loaded.stderr.as_str()), (0, ""));
    for line in loaded.stdout.lines() {
        let (name, value) = line.split_once('=').unwrap();
        sandbox.set(name, value);
    }
    loaded.stdout
}

#[test]
fn get_load_get_in_one_shell_keeps_the_region() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let region = |sandbox: &Sandbox| {
        let json = std::fs::read(sandbox.session_file()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&json).unwrap()["Region"].clone()
    };
    sandbox.write(".aws/config", "[profile eu]\nregion = eu-central-1\n");
    sandbox.set("AWS_PROFILE", "eu");
    for code in ["111111", "222222", "333333"] {
        assert_eq!(sandbox.run(["get", code]).status, 0);
        // The profile's region counts at each `load`, and is not saved.
        assert_eq!(region(&sandbox), serde_json::Value::Null);
        let loaded = load(&mut sandbox, &[]);
        let is_first = code == "111111";
        assert_eq!(loaded.contains("AWS_REGION=eu-central-1\n"), is_first);
    }
    // If the user exports another region, the shell keeps that one.
    sandbox.set("AWS_REGION", "us-west-2");
    assert_eq!(sandbox.run(["get", "444444"]).status, 0);
    assert_eq!(region(&sandbox), serde_json::Value::Null);
    let regions: Vec<String> = sts
        .requests()
        .into_iter()
        .map(|request| request.region)
        .collect();
    assert_eq!(
        regions,
        ["eu-central-1", "eu-central-1", "eu-central-1", "us-west-2"]
    );
}

#[test]
fn exported_aws_mfa_profile_selects_one_session_for_every_subcommand() {
    let sts = FakeSts::start();
    let mut sandbox = two_accounts(&sts);
    sandbox.set("AWS_MFA_PROFILE", "work");
    assert_eq!(sandbox.run(["get", "111111"]).status, 0);
    assert_eq!(sandbox.session_directory(), ["session-work"]);
    let key = "ASIASESSION000000001";
    assert!(sandbox.run(["load"]).stdout.contains(key));
    assert!(sandbox.run(["status"]).stdout.contains(key));
    if tool("env").is_some() {
        let exec = sandbox.run(["exec", "env"]).stdout;
        assert!(
            exec.contains(&format!("AWS_ACCESS_KEY_ID={key}\n")),
            "{exec}"
        );
    }
    sandbox
        .run(["clear"])
        .is(0, &(words::removed_the_session("work") + "\n"), "");
}

#[test]
fn status_warns_about_variables_that_aws_mfa_profile_overrides() {
    let sts = FakeSts::start();
    let mut sandbox = two_accounts(&sts);
    in_another_project(&mut sandbox);
    sandbox.set("AWS_MFA_PROFILE", "work");
    let ignored = |sandbox: &Sandbox, arguments: &[&str]| -> Vec<String> {
        let shown = sandbox.run(arguments).stdout;
        let ignored = shown.lines().filter(|line| line.contains(" is ignored, "));
        ignored.map(str::to_owned).collect()
    };
    let unset = match cfg!(windows) {
        true => "Remove-Item Env:",
        false => "unset ",
    };
    assert_eq!(
        ignored(&sandbox, &["status"]),
        [
            "AWS_SESSION_FILE",
            "MASTER_AWS_ACCESS_KEY_ID",
            "MASTER_AWS_SECRET_ACCESS_KEY"
        ]
        .map(|name| format!(
            "warning: {name} is ignored, because AWS_MFA_PROFILE selects the profile work: {unset}{name}"
        ))
    );
    assert!(ignored(&sandbox, &["status", "-p", "private"]).is_empty());
    sandbox.unset("AWS_MFA_PROFILE");
    assert!(ignored(&sandbox, &["status"]).is_empty());
}

#[test]
fn profile_that_loads_another_profile_is_its_alias() {
    let sts = FakeSts::start();
    let mut sandbox = two_accounts(&sts);
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    sandbox.write(
        ".aws/config",
        format!(
            "{config}[profile work-mfa]\ncredential_process = aws-mfa load --profile work --format process\n\
             [profile ide]\ncredential_process = '/opt/x/aws-mfa' load -p work-mfa -f process\n"
        ),
    );
    for (number, name) in ["work-mfa", "ide"].into_iter().enumerate() {
        assert_eq!(
            sandbox
                .run(["get", "-p", name, &format!("11111{number}")])
                .status,
            0
        );
        assert_eq!(sandbox.session_directory(), ["session-work"]);
        assert_eq!(sts.requests()[number].form["SerialNumber"], WORK);
        let loaded = sandbox.run(["load", "-p", name]);
        assert_eq!((loaded.status, loaded.stderr.as_str()), (0, ""));
    }
    sandbox.set("AWS_PROFILE", "ide");
    assert_eq!(sandbox.run(["get", "222222"]).status, 0);
    let status = sandbox.run(["status"]).stdout;
    assert!(
        status.contains("\nprofile: work (AWS_PROFILE)\n"),
        "{status}"
    );
    assert_eq!(sandbox.run(["clear"]).status, 0);
    assert!(sandbox.session_directory().is_empty());
}

/// A secret of AWS's length that contains the word for finding leaks.
const LIKE_A_SECRET: &str = "wJalrXUtnFEMIxK7MDENGxS3CR3T0bPxRfiCYKEY";

#[test]
fn secret_instead_of_a_key_id_is_an_error_that_does_not_show_it() {
    let sts = FakeSts::start();
    let mut sandbox = with_files(
        &sts,
        &format!("[default]\nmfa_serial = {WORK}\n"),
        &format!(
            "[default]\naws_access_key_id = {LIKE_A_SECRET}\naws_secret_access_key = {KEY_ID}\n"
        ),
    );
    let hint = "hint: set it to the id, which begins with AKIA; the secret has its own setting\n";
    assert_eq!(
        fails(&sandbox, &["get", "111111"]),
        format!(
            "aws-mfa: aws_access_key_id in the profile default looks like a secret access key, \
             not an access key id\n{hint}"
        )
    );
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", LIKE_A_SECRET)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", KEY_ID);
    for verb in ["get", "load", "exec true", "status", "clear"] {
        let outcome = sandbox.run(verb.split(' '));
        assert_eq!(outcome.status, 1, "{verb}");
        assert_eq!(
            outcome.stderr,
            format!(
                "aws-mfa: MASTER_AWS_ACCESS_KEY_ID looks like a secret access key, \
                 not an access key id\n{hint}"
            )
        );
    }
    sandbox.set("MASTER_AWS_ACCESS_KEY_ID", "AKIA\u{1b}[2J");
    assert_eq!(
        fails(&sandbox, &["get", "111111"]),
        format!("aws-mfa: MASTER_AWS_ACCESS_KEY_ID is not an access key id\n{hint}")
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn missing_aws_profile_with_keys_in_the_environment_is_ignored() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_PROFILE", "gone");
    sandbox.get("111111");
}

#[test]
fn half_a_key_pair_is_an_error() {
    let sts = FakeSts::start();
    let mut sandbox = with_files(
        &sts,
        "[profile half]\nsource_profile = work\ncredential_process = echo\n",
        &format!(
            "[half]\naws_secret_access_key = {SECRET}\n[work]\n{}",
            profile_keys()
        ),
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "half", "111111"]),
        "aws-mfa: aws_access_key_id in the profile half is not set, but aws_secret_access_key in the profile half is\n\
         hint: set both, or unset both to use keys from another source\n"
    );
    sandbox
        .set("AWS_PROFILE", "work")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET);
    assert_eq!(
        fails(&sandbox, &["get", "111111"]),
        "aws-mfa: MASTER_AWS_ACCESS_KEY_ID is not set, but MASTER_AWS_SECRET_ACCESS_KEY is\n\
         hint: set both, or unset both to use keys from another source\n"
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn missing_profile_is_an_error_with_suggestions() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "[profile work]\n[profile work-eu]\n[private]\n", "");
    let home = sandbox.home();
    let aws = words::with_tilde(home.join(".aws").display());
    for (name, hint) in [
        ("wrok", "did you mean work or work-eu?".to_owned()),
        ("zzz", "available profiles: work, work-eu".to_owned()),
        (
            "private",
            format!(
                "write [profile private] instead of [private] in {aws}{SEP}config, where the section is ignored"
            ),
        ),
    ] {
        assert_eq!(
            fails(&sandbox, &["get", "-p", name, "111111"]),
            words::failure(&words::there_is_no_profile(name, &home), &hint)
        );
    }
    let mut empty = Sandbox::new();
    empty.set("AWS_PROFILE", "work");
    let aws = words::with_tilde(empty.home().join(".aws").display());
    assert_eq!(
        fails(&empty, &["get", "111111"]),
        words::failure(
            &words::there_is_no_profile("work", &empty.home()),
            &format!(
                "put aws_access_key_id and aws_secret_access_key under [work] in {aws}{SEP}credentials"
            )
        )
    );
}

#[test]
fn profile_without_keys_is_an_error() {
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        "[profile work]\nregion = eu-west-1\n[profile sso]\nsso_session = corporate\n",
        "",
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "work", "111111"]),
        "aws-mfa: the profile work has no keys\n\
         hint: put aws_access_key_id and aws_secret_access_key under [work] in ~/.aws/credentials\n"
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "sso", "111111"]),
        "aws-mfa: the profile sso has no keys\n\
         hint: it signs in with IAM Identity Center, which has its own MFA: run `aws sso login`\n"
    );
}

#[test]
fn odd_files_are_read_as_the_aws_cli_reads_them() {
    let sts = FakeSts::start();
    let config = format!(
        "\u{feff}; mine\r\n[DEFAULT]\r\nregion: eu-central-1\r\n\r\n\
         [profile 'My Team'] # [ours]\r\n  mfa_serial\u{a0}= {WORK} ; phone\r\n    # indented\r\n  Duration_Seconds = 3600\r\n"
    );
    let credentials = format!(
        "# caf\u{e9}\r[ My Team ]\raws_access_key_id = {KEY_ID} # key\r  ; secret\raws_secret_access_key:{SECRET}\r"
    );
    let sandbox = with_files(&sts, &config, "");
    // Not UTF-8, but in a comment.
    let credentials = credentials.replace('\u{e9}', "\u{1}").into_bytes();
    let credentials: Vec<u8> = credentials
        .into_iter()
        .map(|byte| if byte == 1 { 0xe9 } else { byte })
        .collect();
    sandbox.write(".aws/credentials", credentials);
    assert_eq!(sandbox.run(["get", "-p", "My Team", "111111"]).status, 0);
    let request = &sts.requests()[0];
    assert_eq!(request.form["SerialNumber"], WORK);
    assert_eq!(request.form["DurationSeconds"], "3600");
    assert_eq!(request.region, "eu-central-1");
    let loaded = sandbox.run(["load", "-p", "My Team"]);
    assert_eq!((loaded.status, loaded.stderr.as_str()), (0, ""));
}

#[test]
fn broken_line_counts_where_its_profile_is_used() {
    let sts = FakeSts::start();
    let config = format!(
        "[profile work]\nmfa_serial = {WORK}\n[profile bad]\nregion\nsource_profile = work\n\
         [profile above]\nsource_profile = bad\n[profile open\nregion = x\n\
         [profile long]\nregion = eu-west-1\n  mfa_serial = {WORK}\n"
    );
    let keys = format!("[work]\n{}[long]\n{}", profile_keys(), profile_keys());
    let sandbox = with_files(&sts, &config, &keys);
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let path = sandbox.home().join(".aws").join("config");
    let shown = words::with_tilde(path.display());
    let broken = format!(
        "aws-mfa: cannot read the profile bad: line 4 of {shown} has no =\n\
         hint: write it as <key> = <value>, or put # before it to make it a comment\n"
    );
    for name in ["bad", "above"] {
        assert_eq!(fails(&sandbox, &["get", "-p", name, "111111"]), broken);
    }
    assert_eq!(
        fails(&sandbox, &["get", "-p", "open", "111111"]),
        format!(
            "aws-mfa: cannot read the profile open: line 8 of {shown} has no closing ]\n\
             hint: write it as [profile open]\n"
        )
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "long", "111111"]),
        format!(
            "aws-mfa: cannot read the profile long: line 12 of {shown} is indented, so it continues region of line 11\n\
             hint: remove the white space before it\n"
        )
    );
    // The keys in a broken section are not replaced by others.
    let credentials = sandbox.write(".aws/credentials", keys.replacen("[work]", "[work", 1));
    let mut other = sandbox;
    other
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", "other");
    assert_eq!(
        fails(&other, &["get", "-p", "work", "111111"]),
        format!(
            "aws-mfa: cannot read the profile work: line 1 of {} has no closing ]\n\
             hint: write it as [work]\n",
            words::with_tilde(credentials.display())
        )
    );
    let sandbox = other;
    sandbox.write(".aws/credentials", &keys);
    // Each remedy helps.
    for (before, after) in [
        ("region\nsource", "# region\nsource"),
        ("[profile open\n", "[profile open]\nsource_profile = work\n"),
        ("\n  mfa_serial", "\nmfa_serial"),
    ] {
        let text = std::fs::read_to_string(&path).unwrap();
        sandbox.write(".aws/config", text.replacen(before, after, 1));
    }
    for (name, code) in [("above", "222222"), ("open", "333333"), ("long", "444444")] {
        let outcome = sandbox.run(["get", "-p", name, "--region", "eu-west-1", code]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{name}");
    }
}

#[test]
fn access_key_comes_from_one_file() {
    let sts = FakeSts::start();
    let old = "aws_access_key_id = AKIAOLD\naws_secret_access_key = old\naws_session_token = old\n";
    let config = format!("[profile work]\nmfa_serial = {WORK}\n{old}");
    let sandbox = with_files(&sts, &config, &format!("[work]\n{}", profile_keys()));
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let credentials = sandbox.write(
        ".aws/credentials",
        format!("[work]\naws_access_key_id = {KEY_ID}\n"),
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "work", "111111"]),
        format!(
            "aws-mfa: the profile work has the id of its access key in {} and the secret in {}\n\
             hint: move both to one of the files\n",
            words::with_tilde(credentials.display()),
            words::with_tilde(credentials.with_file_name("config").display())
        )
    );
}

#[test]
fn unreadable_profile_file_is_an_error() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "", "");
    let credentials = sandbox.write(".aws/credentials", b"\xff\xfe[\0w\0]\0");
    assert_eq!(
        fails(&sandbox, &["get", "-p", "work", "111111"]),
        format!(
            "aws-mfa: cannot read {}: it is UTF-16, not UTF-8\nhint: save it as UTF-8\n",
            words::with_tilde(credentials.display())
        )
    );
    // Windows denies access to a directory.
    let correct = match cfg!(windows) {
        true => "",
        false => "correct the file, or ",
    };
    let other = "use another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE";
    let hint = format!("hint: {correct}{other}\n");
    std::fs::remove_file(&credentials).unwrap();
    std::fs::create_dir(&credentials).unwrap();
    let said = fails(&sandbox, &["get", "-p", "work", "111111"]);
    assert!(
        said.starts_with(&format!(
            "aws-mfa: cannot read {}: ",
            words::with_tilde(credentials.display())
        )) && said.ends_with(&hint),
        "{said}"
    );
}

#[test]
fn profile_files_from_variables_are_read_with_tilde_expanded() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::new();
    sandbox.write("here/config", format!("[profile a]\nmfa_serial = {WORK}\n"));
    let credentials = sandbox.write("there/credentials", format!("[a]\n{}", profile_keys()));
    sandbox
        .set("AWS_ENDPOINT_URL_STS", sts.url())
        .set("AWS_CONFIG_FILE", "~/here/config")
        .set("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    assert_eq!(sandbox.run(["get", "-p", "a", "111111"]).status, 0);
    assert_eq!(sts.requests()[0].form["SerialNumber"], WORK);
}

#[test]
fn endpoint_url_of_a_profile_is_used() {
    let sts = FakeSts::start();
    let mut sandbox = with_files(
        &sts,
        &format!(
            "[profile work]\nmfa_serial = {WORK}\nendpoint_url = {}\n{}",
            sts.url(),
            profile_keys()
        ),
        "",
    );
    sandbox.unset("AWS_ENDPOINT_URL_STS");
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn endpoint_of_a_services_section_is_used() {
    let sts = FakeSts::start();
    sts.set_iam(FakeIam {
        devices: vec![WORK.to_owned()],
        ..FakeIam::default()
    });
    let url = sts.url();
    let dead = "http://127.0.0.1:1";
    let config = format!(
        "[profile work]\nservices = my services # ours\nendpoint_url = {dead}\n{}\
         [services 'my services']\nsts =\n  endpoint_url = {url} # here\n\
         iam =\n  Endpoint_URL = {dead}\n  endpoint_url = {url}\n",
        profile_keys()
    );
    let mut sandbox = with_files(&sts, &config, "");
    // An explicit profile's beats the variables; it is also that of the question for the device.
    sandbox
        .set("AWS_ENDPOINT_URL_STS", dead)
        .set("AWS_ENDPOINT_URL", dead);
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    let request = sts.requests().pop().unwrap();
    assert_eq!(request.form["SerialNumber"], WORK);
    let status = sandbox.run(["status", "-p", "work"]).stdout;
    let row = format!("\nSTS endpoint: {url} (profile work)\n");
    assert!(status.contains(&row), "{status}");
    // Otherwise, the variables beat the profile.
    sandbox.set("AWS_PROFILE", "work").set("AWS_MFA_ARN", WORK);
    let asked = sts.requests().len();
    assert_eq!(sandbox.run(["get", "222222"]).status, 1);
    sandbox
        .unset("AWS_ENDPOINT_URL_STS")
        .unset("AWS_ENDPOINT_URL");
    assert_eq!(sandbox.run(["get", "333333"]).status, 0);
    assert_eq!(sts.requests().len(), asked + 1);

    // What is meant as an endpoint is never passed over.
    let path = sandbox.home().join(".aws").join("config");
    for (from, to, message) in [
        (
            "my services #",
            "mine #",
            format!(
                "services in the profile work is mine, but there is no section [services mine]\n\
                 hint: add [services mine] to {}, or remove services from the profile\n",
                words::with_tilde(path.display())
            ),
        ),
        (
            "sts =\n  endpoint_url",
            "sts =\nendpoint_url",
            format!(
                "line 7 of {} has no indented lines below it, so sts has no endpoint_url\n\
                 hint: write sts = on that line, and an indented line endpoint_url = <URL> below it\n",
                words::with_tilde(path.display())
            ),
        ),
        (
            "  Endpoint_URL =",
            "  Endpoint_URL",
            format!(
                "cannot read the profile work: line 10 of {} has no =\n\
                 hint: write it as <key> = <value>, or put # before it to make it a comment\n",
                words::with_tilde(path.display())
            ),
        ),
    ] {
        sandbox.write(".aws/config", config.replacen(from, to, 1));
        let said = fails(&sandbox, &["get", "444444"]);
        assert_eq!(said, format!("aws-mfa: {message}"));
    }
    assert_eq!(sts.requests().len(), asked + 1);
    let mended = config.replacen("my services #", "mine #", 1);
    sandbox.write(
        ".aws/config",
        format!("{mended}[services mine]\nsts =\n  endpoint_url = {url}\n"),
    );
    assert_eq!(sandbox.run(["get", "444444"]).status, 0);
}

#[test]
fn source_profile_in_a_cycle_or_missing_is_an_error() {
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = c\n[profile c]\nsource_profile = b\n\
         [profile lost]\nsource_profile = aa\n",
        "",
    );
    let aws = words::with_tilde(sandbox.home().join(".aws").display());
    assert_eq!(
        fails(&sandbox, &["get", "-p", "a", "111111"]),
        format!(
            "aws-mfa: cycle in source_profile: a → b → c → b\n\
             hint: set source_profile to the profile that has the keys, in {aws}{SEP}config\n"
        )
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "lost", "111111"]),
        words::failure(
            &format!(
                "{}, which is the source_profile of the profile lost",
                words::there_is_no_profile("aa", &sandbox.home())
            ),
            "did you mean a?"
        )
    );
}

#[cfg(unix)]
mod credential_process {
    use super::*;

    /// A user whose profile `work` gets its keys from this command line.
    fn with_process(sts: &FakeSts, command_line: &str) -> Sandbox {
        with_files(
            sts,
            &format!("[profile work]\nmfa_serial = {WORK}\ncredential_process = {command_line}\n"),
            "",
        )
    }

    /// A program in the home directory that prints these keys.
    fn printing(sandbox: &Sandbox, json: &str) -> String {
        let path = sandbox.write("keys.json", json);
        format!("cat '{}'", path.display())
    }

    #[track_caller]
    fn refused(json: &str, what: &str, hint: &str) {
        let sts = FakeSts::start();
        let sandbox = Sandbox::new();
        let sandbox_with_profile = with_process(&sts, &printing(&sandbox, json));
        assert_eq!(
            fails(&sandbox_with_profile, &["get", "-p", "work", "111111"]),
            format!("aws-mfa: credential_process in the profile work {what}\nhint: {hint}\n")
        );
        assert!(sts.requests().is_empty());
    }

    const RUN_IT: &str = "run it in a shell to see why; it has to print {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}";
    const NOT_ITSELF: &str = "GetSessionToken requires a long-term key: use the profile that has the user's own keys (AKIA…): `--profile <name>`";

    #[test]
    fn valid_output_signs_the_request_and_stderr_is_shown() {
        let sts = FakeSts::start();
        let sandbox = with_process(&sts, "sh \"$HOME/my vault\" --user 'igor b' | cat");
        sandbox.write(
            "my vault",
            format!(
                "echo \"unlocking for $2\" >&2\n\
                 echo '{{\"Version\": 1, \"AccessKeyId\": \"{KEY_ID}\", \"SecretAccessKey\": \"{SECRET}\"}}'\n"
            ),
        );
        let outcome = sandbox.run(["get", "-p", "work", "111111"]);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, "unlocking for igor b\n")
        );
        assert_eq!(sts.requests().len(), 1);
        assert_eq!(sandbox.session_directory(), ["session-work"]);
    }

    #[test]
    fn invalid_output_is_an_error_that_does_not_show_it() {
        let secret = fake_sts::SECRET_WORD;
        refused(secret, "printed something other than credentials", RUN_IT);
        refused(
            &format!(r#"{{"Version": 2, "AccessKeyId": "AKIA1", "SecretAccessKey": "{secret}"}}"#),
            "printed Version 2, not 1",
            RUN_IT,
        );
        refused(
            &format!(r#"{{"Version": 1, "SecretAccessKey": "{secret}"}}"#),
            "printed no AccessKeyId",
            RUN_IT,
        );
        refused(
            r#"{"Version": 1, "AccessKeyId": "AKIA1"}"#,
            "printed no SecretAccessKey",
            RUN_IT,
        );
        for session in [
            format!(r#"{{"Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "{secret}"}}"#),
            format!(
                r#"{{"Version": 1, "AccessKeyId": "AKIA1", "SecretAccessKey": "{secret}", "SessionToken": "{secret}"}}"#
            ),
        ] {
            refused(
                &session,
                "printed temporary credentials, not long-term keys",
                NOT_ITSELF,
            );
        }
    }

    #[test]
    fn failing_command_is_an_error_with_its_status() {
        let sts = FakeSts::start();
        let sandbox = with_process(&sts, "echo locked >&2; exit 4");
        assert_eq!(
            fails(&sandbox, &["get", "-p", "work", "111111"]),
            format!(
                "locked\naws-mfa: credential_process in the profile work failed: exit status: 4\nhint: {RUN_IT}\n"
            )
        );
    }

    #[test]
    fn command_that_runs_aws_mfa_is_an_error() {
        let sts = FakeSts::start();
        let says = |fault: &str| {
            format!("aws-mfa: credential_process in the profile work {fault}\nhint: {NOT_ITSELF}\n")
        };
        // It is not even started.
        let sandbox = with_process(&sts, "aws-mfa load -p work --format process");
        assert_eq!(
            fails(&sandbox, &["get", "-p", "work", "111111"]),
            says("runs aws-mfa again")
        );
        // Behind another program, only the inner aws-mfa can notice it.
        let sandbox = with_process(&sts, "sh $HOME/wrapper");
        sandbox.write("wrapper", "exec aws-mfa get -p work 111111\n");
        let said = fails(&sandbox, &["get", "-p", "work", "111111"]);
        assert!(said.starts_with(&says("runs aws-mfa again")), "{said}");
        assert!(sts.requests().is_empty());
    }

    #[test]
    fn command_reading_stdin_gets_end_of_file() {
        let sts = FakeSts::start();
        let sandbox = with_process(
            &sts,
            &format!(
                "test \"$(cat)\" = '' && echo '{{\"Version\": 1, \"AccessKeyId\": \"{KEY_ID}\", \"SecretAccessKey\": \"{SECRET}\"}}'"
            ),
        );
        let mut get = sandbox.command(super::super::sandbox::binary());
        let script = sandbox.write("code", "123456\n");
        get.args(["get", "-p", "work", "123456"])
            .stdin(std::fs::File::open(script).unwrap());
        assert!(get.output_in_time().status.success());
    }
}

#[cfg(unix)]
#[test]
fn profile_files_are_read_once() {
    use super::tool::{LOOK_INSIDE, root};
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "[profile work]\nregion = eu-west-1\n", "[work]\n");
    let trace = sandbox.home().join("trace");
    let mut command = sandbox.command(strace);
    command
        .args(["-f", "-e", "trace=%file", "-o"])
        .arg(&trace)
        .arg(super::sandbox::binary())
        .args(["status", "-p", "work"]);
    sandbox.run_with(&mut command);
    let trace = std::fs::read_to_string(trace).unwrap();
    for file in [".aws/config", ".aws/credentials"] {
        let opened = trace
            .lines()
            .filter(|line| line.contains("open") && line.contains(file))
            .count();
        assert_eq!(opened, 1, "{file}: {trace}");
    }
}

/// After it was reaped, another program may have its id.
#[test]
fn failed_credential_process_is_not_signalled_after_it_was_reaped() {
    let Some(strace) = tool("strace") else { return };
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        &format!("[profile work]\nmfa_serial = {WORK}\ncredential_process = exit 7\n"),
        "",
    );
    let trace = sandbox.home().join("trace");
    // Without a terminal, the command has its own process group.
    let mut command = sandbox.command("setsid");
    command
        .arg("--wait")
        .arg(strace)
        .args(["-f", "-e", "trace=kill,wait4", "-o"])
        .arg(&trace)
        .arg(super::sandbox::binary())
        .args(["get", "-p", "work", "111111"]);
    assert_eq!(sandbox.run_with(&mut command).status, 1);
    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(trace.contains("wait4("), "{trace}");
    assert!(!trace.contains("kill("), "{trace}");
}
