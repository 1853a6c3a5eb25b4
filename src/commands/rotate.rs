//! `aws-mfa rotate`: replaces the master access key, with the saved session and no code.
//!
//! A journal records each step before and after it. Whatever interrupts a rotation, the next `rotate` resumes it: a working
//! key is always saved or in the journal.

use crate::account::keys::MasterKeys;
use crate::account::{Account, session_directory};
use crate::aws::iam::AccessKey;
use crate::aws_failure::with_next_step;
use crate::cli::Rotate;
use crate::credentials;
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::invocation;
use crate::rotation::journal::{Journal, Rotation};
use crate::rotation::key_store::KeyStore;
use crate::rotation::user::User;
use crate::session::error::Error;
use crate::session::files;
use crate::session::lock::Lock;
use crate::session::store::SessionStore;
use crate::settings::Settings;
use crate::sources::{Flags, Sources};
use crate::time::{now, span};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::time::Duration;

/// Runs `aws-mfa rotate`.
pub fn run(rotate: &Rotate, environment: &Environment) -> anyhow::Result<()> {
    let sources = Sources::new(&rotate.selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    // A role has no keys of its own; its user's are replaced.
    account.owner.as_ref().map_err(Failure::clone)?;
    account.role.as_ref().map_err(Failure::clone)?;
    let settings = Settings::of(&sources, &account);
    let source = settings.keys.clone()?;
    let store_command = rotate.store_command.as_deref();
    let store = KeyStore::of(&sources, &source, store_command)?;

    let session_store = account.session_file.clone()?.map(SessionStore::new);
    // A rotation that was killed may have saved another key by now, so the key does not count.
    let session = credentials::saved(&session_store.value, None, &rotate.selection, now())?
        .with_warnings_printed();
    let get_command = invocation::get_command(&rotate.selection, &Flags::default());
    let user = User::of_session(&settings, &session_store, &session, &get_command)?;

    let directory = session_directory(environment)?
        .ok_or_else(|| Failure::setup("no home directory is known").hint("set HOME"))?;
    let Some(_lock) = lock(&directory)? else {
        return Err(Failure::setup("another `aws-mfa rotate` is already running").into());
    };
    let journal = Journal::of(&directory, &user.identity.account, user.name());
    let rotating = Rotating {
        rotate,
        environment,
        user,
        store,
        journal,
        sessions: (directory, session_store.value.path().to_owned()),
    };
    super::confirm(&rotating.carry_on()?)
}

/// The lock for all rotations by this user of the machine: two must not edit one file at once. `None` if another
/// process holds it.
fn lock(directory: &std::path::Path) -> Result<Option<Lock>, Failure> {
    let file = directory.join("rotation");
    Lock::take_within(&file, Duration::ZERO).map_err(|obstacle| {
        let problem = crate::session::error::Problem::NotLocked(obstacle);
        Error { file, problem }.into()
    })
}

/// Everything that a rotation needs.
struct Rotating<'a> {
    rotate: &'a Rotate,
    environment: &'a Environment,
    user: User<'a>,
    store: KeyStore<'a>,
    journal: Journal,
    /// The directory of the session files, and the session file that is selected.
    sessions: (PathBuf, PathBuf),
}

