//! How AWS is called: the runtime, the retries and the timeouts, in one place.

use super::endpoint::Endpoint;
use super::error::{CallError, NotSent};
use super::http::{self, Date};
use super::proxy::Proxy;
use super::trust::Trust;
use crate::session::Session;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// The time limit for name resolution, connection and TLS handshake together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The time limit for the whole call. By default, the SDK waits forever for a silent server.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The route to a service.
pub struct Route<'a> {
    /// Where requests go.
    pub endpoint: &'a Endpoint,
    /// The proxy for them.
    pub proxy: Option<&'a Proxy>,
    /// The trusted certificates.
    pub trust: &'a Trust,
    /// The region in signatures.
    pub region: &'a str,
}

/// Time limits for a call, and how often it may be sent.
#[derive(Clone, Copy)]
pub struct Patience {
    /// For all attempts together.
    limit: Duration,
    /// The maximum number of attempts.
    attempts: u32,
}

impl Patience {
    /// For a request that contains a code: a code works only once, but by default the SDK would send it three times.
    pub const ONCE: Patience = Patience::once(CALL_TIMEOUT);

    /// For a request that is sent once, within `limit`.
    pub const fn once(limit: Duration) -> Self {
        let attempts = 1;
        Patience { limit, attempts }
    }

    /// For a request that may be sent again, within `limit` in total.
    pub const fn within(limit: Duration) -> Self {
        let attempts = 3;
        Patience { limit, attempts }
    }

    fn retries(self) -> RetryConfig {
        match self.attempts {
            1 => RetryConfig::disabled(),
            attempts => RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_initial_backoff(Duration::from_millis(100)),
        }
    }

    fn timeouts(self) -> TimeoutConfig {
        // A lost request leaves time for another one.
        let attempt = match self.attempts {
            1 => self.limit,
            _ => self.limit * 2 / 5,
        };
        TimeoutConfig::builder()
            .connect_timeout(self.limit.min(CONNECT_TIMEOUT))
            .operation_attempt_timeout(attempt)
            .operation_timeout(self.limit)
            .build()
    }
}

/// The credentials that sign requests.
#[derive(Clone, Copy)]
pub struct SigningKey<'a> {
    /// The access key's id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a SecretString,
    /// The session token of temporary credentials.
    pub token: Option<&'a SecretString>,
}

impl<'a> From<&'a Session> for SigningKey<'a> {
    fn from(session: &'a Session) -> Self {
        SigningKey {
            id: &session.access_key_id,
            secret: &session.secret_access_key,
            token: Some(&session.session_token),
        }
    }
}

/// Whether a header can carry this id of a key or name of a region.
pub fn is_sendable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A client for AWS. It connects on the first call.
pub struct Client {
    /// The configuration for the SDK's client of a service.
    pub(super) config: SdkConfig,
    /// The signing credentials, for a service without an SDK client.
    pub(super) credentials: Credentials,
    date: Date,
}

impl Client {
    /// A client that calls AWS over `route`, with requests signed by `key`.
    ///
    /// # Errors
    /// The HTTP client cannot be created.
    pub fn new(route: &Route, key: &SigningKey, patience: Patience) -> Result<Self, BoxError> {
        let token = key.token.map(|token| token.expose_secret().to_owned());
        let credentials =
            Credentials::new(key.id, key.secret.expose_secret(), token, None, "aws-mfa");
        let date = Date::default();
        let http_client = http::client(route.endpoint, route.proxy, route.trust, &date)?;
        Ok(Client {
            config: SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(route.region.to_owned()))
                .endpoint_url(route.endpoint.as_str())
                .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
                .retry_config(patience.retries())
                .timeout_config(patience.timeouts())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .http_client(http_client)
                .build(),
            credentials,
            date,
        })
    }

    /// The service's time, to the second, as of its last answer.
    pub fn server_time(&self) -> Option<Timestamp> {
        self.date.last()
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// It was not sent, not answered, or refused.
    pub fn call<O, E>(
        &self,
        request: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    ) -> Result<O, CallError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CallError::NotSent(NotSent::NoRuntime(error)))?;
        let outcome = runtime.block_on(request);
        // An orderly shutdown would wait for a name server that does not answer.
        runtime.shutdown_background();
        outcome.map_err(|error| CallError::of(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_that_a_header_cannot_carry_is_not_sendable() {
        assert!(is_sendable("AKIAIOSFODNN7EXAMPLE") && is_sendable("us-east-1"));
        for odd in ["", "a b", "a\nb", "a\0", "\u{e4}", "\u{7f}"] {
            assert!(!is_sendable(odd), "{odd}");
        }
    }
}
