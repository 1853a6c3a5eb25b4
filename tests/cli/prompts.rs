//! direnv at each prompt, in both versions of direnv.

use super::direnv::ENVRC;
use super::fake_sts::{self, FakeSts};
use super::sandbox::{Outcome, Sandbox, chmod, in_an_hour};
use super::shell::{Kind, Shell};
use super::terminal::Terminal;
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Each test once with the distribution's direnv, and once with the newest.
macro_rules! in_both_versions {
    ($($story:ident)*) => {
        mod with_direnv {
            $(#[test]
            fn $story() {
                let Some(direnv) = super::tool("direnv") else { return };
                super::$story(&direnv);
            })*
        }

        mod with_the_newest_direnv {
            $(#[test]
            fn $story() {
                let Some(direnv) = super::tool("direnv-newest") else { return };
                super::$story(&direnv);
            })*
        }
    };
}

in_both_versions! {
    saved_expired_or_removed_session_updates_the_shell
    saved_expired_or_removed_session_under_strict_env_updates_the_shell
    load_strict_without_session_stops_only_a_strict_envrc
    symlinked_session_file_is_watched_with_its_target
    large_and_odd_environment_is_unchanged
    direnv_exec_runs_with_the_session
    load_without_direnv_load_is_an_error_that_shows_no_secret
    use_aws_mfa_loads_the_session
    notice_of_load_on_a_terminal_is_coloured_unless_no_color
    bash_prompt_after_get_or_clear_has_the_current_session
    zsh_prompt_after_get_or_clear_has_the_current_session
    fish_prompt_after_get_or_clear_has_the_current_session
}

/// A project with this `.envrc`, allowed, and the variables of a shell in its directory.
struct Project<'a> {
    sandbox: &'a Sandbox,
    direnv: &'a Path,
    directory: PathBuf,
    variables: BTreeMap<String, Option<String>>,
}

impl<'a> Project<'a> {
    fn new(sandbox: &'a Sandbox, direnv: &'a Path, envrc: &str) -> Self {
        Project {
            sandbox,
            direnv,
            directory: sandbox.project(direnv, envrc),
            variables: BTreeMap::new(),
        }
    }

    /// direnv without root's privileges: it cannot read files that their owner cannot read.
    fn direnv(&self, arguments: &[&str]) -> Outcome {
        let root = std::fs::metadata(&self.directory).unwrap().uid() == 0;
        let mut command = match tool("setpriv").filter(|_| root) {
            Some(setpriv) => {
                let mut command = self.sandbox.command(setpriv);
                command
                    .arg("--bounding-set=-dac_override,-dac_read_search")
                    .arg(self.direnv);
                command
            }
            None => self.sandbox.command(self.direnv),
        };
        command.args(arguments).current_dir(&self.directory);
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Outcome::of(&mut command)
    }

    /// Does what direnv's hook does at each prompt, and returns what the user sees.
    fn prompt(&mut self) -> String {
        let exported = self.direnv(&["export", "json"]);
        if !exported.stdout.is_empty() {
            let change: BTreeMap<String, Option<String>> =
                serde_json::from_str(&exported.stdout).unwrap();
            self.variables.extend(change);
        }
        assert!(
            !exported.stderr.contains(fake_sts::SECRET_WORD),
            "{}",
            exported.stderr
        );
        exported.stderr
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.as_deref()
    }

    /// One prompt after a change, and one without: direnv reloads once.
    #[track_caller]
    fn loads_once(&mut self) -> String {
        let shown = self.prompt();
        assert!(shown.contains("direnv: loading "), "{shown}");
        assert_eq!(
            self.prompt(),
            "",
            "loaded again, though nothing has changed"
        );
        assert_eq!(self.variable("PROJECT"), Some("mine"));
        shown
    }

    #[track_caller]
    fn has_no_session(&mut self, reason: &str) {
        let shown = self.loads_once();
        assert!(shown.contains(&format!("aws-mfa: {reason}")), "{shown}");
        let hint = format!(": {}\n", words::get_a_session());
        assert!(shown.contains(&hint), "{shown}");
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ] {
            assert_eq!(self.variable(name), None, "{name}");
        }
    }

    #[track_caller]
    fn has_session(&mut self, number: usize) {
        self.loads_once();
        let id = format!("ASIASESSION00000000{number}");
        assert_eq!(self.variable("AWS_ACCESS_KEY_ID"), Some(id.as_str()));
    }
}

