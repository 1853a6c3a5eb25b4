//! The command line. Nothing here reads, writes or prompts; `commands` does.

pub mod frequent;
pub mod line;
pub mod other_tools;

use crate::escape::{escape, mask_digits};
use clap::builder::NonEmptyStringValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use secrecy::SecretString;
use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;

/// One MFA code a day: an AWS session for every shell.
#[derive(Parser)]
#[command(
    name = "aws-mfa",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  aws-mfa get 123456             a new session, for every shell
  direnv_load aws-mfa load       in an .envrc
  eval \"$(aws-mfa init bash)\"    in ~/.bashrc, without direnv"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs, each with a file of its name in `commands`.
// Deferred: clap builds the arguments of the running subcommand only. The descriptions are here rather than on the
// structs, because the root help shows them without building the rest.
#[derive(Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Get a new session from STS for an MFA code, and save it
    ///
    /// The access key comes from a profile in ~/.aws (the selected one, default, or the only one with keys), or from
    /// MASTER_AWS_ACCESS_KEY_ID and MASTER_AWS_SECRET_ACCESS_KEY. The session file is replaced only after STS has answered;
    /// a failure leaves it unchanged. A code is sent at most once.
    Get(Get),
    /// Print the saved session for a shell, direnv or an SDK
    ///
    /// Without a valid session, it prints nothing on standard output, gives the reason on standard error, and exits
    /// with status 3. Under direnv, the environment is then unchanged, except that credentials which aws-mfa loaded
    /// outside the directory are unset; the exit status is 0.
    Load(Load),
    /// Print the integration code for a shell, direnv or ~/.aws/config
    ///
    /// For a shell, it is a hook that runs at each prompt: it loads a new session, even in place of an older one that
    /// the shell inherited, removes an expired one and says so, and warns when 15 minutes are left. Where direnv is
    /// active, the hook changes no credentials itself: it makes direnv reload the .envrc when the session has expired.
    /// Put its line before that of a prompt such as starship. AWS_MFA_LOADED says whose session a shell has.
    Init(Init),
    /// Run a command, or your shell, with the session
    ///
    /// Without a command, it starts your shell (SHELL, on Windows COMSPEC); `exit` leaves it. If there is no valid
    /// session, and there is a code command or a terminal, it gets one first, as `get` does. The command finds the session
    /// in its environment, but not the access key, AWS_PROFILE or any variable that older SDKs prefer to the session. On
    /// Unix, the command replaces aws-mfa, so its signals and its exit status are its own. Exit status: the command's; 3
    /// without a valid session (the command does not run); 126 if the command cannot be run, 127 if it does not exist.
    Exec(Exec),
    /// Open the AWS console in the browser, as the selected role
    ///
    /// It needs a role and a valid session, but no code: AWS accepts only the credentials of a role for this, not those of
    /// a user's own session. The browser is the one in BROWSER, else the system's.
    Console(Console),
    /// Show the session, how long it is valid, and where each setting comes from
    ///
    /// It uses no network and shows no secrets. Exit status: 3 without a valid session, so scripts can test for one.
    Status(Status),
    /// Find problems with the setup, and show how to fix them
    ///
    /// It checks, in this order: files, settings, environment, shell integration, network, clock, keys, MFA device,
    /// MFA policy, session and, with --roles, roles. It changes nothing and sends no MFA code. Each check is
    /// limited to 5 seconds, the whole run to 20. Exit status: 1 if an error is found; warnings do not count.
    Doctor(Doctor),
    /// Remove the saved session and its roles' credentials
    ///
    /// Shells with direnv or the prompt hook drop them at their next prompt.
    ///
    /// For a role, only the role's credentials are removed.
    ///
    /// The credentials themselves stay valid until they expire: STS cannot revoke them. If the session
    /// file is a symlink, its target is removed.
    Clear(Clear),
    /// Replace the access key, without a code
    ///
    /// Calls to IAM are signed with the session. The new key is stored where the old one is: in the profile in ~/.aws,
    /// or where its credential_process reads it. Then the old key is deactivated; --finish, or the next rotation,
    /// deletes it. A rotation can be interrupted at any moment: run it again to continue.
    Rotate(Rotate),
    /// Print the completion script for a shell
    Completions(Completions),
    #[command(hide = true)]
    /// Used by the hooks of `init` at each prompt
    ///
    /// It prints the commands that the shell has to run: none if nothing has changed.
    Prompt(Prompt),
    /// Print the manual page
    ///
    /// To read it: aws-mfa man | man -l -
    #[command(after_help = "\
