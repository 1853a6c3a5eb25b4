//! Verbs and options of other tools (aws-vault, granted, awsume, saml2aws, the Python aws-mfa), and what they are here.

use super::STORE;

/// Another tool's verbs for one thing.
pub struct Verbs {
    /// The verbs.
    pub names: &'static [&'static str],
    /// What the user wants: «to …, run …».
    pub purpose: &'static str,
    /// Our verb for that, with options.
    pub ours: &'static [&'static str],
}

const fn verbs(
    names: &'static [&'static str],
    purpose: &'static str,
    ours: &'static [&'static str],
) -> Verbs {
    Verbs {
        names,
        purpose,
        ours,
    }
}

/// All of them.
pub const VERBS: [Verbs; 9] = [
    verbs(
        &["login", "refresh", "renew", "session", "token"],
        "get a session",
        &["get"],
    ),
    verbs(
        &["list", "ls", "profiles", "sessions"],
        "list the sessions",
        &["status", "--all"],
    ),
    verbs(
        &["logout", "remove", "rm"],
        "remove the session",
        &["clear"],
    ),
    verbs(
        &["assume", "env", "export", "source", "switch", "use"],
        "load the session into this shell",
        &["load"],
    ),
    verbs(
        &["run", "shell"],
        "run a command or a shell with the session",
        &["exec"],
    ),
    verbs(
        &["ecs", "server"],
        "give the session to programs outside your shells (README, SDKs)",
        &["init", "aws-config"],
    ),
    verbs(
        &["add", "import", "store"],
        "move the access key out of ~/.aws/credentials",
        &["rotate", "--to", STORE],
    ),
    verbs(&["version"], "see the version", &["--version"]),
    verbs(
        &["update", "upgrade"],
        "upgrade, install the new version as you installed this one (README, Install); to see which it is",
        &["--version"],
    ),
];

/// Options for the code, which needs none.
pub const CODE_OPTIONS: [&str; 6] = ["-c", "-t", "--code", "--mfa-code", "--mfa-token", "--token"];

/// Options for a new session although there is one, which `get` gets anyway.
pub const FORCE_OPTIONS: [&str; 2] = ["--force", "--refresh"];

/// Other options with a value, of the Python `aws-mfa`, which has no verbs.
pub const VALUE_OPTIONS: [&str; 4] = [
    "--assume-role",
    "--device",
    "--log-level",
    "--role-session-name",
];
