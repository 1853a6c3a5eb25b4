//! A terminal with a keyboard: a pseudo-terminal.

use super::deadline::{InTime, PATIENCE};
use super::sandbox::{Outcome, Sandbox};
use pty_process::blocking::{Command, Pty, open};
use std::io::{Read, Write};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

pub struct Terminal {
    shell: Child,
    keyboard: Arc<Pty>,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Runs a shell command on its own terminal.
    pub fn run(sandbox: &Sandbox, line: &str) -> Self {
        let (pty, pts) = open().unwrap();
        let keyboard = Arc::new(pty);
        let output = Arc::clone(&keyboard);
        let shell = Command::from(shell(sandbox, line)).spawn(pts).unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Linux reports the end as an error.
            while let Ok(length @ 1..) = (&*output).read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            shell,
            keyboard,
            screen,
            shown: String::new(),
        }
    }

    /// Runs a shell command to its end on its own terminal, and checks for leaked secrets. All output counts as standard
    /// output.
    #[track_caller]
    pub fn output(sandbox: &Sandbox, line: &str) -> Outcome {
        let (status, shown) = Terminal::run(sandbox, line).end();
        let outcome = Outcome {
            status,
            stdout: shown.replace('\r', ""),
            stderr: String::new(),
        };
        let leaks = sandbox.leaks(&shell(sandbox, line)).of(&outcome);
        assert!(leaks.is_empty(), "{leaks:#?}");
        outcome
    }

    /// Waits until `text` appears, and returns the output since the last wait.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        while !self.shown.contains(text) {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes);
                    self.shown.push_str(&text);
                    // Some shells wait for the terminal's report of the cursor position.
                    if text.contains("\u{1b}[6n") {
                        self.type_bytes(b"\x1b[1;1R");
                    }
                }
                Err(_) => panic!("{text} does not show up: {}", self.shown),
            }
        }
        let (before, rest) = self.shown.split_once(text).unwrap();
        let before = before.to_owned();
        self.shown = rest.to_owned();
        before
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    /// Types these keys, without a line end.
    pub fn type_keys(&mut self, keys: &str) {
        self.type_bytes(keys.as_bytes());
    }

    /// Pastes this as a terminal does for a program that knows pastes, all at once, and presses Enter.
    pub fn paste(&mut self, text: &str) {
        self.type_bytes(format!("\u{1b}[200~{text}\u{1b}[201~\r").as_bytes());
    }

    /// Types one key: 4 is Ctrl-D.
    pub fn type_key(&mut self, key: u8) {
        self.type_bytes(&[key]);
    }

    fn type_bytes(&mut self, bytes: &[u8]) {
        (&*self.keyboard).write_all(bytes).unwrap();
    }

    /// Waits for the end, and returns the exit status and the remaining output.
    pub fn end(mut self) -> (i32, String) {
        let status = self.shell.status_in_time();
        while let Ok(bytes) = self.screen.recv_timeout(PATIENCE) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        (status.code().unwrap_or(-1), std::mem::take(&mut self.shown))
    }
}

fn shell(sandbox: &Sandbox, line: &str) -> std::process::Command {
    let mut shell = sandbox.command("/bin/sh");
    shell.args(["-c", line]).env("SHELL", "/bin/sh");
    shell
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        self.shell.status_in_time();
    }
}
