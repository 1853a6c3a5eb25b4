//! The sentences that many tests meet, as the program says them: each is taken from its output, once, in a state that
//! raises it. So a new wording turns one test red, `messages::much_used_sentences_are_exactly_these`.

use super::fake_iam::FakeIam;
use super::fake_sts::{self, Behaviour, FakeSts, KEY_ID, WRONG_CODE};
use super::sandbox::{DEVICE, Outcome, Sandbox, in_an_hour};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Display;
use std::path::{MAIN_SEPARATOR, MAIN_SEPARATOR_STR, Path};
use std::sync::LazyLock;

/// `aws-mfa: <message>` and, on the next line, `hint: <hint>`.
fn message_and_hint(outcome: &Outcome) -> (String, String) {
    let (first, rest) = outcome.stderr.split_once('\n').unwrap_or_default();
    let line = |line: &str, label: &str| line.trim().trim_start_matches(label).to_owned();
    (line(first, "aws-mfa: "), line(rest, "hint: "))
}

/// What `aws-mfa` writes when it fails.
pub fn failure(message: &str, hint: &str) -> String {
    format!("aws-mfa: {message}\nhint: {hint}\n")
}

/// `said` with a name for the path, which varies.
fn naming(said: &str, path: &Path, name: &str) -> String {
    said.replace(&with_tilde(path.display()), name)
}

/// A path as messages show it: with `~` for the home directory, see [`Sandbox::home`].
pub fn with_tilde(path: impl Display) -> String {
    let path = path.to_string();
    let parts = path.split_once("aws-mfa-test-");
    let rest = parts.and_then(|(_, rest)| rest.split_once(MAIN_SEPARATOR)?.1.strip_prefix("home"));
    match rest.filter(|rest| rest.is_empty() || rest.starts_with(MAIN_SEPARATOR)) {
        // A part of a test's own path may have the other separator on Windows.
        Some(rest) => format!("~{}", rest.replace('/', MAIN_SEPARATOR_STR)),
        None => path,
    }
}

/// `said` with a name for what is between these two, which varies.
fn naming_between(said: &str, before: &str, after: &str, name: &str) -> String {
    let Some((start, rest)) = said.split_once(before) else {
        return said.to_owned();
    };
    match rest.rfind(after) {
        Some(end) => format!("{start}{before}{name}{}", &rest[end..]),
        None => said.to_owned(),
    }
}

/// What two sentences begin with, and what they end with.
fn frame(one: &str, other: &str) -> (String, String) {
    let alike = |(one, other): &(char, char)| one == other;
    let before = std::iter::zip(one.chars(), other.chars()).take_while(alike);
    let after = std::iter::zip(one.chars().rev(), other.chars().rev()).take_while(alike);
    let before = before.map(|(one, _)| one).collect();
    let after: Vec<char> = after.map(|(one, _)| one).collect();
    (before, after.into_iter().rev().collect())
}

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_mins(minutes)
}

/// `load` in this state of the session file, `{file}`.
fn load(prepare: impl FnOnce(&Sandbox)) -> (String, String) {
    let sandbox = Sandbox::without_session();
    prepare(&sandbox);
    let (message, hint) = message_and_hint(&sandbox.run(["load"]));
    (naming(&message, &sandbox.session_file(), "{file}"), hint)
}

/// What is on standard output after a `get` with these arguments, with `{name}`, up to the expiry.
fn got(prepare: impl FnOnce(&Sandbox), arguments: &[&str]) -> String {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    prepare(&sandbox);
    let shown = sandbox.run(arguments).stdout;
    let (said, _) = shown.split_once(" until ").unwrap_or_default();
    said.replace(KEY_ID, "{name}")
}

/// A failed `get` with this session file, `{file}`.
fn get_into(file: &str) -> (String, String) {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_SESSION_FILE", file);
    let (message, hint) = message_and_hint(&sandbox.run(["get", "111111"]));
    (message.replace(file, "{file}"), hint)
}

static NO_SESSION: LazyLock<(String, String)> = LazyLock::new(|| load(|_| {}));

/// There is no session file. One in the usual place is not named.
pub fn no_session_yet(file: impl Display) -> String {
    static ELSEWHERE: LazyLock<String> = LazyLock::new(|| elsewhere(|_| {}));
    in_place([&NO_SESSION.0, &ELSEWHERE], file)
}

