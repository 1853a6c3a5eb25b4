//! A user's own bash or zsh, with its line editor, on a terminal of 80 columns. Blocks of the documents are pasted into it, each
//! as one paste: the shell runs all lines before its next prompt. What it says about itself comes from the start-up file.

use super::readme::blocks;
use super::sandbox::Sandbox;
use super::shell::plain;
use super::terminal::Terminal;
use super::tool::tool;

/// A shell that the documents have blocks for.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its program.
    pub name: &'static str,
    /// The name of its start-up file.
    start_up: &'static str,
    /// A start-up file that tells each command that failed, and at each prompt the status of the last one.
    settings: &'static str,
}

pub const SHELLS: [Kind; 2] = [
    Kind {
        name: "bash",
        start_up: ".bashrc",
        settings: r#"PS1='$ ' HISTFILE=
bind 'set enable-bracketed-paste on'
trap 'status=$?; ((status)) && echo "<failed with $status, before: $BASH_COMMAND>"' DEBUG
PROMPT_COMMAND='echo "<status $?>"'
"#,
    },
    Kind {
        name: "zsh",
        start_up: ".zshrc",
        settings: r#"PS1='$ ' HISTFILE=
tell_status() { echo "<status $?>" }
precmd_functions+=(tell_status)
trap 'status_before=$?; ((status_before)) && echo "<failed with $status_before, before: $ZSH_DEBUG_CMD>"' DEBUG
"#,
    },
];

impl Kind {
    /// The document's blocks to paste into this shell, in order. A block marked `sh` is for both.
    pub fn blocks(self, document: &'static str) -> Vec<&'static str> {
        // In the order of the document.
        let mut found: Vec<_> = ["sh", self.name]
            .iter()
            .flat_map(|language| blocks(document, language))
            .collect();
        found.sort_by_key(|block| block.as_ptr());
        found
    }
}

pub struct Paste {
    terminal: Terminal,
}

impl Paste {
    /// Opens the shell, and waits for its first prompt.
    pub fn open(kind: Kind, sandbox: &Sandbox) -> Self {
        let file = sandbox.home().join(kind.start_up);
        if !file.exists() {
            sandbox.write(&file, kind.settings);
        }
        let program = tool(kind.name).unwrap();
        let line = format!(
            "stty columns 80 rows 24; TERM=xterm exec '{}' -i",
            program.display()
        );
        let mut shell = Paste {
            terminal: Terminal::run(sandbox, &line),
        };
        shell.prompt().unwrap();
        shell
    }

    /// Waits for the next prompt, and returns what is shown before it: as an error, if a line of what was typed has failed.
    fn prompt(&mut self) -> Result<String, String> {
        let mut shown = self.terminal.wait_for("<status ");
        let status = self.terminal.wait_for(">\r\n");
        // The line editor says that it takes pastes.
        shown += &self.terminal.wait_for("\u{1b}[?2004h");
        let shown = plain(&shown);
        match status == "0" && !shown.contains("<failed ") {
            true => Ok(shown),
            false => Err(shown),
        }
    }

    /// Pastes a block, and returns what is shown. Each of its lines has to succeed.
    pub fn tries(&mut self, block: &str) -> Result<String, String> {
        self.terminal.paste(block.trim_end());
        self.prompt()
    }

    /// The same for a block of which each line must succeed.
    #[track_caller]
    pub fn block(&mut self, block: &str) -> String {
        self.tries(block).unwrap_or_else(|shown| panic!("{shown}"))
    }

    /// Pastes such a block, which asks these questions, and types an answer to each.
    #[track_caller]
    pub fn answers(&mut self, block: &str, answers: &[(&str, &str)]) -> String {
        self.terminal.paste(block.trim_end());
        for (question, answer) in answers {
            self.terminal.wait_for(question);
            self.terminal.type_keys(&format!("{answer}\r"));
        }
        self.prompt().unwrap_or_else(|shown| panic!("{shown}"))
    }

    /// The value of a variable, which must be set.
    #[track_caller]
    pub fn variable(&mut self, name: &str) -> String {
        let shown = self.block(&format!("echo \"value:\"\"${{{name}}}:end\""));
        let (_, value) = shown.rsplit_once("value:").expect(&shown);
        value.split(":end").next().unwrap().to_owned()
    }
}

/// Or else the tests that paste blocks would show nothing.
#[test]
fn line_that_fails_in_the_middle_of_a_paste_is_noticed() {
    for kind in SHELLS.into_iter().filter(|kind| tool(kind.name).is_some()) {
        let sandbox = Sandbox::new();
        let mut shell = Paste::open(kind, &sandbox);
        assert!(shell.block("true\nls |\n  cat && true").contains("ls |"));
        for block in [
            "false",
            "true\nfalse\ntrue",
            "false && true\ntrue",
            "missing-program\ntrue",
            "echo 'a\nb'\ncat > new <<'EOF'\nx\nEOF\nrm missing\ntrue",
            "true\n(exit 3)\ntrue",
            "true\nls missing | cat missing\ntrue",
        ] {
            let shown = shell.tries(block);
            assert!(shown.is_err(), "{kind:?}: {block}");
            // The first line of the next one finds the status of the last one.
            let _ = shell.tries("true");
        }
    }
}
