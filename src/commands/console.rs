//! `aws-mfa console`: opens the AWS console in the browser, as the selected role.

mod browser;
mod destination;

use crate::account::Account;
use crate::aws::client::{CALL_TIMEOUT, Patience};
use crate::aws::federation;
use crate::aws::partition;
use crate::aws_failure;
use crate::caller::{Call, Caller, RoleToSignIn};
use crate::cli::Console;
use crate::credentials::Waiter;
use crate::credentials::role::RoleSession;
use crate::environment::Environment;
use crate::error::Failure;
use crate::invocation;
use crate::origin::Setting;
use crate::session::Session;
use crate::session::store::SessionStore;
use crate::settings::device::Device;
use crate::settings::{Settings, rows};
use crate::sources::{Flags, Sources};
use crate::time::now;
use destination::Destination;
use secrecy::ExposeSecret;

/// Runs `aws-mfa console`.
pub fn run(console: &Console, environment: &Environment) -> anyhow::Result<()> {
    let selection = &console.selection;
    let sources = Sources::new(selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    account.owner.as_ref().map_err(Failure::clone)?;
    let settings = Settings::of(&sources, &account);
    let Some(chain) = account.role.as_ref().map_err(Failure::clone)? else {
        return Err(without_role(&sources, &account, &settings).into());
    };
    let role = &chain.role.arn.value;
    let partition = role.partition();
    let sign_in_region = sign_in_region(&settings, partition)?;
    let place = partition::console(partition, &sign_in_region)
        .ok_or_else(|| aws_failure::no_console(partition))?;
    let destination = Destination::parse(console.destination.as_deref(), place.domain)?;
    let network = settings.network.sign_in(&place, &sign_in_region)?;

    let base_store = SessionStore::new(account.session_file.clone()?.value);
    let session = RoleSession::of(&sources, &account, chain, base_store)
        .credentials(Waiter::Program, &mut |_| {})?
        .with_warnings_printed()
        .session;

    let clear_command = invocation::command("clear", selection, "");
    let caller = Caller {
        network: &network,
        key: Setting::by_default((&session).into()),
        limit: CALL_TIMEOUT,
        command: &invocation::get_command(selection, &Flags::default()),
    };
    let client = caller.client(Patience::ONCE)?;
    let token = federation::signin_token(&client, &caller.key.value, duration(&session)).map_err(
        |error| {
            let role = RoleToSignIn {
                arn: role.as_str(),
                clear_command: &clear_command,
            };
            caller.failure(&Call::SignIn(role), &error)
        },
    )?;
    let region = region(&session, &account, &settings, partition)?;
    let destination = destination.url(place.domain, region.as_deref());
    let url = federation::sign_in_url(&network.endpoint.value, &destination, &token);
    if console.url {
        return super::print(&format!("{}\n", url.expose_secret()));
    }
    browser::open(url.expose_secret(), environment).map_err(|failure| {
        let rest = match &console.destination {
            Some(destination) => invocation::words(&[("--url", Some(destination))]),
            None => " --url".to_owned(),
        };
        let command = invocation::command("console", selection, &rest);
        failure.hint(format!(
            "run `{command}`, and open what it prints in any browser within 15 minutes"
        ))
    })?;
    super::confirm(&format!("opened the console as {role}"))
}

/// How long the session in the console lasts, in seconds: as long as the role's credentials. AWS allows to say so only for
/// those that the access key itself obtained.
fn duration(session: &Session) -> Option<i64> {
    let role = session.provenance.role.as_ref()?;
    let left = session.time_left(now())?.as_secs();
    role.is_direct
        .then_some(left.clamp(federation::SHORTEST, federation::LONGEST))
}

/// The region where the role signs in, in partitions whose regions differ in that.
fn sign_in_region(settings: &Settings, partition: &str) -> Result<String, Failure> {
    let configured = settings.region.clone()?;
    if let Some(region) = configured.as_ref()
        && !partition::is_region(&region.value)
    {
        return Err(aws_failure::not_a_region(region));
    }
    let own = configured.filter(|region| partition::of_region(&region.value) == partition);
    Ok(own.map_or_else(
        || partition::default_region(partition).to_owned(),
        |region| region.value,
    ))
}

/// The region that the console shows: the one that a shell would have after `load`, unless it is of another partition.
fn region(
    session: &Session,
    account: &Account,
    settings: &Settings,
    partition: &str,
) -> Result<Option<String>, Failure> {
    let loaded = account.region_to_load(session.region.clone())?;
    let configured = settings.region.clone()?.map(|region| region.value);
    let is_its_own =
        |region: &String| partition::is_region(region) && partition::of_region(region) == partition;
    Ok(loaded.or(configured).filter(is_its_own))
}

/// The failure for the user's own session, with the ways to the console that there are.
fn without_role(sources: &Sources, account: &Account, settings: &Settings) -> Failure {
    let mut profiles = Vec::new();
    if let Ok(all) = sources.profiles() {
        for name in all.names() {
            if matches!(all.profile(name).get("role_arn"), Ok(Some(_))) {
                profiles.push(format!(
                    "`{}`",
                    invocation::words(&[("-p", Some(name))]).trim()
                ));
            }
        }
    }
    let select = match profiles.is_empty() {
        true => "select a role with `--role-arn`, or with a profile that has role_arn".to_owned(),
        false => format!("select a role: {}", profiles.join(", ")),
    };
    let device = rows::device(account, settings).ok().flatten();
    let device = device.as_ref().map(|device| &device.value);
    let partition = settings.partition(device).unwrap_or("aws");
    let page = partition::sign_in_page(partition, device.and_then(Device::account));
    let hint = match page {
        Some(page) => format!("{select}; or sign in with your password at {page}"),
        None => select,
    };
    Failure::usage("the AWS console accepts the credentials of a role, not a user's own session")
        .hint(hint)
}
