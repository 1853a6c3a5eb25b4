//! Another access key for a profile, in the file that has the one before: all that is ever written to `~/.aws`.
//!
//! Only the two values change. Comments, order, white space and line endings stay as they are.

use super::lines::{Document, Section};
use super::names::{FileKind, SectionKind};
use super::{KEY_PAIR, Profile, read, unreadable};
use crate::error::Failure;
use crate::session::error::Obstacle;
use crate::session::replacement::Replacement;
use crate::session::{access, leftover};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Stands for the new key as long as there is none.
const PROBE: [&str; 2] = [
    "AKIA0000000000000000",
    "0000000000000000000000000000000000000000",
];

/// The file that has both values of a profile's access key.
pub struct KeysFile {
    path: PathBuf,
    kind: FileKind,
    profile: String,
}

impl KeysFile {
    /// The file that has the access key of `profile`.
    ///
    /// # Errors
    /// No file has it, or those of [`Profile::access_key`].
    pub fn of(profile: Profile<'_>) -> Result<Self, Failure> {
        let Some(key) = profile.access_key()? else {
            return Err(Failure::setup(format!(
                "the profile {} has no access key in ~/.aws",
                profile.name
            )));
        };
        let path = key.id.file;
        // A rotation that was killed may have left a new key there.
        leftover::clean_up(path);
        let kind = profile.profiles.files.iter().find(|file| file.path == path);
        Ok(KeysFile {
            path: path.to_owned(),
            kind: kind.map_or(FileKind::Credentials, |file| file.kind),
            profile: profile.name.to_owned(),
        })
    }

    /// The file's path, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The profile's name.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Makes sure that the access key `old`, an id and its secret, can be replaced by another.
    ///
    /// # Errors
    /// Those of [`KeysFile::replace`].
    pub fn prepare(&self, old: [&str; 2]) -> Result<(), Failure> {
        let edited = self.edited(&self.read()?, old, PROBE)?;
        let mut probe = self.replacement()?;
        probe
            .reserve(edited.len())
            .map_err(|error| self.not_replaced(&error.into()))
    }

    /// Replaces the access key `old`, an id and its secret, by `new`. Readers see the file as it was or as it
    /// will be, whole.
    ///
    /// # Errors
    /// The file has not exactly one place for each value, has changed in the meantime, or cannot be replaced; it
    /// is as it was before.
    pub fn replace(&self, old: [&str; 2], new: [&str; 2]) -> Result<(), Failure> {
        let before = self.read()?;
        let edited = self.edited(&before, old, new)?;
        let replacement = self.replacement()?;
        if self.read()?.bytes != before.bytes {
            return Err(Failure::setup(format!(
                "{} was changed by another program",
                self.path.display()
            )));
        }
        replacement
            .finish(&edited, None)
            .map_err(|error| self.not_replaced(&error.into()))
    }

    fn read(&self) -> Result<Document, Failure> {
        read(&self.path, self.kind).map_err(|error| unreadable(&self.path, &error))
    }

    /// A replacement with the mode and the group of the file.
    fn replacement(&self) -> Result<Replacement, Failure> {
        let replacement = || -> Result<Replacement, Obstacle> {
            let replacement = Replacement::of(&self.path)?;
            let metadata = std::fs::metadata(replacement.target())?;
            if !access::is_own(&metadata) {
                return Err(Obstacle::RefusedByLoad(access::Distrust::ForeignFile));
            }
            replacement.resemble(&metadata)?;
            Ok(replacement)
        };
        replacement().map_err(|obstacle| self.not_replaced(&obstacle))
    }

    fn not_replaced(&self, obstacle: &Obstacle) -> Failure {
        let path = self.path.display();
        let why = match obstacle {
            Obstacle::RefusedByLoad(refusal) => refusal.to_string(),
            other => other.to_string(),
        };
        Failure::setup(format!("cannot replace {path}: {why}")).hint(format!(
            "make {path} and its directory writable, or keep the key behind credential_process and use --store-command"
        ))
    }

    /// The file with the access key `new` in the place of `old`.
    fn edited(
        &self,
        document: &Document,
        old: [&str; 2],
        new: [&str; 2],
    ) -> Result<Vec<u8>, Failure> {
        let refused = |fault: &str| {
            Failure::setup(format!(
                    "cannot edit the access key of the profile {} in {}: {fault}",
                    self.profile,
                    self.path.display()
                ),
            )
            .hint("leave one aws_access_key_id and one aws_secret_access_key in the profile, each on one line")
        };
        let places = self.places(document).map_err(|fault| refused(&fault))?;
        if places.each_ref().map(|place| document.text(place)) != old {
            return Err(refused("it does not contain the key that is in use"));
        }
        let mut edits: Vec<_> = places.iter().zip(new).collect();
        edits.sort_by_key(|(place, _)| place.start);
        let mut edited = Vec::with_capacity(document.bytes.len() + 256);
        let mut end = 0;
        for (place, value) in edits {
            edited.extend_from_slice(document.bytes.get(end..place.start).unwrap_or_default());
            edited.extend_from_slice(value.as_bytes());
            end = place.end;
        }
        edited.extend_from_slice(document.bytes.get(end..).unwrap_or_default());
        let after = Document::parse(edited.clone(), self.kind);
        match self.is_replaced(document, &places, &after, new) {
            true => Ok(edited),
            false => Err(refused("it would be read differently afterwards")),
        }
    }

