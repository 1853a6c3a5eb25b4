//! A bash that a user types into, with direnv's hook at each prompt.

use super::sandbox::Sandbox;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than anything that is not stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Said when a prompt has been shown.
const PROMPT: &str = "----- prompt -----";

pub struct Shell {
    bash: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// What showed up until the first prompt was there.
    pub first_prompt: String,
}

impl Shell {
    /// Opens a shell that stands in `folder`, and waits for its first prompt.
    pub fn open(sandbox: &Sandbox, folder: &Path, direnv: &Path) -> Self {
        let mut bash = sandbox
            .command("bash")
            .args(["--norc", "--noprofile"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(bash.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut shell = Shell {
            input: bash.stdin.take().unwrap(),
            bash,
            lines,
            first_prompt: String::new(),
        };
        shell.first_prompt = shell.run(&format!(
            "exec 2>&1; eval \"$('{}' hook bash)\"",
            direnv.display()
        ));
        shell
    }

    /// Types a line, and gives all that shows up until the next prompt is there, that of direnv's
    /// hook included.
    pub fn run(&mut self, line: &str) -> String {
        writeln!(
            self.input,
            "{line}\neval \"$PROMPT_COMMAND\"\necho '{PROMPT}'"
        )
        .unwrap();
        self.input.flush().unwrap();
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line == PROMPT {
                return output;
            }
            output.push_str(&line);
            output.push('\n');
        }
    }

    /// The value of a variable, or `unset`.
    pub fn variable(&mut self, name: &str) -> String {
        let output = self.run(&format!("echo \"value:${{{name}-unset}}\""));
        output
            .lines()
            .find_map(|line| line.strip_prefix("value:"))
            .unwrap()
            .to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.bash.kill();
        let _ = self.bash.wait();
    }
}
