//! Every remedy of `doctor`, and of `status`, which has the same ones: it is followed to the letter in the state that raises
//! it, in a shell, in a file or at AWS, and then the finding is gone.

use super::fake_iam::{FakeIam, FakeKey};
use super::fake_sts::{self, FakeSts};
use super::sandbox::{DEVICE, Outcome, Sandbox, chmod, in_an_hour, profile_keys};
use super::shell::{Kind, Shell};
use super::tool::tool;
use jiff::{SignedDuration, Timestamp};
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
        finding: "this shell keeps credentials that aws-mfa did not load (AKIABYHAND)",
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
        files: &[(
            ".aws/credentials",
            "[default]\naws_access_key_id = ASIAOTHER\naws_secret_access_key = x\naws_session_token = y\n",
        )],
        typed: &[],
        finding: " has temporary keys of another tool: ",
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
        finding: ", which loads no session or failed before it could",
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

/// The remedy is for the user's shell.
#[test]
fn variable_is_unset_by_the_remedy_in_each_shell() {
    for kind in Kind::EACH {
        if tool(kind.program()).is_none() {
            continue;
        }
        let mut sandbox = Sandbox::with_session();
        let login = format!("/bin/{}", kind.program());
        sandbox.set("SHELL", login).set("AWS_SECURITY_TOKEN", "x");
        let said = sandbox.run(["doctor", "--offline"]).stdout;
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains("AWS_SECURITY_TOKEN is set"));
        let remedy = lines.nth(1).unwrap().trim();
        let mut shell = Shell::open_bare(kind, &sandbox, &sandbox.home());
        assert_eq!(shell.variable("AWS_SECURITY_TOKEN"), "x");
        shell.run(remedy);
        assert_eq!(shell.variable("AWS_SECURITY_TOKEN"), "unset", "{remedy}");
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
    let in_home = |path: String| home.join(path.trim_start_matches("~/"));
    if remedy.starts_with("rename that section") {
        let path = home.join(".aws/credentials");
        let text = std::fs::read_to_string(&path).unwrap();
        let new = between("for example to ", ",");
        return std::fs::write(&path, text.replace("[default]", &new)).unwrap();
    }
    if remedy.starts_with("delete the section ") {
        let path = in_home(between(" from ", "\n"));
        let text = std::fs::read_to_string(&path).unwrap();
        let section = between("section ", " from ");
        assert!(text.starts_with(&section));
        return std::fs::write(&path, "").unwrap();
    }
    let path = in_home(between(" of ", "\n"));
    let number: usize = between("line ", " of ").parse().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text
        .lines()
        .enumerate()
        .filter(|(index, _)| index + 1 != number);
    let lines: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    std::fs::write(&path, lines).unwrap();
}

/// A state of AWS, the keys, the session or the files; how its remedy is followed where AWS's console, the machine's clock or
/// an editor is needed; and how `doctor` is asked.
struct Setup {
    finding: &'static str,
    raise: fn(&FakeSts, &mut Sandbox),
    by_hand: fn(&FakeSts, &mut Sandbox),
}

const OTHER: &str = "arn:aws:iam::123456789012:mfa/phone/igor";

fn iam(devices: &[&str], days: i64) -> FakeIam {
    FakeIam {
        devices: devices.iter().map(|&device| device.to_owned()).collect(),
        keys: vec![FakeKey {
            created: Timestamp::now() - SignedDuration::from_hours(24 * days + 1),
            ..FakeKey::new(fake_sts::KEY_ID, fake_sts::SECRET)
        }],
        needs_mfa: true,
        ..FakeIam::default()
    }
}

fn nothing(_: &FakeSts, _: &mut Sandbox) {}

