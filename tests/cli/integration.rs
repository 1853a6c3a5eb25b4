//! What `status` and `get` say about the shell they run in: facts that direnv, the hook and the label have left there. Each
//! remedy is followed to the letter.

use super::fake_sts::{self, FakeSts, KEY_ID, Role};
use super::hooks::{has_session, notices};
use super::sandbox::{Sandbox, in_an_hour, profile_keys};
use super::shell::{Kind, Shell};
use super::terminal::Terminal;
use super::tool::tool;
use super::words;
use std::path::Path;
use std::time::{Duration, SystemTime};

const ROLE: &str = "arn:aws:iam::333333333333:role/deploy";

/// The row `integration` of `status` in this shell.
#[track_caller]
fn integration(shell: &mut Shell) -> String {
    let shown = shell.run("aws-mfa status | cat");
    let row = shown
        .lines()
        .find_map(|line| line.strip_prefix("integration: "));
    row.unwrap_or_else(|| panic!("{shown}")).to_owned()
}

/// The command in the last backquotes of a remedy.
fn last_command(said: &str) -> &str {
    said.split('`').nth_back(1).unwrap()
}

#[test]
fn direnv_that_loads_the_session_or_the_role_is_believed_from_its_watches() {
    let (Some(direnv), Some(_)) = (tool("direnv"), tool("bash")) else {
        return;
    };
    for (direnv, role) in [
        (&direnv, false),
        (&tool("direnv-newest").unwrap_or(direnv.clone()), true),
    ] {
        let aws = FakeSts::start();
        aws.add_role(ROLE, Role::default());
        let mut sandbox = Sandbox::with_user(&aws);
        sandbox.set("SHELL", "/bin/bash");
        let line = if role {
            format!("export AWS_MFA_ROLE_ARN={ROLE}\n")
        } else {
            String::new()
        };
        let project = sandbox.project(direnv, &format!("{line}direnv_load aws-mfa load\n"));
        let mut shell = Shell::open(&sandbox, &project, direnv);
        shell.run("aws-mfa get 123456");
        let envrc = project.join(".envrc");
        // direnv alone does not notice that time passes. With the hook, it does.
        let row = integration(&mut shell);
        assert_eq!(
            row,
            format!(
                "direnv ({}); direnv does not notice when the session expires: add `eval \"$(aws-mfa init bash)\"` to ~/.bashrc",
                words::with_tilde(envrc.display())
            )
        );
        shell.run(last_command(&row));
        assert_eq!(
            integration(&mut shell),
            format!("direnv ({})", words::with_tilde(envrc.display()))
        );
    }
}

#[test]
fn envrc_that_is_blocked_or_loads_no_session_says_so_until_the_remedy_is_followed() {
    for direnv in ["direnv", "direnv-newest"] {
        let (Some(direnv), Some(_)) = (tool(direnv), tool("bash")) else {
            continue;
        };
        let mut sandbox = Sandbox::with_session();
        sandbox.set("SHELL", "/bin/bash");
        let envrc = sandbox.write("a project/.envrc", "export PROJECT=mine\n");
        let project = envrc.parent().unwrap();
        let mut shell = Shell::open(&sandbox, project, &direnv);
        shell.hook("");
        let row = integration(&mut shell);
        let allow = format!("direnv allow '{}'", envrc.display());
        assert_eq!(
            row,
            format!(
                "direnv is not allowed to load {}: run `{allow}`",
                words::with_tilde(envrc.display())
            )
        );
        let allow = allow.replace("direnv allow", &format!("'{}' allow", direnv.display()));
        shell.run(&allow);
        let row = integration(&mut shell);
        let nothing = format!(
            "direnv has loaded {}, which loads no session or failed before it could: \
             add `direnv_load aws-mfa load` to it, and run `direnv allow`",
            words::with_tilde(envrc.display())
        );
        assert_eq!(row, nothing);
        // The file may have another name.
        assert_eq!(shell.variable("DIRENV_FILE"), envrc.to_str().unwrap());
        let line = row.split('`').nth(1).unwrap();
        rewrite(&envrc, &format!("export PROJECT=mine\n{line}\n"), 1);
        shell.run(&allow);
        assert_eq!(
            integration(&mut shell),
            format!("direnv ({})", words::with_tilde(envrc.display()))
        );

        // It loads the session of another selection, which DIRENV_DIFF shows.
        sandbox.write(
            "other",
            fake_sts::session_json(in_an_hour()).replace("ASIASESSION", "ASIAOTHER"),
        );
        rewrite(
            &envrc,
            "direnv_load aws-mfa load --session-file ~/other\n",
            2,
        );
        shell.run(&allow);
        let row = integration(&mut shell);
        let start = format!(
            "direnv has loaded {}, which loads the session of other, not {KEY_ID}: add `direnv_load aws-mfa load`",
            words::with_tilde(envrc.display())
        );
        assert!(row.starts_with(&start), "{row}");
        assert_ne!(shell.variable("DIRENV_DIFF"), "unset");
    }
}

