//! The user whose key is replaced. The saved session signs the requests to IAM.

use crate::account::keys::MasterKeys;
use crate::aws::client::{CALL_TIMEOUT, Client, Patience, SigningKey};
use crate::aws::error::{CallError, Reason, Refusal};
use crate::aws::iam::{self, AccessKey};
use crate::aws::legal;
use crate::aws::legal::is_account;
use crate::aws::sts::{self, Identity};
use crate::caller::{Call, Caller};
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::session::Session;
use crate::session::store::SessionStore;
use crate::settings::Settings;
use crate::settings::device;
use crate::settings::network::Network;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::time::{Duration, Instant};

/// How long AWS may not know a new key yet, because IAM is eventually consistent.
const CONSISTENT_AFTER: Duration = Duration::from_secs(30);

/// The time limit of one check whether a key works.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The first and the longest pause between two checks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The user of the saved session.
pub struct User<'a> {
    /// `arn:aws:iam::<account>:user/<path><name>`
    pub identity: Identity,
    session_key: Setting<SigningKey<'a>>,
    sts_network: Network,
    iam_network: Network,
    iam: Client,
    get_command: &'a str,
}

/// Why there is no new key.
pub struct NotCreated {
    /// Why, for the user.
    pub failure: Failure,
    /// Whether IAM may have created one nevertheless.
    pub maybe: bool,
}

impl<'a> User<'a> {
    /// The user of `session`, from STS.
    ///
    /// # Errors
    /// A network setting is invalid, STS does not answer or rejects the session, or the session is not a user's.
    pub fn of_session(
        settings: &Settings,
        store: &Setting<SessionStore>,
        session: &'a Session,
        get_command: &'a str,
    ) -> Result<Self, Failure> {
        let region = region(settings, &store.value, session)?;
        let sts_network = settings.network.sts(region)?;
        let session_key = store.get(|_| session.into());
        let caller = Caller {
            network: &sts_network,
            key: session_key.clone(),
            limit: CALL_TIMEOUT,
            command: get_command,
        };
        let identity = sts::caller_identity(&caller.client(Patience::within(CALL_TIMEOUT))?)
            .map_err(|error| caller.failure(&Call::Identity, &error))?;
        if !is_user(&identity) {
            return Err(Failure::setup(format!(
                "the session does not belong to an IAM user, but to {}",
                identity.arn
            ))
            .hint("select the profile of an IAM user with access keys: `--profile <name>`"));
        }

        let partition = identity.arn.split(':').nth(1).unwrap_or("aws");
        let iam_network = settings.network.iam(partition)?;
        let network = &iam_network;
        let iam = Caller { network, ..caller }.client(Patience::ONCE)?;
        Ok(User {
            identity,
            session_key,
            sts_network,
            iam_network,
            iam,
            get_command,
        })
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        self.identity.name()
    }

    /// The user's access keys, inactive ones included.
    pub fn keys(&self) -> Result<Vec<AccessKey>, Failure> {
        iam::access_keys(&self.iam, Some(self.name()))
            .map_err(|error| self.failure("iam:ListAccessKeys", &error))
    }

    /// When the key was last used; `None` if it never was or IAM does not say.
    pub fn last_used(&self, id: &str) -> Option<Timestamp> {
        iam::access_key_last_used(&self.iam, id).ok()?
    }

    /// Creates an access key. The request is sent only once.
    pub fn create_key(&self) -> Result<MasterKeys, NotCreated> {
        let created = iam::create_access_key(&self.iam, self.name());
        created
            .map_err(|error| NotCreated {
                failure: self.failure("iam:CreateAccessKey", &error),
                maybe: may_have_happened(&error),
            })
            .and_then(|key| {
                let secret = key.secret.expose_secret();
                let unusable = || NotCreated {
                    failure: Failure::setup(format!(
                        "IAM's new access key cannot be used ({})",
                        self.iam_network.endpoint.value
                    )),
                    maybe: true,
                };
                let plain = |character: char| {
                    character.is_ascii_alphanumeric() || "/+=_-.".contains(character)
                };
                if !secret.chars().all(plain) {
                    return Err(unusable());
                }
                MasterKeys::new(&key.id, secret, "AccessKeyId").map_err(|_| unusable())
            })
    }

