//! Profiles in `~/.aws`: several accounts side by side, keys from elsewhere, and files that are
//! broken.

use super::fake_sts::{self, FakeSts, KEY_ID, SECRET};
use super::sandbox::Sandbox;
use super::tool::tool;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const WORK: &str = "arn:aws:iam::111111111111:mfa/igor";
const PRIVATE: &str = "arn:aws:iam::222222222222:mfa/igor";

/// A user who has nothing but `~/.aws`, with these two files.
fn with_files(sts: &FakeSts, config: &str, credentials: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
    sandbox.write(".aws/config", config);
    sandbox.write(".aws/credentials", credentials);
    sandbox
}

fn keys() -> String {
    format!("aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
}

fn two_accounts(sts: &FakeSts) -> Sandbox {
    with_files(
        sts,
        &format!(
            "[profile work]\nmfa_serial = {WORK}\nregion = eu-central-1\nduration_seconds = 3600\n\
             [profile private]\nmfa_serial = {PRIVATE}\n"
        ),
        &format!("[work]\n{}[private]\n{}", keys(), keys()),
    )
}

/// Runs a `get` that has to fail, and gives the two lines that it says.
#[track_caller]
fn fails(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let outcome = sandbox.run(arguments);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
    outcome.stderr
}

/// All files below a folder, with what is in them.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn two_accounts_have_a_session_each() {
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
        sandbox.session_folder(),
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
    // The region of a profile goes with its session, whichever shell takes it.
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
    // AWS_PROFILE names the same session as the flag.
    let mut sandbox = sandbox;
    sandbox.set("AWS_PROFILE", "work");
    assert_eq!(sandbox.run(["load"]).stdout, work);
    assert_eq!(tree(&sandbox.home().join(".aws")), before);
}

#[test]
fn the_region_of_a_flag_beats_the_profiles_and_is_saved() {
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
fn a_read_only_folder_is_enough() {
    use std::os::unix::fs::PermissionsExt;
    let sts = FakeSts::start();
    let sandbox = two_accounts(&sts);
    let folder = sandbox.home().join(".aws");
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&folder.join("config"), 0o400);
    mode(&folder.join("credentials"), 0o400);
    mode(&folder, 0o500);
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    mode(&folder, 0o700);
}

#[test]
fn the_default_profile_serves_where_nothing_is_named() {
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        &format!("[default]\nmfa_serial = {WORK}\n{}", keys()),
        "",
    );
    assert_eq!(sandbox.run(["get", "111111"]).status, 0);
    assert_eq!(sandbox.session_folder(), ["session-default"]);
}

#[test]
fn a_profile_as_a_flag_beats_the_variables_and_one_in_a_variable_does_not() {
    let sts = FakeSts::start();
    let mut sandbox = two_accounts(&sts);
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", "other")
        .set("AWS_SESSION_FILE", "/nonexistent/session");
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    assert_eq!(sandbox.session_folder(), ["session-work"]);

    let file = sandbox.session_file();
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_SESSION_FILE", &file)
        .set("AWS_PROFILE", "work");
    assert_eq!(sandbox.run(["get", "222222"]).status, 0);
    assert!(file.exists());
    // The profile's other settings count all the same.
    assert_eq!(sts.requests()[1].form["SerialNumber"], WORK);
}

#[test]
fn a_profile_that_is_not_there_does_not_matter_to_keys_of_the_environment() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_PROFILE", "gone");
    assert_eq!(sandbox.run(["get", "111111"]).status, 0);
}

