//! A dialog for the code, by a program that the desktop has: found in `PATH`, run without a shell.
//!
//! What it shows comes from the names of profiles and devices, so it is data for that program and never part of a script.

use super::Prompt;
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::escape::escape;
use crate::user_command::{self, Fault};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long a dialog waits for the code.
const LIMIT: Duration = Duration::from_secs(60);

/// When a dialog closes itself, in seconds, in case this process was killed and cannot close it.
const OWN_LIMIT: u32 = 65;

/// The most that is read of what the program says, in bytes.
const MOST_SAID: u64 = 16 * 1024;

/// The title of the dialog.
const TITLE: &str = "aws-mfa";

/// AppleScript: the question is the first argument. Cancel ends it with the error -128.
const APPLESCRIPT: &str = "on run argv
set answer to display dialog (item 1 of argv) with title \"aws-mfa\" default answer \"\" \
giving up after (item 2 of argv as integer)
return text returned of answer
end run";

/// Windows PowerShell. Arguments of `-Command` would become part of the script, so the question is in a variable.
const POWERSHELL: &str = include_str!("dialog.ps1");

/// The variable with the question for the script.
const QUESTION: &str = "AWS_MFA_DIALOG_QUESTION";

/// What shows the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// macOS
    Osascript,
    /// GNOME and others
    Zenity,
    /// KDE
    Kdialog,
    /// Windows
    Powershell,
}

/// The tools, in the order in which they are looked for.
const TOOLS: &[(Tool, &str)] = match cfg!(windows) {
    true => &[(Tool::Powershell, "powershell.exe")],
    false => &[
        (Tool::Osascript, "osascript"),
        (Tool::Zenity, "zenity"),
        (Tool::Kdialog, "kdialog"),
    ],
};

/// A dialog that can be shown.
pub struct Dialog {
    tool: Tool,
    program: PathBuf,
}

impl Dialog {
    /// The dialog of this desktop, if it has one: `osascript` on macOS, `zenity` or `kdialog` with a display, PowerShell
    /// on Windows.
    pub fn find(environment: &Environment) -> Option<Self> {
        let has_display = environment.has_display();
        let path = environment.get(variable::PATH).unwrap_or(OsStr::new(""));
        let find = |name: &str| {
            let files = std::env::split_paths(path).map(|directory| directory.join(name));
            // Not in the current directory, where anybody's file may be.
            let mut absolute = files.filter(|file| file.is_absolute());
            absolute.find(|file| file.is_file())
        };
        TOOLS.iter().find_map(|&(tool, name)| {
            let can_show = has_display || matches!(tool, Tool::Osascript | Tool::Powershell);
            let program = can_show.then(|| find(name)).flatten()?;
            Some(Dialog { tool, program })
        })
    }

    /// What the user has typed. `previous` says why the code before was none.
    ///
    /// # Errors
    /// The dialog was cancelled or not answered within 60 s, or cannot be shown.
    pub fn ask(&self, prompt: &Prompt, previous: Option<&Failure>) -> Result<Vec<u8>, Failure> {
        self.answer(&question(prompt, previous), LIMIT)
            .map_err(|why| Failure::setup(why).hint(format!("run `{}`", prompt.get_command)))
    }

    fn answer(&self, question: &str, limit: Duration) -> Result<Vec<u8>, String> {
        // Desktop programs often say something there. It matters only if they fail.
        let said = tempfile::tempfile().ok();
        let mut command = self.command(question);
        command.stdin(Stdio::null());
        command.stderr(match said.as_ref().and_then(|file| file.try_clone().ok()) {
            Some(file) => file.into(),
            None => Stdio::null(),
        });
        user_command::bounded(command, limit).map_err(|fault| {
            let said = said.map(text).unwrap_or_default();
            match fault {
                Fault::Failed(status) if self.is_cancelled(status, &said) => {
                    "no MFA code was entered: the dialog was cancelled".to_owned()
                }
                Fault::TimedOut(limit) => {
                    let limit = limit.as_secs();
                    format!("no MFA code was entered: the dialog was not answered within {limit} s")
                }
                fault => {
                    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
                    let of_display = lines.clone().find(|line| line.contains("display"));
                    let line = of_display.or(lines.next_back());
                    let why = line.map_or_else(|| fault.to_string(), str::to_owned);
                    let name = self.program.file_stem().unwrap_or_default();
                    let name = Path::new(name).display();
                    format!("the dialog for the MFA code cannot be shown: {name}: {why}")
                }
            }
        })
    }

    fn command(&self, question: &str) -> Command {
        let mut command = Command::new(&self.program);
        match self.tool {
            Tool::Osascript => command
                .args(["-e", APPLESCRIPT, question])
                .arg(OWN_LIMIT.to_string()),
            // `_` would underline a letter, and `\` begins an escape sequence. Markup is text to it here.
            Tool::Zenity => command
                .args(["--entry", "--title", TITLE])
                .arg(format!("--timeout={OWN_LIMIT}"))
                .arg(format!(
                    "--text={}",
                    question.replace('\\', "\\\\").replace('_', "__")
                )),
            // Qt guesses whether a text is HTML, so that it is HTML. A single `&` would underline a letter.
            Tool::Kdialog => {
                let mut html = question.to_owned();
                for (character, shown) in [
                    ("&", "&amp;&amp;"),
                    ("<", "&lt;"),
                    (">", "&gt;"),
                    ("\\", "\\\\"),
                    ("\n", "<br>"),
                ] {
                    html = html.replace(character, shown);
                }
                command.args(["--title", TITLE, "--inputbox", &format!("<qt>{html}</qt>")])
            }
            Tool::Powershell => command
                .args([
                    "-NoProfile",
                    "-NonInteractive",
                    "-Sta",
                    "-Command",
                    POWERSHELL,
                ])
                .env(QUESTION, question),
        };
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
        command
    }

    /// Whether the user has cancelled the dialog. Without a display, zenity ends with the same status.
    fn is_cancelled(&self, status: ExitStatus, said: &str) -> bool {
        match self.tool {
            Tool::Osascript => said.contains("(-128)"),
            Tool::Zenity => status.code() == Some(1) && !said.contains("open display"),
            Tool::Kdialog => status.code() == Some(1),
            // The script's own; an error in it is 1.
            Tool::Powershell => status.code() == Some(2),
        }
    }
}

/// No console window beside the dialog.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// The text of the dialog, in lines.
fn question(prompt: &Prompt, previous: Option<&Failure>) -> String {
    let mut lines = Vec::new();
    if let Some(failure) = previous {
        lines.push(failure.message.as_str());
        lines.extend(failure.hint.as_deref());
        lines.push("");
    }
    let what = match prompt.profile {
        Some(profile) => format!("MFA code for the profile {profile}"),
        None => "MFA code".to_owned(),
    };
    lines.extend([what.as_str(), prompt.device]);
    let lines: Vec<_> = lines.into_iter().map(escape).collect();
    lines.join("\n")
}

/// What a program has written to this file.
fn text(mut file: File) -> String {
    let mut said = Vec::new();
    let _ = file.rewind();
    let _ = file.take(MOST_SAID).read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn dialog_that_nobody_answers_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("zenity");
        std::fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        let tool = Tool::Zenity;
        let limit = Duration::from_secs(1);
        let why = Dialog { tool, program }.answer("", limit).unwrap_err();
        assert_eq!(
            why,
            "no MFA code was entered: the dialog was not answered within 1 s"
        );
        assert_eq!(LIMIT.as_secs(), 60);
    }
}
