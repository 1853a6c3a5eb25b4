//! `aws-mfa rotate`: replaces the master access key, with the saved session and no code.
//!
//! The journal comes first: whatever the store holds, a new key that is in the journal is stored again, and only then is
//! the session needed. No key is deleted unless AWS has just accepted the one that stays, as it is stored.

use crate::account::keys::MasterKeys;
use crate::account::{Account, Owner, session_directory};
use crate::aws::iam::AccessKey;
use crate::aws_failure::with_next_step;
use crate::cli::{Rotate, Selection};
use crate::credentials;
use crate::environment::Environment;
use crate::error::{Failure, Kind};
use crate::invocation;
use crate::origin::Setting;
use crate::rotation::interruption;
use crate::rotation::journal::{Journal, Rotation, Step};
use crate::rotation::key_store::KeyStore;
use crate::rotation::user::{self, User};
use crate::session::files;
use crate::session::store::SessionStore;
use crate::settings::Settings;
use crate::sources::{Flags, Sources};
use crate::time::now;
use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

/// Runs `aws-mfa rotate`.
pub fn run(rotate: &Rotate, environment: &Environment) -> anyhow::Result<()> {
    let variable = if cfg!(windows) { "APPDATA" } else { "HOME" };
    let directory = session_directory(environment)?.ok_or_else(|| {
        Failure::setup("no home directory is known").hint(format!("set {variable}"))
    })?;
    let mut selection = rotate.selection();
    if let Some(profile) = unselected(&selection, environment, &directory)? {
        selection.profile = Some(profile);
    }
    let of = || Rotating::of(rotate, &selection, environment, &directory);
    let mut rotating = of()?;
    // For all rotations by this user of the machine: two must not edit one file at once.
    let lock = SessionStore::new(directory.join("rotation")).lock_within(Duration::ZERO);
    let Some(_lock) = lock.map_err(Failure::from)? else {
        return Err(Failure::setup("another `aws-mfa rotate` is already running").into());
    };
    interruption::watch(&directory, rotating.store.profile(), rotating.command(""));
    rotating = of()?;
    if rotating.account.owner.is_err() && rotate.delete.is_none() && rotating.restore()? {
        rotating = of()?;
    }
    rotating.account.owner.as_ref().map_err(Failure::clone)?;
    // A role has no keys of its own; its user's are replaced.
    rotating.account.role.as_ref().map_err(Failure::clone)?;
    for line in rotating.carry_on()? {
        super::confirm(&line)?;
    }
    Ok(())
}

/// The profile of the one unfinished rotation, where nothing selects a profile and none has keys any more: it had the only
/// ones, and the new key may be in the journal alone.
fn unselected(
    selection: &Selection,
    environment: &Environment,
    directory: &Path,
) -> Result<Option<String>, Failure> {
    let sources = Sources::new(selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let is_lost = !account.choice.is_named()
        && account
            .keys(&sources)
            .is_err_and(|failure| failure.kind != Kind::NoSelection);
    Ok(is_lost.then(|| Journal::only_profile(directory)).flatten())
}

/// A rotation, and everything that it needs.
struct Rotating<'a> {
    rotate: &'a Rotate,
    selection: &'a Selection,
    account: Account,
    settings: Settings,
    store: KeyStore<'a>,
    /// The directory of the session files.
    directory: &'a Path,
    /// The file of the session with which an earlier run began. It has another name once the key has moved to a profile.
    earlier_session: String,
    user: OnceCell<User>,
    journal: OnceCell<Journal>,
}

