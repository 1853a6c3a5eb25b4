//! PowerShell and cmd, which run on Windows in the hosted workflow. The tests are compiled everywhere.

use super::deadline::InTime;
use super::formats::{CMD, HOSTILE, HOSTILE_LINES, POWERSHELL, threes};
use super::sandbox::{Outcome, Sandbox};
use super::tool::{installed, skip, tool};
use super::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const NAMES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_SECURITY_TOKEN",
];

/// Characters that cmd can carry, but that are special outside double quotes.
const FOR_CMD: &[&str] = &[
    "plain",
    "a&echo ran>ran",
    "a|b<c>ran^d^^e(f)g",
    "two  spaces   three",
    " at both ends ",
    "'; `x` $(x) ${x} ~ * ? [a] {b} #;,=@ \\ \\\\ /x -n",
];

fn sandbox(fields: [&str; 3]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let file = sandbox.session_file();
    let [id, secret, token] = fields;
    let session = json!({
        "Credentials": {"AccessKeyId": id, "SecretAccessKey": secret, "SessionToken": token},
        "Region": "eu-west-1",
    });
    sandbox.write(&file, session.to_string());
    sandbox
        .set("AWS_SESSION_FILE", &file)
        .set("AWS_CREDENTIAL_EXPIRATION", "old")
        .set("AWS_SECURITY_TOKEN", "old");
    sandbox
}

