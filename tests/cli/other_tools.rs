//! Coming from other tools: their files, as they write them, work; or the message says what to change, and that works.

use super::fake_iam::FakeIam;
use super::fake_sts::{FakeSts, KEY_ID};
use super::only_profile::with_files;
use super::sandbox::{DEVICE, Outcome, Sandbox, chmod, process_json, profile_keys};
use super::words;

/// What the Python aws-mfa 0.0.12 writes beside the keys.
const TEMPORARY: &str = "assumed_role = False\naws_access_key_id = ASIAOTHER\naws_secret_access_key = other\n\
                         aws_session_token = token\naws_security_token = token\nexpiration = 2026-11-29 10:33:49\n\n";

/// The file of a user of the Python aws-mfa, who has logged in with this profile, or not yet.
fn of_python_aws_mfa(name: &str, has_logged_in: bool) -> String {
    let keys = profile_keys();
    let long_term = format!("[{name}-long-term]\n{keys}aws_mfa_device = {DEVICE}\n\n");
    match has_logged_in {
        true => format!("{long_term}[{name}]\n{TEMPORARY}"),
        false => long_term,
    }
}

/// Gets a session with these arguments, and returns what is said.
#[track_caller]
fn get(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let got = sandbox.run(["get"].iter().chain(arguments));
    assert_eq!(got.status, 0, "{}", got.stderr);
    got.stderr
}

/// Replaces text in a file of `~/.aws`.
#[track_caller]
fn edit(sandbox: &Sandbox, file: &str, before: &str, after: &str) {
    let path = sandbox.home().join(".aws").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(before), "{text}");
    sandbox.write(path, text.replacen(before, after, 1));
}

#[test]
fn long_term_section_of_the_python_aws_mfa_has_the_keys_of_its_profile() {
    for has_logged_in in [false, true] {
        let sts = FakeSts::start();
        let credentials = of_python_aws_mfa("work", has_logged_in);
        let region = "[profile work]\nregion = eu-central-1\n";
        let admin = "[profile admin]\nsource_profile = work\n\
                      role_arn = arn:aws:iam::210987654321:role/admin\n";
        let config = format!("{}{admin}", if has_logged_in { region } else { "" });
        let sandbox = with_files(&sts, &config, &credentials);
        let said = get(&sandbox, &["111111"]);
        assert_eq!(
            said,
            "aws-mfa: profile work, the only one with access keys\n"
        );
        get(&sandbox, &["-p", "work", "222222"]);
        assert_eq!(get(&sandbox, &["-p", "work-long-term", "333333"]), "");
        for request in sts.requests() {
            assert_eq!(request.form["SerialNumber"], DEVICE);
        }
        assert_eq!(sandbox.session_directory(), ["session-work-long-term"]);
        let loaded = sandbox.run(["load"]).succeeded().to_owned();
        assert!(
            loaded.contains("AWS_MFA_LOADED='work:ASIASESSION"),
            "{loaded}"
        );
        assert_eq!(loaded.contains("eu-central-1"), has_logged_in);
        assert_eq!(sandbox.run(["load", "-p", "work"]).succeeded(), loaded);
        let role = sandbox.run(["status", "-p", "admin"]).stdout;
        assert!(
            role.contains(&format!("key id: {KEY_ID} (profile work-long-term)")),
            "{role}"
        );
        let stanza = sandbox.run(["init", "aws-config"]).succeeded().to_owned();
        assert!(
            stanza.contains("[profile work-mfa]\n") && !stanza.contains("long-term"),
            "{stanza}"
        );
    }
}

#[test]
fn default_of_the_python_aws_mfa_is_default() {
    let sts = FakeSts::start();
    let sandbox = with_files(&sts, "", &of_python_aws_mfa("default", true));
    assert_eq!(get(&sandbox, &["111111"]), "");
    let loaded = sandbox.run(["load"]).succeeded().to_owned();
    assert!(loaded.contains("AWS_MFA_LOADED='default:"), "{loaded}");
    // With its remedy, in `remedies.rs`.
    let doctor = sandbox.run(["doctor", "--offline"]).stdout;
    let finding =
        "has temporary keys of another tool: `aws --profile default` uses those, not the session\n";
    assert!(doctor.contains(finding), "{doctor}");
    assert!(!doctor.contains("programs use the keys of"), "{doctor}");
}

