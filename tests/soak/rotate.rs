//! `rotate` killed at any moment, and met by every fault of AWS's: a key that works is saved or in the journal, and the
//! next `rotate` ends what this one began.

use super::deadline::{InTime, wait_until};
use super::fake_iam::FakeKey;
use super::fake_sts::{Behaviour, FakeSts, SECRET, SECRET_WORD, error_xml};
use super::sandbox::{Outcome, Sandbox, binary, mode};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Instant;

/// A user with a session, whose key is in `~/.aws/credentials` or behind a store command.
struct User {
    aws: FakeSts,
    sandbox: Sandbox,
    arguments: Vec<&'static str>,
    /// Where the key is saved.
    place: PathBuf,
}

impl User {
    fn of_file() -> Self {
        let aws = FakeSts::start();
        let sandbox = Sandbox::with_profile(&aws);
        sandbox.get("999999");
        // One that is named by the key, as an .envrc may have it.
        let file = sandbox.session_file();
        std::fs::copy(file.with_file_name("session-work"), file).unwrap();
        User {
            place: sandbox.home().join(".aws/credentials"),
            aws,
            sandbox,
            arguments: vec!["rotate"],
        }
    }

    fn of_command() -> Self {
        let aws = FakeSts::start();
        let sandbox = Sandbox::with_store(&aws);
        sandbox.get("999999");
        User {
            place: sandbox.home().join("store"),
            aws,
            sandbox,
            arguments: vec![
                "rotate",
                "--store-command",
                "umask 077; cat > store.new && mv store.new store",
            ],
        }
    }

    fn start(&self) -> Child {
        self.sandbox
            .command(binary())
            .args(&self.arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Kills it, and checks what it has left.
    #[track_caller]
    fn kill(&self, mut rotate: Child) {
        rotate.kill().unwrap();
        let outcome = Outcome::from(rotate.output_in_time());
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(
                !text.contains(SECRET_WORD) && !text.contains(SECRET),
                "{text}"
            );
        }
        self.check();
    }

    fn journal(&self) -> PathBuf {
        let file = self.sandbox.session_file();
        file.with_file_name("rotation-123456789012-igor")
    }

    /// A key that works is saved, or in the journal; and there are two at most.
    #[track_caller]
    fn check(&self) {
        let keys = self.aws.iam().keys;
        assert!(keys.len() <= 2, "{keys:?}");
        let saved = std::fs::read_to_string(&self.place).unwrap();
        let journal = std::fs::read_to_string(self.journal()).unwrap_or_default();
        let is_in =
            |key: &FakeKey, text: &str| text.contains(&key.id) && text.contains(&key.secret);
        let works = |key: &FakeKey| key.is_active && (is_in(key, &saved) || is_in(key, &journal));
        assert!(keys.iter().any(works), "{keys:?}\n{saved}\n{journal}");
        assert_eq!(mode(&self.place), 0o600);
        let sessions = self.sandbox.session_directory();
        assert!(sessions.iter().any(|name| name == "session-work"));
        if self.place.ends_with("credentials") {
            let is_named_by_key = |name: &String| name.starts_with("session-AKIA");
            assert!(sessions.iter().any(is_named_by_key), "{sessions:?}");
        }
        if !journal.is_empty() {
            assert_eq!(mode(&self.journal()), 0o600);
        }
    }

    /// Rotates until it succeeds, which takes one more time if the secret of a new key was lost. Each run is checked
    /// for secrets on the screen and in files that were left.
    #[track_caller]
    fn finish(&self) {
        let before = self.saved_id();
        let mut outcome = self.sandbox.run(&self.arguments);
        if outcome.status != 0 {
            let (_, delete) = outcome
                .stderr
                .split_once(" --delete ")
                .expect(&outcome.stderr);
            let (lost, _) = delete.split_once('`').unwrap();
            assert_ne!(lost, before);
            let deleted = self
                .sandbox
                .run(self.arguments.iter().chain(&["--delete", lost]));
            assert_eq!(deleted.status, 0, "{}", deleted.stderr);
            self.check();
            outcome = self.sandbox.run(&self.arguments);
        }
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        self.check();
        let keys = self.aws.iam().keys;
        let saved = self.saved_id();
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|key| key.is_active == (key.id == saved)));
        let journal = std::fs::read_to_string(self.journal()).unwrap();
        assert!(journal.contains("\nstep retired\n"), "{journal}");
        let mut sessions = self.sandbox.session_directory();
        sessions.retain(|name| name.starts_with("session-AKIA"));
        match self.place.ends_with("credentials") {
            true => assert_eq!(sessions, [format!("session-{}", self.saved_id())]),
            false => assert_eq!(sessions, [""; 0]),
        }
    }

    /// The id of the key that is saved.
    fn saved_id(&self) -> String {
        let saved = std::fs::read_to_string(&self.place).unwrap();
        let words = saved.split(|c: char| !c.is_ascii_alphanumeric());
        let mut ids = words.filter(|word| word.starts_with("AKIA"));
        ids.next().unwrap().to_owned()
    }
}

