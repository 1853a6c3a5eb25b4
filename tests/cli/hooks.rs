//! The prompt hooks of `aws-mfa init`, in the real shells.

use super::deadline::wait_until;
use super::direnv::ENVRC;
use super::fake_sts::{self, FakeSts, KEY_ID};
use super::load::unset;
use super::sandbox::{Outcome, Sandbox, in_an_hour, profile_keys};
use super::shell::{Kind, Shell};
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Each test in its shell, if that is installed.
macro_rules! in_shells {
    ($story:ident: $($test:ident $kind:ident,)*) => {
        $(#[test]
        fn $test() {
            if crate::tool::tool(Kind::$kind.program()).is_some() {
                $story(Kind::$kind);
            }
        })*
    };
}

pub(super) use in_shells;

in_shells! { open_shell_at_expiry:
    bash_at_expiry_prints_one_line_and_loads_the_next_session Bash,
    bash_5_1_at_expiry_prints_one_line_and_loads_the_next_session Bash51,
    newest_bash_at_expiry_prints_one_line_and_loads_the_next_session BashNewest,
    zsh_at_expiry_prints_one_line_and_loads_the_next_session Zsh,
    fish_at_expiry_prints_one_line_and_loads_the_next_session Fish,
    elvish_at_expiry_prints_one_line_and_loads_the_next_session Elvish,
    newest_elvish_at_expiry_prints_one_line_and_loads_the_next_session ElvishNewest,
    tcsh_at_expiry_prints_one_line_and_loads_the_next_session Tcsh,
    nushell_at_expiry_prints_one_line_and_loads_the_next_session Nushell,
}

/// The notices of aws-mfa in what is shown.
pub fn notices(shown: &str) -> Vec<String> {
    shown
        .lines()
        .filter_map(|line| Some(line[line.find("aws-mfa: ")?..].to_owned()))
        .collect()
}

const SET: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
];

#[track_caller]
pub fn has_none(shell: &mut Shell) {
    for name in SET {
        assert_eq!(shell.variable(name), "unset", "{name}");
    }
}

#[track_caller]
pub fn has_session(shell: &mut Shell, number: u32) {
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", format!("ASIASESSION{number:09}")),
        ("AWS_SECRET_ACCESS_KEY", format!("session/S3CR3T+{number}")),
        ("AWS_SESSION_TOKEN", format!("token//S3CR3T+{number}==")),
    ] {
        assert_eq!(shell.variable(name), value);
    }
    assert_ne!(shell.variable("AWS_CREDENTIAL_EXPIRATION"), "unset");
}

/// The session expires while the shell is open.
fn open_shell_at_expiry(kind: Kind) {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    let mut shell = Shell::open_hooked(kind, &sandbox, "");
    // Without a session, there is no notice.
    assert_eq!(
        notices(&shell.first_prompt),
        [""; 0],
        "{}",
        shell.first_prompt
    );
    let mut second = Shell::open_hooked(kind, &sandbox, "");

    sandbox.write_session(in_an_hour());
    assert_eq!(notices(&shell.run("")), [""; 0]);
    has_session(&mut shell, 0);

    sandbox.expire_session();
    let file = sandbox.session_file();
    let expired = words::session_expired("3m", file.display());
    let line = format!("aws-mfa: {expired}: {}", words::get_a_session());
    assert_eq!(notices(&shell.run("")), [line]);
    assert_eq!(notices(&shell.run("")), [""; 0], "the line comes once");
    has_none(&mut shell);
    second.run("");

    // In the shell that ran `get`, and in the other one.
    let shown = shell.run("aws-mfa get 111111");
    assert!(shown.contains(&words::session_is_valid("")), "{shown}");
    assert!(!shown.contains(fake_sts::SECRET_WORD), "{shown}");
    second.run("");
    for shell in [&mut shell, &mut second] {
        has_session(shell, 1);
    }

    let shown = second.run("aws-mfa clear");
    let removed = words::removed_the_session("");
    assert!(shown.contains(&removed), "{shown}");
    let missing = words::no_session_yet(file.display());
    assert!(notices(&shell.run(""))[0].starts_with(&format!("aws-mfa: {missing}")));
    for shell in [&mut shell, &mut second] {
        has_none(shell);
    }
}