/// Writes the session file as if `minute` minutes had passed since the last one.
fn put(sandbox: &Sandbox, contents: &str, minute: u64) -> PathBuf {
    let file = sandbox.write(sandbox.session_file(), contents);
    let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 60 * minute);
    File::options()
        .append(true)
        .open(&file)
        .and_then(|file| file.set_modified(time))
        .unwrap();
    file
}

fn valid() -> String {
    fake_sts::session_json(in_an_hour())
}

fn sandbox_with_session() -> Sandbox {
    let sandbox = Sandbox::without_session();
    put(&sandbox, &valid(), 0);
    sandbox
}

const LOAD: &str = "direnv_load aws-mfa load\n";

/// The life of a session, with each of these first lines of an .envrc.
fn life(direnv: &Path, beginnings: &[String]) {
    std::thread::scope(|scope| {
        for beginning in beginnings {
            scope.spawn(move || {
                let sts = FakeSts::start();
                let sandbox = Sandbox::with_user(&sts);
                let envrc = format!("{beginning}export PROJECT=mine\n");
                let mut project = Project::new(&sandbox, direnv, &envrc);
                let file = sandbox.session_file();
                let file = file.display();
                let missing = words::no_session_yet(&file);
                project.has_no_session(&missing);
                sandbox.get("111111");
                project.has_session(1);
                // Within the same second.
                sandbox.get("222222");
                project.has_session(2);
                let expired = Timestamp::now() - SignedDuration::from_hours(2);
                put(&sandbox, &fake_sts::session_json(expired), 1);
                project.has_no_session(&words::session_expired("2h", &file));
                put(&sandbox, "{\"Credentials\"", 2);
                let fault = "it is truncated";
                project.has_no_session(&words::session_file_is_corrupt(fault, &file));
                let put_there = put(&sandbox, &valid(), 3);
                chmod(&put_there, 0o000);
                project.has_no_session(&words::cannot_read_the_session_file(&file, ""));
                chmod(&put_there, 0o600);
                put(&sandbox, &valid(), 4);
                project.has_session(0);
                std::fs::remove_file(&put_there).unwrap();
                project.has_no_session(&missing);
            });
        }
    });
}

fn saved_expired_or_removed_session_updates_the_shell(direnv: &Path) {
    // Without watch_file, and with it before and after `load`.
    let watch = "watch_file $AWS_SESSION_FILE\n";
    life(
        direnv,
        &[
            LOAD.to_owned(),
            "eval \"$(aws-mfa load)\"\n".to_owned(),
            format!("{watch}{LOAD}"),
            format!("{LOAD}{watch}"),
        ],
    );
}

fn saved_expired_or_removed_session_under_strict_env_updates_the_shell(direnv: &Path) {
    let eval = "eval \"$(aws-mfa load)\"\n";
    life(
        direnv,
        &[format!("strict_env\n{LOAD}"), format!("strict_env\n{eval}")],
    );
}

fn load_strict_without_session_stops_only_a_strict_envrc(direnv: &Path) {
    let sandbox = Sandbox::without_session();
    for (first_line, rest) in [("", Some("mine")), ("strict_env\n", None)] {
        let envrc = format!("{first_line}direnv_load aws-mfa load --strict\nexport PROJECT=mine\n");
        let mut project = Project::new(&sandbox, direnv, &envrc);
        let shown = project.prompt();
        let hint = format!("hint: {}\n", words::get_a_session());
        assert!(shown.contains(&hint), "{shown}");
        assert_eq!(project.variable("PROJECT"), rest, "{shown}");
    }
}

fn symlinked_session_file_is_watched_with_its_target(direnv: &Path) {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let target = sandbox.write("vault/session", valid());
    let link = sandbox.home().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    sandbox.set("AWS_SESSION_FILE", &link);
    let mut project = Project::new(
        &sandbox,
        direnv,
        "direnv_load aws-mfa load\nexport PROJECT=mine\n",
    );
    project.has_session(0);
    sandbox.get("111111");
    project.has_session(1);
    assert!(link.is_symlink());
    // The target disappears and returns.
    std::fs::remove_file(&target).unwrap();
    project.has_no_session(&words::no_session_yet(link.display()));
    sandbox.write("vault/session", valid());
    project.has_session(0);
}

