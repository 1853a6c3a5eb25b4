//! How STS is reached: directly or through a proxy, trusting which certificates; and why it was
//! not reached.

use super::refusal::next_code_hint;
use crate::error::{Failure, Kind, reason};
use crate::file;
use crate::setting::{Origin, Setting};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper_util::client::proxy::matcher::Matcher;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

/// For the name, the connection and the TLS handshake together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// For the whole call. The SDK's default never gives up on a server that says nothing.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The system's own bundle has 200 KiB.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// What the user has set about the network.
pub struct Options<'a> {
    /// `HTTPS_PROXY` for an endpoint of https, `HTTP_PROXY` for one of http.
    pub proxy: Option<Setting<&'a str>>,
    /// `NO_PROXY`: hosts, domains and address ranges that are reached directly.
    pub no_proxy: Option<&'a str>,
    /// A file of certificates in PEM that are trusted instead of the system's.
    pub ca_bundle: Option<Setting<&'a str>>,
}

/// The way to one endpoint.
pub struct Network {
    endpoint: String,
    proxy: Option<Proxy>,
    trust: TrustStore,
}

/// A proxy that is in the way to the endpoint.
struct Proxy {
    /// With the user and the password.
    url: SecretString,
    /// Without them, for messages.
    name: String,
    origin: Origin,
}

impl Network {
    /// The way to `endpoint`, a URL.
    ///
    /// # Errors
    /// It is not a URL of http or https, the proxy's is not, or the certificates are not to be used.
    pub fn new(endpoint: String, options: &Options) -> Result<Self, Failure> {
        let host = ["https://", "http://"]
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme));
        if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
            return Err(Failure::new(
                Kind::Setup,
                format!("not the URL of an endpoint: {}", endpoint.escape_debug()),
            )
            .hint("check AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL: https://<host>"));
        }
        let proxy = proxy_to(&endpoint, options)?;
        let encrypted = endpoint.starts_with("https://")
            || proxy
                .as_ref()
                .is_some_and(|proxy| proxy.name.starts_with("https://"));
        let trust = match &options.ca_bundle {
            Some(bundle) => TrustStore::empty().with_pem_certificate(certificates(bundle)?),
            // To read the system's takes longer than all else together: only where they are needed.
            None => TrustStore::empty().with_native_roots(encrypted),
        };
        Ok(Network {
            endpoint,
            proxy,
            trust,
        })
    }

    /// The URL, for requests and messages.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The HTTP client.
    ///
    /// # Errors
    /// The SDK does not take the proxy's URL.
    pub fn client(&self) -> anyhow::Result<SharedHttpClient> {
        let proxy = match &self.proxy {
            Some(proxy) => ProxyConfig::all(proxy.url.expose_secret())
                .map_err(|_| not_a_proxy(&proxy.origin))?,
            None => ProxyConfig::disabled(),
        };
        let trust = TlsContext::builder()
            .with_trust_store(self.trust.clone())
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

    /// The failure for a call that got no answer. What went wrong before anything was sent leaves
    /// the code good; what went wrong later may have used it up.
    pub fn failure(&self, error: &ConnectorError, get_command: &str, now: Timestamp) -> Failure {
        let endpoint = &self.endpoint;
        let still_good = |what: String| {
            let check = match &self.proxy {
                Some(proxy) => format!("check {}; ", proxy.origin),
                None => String::new(),
            };
            Failure::new(Kind::RetryCode, what).hint(format!(
                "{check}the code is still good while the device shows it: run `{get_command}` again"
            ))
        };
        // The first hop, which is what could not be reached.
        let hop = match &self.proxy {
            Some(proxy) => format!("the proxy {}", proxy.name),
            None => endpoint.clone(),
        };
        if error.is_timeout() {
            let through = match &self.proxy {
                Some(proxy) => format!(" through the proxy {}", proxy.name),
                None => String::new(),
            };
            return still_good(format!(
                "no connection to {endpoint}{through} within {} s",
                CONNECT_TIMEOUT.as_secs()
            ));
        }
        if let Some(dns) = find::<ResolveDnsError>(error) {
            // std's own words before the system's say nothing that was not said.
            let reason = root(dns).replace("failed to lookup address information: ", "");
            return still_good(format!(
                "cannot find the address of {hop}: {}",
                reason.to_lowercase()
            ));
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Failure::new(
                Kind::RetryCode,
                format!("no secure connection to {endpoint}: {}", tls_reason(tls)),
            )
            .hint(
                "behind a proxy that opens TLS connections name its certificate with AWS_CA_BUNDLE; \
                 the code is still good while the device shows it",
            );
        }
        // hyper-util's TunnelError cannot be named; its texts can.
        if let (Some(proxy), Some(refused)) = (
            &self.proxy,
            chain(error)
                .map(ToString::to_string)
                .find_map(|text| text.strip_prefix("tunnel error: ").map(str::to_owned)),
        ) && refused != "failed to create underlying connection"
        {
            return match refused.as_str() {
                "proxy authorization required" => self.proxy_wants_password(),
                _ => still_good(format!(
                    "the proxy {} does not let through to {endpoint}: {refused}",
                    proxy.name
                )),
            };
        }
        let connecting = find::<hyper_util::client::legacy::Error>(error)
            .is_some_and(hyper_util::client::legacy::Error::is_connect);
        match find::<io::Error>(error) {
            Some(cause) if connecting => {
                still_good(format!("cannot connect to {hop}: {}", reason(cause)))
            }
            _ if connecting => still_good(format!("cannot connect to {hop}: {}", root(error))),
            _ => self.lost(get_command, now),
        }
    }

    /// The failure for an answer of 407, which only a proxy gives.
    pub fn proxy_wants_password(&self) -> Failure {
        let (name, origin) = match &self.proxy {
            Some(proxy) => (proxy.name.as_str(), proxy.origin.to_string()),
            None => (self.endpoint.as_str(), "HTTPS_PROXY".to_owned()),
        };
        Failure::new(
            Kind::RetryCode,
            format!("the proxy {name} wants a user and a password, or others than it got"),
        )
        .hint(format!(
            "write them in {origin}: http://<user>:<password>@<host>:<port>; \
             the code is still good while the device shows it"
        ))
    }

    /// The failure for a connection that broke before an answer came.
    pub fn lost(&self, get_command: &str, now: Timestamp) -> Failure {
        Failure::new(
            Kind::DoubtCode,
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
            Kind::DoubtCode,
            format!(
                "no answer from {} within {} s, and the code may be used up",
                self.endpoint,
                CALL_TIMEOUT.as_secs()
            ),
        )
        .hint(next_code_hint(now, get_command))
    }
}