Examples:
  aws-mfa man | man -l -
  aws-mfa man > ~/.local/share/man/man1/aws-mfa.1")]
    Man,
}

#[derive(Args, Default)]
#[command(
    override_usage = "aws-mfa get [OPTIONS] [CODE | -]",
    after_help = "\
Examples:
  aws-mfa get 123456
  aws-mfa get -p work -d 8h 123456
  pass otp aws | aws-mfa get -"
)]
pub struct Get {
    /// The six digits on the MFA device, or - to read them from standard input
    ///
    /// Without it, the code comes from the code command, or from a prompt on the terminal.
    // A list of secrets: clap must not quote what is typed here either.
    #[arg(value_name = "CODE", num_args = 0..)]
    pub code: Vec<SecretString>,

    #[command(flatten)]
    pub selection: Selection,

    /// The MFA device: an ARN, or the serial number of a hardware device [env: AWS_MFA_ARN]
    ///
    /// If none is configured, get finds the user's device through IAM and saves it with the session.
    #[arg(long, value_name = "DEVICE")]
    pub serial_number: Option<String>,

    /// How long the session lasts, 15m to 36h: 12h, 90m, 1h30m or seconds [env: AWS_MFA_DURATION]
    #[arg(short, long, value_name = "DURATION")]
    pub duration: Option<String>,

    /// The region of the STS endpoint [env: AWS_REGION, AWS_DEFAULT_REGION]
    ///
    /// It is saved with the session, and `load` sets it in the shell.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,

    /// A command that prints a code within 60 s [env: AWS_MFA_CODE_COMMAND]
    #[arg(long, value_name = "COMMAND")]
    pub code_command: Option<String>,

    /// Use the code to assume the role directly, for sessions longer than an hour (up to 12h, with -d)
    ///
    /// The role is then assumed with the access key and the code. Its credentials cannot be renewed without another
    /// code.
    #[arg(long)]
    pub direct: bool,

    /// Keep the session if it is valid for more than MARGIN [default: 15m]
    ///
    /// With --direct, this applies to the role's credentials. MARGIN is limited to a quarter of the duration. If several
    /// terminals start together, one asks for a code, and the others wait for its session.
    #[arg(long, value_name = "MARGIN", num_args = 0..=1, require_equals = true, default_missing_value = "15m")]
    pub unless_valid: Option<String>,

