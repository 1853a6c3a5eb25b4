//! The user whose key is replaced. The saved session signs the requests to IAM.

use crate::account::keys::MasterKeys;
use crate::aws::client::{CALL_TIMEOUT, Client, Patience, SigningKey};
use crate::aws::error::{CallError, Reason};
use crate::aws::iam::{self, AccessKey};
use crate::aws::legal;
use crate::aws::sts::{self, Identity};
use crate::caller::{Call, Caller};
use crate::error::Failure;
use crate::origin::Setting;
use crate::session::Session;
use crate::settings::Settings;
use crate::settings::network::Network;
use crate::time::{now, span};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::time::{Duration, Instant};

/// How long AWS may not know a new key yet, because IAM is eventually consistent.
const CONSISTENT_AFTER: Duration = Duration::from_secs(30);

/// The first and the longest pause between two checks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The user of the saved session.
pub struct User {
    /// `arn:aws:iam::<account>:user/<path><name>`
    pub identity: Identity,
    /// The command that gets another session.
    pub get_command: String,
    session: Setting<Session>,
    network: Network,
    iam: Client,
}

impl User {
    /// The user of `session`, from STS.
    ///
    /// # Errors
    /// A network setting is invalid, STS does not answer or rejects the session, or the session is not a user's.
    pub fn of_session(
        settings: &Settings,
        sts_network: &Network,
        session: Setting<Session>,
        get_command: String,
    ) -> Result<Self, Failure> {
        let of_sts = caller(sts_network, session.get(Into::into), &get_command);
        let identity = sts::caller_identity(&of_sts.client(Patience::within(CALL_TIMEOUT))?)
            .map_err(|error| of_sts.failure(&Call::Identity, &error))?;
        let (arn, account) = (&identity.arn, &identity.account);
        // The name and the account are part of a file's name.
        let is_legal = legal::is_account(account) && legal::USER_NAME.accepts(identity.name());
        if !arn.contains(":user/") || !is_legal {
            let message = format!("the session does not belong to an IAM user, but to {arn}");
            let hint = "select the profile of an IAM user with access keys: `--profile <name>`";
            return Err(Failure::setup(message).hint(hint));
        }
        let partition = arn.split(':').nth(1).unwrap_or("aws");
        let network = settings.network.iam(partition)?;
        let of_iam = caller(&network, session.get(Into::into), &get_command);
        let iam = of_iam.client(Patience::ONCE)?;
        Ok(User {
            identity,
            get_command,
            session,
            network,
            iam,
        })
    }

    /// The user's access keys, inactive ones included.
    pub fn keys(&self) -> Result<Vec<AccessKey>, Failure> {
        iam::access_keys(&self.iam, Some(self.identity.name()))
            .map_err(|error| self.failure("iam:ListAccessKeys", &error))
    }

    /// The key with its age and its last use.
    pub fn in_words(&self, key: &AccessKey, current: &str) -> String {
        let age = |time: Timestamp| {
            let age = now().duration_since(time);
            match age.as_hours() / 24 {
                0 | 1 => span(age),
                days => format!("{days}d"),
            }
        };
        let used = iam::access_key_last_used(&self.iam, &key.id).ok().flatten();
        let created = key.created.map_or("of unknown age".to_owned(), |time| {
            format!("{} old", age(time))
        });
        let used = used.map_or("last use unknown".to_owned(), |time| {
            format!("last used {} ago", age(time))
        });
        let in_use = if key.id == current { "in use, " } else { "" };
        let state = if key.is_active { "active" } else { "inactive" };
        format!("{} ({in_use}{state}, {created}, {used})", key.id)
    }

    /// Creates an access key. The request is sent only once.
    ///
    /// # Errors
    /// There is no key, or nobody can know its secret: then the second value is true.
    pub fn create_key(&self) -> Result<MasterKeys, (Failure, bool)> {
        let created = iam::create_access_key(&self.iam, self.identity.name());
        let key = created.map_err(|error| {
            let failure = self.failure("iam:CreateAccessKey", &error);
            (failure, error.may_be_done())
        })?;
        let secret = key.secret.expose_secret();
        // What needs no escapes in any store.
        let plain = |c: char| c.is_ascii_alphanumeric() || "/+=_-.".contains(c);
        let keys = MasterKeys::new(&key.id, secret, "AccessKeyId").ok();
        keys.filter(|_| secret.chars().all(plain)).ok_or_else(|| {
            let endpoint = &self.network.endpoint.value;
            let message = format!("IAM's new access key cannot be used ({endpoint})");
            (Failure::setup(message), true)
        })
    }

    /// Activates or deactivates a key, if there is one with this id.
    pub fn set_active(&self, id: &str, active: bool) -> Result<(), Failure> {
        let done = iam::set_access_key_active(&self.iam, self.identity.name(), id, active);
        self.unless_missing("iam:UpdateAccessKey", done)
    }

    /// Deletes a key, if there is one with this id.
    pub fn delete_key(&self, id: &str) -> Result<(), Failure> {
        let done = iam::delete_access_key(&self.iam, self.identity.name(), id);
        self.unless_missing("iam:DeleteAccessKey", done)
    }

    fn unless_missing(
        &self,
        action: &'static str,
        done: Result<(), CallError>,
    ) -> Result<(), Failure> {
        match done {
            Err(CallError::Refused(refusal)) if refusal.reason == Reason::NoSuchEntity => Ok(()),
            done => done.map_err(|error| self.failure(action, &error)),
        }
    }

    fn failure(&self, action: &'static str, error: &CallError) -> Failure {
        let key = self.session.get(Into::into);
        let caller = caller(&self.network, key, &self.get_command);
        caller.failure(&Call::AccessKeys(action), error)
    }
}

fn caller<'c>(network: &'c Network, key: Setting<SigningKey<'c>>, command: &'c str) -> Caller<'c> {
    let limit = CALL_TIMEOUT;
    Caller {
        network,
        key,
        limit,
        command,
    }
}

/// Checks that AWS accepts the key as that of the user who `is_user`. A new one is tried again, because it takes time to be
/// accepted.
///
/// # Errors
/// The key is rejected, or is another user's.
pub fn verify(
    network: &Network,
    key: &Setting<MasterKeys>,
    is_new: bool,
    is_user: impl Fn(&Identity) -> bool,
) -> Result<(), Failure> {
    let caller = caller(network, key.get(Into::into), "");
    let client = caller.client(Patience::within(CALL_TIMEOUT))?;
    let deadline = Instant::now() + CONSISTENT_AFTER;
    let mut pause = PAUSE.0;
    loop {
        let error = match sts::caller_identity(&client) {
            Ok(identity) if is_user(&identity) => return Ok(()),
            Ok(Identity { arn, .. }) => {
                let id = &key.value.access_key_id;
                let message = format!("the access key {id} belongs to another user: {arn}");
                return Err(Failure::setup(message));
            }
            Err(error) => error,
        };
        if !is_new || !error.may_pass() || Instant::now() + pause > deadline {
            let call = match is_new {
                true => Call::IdentityOfNewKey,
                false => Call::Identity,
            };
            return Err(caller.failure(&call, &error));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE.1);
    }
}
