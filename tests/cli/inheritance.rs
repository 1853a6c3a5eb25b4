//! What a new shell makes of the credentials that it inherits: from a tmux server or an IDE that was started yesterday, from
//! a parent with the hook, with `load` or with `exec`, and from the shell outside a directory of direnv.

use super::deadline::wait_for;
use super::fake_sts::{self, KEY_ID};
use super::hooks::{has_none, has_session, in_shells, notices};
use super::sandbox::{Outcome, Sandbox, in_an_hour, profile_keys};
use super::shell::{Kind, Shell};
use super::tool::tool;
use super::words;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

in_shells! { inherited_session:
    bash_replaces_an_inherited_session_of_ours_and_nothing_else Bash,
    bash_5_1_replaces_an_inherited_session_of_ours_and_nothing_else Bash51,
    newest_bash_replaces_an_inherited_session_of_ours_and_nothing_else BashNewest,
    zsh_replaces_an_inherited_session_of_ours_and_nothing_else Zsh,
    fish_replaces_an_inherited_session_of_ours_and_nothing_else Fish,
    elvish_replaces_an_inherited_session_of_ours_and_nothing_else Elvish,
    tcsh_replaces_an_inherited_session_of_ours_and_nothing_else Tcsh,
    nushell_replaces_an_inherited_session_of_ours_and_nothing_else Nushell,
}

/// A user whose own session is `ASIASESSION…0`, and that of the profile prod `ASIAPROD…0`. `new-session` is to replace the
/// first: it is number 1.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_session();
    sandbox.write(".aws/credentials", format!("[prod]\n{}", profile_keys()));
    write_prod(&sandbox, in_an_hour());
    write_new(&sandbox);
    sandbox
}

fn write_prod(sandbox: &Sandbox, end: Timestamp) {
    let session = fake_sts::session_json(end).replace("ASIASESSION", "ASIAPROD");
    sandbox.write(
        sandbox.session_file().with_file_name("session-prod"),
        session,
    );
}

fn write_new(sandbox: &Sandbox) {
    let session = fake_sts::session_json(in_an_hour());
    let session = session
        .replace("ION000000000", "ION000000001")
        .replace("+0", "+1");
    sandbox.write("new-session", session);
}

/// What a parent does at its prompt, as its hook would.
const HOOK: &str = "eval \"$(aws-mfa prompt --format sh $$)\"";

/// A parent without the hook.
const LOAD: &str = "eval \"$(aws-mfa load)\"";

/// Time passes: the session in the environment has expired.
const EXPIRED: &str = "export AWS_CREDENTIAL_EXPIRATION=2026-01-01T00:00:00Z";

const REPLACED: &str = "mv ~/new-session $AWS_SESSION_FILE";

/// Opens a shell after `before`, with the hook, and returns it with what it says.
fn open(kind: Kind, sandbox: &Sandbox, before: &[&str], through: &str) -> (Shell, Vec<String>) {
    let before = before.join(" && ");
    let mut shell = Shell::open_after(kind, sandbox, &sandbox.home(), &before, through);
    shell.hook("");
    let said = notices(&shell.first_prompt);
    (shell, said)
}

const SILENCE: [String; 0] = [];

