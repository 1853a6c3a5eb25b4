//! How STS is reached, and why it was not.

use super::refusal::next_code_hint;
use crate::error::{Failure, Next};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::Timestamp;
use std::error::Error;
use std::io;
use std::time::Duration;

/// For the name, the connection and the TLS handshake together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// For the whole call. The SDK's default never gives up on a server that says nothing.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The way to one endpoint.
pub struct Network {
    endpoint: String,
}

impl Network {
    /// The way to `endpoint`, a URL.
    ///
    /// # Errors
    /// It is not a URL of http or https.
    pub fn new(endpoint: String) -> Result<Self, Failure> {
        let host = ["https://", "http://"]
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme));
        if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
            return Err(Failure::new(
                Next::FixSetup,
                format!("not the URL of an endpoint: {}", endpoint.escape_debug()),
            )
            .hint("check AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL: https://<host>"));
        }
        Ok(Network { endpoint })
    }

    /// The URL, for requests and messages.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The HTTP client. It reads the system's trust roots once, and not at all where nothing is
    /// encrypted.
    pub fn client(&self) -> SharedHttpClient {
        let encrypted = self.endpoint.starts_with("https://");
        http_client_fn(move |settings, components| {
            let mut trust = TrustStore::empty();
            if encrypted {
                trust = trust.with_native_roots(true);
            }
            let mut connector = Connector::builder()
                .tls_provider(Provider::rustls(CryptoMode::Ring))
                .connector_settings(settings.clone());
            if let Ok(context) = TlsContext::builder().with_trust_store(trust).build() {
                connector = connector.tls_context(context);
            }
            connector.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(connector.build_with_resolver(SystemResolver))
        })
    }

    /// The failure for a call that got no answer. What went wrong before anything was sent leaves
    /// the code good; what went wrong later may have used it up.
    pub fn failure(&self, error: &ConnectorError, get_command: &str, now: Timestamp) -> Failure {
        let endpoint = &self.endpoint;
        let still_good = |what: String| {
            Failure::new(Next::RetryCode, what).hint(format!(
                "the code is still good while the device shows it: run `{get_command}` again"
            ))
        };
        if error.is_timeout() {
            return still_good(format!(
                "no connection to {endpoint} within {} s",
                CONNECT_TIMEOUT.as_secs()
            ));
        }
        if let Some(dns) = find::<ResolveDnsError>(error) {
            return still_good(format!(
                "cannot find the address of {endpoint}: {}",
                root(dns)
            ));
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return still_good(format!("no secure connection to {endpoint}: {tls}"));
        }
        let connecting = find::<hyper_util::client::legacy::Error>(error)
            .is_some_and(|error| error.is_connect());
        match find::<io::Error>(error) {
            Some(cause) if connecting => still_good(format!(
                "cannot connect to {endpoint}: {}",
                io_reason(cause)
            )),
            _ if connecting => still_good(format!("cannot connect to {endpoint}: {}", root(error))),
            _ => self.lost(get_command, now),
        }
    }

    /// The failure for a connection that broke before an answer came.
    pub fn lost(&self, get_command: &str, now: Timestamp) -> Failure {
        Failure::new(
            Next::DoubtCode,
            format!(
                "the connection to {} broke before an answer came, and the code may be used up",
                self.endpoint
            ),
        )
        .hint(next_code_hint(now, get_command))
    }

    /// The failure for an answer that did not come in time.
    pub fn timed_out(&self, get_command: &str, now: Timestamp) -> Failure {
        Failure::new(
            Next::DoubtCode,
            format!(
                "no answer from {} within {} s, and the code may be used up",
                self.endpoint,
                CALL_TIMEOUT.as_secs()
            ),
        )
        .hint(next_code_hint(now, get_command))
    }
}

/// The system's own name resolution, with failures that can be told from others.
#[derive(Clone, Debug)]
struct SystemResolver;

impl ResolveDns for SystemResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let addresses = tokio::net::lookup_host((name, 0))
                .await
                .map_err(ResolveDnsError::new)?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Each error in turn with what caused it. `io::Error::source` passes over the error that it
/// wraps, which is where hyper and rustls keep theirs.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

/// The innermost cause, which says it best.
fn root(error: &(dyn Error + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

/// The reason without Rust's `(os error 111)`.
fn io_reason(error: &io::Error) -> String {
    let text = root(error);
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_lowercase(),
        None => text,
    }
}
