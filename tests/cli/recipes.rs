//! The guide's lines for keys out of dotfiles, as they stand there: with the real password store where it can be
//! installed, else with a stand-in that checks what it gets. After each, `doctor`'s own advice is followed word by word.

use super::fake_iam::FakeIam;
use super::fake_sts::{FakeSts, KEY_ID, SECRET, SECRET_WORD};
use super::readme::{GUIDE, section};
use super::sandbox::{Outcome, Sandbox, chmod, mode, process_json, profile_keys, read_json};
use super::tool::tool;
use super::words;

/// The guide's line for this store, and the `credential_process` beside it.
fn line(store: &str) -> (String, &'static str) {
    let line = format!("aws-mfa rotate -p work --to {store}");
    let mut rows = section(GUIDE, "Keys out of dotfiles").lines();
    let row = rows.find_map(|row| row.strip_prefix(&format!("| `{line}` | `")));
    let process = row.unwrap().strip_suffix("` |").unwrap();
    (line, process)
}

/// The profile in the guide that has this line.
fn profile(line: &str) -> &'static str {
    let blocks = section(GUIDE, "Keys out of dotfiles")
        .split("```ini\n")
        .skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks.find(|block| block.contains(line)).unwrap()
}

/// A user and the shell in which the lines are typed, which `before` prepares.
struct Reader {
    aws: FakeSts,
    sandbox: Sandbox,
    before: &'static str,
    codes: u32,
}

impl Reader {
    /// A user whose key is in `~/.aws/credentials`.
    fn new(before: &'static str) -> Self {
        let aws = FakeSts::start();
        let sandbox = sandbox(&aws);
        sandbox.write(
            ".aws/credentials",
            format!("# mine\n[work] # here\n{}# the end\n", profile_keys()),
        );
        Reader {
            aws,
            sandbox,
            before,
            codes: 0,
        }
    }

    #[track_caller]
    fn types(&self, line: &str) -> Outcome {
        let script = format!("set -eu\n{}\n{line}\n", self.before);
        let outcome = self
            .sandbox
            .run_with(self.sandbox.command("bash").args(["-c", &script]));
        assert_eq!(
            outcome.status, 0,
            "{line}: {}{}",
            outcome.stdout, outcome.stderr
        );
        outcome
    }

    #[track_caller]
    fn gets_a_session(&mut self) {
        self.codes += 1;
        self.types(&format!("aws-mfa get -p work {} >&2", 100_000 + self.codes));
    }

    /// The ids of the user's keys.
    fn keys(&self) -> Vec<String> {
        let keys = self.aws.iam().keys;
        keys.into_iter().map(|key| key.id).collect()
    }

    /// Types a line that replaces the key, and finishes. Returns the id of the new key.
    #[track_caller]
    fn replaces(&self, line: &str) -> String {
        let before = self.keys();
        let outcome = self.types(line);
        let keys = self.keys();
        let [old, new] = keys.as_slice() else {
            panic!("{keys:?}");
        };
        assert_eq!(before, [old.as_str()]);
        let replaced = words::replaced_the_access_key(old, new);
        assert!(outcome.stdout.contains(&replaced), "{}", outcome.stdout);
        let (_, finish) = outcome.stdout.split_once("delete the old key: `").unwrap();
        self.types(finish.split('`').next().unwrap());
        assert_eq!(self.keys(), [new.as_str()]);
        new.clone()
    }

    /// Follows what `doctor` advises for an old key: the line below it, word by word.
    #[track_caller]
    fn follows_doctor(&mut self, selection: &str) {
        let mut iam = self.aws.iam();
        for key in &mut iam.keys {
            key.created = FakeIam::default().keys[0].created;
        }
        self.aws.set_iam(iam);
        let said = self
            .types(&format!("aws-mfa doctor {selection} || true"))
            .stdout;
        let mut lines = said.lines().skip_while(|line| !line.ends_with(" days old"));
        let advice = lines.nth(1).expect(&said).trim();
        assert!(advice.starts_with("aws-mfa rotate"), "{said}");
        let new = self.replaces(advice);
        self.gets_a_session();
        let asked = self.aws.requests_for("GetSessionToken");
        assert_eq!(asked.last().unwrap().key_id, new);
    }

