//! The hook harms nothing else in a shell: other hooks, the user's aliases and options, a program that is missing or fails.

use super::fake_sts;
use super::hooks::{has_session, in_shells, notices};
use super::sandbox::{Sandbox, binary, chmod, in_an_hour};
use super::shell::{Kind, Shell};
use super::tool::tool;
use super::words;
use std::os::unix::fs::symlink;
use std::path::Path;

in_shells! { program_comes_and_goes:
    bash_without_a_working_program_is_silent_and_follows_it Bash,
    bash_5_1_without_a_working_program_is_silent_and_follows_it Bash51,
    newest_bash_without_a_working_program_is_silent_and_follows_it BashNewest,
    zsh_without_a_working_program_is_silent_and_follows_it Zsh,
    fish_without_a_working_program_is_silent_and_follows_it Fish,
    elvish_without_a_working_program_is_silent_and_follows_it Elvish,
    newest_elvish_without_a_working_program_is_silent_and_follows_it ElvishNewest,
    tcsh_without_a_working_program_is_silent_and_follows_it Tcsh,
    nushell_without_a_working_program_is_silent_and_follows_it Nushell,
}

/// A program that prints a change in the hook's language, and then `end`s.
fn evil(end: &str) -> String {
    format!(
        "#!/bin/sh\ncase $3 in\nsh) echo 'export AWS_EVIL=1' ;;\nfish) echo 'set -gx AWS_EVIL 1' ;;\n\
         tcsh) echo 'setenv AWS_EVIL 1;' ;;\njson) echo '{{\"AWS_EVIL\":\"1\"}}' ;;\nesac\n{end}\n"
    )
}

/// The program is moved, loses its x bit, disappears, fails and is killed while the shell is open.
fn program_comes_and_goes(kind: Kind) {
    let mut sandbox = Sandbox::with_session();
    let wrapper = format!("#!/bin/sh\nexec '{}' \"$@\"\n", binary().display());
    for (name, script) in [
        ("first/aws-mfa", wrapper.clone()),
        ("good", wrapper),
        ("fails", evil("exit 1")),
        ("is-killed", evil("kill -9 $$")),
    ] {
        chmod(&sandbox.write(name, script), 0o755);
    }
    let new = fake_sts::session_json(in_an_hour());
    let new = new
        .replace("ION000000000", "ION000000001")
        .replace("+0", "+1");
    sandbox.write("new-session", new);
    for (name, script) in [
        (
            "move",
            "mkdir ~/second; mv ~/first/aws-mfa ~/second; mv ~/new-session $AWS_SESSION_FILE",
        ),
        ("forbid", "chmod 600 ~/second/aws-mfa"),
        ("remove", "rm ~/second/aws-mfa"),
        ("fail", "cp ~/fails ~/first/aws-mfa"),
        ("kill", "cp ~/is-killed ~/first/aws-mfa"),
        ("restore", "cp ~/good ~/first/aws-mfa; aws-mfa clear > log"),
    ] {
        sandbox.write(format!("do/{name}"), script);
    }
    let home = sandbox.home();
    let path = format!("{0}/first:{0}/second:/usr/bin:/bin", home.display());
    sandbox.set("PATH", path);
    let mut shell = Shell::open_hooked(kind, &sandbox, "");
    has_session(&mut shell, 0);
    let mut step = |name: &str| {
        let mut shown = shell.run(&format!("sh do/{name}"));
        shown += &shell.run("");
        // Neither the sandbox's directory nor the user in Elvish's prompt.
        let user = std::env::var("USER").unwrap_or_default() + "@";
        let shown = shown.to_lowercase().replace("aws-mfa-test-", "");
        let shown = shown.replace(&user, "@");
        for word in ["aws-mfa", "denied", "not found", "error", "evil"] {
            assert!(!shown.contains(word), "{name}: {shown}");
        }
        assert_eq!(shell.variable("AWS_EVIL"), "unset", "{name}");
        shell.variable("AWS_ACCESS_KEY_ID")
    };
    for name in ["move", "forbid", "remove", "fail", "kill"] {
        assert_eq!(step(name), "ASIASESSION000000001", "{name}");
    }
    let mut shown = shell.run("sh do/restore");
    shown += &shell.run("");
    let missing = words::no_session_yet(sandbox.session_file().display());
    assert_eq!(notices(&shown).len(), 1, "{shown}");
    assert!(shown.contains(&missing), "{shown}");
}

