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
    let mut page = Vec::new();
    let man = Man::new(root.clone()).manual("aws-mfa");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    let mut page = String::from_utf8(page)?;
    page += &section("DESCRIPTION");
    page += &text(&long_about(&root));
    page += &examples(&root);
    page += &section("COMMANDS");
    for command in root
        .get_subcommands()
        // clap adds `help`, which needs no section.
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        page += &subcommand(command)?;
    }
    page += &tables();
    page += &section("SEE ALSO");
    page += &text("aws(1), direnv(1), direnv-stdlib(1)");
    Ok(page)
}

/// One subcommand: its synopsis, description, options and examples.
fn subcommand(command: &Command) -> anyhow::Result<String> {
    let man = Man::new(command.clone());
    let mut parts = Vec::new();
    man.render_synopsis_section(&mut parts)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut parts)?;
    }
    let parts = String::from_utf8(parts)?;
    let (synopsis, options) = match parts.split_once(".SH OPTIONS\n") {
        Some((synopsis, options)) => (synopsis.to_owned(), format!(".PP\n{options}")),
        None => (parts, String::new()),
    };
    Ok(format!(
        ".SS {}\n{}.PP\n{}{options}{}",
        inline(command.get_name()),
        synopsis.replace(".SH SYNOPSIS\n", ""),
        text(&long_about(command)),
        examples(command)
    ))
}

fn long_about(command: &Command) -> String {
    command
        .get_long_about()
        .or(command.get_about())
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// The examples of `--help`, line by line.
fn examples(command: &Command) -> String {
    let help = command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let lines: String = help
        .lines()
        .skip(1)
        .map(|line| inline(line) + "\n")
        .collect();
    match lines.is_empty() {
        true => lines,
        false => format!(".PP\nExamples:\n.PP\n.nf\n{lines}.fi\n"),
    }
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

/// The paragraphs in roff.
fn text(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| match line.trim() {
            "" => ".PP\n".to_owned(),
            line => inline(line) + "\n",
        })
        .collect()
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