    /// Moves the key with the guide's line, and replaces it where it is then.
    #[track_caller]
    fn moves(&mut self, store: &str) {
        let (command, process) = line(store);
        self.sandbox
            .write(".aws/config", "[profile work]\nregion = eu-west-1\n");
        self.gets_a_session();
        self.replaces(&command);
        let file = |name: &str| std::fs::read_to_string(self.sandbox.home().join(name)).unwrap();
        assert_eq!(
            file(".aws/credentials"),
            "# mine\n[work] # here\n# the end\n"
        );
        let profile =
            format!("[profile work]\ncredential_process = {process}\nregion = eu-west-1\n");
        assert_eq!(file(".aws/config"), profile);
        self.follows_doctor("-p work");
    }
}

/// A sandbox whose `bin` comes first in `PATH`.
fn sandbox(aws: &FakeSts) -> Sandbox {
    let mut sandbox = Sandbox::with_profile(aws);
    sandbox.unset("AWS_MFA_PROFILE");
    own_programs_first(&mut sandbox);
    sandbox
}

/// Puts the sandbox's `bin` first in `PATH`, for each [`program`] there.
pub(super) fn own_programs_first(sandbox: &mut Sandbox) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [
        sandbox.home().join("bin"),
        super::sandbox::binary().parent().unwrap().to_owned(),
    ];
    let paths = own.into_iter().chain(std::env::split_paths(&path));
    let paths = std::env::join_paths(paths).unwrap();
    sandbox.set("PATH", paths);
}

/// A program in the sandbox's `bin`.
pub(super) fn program(sandbox: &Sandbox, name: &str, script: &str) {
    let file = sandbox.write(format!("bin/{name}"), script);
    chmod(&file, 0o700);
}

#[test]
fn key_moves_to_pass() {
    let (Some(_), Some(_), Some(_)) = (tool("pass"), tool("gpg"), tool("bash")) else {
        return;
    };
    let before = "trap 'gpgconf --kill all' EXIT\n\
                  if [ ! -e ~/.password-store ]; then\n\
                  gpg --quiet --batch --passphrase '' --quick-gen-key test default default never 2> /dev/null\n\
                  pass init test > /dev/null\nfi";
    Reader::new(before).moves("pass");
}

#[test]
fn key_moves_to_the_gnome_keyring() {
    let tools = [
        "bash",
        "secret-tool",
        "gnome-keyring-daemon",
        "dbus-run-session",
    ];
    if tools.iter().any(|name| tool(name).is_none()) {
        return;
    }
    // The script starts again within a session bus of its own. The bus may start the daemon too, which then finds the
    // first one in that directory, and says so on standard output.
    let before = "mkdir -p -m 700 run; export XDG_RUNTIME_DIR=$HOME/run\n\
                  if [ -z \"${DBUS_SESSION_BUS_ADDRESS:-}\" ]; then\n\
                  exec dbus-run-session -- bash -c \"$BASH_EXECUTION_STRING\" 2> /dev/null\nfi\n\
                  echo password | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1";
    Reader::new(before).moves("secret-service");
}

#[test]
fn key_moves_to_a_file_of_its_own() {
    if tool("bash").is_none() {
        return;
    }
    let mut reader = Reader::new("");
    let file = reader.sandbox.write(".config/aws/work-key.json", "");
    std::fs::remove_file(&file).unwrap();
    reader.moves("file");
    assert_eq!(read_json(&file)["AccessKeyId"], reader.keys()[0]);
    assert_eq!(mode(&file), 0o600);

    // Mode and symlink stay.
    let real = reader.sandbox.home().join("dotfiles-key.json");
    std::fs::rename(&file, &real).unwrap();
    chmod(&real, 0o640);
    std::os::unix::fs::symlink(&real, &file).unwrap();
    reader.sandbox.write(&real, std::fs::read(&real).unwrap());
    reader.follows_doctor("-p work");
    assert_eq!(std::fs::read_link(&file).unwrap(), real);
    assert_eq!(mode(&real), 0o640);
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
  'find-generic-password -a work -s aws-mfa -w') cat ~/keychain; echo ;;
  *) exit 1 ;;
esac
"#;

