//! `aws-mfa man`: the manual page. Subcommands and options come from the command line's definition; the rest of the text
//! is here.

use crate::cli::Cli;
use crate::environment::variable;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

/// Every variable that `load` and `exec` set or unset.
const CHANGED: [(&str, &str); 4] = [
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "The session.",
    ),
    ("AWS_CREDENTIAL_EXPIRATION", "When it expires, in RFC 3339."),
    (
        "AWS_REGION, AWS_DEFAULT_REGION",
        "Set if a region was saved with the session.",
    ),
    (
        "AWS_SECURITY_TOKEN, AWS_WEB_IDENTITY_TOKEN_FILE",
        "Unset. exec also unsets MASTER_AWS_ACCESS_KEY_ID, MASTER_AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_DEFAULT_PROFILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, AWS_SESSION_EXPIRATION and AWS_MFA_CODE_COMMAND.",
    ),
];

const FILES: [(&str, &str); 5] = [
    (
        "~/.config/aws/session-<key id>, ~/.config/aws/session-<profile>",
        "The session, mode 0600: the JSON that `aws sts get-session-token` prints.",
    ),
    (
        "~/.config/aws/role-<profile>, ~/.config/aws/role-<account>-<role>@session-…",
        "The credentials of a role, mode 0600: the JSON that `aws sts assume-role` prints. load and exec renew them.",
    ),
    (
        "~/.config/aws/rotation-<account>-<user>",
        "How far a rotation is, mode 0600. It has the new access key until that is saved elsewhere, and is removed with the old one.",
    ),
    (
        "~/.aws/config",
        "Profiles: role_arn, source_profile or credential_source = Environment, external_id, role_session_name, mfa_serial, region, duration_seconds, mfa_process, credential_process, endpoint_url, ca_bundle, use_fips_endpoint. Only rotate writes to it, if a profile has its access key there.",
    ),
    (
        "~/.aws/credentials",
        "Profiles: aws_access_key_id, aws_secret_access_key. Only rotate writes to it: the two values of the key that it replaces.",
    ),
];

const EXIT_STATUS: [(&str, &str); 7] = [
    (
        "0",
        "Success. Also load without a valid session under direnv_load, unless --strict is given.",
    ),
    ("1", "Any other failure. For doctor: an error was found."),
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
        "exec: the command cannot be run. Otherwise exec exits with the status of its command.",
    ),
    ("127", "exec: there is no such command."),
];

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
    let environment: Vec<_> = variable::ALL
        .iter()
        .map(|variable| (variable.name(), variable.meaning()))
        .collect();
    for (title, entries) in [
        ("SETTINGS", SETTINGS.as_slice()),
        ("EXIT STATUS", EXIT_STATUS.as_slice()),
        ("ENVIRONMENT", &environment),
        ("WHAT LOAD AND EXEC CHANGE", &CHANGED),
        ("FILES", &FILES),
        ("STATUS AS JSON", &STATUS_AS_JSON),
        ("DOCTOR AS JSON", &DOCTOR_AS_JSON),
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

/// Where each setting comes from. The first entry says which source wins.
const SETTINGS: [(&str, &str); 12] = [
    (
        "order",
        "A flag beats the environment, the environment beats the profile, the profile beats the default. If the profile is explicit (--profile or AWS_MFA_PROFILE), it beats the environment, and MASTER_* and AWS_SESSION_FILE are ignored. An empty variable counts as unset.",
    ),
    (
        "profile",
        "--profile, AWS_MFA_PROFILE, AWS_PROFILE; default: default. A profile whose credential_process is `aws-mfa load --profile X` stands for X.",
    ),
    (
        "master keys",
        "MASTER_AWS_ACCESS_KEY_ID with MASTER_AWS_SECRET_ACCESS_KEY; in the profile: aws_access_key_id with aws_secret_access_key, or credential_process; or the keys of its source_profile. Never a flag.",
    ),
    (
        "MFA device",
        "--serial-number; AWS_MFA_ARN; in the profile or its source_profile: mfa_serial; default: the device that IAM lists for the user, remembered with the session.",
    ),
    (
        "role",
        "--role-arn; AWS_MFA_ROLE_ARN; in the profile: role_arn with source_profile, external_id, role_session_name and duration_seconds; default: none.",
    ),
    (
        "session file",
        "--session-file; AWS_SESSION_FILE; default: session-<profile> or session-<key id> in $XDG_CONFIG_HOME/aws, that is ~/.config/aws; on Windows in %APPDATA%\\aws. Where file names ignore case (macOS, Windows), capital letters and what is not ASCII are percent-encoded. A file that contains something other than a session is neither replaced nor removed, unless its name begins with session-.",
    ),
    (
        "duration",
        "--duration; AWS_MFA_DURATION; in the profile with the keys: duration_seconds; default: 12h. 15m to 36h.",
    ),
    (
        "region",
        "--region; AWS_REGION, AWS_DEFAULT_REGION; in the profile: region; default, for STS only: us-east-1, cn-north-1 or us-gov-west-1, depending on the device's partition.",
    ),
    (
        "endpoint",
        "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL; in the profile: endpoint_url; default: the region's own.",
    ),
    (
        "MFA code",
        "get CODE; get -; --code-command; AWS_MFA_CODE_COMMAND; in the profile: mfa_process; default: a prompt on the terminal.",
    ),
    (
        "network",
        "https_proxy, HTTPS_PROXY, http_proxy, all_proxy, ALL_PROXY, no_proxy, NO_PROXY; AWS_USE_FIPS_ENDPOINT; in the profile: use_fips_endpoint.",
    ),
    (
        "trusted certificates",
        "AWS_CA_BUNDLE; in the profile: ca_bundle; default: the system's.",
    ),
];

/// The fields of `status --json`.
const STATUS_AS_JSON: [(&str, &str); 9] = [
    (
        "version",
        "1. While it stays 1, fields are added, never changed or removed.",
    ),
    (
        "session",
        "The user's session. state: valid, expired, missing or unusable (corrupt, or not yours). message: why it is not valid, else null. access_key_id, expiration, seconds_left and region: null if unknown.",
    ),
    (
        "role",
        "The selected role, or null. arn; through, the roles assumed before it; file; session, with the fields of the one above; renewable, without a code; reduced_from_seconds, or null.",
    ),
    (
        "loaded",
        "Whether the environment has the key of the session, or of the selected role.",
    ),
    (
        "integration",
        "What brings the session into this shell: direnv, hook or none.",
    ),
    ("account", "The account of the MFA device, or null."),
    (
        "settings",
        "session_file, profile, key_id, device, duration_seconds, region, endpoint, code_command, proxy and ca_bundle. Each is null, or has a value with its origin, or has the value null with an error where there should be a value.",
    ),
    (
        "settings.*.origin",
        "kind: flag, variable, profile, discovered (in IAM) or default. name: of the flag, the variable or the key in the profile. profile and file: of the profile.",
    ),
    ("warnings", "Possible problems, in words."),
];

/// The fields of `doctor --json`.
const DOCTOR_AS_JSON: [(&str, &str); 5] = [
    (
        "version",
        "1. While it stays 1, fields are added, never changed or removed.",
    ),
    (
        "findings[].check",
        "files, settings, environment, shell, network, clock, keys, device, policy, session or roles. A check can have several findings, and others can be added.",
    ),
    (
        "findings[].status",
        "ok, warning, error, or skipped: not checked because of another finding, or the check cannot tell.",
    ),
    ("findings[].message", "What was found."),
    (
        "findings[].hint",
        "What to do about it: a command or a line; null if there is nothing to do.",
    ),
];

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
