//! Whose credentials are meant: the chain of profiles to the one that owns the keys, and what saved credentials are valid
//! for.

use super::fake_sts::{FakeSts, KEY_ID, Role, SECRET};
use super::sandbox::{DEVICE, Sandbox, profile_keys, read_json};
use super::words;
use jiff::SignedDuration;
use std::fs::File;

const DEPLOY: &str = "arn:aws:iam::333333333333:role/team/deploy";
/// As long as [`DEPLOY`].
const OTHERS: &str = "arn:aws:iam::444444444444:role/team/deploy";

/// `work` has the keys, and `staging` has a role.
fn with_role(sts: &FakeSts, rest: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {DEVICE}\nregion = eu-central-1\n\
             [profile staging]\nrole_arn = {DEPLOY}\nsource_profile = work\nregion = eu-west-1\n{rest}"
        ),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    for role in [DEPLOY, OTHERS] {
        let longest = 12 * 3600;
        let role_of_anyone = Role {
            longest,
            ..Role::default()
        };
        sts.add_role(role, role_of_anyone);
    }
    sandbox
}

/// Replaces text in `~/.aws/config`.
#[track_caller]
fn edit(sandbox: &Sandbox, before: &str, after: &str) {
    let text = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    assert!(text.contains(before), "{before} in {text}");
    sandbox.write(".aws/config", text.replace(before, after));
}

/// What `load` prints, as JSON.
#[track_caller]
fn load(sandbox: &Sandbox, profile: &str) -> serde_json::Value {
    let outcome = sandbox.run(["load", "--format", "json", "-p", profile]);
    serde_json::from_str(outcome.succeeded()).unwrap()
}

#[track_caller]
fn key(sandbox: &Sandbox, profile: &str) -> String {
    let key = &load(sandbox, profile)["AWS_ACCESS_KEY_ID"];
    key.as_str().unwrap().to_owned()
}

#[track_caller]
fn get(sandbox: &Sandbox, arguments: &[&str]) {
    sandbox.run([&["get"], arguments].concat()).succeeded();
}

/// rsync, a backup or a version control system can replace a file by one of the same size and time.
#[test]
fn config_of_the_same_size_and_time_selects_the_role_that_is_in_it() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    get(&sandbox, &["-p", "staging", "123456"]);
    let config = sandbox.home().join(".aws/config");
    let metadata = config.metadata().unwrap();
    edit(&sandbox, DEPLOY, OTHERS);
    let file = File::options().write(true).open(&config).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    assert_eq!(config.metadata().unwrap().len(), metadata.len());
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000002");
    let request = &sts.requests_for("AssumeRole")[1];
    assert_eq!(request.form["RoleArn"], OTHERS);
    // The credentials of the other role are still there.
    edit(&sandbox, OTHERS, DEPLOY);
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000001");
    assert_eq!(sts.requests_for("AssumeRole").len(), 2);
}

#[test]
fn changed_setting_of_a_role_means_other_credentials() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    get(&sandbox, &["-p", "staging", "123456"]);
    let lines = [
        "external_id = 42",
        "role_session_name = igor@laptop",
        "duration_seconds = 1800",
    ];
    for (number, line) in (2..).zip(lines) {
        edit(
            &sandbox,
            "region = eu-west-1\n",
            &format!("region = eu-west-1\n{line}\n"),
        );
        assert_eq!(
            key(&sandbox, "staging"),
            format!("ASIAROLE00000000000{number}")
        );
        edit(&sandbox, &format!("{line}\n"), "");
        assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000001");
    }
    assert_eq!(sts.requests_for("AssumeRole").len(), 4);
    assert_eq!(sts.requests_for("GetSessionToken").len(), 1);
}

