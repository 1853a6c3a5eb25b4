//! What the AWS CLI refuses in the files, and what other programs read differently.

use super::lines::{Document, Entry, Section, is_space};
use super::names::{FileKind, SectionKind};
use super::{ProfileFile, Profiles};
use crate::error::{Failure, Kind};

/// What is remarkable about a line, with what to do about it.
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// Whether the AWS CLI refuses the whole file because of it.
    pub is_refused: bool,
    /// What it does: follows `line 3 of the file`.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Profiles {
    /// What the AWS CLI refuses, with `true`, and what it or the SDKs read differently.
    pub fn remarks(&self) -> impl Iterator<Item = (bool, Failure)> {
        self.documents().flat_map(|(file, document)| {
            let mut remarks = document.refusals();
            remarks.extend(document.differences(file.kind));
            remarks.extend(self.comments(document));
            remarks.sort_by_key(|remark| (!remark.is_refused, remark.line));
            remarks.into_iter().map(|remark| remark.of(file))
        })
    }

    /// The comments behind values, which the AWS CLI takes for a part of them.
    fn comments<'a>(&'a self, document: &'a Document) -> impl Iterator<Item = Remark> + 'a {
        let comment = |entry: &Entry| {
            let key = document.text(&entry.key);
            let place = document.value(key, entry, |kind, name| self.has(kind, name));
            (place.end < entry.value.end).then(|| Remark {
                line: entry.line,
                is_refused: false,
                what: format!(
                    "has a comment behind {key}, which the AWS CLI takes for a part of the value"
                ),
                remedy: "put the comment on a line of its own".to_owned(),
            })
        };
        document.entries.iter().filter_map(comment)
    }
}

impl Remark {
    fn of(self, file: &ProfileFile) -> (bool, Failure) {
        let refused = match self.is_refused {
            true => ": the AWS CLI refuses the file",
            false => "",
        };
        let message = format!(
            "line {} of {} {}{refused}",
            self.line,
            file.path.display(),
            self.what
        );
        let failure = Failure::new(Kind::Setup, message).hint(self.remedy);
        (self.is_refused, failure)
    }
}

impl Document {
    /// Why the AWS CLI refuses the file.
    pub fn refusals(&self) -> Vec<Remark> {
        let refused = |line, what, remedy: &str| Remark {
            line,
            is_refused: true,
            what,
            remedy: remedy.to_owned(),
        };
        let faults = self.faults.iter();
        let mut refusals: Vec<Remark> = faults
            .map(|fault| refused(fault.line, fault.what.to_string(), fault.what.remedy()))
            .collect();
        let read = || {
            let sections = self.sections.iter();
            sections.filter(|section| section.kind != SectionKind::Broken)
        };
        for (index, section) in read().enumerate() {
            let header = self.text(&section.header);
            let is_same = |other: &&Section| self.text(&other.header) == header;
            let is_fallback = section.kind == SectionKind::Fallback;
            let earlier = read().take(index).find(is_same);
            if let (Some(earlier), false) = (earlier, is_fallback) {
                refusals.push(refused(
                    section.line,
                    format!(
                        "begins the section [{header}] again, after line {}",
                        earlier.line
                    ),
                    "move its lines to the first of the two",
                ));
                continue;
            }
            let own = read().filter(|other| is_fallback && is_same(other));
            let before = own.take_while(|other| other.line < section.line);
            let before = before.flat_map(|other| self.entries_of(other));
            let entries: Vec<&Entry> = before.chain(self.entries_of(section)).collect();
            for (position, entry) in entries.iter().enumerate() {
                let key = self.text(&entry.key);
                let mut earlier = entries.iter().take(position);
                let is_again = |other: &&&Entry| self.text(&other.key).eq_ignore_ascii_case(key);
                if entry.line > section.line
                    && let Some(earlier) = earlier.find(is_again)
                {
                    refusals.push(refused(
                        entry.line,
                        format!("sets {key} again, after line {}", earlier.line),
                        "delete one of the two lines",
                    ));
                }
            }
        }
        refusals
    }

    /// What the SDKs read differently, or not at all.
    fn differences(&self, file: FileKind) -> Vec<Remark> {
        let mut differences = Vec::new();
        let mut differs = |line, what: String, remedy: &str| {
            differences.push(Remark {
                line,
                is_refused: false,
                what,
                remedy: remedy.to_owned(),
            });
        };
        for section in &self.sections {
            let name = section.name.as_str();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
            match section.kind {
                SectionKind::Fallback => differs(
                    section.line,
                    "begins [DEFAULT], which the AWS SDKs ignore".to_owned(),
                    "copy its keys to the profiles",
                ),
                SectionKind::Profile if !name.chars().all(is_plain) => differs(
                    section.line,
                    format!(
                        "begins the profile {name}, which the AWS SDKs ignore because of its name"
                    ),
                    "use only letters, digits and _-/.%@:+ in it",
                ),
                SectionKind::Profile => {
                    let mut spellings = self.spellings(section.kind, name);
                    let first = spellings.next();
                    if spellings
                        .last()
                        .is_some_and(|last| last.line == section.line)
                        && let Some(first) = first
                    {
                        let spelling = super::names::section(name, file);
                        differs(
                            section.line,
                            format!(
                                "begins the profile {name} again in another spelling, after line {}: the AWS CLI reads only this one, and the AWS SDKs read the other or both",
                                first.line
                            ),
                            &format!("write both as one section {spelling}"),
                        );
                    }
                }
                _ => {}
            }
            for entry in self.entries_of(section) {
                let key = self.text(&entry.key);
                let rest = self.bytes.get(entry.key.end..).unwrap_or_default();
                let delimiter = rest.iter().find(|byte| matches!(byte, b'=' | b':'));
                let before = self.bytes.get(..entry.key.start).unwrap_or_default();
                if delimiter == Some(&b':') {
                    differs(
                        entry.line,
                        format!(
                            "has : for = after {key}, and the AWS SDKs refuse the file or ignore the line"
                        ),
                        "write =",
                    );
                }
                if before.last().is_some_and(|byte| {
                    is_space(char::from(*byte)) && !matches!(byte, b'\n' | b'\r')
                }) {
                    differs(
                        entry.line,
                        format!(
                            "is indented, and the AWS SDKs refuse the file or add {key} to the line before"
                        ),
                        "remove the white space before it",
                    );
                }
            }
        }
        differences
    }
}