impl<'a> Rotating<'a> {
    fn of(
        rotate: &'a Rotate,
        selection: &'a Selection,
        environment: &'a Environment,
        directory: &'a Path,
    ) -> Result<Self, Failure> {
        let sources = Sources::new(selection, Flags::default(), environment);
        let mut account = Account::of(&sources)?;
        let mut settings = Settings::of(&sources, &account);
        let profile = account.profile_of_keys(&sources).unwrap_or_default();
        let found = Journal::find(directory, &profile);
        let (journal, own) = found.unzip();
        let moves = rotate.to.is_some() || own.as_ref().is_some_and(|own| !own.to.is_empty());
        if account.owner.is_err() && (moves || rotate.delete.is_some()) {
            // The profile that the key of the environment moves to may not exist yet.
            let mut none = selection.clone();
            none.profile = None;
            let sources = Sources::new(&none, Flags::default(), environment);
            let (other, choice) = (Account::of(&sources)?, account.choice.clone());
            let exists = sources.profiles()?.profile(&choice.name).exists();
            if other.owner == Ok(Owner::Environment) && !exists {
                settings = Settings::of(&sources, &other);
                account = other;
                account.owner = Ok(Owner::Profile(choice.name.clone()));
                account.choice = choice;
            }
        }
        if journal.is_none() {
            account.owner.clone()?;
        }
        let wish = [rotate.to.as_deref(), rotate.store_command.as_deref()];
        Ok(Rotating {
            store: KeyStore::of(&sources, &account, own.as_ref(), wish),
            rotate,
            selection,
            account,
            settings,
            directory,
            earlier_session: own.map(|own| own.session).unwrap_or_default(),
            user: OnceCell::new(),
            journal: journal.map(OnceCell::from).unwrap_or_default(),
        })
    }

    /// The `rotate` command that resumes this rotation, for hints. With an option, it needs no store.
    fn command(&self, option: &str) -> String {
        let given = |value: &'a Option<String>| value.as_deref().filter(|_| option.is_empty());
        let (to, command) = (given(&self.rotate.to), given(&self.rotate.store_command));
        let store = invocation::words(&[("--to", to), ("--store-command", command)]);
        invocation::command("rotate", self.selection, &(store + option))
    }

    /// Stores the new key of the journal in a profile that cannot be read, so that nothing in it is lost. Returns whether
    /// there is one.
    fn restore(&self) -> Result<bool, Failure> {
        let own = self
            .journal
            .get()
            .and_then(|journal| journal.resume().ok()?);
        match own.filter(|own| own.step == Step::Created) {
            Some(mut own) => self.save(&mut own).map(|()| true),
            None => Ok(false),
        }
    }

    /// Does the remaining steps. Returns the lines of the confirmation.
    fn carry_on(&self) -> Result<Vec<String>, Failure> {
        let rotate = self.rotate;
        if let Some(id) = &rotate.delete {
            return Ok(vec![self.delete(id)?]);
        }
        if self.journal.get().is_none() && !rotate.finish {
            self.store.place()?;
        }
        let mut rotation = self.journal()?.resume()?;
        if let Some(own) = rotation.as_mut().filter(|own| own.step == Step::Retired) {
            let keys = self.user()?.keys()?;
            let is_active = keys.iter().any(|key| key.id == own.old && key.is_active);
            if is_active && own.old != own.new && !rotate.finish {
                // Somebody has activated it again.
                own.step = Step::Saved;
            } else {
                let done = self.delete_old(own)?;
                if rotate.finish {
                    return Ok(vec![done]);
                }
                super::note(&done);
                rotation = None;
            }
        }
        let requested = rotation.as_ref().map(|own| own.step == Step::Requested);
        let mut own = match rotation {
            _ if requested != Some(false) && rotate.finish => {
                return Ok(vec!["no rotation to finish".to_owned()]);
            }
            Some(own) if requested == Some(false) => own,
            _ => self.create(requested.is_some())?,
        };
        if own.step == Step::Created {
            self.save(&mut own)?;
            self.journal()?.write(&own)?;
        }
        if own.old != own.new {
            self.retire(&own)?;
            own.step = Step::Retired;
            self.journal()?.write(&own)?;
        }
        self.end(&own)
    }