/// `load` in this state of the session file, which has another name than usual: `{file}`.
fn elsewhere(prepare: impl FnOnce(&Path)) -> String {
    let mut sandbox = Sandbox::new();
    let file = sandbox.home().join("elsewhere");
    prepare(&file);
    sandbox.set("AWS_SESSION_FILE", &file);
    naming(&message_and_hint(&sandbox.run(["load"])).0, &file, "{file}")
}

/// What is said of this file: the first, unless it has another name than usual.
fn in_place([usual, elsewhere]: [&str; 2], file: impl Display) -> String {
    let file = with_tilde(file);
    let name = file.rsplit(MAIN_SEPARATOR).next().unwrap_or_default();
    match name.starts_with("session-") {
        true => usual.to_owned(),
        false => elsewhere.replace("{file}", &file),
    }
}

/// The hint without a session.
pub fn get_a_session() -> &'static str {
    &NO_SESSION.1
}

/// The hint to run another command.
pub fn run(command: &str) -> String {
    get_a_session().replace("aws-mfa get <code>", command)
}

/// `ago` is the time since then: `14m`.
pub fn session_expired(ago: &str, file: impl Display) -> String {
    static SAID: LazyLock<[String; 2]> = LazyLock::new(|| {
        let usual = load(|sandbox| drop(sandbox.write_session(minutes_ago(14)))).0;
        let session = fake_sts::session_json(minutes_ago(14));
        let elsewhere = elsewhere(|file| std::fs::write(file, session).unwrap());
        [usual, elsewhere].map(|said| said.replace("14m", "{ago}"))
    });
    in_place(SAID.each_ref().map(String::as_str), file).replace("{ago}", ago)
}

/// The session file is no session, because of this fault.
pub fn session_file_is_corrupt(fault: &str, file: impl Display) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let corrupt = |sandbox: &Sandbox| drop(sandbox.write(sandbox.session_file(), "{"));
        naming_between(&load(corrupt).0, ": ", " ({file}", "{fault}")
    });
    SAID.replace("{fault}", fault)
        .replace("{file}", &with_tilde(file))
}

/// Another user could have written the session file.
#[cfg(unix)]
pub fn session_file_rejected(reason: &str, file: impl Display) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let writable = |sandbox: &Sandbox| {
            super::sandbox::chmod(&sandbox.write_session(in_an_hour()), 0o602);
        };
        naming_between(&load(writable).0, ": ", " ({file}", "{reason}")
    });
    SAID.replace("{reason}", reason)
        .replace("{file}", &with_tilde(file))
}

/// The warning about a session file of this mode.
#[cfg(unix)]
pub fn others_can_read_the_session_file(mode: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let readable = |sandbox: &Sandbox| {
            super::sandbox::chmod(&sandbox.write_session(in_an_hour()), 0o640);
        };
        let (said, _) = load(readable);
        let (said, _) = said.split_once(": run ").unwrap_or_default();
        said.trim_start_matches("warning: ")
            .replace("0640", "{mode}")
    });
    SAID.replace("{mode}", mode)
}

/// The session file cannot be read.
#[cfg(unix)]
pub fn cannot_read_the_session_file(file: impl Display, reason: impl Display) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let sandbox = Sandbox::without_session();
        let file = sandbox.write("file", "").join("session");
        let outcome = sandbox.run([Path::new("load"), Path::new("--session-file"), &file]);
        let said = naming(&message_and_hint(&outcome).0, &file, "{file}");
        naming_between(&said, "{file}: ", "", "{reason}")
    });
    SAID.replace("{file}", &with_tilde(file))
        .replace("{reason}", &reason.to_string())
}

/// No name of a file.
const NO_NAME: &str = if cfg!(windows) { "NUL" } else { "directory/" };

static NOT_SAVED: LazyLock<(String, String)> = LazyLock::new(|| get_into(NO_NAME));

/// The session cannot be saved.
pub fn cannot_save_the_session(file: impl Display, reason: impl Display) -> String {
    static SAID: LazyLock<String> =
        LazyLock::new(|| naming_between(&NOT_SAVED.0, "{file}: ", "", "{reason}"));
    SAID.replace("{file}", &with_tilde(file))
        .replace("{reason}", &reason.to_string())
}