#[test]
fn several_profiles_of_the_python_aws_mfa_are_listed_once_each() {
    let sts = FakeSts::start();
    let credentials = of_python_aws_mfa("work", true) + &of_python_aws_mfa("home", false);
    let sandbox = with_files(&sts, "", &credentials);
    assert_eq!(
        sandbox.run(["get", "111111"]).failed(1),
        words::failure(
            "no profile is selected, and several have access keys: home, work",
            "add `--profile home`, or set AWS_MFA_PROFILE to home"
        )
    );
    get(&sandbox, &["--profile", "home", "111111"]);
}

#[test]
fn keys_of_a_profile_come_before_a_long_term_section() {
    let sts = FakeSts::start();
    for own in [
        format!("[work]\n{}", profile_keys()),
        "[work]\naws_access_key_id = AKIAHALF\n".into(),
    ] {
        let other =
            "[work-long-term]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n";
        let sandbox = with_files(&sts, "", &format!("{own}{other}"));
        let status = sandbox.run(["status", "-p", "work"]).stdout;
        assert!(!status.contains("AKIAOTHER"), "{status}");
        let said = sandbox.run(["load"]).failed(1).to_owned();
        assert!(said.contains(": work, work-long-term\n"), "{said}");
    }
    // A role has the keys of its source, and a section without keys means nothing.
    let role =
        "[profile work]\nrole_arn = arn:aws:iam::210987654321:role/admin\nsource_profile = base\n";
    let credentials = of_python_aws_mfa("work", false).replace(KEY_ID, "AKIAOTHER");
    let sandbox = with_files(
        &sts,
        role,
        &format!("[base]\n{}{credentials}", profile_keys()),
    );
    let status = sandbox.run(["status", "-p", "work"]).stdout;
    assert!(
        status.contains(&format!("key id: {KEY_ID} (profile base)")),
        "{status}"
    );
    let sandbox = with_files(
        &sts,
        "",
        &format!("[x-long-term]\n{TEMPORARY}[x]\n{TEMPORARY}"),
    );
    let said = sandbox
        .run(["get", "-p", "x", "111111"])
        .failed(1)
        .to_owned();
    assert!(
        said.contains("aws_access_key_id in the profile x is a temporary key"),
        "{said}"
    );
}

#[test]
fn rotate_replaces_the_key_in_the_long_term_section_or_moves_it() {
    let sts = FakeSts::start();
    let credentials = of_python_aws_mfa("work", true);
    let sandbox = with_files(&sts, "", &credentials);
    get(&sandbox, &["111111"]);
    let file = sandbox.home().join(".aws/credentials");
    let rotated = sandbox.run(["rotate"]);
    assert_eq!(rotated.status, 0, "{}", rotated.stderr);
    let key = |iam: FakeIam| iam.keys.into_iter().find(|key| key.is_active).unwrap();
    let new = key(sts.iam());
    let pair = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        new.id, new.secret
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        credentials.replace(&profile_keys(), &pair)
    );
    assert_eq!(sandbox.run(["rotate", "--finish"]).status, 0);
    // Where the key may be.
    sandbox.write(".config/aws/work-long-term-key.json", "");
    let moved = sandbox.run(["rotate", "-p", "work", "--to", "file"]);
    assert_eq!(moved.status, 0, "{}", moved.stderr);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        credentials.replace(&profile_keys(), "")
    );
    for arguments in [&["222222"][..], &["-p", "work", "333333"]] {
        get(&sandbox, arguments);
    }
}

