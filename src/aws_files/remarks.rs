//! What the AWS CLI refuses in the files, and what other programs read differently.

use super::lines::{Document, Entry, Fault, Section};
use super::lookup::ValueKind;
use super::names::{FileKind, SectionKind};
use super::{ProfileFile, Profiles};
use crate::error::Failure;

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
            remarks.extend(self.values(document));
            remarks.sort_by_key(|remark| (!remark.is_refused, remark.line));
            remarks.into_iter().map(|remark| remark.of(file))
        })
    }

    /// Values of several lines, and comments behind values.
    fn values<'a>(&'a self, document: &'a Document) -> impl Iterator<Item = Remark> + 'a {
        let remark = |entry: &Entry| {
            let key = document.text(&entry.key).to_ascii_lowercase();
            let place = document.value(&key, entry, |kind, name| self.has(kind, name));
            if ValueKind::of(&key) != ValueKind::Text && !entry.more.is_empty() {
                return document.continuation(entry);
            }
            (place.end < entry.value.end).then(|| Remark {
                line: entry.line,
                is_refused: false,
                what: format!(
                    "has a comment behind {key}, which the AWS CLI takes for a part of the value"
                ),
                remedy: "put the comment on a line of its own".to_owned(),
            })
        };
        document.entries.iter().filter_map(remark)
    }
}

impl Fault {
    /// What is wrong with the line.
    pub fn remark(&self) -> Remark {
        Remark {
            line: self.line,
            is_refused: true,
            what: self.what.to_string(),
            remedy: self.what.remedy().to_owned(),
        }
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
        let failure = Failure::setup(message).hint(self.remedy);
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
        let mut refusals: Vec<Remark> = self.faults.iter().map(Fault::remark).collect();
        let read = || {
            let sections = self.sections.iter();
            sections.filter(|section| section.kind != SectionKind::Broken)
        };
        for (index, section) in read().enumerate() {
            let header = self.text(&section.header);
            let is_same = |other: &&Section| self.text(&other.header) == header;
            let earlier: Vec<&Section> = read().take(index).filter(is_same).collect();
            if let (Some(earlier), true) = (earlier.first(), section.kind != SectionKind::Fallback)
            {
                let what = format!(
                    "begins the section [{header}] again, after line {}",
                    earlier.line
                );
                refusals.push(refused(
                    section.line,
                    what,
                    "move its lines to the first of the two",
                ));
            }
            let before = earlier.into_iter().flat_map(|other| self.entries_of(other));
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

    /// The line that continues the value of this entry.
    pub fn continuation(&self, entry: &Entry) -> Option<Remark> {
        let mut lines = self.lines_of(entry).iter();
        let next = lines.find(|line| !line.text.is_empty())?;
        let key = self.text(&entry.key);
        let remedy = match self.text(&next.text).contains(['=', ':', '[']) {
            true => "remove the white space before it".to_owned(),
            false => format!("write the whole value on line {}", entry.line),
        };
        Some(Remark {
            line: next.number,
            is_refused: false,
            what: format!("is indented, so it continues {key} of line {}", entry.line),
            remedy,
        })
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
                if before.ends_with(b" ") || before.ends_with(b"\t") {
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