fn inherited_session(kind: Kind) {
    for parent in [HOOK, LOAD] {
        for state in [":", EXPIRED] {
            let sandbox = sandbox();
            let (mut shell, said) = open(kind, &sandbox, &[parent, REPLACED, state], "");
            has_session(&mut shell, 1);
            assert_eq!(said, SILENCE, "{parent} {state}");
            assert_eq!(
                shell.variable("AWS_MFA_LOADED"),
                format!("{KEY_ID}:ASIASESSION000000001")
            );
        }
        let sandbox = sandbox();
        let (mut shell, said) = open(kind, &sandbox, &[parent, "aws-mfa clear >> log"], "");
        has_none(&mut shell);
        assert_eq!(shell.variable("AWS_MFA_LOADED"), "unset");
        let missing = words::no_session_yet(sandbox.session_file().display());
        assert_eq!(
            said,
            [format!("aws-mfa: {missing}: {}", words::get_a_session())]
        );
    }

    // What the hook gave follows the selection.
    let sandbox = sandbox();
    let (mut shell, said) = open(kind, &sandbox, &[HOOK, "export AWS_MFA_PROFILE=prod"], "");
    assert_eq!(shell.variable("AWS_MFA_LOADED"), "prod:ASIAPROD000000000");
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIAPROD000000000");
    assert_eq!(said, SILENCE);

    // What the user has loaded for another selection stays, here and in children.
    let load_prod = "eval \"$(aws-mfa load -p prod)\"";
    for before in [&[load_prod][..], &[HOOK, load_prod]] {
        let (mut shell, said) = open(kind, &sandbox, before, "");
        assert_eq!(shell.variable("AWS_MFA_LOADED"), "prod:ASIAPROD000000000");
        assert_eq!(said, SILENCE);
    }
    let (mut shell, said) = open(kind, &sandbox, &[HOOK], "aws-mfa exec -p prod --");
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIAPROD000000000");
    assert_eq!(shell.variable("AWS_MFA_LOADED"), "prod:ASIAPROD000000000");
    assert_eq!(said, SILENCE);

    // So do the user's own keys, and a label that is not theirs goes.
    let own = "export AWS_ACCESS_KEY_ID=AKIABYHAND AWS_SECRET_ACCESS_KEY=x AWS_MFA_LOADED=prod:ASIAPROD000000000";
    let (mut shell, said) = open(kind, &sandbox, &[HOOK, own, EXPIRED], "");
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "AKIABYHAND");
    assert_eq!(shell.variable("AWS_MFA_LOADED"), "unset");
    assert_eq!(said, SILENCE);

    // Temporary ones that have expired get one line, whose remedy helps.
    let own = "export AWS_ACCESS_KEY_ID=ASIABYHAND AWS_SECRET_ACCESS_KEY=x AWS_SESSION_TOKEN=y";
    let (mut shell, said) = open(kind, &sandbox, &[own, EXPIRED, &shell_of(kind)], "");
    assert_eq!(said.len(), 1, "{said:?}");
    let start = "aws-mfa: credentials that aws-mfa did not load expired ";
    assert!(said[0].starts_with(start), "{said:?}");
    assert_eq!(notices(&shell.run("")), SILENCE);
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIABYHAND");
    let (_, remedy) = said[0].split_once(" ago: run `").unwrap();
    shell.run(remedy.strip_suffix('`').unwrap());
    has_session(&mut shell, 0);
}

/// The line that says which shell the user has.
fn shell_of(kind: Kind) -> String {
    format!("export SHELL=/bin/{}", kind.program())
}

/// A real server, which keeps the environment of the shell that started it.
#[test]
fn new_window_of_an_old_tmux_server_has_the_current_session() {
    let (Some(tmux), Some(bash)) = (tool("tmux"), tool("bash")) else {
        return;
    };
    for parent in [HOOK, LOAD] {
        let sandbox = sandbox();
        sandbox.write("rc", "PS1=\neval \"$(aws-mfa init bash)\"\n");
        let tmux = format!("'{}' -S ~/socket -f /dev/null", tmux.display());
        let run = |line: &str| {
            let script = line.replace("tmux", &tmux);
            Outcome::of(sandbox.command("sh").args(["-c", &script])).succeeded();
        };
        run(&format!("{parent} && tmux new-session -d 'sleep 1000'"));
        run(REPLACED);
        run(&format!(
            "tmux new-window \"'{}' --rcfile ~/rc -i\"",
            bash.display()
        ));
        run("tmux send-keys 'env > ~/after.new; mv ~/after.new ~/after' Enter");
        let after = sandbox.home().join("after");
        let after = wait_for("the window", || std::fs::read_to_string(&after).ok());
        run("tmux kill-server");
        assert!(
            after.contains("\nAWS_ACCESS_KEY_ID=ASIASESSION000000001\n"),
            "{after}"
        );
        assert!(after.contains(&format!("\nAWS_MFA_LOADED={KEY_ID}:ASIASESSION000000001\n")));
    }
}