/// The checks of files, settings and AWS.
const SETUPS: &[Setup] = &[
    Setup {
        finding: " is 200 days old",
        raise: |aws, _| {
            aws.set_iam(iam(&[DEVICE], 200));
        },
        // The key moves into a profile.
        by_hand: |_, sandbox| {
            sandbox
                .unset("MASTER_AWS_ACCESS_KEY_ID")
                .unset("MASTER_AWS_SECRET_ACCESS_KEY")
                .unset("AWS_SESSION_FILE");
            sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
            sandbox.set("AWS_MFA_PROFILE", "work");
            sandbox.get("222222");
            let rotated = sandbox.run(["rotate", "--profile", "work"]);
            assert_eq!(rotated.status, 0, "{}", rotated.stderr);
        },
    },
    Setup {
        finding: " is a key of the root user: ",
        raise: |aws, _| {
            aws.set_owner("arn:aws:iam::123456789012:root");
        },
        by_hand: |aws, _| {
            aws.set_owner(fake_sts::USER);
        },
    },
    Setup {
        finding: " is a temporary key: ",
        raise: |aws, _| {
            aws.set_owner("arn:aws:sts::123456789012:assumed-role/x/y");
        },
        by_hand: |aws, _| {
            aws.set_owner(fake_sts::USER);
        },
    },
    Setup {
        finding: "none is configured, and igor has several: ",
        raise: |aws, sandbox| {
            sandbox.unset("AWS_MFA_ARN");
            aws.set_iam(iam(&[DEVICE, OTHER], 1));
        },
        by_hand: nothing,
    },
    Setup {
        finding: " does not belong to igor, who ",
        raise: |aws, _| {
            aws.set_iam(iam(&[OTHER], 1));
        },
        by_hand: nothing,
    },
    Setup {
        finding: "this user has no MFA device",
        raise: |aws, sandbox| {
            sandbox.unset("AWS_MFA_ARN");
            aws.set_iam(iam(&[], 1));
        },
        by_hand: |aws, _| {
            aws.set_iam(iam(&[DEVICE], 1));
        },
    },
    Setup {
        finding: "MFA is not enforced: the access key can list itself without a session",
        raise: |aws, _| {
            aws.set_iam(FakeIam {
                needs_mfa: false,
                ..iam(&[DEVICE], 1)
            });
        },
        by_hand: |aws, _| {
            aws.set_iam(iam(&[DEVICE], 1));
        },
    },
    Setup {
        finding: "the session belongs to ",
        raise: |aws, _| {
            aws.set_owner("arn:aws:iam::123456789012:user/anna");
        },
        // The sessions of this AWS are always igor's.
        by_hand: |aws, _| {
            aws.set_owner(fake_sts::USER);
        },
    },
    Setup {
        finding: "warning session: ",
        raise: |_, sandbox| sandbox.expire_session(),
        by_hand: nothing,
    },
    Setup {
        finding: "warning session: ",
        raise: |_, sandbox| std::fs::remove_file(sandbox.session_file()).unwrap(),
        by_hand: nothing,
    },
    Setup {
        finding: "error   session: ",
        raise: |_, sandbox| {
            let saved = std::fs::read_to_string(sandbox.session_file()).unwrap();
            sandbox.write(sandbox.session_file(), saved.replace("token//", "other//"));
        },
        by_hand: nothing,
    },
    Setup {
        finding: "error   files: ",
        raise: |_, sandbox| drop(sandbox.write(sandbox.session_file(), "x")),
        by_hand: nothing,
    },
    Setup {
        finding: "others can read the session file ",
        raise: |_, sandbox| chmod(&sandbox.session_file(), 0o644),
        by_hand: nothing,
    },
    Setup {
        finding: "others can replace files in the session file's directory ",
        raise: |_, sandbox| chmod(sandbox.session_file().parent().unwrap(), 0o777),
        by_hand: nothing,
    },
    Setup {
        finding: "others can read the secret keys in ",
        raise: |_, sandbox| {
            let file = sandbox.write("my keys", format!("[x]\n{}", profile_keys()));
            chmod(&file, 0o644);
            sandbox.set("AWS_SHARED_CREDENTIALS_FILE", file);
        },
        by_hand: nothing,
    },
    Setup {
        finding: "others can write to ",
        raise: |_, sandbox| {
            let file = sandbox.write("my keys", format!("[x]\n{}", profile_keys()));
            chmod(&file, 0o620);
            sandbox.set("AWS_SHARED_CREDENTIALS_FILE", file);
        },
        by_hand: nothing,
    },
    Setup {
        finding: "/my config: everyone can write to it",
        raise: |_, sandbox| {
            let file = sandbox.write("my config", "[default]\nregion = eu-west-1\n");
            chmod(&file, 0o602);
            sandbox.set("AWS_CONFIG_FILE", file);
        },
        by_hand: nothing,
    },
    Setup {
        finding: "the section [work] in ",
        raise: |_, sandbox| drop(sandbox.write(".aws/config", "[work]\nregion = eu-west-1\n")),
        by_hand: |_, sandbox| {
            drop(sandbox.write(".aws/config", "[profile work]\nregion = eu-west-1\n"))
        },
    },
    Setup {
        finding: "there is no file ~/none, which AWS_CONFIG_FILE names",
        raise: |_, sandbox| {
            sandbox.set("AWS_CONFIG_FILE", "~/none");
        },
        by_hand: |_, sandbox| {
            sandbox.unset("AWS_CONFIG_FILE");
        },
    },
    Setup {
        finding: "no region is configured for programs",
        raise: |_, sandbox| {
            sandbox.unset("AWS_REGION");
        },
        by_hand: |_, sandbox| {
            sandbox.set("AWS_REGION", "eu-west-1");
        },
    },
    Setup {
        finding: "requests to http://iam.example are not encrypted",
        raise: |_, sandbox| {
            sandbox.set("AWS_ENDPOINT_URL_IAM", "http://iam.example");
        },
        by_hand: |_, sandbox| {
            sandbox.set("AWS_ENDPOINT_URL_IAM", "https://iam.example");
        },
    },
    Setup {
        finding: "this machine's clock is ",
        raise: |aws, _| {
            aws.set_clock(SignedDuration::from_mins(6));
        },
        by_hand: |aws, _| {
            aws.set_clock(SignedDuration::ZERO);
        },
    },
    Setup {
        finding: "connection refused",
        raise: |_, sandbox| {
            sandbox.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
        },
        by_hand: |aws, sandbox| {
            sandbox.set("AWS_ENDPOINT_URL_STS", aws.url());
        },
    },
];

