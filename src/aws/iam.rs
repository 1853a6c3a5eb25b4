//! IAM's Query API: signed with the SDK's own signer and sent with its HTTP client. `aws-sdk-iam` itself would more
//! than double the cold build.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>

use super::client::Client;
use super::error::{CallError, NotSent, Unusable};
use aws_sdk_sts::config::BehaviorVersion;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_query::QueryWriter;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_types::request_id::apply_request_id;
use jiff::Timestamp;
use std::error::Error;
use std::fmt;
use std::time::SystemTime;

const VERSION: &str = "2010-05-08";

/// A user has eight devices at most; more pages than that are not IAM's.
const MOST_PAGES: usize = 8;

/// The endpoint of a partition's IAM, of which there is one for all regions.
/// <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>
///
/// `None` where there is none, as there are FIPS endpoints in two partitions only.
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

/// The ARNs or serial numbers of the signing user's MFA devices, security keys among them.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html>
///
/// # Errors
/// The call failed, or the answer is not a list of devices.
pub fn mfa_devices(client: &Client, now: Timestamp) -> Result<Vec<String>, CallError> {
    let mut devices = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let parameters: Vec<_> = marker
            .iter()
            .map(|marker| ("Marker", marker.as_str()))
            .collect();
        let page = call(client, "ListMFADevices", &parameters, now, device_page)?;
        devices.extend(page.devices);
        match page.marker {
            Some(next) => marker = Some(next),
            None => return Ok(devices),
        }
    }
    Err(CallError::Unusable(Unusable::Unexpected))
}

/// Some of the devices.
#[derive(Debug, Default)]
struct DevicePage {
    devices: Vec<String>,
    /// What asks for the next page, unless this is the last.
    marker: Option<String>,
}

fn device_page(result: &mut ScopedDecoder) -> Result<DevicePage, XmlDecodeError> {
    let mut page = DevicePage::default();
    let mut has_list = false;
    while let Some(mut tag) = result.next_tag() {
        if tag.start_el().matches("MFADevices") {
            has_list = true;
            while let Some(mut member) = tag.next_tag() {
                page.devices.push(text_of(&mut member, "SerialNumber")?);
            }
        } else if tag.start_el().matches("Marker") {
            page.marker = Some(try_data(&mut tag)?.into_owned());
        }
    }
    match has_list {
        true => Ok(page),
        false => Err(XmlDecodeError::custom("no MFADevices")),
    }
}

/// The text of the child called `name`, which must not be empty.
fn text_of(element: &mut ScopedDecoder, name: &'static str) -> Result<String, XmlDecodeError> {
    let mut found = None;
    while let Some(mut tag) = element.next_tag() {
        if tag.start_el().matches(name) {
            found = Some(try_data(&mut tag)?.into_owned());
        }
    }
    found
        .filter(|text| !text.is_empty())
        .ok_or_else(|| XmlDecodeError::custom(name))
}

/// Sends one request, once, and reads `<…Result>` of the answer with `read`.
fn call<O: fmt::Debug + Send + Sync + 'static>(
    client: &Client,
    action: &'static str,
    parameters: &[(&str, &str)],
    now: Timestamp,
    read: fn(&mut ScopedDecoder) -> Result<O, XmlDecodeError>,
) -> Result<O, CallError> {
    let mut body = String::new();
    let mut writer = QueryWriter::new(&mut body, action, VERSION);
    for (name, value) in parameters {
        writer.prefix(name).string(value);
    }
    writer.finish();
    let not_sent = |_| CallError::NotSent(NotSent::Unmade);
    let request = signed(client, &body, now).map_err(not_sent)?;

    let config = client.config();
    let mut operation = Operation::builder()
        .service_name("iam")
        .operation_name(action)
        .behavior_version(BehaviorVersion::latest())
        .no_auth()
        .no_retry()
        .endpoint_url(config.endpoint_url().unwrap_or_default());
    if let Some(timeouts) = config.timeout_config() {
        operation = operation.timeout_config(timeouts.clone());
    }
    if let Some(http_client) = config.http_client() {
        operation = operation.http_client(http_client);
    }
    let operation = operation
        .serializer(Ok)
        .deserializer(move |answer: &HttpResponse| decoded(answer, read))
        .build();
    client
        .call(operation.invoke(request))?
        .ok_or(CallError::Unusable(Unusable::Unexpected))
}

