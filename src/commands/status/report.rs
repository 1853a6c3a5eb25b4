//! The report of `status`, for people and for programs.

use crate::error::Failure;
use crate::escape::escape;
use crate::loader::Loader;
use crate::origin::Origin;
use crate::path::in_words;
use crate::settings::rows::Row;
use crate::terminal::{WIDTH, wrapped};
use crate::{session, stderr, time};
use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A session with less time left is yellow, in seconds.
const SOON: i64 = session::SOON.as_secs();

/// The report. Scripts rely on its JSON: within one `version`, fields are added, but never changed or removed.
#[derive(Serialize)]
pub struct Report {
    /// The version of the JSON format.
    pub version: u32,
    /// The saved session.
    pub session: SessionReport,
    /// The selected role.
    pub role: Option<RoleReport>,
    /// Whether this process's environment has the key of the session, or of the selected role.
    pub loaded: bool,
    /// What loads the session into this shell.
    pub integration: Loader,
    /// The same for people.
    #[serde(skip)]
    pub integration_in_words: String,
    /// The MFA device's account, if its ARN contains it.
    pub account: Option<String>,
    /// The settings of the next `get`.
    #[serde(serialize_with = "by_name")]
    pub settings: Vec<Row>,
    /// Possible problems, each with its remedy.
    pub warnings: Vec<String>,
    /// The next step if there is no valid session; for people.
    #[serde(skip)]
    pub next: Option<String>,
    /// The user's home directory.
    #[serde(skip)]
    pub home: Option<PathBuf>,
}

/// A role and its credentials.
#[derive(Serialize)]
pub struct RoleReport {
    /// The role's ARN.
    pub arn: String,
    /// Where the ARN comes from.
    #[serde(skip)]
    pub origin: Origin,
    /// The roles assumed before it.
    pub through: Vec<String>,
    /// The source identity of its session.
    pub source_identity: Option<String>,
    /// The tags of its session.
    pub session_tags: BTreeMap<String, String>,
    /// The keys of those that AWS passes on to a role that is assumed from it.
    pub transitive_session_tags: Vec<String>,
    /// The file with its credentials.
    pub file: String,
    /// Its credentials.
    pub session: SessionReport,
    /// Whether `load` and `exec` renew them. Otherwise renewal needs a code.
    pub renewable: bool,
    /// The duration in the profile, if AWS's limit reduces it.
    pub reduced_from_seconds: Option<i32>,
}

/// The session, without its secrets.
#[derive(Default, Serialize)]
pub struct SessionReport {
    /// Whether it is valid.
    pub state: SessionState,
    /// Why not.
    pub message: Option<String>,
    /// The same without the file's name, which has its own line; for people.
    #[serde(skip)]
    pub problem: Option<String>,
    /// What to do about it, if a new session is not the remedy; for people.
    #[serde(skip)]
    pub hint: Option<String>,
    /// `ASIA…`
    pub access_key_id: Option<String>,
    /// RFC 3339, in UTC.
    pub expiration: Option<Timestamp>,
    /// Zero if it has expired.
    pub seconds_left: Option<i64>,
    /// The region saved with it.
    pub region: Option<String>,
}

/// The state of a session.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It is valid, or its expiry is unknown.
    Valid,
    /// It has expired.
    Expired,
    /// There is no session file.
    #[default]
    Missing,
    /// The file is corrupt, or belongs to another user.
    Unusable,
}

fn by_name<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
    let rows = rows.iter().map(|row| (row.name, row.json()));
    rows.collect::<BTreeMap<_, _>>().serialize(serializer)
}

/// A line of the report for people, escaped.
struct Line {
    name: String,
    value: String,
    origin: Option<String>,
    style: Style,
}

impl Line {
    fn new(name: impl Into<String>, value: &str) -> Self {
        Line {
            name: name.into(),
            value: escape(value).into_owned(),
            origin: None,
            style: Style::new(),
        }
    }

    fn origin(self, origin: &str) -> Self {
        let origin = Some(escape(origin).into_owned());
        Line { origin, ..self }
    }