#[test]
fn session_and_role_of_a_former_key_are_not_handed_out() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    get(&sandbox, &["-p", "staging", "123456"]);
    let keys = sandbox.home().join(".aws/credentials");
    let before = std::fs::read_to_string(&keys).unwrap();
    sandbox.write(&keys, before.replace(KEY_ID, "AKIAOTHERKEY00000000"));
    let file = sandbox.session_file().with_file_name("session-work");
    for profile in ["work", "staging"] {
        let message = format!(
            "the saved session belongs to the access key {KEY_ID}, but AKIAOTHERKEY00000000 is configured ({})",
            words::with_tilde(file.display())
        );
        sandbox.run(["load", "-p", profile]).is(
            3,
            "",
            &words::failure(
                &message,
                &words::run(&format!("aws-mfa get --profile {profile} <code>")),
            ),
        );
        let status = sandbox.run(["status", "-p", profile]);
        assert_eq!(status.status, 3);
        let first = format!("session: made with another access key, {KEY_ID}\n");
        assert!(status.stdout.starts_with(&first), "{}", status.stdout);
    }
    // `get` does not keep it either.
    let outcome = sandbox.run(["get", "-p", "work", "--unless-valid", "222222"]);
    assert!(!outcome.stdout.contains("kept"), "{}", outcome.stdout);
    // With its own key, everything counts again.
    sandbox.write(&keys, before);
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000001");
    // The region of another key's session does not come with a role that is still fresh.
    let mut other = read_json(&file);
    other["MasterKeyId"] = "AKIAOTHERKEY00000000".into();
    other["Region"] = "us-west-2".into();
    sandbox.write(&file, other.to_string());
    let loaded = load(&sandbox, "staging");
    assert_eq!(loaded["AWS_ACCESS_KEY_ID"], "ASIAROLE000000000001");
    assert_eq!(loaded["AWS_REGION"], "eu-west-1");
}

/// The file of the two scripts does not say which key it was made with.
#[test]
fn session_without_a_key_id_is_accepted_and_a_copied_one_is_not() {
    let sts = FakeSts::start();
    let sandbox = with_role(
        &sts,
        &format!(
            "[profile other]\naws_access_key_id = AKIAOTHERKEY00000000\naws_secret_access_key = {SECRET}\n"
        ),
    );
    get(&sandbox, &["-p", "work", "123456"]);
    let file = |profile: &str| {
        let name = format!("session-{profile}");
        sandbox.session_file().with_file_name(name)
    };
    std::fs::copy(file("work"), file("other")).unwrap();
    let outcome = sandbox.run(["load", "-p", "other"]);
    assert!(
        outcome.failed(3).contains("belongs to the access key"),
        "{}",
        outcome.stderr
    );
    let mut of_scripts = read_json(&file("work"));
    of_scripts.as_object_mut().unwrap().remove("MasterKeyId");
    sandbox.write(file("other"), of_scripts.to_string());
    assert_eq!(key(&sandbox, "other"), "ASIASESSION000000001");
    // The same key in two profiles: one session is as good as the other.
    edit(&sandbox, "AKIAOTHERKEY00000000", KEY_ID);
    std::fs::copy(file("work"), file("other")).unwrap();
    assert_eq!(key(&sandbox, "other"), "ASIASESSION000000001");
}

/// A file that a flag names is what is meant, whatever keys the shell has.
#[test]
fn session_file_named_by_a_flag_is_not_compared_with_the_shells_keys() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.get("123456");
    let file = sandbox.session_file();
    sandbox.set("MASTER_AWS_ACCESS_KEY_ID", "AKIAOTHERKEY00000000");
    assert_eq!(sandbox.run(["load"]).status, 3);
    let file = file.to_str().unwrap();
    sandbox.run(["load", "--session-file", file]).succeeded();
}

