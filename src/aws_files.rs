//! `~/.aws/config` and `~/.aws/credentials`: the profiles in them.
//!
//! What the AWS CLI reads is read, and what it refuses counts only where it matters. [`KeysFile`] changes the keys of one
//! profile; nothing else is ever written.
//!
//! Where the files are and what is in them:
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html>,
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.

mod edit;
mod lines;
mod lookup;
mod names;
#[cfg(test)]
pub mod oracles;
mod remarks;

pub use edit::KeysFile;

use crate::environment::{Environment, variable};
use crate::error::{Failure, reason};
use crate::escape::quote;
use crate::file;
use crate::path::in_words;
use crate::session::access;
use lines::{Document, Section, What};
use names::{FileKind, SectionKind};
use remarks::Remark;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The largest file in `~/.aws`, in bytes. A profile takes a few hundred.
const LARGEST_FILE: u64 = 1024 * 1024;

/// How similar a name must be to be suggested for a missing one, from 0 to 1: the same as in clap.
const ALIKE: f64 = 0.7;

/// How many profiles a message lists.
const LISTED: usize = 20;

/// The keys of a profile that an access key is made of.
const KEY_PAIR: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];

/// What a profile inherits from the one that its `include_profile` names: what aws-vault inherits, but no keys. See «Config»
/// in its USAGE.md.
const INCLUDED: [&str; 12] = [
    "mfa_serial",
    "mfa_process",
    "region",
    "role_arn",
    "source_profile",
    "external_id",
    "role_session_name",
    "duration_seconds",
    "source_identity",
    "session_tags",
    "transitive_session_tags",
    "web_identity_token_file",
];

/// All profiles of the two files.
#[derive(Default)]
pub struct Profiles {
    /// In order of precedence: credentials, then config.
    files: Vec<ProfileFile>,
}

struct ProfileFile {
    path: PathBuf,
    /// The variable that names it, if it is not at its default path.
    named_by: Option<&'static str>,
    kind: FileKind,
    /// `None` if there is no such file.
    document: Option<Document>,
    /// Whether a profile has `include_profile`.
    includes: bool,
}

/// A file that does not exist, although something points to it.
pub struct MissingFile<'a> {
    /// Where it should be.
    pub path: PathBuf,
    /// What points there.
    pub pointer: Pointer<'a>,
}

/// What points to a file.
pub enum Pointer<'a> {
    /// A variable.
    Variable(&'static str),
    /// A symlink.
    Symlink(&'a Path),
}

impl MissingFile<'_> {
    /// The hint where a profile or its keys may be in that file.
    pub fn hint(&self) -> String {
        let path = in_words(&self.path);
        match self.pointer {
            Pointer::Variable(name) => format!("correct or unset {name}: there is no file {path}"),
            Pointer::Symlink(link) => {
                let link = in_words(link);
                format!("restore {path}, or remove the symlink {link}")
            }
        }
    }
}

/// A profile, which may not exist.
#[derive(Clone, Copy)]
pub struct Profile<'a> {
    name: &'a str,
    profiles: &'a Profiles,
}

/// A value in a profile.
pub struct Property<'a> {
    /// The value; never empty.
    pub value: &'a str,
    /// The profile that it is in.
    pub profile: &'a str,
    /// The file that it is in.
    pub file: &'a Path,
}

/// The access key in a profile, all of it from one file.
pub struct AccessKey<'a> {
    /// `AKIA…`
    pub id: Property<'a>,
    /// Its secret.
    pub secret: Property<'a>,
    /// A temporary key's token.
    pub token: Option<Property<'a>>,
}

impl Profiles {
    /// Reads the two files, at their default paths or those in `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`. A
    /// missing file has no profiles.
    ///
    /// # Errors
    /// A file cannot be read, is larger than 1 MiB, or is UTF-16.
    pub fn load(environment: &Environment) -> Result<Self, Failure> {
        let mut files = Vec::with_capacity(2);
        let credentials = variable::AWS_SHARED_CREDENTIALS_FILE;
        for (kind, variable, default) in [
            (FileKind::Credentials, credentials, "~/.aws/credentials"),
            (FileKind::Config, variable::AWS_CONFIG_FILE, "~/.aws/config"),
        ] {
            let named = environment.get(variable);
            let path = named.unwrap_or(default.as_ref());
            // Without a home directory there is no default file.
            if let Some(path) = environment.expand_home(Path::new(path))? {
                let named_by = named.map(|_| variable.name());
                files.push(ProfileFile::load(kind, path, named_by)?);
            }
        }
        Ok(Profiles { files })
    }

