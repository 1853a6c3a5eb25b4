//! A role's credentials: handed out while they are fresh, renewed with the user's own session.

use super::Found;
use crate::aws::client::{Client, Patience, SigningKey};
use crate::aws::sts::{self, RoleRequest};
use crate::cli::Selection;
use crate::error::Failure;
use crate::explain::{self, RoleToAssume};
use crate::session::lock::Lock;
use crate::session::store::SessionStore;
use crate::session::{Session, saved};
use crate::setting::{Origin, Setting};
use crate::settings::network::Network;
use crate::settings::partition;
use crate::settings::role::{self, CHAINED, Role, RoleChain};
use crate::settings::{self, Flags, Settings};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For the renewal of a role, whatever it takes: a shell waits for it.
const LIMIT: Duration = Duration::from_secs(5);

/// Less than this left, a role is renewed: botocore asks a credential_process again at the same time. A quarter
/// of the credentials' length at most.
const MARGIN: SignedDuration = SignedDuration::from_mins(15);

/// Whether credentials of a role need no renewal yet. Those that a code was spent on are used to their end.
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

/// A role as it is selected, with all that it takes to assume it.
pub struct SelectedRole {
    /// The role, and those that lead to it.
    pub chain: RoleChain,
    /// Where the user's own session is kept.
    pub base_store: SessionStore,
    /// Where the role's credentials are kept.
    pub store: SessionStore,
    /// What the settings are that led here.
    stamp: String,
    region: Setting<String>,
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
    /// The role that `settings` select. Nothing is read or called yet but the bundle of certificates.
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
            None => base.own_region()?.unwrap_or_else(|| Setting {
                value: partition::default_region(chain.role.arn.value.partition()).to_owned(),
                origin: Origin::Default,
            }),
        };
        Ok(SelectedRole {
            base_store: SessionStore::new(base.session_file()?.value),
            store: SessionStore::new(file),
            stamp,
            network: settings.network(&region.value)?,
            region,
            get_command: settings::get_command(selection, &Flags::default()),
            chain,
        })
    }

    /// The role's credentials: the saved ones while they are fresh, else new ones; if these cannot be had, the saved
    /// ones as long as they are valid.
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
        // Without a lock, a hundred processes make a hundred requests; that is no reason to make none.
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
    /// One of the roles of the chain cannot be assumed, or the credentials cannot be saved.
    pub fn get(&self, base: Session, now: fn() -> Timestamp) -> Result<Session, Failure> {
        let region = base.region.clone();
        let session = self.assume(base, Instant::now() + LIMIT, now)?;
        let session = self.complete(session, region);
        self.store.save(&session, now())?;
        Ok(session)
    }

    /// What `get` says of it.
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
        // Removes what a process that was killed has left behind. Credentials that cannot be saved are good all the
        // same.
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
    /// One of the roles of the chain cannot be assumed.
    pub fn assume(
        &self,
        base: Session,
        deadline: Instant,
        now: fn() -> Timestamp,
    ) -> Result<Session, Failure> {
        let roles: Vec<&Role> = self.chain.hops.iter().chain([&self.chain.role]).collect();
        let master_key_id = base.provenance.master_key_id.clone();
        let mut user_name = master_key_id
            .as_deref()
            .and_then(|key| saved::user_name(self.base_store.path(), key));
        if user_name.is_none() && roles.iter().any(|role| role.session_name.is_none()) {
            let user = sts::caller_identity(&self.client(&base, deadline)?).map_err(|error| {
                let role = self.to_assume(&self.chain.role, "the user", false);
                self.request(&base).role_failed(&role, &error, now())
            })?;
            user_name = Some(user.name().to_owned());
        }
        let mut caller = match &user_name {
            Some(name) => format!("the user {name}"),
            None => "the user".to_owned(),
        };
        let default_name = role::session_name(user_name.as_deref().unwrap_or_default());
        let mut session = base;
        for (number, role) in roles.into_iter().enumerate() {
            let client = self.client(&session, deadline)?;
            let request = RoleRequest {
                arn: role.arn.value.as_str(),
                session_name: role.session_name.as_deref().unwrap_or(&default_name),
                external_id: role.external_id.as_deref(),
                // Credentials assumed with temporary ones last an hour at most.
                seconds: role.seconds.min(CHAINED),
                mfa: None,
            };
            let assumed = sts::assume_role(&client, &request, now).map_err(|error| {
                let role = self.to_assume(role, &caller, number > 0);
                self.request(&session).role_failed(&role, &error, now())
            })?;
            caller = format!("the role {}", role.arn.value);
            session = assumed;
        }
        // Whoever assumes the next role need not ask for the name again.
        session.provenance.user_name = user_name;
        session.provenance.master_key_id = master_key_id;
        Ok(session)
    }

    /// The role's credentials with all that is needed to hand them out again. A role without a region of its own
    /// has that of the user's session.
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

    /// The saved credentials, if they are of this role and were assumed with this user's session.
    fn saved(&self) -> Option<Session> {
        let session = self.store.read().ok()?.session;
        let role = session.provenance.role.as_ref()?;
        let is_this_one = role.arn == self.chain.role.arn.value.as_str()
            && role.base.as_deref() == self.base_store.path().to_str();
        is_this_one.then_some(session)
    }

    fn client(&self, session: &Session, deadline: Instant) -> Result<Client, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        let key = SigningKey {
            id: &session.access_key_id,
            secret: &session.secret_access_key,
            token: Some(&session.session_token),
            region: &self.region.value,
        };
        let patience = Patience::within(left.max(Duration::from_millis(100)));
        Client::new(&self.network.route(), &key, patience)
            .map_err(|error| self.request(session).no_client(&error))
    }

    fn request<'a>(&'a self, session: &'a Session) -> explain::Request<'a> {
        explain::Request {
            action: "sts:AssumeRole",
            endpoint: &self.network.endpoint.value,
            proxy: self.network.proxy.as_ref(),
            key_id: Setting {
                value: session.access_key_id.as_str(),
                origin: Origin::Default,
            },
            region: self.region.get(String::as_str),
            device: None,
            limit: LIMIT,
            command: &self.get_command,
            clear_command: "",
        }
    }

    fn to_assume<'a>(&self, role: &'a Role, caller: &'a str, is_chained: bool) -> RoleToAssume<'a> {
        RoleToAssume {
            arn: role.arn.value.as_str(),
            caller,
            is_chained,
            seconds: role.seconds.min(CHAINED),
        }
    }
}