/// Opens a shell that runs these lines before the hook and those after it.
fn open(kind: Kind, sandbox: &Sandbox, before: &[&str], after: &[&str]) -> Shell {
    let mut shell = Shell::open_bare(kind, sandbox, &sandbox.home());
    for line in before {
        shell.run(line);
    }
    shell.hook("");
    for line in after {
        shell.run(line);
    }
    shell
}

#[test]
fn alias_of_the_programs_name_is_the_users() {
    for (kind, alias) in [
        (Kind::Bash, "alias aws-mfa='MINE=1 command aws-mfa'"),
        (Kind::Zsh, "alias aws-mfa='MINE=1 command aws-mfa'"),
        (Kind::Fish, "alias aws-mfa 'MINE=1 command aws-mfa'"),
        (Kind::Tcsh, "alias aws-mfa 'env MINE=1 aws-mfa'"),
    ] {
        if tool(kind.program()).is_none() {
            continue;
        }
        let sandbox = Sandbox::with_session();
        let mut shell = open(kind, &sandbox, &[alias], &[]);
        has_session(&mut shell, 0);
        // One that would break the hook.
        shell.run(&alias.replace("MINE=1", "MINE=1 false"));
        sandbox.write_session(jiff::Timestamp::now() - jiff::SignedDuration::from_mins(3));
        shell.run("");
        super::hooks::has_none(&mut shell);
    }
}

/// The versions of bash that are installed.
fn bashes() -> impl Iterator<Item = Kind> {
    let kinds = [Kind::Bash, Kind::Bash51, Kind::BashNewest];
    kinds
        .into_iter()
        .filter(|kind| tool(kind.program()).is_some())
}

/// The script of VS Code wraps the first element of PROMPT_COMMAND, and reports what the user runs from a DEBUG trap. This
/// has the same structure.
const VS_CODE: &str = "__vsc_in=0; \
    __vsc_preexec() { [[ $__vsc_in = 1 || $BASH_COMMAND = __vsc_* ]] || { __vsc_in=1; echo \"<$BASH_COMMAND>\"; }; }; \
    trap '__vsc_preexec \"$_\"' DEBUG; \
    __vsc_original=${PROMPT_COMMAND-}; \
    __vsc_prompt() { local status=$?; __vsc_in=1; (exit $status); eval \"$__vsc_original\"; __vsc_in=0; }; \
    PROMPT_COMMAND=__vsc_prompt";

#[test]
fn vs_code_reports_only_what_the_user_runs() {
    for kind in bashes() {
        let sandbox = Sandbox::with_session();
        for is_first in [true, false] {
            let lines = [VS_CODE];
            let mut shell = match is_first {
                true => open(kind, &sandbox, &[], &lines),
                false => open(kind, &sandbox, &lines, &[]),
            };
            let shown = shell.run("true one");
            assert!(shown.contains("<true one>"), "{shown}");
            assert!(!shown.contains("aws_mfa"), "{shown}");
            has_session(&mut shell, 0);
        }
    }
}

/// A timer that a DEBUG trap starts before a command, and PROMPT_COMMAND stops after it.
#[test]
fn timer_of_a_debug_trap_does_not_run_while_the_user_thinks() {
    for kind in bashes() {
        let sandbox = Sandbox::with_session();
        const TIMER: &str = "start() { timer=${timer:-$BASH_COMMAND}; }; stop() { echo \"timed <$timer>\"; unset timer; }; \
        trap start DEBUG; PROMPT_COMMAND=stop";
        let mut shell = open(kind, &sandbox, &[TIMER], &[]);
        let shown = shell.run("true one");
        assert!(shown.contains("timed <true one>"), "{shown}");
        assert!(!shown.contains("aws_mfa"), "{shown}");
    }
}

