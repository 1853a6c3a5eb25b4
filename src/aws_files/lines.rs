//! One of the files as lines, sections and keys, each with the bytes that it takes.
//!
//! The rules are those of the AWS CLI, which reads the files with Python's configparser. What it refuses is a fault of the
//! line's section, and the rest of the file is read.
//! <https://docs.python.org/3/library/configparser.html#supported-ini-file-structure>

use super::names::{self, FileKind, SectionKind};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// Notepad's byte order mark for UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file, parsed. It has secrets.
#[derive(Default)]
pub struct Document {
    pub(super) bytes: Vec<u8>,
    pub(super) sections: Vec<Section>,
    pub(super) entries: Vec<Entry>,
    /// The lines that continue a value.
    pub(super) continued: Vec<Line>,
    /// In the order of their lines.
    pub(super) faults: Vec<Fault>,
    /// The places of the sections by their names, once somebody has asked for it, see [`Document::index`].
    pub(super) places: OnceCell<HashMap<String, Vec<usize>>>,
}

/// A header with what follows it.
pub struct Section {
    /// What the header names.
    pub kind: SectionKind,
    /// The profile's name, or that of another section, also if the header is broken; else the header.
    pub name: String,
    /// The text in the brackets, trimmed.
    pub header: Range<usize>,
    /// The header's line, from 1.
    pub line: usize,
    /// Its keys, by their indexes.
    pub entries: Range<usize>,
}

/// A key with its value.
pub struct Entry {
    /// The key, in any case.
    pub key: Range<usize>,
    /// The value's first line, trimmed.
    pub value: Range<usize>,
    /// The key's line, from 1.
    pub line: usize,
    /// The lines that continue the value, by their indexes.
    pub more: Range<usize>,
}

/// A line that continues a value.
pub struct Line {
    /// Its number, from 1; for a blank line, that of the next one that is not.
    pub number: usize,
    /// Its text, trimmed; empty for a blank line.
    pub text: Range<usize>,
}

/// A line that cannot be read. The AWS CLI refuses the whole file because of it.
pub struct Fault {
    /// Its section, by its index; `None` before the first header.
    pub section: Option<usize>,
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: What,
}

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A header without `]`.
    OpenHeader,
    /// `[]`
    EmptyHeader,
    /// A key before the first header.
    NoHeader,
    /// A line without `=`.
    NoDelimiter,
    /// A line that begins with `=` or `:`.
    NoKey,
    /// Bytes that are not UTF-8, outside a comment.
    NotUtf8,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words().0)
    }
}

impl What {
    /// The rest of a sentence that begins with the line, and what to do about it.
    pub fn in_words(self) -> (&'static str, &'static str) {
        let header = "write the section as [profile <name>] in the config file, as [<name>] in the credentials file";
        let key = "write it as <key> = <value>, or put # before it to make it a comment";
        match self {
            What::OpenHeader => ("has no closing ]", header),
            What::EmptyHeader => ("has no name in its brackets", header),
            What::NoHeader => (
                "is before the first section",
                "move it below the line of its section",
            ),
            What::NoDelimiter => ("has no =", key),
            What::NoKey => ("has nothing before the =", key),
            What::NotUtf8 => ("is not UTF-8", "save the file as UTF-8"),
        }
    }
}