/// How many calls a rotation makes, the deletion of the key before included.
fn calls() -> usize {
    let user = User::of_file();
    user.finish();
    let before = user.aws.requests().len();
    user.finish();
    user.aws.requests().len() - before
}

#[test]
fn rotate_killed_at_each_call_is_ended_by_the_next() {
    let calls = calls();
    assert_eq!(calls, 13);
    for user in [User::of_file(), User::of_command()] {
        user.finish();
        for call in 0..calls {
            for is_done in [false, true] {
                let before = user.aws.requests().len();
                user.aws.behave_once(call, is_done, Behaviour::Silence);
                let rotate = user.start();
                wait_until("its call", || user.aws.requests().len() > before + call);
                user.kill(rotate);
                user.finish();
            }
        }
    }
}

#[test]
fn rotate_met_by_a_fault_at_each_call_is_ended_by_the_next() {
    let calls = calls();
    let answer = |status, body: &str| Behaviour::Answer {
        status,
        body: body.to_owned(),
    };
    let denied = error_xml("AccessDenied", "User: x is not authorized");
    let user = User::of_file();
    user.finish();
    for behaviour in [
        Behaviour::Close,
        Behaviour::Reset,
        Behaviour::HalfABody,
        answer(403, &denied),
        answer(500, &error_xml("ServiceFailure", "try again")),
        answer(503, ""),
        answer(200, "<html>Sign in</html>"),
        answer(200, ""),
    ] {
        for call in 0..calls {
            for is_done in [false, true] {
                user.aws.behave_once(call, is_done, behaviour.clone());
                let outcome = user.sandbox.run(&user.arguments);
                user.check();
                if outcome.status == 0 {
                    // It was asked again.
                    let last = outcome.stderr.lines().last().unwrap();
                    assert!(last.starts_with("aws-mfa: deactivated "), "{last}");
                }
                user.finish();
            }
        }
    }
}

/// The moments are spread over a little more than the time that a whole `rotate` takes.
#[test]
fn rotate_killed_at_240_moments_is_ended_by_the_next() {
    const MOMENTS: u32 = 240;
    const AT_ONCE: u32 = 4;
    let moments = |first: u32| {
        let user = match first % 2 {
            0 => User::of_file(),
            _ => User::of_command(),
        };
        let started = Instant::now();
        user.finish();
        let life = started.elapsed();
        let mut left = 0;
        for moment in (first..MOMENTS).step_by(AT_ONCE as usize) {
            let rotate = user.start();
            std::thread::sleep(life * 5 / 4 * moment / MOMENTS);
            user.kill(rotate);
            left += u32::from(user.journal().exists());
            user.finish();
        }
        left
    };
    let left: u32 = std::thread::scope(|scope| {
        let moments = &moments;
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|first| scope.spawn(move || moments(first)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    println!("{MOMENTS} kills: {left} times a journal was left");
    assert!(left > 0);
}

#[test]
fn concurrent_rotations_replace_one_key_after_the_other() {
    let user = User::of_file();
    let rotate = || {
        for _ in 0..5 {
            let outcome = Outcome::from(user.start().output_in_time());
            if outcome.status != 0 {
                assert_eq!(
                    (outcome.status, outcome.stderr.as_str()),
                    (1, "aws-mfa: another `aws-mfa rotate` is already running\n")
                );
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(rotate);
        }
    });
    user.check();
    user.finish();
    let created = user.aws.requests_for("CreateAccessKey").len();
    assert!(created >= 2);
    assert_eq!(user.aws.iam().number_created as usize, created);
}