/// The proxy for `endpoint`, if there is one and `NO_PROXY` does not except the host.
fn proxy_to(endpoint: &str, options: &Options) -> Result<Option<Proxy>, Failure> {
    let Some(setting) = &options.proxy else {
        return Ok(None);
    };
    // As curl has it: without a scheme it is one of http.
    let url = match setting.value.contains("://") {
        true => setting.value.to_owned(),
        false => format!("http://{}", setting.value),
    };
    let matcher = |no_proxy: &str| Matcher::builder().all(url.as_str()).no(no_proxy).build();
    let through = |no_proxy| matcher(no_proxy).intercept(&endpoint.parse().ok()?);
    let intercept = through("").ok_or_else(|| not_a_proxy(&setting.origin))?;
    if !matches!(intercept.uri().scheme_str(), Some("http" | "https")) {
        return Err(not_a_proxy(&setting.origin));
    }
    let no_proxy = options.no_proxy.unwrap_or_default().trim();
    // For the matcher `*` is every name, but no address; for curl it is everything.
    let direct = no_proxy == "*" || through(no_proxy).is_none();
    Ok((!direct).then(|| Proxy {
        url: SecretString::from(url.as_str()),
        name: intercept.uri().to_string().trim_end_matches('/').to_owned(),
        origin: setting.origin.clone(),
    }))
}

/// The value may have a password in it, so that it is not shown.
fn not_a_proxy(origin: &Origin) -> Failure {
    Failure::new(
        Kind::Setup,
        format!("{origin} is not the URL of an HTTP proxy"),
    )
    .hint("write http://<host>:<port>, with <user>:<password>@ before the host if it wants them")
}

/// The contents of a bundle, once each certificate in it is known to be one: the SDK panics at a
/// broken one, and takes a file without any for one that trusts nobody.
fn certificates(bundle: &Setting<&str>) -> Result<Vec<u8>, Failure> {
    let path = bundle.value;
    let fault = |what: &str| {
        Failure::new(Kind::Setup, format!("{what} ({path})")).hint(format!(
            "check {}: a file of certificates in PEM, the certificate authority's among them",
            bundle.origin
        ))
    };
    let pem = file::read(Path::new(path), LARGEST_BUNDLE)
        .map_err(|error| fault(&format!("cannot read the CA bundle: {}", reason(&error))))?;
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
        let broken = || {
            fault(&format!(
                "certificate {} of the CA bundle is broken",
                index + 1
            ))
        };
        roots
            .add(certificate.map_err(|_| broken())?)
            .map_err(|_| broken())?;
    }
    if roots.is_empty() {
        return Err(fault("there is no certificate in the CA bundle"));
    }
    Ok(pem.to_vec())
}

fn tls_reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by an authority that is not trusted here".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired, or this machine's clock is ahead".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name".to_owned(),
        other => other.to_string(),
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