impl Rotating<'_> {
    /// Does the remaining steps. Returns the confirmation.
    fn carry_on(&self) -> Result<String, Failure> {
        let mut current = self.store.current()?;
        let mut rotation = self.journal.read()?;
        if let Some(id) = &self.rotate.delete {
            return self.delete(id, &current, rotation.as_ref());
        }
        if let Some(Rotation::Retired { old, new }) = &rotation {
            self.delete_old(old, new, &current)?;
            let done = format!("deleted the old access key {old}");
            if self.rotate.finish {
                return Ok(done);
            }
            super::note(&done);
            rotation = None;
        }
        loop {
            rotation = match rotation {
                None | Some(Rotation::Requested { .. }) if self.rotate.finish => {
                    return Ok("there is no rotation to finish".to_owned());
                }
                None => Some(self.create(&current, false)?),
                Some(Rotation::Requested { .. }) => Some(self.create(&current, true)?),
                Some(Rotation::Created { old, new }) => {
                    current = self.save(&old, &new, &current)?;
                    let new = new.access_key_id;
                    Some(Rotation::Saved { old, new })
                }
                Some(Rotation::Saved { old, new }) => {
                    self.retire(&old, &new, &current)?;
                    Some(Rotation::Retired { old, new })
                }
                Some(Rotation::Retired { old, new }) => return self.end(&old, &new, &current),
            }
        }
    }

    /// Requests a new key from IAM. `was_requested`: an earlier run requested one, and its answer was lost.
    fn create(&self, current: &MasterKeys, was_requested: bool) -> Result<Rotation, Failure> {
        let keys = self.user.keys()?;
        let old = &current.access_key_id;
        if !keys.iter().any(|key| key.id == *old) {
            return Err(Failure::setup(format!(
                "the access key {old} does not belong to {}, who owns the session",
                self.user.identity.arn
            ))
            .hint("select the profile whose session it is: `--profile <name>`"));
        }
        if let Some(other) = keys.iter().find(|key| key.id != *old) {
            return Err(self.two_keys(&keys, other, old, was_requested));
        }
        self.store.prepare(current)?;
        self.journal
            .write(&Rotation::Requested { old: old.clone() })?;
        let new = self.user.create_key().map_err(|not_created| {
            let mut failure = not_created.failure;
            if not_created.maybe {
                failure
                    .message
                    .push_str(", and there may be a new access key");
                return failure.hint(format!("run `{}` again to find out", self.command("")));
            }
            // The key of the earlier request may not be visible yet.
            if !was_requested {
                self.journal.remove();
            }
            failure.or_hint(format!("run `{}` again", self.command("")))
        })?;
        let id = new.access_key_id.clone();
        let rotation = Rotation::Created {
            old: old.clone(),
            new,
        };
        if let Err(failure) = self.journal.write(&rotation) {
            // Its secret would be lost.
            if self.user.delete_key(&id).is_ok() {
                self.journal.remove();
            }
            return Err(failure);
        }
        super::note(&format!("created the access key {id}"));
        Ok(rotation)
    }

    /// Saves the new key in place of the old one, once AWS accepts it. Returns the key as read back.
    fn save(
        &self,
        old: &str,
        new: &MasterKeys,
        current: &MasterKeys,
    ) -> Result<MasterKeys, Failure> {
        let id = &new.access_key_id;
        if current.access_key_id != *id {
            if current.access_key_id != old {
                return Err(self.other_key(old, id, current));
            }
            self.user
                .verify(new)
                .map_err(|failure| self.give_up_or_repeat(failure, id))?;
            self.store
                .replace(current, new)
                .map_err(|failure| self.give_up_or_repeat(failure, id))?;
        }
        let read = self.store.current()?;
        if read.access_key_id != *id
            || read.secret_access_key.expose_secret() != new.secret_access_key.expose_secret()
        {
            let place = self.store.name();
            let failure = Failure::setup(format!(
                "the new access key {id} was not saved: {place} still has {}",
                read.access_key_id
            ));
            return Err(self.give_up_or_repeat(failure, id));
        }
        self.journal.write(&Rotation::Saved {
            old: old.to_owned(),
            new: id.clone(),
        })?;
        super::note(&format!("saved it {}", self.store.way()));
        Ok(read)
    }

    /// Deactivates the old key. If the new one does not work afterwards, reactivates the old one.
    fn retire(&self, old: &str, new: &str, current: &MasterKeys) -> Result<(), Failure> {
        if current.access_key_id != new {
            return Err(self.other_key(old, new, current));
        }
        self.move_sessions(old, new);
        let retired = self
            .user
            .verify(current)
            .and_then(|()| self.user.set_active(old, false))
            .and_then(|_| self.user.verify(current));
        if let Err(mut failure) = retired {
            let again = self.command("");
            failure
                .message
                .push_str(match self.user.set_active(old, true) {
                    Ok(_) => "; the old access key is active",
                    Err(_) => "; the old access key may be inactive",
                });
            return Err(with_next_step(failure, format!("run `{again}` again")));
        }
        self.journal.write(&Rotation::Retired {
            old: old.to_owned(),
            new: new.to_owned(),
        })?;
        super::note(&format!("deactivated the old access key {old}"));
        Ok(())
    }

    /// Assigns the old key's saved sessions to the new key, so that no code is lost.
    fn move_sessions(&self, old: &str, new: &str) {
        let (directory, selected) = &self.sessions;
        if let Err(failure) = files::change_key(directory, selected, [old, new], now()) {
            super::note(&format!("warning: {}", failure.one_line()));
        }
    }

    /// The last step, once the old key is inactive.
    fn end(&self, old: &str, new: &str, current: &MasterKeys) -> Result<String, Failure> {
        self.warn_of_old_key(old);
        if self.rotate.delete_old || self.rotate.finish {
            self.delete_old(old, new, current)?;
            return Ok(format!(
                "replaced the access key {old} with {new}, and deleted {old}"
            ));
        }
        let finish = self.command(" --finish");
        Ok(format!(
            "replaced the access key {old} with {new}; once nothing uses {old}, delete it: `{finish}`"
        ))
    }

    /// Deletes the old key if the new one works.
    fn delete_old(&self, old: &str, new: &str, current: &MasterKeys) -> Result<(), Failure> {
        if current.access_key_id != new {
            return Err(self.other_key(old, new, current));
        }
        self.user.verify(current)?;
        self.user.delete_key(old)?;
        self.journal.remove();
        Ok(())
    }

    /// `--delete`: deletes a key that is not in use.
    fn delete(
        &self,
        id: &str,
        current: &MasterKeys,
        rotation: Option<&Rotation>,
    ) -> Result<String, Failure> {
        if id == current.access_key_id {
            return Err(Failure::usage(format!(
                "{id} is the access key that is in use, and is not deleted"
            ))
            .hint(format!("to replace it, run `{}`", self.command(""))));
        }
        let (old, new) = rotation.map_or(("", None), Rotation::ids);
        let is_of_rotation = id == old || Some(id) == new;
        if !is_of_rotation && !self.user.keys()?.iter().any(|key| key.id == id) {
            return Err(Failure::setup(format!(
                "{} has no access key {id}",
                self.user.identity.arn
            )));
        }
        if let Some(new) = new.filter(|new| id == old && *new == current.access_key_id) {
            self.move_sessions(old, new);
        }
        self.user.delete_key(id)?;
        if is_of_rotation || new.is_none() {
            self.journal.remove();
        }
        Ok(format!("deleted the access key {id}"))
    }

    /// The failure for a user who already has a second key.
    fn two_keys(
        &self,
        keys: &[AccessKey],
        other: &AccessKey,
        current: &str,
        was_requested: bool,
    ) -> Failure {
        let now = now();
        let ago = |time: Option<Timestamp>| match time {
            Some(time) => format!("{} ago", span(now.duration_since(time))),
            None => "at an unknown time".to_owned(),
        };
        let mut detail = String::new();
        for key in keys {
            if !detail.is_empty() {
                detail.push_str("; ");
            }
            detail.push_str(&format!(
                "{} ({}{}, created {}, {})",
                key.id,
                if key.id == current { "in use, " } else { "" },
                if key.is_active { "active" } else { "inactive" },
                ago(key.created),
                match self.user.last_used(&key.id) {
                    Some(time) => format!("last used {}", ago(Some(time))),
                    None => "last use unknown".to_owned(),
                },
            ));
        }
        let delete = self.command(&format!(" --delete {}", other.id));
        let (message, hint) = match was_requested {
            true => (
                "an earlier rotation was interrupted, and the secret of its new access key is lost",
                format!("if {} is that one, delete it: `{delete}`", other.id),
            ),
            false => (
                "the user has two access keys, and AWS allows no third",
                format!("if nothing uses {}, delete it: `{delete}`", other.id),
            ),
        };
        Failure::setup(message).detail(detail).hint(hint)
    }

    /// The failure if the store does not have the key that this rotation expects there.
    fn other_key(&self, old: &str, new: &str, current: &MasterKeys) -> Failure {
        let current = current.access_key_id.as_str();
        let unused = if current == old { new } else { old };
        Failure::setup(format!(
            "{} has the access key {current}, but the rotation from {old} to {new} is not finished",
            self.store.name()
        ))
        .hint(format!(
            "put {new} there again, or delete the key that nothing uses: `{}`",
            self.command(&format!(" --delete {unused}"))
        ))
    }

    /// The failure of a rotation whose new key is in the journal.
    fn give_up_or_repeat(&self, failure: Failure, new: &str) -> Failure {
        with_next_step(
            failure,
            format!(
                "the old access key still works, and the new one is in the journal: run `{}` to continue, or `{}` to give up",
                self.command(""),
                self.command(&format!(" --delete {new}"))
            ),
        )
    }

    /// Warns of other places that still have the old key.
    fn warn_of_old_key(&self, old: &str) {
        let warn = |place: &str| {
            super::note(&format!(
                "warning: {place} still has the old access key {old}"
            ));
        };
        for profile in self.store.other_profiles(old).unwrap_or_default() {
            warn(&format!("the profile {profile}"));
        }
        let id = variable::MASTER_AWS_ACCESS_KEY_ID;
        if self.environment.get(id).is_some_and(|value| value == old) {
            warn(id.name());
        }
    }

    /// The `rotate` command that resumes this rotation, for hints.
    fn command(&self, options: &str) -> String {
        let store = invocation::words(&[("--store-command", self.rotate.store_command.as_deref())]);
        invocation::command("rotate", &self.rotate.selection, &(store + options))
    }
}
