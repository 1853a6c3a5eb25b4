//! IAM: the user's MFA devices and access keys.
//!
//! `aws-sdk-iam` would more than double the cold build for these six calls.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>

use super::client::Client;
use super::error::{CallError, UNEXPECTED};
use super::query::{self, texts, texts_in};
use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError, try_data};
use jiff::Timestamp;
use secrecy::SecretString;

/// A user has at most eight devices, and an answer with more is not IAM's: only these are used and shown.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MOST_DEVICES: usize = 8;

/// An answer with more pages is not IAM's either.
const MOST_PAGES: usize = 8;

/// The endpoint of a partition's IAM, of which there is one for all regions.
/// <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>
///
/// `None` if the partition has no such endpoint: only two have one for FIPS.
pub fn endpoint(partition: &str, fips: bool) -> Option<&'static str> {
    Some(match (partition, fips) {
        ("aws", false) => "https://iam.amazonaws.com",
        ("aws", true) => "https://iam-fips.amazonaws.com",
        ("aws-us-gov", _) => "https://iam.us-gov.amazonaws.com",
        (_, true) => return None,
        ("aws-cn", _) => "https://iam.cn-north-1.amazonaws.com.cn",
        ("aws-iso", _) => "https://iam.us-iso-east-1.c2s.ic.gov",
        ("aws-iso-b", _) => "https://iam.us-isob-east-1.sc2s.sgov.gov",
        ("aws-iso-e", _) => "https://iam.eu-isoe-west-1.cloud.adc-e.uk",
        ("aws-iso-f", _) => "https://iam.us-isof-south-1.csp.hci.ic.gov",
        ("aws-eusc", _) => "https://iam.eusc-de-east-1.amazonaws.eu",
        _ => return None,
    })
}

/// The ARNs or serial numbers of the user's MFA devices, security keys among them.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html>
///
/// Without a name, those of the user who signs the request.
///
/// # Errors
/// The call failed, or the answer is not a list of devices.
pub fn mfa_devices(client: &Client, user: Option<&str>) -> Result<Vec<String>, CallError> {
    let mut devices = all_pages(client, "ListMFADevices", user, |result| {
        page_of(result, "MFADevices", |member| {
            let [serial_number] = texts(member, ["SerialNumber"])?;
            required(serial_number)
        })
    })?;
    devices.truncate(MOST_DEVICES);
    Ok(devices)
}

/// An access key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// `AKIA…`
    pub id: String,
    /// Whether requests that it signs are accepted.
    pub is_active: bool,
    /// When it was created, if IAM says.
    pub created: Option<Timestamp>,
}

/// The access keys of the user, inactive ones included: two at most.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>
///
/// Without a name, those of the user who signs the request.
///
/// # Errors
/// The call failed, or the answer is not a list of keys.
pub fn access_keys(client: &Client, user: Option<&str>) -> Result<Vec<AccessKey>, CallError> {
    all_pages(client, "ListAccessKeys", user, |result| {
        page_of(result, "AccessKeyMetadata", |member| {
            let [id, status, created] = texts(member, ["AccessKeyId", "Status", "CreateDate"])?;
            Ok(AccessKey {
                id: required(id)?,
                is_active: required(status)? == "Active",
                created: time(created),
            })
        })
    })
}

/// An access key that was just created.
pub struct NewAccessKey {
    /// `AKIA…`
    pub id: String,
    /// Its secret, which IAM shows this once.
    pub secret: SecretString,
}

/// Creates an access key for the user. If the answer is lost, nobody knows the new key's secret.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>
///
/// # Errors
/// The call failed, or there is no key in the answer.
pub fn create_access_key(client: &Client, user: &str) -> Result<NewAccessKey, CallError> {
    let parameters = [("UserName", user)];
    query::call(client, "CreateAccessKey", &parameters, new_key)
}

fn new_key(result: &mut ScopedDecoder) -> Result<NewAccessKey, XmlDecodeError> {
    let [id, secret] = texts_in(result, "AccessKey", ["AccessKeyId", "SecretAccessKey"])?;
    let (id, secret) = (required(id)?, required(secret)?.into());
    Ok(NewAccessKey { id, secret })
}

/// Activates or deactivates an access key of the user. Does nothing if the key already has that status.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html>
///
/// # Errors
/// The call failed.
pub fn set_access_key_active(
    client: &Client,
    user: &str,
    id: &str,
    active: bool,
) -> Result<(), CallError> {
    let status = if active { "Active" } else { "Inactive" };
    let parameters = [("UserName", user), ("AccessKeyId", id), ("Status", status)];
    query::call(client, "UpdateAccessKey", &parameters, nothing)
}

/// Deletes an access key of the user.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>
///
/// # Errors
/// The call failed; [`Reason::NoSuchEntity`](super::error::Reason::NoSuchEntity) if there is no such key.
pub fn delete_access_key(client: &Client, user: &str, id: &str) -> Result<(), CallError> {
    let parameters = [("UserName", user), ("AccessKeyId", id)];
    query::call(client, "DeleteAccessKey", &parameters, nothing)
}

/// When an access key last signed a request; `None` if it has not since April 2015, when IAM began to record this.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>
///
/// # Errors
/// The call failed, or the answer is to another request.
pub fn access_key_last_used(client: &Client, id: &str) -> Result<Option<Timestamp>, CallError> {
    let parameters = [("AccessKeyId", id)];
    query::call(client, "GetAccessKeyLastUsed", &parameters, last_used)
}

fn last_used(result: &mut ScopedDecoder) -> Result<Option<Timestamp>, XmlDecodeError> {
    let [date] = texts_in(result, "AccessKeyLastUsed", ["LastUsedDate"])?;
    Ok(time(date))
}

