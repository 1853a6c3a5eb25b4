//! `aws-mfa man`: the manual page. Commands and options are those of the command line; what only a
//! manual tells is here.

use crate::cli::Cli;
use crate::environment::variable;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

/// Every variable that `load` and `exec` set or unset for others.
const CHANGED: [(&str, &str); 4] = [
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "The session.",
    ),
    ("AWS_CREDENTIAL_EXPIRATION", "When it expires, in RFC 3339."),
    (
        "AWS_REGION, AWS_DEFAULT_REGION",
        "Where a region was saved with the session.",
    ),
    (
        "AWS_SECURITY_TOKEN, AWS_WEB_IDENTITY_TOKEN_FILE",
        "Are unset. exec also unsets MASTER_AWS_ACCESS_KEY_ID, MASTER_AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_DEFAULT_PROFILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, AWS_SESSION_EXPIRATION and AWS_MFA_CODE_COMMAND.",
    ),
];

const FILES: [(&str, &str); 4] = [
    (
        "~/.config/aws/session-<key id>, ~/.config/aws/session-<profile>",
        "The session, mode 0600: the JSON that `aws sts get-session-token` prints.",
    ),
    (
        "~/.config/aws/role-<profile>, ~/.config/aws/role-<account>-<role>@session-…",
        "The credentials of a role, mode 0600: the JSON that `aws sts assume-role` prints. load and exec renew them.",
    ),
    (
        "~/.aws/config",
        "Profiles: role_arn, source_profile or credential_source = Environment, external_id, role_session_name, mfa_serial, region, duration_seconds, mfa_process, credential_process, endpoint_url, ca_bundle, use_fips_endpoint. It is only read.",
    ),
    (
        "~/.aws/credentials",
        "Profiles: aws_access_key_id, aws_secret_access_key. It is only read.",
    ),
];

const EXIT_STATUS: [(&str, &str); 7] = [
    (
        "0",
        "Done. Under direnv_load also load without a valid session, unless --strict is given.",
    ),
    ("1", "Failed."),
    ("2", "Usage error."),
    (
        "3",
        "No valid session: missing, expired or corrupt; with status --valid-for, too little time left.",
    ),
    (
        "4",
        "get: AWS rejected the MFA code: wrong, expired or already used.",
    ),
    (
        "126",
        "exec: the command cannot be run. Else exec has the status of its command.",
    ),
    ("127", "exec: there is no such command."),
];

/// Carries out `aws-mfa man`.
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
    let environment: Vec<_> = variable::ALL
        .iter()
        .map(|variable| (variable.name(), variable.meaning()))
        .collect();
    for (title, entries) in [
        ("EXIT STATUS", EXIT_STATUS.as_slice()),
        ("ENVIRONMENT", &environment),
        ("WHAT LOAD AND EXEC CHANGE", &CHANGED),
        ("FILES", &FILES),
    ] {
        page += &section(title);
        for (term, meaning) in entries {
            page += &format!(".TP\n\\fB{}\\fR\n{}", inline(term), text(meaning));
        }
    }
    page += &section("SEE ALSO");
    page += &text("aws(1), direnv(1), direnv-stdlib(1)");
    Ok(page)
}

/// One command: its synopsis, what it does, its options and its examples.
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

/// The examples of `--help`, line by line as they are there.
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

fn section(title: &str) -> String {
    format!(".SH \"{title}\"\n")
}

/// Paragraphs, as roff has them.
fn text(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| match line.trim() {
            "" => ".PP\n".to_owned(),
            line => inline(line) + "\n",
        })
        .collect()
}

/// Characters as they are: roff takes a backslash, a hyphen and a line's first `.` or `'` for its
/// own.
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

    #[test]
    fn every_variable_is_in_the_manual_once() {
        let page = page().unwrap();
        let (_, section) = page.split_once(".SH \"ENVIRONMENT\"").unwrap();
        let (section, _) = section.split_once(".SH").unwrap();
        for variable in variable::ALL {
            let term = format!("\\fB{}\\fR\n", inline(variable.name()));
            assert_eq!(section.matches(&term).count(), 1, "{variable}");
            assert!(!variable.meaning().is_empty());
        }
    }

    #[test]
    fn roff_syntax_is_escaped() {
        assert_eq!(inline(".x -y \\ 'z'"), "\\&.x \\-y \\e \\(aqz\\(aq");
    }
}