fn large_and_odd_environment_is_unchanged(direnv: &Path) {
    let mut sandbox = sandbox_with_session();
    let large = "x/'\"\\\n\u{e9}".repeat(14_000);
    for number in 0..9 {
        sandbox.set(&format!("LARGE_{number}"), &large);
    }
    sandbox
        .set("odd.name-of a variable", "odd")
        .set("BASH_FUNC_f%%", "() { :; }")
        .set("EMPTY", "");
    let mut project = Project::new(
        &sandbox,
        direnv,
        "direnv_load aws-mfa load\nexport PROJECT=mine\n",
    );
    let shown = project.loads_once();
    assert_eq!(
        project.variable("AWS_ACCESS_KEY_ID"),
        Some("ASIASESSION000000000")
    );
    // No other variable has changed or disappeared.
    let changed: Vec<&str> = project
        .variables
        .keys()
        .map(String::as_str)
        .filter(|name| !name.starts_with("DIRENV_") && !name.starts_with("AWS_"))
        .collect();
    assert_eq!(changed, ["PROJECT"], "{shown}");
}

fn direnv_exec_runs_with_the_session(direnv: &Path) {
    let sandbox = sandbox_with_session();
    let project = Project::new(&sandbox, direnv, "direnv_load aws-mfa load\n");
    let directory = project.directory.to_str().unwrap();
    let ran = project.direnv(&["exec", directory, "printenv", "AWS_SESSION_TOKEN"]);
    assert_eq!(ran.stdout, "token//S3CR3T+0==\n", "{}", ran.stderr);
    assert!(!ran.stderr.contains(fake_sts::SECRET_WORD));
}

fn load_without_direnv_load_is_an_error_that_shows_no_secret(direnv: &Path) {
    let sandbox = sandbox_with_session();
    let mut project = Project::new(&sandbox, direnv, "aws-mfa load\nexport PROJECT=mine\n");
    let shown = project.loads_once();
    assert!(
        shown.contains(
            "aws-mfa: in an .envrc, load would show the session's secrets on the screen\n"
        ),
        "{shown}"
    );
    // If a shell evaluates the output, it is no mistake.
    let mut project = Project::new(
        &sandbox,
        direnv,
        "eval \"$(aws-mfa load)\"\nexport PROJECT=mine\n",
    );
    project.has_session(0);
}

fn use_aws_mfa_loads_the_session(direnv: &Path) {
    let sandbox = Sandbox::without_session();
    let printed = sandbox.run(["init", "direnv"]);
    printed.succeeded();
    sandbox.write(".config/direnv/lib/aws-mfa.sh", &printed.stdout);
    for line in ["use aws_mfa", "use aws-mfa"] {
        let _ = std::fs::remove_file(sandbox.session_file());
        // `prompt` checks that a trace shows no secret.
        let envrc = |arguments: &str| {
            format!("strict_env\nset -x\n{line}{arguments}\nset +x\nexport PROJECT=mine\n")
        };
        let quiet = Project::new(&sandbox, direnv, &envrc(" --quiet")).prompt();
        assert!(!quiet.contains("aws-mfa: "), "{quiet}");
        let strict = envrc(" --strict");
        let strict = Project::new(&sandbox, direnv, &strict).prompt();
        assert!(strict.contains("hint: run `aws-mfa get"), "{strict}");
        let mut project = Project::new(&sandbox, direnv, &envrc(""));
        project.has_no_session(&words::no_session_yet(sandbox.session_file().display()));
        put(&sandbox, &valid(), 5);
        project.has_session(0);
    }
}