    /// Makes each of the following look-ups fast, for whoever looks at all profiles.
    pub fn index(&self) {
        self.documents().for_each(|(_, document)| document.index());
    }

    /// The profile called `name`, which may not exist.
    pub fn profile<'a>(&'a self, name: &'a str) -> Profile<'a> {
        Profile {
            name,
            profiles: self,
        }
    }

    /// The files that exist, and whether there is a secret key in each.
    pub fn files(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.documents().map(|(file, document)| {
            let has_secret = document.entries.iter().any(|entry| {
                let key = document.text(&entry.key);
                key.eq_ignore_ascii_case("aws_secret_access_key") && !entry.value.is_empty()
            });
            (file.path.as_path(), has_secret)
        })
    }

    /// The files that are missing, although a variable names them or a symlink leads to them.
    pub fn missing_files(&self) -> impl Iterator<Item = MissingFile<'_>> {
        let missing = self.files.iter().filter(|file| file.document.is_none());
        missing.filter_map(|file| {
            if let Some(variable) = file.named_by {
                let (path, pointer) = (file.path.clone(), Pointer::Variable(variable));
                return Some(MissingFile { path, pointer });
            }
            // The file or its directory.
            let mut links = file.path.ancestors().take(2);
            let (link, path) = links.find_map(|link| {
                let target = std::fs::read_link(link).ok()?;
                Some((link, link.with_file_name("").join(target)))
            })?;
            let pointer = Pointer::Symlink(link);
            (!link.exists()).then_some(MissingFile { path, pointer })
        })
    }

    /// The sections that count for nothing: their headers, the sections that they were probably meant to be, and the file.
    pub fn ignored_sections(&self) -> impl Iterator<Item = (&str, String, &Path)> {
        self.sections()
            .filter(|(_, section)| section.kind == SectionKind::Ignored)
            .map(|(file, section)| {
                let meant = names::meant(&section.name, file.kind);
                (section.name.as_str(), meant, file.path.as_path())
            })
    }

    /// The names of all profiles, in alphabetical order.
    pub fn names(&self) -> BTreeSet<&str> {
        self.sections()
            .filter(|(_, section)| section.kind == SectionKind::Profile)
            .map(|(_, section)| section.name.as_str())
            .collect()
    }

    /// A name that no profile has.
    pub fn free_name(&self) -> &'static str {
        let is_free = |name: &&str| !self.profile(name).exists();
        let mut names = ["work", "main", "master"].into_iter();
        names.find(is_free).unwrap_or("<name>")
    }

    fn documents(&self) -> impl Iterator<Item = (&ProfileFile, &Document)> {
        let files = self.files.iter();
        files.filter_map(|file| Some((file, file.document.as_ref()?)))
    }

    fn sections(&self) -> impl Iterator<Item = (&ProfileFile, &Section)> {
        self.documents()
            .flat_map(|(file, document)| document.sections.iter().map(move |own| (file, own)))
    }

    fn has(&self, kind: SectionKind, name: &str) -> bool {
        self.documents()
            .any(|(_, document)| document.has(kind, name))
    }

    /// The failure for a missing profile: the broken header that was probably meant for it, or where it was looked for, and
    /// similar names.
    pub fn missing(&self, name: &str) -> Failure {
        if let Some(failure) = self.broken_header(name, Document::mentions) {
            return failure;
        }
        let paths = self.files.iter().rev();
        let paths: Vec<String> = paths.map(|file| in_words(&file.path)).collect();
        let ignored = self.sections().find_map(|(file, section)| {
            let meant = names::meant(&section.name, file.kind);
            let is_meant = section.kind == SectionKind::Ignored
                && (section.name == name || meant == names::section(name, file.kind));
            is_meant.then_some((file, section, meant))
        });
        let names = self.names();
        let hint = if let Some((file, section, meant)) = ignored {
            let (header, path) = (&section.name, in_words(&file.path));
            format!("write {meant} instead of [{header}] in {path}, where the section is ignored")
        } else if let Some(nearest) = nearest(name, &names) {
            format!("did you mean {nearest}?")
        } else if let Some(missing) = self.missing_files().next() {
            missing.hint()
        } else if names.is_empty() {
            let path = paths.last().map_or("~/.aws/credentials", String::as_str);
            let name = quote(name);
            format!("put aws_access_key_id and aws_secret_access_key under [{name}] in {path}")
        } else {
            let more = match names.len().saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {more} more, see `aws-mfa status --all`"),
            };
            let names: Vec<&str> = names.into_iter().take(LISTED).collect();
            format!("available profiles: {}{more}", names.join(", "))
        };
        let (name, paths) = (quote(name), paths.join(" or "));
        Failure::setup(format!("there is no profile {name} in {paths}")).hint(hint)
    }

    /// The failure for a header that cannot be read, but is meant for this name.
    fn broken_header(
        &self,
        name: &str,
        is_meant: impl Fn(&Document, &Section, &str) -> bool,
    ) -> Option<Failure> {
        self.documents().find_map(|(file, document)| {
            let fault = document.faults.iter().find(|fault| {
                let section = fault.section.and_then(|index| document.sections.get(index));
                section.is_some_and(|section| {
                    section.kind == SectionKind::Broken
                        && section.line == fault.line
                        && is_meant(document, section, name)
                })
            })?;
            let mut remark = Remark::from(fault);
            if fault.what != What::NotUtf8 {
                remark.remedy = format!("write it as {}", names::section(name, file.kind));
            }
            Some(file.failure(name, remark))
        })
    }
}

