//! The profiles in `~/.aws/config` and `~/.aws/credentials`, read with the SDK's own parser.
//! [`keys_file`] writes another access key there; nothing else is ever written.
//!
//! Where the files are and what is in them:
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html>,
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.

pub mod keys_file;

use crate::environment::{Environment, native, variable};
use crate::error::{Failure, Kind};
use crate::escape::quote;
use crate::file;
use aws_config::profile::{ProfileFileLoadError, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The largest file in `~/.aws`, in bytes. A profile takes a few hundred.
const LARGEST_FILE: u64 = 1024 * 1024;

/// How similar a name must be to be suggested for a missing one, from 0 to 1: the same as in clap.
const ALIKE: f64 = 0.7;

/// All profiles of the two files.
pub struct Profiles {
    /// In order of precedence: credentials, then config.
    files: Vec<ProfileFile>,
}

struct ProfileFile {
    path: PathBuf,
    kind: EnvConfigFileKind,
    /// `None` if there is no such file.
    sections: Option<ProfileSet>,
    /// Sections in the config file that are ignored because they lack the word `profile`.
    ignored: Vec<String>,
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
    /// The file that it is in.
    pub file: &'a Path,
}

impl Profiles {
    /// Reads the two files, at their default paths or those in `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`. A
    /// missing file has no profiles.
    ///
    /// # Errors
    /// A file cannot be read, is not UTF-8 or cannot be parsed. The message has the file and the line.
    pub fn load(environment: &Environment) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for (kind, path) in [
            (
                EnvConfigFileKind::Credentials,
                credentials_file(environment)?,
            ),
            (EnvConfigFileKind::Config, config_file(environment)?),
        ] {
            // Without a home directory there is no default file.
            if let Some(path) = path {
                files.push(ProfileFile::load(kind, path)?);
            }
        }
        Ok(Profiles { files })
    }

    /// A text that changes whenever one of the two files changes. Reads neither of them.
    ///
    /// # Errors
    /// HOME is a relative path.
    pub fn stamp(environment: &Environment) -> Result<String, Failure> {
        let mut stamp = String::new();
        for path in [credentials_file(environment)?, config_file(environment)?] {
            let metadata = path.and_then(|path| path.metadata().ok());
            let modified = metadata.as_ref().and_then(|metadata| {
                let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                Some((since.as_nanos(), metadata.len()))
            });
            match modified {
                Some((nanoseconds, length)) => {
                    let _ = write!(stamp, "{nanoseconds}+{length} ");
                }
                None => stamp.push_str("- "),
            }
        }
        Ok(stamp)
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
        self.files.iter().filter_map(|file| {
            let sections = file.sections.as_ref()?;
            let has_secret = sections.profiles().any(|name| {
                let profile = sections.get_profile(name);
                profile.is_some_and(|profile| profile.get("aws_secret_access_key").is_some())
            });
            Some((file.path.as_path(), has_secret))
        })
    }

    /// The sections of the config file that count for nothing, because they lack the word `profile`.
    pub fn ignored_sections(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.files.iter().flat_map(|file| {
            let names = file.ignored.iter().map(String::as_str);
            names.map(|name| (name, file.path.as_path()))
        })
    }

    /// The names of all profiles, in alphabetical order.
    pub fn names(&self) -> BTreeSet<&str> {
        self.sections().flat_map(ProfileSet::profiles).collect()
    }

    fn sections(&self) -> impl Iterator<Item = &ProfileSet> {
        self.files.iter().filter_map(|file| file.sections.as_ref())
    }

    /// The failure for a missing profile: where it was looked for, and similar names.
    pub fn missing(&self, name: &str) -> Failure {
        let paths: Vec<String> = self
            .files
            .iter()
            .rev()
            .map(|file| file.path.display().to_string())
            .collect();
        let ignored_in = self
            .files
            .iter()
            .find(|file| file.ignored.iter().any(|ignored| ignored == name));
        let names = self.names();
        let nearest = nearest(name, &names);
        let name = quote(name);
        let hint = if let Some(file) = ignored_in {
            format!(
                "write [profile {name}] instead of [{name}] in {}: without the word profile, the section is ignored",
                file.path.display()
            )
        } else if let Some(nearest) = nearest {
            format!("did you mean {nearest}?")
        } else if names.is_empty() {
            format!(
                "put aws_access_key_id and aws_secret_access_key under [{name}] in {}",
                paths.last().map_or("~/.aws/credentials", String::as_str)
            )
        } else {
            let names: Vec<&str> = names.into_iter().collect();
            format!("available profiles: {}", names.join(", "))
        };
        Failure::new(
            Kind::Setup,
            format!(
                "there is no profile {} in {}",
                quote(name),
                paths.join(" or ")
            ),
        )
        .hint(hint)
    }
}

fn credentials_file(environment: &Environment) -> Result<Option<PathBuf>, Failure> {
    let path = environment.get(variable::AWS_SHARED_CREDENTIALS_FILE);
    expand_home(
        Path::new(path.unwrap_or("~/.aws/credentials".as_ref())),
        environment,
    )
}

fn config_file(environment: &Environment) -> Result<Option<PathBuf>, Failure> {
    let path = environment.get(variable::AWS_CONFIG_FILE);
    expand_home(
        Path::new(path.unwrap_or("~/.aws/config".as_ref())),
        environment,
    )
}