impl Document {
    /// Parses a file. Every input has a meaning.
    pub fn parse(bytes: Vec<u8>, file: FileKind) -> Self {
        let mut document = Document {
            sections: Vec::with_capacity(bytes.len() / 128),
            entries: Vec::with_capacity(bytes.len() / 32),
            ..Document::default()
        };
        // Checked at once, which is faster than line by line.
        let whole = std::str::from_utf8(&bytes).ok();
        // Of the line that began the last key, if a value can continue.
        let mut indentation = None;
        let mut blank = 0;
        let mut start = bytes.strip_prefix(MARK).map_or(0, |_| MARK.len());
        let mut number = 0;
        while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
            let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let length = length.unwrap_or(rest.len());
            let (line, end) = rest.split_at(length);
            let line_start = start;
            start += length + if end.starts_with(b"\r\n") { 2 } else { 1 };
            number += 1;
            let text = whole.and_then(|whole| whole.get(line_start..line_start + length));
            let (text, is_utf8) = match text.map_or_else(|| std::str::from_utf8(line), Ok) {
                Ok(text) => (text, true),
                Err(error) => {
                    let valid = line.get(..error.valid_up_to()).unwrap_or_default();
                    (std::str::from_utf8(valid).unwrap_or_default(), false)
                }
            };
            let trimmed = text.trim_start_matches(is_space);
            let place = line_start + text.len() - trimmed.len();
            let trimmed = trimmed.trim_end_matches(is_space);
            if trimmed.is_empty() && is_utf8 {
                blank += 1;
                continue;
            }
            if trimmed.starts_with(['#', ';']) {
                continue;
            }
            let own = text
                .get(..place - line_start)
                .map_or(0, |space| space.chars().count());
            let blank = std::mem::take(&mut blank);
            if indentation.is_some_and(|indentation| own > indentation) {
                if !is_utf8 {
                    document.refuse(number, What::NotUtf8);
                    continue;
                }
                let line = |text| Line { number, text };
                document
                    .continued
                    .extend((0..blank).map(|_| line(place..place)));
                document.continued.push(line(place..place + trimmed.len()));
                let end = document.continued.len();
                if let Some(entry) = document.entries.last_mut() {
                    entry.more.end = end;
                }
            } else if trimmed.starts_with('[') {
                indentation = None;
                document.open(trimmed, place, is_utf8, number, file);
            } else if document.sections.is_empty() {
                document.refuse(number, What::NoHeader);
            } else if !is_utf8 {
                document.refuse(number, What::NotUtf8);
            } else {
                match key_and_value(trimmed, place) {
                    Ok((key, value)) => {
                        let more = document.continued.len()..document.continued.len();
                        document.entries.push(Entry {
                            key,
                            value,
                            line: number,
                            more,
                        });
                        let end = document.entries.len();
                        if let Some(section) = document.sections.last_mut() {
                            section.entries.end = end;
                        }
                        indentation = Some(own);
                    }
                    Err(what) => document.refuse(number, what),
                }
            }
        }
        document.bytes = bytes;
        document.check_blocks();
        document
    }

    /// Begins a section at the header `line`, which begins with `[` at `place`.
    fn open(&mut self, line: &str, place: usize, is_utf8: bool, number: usize, file: FileKind) {
        let ends = || line.match_indices(']').map(|(end, _)| end);
        let is_last = |end: &usize| {
            let after = line
                .get(end + 1..)
                .unwrap_or_default()
                .trim_start_matches(is_space);
            after.is_empty() || after.starts_with(['#', ';'])
        };
        let end = ends().find(is_last).or_else(|| ends().next_back());
        let inside = line.get(1..end.unwrap_or(line.len())).unwrap_or_default();
        let name = inside.trim_start_matches(is_space);
        let start = place + 1 + inside.len() - name.len();
        let name = name.trim_end_matches(is_space);
        let entries = self.entries.len()..self.entries.len();
        let what = match end {
            _ if !is_utf8 => Some(What::NotUtf8),
            None => Some(What::OpenHeader),
            Some(_) if name.is_empty() => Some(What::EmptyHeader),
            Some(_) => None,
        };
        let (kind, meant) = names::parse(name, file);
        self.sections.push(Section {
            kind: what.map_or(kind, |_| SectionKind::Broken),
            name: meant,
            header: start..start + name.len(),
            line: number,
            entries,
        });
        if let Some(what) = what {
            self.refuse(number, what);
        }
    }

    fn refuse(&mut self, line: usize, what: What) {
        let section = self.sections.len().checked_sub(1);
        self.faults.push(Fault {
            section,
            line,
            what,
        });
    }

    /// Finds the faults in nested blocks: values whose first line is empty.
    fn check_blocks(&mut self) {
        let mut faults = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let entries = self.entries_of(section).iter();
            let blocks = entries.filter(|entry| entry.value.is_empty());
            for line in blocks.flat_map(|entry| self.lines_of(entry)) {
                let text = self.text(&line.text);
                if !text.is_empty() && !text.contains('=') {
                    faults.push(Fault {
                        section: Some(index),
                        line: line.number,
                        what: What::NoDelimiter,
                    });
                }
            }
        }
        self.faults.append(&mut faults);
        self.faults.sort_by_key(|fault| fault.line);
    }

    /// The text at this place.
    pub fn text(&self, place: &Range<usize>) -> &str {
        std::str::from_utf8(self.bytes_at(place)).unwrap_or_default()
    }

    /// The same in bytes, to compare it.
    pub(super) fn bytes_at(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    /// The line around this place, with its end.
    pub fn line(&self, place: usize) -> Range<usize> {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let (before, after) = self.bytes.split_at(place.min(self.bytes.len()));
        let start = before.iter().rposition(is_end).map_or(0, |end| end + 1);
        let length = after.iter().position(is_end).unwrap_or(after.len());
        let rest = after.get(length..).unwrap_or_default();
        let end = match rest.starts_with(b"\r\n") {
            true => 2,
            false => rest.len().min(1),
        };
        start..place + length + end
    }

    /// The keys of a section.
    pub fn entries_of(&self, section: &Section) -> &[Entry] {
        self.entries
            .get(section.entries.clone())
            .unwrap_or_default()
    }

    /// The lines that continue the value of this key.
    pub fn lines_of(&self, entry: &Entry) -> &[Line] {
        self.continued.get(entry.more.clone()).unwrap_or_default()
    }
}