    /// The session's user. A rotation that was killed may have saved another key by now, so the session's key does not count.
    fn user(&self) -> Result<&User, Failure> {
        if let Some(user) = self.user.get() {
            return Ok(user);
        }
        let session_file = self.account.session_file.clone()?;
        let read = |file: &Path| {
            let store = SessionStore::new(file.to_owned());
            credentials::saved(&store, None, self.selection, now())
        };
        let earlier = |failure| read(self.earlier_session.as_ref()).map_err(|_| failure);
        let session = read(&session_file.value).or_else(earlier)?;
        let network = self.settings.sts_of_session(&self.account)?;
        let session = session_file.map(|_| session.with_warnings_printed().session);
        let get_command = invocation::get_command(self.selection, &Flags::default());
        let user = User::of_session(&self.settings, &network, session, get_command)?;
        let is_other = |journal: &Journal| !journal.is_of(&user.identity);
        if self.journal.get().is_some_and(is_other) {
            let arn = &user.identity.arn;
            let message =
                format!("the session belongs to {arn}, but another user's key is being replaced");
            return Err(Failure::setup(message).hint(format!("run `{}`", user.get_command)));
        }
        Ok(self.user.get_or_init(|| user))
    }

    /// The user's journal.
    fn journal(&self) -> Result<&Journal, Failure> {
        if let Some(journal) = self.journal.get() {
            return Ok(journal);
        }
        let journal = Journal::of(self.directory, &self.user()?.identity);
        Ok(self.journal.get_or_init(|| journal))
    }

    /// Checks that AWS accepts the key, as the user's.
    fn verify(&self, key: &Setting<MasterKeys>, is_new: bool) -> Result<(), Failure> {
        let journal = self.journal()?;
        let network = self.settings.sts_of_session(&self.account)?;
        user::verify(&network, key, is_new, |identity| journal.is_of(identity))
    }

    /// Requests a new key from IAM. `was_requested`: an earlier run requested one, and its answer was lost.
    fn create(&self, was_requested: bool) -> Result<Rotation, Failure> {
        let (user, journal) = (self.user()?, self.journal()?);
        let keys = user.keys()?;
        let current = self.store.current()?;
        let old = current.value.access_key_id.clone();
        if !keys.iter().any(|key| key.id == old) {
            let arn = &user.identity.arn;
            let message = format!("{old} is not a key of {arn}, who owns the session");
            let hint = "select the profile whose session it is: `--profile <name>`";
            return Err(Failure::setup(message).hint(hint));
        }
        if let Some(AccessKey { id, .. }) = keys.iter().find(|key| key.id != old) {
            let message = match was_requested {
                true => "the new key's secret was lost when an earlier rotation was interrupted",
                false => "the user has two access keys, and AWS allows no third",
            };
            let (origin, again) = (&current.origin, self.command(""));
            let hint = match self.delete_command(id, &current) {
                Some(delete) => format!("if nothing uses {id}, delete it: `{delete}`"),
                None => format!(
                    "AWS does not accept {old}: correct its secret ({origin}), and run `{again}` again"
                ),
            };
            let detail: Vec<String> = keys.iter().map(|key| user.in_words(key, &old)).collect();
            return Err(Failure::setup(message).detail(detail.join("; ")).hint(hint));
        }
        self.store.prepare(&current.value)?;
        let session = self.account.session_file.clone()?.value;
        let mut rotation = Rotation {
            step: Step::Requested,
            old,
            new: String::new(),
            secret: String::new().into(),
            profile: self.store.profile().to_owned(),
            to: self.store.line.clone().unwrap_or_default(),
            session: session.to_string_lossy().into_owned(),
        };
        journal.write(&rotation)?;
        let again = self.command("");
        let new = user.create_key().map_err(|(mut failure, may_be_done)| {
            if may_be_done {
                failure.message += ", and there may be a new access key";
                return failure.hint(format!("run `{again}` again to find out"));
            }
            // The key of the earlier request may not be visible yet.
            if !was_requested {
                journal.remove();
            }
            failure.or_hint(format!("run `{again}` again"))
        })?;
        rotation.step = Step::Created;
        rotation.new = new.access_key_id;
        rotation.secret = new.secret_access_key;
        if let Err(failure) = journal.write(&rotation) {
            // Its secret would be lost.
            if user.delete_key(&rotation.new).is_ok() {
                journal.remove();
            }
            return Err(failure);
        }
        super::note(&format!("created the access key {}", rotation.new));
        Ok(rotation)
    }

