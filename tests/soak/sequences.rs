//! `rotate` in random sequences of mishaps: at every moment, a key that works is in its store or in the journal, and in the
//! end a plain run finishes.
//!
//! `AWS_MFA_SEQUENCES` says how many sequences; `AWS_MFA_SEED` repeats one.

use super::deadline::{InTime, wait_until};
use super::fake_iam::FakeKey;
use super::fake_sts::{Behaviour, FakeSts, error_xml};
use super::sandbox::{Outcome, Sandbox, binary};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many sequences run, and how many at once.
const SEQUENCES: u64 = 100;
const AT_ONCE: usize = 4;

/// The most steps of a sequence.
const STEPS: u64 = 9;

/// What a store command may do with the key on its standard input.
const STORES: [&str; 9] = [
    // As it should.
    "cat > store.new && mv store.new store",
    "cat > store.new && mv store.new store",
    // It cuts the secret, with success and without.
    "head -c 60 > store",
    "head -c 60 > store; exit 1",
    // It changes it.
    "sed 's/S3CR3T/S3CR3t/' > store",
    // It forgets it, or says that it does.
    "cat > /dev/null",
    "exit 1",
    // It stores it elsewhere.
    "cat > elsewhere",
    // It is late: the key is there only after the failure.
    "cat > late; exit 1",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len() as u64) as usize]
    }
}

/// Where the key is when a sequence begins, and which options replace it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// In `~/.aws/credentials`.
    File,
    /// Behind a store command.
    Command,
    /// In `~/.aws/credentials`, and it moves to a file of its own.
    Move,
    /// In the environment, and it moves to a profile.
    Environment,
}

struct Sequence {
    aws: FakeSts,
    sandbox: Sandbox,
    kind: Kind,
    random: Random,
    codes: u64,
    /// The last message that named commands.
    message: String,
    /// What has happened.
    story: Vec<String>,
    seed: u64,
}

impl Drop for Sequence {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("AWS_MFA_SEED={}:\n{}", self.seed, self.story.join("\n"));
        }
    }
}

impl Sequence {
    fn start(seed: u64) -> Self {
        let aws = FakeSts::start();
        let mut random = Random(seed);
        let kinds = [Kind::File, Kind::Command, Kind::Move, Kind::Environment];
        let kind = *random.one_of(&kinds);
        let mut sandbox = match kind {
            Kind::Command => Sandbox::with_store(&aws),
            Kind::File | Kind::Move => Sandbox::with_profile(&aws),
            Kind::Environment => Sandbox::with_user(&aws),
        };
        sandbox.set("AWS_ENDPOINT_URL_IAM", aws.url());
        sandbox.get("999999");
        if kind == Kind::Command {
            sandbox.write(
                ".aws/config",
                "[profile work]\ncredential_process = cat store\nmfa_store_process = sh ./keep\n",
            );
            sandbox.write("keep", STORES[0]);
            for name in ["late", "elsewhere", "store.new"] {
                sandbox.write(name, "");
            }
            std::fs::remove_file(sandbox.home().join("late")).unwrap();
        }
        // Where a move puts the key.
        sandbox.write(".config/aws/work-key.json", "");
        Sequence {
            aws,
            sandbox,
            kind,
            random,
            codes: 0,
            message: String::new(),
            story: Vec::new(),
            seed,
        }
    }