/// A directory of prod inside a shell that has the user's own session, and the same with an `.envrc` above it that loads
/// that one.
fn wrong_account(kind: Kind, direnv: &str, hook_first: bool) {
    let (Some(direnv), Some(_)) = (tool(direnv), tool(kind.program())) else {
        return;
    };
    for (above, envrc) in [
        ("", "direnv_load aws-mfa load -p prod"),
        ("", "strict_env\nuse aws_mfa -p prod"),
        ("use aws_mfa", "source_up\ndirenv_load aws-mfa load -p prod"),
        (
            "direnv_load aws-mfa load",
            "eval \"$(aws-mfa load -p prod)\"",
        ),
    ] {
        let sandbox = sandbox();
        let library = sandbox.run(["init", "direnv"]);
        sandbox.write(".config/direnv/lib/aws-mfa.sh", library.succeeded());
        allow(&sandbox, &direnv, "above", above);
        allow(&sandbox, &direnv, "above/prod", envrc);
        let mut shell = Shell::open_bare(kind, &sandbox, &sandbox.home());
        if hook_first {
            shell.hook("");
        }
        shell.hook_direnv(&direnv);
        if !hook_first {
            shell.hook("");
        }
        has_session(&mut shell, 0);
        shell.run("cd ~/above");
        has_session(&mut shell, 0);
        shell.run("cd ~/above/prod");
        assert_eq!(shell.variable("AWS_MFA_LOADED"), "prod:ASIAPROD000000000");

        // The session of prod expires, and the hook reads that from the shell.
        let prod = sandbox.session_file().with_file_name("session-prod");
        sandbox.make_end_in(&prod, SignedDuration::from_mins(-3));
        let mut shown = shell.export("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z");
        shown += &shell.run("");
        has_none(&mut shell);
        assert_eq!(shell.variable("AWS_MFA_LOADED"), "unset");
        says_once(&shown, KEY_ID, envrc);
        assert_eq!(notices(&shell.run("")), SILENCE);

        shell.run("cd ~/above");
        has_session(&mut shell, 0);
        // Loaded by hand outside: inside, the .envrc has said which account is meant.
        shell.run("cd");
        sandbox.write(
            sandbox.session_file().with_file_name("session-other"),
            fake_sts::session_json(in_an_hour()).replace("ASIASESSION", "ASIAOTHER"),
        );
        let by_hand = "aws-mfa load --session-file ~/.config/aws/session-other";
        shell.run(&match kind {
            Kind::Fish => format!("{by_hand} | source"),
            _ => format!("eval \"$({by_hand})\""),
        });
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIAOTHER000000000");
        let shown = shell.run("cd ~/above/prod");
        has_none(&mut shell);
        let outside = if above.is_empty() || !envrc.contains("source_up") {
            "other"
        } else {
            KEY_ID
        };
        says_once(&shown, outside, envrc);
        shell.run("cd");
        assert_eq!(shell.variable("AWS_MFA_LOADED"), "other:ASIAOTHER000000000");
        write_prod(&sandbox, in_an_hour());
        shell.run("cd ~/above/prod");
        assert_eq!(shell.variable("AWS_MFA_LOADED"), "prod:ASIAPROD000000000");
    }
}

/// The directory selects the account of the shell outside, whose session expires while the shell is in it.
#[test]
fn expired_session_from_outside_a_direnv_directory_is_unset_with_one_line() {
    let (Some(direnv), Some(_)) = (tool("direnv"), tool("bash")) else {
        return;
    };
    let sandbox = sandbox();
    allow(&sandbox, &direnv, "project", "direnv_load aws-mfa load");
    let mut shell = Shell::open_hooked(Kind::Bash, &sandbox, "");
    shell.hook_direnv(&direnv);
    shell.run("cd ~/project");
    has_session(&mut shell, 0);
    sandbox.expire_session();
    let mut shown = shell.run(EXPIRED);
    shown += &shell.run("");
    shown += &shell.run("");
    let expired = words::session_expired("3m", sandbox.session_file().display());
    let line = format!("aws-mfa: {expired}: {}", words::get_a_session());
    assert_eq!(notices(&shown), [line], "{shown}");
    has_none(&mut shell);
}

