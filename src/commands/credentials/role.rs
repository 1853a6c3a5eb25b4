//! A role's credentials: used while they are fresh, then renewed with the user's own session.

use super::Found;
use crate::aws::client::Patience;
use crate::aws::sts::{self, RoleRequest};
use crate::caller::{Call, Caller, RoleToAssume};
use crate::cli::Selection;
use crate::error::Failure;
use crate::session::lock::Lock;
use crate::session::store::SessionStore;
use crate::session::{Session, saved};
use crate::setting::Setting;
use crate::settings::network::Network;
use crate::settings::partition;
use crate::settings::role::{self, CHAINED, Role, RoleChain};
use crate::settings::{self, Flags, Settings};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time limit for renewing a role, with all its calls: a shell waits for it.
const LIMIT: Duration = Duration::from_secs(5);

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

/// The selected role, with everything needed to assume it.
pub struct SelectedRole {
    /// The role and those that lead to it.
    pub chain: RoleChain,
    /// The store of the user's own session.
    pub base_store: SessionStore,
    /// The store of the role's credentials.
    pub store: SessionStore,
    /// The stamp of the settings, see `settings::Location::stamp`.
    stamp: String,
    network: Network,
    get_command: String,
}

fn found(session: Session, not_renewed: Option<Failure>) -> Found {
    Found {
        session,
        warning: None,
        not_renewed,
    }
}

impl SelectedRole {
    /// The role that `settings` select. Reads only the CA bundle, and calls nothing.
    ///
    /// # Errors
    /// A setting is invalid.
    pub fn of(
        settings: &Settings,
        chain: RoleChain,
        file: PathBuf,
        stamp: String,
        selection: &Selection,
    ) -> Result<Self, Failure> {
        let base = settings.base(&chain);
        let region = match settings.own_region()? {
            Some(region) => region,
            None => base.own_region()?.unwrap_or_else(|| {
                let partition = chain.role.arn.value.partition();
                Setting::by_default(partition::default_region(partition).to_owned())
            }),
        };
        Ok(SelectedRole {
            base_store: SessionStore::new(base.session_file()?.value),
            store: SessionStore::new(file),
            stamp,
            network: settings.network(region)?,
            get_command: settings::get_command(selection, &Flags::default()),
            chain,
        })
    }

    /// The role's credentials: the saved ones while they are fresh, else new ones. If those cannot be obtained, the saved
    /// ones while they are valid.
    ///
    /// # Errors
    /// The user's own session is missing or has expired, or the role cannot be assumed, and no saved credentials
    /// are valid.
    pub fn credentials(
        &self,
        now: fn() -> Timestamp,
        watch: &mut dyn FnMut(&Path),
    ) -> Result<Found, Failure> {
        let deadline = Instant::now() + LIMIT;
        if let Some(session) = self.fresh(now()) {
            return Ok(found(session, None));
        }
        // Without the lock, a hundred processes make a hundred requests. Failing would be worse.
        let _lock = Lock::take_within(self.store.path(), LIMIT).ok().flatten();
        let saved = self.saved();
        if let Some(session) = self.fresh(now()) {
            watch(self.store.path());
            return Ok(found(session, None));
        }
        match self.renewed(deadline, now, watch) {
            Ok(session) => Ok(found(session, None)),
            Err(failure) => match saved.filter(|session| session.is_valid(now())) {
                Some(session) => Ok(found(session, Some(failure))),
                None => Err(failure),
            },
        }
    }

    /// The saved credentials, if they need no renewal yet.
    pub fn fresh(&self, now: Timestamp) -> Option<Session> {
        self.saved().filter(|session| is_fresh(session, now))
    }

    /// New credentials, assumed with `base`, the user's own session, and saved.
    ///
    /// # Errors
    /// A role in the chain cannot be assumed, or the credentials cannot be saved.
    pub fn get(&self, base: Session, now: fn() -> Timestamp) -> Result<Session, Failure> {
        let region = base.region.clone();
        let session = self.assume(base, Instant::now() + LIMIT, now)?;
        let session = self.complete(session, region);
        self.store.save(&session, now())?;
        Ok(session)
    }

    /// The beginning of the confirmation of `get`.
    pub fn confirmation(&self) -> String {
        format!("assumed the role {}; saved to", self.chain.role.arn.value)
    }

