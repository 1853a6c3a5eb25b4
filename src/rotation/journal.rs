//! The progress of a rotation, on disk, so that the next `rotate` can resume it if this one is killed.

use crate::account::keys::MasterKeys;
use crate::aws::sts::Identity;
use crate::error::Failure;
use crate::file;
use crate::path::in_words;
use crate::session::access::{self, Access};
use crate::session::leftover;
use crate::session::replacement::{self, Replacement};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The first line of every journal.
const HEADING: &str = "aws-mfa rotation 1";

/// The first part of its file's name.
const PREFIX: &str = "rotation-";

/// The size limit of a journal, in bytes.
const LARGEST: u64 = 16 * 1024;

/// The replacement of one access key by another.
#[derive(Clone)]
pub struct Rotation {
    /// How far it is.
    pub step: Step,
    /// The id of the key to be replaced.
    pub old: String,
    /// The id of the new key; empty until IAM has created it.
    pub new: String,
    /// Its secret, until the key was read from its store and accepted by AWS.
    pub secret: SecretString,
    /// The profile that has the key, or gets it.
    pub profile: String,
    /// The `credential_process` that the profile gets, if the key moves; else empty.
    pub to: String,
    /// The session file with which the rotation began.
    pub session: String,
}

/// How far a rotation is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A new key was requested from IAM, and its answer is unknown.
    Requested,
    /// IAM has created the key. Nothing else is known to have its secret.
    Created,
    /// The new key was read from its store and accepted by AWS. The old one may already be inactive.
    Saved,
    /// The same, and the old key is inactive; it only remains to delete it.
    Retired,
}

const STEPS: [(&str, Step); 4] = [
    ("requested", Step::Requested),
    ("created", Step::Created),
    ("saved", Step::Saved),
    ("retired", Step::Retired),
];

impl Rotation {
    /// The new key, at [`Step::Created`].
    pub fn new_key(&self) -> Option<MasterKeys> {
        let key = MasterKeys::new(&self.new, self.secret.expose_secret(), "new");
        key.ok().filter(|_| self.step == Step::Created)
    }

    /// The command that goes on. `rotate` is that for the profile.
    pub fn next(&self, rotate: &str) -> String {
        let is_retired = self.step == Step::Retired;
        let finish = if is_retired { " --finish" } else { "" };
        format!("{rotate}{finish}")
    }

    fn render(&self) -> String {
        let step = STEPS.iter().find(|(_, step)| *step == self.step);
        let secret = match self.step {
            Step::Created => self.secret.expose_secret(),
            _ => "",
        };
        let values = [
            ("step", step.map_or("", |(name, _)| name)),
            ("old", &self.old),
            ("new", &self.new),
            ("secret", secret),
            ("profile", &self.profile),
            ("to", &self.to),
            ("session", &self.session),
        ];
        let is_set = |(_, value): &(&str, &str)| !value.is_empty();
        let lines = values.into_iter().filter(is_set);
        let lines: String = lines
            .map(|(name, value)| format!("{name} {value}\n"))
            .collect();
        format!("{HEADING}\n{lines}")
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text.strip_prefix(HEADING)?.strip_prefix('\n')?.lines();
        let values: Option<BTreeMap<&str, &str>> = lines.map(|line| line.split_once(' ')).collect();
        let values = values?;
        let value = |name: &str| values.get(name).copied().unwrap_or_default().to_owned();
        let (_, step) = *STEPS.iter().find(|(name, _)| *name == value("step"))?;
        let rotation = Rotation {
            step,
            old: value("old"),
            new: value("new"),
            secret: value("secret").into(),
            profile: value("profile"),
            to: value("to"),
            session: value("session"),
        };
        let has_ids = step == Step::Requested || !rotation.new.is_empty();
        let is_whole = has_ids && !rotation.old.is_empty();
        let has_secret = step != Step::Created || values.contains_key("secret");
        (is_whole && has_secret).then_some(rotation)
    }
}

/// The file that records a user's rotation, with mode 0600: `rotation-<account>-<user>`.
#[derive(Clone)]
pub struct Journal {
    /// Where it is.
    pub path: PathBuf,
}

impl Journal {
    /// The user's journal in the directory of the session files.
    pub fn of(directory: &Path, identity: &Identity) -> Self {
        let name = format!("{PREFIX}{}-{}", identity.account, identity.name());
        Journal {
            path: directory.join(name),
        }
    }

    /// The unfinished rotation of this profile's key. A journal that cannot be used is reported when its user is known.
    pub fn find(directory: &Path, profile: &str) -> Option<(Self, Rotation)> {
        let is_own = |rotation: &Rotation| !profile.is_empty() && rotation.profile == profile;
        Journal::all(directory).find(|(_, rotation)| is_own(rotation))
    }

    /// The profile whose key is being replaced, if that is one.
    pub fn only_profile(directory: &Path) -> Option<String> {
        let mut journals = Journal::all(directory);
        let (_, rotation) = journals.next()?;
        journals.next().is_none().then_some(rotation.profile)
    }

    /// All unfinished rotations in the directory of the session files.
    pub fn all(directory: &Path) -> impl Iterator<Item = (Self, Rotation)> {
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        entries.flatten().filter_map(|entry| {
            let path = entry.path();
            let is_journal = path.file_name()?.to_str()?.starts_with(PREFIX);
            let journal = is_journal.then_some(Journal { path })?;
            let rotation = journal.read().ok()??;
            Some((journal, rotation))
        })
    }