    /// Stores the new key, whatever the store holds, once AWS accepts it; and again as it is read from there.
    fn save(&self, own: &mut Rotation) -> Result<(), Failure> {
        let (journal, id) = (self.journal()?, own.new.clone());
        let new = own.new_key().ok_or_else(|| Failure::setup("no new key"))?;
        let verify = |key: &Setting<MasterKeys>| match &self.account.owner {
            Ok(_) => self.verify(key, true),
            // Later, when the profile can be read.
            Err(_) => Ok(()),
        };
        let verify_and_store = || {
            let there = self.store.current().map(|there| there.value);
            if there.as_ref().is_ok_and(|there| there.is(&new)) {
                return verify(&self.store.current()?);
            }
            let other = there.map(|there| there.access_key_id).unwrap_or_default();
            if ![&id, &own.old, &String::new()].contains(&&other) {
                super::note(&format!("warning: {id} replaces the access key {other}"));
            }
            verify(&Setting::by_default(new.clone()))?;
            self.store.store(&new)?;
            verify(&self.store.current()?)
        };
        verify_and_store().map_err(|mut failure| {
            failure.message += &format!("; {}", journal.state(own));
            let mut hint = format!("run `{}` to store it again", self.command(""));
            if let Ok(there) = self.store.current()
                && let Some(delete) = self.delete_command(&id, &there)
            {
                hint += &format!(", or `{delete}` to give up");
            }
            with_next_step(failure, hint)
        })?;
        super::note(&format!("saved it {}", self.store.way()));
        own.step = Step::Saved;
        Ok(())
    }

    /// Deactivates the old key. If the new one does not work afterwards, reactivates the old one.
    fn retire(&self, own: &Rotation) -> Result<(), Failure> {
        let (current, user, old) = (self.expected(own)?, self.user()?, &own.old);
        self.move_sessions(own);
        let retired = (self.verify(&current, true))
            .and_then(|()| user.set_active(old, false))
            .and_then(|()| self.verify(&current, true));
        retired.map_err(|mut failure| {
            failure.message += match user.set_active(old, true) {
                Ok(()) => "; the old access key is active",
                Err(_) => "; the old access key may be inactive",
            };
            with_next_step(failure, format!("run `{}` again", self.command("")))
        })?;
        super::note(&format!("deactivated the old access key {old}"));
        Ok(())
    }

    /// Assigns the old key's saved sessions to the new key, so that no code is lost.
    fn move_sessions(&self, own: &Rotation) {
        let profile = (!own.to.is_empty()).then(|| self.store.profile());
        let (directory, keys) = (self.directory, [own.old.as_str(), &own.new]);
        let selected = self.account.session_file.clone();
        let moved =
            selected.and_then(|file| files::change_key(directory, &file, keys, profile, now()));
        if let Err(failure) = moved {
            super::note(&format!("warning: {}", failure.one_line()));
        }
    }

    /// The last step, once the old key is inactive. If both are one, there is none to delete.
    fn end(&self, own: &Rotation) -> Result<Vec<String>, Failure> {
        let Rotation { old, new, .. } = own;
        if old == new {
            return Ok(vec![self.delete_old(own)?]);
        }
        for place in self.store.other_places(old) {
            let warning = format!("warning: the old access key {old} is still in {place}");
            super::note(&warning);
        }
        let command = self.rotate.store_command.as_deref();
        if let Some(line) = command.and_then(|command| self.store.line_to_add(command)) {
            let offer =
                format!("to leave out --store-command next time, add to the profile: {line}");
            super::note(&offer);
        }
        let replaced = format!("replaced the access key {old} with {new}");
        let finish = self.command(" --finish");
        let next = match self.rotate.finish {
            true => self.delete_old(own)?,
            false => format!("later, delete the old key: `{finish}`"),
        };
        Ok(vec![replaced, next])
    }

    /// Deletes the old key, if the new one works as it is stored.
    fn delete_old(&self, own: &Rotation) -> Result<String, Failure> {
        let current = self.expected(own)?;
        // A `get` that ran meanwhile has read the old key.
        self.move_sessions(own);
        self.delete_key(&own.old, &current)?;
        self.journal()?.remove();
        Ok(match own.old == own.new {
            true => "there is no old access key".to_owned(),
            false => format!("deleted the old access key {}", own.old),
        })
    }