/// The process id of the shell in [`prompt`].
const SHELL: &str = "4711";

/// One prompt without a shell: the text that the hook would evaluate. The memory comes from the same shell.
fn prompt(sandbox: &Sandbox, memory: &str) -> Outcome {
    prompt_with(sandbox, &format!("{SHELL}:{memory}"), &[])
}

fn prompt_with(sandbox: &Sandbox, hook: &str, options: &[&str]) -> Outcome {
    let mut command = sandbox.command(super::sandbox::binary());
    command
        .args(["prompt", "--format", "sh", SHELL])
        .args(options);
    sandbox.run_with(command.env("AWS_MFA_HOOK", hook))
}

/// The line that sets the memory.
pub fn remember(memory: &str) -> String {
    format!("export AWS_MFA_HOOK='{SHELL}:{memory}'\n")
}

/// The line that names what the shell has.
fn label(name: &str, key: &str) -> String {
    format!("export AWS_MFA_LOADED='{name}:{key}'\n")
}

#[test]
fn credentials_exported_by_hand_are_unchanged() {
    let mut sandbox = Sandbox::with_session();
    sandbox.set("AWS_ACCESS_KEY_ID", "AKIABYHAND");
    for given in ["", "ASIASESSION000000000", "ASIAOTHER"] {
        let memory = format!("{given}::::::{KEY_ID}");
        prompt(&sandbox, &memory).is(0, "", "");
    }
    // The memory is another program's.
    prompt_with(&sandbox, "nonsense", &[]).is(0, &remember(&format!("::::::{KEY_ID}")), "");
    let memory = format!("ASIASESSION000000000::::::{KEY_ID}");
    sandbox.write_session(Timestamp::now() - SignedDuration::from_mins(3));
    prompt(&sandbox, &memory).is(0, "", "");
    // The hook loaded it, but the user unset it.
    sandbox.write_session(in_an_hour());
    sandbox.unset("AWS_ACCESS_KEY_ID");
    prompt(&sandbox, &memory).is(0, "", "");
    // In another shell, that was no decision.
    let other = prompt_with(&sandbox, &format!("1:{memory}"), &[]);
    assert!(
        other
            .succeeded()
            .contains("export AWS_ACCESS_KEY_ID='ASIASESSION000000000'\n")
    );
}

#[test]
fn loaded_session_changes_nothing() {
    let mut sandbox = Sandbox::with_session();
    let key = "ASIASESSION000000000";
    sandbox.set("AWS_ACCESS_KEY_ID", key);
    let memory = format!("{key}::::::{KEY_ID}");
    // Loaded by an older version, without a label.
    prompt(&sandbox, &memory).is(0, &label(KEY_ID, key), "");
    sandbox.set("AWS_MFA_LOADED", format!("{KEY_ID}:{key}"));
    prompt(&sandbox, &memory).is(0, "", "");
    // A shell that has the session from its parent.
    prompt(&sandbox, "").is(0, &remember(&memory), "");
}

#[test]
fn other_account_without_session_unsets_the_first_one() {
    let mut sandbox = Sandbox::with_session();
    let other = sandbox.home().join("other");
    sandbox
        .set("AWS_ACCESS_KEY_ID", "ASIASESSION000000000")
        .set("AWS_SESSION_FILE", &other);
    let outcome = prompt(&sandbox, "ASIASESSION000000000:::::");
    outcome.is(
        0,
        &(SET.map(unset).concat() + &unset("AWS_MFA_LOADED") + &remember("::::::other")),
        &format!(
            "aws-mfa: {}: {}\n",
            words::no_session_yet(other.display()),
            words::get_a_session()
        ),
    );
}

