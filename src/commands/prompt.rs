//! `aws-mfa prompt`: what the hooks of `init` run at each prompt of a shell.
//!
//! It prints what the shell has to do, in the shell's own language, and nothing at all if that is nothing. It
//! remembers nothing itself: the hook keeps its [`Memory`] in a variable of the shell that is not exported.

mod memory;

use super::credentials::{self, Found};
use super::load;
use crate::cli::{Format, Prompt};
use crate::direnv;
use crate::environment::Environment;
use crate::environment::change::Change;
use crate::environment::variable;
use crate::error::{Failure, Kind};
use crate::session::store::SessionStore;
use crate::session::{SOON, Session, saved};
use crate::settings::{self, Flags, Location};
use crate::shell::{self, Language};
use crate::time;
use jiff::{SignedDuration, Timestamp};
use memory::{KeyId, Memory};
use secrecy::zeroize::Zeroizing;
use std::process::ExitCode;

/// Carries out `aws-mfa prompt`. Whatever goes wrong is one line: a prompt is no place for more.
pub fn run(
    prompt: &Prompt,
    environment: &Environment,
    now: fn() -> Timestamp,
) -> anyhow::Result<ExitCode> {
    let before = Memory::parse(&prompt.memory);
    let mut shell = Shell {
        prompt,
        environment,
        now,
        memory: before.clone(),
        own: environment
            .get(variable::AWS_ACCESS_KEY_ID)
            .map(|id| KeyId::of(&id.to_string_lossy())),
    };
    let action = match environment.get(variable::DIRENV_DIR) {
        Some(_) => shell.in_direnv(),
        None => shell.without_direnv(),
    };
    if action.is_none() && shell.memory == before {
        return Ok(ExitCode::SUCCESS);
    }
    super::print(&script(prompt.format, action, &shell.memory)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What the shell has to do.
enum Action {
    /// Put this session into force.
    Set(Box<Session>),
    /// Drop the session that it has.
    Unset,
    /// Have direnv load the `.envrc` again.
    Reload,
}

/// The shell at this prompt.
struct Shell<'a> {
    prompt: &'a Prompt,
    environment: &'a Environment,
    now: fn() -> Timestamp,
    memory: Memory,
    /// The key that the shell has.
    own: Option<KeyId>,
}

impl Shell<'_> {
    /// Gives the shell what is saved, unless the user has put other credentials into it.
    fn without_direnv(&mut self) -> Option<Action> {
        let now = (self.now)();
        if self.memory.is_pausing(now) {
            return None;
        }
        let saved = match self.saved() {
            Ok(saved) => saved,
            Err(failure) => {
                if self.memory.failed_at.replace(now.as_second()).is_none() {
                    super::note(&failure.one_line());
                }
                return None;
            }
        };
        self.memory.failed_at = None;
        match saved {
            Saved::Valid(mut found) => {
                // Each attempt takes time: the next one is made in a minute.
                if let Some(failure) = found.not_renewed.take() {
                    self.memory.failed_at = Some(now.as_second());
                    super::note(&format!("the role was not renewed: {}", failure.one_line()));
                }
                self.follow(*found, now)
            }
            Saved::Invalid { failure, id } => {
                let own = self.own.as_ref()?;
                if self.memory.given.as_ref() != Some(own) && id.as_ref() != Some(own) {
                    return None;
                }
                super::note(&failure.one_line());
                self.memory.given = None;
                Some(Action::Unset)
            }
        }
    }

    fn follow(&mut self, found: Found, now: Timestamp) -> Option<Action> {
        let Found {
            session, warning, ..
        } = found;
        let id = KeyId::of(&session.access_key_id);
        let is_given = self.memory.given.as_ref() == Some(&id);
        let is_new = match &self.own {
            Some(own) if *own == id => false,
            // The user has taken it out of this shell.
            None if is_given => return None,
            // The user has other credentials here.
            Some(own) if self.memory.given.as_ref() != Some(own) => return None,
            _ => true,
        };
        if is_new && let Some(warning) = warning {
            super::note(&format!("warning: {warning}"));
        }
        // Only a session's end takes a code; a role is renewed.
        if session.provenance.role.is_none()
            && let Some(left) = session.time_left(now)
        {
            self.warn_of_end(&id, left);
        }
        self.memory.given = Some(id);
        is_new.then(|| Action::Set(Box::new(session)))
    }

    /// direnv has loaded the session, or has not: the `.envrc` knows which profile and role are meant. But
    /// direnv does not see time pass.
    fn in_direnv(&mut self) -> Option<Action> {
        let own = self.own.clone()?;
        let now = (self.now)();
        let expiration: Timestamp = self
            .environment
            .get(variable::AWS_CREDENTIAL_EXPIRATION)?
            .to_str()?
            .parse()
            .ok()?;
        let left = expiration.duration_since(now);
        if left.is_positive() {
            if left > SOON {
                return None;
            }
            if self.memory.renewed.as_ref() != Some(&own) && self.is_due_role(&own, now) {
                self.memory.renewed = Some(own);
                return Some(Action::Reload);
            }
            if self.saved_key().as_ref() == Some(&own) {
                self.warn_of_end(&own, left);
            }
            return None;
        }
        if self.memory.reloaded.as_ref() != Some(&own) {
            self.memory.reloaded = Some(own);
            return Some(Action::Reload);
        }
        // The .envrc has not replaced them.
        if self.memory.reported.as_ref() != Some(&own) {
            super::note(&format!(
                "this shell's credentials expired {} ago: run `{}`",
                time::span(left.abs()),
                self.get_command()
            ));
            self.memory.reported = Some(own);
        }
        None
    }

    fn warn_of_end(&mut self, id: &KeyId, left: SignedDuration) {
        if left <= SOON && self.memory.warned.as_ref() != Some(id) {
            super::note(&format!(
                "session expires in {}: run `{}`",
                time::span(left),
                self.get_command()
            ));
            self.memory.warned = Some(id.clone());
        }
    }

    /// Whether the key is a role's that `load` would renew.
    fn is_due_role(&self, own: &KeyId, now: Timestamp) -> bool {
        // The one that the variables select may be elsewhere; a flag in the .envrc may have selected another.
        let selected = Location::of(&self.prompt.selection, self.environment);
        let selected = selected.ok().and_then(|location| location.role);
        let directory = settings::session_directory(self.environment);
        let others = match directory {
            Ok(Some(directory)) => saved::in_directory(&directory).unwrap_or_default(),
            _ => Vec::new(),
        };
        selected
            .into_iter()
            .chain(others)
            .filter_map(|file| SessionStore::new(file).read().ok())
            .map(|loaded| loaded.session)
            .any(|session| {
                KeyId::of(&session.access_key_id) == *own
                    && session.provenance.role.is_some()
                    && !credentials::role::is_fresh(&session, now)
            })
    }

    /// What is saved for this shell; a role is renewed.
    ///
    /// # Errors
    /// A setting is invalid. That there is no session is not an error.
    fn saved(&self) -> Result<Saved, Failure> {
        let selection = &self.prompt.selection;
        match credentials::find(selection, self.environment, self.now, &mut |_| {}) {
            Ok(found) => Ok(Saved::Valid(Box::new(found))),
            Err(failure) if failure.kind == Kind::NoSession => Ok(Saved::Invalid {
                failure,
                id: self.own.as_ref().and_then(|_| self.saved_key()),
            }),
            Err(failure) => Err(failure),
        }
    }

    /// The key that is saved, whether or not it has expired.
    fn saved_key(&self) -> Option<KeyId> {
        let file = settings::session_file(&self.prompt.selection, self.environment).ok()?;
        let loaded = SessionStore::new(file.value).read().ok()?;
        Some(KeyId::of(&loaded.session.access_key_id))
    }

    fn get_command(&self) -> String {
        settings::get_command(&self.prompt.selection, &Flags::default())
    }
}