/// Some of the entries of a list.
struct Page<T> {
    entries: Vec<T>,
    /// Requests the next page; `None` on the last one.
    marker: Option<String>,
}

/// The entries of all pages; `read` parses one page.
fn all_pages<T>(
    client: &Client,
    name: &'static str,
    user: Option<&str>,
    read: fn(&mut ScopedDecoder) -> Result<Page<T>, XmlDecodeError>,
) -> Result<Vec<T>, CallError> {
    let mut entries = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let user = user.map(|name| ("UserName", name));
        let next = marker.as_deref().map(|marker| ("Marker", marker));
        let parameters: Vec<_> = user.into_iter().chain(next).collect();
        let page = query::call(client, name, &parameters, read)?;
        entries.extend(page.entries);
        match page.marker {
            Some(next) => marker = Some(next),
            None => return Ok(entries),
        }
    }
    Err(CallError::Unusable(UNEXPECTED.to_owned()))
}

/// `<Marker>` and the members of the element called `list`.
fn page_of<T>(
    result: &mut ScopedDecoder,
    list: &'static str,
    read: fn(&mut ScopedDecoder) -> Result<T, XmlDecodeError>,
) -> Result<Page<T>, XmlDecodeError> {
    let (mut entries, mut marker) = (None, None);
    while let Some(mut tag) = result.next_tag() {
        if tag.start_el().matches(list) {
            let mut members = Vec::new();
            while let Some(mut member) = tag.next_tag() {
                members.push(read(&mut member)?);
            }
            entries = Some(members);
        } else if tag.start_el().matches("Marker") {
            marker = Some(try_data(&mut tag)?.into_owned());
        }
    }
    let entries = entries.ok_or_else(|| XmlDecodeError::custom(list))?;
    Ok(Page { entries, marker })
}

fn required(text: Option<String>) -> Result<String, XmlDecodeError> {
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| XmlDecodeError::custom("an element is missing or empty"))
}

fn time(text: Option<String>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn nothing(_: &mut ScopedDecoder) -> Result<(), XmlDecodeError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn result<T>(
        action: &str,
        result: &str,
        read: fn(&mut ScopedDecoder) -> Result<T, XmlDecodeError>,
    ) -> Option<T> {
        let xml = format!(
            "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{result}\
             <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
        );
        query::result_of(xml.as_bytes(), action, read).ok()
    }

    fn page(list: &str) -> Option<(Vec<String>, Option<String>)> {
        let list = format!("<LResult>{list}</LResult>");
        let page = result("L", &list, |result| {
            page_of(result, "List", |member| {
                let [name] = texts(member, ["Name"])?;
                required(name)
            })
        })?;
        Some((page.entries, page.marker))
    }

    #[test]
    fn page_of_a_list_is_parsed_or_an_error() {
        assert_eq!(page("<List/>").unwrap(), (vec![], None));
        assert_eq!(
            page(
                "<IsTruncated>true</IsTruncated><Marker>a&amp;b</Marker><List>\
                 <member><User>igor</User><Name>GAHT12345678</Name></member>\
                 <member><Name>x</Name></member></List>"
            )
            .unwrap(),
            (vec!["GAHT12345678".into(), "x".into()], Some("a&b".into()))
        );
        for broken in [
            "",
            "<Other/>",
            "<List><member/></List>",
            "<List><member><Name></Name></member></List>",
        ] {
            assert_eq!(page(broken), None, "{broken}");
        }
    }

    #[test]
    fn answer_to_another_request_is_an_error() {
        for other in [
            "<html>Sign in</html>",
            "not XML",
            "",
            "<DeleteAccessKeyResponse/>",
            "<UpdateAccessKeyResponse><ResponseMetadata/></UpdateAccessKeyResponse>",
        ] {
            assert!(query::result_of(other.as_bytes(), "DeleteAccessKey", nothing).is_err());
        }
        assert_eq!(result("DeleteAccessKey", "", nothing), Some(()));
        assert!(result("CreateAccessKey", "", new_key).is_none());
    }

    #[test]
    fn new_key_without_its_secret_is_an_error() {
        let new = |key: &str| {
            let key = format!(
                "<CreateAccessKeyResult><AccessKey>{key}</AccessKey></CreateAccessKeyResult>"
            );
            let key = result("CreateAccessKey", &key, new_key)?;
            Some((key.id, key.secret.expose_secret().to_owned()))
        };
        let (id, secret) = (
            "<AccessKeyId>AKIA1</AccessKeyId>",
            "<SecretAccessKey>a/b+c</SecretAccessKey>",
        );
        assert_eq!(
            new(&format!(
                "<UserName>igor</UserName>{id}<Status>Active</Status>{secret}"
            )),
            Some(("AKIA1".into(), "a/b+c".into()))
        );
        assert_eq!(new(id), None);
        assert_eq!(new(secret), None);
        assert_eq!(new(&format!("{id}<SecretAccessKey/>")), None);
    }

    #[test]
    fn key_that_was_never_used_has_no_last_use() {
        let used = |key: &str| result("GetAccessKeyLastUsed", key, last_used);
        assert_eq!(
            used(
                "<GetAccessKeyLastUsedResult><AccessKeyLastUsed><ServiceName>s3</ServiceName>\
                  <LastUsedDate>2026-01-02T03:04:05Z</LastUsedDate></AccessKeyLastUsed></GetAccessKeyLastUsedResult>"
            ),
            Some(Some("2026-01-02T03:04:05Z".parse().unwrap()))
        );
        assert_eq!(
            used(
                "<GetAccessKeyLastUsedResult><AccessKeyLastUsed><ServiceName>N/A</ServiceName>\
                  </AccessKeyLastUsed></GetAccessKeyLastUsedResult>"
            ),
            Some(None)
        );
        assert_eq!(used(""), None);
    }
}
