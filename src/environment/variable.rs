//! Every variable that this program reads, in one table. The program cannot read any other, and the manual page lists
//! them all.

use std::fmt;

/// A variable of the environment, one of [`ALL`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    name: &'static str,
    meaning: &'static str,
}

impl Variable {
    /// The name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What it means, for the manual page.
    pub const fn meaning(self) -> &'static str {
        self.meaning
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! variables {
    ($($constant:ident $name:literal: $meaning:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $constant: Variable = Variable { name: $name, meaning: $meaning };
        )*

        /// Every variable, in the order of the manual page.
        pub const ALL: &[Variable] = &[$($constant),*];
    };
}

variables! {
    MASTER_AWS_ACCESS_KEY_ID "MASTER_AWS_ACCESS_KEY_ID":
        "The id of the master key, the user's own (AKIA…).";
    MASTER_AWS_SECRET_ACCESS_KEY "MASTER_AWS_SECRET_ACCESS_KEY":
        "The secret of the master key.";
    AWS_MFA_PROFILE "AWS_MFA_PROFILE":
        "The profile in ~/.aws to use, as with --profile on every command. Its own settings, keys and session beat all other variables. For an .envrc.";
    AWS_PROFILE "AWS_PROFILE":
        "The profile in ~/.aws for the settings that no other variable gives.";
    AWS_MFA_ARN "AWS_MFA_ARN":
        "The MFA device: its ARN, or the serial number of a hardware device. In a profile: mfa_serial. If none is configured, get asks IAM.";
    AWS_MFA_ROLE_ARN "AWS_MFA_ROLE_ARN":
        "The role to assume with the session. In a profile: role_arn.";
    AWS_SESSION_FILE "AWS_SESSION_FILE":
        "The session file.";
    AWS_MFA_DURATION "AWS_MFA_DURATION":
        "The duration of a session. In a profile: duration_seconds.";
    AWS_MFA_CODE_COMMAND "AWS_MFA_CODE_COMMAND":
        "A command that prints a code within 60 seconds. In a profile: mfa_process.";
    AWS_REGION "AWS_REGION":
        "The region of the STS endpoint. In a profile: region. A region from a profile or a flag is saved with the session, and load and exec set it.";
    AWS_DEFAULT_REGION "AWS_DEFAULT_REGION":
        "The same, if AWS_REGION is unset.";
    AWS_ENDPOINT_URL_STS "AWS_ENDPOINT_URL_STS":
        "The URL of STS.";
    AWS_ENDPOINT_URL_IAM "AWS_ENDPOINT_URL_IAM":
        "The URL of IAM, for the MFA device if none is configured, for doctor and for rotate.";
    AWS_ENDPOINT_URL "AWS_ENDPOINT_URL":
        "The URL of both, if the service's own variable is unset. In a profile: endpoint_url.";
    AWS_USE_FIPS_ENDPOINT "AWS_USE_FIPS_ENDPOINT":
        "true selects the FIPS endpoint. In a profile: use_fips_endpoint.";
    AWS_CA_BUNDLE "AWS_CA_BUNDLE":
        "A file of certificates to trust instead of the system's. In a profile: ca_bundle.";
    AWS_CONFIG_FILE "AWS_CONFIG_FILE":
        "The file to read instead of ~/.aws/config.";
    AWS_SHARED_CREDENTIALS_FILE "AWS_SHARED_CREDENTIALS_FILE":
        "The file to read instead of ~/.aws/credentials.";
    LOWER_HTTPS_PROXY "https_proxy":
        "The HTTP proxy for an https endpoint: http://user:password@host:port.";
    HTTPS_PROXY "HTTPS_PROXY":
        "The same, if https_proxy is unset.";
    LOWER_HTTP_PROXY "http_proxy":
        "The HTTP proxy for an http endpoint. Like curl, aws-mfa ignores HTTP_PROXY, except on Windows, where both are one variable.";
    LOWER_ALL_PROXY "all_proxy":
        "The proxy for both, if neither of the above is set.";
    ALL_PROXY "ALL_PROXY":
        "The same, if all_proxy is unset.";
    LOWER_NO_PROXY "no_proxy":
        "Hosts, domains and address ranges to reach without a proxy.";
    NO_PROXY "NO_PROXY":
        "The same, if no_proxy is unset.";
    AWS_ACCESS_KEY_ID "AWS_ACCESS_KEY_ID":
        "Tells status and the prompt hook whether this shell has the session.";
    AWS_CREDENTIAL_EXPIRATION "AWS_CREDENTIAL_EXPIRATION":
        "When this shell's credentials expire. After that, the prompt hook makes direnv reload the .envrc.";
    AWS_SECURITY_TOKEN "AWS_SECURITY_TOKEN":
        "status and doctor warn about it: older SDKs prefer it to the session's token.";
    DIRENV_DUMP_FILE_PATH "DIRENV_DUMP_FILE_PATH":
        "Set by direnv_load; load then writes direnv's format.";
    DIRENV_WATCHES "DIRENV_WATCHES":
        "What direnv watches; load adds the session file.";
    DIRENV_IN_ENVRC "DIRENV_IN_ENVRC":
        "Set in an .envrc; load then shows no secrets on the terminal, and adds the session file to direnv's watches.";
    DIRENV_DIR "DIRENV_DIR":
        "Set in a directory whose .envrc direnv has loaded; the prompt hook leaves the session to direnv there.";
    AWS_MFA_HOOK "AWS_MFA_HOOK":
        "Set by the prompt hook, for aws-mfa only: it tells status and get that the hook is active.";
    SHELL "SHELL":
        "The shell that status and get give commands for.";
    HOME "HOME":
        "The home directory, an absolute path.";
    USERPROFILE "USERPROFILE":
        "Windows: the home directory, if HOME is not set.";
    XDG_CONFIG_HOME "XDG_CONFIG_HOME":
        "The directory that holds aws/session-…, by default ~/.config.";
    APPDATA "APPDATA":
        "Windows: the directory that holds aws\\session-…";
    PATH "PATH":
        "Where exec looks for its command.";
    PATHEXT "PATHEXT":
        "Windows: the extensions that exec adds to the name of its command.";
    PROMPT "PROMPT":
        "Windows: cmd sets it for what it starts, so that status and get know it from PowerShell.";
    NO_COLOR "NO_COLOR":
        "If set, output has no colour.";
    CLICOLOR "CLICOLOR":
        "0: output has no colour.";
    TERM "TERM":
        "dumb: output has no colour.";
    TZ "TZ":
        "The time zone for the times that are shown.";
    TZDIR "TZDIR":
        "The directory of the time zone database.";
    AWS_MFA_COMPLETE "AWS_MFA_COMPLETE":
        "Set by the completion scripts.";
    AWS_MFA_INSIDE_COMMAND "AWS_MFA_INSIDE_COMMAND":
        "Set for a credential_process, a code command and a store command, which must not run aws-mfa again.";
}