#[test]
fn last_15_minutes_are_a_single_warning_with_the_get_command() {
    let mut sandbox = Sandbox::without_session();
    let end = Timestamp::now() + SignedDuration::from_secs(12 * 60 + 30);
    let file = sandbox.write_session(end).display().to_string();
    let key = "ASIASESSION000000000";
    sandbox
        .set("AWS_ACCESS_KEY_ID", key)
        .set("AWS_MFA_LOADED", format!("{KEY_ID}:{key}"));
    let memory = format!("{key}:{key}:::::{KEY_ID}");
    prompt_with(&sandbox, "", &["--session-file", &file]).is(
        0,
        &remember(&memory),
        &format!(
            "aws-mfa: session expires in 12m: run `aws-mfa get --session-file {file} <code>`\n"
        ),
    );
    prompt(&sandbox, &memory).is(0, "", "");
}

#[test]
fn invalid_setting_is_reported_once_on_one_line() {
    let mut sandbox = Sandbox::new();
    sandbox.set("MASTER_AWS_SECRET_ACCESS_KEY", "x");
    let outcome = prompt(&sandbox, "");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let memory = memory(&outcome);
    prompt(&sandbox, &memory).is(0, "", "");
    // Another fault is another notice.
    sandbox.set("AWS_MFA_PROFILE", "nobody");
    assert_eq!(prompt(&sandbox, &memory).stderr.lines().count(), 1);
}

/// The memory that the hook has printed for the next prompt.
fn memory(outcome: &Outcome) -> String {
    let start = format!("export AWS_MFA_HOOK='{SHELL}:");
    let mut lines = outcome.stdout.lines();
    let memory = lines.find_map(|line| line.strip_prefix(&start)?.strip_suffix('\''));
    memory.unwrap_or_default().to_owned()
}

#[test]
fn hook_in_a_posix_shell_keeps_status_and_options_and_shows_no_secret() {
    for kind in [Kind::Bash, Kind::Bash51, Kind::BashNewest, Kind::Zsh] {
        if tool(kind.program()).is_none() {
            continue;
        }
        let sandbox = Sandbox::without_session();
        let mut shell = Shell::open_hooked(kind, &sandbox, "");
        shell.hook("");
        let functions = shell.run("echo ${PROMPT_COMMAND[*]-} ${precmd_functions[*]-}");
        assert_eq!(
            functions.matches("__aws_mfa_hook").count(),
            1,
            "{functions}"
        );
        // The exit status and pipe status, at this prompt and in other hooks. Before 5.1, bash has no list of hooks, and
        // the second of two sees the status of the first.
        let version = match kind {
            Kind::Zsh => String::new(),
            _ => shell.run("echo $((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]))"),
        };
        let number_of_others = match version.trim().parse::<u32>() {
            Ok(..501) => 1,
            _ => 2,
        };
        shell.run(match kind {
            Kind::Zsh => "other() { print \"other: $? ${pipestatus[*]}\"; }; precmd_functions=(other $precmd_functions other)",
            _ => "other() { echo \"other: $? ${PIPESTATUS[*]}\"; }; PROMPT_COMMAND=\"other${PROMPT_COMMAND:+;$PROMPT_COMMAND}\"; \
                 ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)) || PROMPT_COMMAND+=(other)",
        });
        let statuses = match kind {
            Kind::Zsh => "${pipestatus[*]}",
            _ => "${PIPESTATUS[*]}",
        };
        sandbox.write_session(in_an_hour());
        let shown = shell.run("(exit 3) | (exit 4) | (exit 5)");
        let others = shown.matches("other: 5 ").count();
        assert_eq!(others, number_of_others, "{shown}");
        if !matches!(kind, Kind::Zsh) {
            let others = shown.matches("other: 5 3 4 5").count();
            assert_eq!(others, number_of_others, "{shown}");
        }
        shell.run("unset -f other; other() { :; }");
        shell.run(&format!("status() {{ echo \"now: $? {statuses}\"; }}"));
        // A trace shows no secret and continues afterwards.
        shell.run("set -x");
        sandbox.write_session(Timestamp::now() - SignedDuration::from_mins(3));
        let mut shown = shell.run("");
        sandbox.write_session(in_an_hour());
        shown += &shell.run("");
        assert!(!shown.contains(fake_sts::SECRET_WORD), "{shown}");
        let traced = shell.run("echo traced");
        assert!(
            traced.contains("+ echo traced") || traced.contains("> echo traced"),
            "{traced}"
        );
        shell.run("set +x");
        // Nothing but the two variables is exported.
        shell.run("set -a");
        sandbox.write_session(in_an_hour());
        shell.run("");
        let environment = shell.run("set +a; env");
        let exported = environment.to_lowercase().matches("aws_mfa_").count();
        assert_eq!(exported, 2, "{environment}");
        shell.run("set -euo pipefail");
        sandbox.write_session(Timestamp::now() - SignedDuration::from_mins(3));
        let shown = shell.run("");
        let expired = words::session_expired("3m", sandbox.session_file().display());
        assert!(notices(&shown)[0].contains(&expired), "{shown}");
        shell.run("");
        has_none(&mut shell);
    }
}