/// The real starship, with the guide's recipe.
#[test]
fn prompt_of_starship_is_current_before_and_after_the_hook() {
    let Some(starship) = tool("starship-newest") else {
        return;
    };
    let recipe = super::readme::blocks(super::readme::GUIDE, "toml");
    let recipe = recipe
        .iter()
        .find(|text| text.contains("[custom."))
        .unwrap();
    let config = format!(
        "format = '<$status ${{custom.aws_mfa}}>'\n{recipe}\n[status]\ndisabled = false\nformat = '$status'\n"
    );
    let others = [Kind::Zsh, Kind::Fish].into_iter();
    for kind in bashes().chain(others.filter(|kind| tool(kind.program()).is_some())) {
        for is_first in [true, false] {
            let mut sandbox = Sandbox::without_session();
            sandbox.set("STARSHIP_CONFIG", sandbox.write("starship.toml", &config));
            sandbox.write("bin/README", "");
            symlink(&starship, sandbox.home().join("bin/starship")).unwrap();
            let lines = match kind {
                Kind::Fish => [
                    "set -gx TERM xterm; set -gx PATH ~/bin $PATH",
                    "starship init fish | source",
                ],
                Kind::Zsh => [
                    "TERM=xterm; PATH=~/bin:$PATH",
                    "eval \"$(starship init zsh)\"",
                ],
                _ => [
                    "TERM=xterm; PATH=~/bin:$PATH",
                    "eval \"$(starship init bash)\"",
                ],
            };
            let mut shell = match is_first {
                true => open(kind, &sandbox, &lines, &[]),
                false => open(kind, &sandbox, &[], &lines),
            };
            sandbox.write_session(in_an_hour());
            let shown = shell.run("sh -c 'exit 5'");
            let prompt = format!("<5 {}", fake_sts::KEY_ID);
            assert!(shown.contains(&prompt), "{kind:?}: {shown}");
        }
    }
}

/// The real ble.sh, which replaces bash's line editor and runs PROMPT_COMMAND itself.
#[test]
fn hook_works_under_ble_sh_before_and_after_it() {
    let Some(ble) = tool("ble.sh") else { return };
    let source = format!("source '{}' --noattach", ble.display());
    let lines = [
        "seen() { echo \"<$1>\"; }; blehook PREEXEC+=seen",
        "other() { echo \"other $?\"; }; PROMPT_COMMAND+=';other'",
        "ble-attach",
    ];
    let sandbox = Sandbox::with_session();
    // It fills its cache at the first start.
    sandbox.write(".cache/README", "");
    for kind in bashes() {
        let bash = tool(kind.program()).unwrap();
        // One that edits lines.
        let bash = format!(
            "PS1= TERM=xterm exec '{}' --norc --noprofile -i",
            bash.display()
        );
        for is_first in [true, false] {
            sandbox.write_session(in_an_hour());
            let mut shell = match is_first {
                true => open(kind, &sandbox, &[bash.as_str(), &source], &lines),
                false => open(
                    kind,
                    &sandbox,
                    &[&bash],
                    &[&[source.as_str()], &lines[..]].concat(),
                ),
            };
            has_session(&mut shell, 0);
            // It takes lines that are typed at once without a prompt between them.
            shell.type_line("(exit 5)");
            let shown = shell.wait_for("other 5");
            assert!(shown.contains("<(exit 5)>"), "{kind:?}: {shown}");
            assert!(!shown.contains("aws_mfa"), "{kind:?}: {shown}");
            sandbox.write_session(jiff::Timestamp::now() - jiff::SignedDuration::from_mins(3));
            let expired = words::session_expired("3m", sandbox.session_file().display());
            shell.type_line("");
            shell.wait_for(&expired);
            shell.type_line("(exit 6)");
            let shown = shell.wait_for("other 6");
            assert!(!shown.contains(&expired), "{kind:?}: {shown}");
            super::hooks::has_none(&mut shell);
        }
    }
}

#[test]
fn prompt_command_of_any_kind_keeps_working() {
    for kind in bashes() {
        let sandbox = Sandbox::with_session();
        let other = "other() { echo \"other $?\"; }";
        for (before, after) in [
            (
                &["unset PROMPT_COMMAND", other][..],
                &["PROMPT_COMMAND=\"$PROMPT_COMMAND; other\""][..],
            ),
            (&[other, "PROMPT_COMMAND=other"], &[]),
            (&[other, "PROMPT_COMMAND=(other)"], &[]),
            (&[other], &["PROMPT_COMMAND=\"$PROMPT_COMMAND; other\""]),
            (&[other], &["PROMPT_COMMAND=\"other; $PROMPT_COMMAND\""]),
        ] {
            let mut shell = open(kind, &sandbox, before, after);
            let shown = shell.run("(exit 7)");
            assert!(
                shown.contains("other 7") && !shown.contains("syntax"),
                "{shown}"
            );
            has_session(&mut shell, 0);
            // Twice is once.
            shell.hook("");
            let shown = shell.run("echo \"<${PROMPT_COMMAND[*]}>\"");
            assert_eq!(shown.matches("__aws_mfa_hook").count(), 1, "{shown}");
        }
        let shell = open(kind, &sandbox, &["readonly PROMPT_COMMAND"], &[]);
        let said = "aws-mfa: PROMPT_COMMAND is readonly, so this shell has no hook";
        assert_eq!(notices(&shell.first_prompt), [said]);
    }
}