    /// `--delete`: deletes a key that is not in use.
    fn delete(&self, id: &str) -> Result<String, Failure> {
        let (user, journal) = (self.user()?, self.journal()?);
        let rotation = journal.resume()?;
        let current = self.store.current().map_err(|failure| self.kept(failure))?;
        let in_use = &current.value.access_key_id;
        if id == in_use {
            let message = format!("{id} is the access key in use: it was not deleted");
            let hint = format!("to replace it, run `{}`", self.command(""));
            return Err(Failure::usage(message).hint(hint));
        }
        let keys = user.keys()?;
        let old = rotation.as_ref().filter(|own| own.old == id);
        let is_new = rotation.as_ref().is_some_and(|own| own.new == id);
        if old.is_none() && !is_new && !keys.iter().any(|key| key.id == id) {
            let arn = &user.identity.arn;
            return Err(Failure::setup(format!("{arn} has no access key {id}")));
        }
        if keys.iter().any(|key| key.id == *in_use && !key.is_active) {
            user.set_active(in_use, true)?;
            super::note(&format!("reactivated the access key {in_use}"));
        }
        self.delete_key(id, &current)?;
        if let Some(own) = old.filter(|own| own.new == *in_use) {
            self.move_sessions(own);
        }
        // A secret that is in the journal alone stays there.
        let is_stored = |own: &Rotation| own.new_key().is_none_or(|new| new.is(&current.value));
        let was_requested = rotation.as_ref().is_some_and(|own| own.new.is_empty());
        if is_new || was_requested || old.is_some_and(is_stored) {
            journal.remove();
        }
        Ok(format!("deleted the access key {id}"))
    }

    /// Deletes a key, unless AWS rejects the current one or they are one. Says first how old it is and when it was used.
    fn delete_key(&self, id: &str, current: &Setting<MasterKeys>) -> Result<(), Failure> {
        let (user, in_use) = (self.user()?, &current.value.access_key_id);
        (self.verify(current, false)).map_err(|failure| self.kept(failure))?;
        if id == in_use {
            return Ok(());
        }
        if let Some(key) = user.keys()?.iter().find(|key| key.id == id) {
            super::note(&format!("deleting {}", user.in_words(key, in_use)));
        }
        user.delete_key(id)
    }

    /// The failure of a deletion, because the key that would stay does not work.
    fn kept(&self, mut failure: Failure) -> Failure {
        failure.message = format!("no key was deleted: {}", failure.message);
        let again = self.command("");
        with_next_step(failure, format!("run `{again}` once that works"))
    }

    /// The command that deletes a key, if it would do that.
    fn delete_command(&self, id: &str, current: &Setting<MasterKeys>) -> Option<String> {
        let keys = self.user().and_then(User::keys).unwrap_or_default();
        let in_use = &current.value.access_key_id;
        let is_inactive = keys.iter().any(|key| key.id == *in_use && !key.is_active);
        let can_stay = in_use != id && (is_inactive || self.verify(current, false).is_ok());
        can_stay.then(|| self.command(&format!(" --delete {id}")))
    }

    /// The key in the store, which must be the new one.
    fn expected(&self, own: &Rotation) -> Result<Setting<MasterKeys>, Failure> {
        let Rotation { old, new, .. } = own;
        let mut hint = format!("restore {new} there, and run `{}` again", self.command(""));
        let current = match self.store.current() {
            Ok(current) if current.value.access_key_id == *new => return Ok(current),
            current => current.map_err(|failure| with_next_step(failure, hint.clone()))?,
        };
        let (in_use, profile) = (&current.value.access_key_id, self.store.profile());
        let unused = if in_use == old { new } else { old };
        if let Some(delete) = self.delete_command(unused, &current) {
            hint += &format!(", or delete the unused key: `{delete}`");
        }
        let message = format!("the profile {profile} has {in_use}, but {new} is to replace {old}");
        Err(Failure::setup(message).hint(hint))
    }
}