    fn style(self, style: Style) -> Self {
        Line { style, ..self }
    }
}

impl Report {
    /// The report for a file or a pipe: `name: value (origin)`.
    pub fn plain(&self, now: Timestamp, zone: &TimeZone) -> String {
        let mut text = String::new();
        for line in self.lines(now, zone) {
            text += &format!("{}: {}", line.name, line.value);
            if let Some(origin) = line.origin {
                text += &format!(" ({origin})");
            }
            text.push('\n');
        }
        for warning in &self.warnings {
            text += &format!("warning: {}\n", escape(warning));
        }
        text
    }

    /// The report for a terminal: in columns, with `~` for the home directory, lines wrapped at [`WIDTH`], and optionally
    /// in colour.
    pub fn table(&self, now: Timestamp, zone: &TimeZone, colour: bool) -> String {
        let styled = |style: Style, text: &str| match colour {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        };
        let lines = self.lines(now, zone);
        let names = lines.iter().map(|line| line.name.chars().count()).max();
        let names = names.unwrap_or_default();
        let rest = WIDTH.saturating_sub(names + 2);
        let next_line = format!("\n{:names$}  ", "");
        let mut text = String::new();
        for line in &lines {
            let name = format!("{:names$}", line.name);
            let value = wrapped(&in_words(line.value.as_ref()), rest);
            let last = value.last().map_or(0, |part| part.chars().count());
            let value: Vec<String> = value.iter().map(|part| styled(line.style, part)).collect();
            let name = styled(Style::new().bold(), &name);
            text += &format!("{name}  {}", value.join(&next_line));
            if let Some(origin) = &line.origin {
                let fits = last + 2 + origin.chars().count() <= rest;
                text += if fits { "  " } else { &next_line };
                text += &styled(Style::new().dimmed(), origin);
            }
            text.push('\n');
        }
        for warning in &self.warnings {
            let word = styled(stderr::NOTICE, "warning:");
            let warning = format!("warning: {}", escape(warning));
            let warning = wrapped(&warning, WIDTH - 2).join("\n  ");
            text += &(warning.replacen("warning:", &word, 1) + "\n");
        }
        if let Some(next) = &self.next {
            let word = styled(stderr::HINT, "next:");
            text += &format!("{word} {}\n", escape(next));
        }
        text
    }

    fn lines(&self, now: Timestamp, zone: &TimeZone) -> Vec<Line> {
        let session = self.session.in_words(now, zone);
        let mut lines = vec![Line::new("session", &session).style(self.session.style())];
        lines.extend(self.session.details("session"));
        let mut wanted = (self.session.state, "session");
        if let Some(role) = &self.role {
            lines.extend(role.lines(self, now, zone));
            wanted = (role.session.state, "role");
        }
        if let (SessionState::Valid, what) = wanted {
            let has = if self.loaded { "has" } else { "does not have" };
            lines.push(Line::new("this shell", &format!("{has} the {what}")));
        }
        lines.push(Line::new("integration", &self.integration_in_words));
        let mut shown: Option<&Failure> = None;
        for row in &self.settings {
            let name = self.label(row);
            match &row.setting {
                Ok(None) => {}
                Ok(Some(setting)) => {
                    let origin = self.origin_in_words(&setting.origin);
                    lines.push(Line::new(name, &setting.value.text).origin(&origin));
                }
                // Several settings can fail for the same reason.
                Err(failure) if shown == Some(failure) => {}
                Err(failure) => {
                    shown = Some(failure);
                    let red = AnsiColor::Red.on_default();
                    lines.push(Line::new(name, &failure.one_line()).style(red));
                }
            }
            if let ("device", Some(account)) = (row.name, &self.account) {
                lines.push(Line::new("account", account));
            }
        }
        lines
    }

