//! The IAM side of the fake AWS: what it answers to requests whose signature the fake STS has checked.

use super::fake_sts::{Caller, KEY_ID, REQUEST_ID, SECRET, SECRET_WORD};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What IAM knows of the one user.
#[derive(Clone)]
pub struct FakeIam {
    /// The ARNs of the user's MFA devices, security keys among them.
    pub devices: Vec<String>,
    /// Whether a policy denies everything in IAM to the user.
    pub is_denied: bool,
    /// Whether a policy demands MFA for what concerns access keys.
    pub needs_mfa: bool,
    /// How many entries are on a page; all, if zero.
    pub page: usize,
    /// The user's access keys.
    pub keys: Vec<FakeKey>,
    /// How many requests a new key's signature is not accepted for, as IAM is only consistent in the end.
    pub refusals_of_new_key: u32,
    /// How many keys were created.
    pub number_created: u32,
}

/// An access key of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeKey {
    pub id: String,
    pub secret: String,
    pub is_active: bool,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
    /// How many more requests that it signs are refused.
    pub refusals: u32,
}

impl Default for FakeIam {
    fn default() -> Self {
        FakeIam {
            devices: Vec::new(),
            is_denied: false,
            needs_mfa: true,
            page: 0,
            keys: vec![FakeKey::new(KEY_ID, SECRET)],
            refusals_of_new_key: 0,
            number_created: 0,
        }
    }
}

impl FakeKey {
    /// An active key, created on 2 January 2026 and never used.
    pub fn new(id: &str, secret: &str) -> Self {
        FakeKey {
            id: id.into(),
            secret: secret.into(),
            is_active: true,
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            last_used: None,
            refusals: 0,
        }
    }
}

type Error = (&'static str, String);

impl FakeIam {
    /// The answer to a request of `caller`.
    pub fn result(
        &mut self,
        caller: &Caller,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let action = form["Action"].as_str();
        if self.is_denied || (self.needs_mfa && !caller.has_mfa && action != "ListMFADevices") {
            return Err((
                "AccessDenied",
                format!(
                    "User: {} is not authorized to perform: iam:{action} on resource: user igor",
                    caller.arn
                ),
            ));
        }
        let user = form.get("UserName").map(String::as_str);
        let names_user = !matches!(
            action,
            "ListMFADevices" | "ListAccessKeys" | "GetAccessKeyLastUsed"
        );
        if user.is_none() && caller.is_temporary && names_user {
            return Err((
                "ValidationError",
                "Must specify userName when calling with non-User credentials".into(),
            ));
        }
        if user.is_some_and(|name| name != "igor") {
            return Err((
                "NoSuchEntity",
                format!("The user with name {} cannot be found.", user.unwrap()),
            ));
        }
        let result = match action {
            "ListMFADevices" => self.list(form, "MFADevices", &self.devices, |device| {
                format!(
                    "<UserName>igor</UserName><SerialNumber>{device}</SerialNumber>\
                         <EnableDate>2026-01-02T03:04:05Z</EnableDate>"
                )
            }),
            "ListAccessKeys" => self.list(form, "AccessKeyMetadata", &self.keys, |key| {
                format!(
                    "<UserName>igor</UserName><AccessKeyId>{}</AccessKeyId><Status>{}</Status>\
                     <CreateDate>{}</CreateDate>",
                    key.id,
                    status(key.is_active),
                    key.created
                )
            }),
            "CreateAccessKey" => self.create(now)?,
            "UpdateAccessKey" => {
                let is_active = form["Status"] == "Active";
                self.key(form)?.is_active = is_active;
                String::new()
            }
            "DeleteAccessKey" => {
                let id = self.key(form)?.id.clone();
                self.keys.retain(|key| key.id != id);
                String::new()
            }
            "GetAccessKeyLastUsed" => {
                let used = match self.key(form)?.last_used {
                    Some(time) => format!(
                        "<Region>us-east-1</Region><ServiceName>s3</ServiceName>\
                         <LastUsedDate>{time}</LastUsedDate>"
                    ),
                    None => "<Region>N/A</Region><ServiceName>N/A</ServiceName>".to_owned(),
                };
                format!("<UserName>igor</UserName><AccessKeyLastUsed>{used}</AccessKeyLastUsed>")
            }
            other => panic!("{other}"),
        };
        let result = match result.as_str() {
            "" => result,
            result => format!("<{action}Result>{result}</{action}Result>"),
        };
        Ok(format!(
            "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{result}\
             <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>\
             </{action}Response>"
        ))
    }

    /// The secret of the active key with this id, if requests that it signs are accepted by now.
    pub fn secret(&mut self, id: &str) -> Option<String> {
        let key = self
            .keys
            .iter_mut()
            .find(|key| key.id == id && key.is_active)?;
        match key.refusals.checked_sub(1) {
            Some(fewer) => {
                key.refusals = fewer;
                None
            }
            None => Some(key.secret.clone()),
        }
    }

    fn key(&mut self, form: &BTreeMap<String, String>) -> Result<&mut FakeKey, Error> {
        let id = &form["AccessKeyId"];
        let key = self.keys.iter_mut().find(|key| key.id == *id);
        key.ok_or_else(|| {
            (
                "NoSuchEntity",
                format!("The Access Key with id {id} cannot be found."),
            )
        })
    }

    fn create(&mut self, now: Timestamp) -> Result<String, Error> {
        if self.keys.len() >= 2 {
            return Err((
                "LimitExceeded",
                "Cannot exceed quota for AccessKeysPerUser: 2".into(),
            ));
        }
        self.number_created += 1;
        let key = FakeKey {
            created: now,
            refusals: self.refusals_of_new_key,
            ..FakeKey::new(
                &format!("AKIANEW{:013}", self.number_created),
                &format!("new/{SECRET_WORD}+KEY{:024}", self.number_created),
            )
        };
        let answer = format!(
            "<AccessKey><UserName>igor</UserName><AccessKeyId>{}</AccessKeyId>\
             <Status>Active</Status><SecretAccessKey>{}</SecretAccessKey>\
             <CreateDate>{now:.0}</CreateDate></AccessKey>",
            key.id, key.secret
        );
        self.keys.push(key);
        Ok(answer)
    }

    fn list<T>(
        &self,
        form: &BTreeMap<String, String>,
        name: &str,
        entries: &[T],
        member: impl Fn(&T) -> String,
    ) -> String {
        let start = form
            .get("Marker")
            .map_or(0, |marker| marker.parse().unwrap());
        let end = match self.page {
            0 => entries.len(),
            page => entries.len().min(start + page),
        };
        let members: String = entries[start..end]
            .iter()
            .map(|entry| format!("<member>{}</member>", member(entry)))
            .collect();
        let more = match end < entries.len() {
            true => format!("<IsTruncated>true</IsTruncated><Marker>{end}</Marker>"),
            false => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        format!("{more}<{name}>{members}</{name}>")
    }
}

fn status(is_active: bool) -> &'static str {
    if is_active { "Active" } else { "Inactive" }
}