#[test]
fn one_code_serves_base_hop_alias_and_roles() {
    let sts = FakeSts::start();
    let sandbox = with_role(
        &sts,
        &format!(
            "[profile hop]\nsource_profile = work\n\
             [profile work-mfa]\ncredential_process = aws-mfa load --profile work --format process\n\
             [profile far]\nrole_arn = {DEPLOY}\nsource_profile = hop\nexternal_id = 42\n\
             [profile through]\nrole_arn = {OTHERS}\nsource_profile = work-mfa\n"
        ),
    );
    get(&sandbox, &["-p", "far", "123456"]);
    for profile in ["work", "hop", "work-mfa"] {
        assert_eq!(key(&sandbox, profile), "ASIASESSION000000001", "{profile}");
    }
    for profile in ["far", "through", "staging"] {
        assert!(key(&sandbox, profile).starts_with("ASIAROLE"), "{profile}");
    }
    assert_eq!(sts.requests_for("GetSessionToken").len(), 1);
    let mut names = sandbox.session_directory();
    names.retain(|name| name.starts_with("session-"));
    assert_eq!(names, ["session-work"]);
    // Clearing the alias clears what it stands for.
    let cleared = sandbox.run(["clear", "-p", "work-mfa"]);
    let removed = words::removed_the_session("work");
    assert_eq!(cleared.succeeded(), format!("{removed} and 3 roles\n"));
    let mut names = sandbox.session_directory();
    names.retain(|name| !name.starts_with('.'));
    assert!(names.is_empty(), "{names:?}");
}

/// A hop between two roles is none.
#[test]
fn role_behind_a_hop_is_assumed_first() {
    let sts = FakeSts::start();
    let sandbox = with_role(
        &sts,
        &format!(
            "[profile hop]\nsource_profile = staging\n\
             [profile far]\nrole_arn = {OTHERS}\nsource_profile = hop\n"
        ),
    );
    sts.add_role(
        OTHERS,
        Role {
            needs_mfa: false,
            ..Role::default()
        },
    );
    get(&sandbox, &["-p", "far", "123456"]);
    let roles: Vec<String> = sts
        .requests_for("AssumeRole")
        .into_iter()
        .map(|request| request.form["RoleArn"].clone())
        .collect();
    assert_eq!(roles, [DEPLOY, OTHERS]);
}

#[test]
fn token_beside_a_long_term_key_is_an_error_whose_remedy_works() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    let keys = sandbox.home().join(".aws/credentials");
    let plain = std::fs::read_to_string(&keys).unwrap();
    sandbox.write(&keys, format!("{plain}aws_session_token = old\n"));
    sandbox.run(["get", "-p", "work", "123456"]).is(
        1,
        "",
        &words::failure(
            "the profile work has a long-term key with an aws_session_token",
            &format!(
                "remove aws_session_token from the profile work in {}",
                words::with_tilde(keys.display())
            ),
        ),
    );
    sandbox.write(&keys, plain);
    get(&sandbox, &["-p", "work", "123456"]);
}

/// The region is that of the settings at `load`, unless `get` was given one.
#[test]
fn region_of_a_role_follows_its_profile_and_a_flag_beats_it() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    get(&sandbox, &["-p", "staging", "123456"]);
    assert_eq!(load(&sandbox, "staging")["AWS_REGION"], "eu-west-1");
    assert_eq!(load(&sandbox, "work")["AWS_REGION"], "eu-central-1");
    edit(&sandbox, "region = eu-west-1\n", "region = eu-north-1\n");
    assert_eq!(load(&sandbox, "staging")["AWS_REGION"], "eu-north-1");
    // Without a region of its own, a role has that of its source.
    edit(&sandbox, "region = eu-north-1\n", "");
    assert_eq!(load(&sandbox, "staging")["AWS_REGION"], "eu-central-1");
    let status = sandbox.run(["status", "-p", "staging"]).stdout;
    let shown = "region: eu-central-1 (profile work)\n";
    assert!(status.contains(shown), "{status}");
    assert_eq!(sts.requests_for("AssumeRole").len(), 1);

    edit(
        &sandbox,
        &format!("role_arn = {DEPLOY}\n"),
        &format!("role_arn = {DEPLOY}\nregion = eu-west-1\n"),
    );
    for (number, direct) in [(2, &[][..]), (4, &["--direct"])] {
        let code = format!("{number}{number}{number}333");
        let flags = ["-p", "staging", "--region", "us-west-2", &code];
        get(&sandbox, &[&flags, direct].concat());
        let last = sts.requests().pop().unwrap();
        assert_eq!(last.form["Action"], "AssumeRole");
        assert_eq!(last.region, "us-west-2", "{direct:?}");
        assert_eq!(load(&sandbox, "staging")["AWS_REGION"], "us-west-2");
    }
}