/// macOS's own program is not to be had here: this one checks that it gets no secret as an argument.
#[test]
fn key_moves_to_the_keychain_of_macos_without_the_secret_in_an_argument() {
    if tool("bash").is_none() {
        return;
    }
    let mut reader = Reader::new("");
    program(&reader.sandbox, "security", SECURITY);
    reader.sandbox.write("keychain", "");
    reader.moves("keychain");
    let arguments = std::fs::read_to_string(reader.sandbox.home().join("arguments")).unwrap();
    assert!(!arguments.contains(SECRET_WORD) && arguments.lines().count() >= 5);
    for line in arguments.lines() {
        assert!(
            ["-i", "find-generic-password -a work -s aws-mfa -w"].contains(&line),
            "{line}"
        );
    }
}

/// Stands for `pass` and `secret-tool`: keeps what it gets in a file of the entry's name, and prints it.
pub(super) const STORE: &str = r#"#!/bin/bash
name=${@: -1}
file=~/${0##*/}-${name//\//%}
case $1 in
  insert | store) cat > "$file" ;;
  *) cat "$file" ;;
esac
"#;

const OP: &str = r#"#!/bin/bash
case $* in
  'document edit aws-work -') cat > ~/vault ;;
  'document get aws-work') cat ~/vault ;;
  *) exit 1 ;;
esac
"#;

#[test]
fn key_in_1password_is_replaced() {
    if tool("bash").is_none() {
        return;
    }
    let mut reader = Reader::new("");
    program(&reader.sandbox, "op", OP);
    std::fs::remove_file(reader.sandbox.home().join(".aws/credentials")).unwrap();
    reader.sandbox.write("vault", process_json());
    let config = profile("op document get");
    reader.sandbox.write(".aws/config", config);
    reader.gets_a_session();
    reader.follows_doctor("-p work");

    // Without its store command, `doctor` gives the line to add.
    let (_, command) = config.split_once("mfa_store_process").unwrap();
    let without = config.replace(&format!("mfa_store_process{command}"), "");
    reader.sandbox.write(".aws/config", &without);
    let said = reader.types("aws-mfa rotate -p work 2>&1 || true").stdout;
    assert_eq!(
        said,
        "aws-mfa: the profile work runs `op document get aws-work`, but how to store a new key there is not known\n\
         hint: add to the profile: mfa_store_process = <command that reads the key's JSON from standard input>; \
         or move the key: `aws-mfa rotate --profile work --to file`\n"
    );
    let (_, hint) = said.split_once("the profile: ").unwrap();
    let (line, _) = hint.split_once('<').unwrap();
    let added = format!("{without}{line}{}", command.trim_start_matches([' ', '=']));
    reader.sandbox.write(".aws/config", added);
    reader.follows_doctor("-p work");
    // The other way of the hint.
    reader.sandbox.write(".config/aws/work-key.json", "");
    reader.sandbox.write(".aws/config", &without);
    reader.replaces("aws-mfa rotate --profile work --to file");
    reader.follows_doctor("-p work");
}

#[test]
fn key_in_aws_vault_gets_a_session_and_moves_as_doctor_advises() {
    if tool("bash").is_none() {
        return;
    }
    let mut reader = Reader::new("");
    let sandbox = &reader.sandbox;
    let script =
        "#!/bin/sh\n[ \"$*\" = 'export --no-session --format=json work-key' ] && cat ~/vault\n";
    program(sandbox, "aws-vault", script);
    sandbox.write("vault", process_json());
    std::fs::remove_file(sandbox.home().join(".aws/credentials")).unwrap();
    sandbox.write(".aws/config", profile("aws-vault export"));
    sandbox.write(".config/aws/work-key.json", "");
    reader.gets_a_session();
    let said = reader.types("aws-mfa doctor -p work || true").stdout;
    let advice = said.split("or move the key: `").nth(1).expect(&said);
    reader.replaces(advice.split('`').next().unwrap());
    reader.follows_doctor("-p work");
}

#[test]
fn key_in_the_credentials_file_is_replaced_and_moved_as_doctor_advises() {
    if tool("bash").is_none() {
        return;
    }
    let mut reader = Reader::new("");
    reader.gets_a_session();
    reader.follows_doctor("-p work");
    reader.sandbox.write(".config/aws/work-key.json", "");
    let said = reader.types("aws-mfa doctor -p work || true").stdout;
    let mut lines = said
        .lines()
        .skip_while(|line| !line.ends_with("; rotate can move it"));
    let place = lines.next().expect(&said);
    assert!(place.ends_with("/.aws/credentials, where every SDK finds it; rotate can move it"));
    reader.replaces(lines.next().unwrap().trim());
    let file = reader.sandbox.home().join(".aws/credentials");
    let file = std::fs::read_to_string(file).unwrap();
    assert_eq!(file, "# mine\n[work] # here\n# the end\n");
    let said = reader.types("aws-mfa doctor -p work || true").stdout;
    assert!(!said.contains("rotate can move it"), "{said}");
}