    /// Whether it is this user's.
    pub fn is_of(&self, identity: &Identity) -> bool {
        let own = Journal::of(&self.path.with_file_name(""), identity);
        identity.arn.contains(":user/") && own.path == self.path
    }

    /// In what state the rotation has left the keys.
    pub fn state(&self, rotation: &Rotation) -> String {
        let Rotation { old, new, .. } = rotation;
        let journal = in_words(&self.path);
        match rotation.step {
            Step::Requested => {
                format!("IAM may have created a new access key in addition to {old}")
            }
            Step::Created => format!("{new} is in {journal}, and {old} is still active"),
            Step::Saved => format!("{new} is stored, and {old} is still active"),
            Step::Retired => format!("{new} is stored, and {old} is inactive"),
        }
    }

    /// The report of an unfinished rotation, with the command that goes on. `rotate` is that for the profile.
    pub fn unfinished(&self, rotation: &Rotation, rotate: &str) -> Failure {
        let state = self.state(rotation);
        let message = format!("the rotation of the access key is not finished: {state}");
        Failure::setup(message).hint(format!("run `{}`", rotation.next(rotate)))
    }

    /// [`Journal::read`] for `rotate`, which also removes the temporary file of a rotation that was killed while it wrote the
    /// journal: there may be a secret in it.
    ///
    /// # Errors
    /// Those of [`Journal::read`].
    pub fn resume(&self) -> Result<Option<Rotation>, Failure> {
        leftover::clean_up(&self.path);
        self.read()
    }

    /// The unfinished rotation; `None` if there is none. Changes nothing.
    ///
    /// # Errors
    /// The journal cannot be read, is corrupt, or could be another user's.
    pub fn read(&self) -> Result<Option<Rotation>, Failure> {
        let unusable = |fault: &str| {
            let path = in_words(&self.path);
            let message = format!("cannot use the journal of the rotation, {path}: {fault}");
            let hint =
                "it may hold the only copy of a new key's secret: check it before you remove it";
            Failure::setup(message).hint(hint)
        };
        let of_system = |error: std::io::Error| unusable(&crate::error::reason(&error));
        let bytes = match file::read(&self.path, LARGEST) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(of_system)?,
        };
        let metadata = std::fs::metadata(&self.path).map_err(of_system)?;
        if let Access::Refused(refusal) = access::of_file(&metadata) {
            return Err(unusable(&refusal.to_string()));
        }
        let rotation = std::str::from_utf8(&bytes).ok().and_then(Rotation::parse);
        rotation.map(Some).ok_or_else(|| unusable("it is corrupt"))
    }

    /// Records the rotation durably.
    ///
    /// # Errors
    /// The file cannot be written. The previous record is still there.
    pub fn write(&self, rotation: &Rotation) -> Result<(), Failure> {
        Replacement::of_own(&self.path, rotation.render().as_bytes(), false)
    }

    /// Forgets the rotation. If the file cannot be removed, the next `rotate` repeats the last step, which does no harm.
    pub fn remove(&self) {
        leftover::clean_up(&self.path);
        let _ = replacement::remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(directory: &tempfile::TempDir) -> Journal {
        let identity = Identity {
            arn: "arn:aws:iam::123456789012:user/team/igor".to_owned(),
            account: "123456789012".to_owned(),
        };
        Journal::of(directory.path(), &identity)
    }

    #[test]
    fn each_step_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(&directory);
        assert!(journal.read().unwrap().is_none());
        for (_, step) in STEPS {
            let rotation = Rotation {
                step,
                old: "AKIAOLD".to_owned(),
                new: "AKIANEW".to_owned(),
                secret: "a/b+c=".into(),
                profile: "my work".to_owned(),
                to: "pass show 'my work'".to_owned(),
                session: "/a b/session".to_owned(),
            };
            let has_secret = step == Step::Created;
            journal.write(&rotation).unwrap();
            let read = journal.read().unwrap().unwrap();
            assert_eq!(read.render(), rotation.render());
            assert_eq!(rotation.render().contains("a/b+c="), has_secret);
            assert!(Journal::find(directory.path(), "my work").is_some());
            assert!(Journal::find(directory.path(), "other").is_none());
        }
        journal.remove();
        assert!(journal.read().unwrap().is_none());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn corrupt_journal_is_an_error_that_quotes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(&directory);
        for text in [
            "",
            "hunter2",
            "aws-mfa rotation 2\nstep requested\nold AKIAOLD\n",
            "aws-mfa rotation 1\nstep hunter2\nold A\nnew B\n",
            "aws-mfa rotation 1\nstep created\nold A\nnew B\n",
            "aws-mfa rotation 1\nstep created\nold A\nnew B\nsecret",
            "aws-mfa rotation 1\nstep saved\nold A\n",
        ] {
            std::fs::write(&journal.path, text).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(
                &journal.path,
                std::os::unix::fs::PermissionsExt::from_mode(0o600),
            )
            .unwrap();
            let failure = journal.read().err().unwrap();
            assert!(failure.message.ends_with(": it is corrupt"), "{text}");
            assert!(!failure.to_string().contains("hunter2"));
        }
    }
}
