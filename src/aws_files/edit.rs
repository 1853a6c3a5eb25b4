//! Other values for keys of a profile, in the files of `~/.aws`: all that is ever written there.
//!
//! Only these values change, or lines are added and removed. Comments, order, white space and line endings stay as they are.

use super::lines::{Document, Entry, Section, is_space};
use super::names::{self, FileKind, SectionKind};
use super::{KEY_PAIR, Profile, read, unreadable};
use crate::error::Failure;
use crate::path::in_words;
use crate::session::replacement::Replacement;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;

/// Keys of a profile with their new values; `None` removes the key's line.
pub type Changes<'c> = [(&'static str, Option<&'c str>)];

/// One of the files, to edit a profile in it.
pub struct KeysFile {
    /// The file's path, as it was named.
    pub path: PathBuf,
    kind: FileKind,
    profile: String,
}

impl KeysFile {
    /// The config file and the credentials file.
    pub fn both(profile: Profile<'_>) -> [Self; 2] {
        [FileKind::Config, FileKind::Credentials].map(|kind| {
            let file = profile.profiles.files.iter().find(|file| file.kind == kind);
            KeysFile {
                path: file.map(|file| file.path.clone()).unwrap_or_default(),
                kind,
                profile: profile.name.to_owned(),
            }
        })
    }

