//! The HTTP client: proxy, trusted certificates and name resolution.

use super::endpoint::Endpoint;
use super::error;
use super::proxy::Proxy;
use super::trust::Trust;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The largest answer, in bytes. STS's have 2 KiB.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The Connection Attempt Delay of RFC 8305, section 5.
const HEAD_START: Duration = Duration::from_millis(250);

/// The client that reaches `endpoint` through `proxy`, or directly.
///
/// # Errors
/// The SDK rejects the trusted certificates.
pub fn client(
    endpoint: &Endpoint,
    proxy: Option<&Proxy>,
    trust: &Trust,
    date: &Date,
) -> Result<SharedHttpClient, BoxError> {
    let port = proxy.map_or(endpoint, |proxy| &proxy.address).port();
    let has_tls = endpoint.has_tls() || proxy.is_some_and(|proxy| proxy.address.has_tls());
    let proxy = proxy.map_or_else(ProxyConfig::disabled, |proxy| proxy.config.clone());
    let trust = trust.store(has_tls);
    let trust = TlsContext::builder().with_trust_store(trust).build()?;
    // The SDK's own builder creates its connector twice, and reads the trust roots each time.
    let date = date.clone();
    Ok(http_client_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .tls_context(trust.clone())
            .proxy_config(proxy.clone())
            .connector_settings(settings.clone());
        connector.set_sleep_impl(components.sleep_impl());
        let connector = connector.build_with_resolver(SystemResolver { port });
        let date = date.clone();
        SharedHttpConnector::new(LimitedConnector { connector, date })
    }))
}

/// The `Date` of the last answer, which the SDK's own output and errors leave out.
#[derive(Clone, Debug, Default)]
pub struct Date(Arc<Mutex<Option<Timestamp>>>);

impl Date {
    /// The time of the service, to the second, as of its last answer.
    pub fn last(&self) -> Option<Timestamp> {
        *self.0.lock().ok()?
    }

    fn remember(&self, header: Option<&str>) {
        if let Ok(mut date) = self.0.lock() {
            *date = header.and_then(error::date);
        }
    }
}

/// The SDK's connector, which accepts only complete answers of at most [`LARGEST_ANSWER`].
#[derive(Debug)]
struct LimitedConnector {
    connector: Connector,
    date: Date,
}

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.connector.call(request);
        let date = self.date.clone();
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            date.remember(answer.headers().get("date"));
            let has_length = ["content-length", "transfer-encoding"]
                .iter()
                .any(|header| answer.headers().contains_key(*header));
            let mut answer =
                answer.map(|body| SdkBody::from_body_1_x(Limited::new(body, LARGEST_ANSWER)));
            if !has_length && answer.status().is_success() {
                let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
                *answer.body_mut() = SdkBody::from(whole(body).await?);
            }
            Ok(answer)
        })
    }
}

/// The complete body of an answer. The SDK accepts truncated XML and takes a truncated value for the whole one, so a
/// truncated token would be saved.
async fn whole(body: SdkBody) -> Result<Vec<u8>, ConnectorError> {
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes().to_vec(),
        // No answer from AWS is that long, and the caller rejects an empty one too.
        Err(error) if error.is::<LengthLimitError>() => Vec::new(),
        Err(error) => return Err(ConnectorError::io(error)),
    };
    match bytes.trim_ascii() {
        [] | [b'<', .., b'>'] | [b'{', .., b'}'] => Ok(bytes),
        _ => Err(ConnectorError::io("the answer is cut short".into())),
    }
}

/// The system's name resolution, with distinguishable errors.
///
/// The SDK tries the addresses of one family in turn, and gives each one the whole time limit. So only the address that
/// answers first remains, if one does.
#[derive(Clone, Debug)]
struct SystemResolver {
    /// The first hop's port. Only its name is resolved.
    port: u16,
}

impl ResolveDns for SystemResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((name, self.port))
                .await
                .map_err(ResolveDnsError::new)?
                .collect();
            if addresses.len() > 1
                && let Some(first) = first_to_answer(&addresses).await
            {
                addresses = vec![first];
            }
            Ok(addresses.iter().map(SocketAddr::ip).collect())
        })
    }
}

/// The first of these addresses that accepts a connection. Each has a head start over the next. `None` if none does.
async fn first_to_answer(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let mut attempts = JoinSet::new();
    for (turn, &address) in (0..).zip(addresses) {
        attempts.spawn(async move {
            tokio::time::sleep(HEAD_START * turn).await;
            TcpStream::connect(address).await.ok().map(|_| address)
        });
    }
    while let Some(attempt) = attempts.join_next().await {
        if let Ok(Some(address)) = attempt {
            return Some(address);
        }
    }
    None
}
