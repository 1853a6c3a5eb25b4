//! The network settings: the endpoint, the proxy and the trusted certificates.

use super::{Settings, in_profile, of_profile, partition};
use crate::aws::client::Route;
use crate::aws::endpoint::Endpoint;
use crate::aws::iam;
use crate::aws::proxy::{self, Proxy};
use crate::aws::trust::Trust;
use crate::aws_failure;
use crate::environment::variable::{self, Variable};
use crate::error::Failure;
use crate::setting::{Origin, Setting};
use std::path::Path;

/// The network settings for one service.
pub struct Network {
    /// The region in signatures.
    pub region: Setting<String>,
    /// Where requests go.
    pub endpoint: Setting<Endpoint>,
    /// The proxy for them.
    pub proxy: Option<Setting<Proxy>>,
    trust: Trust,
}

impl Network {
    /// The same without the origins.
    pub fn route(&self) -> Route<'_> {
        Route {
            endpoint: &self.endpoint.value,
            proxy: self.proxy.as_ref().map(|proxy| &proxy.value),
            trust: &self.trust,
            region: &self.region.value,
        }
    }
}

impl Settings<'_> {
    /// The network settings for STS in `region`. Reads the CA bundle.
    ///
    /// # Errors
    /// A setting is invalid, or the CA bundle cannot be used.
    pub fn network(&self, region: Setting<String>) -> Result<Network, Failure> {
        self.network_to(self.endpoint(&region.value)?, region)
    }

    /// The network settings for IAM in `partition`. Reads the CA bundle.
    ///
    /// # Errors
    /// A setting is invalid, or the CA bundle cannot be used.
    pub fn iam_network(&self, partition: &str) -> Result<Network, Failure> {
        let endpoint = match self.own_endpoint("iam", variable::AWS_ENDPOINT_URL_IAM)? {
            Some(endpoint) => endpoint,
            None => {
                let fips = self.use_fips()?;
                let url = iam::endpoint(partition, fips)
                    .and_then(|url| Endpoint::parse(url).ok())
                    .ok_or_else(|| aws_failure::no_iam(partition, fips))?;
                Setting::by_default(url)
            }
        };
        let region = partition::default_region(partition).to_owned();
        self.network_to(endpoint, Setting::by_default(region))
    }

    /// The partition of the region that is configured.
    ///
    /// # Errors
    /// It cannot be a region.
    pub fn own_partition(&self) -> Result<Option<&'static str>, Failure> {
        let Some(region) = self.own_region()? else {
            return Ok(None);
        };
        self.endpoint(&region.value)?;
        Ok(Some(partition::of_region(&region.value)))
    }

    fn network_to(
        &self,
        endpoint: Setting<Endpoint>,
        region: Setting<String>,
    ) -> Result<Network, Failure> {
        let trust = match self.ca_bundle()? {
            Some(bundle) => Trust::in_bundle(Path::new(bundle.value))
                .map_err(|error| aws_failure::ca_bundle(&bundle, &error))?,
            None => Trust::System,
        };
        Ok(Network {
            region,
            proxy: self.proxy(Some(&endpoint.value))?,
            endpoint,
            trust,
        })
    }

    /// The endpoint of STS: the configured one, else the region's.
    ///
    /// # Errors
    /// It is not a valid URL, or the region has no endpoint.
    pub fn endpoint(&self, region: &str) -> Result<Setting<Endpoint>, Failure> {
        if let Some(endpoint) = self.own_endpoint("sts", variable::AWS_ENDPOINT_URL_STS)? {
            return Ok(endpoint);
        }
        let fips = self.use_fips()?;
        match Endpoint::of_region(region, fips) {
            Ok(endpoint) if partition::is_region(region) => Ok(Setting::by_default(endpoint)),
            _ => Err(aws_failure::no_endpoint(region, fips)),
        }
    }

    /// The configured endpoint, for this service or for all services.
    fn own_endpoint(
        &self,
        service: &str,
        of_service: Variable,
    ) -> Result<Option<Setting<Endpoint>>, Failure> {
        let variables = [of_service, variable::AWS_ENDPOINT_URL];
        let setting = self.look_up_in(None, &variables, |settings| {
            let profile = settings.profile();
            match profile.service_endpoint(service)? {
                Some(property) => Ok(Some(of_profile(profile, "services", property))),
                None => in_profile(profile, "endpoint_url"),
            }
        })?;
        let Some(setting) = setting else {
            return Ok(None);
        };
        match Endpoint::parse(setting.value) {
            Ok(endpoint) => Ok(Some(setting.map(|_| endpoint))),
            Err(error) => Err(aws_failure::endpoint(&setting.origin, error)),
        }
    }

    fn use_fips(&self) -> Result<bool, Failure> {
        let setting = self.look_up(
            None,
            &[variable::AWS_USE_FIPS_ENDPOINT],
            "use_fips_endpoint",
        )?;
        Ok(setting.is_some_and(|setting| setting.value.eq_ignore_ascii_case("true")))
    }

    /// The proxy for `endpoint`; if that is not known, the one for https.
    ///
    /// The rules are curl's: lower case beats upper case, and `HTTP_PROXY` is ignored, because in a CGI program it is a
    /// request header. `ALL_PROXY` comes last.
    /// <https://curl.se/docs/manpage.html#ENVIRONMENT>
    ///
    /// # Errors
    /// It is not the URL of an HTTP proxy.
    pub fn proxy(&self, endpoint: Option<&Endpoint>) -> Result<Option<Setting<Proxy>>, Failure> {
        let names: &[_] = match endpoint.is_none_or(Endpoint::has_tls) {
            true => &[
                variable::LOWER_HTTPS_PROXY,
                variable::HTTPS_PROXY,
                variable::LOWER_ALL_PROXY,
                variable::ALL_PROXY,
            ],
            false => &[
                variable::LOWER_HTTP_PROXY,
                variable::LOWER_ALL_PROXY,
                variable::ALL_PROXY,
            ],
        };
        let Some((name, url)) = self.environment.first(names)? else {
            return Ok(None);
        };
        let no_proxy = self
            .environment
            .first(&[variable::LOWER_NO_PROXY, variable::NO_PROXY])?;
        if let (Some(endpoint), Some((_, list))) = (endpoint, no_proxy)
            && proxy::is_exempt(endpoint, list)
        {
            return Ok(None);
        }
        let origin = Origin::Variable(name);
        let value = Proxy::parse(url).map_err(|error| aws_failure::proxy(&origin, error))?;
        Ok(Some(Setting { value, origin }))
    }

    /// The file of certificates to trust instead of the system's.
    ///
    /// # Errors
    /// The variable is not UTF-8.
    pub fn ca_bundle(&self) -> Result<Option<Setting<&str>>, Failure> {
        self.look_up(None, &[variable::AWS_CA_BUNDLE], "ca_bundle")
    }
}
