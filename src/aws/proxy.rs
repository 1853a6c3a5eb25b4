//! The HTTP proxy between this machine and AWS.

use super::endpoint::Endpoint;
use aws_smithy_http_client::proxy::ProxyConfig;
use hyper_util::client::proxy::matcher::Matcher;
use std::fmt;

/// An HTTP proxy. It is shown without its user name and password.
#[derive(Clone)]
pub struct Proxy {
    /// For the HTTP client, including user name and password.
    pub(super) config: ProxyConfig,
    /// Its own URL, without user name and password.
    pub(super) address: Endpoint,
}

/// Why a text is not a proxy's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// It is not an `http` or `https` URL with a host and nothing after it.
    Malformed,
    /// The user name or the password contains a character that must be percent-encoded, such as `%40` for `@`.
    Unencoded,
}

impl Proxy {
    /// The proxy at the URL `text`. The default scheme is `http`, as in curl.
    ///
    /// # Errors
    /// It is not the URL of an HTTP proxy.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (user, host) = match rest.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(['@', '/', '?', '#'])) {
            return Err(ProxyError::Unencoded);
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        let address = Endpoint::parse(&format!("{scheme}://{host}"))
            .ok()
            .filter(|_| !host.contains('/'))
            .ok_or(ProxyError::Malformed)?;
        // The host is valid, so the error is before it.
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let config = ProxyConfig::all(format!("{scheme}://{user}{host}"))
            .map_err(|_| ProxyError::Unencoded)?;
        Ok(Proxy { config, address })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// Whether `no_proxy`, a list like `NO_PROXY` (hosts, domains, address ranges), contains `endpoint`.
pub fn is_exempt(endpoint: &Endpoint, no_proxy: &str) -> bool {
    // In the matcher, `*` matches every name but no address; in curl, it matches everything.
    let matcher = Matcher::builder().all("http://proxy").no(no_proxy).build();
    no_proxy.trim() == "*" || matcher.intercept(endpoint.uri()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example:3128/", "http://proxy.example:3128"),
            ("me:secret@proxy.example", "http://proxy.example"),
            ("https://me:s%40cret%2F@[::1]:3128/", "https://[::1]:3128"),
            ("http://me:a:b@proxy.example", "http://proxy.example"),
        ] {
            assert_eq!(Proxy::parse(url).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn password_that_is_not_percent_encoded_is_an_error() {
        for url in [
            "http://me:P@ssw0rd@proxy.example",
            "http://me:P/ss@proxy.example:3128",
            "http://me:P?ss@proxy.example",
            "me:P#ss@proxy.example",
            "http://a@b@c@proxy.example",
            "http://me:a b@proxy.example",
            "http://me:\u{fc}@proxy.example",
        ] {
            assert_eq!(
                Proxy::parse(url).err(),
                Some(ProxyError::Unencoded),
                "{url}"
            );
        }
    }

    #[test]
    fn malformed_url_is_an_error() {
        for url in [
            "",
            "http://",
            "http://me:secret@",
            "http://me:secret",
            "socks5://proxy.example:1080",
            "http://proxy.example/path",
            "http://proxy.example?query",
            "http://proxy.example:3128:3128",
            "http://[::1",
        ] {
            assert_eq!(
                Proxy::parse(url).err(),
                Some(ProxyError::Malformed),
                "{url}"
            );
        }
    }

    #[test]
    fn no_proxy_matches_hosts_domains_ranges_and_the_asterisk() {
        let excepted = |host: &str, no_proxy: &str| {
            is_exempt(
                &Endpoint::parse(&format!("https://{host}")).unwrap(),
                no_proxy,
            )
        };
        for (host, no_proxy) in [
            ("sts.example", "sts.example"),
            ("sts.example:8443", "other, .example"),
            ("127.0.0.1", "10.0.0.0/8, 127.0.0.0/8"),
            ("127.0.0.1", " * "),
        ] {
            assert!(excepted(host, no_proxy), "{host} {no_proxy}");
        }
        for (host, no_proxy) in [("sts.example", ""), ("sts.example", "ts.example")] {
            assert!(!excepted(host, no_proxy), "{host} {no_proxy}");
        }
    }
}
