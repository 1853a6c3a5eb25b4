//! A shell that a user types into, in a terminal, with direnv's hook at each prompt.

use super::sandbox::Sandbox;
use super::terminal::Terminal;
use super::tool::tool;
use std::path::Path;

/// Which shell.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Bash,
    Bash51,
    BashNewest,
    Zsh,
    Fish,
    Elvish,
    ElvishNewest,
    Tcsh,
    Nushell,
}

impl Kind {
    /// The shells of Unix, each in the version that the system has.
    pub const EACH: [Kind; 6] = [
        Kind::Bash,
        Kind::Zsh,
        Kind::Fish,
        Kind::Elvish,
        Kind::Tcsh,
        Kind::Nushell,
    ];

    /// The program's name, for [`tool`].
    pub fn program(self) -> &'static str {
        match self {
            Kind::Bash => "bash",
            Kind::Bash51 => "bash-5.1",
            Kind::BashNewest => "bash-newest",
            Kind::Zsh => "zsh",
            Kind::Fish => "fish",
            Kind::Elvish => "elvish",
            Kind::ElvishNewest => "elvish-newest",
            Kind::Tcsh => "tcsh",
            Kind::Nushell => "nu",
        }
    }

    /// Whether the shell has its own line editor, which shows each key.
    fn edits_lines(self) -> bool {
        matches!(self, Kind::Elvish | Kind::ElvishNewest | Kind::Nushell)
    }

    /// The lines in a start-up file for `aws-mfa init` with these options.
    pub fn init_lines(self, options: &str) -> Vec<String> {
        match self {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest => {
                vec![format!("eval \"$(aws-mfa init bash {options})\"")]
            }
            Kind::Zsh => vec![format!("eval \"$(aws-mfa init zsh {options})\"")],
            Kind::Fish => vec![format!("aws-mfa init fish {options} | source")],
            Kind::Elvish | Kind::ElvishNewest => {
                vec![format!("eval (aws-mfa init elvish {options} | slurp)")]
            }
            Kind::Tcsh => vec![format!("eval \"`aws-mfa init tcsh {options}`\"")],
            Kind::Nushell => vec![
                format!("aws-mfa init nushell {options} | save --force ~/.aws-mfa.nu"),
                "source ~/.aws-mfa.nu".to_owned(),
            ],
        }
    }
}

/// The mark after Nushell's prompt (OSC 133).
const NUSHELL_PROMPT: &str = "\u{1b}]133;B";

pub struct Shell {
    kind: Kind,
    terminal: Terminal,
    lines: usize,
    /// The output before the first prompt.
    pub first_prompt: String,
}

impl Shell {
    /// Opens a bash in `directory`, and waits for its first prompt.
    pub fn open(sandbox: &Sandbox, directory: &Path, direnv: &Path) -> Self {
        Shell::open_kind(Kind::Bash, sandbox, directory, direnv)
    }

    /// Opens a shell of this kind. It must be installed.
    pub fn open_kind(kind: Kind, sandbox: &Sandbox, directory: &Path, direnv: &Path) -> Self {
        let mut shell = Shell::open_bare(kind, sandbox, directory);
        shell.hook_direnv(direnv);
        shell
    }

    /// Types the line that installs direnv's hook.
    pub fn hook_direnv(&mut self, direnv: &Path) {
        let direnv = direnv.display();
        self.first_prompt = self.run(&match self.kind {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest => {
                format!("eval \"$('{direnv}' hook bash)\"")
            }
            Kind::Zsh => format!("eval \"$('{direnv}' hook zsh)\""),
            Kind::Fish => format!("'{direnv}' hook fish | source"),
            Kind::Elvish | Kind::ElvishNewest => {
                format!("eval ((external '{direnv}') hook elvish | slurp)")
            }
            Kind::Tcsh => format!("eval \"`{direnv} hook tcsh`\""),
            Kind::Nushell => panic!("direnv has no hook for Nushell"),
        });
    }

    /// Opens a shell of this kind with the hook of `aws-mfa init` alone.
    pub fn open_hooked(kind: Kind, sandbox: &Sandbox, options: &str) -> Self {
        let mut shell = Shell::open_bare(kind, sandbox, &sandbox.home());
        shell.hook(options);
        shell
    }

    /// Types the lines that install the hook of `aws-mfa init`.
    pub fn hook(&mut self, options: &str) {
        for line in self.kind.init_lines(options) {
            self.first_prompt = self.run(&line);
        }
    }

    /// Opens a shell of this kind without any hook.
    pub fn open_bare(kind: Kind, sandbox: &Sandbox, directory: &Path) -> Self {
        Shell::open_after(kind, sandbox, directory, ":", "")
    }

    /// Opens a shell of this kind without any hook, as a child of a POSIX shell that runs `before` first. `through` is a
    /// program that runs it.
    pub fn open_after(
        kind: Kind,
        sandbox: &Sandbox,
        directory: &Path,
        before: &str,
        through: &str,
    ) -> Self {
        let arguments = match kind {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest => "--norc --noprofile --noediting -i",
            Kind::Zsh => "-f -o no_zle -o no_prompt_sp -o no_prompt_cr -i",
            Kind::Fish => "--no-config -i",
            Kind::Elvish | Kind::ElvishNewest => "-norc",
            Kind::Tcsh => "-f -i",
            Kind::Nushell => "--no-config-file --no-std-lib",
        };
        let program = tool(kind.program()).unwrap();
        let line = format!(
            "cd '{}' && {before}; TERM=dumb exec {through} '{}' {arguments}",
            directory.display(),
            program.display()
        );
        let mut shell = Shell {
            kind,
            terminal: Terminal::run(sandbox, &line),
            lines: 0,
            first_prompt: String::new(),
        };
        if let Kind::Nushell = kind {
            shell.terminal.wait_for(NUSHELL_PROMPT);
        }
        shell.run(match kind {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest | Kind::Zsh => "stty -echo; PS1=",
            Kind::Fish => "function fish_prompt; end; function fish_greeting; end",
            Kind::Tcsh => "stty -echo; set prompt=",
            Kind::Elvish | Kind::ElvishNewest | Kind::Nushell => "",
        });
        shell
    }

