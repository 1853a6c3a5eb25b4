//! Which of a file's lines has the value of a key.

use super::lines::{Document, Entry, Fault, Section, is_space};
use super::names::SectionKind;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// How a value is taken from its text: where the SDKs cut a comment, and the AWS CLI none.
#[derive(PartialEq, Eq)]
pub enum ValueKind {
    /// No legal value contains white space.
    Word,
    /// The name of a section, which may contain anything.
    Name(SectionKind),
    /// A command line for a shell.
    Command,
    /// Any other text.
    Text,
}

impl ValueKind {
    /// The kind of this key's value.
    pub fn of(key: &str) -> Self {
        match key {
            "aws_access_key_id"
            | "aws_secret_access_key"
            | "aws_session_token"
            | "mfa_serial"
            | "role_arn"
            | "region"
            | "external_id"
            | "role_session_name"
            | "source_identity"
            | "session_tags"
            | "transitive_session_tags"
            | "duration_seconds"
            | "credential_source"
            | "endpoint_url"
            | "ca_bundle"
            | "use_fips_endpoint" => ValueKind::Word,
            "source_profile" => ValueKind::Name(SectionKind::Profile),
            "services" => ValueKind::Name(SectionKind::Services),
            "sso_session" => ValueKind::Name(SectionKind::SsoSession),
            "credential_process" | "mfa_process" | "mfa_store_process" => ValueKind::Command,
            _ if key.starts_with("sso_") => ValueKind::Word,
            _ => ValueKind::Text,
        }
    }
}

impl Document {
    /// Makes each of the following look-ups fast, for whoever looks up all sections.
    pub fn index(&self) {
        self.places.get_or_init(|| {
            let mut places: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, section) in self.sections.iter().enumerate() {
                places.entry(section.name.clone()).or_default().push(place);
            }
            places
        });
    }

    /// The sections of this kind and name, in their order.
    pub fn named(&self, kind: SectionKind, name: &str) -> Vec<(usize, &Section)> {
        let is_own = |(_, section): &(usize, &Section)| section.is(kind, name);
        match self.places.get() {
            None => self.sections.iter().enumerate().filter(is_own).collect(),
            Some(places) => {
                let places = places.get(name).into_iter().flatten();
                let sections =
                    places.filter_map(|place| Some((*place, self.sections.get(*place)?)));
                sections.filter(is_own).collect()
            }
        }
    }

    /// The sections of this kind and name. If two spellings of the header mean the same, the later one replaces the other,
    /// as it does for the AWS CLI.
    pub fn sections_of<'a>(
        &'a self,
        kind: SectionKind,
        name: &'a str,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Section)> {
        let mut own = self.named(kind, name);
        let mut spellings = Vec::new();
        for (_, section) in &own {
            let header = self.bytes_at(&section.header);
            if !spellings.contains(&header) {
                spellings.push(header);
            }
        }
        let is_last = |section: &Section| spellings.last() == Some(&self.bytes_at(&section.header));
        own.retain(|(_, section)| is_last(section));
        own.into_iter()
    }

    /// Whether there is a section of this kind and name.
    pub fn has(&self, kind: SectionKind, name: &str) -> bool {
        match self.places.get() {
            None => self.sections.iter().any(|section| section.is(kind, name)),
            Some(_) => !self.named(kind, name).is_empty(),
        }
    }

    /// The first line of this section, or of `[DEFAULT]`, that cannot be read.
    pub fn fault(&self, kind: SectionKind, name: &str) -> Option<&Fault> {
        let is_fallback = |section: &Section| section.kind == SectionKind::Fallback;
        let is_own = |index| {
            self.sections.get(index).is_some_and(is_fallback)
                || self.sections_of(kind, name).any(|(own, _)| own == index)
        };
        let mut faults = self.faults.iter();
        faults.find(|fault| self.has(kind, name) && fault.section.is_some_and(is_own))
    }

    /// The last entry for `key` in this section, else in `[DEFAULT]`.
    pub fn entry(&self, kind: SectionKind, name: &str, key: &str) -> Option<&Entry> {
        let mut sections = self.sections_of(kind, name).rev().peekable();
        sections.peek()?;
        let fallback = || {
            self.named(SectionKind::Fallback, "DEFAULT")
                .into_iter()
                .rev()
        };
        sections
            .chain(std::iter::once_with(fallback).flatten())
            .map(|(_, section)| section)
            .flat_map(|section| self.entries_of(section).iter().rev())
            .find(|entry| {
                self.bytes_at(&entry.key)
                    .eq_ignore_ascii_case(key.as_bytes())
            })
    }

    /// The value with all its lines.
    pub fn whole(&self, entry: &Entry) -> String {
        let more = self.lines_of(entry).iter().map(|line| &line.text);
        let lines = std::iter::once(&entry.value).chain(more);
        let lines: Vec<&str> = lines.map(|place| self.text(place)).collect();
        lines.join("\n")
    }

    /// Whether the name stands in the section's broken header as a whole word.
    pub fn mentions(&self, section: &Section, name: &str) -> bool {
        let start = section.header.start;
        let line = self.bytes.get(start..).unwrap_or_default();
        let end = line.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let line = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
        // What is not UTF-8 is probably Windows' code page, which is nearly Latin-1.
        let line = match std::str::from_utf8(line) {
            Ok(line) => Cow::from(line),
            Err(_) => line.iter().copied().map(char::from).collect(),
        };
        let inside = |character: char| character.is_alphanumeric() || "_-.".contains(character);
        !name.is_empty()
            && line.match_indices(name).any(|(start, _)| {
                let (before, rest) = line.split_at(start);
                let after = rest.strip_prefix(name).unwrap_or_default();
                !before.ends_with(inside) && !after.starts_with(inside)
            })
    }

    /// Where the value of `key` stands in the first line of its text: without a comment behind it. `has_section` tells
    /// whether a section exists.
    pub fn value(
        &self,
        key: &str,
        entry: &Entry,
        has_section: impl FnOnce(SectionKind, &str) -> bool,
    ) -> Range<usize> {
        let text = self.text(&entry.value);
        let before = self.bytes.get(..entry.value.start).unwrap_or_default();
        let after_space = !before.ends_with(b"=") && !before.ends_with(b":");
        let comment = match ValueKind::of(key) {
            ValueKind::Text => None,
            ValueKind::Name(kind) if has_section(kind, text) => None,
            kind => comment(text, kind == ValueKind::Command, after_space),
        };
        let value = text
            .get(..comment.unwrap_or(text.len()))
            .unwrap_or_default();
        entry.value.start..entry.value.start + value.trim_end_matches(is_space).len()
    }

    /// The value of `key` in the nested block that is the value of `entry`, without a comment behind it. Unlike other
    /// keys, these distinguish upper and lower case.
    pub fn nested<'a>(&'a self, entry: &Entry, key: &str) -> Option<&'a str> {
        let (_, value) = self.block(entry).rfind(|(own, _)| *own == key)?;
        let value = value.get(..comment(value, false, true).unwrap_or(value.len()))?;
        Some(value.trim_end_matches(is_space))
    }

    /// The keys and values of the nested block that is the value of `entry`.
    pub fn block<'a>(
        &'a self,
        entry: &Entry,
    ) -> impl DoubleEndedIterator<Item = (&'a str, &'a str)> {
        let lines = match entry.value.is_empty() {
            true => self.lines_of(entry),
            false => &[],
        };
        lines.iter().filter_map(|line| {
            let (key, value) = self.text(&line.text).split_once('=')?;
            Some((key.trim_matches(is_space), value.trim_matches(is_space)))
        })
    }
}

