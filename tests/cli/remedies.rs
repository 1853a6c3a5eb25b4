//! Every remedy of `doctor` and `status` for the shell and its environment: it is followed to the letter in the state that
//! raises it, in a shell or in a file, and then the finding is gone.

use super::fake_sts::{self, FakeSts};
use super::sandbox::{Outcome, Sandbox, in_an_hour, profile_keys};
use super::shell::{Kind, Shell};
use super::tool::tool;
use std::collections::BTreeSet;
use std::path::Path;

/// How a remedy is followed.
enum Follow {
    /// Typed: the command in backquotes, or all of it.
    Typed,
    /// The commands in backquotes, one after the other, with a code for `<code>`.
    TypedInTurn,
    /// The line in backquotes is run, as the start-up file would in the next shell.
    StartUp,
    /// `delete the section [x] from <file>`, `delete line <n> of <file>`, `rename that section, for example to [x], …`
    Edited,
    /// `add ... to it, and run `direnv allow``
    Envrc,
}
use Follow::{Edited, Envrc, StartUp, Typed, TypedInTurn};

/// The files and variables before the shell starts, the lines typed into it, the finding, and how its remedy is followed.
struct State {
    files: &'static [(&'static str, &'static str)],
    typed: &'static [&'static str],
    finding: &'static str,
    follow: Follow,
}

const VALID: &str = "eval \"$(aws-mfa load)\"";

/// Each finding of the checks `environment` and `shell`. The test below demands one for each message in the source.
const STATES: &[State] = &[
    State {
        files: &[],
        typed: &["export AWS_ACCESS_KEY_ID=AKIABYHAND"],
        finding: "credentials that aws-mfa has not loaded (AKIABYHAND); they stay",
        follow: Typed,
    },
    State {
        files: &[],
        typed: &["export AWS_ACCESS_KEY_ID=ASIAOLD AWS_MFA_LOADED=AKIAIOSFODNN7EXAMPLE:ASIAOLD"],
        finding: "this shell still has an older session of ",
        follow: Typed,
    },
    State {
        files: &[],
        typed: &["aws-mfa clear", "export AWS_ACCESS_KEY_ID=AKIABYHAND"],
        finding: ": a long-term key, which programs use without MFA",
        follow: Typed,
    },
    State {
        files: &[],
        typed: &[VALID, "aws-mfa clear"],
        finding: ", but there is no valid session",
        follow: TypedInTurn,
    },
    State {
        files: &[(".aws/credentials", "[x]\nregion = eu-west-1\n")],
        typed: &[VALID, "export AWS_PROFILE=x"],
        finding: "AWS_PROFILE is set next to AWS_ACCESS_KEY_ID",
        follow: Typed,
    },
    State {
        files: &[],
        typed: &[VALID, "export AWS_SECURITY_TOKEN=x"],
        finding: "AWS_SECURITY_TOKEN is set",
        follow: Typed,
    },
    State {
        files: &[(".aws/credentials", "[work]\nregion = eu-west-1\n")],
        typed: &["export AWS_MFA_PROFILE=work"],
        finding: " is ignored, because ",
        follow: Typed,
    },
    State {
        files: &[(".aws/credentials", "[default]\nKEYS")],
        typed: &[],
        finding: "without a session, programs use the keys of ",
        follow: Edited,
    },
    State {
        files: &[
            (
                ".aws/config",
                "[profile work-mfa]\ncredential_process = aws-mfa load --profile work --format process\n",
            ),
            (".aws/credentials", "[work-mfa]\nKEYS"),
        ],
        typed: &[],
        finding: " has keys, which programs prefer to its credential_process",
        follow: Edited,
    },
    State {
        files: &[],
        typed: &[],
        finding: "nothing loads the session into this shell",
        follow: StartUp,
    },
    State {
        files: &[(".envrc", "# mine\nset -x\ndirenv_load aws-mfa load\n")],
        typed: &["DIRENV"],
        finding: " makes bash print the session's secrets",
        follow: Edited,
    },
    State {
        files: &[(".envrc", "")],
        typed: &["direnv allow"],
        finding: "direnv is not active in this shell, so ",
        follow: StartUp,
    },
    State {
        files: &[(".envrc", "")],
        typed: &["DIRENV"],
        finding: "direnv is not allowed to load ",
        follow: Typed,
    },
    State {
        files: &[(".envrc", "export PROJECT=mine\n")],
        typed: &["direnv allow", "DIRENV"],
        finding: ", which loads no session, or failed before that",
        follow: Envrc,
    },
    State {
        files: &[(
            ".envrc",
            "direnv_load aws-mfa load --session-file ~/other\n",
        )],
        typed: &["direnv allow", "DIRENV"],
        finding: ", which loads the session of other, not ",
        follow: Envrc,
    },
    State {
        files: &[(".envrc", "direnv_load aws-mfa load\n")],
        typed: &["direnv allow", "DIRENV"],
        finding: "the session is loaded by direnv (",
        follow: StartUp,
    },
];

