//! The HTTP client: through which proxy, trusting whom, and how names are resolved.

use super::endpoint::Endpoint;
use super::proxy::Proxy;
use super::trust::Trust;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};

/// The client that reaches `endpoint` through `proxy`, or directly.
///
/// # Errors
/// The SDK does not take the trusted certificates.
pub fn client(
    endpoint: &Endpoint,
    proxy: Option<&Proxy>,
    trust: &Trust,
) -> Result<SharedHttpClient, BoxError> {
    let has_tls = endpoint.has_tls() || proxy.is_some_and(|proxy| proxy.address().has_tls());
    let proxy = proxy.map_or_else(ProxyConfig::disabled, Proxy::config);
    let trust = TlsContext::builder()
        .with_trust_store(trust.store(has_tls))
        .build()?;
    // The SDK's own builder makes its connector twice, and reads the trust roots each time.
    Ok(http_client_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .tls_context(trust.clone())
            .proxy_config(proxy.clone())
            .connector_settings(settings.clone());
        connector.set_sleep_impl(components.sleep_impl());
        SharedHttpConnector::new(connector.build_with_resolver(SystemResolver))
    }))
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