    /// The label of a setting. A region is only for STS unless it belongs to the session: it comes from a flag or a
    /// profile, or `load` has set it.
    fn label(&self, row: &Row) -> String {
        let is_of_session = matches!(&row.setting, Ok(Some(region))
            if matches!(region.origin, Origin::Flag(_) | Origin::Profile(..))
                || self.session.region.as_ref() == Some(&region.value.text));
        let label = match row.name {
            "region" if !is_of_session => "STS region",
            "endpoint" => "STS endpoint",
            "ca_bundle" => "CA bundle",
            "duration_seconds" => "duration",
            name => name,
        };
        label.replace('_', " ")
    }

    /// The origin of a setting. The label already says which key of a profile it is, and only an unusual file is shown.
    fn origin_in_words(&self, origin: &Origin) -> String {
        match origin {
            Origin::Profile(profile, _, file) => {
                let usual = self.home.as_ref().map(|home| home.join(".aws"));
                match usual.is_some() && file.parent() == usual.as_deref() {
                    true => format!("profile {profile}"),
                    false => format!("profile {profile} in {}", in_words(file)),
                }
            }
            origin => origin.to_string(),
        }
    }
}

impl RoleReport {
    fn lines(&self, report: &Report, now: Timestamp, zone: &TimeZone) -> Vec<Line> {
        let origin = report.origin_in_words(&self.origin);
        let mut lines = vec![Line::new("role", &self.arn).origin(&origin)];
        lines.extend(self.through.iter().map(|arn| Line::new("through", arn)));
        let identity = self.source_identity.iter();
        lines.extend(identity.map(|name| Line::new("source identity", name)));
        if !self.session_tags.is_empty() {
            let tags = self.session_tags.iter();
            let tags: Vec<String> = tags.map(|(key, value)| format!("{key}={value}")).collect();
            lines.push(Line::new("session tags", &tags.join(", ")));
        }
        if !self.transitive_session_tags.is_empty() {
            let keys = self.transitive_session_tags.join(", ");
            lines.push(Line::new("transitive tags", &keys));
        }
        let (session, style) = match (self.session.state, report.session.state) {
            (SessionState::Missing, SessionState::Valid) => {
                ("not assumed yet".to_owned(), AnsiColor::Yellow.on_default())
            }
            (SessionState::Missing, _) => ("not assumed".to_owned(), self.session.style()),
            _ => (self.session.in_words(now, zone), self.session.style()),
        };
        lines.push(Line::new("role session", &session).style(style));
        lines.extend(self.session.details("role"));
        let renewed = match self.renewable {
            true => "by load and exec, while the session is valid",
            false => "only with a code (--direct)",
        };
        lines.push(Line::new("renewed", renewed));
        if let Some(seconds) = self.reduced_from_seconds {
            let wanted = time::span(SignedDuration::from_secs(seconds.into()));
            let value = format!("1h ({wanted} requested; longer needs --direct)");
            lines.push(Line::new("role duration", &value));
        }
        lines.push(Line::new("role file", &self.file));
        lines
    }
}

impl SessionReport {
    /// Whether it is valid, and until when.
    pub fn in_words(&self, now: Timestamp, zone: &TimeZone) -> String {
        match (&self.problem, self.expiration, self.seconds_left) {
            (Some(problem), ..) => problem.clone(),
            (None, Some(end), Some(left)) => {
                let left = time::span(SignedDuration::from_secs(left));
                format!("valid for {left}, until {}", time::until(end, now, zone))
            }
            _ => "valid, expiry unknown".to_owned(),
        }
    }

    /// The key's id and the region, if known; `whose` they are begins their names.
    fn details(&self, whose: &str) -> impl Iterator<Item = Line> {
        [("key id", &self.access_key_id), ("region", &self.region)]
            .into_iter()
            .filter_map(move |(name, value)| {
                Some(Line::new(format!("{whose} {name}"), value.as_ref()?))
            })
    }

    /// Green, yellow if it expires soon, else red.
    pub fn style(&self) -> Style {
        match (self.state, self.seconds_left) {
            (SessionState::Valid, Some(..SOON)) => AnsiColor::Yellow.on_default(),
            (SessionState::Valid, _) => AnsiColor::Green.on_default(),
            _ => AnsiColor::Red.on_default(),
        }
    }
}
