//! Another access key for a profile, in the file that has the one before: all that is ever written to `~/.aws`.
//!
//! Only the two values change. Comments, order, white space and line endings stay as they are.

use super::{LARGEST_FILE, Profile, parse};
use crate::error::{Failure, Kind, reason};
use crate::file;
use crate::session::error::Obstacle;
use crate::session::replacement::Replacement;
use crate::session::{access, leftover};
use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::EnvConfigFileKind;
use secrecy::zeroize::Zeroizing;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The keys of a profile that an access key is made of.
const KEYS: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];

/// What the format takes for white space. A line feed ends a line, and a carriage return before it goes with it.
const WHITE_SPACE: [char; 2] = [' ', '\t'];

/// Stands for the new key as long as there is none.
const PROBE: [&str; 2] = [
    "AKIA0000000000000000",
    "0000000000000000000000000000000000000000",
];

/// The file that has both values of a profile's access key.
pub struct KeysFile {
    path: PathBuf,
    kind: EnvConfigFileKind,
    profile: String,
}

impl KeysFile {
    /// The file that has the access key of `profile`.
    ///
    /// # Errors
    /// No file has it, or the id is in one file and the secret in the other.
    pub fn of(profile: Profile<'_>) -> Result<Self, Failure> {
        let files = KEYS.map(|key| profile.get(key).map(|property| property.file));
        let [Some(path), Some(other)] = files else {
            return Err(Failure::new(
                Kind::Setup,
                format!("the profile {} has no access key in ~/.aws", profile.name),
            ));
        };
        if path != other {
            return Err(Failure::new(
                Kind::Setup,
                format!(
                    "the profile {} has the id of its access key in {} and the secret in {}",
                    profile.name,
                    path.display(),
                    other.display()
                ),
            )
            .hint("move both to one of the files"));
        }
        // A rotation that was killed may have left a new key there.
        leftover::clean_up(path);
        let kind = profile.profiles.files.iter().find(|file| file.path == path);
        Ok(KeysFile {
            path: path.to_owned(),
            kind: kind.map_or(EnvConfigFileKind::Credentials, |file| file.kind),
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
        let text = self.read()?;
        let edited = self.edited(&text, old, new)?;
        let replacement = self.replacement()?;
        if *self.read()? != *text {
            return Err(Failure::new(
                Kind::Setup,
                format!("{} was changed by another program", self.path.display()),
            ));
        }
        replacement
            .finish(edited.as_bytes(), None)
            .map_err(|error| self.not_replaced(&error.into()))
    }

    fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let unreadable = |fault: &str| {
            Failure::new(
                Kind::Setup,
                format!("cannot read {}: {fault}", self.path.display()),
            )
        };
        let mut bytes =
            file::read(&self.path, LARGEST_FILE).map_err(|error| unreadable(&reason(&error)))?;
        String::from_utf8(std::mem::take(&mut *bytes))
            .map(Zeroizing::new)
            .map_err(|_| unreadable("it is not UTF-8"))
    }

    /// A replacement with the mode and the group of the file.
    fn replacement(&self) -> Result<Replacement, Failure> {
        let replacement = || -> Result<Replacement, Obstacle> {
            let replacement = Replacement::of(&self.path)?;
            let metadata = std::fs::metadata(replacement.target())?;
            if !access::is_own(&metadata) {
                return Err(Obstacle::RefusedByLoad(access::Refusal::ForeignFile));
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
        Failure::new(Kind::Setup, format!("cannot replace {path}: {why}")).hint(format!(
            "make {path} and its directory writable, or keep the key behind credential_process and use --store-command"
        ))
    }

    /// The text with the access key `new` in the place of `old`.
    fn edited(
        &self,
        text: &str,
        old: [&str; 2],
        new: [&str; 2],
    ) -> Result<Zeroizing<String>, Failure> {
        let refused = |fault: &str| {
            Failure::new(
                Kind::Setup,
                format!(
                    "cannot edit the access key of the profile {} in {}: {fault}",
                    self.profile,
                    self.path.display()
                ),
            )
            .hint("leave one aws_access_key_id and one aws_secret_access_key in the profile, each on one line")
        };
        let [id, secret] = self.values(text).map_err(|fault| refused(&fault))?;
        let value = |range: &Range<usize>| text.get(range.clone());
        if [value(&id), value(&secret)] != old.map(Some) {
            return Err(refused("it does not contain the key that is in use"));
        }
        let mut edits = [(id, new[0]), (secret, new[1])];
        edits.sort_by_key(|(range, _)| range.start);
        let mut edited = Zeroizing::new(String::with_capacity(text.len() + 256));
        let mut end = 0;
        for (range, value) in edits {
            edited.push_str(text.get(end..range.start).unwrap_or_default());
            edited.push_str(value);
            end = range.end;
        }
        edited.push_str(text.get(end..).unwrap_or_default());

        let (before, after) = (self.parse(text)?, self.parse(&edited)?);
        match is_replaced(&before, &after, &self.profile, new) {
            true => Ok(edited),
            false => Err(refused("the AWS SDK would read it differently")),
        }
    }

    fn parse(&self, text: &str) -> Result<ProfileSet, Failure> {
        parse(self.kind, text.to_owned(), &self.path)
    }

    /// Where the two values stand in the text.
    fn values(&self, text: &str) -> Result<[Range<usize>; 2], String> {
        let mut found = [const { None }; 2];
        let (mut inside, mut start) = (false, 0);
        for line in text.split_inclusive('\n') {
            if let Some(section) = line.strip_prefix('[') {
                inside = self.is_own(section);
            } else if inside && let Some((key, value)) = property(line) {
                for (name, place) in KEYS.iter().zip(&mut found) {
                    if !key.eq_ignore_ascii_case(name) {
                        continue;
                    }
                    if place.is_some() {
                        return Err(format!("{name} is there twice"));
                    }
                    *place = Some(start + value.start..start + value.end);
                }
            }
            start += line.len();
        }
        match found {
            [Some(id), Some(secret)] => Ok([id, secret]),
            _ => Err("the profile has no line for it".to_owned()),
        }
    }

    /// Whether this is the rest of the line that begins a section of the profile: `[work]` in the credentials
    /// file, `[profile work]` in the config file; `[default]` in both.
    fn is_own(&self, section: &str) -> bool {
        let name = section.split([']', '#', ';']).next().unwrap_or_default();
        let name = name.trim_matches(WHITE_SPACE);
        let (prefix, name) = match name.split_once(WHITE_SPACE) {
            Some((prefix, name)) => (Some(prefix), name.trim()),
            None => (None, name),
        };
        let is_config = matches!(self.kind, EnvConfigFileKind::Config);
        name == self.profile
            && match prefix {
                None => !is_config || name == "default",
                Some(prefix) => is_config && prefix == "profile",
            }
    }
}

/// The key of a line `key = value # comment`, and where its value stands. A line that begins with white space
/// belongs to the value before it.
fn property(line: &str) -> Option<(&str, Range<usize>)> {
    if line.starts_with(['#', ';', ' ', '\t']) {
        return None;
    }
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut end = line.len();
    let mut after_space = false;
    for (position, character) in line.char_indices() {
        if after_space && matches!(character, '#' | ';') {
            end = position;
            break;
        }
        after_space = character.is_whitespace();
    }
    let line = line.get(..end)?;
    let (key, value) = line.split_once('=')?;
    let start = line.len() - value.trim_start_matches(WHITE_SPACE).len();
    let length = value.trim_matches(WHITE_SPACE).len();
    Some((key.trim_matches(WHITE_SPACE), start..start + length))
}

/// Whether the profile has the access key `new`, and all other profiles are the same.
fn is_replaced(before: &ProfileSet, after: &ProfileSet, profile: &str, new: [&str; 2]) -> bool {
    let same = |name: &str| name == profile || before.get_profile(name) == after.get_profile(name);
    let has = |(key, value): (&&str, &str)| {
        let property = after.get_profile(profile).and_then(|own| own.get(key));
        property == Some(value)
    };
    before.profiles().all(same) && after.profiles().all(same) && KEYS.iter().zip(new).all(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::profile::Profiles;
    use EnvConfigFileKind::{Config, Credentials};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const OLD: [&str; 2] = ["AKIAOLD", "old/secret+="];
    const NEW: [&str; 2] = ["AKIANEW", "new+secret/"];

    fn edited(kind: EnvConfigFileKind, profile: &str, text: &str) -> Result<String, String> {
        let file = KeysFile {
            path: "/f".into(),
            kind,
            profile: profile.into(),
        };
        match file.edited(text, OLD, NEW) {
            Ok(edited) => Ok(edited.to_string()),
            Err(failure) => Err(failure.message),
        }
    }

    #[track_caller]
    fn only_the_values_change(kind: EnvConfigFileKind, profile: &str, text: &str) {
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
            // One profile in two sections.
            "[work]\naws_access_key_id = ID\n[other]\na = b\n[work]\naws_secret_access_key = SECRET\n",
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

    const LINES: [&str; 16] = [
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
        "\n",
        "aws_secret_access_key = old/secret+=",
    ];

    proptest! {
        #[test]
        fn edited_file_is_edited_back(lines in vec(select(&LINES[..]), 0..9)) {
            let text = lines.concat();
            let file = KeysFile {
                path: "/f".into(),
                kind: Credentials,
                profile: "work".into(),
            };
            if let Ok(edited) = file.edited(&text, OLD, NEW) {
                prop_assert_eq!(edited.matches(NEW[0]).count(), 1);
                prop_assert_eq!(&*file.edited(&edited, NEW, OLD).unwrap(), &text);
            }
        }
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
                "aws_secret_access_key is there twice",
            ),
            (
                format!("[work]\n{pair}  more\n"),
                "the AWS SDK would read it differently",
            ),
            (
                "[work]\naws_access_key_id = A\naws_secret_access_key = B\n".to_owned(),
                "it does not contain the key that is in use",
            ),
            (
                format!("[profile work]\n{pair}"),
                "the profile has no line for it",
            ),
            (format!("[other]\n{pair}"), "the profile has no line for it"),
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
