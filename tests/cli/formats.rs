//! The formats of `load`, in the programs that read them: the line from the README sets exactly the session's values and
//! runs nothing, whatever the session file contains.

use super::fake_sts::KEY_ID;
use super::load::unset;
use super::sandbox::{Outcome, Sandbox};
use super::tool::tool;
use super::words;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The line for each shell, as `load --help` and the README have it.
pub const SH: &str = r#"eval "$(aws-mfa load)""#;
pub const FISH: &str = "aws-mfa load --format fish | source";
/// What fish users type by habit, see src/shell/sh.rs.
const SH_IN_FISH: &str = "aws-mfa load | source";
pub const ELVISH: &str = "eval (aws-mfa load --format elvish | slurp)";
pub const TCSH: &str = r#"eval "`aws-mfa load --format tcsh`""#;
pub const NUSHELL: &str = "aws-mfa load --format json | from json | load-env";
pub const POWERSHELL: &str = "aws-mfa load --format powershell | Invoke-Expression";
pub const CMD: &str = r#"for /f "delims=" %i in ('aws-mfa load --format cmd') do @%i"#;

/// Values that try to be code. If one runs, it creates the file `ran`.
pub const HOSTILE: &[&str] = &[
    "plain",
    "'; touch ran; '",
    "\"; touch ran; \"",
    "$(touch ran)",
    "(touch ran)",
    "`touch ran`",
    "';touch ran;#",
    "\\'; touch ran; \\'",
    "''; touch ran",
    "; touch ran; #",
    "&& touch ran || touch ran",
    "| touch ran &",
    "> ran",
    "<(touch ran)",
    "$HOME ${HOME} $E:HOME $env:HOME %HOME% !HOME!",
    "!! !touch !-1 !$ ^touch^ran^ \\!",
    "~ ~root ~/x",
    "* ? [a-z] {a,b} **/*",
    "two  spaces   three",
    " at both ends ",
    "\ttabs\t\tthree\t",
    "-n",
    "--help",
    "=x",
    "#comment",
    "a # b",
    "back\\slash \\\\ two \\n \\t \\x41 \\u0041 ends with \\",
    "'",
    "''",
    "\"",
    "\"\"",
    "\u{2018}single\u{2019} \u{201c}double\u{201d} \u{201a}low\u{201e} `grave\u{b4}",
    "\u{e9}\u{fc}\u{df} \u{65e5}\u{672c} \u{1f600} e\u{301} \u{a0}\u{2028}\u{feff}\u{85}",
    "\u{1}\u{2}\u{7}\u{8}\u{b}\u{c}\u{1b}[31m\u{7f}",
    "carriage\rreturn\r",
    "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~",
];

/// Values of several lines, which not every format can carry.
pub const HOSTILE_LINES: &[&str] = &[
    "one\ntwo",
    "\ntouch ran\n",
    "'\ntouch ran\n'",
    "ends with line ends\n\n",
    "\r\ntouch ran\r\n",
];

/// The environment of a child of the shell after the line.
type After = BTreeMap<String, String>;

/// A shell that runs a file of commands.
struct Shell<'a> {
    program: &'a Path,
    arguments: &'a [&'a str],
    /// The line that users paste.
    line: &'a str,
    /// Writes the environment of a child into the file `after`.
    print: &'a str,
    /// The script is typed, not read from a file.
    typed: bool,
}