    /// Types a line, and returns all output until the next prompt, including that of direnv's hook. fish also shows what is
    /// typed.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.lines += 1;
        // The second line is read at the next prompt, so what it shows comes after the hook. It is
        // typed in two halves: the terminal may show it as it is typed.
        let end = format!("-- line {} --", self.lines);
        let (left, right) = end.split_at(4);
        if self.kind.edits_lines() {
            return self.run_edited(line, left, right);
        }
        self.terminal.type_line(line);
        self.terminal.type_line(&format!(" echo '{left}''{right}'"));
        plain(&self.terminal.wait_for(&format!("{end}\r\n")))
    }

    /// Leaves the shell, and waits for its end: one that another program runs would be left behind.
    pub fn exit(mut self) {
        self.type_keys("exit\r");
        self.terminal.end();
    }

    /// Types a line, and waits for nothing.
    pub fn type_line(&mut self, line: &str) {
        self.terminal.type_line(line);
    }

    /// Waits until `text` appears, and returns what is shown before it.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        plain(&self.terminal.wait_for(text))
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&mut self) {
        self.type_key(3);
    }

    /// Presses one key: 26 is Ctrl-Z.
    pub fn type_key(&mut self, key: u8) {
        self.terminal.type_key(key);
    }

    /// Types these keys, without a line end.
    pub fn type_keys(&mut self, keys: &str) {
        self.terminal.type_keys(keys);
    }

    /// A shell that edits the line takes what is typed while it waits for it, and shows it again and again.
    fn run_edited(&mut self, line: &str, left: &str, right: &str) -> String {
        let say = |what: &str| match self.kind {
            Kind::Nushell => format!("print (\"{what}{left}\" + \"{right}\")"),
            _ => format!("echo '{what}{left}'\"{right}\""),
        };
        let (ran, end) = (say("ran "), say("end "));
        if let Kind::Nushell = self.kind {
            // It drops what is typed before its prompt is there.
            let line = [line, &ran].into_iter().filter(|part| !part.is_empty());
            let line = line.collect::<Vec<_>>().join("; ");
            self.terminal.type_keys(&format!("{line}\r"));
            let mut shown = self.terminal.wait_for(&format!("ran {left}{right}"));
            shown += &self.terminal.wait_for(NUSHELL_PROMPT);
            return plain(&shown);
        }
        self.terminal.type_keys(&format!("{line}\r{ran}\r"));
        let mut shown = self.terminal.wait_for(&format!("ran {left}{right}"));
        self.terminal.type_keys(&format!("{end}\r"));
        shown += &self.terminal.wait_for(&format!("end {left}{right}"));
        plain(&shown)
    }

    /// Exports a variable, and returns what is shown until the next prompt.
    pub fn export(&mut self, name: &str, value: &str) -> String {
        self.run(&match self.kind {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest | Kind::Zsh => {
                format!("export {name}='{value}'")
            }
            Kind::Fish => format!("set -gx {name} '{value}'"),
            Kind::Elvish | Kind::ElvishNewest => format!("set-env {name} '{value}'"),
            Kind::Tcsh => format!("setenv {name} '{value}'"),
            Kind::Nushell => format!("$env.{name} = '{value}'"),
        })
    }

    /// Unsets a variable, and returns what is shown until the next prompt.
    pub fn unset(&mut self, name: &str) -> String {
        self.run(&match self.kind {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest | Kind::Zsh => format!("unset {name}"),
            Kind::Fish => format!("set -e {name}"),
            Kind::Elvish | Kind::ElvishNewest => format!("unset-env {name}"),
            Kind::Tcsh => format!("unsetenv {name}"),
            Kind::Nushell => format!("hide-env {name}"),
        })
    }

    /// The value of a variable, or `unset`.
    #[track_caller]
    pub fn variable(&mut self, name: &str) -> String {
        let line = match self.kind {
            Kind::Bash | Kind::Bash51 | Kind::BashNewest | Kind::Zsh => {
                format!("echo \"val''ue:${{{name}-unset}}\"")
            }
            Kind::Fish => format!("set -q {name}; and echo val''ue:${name}; or echo val''ue:unset"),
            Kind::Elvish | Kind::ElvishNewest => {
                format!(
                    "if (has-env {name}) {{ echo val''ue:$E:{name} }} else {{ echo val''ue:unset }}"
                )
            }
            Kind::Tcsh => {
                format!("printenv {name} | sed 's/^/val''ue:/' | grep . || echo val''ue:unset")
            }
            Kind::Nushell => {
                format!("print (\"val\" + \"ue:\" + ($env.{name}? | default \"unset\"))")
            }
        };
        let shown = self.run(&line.replace("\"val''ue:", "val''ue:\""));
        shown
            .lines()
            .find_map(|line| Some(line.rsplit_once("value:")?.1))
            .unwrap_or_else(|| panic!("{name}: {shown}"))
            .to_owned()
    }
}

/// Text as a person sees it: without colours, and with plain line ends.
pub fn plain(shown: &str) -> String {
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
