//! A user's machine in a temporary directory: an empty home, only the variables that are set here,
//! and the built binary.

use super::deadline::{InTime, Watch};
use super::fake_sts::{self, FakeSts};
use super::leaks::Leaks;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::Write;
#[cfg(target_os = "linux")]
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;

/// The ARN of the sandbox's MFA device.
pub const DEVICE: &str = "arn:aws:iam::123456789012:mfa/igor";

/// A proxy that does not exist. AWS's own endpoints use HTTPS, so no test reaches them by mistake. A test whose server on
/// loopback uses TLS unsets `HTTPS_PROXY`.
const NOWHERE: &str = "http://127.0.0.1:1";

pub struct Sandbox {
    directory: tempfile::TempDir,
    variables: BTreeMap<OsString, OsString>,
    /// The STS that knows the codes it was sent.
    sts: Option<FakeSts>,
    /// Files that the test has written, where a secret is no leak.
    written: Mutex<BTreeSet<PathBuf>>,
    _watch: Watch,
}

/// The result of a command.
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// An empty home, and only the variables that every shell sets.
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        bring_loopback_up();
        let directory = tempfile::Builder::new()
            .prefix("aws-mfa-test-")
            .tempdir()
            .unwrap();
        let home = real(directory.path()).join("home");
        let temporary = home.with_file_name("tmp");
        std::fs::create_dir(&home).unwrap();
        std::fs::create_dir(&temporary).unwrap();
        let mut sandbox = Sandbox {
            directory,
            variables: BTreeMap::new(),
            sts: None,
            written: Mutex::default(),
            _watch: Watch::start(),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let binary = binary();
        let first = binary.parent().unwrap().to_owned();
        let with_binary =
            std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&path)))
                .unwrap();
        sandbox
            .set("HOME", home)
            .set("TMPDIR", temporary)
            .set("PATH", with_binary)
            // Neither may reveal secrets.
            .set("RUST_LOG", "trace")
            .set("RUST_BACKTRACE", "full")
            .set("HTTPS_PROXY", NOWHERE)
            .set("TZ", "UTC")
            .set("LC_ALL", "C.UTF-8");
        if cfg!(windows) {
            // Where the session files are on Unix.
            let config = sandbox.home().join(".config");
            sandbox.set("APPDATA", config);
            for name in ["SystemRoot", "TEMP"] {
                if let Some(value) = std::env::var_os(name) {
                    sandbox.set(name, value);
                }
            }
        }
        sandbox
    }

    /// A user with a complete set-up, and with `sts` as AWS.
    pub fn with_user(sts: &FakeSts) -> Self {
        let mut sandbox = Sandbox::new();
        let session_file = sandbox.session_file();
        sandbox
            .set("MASTER_AWS_ACCESS_KEY_ID", fake_sts::KEY_ID)
            .set("MASTER_AWS_SECRET_ACCESS_KEY", fake_sts::SECRET)
            .set("AWS_MFA_ARN", DEVICE)
            .set("AWS_SESSION_FILE", session_file)
            .set("AWS_ENDPOINT_URL_STS", sts.url());
        if sts.url().starts_with("https://") {
            sandbox.unset("HTTPS_PROXY");
        }
        sandbox.sts = Some(sts.clone());
        sandbox
    }

    /// A user whose keys are in the profile `work`, with `sts` for IAM too.
    pub fn with_profile(sts: &FakeSts) -> Self {
        let mut sandbox = Sandbox::with_user(sts);
        for name in [
            "MASTER_AWS_ACCESS_KEY_ID",
            "MASTER_AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_FILE",
        ] {
            sandbox.unset(name);
        }
        sandbox
            .set("AWS_MFA_PROFILE", "work")
            .set("AWS_ENDPOINT_URL_IAM", sts.url());
        sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
        sandbox
    }

    /// The same with the keys in a file that `credential_process` prints.
    pub fn with_store(sts: &FakeSts) -> Self {
        let sandbox = Sandbox::with_profile(sts);
        std::fs::remove_file(sandbox.home().join(".aws/credentials")).unwrap();
        sandbox.write(
            ".aws/config",
            "[profile work]\ncredential_process = cat store\n",
        );
        sandbox.write("store", process_json());
        sandbox
    }

    /// A user without keys, whose session file is configured but missing.
    pub fn without_session() -> Self {
        let mut sandbox = Sandbox::new();
        let session_file = sandbox.session_file();
        sandbox.set("AWS_SESSION_FILE", session_file);
        sandbox
    }

    /// A user without keys, whose session is valid for another hour.
    pub fn with_session() -> Self {
        let sandbox = Sandbox::without_session();
        sandbox.write_session(in_an_hour());
        sandbox
    }

    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.variables
            .insert(name.into(), value.as_ref().to_owned());
        self
    }

    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    pub fn home(&self) -> PathBuf {
        real(self.directory.path()).join("home")
    }

    /// The README's session file.
    pub fn session_file(&self) -> PathBuf {
        self.home()
            .join(".config")
            .join("aws")
            .join(format!("session-{}", fake_sts::KEY_ID))
    }

    /// The contents of the session file.
    pub fn saved_session(&self) -> Value {
        read_json(&self.session_file())
    }

    /// Writes a file below the home directory, and creates its directories.
    pub fn write(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        // On Windows with one kind of separator, as messages have it.
        let path: PathBuf = self.home().join(path).components().collect();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = std::fs::File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .unwrap()
            .write_all(contents.as_ref())
            .unwrap();
        self.written.lock().unwrap().insert(path.clone());
        path
    }

    /// Replaces the session file atomically with a session that expires at `expiration`: a shell may read it at any time.
    pub fn write_session(&self, expiration: Timestamp) -> PathBuf {
        let file = self.session_file();
        let new = self.write(
            self.home().join("session.new"),
            fake_sts::session_json(expiration),
        );
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::rename(&new, &file).unwrap();
        let mut written = self.written.lock().unwrap();
        written.remove(&new);
        written.insert(file.clone());
        file
    }

    /// Time passes: the saved session expired three minutes ago. The file keeps its modification time, so that direnv
    /// sees no change.
    pub fn expire_session(&self) {
        let file = self.session_file();
        let modified = file.metadata().unwrap().modified().unwrap();
        self.write_session(Timestamp::now() - SignedDuration::from_mins(3));
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_modified(modified).unwrap();
    }

    /// A directory with this `.envrc`, allowed in direnv.
    pub fn project(&self, direnv: &Path, envrc: &str) -> PathBuf {
        let envrc = self.write("project/.envrc", envrc);
        let project = envrc.parent().unwrap().to_owned();
        let mut allow = self.command(direnv);
        Outcome::of(allow.arg("allow").current_dir(&project)).succeeded();
        project
    }

    /// A program in the sandbox's `bin`. Only that and `aws-mfa` are then in `PATH`.
    #[cfg(unix)]
    pub fn add_program(&mut self, name: &str, script: &str) -> &mut Self {
        let file = self.write(format!("bin/{name}"), script);
        chmod(&file, 0o700);
        let path = [file.parent().unwrap(), binary().parent().unwrap()].map(Path::to_owned);
        self.set("PATH", std::env::join_paths(path).unwrap())
    }

    /// A command for this sandbox.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Runs `aws-mfa` and checks for leaked secrets.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.run_with(self.command(binary()).args(arguments))
    }

    /// Gets a session with this code, without a warning.
    #[track_caller]
    pub fn get(&self, code: &str) {
        self.run(["get", code]).succeeded();
    }

    /// Runs a command of this sandbox, with the same check.
    #[track_caller]
    pub fn run_with(&self, command: &mut Command) -> Outcome {
        let outcome = Outcome::of(command);
        let leaks = self.leaks(command).of(&outcome);
        assert!(leaks.is_empty(), "{leaks:#?}");
        outcome
    }

    /// The check for secrets that `command` must not leak.
    pub fn leaks(&self, command: &Command) -> Leaks {
        let arguments: Vec<String> = command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let mut leaks = Leaks::new(&arguments);
        for request in self.sts.iter().flat_map(FakeSts::requests) {
            if let Some(code) = request.form.get("TokenCode") {
                leaks.add_code(code);
            }
        }
        leaks.add_files(&real(self.directory.path()), &self.written.lock().unwrap());
        leaks
    }

    /// The names of the files with credentials of roles.
    pub fn role_names(&self) -> Vec<String> {
        let mut names = self.session_directory();
        names.retain(|name| name.starts_with("role-"));
        names
    }

    /// The file of the credentials of the role called `name`. There is one, which ends in a digest.
    #[track_caller]
    pub fn role_file(&self, name: &str) -> PathBuf {
        let mut files = self.role_names();
        files.retain(|file| file.contains(&format!("-{name}-")));
        assert_eq!(files.len(), 1, "{files:?}");
        self.session_file().with_file_name(&files[0])
    }

    /// Time passes: the role's credentials in this file end in ten minutes.
    pub fn make_due(&self, file: &Path) {
        self.make_end_in(file, SignedDuration::from_mins(10));
    }

    /// Time passes: the credentials in this file end in this time. The file keeps its modification time, so that direnv sees
    /// no change.
    pub fn make_end_in(&self, file: &Path, left: SignedDuration) {
        let mut saved = read_json(file);
        let modified = file.metadata().unwrap().modified().unwrap();
        let end = Timestamp::now() + left;
        saved["Credentials"]["Expiration"] = format!("{end:.0}").into();
        let new = self.write(self.home().join("role.new"), saved.to_string());
        let options = std::fs::File::options().write(true).open(&new);
        options.unwrap().set_modified(modified).unwrap();
        std::fs::rename(new, file).unwrap();
        self.written.lock().unwrap().insert(file.to_owned());
    }

    /// The names in the session file's directory, including leftovers.
    pub fn session_directory(&self) -> Vec<String> {
        let file = self.session_file();
        let mut names: Vec<String> = std::fs::read_dir(file.parent().unwrap())
            .map(|entries| {
                entries
                    .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                    .collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Outcome {
            // A signal has no status, and no command here should be killed by one.
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Outcome {
    /// Runs `command` to its end.
    pub fn of(command: &mut Command) -> Self {
        Outcome::from(command.output_in_time())
    }

    /// Checks that the command succeeded with nothing on standard error, and returns its output.
    #[track_caller]
    pub fn succeeded(&self) -> &str {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""));
        &self.stdout
    }

    /// Checks that the command failed with this status and no output, and returns its error.
    #[track_caller]
    pub fn failed(&self, status: i32) -> &str {
        assert_eq!((self.status, self.stdout.as_str()), (status, ""));
        &self.stderr
    }

    /// Standard error, with `N` for the seconds until the next code, which are checked here.
    #[track_caller]
    pub fn without_wait(&self) -> String {
        let seconds = self.stderr.split_once(" s), ").map(|(before, after)| {
            let (before, seconds) = before.rsplit_once('(').unwrap();
            (before, seconds.parse::<u32>().unwrap(), after)
        });
        let Some((before, seconds, after)) = seconds else {
            return self.stderr.clone();
        };
        assert!((1..=30).contains(&seconds), "{seconds}");
        format!("{before}(N s), {after}")
    }

    /// Checks the complete result exactly.
    #[track_caller]
    pub fn is(&self, status: i32, stdout: &str, stderr: &str) {
        assert_eq!(
            (self.status, self.stdout.as_str(), self.stderr.as_str()),
            (status, stdout, stderr),
        );
    }
}

/// The directory as messages name it: where the temporary directory is a symlink (macOS), what it leads to; on Windows
/// without the `\\?\` that cmd cannot work in.
fn real(directory: &Path) -> PathBuf {
    let path = directory.canonicalize().unwrap();
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(text) => text.into(),
        None => path,
    }
}

/// In a new network namespace, where some systems build and test packages, loopback is down.
#[cfg(target_os = "linux")]
fn bring_loopback_up() {
    static UP: OnceLock<()> = OnceLock::new();
    UP.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let is_up = || TcpStream::connect(listener.local_addr().unwrap()).is_ok();
        if !is_up() {
            let mut programs = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"].iter();
            if let Some(ip) = programs.find(|ip| Path::new(ip).exists()) {
                Command::new(ip)
                    .args(["link", "set", "lo", "up"])
                    .status_in_time();
            }
        }
        assert!(is_up(), "loopback is down: run `ip link set lo up` as root");
    });
}

