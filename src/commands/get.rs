//! `aws-mfa get`: a new session from STS for an MFA code, saved for every shell.

use crate::account::key_source::KeySource;
use crate::account::keys::MasterKeys;
use crate::account::{self, Account, Owner, credential_process, session_directory};
use crate::aws::client::{CALL_TIMEOUT, Client, Patience};
use crate::aws::error::CallError;
use crate::aws::partition;
use crate::aws::sts::{self, RoleRequest};
use crate::aws_failure::next_code_hint;
use crate::caller::{Call, Caller, CodeDevice, RoleToAssume};
use crate::cli::{Get, Selection};
use crate::credentials::device_lookup;
use crate::credentials::past_failure::PastFailure;
use crate::credentials::role::{self, RoleSession};
use crate::environment::zone::time_zone;
use crate::environment::{Environment, variable};
use crate::error::Failure;
use crate::invocation::{self, Commands};
use crate::loader::{self, Integration, Loader};
use crate::mfa_code::source::{CodeSource, Failed};
use crate::mfa_code::{Code, Prompt};
use crate::origin::{Origin, Setting};
use crate::path::in_words;
use crate::session::lock::Lock;
use crate::session::name::is_of_saved_file;
use crate::session::store::{Loaded, SessionStore};
use crate::session::{Session, files};
use crate::settings::Settings;
use crate::settings::device::{self, Device};
use crate::settings::duration::{self, Duration};
use crate::settings::network::Network;
use crate::sources::{Flags, Sources};
use crate::time::{self, now};
use jiff::SignedDuration;
use std::io::IsTerminal;
use std::path::Path;

/// What is valid now, for the confirmation.
const SESSION: &str = "session";
const KEPT_SESSION: &str = "session still";
const ROLE: &str = "role";
const KEPT_ROLE: &str = "role still";

/// Runs `aws-mfa get`.
pub fn run(get: &Get, environment: &Environment) -> anyhow::Result<()> {
    obtain(get, environment, &mut |done| match get.quiet {
        true => Ok(()),
        false => super::confirm(&done()),
    })?;
    if get.quiet || !std::io::stdout().is_terminal() {
        return Ok(());
    }
    if Loader::of(environment) != Loader::None {
        let sources = Sources::new(&get.selection, Flags::default(), environment);
        let integration = Integration::of(&sources, &Account::of(&sources)?);
        match integration.will_follow() {
            Ok(()) => return Ok(()),
            Err(why) => super::note(&why.one_line()),
        }
    }
    let load = loader::load_command(&get.selection, environment);
    super::note(&format!("to load it here, run `{load}`"));
    Ok(())
}

/// Whether a code command is configured, if only badly: `get` says what is wrong with it. Inside such a command, none is.
pub fn has_code_command(selection: &Selection, environment: &Environment) -> bool {
    let sources = Sources::new(selection, Flags::default(), environment);
    let is_inside = environment.get(variable::AWS_MFA_INSIDE_COMMAND).is_some();
    let is_configured = |account: Account| {
        let command = Settings::of(&sources, &account).code_command;
        !matches!(command, Ok(None))
    };
    !is_inside && Account::of(&sources).is_ok_and(is_configured)
}

/// Gets a session for `exec`. If several commands start together, one prompts for a code.
///
/// # Errors
/// Those of `aws-mfa get`.
pub fn session_for_command(
    selection: &Selection,
    environment: &Environment,
) -> anyhow::Result<Session> {
    let get = Get {
        selection: selection.clone(),
        unless_valid: Some("0s".to_owned()),
        ..Get::default()
    };
    obtain(&get, environment, &mut |done| {
        super::note(&done());
        Ok(())
    })
}

/// Gets the user's own session for `load --ask`, with a code from `code`, and saves it.
///
/// # Errors
/// Those of `aws-mfa get`.
pub fn own_session(
    sources: &Sources,
    account: &Account,
    settings: &Settings,
    code: CodeSource,
) -> Result<(), Failure> {
    let get = Get {
        selection: sources.selection.clone(),
        quiet: true,
        ..Get::default()
    };
    let store = SessionStore::new(account.session_file.clone()?.value);
    let commands = Commands::of(sources, account);
    let code = Some(code);
    let mut resolved = Resolved::of(&get, code, sources, account, settings, store, &commands)?;
    let session = resolved.session()?;
    resolved.save(&session, &resolved.store)
}

