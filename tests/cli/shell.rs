//! A shell that a user types into, in a terminal, with direnv's hook at each prompt.

use super::sandbox::Sandbox;
use super::terminal::Terminal;
use super::tool::tool;
use std::path::Path;

/// Which shell.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Bash,
    Zsh,
    Fish,
}

pub struct Shell {
    kind: Kind,
    terminal: Terminal,
    lines: usize,
    /// What showed up until the first prompt was there.
    pub first_prompt: String,
}

impl Shell {
    /// Opens a bash that stands in `directory`, and waits for its first prompt.
    pub fn open(sandbox: &Sandbox, directory: &Path, direnv: &Path) -> Self {
        Shell::open_kind(Kind::Bash, sandbox, directory, direnv)
    }

    /// Opens a shell of this kind; it and script(1) must be there.
    pub fn open_kind(kind: Kind, sandbox: &Sandbox, directory: &Path, direnv: &Path) -> Self {
        let (program, arguments) = match kind {
            Kind::Bash => ("bash", "--norc --noprofile --noediting -i"),
            Kind::Zsh => ("zsh", "-f -o no_zle -o no_prompt_sp -o no_prompt_cr -i"),
            Kind::Fish => ("fish", "--no-config -i"),
        };
        let (script, program) = (tool("script").unwrap(), tool(program).unwrap());
        let line = format!(
            "cd '{}' && TERM=dumb exec '{}' {arguments}",
            directory.display(),
            program.display()
        );
        let mut shell = Shell {
            kind,
            terminal: Terminal::run(sandbox, &script, &line),
            lines: 0,
            first_prompt: String::new(),
        };
        shell.run(match kind {
            Kind::Bash | Kind::Zsh => "stty -echo; PS1=",
            Kind::Fish => "function fish_prompt; end; function fish_greeting; end",
        });
        let direnv = direnv.display();
        shell.first_prompt = shell.run(&match kind {
            Kind::Bash => format!("eval \"$('{direnv}' hook bash)\""),
            Kind::Zsh => format!("eval \"$('{direnv}' hook zsh)\""),
            Kind::Fish => format!("'{direnv}' hook fish | source"),
        });
        shell
    }

    /// Types a line, and gives all that shows up until the next prompt is there, that of direnv's
    /// hook included. fish shows what is typed, too.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.lines += 1;
        // The second line is read at the next prompt, so what it shows comes after the hook. It is
        // typed in two halves: the terminal may show it as it is typed.
        let end = format!("-- line {} --", self.lines);
        let (left, right) = end.split_at(4);
        self.terminal.type_line(line);
        self.terminal.type_line(&format!(" echo '{left}''{right}'"));
        plain(&self.terminal.wait_for(&format!("{end}\r\n")))
    }

    /// Types a line, and waits for nothing.
    pub fn type_line(&mut self, line: &str) {
        self.terminal.type_line(line);
    }

    /// The value of a variable, or `unset`.
    #[track_caller]
    pub fn variable(&mut self, name: &str) -> String {
        let line = match self.kind {
            Kind::Bash | Kind::Zsh => format!("echo \"val''ue:${{{name}-unset}}\""),
            Kind::Fish => format!("set -q {name}; and echo val''ue:${name}; or echo val''ue:unset"),
        };
        let shown = self.run(&line.replace("\"val''ue:", "val''ue:\""));
        shown
            .lines()
            .find_map(|line| line.strip_prefix("value:"))
            .unwrap_or_else(|| panic!("{name}: {shown}"))
            .to_owned()
    }
}

/// Text as a person sees it: without colours, and with plain line ends.
fn plain(shown: &str) -> String {
    let shown = shown.replace('\r', "");
    let mut parts = shown.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(
            part.trim_start_matches(|c: char| !c.is_ascii_alphabetic())
                .get(1..)
                .unwrap_or_default(),
        );
    }
    text
}