/// Python's `str.isspace`.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Where key and value stand in a trimmed line that begins at `place`.
fn key_and_value(line: &str, place: usize) -> Result<(Range<usize>, Range<usize>), What> {
    let delimiter = line.bytes().position(|byte| matches!(byte, b'=' | b':'));
    let delimiter = delimiter.ok_or(What::NoDelimiter)?;
    let (key, value) = line.split_at(delimiter);
    let key = key.trim_end_matches(is_space);
    if key.is_empty() {
        return Err(What::NoKey);
    }
    let value = value
        .get(1..)
        .unwrap_or_default()
        .trim_start_matches(is_space);
    let end = place + line.len();
    Ok((place..place + key.len(), end - value.len()..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each section, its keys with their values in all lines, and the faults.
    fn shown(bytes: &[u8]) -> String {
        let document = Document::parse(bytes.to_vec(), FileKind::Config);
        let mut shown = String::new();
        for section in &document.sections {
            shown += &format!("[{}]", section.name);
            for entry in document.entries_of(section) {
                let value = document.whole(entry).replace('\n', "|");
                shown += &format!(" {}={value};", document.text(&entry.key));
            }
        }
        for fault in &document.faults {
            shown += &format!(" line {} {}", fault.line, fault.what);
        }
        shown
    }

    #[test]
    fn each_rule_for_lines_is_kept() {
        for (text, read) in [
            // A mark, and line ends.
            (
                "\u{feff}[default]\r\na=1\rb=2\nc=3",
                "[default] a=1; b=2; c=3;",
            ),
            (
                "[default]\na=1\u{b}b=2\u{85}c=3",
                "[default] a=1\u{b}b=2\u{85}c=3;",
            ),
            // White space.
            ("[default]\n\u{a0}a\u{a0}=\u{2003}1\u{1f}", "[default] a=1;"),
            // Blank lines and comments within a value.
            (
                "[default]\na=1\n\n  more\n\nb=2\n",
                "[default] a=1||more; b=2;",
            ),
            (
                "[default]\na=1\n  # mine\n ;mine\n  more",
                "[default] a=1|more;",
            ),
            // Continuations, whatever they look like.
            ("[default]\na=1\n b=2\n [x]", "[default] a=1|b=2|[x];"),
            (
                "[default]\n  a=1\n  b=2\n c=3\n\td=4",
                "[default] a=1; b=2; c=3; d=4;",
            ),
            ("  [default]\n      a=1", "[default] a=1;"),
            // Headers.
            ("[default] # a]\na=1", "[default] a=1;"),
            ("[ default ]my team\na=1", "[default] a=1;"),
            ("[a]b]\na=1", "[a]b] a=1;"),
            ("[default\na=1", "[default] a=1; line 1 has no closing ]"),
            ("[ ]\na=1", "[] a=1; line 1 has no name in its brackets"),
            // Keys and values.
            ("[default]\nA:b=c", "[default] A=b=c;"),
            ("[default]\na=\"1\" %(b)s \\", "[default] a=\"1\" %(b)s \\;"),
            ("[default]\na=1 # b", "[default] a=1 # b;"),
            // Faults.
            (
                "a=1\n[default]",
                "[default] line 1 is before the first section",
            ),
            (
                "[default]\na\n=1",
                "[default] line 2 has no = line 3 has nothing before the =",
            ),
            // Nested blocks.
            (
                "[default]\ns3=\n a=1\n b",
                "[default] s3=|a=1|b; line 4 has no =",
            ),
            ("[default]\ns3=1\n b", "[default] s3=1|b;"),
        ] {
            assert_eq!(shown(text.as_bytes()), read, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_a_fault_except_in_comments() {
        for (bytes, read) in [
            (&b"[default]\n # caf\xe9\na=1"[..], "[default] a=1;"),
            (
                b"[default]\na=caf\xe9\nb=2",
                "[default] b=2; line 2 is not UTF-8",
            ),
            (
                b"[default]\na=1\n caf\xe9",
                "[default] a=1; line 3 is not UTF-8",
            ),
            (b"[caf\xe9]\na=1", "[caf] a=1; line 1 is not UTF-8"),
        ] {
            assert_eq!(shown(bytes), read);
        }
    }
}