    /// The changes that give the profile this access key, an id and its secret.
    pub fn pair([id, secret]: [&str; 2]) -> [(&'static str, Option<&str>); 2] {
        let [id_key, secret_key] = KEY_PAIR;
        [(id_key, Some(id)), (secret_key, Some(secret))]
    }

    /// Changes the profile. Readers see the file as it was or as it will be, whole. A trial only makes sure that it can be
    /// changed.
    ///
    /// # Errors
    /// A key does not have exactly one place, the file has changed in the meantime, or it cannot be replaced; it is as it
    /// was before.
    pub fn change(&self, changes: &Changes, is_trial: bool) -> Result<(), Failure> {
        let before = self.read()?;
        let edited = self.edited(&before, changes)?;
        if edited == before.bytes && !is_trial {
            return Ok(());
        }
        if self.read()?.bytes != before.bytes {
            let path = in_words(&self.path);
            let message = format!("{path} was changed by another program");
            return Err(Failure::setup(message));
        }
        Replacement::of_own(&self.path, &edited, is_trial)
    }

    fn read(&self) -> Result<Document, Failure> {
        match read(&self.path, self.kind) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Document::default()),
            document => document.map_err(|error| unreadable(&self.path, &error)),
        }
    }

    /// The file with these changes.
    fn edited(&self, document: &Document, changes: &Changes) -> Result<Vec<u8>, Failure> {
        let refused = |fault: &str| {
            let (path, profile) = (in_words(&self.path), &self.profile);
            let message = format!("cannot edit the profile {profile} in {path}: {fault}");
            Failure::setup(message)
                .hint("correct that line, and keep each key of the profile once, on one line")
        };
        let mut edits = self
            .edits(document, changes)
            .map_err(|fault| refused(&fault))?;
        edits.sort_by_key(|(place, _)| place.start);
        let mut edited = Vec::with_capacity(document.bytes.len() + 256);
        let mut end = 0;
        for (place, text) in edits {
            edited.extend_from_slice(document.bytes.get(end..place.start).unwrap_or_default());
            edited.extend_from_slice(text.as_bytes());
            end = place.end;
        }
        edited.extend_from_slice(document.bytes.get(end..).unwrap_or_default());
        let after = Document::parse(edited.clone(), self.kind);
        let is_other = |key: &str| !changes.iter().any(|(own, _)| own.eq_ignore_ascii_case(key));
        let has_changed = changes.iter().all(|(key, value)| {
            let entry = after.entry(SectionKind::Profile, &self.profile, key);
            let place = entry.map(|entry| after.value(key, entry, |_, _| false));
            place.as_ref().map(|place| after.text(place)) == *value
        });
        match has_changed && self.rest(document, is_other) == self.rest(&after, is_other) {
            true => Ok(edited),
            false => Err(refused(
                "the change would alter how the rest of the file is read",
            )),
        }
    }

    /// The keys and values of all profiles, except those of this one that are not `other`.
    fn rest<'d>(
        &self,
        document: &'d Document,
        is_other: impl Fn(&str) -> bool,
    ) -> Vec<(&'d str, &'d str, String)> {
        let mut rest = Vec::new();
        for section in &document.sections {
            for entry in document.entries_of(section) {
                let key = document.text(&entry.key);
                if !section.is(SectionKind::Profile, &self.profile) || is_other(key) {
                    rest.push((section.name.as_str(), key, document.whole(entry)));
                }
            }
        }
        rest
    }

    /// What to replace by what.
    fn edits(
        &self,
        document: &Document,
        changes: &Changes,
    ) -> Result<Vec<(Range<usize>, String)>, String> {
        let sections = document.sections.iter();
        let own: Vec<&Section> = sections
            .filter(|section| section.is(SectionKind::Profile, &self.profile))
            .collect();
        if let [first, second, ..] = own.as_slice() {
            let (first, second) = (first.line, second.line);
            let fault = format!("the profile has two sections, on lines {first} and {second}");
            return Err(fault);
        }
        if let Some(fault) = document.fault(SectionKind::Profile, &self.profile) {
            return Err(format!("line {} {}", fault.line, fault.what));
        }
        let section = own.first();
        let entries = section.map_or(&[][..], |section| document.entries_of(section));
        let first = entries.first().map(|entry| document.line(entry.key.start));
        // What is indented deeper than the line above would continue that.
        let line = first.map_or("", |line| document.text(&line));
        let (indentation, _) = line.split_at(line.len() - line.trim_start_matches(is_space).len());
        let is_dos = document.bytes.windows(2).any(|pair| pair == b"\r\n");
        let end = if is_dos { "\r\n" } else { "\n" };
        let (mut edits, mut added) = (Vec::new(), String::new());
        for (key, value) in changes {
            let is_own = |entry: &&Entry| document.text(&entry.key).eq_ignore_ascii_case(key);
            let mut places = entries.iter().filter(is_own);
            let entry = places.next();
            if places.next().is_some() {
                return Err(format!("{key} appears twice"));
            }
            if let Some(next) = entry.and_then(|entry| document.lines_of(entry).first()) {
                let number = next.number;
                return Err(format!("line {number} is indented, so it continues {key}"));
            }
            match (entry, value) {
                (Some(entry), Some(value)) => {
                    let place = document.value(key, entry, |_, _| false);
                    edits.push((place, (*value).to_owned()));
                }
                (Some(entry), None) => {
                    edits.push((document.line(entry.key.start), String::new()));
                }
                _ if document
                    .entry(SectionKind::Profile, &self.profile, key)
                    .is_some() =>
                {
                    return Err(format!("{key} is in [DEFAULT]"));
                }
                (None, Some(value)) => added += &format!("{indentation}{key} = {value}{end}"),
                (None, None) => {}
            }
        }
        if added.is_empty() {
            return Ok(edits);
        }
        let mut place = document.bytes.len();
        match section {
            Some(section) => place = document.line(section.header.start).end,
            None => added = format!("{}{end}{added}", names::section(&self.profile, self.kind)),
        }
        let before = document.bytes.get(..place).unwrap_or_default();
        if !matches!(before.last(), None | Some(b'\n' | b'\r')) {
            added.insert_str(0, end);
        }
        edits.push((place..place, added));
        Ok(edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileKind::{Config, Credentials};
    use proptest::collection::vec;
    use proptest::sample::select;
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;

    const OLD: [&str; 2] = ["AKIAOLD", "old/secret+="];
    const NEW: [&str; 2] = ["AKIANEW", "new+secret/"];

    fn parsed(text: &str, kind: FileKind) -> Document {
        Document::parse(text.as_bytes().to_vec(), kind)
    }

    fn edited(kind: FileKind, profile: &str, text: &str) -> Result<String, String> {
        let file = KeysFile {
            path: "/f".into(),
            kind,
            profile: profile.into(),
        };
        match file.edited(&parsed(text, kind), &KeysFile::pair(NEW)) {
            Ok(edited) => Ok(String::from_utf8(edited.to_vec()).unwrap()),
            Err(failure) => Err(failure.message),
        }
    }

    #[track_caller]
    fn only_the_values_change(kind: FileKind, profile: &str, text: &str) {
        let text = text.replace("ID", OLD[0]).replace("SECRET", OLD[1]);
        let expected = text.replace(OLD[0], NEW[0]).replace(OLD[1], NEW[1]);
        assert_eq!(edited(kind, profile, &text).as_ref(), Ok(&expected));
    }

    #[test]
    fn only_the_two_values_change() {
        for text in [
            "[work]\naws_access_key_id = ID\naws_secret_access_key = SECRET\n",
            "[work]\naws_access_key_id=ID\naws_secret_access_key=SECRET",
            "[work]\r\naws_access_key_id = ID\r\naws_secret_access_key\t=\tSECRET\r\n",
            "# mine\n\n[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n\n[ work ] ; here\n\
             AWS_Secret_Access_Key =  SECRET   # secret\n; aws_access_key_id = no\naws_access_key_id = ID ;id\n\
             region = eu-west-1\n[last]\naws_access_key_id = AKIALAST",
            // What is indented belongs to the line before.
            "[work]\ns3 =\n  aws_access_key_id = nested\naws_access_key_id = ID\naws_secret_access_key = SECRET\n",
            // Neither the file's mark nor its line endings change.
            "\u{feff}[work]\raws_access_key_id:ID\raws_secret_access_key = SECRET\r",
            // What is wrong elsewhere does not matter.
            "[other\nregion\n[work]\naws_access_key_id = ID\n  # mine\naws_secret_access_key = SECRET\n\n",
        ] {
            only_the_values_change(Credentials, "work", text);
        }
        let default = "[default]\naws_access_key_id = ID\naws_secret_access_key = SECRET\n";
        only_the_values_change(Credentials, "default", default);
        only_the_values_change(Config, "default", default);
        only_the_values_change(
            Config,
            "work",
            "[work]\naws_access_key_id = AKIANOT\n[sso-session work]\naws_access_key_id = AKIANOT\n\
             [profile \t work]\naws_access_key_id = ID\naws_secret_access_key = SECRET\n",
        );
        only_the_values_change(
            Config,
            "default",
            "[profile default]\naws_access_key_id = ID\naws_secret_access_key = SECRET\n",
        );
    }

    const LINES: [&str; 22] = [
        "[work]\n",
        "[ work ] # mine\r\n",
        "[other]\n",
        "[profile work]\n",
        "[work]x\n",
        "aws_access_key_id = AKIAOLD\n",
        "AWS_ACCESS_KEY_ID=AKIAOLD ; since\r\n",
        "aws_access_key_id = AKIAOLD#\n",
        " aws_access_key_id = AKIAOLD\n",
        "aws_secret_access_key = old/secret+=\n",
        "aws_secret_access_key\t=\told/secret+=\t\n",
        "aws_secret_access_key = old/secret+= # =\n",
        "# aws_secret_access_key = old/secret+=\n",
        "s3 =\n",
        "  k = v\n",
        "  # mine\n",
        "\r",
        "\n",
        "[DEFAULT]\n",
        "[work\n",
        "region\n",
        "aws_secret_access_key = old/secret+=",
    ];

    #[test]
    fn edit_of_an_odd_file_changes_exactly_the_two_values() {
        let odd = || vec(select(&LINES[..]), 0..3);
        let files = (odd(), odd(), odd(), odd());
        let mut runner = TestRunner::deterministic();
        let mut edits = 0;
        for _ in 0..20_000 {
            let tree = files.new_tree(&mut runner).unwrap();
            let (first, second, third, last) = tree.current();
            let parts = [
                first.concat(),
                "[work]\n".to_owned(),
                second.concat(),
                format!("aws_access_key_id = {}\n", OLD[0]),
                third.concat(),
                format!("aws_secret_access_key = {} # =\n", OLD[1]),
                last.concat(),
            ];
            edits += usize::from(is_edited_exactly(&parts.concat()));
        }
        assert!(edits > 1000, "{edits} edits");
    }

    /// Whether the file can be edited; then only the two values may change.
    fn is_edited_exactly(text: &str) -> bool {
        let file = KeysFile {
            path: "/f".into(),
            kind: Credentials,
            profile: "work".into(),
        };
        let with = |pair| file.edited(&parsed(text, Credentials), &KeysFile::pair(pair));
        let (Ok(same), Ok(edited)) = (with(OLD), with(NEW)) else {
            return false;
        };
        // Another key is there, or none.
        if same != text.as_bytes() {
            return false;
        }
        let edited = std::str::from_utf8(&edited).unwrap();
        let restored = edited
            .replacen(NEW[0], OLD[0], 1)
            .replacen(NEW[1], OLD[1], 1);
        assert_eq!(restored, text);
        let (before, after) = (parsed(text, Credentials), parsed(edited, Credentials));
        assert_eq!(before.entries.len(), after.entries.len());
        let entries = before.entries.iter().zip(&after.entries);
        let changed = entries.filter(|(old, new)| before.whole(old) != after.whole(new));
        let changed: Vec<String> = changed
            .map(|(old, _)| before.text(&old.key).to_ascii_lowercase())
            .collect();
        assert_eq!(changed.len(), 2, "{text}");
        assert!(
            KEY_PAIR
                .iter()
                .all(|key| changed.iter().any(|own| own == key))
        );
        let back = file
            .edited(&parsed(edited, Credentials), &KeysFile::pair(OLD))
            .unwrap();
        assert_eq!(&*back, text.as_bytes());
        true
    }

    #[test]
    fn ambiguous_keys_are_an_error() {
        let [id, secret] = OLD;
        let pair = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        for (text, fault) in [
            (
                format!("[work]\n{pair}{pair}"),
                "aws_access_key_id appears twice",
            ),
            (
                format!("[work]\n{pair}[work]\naws_secret_access_key = x\n"),
                "the profile has two sections, on lines 1 and 4",
            ),
            (
                format!("[work]\n{pair}  more\n"),
                "line 4 is indented, so it continues aws_secret_access_key",
            ),
            (format!("[work]\n{pair}region\n"), "line 4 has no ="),
            (
                format!("[DEFAULT]\n{pair}[work]\nregion = x\n"),
                "aws_access_key_id is in [DEFAULT]",
            ),
            (
                format!("[DEFAULT]\nregion\n[work]\n{pair}"),
                "line 2 has no =",
            ),
        ] {
            let message = format!("cannot edit the profile work in /f: {fault}");
            assert_eq!(edited(Credentials, "work", &text), Err(message), "{text}");
        }
        // Of these two the second counts.
        let text = format!("[default]\n{pair}[profile default]\n{pair}");
        assert!(edited(Config, "default", &text).is_err());
    }

    const MOVE: [(&str, Option<&str>); 3] = [
        ("credential_process", Some("cat ~/k")),
        ("aws_access_key_id", None),
        ("aws_secret_access_key", None),
    ];

    #[test]
    fn line_is_added_and_the_pair_removed_and_every_other_byte_stays() {
        for (profile, before, after) in [
            ("work", "", "[profile work]\nPROCESS\n"),
            (
                "my work",
                "# mine",
                "# mine\n[profile 'my work']\nPROCESS\n",
            ),
            (
                "work",
                "# a\n[profile work] # b\n# c\n ID\n ; d\n SECRET # e\n region = x\n\n[profile other]\nID\n",
                "# a\n[profile work] # b\n PROCESS\n# c\n ; d\n region = x\n\n[profile other]\nID\n",
            ),
            (
                "work",
                "[profile work]\r\nregion = x\r\nSECRET\r\nID",
                "[profile work]\r\nPROCESS\r\nregion = x\r\n",
            ),
            ("default", "[default]", "[default]\nPROCESS\n"),
            (
                "work",
                "[profile work]\ncredential_process = pass show x # y\n",
                "[profile work]\nPROCESS # y\n",
            ),
        ] {
            let text = |text: &str| {
                text.replace("ID", "aws_access_key_id = AKIAOLD")
                    .replace("SECRET", "aws_secret_access_key = old/secret+=")
                    .replace("PROCESS", "credential_process = cat ~/k")
            };
            let file = KeysFile {
                path: "/f".into(),
                kind: Config,
                profile: profile.into(),
            };
            let edited = file.edited(&parsed(&text(before), Config), &MOVE).unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), text(after));
        }
    }

    #[test]
    fn profile_whose_header_cannot_be_written_is_an_error() {
        let file = KeysFile {
            path: "/f".into(),
            kind: Config,
            profile: "a]b\n".into(),
        };
        assert!(file.edited(&parsed("", Config), &MOVE).is_err());
    }
}