#[test]
fn hook_works_with_any_option_of_zsh() {
    if tool("zsh").is_none() {
        return;
    }
    let sandbox = Sandbox::with_session();
    for options in [
        "setopt ignore_braces",
        "setopt ignore_close_braces",
        "emulate sh",
        "emulate ksh",
        "setopt ksh_arrays sh_word_split no_nomatch no_unset extended_glob glob_subst",
    ] {
        let other = "other() { echo \"other $?\"; }; precmd_functions=(other)";
        let mut shell = open(Kind::Zsh, &sandbox, &[options, other], &[]);
        has_session(&mut shell, 0);
        assert!(shell.run("(exit 7)").contains("other 7"), "{options}");
        let order = shell.run("echo \"<${precmd_functions[@]}>\"");
        assert!(
            order.contains("<__aws_mfa_hook other>"),
            "{options}: {order}"
        );
    }
}

/// powerlevel10k's instant prompt warns of any output before the second prompt.
#[test]
fn notice_at_an_instant_prompt_waits_for_the_next_one() {
    if tool("zsh").is_none() {
        return;
    }
    let sandbox = Sandbox::with_session();
    let before = "eval \"$(aws-mfa load)\" && aws-mfa clear >> log";
    let mut shell = Shell::open_after(Kind::Zsh, &sandbox, &sandbox.home(), before, "");
    shell.run("__p9k_instant_prompt_active=1");
    shell.hook("");
    assert_eq!(notices(&shell.first_prompt), [""; 0]);
    assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000000");
    let mut shown = shell.run("unset __p9k_instant_prompt_active");
    shown += &shell.run("");
    assert_eq!(notices(&shown).len(), 1, "{shown}");
    super::hooks::has_none(&mut shell);
}

/// The hooks for bash, as ShellCheck reads them.
#[test]
fn bash_hook_in_shellcheck_has_no_findings() {
    let Some(shellcheck) = tool("shellcheck") else {
        return;
    };
    let sandbox = Sandbox::new();
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/init/bash.sh");
    let text = std::fs::read_to_string(hook)
        .unwrap()
        .replace("@OPTIONS@ ", "");
    let hook = sandbox.write("hook.sh", text);
    let mut command = sandbox.command(shellcheck);
    super::sandbox::Outcome::of(command.arg(hook)).is(0, "", "");
}

/// The number of processes that each shell starts at its prompts, as strace counts them.
#[test]
fn prompt_starts_one_process() {
    use super::tool::{LOOK_INSIDE, root};
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let strace = format!("'{}' -f -e trace=process -o trace", strace.display());
    // With the number of prompts after a line, and after the one that shows its end.
    for (kind, prompts) in [
        (Kind::Bash, 2),
        (Kind::Bash51, 2),
        (Kind::BashNewest, 2),
        (Kind::Zsh, 2),
        (Kind::Fish, 2),
        (Kind::Elvish, 3),
        (Kind::Tcsh, 2),
        (Kind::Nushell, 1),
    ] {
        if tool(kind.program()).is_none() {
            continue;
        }
        let sandbox = Sandbox::with_session();
        let mut shell = Shell::open_after(kind, &sandbox, &sandbox.home(), ":", &strace);
        shell.hook("");
        for line in ["expr 1", "", "", "expr 2"] {
            shell.run(line);
        }
        shell.exit();
        let trace = std::fs::read_to_string(sandbox.home().join("trace")).unwrap();
        let (before, _) = trace.split_once("expr\", \"2\"]").unwrap();
        let (_, trace) = before.rsplit_once("expr\", \"1\"]").unwrap();
        let started = |line: &&str| {
            ["clone(", "clone3(", "fork("]
                .iter()
                .any(|call| line.contains(call))
                && !line.contains("resumed")
                && !line.contains("CLONE_THREAD")
        };
        let processes = trace.lines().filter(started).count();
        let prompts = 3 * prompts;
        // expr is one too.
        assert_eq!(
            (processes, trace.matches("\"prompt\"").count()),
            (prompts + 1, prompts),
            "{kind:?}: {trace}"
        );
    }
}
