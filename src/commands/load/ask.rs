//! `aws-mfa load --ask`: without a valid session, one process asks for a code and gets one; the others wait for it.

use crate::account::Account;
use crate::aws_failure::with_next_step;
use crate::cli::Selection;
use crate::commands::get;
use crate::credentials::past_failure::{By, PastFailure};
use crate::credentials::{self, Found, Waiter};
use crate::environment::{Environment, variable};
use crate::error::{Failure, Kind};
use crate::invocation;
use crate::mfa_code::dialog::Dialog;
use crate::mfa_code::source::{CodeSource, is_in_foreground};
use crate::session::lock::Lock;
use crate::settings::Settings;
use crate::sources::{Flags, Sources};
use crate::time::now;
use std::time::{Duration, Instant};

/// The longest wait for the process that asks: as long as three dialogs with their calls.
const LONGEST_WAIT: Duration = Duration::from_secs(240);

/// How long it is remembered that nobody gave a code, or that AWS refused it, in seconds.
const MEMORY: i64 = 30;

/// How often a waiting process looks for a session that `get` has saved meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// The credentials of the selection, with a new session if there is none and somebody can be asked for a code.
///
/// # Errors
/// Those of [`credentials::find`]; or there was no code, or AWS did not accept it.
pub fn find(selection: &Selection, environment: &Environment) -> Result<Found, Failure> {
    let find = || credentials::find(selection, environment, Waiter::Program, &mut |_| {});
    let since = now();
    let no_session = match find() {
        Err(failure) if failure.kind == Kind::NoSession && may_ask(environment) => failure,
        found => return found,
    };
    let sources = Sources::new(selection, Flags::default(), environment);
    let account = Account::of(&sources)?;
    let settings = Settings::of(&sources, &account);
    let Some(code) = code_source(&settings, environment)? else {
        return Err(no_session);
    };
    // What is wrong with the settings is not remembered: the user may correct it at once.
    settings.keys.clone()?;
    settings.device.clone()?;
    settings.duration.clone()?;
    let file = account.session_file.clone()?.value;
    let get_command = invocation::get_command(selection, &Flags::default());

    let deadline = Instant::now() + LONGEST_WAIT;
    let _lock = loop {
        let lock = Lock::take_within(&file, LOOK);
        // The process that had the lock, or a `get` by hand, may have saved one.
        match find() {
            Err(failure) if failure.kind == Kind::NoSession => {}
            found => return found,
        }
        match lock {
            Ok(None) if Instant::now() >= deadline => return Err(still_asking(&get_command)),
            Ok(None) => {}
            // Without locks, each process asks. Failing would be worse.
            lock => break lock,
        }
    };
    match PastFailure::recent(&file, MEMORY, now()) {
        Some(past) if past.is_since(since) => return Err(past.failure),
        // A terminal prompts again for the next command: it is in nobody's way.
        Some(past) if past.by != By::Terminal => return Err(remembered(past, &get_command)),
        _ => {}
    }
    let by = match code {
        CodeSource::Terminal => By::Terminal,
        _ => By::Program,
    };
    let asked = get::own_session(&sources, &account, &settings, code);
    match (asked, find()) {
        // Otherwise a `get` by hand was quicker.
        (Err(failure), Err(missing)) if missing.kind == Kind::NoSession => {
            PastFailure::new(failure.clone(), by, "", now()).save(&file);
            Err(failure)
        }
        (_, found) => found,
    }
}

/// Whether somebody may be asked here: not while direnv evaluates an .envrc, and not by a command that is itself to give
/// a code or keys.
fn may_ask(environment: &Environment) -> bool {
    let inside = [
        variable::DIRENV_IN_ENVRC,
        variable::DIRENV_DUMP_FILE_PATH,
        variable::AWS_MFA_INSIDE_COMMAND,
    ];
    inside.iter().all(|name| environment.get(*name).is_none())
}

/// Where the code comes from: the code command, else the terminal, else a dialog. None, if there is none of them.
///
/// # Errors
/// The code command is invalid.
fn code_source<'a>(
    settings: &Settings,
    environment: &'a Environment,
) -> Result<Option<CodeSource<'a>>, Failure> {
    Ok(match settings.code_command.clone()? {
        Some(command) => Some(CodeSource::Command {
            command,
            environment,
        }),
        None if is_in_foreground() => Some(CodeSource::Terminal),
        None => Dialog::find(environment).map(CodeSource::Dialog),
    })
}

/// The failure of the process that asked last, some seconds later.
fn remembered(past: PastFailure, get_command: &str) -> Failure {
    let ago = past.seconds_ago(now());
    let left = MEMORY - ago;
    let mut step = format!("that was {ago} s ago; aws-mfa asks again in {left} s");
    let hint = past.failure.hint.as_deref().unwrap_or_default();
    if !hint.contains(get_command) {
        step += &format!(", or at once with `{get_command}`");
    }
    with_next_step(past.failure, step)
}

fn still_asking(get_command: &str) -> Failure {
    let minutes = LONGEST_WAIT.as_secs() / 60;
    Failure::setup(format!(
        "another aws-mfa has been asking for an MFA code for {minutes} min"
    ))
    .hint(format!("answer it, or run `{get_command}`"))
}
