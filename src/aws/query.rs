//! IAM's Query API, and any form, over the SDK's own signer and HTTP client, without an SDK client.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html>

use super::client::Client;
use super::error::{CallError, NotSent, UNEXPECTED};
use crate::time::now;
use aws_sdk_sts::config::BehaviorVersion;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_query::QueryWriter;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_types::request_id::apply_request_id;
use secrecy::{ExposeSecret, SecretSlice};
use std::time::SystemTime;

const SERVICE: &str = "iam";
const VERSION: &str = "2010-05-08";

/// Sends one request, once, and reads `<…Result>` of the answer with `read`; for an action without a result,
/// `<ResponseMetadata>`.
///
/// # Errors
/// The call failed, or `read` cannot make anything of the answer.
pub fn call<O>(
    client: &Client,
    action: &'static str,
    parameters: &[(&str, &str)],
    read: fn(&mut ScopedDecoder) -> Result<O, XmlDecodeError>,
) -> Result<O, CallError> {
    let mut body = String::new();
    let mut writer = QueryWriter::new(&mut body, action, VERSION);
    for (name, value) in parameters {
        writer.prefix(name).string(value);
    }
    writer.finish();
    let not_sent = |_| CallError::NotSent(NotSent::Unmade);
    let request = signed(client, &body).map_err(not_sent)?;
    let answer = send(client, SERVICE, action, request)?;
    result_of(answer.expose_secret(), action, read)
        .map_err(|_| CallError::Unusable(UNEXPECTED.to_owned()))
}

/// The body of an answer, which may have a secret in it.
pub type Answer = SecretSlice<u8>;

/// Sends one request, once, as it is. The names of the service and the action are for the SDK.
///
/// # Errors
/// The call failed.
pub fn send(
    client: &Client,
    service: &'static str,
    action: &'static str,
    request: HttpRequest,
) -> Result<Answer, CallError> {
    let config = &client.config;
    let mut operation = Operation::builder()
        .service_name(service)
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
    let operation = operation.serializer(Ok).deserializer(accepted).build();
    client.call(operation.invoke(request))
}

/// The type of a form.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The request with this form, unsigned.
pub fn form(path: &str, body: &str) -> Result<http::Request<SdkBody>, http::Error> {
    http::Request::builder()
        .method("POST")
        .uri(path)
        .header(FORM.0, FORM.1)
        .header("content-length", body.len())
        .body(SdkBody::from(body))
}

/// The request with this form, with the client's signature.
fn signed(client: &Client, body: &str) -> Result<HttpRequest, BoxError> {
    let config = &client.config;
    let endpoint = config.endpoint_url().unwrap_or_default();
    let region = config.region().ok_or("no region")?;
    let identity = client.credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_ref())
        .name(SERVICE)
        .time(SystemTime::UNIX_EPOCH + now().as_duration().unsigned_abs())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableRequest::new(
        "POST",
        format!("{}/", endpoint.trim_end_matches('/')),
        std::iter::once(FORM),
        SignableBody::Bytes(body.as_bytes()),
    )?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = form("/", body)?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(HttpRequest::try_from(request)?)
}

/// The answer, unless it refuses.
fn accepted(answer: &HttpResponse) -> Result<Answer, OrchestratorError<ErrorMetadata>> {
    let body = answer.body().bytes().unwrap_or_default();
    if answer.status().is_success() {
        return Ok(body.to_vec().into());
    }
    let mut metadata = apply_request_id(ErrorMetadata::builder(), answer.headers());
    if let Ok([Some(code), message]) = code_and_message(body) {
        metadata = metadata.code(code).message(message.unwrap_or_default());
    }
    Err(OrchestratorError::operation(metadata.build()))
}

/// Reads `<…Result>` or `<ResponseMetadata>`, whichever comes first, of `<…Response>`.
pub fn result_of<O>(
    answer: &[u8],
    action: &str,
    read: fn(&mut ScopedDecoder) -> Result<O, XmlDecodeError>,
) -> Result<O, XmlDecodeError> {
    let mut document = Document::try_from(answer)?;
    let mut root = document.root_element()?;
    if root.start_el().local().strip_suffix("Response") != Some(action) {
        return Err(XmlDecodeError::custom("another answer"));
    }
    while let Some(mut tag) = root.next_tag() {
        let name = tag.start_el().local();
        if name.ends_with("Result") || name == "ResponseMetadata" {
            return read(&mut tag);
        }
    }
    Err(XmlDecodeError::custom("no result"))
}

/// `<ErrorResponse><Error><Code>…</Code><Message>…</Message></Error></ErrorResponse>`
fn code_and_message(body: &[u8]) -> Result<[Option<String>; 2], XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    texts_in(&mut document.root_element()?, "Error", ["Code", "Message"])
}

/// The texts of the children with these names, in the first child called `child`.
pub fn texts_in<const N: usize>(
    element: &mut ScopedDecoder,
    child: &'static str,
    names: [&str; N],
) -> Result<[Option<String>; N], XmlDecodeError> {
    while let Some(mut tag) = element.next_tag() {
        if tag.start_el().matches(child) {
            return texts(&mut tag, names);
        }
    }
    Err(XmlDecodeError::custom(child))
}

/// The texts of the children with these names.
pub fn texts<const N: usize>(
    element: &mut ScopedDecoder,
    names: [&str; N],
) -> Result<[Option<String>; N], XmlDecodeError> {
    let mut texts = [const { None }; N];
    while let Some(mut tag) = element.next_tag() {
        for (name, text) in names.iter().zip(&mut texts) {
            if tag.start_el().local() == *name {
                *text = Some(try_data(&mut tag)?.into_owned());
                break;
            }
        }
    }
    Ok(texts)
}