#[test]
fn remedy_for_a_shell_or_its_environment_makes_the_finding_go() {
    let (Some(_), Some(direnv)) = (tool("bash"), tool("direnv")) else {
        return;
    };
    for state in STATES {
        let aws = FakeSts::start();
        let mut sandbox = Sandbox::with_user(&aws);
        sandbox
            .set("SHELL", "/bin/bash")
            .set("AWS_ENDPOINT_URL_IAM", aws.url());
        sandbox.write_session(in_an_hour());
        let other = fake_sts::session_json(in_an_hour()).replace("ASIASESSION", "ASIAOTHER");
        sandbox.write("other", other);
        for (name, text) in state.files {
            sandbox.write(name, text.replace("KEYS", &profile_keys()));
        }
        let mut shell = Shell::open_bare(Kind::Bash, &sandbox, &sandbox.home());
        for line in state.typed {
            match *line {
                "DIRENV" => shell.hook_direnv(&direnv),
                line => drop(shell.run(line)),
            }
        }
        let remedy = remedy(&mut shell, state.finding);
        let remedy = remedy.unwrap_or_else(|| panic!("{} is not found", state.finding));
        let commands: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
        match state.follow {
            Typed => drop(shell.run(commands.first().copied().unwrap_or(&remedy))),
            TypedInTurn => {
                for command in &commands {
                    shell.run(&command.replace("<code>", "123456"));
                }
            }
            StartUp => drop(shell.run(commands.last().unwrap())),
            Edited => edit(&sandbox.home(), &remedy),
            Envrc => {
                let envrc = sandbox.home().join(".envrc");
                std::fs::write(&envrc, format!("{}\n", commands[0])).unwrap();
                Outcome::of(sandbox.command(&direnv).arg("allow")).succeeded();
                // direnv compares whole seconds.
                let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
                let file = std::fs::File::options().append(true).open(&envrc).unwrap();
                file.set_modified(later).unwrap();
                shell.run("");
            }
        }
        let left = self::remedy(&mut shell, state.finding);
        assert_eq!(left, None, "{}: {remedy}", state.finding);
    }
}

/// What `doctor` says to do about this finding, if there is anything to do.
fn remedy(shell: &mut Shell, finding: &str) -> Option<String> {
    let shown = shell.run("aws-mfa doctor --offline | cat");
    let mut lines = shown.lines().skip_while(|line| !line.contains(finding));
    lines.next()?;
    Some(lines.next()?.strip_prefix("        ")?.to_owned())
}

/// Edits a file as the remedy says.
fn edit(home: &Path, remedy: &str) {
    let between = |start: &str, end: &str| {
        let (_, rest) = remedy.split_once(start).unwrap();
        rest.split_once(end)
            .map_or(rest, |(text, _)| text)
            .to_owned()
    };
    if remedy.starts_with("rename that section") {
        let path = home.join(".aws/credentials");
        let text = std::fs::read_to_string(&path).unwrap();
        let new = between("for example to ", ",");
        return std::fs::write(&path, text.replace("[default]", &new)).unwrap();
    }
    if remedy.starts_with("delete the section ") {
        let path = between(" from ", "\n");
        let text = std::fs::read_to_string(&path).unwrap();
        let section = between("section ", " from ");
        assert!(text.starts_with(&section));
        return std::fs::write(&path, "").unwrap();
    }
    let path = between(" of ", "\n");
    let number: usize = between("line ", " of ").parse().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text
        .lines()
        .enumerate()
        .filter(|(index, _)| index + 1 != number);
    let lines: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    std::fs::write(&path, lines).unwrap();
}

/// Messages whose remedy no test can follow: another program has to be installed, or direnv hangs.
const NOT_FOLLOWED: [&str; 4] = [
    "there is an .envrc, but direnv is not installed",
    "direnv {fault}",
    "direnv {version} is too old",
    "this shell will not load it, because {why}",
];

/// The messages of these checks in the source: the text of each `message`, and of each `Failure::setup`.
#[test]
fn message_with_a_remedy_for_a_shell_is_in_the_states() {
    let sources = [
        include_str!("../../src/loader.rs"),
        include_str!("../../src/rival_credentials.rs"),
        include_str!("../../src/commands/doctor/environment.rs"),
        include_str!("../../src/commands/doctor/shell.rs"),
    ];
    let mut messages = BTreeSet::new();
    for source in sources {
        let code = source
            .split("#[cfg(test)]")
            .next()
            .unwrap()
            .replace("\\\n", "");
        for start in [
            "let message = format!(\"",
            "let message = \"",
            "Failure::setup(format!(\"",
            "failure(\"",
            "format!(\"this shell",
            "format!(\"direnv has",
        ] {
            let keeps = start.rsplit('"').next().unwrap();
            let ends = code.split(start).skip(1);
            messages.extend(ends.map(|rest| format!("{keeps}{}", rest.split('"').next().unwrap())));
        }
    }
    assert!(messages.len() > 12, "{messages:?}");
    let states: Vec<&str> = STATES.iter().map(|state| state.finding).collect();
    let is_followed = |message: &String| {
        // The texts that are the same in every state.
        let mut parts = message.split(['{', '}']).step_by(2).map(str::trim);
        let is_in = |part: &str, state: &str| state.contains(part) || part.contains(state.trim());
        NOT_FOLLOWED.contains(&message.as_str())
            || parts.any(|part| {
                let says = part.len() > 8 && part != "this shell has";
                says && states.iter().any(|state| is_in(part, state))
            })
    };
    let forgotten: Vec<&String> = messages
        .iter()
        .filter(|message| !is_followed(message))
        .collect();
    assert!(
        forgotten.is_empty(),
        "no test follows the remedies of {forgotten:#?}"
    );
}