impl ProfileFile {
    /// Passes the text, not the path, to the SDK's loader: given the path, it would treat an unreadable file, or one that is
    /// not UTF-8, as empty, and would have no size limit.
    fn load(kind: EnvConfigFileKind, path: PathBuf) -> Result<Self, Failure> {
        let text = match file::read(&path, LARGEST_FILE) {
            Ok(mut bytes) => String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
                let line = error
                    .as_bytes()
                    .iter()
                    .take(error.utf8_error().valid_up_to())
                    .filter(|byte| **byte == b'\n')
                    .count();
                unreadable(&path, &format!("line {} is not UTF-8", line + 1))
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(ProfileFile {
                    path,
                    kind,
                    sections: None,
                    ignored: Vec::new(),
                });
            }
            Err(error) => return Err(unreadable(&path, &crate::error::reason(&error))),
        };
        let ignored = match kind {
            EnvConfigFileKind::Config => sections_without_prefix(&text),
            _ => Vec::new(),
        };
        let sections = Some(parse(kind, text, &path)?);
        Ok(ProfileFile {
            path,
            kind,
            sections,
            ignored,
        })
    }
}

/// The sections of a file's text, as the SDK reads them; `path` is for the message.
fn parse(kind: EnvConfigFileKind, text: String, path: &Path) -> Result<ProfileSet, Failure> {
    let files = EnvConfigFiles::builder().with_contents(kind, text).build();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| unreadable(path, &crate::error::reason(&error)))?;
    runtime
        .block_on(aws_config::profile::load(
            &Fs::real(),
            &Env::from_slice(&[]),
            &files,
            None,
        ))
        .map_err(|error| broken(&error, path))
}

fn unreadable(path: &Path, fault: &str) -> Failure {
    Failure::new(
        Kind::Setup,
        format!("cannot read {}: {fault}", path.display()),
    )
    .hint("correct the file, or use another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE")
}

impl<'a> Profile<'a> {
    /// The profile's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value of `key`. An empty value counts as unset.
    pub fn get(&self, key: &str) -> Option<Property<'a>> {
        self.profiles.files.iter().find_map(|file| {
            let profile = file.sections.as_ref()?.get_profile(self.name)?;
            let value = profile.get(key).filter(|value| !value.is_empty())?;
            Some(Property {
                value,
                file: &file.path,
            })
        })
    }

    /// Whether one of the files has the profile.
    pub fn exists(&self) -> bool {
        self.profiles
            .sections()
            .any(|sections| sections.get_profile(self.name).is_some())
    }

    /// The profile, then its `source_profile`, then that profile's, and so on. A profile that is its own source has its own
    /// keys, as AWS specifies for roles.
    ///
    /// # Errors
    /// They form a cycle, or one of them does not exist.
    pub fn with_sources(self) -> Result<Vec<Profile<'a>>, Failure> {
        let mut chain = vec![self];
        let mut last = self;
        while let Some(source) = last.get("source_profile") {
            if source.value == last.name {
                break;
            }
            let next = self.profiles.profile(source.value);
            let cycle = chain.iter().any(|profile| profile.name == next.name);
            chain.push(next);
            if cycle {
                let names: Vec<&str> = chain.iter().map(|profile| profile.name).collect();
                return Err(Failure::new(
                    Kind::Setup,
                    format!("cycle in source_profile: {}", names.join(" → ")),
                )
                .hint(format!(
                    "set source_profile to the profile that has the keys, in {}",
                    source.file.display()
                )));
            }
            if !next.exists() {
                let mut failure = self.profiles.missing(next.name);
                failure.message = format!(
                    "{}, which is the source_profile of the profile {}",
                    failure.message, last.name
                );
                return Err(failure);
            }
            last = next;
        }
        Ok(chain)
    }
}

/// Expands a leading `~/`, as the AWS SDKs do; `None` without a home directory.
fn expand_home(path: &Path, environment: &Environment) -> Result<Option<PathBuf>, Failure> {
    Ok(match path.strip_prefix("~") {
        Ok(rest) => environment.home()?.map(|home| native(home.join(rest))),
        Err(_) => Some(native(path.to_owned())),
    })
}

/// Sections like `[work]` in the config file, where only `[default]` may lack the word `profile`.
fn sections_without_prefix(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('[')?.split_once(']'))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.contains([' ', '\t']) && *name != "default")
        .map(str::to_owned)
        .collect()
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

/// The parser's message on one line. It has the line number and quotes nothing from the file.
fn broken(error: &ProfileFileLoadError, path: &Path) -> Failure {
    let message = match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let words: Vec<&str> = message.split_whitespace().collect();
    let message = words.join(" ");
    // The parser does not know the path and leaves a gap for it.
    let fault = message.strip_prefix("error parsing ").unwrap_or(&message);
    Failure::new(
        Kind::Setup,
        format!("error parsing {} {fault}", path.display()),
    )
    .hint(
        "correct that line; `aws configure list-profiles` shows whether the AWS CLI can read the file",
    )
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

    #[test]
    fn section_of_the_config_file_without_the_word_profile_is_found() {
        let text = "[default]\n[profile a]\n[ b ] # x\n[sso-session c]\nkey = [d]\n";
        assert_eq!(sections_without_prefix(text), ["b"]);
    }

    #[test]
    fn tilde_is_the_home_directory() {
        let home = if cfg!(windows) { "C:/h" } else { "/h" };
        let environment = [("HOME".into(), home.into())].into_iter().collect();
        let cases = match cfg!(windows) {
            true => [
                ("~/.aws/x", "C:\\h\\.aws\\x"),
                ("C:/a\\y", "C:\\a\\y"),
                ("z", "z"),
                ("~u/x", "~u\\x"),
            ],
            false => [("~/x", "/h/x"), ("/y", "/y"), ("z", "z"), ("~u/x", "~u/x")],
        };
        for (path, expanded) in cases {
            let got = expand_home(Path::new(path), &environment).unwrap();
            // As text: to Windows the two separators are the same path.
            assert_eq!(got.unwrap().to_str().unwrap(), expanded);
        }
    }
}
