//! The guide's recipes for keys out of dotfiles, as they stand there: with the real password store where it can be
//! installed, else with a stand-in that checks what it gets.

use super::fake_sts::{FakeSts, KEY_ID, SECRET, SECRET_WORD};
use super::readme::GUIDE;
use super::sandbox::{Sandbox, chmod, process_json};
use super::tool::tool;
use super::words;

/// The id and the secret of the first key that the fake IAM creates.
const NEW: [&str; 2] = [
    "AKIANEW0000000000001",
    "new/S3CR3T+KEY000000000000000000000001",
];

/// A recipe of the guide: its lines for a shell, and those for `~/.aws/config`.
struct Recipe {
    /// `store=…`
    store: &'static str,
    /// What stores the key that is pasted.
    first: &'static str,
    /// `aws-mfa rotate …`
    rotate: &'static str,
    /// The profile.
    config: &'static str,
}

fn section(heading: &str) -> &'static str {
    let (_, section) = GUIDE.split_once(&format!("\n### {heading}\n")).unwrap();
    section.split("\n##").next().unwrap()
}

fn block(section: &'static str, language: &str) -> &'static str {
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("\n```").unwrap().0
}

fn recipe(heading: &str) -> Recipe {
    let section = section(heading);
    let (rest, rotate) = block(section, "sh").rsplit_once('\n').unwrap();
    let (store, first) = rest.rsplit_once('\n').unwrap();
    Recipe {
        store,
        first,
        rotate,
        config: block(section, "ini"),
    }
}

/// A sandbox whose `bin` comes first in `PATH`.
fn sandbox(aws: &FakeSts) -> Sandbox {
    let mut sandbox = Sandbox::with_profile(aws);
    sandbox.unset("AWS_MFA_PROFILE");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [
        sandbox.home().join("bin"),
        super::sandbox::binary().parent().unwrap().to_owned(),
    ];
    let paths = own.into_iter().chain(std::env::split_paths(&path));
    let paths = std::env::join_paths(paths).unwrap();
    sandbox.set("PATH", paths);
    sandbox
}

/// A program in the sandbox's `bin`.
fn program(sandbox: &Sandbox, name: &str, script: &str) {
    let file = sandbox.write(format!("bin/{name}"), script);
    chmod(&file, 0o700);
}

/// Follows the recipe in one shell, which `before` prepares: the key is stored, a session is got, the key is replaced, and
/// another session is got with the new one.
#[track_caller]
fn follow(sandbox: &Sandbox, aws: &FakeSts, recipe: &Recipe, before: &str) {
    let Recipe {
        store,
        first,
        rotate,
        config,
    } = recipe;
    let json = process_json();
    let script = format!(
        "set -eu\n{before}\n{store}\n{{ {first}; }} > /dev/null <<'EOF'\n{json}EOF\nrm ~/.aws/credentials\n\
         printf '%s\\n' '{config}' >> ~/.aws/config\n\
         aws-mfa get -p work 123456 >&2\n{rotate} --delete-old\naws-mfa get -p work 234567 >&2\n"
    );
    let outcome = sandbox.run_with(sandbox.command("bash").args(["-c", &script]));
    let done = words::replaced_the_access_key(KEY_ID, NEW[0]);
    let done = format!("{done}, and deleted {KEY_ID}");
    assert!(
        outcome.stdout.lines().any(|line| line == done),
        "{} {}",
        outcome.stdout,
        outcome.stderr
    );
    assert_eq!(outcome.status, 0);
    assert_eq!(aws.iam().keys.len(), 1);
    assert_eq!(
        aws.requests_for("GetSessionToken").last().unwrap().key_id,
        NEW[0]
    );
}

#[test]
fn key_in_pass_is_replaced() {
    let (Some(_), Some(_), Some(_)) = (tool("pass"), tool("gpg"), tool("bash")) else {
        return;
    };
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let before = "trap 'gpgconf --kill all' EXIT\n\
                  gpg --quiet --batch --passphrase '' --quick-gen-key test default default never 2> /dev/null\n\
                  pass init test > /dev/null";
    follow(&sandbox, &aws, &recipe("pass"), before);
}

#[test]
fn key_in_the_gnome_keyring_is_replaced() {
    let tools = [
        "bash",
        "secret-tool",
        "gnome-keyring-daemon",
        "dbus-run-session",
    ];
    if tools.iter().any(|name| tool(name).is_none()) {
        return;
    }
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    // The script starts again within a session bus of its own. The bus may start the daemon too, which then finds the
    // first one in that directory, and says so on standard output.
    let before = "mkdir -p -m 700 run; export XDG_RUNTIME_DIR=$HOME/run\n\
                  if [ -z \"${DBUS_SESSION_BUS_ADDRESS:-}\" ]; then\n\
                  exec dbus-run-session -- bash -c \"$BASH_EXECUTION_STRING\" 2> /dev/null\nfi\n\
                  echo password | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1";
    follow(
        &sandbox,
        &aws,
        &recipe("GNOME Keyring, KWallet, KeePassXC: secret-tool"),
        before,
    );
}

#[test]
fn key_in_a_file_of_its_own_is_replaced() {
    if tool("bash").is_none() {
        return;
    }
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let file = sandbox.write(".config/aws/work-key.json", "");
    follow(&sandbox, &aws, &recipe("A file of its own"), "");
    let [id, secret] = NEW;
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        process_json().replace(KEY_ID, id).replace(SECRET, secret)
    );
    assert_eq!(super::sandbox::mode(&file), 0o600);
}