/// The request with this form, with the client's signature.
fn signed(client: &Client, body: &str, now: Timestamp) -> Result<HttpRequest, BoxError> {
    let config = client.config();
    let endpoint = config.endpoint_url().unwrap_or_default();
    let region = config.region().ok_or("no region")?;
    let identity = client.credentials().clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_ref())
        .name("iam")
        .time(SystemTime::UNIX_EPOCH + now.as_duration().unsigned_abs())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let (name, value) = ("content-type", "application/x-www-form-urlencoded");
    let signable = SignableRequest::new(
        "POST",
        format!("{}/", endpoint.trim_end_matches('/')),
        std::iter::once((name, value)),
        SignableBody::Bytes(body.as_bytes()),
    )?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = http::Request::builder()
        .method("POST")
        .uri("/")
        .header(name, value)
        .header("content-length", body.len())
        .body(SdkBody::from(body))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(HttpRequest::try_from(request)?)
}

/// What `read` makes of an answer; `None` if that is nothing.
fn decoded<O>(
    answer: &HttpResponse,
    read: fn(&mut ScopedDecoder) -> Result<O, XmlDecodeError>,
) -> Result<Option<O>, OrchestratorError<Refused>> {
    let body = answer.body().bytes().unwrap_or_default();
    if answer.status().is_success() {
        return Ok(result_of(body, read).ok());
    }
    let (code, message) = code_and_message(body).unwrap_or_default();
    let mut metadata = apply_request_id(ErrorMetadata::builder(), answer.headers());
    if let Some(code) = code {
        metadata = metadata.code(code);
    }
    if let Some(message) = message {
        metadata = metadata.message(message);
    }
    Err(OrchestratorError::operation(Refused(metadata.build())))
}

/// Reads `<…Result>` of an answer.
fn result_of<O>(
    body: &[u8],
    read: fn(&mut ScopedDecoder) -> Result<O, XmlDecodeError>,
) -> Result<O, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().local().ends_with("Result") {
            return read(&mut tag);
        }
    }
    Err(XmlDecodeError::custom("no result"))
}

/// `<ErrorResponse><Error><Code>…</Code><Message>…</Message></Error></ErrorResponse>`
fn code_and_message(body: &[u8]) -> Result<(Option<String>, Option<String>), XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    let (mut code, mut message) = (None, None);
    while let Some(mut error) = root.next_tag() {
        if !error.start_el().matches("Error") {
            continue;
        }
        while let Some(mut tag) = error.next_tag() {
            if tag.start_el().matches("Code") {
                code = Some(try_data(&mut tag)?.into_owned());
            } else if tag.start_el().matches("Message") {
                message = Some(try_data(&mut tag)?.into_owned());
            }
        }
    }
    Ok((code, message))
}

/// IAM's refusal.
#[derive(Debug)]
struct Refused(ErrorMetadata);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IAM refused the request")
    }
}

impl Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(list: &str) -> Option<(Vec<String>, Option<String>)> {
        let xml = format!(
            "<ListMFADevicesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ListMFADevicesResult>{list}</ListMFADevicesResult></ListMFADevicesResponse>"
        );
        let page = result_of(xml.as_bytes(), device_page).ok()?;
        Some((page.devices, page.marker))
    }

    #[test]
    fn device_list_is_parsed_or_an_error() {
        assert_eq!(page("<MFADevices/>").unwrap(), (vec![], None));
        assert_eq!(
            page(
                "<IsTruncated>true</IsTruncated><Marker>a&amp;b</Marker><MFADevices>\
                 <member><UserName>igor</UserName><SerialNumber>GAHT12345678</SerialNumber></member>\
                 <member><SerialNumber>x</SerialNumber></member></MFADevices>"
            )
            .unwrap(),
            (vec!["GAHT12345678".into(), "x".into()], Some("a&b".into()))
        );
        for broken in [
            "",
            "<Other/>",
            "<MFADevices><member/></MFADevices>",
            "<MFADevices><member><SerialNumber></SerialNumber></member></MFADevices>",
        ] {
            assert_eq!(page(broken), None, "{broken}");
        }
        assert!(result_of(b"<html>Sign in</html>", device_page).is_err());
        assert!(result_of(b"not XML", device_page).is_err());
    }
}