/// The expiry of a session that is valid for another hour.
pub fn in_an_hour() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(1)
}

/// The user's keys, as lines of a profile.
pub fn profile_keys() -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        fake_sts::KEY_ID,
        fake_sts::SECRET
    )
}

/// The user's keys, as a `credential_process` prints them.
pub fn process_json() -> String {
    format!(
        "{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"}}\n",
        fake_sts::KEY_ID,
        fake_sts::SECRET
    )
}

/// A JSON file, such as a session.
pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The permission bits of a file or directory.
#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Sets who may do what with the file or directory.
#[cfg(unix)]
pub fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The C library's words for an error, as messages show them: glibc and musl differ.
#[cfg(unix)]
pub fn words_for(error: rustix::io::Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    let (words, _) = text.split_once(" (os error").unwrap();
    words.to_lowercase()
}

/// The binary under test: the one in `AWS_MFA_BINARY`, such as a release, or the built one. Cargo passes its path to tests;
/// for an example, it is two directories up.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("AWS_MFA_BINARY") {
        return std::path::absolute(path).unwrap();
    }
    match option_env!("CARGO_BIN_EXE_aws-mfa") {
        // With `--target-dir ../target`, cargo's path has `..`.
        Some(path) => real(Path::new(path)),
        None => {
            let example = std::env::current_exe().unwrap();
            let profile = example.parent().and_then(Path::parent).unwrap();
            profile.join(format!("aws-mfa{}", std::env::consts::EXE_SUFFIX))
        }
    }
}
