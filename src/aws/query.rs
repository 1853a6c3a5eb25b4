//! AWS's Query API over the SDK's own signer and HTTP client, for a service without an SDK client.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html>

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

/// One action of one version of a service's Query API.
pub struct Action {
    /// The service, as the signature names it.
    pub service: &'static str,
    /// The version of its API.
    pub version: &'static str,
    /// The action, as `Action` names it.
    pub name: &'static str,
}

/// Sends one request, once, and reads `<…Result>` of the answer with `read`; for an action without a result,
/// `<ResponseMetadata>`.
///
/// # Errors
/// The call failed, or `read` cannot make anything of the answer.
pub fn call<O>(
    client: &Client,
    action: &Action,
    parameters: &[(&str, &str)],
    now: Timestamp,
    read: fn(&mut ScopedDecoder) -> Result<O, XmlDecodeError>,
) -> Result<O, CallError> {
    let answer = send(client, action, parameters, now)?;
    result_of(&answer.0, action.name, read).map_err(|_| CallError::Unusable(Unusable::Unexpected))
}

/// The body of an answer, which may have a secret in it.
struct Answer(Vec<u8>);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

fn send(
    client: &Client,
    action: &Action,
    parameters: &[(&str, &str)],
    now: Timestamp,
) -> Result<Answer, CallError> {
    let mut body = String::new();
    let mut writer = QueryWriter::new(&mut body, action.name, action.version);
    for (name, value) in parameters {
        writer.prefix(name).string(value);
    }
    writer.finish();
    let not_sent = |_| CallError::NotSent(NotSent::Unmade);
    let request = signed(client, action.service, &body, now).map_err(not_sent)?;

    let config = client.config();
    let mut operation = Operation::builder()
        .service_name(action.service)
        .operation_name(action.name)
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

/// The request with this form, with the client's signature.
fn signed(
    client: &Client,
    service: &str,
    body: &str,
    now: Timestamp,
) -> Result<HttpRequest, BoxError> {
    let config = client.config();
    let endpoint = config.endpoint_url().unwrap_or_default();
    let region = config.region().ok_or("no region")?;
    let identity = client.credentials().clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_ref())
        .name(service)
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

/// The answer, unless it refuses.
fn accepted(answer: &HttpResponse) -> Result<Answer, OrchestratorError<Refused>> {
    let body = answer.body().bytes().unwrap_or_default();
    if answer.status().is_success() {
        return Ok(Answer(body.to_owned()));
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

/// A service's refusal.
#[derive(Debug)]
struct Refused(ErrorMetadata);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service refused the request")
    }
}

impl Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}