/// The hint where the session cannot be in this file.
pub fn choose_another_file() -> &'static str {
    &NOT_SAVED.1
}

/// No file can be created in the directory. Part of [`cannot_save_the_session`].
#[cfg(unix)]
pub fn cannot_write_to_the_directory(directory: impl Display, reason: impl Display) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let sandbox = Sandbox::new();
        let directory = sandbox.write("file", "");
        let (said, _) = get_into(directory.join("session").to_str().unwrap());
        let (_, said) = said.split_once("{file}: ").unwrap_or_default();
        let said = said.replace(&directory.display().to_string(), "{directory}");
        naming_between(&said, "{directory}: ", "", "{reason}")
    });
    SAID.replace("{directory}", &with_tilde(directory))
        .replace("{reason}", &reason.to_string())
}

/// The beginning of what `get` says of the new session of the profile or key; until when follows.
pub fn session_is_valid(name: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| got(|_| {}, &["get", "111111"]));
    SAID.replace("{name}", name)
}

/// The beginning of what `get --unless-valid` says of a session that it keeps; until when follows.
pub fn session_is_still_valid(name: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let valid = |sandbox: &Sandbox| drop(sandbox.write_session(in_an_hour()));
        got(valid, &["get", "--unless-valid"])
    });
    SAID.replace("{name}", name)
}

/// The hint after a rejected code, with `N` for the seconds, see [`Outcome::without_wait`].
pub fn wait_for_the_next_code(command: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let sts = FakeSts::start();
        let mut outcome = Sandbox::with_user(&sts).run(["get", WRONG_CODE]);
        outcome.stderr = outcome.without_wait();
        let (_, hint) = outcome.stderr.split_once("hint: ").unwrap_or_default();
        hint.trim().replace("aws-mfa get <code>", "{command}")
    });
    SAID.replace("{command}", command)
}

/// `get` has found this device through IAM.
pub fn found_the_device(device: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let sts = FakeSts::start();
        sts.set_iam(FakeIam {
            devices: vec![DEVICE.to_owned()],
            ..FakeIam::default()
        });
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox
            .unset("AWS_MFA_ARN")
            .set("AWS_ENDPOINT_URL_IAM", sts.url());
        let (said, _) = message_and_hint(&sandbox.run(["get", "111111"]));
        said.replace(DEVICE, "{device}")
    });
    SAID.replace("{device}", device)
}

/// Neither file in `~/.aws` has the profile.
pub fn there_is_no_profile(name: &str, home: &Path) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let sandbox = Sandbox::new();
        let (said, _) = message_and_hint(&sandbox.run(["get", "-p", "nobody", "111111"]));
        naming(&said, &sandbox.home(), "{home}").replace("nobody", "{name}")
    });
    SAID.replace("{home}", &with_tilde(home.display()))
        .replace("{name}", name)
}

/// No duration.
pub fn invalid_duration(text: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let sts = FakeSts::start();
        let outcome = Sandbox::with_user(&sts).run(["get", "-d", "never", "111111"]);
        message_and_hint(&outcome).0.replace("never", "{text}")
    });
    SAID.replace("{text}", text)
}

/// `exec` finds no such program.
pub fn command_not_found(program: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let outcome = Sandbox::with_session().run(["exec", "no-such-program"]);
        message_and_hint(&outcome)
            .0
            .replace("no-such-program", "{program}")
    });
    SAID.replace("{program}", program)
}

/// `doctor`'s message for a check, of a user with this change.
#[cfg(unix)]
fn finding(check: &str, change: impl FnOnce(&mut Sandbox)) -> String {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_ENDPOINT_URL_IAM", sts.url());
    change(&mut sandbox);
    let report = sandbox.run(["doctor", "--json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let of_check = |finding: &&serde_json::Value| finding["check"] == check;
    let found = findings.iter().find(of_check).unwrap();
    found["message"].as_str().unwrap().to_owned()
}

/// This machine's clock, for `doctor`.
#[cfg(unix)]
pub fn clock_is_right() -> &'static str {
    static SAID: LazyLock<String> = LazyLock::new(|| finding("clock", |_| {}));
    &SAID
}

/// Why `doctor` skips a check that is about the owner of the keys.
#[cfg(unix)]
pub fn the_user_is_unknown() -> &'static str {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        finding("device", |sandbox| {
            sandbox.set("MASTER_AWS_SECRET_ACCESS_KEY", "x");
        })
    });
    &SAID
}

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