/// One code serves two shells with direnv's hook, as on the README's first page.
fn follows(kind: Kind, direnv: &Path) {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.unset("AWS_MFA_ARN").unset("AWS_SESSION_FILE");
    let project = sandbox.project(direnv, ENVRC);
    let open = || Shell::open_kind(kind, &sandbox, &project, direnv);
    let [mut first, mut second] = [open(), open()];

    // Without a session, the rest of the .envrc loads, and one line says what to do.
    let hints: Vec<&str> = first
        .first_prompt
        .lines()
        .filter(|line| line.starts_with("aws-mfa: "))
        .collect();
    assert_eq!(
        hints,
        [format!(
            "aws-mfa: {}: {}",
            words::no_session_yet(sandbox.session_file().display()),
            words::get_a_session()
        )]
    );
    for shell in [&mut first, &mut second] {
        has_no_credentials(shell);
    }

    // A second session within the same second is noticed too.
    for number in 1..=2 {
        get_in_one_shell(&mut first, &mut second, number);
    }
    let shown = first.run("true");
    assert!(!shown.contains("direnv: loading"), "{shown}");

    std::fs::remove_file(sandbox.session_file()).unwrap();
    for shell in [&mut first, &mut second] {
        shell.run("");
        has_no_credentials(shell);
    }

    get_in_one_shell(&mut first, &mut second, 3);
    let shown = first.run("aws-mfa clear");
    let removed = words::removed_the_session("");
    assert!(shown.contains(&removed), "{shown}");
    second.run("");
    for shell in [&mut first, &mut second] {
        has_no_credentials(shell);
    }
    assert_eq!(sts.requests().len(), 3);
}

/// A code typed in the first shell gives both shells this session.
#[track_caller]
fn get_in_one_shell(first: &mut Shell, second: &mut Shell, number: u32) {
    let shown = first.run(&format!("aws-mfa get {}", 111_111 * number));
    assert!(shown.contains(&words::session_is_valid("")), "{shown}");
    second.run("");
    for shell in [first, second] {
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", format!("ASIASESSION{number:09}")),
            ("AWS_SECRET_ACCESS_KEY", format!("session/S3CR3T+{number}")),
            ("AWS_SESSION_TOKEN", format!("token//S3CR3T+{number}==")),
        ] {
            assert_eq!(shell.variable(name), value);
        }
        assert_ne!(shell.variable("AWS_CREDENTIAL_EXPIRATION"), "unset");
        assert_eq!(shell.variable("PROJECT"), "mine");
    }
}

#[track_caller]
fn has_no_credentials(shell: &mut Shell) {
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
    ] {
        assert_eq!(shell.variable(name), "unset", "{name}");
    }
    assert_eq!(shell.variable("PROJECT"), "mine");
}

fn bash_prompt_after_get_or_clear_has_the_current_session(direnv: &Path) {
    follows(Kind::Bash, direnv);
}

fn zsh_prompt_after_get_or_clear_has_the_current_session(direnv: &Path) {
    if tool("zsh").is_some() {
        follows(Kind::Zsh, direnv);
    }
}

fn fish_prompt_after_get_or_clear_has_the_current_session(direnv: &Path) {
    if tool("fish").is_some() {
        follows(Kind::Fish, direnv);
    }
}

fn notice_of_load_on_a_terminal_is_coloured_unless_no_color(direnv: &Path) {
    let mut sandbox = Sandbox::without_session();
    let project = sandbox.project(direnv, "direnv_load aws-mfa load\n");
    let reload = format!(
        "cd '{}' && '{}' export bash >/dev/null",
        project.display(),
        direnv.display()
    );
    let line = format!(
        "{}: {}\r\n",
        words::no_session_yet(sandbox.session_file().display()),
        words::get_a_session()
    );
    sandbox.set("TERM", "xterm");
    let (_, shown) = Terminal::run(&sandbox, &reload).end();
    let coloured = format!("\u{1b}[1m\u{1b}[33maws-mfa:\u{1b}[0m {line}");
    assert!(shown.contains(&coloured), "{shown:?}");
    sandbox.set("NO_COLOR", "1");
    let (_, shown) = Terminal::run(&sandbox, &reload).end();
    assert!(shown.contains(&format!("aws-mfa: {line}")), "{shown:?}");
}

#[test]
fn direnv_functions_in_shellcheck_have_no_findings() {
    let Some(shellcheck) = tool("shellcheck") else {
        return;
    };
    let sandbox = Sandbox::new();
    let printed = sandbox.run(["init", "direnv"]);
    let file = sandbox.write("aws-mfa.sh", &printed.stdout);
    let checked = Outcome::of(sandbox.command(shellcheck).arg(file));
    checked.is(0, "", "");
}