#[test]
fn hook_in_a_noninteractive_shell_does_nothing() {
    let sandbox = Sandbox::with_session();
    for (shell, script) in [
        (
            "bash",
            "eval \"$(aws-mfa init bash)\"; declare -F; echo \"${PROMPT_COMMAND-none}\"",
        ),
        (
            "zsh",
            "eval \"$(aws-mfa init zsh)\"; (( ${#functions} )) && echo functions; echo ${precmd_functions-none}",
        ),
        (
            "fish",
            "aws-mfa init fish | source; functions --all | string match '*aws_mfa*'; or echo none",
        ),
        (
            "tcsh",
            "eval \"`aws-mfa init tcsh`\"; alias precmd; echo none",
        ),
        (
            "nu",
            "aws-mfa init nushell | save h.nu; nu -n -c 'source h.nu; print none'",
        ),
    ] {
        let Some(path) = tool(shell) else { continue };
        let mut command = sandbox.command(&path);
        command.env(
            "PATH",
            format!(
                "{}:{}",
                std::env::join_paths([path.parent().unwrap()])
                    .unwrap()
                    .display(),
                sandbox_path()
            ),
        );
        if shell == "zsh" || shell == "tcsh" {
            command.arg("-f");
        }
        Outcome::of(command.args(["-c", script])).is(0, "none\n", "");
    }
}

fn sandbox_path() -> String {
    let binary = super::sandbox::binary();
    format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    )
}

#[test]
fn options_of_init_with_any_characters_reach_the_prompt() {
    let sandbox = Sandbox::without_session();
    let odd = sandbox.home().join("it's a \"b\" \\ $HOME `x` !y");
    sandbox.write(&odd, fake_sts::session_json(in_an_hour()));
    let odd_in_tcsh = sandbox.home().join("it's a b \\ !y");
    sandbox.write(&odd_in_tcsh, fake_sts::session_json(in_an_hour()));
    for kind in Kind::EACH {
        if tool(kind.program()).is_none() {
            continue;
        }
        let file = match kind {
            Kind::Tcsh => &odd_in_tcsh,
            _ => &odd,
        };
        // The test prints it, to avoid the shell's own quoting.
        let name = match kind {
            Kind::Elvish => "elvish",
            Kind::Nushell => "nushell",
            kind => kind.program(),
        };
        let mut init = sandbox.command(super::sandbox::binary());
        let printed = Outcome::of(init.args(["init", name, "--session-file"]).arg(file));
        sandbox.write("hook", printed.succeeded());
        let mut shell = Shell::open_bare(kind, &sandbox, &sandbox.home());
        shell.run(match kind {
            Kind::Elvish => "eval (slurp < hook)",
            _ => "source hook",
        });
        assert_eq!(
            shell.variable("AWS_ACCESS_KEY_ID"),
            "ASIASESSION000000000",
            "{kind:?}"
        );
    }
}

#[test]
fn init_powershell_prints_a_prompt_function_with_the_options() {
    let sandbox = Sandbox::new();
    let printed = sandbox.run(["init", "powershell", "-p", "it's"]);
    let script = printed.succeeded();
    assert!(
        script.contains(" prompt --format powershell ('--profile=it''s') "),
        "{script}"
    );
    for line in [
        "function global:prompt {",
        "$global:LASTEXITCODE = $status",
        "& $global:__AwsMfaPrompt",
    ] {
        assert!(script.contains(line), "{script}");
    }
}