/// No device and no region: the role's ARN says which partition's STS is asked.
#[test]
fn status_of_a_role_shows_the_region_that_is_asked() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(
        &sts,
        &format!(
            "[profile china]\nrole_arn = {}\nsource_profile = keys\n\
             [profile keys]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n",
            DEPLOY.replace("arn:aws:", "arn:aws-cn:")
        ),
    );
    sandbox.unset("AWS_ENDPOINT_URL_STS");
    let status = sandbox.run(["status", "-p", "china"]).stdout;
    let shown = "region: cn-north-1 (default)\n\
                 STS endpoint: https://sts.cn-north-1.amazonaws.com.cn (default)\n";
    assert!(status.contains(shown), "{status}");
}

#[test]
fn direct_credentials_are_kept_whatever_the_duration() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    get(&sandbox, &["-p", "staging", "123456"]);
    get(
        &sandbox,
        &["-p", "staging", "--direct", "-d", "8h", "222222"],
    );
    edit(
        &sandbox,
        "[profile staging]\n",
        "[profile staging]\nduration_seconds = 1800\n",
    );
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000002");
    assert_eq!(sts.requests_for("AssumeRole").len(), 2);
    let status = sandbox.run(["status", "-p", "staging"]).stdout;
    assert!(status.contains("-direct"), "{status}");
    // Both go, and the role is assumed anew.
    let cleared = sandbox.run(["clear", "-p", "staging"]);
    assert!(
        cleared.succeeded().contains("removed the role\n"),
        "{}",
        cleared.stdout
    );
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000003");
}

/// Sets the expiry of all saved credentials of roles.
fn expire_roles(sandbox: &Sandbox) {
    for name in sandbox.role_names() {
        let path = sandbox.session_file().with_file_name(name);
        let mut saved = read_json(&path);
        saved["Credentials"]["Expiration"] = "2020-01-01T00:00:00Z".into();
        sandbox.write(path, saved.to_string());
    }
}

#[test]
fn expired_credentials_of_roles_are_swept_by_get_and_clear() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    let saved = |sandbox: &Sandbox| sandbox.role_names().len();
    for verb in [
        &["get", "-p", "work", "222222"][..],
        &["clear", "-p", "work"],
    ] {
        get(&sandbox, &["-p", "staging", "--unless-valid", "123456"]);
        edit(&sandbox, DEPLOY, OTHERS);
        key(&sandbox, "staging");
        assert_eq!(saved(&sandbox), 2);
        expire_roles(&sandbox);
        // A user's own file is none of ours.
        let notes = sandbox.session_file().with_file_name("role-notes.txt");
        sandbox.write(&notes, "mine\n");
        sandbox.run(verb).succeeded();
        assert!(notes.exists());
        std::fs::remove_file(notes).unwrap();
        assert_eq!(saved(&sandbox), 0, "{verb:?}");
        edit(&sandbox, OTHERS, DEPLOY);
    }
}

/// The credentials of a role are saved by a name of their own, so the files of version 0.1 are not read.
#[test]
fn role_file_of_version_0_1_is_not_used() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    get(&sandbox, &["-p", "staging", "123456"]);
    let file = sandbox.role_file("deploy");
    std::fs::rename(&file, file.with_file_name("role-staging")).unwrap();
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000002");
}