/// Gets the selection's credentials, and calls `report` after each step, with what it has done.
fn obtain(
    get: &Get,
    environment: &Environment,
    report: &mut dyn FnMut(&dyn Fn() -> String) -> anyhow::Result<()>,
) -> anyhow::Result<Session> {
    let flags = Flags {
        serial_number: get.serial_number.as_deref(),
        duration: get.duration.as_deref(),
        region: get.region.as_deref(),
        code_command: get.code_command.as_deref(),
    };
    // Before anything else is looked at: the code is what was just typed.
    let code = CodeSource::of_words(&get.code)
        .map_err(|_| Code::six_digits(&invocation::get_command(&get.selection, &flags)))?;
    let sources = Sources::new(&get.selection, flags, environment);
    let account = Account::of(&sources)?;
    account.owner.as_ref().map_err(Failure::clone)?;
    let settings = Settings::of(&sources, &account);
    let store = SessionStore::new(account.session_file.clone()?.value);
    let role = match account.role.as_ref().map_err(Failure::clone)? {
        Some(chain) => {
            let base_store = SessionStore::new(store.path().to_owned());
            let role = RoleSession::of(&sources, &account, chain, base_store);
            Some((role, settings.sts(None)?))
        }
        None => None,
    };
    let commands = Commands::of(&sources, &account);
    let mut resolved = Resolved::of(get, code, &sources, &account, &settings, store, &commands)?;
    let mut done = |what: &str, session: Session, file: &Path| {
        report(&|| confirmation(&account, what, &session, file, environment))?;
        Ok(session)
    };
    // Nothing reads them again.
    let _ = files::sweep(files::directory_of(resolved.store.path()), now());
    PastFailure::forget(resolved.store.path());

    if get.direct {
        let Some((role, _)) = role else {
            return Err(Failure::usage("--direct needs a role")
                .hint("select one with --profile or --role-arn")
                .into());
        };
        let (what, session, store) = resolved.role_session(&role, get)?;
        return done(what, session, store.path());
    }

    // Held until the session is saved, so that processes waiting for the lock find it.
    let mut _lock = None;
    let mut kept = match resolved.margin {
        None if role.is_some() && get.code.is_empty() => {
            resolved.kept_in(&resolved.store, SignedDuration::ZERO)
        }
        margin => margin.and_then(|margin| resolved.kept_in(&resolved.store, margin)),
    };
    if let (Some(_), None, Some(duration)) = (&kept, resolved.margin, &get.duration) {
        super::note(&format!(
            "--duration {duration} applies to new sessions, and the current one is kept: give a code to get a new \
             session, or add --direct to get the role for that long"
        ));
    }
    if let (None, Some(margin)) = (&kept, resolved.margin) {
        _lock = lock(&resolved.store, &commands.get);
        // Another `get` may have saved one while this one waited.
        kept = resolved.kept_in(&resolved.store, margin);
    }
    let mut session = match kept {
        Some(session) => done(KEPT_SESSION, session, resolved.store.path())?,
        None => {
            let session = resolved.session()?;
            // A rotation may be assigning the session before it to another key.
            let directory = session_directory(environment).ok().flatten();
            let is_rotated = directory.is_some_and(|own| own.join(".rotation.lock").exists());
            let _saving = match is_rotated && _lock.is_none() {
                true => resolved.store.lock_within(files::SAVING).ok().flatten(),
                false => None,
            };
            resolved.save(&session, &resolved.store)?;
            done(SESSION, session, resolved.store.path())?
        }
    };
    let region = session.region.clone();
    if let Some((role, sts)) = role {
        let store = role.store(Some(&session), false);
        session = match role::fresh(&store, now()).filter(|_| resolved.margin.is_some()) {
            Some(session) => done(KEPT_ROLE, session, store.path())?,
            None => {
                let direct = role.store(Some(&session), true);
                let (session, store) = role.get(&sts, session)?;
                let session = done(ROLE, session, store.path())?;
                if let Some(left) = role::fresh(&direct, now()).and_then(|it| it.time_left(now())) {
                    let left = time::rounded_span(left);
                    let clear = invocation::command("clear", &get.selection, "");
                    super::note(&format!(
                        "`load` still uses the credentials from --direct (valid {left}); to remove them, run `{clear}`"
                    ));
                }
                session
            }
        };
    }
    // As `load` would set it.
    session.region = account.region_to_load(region)?;
    Ok(session)
}