/// Writes the file some minutes later: direnv compares whole seconds.
fn rewrite(envrc: &Path, text: &str, minutes: u64) {
    std::fs::write(envrc, text).unwrap();
    let file = std::fs::File::options().append(true).open(envrc).unwrap();
    let time = SystemTime::now() + Duration::from_secs(60 * minutes);
    file.set_modified(time).unwrap();
}

/// Without the mark of `direnv allow`, but on direnv's whitelist.
#[test]
fn envrc_of_a_whitelisted_directory_is_not_called_blocked() {
    let (Some(direnv), Some(_)) = (tool("direnv"), tool("bash")) else {
        return;
    };
    let sandbox = Sandbox::with_session();
    let envrc = sandbox.write("project/.envrc", "export PROJECT=mine\n");
    let project = envrc.parent().unwrap();
    let whitelist = format!("[whitelist]\nprefix = [\"{}\"]\n", project.display());
    sandbox.write(".config/direnv/config.toml", whitelist);
    let mut shell = Shell::open(&sandbox, project, &direnv);
    assert_eq!(shell.variable("PROJECT"), "mine");
    let row = integration(&mut shell);
    assert!(
        row.starts_with("direnv has loaded ") && row.contains("loads no session"),
        "{row}"
    );
}

#[test]
fn hook_is_active_only_in_the_shell_where_it_has_run() {
    if tool("bash").is_none() {
        return;
    }
    const RAN: &str = "the prompt hook has run in this shell";
    let sandbox = Sandbox::with_session();
    let mut shell = Shell::open_hooked(Kind::Bash, &sandbox, "");
    for line in [
        "aws-mfa status",
        "aws-mfa status | cat",
        "(aws-mfa status)",
        "echo \"$(aws-mfa status)\"",
        "sh -c 'aws-mfa status; :'",
    ] {
        let shown = shell.run(line);
        assert!(shown.contains(RAN), "{line}: {shown}");
    }
    // A shell without the hook, with the variable of its parent.
    shell.run("PS1= bash --norc --noprofile --noediting -i");
    shell.run("PS1=");
    assert_ne!(shell.variable("AWS_MFA_HOOK"), "unset");
    let row = integration(&mut shell);
    assert!(row.starts_with("none: run "), "{row}");
    shell.run("exit");
    assert_eq!(integration(&mut shell), RAN);
}

#[test]
fn other_key_in_the_shell_is_named_by_its_label_and_replaced_by_the_remedy() {
    if tool("bash").is_none() {
        return;
    }
    let sandbox = Sandbox::with_session();
    sandbox.write(".aws/credentials", format!("[prod]\n{}", profile_keys()));
    let file = sandbox.session_file().with_file_name("session-prod");
    sandbox.write(
        file,
        fake_sts::session_json(in_an_hour()).replace("ASIASESSION", "ASIAPROD"),
    );
    let old = "export AWS_ACCESS_KEY_ID=ASIAOLD AWS_MFA_LOADED=";
    for (line, said) in [
        (
            format!("{old}{KEY_ID}:ASIAOLD"),
            format!("this shell still has an older session of {KEY_ID}"),
        ),
        (
            "eval \"$(aws-mfa load -p prod)\"".to_owned(),
            "this shell keeps the session of prod".to_owned(),
        ),
        (
            "export AWS_ACCESS_KEY_ID=AKIABYHAND".to_owned(),
            "this shell keeps credentials that aws-mfa did not load (AKIABYHAND)".to_owned(),
        ),
    ] {
        let mut shell = Shell::open_bare(Kind::Bash, &sandbox, &sandbox.home());
        shell.run(&line);
        let shown = shell.run("aws-mfa status | cat");
        let warning = shown
            .lines()
            .find(|line| line.starts_with("warning: this shell"))
            .unwrap();
        assert_eq!(
            warning,
            format!("warning: {said}: run `eval \"$(aws-mfa load)\"`")
        );
        shell.run(last_command(warning));
        has_session(&mut shell, 0);
        assert!(!shell.run("aws-mfa status | cat").contains("warning: "));
    }
}