#[test]
fn init_direnv_with_options_is_a_usage_error() {
    Sandbox::new().run(["init", "direnv", "-p", "work"]).is(
        2,
        "",
        "aws-mfa: `init direnv` takes no options\n\
         hint: set the profile in the .envrc: `use aws_mfa --profile <name>`\n",
    );
}

#[test]
fn hook_works_with_zoxide_in_either_order() {
    let Some(zoxide) = tool("zoxide") else {
        return;
    };
    for (kind, name) in [(Kind::Bash, "bash"), (Kind::Zsh, "zsh")] {
        if tool(kind.program()).is_none() {
            continue;
        }
        for is_first in [true, false] {
            let mut sandbox = Sandbox::with_session();
            let database = sandbox.home().join("zoxide");
            sandbox.set("_ZO_DATA_DIR", &database);
            let mut shell = Shell::open_bare(kind, &sandbox, &sandbox.home());
            if is_first {
                shell.hook("");
            }
            shell.run(&format!("eval \"$('{}' init {name})\"", zoxide.display()));
            if !is_first {
                shell.hook("");
            }
            shell.run("cd /");
            has_session(&mut shell, 0);
            let known = shell.run(&format!("'{}' query --list", zoxide.display()));
            assert!(known.lines().any(|line| line.trim() == "/"), "{known}");
        }
    }
}

/// Where direnv is active, time passes without any change to a file, and direnv reloads once.
fn expires_under_direnv(kind: Kind, direnv: &str, hook_first: bool) {
    let (Some(direnv), Some(_)) = (tool(direnv), tool(kind.program())) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let project = sandbox.project(&direnv, ENVRC);
    sandbox.unset("AWS_MFA_ARN").unset("AWS_SESSION_FILE");
    let mut shell = Shell::open_bare(kind, &sandbox, &project);
    if hook_first {
        shell.hook("");
        shell.hook_direnv(&direnv);
    } else {
        shell.hook_direnv(&direnv);
        shell.hook("");
    }
    sandbox.write_session(in_an_hour());
    let shown = shell.run("");
    assert!(shown.contains("direnv: loading"), "{shown}");
    has_session(&mut shell, 0);
    // Time passes, and the hook reads that from the shell.
    sandbox.expire_session();
    let expiration = sandbox.saved_session()["Credentials"]["Expiration"].to_string();
    let mut shown = shell.export("AWS_CREDENTIAL_EXPIRATION", expiration.trim_matches('"'));
    shown += &shell.run("");
    let expired = words::session_expired("3m", sandbox.session_file().display());
    assert_eq!(shown.matches(&expired).count(), 1, "{shown}");
    assert_eq!(shown.matches("direnv: loading").count(), 1, "{shown}");
    has_none(&mut shell);
    assert_eq!(shell.variable("PROJECT"), "mine");
    let shown = shell.run("aws-mfa get 111111");
    assert!(shown.contains(&words::session_is_valid("")), "{shown}");
    has_session(&mut shell, 1);
    // Outside the directory, the hook loads the same session, without the .envrc's AWS_SESSION_FILE.
    shell.run("cd");
    shell.run("");
    has_session(&mut shell, 1);
    assert_eq!(shell.variable("PROJECT"), "unset");
}

#[test]
fn bash_hook_before_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Bash, "direnv", true);
}

#[test]
fn bash_hook_after_the_newest_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Bash, "direnv-newest", false);
}

#[test]
fn zsh_hook_before_the_newest_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Zsh, "direnv-newest", true);
}

#[test]
fn zsh_hook_after_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Zsh, "direnv", false);
}

#[test]
fn fish_hook_before_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Fish, "direnv", true);
}

#[test]
fn fish_hook_after_the_newest_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Fish, "direnv-newest", false);
}

#[test]
fn tcsh_hook_after_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::Tcsh, "direnv-newest", false);
}

#[test]
fn elvish_hook_after_direnvs_reloads_direnv_once() {
    expires_under_direnv(Kind::ElvishNewest, "direnv-newest", false);
}

