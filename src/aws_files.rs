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
mod profile;
mod remarks;

pub use edit::KeysFile;
pub use profile::{Profile, Property};

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
