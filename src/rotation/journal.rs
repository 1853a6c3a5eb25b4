//! The progress of a rotation, on disk, so that the next `rotate` can resume it if this one is killed.

use crate::account::keys::MasterKeys;
use crate::error::Failure;
use crate::file;
use crate::session::access::{self, Access};
use crate::session::error::Obstacle;
use crate::session::leftover;
use crate::session::replacement::{self, Replacement};
use secrecy::ExposeSecret;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The first line of every journal.
const HEADING: &str = "aws-mfa rotation 1";

/// The size limit of a journal, in bytes.
const LARGEST: u64 = 4096;

/// The progress of replacing one access key by another.
pub enum Rotation {
    /// A new key was requested from IAM, and its answer is unknown.
    Requested {
        /// The id of the key to be replaced.
        old: String,
    },
    /// IAM has created a new key, which is saved only in the journal.
    Created {
        /// The id of the key to be replaced.
        old: String,
        /// The new key.
        new: MasterKeys,
    },
    /// The new key is saved in place of the old one, which may already be inactive.
    Saved {
        /// The id of the old key.
        old: String,
        /// The id of the new one.
        new: String,
    },
    /// The old key is inactive; it only remains to delete it.
    Retired {
        /// The id of the old key.
        old: String,
        /// The id of the new one.
        new: String,
    },
}

impl Rotation {
    /// The ids of the old key and, once IAM has created it, of the new one.
    pub fn ids(&self) -> (&str, Option<&str>) {
        match self {
            Rotation::Requested { old } => (old, None),
            Rotation::Created { old, new } => (old, Some(&new.access_key_id)),
            Rotation::Saved { old, new } | Rotation::Retired { old, new } => (old, Some(new)),
        }
    }

    fn step(&self) -> &'static str {
        match self {
            Rotation::Requested { .. } => "requested",
            Rotation::Created { .. } => "created",
            Rotation::Saved { .. } => "saved",
            Rotation::Retired { .. } => "retired",
        }
    }

    fn render(&self) -> String {
        let (old, new) = self.ids();
        let mut text = format!("{HEADING}\nstep {}\nold {old}\n", self.step());
        if let Some(new) = new {
            text += &format!("new {new}\n");
        }
        if let Rotation::Created { new, .. } = self {
            text += &format!("secret {}\n", new.secret_access_key.expose_secret());
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != HEADING {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let step = value("step")?;
        let old = value("old")?.to_owned();
        if step == "requested" {
            return Some(Rotation::Requested { old });
        }
        let new = value("new")?;
        Some(match step {
            "created" => Rotation::Created {
                old,
                new: MasterKeys::new(new, value("secret")?, "new").ok()?,
            },
            "saved" => Rotation::Saved {
                old,
                new: new.to_owned(),
            },
            "retired" => Rotation::Retired {
                old,
                new: new.to_owned(),
            },
            _ => return None,
        })
    }
}

/// The file that records a user's rotation, with mode 0600.
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The user's journal in the directory of the session files: `rotation-<account>-<user>`.
    pub fn of(directory: &Path, account: &str, user: &str) -> Self {
        let path = directory.join(format!("rotation-{account}-{user}"));
        leftover::clean_up(&path);
        Journal { path }
    }

    /// The rotation to resume; `None` if there is none.
    ///
    /// # Errors
    /// The journal cannot be read, is corrupt, or could be another user's.
    pub fn read(&self) -> Result<Option<Rotation>, Failure> {
        let unusable = |fault: &str| {
            let path = self.path.display();
            let message = format!("cannot use the journal of the rotation, {path}: {fault}");
            Failure::setup(message)
            .hint("read it first, because it may contain the secret of a new access key; then remove it")
        };
        let bytes = match file::read(&self.path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&crate::error::reason(&error))),
        };
        let metadata = std::fs::metadata(&self.path);
        let metadata = metadata.map_err(|error| unusable(&crate::error::reason(&error)))?;
        if let Access::Refused(refusal) = access::of_file(&metadata) {
            return Err(unusable(&refusal.to_string()));
        }
        std::str::from_utf8(&bytes)
            .ok()
            .and_then(Rotation::parse)
            .map(Some)
            .ok_or_else(|| unusable("it is corrupt"))
    }

    /// Records the rotation durably.
    ///
    /// # Errors
    /// The file cannot be written. The previous record is still there.
    pub fn write(&self, rotation: &Rotation) -> Result<(), Failure> {
        let write = || -> Result<(), Obstacle> {
            let replacement = Replacement::of(&self.path)?;
            Ok(replacement.finish(rotation.render().as_bytes(), None)?)
        };
        write().map_err(|obstacle| {
            let path = self.path.display();
            Failure::setup(format!("cannot write {path}: {obstacle}"))
        })
    }

    /// Forgets the rotation. If the file cannot be removed, the next `rotate` repeats the last step, which does no harm.
    pub fn remove(&self) {
        let _ = replacement::remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(directory: &tempfile::TempDir) -> Journal {
        Journal::of(directory.path(), "123456789012", "igor")
    }

    #[test]
    fn each_step_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(&directory);
        assert!(journal.read().unwrap().is_none());
        let (old, new) = ("AKIAOLD".to_owned(), "AKIANEW".to_owned());
        let keys = MasterKeys::new("AKIANEW", "a/b+c=", "new").unwrap();
        for rotation in [
            Rotation::Requested { old: old.clone() },
            Rotation::Created {
                old: old.clone(),
                new: keys,
            },
            Rotation::Saved {
                old: old.clone(),
                new: new.clone(),
            },
            Rotation::Retired { old, new },
        ] {
            journal.write(&rotation).unwrap();
            let read = journal.read().unwrap().unwrap();
            assert_eq!(read.render(), rotation.render());
            let has_secret = matches!(rotation, Rotation::Created { .. });
            assert_eq!(rotation.render().contains("a/b+c="), has_secret);
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