#[test]
fn hook_changes_no_variable_where_direnv_is_active() {
    let mut sandbox = Sandbox::with_session();
    sandbox.set("DIRENV_DIR", "-/project");
    prompt(&sandbox, "").is(0, "", "");
    sandbox
        .set("AWS_ACCESS_KEY_ID", "ASIAOLD")
        .set("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z");
    let once = prompt(&sandbox, "");
    once.is(
        0,
        &(unset("DIRENV_WATCHES")
            + &remember("::ASIAOLD::::")
            + "if typeset -f _direnv_hook >/dev/null; then _direnv_hook; fi\n"),
        "",
    );
    // They are still there, because the .envrc did not set them.
    let outcome = prompt(&sandbox, "::ASIAOLD::::");
    assert_eq!(outcome.stdout, remember("::ASIAOLD::ASIAOLD::"));
    assert!(
        outcome
            .stderr
            .starts_with("aws-mfa: the .envrc leaves expired credentials: run `"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr.lines().count(), 1);
    prompt(&sandbox, "::ASIAOLD::ASIAOLD::").is(0, "", "");
}

#[test]
fn each_direnv_directory_and_the_shell_outside_has_its_own_session() {
    let Some(direnv) = tool("direnv") else {
        return;
    };
    let sandbox = Sandbox::with_session();
    for name in ["one", "two"] {
        let session = fake_sts::session_json(in_an_hour())
            .replace("ASIASESSION", &format!("ASIA{}", name.to_uppercase()));
        sandbox.write(format!("session-{name}"), session);
        let envrc = sandbox.write(
            format!("{name}/.envrc"),
            format!("export AWS_SESSION_FILE=$HOME/session-{name}\neval \"$(aws-mfa load)\"\n"),
        );
        let mut allow = sandbox.command(&direnv);
        Outcome::of(allow.arg("allow").current_dir(envrc.parent().unwrap())).succeeded();
    }
    let mut shell = Shell::open_hooked(Kind::Bash, &sandbox, "");
    shell.hook_direnv(&direnv);
    let mut key = |directory: &str| {
        shell.run(&format!("cd ~/{directory}"));
        shell.variable("AWS_ACCESS_KEY_ID")
    };
    for _ in 0..2 {
        assert_eq!(key(""), "ASIASESSION000000000");
        assert_eq!(key("one"), "ASIAONE000000000");
        assert_eq!(key("two"), "ASIATWO000000000");
    }
}

in_shells! { switched_profile:
    bash_follows_an_exported_profile_and_back Bash,
    bash_5_1_follows_an_exported_profile_and_back Bash51,
    newest_bash_follows_an_exported_profile_and_back BashNewest,
    zsh_follows_an_exported_profile_and_back Zsh,
    fish_follows_an_exported_profile_and_back Fish,
    elvish_follows_an_exported_profile_and_back Elvish,
    newest_elvish_follows_an_exported_profile_and_back ElvishNewest,
    tcsh_follows_an_exported_profile_and_back Tcsh,
    nushell_follows_an_exported_profile_and_back Nushell,
}

/// The user switches between profiles with AWS_MFA_PROFILE. Each has effect at the next prompt.
fn switched_profile(kind: Kind) {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_profile(&sts);
    sandbox.unset("AWS_MFA_PROFILE");
    // At once: a prompt may read it at any time.
    let credentials = sandbox.write(".aws/credentials", "");
    let profiles = |names: &[&str]| {
        let sections = names
            .iter()
            .map(|name| format!("[{name}]\n{}", profile_keys()));
        let new = sandbox.write(".aws/new", sections.collect::<String>());
        std::fs::rename(new, &credentials).unwrap();
    };
    profiles(&["default", "prod", "work"]);
    for (number, name) in ["default", "prod", "work"].iter().enumerate() {
        let code = format!("{number}11111");
        assert_eq!(sandbox.run(["get", "-p", name, &code]).status, 0);
    }
    #[track_caller]
    fn has(shell: &mut Shell, shown: &str, number: u32, name: &str) {
        assert_eq!(notices(shown), [""; 0], "{name}");
        has_session(shell, number);
        let label = format!("{name}:ASIASESSION{number:09}");
        assert_eq!(shell.variable("AWS_MFA_LOADED"), label);
    }
    let mut shell = Shell::open_hooked(kind, &sandbox, "");
    let shown = shell.first_prompt.clone();
    has(&mut shell, &shown, 1, "default");
    for (name, number) in [("prod", 2), ("work", 3), ("prod", 2)] {
        let shown = shell.export("AWS_MFA_PROFILE", name);
        has(&mut shell, &shown, number, name);
    }
    let shown = shell.unset("AWS_MFA_PROFILE");
    has(&mut shell, &shown, 1, "default");

    // What is given for one selection is not left for another, which cannot be used.
    shell.export("AWS_MFA_PROFILE", "work");
    let said = notices(&shell.export("AWS_MFA_PROFILE", "wrok"));
    has_none(&mut shell);
    let missing = words::there_is_no_profile("wrok", &sandbox.home());
    assert_eq!(said, [format!("aws-mfa: {missing}: did you mean work?")]);
    assert_eq!(notices(&shell.run("")), [""; 0]);

    // Without [default], nothing says whose session is meant: that of none stays, and one line says so, once.
    shell.export("AWS_MFA_PROFILE", "prod");
    profiles(&["prod", "work"]);
    let shown = shell.unset("AWS_MFA_PROFILE");
    has_none(&mut shell);
    let said = "aws-mfa: no profile is selected, and several have access keys: prod, work: add `--profile prod`, or set \
                AWS_MFA_PROFILE to prod";
    assert_eq!(notices(&shown), [said]);
    assert_eq!(notices(&shell.run("")), [""; 0]);
    let other = Shell::open_hooked(kind, &sandbox, "");
    assert_eq!(
        notices(&other.first_prompt),
        [""; 0],
        "{}",
        other.first_prompt
    );
    let shown = shell.export("AWS_MFA_PROFILE", "work");
    has(&mut shell, &shown, 3, "work");
    shell.unset("AWS_MFA_PROFILE");
    profiles(&["work"]);
    let shown = shell.run("");
    has(&mut shell, &shown, 3, "work");
}

#[test]
fn subshell_follows_the_session_of_its_parent() {
    if tool("bash").is_none() {
        return;
    }
    let sandbox = Sandbox::with_session();
    let mut shell = Shell::open_hooked(Kind::Bash, &sandbox, "");
    has_session(&mut shell, 0);
    shell.run("PS1= bash --norc --noprofile --noediting -i");
    shell.run("PS1=");
    let mut child = shell;
    child.hook("");
    has_session(&mut child, 0);
    sandbox.write_session(Timestamp::now() - SignedDuration::from_mins(3));
    let expired = words::session_expired("3m", sandbox.session_file().display());
    assert!(notices(&child.run(""))[0].contains(&expired));
    has_none(&mut child);
    let shown = child.run("exit");
    assert!(notices(&shown)[0].contains(&expired), "{shown}");
    has_none(&mut child);
}

/// Outside direnv, the hook renews a role. It reports a failure once, does not try again for a minute, and misses no new
/// session meanwhile.
#[test]
fn role_is_renewed_at_the_prompt_and_a_failure_hides_no_new_session() {
    use super::fake_sts::{Behaviour, FakeSts, Role};
    const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_MFA_ROLE_ARN", ROLE);
    sts.add_role(ROLE, Role::default());
    assert_eq!(sandbox.run(["get", "123456"]).status, 0);
    sandbox.make_due(&sandbox.role_file("deploy"));
    let outcome = prompt(&sandbox, "");
    assert!(
        outcome
            .succeeded()
            .contains("export AWS_ACCESS_KEY_ID='ASIAROLE000000000002'\n")
            && outcome
                .stdout
                .ends_with(&remember("ASIAROLE000000000002::::::deploy@333333333333")),
        "{}",
        outcome.stdout
    );
    sandbox
        .set("AWS_ACCESS_KEY_ID", "ASIAROLE000000000002")
        .set("AWS_MFA_LOADED", "deploy@333333333333:ASIAROLE000000000002");
    sandbox.make_due(&sandbox.role_file("deploy"));
    sts.behave(Behaviour::Close);
    let outcome = prompt(&sandbox, "ASIAROLE000000000002::::::deploy@333333333333");
    assert_eq!(
        outcome.stderr,
        format!(
            "aws-mfa: the role was not renewed: {}\n",
            words::the_connection_broke(sts.url())
        )
    );
    let memory = memory(&outcome);
    let requests = sts.requests().len();
    prompt(&sandbox, &memory).is(0, "", "");
    assert_eq!(sts.requests().len(), requests);
    sts.behave(Behaviour::Serve);
    sandbox.get("222222");
    let outcome = prompt(&sandbox, &memory);
    assert!(
        outcome
            .stdout
            .contains("export AWS_ACCESS_KEY_ID='ASIAROLE"),
        "{}",
        outcome.stdout
    );
}

/// The shell keeps its credentials until a renewal has succeeded.
fn interrupted_renewal(kind: Kind) {
    use super::fake_sts::{Behaviour, FakeSts, Role};
    const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";
    if tool(kind.program()).is_none() {
        return;
    }
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_MFA_ROLE_ARN", ROLE);
    sts.add_role(ROLE, Role::default());
    assert_eq!(sandbox.run(["get", "123456"]).status, 0);
    let mut shell = Shell::open_hooked(kind, &sandbox, "");
    let before = shell.variable("AWS_ACCESS_KEY_ID");
    assert!(before.starts_with("ASIAROLE"), "{before}");

    shell.run("true");
    sandbox.make_due(&sandbox.role_file("deploy"));
    sts.behave(Behaviour::Silence);
    let requests = sts.requests().len();
    shell.type_line("");
    wait_until("the request", || sts.requests().len() > requests);
    shell.interrupt();
    // The next prompt says so, on a slow machine that there was no answer, and no prompt waits again.
    let shown = shell.run("true");
    assert!(shown.contains("the role was not renewed: "), "{shown}");
    let sent = sts.requests().len();
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), before);
    assert_eq!(sts.requests().len(), sent);
    sts.behave(Behaviour::Serve);
    // In the shell, where no prompt runs at the same time.
    shell.run("aws-mfa get >log");
    let after = shell.variable("AWS_ACCESS_KEY_ID");
    assert!(after.starts_with("ASIAROLE") && after != before, "{after}");
}