#[test]
fn half_a_pair_never_falls_through() {
    let sts = FakeSts::start();
    let mut sandbox = with_files(
        &sts,
        "[profile half]\nsource_profile = work\ncredential_process = echo\n",
        &format!(
            "[half]\naws_secret_access_key = {SECRET}\n[work]\n{}",
            keys()
        ),
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "half", "111111"]),
        "aws-mfa: aws_access_key_id of the profile half is not set, but aws_secret_access_key of the profile half is\n\
         hint: set both, or neither to have the keys looked for elsewhere\n"
    );
    sandbox
        .set("AWS_PROFILE", "work")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET);
    assert_eq!(
        fails(&sandbox, &["get", "111111"]),
        "aws-mfa: MASTER_AWS_ACCESS_KEY_ID is not set, but MASTER_AWS_SECRET_ACCESS_KEY is\n\
         hint: set both, or neither to have the keys looked for elsewhere\n"
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn a_missing_profile_is_told_with_what_it_may_be() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "[profile work]\n[profile work-eu]\n[private]\n", "");
    let home = sandbox.home();
    let aws = home.join(".aws").display().to_string();
    for (name, hint) in [
        ("wrok", "did you mean work or work-eu?".to_owned()),
        ("zzz", "the profiles are: work, work-eu".to_owned()),
        (
            "private",
            format!(
                "write [profile private] for [private] in {aws}/config: without that word it counts for nothing"
            ),
        ),
    ] {
        assert_eq!(
            fails(&sandbox, &["get", "-p", name, "111111"]),
            format!(
                "aws-mfa: there is no profile {name} in {aws}/config or {aws}/credentials\nhint: {hint}\n"
            )
        );
    }
    let mut empty = Sandbox::new();
    empty.set("AWS_PROFILE", "work");
    let aws = empty.home().join(".aws").display().to_string();
    assert_eq!(
        fails(&empty, &["get", "111111"]),
        format!(
            "aws-mfa: there is no profile work in {aws}/config or {aws}/credentials\n\
             hint: put aws_access_key_id and aws_secret_access_key under [work] in {aws}/credentials\n"
        )
    );
}

#[test]
fn a_profile_without_keys_is_told() {
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
         hint: it signs in with IAM Identity Center, which has MFA of its own: run `aws sso login`\n"
    );
}

#[test]
fn a_broken_file_is_told_with_its_line() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "[profile work]\nregion\n", "");
    let config = sandbox.home().join(".aws/config").display().to_string();
    assert_eq!(
        fails(&sandbox, &["get", "-p", "work", "111111"]),
        format!(
            "aws-mfa: error parsing {config} on line 2: Expected an '=' sign defining a property\n\
             hint: mend that line; `aws configure list-profiles` shows whether the AWS CLI can read the file\n"
        )
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "", "");
    let credentials = sandbox.write(".aws/credentials", b"[work]\n# caf\xe9\n");
    let hint = "hint: mend the file, or name another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE\n";
    assert_eq!(
        fails(&sandbox, &["get", "-p", "work", "111111"]),
        format!(
            "aws-mfa: cannot read {}: line 2 is not UTF-8\n{hint}",
            credentials.display()
        )
    );
    std::fs::remove_file(&credentials).unwrap();
    std::fs::create_dir(&credentials).unwrap();
    let said = fails(&sandbox, &["get", "-p", "work", "111111"]);
    assert!(
        said.starts_with(&format!("aws-mfa: cannot read {}: ", credentials.display()))
            && said.ends_with(hint),
        "{said}"
    );
}

#[test]
fn the_files_are_where_the_variables_say_and_a_tilde_is_the_home_folder() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::new();
    sandbox.write("here/config", format!("[profile a]\nmfa_serial = {WORK}\n"));
    let credentials = sandbox.write("there/credentials", format!("[a]\n{}", keys()));
    sandbox
        .set("AWS_ENDPOINT_URL_STS", sts.url())
        .set("AWS_CONFIG_FILE", "~/here/config")
        .set("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    assert_eq!(sandbox.run(["get", "-p", "a", "111111"]).status, 0);
    assert_eq!(sts.requests()[0].form["SerialNumber"], WORK);
}

#[test]
fn the_other_settings_of_a_profile_count_too() {
    let sts = FakeSts::start();
    let mut sandbox = with_files(
        &sts,
        &format!(
            "[profile work]\nmfa_serial = {WORK}\nendpoint_url = {}\n{}",
            sts.url(),
            keys()
        ),
        "",
    );
    sandbox.unset("AWS_ENDPOINT_URL_STS");
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).status, 0);
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn a_role_profile_has_its_keys_from_its_source() {
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        &format!(
            "[profile admin]\nrole_arn = arn:aws:iam::333333333333:role/admin\nsource_profile = work\n\
             mfa_serial = {WORK}\naws_access_key_id = AKIANOTTHESE\naws_secret_access_key = x\n\
             [profile reader]\nrole_arn = arn:aws:iam::333333333333:role/reader\nsource_profile = private\n\
             [profile private]\nmfa_serial = {PRIVATE}\n\
             [profile own]\nrole_arn = arn:aws:iam::333333333333:role/own\nsource_profile = own\n\
             mfa_serial = {WORK}\n{}",
            keys()
        ),
        &format!("[work]\n{}[private]\n{}", keys(), keys()),
    );
    for (profile, code, device) in [
        ("admin", "111111", WORK),
        ("reader", "222222", PRIVATE),
        ("own", "333333", WORK),
    ] {
        let outcome = sandbox.run(["get", "-p", profile, code]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
        // The user's own session; no role is assumed.
        assert_eq!(sts.requests().last().unwrap().form["SerialNumber"], device);
    }
    assert_eq!(
        sandbox.session_folder(),
        ["session-admin", "session-own", "session-reader"]
    );
}

