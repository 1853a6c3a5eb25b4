//! The URL of a service.

use super::partition;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use http::Uri;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An endpoint's URL: `http` or `https`, a host, and optionally a port and a path.
#[derive(Clone, Debug)]
pub struct Endpoint {
    text: String,
    uri: Uri,
}

impl Endpoint {
    /// The endpoint at the URL `text`.
    ///
    /// # Errors
    /// Why it is not an endpoint's URL, without the URL: it may contain a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_SCHEME: &str = "does not begin with https:// or http://";
        const MALFORMED: &str = "is not a valid URL";
        let (scheme, rest) = text.split_once("://").ok_or(NO_SCHEME)?;
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(NO_SCHEME);
        }
        let mut parts = rest.split(['/', '?', '#']);
        if parts.next().is_some_and(|host| host.contains('@')) {
            return Err("contains a user name or a password");
        }
        if rest.contains(['?', '#']) {
            return Err("contains a query or a fragment");
        }
        let uri: Uri = text.parse().map_err(|_| MALFORMED)?;
        let text = text.to_owned();
        match has_valid_host(&uri) {
            true => Ok(Endpoint { text, uri }),
            false => Err(MALFORMED),
        }
    }

    /// The endpoint of STS in `region`, by the SDK's own rules; with `fips`, the FIPS endpoint.
    /// `None` if there is no such region, or no such endpoint in it.
    pub fn of_region(region: &str, fips: bool) -> Option<Self> {
        let params = Params::builder().region(region).use_fips(fips).build();
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
        let endpoint =
            runtime.block_on(DefaultResolver::new().resolve_endpoint(params.as_ref().ok()?));
        Endpoint::parse(endpoint.ok()?.url()).ok()
    }

    /// Whether requests are encrypted.
    pub fn has_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether requests leave this machine in the clear. Their signatures protect the secret, but an answer has credentials.
    pub fn is_exposed(&self) -> bool {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = match host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            // RFC 6761
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        !self.has_tls() && !is_here
    }

    /// The partition of AWS's own host in a region, also in a VPC; `None` for any other host.
    pub fn partition(&self) -> Option<&'static str> {
        let host = self.uri.host()?;
        let region = host.split('.').find(|label| partition::is_region(label))?;
        let own = Endpoint::of_region(region, false)?;
        let (_, domain) = own.uri.host()?.split_once(region)?;
        host.ends_with(domain).then(|| partition::of_region(region))
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        let default = if self.has_tls() { 443 } else { 80 };
        self.uri.port_u16().unwrap_or(default)
    }

    /// The URL, parsed.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks what the `http` crate does not: an IPv6 address in brackets, and one numeric port.
fn has_valid_host(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else {
        return false;
    };
    let host = authority.host();
    let is_ipv6 = |address: &str| address.parse::<Ipv6Addr>().is_ok();
    let valid_host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(is_ipv6),
        None => !host.is_empty(),
    };
    let after_host = authority.as_str().strip_prefix(host);
    let valid_port = match after_host.and_then(|rest| rest.strip_prefix(':')) {
        Some(port) => {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port != 0)
        }
        None => after_host == Some(""),
    };
    valid_host && valid_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_of_each_partition_has_its_own_endpoint() {
        for (region, endpoint) in [
            ("us-east-1", "https://sts.us-east-1.amazonaws.com"),
            ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
            ("us-iso-east-1", "https://sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "https://sts.us-isob-east-1.sc2s.sgov.gov"),
            (
                "eu-isoe-west-1",
                "https://sts.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "us-isof-south-1",
                "https://sts.us-isof-south-1.csp.hci.ic.gov",
            ),
            ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            let found = Endpoint::of_region(region, false).unwrap();
            assert_eq!(found.as_str(), endpoint);
        }
        let fips = Endpoint::of_region("us-east-2", true).unwrap();
        assert_eq!(fips.as_str(), "https://sts-fips.us-east-2.amazonaws.com");
    }

    #[test]
    fn unknown_region_has_no_endpoint() {
        for region in ["not a region", "", "us-east-1@evil.example/"] {
            assert!(Endpoint::of_region(region, false).is_none(), "{region}");
        }
    }

    #[test]
    fn url_with_host_port_and_path_is_an_endpoint() {
        for (url, port) in [
            ("https://sts.example", 443),
            ("http://127.0.0.1", 80),
            ("HTTPS://sts.example:8443/path/", 8443),
            ("http://[::1]:5000", 5000),
            ("https://[2001:db8::1]/", 443),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(
                (endpoint.to_string(), endpoint.port()),
                (url.to_owned(), port)
            );
        }
    }

    #[test]
    fn only_http_to_another_host_is_exposed() {
        for (url, is_exposed) in [
            ("http://sts.example", true),
            ("http://192.168.1.2:5000", true),
            ("https://sts.example", false),
            ("http://127.0.0.2:5000", false),
            ("http://[::1]:5000", false),
            ("http://aws.localhost", false),
        ] {
            assert_eq!(
                Endpoint::parse(url).unwrap().is_exposed(),
                is_exposed,
                "{url}"
            );
        }
    }

    #[test]
    fn malformed_url_is_an_error() {
        const SCHEME: &str = "does not begin with https:// or http://";
        const MALFORMED: &str = "is not a valid URL";
        const USER_INFO: &str = "contains a user name or a password";
        const QUERY: &str = "contains a query or a fragment";
        for (url, error) in [
            ("localhost:5000", SCHEME),
            ("ftp://sts.example", SCHEME),
            ("://sts.example", SCHEME),
            ("", SCHEME),
            ("https://", MALFORMED),
            ("https:///path", MALFORMED),
            ("https://:443", MALFORMED),
            ("https://[::1", MALFORMED),
            ("https://::1", MALFORMED),
            ("https://[::1]x", MALFORMED),
            ("https://[sts.example]", MALFORMED),
            ("https://sts.example:443:443", MALFORMED),
            ("https://sts.example:", MALFORMED),
            ("https://sts.example:0", MALFORMED),
            ("https://sts.example:65536", MALFORMED),
            ("https://sts.example:+443", MALFORMED),
            ("https://sts.example:https", MALFORMED),
            ("https://sts example", MALFORMED),
            (" https://sts.example", SCHEME),
            ("https://sts.example ", MALFORMED),
            ("https://sts.example\n", MALFORMED),
            ("https://sts.ex\u{e4}mple", MALFORMED),
            ("https://me:secret@sts.example", USER_INFO),
            ("https://me@sts.example", USER_INFO),
            ("https://sts.example?Action=x", QUERY),
            ("https://sts.example/#top", QUERY),
        ] {
            assert_eq!(Endpoint::parse(url).err(), Some(error), "{url}");
        }
    }
}
