//! The list as a table.

use super::entry::Entry;
use crate::commands::status::report::SessionState;
use crate::escape::escape;
use crate::time;
use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The list in columns, with `*` before what is selected. On a terminal of this width, long names and reasons are cut.
pub fn of(
    list: &[Entry],
    now: Timestamp,
    zone: &TimeZone,
    width: Option<usize>,
    colour: bool,
) -> String {
    let length = |text: &str| text.chars().count();
    let rows = list
        .iter()
        .map(|entry| (entry, entry.columns(), entry.state(now, zone)));
    let rows: Vec<_> = rows.collect();
    let longest = |column: fn(&[String; 3]) -> &String| {
        rows.iter()
            .map(|(_, columns, _)| length(column(columns)))
            .max()
            .unwrap_or_default()
    };
    let [mut name, account, mut what] = [
        longest(|[it, ..]| it),
        longest(|[_, it, _]| it),
        longest(|[.., it]| it),
    ];
    if let Some(width) = width {
        let valid = rows
            .iter()
            .filter(|(entry, ..)| entry.session.state == SessionState::Valid);
        let state = valid
            .map(|(_, _, (state, _))| length(state.split(';').next().unwrap_or_default()))
            .max()
            .unwrap_or(20);
        let rest = width.saturating_sub(2 + account + 6 + (state + 1).min(34));
        what = what.min((rest / 2).max(rest.saturating_sub(name)));
        name = name.min(rest.saturating_sub(what));
    }
    let mut text = String::new();
    for (entry, [own_name, own_account, own_what], (state, style)) in &rows {
        let mark = if entry.selected { '*' } else { ' ' };
        let mut line = format!("{mark} {:name$}", cut(own_name, name));
        if account > 0 {
            line += &format!("  {own_account:account$}");
        }
        line += &format!("  {:what$}  ", cut(own_what, what));
        let state = match width {
            Some(width) => cut(state, width.saturating_sub(length(&line))),
            None => state.clone(),
        };
        text += &match colour {
            true => format!("{line}{style}{state}{style:#}\n"),
            false => format!("{line}{state}\n"),
        };
    }
    text
}

/// The text in at most so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() <= most {
        true => text.to_owned(),
        false => {
            let start: String = text.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", start.trim_end())
        }
    }
}

impl Entry {
    /// Its credentials, in words.
    fn state(&self, now: Timestamp, zone: &TimeZone) -> (String, Style) {
        let red = AnsiColor::Red.on_default();
        let session = &self.session;
        let (mut text, style) = match (&self.problem, session.state) {
            (Some(problem), _) => (problem.clone(), red),
            (None, SessionState::Missing) => match (&self.role, self.is_due) {
                (Some(_), true) => ("not assumed yet".to_owned(), Style::new()),
                (Some(_), false) => ("not assumed".to_owned(), Style::new().dimmed()),
                (None, _) => ("none yet".to_owned(), Style::new().dimmed()),
            },
            (None, SessionState::Valid) => {
                let until = session.expiration.zip(session.seconds_left);
                let text = until.map(|(end, left)| {
                    let left = time::rounded_span(SignedDuration::from_secs(left));
                    format!("valid until {} ({left})", time::until(end, now, zone))
                });
                let text = text.unwrap_or("valid, expiry unknown".to_owned());
                (text, session.style())
            }
            (None, SessionState::Expired) => (
                session.problem.clone().unwrap_or_default(),
                Style::new().dimmed(),
            ),
            (None, SessionState::Unusable) => (session.problem.clone().unwrap_or_default(), red),
        };
        if !self.aliases.is_empty() {
            text += &format!("; also {}", self.aliases.join(", "));
        }
        (escape(&text).into_owned(), style)
    }

    /// The columns before that.
    fn columns(&self) -> [String; 3] {
        let what = match &self.role {
            Some(role) => format!("role {}", role.rsplit('/').next().unwrap_or_default()),
            None => "session".to_owned(),
        };
        [
            &self.name,
            self.account.as_ref().unwrap_or(&String::new()),
            &what,
        ]
        .map(|text| escape(text).into_owned())
    }
}