/// Where a comment begins: at the first `#` or `;` after white space, which a command line for a shell may quote.
/// `after_space` tells whether there is some before the text.
fn comment(text: &str, is_command: bool, mut after_space: bool) -> Option<usize> {
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match (quote, character) {
            (None, '#' | ';') if after_space => return Some(index),
            _ if !is_command => {}
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None | Some('"'), '\\') => drop(characters.next()),
            _ => {}
        }
        after_space = is_space(character);
    }
    None
}

impl Section {
    pub(super) fn is(&self, kind: SectionKind, name: &str) -> bool {
        self.kind == kind && self.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws_files::names::FileKind;

    fn parsed(text: &str) -> Document {
        Document::parse(text.as_bytes().to_vec(), FileKind::Config)
    }

    /// The value of `key` in the profile default.
    fn value<'a>(document: &'a Document, key: &str) -> Option<&'a str> {
        let entry = document.entry(SectionKind::Profile, "default", key)?;
        let place = document.value(key, entry, |kind, name| document.has(kind, name));
        Some(document.text(&place))
    }

    #[test]
    fn index_changes_no_look_up() {
        let text = "[a]\nx = 1\n[DEFAULT]\nz = 0\n[profile a]\nx = 2\n[ profile a]\ny = 3\n[b]\nx = 4\n[a]\nx = 5\n";
        for file in [FileKind::Config, FileKind::Credentials] {
            let document = Document::parse(text.into(), file);
            let found = || {
                let names = ["a", "b", "profile a", "c"];
                names.map(|name| {
                    let kind = SectionKind::Profile;
                    let lines = ["x", "y", "z"]
                        .map(|key| document.entry(kind, name, key).map(|entry| entry.line));
                    (document.has(kind, name), lines)
                })
            };
            let before = found();
            document.index();
            assert_eq!(found(), before);
            assert!(before.iter().any(|(exists, _)| *exists));
        }
    }

    #[test]
    fn comment_is_cut_by_the_kind_of_the_key() {
        for (line, value_) in [
            // Words.
            ("region=x # mine", "x"),
            ("region=x\u{a0};mine", "x"),
            ("region=x#y", "x#y"),
            ("region= # mine", ""),
            ("region=# mine", "# mine"),
            ("sso_region=x ;", "x"),
            ("AWS_SESSION_TOKEN=x # y", "x"),
            // Names.
            ("source_profile=a # b", "a # b"),
            ("source_profile=a # c", "a"),
            ("services=a # b", "a"),
            // Commands.
            ("credential_process=op read 'x #y' # mine", "op read 'x #y'"),
            (r#"mfa_process=a "b\" #c" ;d"#, r#"a "b\" #c""#),
            (r"mfa_store_process=a \' #b", r"a \'"),
            ("credential_process=a#b #", "a#b"),
            ("credential_process=a 'b # c", "a 'b # c"),
            // Any other.
            ("output=x # y", "x # y"),
        ] {
            let document = parsed(&format!("[profile 'a # b']\n[default]\n{line}"));
            let key = line.split_once('=').unwrap().0.to_lowercase();
            assert_eq!(value(&document, &key), Some(value_), "{line}");
        }
    }

    #[test]
    fn last_value_of_a_section_counts_then_that_of_the_fallback() {
        for (text, expected) in [
            ("[default]\nregion=1\nRegion=2", Some("2")),
            ("[default]\nregion=1\n[default]\nregion=2", Some("2")),
            ("[default]\nregion=1\n[default]\na=2", Some("1")),
            ("[DEFAULT]\nregion=1\n[default]", Some("1")),
            ("[DEFAULT]\nregion=1\n[default]\nregion=2", Some("2")),
            ("[DEFAULT]\nregion=1\n[default]\nregion=", Some("")),
            ("[DEFAULT]\nregion=1\n[profile a]", None),
            // Of two spellings, the later one replaces the other.
            ("[default]\nregion=1\n[profile default]\na=2", None),
            (
                "[profile default]\nregion=1\n[default]\nregion=2",
                Some("2"),
            ),
            ("[default]\n[profile default]\n[default]\nregion=1", None),
        ] {
            assert_eq!(value(&parsed(text), "region"), expected, "{text}");
        }
    }

    #[test]
    fn nested_block_has_keys_in_their_own_case() {
        let text = "[default]\nsts =\n  a = 1\n  A = 2 # two\n\n  a = 3;3\n  b : c=4\n";
        let document = parsed(text);
        let entry = document
            .entry(SectionKind::Profile, "default", "sts")
            .unwrap();
        for (key, value) in [
            ("a", Some("3;3")),
            ("A", Some("2")),
            ("b : c", Some("4")),
            ("b", None),
        ] {
            assert_eq!(document.nested(entry, key), value, "{key}");
        }
    }

    #[test]
    fn fault_counts_in_its_section_and_in_the_fallback() {
        let fault = |text: &str| {
            let document = parsed(text);
            document
                .fault(SectionKind::Profile, "default")
                .map(|fault| fault.line)
        };
        assert_eq!(fault("[default]\nregion"), Some(2));
        assert_eq!(fault("[default]\n[DEFAULT]\nregion"), Some(3));
        assert_eq!(fault("[default]\n[default]\nregion"), Some(3));
        assert_eq!(
            fault("region\n[default]\n[profile a]\nregion\n[b\nregion"),
            None
        );
        assert_eq!(fault("[DEFAULT]\nregion\n[profile a]"), None);
    }

    #[test]
    fn name_stands_in_a_broken_header_as_a_word() {
        for (header, name, mentions) in [
            ("[work", "work", true),
            ("[profile work # x", "work", true),
            ("[profile 'my work'", "my work", true),
            ("[profile work-eu", "work", false),
            ("[]", "work", false),
        ] {
            let document = parsed(header);
            let section = document.sections.first().unwrap();
            assert_eq!(document.mentions(section, name), mentions, "{header}");
        }
        let latin1 = Document::parse(b"[caf\xe9]".to_vec(), FileKind::Credentials);
        assert!(latin1.mentions(latin1.sections.first().unwrap(), "caf\u{e9}"));
    }
}