/// One line says that the session of another account is unset.
#[track_caller]
fn says_once(shown: &str, name: &str, envrc: &str) {
    let line = format!("unset the session of {name}, loaded outside this directory");
    assert_eq!(shown.matches(&line).count(), 1, "{envrc}: {shown}");
}

fn allow(sandbox: &Sandbox, direnv: &Path, directory: &str, envrc: &str) {
    let envrc = sandbox.write(format!("{directory}/.envrc"), format!("{envrc}\n"));
    let mut allow = sandbox.command(direnv);
    Outcome::of(allow.arg("allow").arg(&envrc)).succeeded();
}

#[test]
fn bash_with_the_hook_before_direnvs_never_has_another_accounts_session() {
    wrong_account(Kind::Bash, "direnv", true);
}

#[test]
fn bash_with_the_hook_after_the_newest_direnvs_never_has_another_accounts_session() {
    wrong_account(Kind::Bash, "direnv-newest", false);
}

#[test]
fn zsh_with_the_hook_before_the_newest_direnvs_never_has_another_accounts_session() {
    wrong_account(Kind::Zsh, "direnv-newest", true);
}

#[test]
fn zsh_with_the_hook_after_direnvs_never_has_another_accounts_session() {
    wrong_account(Kind::Zsh, "direnv", false);
}

#[test]
fn fish_with_the_hook_before_the_newest_direnvs_never_has_another_accounts_session() {
    wrong_account(Kind::Fish, "direnv-newest", true);
}

#[test]
fn fish_with_the_hook_after_direnvs_never_has_another_accounts_session() {
    wrong_account(Kind::Fish, "direnv", false);
}

/// The first recipe of the guide for this language.
fn recipe(language: &str) -> &'static str {
    let (_, section) = super::readme::GUIDE.split_once("\n## Prompt\n").unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("\n```").unwrap().0
}

#[test]
fn prompt_of_the_guide_names_what_the_shell_has() {
    for (kind, language) in [
        (Kind::Bash, "bash"),
        (Kind::Zsh, "zsh"),
        (Kind::Fish, "fish"),
    ] {
        if tool(kind.program()).is_none() {
            continue;
        }
        let sandbox = sandbox();
        let mut shell = Shell::open_hooked(kind, &sandbox, " -p prod");
        for line in recipe(language).lines() {
            shell.type_line(line);
        }
        // A dumb terminal has no right prompt.
        let (line, prompt) = match kind {
            Kind::Fish => ("fish_right_prompt", "\nprod\n"),
            _ => ("", "(prod) "),
        };
        let mut shown = shell.run("");
        shown += &shell.run(line);
        assert!(shown.contains(prompt), "{language}: {shown}");
        assert!(!shown.contains("ASIAPROD"), "{language}: {shown}");
    }
    // powerlevel10k shows the text if the condition is not empty.
    if tool("zsh").is_some() {
        let recipes = super::readme::blocks(super::readme::GUIDE, "zsh");
        let recipe = recipes.iter().find(|text| text.contains("p10k")).unwrap();
        let sandbox = sandbox();
        let mut shell = Shell::open_hooked(Kind::Zsh, &sandbox, " -p prod");
        shell.run("p10k() { [[ $1 == segment && -z $3 ]] || print -r -- \"($2 $4 $5)\" }");
        shell.run(recipe);
        assert_eq!(shell.run("prompt_aws_mfa"), "(-c -t prod)\n");
        assert_eq!(shell.run("unset AWS_MFA_LOADED; prompt_aws_mfa"), "");
    }
    // starship runs two commands.
    let value = |key: &str| {
        let (_, rest) = recipe("toml").split_once(&format!("{key} = '")).unwrap();
        rest.split_once('\'').unwrap().0
    };
    let mut sandbox = sandbox();
    let script = format!("{} && {}", value("when"), value("command"));
    let run = |sandbox: &Sandbox| Outcome::of(sandbox.command("sh").args(["-c", &script]));
    run(&sandbox).is(1, "", "");
    sandbox.set("AWS_MFA_LOADED", "prod:ASIAPROD000000000");
    run(&sandbox).is(0, "prod\n", "");
}
