//! What a selection means, for the commands that go on where a setting is invalid.

use crate::cli::Selection;
use crate::environment::Environment;
use crate::error::Failure;
use crate::setting::Setting;
use crate::settings::role::RoleChain;
use crate::settings::{self, Flags, Settings};
use std::path::PathBuf;

/// The settings of a selection, as far as they can be had.
pub struct Resolved<'a> {
    /// The settings, unless a file in `~/.aws` is broken.
    pub settings: Result<Settings<'a>, Failure>,
    /// The roles that lead to the one that is selected; `None` also where there are no settings.
    pub chain: Result<Option<RoleChain>, Failure>,
    /// For a role, the settings of the user's own session.
    pub base: Option<Settings<'a>>,
    /// The file of the session.
    pub session_file: Result<Setting<PathBuf>, Failure>,
}

impl<'a> Resolved<'a> {
    /// Resolves the selection.
    pub fn of(selection: &'a Selection, environment: &'a Environment) -> Self {
        let settings = Settings::new(selection, Flags::default(), environment);
        let chain = match &settings {
            Ok(settings) => settings.role_chain(),
            Err(_) => Ok(None),
        };
        let base = match (&settings, &chain) {
            (Ok(settings), Ok(Some(chain))) => Some(settings.base(chain)),
            _ => None,
        };
        let session_file = match (&base, &settings) {
            (Some(base), _) => base.session_file(),
            (None, Ok(settings)) => settings.session_file(),
            (None, Err(_)) => settings::session_file(selection, environment),
        };
        Resolved {
            settings,
            chain,
            base,
            session_file,
        }
    }
}