#[test]
fn profiles_that_awsume_and_mfa_login_write_are_not_taken_for_keys() {
    let sts = FakeSts::start();
    // awsume 4.5.4: `awsume admin -a` and `awsume work -o out`; AWS CLI 2: `aws configure mfa-login`.
    let temporary =
        "aws_access_key_id = ASIAOTHER\naws_secret_access_key = other\naws_session_token = token\n";
    let credentials = format!(
        "[work]\n{}\n[autoawsume-admin]\nmanager = awsume\n{temporary}region = eu-west-1\nautoawsume = true\n\
         expiration = 2026-11-29 23:33:51\nsource_expiration = 2026-11-30 10:33:50\nawsumepy_command = admin -a\n\n\
         [out]\nmanager = awsume\n{temporary}region = eu-west-1\nexpiration = 2026-11-30 10:33:50\n\n\
         [session-k3x9a]\n{temporary}#expiration = # Credentials expire at: 2026-11-30 10:33:50 UTC\n",
        profile_keys()
    );
    let config = format!(
        "[profile work]\nmfa_serial = {DEVICE}\nregion = eu-west-1\n[profile admin]\nsource_profile = work\n\
         role_arn = arn:aws:iam::210987654321:role/admin\nmfa_serial = {DEVICE}\n"
    );
    let sandbox = with_files(&sts, &config, &credentials);
    let said = get(&sandbox, &["111111"]);
    assert_eq!(
        said,
        "aws-mfa: profile work, the only one with access keys\n"
    );
    let said = sandbox
        .run(["get", "-p", "session-k3x9a", "222222"])
        .failed(1)
        .to_owned();
    assert!(
        said.contains("aws_access_key_id in the profile session-k3x9a is a temporary key"),
        "{said}"
    );
    assert_eq!(sandbox.run(["doctor", "--offline"]).status, 0);
}

/// aws-vault 7 with a key for `work`, and no option that matters but these.
const AWS_VAULT: &str = "#!/bin/sh\ncase \" $* \" in\n\
    *\" --no-session \"*) cat \"$HOME/key\" ;;\n\
    *) echo called >> \"$HOME/asked\"; echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAOTHER\", \
    \"SecretAccessKey\": \"x\", \"SessionToken\": \"y\"}' ;;\nesac\n";

#[test]
fn aws_vault_as_credential_process_is_told_to_print_the_key() {
    for (line, corrected) in [
        (
            "aws-vault export --format=json work",
            "aws-vault export --no-session --format=json work",
        ),
        (
            "aws-vault --prompt=osascript exec --json work",
            "aws-vault --prompt=osascript exec --no-session --json work",
        ),
    ] {
        let sts = FakeSts::start();
        let config = format!("[profile work]\nregion = eu-west-1\ncredential_process = {line}\n");
        let mut sandbox = with_files(&sts, &config, "");
        sandbox.add_program("aws-vault", AWS_VAULT);
        sandbox.set(
            "PATH",
            format!("{}/bin:/usr/bin:/bin", sandbox.home().display()),
        );
        sandbox.write("key", process_json());
        let said = words::failure(
            "credential_process in the profile work prints temporary credentials: aws-vault gets a session itself",
            &format!("write `credential_process = {corrected}` in ~/.aws/config"),
        );
        assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).failed(1), said);
        // It does not count as keys, and is not asked for a code of its own.
        assert!(
            sandbox
                .run(["get", "111111"])
                .failed(1)
                .contains("no access key")
        );
        assert!(!sandbox.home().join("asked").exists());
        edit(
            &sandbox,
            "config",
            &format!("= {line}\n"),
            &format!("= {corrected}\n"),
        );
        get(&sandbox, &["-p", "work", "111111"]);
        get(&sandbox, &["222222"]);
    }
}

