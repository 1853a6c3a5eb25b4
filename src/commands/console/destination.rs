//! Where the console is opened: its home page, a service, or one of its URLs.

use crate::error::Failure;
use crate::escape::quote;

/// Services whose path in the console is not their name in the AWS CLI.
const OTHER_PATHS: [(&str, &str); 8] = [
    ("dynamodb", "dynamodbv2"),
    ("eventbridge", "events"),
    ("logs", "cloudwatch"),
    ("redshift", "redshiftv2"),
    ("ssm", "systems-manager"),
    ("sso", "singlesignon"),
    ("stepfunctions", "states"),
    ("waf", "wafv2"),
];

/// Where the console is opened.
#[derive(Debug, PartialEq, Eq)]
pub enum Destination {
    /// The home page of the console, or of a service, at this path.
    Home(String),
    /// This URL.
    Url(String),
}

impl Destination {
    /// The destination that `text` names, in a console whose hosts are `domain` and those below it.
    ///
    /// # Errors
    /// It is neither a service nor a URL of the console.
    pub fn parse(text: Option<&str>, domain: &str) -> Result<Self, Failure> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Destination::Home("console".to_owned()));
        };
        let hint = || {
            format!(
                "name a service, such as ec2, or a URL with https://{domain}/ or a host below it"
            )
        };
        let fault = |what: String| Err(Failure::usage(what).hint(hint()));
        let lower = text.to_ascii_lowercase();
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if lower.bytes().all(is_letter) {
            let known = OTHER_PATHS.iter().find(|(service, _)| *service == lower);
            return Ok(Destination::Home(
                known.map_or(lower.clone(), |(_, path)| (*path).to_owned()),
            ));
        }
        let Some(rest) = lower.strip_prefix("https://") else {
            return fault(format!(
                "not a service or a URL of the console: {}",
                quote(text)
            ));
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.strip_suffix(":443").unwrap_or(authority);
        // Nothing that a browser could read in another way than this: no user name, no backslash, no tab.
        let is_host = !host.is_empty() && host.bytes().all(|byte| is_letter(byte) || byte == b'.');
        let is_of_console = host
            .strip_suffix(domain)
            .is_some_and(|below| below.is_empty() || below.ends_with('.'));
        let is_hidden = |c: char| c.is_whitespace() || c.is_control();
        match is_host && is_of_console && !text.contains(is_hidden) {
            true => Ok(Destination::Url(text.to_owned())),
            false => fault(format!("not a URL of the console: {}", quote(text))),
        }
    }

    /// The URL, in `region` if that is known: a URL of the user's stays as it is.
    pub fn url(&self, domain: &str, region: Option<&str>) -> String {
        let path = match self {
            Destination::Url(url) => return url.clone(),
            Destination::Home(path) => path,
        };
        match region {
            Some(region) => format!("https://{region}.{domain}/{path}/home?region={region}"),
            None => format!("https://{domain}/{path}/home"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "console.aws.amazon.com";

    fn parsed(text: &str) -> Option<Destination> {
        Destination::parse(Some(text), DOMAIN).ok()
    }

    #[test]
    fn service_has_a_home_page_in_its_region() {
        for (text, path) in [("", "console"), ("EC2", "ec2"), ("ssm", "systems-manager")] {
            let destination = parsed(text).unwrap();
            assert_eq!(
                destination.url(DOMAIN, Some("eu-west-1")),
                format!("https://eu-west-1.{DOMAIN}/{path}/home?region=eu-west-1")
            );
            assert_eq!(
                destination.url(DOMAIN, None),
                format!("https://{DOMAIN}/{path}/home")
            );
        }
    }

    #[test]
    fn url_must_be_of_a_console_host() {
        for url in [
            "https://console.aws.amazon.com",
            "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#Instances:tag=a%20b",
            "HTTPS://S3.Console.AWS.amazon.com:443/s3/buckets/Ordner-\u{e4}",
            "https://123-abc.us-east-1.console.aws.amazon.com?a=b",
        ] {
            assert_eq!(parsed(url), Some(Destination::Url(url.to_owned())), "{url}");
        }
        for url in [
            "http://console.aws.amazon.com/",
            "https://s3.amazonaws.com/bucket/page.html",
            "https://aws.amazon.com/",
            "https://evil.example/console.aws.amazon.com",
            "https://evil.example?.console.aws.amazon.com",
            "https://evil.example#.console.aws.amazon.com",
            "https://evil.example\\.console.aws.amazon.com",
            "https://evilconsole.aws.amazon.com/",
            "https://console.aws.amazon.com.evil.example/",
            "https://console.aws.amazon.com@evil.example/",
            "https://me:pw@console.aws.amazon.com/",
            "https://console.aws.amazon.com:8443/",
            "https://console.aws.amazon.com\\@evil.example/",
            "https://console.aws.amazon.com/\nx",
            "https://ev\til.console.aws.amazon.com/",
            "https://console.amazonaws.cn/",
            "https:///console.aws.amazon.com/",
            "https:console.aws.amazon.com",
            "console.aws.amazon.com/ec2",
            "//console.aws.amazon.com/",
            "ec2/home",
            "ec2 s3",
        ] {
            assert_eq!(parsed(url), None, "{url}");
        }
    }
}