/// The settings of a `get`, resolved before it acts.
struct Resolved<'a> {
    /// Where the session is saved.
    store: SessionStore,
    /// The margin of `--unless-valid`: a session with more time left is kept.
    margin: Option<SignedDuration>,
    keys: Setting<KeySource>,
    /// The configured device, with its STS.
    sts: Option<Sts>,
    duration: Duration,
    code: CodeSource<'a>,
    is_quiet: bool,
    account: &'a Account,
    settings: &'a Settings,
    environment: &'a Environment,
    commands: &'a Commands,
}

/// The MFA device, and the STS for its codes.
struct Sts {
    device: Setting<Device>,
    network: Network,
}

impl Sts {
    fn of(device: Setting<Device>, settings: &Settings) -> Result<Self, Failure> {
        let network = settings.sts(Some(&device.value))?;
        let endpoint = &network.endpoint.value;
        // Before a code is spent: no user of the one partition is in the other.
        if let (Some(own), Some(other)) = (device.value.partition(), endpoint.partition())
            && own != other
        {
            let name = device.value.name();
            let message = format!(
                "the MFA device {name} is in the partition {own}, but {endpoint} is in {other}"
            );
            let region = partition::default_region(own);
            let hint = format!(
                "use a region of {own}, such as `--region {region}`, or check {}",
                device.origin
            );
            return Err(Failure::setup(message).hint(hint));
        }
        Ok(Sts { network, device })
    }
}

impl<'a> Resolved<'a> {
    fn of(
        get: &'a Get,
        code: Option<CodeSource<'a>>,
        sources: &Sources<'a>,
        account: &'a Account,
        settings: &'a Settings,
        store: SessionStore,
        commands: &'a Commands,
    ) -> Result<Self, Failure> {
        let duration = settings.duration.clone()?.value;
        let keys = settings.keys.clone()?;
        let sts = (settings.device.clone()?).map(|device| Sts::of(device, settings));
        let margin = get.unless_valid.as_deref();
        let margin = margin.map(|text| duration::margin(text, duration.seconds()));
        Ok(Resolved {
            store,
            keys,
            sts: sts.transpose()?,
            margin: margin.transpose()?,
            duration,
            code: match code {
                Some(code) => code,
                None => code_source(settings, sources.environment)?,
            },
            is_quiet: get.quiet,
            account,
            settings,
            environment: sources.environment,
            commands,
        })
    }

    /// The session in `store`, if more than the margin is left. A session with an unknown expiry does not count.
    fn kept_in(&self, store: &SessionStore, margin: SignedDuration) -> Option<Session> {
        let Loaded { session, warning } = store.read().ok()?;
        let key = self.account.key_of_session();
        let session = session.of_key(key, store.path()).ok()?;
        session.time_left(now()).filter(|left| *left > margin)?;
        if let Some(warning) = warning {
            super::note(&format!("warning: {warning}"));
        }
        Some(session)
    }

    /// The STS for the configured device, else for the device remembered with the session, else for the device that IAM
    /// lists.
    fn sts(&mut self, keys: &MasterKeys) -> Result<Sts, Failure> {
        if let Some(sts) = self.sts.take() {
            return Ok(sts);
        }
        let device = match device::remembered(self.store.path(), Some(&keys.access_key_id)) {
            Some(device) => device,
            None => {
                let origin = &self.keys.origin;
                let device = device_lookup::discover(self.settings, keys, origin, self.commands)?;
                // A prompt names it.
                if !matches!(self.code, CodeSource::Terminal | CodeSource::Dialog(_)) {
                    super::note(&format!("found the MFA device {}", device.value.name()));
                }
                device
            }
        };
        Sts::of(device, self.settings)
    }