/// Writes down the arguments that it gets, keeps what `add-generic-password … -X <hex>` on standard input says, and
/// prints it.
const SECURITY: &str = r#"#!/bin/bash
echo "$*" >> ~/arguments
case $* in
  -i)
    read -r command options
    [ "$command ${options% *}" = 'add-generic-password -U -a work -s aws-mfa -X' ] || exit 1
    hex=${options##* }
    printf "$(sed 's/../\\x&/g' <<< "$hex")" > ~/keychain ;;
  'find-generic-password -a work -s aws-mfa -w') cat ~/keychain ;;
  *) exit 1 ;;
esac
"#;

/// macOS's own program is not to be had here: this one checks that it gets no secret as an argument.
#[test]
fn key_in_the_keychain_of_macos_is_replaced_without_the_secret_in_an_argument() {
    if tool("bash").is_none() {
        return;
    }
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    program(&sandbox, "security", SECURITY);
    sandbox.write("keychain", "");
    follow(&sandbox, &aws, &recipe("macOS: security"), "");
    let arguments = std::fs::read_to_string(sandbox.home().join("arguments")).unwrap();
    assert!(!arguments.contains(SECRET_WORD) && arguments.lines().count() >= 5);
    for line in arguments.lines() {
        assert!(
            ["-i", "find-generic-password -a work -s aws-mfa -w"].contains(&line),
            "{line}"
        );
    }
}

const OP: &str = r#"#!/bin/bash
case $* in
  'document create - --title aws-work' | 'document edit aws-work -') cat > ~/vault ;;
  'document get aws-work') cat ~/vault ;;
  *) exit 1 ;;
esac
"#;

#[test]
fn key_in_1password_is_replaced() {
    if tool("bash").is_none() {
        return;
    }
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    program(&sandbox, "op", OP);
    sandbox.write("vault", "");
    follow(&sandbox, &aws, &recipe("1Password"), "");
}

#[test]
fn key_in_aws_vault_gets_a_session() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    let script =
        "#!/bin/sh\n[ \"$*\" = 'export --no-session --format=json work-key' ] && cat ~/vault\n";
    program(&sandbox, "aws-vault", script);
    sandbox.write("vault", process_json());
    std::fs::remove_file(sandbox.home().join(".aws/credentials")).unwrap();
    sandbox.write(".aws/config", block(section("aws-vault"), "ini"));
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
}
