//! The setup to check: the account and the settings, resolved once.

use super::Question;
use super::limit::Limit;
use crate::account::Account;
use crate::aws::client::SigningKey;
use crate::cli::Selection;
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::invocation;
use crate::loader::Integration;
use crate::origin::Setting;
use crate::session::Session;
use crate::session::error::Error;
use crate::session::store::SessionStore;
use crate::settings::device::Device;
use crate::settings::network::Network;
use crate::settings::{Settings, rows};
use crate::sources::{Flags, Sources};
use crate::time::now;

/// The selection's account and settings, as far as they can be resolved.
pub struct Setup<'a> {
    /// The selected profile, role and session file.
    pub selection: &'a Selection,
    /// The variables.
    pub environment: &'a Environment,
    /// The end of all checks.
    pub limit: Limit,
    /// Where the settings come from.
    pub sources: &'a Sources<'a>,
    /// Whose credentials are selected.
    pub account: Account,
    /// How AWS is asked.
    pub settings: Settings,
    /// The session file.
    pub store: Result<Setting<SessionStore>, Failure>,
    /// The `get` command for this selection.
    pub get_command: String,
}

impl<'a> Setup<'a> {
    /// Resolves the settings. Calls nothing.
    ///
    /// # Errors
    /// The variable with the profile's name is not UTF-8.
    pub fn of(sources: &'a Sources<'a>) -> Result<Self, Failure> {
        let limit = Limit::start();
        let account = Account::of(sources)?;
        Ok(Setup {
            selection: sources.selection,
            environment: sources.environment,
            limit,
            sources,
            settings: Settings::of(sources, &account),
            store: (account.session_file.clone()).map(|file| file.map(SessionStore::new)),
            account,
            get_command: invocation::get_command(sources.selection, &Flags::default()),
        })
    }

    /// The profile that programs read beside the credentials in the environment.
    pub fn programs_profile(&self) -> &str {
        match self.environment.text(variable::AWS_PROFILE) {
            Ok(Some(name)) => name,
            _ => "default",
        }
    }

    /// What loads the credentials into the shell.
    pub fn integration(&self) -> Integration<'a> {
        Integration::of(self.sources, &self.account)
    }

    /// The configured or remembered MFA device.
    ///
    /// # Errors
    /// The configured device is invalid.
    pub fn device(&self) -> Result<Option<Setting<Device>>, Failure> {
        rows::device(&self.account, &self.settings)
    }

    /// A question to AWS, which is one check.
    pub fn question<'q>(
        &'q self,
        network: &'q Network,
        key: &'q Setting<SigningKey<'q>>,
    ) -> Question<'q> {
        Question {
            setup: self,
            network,
            key,
            deadline: self.limit.check(),
        }
    }

    /// The session in `store`, if it is valid.
    ///
    /// # Errors
    /// There is none.
    pub fn session_in(&self, store: &SessionStore) -> Result<Session, Error> {
        let session = store.read()?.session;
        let session = session.of_key(self.account.key_of_session(), store.path())?;
        session.valid_at(now(), store.path())
    }

    /// The session, if it is valid.
    pub fn session(&self) -> Option<Session> {
        self.session_in(&self.store.as_ref().ok()?.value).ok()
    }

    /// The files of the selected role's credentials, if a role is selected: those that cost a code of their own first.
    pub fn role_stores(&self) -> Vec<SessionStore> {
        let (Ok(Some(chain)), Ok(store)) = (&self.account.role, &self.store) else {
            return Vec::new();
        };
        let base = store.value.path();
        let made_with = store.value.read().ok();
        let made_with = made_with.and_then(|loaded| loaded.session.provenance.master_key_id);
        let made_with = made_with.as_deref();
        let file = |is_direct| self.account.role_file(chain, base, made_with, is_direct);
        vec![
            SessionStore::new(file(true)),
            SessionStore::new(file(false)),
        ]
    }

    /// STS, in the configured region, else in the partition's first region.
    ///
    /// # Errors
    /// A network setting is invalid.
    pub fn sts(&self) -> Result<Network, Failure> {
        self.settings.sts(self.known_device().as_ref())
    }

    /// IAM of the partition.
    ///
    /// # Errors
    /// A network setting is invalid.
    pub fn iam(&self) -> Result<Network, Failure> {
        let device = self.known_device();
        let partition = self.settings.partition(device.as_ref())?;
        self.settings.network.iam(partition)
    }

    fn known_device(&self) -> Option<Device> {
        Some(self.device().ok()??.value)
    }
}