impl Shell<'_> {
    /// Runs the line, then `next`.
    fn run(&self, sandbox: &Sandbox, next: &str) -> (Outcome, After) {
        let script = sandbox.write("script", format!("{}\n{next}\n{}\n", self.line, self.print));
        let after = sandbox.home().join("after");
        let _ = std::fs::remove_file(&after);
        let mut command: Command = sandbox.command(self.program);
        command.args(self.arguments);
        if self.typed {
            command.stdin(Stdio::from(std::fs::File::open(&script).unwrap()));
        } else {
            command.arg("script");
        }
        let outcome = Outcome::of(&mut command);
        let printed = std::fs::read(&after)
            .unwrap_or_else(|_| panic!("the shell has ended early: {}", outcome.stderr));
        let after = String::from_utf8(printed)
            .unwrap()
            .split_terminator('\0')
            .map(|variable| variable.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        (outcome, after)
    }

    /// Loads each of `values` in each field of a session, and compares the environment with it.
    #[track_caller]
    fn takes(&self, values: &[&str]) {
        for [left, middle, right] in threes(values) {
            let mut sandbox = Sandbox::without_session();
            let region = [left, middle, right].join("|");
            // The label has the name of the file.
            let label: String = left.replace('/', "_").chars().take(60).collect();
            let file = sandbox.home().join(format!("session-{label}"));
            sandbox.set("AWS_SESSION_FILE", &file);
            sandbox.write(
                &file,
                json!({
                    "Credentials": {"AccessKeyId": left, "SecretAccessKey": middle, "SessionToken": right},
                    "Region": region,
                })
                .to_string(),
            );
            // Left over from another session.
            for name in ["AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"] {
                sandbox.set(name, "old");
            }
            let (outcome, after) = self.run(&sandbox, "");
            let expected = BTreeMap::from([
                ("AWS_ACCESS_KEY_ID", left),
                ("AWS_SECRET_ACCESS_KEY", middle),
                ("AWS_SESSION_TOKEN", right),
                ("AWS_REGION", &region),
                ("AWS_DEFAULT_REGION", &region),
            ]);
            assert_eq!(aws(&after), expected, "{}", outcome.stderr);
            let is_plain = label.chars().all(|c| (' '..='~').contains(&c) && c != '\\');
            if is_plain && let Some(loaded) = after.get("AWS_MFA_LOADED") {
                assert_eq!(loaded.rsplit_once(':').unwrap().0, label);
            }
            assert!(
                !sandbox.home().join("ran").exists(),
                "{left} {middle} {right}"
            );
            if !self.typed {
                outcome.is(0, "", "");
            }
        }
    }

    /// The line succeeds even if the variables that it unsets are not set.
    #[track_caller]
    fn succeeds(&self, print_status: &str) {
        let sandbox = Sandbox::without_session();
        sandbox.write(
            sandbox.session_file(),
            r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t"}}"#,
        );
        let (outcome, _) = self.run(&sandbox, print_status);
        outcome.is(0, "0\n", "");
    }

    /// Without a session, the line leaves the shell unchanged and running.
    #[track_caller]
    fn continues_without_a_session(&self, next: &str) {
        let mut sandbox = Sandbox::without_session();
        sandbox
            .set("AWS_ACCESS_KEY_ID", "before")
            .set("AWS_SECURITY_TOKEN", "before");
        let (outcome, after) = self.run(&sandbox, next);
        let expected = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", "before"),
            ("AWS_SECURITY_TOKEN", "before"),
        ]);
        assert_eq!(aws(&after), expected);
        outcome.is(
            0,
            "next\n",
            &words::failure(
                &words::no_session_yet(sandbox.session_file().display()),
                words::get_a_session(),
            ),
        );
    }
}

/// The variables whose names begin with AWS, except our own.
fn aws(after: &After) -> BTreeMap<&str, &str> {
    after
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| name.starts_with("AWS_"))
        .filter(|(name, _)| !["AWS_SESSION_FILE", "AWS_MFA_LOADED"].contains(name))
        .collect()
}

/// Each value once, three by three.
pub fn threes<'v>(values: &[&'v str]) -> Vec<[&'v str; 3]> {
    values
        .chunks(3)
        .map(|chunk| [0, 1, 2].map(|index| *chunk.get(index).unwrap_or(&values[0])))
        .collect()
}

/// A value longer than any token.
fn long() -> String {
    "IQoJb3+/' \\".repeat(1_000)
}

fn sh(program: &str, arguments: &[&str], typed_arguments: &[&str]) {
    let Some(program) = tool(program) else { return };
    let shell = Shell {
        program: &program,
        arguments,
        line: SH,
        print: "env -0 > after",
        typed: false,
    };
    shell.takes(HOSTILE);
    shell.takes(HOSTILE_LINES);
    shell.takes(&[&long()]);
    shell.succeeds("echo $?");
    shell.continues_without_a_session("echo next");
    // Typed, so history expansion is on.
    let typed = Shell {
        arguments: typed_arguments,
        typed: true,
        ..shell
    };
    typed.takes(&HOSTILE[..18]);
}

#[test]
fn bash_loading_any_value_sets_it_unchanged() {
    sh("bash", &["--norc"], &["--norc", "--noprofile", "-i"]);
}

#[test]
fn dash_loading_any_value_sets_it_unchanged() {
    sh("dash", &[], &["-i"]);
}

#[test]
fn ksh_loading_any_value_sets_it_unchanged() {
    sh("ksh", &[], &["-i"]);
}

#[test]
fn zsh_loading_any_value_sets_it_unchanged() {
    sh("zsh", &["-f"], &["-f", "-i"]);
    sh("zsh", &["-f", "-o", "rcquotes"], &["-f", "-i"]);
}

#[test]
fn fish_loading_any_value_sets_it_unchanged() {
    let Some(program) = tool("fish") else { return };
    for line in [FISH, SH_IN_FISH] {
        let shell = Shell {
            program: &program,
            arguments: &["--no-config"],
            line,
            print: "env -0 > after",
            typed: false,
        };
        shell.takes(HOSTILE);
        // In the sh format, fish skips them.
        if line == FISH {
            shell.takes(HOSTILE_LINES);
        }
        shell.takes(&[&long()]);
        shell.succeeds("echo $status");
        shell.continues_without_a_session("echo next");
    }
}

