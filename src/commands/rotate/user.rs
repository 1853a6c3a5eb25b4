//! The user whose key is replaced. The saved session signs the requests to IAM.

use crate::aws::client::{CALL_TIMEOUT, Client, Patience, SigningKey};
use crate::aws::error::{CallError, Reason, Refusal};
use crate::aws::iam::{self, AccessKey};
use crate::aws::sts::{self, Identity};
use crate::error::{Failure, Kind};
use crate::explain;
use crate::session::Session;
use crate::session::store::SessionStore;
use crate::setting::{Origin, Setting};
use crate::settings::arn::is_account;
use crate::settings::device::{self, Device};
use crate::settings::keys::MasterKeys;
use crate::settings::network::Network;
use crate::settings::{Settings, partition};
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
    sts: Sts<'a>,
    iam: Client,
    iam_network: Network,
    iam_region: &'static str,
    now: fn() -> Timestamp,
}

/// How to reach STS, and what its failures need to name.
struct Sts<'a> {
    network: Network,
    region: Setting<String>,
    session_key_id: String,
    session_origin: Origin,
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
        store: &SessionStore,
        session: &Session,
        get_command: &'a str,
        now: fn() -> Timestamp,
    ) -> Result<Self, Failure> {
        let region = region(settings, store, session)?;
        let sts = Sts {
            network: settings.network(&region.value)?,
            region,
            session_key_id: session.access_key_id.clone(),
            session_origin: settings.session_file()?.origin,
            get_command,
        };
        let request = sts.request();
        let key = SigningKey {
            id: &session.access_key_id,
            secret: &session.secret_access_key,
            token: Some(&session.session_token),
            region: &sts.region.value,
        };
        let patience = Patience::within(CALL_TIMEOUT);
        let client = Client::new(&sts.network.route(), &key, patience)
            .map_err(|error| request.no_client(&error))?;
        let identity =
            sts::caller_identity(&client).map_err(|error| request.keys_failed(&error, now()))?;
        if !is_user(&identity) {
            return Err(Failure::new(
                Kind::Setup,
                format!(
                    "the session does not belong to an IAM user, but to {}",
                    identity.arn
                ),
            )
            .hint("select the profile of an IAM user with access keys: `--profile <name>`"));
        }

        let partition = identity.arn.split(':').nth(1).unwrap_or("aws");
        let iam_network = settings.iam_network(partition)?;
        let iam_region = partition::default_region(partition);
        let key = SigningKey {
            region: iam_region,
            ..key
        };
        let iam = Client::new(&iam_network.route(), &key, Patience::ONCE)
            .map_err(|error| request.no_client(&error))?;
        Ok(User {
            identity,
            sts,
            iam,
            iam_network,
            iam_region,
            now,
        })
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        self.identity.name()
    }

    /// The user's access keys, inactive ones included.
    pub fn keys(&self) -> Result<Vec<AccessKey>, Failure> {
        iam::access_keys(&self.iam, Some(self.name()), (self.now)())
            .map_err(|error| self.failure("iam:ListAccessKeys", &error))
    }

    /// When the key was last used; `None` if it never was or IAM does not say.
    pub fn last_used(&self, id: &str) -> Option<Timestamp> {
        iam::access_key_last_used(&self.iam, id, (self.now)()).ok()?
    }

    /// Creates an access key. The request is sent only once.
    pub fn create_key(&self) -> Result<MasterKeys, NotCreated> {
        let created = iam::create_access_key(&self.iam, self.name(), (self.now)());
        created
            .map_err(|error| NotCreated {
                failure: self.failure("iam:CreateAccessKey", &error),
                maybe: may_have_happened(&error),
            })
            .and_then(|key| {
                let secret = key.secret.expose_secret();
                let unusable = || NotCreated {
                    failure: Failure::new(
                        Kind::Setup,
                        format!(
                            "IAM's new access key cannot be used ({})",
                            self.iam_network.endpoint.value
                        ),
                    ),
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
        let done = iam::set_access_key_active(&self.iam, self.name(), id, active, (self.now)());
        self.existed("iam:UpdateAccessKey", done)
    }

    /// Deletes a key. Returns whether there was one.
    pub fn delete_key(&self, id: &str) -> Result<bool, Failure> {
        let done = iam::delete_access_key(&self.iam, self.name(), id, (self.now)());
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
        let mut request = self.sts.request();
        request.key_id.value = &key.access_key_id;
        request.limit = ANSWER_LIMIT;
        let signing = SigningKey {
            id: &key.access_key_id,
            secret: &key.secret_access_key,
            token: None,
            region: &self.sts.region.value,
        };
        let route = self.sts.network.route();
        let client = Client::new(&route, &signing, Patience::within(ANSWER_LIMIT))
            .map_err(|error| request.no_client(&error))?;
        let deadline = Instant::now() + CONSISTENT_AFTER;
        let mut pause = PAUSE.0;
        loop {
            let error = match sts::caller_identity(&client) {
                Ok(identity) if identity == self.identity => return Ok(()),
                Ok(other) => {
                    return Err(Failure::new(
                        Kind::Setup,
                        format!(
                            "the access key {} belongs to {}, not to {}",
                            key.access_key_id, other.arn, self.identity.arn
                        ),
                    ));
                }
                Err(error) => error,
            };
            if !may_pass(&error) || Instant::now() + pause > deadline {
                return Err(request.new_key_failed(&error, (self.now)()));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn failure(&self, action: &'static str, error: &CallError) -> Failure {
        let mut request = self.sts.request();
        request.action = action;
        request.endpoint = &self.iam_network.endpoint.value;
        request.proxy = self.iam_network.proxy.as_ref();
        request.region = Setting {
            value: self.iam_region,
            origin: Origin::Default,
        };
        request.keys_failed(error, (self.now)())
    }
}

impl Sts<'_> {
    fn request(&self) -> explain::Request<'_> {
        explain::Request {
            action: "sts:GetCallerIdentity",
            endpoint: &self.network.endpoint.value,
            proxy: self.network.proxy.as_ref(),
            key_id: Setting {
                value: &self.session_key_id,
                origin: self.session_origin.clone(),
            },
            region: self.region.get(String::as_str),
            device: None,
            limit: CALL_TIMEOUT,
            command: self.get_command,
            clear_command: "",
        }
    }
}

/// The region of STS: the configured one, else the session's, else the device's.
fn region(
    settings: &Settings,
    store: &SessionStore,
    session: &Session,
) -> Result<Setting<String>, Failure> {
    if let Some(region) = settings.own_region()? {
        return Ok(region);
    }
    let device = match settings.device()? {
        Some(device) => Some(device),
        None => device::remembered(store.path(), None),
    };
    let of_device = device
        .as_ref()
        .map_or("us-east-1", |device: &Setting<Device>| {
            device.value.default_region()
        });
    let value = session.region.as_deref().unwrap_or(of_device).to_owned();
    Ok(Setting {
        value,
        origin: Origin::Default,
    })
}

/// Whether this is an IAM user whose name and account can be part of a file name.
fn is_user(identity: &Identity) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    identity.arn.contains(":user/")
        && is_account(&identity.account)
        && identity.name().chars().all(plain)
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
