//! A profile: its values in both files.

use super::lines::{Document, Section};
use super::names::{self, FileKind, SectionKind};
use super::remarks::Remark;
use super::{KEY_PAIR, ProfileFile, Profiles};
use crate::error::Failure;
use crate::escape::quote;
use crate::path::in_words;
use std::path::Path;

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

/// A profile, which may not exist.
#[derive(Clone, Copy)]
pub struct Profile<'a> {
    pub(super) name: &'a str,
    pub(super) profiles: &'a Profiles,
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

impl<'a> Profile<'a> {
    /// The profile's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The profile whose name is this one's with `suffix`, if there is one.
    pub fn with_suffix(&self, suffix: &str) -> Option<Profile<'a>> {
        let profiles = self.profiles;
        let name = format!("{}{suffix}", self.name);
        profiles.documents().find_map(|(_, document)| {
            let sections = document.named(SectionKind::Profile, &name);
            let (_, section) = sections.first()?;
            Some(profiles.profile(&section.name))
        })
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