    /// Where the two values stand in the file.
    fn places(&self, document: &Document) -> Result<[Range<usize>; 2], String> {
        let own = |section: &Section| {
            section.kind == SectionKind::Profile && section.name == self.profile
        };
        let mut sections = document.sections.iter().filter(|section| own(section));
        let section = sections.next().ok_or("the profile has no section in it")?;
        if let Some(second) = sections.next() {
            return Err(format!(
                "the profile has two sections, on lines {} and {}",
                section.line, second.line
            ));
        }
        if let Some(fault) = document.fault(SectionKind::Profile, &self.profile) {
            return Err(format!("line {} {}", fault.line, fault.what));
        }
        let place = |name: &str| {
            let entries = document.entries_of(section).iter();
            let mut entries =
                entries.filter(|entry| document.text(&entry.key).eq_ignore_ascii_case(name));
            let entry = entries.next().ok_or("the profile has no line for it")?;
            if entries.next().is_some() {
                return Err(format!("{name} is there twice"));
            }
            match document.lines_of(entry).first() {
                Some(next) => Err(format!(
                    "line {} is indented, so it continues {name} of line {}",
                    next.number, entry.line
                )),
                None => Ok(document.value(name, entry, |_, _| false)),
            }
        };
        let [id, secret] = KEY_PAIR.map(place);
        Ok([id?, secret?])
    }

    /// Whether the values at these places of `before`, and nothing else, are `new` in `after`.
    fn is_replaced(
        &self,
        before: &Document,
        places: &[Range<usize>; 2],
        after: &Document,
        new: [&str; 2],
    ) -> bool {
        let replaced = self.places(after);
        replaced.is_ok_and(|replaced| replaced.map(|place| after.text(&place)) == new)
            && before.sections.len() == after.sections.len()
            && before.entries.len() == after.entries.len()
            && before
                .entries
                .iter()
                .zip(&after.entries)
                .all(|(before_, after_)| {
                    places
                        .iter()
                        .any(|place| place.start == before_.value.start)
                        || (before.text(&before_.key), before.whole(before_))
                            == (after.text(&after_.key), after.whole(after_))
                })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws_files::Profiles;
    use crate::environment::Environment;
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
        match file.edited(&parsed(text, kind), OLD, NEW) {
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
        let Ok(edited) = file.edited(&parsed(text, Credentials), OLD, NEW) else {
            return false;
        };
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
        let back = file.edited(&parsed(edited, Credentials), NEW, OLD).unwrap();
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
                "aws_access_key_id is there twice",
            ),
            (
                format!("[work]\n{pair}[work]\naws_secret_access_key = x\n"),
                "the profile has two sections, on lines 1 and 4",
            ),
            (
                format!("[work]\n{pair}  more\n"),
                "line 4 is indented, so it continues aws_secret_access_key of line 3",
            ),
            (format!("[work]\n{pair}region\n"), "line 4 has no ="),
            (
                format!("[DEFAULT]\n{pair}[work]\nregion = x\n"),
                "the profile has no line for it",
            ),
            (
                format!("[DEFAULT]\nregion\n[work]\n{pair}"),
                "line 2 has no =",
            ),
            (
                "[work]\naws_access_key_id = A\naws_secret_access_key = B\n".to_owned(),
                "it does not contain the key that is in use",
            ),
            (
                format!("[profile work]\n{pair}"),
                "the profile has no section in it",
            ),
            (
                format!("[other]\n{pair}"),
                "the profile has no section in it",
            ),
        ] {
            let message = format!("cannot edit the access key of the profile work in /f: {fault}");
            assert_eq!(edited(Credentials, "work", &text), Err(message), "{text}");
        }
        // Of these two the second counts.
        let text = format!("[default]\n{pair}[profile default]\n{pair}");
        assert!(edited(Config, "default", &text).is_err());
    }

    #[test]
    fn key_in_two_files_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let credentials = write("credentials", "[work]\naws_access_key_id = A\n");
        let config = write("config", "[profile work]\naws_secret_access_key = s\n");
        let environment: Environment = [
            ("AWS_SHARED_CREDENTIALS_FILE".into(), credentials.into()),
            ("AWS_CONFIG_FILE".into(), config.into()),
        ]
        .into_iter()
        .collect();
        let profiles = Profiles::load(&environment).unwrap();
        let failure = KeysFile::of(profiles.profile("work")).err().unwrap();
        assert_eq!(failure.hint.unwrap(), "move both to one of the files");
        assert!(KeysFile::of(profiles.profile("none")).is_err());
    }
}