/// In Elvish, as in Nushell, a failing command is an exception, which ends a script.
fn elvish(program: &str) {
    let Some(program) = tool(program) else { return };
    let mut shell = Shell {
        program: &program,
        arguments: &["-norc"],
        line: ELVISH,
        print: "env -0 > after",
        typed: false,
    };
    shell.takes(HOSTILE);
    shell.takes(HOSTILE_LINES);
    shell.takes(&[&long()]);
    shell.succeeds("echo 0");
    let line = format!("try {{ {ELVISH} }} catch {{ }}");
    shell.line = &line;
    shell.continues_without_a_session("echo next");
}

#[test]
fn elvish_loading_any_value_sets_it_unchanged() {
    elvish("elvish");
    elvish("elvish-newest");
}

#[test]
fn tcsh_loading_any_value_of_one_line_sets_it_unchanged() {
    let Some(program) = tool("tcsh") else { return };
    let shell = Shell {
        program: &program,
        arguments: &["-f"],
        line: TCSH,
        print: "env -0 > after",
        typed: false,
    };
    shell.takes(HOSTILE);
    shell.takes(&[&long()]);
    shell.succeeds("echo $status");
    shell.continues_without_a_session("echo next");
    let typed = Shell {
        arguments: &["-f", "-i"],
        typed: true,
        ..shell
    };
    typed.takes(HOSTILE);
    let line = format!("set backslash_quote\n{TCSH}");
    let quoting = Shell {
        line: &line,
        arguments: &["-f"],
        typed: false,
        ..typed
    };
    quoting.takes(HOSTILE);
}

#[test]
fn nushell_loading_any_value_sets_it_unchanged() {
    let Some(program) = tool("nu") else { return };
    let mut shell = Shell {
        program: &program,
        arguments: &["--no-config-file"],
        line: NUSHELL,
        print: "^env -0 out> after",
        typed: false,
    };
    shell.takes(HOSTILE);
    shell.takes(HOSTILE_LINES);
    shell.takes(&[&long()]);
    shell.succeeds("print 0");
    let line = format!("try {{ {NUSHELL} }}");
    shell.line = &line;
    shell.continues_without_a_session("print next");
}

/// Three readers of dotenv files, and a shell. Values from STS survive all of them; values that they would read differently
/// are not written.
#[test]
fn dotenv_file_is_read_alike_by_all_readers() {
    let (Some(node), Some(python)) = (tool("node-npm"), tool("python-venv")) else {
        return;
    };
    let sandbox = Sandbox::without_session();
    let token = "IQoJb3JpZ2luX2VjEJr//////////wEaCWV1LXdlc3QtMSJHMEUCIQD+/abc%3D,_-.:@==";
    let expiration = "2086-11-24T18:10:00Z";
    sandbox.write(
        sandbox.session_file(),
        json!({"Credentials": {
            "AccessKeyId": "ASIA1", "SecretAccessKey": "a/b+c", "SessionToken": token, "Expiration": expiration,
        }})
        .to_string(),
    );
    let loaded = sandbox.run(["load", "--format", "dotenv"]);
    let expected = format!(
        "AWS_ACCESS_KEY_ID=ASIA1\nAWS_SECRET_ACCESS_KEY=a/b+c\nAWS_SESSION_TOKEN={token}\n\
         AWS_CREDENTIAL_EXPIRATION={expiration}\nAWS_MFA_LOADED={KEY_ID}:ASIA1\n"
    );
    loaded.is(0, &expected, "");
    assert_eq!(
        sandbox.run(["load", "--format", "env-no-export"]).stdout,
        expected
    );

    sandbox.write("session.env", &loaded.stdout);
    let names = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_MFA_LOADED",
    ];
    let node_script =
        format!("for (const name of {names:?}) console.log(name + '=' + process.env[name])");
    let python_script = "import dotenv; [print(f'{k}={v}') for k, v in dotenv.dotenv_values('session.env').items()]";
    let sh_script = "set -a; . ./session.env; env | grep ^AWS_ | grep -v ^AWS_SESSION_FILE";
    let env_script = "env -i $(aws-mfa load --format dotenv)";
    for (program, arguments) in [
        (
            node.as_path(),
            &["--env-file=session.env", "-e", &node_script][..],
        ),
        (python.as_path(), &["-c", python_script]),
        (Path::new("sh"), &["-c", sh_script]),
        (Path::new("sh"), &["-c", env_script]),
    ] {
        let read = Outcome::of(sandbox.command(program).args(arguments));
        read.succeeded();
        let (mut read, mut written): (Vec<&str>, Vec<&str>) =
            (read.stdout.lines().collect(), expected.lines().collect());
        read.sort_unstable();
        written.sort_unstable();
        assert_eq!(read, written, "{}", program.display());
    }
}

