//! STS GetSessionToken: exactly one request for a code, bounded in time, its answer checked.
//!
//! This is the only file that names `aws_sdk_sts`. Nothing of the SDK is ever printed as it is: an
//! answer that it cannot parse shows up whole, secrets and all, in its errors' `Debug`.

use super::network::{self, Network};
use super::refusal::{self, Refusal};
use crate::code::Code;
use crate::error::{Failure, Kind};
use crate::session::Session;
use crate::setting::Setting;
use crate::settings::device::Device;
use crate::settings::duration::Duration;
use crate::settings::keys::MasterKeys;
use anyhow::Context;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::operation::get_session_token::{GetSessionTokenError, GetSessionTokenOutput};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// Who asks for the session, as far as messages need to tell.
pub struct Caller {
    /// The keys that sign the request.
    pub keys: Setting<MasterKeys>,
    /// The device that the code comes from.
    pub device: Setting<Device>,
    /// The command for the next try.
    pub get_command: String,
}

/// STS at one address.
pub struct Sts {
    region: String,
    network: Network,
}

/// The error and the answer of the one operation that is called.
type CallError = SdkError<GetSessionTokenError, aws_sdk_sts::config::http::HttpResponse>;

impl Sts {
    /// The STS of `region` that is reached over `network`. Nothing is connected yet.
    pub fn new(region: &str, network: Network) -> Self {
        Sts {
            region: region.to_owned(),
            network,
        }
    }

    /// A new session for `code`: one request, whatever happens to it.
    ///
    /// # Errors
    /// STS says no, cannot be reached, does not answer in time, or its answer is no session; each
    /// says whether the code is still good.
    pub fn session(
        &self,
        caller: &Caller,
        code: &Code,
        duration: Duration,
        now: fn() -> Timestamp,
    ) -> anyhow::Result<Session> {
        let keys = &caller.keys.value;
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(self.network.endpoint())
            .credentials_provider(Credentials::new(
                &keys.access_key_id,
                keys.secret_access_key.expose_secret(),
                None,
                None,
                "master keys",
            ))
            // A code works once; the SDK's own default sends the same one three times.
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(network::CONNECT_TIMEOUT)
                    .operation_timeout(network::CALL_TIMEOUT)
                    .build(),
            )
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(self.network.client()?)
            .build();
        let request = aws_sdk_sts::Client::from_conf(config)
            .get_session_token()
            .serial_number(caller.device.value.name())
            .token_code(code.digits())
            .duration_seconds(duration.seconds());

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let outcome = runtime.block_on(request.send());
        // A name server that does not answer would hold up an orderly shutdown.
        runtime.shutdown_background();

        match outcome {
            Ok(output) => Ok(self.checked(&output, caller, now())?),
            Err(error) => Err(self.failure(&error, caller, now()).into()),
        }
    }

    /// The session in an answer that says that all is well. What is missing in it, or unreadable,
    /// the SDK has filled in by then: empty strings, and the year 1970.
    fn checked(
        &self,
        output: &GetSessionTokenOutput,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Session, Failure> {
        let unusable = |what: &str| {
            Failure::new(
                Kind::DoubtCode,
                format!(
                    "STS's answer is no session: {what} ({})",
                    self.network.endpoint()
                ),
            )
            .hint(refusal::next_code_hint(now, &caller.get_command))
        };
        let credentials = output
            .credentials()
            .ok_or_else(|| unusable("there are no credentials in it"))?;
        for (name, value) in [
            ("AccessKeyId", credentials.access_key_id()),
            ("SecretAccessKey", credentials.secret_access_key()),
            ("SessionToken", credentials.session_token()),
        ] {
            if value.is_empty() {
                return Err(unusable(&format!("{name} is missing")));
            }
        }
        let expiration = Timestamp::from_second(credentials.expiration().secs())
            .ok()
            .filter(|time| *time > Timestamp::UNIX_EPOCH)
            .ok_or_else(|| unusable("Expiration is missing or unreadable"))?;
        if expiration <= now {
            return Err(unusable(&format!(
                "it has expired already, at {expiration}"
            )));
        }
        Ok(Session {
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: SecretString::from(credentials.secret_access_key()),
            session_token: SecretString::from(credentials.session_token()),
            expiration: Some(expiration),
            region: None,
        })
    }

    fn failure(&self, error: &CallError, caller: &Caller, now: Timestamp) -> Failure {
        match error {
            SdkError::ServiceError(refused) => {
                let raw = refused.raw();
                if raw.status().as_u16() == 407 {
                    return self.network.proxy_wants_password();
                }
                refusal::translate(
                    &Refusal {
                        code: refused.err().code(),
                        message: refused.err().message().map(str::trim),
                        request_id: refused.err().request_id(),
                        http_status: raw.status().as_u16(),
                        date: raw.headers().get("date"),
                    },
                    caller,
                    self.network.endpoint(),
                    now,
                )
            }
            SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
                Some(connector) => self.network.failure(connector, &caller.get_command, now),
                None => self.network.lost(&caller.get_command, now),
            },
            SdkError::TimeoutError(_) => self.network.timed_out(&caller.get_command, now),
            // The head of an answer came, and its body broke off.
            SdkError::ResponseError(_) => self.network.lost(&caller.get_command, now),
            // The request could not be made, so that nothing was sent.
            _ => Failure::new(
                Kind::Setup,
                format!("cannot make a request for {}", self.network.endpoint()),
            ),
        }
    }
}

/// The address of a region's STS, by the SDK's own rules; with `fips` the one whose cryptography is
/// validated.
///
/// # Errors
/// There is no such region, or no such endpoint in it.
pub fn endpoint_of(region: &str, fips: bool) -> Result<String, Failure> {
    let endpoint = Params::builder()
        .region(region)
        .use_fips(fips)
        .build()
        .ok()
        .and_then(|params| {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .ok()?
                .block_on(DefaultResolver::new().resolve_endpoint(&params))
                .ok()
        });
    match endpoint {
        Some(endpoint) => Ok(endpoint.url().to_owned()),
        None => Err(Failure::new(
            Kind::Setup,
            format!(
                "there is no {}STS for the region {}",
                if fips { "FIPS " } else { "" },
                region.escape_debug()
            ),
        )
        .hint("name a region like us-east-1: `--region`, AWS_REGION, or region of the profile")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_of_each_partition_has_its_own_endpoint() {
        for (partition, endpoint) in [
            ("aws", "https://sts.us-east-1.amazonaws.com"),
            ("aws-cn", "https://sts.cn-north-1.amazonaws.com.cn"),
            ("aws-us-gov", "https://sts.us-gov-west-1.amazonaws.com"),
            ("aws-iso", "https://sts.us-iso-east-1.c2s.ic.gov"),
            ("aws-iso-b", "https://sts.us-isob-east-1.sc2s.sgov.gov"),
            ("aws-iso-e", "https://sts.eu-isoe-west-1.cloud.adc-e.uk"),
            ("aws-iso-f", "https://sts.us-isof-south-1.csp.hci.ic.gov"),
            ("aws-eusc", "https://sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            let device =
                Device::parse(&format!("arn:{partition}:iam::123456789012:mfa/igor")).unwrap();
            assert_eq!(
                endpoint_of(device.default_region(), false).unwrap(),
                endpoint
            );
        }
    }

    #[test]
    fn unknown_region_is_an_error() {
        assert_eq!(
            endpoint_of("not a region", false).err().unwrap().message,
            "there is no STS for the region not a region"
        );
    }
}