    /// The user's own session that the role is assumed with.
    ///
    /// # Errors
    /// There is none, it has expired, or its file cannot be used; with the command that gets a new one.
    pub fn session(&self, now: Timestamp) -> Result<Session, Failure> {
        let remedy = |error| Failure::from(error).hint(format!("run `{}`", self.get_command));
        let base = self.base_store.read().map_err(remedy)?.session;
        base.valid_at(now, self.base_store.path()).map_err(remedy)
    }

    /// New credentials, assumed with the user's own session and saved.
    fn renewed(
        &self,
        deadline: Instant,
        now: fn() -> Timestamp,
        watch: &mut dyn FnMut(&Path),
    ) -> Result<Session, Failure> {
        let base = self.session(now())?;
        let region = base.region.clone();
        // Removes the leftovers of killed processes. Credentials that cannot be saved are still usable.
        let _ = self.store.prepare();
        let session = self.assume(base, deadline, now)?;
        let session = self.complete(session, region);
        match self.store.save(&session, now()) {
            Ok(()) => watch(self.store.path()),
            Err(error) => {
                super::super::note(&format!("warning: {}", Failure::from(error).one_line()))
            }
        }
        Ok(session)
    }

    /// Assumes the role with `base`, the user's own session, and saves nothing.
    ///
    /// # Errors
    /// A role in the chain cannot be assumed.
    pub fn assume(
        &self,
        base: Session,
        deadline: Instant,
        now: fn() -> Timestamp,
    ) -> Result<Session, Failure> {
        let patience = || {
            let left = deadline.saturating_duration_since(Instant::now());
            Patience::within(left.max(Duration::from_millis(100)))
        };
        let roles: Vec<&Role> = self.chain.hops.iter().chain([&self.chain.role]).collect();
        let master_key_id = base.provenance.master_key_id.clone();
        let mut user_name = master_key_id
            .as_deref()
            .and_then(|key| saved::user_name(self.base_store.path(), key));
        if user_name.is_none() && roles.iter().any(|role| role.session_name.is_none()) {
            let caller = self.caller(&base);
            let user = sts::caller_identity(&caller.client(patience())?)
                .map_err(|error| caller.failure(&Call::Identity, &error, now()))?;
            user_name = Some(user.name().to_owned());
        }
        let mut who = match &user_name {
            Some(name) => format!("the user {name}"),
            None => "the user".to_owned(),
        };
        let default_name = role::session_name(user_name.as_deref().unwrap_or_default());
        let mut session = base;
        for (number, role) in roles.into_iter().enumerate() {
            let caller = self.caller(&session);
            let client = caller.client(patience())?;
            let request = RoleRequest {
                arn: role.arn.value.as_str(),
                session_name: role.session_name.as_deref().unwrap_or(&default_name),
                external_id: role.external_id.as_deref(),
                // Credentials assumed with temporary ones last an hour at most.
                seconds: role.seconds.min(CHAINED),
                mfa: None,
            };
            let assumed = sts::assume_role(&client, &request, now).map_err(|error| {
                let role = RoleToAssume {
                    arn: request.arn,
                    caller: &who,
                    is_chained: number > 0,
                    seconds: request.seconds,
                };
                caller.failure(&Call::Role(role, None), &error, now())
            })?;
            who = format!("the role {}", role.arn.value);
            session = assumed;
        }
        // The next role needs no further call for the name.
        session.provenance.user_name = user_name;
        session.provenance.master_key_id = master_key_id;
        Ok(session)
    }

    /// The role's credentials with everything needed to use them again. A role without its own region has the region of the
    /// user's session.
    pub fn complete(&self, mut session: Session, base_region: Option<String>) -> Session {
        let own_region = self.chain.role.region.as_ref();
        session.region = own_region
            .map(|region| region.value.clone())
            .or(base_region);
        session.provenance.settings = Some(self.stamp.clone());
        if let Some(role) = &mut session.provenance.role {
            role.base = self.base_store.path().to_str().map(str::to_owned);
        }
        session
    }

    /// The saved credentials, if they are for this role and were assumed with this user's session.
    fn saved(&self) -> Option<Session> {
        let session = self.store.read().ok()?.session;
        let role = session.provenance.role.as_ref()?;
        let is_this_one = role.arn == self.chain.role.arn.value.as_str()
            && role.base.as_deref() == self.base_store.path().to_str();
        is_this_one.then_some(session)
    }

    fn caller<'a>(&'a self, session: &'a Session) -> Caller<'a> {
        Caller {
            network: &self.network,
            key: Setting::by_default(session.into()),
            limit: LIMIT,
            command: &self.get_command,
        }
    }
}
