//! `aws-mfa get`: a new session from STS for an MFA code, saved for every shell.

use crate::aws::code::Code;
use crate::aws::network::Network;
use crate::aws::refusal::next_code_hint;
use crate::aws::sts::{Caller, Sts};
use crate::cli::Get;
use crate::environment::Environment;
use crate::error::{Failure, Next};
use crate::session::store::SessionStore;
use crate::session::{self, Session};
use crate::settings::{self, Flags, Origin, Settings};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use std::path::Path;

/// Carries out `aws-mfa get`.
pub fn run(get: &Get, environment: &Environment, now: fn() -> Timestamp) -> anyhow::Result<()> {
    let flags = Flags {
        serial_number: get.serial_number.as_deref(),
        duration: get.duration.as_deref(),
        region: get.region.as_deref(),
    };
    let settings = Settings::new(&get.selection, flags, environment)?;
    let store = SessionStore::new(settings::session_file(&get.selection, environment)?.value);
    let caller = Caller {
        keys: settings.master_keys()?,
        device: settings.device()?,
        get_command: settings::get_command(&get.selection),
    };
    let duration = settings.duration()?.value;
    let region = settings.region(&caller.device.value)?;
    let endpoint = settings.endpoint(&region.value)?.value;
    let options = settings.network(&endpoint)?;
    let sts = Sts::new(&region.value, Network::new(endpoint, &options)?);
    let code = code(get)?;
    // Before the code is spent: what it buys must have a place to go.
    store.prepare()?;

    let mut session = sts.session(&caller, &code, duration, now)?;
    session.region = match region.origin {
        Origin::Flag(_) | Origin::Profile(..) => Some(region.value),
        Origin::Variable(_) | Origin::Default => None,
    };
    store
        .save(&session, now())
        .map_err(|failure| code_is_spent(failure, &caller.get_command, now()))?;
    super::print(&confirmation(&session, store.path(), now()))
}

fn code(get: &Get) -> Result<Code, Failure> {
    if get.code.is_empty() {
        return Err(Failure::new(Next::FixUse, "no MFA code was given")
            .hint(format!("run `{}`", settings::get_command(&get.selection))));
    }
    let words: Vec<&str> = get.code.iter().map(|word| word.expose_secret()).collect();
    Code::parse(&Zeroizing::new(words.join(" ")))
}

/// The worst that can happen: STS has given a session for the code, and it could not be saved.
fn code_is_spent(mut failure: Failure, get_command: &str, now: Timestamp) -> Failure {
    failure.message.push_str(", and the code is used up");
    let next_code = next_code_hint(now, get_command);
    let hint = match failure.hint.take() {
        Some(remedy) => format!("{remedy}, {next_code}"),
        None => next_code,
    };
    failure.hint(hint)
}

fn confirmation(session: &Session, file: &Path, now: Timestamp) -> String {
    let validity = match (session.time_left(now), session.expiration) {
        (Some(left), Some(end)) => format!(
            " (valid {}, until {})",
            session::rounded_span(left),
            session::until(end, now, &TimeZone::system())
        ),
        _ => String::new(),
    };
    format!("saved session info to {}{validity}\n", file.display())
}