/// Every command says so at once, with the name that was probably meant.
#[test]
fn mistyped_profile_is_named_by_every_command() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts, "");
    let home = sandbox.home();
    let message = words::there_is_no_profile("stagin", &home);
    let hint = "did you mean staging?";
    for arguments in [
        &["load", "-p", "stagin"][..],
        &["exec", "-p", "stagin", "true"],
        &["rotate", "-p", "stagin"],
        &["get", "-p", "stagin", "123456"],
    ] {
        sandbox
            .run(arguments)
            .is(1, "", &words::failure(&message, hint));
    }
    let status = sandbox.run(["status", "-p", "stagin"]);
    assert!(
        status
            .stdout
            .contains(&format!("\nprofile: {message}: {hint}\n")),
        "{}",
        status.stdout
    );
    // A session that is left of it is not called valid.
    get(&sandbox, &["-p", "work", "123456"]);
    let saved = sandbox.session_file().with_file_name("session-work");
    std::fs::rename(&saved, saved.with_file_name("session-stagin")).unwrap();
    let status = sandbox.run(["status", "-p", "stagin"]);
    assert_eq!(status.status, 3);
    let first = "session: cannot be used without its profile\n";
    assert!(status.stdout.starts_with(first), "{}", status.stdout);
    sandbox.run(["clear", "-p", "stagin"]).succeeded();
    assert!(sandbox.session_directory().is_empty());

    sandbox.set("AWS_MFA_PROFILE", "stagin");
    let prompt = sandbox.run(["prompt", "--format", "sh", "4711"]);
    assert!(
        prompt.stderr.contains(&format!("{message}: {hint}")),
        "{} {}",
        prompt.stdout,
        prompt.stderr
    );
    assert_eq!(sts.requests().len(), 1);
}

/// AWS ignores the source of a profile without a role.
#[test]
fn source_of_a_profile_with_keys_does_not_count() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    edit(
        &sandbox,
        "[profile work]\n",
        "[profile work]\nsource_profile = gone\n",
    );
    get(&sandbox, &["-p", "staging", "123456"]);
    assert_eq!(key(&sandbox, "work"), "ASIASESSION000000001");
}

/// Renewed an hour later, the role belongs to whoever has the key by then.
#[test]
fn role_behind_a_credential_process_is_of_the_key_that_made_the_session() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    sandbox.write(".aws/credentials", "");
    let json = sandbox.write("key.json", super::sandbox::process_json());
    let program = if cfg!(windows) { "type" } else { "cat" };
    edit(
        &sandbox,
        "[profile work]\n",
        &format!(
            "[profile work]\ncredential_process = {program} {}\n",
            json.display()
        ),
    );
    get(&sandbox, &["-p", "staging", "123456"]);
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000001");
    // A session of another key, as after a `get` with it.
    let file = sandbox.session_file().with_file_name("session-work");
    let mut other = read_json(&file);
    other["MasterKeyId"] = "AKIAOTHERKEY00000000".into();
    sandbox.write(&file, other.to_string());
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000002");
    // Without the session, nothing says whose they are.
    std::fs::remove_file(file).unwrap();
    let cleared = sandbox.run(["clear", "-p", "staging"]);
    cleared.is(0, "staging: removed the role\n", "");
    assert!(sandbox.role_names().is_empty());
}

/// What counts for its renewal is the time that STS has granted.
#[test]
fn role_that_is_granted_for_less_than_requested_is_used_until_a_quarter_of_that_is_left() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts, "");
    sts.add_role(
        DEPLOY,
        Role {
            lasts: Some(SignedDuration::from_mins(10)),
            ..Role::default()
        },
    );
    get(&sandbox, &["-p", "staging", "123456"]);
    let file = sandbox.role_file("deploy");
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000001");
    sandbox.make_end_in(&file, SignedDuration::from_secs(149));
    assert_eq!(key(&sandbox, "staging"), "ASIAROLE000000000002");
    assert_eq!(sandbox.role_file("deploy"), file);
}