#[test]
fn key_in_the_environment_moves_to_a_profile_as_doctor_advises() {
    if tool("bash").is_none() {
        return;
    }
    let mut reader = Reader::new("");
    std::fs::remove_file(reader.sandbox.home().join(".aws/credentials")).unwrap();
    reader
        .sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", KEY_ID)
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET);
    reader.types("aws-mfa get 100001 >&2");
    let said = reader.types("aws-mfa doctor || true").stdout;
    let mut lines = said.lines().skip_while(|line| !line.ends_with(" days old"));
    let advice = lines.nth(1).expect(&said).trim().to_owned();
    let mut lines = said
        .lines()
        .skip_while(|line| !line.ends_with("; rotate can move it"));
    assert_eq!(
        lines.nth(1).expect(&said).trim(),
        "aws-mfa rotate --profile work --to file"
    );
    let command = advice.split('`').nth(1).unwrap_or(&advice);
    assert_eq!(command, "aws-mfa rotate --profile work --to file");
    reader.sandbox.write(".config/aws/work-key.json", "");
    let outcome = reader.types(command);
    let warning = format!(
        "aws-mfa: warning: the old access key {KEY_ID} is still in MASTER_AWS_ACCESS_KEY_ID: delete it and \
         MASTER_AWS_SECRET_ACCESS_KEY from where they are set\n"
    );
    assert!(outcome.stderr.contains(&warning), "{}", outcome.stderr);
    let config = std::fs::read_to_string(reader.sandbox.home().join(".aws/config")).unwrap();
    assert_eq!(
        config,
        "[profile work]\ncredential_process = cat ~/.config/aws/work-key.json\n"
    );
    // As it says, and the session has moved along: no code.
    reader
        .sandbox
        .unset("MASTER_AWS_ACCESS_KEY_ID")
        .unset("MASTER_AWS_SECRET_ACCESS_KEY");
    reader.types("aws-mfa load -p work --format json > /dev/null");
    reader.types("aws-mfa rotate -p work --finish");
    assert_eq!(reader.keys().len(), 1);
    reader.codes = 1;
    reader.follows_doctor("-p work");
}

/// Each of the stores that the hint lists takes the key, under its own name and under any that the hint allows.
#[test]
fn unknown_store_is_refused_with_the_list_of_stores() {
    if tool("bash").is_none() {
        return;
    }
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    let rotate = |options: &[&str]| sandbox.run([&["rotate", "-p", "work"], options].concat());
    let outcome = rotate(&["--to", "vault"]);
    outcome.is(
        2,
        "",
        "aws-mfa: --to cannot use vault\n\
         hint: the stores are file[:PATH], pass[:NAME], secret-service[:NAME] and keychain[:NAME]; a name may have \
         letters, digits, spaces and . _ - / +\n",
    );
    for (name, script) in [
        ("pass", STORE),
        ("secret-tool", STORE),
        ("security", SECURITY),
    ] {
        program(&sandbox, name, script);
    }
    let name = "aB1 ._-/+";
    for file in [
        "keychain",
        "pass-aws%work",
        "pass-aB1 ._-%+",
        "secret-tool-work",
        "secret-tool-aB1 ._-%+",
        ".config/aws/work-key.json",
        name,
    ] {
        sandbox.write(file, "");
    }
    let (_, list) = outcome.stderr.split_once("the stores are ").unwrap();
    let (list, _) = list.split_once(';').unwrap();
    let list = list.replace(" and ", ", ");
    let mut count = 0;
    for store in list.split(", ") {
        let (store, named) = store.trim_end_matches(']').split_once("[:").unwrap();
        let named = match named {
            "PATH" => format!("{store}:{}", sandbox.home().join(name).display()),
            _ => format!("{store}:{name}"),
        };
        // The stand-in for macOS's program knows one entry.
        let named = (store != "keychain").then_some(named);
        for to in std::iter::once(store.to_owned()).chain(named) {
            let outcome = rotate(&["--to", &to]);
            assert_eq!(outcome.status, 0, "{to}: {}", outcome.stderr);
            let outcome = rotate(&["--finish"]);
            assert_eq!(outcome.status, 0, "{to}: {}", outcome.stderr);
            count += 1;
            let keys = aws.iam().keys;
            assert_eq!(keys.len(), 1);
            assert_eq!(keys[0].id, format!("AKIANEW{count:013}"));
        }
    }
    assert_eq!(count, 7);
    sandbox.run(["get", "-p", "work", "234567"]).succeeded();
}

