//! The story of the demo and the README's picture: one code serves two shells and a role, until the session expires.

use super::fake_sts::{FakeSts, Role};
use super::sandbox::{DEVICE, Sandbox, profile_keys};
use super::shell::{Kind, Shell};
use jiff::SignedDuration;
use std::fmt::Write as _;

/// The quick start's two lines, for bash and for zsh.
pub const QUICK_START: [[&str; 2]; 2] = [
    [
        r#"echo 'eval "$(aws-mfa init bash)"' >> ~/.bashrc && exec bash"#,
        "aws-mfa get",
    ],
    [
        r#"echo 'eval "$(aws-mfa init zsh)"' >> ~/.zshrc && exec zsh"#,
        "aws-mfa get",
    ],
];

/// How wide the terminal is.
pub const COLUMNS: usize = 80;

const ROLE: &str = "arn:aws:iam::333333333333:role/staging";

/// A part of the story.
pub enum Part {
    /// What is told.
    Say(&'static str),
    /// A line typed into a shell, whose number begins at 0.
    Type(usize, &'static str),
    /// What the shell shows until its next prompt. The time is always 20:31.
    Show(String),
}

/// What happens.
enum Step {
    Say(&'static str),
    Type(usize, &'static str),
    /// A line that asks for a code, and the code.
    Answer(usize, &'static str, &'static str),
    /// Time passes: this much of the session is left.
    Left(SignedDuration),
}

use Step::{Answer, Left, Say, Type};

const STORY: [Step; 18] = [
    Say("Two shells, with the line of the quick start, and no session:"),
    Type(0, "echo ${AWS_ACCESS_KEY_ID:-none}"),
    Say("One MFA code gives a session of 12 hours, and this shell has it:"),
    Answer(0, QUICK_START[0][1], "123456"),
    Type(0, "echo $AWS_ACCESS_KEY_ID in $AWS_REGION"),
    Say("The other shell has it at its next prompt:"),
    Type(1, ""),
    Type(1, "echo $AWS_MFA_LOADED"),
    Say("A role needs no code. It is renewed before it expires:"),
    Type(1, "export AWS_MFA_PROFILE=staging"),
    Type(1, "echo $AWS_MFA_LOADED"),
    Say("No secret appears on the screen by mistake:"),
    Type(0, "aws-mfa load"),
    Left(SignedDuration::from_mins(-1)),
    Say("Twelve hours later, the session is over, and its shells drop it:"),
    Type(0, ""),
    Type(0, "echo ${AWS_ACCESS_KEY_ID:-none}"),
    Answer(0, QUICK_START[0][1], "234567"),
];

/// A machine with the quick start's line for its shells, and a role.
pub fn machine(aws: &FakeSts) -> Sandbox {
    aws.add_role(ROLE, Role::default());
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL_STS", aws.url());
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {DEVICE}\nregion = eu-central-1\n\
             [profile staging]\nrole_arn = {ROLE}\nsource_profile = work\n"
        ),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sandbox
}

/// Plays the story with the real binary in two real bashes, and passes on each part as it happens.
pub fn play(sandbox: &Sandbox, mut tell: impl FnMut(Part)) {
    let home = sandbox.home();
    let mut shells = [(); 2].map(|()| Shell::open_hooked(Kind::Bash, sandbox, ""));
    for step in STORY {
        let (shell, line, code) = match step {
            Say(text) => {
                tell(Part::Say(text));
                continue;
            }
            Left(left) => {
                sandbox.make_end_in(&home.join(".config/aws/session-work"), left);
                continue;
            }
            Type(shell, line) => (shell, line, None),
            Answer(shell, line, code) => (shell, line, Some(code)),
        };
        tell(Part::Type(shell, line));
        let shell = &mut shells[shell];
        let shown = match code {
            None => shell.run(line),
            Some(code) => {
                shell.type_line(line);
                const QUESTION: &str = "MFA code for ";
                let before = shell.wait_for(QUESTION);
                let device = shell.wait_for(": ");
                format!("{before}{QUESTION}{device}: {code}\n{}", shell.run(code))
            }
        };
        tell(Part::Show(at_a_fixed_time(&shown)));
    }
}

/// A part of the story as text for a terminal, in colour or without.
pub fn text(part: &Part, in_colour: bool) -> String {
    let paint = |colour, text: &str| match in_colour {
        true => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    match part {
        Part::Say(text) => format!("\n{}\n", paint("1", text)),
        Part::Type(shell, line) => {
            let prompt = format!("  shell {} $", shell + 1);
            // Cyan and magenta.
            let prompt = paint(["36", "35"][*shell], &prompt);
            format!("{prompt} {}\n", keys(line))
        }
        Part::Show(shown) => {
            let mut text = String::new();
            for line in shown.lines() {
                let colour = if line.starts_with("aws-mfa: ") {
                    "33"
                } else {
                    "0"
                };
                for row in wrapped(line, COLUMNS - 4) {
                    let _ = writeln!(text, "    {}", paint(colour, &row));
                }
            }
            text
        }
    }
}

/// What is typed, to be seen.
pub fn keys(line: &str) -> &str {
    if line.is_empty() { "[Enter]" } else { line }
}

/// A line as rows of at most `width` characters, broken between words. The rows after the first one are indented.
pub fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let row = rows.last_mut().unwrap();
        if row.chars().count() + word.trim_end().chars().count() > width && !row.is_empty() {
            row.truncate(row.trim_end().len());
            rows.push(format!("  {word}"));
        } else {
            row.push_str(word);
        }
    }
    rows
}

/// How the demo ends: with the two lines for the user's shell.
pub fn end(shell: &str, in_colour: bool) -> String {
    let lines = QUICK_START[usize::from(shell.ends_with("zsh"))];
    let mut text = text(&Part::Say("now you:"), in_colour);
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// Fixes the times of day like `until 11:39`, which differ in each run.
fn at_a_fixed_time(text: &str) -> String {
    const UNTIL: &str = "until ";
    let mut parts = text.split(UNTIL);
    let mut fixed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_time = part.get(2..3) == Some(":");
        let rest = if is_time { part.get(5..) } else { None };
        fixed += UNTIL;
        fixed += rest.map_or("", |_| "20:31");
        fixed += rest.unwrap_or(part);
    }
    fixed
}