/// The header of the profile `name` in the config file, in quotes if necessary; `None` if no quotes help.
pub fn config_section(name: &str) -> Option<String> {
    let section = names::section(name, FileKind::Config);
    let document = Document::parse(section.clone().into_bytes(), FileKind::Config);
    document.has(SectionKind::Profile, name).then_some(section)
}

impl ProfileFile {
    fn load(
        kind: FileKind,
        path: PathBuf,
        named_by: Option<&'static str>,
    ) -> Result<Self, Failure> {
        let document = match read(&path, kind) {
            Ok(document) => Some(document),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let is_include = |document: &Document| {
            let mut keys = document.entries.iter().map(|entry| &entry.key);
            keys.any(|key| {
                document
                    .bytes_at(key)
                    .eq_ignore_ascii_case(b"include_profile")
            })
        };
        Ok(ProfileFile {
            path,
            named_by,
            kind,
            includes: document.as_ref().is_some_and(is_include),
            document,
        })
    }

    /// The failure for a line of the profile `name`.
    fn failure(&self, name: &str, remark: Remark) -> Failure {
        let (name, path) = (quote(name), in_words(&self.path));
        let Remark { line, what, .. } = remark;
        Failure::setup(format!(
            "cannot read the profile {name}: line {line} of {path} {what}"
        ))
        .hint(remark.remedy)
    }
}

/// Parses a file. UTF-16, which PowerShell 5 writes, is an error.
fn read(path: &Path, kind: FileKind) -> std::io::Result<Document> {
    let bytes = file::read(path, LARGEST_FILE)?;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let what = "it is UTF-16, not UTF-8";
        return Err(std::io::Error::new(ErrorKind::InvalidData, what));
    }
    Ok(Document::parse(bytes, kind))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let other = "use another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE";
    let hint = match error.kind() {
        ErrorKind::InvalidData => "save it as UTF-8".to_owned(),
        ErrorKind::PermissionDenied => match access::remedy(path, 0o400) {
            Some(command) => format!("run `{command}`"),
            None => other.to_owned(),
        },
        _ => format!("correct the file, or {other}"),
    };
    Failure::setup(format!("cannot read {}: {}", in_words(path), reason(error))).hint(hint)
}