#[test]
fn remedy_for_the_files_the_settings_or_aws_makes_the_finding_go() {
    for Setup {
        finding,
        raise,
        by_hand,
    } in SETUPS
    {
        let aws = FakeSts::start();
        let mut sandbox = Sandbox::with_user(&aws);
        sandbox.set("AWS_ENDPOINT_URL_IAM", aws.url());
        aws.set_iam(iam(&[DEVICE], 1));
        sandbox.get("111111");
        raise(&aws, &mut sandbox);
        let doctor = |sandbox: &Sandbox| {
            let outcome = sandbox.run(["doctor"]);
            let mut lines = outcome
                .stdout
                .lines()
                .skip_while(|line| line.starts_with("skipped ") || !line.contains(finding));
            lines.next()?;
            Some(
                lines
                    .next()?
                    .strip_prefix("        ")
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        let remedy = doctor(&sandbox).unwrap_or_else(|| panic!("{finding} is not found"));
        let set = remedy
            .strip_prefix("set ")
            .and_then(|set| set.split_once(" to "));
        if let Some((variable, value)) = set {
            sandbox.set(variable, value);
        } else if ["aws-mfa ", "chmod "]
            .iter()
            .any(|start| remedy.starts_with(start))
        {
            let line = remedy.replace("<code>", "654321");
            let ran = sandbox.run_with(sandbox.command("sh").args(["-c", &line]));
            assert_eq!(ran.status, 0, "{remedy}: {}", ran.stderr);
        }
        by_hand(&aws, &mut sandbox);
        assert_eq!(doctor(&sandbox), None, "{finding}: {remedy}");
    }
}

/// Messages whose remedy no test can follow: another program has to be installed, or direnv hangs.
const NOT_FOLLOWED: [&str; 5] = [
    // By root, who can save everywhere. `doctor.rs` follows it as another user.
    "no session can be saved in {place}: {why}",
    "there is an .envrc, but direnv is not installed",
    "direnv {fault}",
    "direnv {version} is too old",
    "this shell will not load it, because {why}",
];

/// The messages of these checks in the source: the text of each `message`, and of each `Failure::setup`.
#[test]
fn message_of_doctor_with_a_remedy_has_its_state() {
    let sources = [
        include_str!("../../src/loader.rs"),
        include_str!("../../src/rival_credentials.rs"),
        include_str!("../../src/commands/doctor/environment.rs"),
        include_str!("../../src/commands/doctor/shell.rs"),
        include_str!("../../src/commands/doctor/device.rs"),
        include_str!("../../src/commands/doctor/files.rs"),
        include_str!("../../src/commands/doctor/keys.rs"),
        include_str!("../../src/commands/doctor/policy.rs"),
        include_str!("../../src/commands/doctor/session.rs"),
        include_str!("../../src/commands/doctor/settings.rs"),
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
            "format!(\"others can",
            "format!(\"this shell",
            "format!(\"direnv has",
        ] {
            let keeps = start.rsplit('"').next().unwrap();
            let ends = code.split(start).skip(1);
            messages.extend(ends.map(|rest| format!("{keeps}{}", rest.split('"').next().unwrap())));
        }
    }
    assert!(messages.len() > 12, "{messages:?}");
    let states = STATES.iter().map(|state| state.finding);
    let states: Vec<&str> = states
        .chain(SETUPS.iter().map(|setup| setup.finding))
        .collect();
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
