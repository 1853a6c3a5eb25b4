//! Every variable that this program reads, in one table. The program cannot read any other, and the manual page says what
//! each one means.

use std::fmt;

/// A variable of the environment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Variable(&'static str);

impl Variable {
    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The variables with the region.
pub const REGIONS: [Variable; 2] = [AWS_REGION, AWS_DEFAULT_REGION];

macro_rules! variables {
    ($($constant:ident = $name:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            #[allow(dead_code, reason = "some belong to one system, and jiff reads TZDIR")]
            pub const $constant: Variable = Variable($name);
        )*

        /// Every variable, in the order of the manual page.
        #[cfg(test)]
        pub const ALL: &[Variable] = &[$($constant),*];
    };
}

variables! {
    MASTER_AWS_ACCESS_KEY_ID = "MASTER_AWS_ACCESS_KEY_ID";
    MASTER_AWS_SECRET_ACCESS_KEY = "MASTER_AWS_SECRET_ACCESS_KEY";
    AWS_MFA_PROFILE = "AWS_MFA_PROFILE";
    AWS_PROFILE = "AWS_PROFILE";
    AWS_MFA_ARN = "AWS_MFA_ARN";
    AWS_MFA_ROLE_ARN = "AWS_MFA_ROLE_ARN";
    AWS_SESSION_FILE = "AWS_SESSION_FILE";
    AWS_MFA_DURATION = "AWS_MFA_DURATION";
    AWS_MFA_CODE_COMMAND = "AWS_MFA_CODE_COMMAND";
    AWS_REGION = "AWS_REGION";
    AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION";
    AWS_ENDPOINT_URL_STS = "AWS_ENDPOINT_URL_STS";
    AWS_ENDPOINT_URL_IAM = "AWS_ENDPOINT_URL_IAM";
    AWS_ENDPOINT_URL_SIGNIN = "AWS_ENDPOINT_URL_SIGNIN";
    AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL";
    AWS_USE_FIPS_ENDPOINT = "AWS_USE_FIPS_ENDPOINT";
    AWS_CA_BUNDLE = "AWS_CA_BUNDLE";
    AWS_CONFIG_FILE = "AWS_CONFIG_FILE";
    AWS_SHARED_CREDENTIALS_FILE = "AWS_SHARED_CREDENTIALS_FILE";
    LOWER_HTTPS_PROXY = "https_proxy";
    HTTPS_PROXY = "HTTPS_PROXY";
    LOWER_HTTP_PROXY = "http_proxy";
    LOWER_ALL_PROXY = "all_proxy";
    ALL_PROXY = "ALL_PROXY";
    LOWER_NO_PROXY = "no_proxy";
    NO_PROXY = "NO_PROXY";
    AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID";
    AWS_CREDENTIAL_EXPIRATION = "AWS_CREDENTIAL_EXPIRATION";
    AWS_SECURITY_TOKEN = "AWS_SECURITY_TOKEN";
    DIRENV_DUMP_FILE_PATH = "DIRENV_DUMP_FILE_PATH";
    DIRENV_WATCHES = "DIRENV_WATCHES";
    DIRENV_IN_ENVRC = "DIRENV_IN_ENVRC";
    DIRENV_DIR = "DIRENV_DIR";
    DIRENV_FILE = "DIRENV_FILE";
    DIRENV_DIFF = "DIRENV_DIFF";
    AWS_MFA_LOADED = "AWS_MFA_LOADED";
    AWS_MFA_HOOK = "AWS_MFA_HOOK";
    SHELL = "SHELL";
    HOME = "HOME";
    USERPROFILE = "USERPROFILE";
    XDG_CONFIG_HOME = "XDG_CONFIG_HOME";
    APPDATA = "APPDATA";
    PATH = "PATH";
    PATHEXT = "PATHEXT";
    COMSPEC = "COMSPEC";
    PROMPT = "PROMPT";
    BROWSER = "BROWSER";
    DISPLAY = "DISPLAY";
    WAYLAND_DISPLAY = "WAYLAND_DISPLAY";
    NO_COLOR = "NO_COLOR";
    CLICOLOR = "CLICOLOR";
    TERM = "TERM";
    TZ = "TZ";
    TZDIR = "TZDIR";
    AWS_MFA_COMPLETE = "AWS_MFA_COMPLETE";
    AWS_MFA_INSIDE_COMMAND = "AWS_MFA_INSIDE_COMMAND";
}
