//! `aws-mfa prompt`: the hooks of `init` run it at each prompt.
//!
//! It prints the commands that the shell has to run, in the shell's language, or nothing. The hook keeps its [`Memory`]
//! between prompts, in a shell variable that is not exported.

mod memory;

use super::load;
use crate::account::{Account, session_directory};
use crate::cli::{Format, Prompt};
use crate::credentials::{self, Found, Waiter};
use crate::environment::change::Change;
use crate::environment::{Environment, variable};
use crate::error::{Failure, Kind};
use crate::session::store::SessionStore;
use crate::session::{SOON, Session, files};
use crate::shell::{self, Language};
use crate::sources::{Flags, Sources};
use crate::time::{self, now};
use crate::{direnv, invocation};
use jiff::{SignedDuration, Timestamp};
use memory::{KeyId, Memory};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs `aws-mfa prompt`. A failure is a one-line notice: a prompt has no room for more.
pub fn run(prompt: &Prompt, environment: &Environment) -> anyhow::Result<ExitCode> {
    let before = Memory::parse(&prompt.memory);
    let own = environment.get(variable::AWS_ACCESS_KEY_ID);
    let mut shell = Shell {
        prompt,
        environment,
        memory: before.clone(),
        own: own.map(|id| KeyId::of(&id.to_string_lossy())),
    };
    let action = match environment.get(variable::DIRENV_DIR) {
        Some(_) => shell.in_direnv(),
        None => shell.without_direnv(),
    };
    if action.is_some() || shell.memory != before {
        super::print(&script(prompt.format, action, &shell.memory)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the shell must do.
enum Action {
    /// Load this session.
    Set(Box<Session>),
    /// Unset the session.
    Unset,
    /// Make direnv reload the `.envrc`.
    Reload,
}

/// The shell at this prompt.
struct Shell<'a> {
    prompt: &'a Prompt,
    environment: &'a Environment,
    memory: Memory,
    /// The shell's access key.
    own: Option<KeyId>,
}

impl Shell<'_> {
    /// Loads the saved credentials into the shell, unless the user has set other credentials there.
    fn without_direnv(&mut self) -> Option<Action> {
        let selection = &self.prompt.selection;
        match credentials::find(selection, self.environment, Waiter::Prompt, &mut |_| {}) {
            Ok(mut found) => {
                match found.not_renewed.take() {
                    Some(failure) if self.memory.is_new(&failure) => {
                        super::note(&format!("the role was not renewed: {}", failure.one_line()));
                    }
                    Some(_) => {}
                    None => self.memory.failure = None,
                }
                self.follow(found, now())
            }
            Err(failure) if failure.kind == Kind::NoSession => {
                self.memory.failure = None;
                let own = self.own.clone()?;
                if ![self.memory.given.clone(), self.saved_key()].contains(&Some(own)) {
                    return None;
                }
                super::note(&failure.one_line());
                self.memory.given = None;
                Some(Action::Unset)
            }
            Err(failure) => {
                if self.memory.is_new(&failure) {
                    super::note(&failure.one_line());
                }
                None
            }
        }
    }

    fn follow(&mut self, found: Found, now: Timestamp) -> Option<Action> {
        let session = found.session;
        let id = KeyId::of(&session.access_key_id);
        let is_given = self.memory.given.as_ref() == Some(&id);
        let is_new = match &self.own {
            Some(own) if *own == id => false,
            // The user has unset it in this shell.
            None if is_given => return None,
            // The user has other credentials here.
            Some(own) if self.memory.given.as_ref() != Some(own) => return None,
            _ => true,
        };
        if is_new && let Some(warning) = found.warning {
            super::note(&format!("warning: {warning}"));
        }
        // Only a session needs a new code; a role is renewed without one.
        if session.provenance.role.is_none()
            && let Some(left) = session.time_left(now)
        {
            self.warn_about_expiry(&id, left);
        }
        self.memory.given = Some(id);
        is_new.then(|| Action::Set(Box::new(session)))
    }

    /// Where direnv is active, loading is up to the `.envrc`, which selects the profile and the role. But direnv does not
    /// notice that time passes.
    fn in_direnv(&mut self) -> Option<Action> {
        let own = self.own.clone()?;
        let now = now();
        let expiration = self.environment.get(variable::AWS_CREDENTIAL_EXPIRATION)?;
        let expiration: Timestamp = expiration.to_str()?.parse().ok()?;
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
                self.warn_about_expiry(&own, left);
            }
            return None;
        }
        if self.memory.reloaded.as_ref() != Some(&own) {
            self.memory.reloaded = Some(own);
            return Some(Action::Reload);
        }
        // Reloading the .envrc has not replaced them.
        if self.memory.reported.as_ref() != Some(&own) {
            let (ago, get) = (time::span(left.abs()), self.get_command());
            let expired = format!("this shell's credentials expired {ago} ago");
            super::note(&format!("{expired}: run `{get}`"));
            self.memory.reported = Some(own);
        }
        None
    }

    fn warn_about_expiry(&mut self, id: &KeyId, left: SignedDuration) {
        if left <= SOON && self.memory.warned.as_ref() != Some(id) {
            let (left, get) = (time::span(left), self.get_command());
            super::note(&format!("session expires in {left}: run `{get}`"));
            self.memory.warned = Some(id.clone());
        }
    }

    /// Whether the key belongs to a role that `load` would renew.
    fn is_due_role(&self, own: &KeyId, now: Timestamp) -> bool {
        // The selected session's file may be in another directory, and a flag in the .envrc may have selected another role.
        let selected = self.session_file();
        let selected = selected.as_deref().map(files::directory_of);
        let default = session_directory(self.environment).ok().flatten();
        let directories = selected.into_iter().chain(default.as_deref());
        directories
            .flat_map(|directory| files::in_directory(directory).unwrap_or_default())
            .filter_map(|file| Some(SessionStore::new(file).read().ok()?.session))
            .filter(|session| KeyId::of(&session.access_key_id) == *own)
            .any(|it| it.provenance.role.is_some() && !credentials::role::is_fresh(&it, now))
    }

    /// The saved session's key, whether or not it has expired.
    fn saved_key(&self) -> Option<KeyId> {
        let loaded = SessionStore::new(self.session_file()?).read().ok()?;
        Some(KeyId::of(&loaded.session.access_key_id))
    }

    fn session_file(&self) -> Option<PathBuf> {
        let selection = &self.prompt.selection;
        let sources = Sources::new(selection, Flags::default(), self.environment);
        Some(Account::of(&sources).ok()?.session_file.ok()?.value)
    }

    fn get_command(&self) -> String {
        invocation::get_command(&self.prompt.selection, &Flags::default())
    }
}

