//! The network settings: the endpoints, the proxies and the trusted certificates.

use crate::aws::client::Route;
use crate::aws::endpoint::Endpoint;
use crate::aws::iam;
use crate::aws::partition::{self, Console};
use crate::aws::proxy::{self, Proxy};
use crate::aws::trust::Trust;
use crate::aws_failure;
use crate::environment::Environment;
use crate::environment::variable::{self, Variable};
use crate::error::Failure;
use crate::origin::{Origin, Setting};
use crate::sources::{Lineage, in_profile, of_profile};
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

/// The network settings for all services.
pub struct NetworkSettings {
    sts: Result<Option<Setting<Endpoint>>, Failure>,
    iam: Result<Option<Setting<Endpoint>>, Failure>,
    sign_in: Result<Option<Setting<Endpoint>>, Failure>,
    use_fips: Result<bool, Failure>,
    /// The file of certificates to trust instead of the system's.
    pub ca_bundle: Result<Option<Setting<String>>, Failure>,
    https_proxy: Result<Option<Setting<Proxy>>, Failure>,
    http_proxy: Result<Option<Setting<Proxy>>, Failure>,
    /// The hosts that are called directly.
    no_proxy: Result<Option<String>, Failure>,
}

/// The proxy for https and that for http. The rules are curl's: lower case beats upper case, and `HTTP_PROXY` is ignored,
/// because in a CGI program it is a request header. `ALL_PROXY` comes last.
/// <https://curl.se/docs/manpage.html#ENVIRONMENT>
const HTTPS_PROXY: [Variable; 4] = [
    variable::LOWER_HTTPS_PROXY,
    variable::HTTPS_PROXY,
    variable::LOWER_ALL_PROXY,
    variable::ALL_PROXY,
];
const HTTP_PROXY: [Variable; 3] = [
    variable::LOWER_HTTP_PROXY,
    variable::LOWER_ALL_PROXY,
    variable::ALL_PROXY,
];

fn proxy(
    environment: &Environment,
    variables: &[Variable],
) -> Result<Option<Setting<Proxy>>, Failure> {
    let Some((name, url)) = environment.first(variables)? else {
        return Ok(None);
    };
    let origin = Origin::Variable(name);
    let value = Proxy::parse(url).map_err(|error| aws_failure::proxy(&origin, error))?;
    Ok(Some(Setting { value, origin }))
}

impl NetworkSettings {
    /// Resolves the network settings.
    pub(super) fn of(from: &Lineage) -> Self {
        let environment = from.sources.environment;
        let look_up = |variables: &[Variable], key| from.look_up(None, variables, key);
        // <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
        let endpoint = |service: &str, of_service| {
            let variables = [of_service, variable::AWS_ENDPOINT_URL];
            let setting = from.look_up_in(None, &variables, |profile| {
                match profile.service_endpoint(service)? {
                    Some(own) => Ok(Some(of_profile("services", own))),
                    None => in_profile(profile, "endpoint_url"),
                }
            })?;
            let parsed = |setting: Setting<String>| match Endpoint::parse(&setting.value) {
                Ok(endpoint) => Ok(setting.map(|_| endpoint)),
                Err(error) => Err(aws_failure::endpoint(&setting.origin, error)),
            };
            setting.map(parsed).transpose()
        };
        let expanded = |bundle: Option<Setting<String>>| {
            let expand = |path: String| {
                let expanded = environment.expand_home(Path::new(&path))?;
                let expanded = expanded.and_then(|path| path.into_os_string().into_string().ok());
                Ok(expanded.unwrap_or(path))
            };
            bundle.map(|bundle| bundle.try_map(expand)).transpose()
        };
        let fips = look_up(&[variable::AWS_USE_FIPS_ENDPOINT], "use_fips_endpoint");
        NetworkSettings {
            sts: endpoint("sts", variable::AWS_ENDPOINT_URL_STS),
            iam: endpoint("iam", variable::AWS_ENDPOINT_URL_IAM),
            sign_in: endpoint("signin", variable::AWS_ENDPOINT_URL_SIGNIN),
            use_fips: fips
                .map(|fips| fips.is_some_and(|setting| setting.value.eq_ignore_ascii_case("true"))),
            ca_bundle: look_up(&[variable::AWS_CA_BUNDLE], "ca_bundle").and_then(expanded),
            https_proxy: proxy(environment, &HTTPS_PROXY),
            http_proxy: proxy(environment, &HTTP_PROXY),
            no_proxy: environment
                .first(&[variable::LOWER_NO_PROXY, variable::NO_PROXY])
                .map(|list| list.map(|(_, list)| list.to_owned())),
        }
    }

