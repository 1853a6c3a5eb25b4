//! What the AWS CLI refuses in the files, and what other programs read differently.

use super::lines::{Document, Entry, Fault, Section};
use super::lookup::ValueKind;
use super::names::{FileKind, SectionKind, section};
use super::{ProfileFile, Profiles};
use crate::error::Failure;
use crate::path::in_words;
use std::collections::BTreeMap;

/// What is remarkable about a line, with what to do about it.
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// What it does: follows `line 3 of the file`.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether the AWS CLI refuses the whole file because of it.
    pub is_refused: bool,
}

impl Remark {
    fn new(line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Remark {
            line,
            what: what.into(),
            remedy: remedy.into(),
            is_refused: false,
        }
    }

    fn refused(line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Remark {
            is_refused: true,
            ..Remark::new(line, what, remedy)
        }
    }

    fn of(self, file: &ProfileFile) -> (bool, Failure) {
        let refused = match self.is_refused {
            true => ": the AWS CLI refuses the file",
            false => "",
        };
        let (line, path, what) = (self.line, in_words(&file.path), self.what);
        let failure = Failure::setup(format!("line {line} of {path} {what}{refused}"));
        (self.is_refused, failure.hint(self.remedy))
    }
}

impl From<&Fault> for Remark {
    fn from(fault: &Fault) -> Self {
        let (what, remedy) = fault.what.in_words();
        Remark::refused(fault.line, what, remedy)
    }
}

impl Profiles {
    /// What the AWS CLI refuses, with `true`, and what it or the SDKs read differently.
    pub fn remarks(&self) -> impl Iterator<Item = (bool, Failure)> {
        self.documents().flat_map(|(file, document)| {
            let mut remarks = document.remarks(file.kind);
            let entries = document.entries.iter();
            remarks.extend(entries.filter_map(|entry| self.value_remark(document, entry)));
            remarks.sort_by_key(|remark| (!remark.is_refused, remark.line));
            remarks.into_iter().map(|remark| remark.of(file))
        })
    }

    /// A value of several lines where one is meant, or a comment behind a value.
    fn value_remark(&self, document: &Document, entry: &Entry) -> Option<Remark> {
        let key = document.text(&entry.key).to_ascii_lowercase();
        if ValueKind::of(&key) != ValueKind::Text && !entry.more.is_empty() {
            return document.continuation(entry);
        }
        let place = document.value(&key, entry, |kind, name| self.has(kind, name));
        let what =
            format!("has a comment behind {key}, which the AWS CLI takes for a part of the value");
        let remark = Remark::new(entry.line, what, "put the comment on a line of its own");
        (place.end < entry.value.end).then_some(remark)
    }
}

impl Document {
    /// What the AWS CLI refuses, or the SDKs read differently or not at all.
    pub fn remarks(&self, file: FileKind) -> Vec<Remark> {
        let mut remarks: Vec<Remark> = self.faults.iter().map(Remark::from).collect();
        // The lines of those that came before.
        let (mut headers, mut keys, mut names) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let sections = self.sections.iter();
        for section in sections.filter(|section| section.kind != SectionKind::Broken) {
            remarks.extend(self.section_remark(section, file, &mut headers, &mut names));
            for entry in self.entries_of(section) {
                let key = self.text(&entry.key);
                let place = (self.text(&section.header), key.to_ascii_lowercase());
                let first = *keys.entry(place).or_insert(entry.line);
                if first != entry.line {
                    let what = format!("sets {key} again, after line {first}");
                    remarks.push(Remark::refused(
                        entry.line,
                        what,
                        "delete one of the two lines",
                    ));
                }
                let rest = self.bytes.get(entry.key.end..).unwrap_or_default();
                if rest.iter().find(|byte| matches!(byte, b'=' | b':')) == Some(&b':') {
                    let sdks = "the AWS SDKs refuse the file or ignore the line";
                    let what = format!("has : instead of = after {key}, and {sdks}");
                    remarks.push(Remark::new(entry.line, what, "write ="));
                }
                let before = self.bytes.get(..entry.key.start).unwrap_or_default();
                if before.ends_with(b" ") || before.ends_with(b"\t") {
                    let sdks =
                        format!("the AWS SDKs refuse the file or add {key} to the line before");
                    let what = format!("is indented, and {sdks}");
                    let remedy = "remove the white space before it";
                    remarks.push(Remark::new(entry.line, what, remedy));
                }
            }
        }
        remarks
    }

    fn section_remark<'a>(
        &'a self,
        own: &'a Section,
        file: FileKind,
        headers: &mut BTreeMap<&'a str, usize>,
        names: &mut BTreeMap<&'a str, usize>,
    ) -> Option<Remark> {
        if own.kind == SectionKind::Fallback {
            let what = "begins [DEFAULT], which the AWS SDKs ignore";
            return Some(Remark::new(own.line, what, "copy its keys to the profiles"));
        }
        let (header, name) = (self.text(&own.header), own.name.as_str());
        let first = *headers.entry(header).or_insert(own.line);
        if first != own.line {
            let what = format!("begins the section [{header}] again, after line {first}");
            let remedy = "move its lines to the first of the two";
            return Some(Remark::refused(own.line, what, remedy));
        }
        if own.kind != SectionKind::Profile {
            return None;
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
        if !name.chars().all(is_plain) {
            let what =
                format!("begins the profile {name}, which the AWS SDKs ignore because of its name");
            let remedy = "use only letters, digits and _-/.%@:+ in it";
            return Some(Remark::new(own.line, what, remedy));
        }
        let first = *names.entry(name).or_insert(own.line);
        let what = format!(
            "begins the profile {name} again in another spelling, after line {first}: the AWS CLI reads only this one, and the AWS SDKs read the other or both"
        );
        let remedy = format!("write both as one section {}", section(name, file));
        (first != own.line).then(|| Remark::new(own.line, what, remedy))
    }

    /// The line that continues the value of this entry.
    pub fn continuation(&self, entry: &Entry) -> Option<Remark> {
        let mut lines = self.lines_of(entry).iter();
        let next = lines.find(|line| !line.text.is_empty())?;
        let (key, line) = (self.text(&entry.key), entry.line);
        let remedy = match self.text(&next.text).contains(['=', ':', '[']) {
            true => "remove the white space before it".to_owned(),
            false => format!("write the whole value on line {line}"),
        };
        let what = format!("is indented, so it continues {key} of line {line}");
        Some(Remark::new(next.number, what, remedy))
    }
}
