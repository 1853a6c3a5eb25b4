//! A role's credentials: used while they are fresh, then renewed with the user's own session.

use super::past_failure::{By, PastFailure};
use super::{Found, Waiter};
use crate::account::Account;
use crate::account::role::{self, CHAINED, Role, RoleChain};
use crate::aws::client::Patience;
use crate::aws::sts::{self, RoleRequest};
use crate::aws_failure::with_next_step;
use crate::caller::{Call, Caller, RoleToAssume};
use crate::error::Failure;
use crate::invocation;
use crate::origin::Setting;
use crate::session::lock::Lock;
use crate::session::store::SessionStore;
use crate::session::{Session, files};
use crate::settings::Settings;
use crate::settings::network::Network;
use crate::sources::{Flags, Sources};
use crate::stderr;
use crate::time::now;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::time::{Duration, Instant};

/// The time limit for the calls that renew a role, all together: a shell waits for them.
const LIMIT: Duration = Duration::from_secs(5);

/// How long a failed renewal is remembered, in seconds.
const MEMORY: i64 = 60;

/// The time limit for another process that is renewing the role. It may have been stopped, so its time is not that of the
/// calls.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// A role with less time left is renewed. botocore runs a credential_process again at the same time. For short credentials,
/// a quarter of their duration counts instead.
const MARGIN: SignedDuration = SignedDuration::from_mins(15);

/// Whether a role's credentials need no renewal yet. Those that cost a code are used until they expire.
pub fn is_fresh(session: &Session, now: Timestamp) -> bool {
    let Some(role) = &session.provenance.role else {
        return false;
    };
    let margin = match role.is_direct {
        true => SignedDuration::ZERO,
        false => MARGIN.min(SignedDuration::from_secs(i64::from(role.seconds) / 4)),
    };
    session.time_left(now).is_some_and(|left| left > margin)
}

/// The selected role, and the user's own session that assumes it.
pub struct RoleSession<'a> {
    /// The role and those that lead to it.
    pub chain: &'a RoleChain,
    /// The store of the user's own session.
    pub base_store: SessionStore,
    sources: &'a Sources<'a>,
    account: &'a Account,
    get_command: String,
}

impl<'a> RoleSession<'a> {
    /// The role at the end of `chain`, whose base is the session in `base_store`. Reads nothing.
    pub fn of(
        sources: &'a Sources<'a>,
        account: &'a Account,
        chain: &'a RoleChain,
        base_store: SessionStore,
    ) -> Self {
        RoleSession {
            chain,
            base_store,
            get_command: invocation::get_command(sources.selection, &Flags::default()),
            sources,
            account,
        }
    }

    /// The store of the role's credentials. `base` is the user's own session, which may say which key it was made with.
    pub fn store(&self, base: Option<&Session>, is_direct: bool) -> SessionStore {
        let made_with = base.and_then(|base| base.provenance.master_key_id.as_deref());
        self.store_of_key(made_with, is_direct)
    }

    /// The store of the role's credentials. `key` is the master key, if nothing but using it has told which one it is.
    pub fn store_of_key(&self, key: Option<&str>, is_direct: bool) -> SessionStore {
        let base = self.base_store.path();
        SessionStore::new(self.account.role_file(self.chain, base, key, is_direct))
    }

    /// The role's credentials: the saved ones while they are fresh, else new ones. If those cannot be obtained, the saved
    /// ones while they are valid.
    ///
    /// # Errors
    /// The user's own session is missing or has expired, or the role cannot be assumed, and no saved credentials
    /// are valid.
    pub fn credentials(
        &self,
        waiter: Waiter,
        watch: &mut dyn FnMut(&Path),
    ) -> Result<Found, Failure> {
        // The session of another key has nothing to say, not even its region.
        let key = self.account.key_of_session();
        let base = self.base_store.read().ok();
        let base = base.and_then(|base| base.session.of_key(key, self.base_store.path()).ok());
        let region = base.as_ref().and_then(|base| base.region.clone());
        let found = |session: Session, not_renewed| Found {
            session: Session {
                region: session.region.or(region.clone()),
                ..session
            },
            name: String::new(),
            warning: None,
            not_renewed,
        };
        let direct = self.store(base.as_ref(), true);
        let store = self.store(base.as_ref(), false);
        watch(direct.path());
        watch(store.path());
        for store in [&direct, &store] {
            if let Some(session) = fresh(store, now()) {
                return Ok(found(session, None));
            }
        }
        match self.renewed(&store, waiter, watch) {
            Ok(session) => Ok(found(session, None)),
            Err(failure) => match saved(&store).filter(|session| session.is_valid(now())) {
                Some(session) => Ok(found(session, Some(failure))),
                None => Err(failure),
            },
        }
    }