    /// The network settings for STS in `region`. Reads the CA bundle.
    ///
    /// # Errors
    /// A setting is invalid, or the CA bundle cannot be used.
    pub fn sts(&self, region: Setting<String>) -> Result<Network, Failure> {
        self.network_to(self.sts_endpoint(&region)?, region)
    }

    /// The network settings for IAM in `partition`. Reads the CA bundle.
    ///
    /// # Errors
    /// A setting is invalid, or the CA bundle cannot be used.
    pub fn iam(&self, partition: &str) -> Result<Network, Failure> {
        let endpoint = match self.iam.clone()? {
            Some(endpoint) => endpoint,
            None => {
                let fips = self.use_fips.clone()?;
                let url = iam::endpoint(partition, fips)
                    .and_then(|url| Endpoint::parse(url).ok())
                    .ok_or_else(|| aws_failure::no_iam(partition, fips))?;
                Setting::by_default(url)
            }
        };
        let region = partition::default_region(partition).to_owned();
        self.network_to(endpoint, Setting::by_default(region))
    }

    /// The network settings for the sign-in of this console. Reads the CA bundle.
    ///
    /// # Errors
    /// A setting is invalid, or the CA bundle cannot be used.
    pub fn sign_in(&self, console: &Console, region: &str) -> Result<Network, Failure> {
        let endpoint = match self.sign_in.clone()? {
            Some(endpoint) => endpoint,
            None => {
                let url = Endpoint::parse(&console.sign_in);
                let default = Origin::Default;
                Setting::by_default(url.map_err(|error| aws_failure::endpoint(&default, error))?)
            }
        };
        self.network_to(endpoint, Setting::by_default(region.to_owned()))
    }

    fn network_to(
        &self,
        endpoint: Setting<Endpoint>,
        region: Setting<String>,
    ) -> Result<Network, Failure> {
        let trust = match self.ca_bundle.clone()? {
            Some(bundle) => Trust::in_bundle(Path::new(&bundle.value))
                .map_err(|fault| aws_failure::ca_bundle(&bundle, &fault))?,
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
    pub fn sts_endpoint(&self, region: &Setting<String>) -> Result<Setting<Endpoint>, Failure> {
        if let Some(endpoint) = self.sts.clone()? {
            return Ok(endpoint);
        }
        if !partition::is_region(&region.value) {
            return Err(aws_failure::not_a_region(region));
        }
        let fips = self.use_fips.clone()?;
        Endpoint::of_region(&region.value, fips)
            .map(Setting::by_default)
            .ok_or_else(|| aws_failure::no_endpoint(&region.value, fips))
    }

    /// The proxy for `endpoint`; if that is not known, the one for https.
    ///
    /// # Errors
    /// It is not the URL of an HTTP proxy.
    pub fn proxy(&self, endpoint: Option<&Endpoint>) -> Result<Option<Setting<Proxy>>, Failure> {
        let is_exempt = match (endpoint, self.no_proxy.clone()?) {
            (Some(endpoint), Some(list)) => proxy::is_exempt(endpoint, &list),
            _ => false,
        };
        match endpoint.is_none_or(Endpoint::has_tls) {
            _ if is_exempt => Ok(None),
            true => self.https_proxy.clone(),
            false => self.http_proxy.clone(),
        }
    }
}