#[test]
fn ctrl_c_in_a_renewal_leaves_bash_usable() {
    interrupted_renewal(Kind::Bash);
}

#[test]
fn ctrl_c_in_a_renewal_leaves_zsh_usable() {
    interrupted_renewal(Kind::Zsh);
}

/// Under direnv, the hook makes direnv reload once, because the `.envrc` selects the role.
#[test]
fn due_role_makes_direnv_reload_once() {
    use super::fake_sts::{FakeSts, Role};
    const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";
    for is_elsewhere in [false, true] {
        let sts = FakeSts::start();
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox.set("AWS_MFA_ROLE_ARN", ROLE);
        if is_elsewhere {
            let file = sandbox.home().join("elsewhere/session");
            sandbox.set("AWS_SESSION_FILE", file);
        }
        sts.add_role(ROLE, Role::default());
        assert_eq!(sandbox.run(["get", "123456"]).status, 0);
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
        match is_elsewhere {
            true => {
                let files = sandbox.home().join("elsewhere").read_dir().unwrap();
                let mut files = files.map(|entry| entry.unwrap().path());
                let is_role = |file: &PathBuf| file.to_string_lossy().contains("/role-");
                sandbox.make_due(&files.find(is_role).unwrap());
            }
            false => {
                sandbox.make_due(&sandbox.role_file("deploy"));
                sandbox.unset("AWS_MFA_ROLE_ARN");
            }
        }
        sandbox
            .set("DIRENV_DIR", "-/nowhere")
            .set("AWS_ACCESS_KEY_ID", "ASIAROLE000000000001")
            .set("AWS_CREDENTIAL_EXPIRATION", format!("{end:.0}"));
        let requests = sts.requests().len();
        prompt(&sandbox, "").is(
            0,
            &(unset("DIRENV_WATCHES")
                + &remember(":::ASIAROLE000000000001:::")
                + "if typeset -f _direnv_hook >/dev/null; then _direnv_hook; fi\n"),
            "",
        );
        prompt(&sandbox, ":::ASIAROLE000000000001:::").is(0, "", "");
        assert_eq!(sts.requests().len(), requests);
    }
}
