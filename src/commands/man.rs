//! `aws-mfa man`: the manual page. Commands and options are those of the command line; what only a
//! manual tells is here.

use crate::cli::Cli;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

/// Every variable that is read, and what it is.
const ENVIRONMENT: [(&str, &str); 26] = [
    (
        "MASTER_AWS_ACCESS_KEY_ID",
        "The id of the master key, the user's own (AKIA…). With the next one.",
    ),
    (
        "MASTER_AWS_SECRET_ACCESS_KEY",
        "The secret of the master key.",
    ),
    (
        "AWS_PROFILE",
        "The profile in ~/.aws that has the settings, and the keys where the two above are not set. --profile beats it, and the keys above.",
    ),
    (
        "AWS_MFA_ARN",
        "The MFA device: its ARN, or the serial number of a hardware device. In a profile: mfa_serial.",
    ),
    ("AWS_SESSION_FILE", "The file that keeps the session."),
    (
        "AWS_MFA_DURATION",
        "How long a session is to hold. In a profile: duration_seconds.",
    ),
    (
        "AWS_MFA_CODE_COMMAND",
        "A command that prints a code; it has 60 seconds. In a profile: mfa_process.",
    ),
    (
        "AWS_REGION",
        "The region whose STS to ask. In a profile: region. A region of a profile or a flag is saved with the session, and load and exec set it.",
    ),
    (
        "AWS_DEFAULT_REGION",
        "The same, where AWS_REGION is not set.",
    ),
    ("AWS_ENDPOINT_URL_STS", "Another address for STS."),
    (
        "AWS_ENDPOINT_URL",
        "The same, where AWS_ENDPOINT_URL_STS is not set. In a profile: endpoint_url.",
    ),
    (
        "AWS_USE_FIPS_ENDPOINT",
        "true chooses the FIPS endpoint. In a profile: use_fips_endpoint.",
    ),
    (
        "AWS_CA_BUNDLE",
        "A file of certificates to trust instead of the system's. In a profile: ca_bundle.",
    ),
    ("AWS_CONFIG_FILE", "The file instead of ~/.aws/config."),
    (
        "AWS_SHARED_CREDENTIALS_FILE",
        "The file instead of ~/.aws/credentials.",
    ),
    (
        "HTTPS_PROXY",
        "The HTTP proxy for an endpoint of https, as http://user:password@host:port. https_proxy beats it.",
    ),
    (
        "http_proxy",
        "The same for an endpoint of http. As for curl, HTTP_PROXY in upper case is not read.",
    ),
    (
        "ALL_PROXY",
        "The proxy for both, where neither of these is set. all_proxy beats it.",
    ),
    (
        "NO_PROXY",
        "Hosts, domains and address ranges that are reached without a proxy. no_proxy beats it.",
    ),
    (
        "DIRENV_DUMP_FILE_PATH",
        "Set by direnv_load; load then writes direnv's format.",
    ),
    (
        "DIRENV_WATCHES",
        "What direnv watches; load adds the session file.",
    ),
    (
        "DIRENV_IN_ENVRC",
        "Set in an .envrc; load then shows no secret on the terminal.",
    ),
    ("HOME", "The home directory, an absolute path."),
    (
        "XDG_CONFIG_HOME",
        "The directory above aws/session-…, by default ~/.config.",
    ),
    ("NO_COLOR", "Where it is set, status uses no colour."),
    (
        "TZ",
        "The time zone of the times that are shown; TZDIR is where its file is.",
    ),
];

/// Every variable that `load` and `exec` set or unset for others.
const CHANGED: [(&str, &str); 4] = [
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "The session.",
    ),
    (
        "AWS_CREDENTIAL_EXPIRATION",
        "Until when it holds, in RFC 3339.",
    ),
    (
        "AWS_REGION, AWS_DEFAULT_REGION",
        "Where a region was saved with the session.",
    ),
    (
        "AWS_SECURITY_TOKEN, AWS_WEB_IDENTITY_TOKEN_FILE",
        "Are unset. exec also unsets MASTER_AWS_ACCESS_KEY_ID, MASTER_AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_DEFAULT_PROFILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, AWS_SESSION_EXPIRATION and AWS_MFA_CODE_COMMAND.",
    ),
];

const FILES: [(&str, &str); 3] = [
    (
        "~/.config/aws/session-<key id>, ~/.config/aws/session-<profile>",
        "The session, mode 0600: the JSON that `aws sts get-session-token` prints.",
    ),
    (
        "~/.aws/config",
        "Profiles: mfa_serial, region, duration_seconds, mfa_process, source_profile, credential_process, endpoint_url, ca_bundle, use_fips_endpoint. It is only read.",
    ),
    (
        "~/.aws/credentials",
        "Profiles: aws_access_key_id, aws_secret_access_key. It is only read.",
    ),
];

const EXIT_STATUS: [(&str, &str); 6] = [
    (
        "0",
        "Done. Under direnv_load also load without a valid session, unless --strict is given.",
    ),
    ("1", "Failed."),
    ("2", "Used wrongly."),
    ("3", "No valid session: missing, expired or corrupt."),
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
    for command in root.get_subcommands() {
        page += &subcommand(command)?;
    }
    for (title, entries) in [
        ("EXIT STATUS", EXIT_STATUS.as_slice()),
        ("ENVIRONMENT", &ENVIRONMENT),
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
    let (synopsis, options) = match String::from_utf8(parts)?.split_once(".SH OPTIONS\n") {
        Some((synopsis, options)) => (synopsis.to_owned(), format!(".PP\n{options}")),
        None => return Err(anyhow::anyhow!("{} has no options", command.get_name())),
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

    /// The names of variables in the sources that read them.
    fn read_variables() -> impl Iterator<Item = &'static str> {
        [
            include_str!("../settings.rs"),
            include_str!("../profile.rs"),
            include_str!("../environment.rs"),
            include_str!("../direnv.rs"),
            include_str!("load.rs"),
            include_str!("status.rs"),
        ]
        .into_iter()
        .map(|source| source.split("#[cfg(test)]").next().unwrap())
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|literal| {
            let name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
            literal.contains('_') && literal.bytes().all(name) && !literal.starts_with('_')
        })
    }

    #[test]
    fn every_variable_that_is_read_is_in_the_manual() {
        let manual: Vec<&str> = ENVIRONMENT
            .iter()
            .chain(&CHANGED)
            .flat_map(|(names, _)| names.split(", "))
            .collect();
        let mut number = 0;
        for variable in read_variables() {
            assert!(manual.contains(&variable), "{variable}");
            number += 1;
        }
        assert!(number > 15);
    }

    #[test]
    fn what_is_roffs_own_is_escaped() {
        assert_eq!(inline(".x -y \\ 'z'"), "\\&.x \\-y \\e \\(aqz\\(aq");
    }
}
