//! `aws-mfa prompt`: the hooks of `init` run it at each prompt.
//!
//! It prints the commands that the shell has to run, in the shell's language, or nothing. The hook's [`Memory`] is in the
//! environment.

use super::load;
use crate::account::{Account, session_directory};
use crate::cli::{Format, Prompt};
use crate::credentials::{self, Found, Waiter};
use crate::direnv;
use crate::environment::Environment;
use crate::environment::change::{Change, LABEL};
use crate::environment::label::{KeyId, Label};
use crate::environment::variable;
use crate::error::{Failure, Kind};
use crate::hook::Memory;
use crate::invocation;
use crate::loader;
use crate::session::store::SessionStore;
use crate::session::{SOON, files};
use crate::shell::{self, Language};
use crate::sources::{Flags, Sources};
use crate::time::{self, now};
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs `aws-mfa prompt`. A failure is a one-line notice: a prompt has no room for more.
pub fn run(prompt: &Prompt, environment: &Environment) -> anyhow::Result<ExitCode> {
    // The hook of an earlier version passes its memory instead.
    let Ok(pid) = prompt.shell.parse() else {
        return Ok(ExitCode::SUCCESS);
    };
    let before = Memory::of(environment);
    let mut shell = Shell {
        prompt,
        environment,
        memory: before.clone().in_shell(pid),
        own: KeyId::of_environment(environment),
        label: Label::of(environment),
        is_first_prompt: before.shell != Some(pid),
        is_held_back: false,
    };
    let action = match environment.get(variable::DIRENV_DIR) {
        Some(_) => shell.in_direnv(),
        None => shell.without_direnv(),
    };
    let memory = (shell.memory != before).then_some(&shell.memory);
    let is_label_wrong =
        shell.label.is_none() && environment.get(variable::AWS_MFA_LOADED).is_some();
    if !shell.is_held_back {
        super::print(&script(prompt.format, action, is_label_wrong, memory)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the shell must do.
enum Action {
    /// Load these credentials.
    Set(Box<Found>),
    /// Unset the session.
    Unset,
    /// Set the label of the session that it has.
    Label(Label),
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
    /// Whose credentials these are, if this program has loaded them.
    label: Option<Label>,
    /// Whether the hook has not run in this shell yet. What its parent has unset is no decision for this one.
    is_first_prompt: bool,
    /// Whether everything waits for the next prompt, because there is something to say, and this prompt must be quiet.
    is_held_back: bool,
}

impl Shell<'_> {
    /// Loads the saved credentials into the shell, unless the user has set other credentials there.
    fn without_direnv(&mut self) -> Option<Action> {
        let selection = &self.prompt.selection;
        match credentials::find(selection, self.environment, Waiter::Prompt, &mut |_| {}) {
            Ok(mut found) => {
                self.memory.selected = Some(found.name.clone());
                match found.not_renewed.take() {
                    None => self.memory.failure = None,
                    Some(failure) if !self.prompt.quiet && self.memory.is_new(&failure) => {
                        super::note(&format!("the role was not renewed: {}", failure.one_line()));
                    }
                    Some(_) => {}
                }
                self.follow(Box::new(found), now())
            }
            // Without a selection, nothing is said unless the shell loses a session.
            Err(failure) if matches!(failure.kind, Kind::NoSession | Kind::NoSelection) => {
                let name = credentials::name(selection, self.environment).ok();
                self.memory.selected = name.filter(|_| failure.kind == Kind::NoSession);
                self.memory.failure = None;
                let own = self.own.clone()?;
                if !self.is_ours(&own) && self.saved_key().as_ref() != Some(&own) {
                    self.report_foreign(&own, now());
                    return None;
                }
                self.say(&failure.one_line());
                self.memory.given = None;
                Some(Action::Unset)
            }
            Err(failure) => {
                let name = credentials::name(selection, self.environment).ok();
                let is_given = self.own.is_some() && self.memory.given == self.own;
                if is_given && name.is_some() && name != self.memory.selected {
                    // It would be taken for the session of the new selection.
                    self.say(&failure.one_line());
                    self.memory.is_new(&failure);
                    self.memory.selected = name;
                    self.memory.given = None;
                    return Some(Action::Unset);
                }
                if !self.prompt.quiet && self.memory.is_new(&failure) {
                    super::note(&failure.one_line());
                }
                None
            }
        }
    }

    /// Whether this program has put the shell's key there for this selection, or the hook has for any other: that one
    /// follows the selection. What the user has loaded for another selection stays.
    fn is_ours(&self, own: &KeyId) -> bool {
        let is_loaded = |label: &Label| Some(&label.name) == self.memory.selected.as_ref();
        self.memory.given.as_ref() == Some(own) || self.label.as_ref().is_some_and(is_loaded)
    }

    fn follow(&mut self, mut found: Box<Found>, now: Timestamp) -> Option<Action> {
        let id = KeyId::of(&found.session.access_key_id);
        let is_new = match self.own.clone() {
            Some(own) if own == id => false,
            // The user has unset it in this shell.
            None if !self.is_first_prompt && self.memory.given.as_ref() == Some(&id) => {
                return None;
            }
            Some(own) if !self.is_ours(&own) => {
                self.report_foreign(&own, now);
                return None;
            }
            _ => true,
        };
        if is_new && let Some(warning) = found.warning.take() {
            self.say(&format!("warning: {warning}"));
        }
        // Only a session needs a new code; a role is renewed without one.
        if found.session.provenance.role.is_none()
            && let Some(left) = found.session.time_left(now)
        {
            self.warn_about_expiry(&id, left);
        }
        self.memory.given = Some(id.clone());
        match (is_new, &self.label) {
            (true, _) => Some(Action::Set(found)),
            (false, Some(_)) => None,
            (false, None) => Some(Action::Label(Label {
                name: found.name,
                key: id,
            })),
        }
    }

    /// Reports once that credentials which stay have expired. Only the variable says so, and it may be older than they are.
    fn report_foreign(&mut self, own: &KeyId, now: Timestamp) {
        let Some(left) = self.time_left(now).filter(|left| !left.is_positive()) else {
            return;
        };
        let is_temporary = own.as_str().starts_with("ASIA");
        if self.prompt.quiet || !is_temporary || self.memory.reported.as_ref() == Some(own) {
            return;
        }
        let whose = match &self.label {
            Some(label) => format!("session of {}", label.name),
            None => "credentials that aws-mfa did not load".to_owned(),
        };
        super::note(&format!(
            "{whose} expired {} ago: run `{}`",
            time::span(left.abs()),
            self.load_command()
        ));
        self.memory.reported = Some(own.clone());
    }

    /// The time left for the shell's credentials, as their variable says.
    fn time_left(&self, now: Timestamp) -> Option<SignedDuration> {
        let variable = variable::AWS_CREDENTIAL_EXPIRATION;
        let expiration: Timestamp = self.environment.get(variable)?.to_str()?.parse().ok()?;
        Some(expiration.duration_since(now))
    }

    /// Where direnv is active, loading is up to the `.envrc`, which selects the profile and the role. But direnv does not
    /// notice that time passes.
    fn in_direnv(&mut self) -> Option<Action> {
        let own = self.own.clone()?;
        let now = now();
        let left = self.time_left(now)?;
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
        if !self.prompt.quiet && self.memory.reported.as_ref() != Some(&own) {
            super::note(&format!(
                "the .envrc leaves expired credentials: run `{}`",
                self.load_command()
            ));
            self.memory.reported = Some(own);
        }
        None
    }

    fn warn_about_expiry(&mut self, id: &KeyId, left: SignedDuration) {
        if !self.prompt.quiet && left <= SOON && self.memory.warned.as_ref() != Some(id) {
            super::note(&format!(
                "session expires in {}: run `{}`",
                time::span(left),
                invocation::get_command(&self.prompt.selection, &Flags::default())
            ));
            self.memory.warned = Some(id.clone());
        }
    }

    /// Says something that goes with the action, or holds both back.
    fn say(&mut self, text: &str) {
        match self.prompt.quiet {
            true => self.is_held_back = true,
            false => super::note(text),
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

    fn load_command(&self) -> String {
        loader::load_command(&self.prompt.selection, self.environment)
    }
}

/// The commands for the shell, in its language. `memory` is what has changed in it.
fn script(
    format: Format,
    action: Option<Action>,
    is_label_wrong: bool,
    memory: Option<&Memory>,
) -> Result<String, Failure> {
    let language = load::language(format).unwrap_or(Language::Sh);
    let (mut change, direnv) = match &action {
        Some(Action::Set(found)) => (Change::of(&found.session, &found.name), ""),
        Some(Action::Unset) => (Change::without_session(), ""),
        Some(Action::Label(label)) => (Change::nothing().with(LABEL, label.to_string()), ""),
        Some(Action::Reload) => (direnv::without_watches(), run_direnv(language)),
        None if is_label_wrong => (Change::of_variables([(LABEL, None)]), ""),
        None => (Change::nothing(), ""),
    };
    if let Some(memory) = memory {
        change = change.with(variable::AWS_MFA_HOOK.name(), memory.to_string());
    }
    if change.entries().next().is_none() {
        return Ok(String::new());
    }
    Ok(shell::render(&change, language)? + direnv)
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