    fn arguments(&self) -> Vec<&'static str> {
        match self.kind {
            Kind::File | Kind::Command => vec!["rotate"],
            Kind::Move => vec!["rotate", "--to", "file"],
            Kind::Environment => vec!["rotate", "-p", "work", "--to", "file"],
        }
    }

    /// A text of the sandbox.
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.sandbox.home().join(name)).unwrap_or_default()
    }

    /// A key that works is in its store or in the journal.
    #[track_caller]
    fn check(&self) {
        let keys = self.aws.iam().keys;
        let mut places = vec![
            self.text(".aws/credentials"),
            self.text("store"),
            self.text(".config/aws/work-key.json"),
            self.text(".config/aws/rotation-123456789012-igor"),
        ];
        if self.kind == Kind::Environment {
            places.push(format!(
                "{} {}",
                super::fake_sts::KEY_ID,
                super::fake_sts::SECRET
            ));
        }
        let is_in =
            |key: &FakeKey, place: &String| place.contains(&key.id) && place.contains(&key.secret);
        let works = |key: &FakeKey| key.is_active && places.iter().any(|place| is_in(key, place));
        assert!(keys.iter().any(works), "lost: {keys:#?}\n{places:#?}");
        assert!(keys.len() <= 2, "{keys:?}");
    }

    /// What a late store command has not done yet.
    fn let_late_store_end(&self) {
        let home = self.sandbox.home();
        if home.join("late").exists() {
            std::fs::rename(home.join("late"), home.join("store")).unwrap();
        }
    }

    fn told(&mut self, what: &str, outcome: &Outcome) {
        self.story.push(format!(
            "{what}: {} {}{}",
            outcome.status, outcome.stdout, outcome.stderr
        ));
        if outcome.stderr.contains("hint: ") {
            self.message.clone_from(&outcome.stderr);
        }
        self.check();
        self.let_late_store_end();
        self.check();
    }

    fn run(&mut self, what: &str, arguments: &[&str]) -> Outcome {
        let outcome = self.sandbox.run(arguments);
        self.told(&format!("{what} {}", arguments.join(" ")), &outcome);
        outcome
    }

    fn spawn(&self) -> Child {
        self.sandbox
            .command(binary())
            .args(self.arguments())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// One of the commands that the last message names.
    fn follow(&mut self, place: Option<usize>) -> Option<Outcome> {
        let quoted = self.message.split('`').skip(1).step_by(2);
        let commands: Vec<String> = quoted
            .filter(|text| text.starts_with("aws-mfa rotate"))
            .map(str::to_owned)
            .collect();
        let command = match place {
            Some(place) => commands.get(place)?.clone(),
            None if commands.is_empty() => return None,
            None => self.random.one_of(&commands).clone(),
        };
        let outcome = self
            .sandbox
            .run_with(self.sandbox.command("sh").args(["-c", &command]));
        self.told(&format!("hint {command}"), &outcome);
        Some(outcome)
    }

    fn step(&mut self) {
        if self.kind == Kind::Command {
            let store = *self.random.one_of(&STORES);
            self.story.push(format!("store: {store}"));
            self.sandbox.write("keep", store);
        }
        let arguments = self.arguments();
        match self.random.below(10) {
            0 => {
                self.run("plain", &arguments);
            }
            // A fault of AWS's, or a lost answer.
            1 | 2 => {
                let answer = |status, code: &str| Behaviour::Answer {
                    status,
                    body: error_xml(code, "no"),
                };
                let faults = [
                    Behaviour::Close,
                    Behaviour::Reset,
                    Behaviour::HalfABody,
                    answer(400, "Throttling"),
                    answer(500, "ServiceFailure"),
                    answer(403, "AccessDenied"),
                ];
                let fault = self.random.one_of(&faults).clone();
                let call = self.random.below(14) as usize;
                let is_done = self.random.below(2) == 0;
                self.story.push(format!("a fault at {call}, {is_done}"));
                self.aws.behave_once(call, is_done, fault);
                self.run("fault", &arguments);
                self.aws.behave_once(usize::MAX / 2, true, Behaviour::Serve);
            }
            // A kill at a call.
            3 | 4 => {
                let call = self.random.below(14) as usize;
                let is_done = self.random.below(2) == 0;
                let before = self.aws.requests().len();
                self.aws.behave_once(call, is_done, Behaviour::Silence);
                let mut rotate = self.spawn();
                wait_until("its call, or its end", || {
                    self.aws.requests().len() > before + call
                        || rotate.try_wait().unwrap().is_some()
                });
                let _ = rotate.kill();
                let outcome = Outcome::from(rotate.output_in_time());
                self.aws.behave_once(usize::MAX / 2, true, Behaviour::Serve);
                self.told(&format!("kill at {call}, {is_done}"), &outcome);
            }
            // Two at once.
            5 => {
                let both = [self.spawn(), self.spawn()];
                for mut rotate in both {
                    let outcome = Outcome::from(rotate.output_in_time());
                    self.story
                        .push(format!("{} {}", outcome.status, outcome.stderr));
                }
                self.let_late_store_end();
                self.check();
            }
            6 => {
                self.codes += 1;
                let code = format!("{:06}", 100_000 + self.codes);
                self.run("get", &["get", &code]);
            }
            // What nobody has advised.
            7 => {
                let keys = self.aws.iam().keys;
                let id = self.random.one_of(&keys).id.clone();
                let mut delete: Vec<&str> = self.finish_arguments();
                delete.pop();
                delete.extend(["--delete", &id]);
                self.run("delete", &delete);
            }
            8 => {
                let finish = self.finish_arguments();
                self.run("finish", &finish);
            }
            _ => {
                self.follow(None);
            }
        }
    }

    fn finish_arguments(&self) -> Vec<&'static str> {
        match self.kind {
            Kind::Environment => vec!["rotate", "-p", "work", "--finish"],
            _ => vec!["rotate", "--finish"],
        }
    }

    /// On a healthy system, a plain run finishes.
    fn finish(&mut self) {
        self.sandbox.write("keep", STORES[0]);
        let mut arguments = self.arguments();
        // The journal knows where the key moves.
        let journal = self.text(".config/aws/rotation-123456789012-igor");
        if journal.contains("\nto ") && self.random.below(2) == 0 {
            arguments = self.finish_arguments();
            arguments.pop();
        }
        let mut outcome = self.run("healthy", &arguments);
        // The secret of a key that nobody has was lost with IAM's answer: the hint deletes it.
        if outcome.status != 0 {
            assert!(outcome.stderr.contains(" --delete "), "{}", outcome.stderr);
            let deleted = self.follow(Some(0)).expect("a hint");
            assert_eq!(deleted.status, 0, "{}", deleted.stderr);
            let arguments = self.arguments();
            outcome = self.run("healthy", &arguments);
        }
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let finish = self.finish_arguments();
        assert_eq!(self.run("finish", &finish).status, 0);
        let keys = self.aws.iam().keys;
        let place = self.text(match self.kind {
            Kind::File => ".aws/credentials",
            Kind::Command => "store",
            Kind::Move | Kind::Environment => ".config/aws/work-key.json",
        });
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert!(place.contains(&keys[0].id) && place.contains(&keys[0].secret));
        assert_eq!(self.text(".config/aws/rotation-123456789012-igor"), "");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn random_sequences_lose_no_key() {
    let (first, end) = match number("AWS_MFA_SEED") {
        Some(seed) => (seed, seed + 1),
        None => (0, number("AWS_MFA_SEQUENCES").unwrap_or(SEQUENCES)),
    };
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let mut sequence = Sequence::start(seed);
                    for _ in 0..=sequence.random.below(STEPS) {
                        sequence.step();
                    }
                    sequence.finish();
                }
            });
        }
    });
    println!("{} sequences lost no key", end - first);
}