/// What is saved.
enum Saved {
    Valid(Box<Found>),
    Invalid { failure: Failure, id: Option<KeyId> },
}

/// What the shell has to do, and to remember, in its language.
fn script(
    format: Format,
    action: Option<Action>,
    memory: &Memory,
) -> Result<Zeroizing<String>, Failure> {
    let language = load::language(format).unwrap_or(Language::Sh);
    let (change, direnv) = match &action {
        Some(Action::Set(session)) => (Change::of(session), ""),
        Some(Action::Unset) => (Change::without_session(), ""),
        Some(Action::Reload) => (direnv::without_watches(), run_direnv(language)),
        None => (Change::nothing(), ""),
    };
    let mut script = shell::render(&change, language)?;
    let memory = memory.to_string();
    match language {
        Language::Fish => *script += &format!("set -g __aws_mfa_memory '{memory}'\n"),
        Language::Tcsh => *script += &format!("set __aws_mfa_memory = '{memory}';\n"),
        Language::Powershell => *script += &format!("$global:__AwsMfaMemory = '{memory}'\n"),
        Language::Json => {
            let environment = script.trim_end();
            let object = format!("{{\"memory\":\"{memory}\",\"environment\":{environment}}}\n");
            return Ok(Zeroizing::new(object));
        }
        _ => *script += &format!("__aws_mfa_memory='{memory}'\n"),
    }
    *script += direnv;
    Ok(script)
}

/// Has direnv's hook run at this prompt, whichever of the two hooks comes first. In the other shells ours does,
/// or the next prompt is early enough.
fn run_direnv(language: Language) -> &'static str {
    match language {
        Language::Sh => "if typeset -f _direnv_hook >/dev/null; then _direnv_hook; fi\n",
        Language::Fish => "functions -q __direnv_export_eval; and __direnv_export_eval; or true\n",
        // There, direnv's hook only runs where the directory changes.
        Language::Powershell => {
            "if (Get-Command direnv -ErrorAction Ignore) { Invoke-Expression ((direnv export pwsh) -join \"`n\") }\n"
        }
        _ => "",
    }
}
