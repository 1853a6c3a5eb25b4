//! Where a key is kept, and how another is stored there.

use crate::account::keys::MasterKeys;
use crate::account::session_directory;
use crate::aws_files::KeysFile;
use crate::environment::{Environment, search};
use crate::error::Failure;
use crate::escape::quote;
use crate::file_name::FileNames;
use crate::invocation;
use crate::session::replacement::Replacement;
use crate::user_command;
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::time::Duration;

/// How long a store command may take: the time to unlock a password manager.
const LIMIT: Duration = Duration::from_secs(60);

/// A place that stores a key.
pub enum Place {
    /// A profile's section in a file of `~/.aws`.
    Profile(KeysFile),
    /// A file with the JSON of `credential_process`.
    File(PathBuf),
    /// A command line that gets that JSON on standard input.
    Command(String),
    /// The keychain of macOS: these options of `security` name the entry, each with a space after it.
    Keychain(String),
}

/// The `credential_process` that reads a key from a store of `--to`.
///
/// # Errors
/// There is no such store, or its name cannot be used.
pub fn credential_process(
    store: &str,
    profile: &str,
    environment: &Environment,
) -> Result<String, Failure> {
    let (kind, name) = store.split_once(':').unwrap_or((store, ""));
    let own = |default: &str| word(if name.is_empty() { default } else { name });
    let line = match kind {
        "file" if !cfg!(windows) => file_line(name, profile, environment)?,
        "pass" => format!("pass show {}", own(&format!("aws/{profile}"))),
        "secret-service" => format!("secret-tool lookup aws-mfa {}", own(profile)),
        "keychain" => {
            let name = own(profile);
            format!("security find-generic-password -a {name} -s aws-mfa -w")
        }
        _ => String::new(),
    };
    let unusable = || {
        Failure::usage(format!("--to cannot use {}", quote(store))).hint(
            "the stores are file[:PATH], pass[:NAME], secret-service[:NAME] and keychain[:NAME]; a name may have \
             letters, digits, spaces and . _ - / +",
        )
    };
    let place = Place::of(&line, profile, environment);
    place.map(|_| line).ok_or_else(unusable)
}

/// Checks that the program of a store of `--to`, whose `credential_process` this is, is installed.
///
/// # Errors
/// It is not. The hint says what to install, or names the command that moves the key elsewhere.
pub fn check_program(line: &str, profile: &str, environment: &Environment) -> Result<(), Failure> {
    let program = line.split(' ').next().unwrap_or_default();
    if search::find(program.as_ref(), environment).is_some() {
        return Ok(());
    }
    let remedy = match program {
        "secret-tool" => "install it (package libsecret-tools or libsecret), or",
        "security" => "as only macOS has it,",
        _ => "install it, or",
    };
    let other = invocation::move_command(profile);
    let message = format!("the store needs `{program}`, which is not installed");
    Err(Failure::setup(message).hint(format!("{remedy} choose another store: `{other}`")))
}

/// The stores of `--to` that can be used here.
pub fn stores(environment: &Environment) -> Vec<&'static str> {
    let is_here = |store: &&str| {
        let line = credential_process(store, "work", environment);
        line.is_ok_and(|line| check_program(&line, "work", environment).is_ok())
    };
    let all = ["file", "pass", "secret-service", "keychain"].into_iter();
    all.filter(is_here).collect()
}

fn file_line(path: &str, profile: &str, environment: &Environment) -> Result<String, Failure> {
    let path = match path {
        "" => {
            let name = format!("{}-key.json", FileNames::HERE.encode(profile));
            session_directory(environment)?.map(|directory| directory.join(name))
        }
        path => environment.expand_home(path.as_ref())?,
    };
    let path = std::path::absolute(path.unwrap_or_default()).unwrap_or_default();
    // As people write it. Quotes would keep the shell from expanding it.
    let home = environment.home()?.unwrap_or_default();
    let below_home = path.strip_prefix(home).ok().and_then(|rest| rest.to_str());
    Ok(match below_home.filter(|rest| word(rest) == *rest) {
        Some(rest) => format!("cat ~/{rest}"),
        None => format!("cat {}", word(&path.to_string_lossy())),
    })
}

fn word(text: &str) -> String {
    shlex::try_quote(text).unwrap_or_default().into_owned()
}

/// The words of a command line that the shell only splits; `None` if it does more.
fn words(line: &str) -> Option<Vec<String>> {
    let acts = |c: char| "|&;<>()$`\\*?[]#!{}".contains(c) || c.is_control();
    match line.contains(acts) || line.contains('~') && line.contains(['\'', '"']) {
        true => None,
        false => shlex::split(line),
    }
}

impl Place {
    /// The place where this `credential_process` reads the key of `profile`; `None` if that cannot be told.
    pub fn of(line: &str, profile: &str, environment: &Environment) -> Option<Self> {
        let words = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.iter().skip(2).any(|word| word.is_empty()) {
            return None;
        }
        Some(match words.as_slice() {
            ["cat", path] if !path.starts_with('-') => {
                Place::File(environment.expand_home(path.as_ref()).ok()??)
            }
            ["pass", "show", name] if !name.starts_with('-') => {
                Place::Command(format!("pass insert -m -f {}", word(name)))
            }
            ["secret-tool", "lookup", _, _, more @ ..] if more.len() % 2 == 0 => {
                let (_, attributes) = line.split_once(" lookup ")?;
                let label = word(&format!("AWS {profile}"));
                Place::Command(format!("secret-tool store --label {label} {attributes}"))
            }
            ["security", command, "-a", _, "-s", _, "-w"] if command.starts_with("find-gen") => {
                let (_, entry) = line.split_once(" find-generic-password ")?;
                Place::Keychain(entry.trim_end_matches("-w").to_owned())
            }
            _ => return None,
        })
    }

    /// Stores the key, whatever is there. A trial only checks that a key could be stored, as far as that can be told.
    ///
    /// # Errors
    /// The file cannot be edited or replaced, or the command fails.
    pub fn store(
        &self,
        keys: &MasterKeys,
        environment: &Environment,
        is_trial: bool,
    ) -> Result<(), Failure> {
        let pair = [&keys.access_key_id, keys.secret_access_key.expose_secret()];
        let json = json(pair);
        let (line, input) = match self {
            Place::Profile(file) => return file.change(&KeysFile::pair(pair), is_trial),
            Place::File(path) => return Replacement::of_own(path, json.as_bytes(), is_trial),
            _ if is_trial => return Ok(()),
            Place::Command(line) => (line.as_str(), json),
            // On a command line, `ps` would show the secret. `security` prints what has a line's end in hexadecimal.
            Place::Keychain(entry) => {
                let hex = json.trim().bytes().map(|byte| format!("{byte:02x}"));
                let hex: String = hex.collect();
                let input = format!("add-generic-password -U {entry}-X {hex}\n");
                ("security -i", input)
            }
        };
        let stored = user_command::run_with_input(line, input.as_bytes(), environment, LIMIT);
        stored.map_err(|fault| {
            Failure::setup(format!("the store command {fault}"))
                .hint("it must read {\"Version\": 1, \"AccessKeyId\": …} from standard input")
        })
    }
}

/// The key as a `credential_process` prints it. JSON escapes no character of an id or a secret.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
fn json([id, secret]: [&str; 2]) -> String {
    format!("{{\"Version\":1,\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\"}}\n")
}