/// The commands for the shell, and its new memory, in its language.
fn script(format: Format, action: Option<Action>, memory: &Memory) -> Result<String, Failure> {
    let language = load::language(format).unwrap_or(Language::Sh);
    let (change, direnv) = match &action {
        Some(Action::Set(session)) => (Change::of(session), ""),
        Some(Action::Unset) => (Change::without_session(), ""),
        Some(Action::Reload) => (direnv::without_watches(), run_direnv(language)),
        None => (Change::nothing(), ""),
    };
    let script = shell::render(&change, language)?;
    Ok(match language {
        Language::Fish => format!("{script}set -g __aws_mfa_memory '{memory}'\n{direnv}"),
        Language::Tcsh => format!("{script}set __aws_mfa_memory = '{memory}';\n{direnv}"),
        Language::Powershell => format!("{script}$global:__AwsMfaMemory = '{memory}'\n{direnv}"),
        Language::Json => {
            let environment = script.trim_end();
            format!("{{\"memory\":\"{memory}\",\"environment\":{environment}}}\n")
        }
        _ => format!("{script}__aws_mfa_memory='{memory}'\n{direnv}"),
    })
}

/// Runs direnv's hook at this prompt, whichever of the two hooks comes first. In the other shells, ours comes first, or the
/// next prompt is early enough.
fn run_direnv(language: Language) -> &'static str {
    match language {
        Language::Sh => "if typeset -f _direnv_hook >/dev/null; then _direnv_hook; fi\n",
        Language::Fish => "functions -q __direnv_export_eval; and __direnv_export_eval; or true\n",
        // In PowerShell, direnv's hook runs only when the directory changes.
        Language::Powershell => {
            "if (Get-Command direnv -ErrorAction Ignore) { Invoke-Expression ((direnv export pwsh) -join \"`n\") }\n"
        }
        _ => "",
    }
}