impl<'a> Profile<'a> {
    /// The profile's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The profile whose name is this one's with `suffix`, if there is one.
    pub fn with_suffix(&self, suffix: &str) -> Option<Profile<'a>> {
        let profiles = self.profiles;
        let mut sections = profiles.sections().map(|(_, section)| section);
        let section = sections.find(|section| {
            section.kind == SectionKind::Profile
                && section.name.strip_suffix(suffix) == Some(self.name)
        });
        section.map(|section| profiles.profile(&section.name))
    }

    /// The header of its section in this file.
    pub fn section_in(&self, file: &Path) -> String {
        let mut files = self.profiles.files.iter();
        let kind = files.find(|own| own.path == file).map(|own| own.kind);
        names::section(self.name, kind.unwrap_or(FileKind::Credentials))
    }

    /// The value of `key`, without a comment behind it, else that of the profile which `include_profile` names. An empty
    /// value counts as unset.
    ///
    /// # Errors
    /// A line of the profile cannot be read, the value has several lines, or there is no profile to include.
    pub fn get(&self, key: &str) -> Result<Option<Property<'a>>, Failure> {
        let own = self.own(key)?;
        let includes = self.profiles.documents().any(|(file, _)| file.includes);
        if own.is_some() || !includes || !INCLUDED.contains(&key) {
            return Ok(own);
        }
        let mut names = vec![self.name];
        while let Some(name) = names.last().copied()
            && let Some(next) = self.profiles.profile(name).own("include_profile")?
            && !names.contains(&next.value)
        {
            let profile = self.profiles.profile(next.value);
            if !profile.exists() {
                let mut failure = self.profiles.missing(next.value);
                failure.message += &format!(", which is the include_profile of the profile {name}");
                return Err(failure);
            }
            if let Some(property) = profile.own(key)? {
                return Ok(Some(property));
            }
            names.push(next.value);
        }
        Ok(None)
    }

    /// The value of `key` in the profile's own sections.
    fn own(&self, key: &str) -> Result<Option<Property<'a>>, Failure> {
        self.check()?;
        for (file, document) in self.profiles.documents() {
            if let Some(property) = self.property(file, document, key)? {
                return Ok(Some(property));
            }
        }
        Ok(None)
    }

    /// The same, as it is written, also in a profile that cannot be read.
    pub fn written(&self, key: &str) -> Option<&'a str> {
        let mut documents = self.profiles.documents();
        documents.find_map(|(_, document)| self.written_in(document, key))
    }

    /// The id of the access key, as it is written, and whether it is a temporary one: with a token beside it.
    pub fn written_key(&self) -> Option<(&'a str, bool)> {
        self.profiles.documents().find_map(|(_, document)| {
            let id = self.written_in(document, "aws_access_key_id")?;
            let has_token = self.written_in(document, "aws_session_token").is_some();
            Some((id, has_token || id.starts_with("ASIA")))
        })
    }

    fn written_in(&self, document: &'a Document, key: &str) -> Option<&'a str> {
        let entry = document.entry(SectionKind::Profile, self.name, key)?;
        let place = document.value(key, entry, |kind, name| self.profiles.has(kind, name));
        Some(document.text(&place)).filter(|value| !value.is_empty())
    }

    /// The endpoint of a service (`sts`) in the section that the profile's `services` names.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    ///
    /// # Errors
    /// Those of [`Profile::get`], also for that section, or there is no such section.
    pub fn service_endpoint(&self, service: &str) -> Result<Option<Property<'a>>, Failure> {
        let Some(services) = self.get("services")? else {
            return Ok(None);
        };
        let (kind, name) = (SectionKind::Services, services.value);
        let mut documents = self.profiles.documents();
        let Some((file, document)) = documents.find(|(_, document)| document.has(kind, name))
        else {
            let section = format!("[services {}]", names::quoted(name));
            let (profile, name) = (self.name, quote(name));
            let setting = format!("services in the profile {profile} is {name}");
            let message = format!("{setting}, but there is no section {section}");
            let file = in_words(services.file);
            let hint = format!("add {section} to {file}, or remove services from the profile");
            return Err(Failure::setup(message).hint(hint));
        };
        if let Some(fault) = document.fault(kind, name) {
            return Err(file.failure(self.name, Remark::from(fault)));
        }
        let Some(entry) = document.entry(kind, name, service) else {
            return Ok(None);
        };
        // What looks like an endpoint must not be passed over in favour of AWS's own.
        if document.block(entry).next().is_none() {
            let line = format!("line {} of {}", entry.line, in_words(&file.path));
            let what = format!("has no indented lines below it, so {service} has no endpoint_url");
            return Err(Failure::setup(format!("{line} {what}")).hint(format!(
                "write {service} = on that line, and an indented line endpoint_url = <URL> below it"
            )));
        }
        let value = document.nested(entry, "endpoint_url");
        let value = value.filter(|value| !value.is_empty());
        let file = &file.path;
        let profile = self.name;
        Ok(value.map(|value| Property {
            value,
            profile,
            file,
        }))
    }

    /// Whether the profile has a value for `key`.
    ///
    /// # Errors
    /// Those of [`Profile::get`].
    pub fn has(&self, key: &str) -> Result<bool, Failure> {
        self.get(key).map(|property| property.is_some())
    }

    /// The access key, from the first file that has its id.
    ///
    /// # Errors
    /// Those of [`Profile::get`], or one half is missing, or in the other file.
    pub fn access_key(&self) -> Result<Option<AccessKey<'a>>, Failure> {
        self.check()?;
        let [id_key, secret_key] = KEY_PAIR;
        let elsewhere = self.get(secret_key)?;
        for (file, document) in self.profiles.documents() {
            let Some(id) = self.property(file, document, id_key)? else {
                continue;
            };
            let token = self.property(file, document, "aws_session_token")?;
            return match (self.property(file, document, secret_key)?, elsewhere) {
                (Some(secret), _) => Ok(Some(AccessKey { id, secret, token })),
                (None, None) => Err(self.half_a_pair(secret_key, id_key)),
                (None, Some(secret)) => {
                    let (id, secret) = (in_words(id.file), in_words(secret.file));
                    let what =
                        format!("the id of its access key in {id} and the secret in {secret}");
                    let message = format!("the profile {} has {what}", self.name);
                    Err(Failure::setup(message).hint("move both to one of the files"))
                }
            };
        }
        match elsewhere {
            Some(_) => Err(self.half_a_pair(id_key, secret_key)),
            None => Ok(None),
        }
    }

    fn half_a_pair(&self, missing: &str, present: &str) -> Failure {
        let profile = format!("in the profile {}", self.name);
        let message = format!("{missing} {profile} is not set, but {present} {profile} is");
        Failure::setup(message).hint("set both, or unset both to use keys from another source")
    }

    /// Whether one of the files has the profile.
    pub fn exists(&self) -> bool {
        self.profiles.has(SectionKind::Profile, self.name)
    }

    /// Makes sure that nothing is lost which may belong to the profile, not even under a header that is none.
    ///
    /// # Errors
    /// A line of the profile cannot be read, or the header that was probably meant for it.
    pub fn is_intact(&self) -> Result<(), Failure> {
        self.check()?;
        let broken = || self.profiles.broken_header(self.name, Document::mentions);
        match self.exists() {
            true => Ok(()),
            false => broken().map_or(Ok(()), Err),
        }
    }

    /// Makes sure that every line of the profile can be read: a line that is skipped could be the one that matters.
    fn check(&self) -> Result<(), Failure> {
        for (file, document) in self.profiles.documents() {
            if let Some(fault) = document.fault(SectionKind::Profile, self.name) {
                return Err(file.failure(self.name, Remark::from(fault)));
            }
        }
        // The other file's header for the profile may be the broken one, and its keys must not be missed.
        let is_meant = |document: &Document, section: &Section, name: &str| {
            section.name == name && !document.has(SectionKind::Profile, name)
        };
        match self.profiles.broken_header(self.name, is_meant) {
            Some(failure) if self.exists() => Err(failure),
            _ => Ok(()),
        }
    }

    /// The value of `key` in this file.
    fn property(
        &self,
        file: &'a ProfileFile,
        document: &'a Document,
        key: &str,
    ) -> Result<Option<Property<'a>>, Failure> {
        let Some(entry) = document.entry(SectionKind::Profile, self.name, key) else {
            return Ok(None);
        };
        if let Some(remark) = document.continuation(entry) {
            return Err(file.failure(self.name, remark));
        }
        let place = document.value(key, entry, |kind, name| self.profiles.has(kind, name));
        let value = document.text(&place);
        let (profile, file) = (self.name, &file.path);
        Ok((!value.is_empty()).then_some(Property {
            value,
            profile,
            file,
        }))
    }
}
/// The most similar of `names`, at most three.
fn nearest(name: &str, names: &BTreeSet<&str>) -> Option<String> {
    let mut alike: Vec<(f64, &str)> = names
        .iter()
        .map(|other| (strsim::jaro(name, other), *other))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect();
    alike.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    let names: Vec<&str> = alike.into_iter().map(|(_, name)| name).take(3).collect();
    (!names.is_empty()).then(|| names.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_comes_first() {
        let names = BTreeSet::from(["default", "work", "work-eu", "private"]);
        assert_eq!(nearest("wrok", &names).unwrap(), "work or work-eu");
        assert_eq!(nearest("work-us", &names).unwrap(), "work-eu or work");
        assert_eq!(nearest("zzz", &names), None);
    }
}