    /// Activates or deactivates a key. Returns whether there is such a key.
    pub fn set_active(&self, id: &str, active: bool) -> Result<bool, Failure> {
        let done = iam::set_access_key_active(&self.iam, self.name(), id, active);
        self.existed("iam:UpdateAccessKey", done)
    }

    /// Deletes a key. Returns whether there was one.
    pub fn delete_key(&self, id: &str) -> Result<bool, Failure> {
        let done = iam::delete_access_key(&self.iam, self.name(), id);
        self.existed("iam:DeleteAccessKey", done)
    }

    fn existed(&self, action: &'static str, done: Result<(), CallError>) -> Result<bool, Failure> {
        match done {
            Ok(()) => Ok(true),
            Err(CallError::Refused(Refusal {
                reason: Reason::NoSuchEntity,
                ..
            })) => Ok(false),
            Err(error) => Err(self.failure(action, &error)),
        }
    }

    /// Checks that AWS accepts the key as this user's. Retries, because a new key takes time to be accepted.
    ///
    /// # Errors
    /// The key is rejected, or is another user's.
    pub fn verify(&self, key: &MasterKeys) -> Result<(), Failure> {
        let caller = Caller {
            network: &self.sts_network,
            key: self.session_key.get(|_| key.into()),
            limit: ANSWER_LIMIT,
            command: self.get_command,
        };
        let client = caller.client(Patience::within(ANSWER_LIMIT))?;
        let deadline = Instant::now() + CONSISTENT_AFTER;
        let mut pause = PAUSE.0;
        loop {
            let error = match sts::caller_identity(&client) {
                Ok(identity) if identity == self.identity => return Ok(()),
                Ok(other) => {
                    return Err(Failure::setup(format!(
                        "the access key {} belongs to {}, not to {}",
                        key.access_key_id, other.arn, self.identity.arn
                    )));
                }
                Err(error) => error,
            };
            if !may_pass(&error) || Instant::now() + pause > deadline {
                return Err(caller.failure(&Call::IdentityOfNewKey, &error));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn failure(&self, action: &'static str, error: &CallError) -> Failure {
        let caller = Caller {
            network: &self.iam_network,
            key: self.session_key.clone(),
            limit: CALL_TIMEOUT,
            command: self.get_command,
        };
        caller.failure(&Call::AccessKeys(action), error)
    }
}

/// The region of STS: the configured one, else the session's, else the device's.
fn region(
    settings: &Settings,
    store: &SessionStore,
    session: &Session,
) -> Result<Setting<String>, Failure> {
    let device = match settings.device.clone()? {
        Some(device) => Some(device),
        None => device::remembered(store.path(), None),
    };
    let region = settings.sts_region(device.as_ref().map(|device| &device.value))?;
    Ok(match (&region.origin, &session.region) {
        (Origin::Default, Some(saved)) => Setting::by_default(saved.clone()),
        _ => region,
    })
}

/// Whether this is an IAM user whose name and account can be part of a file name.
fn is_user(identity: &Identity) -> bool {
    identity.arn.contains(":user/")
        && is_account(&identity.account)
        && legal::USER_NAME.accepts(identity.name())
}

/// Whether IAM may have carried out the request.
fn may_have_happened(error: &CallError) -> bool {
    match error {
        CallError::NotSent(_) => false,
        CallError::Refused(refusal) => {
            refusal.words.is_none() || refusal.reason == Reason::ServerFault
        }
        CallError::NoAnswer(_) | CallError::Unusable(_) => true,
    }
}

/// Whether another attempt may succeed.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => matches!(
            refusal.reason,
            Reason::UnknownKey | Reason::WrongSecret | Reason::Throttled | Reason::ServerFault
        ),
        CallError::NotSent(_) | CallError::NoAnswer(_) => true,
        CallError::Unusable(_) => false,
    }
}