/// Nothing of the session is printed in this case.
#[test]
fn value_that_a_format_cannot_carry_is_an_error() {
    for (format, value, what) in [
        ("tcsh", "a\nb", "a line break"),
        ("dotenv", "a\nb", "a line break"),
        (
            "dotenv",
            "a b",
            "a character that its readers interpret differently",
        ),
        ("cmd", "a\tb", "a control character"),
        ("cmd", "a\"b", "a double quote"),
        ("cmd", "a%b", "a percent sign"),
        ("cmd", "a!b", "an exclamation mark"),
        ("cmd", "\u{e9}", "a character beyond ASCII"),
    ] {
        let sandbox = Sandbox::without_session();
        sandbox.write(
            sandbox.session_file(),
            json!({"Credentials": {"AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": value}})
                .to_string(),
        );
        sandbox.run(["load", "--format", format]).is(
            1,
            "",
            &format!(
                "aws-mfa: the {format} format cannot carry AWS_SESSION_TOKEN: it contains {what}\n\
                 hint: use another format, or get a new session\n"
            ),
        );
    }
}

/// The values of every format's session below.
const SESSION: [(&str, Option<&str>); 7] = [
    ("AWS_ACCESS_KEY_ID", Some("ASIA1")),
    ("AWS_SECRET_ACCESS_KEY", Some("a/b+c")),
    ("AWS_SESSION_TOKEN", Some("d==")),
    ("AWS_CREDENTIAL_EXPIRATION", Some("2086-11-24T18:10:00Z")),
    ("AWS_MFA_LOADED", Some("AKIAIOSFODNN7EXAMPLE:ASIA1")),
    ("AWS_SECURITY_TOKEN", None),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", None),
];

/// What `load` prints in this format; nothing for direnv, which gets a file.
pub fn printed(format: &str) -> Option<String> {
    let lines = |set: fn(&str, &str) -> String, unset: fn(&str) -> String| {
        let line = |(name, value): &(&str, Option<&str>)| match value {
            Some(value) => set(name, value) + "\n",
            None => unset(name),
        };
        SESSION.iter().map(line).collect()
    };
    Some(match format {
        "sh" => lines(|name, value| format!("export {name}='{value}'"), unset),
        "fish" => lines(
            |name, value| format!("set -gx {name} '{value}'"),
            |name| format!("set -ge {name}; or true\n"),
        ),
        "powershell" => lines(
            |name, value| format!("$env:{name} = '{value}'"),
            |name| format!("$env:{name} = $null\n"),
        ),
        "elvish" => lines(
            |name, value| format!("set-env {name} '{value}'"),
            |name| format!("unset-env {name}\n"),
        ),
        "tcsh" => lines(
            |name, value| format!("setenv {name} '{value}';"),
            |name| format!("unsetenv {name};\n"),
        ),
        // Unsetting an unset variable would be a failure.
        "cmd" => lines(
            |name, value| format!("set \"{name}={value}\""),
            |name| format!("set \"{name}=-\"\nset \"{name}=\"\n"),
        ),
        "json" => {
            let object: BTreeMap<_, _> = SESSION.into();
            serde_json::to_string(&object).unwrap() + "\n"
        }
        "dotenv" => lines(|name, value| format!("{name}={value}"), |_| String::new()),
        "process" => {
            let [id, secret, token, expiration, ..] = SESSION.map(|(_, value)| value);
            let answer = json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret,
                "SessionToken": token, "Expiration": expiration});
            format!("{answer}\n")
        }
        "direnv" => String::new(),
        _ => return None,
    })
}

#[cfg(unix)]
#[test]
fn each_format_prints_exactly_the_session() {
    let mut sandbox = Sandbox::without_session();
    let [id, secret, token, expiration, ..] = SESSION.map(|(_, value)| value);
    let credentials = json!({"AccessKeyId": id, "SecretAccessKey": secret, "SessionToken": token,
        "Expiration": expiration});
    let session = json!({ "Credentials": credentials }).to_string();
    sandbox.write(sandbox.session_file(), session);
    let dump = sandbox.write("dump", "");
    sandbox.set("DIRENV_DUMP_FILE_PATH", &dump);
    for format in super::forgotten::values("load") {
        let printed = printed(&format).unwrap_or_else(|| panic!("what does {format} print?"));
        sandbox
            .run(["load", "--format", &format])
            .is(0, &printed, "");
    }
    let dumped = super::direnv::dumped(&std::fs::read(&dump).unwrap());
    for (name, value) in SESSION {
        assert_eq!(
            dumped.get(name).and_then(|value| value.as_str()),
            value,
            "{name}"
        );
    }
}