fn expected([id, secret, token]: [&str; 3]) -> BTreeMap<String, String> {
    [
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", token),
        ("AWS_REGION", "eu-west-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The PowerShells of this machine. Wine's only exits.
fn powershells() -> Vec<PathBuf> {
    if installed("winecfg").is_some() {
        skip("Wine has no PowerShell");
        return Vec::new();
    }
    ["powershell", "pwsh"]
        .into_iter()
        .filter_map(tool)
        .collect()
}

/// Runs the line in PowerShell, and returns the variables afterwards.
fn powershell(program: &Path, sandbox: &Sandbox) -> (Outcome, BTreeMap<String, String>) {
    // In base64, to avoid code pages and line breaks.
    let names = NAMES.map(|name| format!("'{name}'")).join(", ");
    let script = format!(
        "{POWERSHELL}\n\
         foreach ($name in {names}) {{\n\
           $value = [Environment]::GetEnvironmentVariable($name)\n\
           if ($null -ne $value) {{\n\
             \"$name=\" + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($value))\n\
           }}\n\
         }}\n"
    );
    let script = sandbox.write("script.ps1", script);
    let outcome = Outcome::from(
        sandbox
            .command(program)
            .args([
                "-NoProfile",
                "-NonInteractive",
                "-ExecutionPolicy",
                "Bypass",
                "-File",
            ])
            .arg(script)
            .output_in_time(),
    );
    let set = outcome
        .stdout
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| {
            let value = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
            (name.to_owned(), value)
        })
        .collect();
    (outcome, set)
}

#[cfg_attr(not(windows), ignore = "PowerShell and cmd are on Windows")]
#[test]
fn powershell_accepts_any_value() {
    for program in powershells() {
        for fields in threes(HOSTILE).into_iter().chain(threes(HOSTILE_LINES)) {
            let sandbox = sandbox(fields);
            let (outcome, set) = powershell(&program, &sandbox);
            assert_eq!(set, expected(fields), "{}", outcome.stderr);
            assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
            assert!(!sandbox.home().join("ran").exists());
        }
    }
}

#[cfg_attr(not(windows), ignore = "PowerShell and cmd are on Windows")]
#[test]
fn powershell_continues_without_a_session() {
    for program in powershells() {
        let sandbox = sandbox(["A", "s", "t"]);
        let missing = words::no_session_yet(sandbox.session_file().display());
        std::fs::remove_file(sandbox.session_file()).unwrap();
        let (outcome, set) = powershell(&program, &sandbox);
        let before = ["AWS_CREDENTIAL_EXPIRATION", "AWS_SECURITY_TOKEN"]
            .map(|name| (name.to_owned(), "old".to_owned()))
            .into();
        assert_eq!(set, before);
        assert!(
            outcome.stderr.starts_with(&format!("aws-mfa: {missing}")),
            "{}",
            outcome.stderr
        );
    }
}

/// Types the line at cmd's prompt, and returns the variables afterwards, and ERRORLEVEL.
fn cmd(program: &Path, sandbox: &Sandbox) -> (BTreeMap<String, String>, String) {
    let typed = sandbox.write(
        "typed",
        format!("{CMD}\r\necho %ERRORLEVEL%>level\r\nset AWS_>after\r\n"),
    );
    let outcome = Outcome::from(
        sandbox
            .command(program)
            .args(["/d", "/q"])
            .stdin(Stdio::from(std::fs::File::open(typed).unwrap()))
            .output_in_time(),
    );
    let read = |name: &str| {
        std::fs::read_to_string(sandbox.home().join(name))
            .unwrap_or_else(|_| panic!("{}{}", outcome.stdout, outcome.stderr))
    };
    let set = read("after")
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| NAMES.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (set, read("level").trim().to_owned())
}

#[cfg_attr(not(windows), ignore = "PowerShell and cmd are on Windows")]
#[test]
fn cmd_accepts_any_value_that_it_can_carry() {
    let Some(program) = tool("cmd.exe") else {
        return;
    };
    for fields in threes(FOR_CMD) {
        let mut sandbox = sandbox(fields);
        let (set, level) = cmd(&program, &sandbox);
        assert_eq!((set, level.as_str()), (expected(fields), "0"));
        assert!(!sandbox.home().join("ran").exists());
        // Unsetting unset variables is no failure.
        sandbox
            .unset("AWS_SECURITY_TOKEN")
            .unset("AWS_CREDENTIAL_EXPIRATION");
        let (set, level) = cmd(&program, &sandbox);
        assert_eq!((set, level.as_str()), (expected(fields), "0"));
    }
}

/// The lines for the two shells, on any system.
#[test]
fn powershell_and_cmd_lines_are_exact() {
    let sandbox = sandbox(["a'b", "se cret", "t\u{2019}"]);
    sandbox.run(["load", "--format", "powershell"]).is(
        0,
        "$env:AWS_ACCESS_KEY_ID = 'a''b'\n\
         $env:AWS_SECRET_ACCESS_KEY = 'se cret'\n\
         $env:AWS_SESSION_TOKEN = 't' + [char]8217 + ''\n\
         $env:AWS_CREDENTIAL_EXPIRATION = $null\n\
         $env:AWS_MFA_LOADED = 'AKIAIOSFODNN7EXAMPLE:ab'\n\
         $env:AWS_REGION = 'eu-west-1'\n\
         $env:AWS_DEFAULT_REGION = 'eu-west-1'\n\
         $env:AWS_SECURITY_TOKEN = $null\n\
         $env:AWS_WEB_IDENTITY_TOKEN_FILE = $null\n",
        "",
    );
    let lines = "set \"AWS_ACCESS_KEY_ID=a&b\"\n\
         set \"AWS_SECRET_ACCESS_KEY=se cret\"\n\
         set \"AWS_SESSION_TOKEN=t\"\n\
         set \"AWS_CREDENTIAL_EXPIRATION=-\"\n\
         set \"AWS_CREDENTIAL_EXPIRATION=\"\n\
         set \"AWS_MFA_LOADED=AKIAIOSFODNN7EXAMPLE:ab\"\n\
         set \"AWS_REGION=eu-west-1\"\n\
         set \"AWS_DEFAULT_REGION=eu-west-1\"\n\
         set \"AWS_SECURITY_TOKEN=-\"\n\
         set \"AWS_SECURITY_TOKEN=\"\n\
         set \"AWS_WEB_IDENTITY_TOKEN_FILE=-\"\n\
         set \"AWS_WEB_IDENTITY_TOKEN_FILE=\"\n";
    let sandbox = self::sandbox(["a&b", "se cret", "t"]);
    for format in ["cmd", "windows-cmd"] {
        sandbox.run(["load", "--format", format]).is(0, lines, "");
    }
}

/// What only Windows can show.
#[cfg(windows)]
mod only_there {
    use super::super::deadline::InTime;
    use super::super::fake_sts::FakeSts;
    use super::super::sandbox::{Outcome, Sandbox, binary, profile_keys};
    use super::super::words;
    use send_ctrlc::Interruptible;
    use std::io::{BufRead, BufReader, Read};
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    #[test]
    fn session_file_that_cannot_be_replaced_costs_no_code() {
        let sts = FakeSts::start();
        let sandbox = Sandbox::with_user(&sts);
        sandbox.get("111111");
        let file = sandbox.session_file();
        let get = |code| sandbox.run(["get", code]);

        // Open without FILE_SHARE_DELETE, for reading and writing by others.
        let keeper = std::fs::File::options()
            .read(true)
            .share_mode(1 | 2)
            .open(&file)
            .unwrap();
        let outcome = get("222222");
        let stderr = outcome.failed(1);
        assert!(
            stderr.starts_with(&format!(
                "aws-mfa: {}",
                words::cannot_save_the_session(file.display(), "")
            )) && stderr.ends_with(&format!(
                "\nhint: close the program that has the file open, or {}\n",
                words::choose_another_file()
            )),
            "{stderr}"
        );
        // A full stop at the end of a line is Windows' own.
        assert!(!stderr.contains(".\n"), "{stderr}");
        drop(keeper);

        let read_only = |is| {
            let mut permissions = file.metadata().unwrap().permissions();
            permissions.set_readonly(is);
            std::fs::set_permissions(&file, permissions).unwrap();
        };
        read_only(true);
        let name = file.display();
        get("333333").is(
            1,
            "",
            &words::failure(
                &words::cannot_save_the_session(
                    &name,
                    format!("{} is read-only", words::with_tilde(&name)),
                ),
                &words::run(&format!("attrib -r \"{name}\"")),
            ),
        );
        read_only(false);
        for name in ["NUL", "session:x", "con.json", "session."] {
            let outcome = sandbox.run(["get", "--session-file", name, "444444"]);
            assert_eq!(
                outcome.failed(1).lines().next().unwrap(),
                format!(
                    "aws-mfa: {}",
                    words::cannot_save_the_session(name, "Windows does not allow this file name")
                )
            );
        }
        assert_eq!(sts.requests().len(), 1);
        // One that lets itself be deleted is replaced.
        let reader = std::fs::File::open(&file).unwrap();
        let mut get = sandbox.command(binary());
        Outcome::of(get.args(["get", "555555"])).succeeded();
        drop(reader);
        let id = &sandbox.saved_session()["Credentials"]["AccessKeyId"];
        assert_eq!(id, "ASIASESSION000000002");
        assert_eq!(sandbox.session_directory().len(), 1);
    }

    #[test]
    fn profiles_whose_names_differ_in_case_have_each_its_own_session() {
        let sts = FakeSts::start();
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox.write(
            ".aws/credentials",
            format!("[work]\n{0}[Work]\n{0}[a:b]\n{0}", profile_keys()),
        );
        // The case of a variable's name does not count.
        let data = sandbox.home().join("data");
        sandbox.unset("AWS_SESSION_FILE").unset("APPDATA");
        sandbox.set("AppData", &data);
        let directory = data.join("aws");
        for (profile, name, code) in [
            ("work", "session-work", "111111"),
            ("Work", "session-%57ork", "222222"),
            ("a:b", "session-a%3Ab", "333333"),
        ] {
            let outcome = sandbox.run(["get", "--profile", profile, code]);
            let file = directory.join(name);
            let saved = words::session_is_valid(profile);
            let shown = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(shown.starts_with(&saved), "{shown}");
            assert!(file.is_file());
        }
        assert_eq!(directory.read_dir().unwrap().count(), 3);
    }

    #[test]
    fn line_end_of_a_code_command_does_not_matter() {
        let sts = FakeSts::start();
        let sandbox = Sandbox::with_user(&sts);
        sandbox
            .run(["get", "--quiet", "--code-command", "echo 135 790"])
            .is(0, "", "");
        assert_eq!(sts.requests()[0].form["TokenCode"], "135790");
    }

    #[test]
    fn hints_have_the_line_for_powershell_or_cmd() {
        let mut sandbox = Sandbox::with_session();
        let shell = |sandbox: &Sandbox| {
            let outcome = sandbox.run(["status", "--profile", "a b"]);
            let mut lines = outcome.stdout.lines().chain(outcome.stderr.lines());
            let line = lines
                .find(|line| line.contains("none: run"))
                .map(str::to_owned);
            line.unwrap_or_else(|| panic!("{}{}", outcome.stdout, outcome.stderr))
        };
        let line = shell(&sandbox);
        assert!(
            line.contains(
                "none: run `aws-mfa load --profile \"a b\" --format powershell | Invoke-Expression`, \
                 or add `aws-mfa init powershell | Out-String | Invoke-Expression` to $PROFILE"
            ),
            "{line}"
        );
        sandbox.set("PROMPT", "$P$G");
        let line = shell(&sandbox);
        assert!(
            line.ends_with(
                "none: run `for /f \"delims=\" %i in ('aws-mfa load --profile \"a b\" \
                 --format cmd') do @%i`"
            ),
            "{line}"
        );
    }

    #[test]
    fn exec_finds_what_the_shell_finds() {
        let mut sandbox = Sandbox::with_session();
        let script = "@echo %AWS_ACCESS_KEY_ID% %~n0 [%~1]\r\n@exit /b 7\r\n";
        let cdk = sandbox.write("bin/cdk.cmd", script);
        sandbox.write("bin/az.BAT", script);
        // As npm installs it: for the shells of Unix too.
        sandbox.write("first/npm", "#!/bin/sh\n");
        sandbox.write("bin/npm.cmd", script);
        sandbox.write("bin/tool.py", "print()\n");
        sandbox.write("here.cmd", script);
        let path = std::env::var_os("PATH").unwrap();
        let bin = cdk.parent().unwrap().to_owned();
        let directories = [sandbox.home().join("first"), bin.clone()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        sandbox.set("Path", std::env::join_paths(directories).unwrap());
        sandbox.unset("PATH");

        for pathext in [None, Some(".com;.exe;.bat;.cmd;.py")] {
            if let Some(pathext) = pathext {
                sandbox.set("PathExt", pathext);
            }
            let relative = "bin\\cdk";
            for (program, name) in [
                ("cdk", "cdk"),
                ("CDK", "cdk"),
                ("cdk.cmd", "cdk"),
                (relative, "cdk"),
                ("bin/cdk", "cdk"),
                (bin.join("cdk").to_str().unwrap(), "cdk"),
                ("az", "az"),
                ("npm", "npm"),
            ] {
                let outcome = sandbox.run(["exec", "--", program, "a b"]);
                let line = format!("ASIASESSION000000000 {name} [a b]\r\n");
                assert_eq!(
                    (outcome.status, outcome.stdout.to_lowercase()),
                    (7, line.to_lowercase()),
                    "{program}: {}",
                    outcome.stderr
                );
            }
        }
        // cmd takes no part of an argument for a command of its own.
        sandbox.write("bin/quiet.cmd", "@exit /b 7\r\n");
        let outcome = sandbox.run(["exec", "quiet", "a\"&echo ran>ran&rem \"", "&echo ran>ran"]);
        assert_eq!(outcome.status, 7, "{}", outcome.stderr);
        assert!(!sandbox.home().join("ran").exists());

        for program in ["here", "no-such-command", "bin\\no-such"] {
            sandbox.run(["exec", program]).is(
                127,
                "",
                &format!("aws-mfa: {}\n", words::command_not_found(program)),
            );
        }
        sandbox.run(["exec", "tool"]).is(
            126,
            "",
            "aws-mfa: cannot run tool: Windows cannot execute this type of file\n\
             hint: run it with its interpreter: `aws-mfa exec -- <interpreter> tool`\n",
        );
    }

    /// Sends Ctrl-C to all that share this process's console, itself included.
    struct Console;

    impl Interruptible for Console {
        fn pid(&mut self) -> std::io::Result<Option<u32>> {
            Ok(Some(0))
        }
    }

    /// The variable that says which part of the test a process plays.
    const PART: &str = "AWS_MFA_TEST_PART";

    /// The test itself gets another console, so that Ctrl-C reaches no other test. In there, it is the shell; and
    /// once more, the command that `exec` runs.
    #[test]
    fn ctrl_c_reaches_the_command_and_its_status_is_the_exit_status() {
        const NAME: &str =
            "windows::only_there::ctrl_c_reaches_the_command_and_its_status_is_the_exit_status";
        /// A console that nobody sees.
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        let part = std::env::var(PART).unwrap_or_default();
        let this = std::env::current_exe().unwrap();
        let arguments = ["--exact", NAME, "--nocapture"];
        match part.as_str() {
            "" => {
                let outcome = Outcome::of(
                    Command::new(&this)
                        .args(arguments)
                        .env(PART, "shell")
                        .stdin(Stdio::null())
                        .creation_flags(CREATE_NO_WINDOW),
                );
                assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
            }
            "shell" => {
                let _ignored = tokio::signal::windows::ctrl_c().unwrap();
                let mut sandbox = Sandbox::with_session();
                sandbox.set(PART, "command");
                let mut exec = sandbox
                    .command(binary())
                    .args(["exec", "--"])
                    .arg(&this)
                    .args(arguments)
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut stdout = BufReader::new(exec.stdout.take().unwrap());
                let mut line = String::new();
                while !line.contains("ready") {
                    line.clear();
                    assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "not ready");
                }
                Console.interrupt().unwrap();
                let status = exec.status_in_time();
                let mut rest = String::new();
                stdout.read_to_string(&mut rest).unwrap();
                assert_eq!((status.code(), rest.trim()), (Some(42), "cleaned up"));
            }
            _ => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                let mut ctrl_c = tokio::signal::windows::ctrl_c().unwrap();
                println!("ready");
                runtime.block_on(ctrl_c.recv());
                // Longer than a process takes to die of it.
                std::thread::sleep(Duration::from_millis(300));
                println!("cleaned up");
                std::process::exit(42);
            }
        }
    }
}

/// The script of `load --ask`. Nobody is there to answer its dialog.
#[cfg_attr(not(windows), ignore = "PowerShell and cmd are on Windows")]
#[test]
fn script_of_the_dialog_is_powershell() {
    for program in powershells() {
        let sandbox = Sandbox::new();
        sandbox.write("dialog.ps1", include_str!("../../src/mfa_code/dialog.ps1"));
        let parse = "[void][scriptblock]::Create((Get-Content -Raw dialog.ps1))";
        let mut command = sandbox.command(program);
        let command = command.args(["-NoProfile", "-NonInteractive", "-Command", parse]);
        Outcome::of(command).is(0, "", "");
    }
}