    /// Gets a new session from STS.
    fn session(&mut self) -> Result<Session, Failure> {
        let keys = self.master_keys()?;
        let sts = self.sts(&keys)?;
        let previous = self.store.read().ok().map(|loaded| loaded.session);
        let call = Call::Session(self.code_device(&sts));
        let mut session = self.spend(&sts, &keys, &self.store, &call, |client, device, code| {
            sts::session(client, device, code, self.duration.seconds())
        })?;
        session.region = region_to_save(&sts.network.region, previous.as_ref());
        session.provenance.user_name = files::user_name(self.store.path(), &keys.access_key_id);
        Ok(session)
    }

    /// Gets a role's credentials by spending a code on the role itself, and saves them; with `--unless-valid`, keeps those
    /// that have enough time left. Says first what it has done.
    fn role_session(
        &mut self,
        role: &RoleSession,
        get: &Get,
    ) -> Result<(&'static str, Session, SessionStore), Failure> {
        let wanted = &role.chain.role;
        let arn = wanted.arn.value.as_str();
        if !role.chain.hops.is_empty() {
            let message = format!("--direct cannot assume the role {arn} through another role");
            let hint = format!("run `{}` without --direct", self.commands.get);
            return Err(Failure::usage(message).hint(hint));
        }
        let seconds = match &get.duration {
            Some(text) => duration::of_role(text)?,
            None => wanted.seconds,
        };
        let keys = self.master_keys()?;
        let store = role.store_of_key(Some(&keys.access_key_id), true);
        let mut _lock = None;
        if let Some(margin) = &get.unless_valid {
            let margin = duration::margin(margin, seconds)?;
            let kept = self.kept_in(&store, margin).or_else(|| {
                _lock = lock(&store, &self.commands.get);
                self.kept_in(&store, margin)
            });
            if let Some(session) = kept {
                return Ok((KEPT_ROLE, session, store));
            }
        }
        let sts = self.sts(&keys)?;
        let name = match &wanted.session_name {
            Some(name) => name.clone(),
            None => account::role::session_name(&self.user_name(&sts, &keys)?),
        };
        let to_assume = RoleToAssume {
            arn,
            caller: &format!("the access key {}", keys.access_key_id),
            is_chained: false,
            seconds,
        };
        let call = Call::Role(to_assume, Some(self.code_device(&sts)));
        let mut session = self.spend(&sts, &keys, &store, &call, |client, device, code| {
            let request = RoleRequest {
                arn,
                session_name: &name,
                external_id: wanted.external_id.as_deref(),
                source_identity: wanted.source_identity.as_deref(),
                tags: &wanted.tags,
                seconds,
                mfa: Some((device, code)),
            };
            sts::assume_role(client, &request)
        })?;
        session.region = region_to_save(&sts.network.region, None);
        let session = role.complete(session, true);
        self.save(&session, &store)?;
        Ok((ROLE, session, store))
    }