static NOT_CONNECTED: LazyLock<(String, String)> = LazyLock::new(|| {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_ENDPOINT_URL_STS", NOWHERE);
    message_and_hint(&sandbox.run(["get", "111111"]))
});

/// Nothing listens at the endpoint or proxy.
pub fn connection_refused(by: impl Display) -> String {
    NOT_CONNECTED.0.replace(NOWHERE, &by.to_string())
}

/// The hint where the code was not sent.
pub fn the_code_is_still_valid() -> &'static str {
    // After «check AWS_ENDPOINT_URL_STS; », if there is such a hint.
    let hint = &NOT_CONNECTED.1;
    hint.rsplit_once("; ").map_or(hint, |(_, hint)| hint)
}

/// A failed `get` where STS behaves like this, with `{url}`.
fn get_from(behaviour: Behaviour) -> String {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sts.behave(behaviour);
    let (message, _) = message_and_hint(&sandbox.run(["get", "111111"]));
    message.replace(&sts.url(), "{url}")
}

/// The connection broke; and what is then said of the code, as after any fault.
static IN_DOUBT: LazyLock<(String, String)> = LazyLock::new(|| {
    let one = get_from(Behaviour::Close);
    let other = get_from(Behaviour::Answer {
        status: 500,
        body: String::new(),
    });
    let (_, doubt) = frame(&one, &other);
    (one.trim_end_matches(&doubt).to_owned(), doubt)
});

/// The endpoint closed the connection.
pub fn the_connection_broke(url: impl Display) -> String {
    IN_DOUBT.0.replace("{url}", &url.to_string())
}

/// This happened after the code was sent.
pub fn the_code_may_be_used_up(message: impl Display) -> String {
    format!("{message}{}", IN_DOUBT.1)
}

/// `clear` has removed the session of this profile or key.
pub fn removed_the_session(name: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let said = Sandbox::with_session().run(["clear"]).stdout;
        said.trim().replace(KEY_ID, "{name}")
    });
    SAID.replace("{name}", name)
}

/// `load` with this variable of direnv, `{path}`: a path below the home directory.
fn load_into(path: &str) -> (String, String) {
    let mut sandbox = Sandbox::with_session();
    let path = sandbox.home().join(path);
    sandbox.set("DIRENV_DUMP_FILE_PATH", &path);
    let (message, hint) = message_and_hint(&sandbox.run(["load"]));
    (naming(&message, &path, "{path}"), hint)
}

static NO_DUMP: LazyLock<(String, String)> = LazyLock::new(|| load_into("no-such-file"));

/// A variable of direnv leads `load` to something like this.
pub fn dump_path_points_to(what: &str, path: impl Display) -> String {
    static SAID: LazyLock<(String, String)> =
        LazyLock::new(|| frame(&NO_DUMP.0, &load_into(".config").0));
    let (before, after) = &*SAID;
    format!(
        "{before}{what}{}",
        after.replace("{path}", &with_tilde(path))
    )
}

/// The hint after [`dump_path_points_to`].
pub fn outside_direnv_load() -> &'static str {
    &NO_DUMP.1
}

/// `rotate` has replaced a key.
#[cfg(unix)]
pub fn replaced_the_access_key(old: &str, new: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let aws = FakeSts::start();
        let sandbox = Sandbox::with_profile(&aws);
        sandbox.get("123456");
        let said = sandbox.run(["rotate"]).stdout;
        let said = said.lines().next().unwrap_or_default();
        let keys = aws.iam().keys;
        said.replace(&keys[0].id, "{old}")
            .replace(&keys[1].id, "{new}")
    });
    SAID.replace("{old}", old).replace("{new}", new)
}

/// AWS no longer accepts the session with this id.
pub fn aws_rejected_the_session(id: &str) -> String {
    static SAID: LazyLock<String> = LazyLock::new(|| {
        let aws = FakeSts::start();
        let sandbox = Sandbox::with_profile(&aws);
        sandbox.get("123456");
        aws.set_clock(SignedDuration::from_hours(13));
        let (said, _) = message_and_hint(&sandbox.run(["rotate"]));
        said.replace("ASIASESSION000000001", "{id}")
    });
    SAID.replace("{id}", id)
}
