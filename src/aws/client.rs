//! How AWS is called: the runtime, the retries and the timeouts, in one place.

use super::endpoint::Endpoint;
use super::error::{CallError, NotSent};
use super::http::{self, Date};
use super::proxy::Proxy;
use super::trust::Trust;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// For the name, the connection and the TLS handshake together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// For the whole call. The SDK's default never gives up on a server that says nothing.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The way to a service.
pub struct Route<'a> {
    /// Where requests go.
    pub endpoint: &'a Endpoint,
    /// What they go through.
    pub proxy: Option<&'a Proxy>,
    /// Whose certificates are accepted on the way.
    pub trust: &'a Trust,
}

/// How long a call may take, and how often its request may be sent.
#[derive(Clone, Copy)]
pub struct Patience {
    /// For the name, the connection and the TLS handshake of one attempt.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// For all attempts together.
    pub call: Duration,
    /// How many times the request is sent at most.
    pub attempts: u32,
}

impl Patience {
    /// For a request with a code in it: a code works once, and the SDK's own default sends the same one three
    /// times.
    pub const ONCE: Patience = Patience {
        connect: CONNECT_TIMEOUT,
        attempt: CALL_TIMEOUT,
        call: CALL_TIMEOUT,
        attempts: 1,
    };

    /// For a request that is sent once, within `limit` in all.
    pub fn once(limit: Duration) -> Self {
        Patience {
            connect: limit.min(CONNECT_TIMEOUT),
            attempt: limit,
            call: limit,
            attempts: 1,
        }
    }

    /// For a request that may be sent again, within `limit` in all.
    pub fn within(limit: Duration) -> Self {
        Patience {
            connect: limit.min(CONNECT_TIMEOUT),
            // So that one that is lost leaves time for another.
            attempt: limit * 2 / 5,
            call: limit,
            attempts: 3,
        }
    }
}

/// What requests are signed with.
pub struct SigningKey<'a> {
    /// The access key's id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a SecretString,
    /// The session token that goes with temporary credentials.
    pub token: Option<&'a SecretString>,
    /// The region that the signature is for.
    pub region: &'a str,
}

/// Why no request can be made.
#[derive(Debug)]
pub enum ClientError {
    /// The key's id has characters in it that a header cannot carry.
    KeyId,
    /// The region has.
    Region,
    /// The HTTP client cannot be made.
    Http(BoxError),
}

/// A caller of AWS. It connects when something is called.
pub struct Client {
    config: SdkConfig,
    credentials: Credentials,
    date: Date,
}

impl Client {
    /// A client that calls AWS over `route`, with requests signed by `key`.
    ///
    /// # Errors
    /// No request can be made of these values.
    pub fn new(route: &Route, key: &SigningKey, patience: Patience) -> Result<Self, ClientError> {
        let sendable =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !sendable(key.id) {
            return Err(ClientError::KeyId);
        }
        if !sendable(key.region) {
            return Err(ClientError::Region);
        }
        let token = key.token.map(|token| token.expose_secret().to_owned());
        let credentials =
            Credentials::new(key.id, key.secret.expose_secret(), token, None, "aws-mfa");
        let retry = match patience.attempts {
            0 | 1 => RetryConfig::disabled(),
            attempts => RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_initial_backoff(Duration::from_millis(100)),
        };
        let date = Date::default();
        let http_client = http::client(route.endpoint, route.proxy, route.trust, &date)
            .map_err(ClientError::Http)?;
        Ok(Client {
            config: SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(key.region.to_owned()))
                .endpoint_url(route.endpoint.as_str())
                .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
                .retry_config(retry)
                .timeout_config(
                    TimeoutConfig::builder()
                        .connect_timeout(patience.connect)
                        .operation_attempt_timeout(patience.attempt)
                        .operation_timeout(patience.call)
                        .build(),
                )
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

    /// For the SDK's client of a service.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// What requests are signed with, for a service without an SDK client.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Sends a request and waits for its end.
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
        // A name server that does not answer would hold up an orderly shutdown.
        runtime.shutdown_background();
        outcome.map_err(|error| CallError::of(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_that_no_header_can_carry_is_an_error() {
        let endpoint = Endpoint::parse("http://127.0.0.1:1").unwrap();
        let route = Route {
            endpoint: &endpoint,
            proxy: None,
            trust: &Trust::System,
        };
        let secret = SecretString::from("secret");
        let error = |id, region| {
            let secret = &secret;
            let key = SigningKey {
                id,
                secret,
                token: None,
                region,
            };
            Client::new(&route, &key, Patience::ONCE).err()
        };
        assert!(error("AKIAIOSFODNN7EXAMPLE", "us-east-1").is_none());
        for odd in ["", "a b", "a\nb", "a\0", "\u{e4}", "\u{7f}"] {
            assert!(matches!(error(odd, "us-east-1"), Some(ClientError::KeyId)));
            assert!(matches!(error("test", odd), Some(ClientError::Region)));
        }
    }
}