/// `get` in a shell that direnv or the hook looks after.
#[test]
fn get_says_whether_this_very_shell_keeps_other_credentials() {
    if tool("bash").is_none() {
        return;
    }
    let aws = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&aws);
    sandbox
        .set("SHELL", "/bin/bash")
        .set("AWS_ENDPOINT_URL_IAM", aws.url());
    sandbox.write(".aws/credentials", format!("[prod]\n{}", profile_keys()));
    let mut code = 100_000;
    let mut get = |shell: &mut Shell, options: &str| {
        code += 1;
        let shown = shell.run(&format!("aws-mfa get {options} {code}"));
        assert!(shown.contains(&words::session_is_valid("")), "{shown}");
        notices(&shown)
    };
    let mut shell = Shell::open_hooked(Kind::Bash, &sandbox, "");
    assert_eq!(get(&mut shell, ""), [""; 0]);
    let load = |options: &str| {
        format!("aws-mfa: to load it here, run `eval \"$(aws-mfa load{options})\"`")
    };
    let not = "aws-mfa: this shell will not load it, because ";
    assert_eq!(
        get(&mut shell, "-p prod"),
        [
            format!("{not}its prompt hook loads {KEY_ID}"),
            load(" --profile prod")
        ]
    );
    has_session(&mut shell, 1);
    shell.run("eval \"$(aws-mfa load --profile prod)\"");
    has_session(&mut shell, 2);
    assert_eq!(
        get(&mut shell, ""),
        [
            format!("{not}it has the session of prod, which the prompt hook leaves alone"),
            load("")
        ]
    );
    has_session(&mut shell, 2);
    shell.run("export AWS_ACCESS_KEY_ID=AKIABYHAND");
    assert_eq!(
        get(&mut shell, ""),
        [
            format!(
                "{not}it has credentials that aws-mfa did not load (AKIABYHAND), which the prompt hook leaves alone"
            ),
            load("")
        ]
    );
    shell.run("eval \"$(aws-mfa load)\"");
    has_session(&mut shell, 4);
    assert_eq!(get(&mut shell, ""), [""; 0]);
    has_session(&mut shell, 5);

    // The hook has no profile to load.
    let keys = profile_keys();
    sandbox.write(".aws/credentials", format!("[prod]\n{keys}[work]\n{keys}"));
    shell.run("unset MASTER_AWS_ACCESS_KEY_ID MASTER_AWS_SECRET_ACCESS_KEY AWS_SESSION_FILE");
    assert_eq!(
        get(&mut shell, "-p work"),
        [
            format!("{not}no profile is selected in it"),
            load(" --profile work")
        ]
    );
    shell.run("eval \"$(aws-mfa load --profile work)\"");
    has_session(&mut shell, 6);

    let Some(direnv) = tool("direnv") else { return };
    let project = sandbox.project(&direnv, "export PROJECT=mine\n");
    let mut shell = Shell::open(&sandbox, &project, &direnv);
    let envrc = project.join(".envrc");
    assert_eq!(
        get(&mut shell, ""),
        [
            format!(
                "{not}{} does not load it",
                words::with_tilde(envrc.display())
            ),
            load("")
        ]
    );
}

/// Where nothing loads it, `get` says what does.
#[test]
fn get_in_a_shell_without_a_hook_says_how_to_load_the_session() {
    let aws = FakeSts::start();
    let sandbox = Sandbox::with_user(&aws);
    let shown = Terminal::output(&sandbox, "aws-mfa get 123456").stdout;
    let line = "aws-mfa: to load it here, run `eval \"$(aws-mfa load)\"`";
    assert!(shown.contains(line), "{shown}");
}
