//! `aws-mfa man`: the manual page. Subcommands and options come from the command line's definition; the rest of the
//! text is in `man.txt`.

use crate::cli::Cli;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

/// Runs `aws-mfa man`.
pub fn run() -> anyhow::Result<()> {
    super::print(&page()?)
}

fn page() -> anyhow::Result<String> {
    let mut root = Cli::command();
    root.build();
    let man = Man::new(root.clone()).manual("aws-mfa");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    let mut page = String::from_utf8(page)? + &examples(&root) + &section("COMMANDS");
    // clap adds `help`, which needs no section.
    let is_shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in root.get_subcommands().filter(is_shown) {
        page += &subcommand(command)?;
    }
    Ok(page + &tables() + &section("SEE ALSO") + "aws(1), direnv(1), direnv\\-stdlib(1)\n")
}

/// One subcommand: its synopsis, description, options and examples.
fn subcommand(command: &Command) -> anyhow::Result<String> {
    /// clap_mangen writes it before each section. Once, before the title, is enough.
    const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let man = Man::new(command.clone());
    let mut parts = Vec::new();
    man.render_synopsis_section(&mut parts)?;
    man.render_description_section(&mut parts)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut parts)?;
    }
    let title = format!(".SS {}\n", inline(command.get_name()));
    let parts = String::from_utf8(parts)?
        .replace(PREAMBLE, "")
        .replace(".SH SYNOPSIS\n", &title)
        .replace(".SH DESCRIPTION\n", ".PP\n")
        .replace(".SH OPTIONS\n", ".PP\n");
    Ok(parts + &examples(command))
}

/// The examples of `--help`, line by line.
fn examples(command: &Command) -> String {
    let Some(help) = command.get_after_help().map(ToString::to_string) else {
        return String::new();
    };
    let lines = help.lines().skip(1).map(|line| inline(line) + "\n");
    let lines: String = lines.collect();
    format!(".PP\nExamples:\n.PP\n.nf\n{lines}.fi\n")
}

/// The tables of `man.txt`: titles without an indent, terms with two spaces, meanings with four.
fn tables() -> String {
    include_str!("man.txt")
        .lines()
        .map(|line| match line.trim_start() {
            "" => String::new(),
            title if title == line => section(title),
            term if line.strip_prefix("  ") == Some(term) => {
                format!(".TP\n\\fB{}\\fR\n", inline(term))
            }
            meaning => inline(meaning) + "\n",
        })
        .collect()
}

fn section(title: &str) -> String {
    format!(".SH \"{title}\"\n")
}

/// Literal characters: to roff, a backslash, a hyphen and a leading `.` or `'` have a meaning.
fn inline(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '\\' => "\\e".to_owned(),
            '-' => "\\-".to_owned(),
            '…' => "...".to_owned(),
            '~' => "\\(ti".to_owned(),
            '\'' => "\\(aq".to_owned(),
            '`' => "\\(ga".to_owned(),
            other => other.to_string(),
        })
        .collect();
    match escaped.starts_with('.') {
        true => format!("\\&{escaped}"),
        false => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::variable;

    #[test]
    fn every_variable_is_in_the_manual_once() {
        let page = page().unwrap();
        let (_, section) = page.split_once(".SH \"ENVIRONMENT\"").unwrap();
        let (section, _) = section.split_once(".SH").unwrap();
        for variable in variable::ALL {
            let term = format!("\\fB{}\\fR\n", inline(variable.name()));
            assert_eq!(section.matches(&term).count(), 1, "{variable}");
        }
        assert_eq!(section.matches("\n.TP\n").count(), variable::ALL.len());
    }

    #[test]
    fn roff_syntax_is_escaped() {
        assert_eq!(inline(".x -y \\ 'z'"), "\\&.x \\-y \\e \\(aqz\\(aq");
    }
}
