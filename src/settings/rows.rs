//! The settings as `status` and `doctor` show them: each with its origin, and without a secret.

use crate::account::Account;
use crate::account::key_source::KeySource;
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::settings::Settings;
use crate::settings::device::{self, Device};
use serde_json::{Value, json};

/// One setting.
pub struct Row {
    /// Its name, in snake case.
    pub name: &'static str,
    /// Its value, no value, or the reason why it has none.
    pub setting: Result<Option<Setting<Cell>>, Failure>,
}

/// A value for people and for programs.
pub struct Cell {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        let text = text.into();
        Cell {
            json: Value::from(text.as_str()),
            text,
        }
    }
}

impl Row {
    /// The setting called `name`, in snake case: its value, no value, or the reason why it has none.
    pub fn of<T: Into<Cell>>(
        name: &'static str,
        setting: Result<Option<Setting<T>>, Failure>,
    ) -> Self {
        Row::with(name, setting, T::into)
    }

    /// The same, with the way to show its value.
    fn with<T>(
        name: &'static str,
        setting: Result<Option<Setting<T>>, Failure>,
        cell: impl FnOnce(T) -> Cell,
    ) -> Self {
        let setting = setting.map(|setting| setting.map(|setting| setting.map(cell)));
        Row { name, setting }
    }

    /// Whether this is the id of a profile's master keys.
    pub fn is_key_id_of_profile(&self) -> bool {
        self.name == "key_id"
            && matches!(&self.setting, Ok(Some(key)) if matches!(key.origin, Origin::Profile(..)))
    }

    /// The value with its origin, nothing, or why it has none.
    pub fn json(&self) -> Value {
        match &self.setting {
            Ok(Some(setting)) => json!({
                "value": setting.value.json,
                "origin": origin_json(&setting.origin),
            }),
            Ok(None) => Value::Null,
            Err(failure) => json!({ "value": null, "error": failure.message }),
        }
    }
}

/// The settings of the next `get`.
pub fn rows(account: &Account, settings: &Settings) -> Vec<Row> {
    let device = device(account, settings);
    let known = device.as_ref().ok().and_then(Option::as_ref);
    let region = settings.sts_region(known.map(|device| &device.value));
    let endpoint = match &region {
        Ok(region) => settings.network.sts_endpoint(region).map(Some),
        Err(_) => Ok(None),
    };
    let proxy = settings.network.proxy(match &endpoint {
        Ok(Some(endpoint)) => Some(&endpoint.value),
        _ => None,
    });
    let duration = settings.duration.clone().map(Some);
    let code_command = settings.code_command.clone();
    vec![
        Row::of("profile", settings.profile.clone()),
        Row::with("key_id", settings.keys.clone().map(Some), key_id),
        Row::with("device", device, |device| device.name().into()),
        Row::with("duration_seconds", duration, |duration| Cell {
            text: duration.to_string(),
            json: duration.seconds().into(),
        }),
        Row::of("region", region.map(Some)),
        Row::with("endpoint", endpoint, |endpoint| endpoint.to_string().into()),
        Row::with("code_command", code_command, |line| program(&line).into()),
        Row::with("proxy", proxy, |proxy| proxy.to_string().into()),
        Row::of("ca_bundle", settings.network.ca_bundle.clone()),
    ]
}

/// The configured device, else the one that IAM listed when the saved session was requested with these master keys. The
/// keys from a `credential_process` are unknown here, and assumed to be the same.
pub fn device(account: &Account, settings: &Settings) -> Result<Option<Setting<Device>>, Failure> {
    let remembered = || {
        let keys = settings.keys.clone().ok()?;
        let file = account.session_file.as_ref().ok()?;
        device::remembered(&file.value, keys.value.known_id().as_deref())
    };
    Ok(settings.device.clone()?.or_else(remembered))
}

fn key_id(source: KeySource) -> Cell {
    match source {
        KeySource::Pair(keys) => keys.access_key_id.into(),
        KeySource::Process(_) => Cell {
            text: "printed by a command".to_owned(),
            json: Value::Null,
        },
    }
}

/// The first word of a command line. The rest may contain the seed for the codes.
fn program(command_line: &str) -> String {
    match command_line.trim().split_once(char::is_whitespace) {
        Some((program, _)) if !program.contains('=') => format!("{program} …"),
        Some(_) => "…".to_owned(),
        None => command_line.trim().to_owned(),
    }
}

fn origin_json(origin: &Origin) -> Value {
    match origin {
        Origin::Flag(name) => json!({ "kind": "flag", "name": name }),
        Origin::Variable(name) => json!({ "kind": "variable", "name": name }),
        Origin::Profile(profile, key, file) => json!({
            "kind": "profile",
            "name": key,
            "profile": profile,
            "file": file.to_string_lossy(),
        }),
        Origin::OnlyProfile => json!({ "kind": "only_profile" }),
        Origin::Discovered => json!({ "kind": "discovered" }),
        Origin::Default => json!({ "kind": "default" }),
    }
}