/// The key would be in the journal, with no store to take it.
#[test]
fn store_whose_program_is_not_installed_is_refused_before_a_key_is_requested() {
    if tool("bash").is_none() {
        return;
    }
    for (store, name, script, remedy) in [
        ("pass", "pass", STORE, "install it, or"),
        (
            "secret-service",
            "secret-tool",
            STORE,
            "install it (package libsecret-tools or libsecret), or",
        ),
        ("keychain", "security", SECURITY, "as only macOS has it,"),
    ] {
        for is_installed in [true, false] {
            let aws = FakeSts::start();
            let mut sandbox = sandbox(&aws);
            sandbox.run(["get", "-p", "work", "123456"]).succeeded();
            let programs = sandbox.write("bin/notes", "");
            let programs = programs.parent().unwrap();
            for name in ["sh", "cat", "sed"] {
                let program = super::tool::installed(name).unwrap();
                std::os::unix::fs::symlink(program, programs.join(name)).unwrap();
            }
            let own = super::sandbox::binary().parent().unwrap().to_owned();
            sandbox.set("PATH", std::env::join_paths([programs, &own]).unwrap());
            let before = aws.requests().len();
            let rotate = ["rotate", "-p", "work", "--to", store];
            let outcome = sandbox.run(rotate);
            outcome.is(
                1,
                "",
                &format!(
                    "aws-mfa: the store needs `{name}`, which is not installed\n\
                     hint: {remedy} choose another store: `aws-mfa rotate --profile work --to file`\n"
                ),
            );
            assert_eq!(aws.requests().len(), before);

            for file in ["keychain", "pass-aws%work", "secret-tool-work"] {
                sandbox.write(file, "");
            }
            sandbox.write(".config/aws/work-key.json", "");
            let outcome = match is_installed {
                true => {
                    program(&sandbox, name, script);
                    sandbox.run(rotate)
                }
                false => {
                    let command = outcome.stderr.split('`').nth(3).unwrap();
                    sandbox.run_with(sandbox.command("sh").args(["-c", command]))
                }
            };
            assert_eq!(outcome.status, 0, "{store}: {}", outcome.stderr);
            let finish = sandbox.run(["rotate", "-p", "work", "--finish"]);
            assert_eq!(finish.status, 0, "{store}: {}", finish.stderr);
            assert_eq!(aws.iam().keys.len(), 1);
            assert_ne!(aws.iam().keys[0].id, KEY_ID);
        }
    }
}

/// What is there would be lost.
#[test]
fn place_that_holds_something_else_is_refused_before_a_key_is_created() {
    let aws = FakeSts::start();
    let sandbox = sandbox(&aws);
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    let other = process_json().replace(KEY_ID, "AKIAOTHER");
    for contents in ["my notes\n", &other] {
        let file = sandbox.write("notes", contents);
        let to = format!("file:{}", file.display());
        sandbox.run(["rotate", "-p", "work", "--to", &to]).is(
            1,
            "",
            "aws-mfa: `cat ~/notes` already prints something else, which would be lost\n\
             hint: choose another name: `--to STORE:NAME`\n",
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), contents);
    }
    // As the hint says.
    let other = sandbox.write("other", "");
    let to = format!("file:{}", other.display());
    let outcome = sandbox.run(["rotate", "-p", "work", "--to", &to]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    let outcome = sandbox.run(["rotate", "-p", "work", "--finish"]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(read_json(&other)["AccessKeyId"], aws.iam().keys[0].id);
    for store in ["pass:a;b", "file:/a$b", "keychain:a`b"] {
        let outcome = sandbox.run(["rotate", "-p", "work", "--to", store]);
        let message = format!("aws-mfa: --to cannot use {store}\nhint: the stores are file[:PATH]");
        assert!(
            outcome.failed(2).starts_with(&message),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(aws.iam().keys.len(), 1);
}