#[test]
fn include_profile_of_aws_vault_is_followed() {
    let sts = FakeSts::start();
    // The two styles of aws-vault's USAGE.md.
    let config = format!(
        "[profile common]\nregion = eu-west-1\nmfa_serial = {DEVICE}\nsource_profile = root\n\
         [profile root]\ninclude_profile = common\ncredential_process = cat store\n\
         [profile order-dev]\ninclude_profile = common\nrole_arn = arn:aws:iam::210987654321:role/developers\n\
         [profile parent]\nregion = eu-west-3\nmfa_serial = {DEVICE}\nsource_profile = parent\ncredential_process = cat store\n\
         [profile child]\ninclude_profile = parent\nrole_arn = arn:aws:iam::210987654321:role/administrators\n"
    );
    let sandbox = with_files(&sts, &config, "");
    sandbox.write("store", process_json());
    get(&sandbox, &["-p", "root", "111111"]);
    let request = &sts.requests()[0];
    assert_eq!(
        (
            request.region.as_str(),
            request.form["SerialNumber"].as_str()
        ),
        ("eu-west-1", DEVICE)
    );
    for (name, role, region, owner, from) in [
        ("order-dev", "developers", "eu-west-1", "root", "common"),
        ("child", "administrators", "eu-west-3", "parent", "parent"),
    ] {
        let status = sandbox.run(["status", "-p", name]).stdout;
        for shown in [
            format!(":role/{role} (profile {name})"),
            format!("region: {region} (profile {from})"),
            format!("device: {DEVICE} (profile {from})"),
            format!("session-{owner} "),
        ] {
            assert!(status.contains(&shown), "{shown}: {status}");
        }
    }
    // A profile with a role is none with keys, wherever the role is.
    let config = "[profile work]\n[profile b]\ninclude_profile = role\n[profile role]\nsource_profile = work\n\
                  role_arn = arn:aws:iam::210987654321:role/developers\n";
    let keys = profile_keys();
    let sandbox = with_files(&sts, config, &format!("[work]\n{keys}[b]\n{keys}"));
    assert!(
        sandbox
            .run(["status"])
            .stdout
            .contains("profile: work (the only profile with access keys)")
    );
    // Keys are not included; of a profile that includes itself or nothing, the rest counts; a missing one is named.
    let config = "[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = a\nregion = eu-west-1\n\
                  [profile c]\ninclude_profile = none\n";
    let sandbox = with_files(&sts, config, &format!("[b]\n{}", profile_keys()));
    assert!(
        sandbox
            .run(["get", "-p", "a", "111111"])
            .failed(1)
            .contains("the profile a has no keys\n")
    );
    assert!(
        sandbox
            .run(["status", "-p", "a"])
            .stdout
            .contains("region: eu-west-1 (profile b)")
    );
    let said = sandbox
        .run(["get", "-p", "c", "111111"])
        .failed(1)
        .to_owned();
    assert!(
        said.contains(", which is the include_profile of the profile c\n"),
        "{said}"
    );
}

/// granted: it asks for a code and keeps the session if the profile has a device, and prints the key otherwise.
const GRANTED: &str = r#"#!/bin/sh
case " $* " in *" --no-cache "*) rm -f "$HOME/has-session" ;; esac
if grep -q mfa_serial "$HOME/.aws/config"; then touch "$HOME/has-session"; fi
if test -e "$HOME/has-session"; then
    echo '{"Version": 1, "AccessKeyId": "ASIAOTHER", "SecretAccessKey": "x", "SessionToken": "y"}'
else
    cat "$HOME/key"
fi
"#;

#[test]
fn granted_as_credential_process_prints_the_key_if_its_profile_has_no_device() {
    let sts = FakeSts::start();
    let line = format!("mfa_serial = {DEVICE}\n");
    let config = format!(
        "[profile work]\ncredential_process = granted credential-process --profile=work\n{line}"
    );
    let mut sandbox = with_files(&sts, &config, "");
    sandbox.add_program("granted", GRANTED);
    sandbox.set(
        "PATH",
        format!("{}/bin:/usr/bin:/bin", sandbox.home().display()),
    );
    sandbox.write("key", process_json());
    chmod(&sandbox.home().join("key"), 0o600);
    let cached = "granted credential-process --profile=work";
    Outcome::of(sandbox.command("sh").args(["-c", cached])).succeeded();
    let command = "granted credential-process --no-cache --profile=work > /dev/null";
    let said = words::failure(
        "credential_process in the profile work prints temporary credentials: granted gets a session itself",
        &format!(
            "remove mfa_serial from the profile work in ~/.aws/config, and run `{command}` once: it prints the key then, and aws-mfa \
             finds the device",
        ),
    );
    assert_eq!(sandbox.run(["get", "-p", "work", "111111"]).failed(1), said);
    edit(&sandbox, "config", &line, "");
    Outcome::of(sandbox.command("sh").args(["-c", command])).succeeded();
    get(&sandbox, &["111111"]);
    // Profiles of IAM Identity Center.
    let config = "[profile sso]\ngranted_sso_start_url = https://x.awsapps.com/start\ngranted_sso_region = eu-west-1\n\
                  granted_sso_account_id = 123456789012\ngranted_sso_role_name = Admin\n\
                  credential_process = granted credential-process --profile sso\n";
    sandbox.write(".aws/config", config);
    let said = sandbox
        .run(["get", "-p", "sso", "111111"])
        .failed(1)
        .to_owned();
    assert!(
        said.contains("which has its own MFA: run `assume sso`\n"),
        "{said}"
    );
    assert!(
        sandbox
            .run(["get", "111111"])
            .failed(1)
            .contains("no access key")
    );
}
