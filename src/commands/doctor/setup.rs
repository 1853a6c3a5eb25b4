//! The settings to check, resolved once.

use super::limit::Limit;
use crate::cli::Selection;
use crate::commands::resolved::Resolved;
use crate::commands::shown;
use crate::environment::Environment;
use crate::error::Failure;
use crate::session::Session;
use crate::session::store::SessionStore;
use crate::setting::Setting;
use crate::settings::device::Device;
use crate::settings::network::Network;
use crate::settings::role::RoleChain;
use crate::settings::{self, Flags, Location, Settings, partition};
use jiff::Timestamp;

/// The selection's settings and session, as far as they can be resolved.
pub struct Setup<'a> {
    /// The selected profile, role and session file.
    pub selection: &'a Selection,
    /// The variables.
    pub environment: &'a Environment,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// The end of all checks.
    pub limit: Limit,
    /// The settings, unless a file in `~/.aws` cannot be parsed.
    pub settings: Result<Settings<'a>, Failure>,
    /// The selected role, with the roles that lead to it.
    pub chain: Result<Option<RoleChain>, Failure>,
    /// For a role, the settings of the user's own session.
    base: Option<Settings<'a>>,
    /// The session file.
    pub store: Result<Setting<SessionStore>, Failure>,
    /// The `get` command for this selection.
    pub get_command: String,
}

impl<'a> Setup<'a> {
    /// Resolves the settings. Calls nothing.
    pub fn of(
        selection: &'a Selection,
        environment: &'a Environment,
        now: fn() -> Timestamp,
    ) -> Self {
        let limit = Limit::start();
        let resolved = Resolved::of(selection, environment);
        Setup {
            selection,
            environment,
            now,
            limit,
            settings: resolved.settings,
            chain: resolved.chain,
            base: resolved.base,
            store: (resolved.session_file).map(|file| file.map(SessionStore::new)),
            get_command: settings::get_command(selection, &Flags::default()),
        }
    }

    /// The settings for the keys and the session.
    ///
    /// # Errors
    /// A file in `~/.aws` cannot be parsed.
    pub fn base(&self) -> Result<&Settings<'a>, Failure> {
        match (&self.base, &self.settings) {
            (Some(base), _) => Ok(base),
            (None, Ok(settings)) => Ok(settings),
            (None, Err(failure)) => Err(failure.clone()),
        }
    }

    /// The configured or remembered MFA device.
    ///
    /// # Errors
    /// The configured device is invalid.
    pub fn device(&self) -> Result<Option<Setting<Device>>, Failure> {
        match &self.settings {
            Ok(settings) => shown::device(settings, self.base()?),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// The session, if it is valid.
    ///
    /// # Errors
    /// There is none.
    pub fn session(&self) -> Result<Session, Failure> {
        let store = &self.store.as_ref().map_err(Failure::clone)?.value;
        let session = store.read().map_err(Failure::from)?.session;
        Ok(session.valid_at((self.now)(), store.path())?)
    }

    /// The file of the selected role's credentials, if a role is selected.
    pub fn role_store(&self) -> Option<SessionStore> {
        let Ok(Some(_)) = self.chain else {
            return None;
        };
        let location = Location::of(self.selection, self.environment).ok()?;
        location.role.map(SessionStore::new)
    }

    /// STS, in the configured region, else in the partition's first region.
    ///
    /// # Errors
    /// A network setting is invalid.
    pub fn sts(&self) -> Result<Network, Failure> {
        let base = self.base()?;
        base.network(match base.own_region()? {
            Some(region) => region,
            None => Setting::by_default(partition::default_region(self.partition()?).to_owned()),
        })
    }

    /// IAM of the partition.
    ///
    /// # Errors
    /// A network setting is invalid.
    pub fn iam(&self) -> Result<Network, Failure> {
        self.base()?.iam_network(self.partition()?)
    }

    fn partition(&self) -> Result<&'static str, Failure> {
        if let Some(partition) = self.base()?.own_partition()? {
            return Ok(partition);
        }
        let device = self.device().ok().flatten();
        Ok(device.map_or("aws", |device| {
            partition::of_region(device.value.default_region())
        }))
    }
}