    /// Do not print the confirmation
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[command(after_help = "\
Examples:
  bash, zsh, ksh  eval \"$(aws-mfa load)\"
  fish            aws-mfa load --format fish | source
  PowerShell      aws-mfa load --format powershell | Invoke-Expression
  Elvish          eval (aws-mfa load --format elvish | slurp)
  tcsh            eval \"`aws-mfa load --format tcsh`\"
  Nushell         aws-mfa load --format json | from json | load-env
  cmd             for /f \"delims=\" %i in ('aws-mfa load --format cmd') do @%i
  .envrc          direnv_load aws-mfa load
  ~/.aws/config   credential_process = aws-mfa load -p work --format process
  asking there    credential_process = aws-mfa load -p work --ask -f process
  docker, Node    (umask 077; aws-mfa load --format dotenv > session.env)")]
pub struct Load {
    /// The output format [default: direnv under direnv_load, else sh]
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<Format>,

    #[command(flatten)]
    pub selection: Selection,

    /// Without a valid session, ask for a code and get one: for programs that run this as their credential_process
    ///
    /// The code comes from the code command, else from a prompt on the terminal, else from a dialog, which waits for 60 s.
    /// However many programs start at once, only one asks. Under direnv, none does.
    #[arg(long)]
    pub ask: bool,

    /// Under direnv, fail (exit status 3) if there is no valid session
    ///
    /// By default, the environment is then unchanged, the rest of the .envrc loads, and direnv watches for the session.
    #[arg(long)]
    pub strict: bool,

    /// Print nothing if there is no valid session
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  ~/.bashrc      eval \"$(aws-mfa init bash)\"
  ~/.zshrc       eval \"$(aws-mfa init zsh)\"
  config.fish    aws-mfa init fish | source
  rc.elv         eval (aws-mfa init elvish | slurp)
  ~/.tcshrc      eval \"`aws-mfa init tcsh`\"    (after direnv's hook)
  $PROFILE       aws-mfa init powershell | Out-String | Invoke-Expression
  Nushell, once  aws-mfa init nushell | save -f ~/.aws-mfa.nu
  config.nu      source ~/.aws-mfa.nu
  direnv, once   aws-mfa init direnv > ~/.config/direnv/lib/aws-mfa.sh
  .envrc         use aws_mfa
  SDKs, once     aws-mfa init aws-config >> ~/.aws/config")]
pub struct Init {
    /// The shell, direnv, or aws-config
    #[arg(value_name = "SHELL | TOOL")]
    pub tool: Tool,

    #[command(flatten)]
    pub selection: Selection,

    /// With aws-config: profiles that ask for a code if there is no valid session, as `load --ask` does
    #[arg(long)]
    pub ask: bool,
}

/// What `init` prints code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// A hook for bash 3.2 or later
    Bash,
    /// A hook for zsh
    Zsh,
    /// A hook for fish
    Fish,
    /// A hook for PowerShell
    Powershell,
    /// A hook for Elvish
    Elvish,
    /// A hook for tcsh
    Tcsh,
    /// A hook for Nushell
    Nushell,
    /// Functions for direnv, for `use aws_mfa` in an .envrc
    Direnv,
    /// Profiles for ~/.aws/config that give the session to the AWS CLI and SDKs
    AwsConfig,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  aws-mfa exec -- aws s3 ls
  aws-mfa exec -p work -- terraform plan
  aws-mfa exec -p prod                      a shell with the session of prod")]
pub struct Exec {
    #[command(flatten)]
    pub selection: Selection,

    /// Never prompt for a code: fail (exit status 3) if there is no valid session
    #[arg(long)]
    pub no_prompt: bool,

    /// The command and its arguments [default: your shell]
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        num_args = 0..,
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  aws-mfa console -p staging
  aws-mfa console -p staging s3
  aws-mfa console -p staging --url")]
pub struct Console {
    #[command(flatten)]
    pub selection: Selection,

    /// Print the URL instead of opening it
    ///
    /// It is a secret: for 15 minutes, whoever has it can sign in as the role.
    #[arg(long)]
    pub url: bool,

    /// A service (ec2, s3, cloudwatch) or a URL of the console [default: its home page]
    #[arg(value_name = "DESTINATION")]
    pub destination: Option<String>,
}

#[derive(Args)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Prompt {
    /// The shell's language; json for shells that read data instead of code
    #[arg(long, value_name = "FORMAT")]
    pub format: Format,

    #[command(flatten)]
    pub selection: Selection,

    /// Print no notice: it waits for the next prompt
    #[arg(long)]
    pub quiet: bool,

    /// The shell's process id
    pub shell: String,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  aws-mfa status
  aws-mfa status --all
  aws-mfa status -p work --json | jq -r .session.expiration
  aws-mfa status --valid-for 30m >/dev/null || aws-mfa get")]
pub struct Status {
    #[command(flatten)]
    pub selection: Selection,

    /// List every profile with keys or a role, and everything saved
    ///
    /// What is selected here comes first, marked with *, then what has valid credentials. Exit status: 3 if nothing
    /// saved is valid.
    #[arg(long)]
    pub all: bool,

    /// Exit with status 3 if less than DURATION is left: 30m, 1h30m or seconds
    ///
    /// A session with an unknown expiry counts as too short.
    #[arg(long, value_name = "DURATION", conflicts_with = "all")]
    pub valid_for: Option<String>,

    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  aws-mfa doctor
  aws-mfa doctor -p work --roles
  aws-mfa doctor --json | jq '.findings[] | select(.status == \"error\")'")]
pub struct Doctor {
    #[command(flatten)]
    pub selection: Selection,

    /// Use no network: check only files, settings, environment and shell integration
    #[arg(long)]
    pub offline: bool,

    /// Also assume the role of each profile once; nothing is saved
    #[arg(long, conflicts_with = "offline")]
    pub roles: bool,

    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  aws-mfa clear
  aws-mfa clear -p work")]
pub struct Clear {
    #[command(flatten)]
    pub selection: Selection,

    /// Remove every saved session and role
    #[arg(long)]
    pub all: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  aws-mfa rotate -p work
  aws-mfa rotate -p work --finish
  aws-mfa rotate -p work --to pass
  aws-mfa rotate -p work --store-command 'op document edit aws-work -'")]
pub struct Rotate {
    /// The profile in ~/.aws whose key is replaced [env: AWS_MFA_PROFILE, AWS_PROFILE]
    #[arg(short, long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub profile: Option<String>,

    /// The session file [env: AWS_SESSION_FILE]
    #[arg(long, value_name = "PATH")]
    pub session_file: Option<PathBuf>,

    /// Move the key: file[:PATH], pass[:NAME], secret-service[:NAME] or keychain[:NAME]
    ///
    /// The new key is stored there, the profile gets the credential_process that reads it, and the old key is removed
    /// from ~/.aws. For a key in MASTER_AWS_ACCESS_KEY_ID, name the profile to create with --profile.
    #[arg(long, value_name = "STORE", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "store_command")]
    pub to: Option<String>,

    /// Command that stores the new key for credential_process (60 s limit)
    ///
    /// It reads the key from standard input, in the format of credential_process. In a profile: mfa_store_process. cat,
    /// pass, secret-tool and security need none.
    #[arg(long, value_name = "COMMAND", value_parser = NonEmptyStringValueParser::new())]
    pub store_command: Option<String>,

    /// Delete the old key that an earlier rotation has deactivated
    #[arg(long, conflicts_with = "delete")]
    pub finish: bool,

    /// Delete this access key and stop. The key in use is refused
    #[arg(long, value_name = "KEYID", value_parser = NonEmptyStringValueParser::new())]
    pub delete: Option<String>,
}

/// The store for `--to` that this system has without preparation.
pub const STORE: &str = if cfg!(target_os = "macos") {
    "keychain"
} else {
    "file"
};

impl Rotate {
    /// The selected session. A role has no key of its own.
    pub fn selection(&self) -> Selection {
        Selection {
            profile: self.profile.clone(),
            role_arn: None,
            session_file: self.session_file.clone(),
        }
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  ~/.bashrc    eval \"$(aws-mfa completions bash)\"
  ~/.zshrc     source <(aws-mfa completions zsh)    (after compinit)
  config.fish  aws-mfa completions fish | source
  rc.elv       eval (aws-mfa completions elvish | slurp)
  $PROFILE     aws-mfa completions powershell | Out-String | Invoke-Expression")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

// Which session: the flags of most subcommands. (A doc comment here would replace the description of the subcommand
// that they are flattened into.)
#[derive(Args, Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Selection {
    /// The profile in ~/.aws; each profile has its own session [env: AWS_MFA_PROFILE, AWS_PROFILE]
    #[arg(short, long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub profile: Option<String>,

    /// The role to assume with the session [env: AWS_MFA_ROLE_ARN]
    #[arg(long, value_name = "ARN", value_parser = NonEmptyStringValueParser::new())]
    pub role_arn: Option<String>,

    /// The session file [env: AWS_SESSION_FILE]
    #[arg(long, value_name = "PATH")]
    pub session_file: Option<PathBuf>,
}

/// What `load` prints. The aliases are the names of shells, and the AWS CLI's names for the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For POSIX shells (also: bash, zsh, ksh, dash, env)
    #[value(aliases = ["bash", "zsh", "ksh", "dash", "env"])]
    Sh,
    /// For fish
    Fish,
    /// For PowerShell
    Powershell,
    /// For Elvish
    Elvish,
    /// For tcsh
    Tcsh,
    /// For cmd (also: windows-cmd)
    #[value(alias = "windows-cmd")]
    Cmd,
    /// A flat JSON object for Nushell and scripts; null unsets a variable
    Json,
    /// Lines of NAME=value (also: env-no-export)
    #[value(alias = "env-no-export")]
    Dotenv,
    /// The output of a credential_process
    Process,
    /// The dump that direnv_load reads
    Direnv,
}

/// Clap's error, made safe to show: the arguments that it quotes are escaped, and a code or a part of one
/// (`aws-mfa 123 456`, without the verb) is masked.
///
/// This parses the arguments again, escaped and masked, so that the rest of the message stays as it is.
pub fn safe_to_show(error: clap::Error, line: &[OsString]) -> clap::Error {
    let mut arguments = line.iter().map(|argument| argument.to_string_lossy());
    let program = arguments.next().map(Cow::into_owned);
    let masked = arguments.map(|argument| escape(&mask_digits(&argument)).into_owned());
    let arguments: Vec<String> = program.into_iter().chain(masked).collect();
    match Cli::try_parse_from(&arguments) {
        Err(again) if again.kind() == error.kind() => without_bad_tips(again),
        _ => Cli::command().error(error.kind(), "invalid arguments"),
    }
}

/// The same error of clap without a tip that would not help.
fn without_bad_tips(mut error: clap::Error) -> clap::Error {
    let has = |kind, part| matches!(error.get(kind), Some(it) if it.to_string().contains(part));
    // For `--code 123456`, `--code-command` is similar, and would run the digits.
    if has(ContextKind::SuggestedArg, "command") && !has(ContextKind::InvalidArg, "com") {
        error.remove(ContextKind::SuggestedArg);
    }
    // «to pass '-x' as a value, use '-- -x'» is never what the user means.
    if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        tips.retain(|tip| !tip.to_string().contains(" as a value, "));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// The paths of the commands and options without a description.
    fn undescribed(command: &clap::Command, path: &str) -> Vec<String> {
        let path = format!("{path} {}", command.get_name());
        let arguments = command
            .get_arguments()
            .filter(|argument| {
                argument
                    .get_help()
                    .is_none_or(|help| help.to_string().is_empty())
            })
            .map(|argument| format!("{path} {}", argument.get_id()));
        let own = command
            .get_about()
            .is_none_or(|about| about.to_string().is_empty())
            .then(|| path.clone());
        own.into_iter()
            .chain(arguments)
            .chain(
                command
                    .get_subcommands()
                    .flat_map(|command| undescribed(command, &path)),
            )
            .collect()
    }

    #[test]
    fn every_command_and_argument_has_a_description() {
        let mut cli = Cli::command();
        // The root help builds nothing but the root.
        for command in cli.get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
        let about = |cli: &clap::Command| -> Vec<String> {
            let commands = cli
                .get_subcommands()
                .filter(|command| command.get_name() != "help");
            commands
                .map(|command| command.get_about().unwrap_or_default().to_string())
                .collect()
        };
        let before = about(&cli);
        cli.build();
        assert_eq!(about(&cli), before);
        assert_eq!(undescribed(&cli, ""), Vec::<String>::new());
    }
}