    /// Saves a session that has cost a code. In the worst case it cannot be saved.
    fn save(&self, session: &Session, store: &SessionStore) -> Result<(), Failure> {
        store.save(session, now()).map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message.push_str(", and the code is used up");
            let next_code = next_code_hint(&self.commands.get);
            let remedy = failure.hint.take().map(|remedy| format!("{remedy}, "));
            failure.hint(remedy.unwrap_or_default() + &next_code)
        })
    }

    fn master_keys(&self) -> Result<MasterKeys, Failure> {
        self.keys
            .master_keys(self.environment, credential_process::LIMIT)
    }

    /// The user's name: saved with the session, else from AWS.
    fn user_name(&self, sts: &Sts, keys: &MasterKeys) -> Result<String, Failure> {
        if let Some(name) = files::user_name(self.store.path(), &keys.access_key_id) {
            return Ok(name);
        }
        let caller = self.caller(sts, keys);
        sts::caller_identity(&caller.client(Patience::ONCE)?)
            .map(|identity| identity.name().to_owned())
            .map_err(|error| caller.failure(&Call::Identity, &error))
    }

    /// Gets a code and sends it with `send`, which makes `call`, after checking that the result can be saved in `store`.
    fn spend(
        &self,
        sts: &Sts,
        keys: &MasterKeys,
        store: &SessionStore,
        call: &Call,
        send: impl Fn(&Client, &str, &Code) -> Result<Session, CallError>,
    ) -> Result<Session, Failure> {
        let caller = self.caller(sts, keys);
        let client = caller.client(Patience::ONCE)?;
        // Before a code is spent.
        store.prepare()?;
        if let Some(warning) = store.directory_warning() {
            super::note(&format!("warning: {warning}"));
        }
        let profile = self.settings.profile.as_ref().ok();
        let profile = profile.and_then(Option::as_ref);
        let is_only = |own: &&Setting<String>| own.origin == Origin::OnlyProfile;
        if let Some(only) = profile.filter(is_only).filter(|_| !self.is_quiet) {
            let name = &only.value;
            super::note(&format!("profile {name}, the only one with access keys"));
        }
        let prompt = Prompt {
            device: sts.device.value.name(),
            profile: match self.account.owner {
                Ok(Owner::Profile(_)) => profile.map(|own| own.value.as_str()),
                _ => None,
            },
            get_command: &self.commands.get,
        };
        let mut session = self.code.spend(&prompt, |code| {
            send(&client, prompt.device, code).map_err(|error| Failed {
                code: sts::state_of_code(&error),
                failure: caller.failure(call, &error),
            })
        })?;
        if sts.device.origin == Origin::Discovered {
            session.provenance.discovered_device = Some(prompt.device.to_owned());
        }
        session.provenance.master_key_id = Some(keys.access_key_id.clone());
        Ok(session)
    }

    fn caller<'k>(&'k self, sts: &'k Sts, keys: &'k MasterKeys) -> Caller<'k> {
        Caller {
            network: &sts.network,
            key: self.keys.get(|_| keys.into()),
            limit: CALL_TIMEOUT,
            command: &self.commands.get,
        }
    }

    fn code_device<'k>(&'k self, sts: &'k Sts) -> CodeDevice<'k> {
        CodeDevice {
            name: sts.device.get(Device::name),
            clear_command: &self.commands.clear,
        }
    }
}

/// A region from a flag belongs to the session. A region from the environment does so only if the previous session had it
/// too: `load` has set it then, and the shell would lose it. That of a profile is read by each `load`.
fn region_to_save(region: &Setting<String>, previous: Option<&Session>) -> Option<String> {
    let value = Some(region.value.clone());
    match region.origin {
        Origin::Flag(_) => value,
        Origin::Variable(_) if previous.is_some_and(|it| it.region == value) => value,
        _ => None,
    }
}

/// The lock of the session file. Without it, two simultaneous `get`s spend two codes; failing would be worse.
fn lock(store: &SessionStore, get_command: &str) -> Option<Lock> {
    let waiting = || {
        super::note(&format!(
            "another `aws-mfa get` is already running; waiting for it to finish: \
             enter the code there, or press Ctrl-C and run `{get_command}`"
        ));
    };
    match store.lock(waiting) {
        Ok(lock) => Some(lock),
        Err(error) => {
            let why = Failure::from(error).one_line();
            super::note(&format!("warning: continuing without a lock: {why}"));
            None
        }
    }
}

fn code_source<'a>(
    settings: &Settings,
    environment: &'a Environment,
) -> Result<CodeSource<'a>, Failure> {
    Ok(match settings.code_command.clone()? {
        Some(command) => CodeSource::Command {
            command,
            environment,
        },
        None => CodeSource::Terminal,
    })
}

/// One line: who has what, and until when. A file with a name of the user's own choice is named.
fn confirmation(
    account: &Account,
    what: &str,
    session: &Session,
    file: &Path,
    environment: &Environment,
) -> String {
    let now = now();
    let name = match session.provenance.role {
        Some(_) => account.name(),
        None => account.name_of_session(),
    };
    let mut text = format!("{name}: {what} valid");
    if let (Some(left), Some(end)) = (session.time_left(now), session.expiration) {
        let left = time::rounded_span(left);
        let end = time::until(end, now, &time_zone(environment));
        text += &format!(" until {end} ({left})");
    }
    if !is_of_saved_file(file) {
        text += &format!(", in {}", in_words(file));
    }
    text
}