#[test]
fn a_source_that_goes_round_or_nowhere_is_told() {
    let sts = FakeSts::start();
    let sandbox = with_files(
        &sts,
        "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = c\n[profile c]\nsource_profile = b\n\
         [profile lost]\nsource_profile = aa\n",
        "",
    );
    let aws = sandbox.home().join(".aws").display().to_string();
    assert_eq!(
        fails(&sandbox, &["get", "-p", "a", "111111"]),
        format!(
            "aws-mfa: source_profile goes round in a circle: a, b, c, b\n\
             hint: let source_profile name the profile that has the keys, in {aws}/config\n"
        )
    );
    assert_eq!(
        fails(&sandbox, &["get", "-p", "lost", "111111"]),
        format!(
            "aws-mfa: there is no profile aa in {aws}/config or {aws}/credentials, \
             which is the source_profile of the profile lost\n\
             hint: did you mean a?\n"
        )
    );
}

#[cfg(unix)]
mod credential_process {
    use super::*;

    /// A user whose profile `work` has its keys from this command line.
    fn with_process(sts: &FakeSts, command_line: &str) -> Sandbox {
        with_files(
            sts,
            &format!("[profile work]\nmfa_serial = {WORK}\ncredential_process = {command_line}\n"),
            "",
        )
    }

    /// A program in the home folder that prints these keys.
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
            format!("aws-mfa: credential_process of the profile work {what}\nhint: {hint}\n")
        );
        assert!(sts.requests().is_empty());
    }

    const RUN_IT: &str = "run it in a shell to see; it has to print {\"Version\": 1, \"AccessKeyId\": \"AKIA…\", \"SecretAccessKey\": \"…\"}";
    const NOT_ITSELF: &str = "a session cannot get another session: name the profile that has the user's own keys (AKIA…), `--profile <name>`";

    #[test]
    fn its_keys_sign_the_request_and_its_words_are_passed_on() {
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
        assert_eq!(sandbox.session_folder(), ["session-work"]);
    }

    #[test]
    fn what_it_prints_is_checked_and_never_shown() {
        let secret = fake_sts::SECRET_WORD;
        refused(secret, "printed something else than credentials", RUN_IT);
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
                "printed a session's keys, not the long-term ones",
                NOT_ITSELF,
            );
        }
    }

    #[test]
    fn its_failure_is_told() {
        let sts = FakeSts::start();
        let sandbox = with_process(&sts, "echo locked >&2; exit 4");
        assert_eq!(
            fails(&sandbox, &["get", "-p", "work", "111111"]),
            format!(
                "locked\naws-mfa: credential_process of the profile work failed: exit status: 4\nhint: {RUN_IT}\n"
            )
        );
    }

    #[test]
    fn it_must_not_lead_back_to_aws_mfa() {
        let sts = FakeSts::start();
        let says = |fault: &str| {
            format!("aws-mfa: credential_process of the profile work {fault}\nhint: {NOT_ITSELF}\n")
        };
        // It is not even started.
        let sandbox = with_process(&sts, "aws-mfa load -p work --format process");
        assert_eq!(
            fails(&sandbox, &["get", "-p", "work", "111111"]),
            says("leads back to aws-mfa")
        );
        // Behind another program it cannot be seen from here; it is refused from within.
        let sandbox = with_process(&sts, "sh $HOME/wrapper");
        sandbox.write("wrapper", "exec aws-mfa get -p work 111111\n");
        let said = fails(&sandbox, &["get", "-p", "work", "111111"]);
        assert!(said.starts_with(&says("leads back to aws-mfa")), "{said}");
        assert!(sts.requests().is_empty());
    }

    #[test]
    fn it_does_not_eat_what_is_typed_for_the_code() {
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
        assert!(get.output().unwrap().status.success());
    }
}

#[test]
fn profile_files_are_read_once() {
    let Some(strace) = tool("strace") else { return };
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

/// Once it was waited for, its id may be another program's.
#[test]
fn a_failed_credential_process_is_not_signalled_after_it_was_reaped() {
    let Some(strace) = tool("strace") else { return };
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "[profile work]\ncredential_process = exit 7\n", "");
    let trace = sandbox.home().join("trace");
    // Without a terminal the command has a process group of its own.
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