    /// The role's credentials once one process has renewed them, this one or another.
    ///
    /// # Errors
    /// The renewal has failed, now or less than a minute ago.
    fn renewed(
        &self,
        store: &SessionStore,
        waiter: Waiter,
        watch: &mut dyn FnMut(&Path),
    ) -> Result<Session, Failure> {
        let base = self.session(now())?;
        let key = base.access_key_id.clone();
        let recent = || {
            let past = PastFailure::recent(store.path(), MEMORY, now());
            past.filter(|past| past.session_key_id == key)
        };
        // What a prompt has begun may not have ended.
        let has_ended = |past: &PastFailure| past.by != By::Prompt;
        let failure = |past: PastFailure| {
            let (ago, get) = (past.seconds_ago(now()), &self.get_command);
            let left = MEMORY - ago;
            let step = format!(
                "that was {ago} s ago; the next attempt is in {left} s, or at once with `{get}`"
            );
            with_next_step(past.failure, step)
        };
        if let Some(past) = recent().filter(has_ended) {
            return Err(failure(past));
        }
        // Without the lock, a hundred processes make a hundred requests. Failing would be worse.
        let lock = Lock::take_within(store.path(), LOCK_LIMIT).ok().flatten();
        if let Some(session) = fresh(store, now()) {
            watch(store.path());
            return Ok(session);
        }
        let is_interrupted = waiter == Waiter::Prompt && lock.is_some();
        if let Some(past) = recent().filter(|past| has_ended(past) || is_interrupted) {
            return Err(failure(past));
        }
        let network = Settings::of(self.sources, self.account).sts(None)?;
        // Removes the leftovers of killed processes. Credentials that cannot be saved are still usable.
        let _ = store.prepare();
        let remember = |failure, by| PastFailure::new(failure, by, &key, now()).save(store.path());
        if waiter == Waiter::Prompt {
            remember(Failure::setup("it was interrupted"), By::Prompt);
        }
        let session = self
            .assume(&network, base, Instant::now() + LIMIT)
            .inspect_err(|failure| remember(failure.clone(), By::Program))?;
        PastFailure::forget(store.path());
        match store.save(&session, now()) {
            Ok(()) => watch(store.path()),
            Err(error) => stderr::note(&format!("warning: {}", Failure::from(error).one_line())),
        }
        Ok(session)
    }

    /// New credentials, assumed with `base`, the user's own session, and saved.
    ///
    /// # Errors
    /// A role in the chain cannot be assumed, or the credentials cannot be saved.
    pub fn get(
        &self,
        network: &Network,
        base: Session,
    ) -> Result<(Session, SessionStore), Failure> {
        let store = self.store(Some(&base), false);
        let session = self.assume(network, base, Instant::now() + LIMIT)?;
        store.save(&session, now())?;
        Ok((session, store))
    }

    /// The user's own session that the role is assumed with.
    ///
    /// # Errors
    /// There is none, it has expired, it was made with another key, or its file cannot be used; with the command that gets
    /// a new one.
    pub fn session(&self, now: Timestamp) -> Result<Session, Failure> {
        let (store, key) = (&self.base_store, self.account.key_of_session());
        Ok(super::saved(store, key, self.sources.selection, now)?.session)
    }

    /// Assumes the role with `base`, the user's own session, and saves nothing.
    ///
    /// # Errors
    /// A role in the chain cannot be assumed.
    pub fn assume(
        &self,
        network: &Network,
        base: Session,
        deadline: Instant,
    ) -> Result<Session, Failure> {
        let patience = || {
            let left = deadline.saturating_duration_since(Instant::now());
            Patience::within(left.max(Duration::from_millis(100)))
        };
        let roles: Vec<&Role> = self.chain.hops.iter().chain([&self.chain.role]).collect();
        let master_key_id = base.provenance.master_key_id.clone();
        let mut user_name = master_key_id
            .as_deref()
            .and_then(|key| files::user_name(self.base_store.path(), key));
        if user_name.is_none() && roles.iter().any(|role| role.session_name.is_none()) {
            let caller = self.caller(network, &base);
            let user = sts::caller_identity(&caller.client(patience())?)
                .map_err(|error| caller.failure(&Call::Identity, &error))?;
            user_name = Some(user.name().to_owned());
        }
        let named = |name| format!("the user {name}");
        let mut who = user_name.as_ref().map_or("the user".to_owned(), named);
        let default_name = role::session_name(user_name.as_deref().unwrap_or_default());
        let mut session = base;
        for (number, role) in roles.into_iter().enumerate() {
            let caller = self.caller(network, &session);
            let client = caller.client(patience())?;
            let request = RoleRequest {
                arn: role.arn.value.as_str(),
                session_name: role.session_name.as_deref().unwrap_or(&default_name),
                external_id: role.external_id.as_deref(),
                source_identity: role.source_identity.as_deref(),
                tags: &role.tags,
                // Credentials assumed with temporary ones last an hour at most.
                seconds: role.seconds.min(CHAINED),
                mfa: None,
            };
            let assumed = sts::assume_role(&client, &request).map_err(|error| {
                let role = RoleToAssume {
                    arn: request.arn,
                    caller: &who,
                    is_chained: number > 0,
                    seconds: request.seconds,
                };
                caller.failure(&Call::Role(role, None), &error)
            })?;
            who = format!("the role {}", role.arn.value);
            session = assumed;
        }
        // The next role needs no further call for the name.
        session.provenance.user_name = user_name;
        session.provenance.master_key_id = master_key_id;
        Ok(self.complete(session, false))
    }

    /// The role's credentials with what they are valid for.
    pub fn complete(&self, mut session: Session, is_direct: bool) -> Session {
        if let Some(role) = &mut session.provenance.role {
            role.base = self.base_store.path().to_str().map(str::to_owned);
            role.digest = self.chain.digest(is_direct);
        }
        session
    }

    fn caller<'c>(&'c self, network: &'c Network, session: &'c Session) -> Caller<'c> {
        Caller {
            network,
            key: Setting::by_default(session.into()),
            limit: LIMIT,
            command: &self.get_command,
        }
    }
}

/// The role's credentials in `store`, if they need no renewal yet.
pub fn fresh(store: &SessionStore, now: Timestamp) -> Option<Session> {
    saved(store).filter(|session| is_fresh(session, now))
}

/// The role's credentials in `store`.
fn saved(store: &SessionStore) -> Option<Session> {
    let session = store.read().ok()?.session;
    session.provenance.role.is_some().then_some(session)
}
