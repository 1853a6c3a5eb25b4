//! AWS's partitions.

/// The partitions other than `aws`: the name, the prefix of its regions, and its first region.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
const OTHERS: [(&str, &str, &str); 7] = [
    ("aws-cn", "cn-", "cn-north-1"),
    ("aws-us-gov", "us-gov-", "us-gov-west-1"),
    ("aws-iso", "us-iso-", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-", "us-isof-south-1"),
    ("aws-eusc", "eusc-", "eusc-de-east-1"),
];

/// Whether a region can have this name: words, then a number. AWS's next region is not known.
pub fn is_region(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let (words, number) = name.rsplit_once('-').unwrap_or_default();
    words.contains('-') && words.split('-').all(is_word) && number.parse::<u8>().is_ok()
}

/// The first region of a partition, for requests without a configured region.
pub fn default_region(partition: &str) -> &'static str {
    let found = OTHERS.iter().find(|(name, ..)| *name == partition);
    found.map_or("us-east-1", |(_, _, first)| first)
}

/// The partition of a region, by its prefix.
pub fn of_region(region: &str) -> &'static str {
    let found = OTHERS
        .iter()
        .find(|(_, start, _)| region.starts_with(start));
    found.map_or("aws", |(name, ..)| name)
}

/// Where a partition has its console.
pub struct Console {
    /// The URL of its sign-in.
    pub sign_in: String,
    /// Its domain: each service and each region has a host below it.
    pub domain: &'static str,
}

/// The console of a partition, which is signed in to in `region` where each region has a host for that. `None` if its hosts
/// are not public.
/// <https://docs.aws.amazon.com/general/latest/gr/signin-service.html>
pub fn console(partition: &str, region: &str) -> Option<Console> {
    let (host, domain) = match partition {
        "aws" => ("signin.aws.amazon.com".to_owned(), "console.aws.amazon.com"),
        "aws-cn" => ("signin.amazonaws.cn".to_owned(), "console.amazonaws.cn"),
        "aws-us-gov" => (
            "signin.amazonaws-us-gov.com".to_owned(),
            "console.amazonaws-us-gov.com",
        ),
        "aws-eusc" => (
            format!("{region}.signin.amazonaws-eusc.eu"),
            "console.amazonaws-eusc.eu",
        ),
        _ => return None,
    };
    let sign_in = format!("https://{host}");
    Some(Console { sign_in, domain })
}

/// Where users of an account sign in with their password, if that is known.
/// <https://docs.aws.amazon.com/signin/latest/userguide/iam-user-sign-in-tutorial.html>
pub fn sign_in_page(partition: &str, account: Option<&str>) -> Option<String> {
    let Console { sign_in, domain } = console(partition, default_region(partition))?;
    Some(match account.filter(|_| partition != "aws-eusc") {
        Some(account) => sign_in.replace("https://", &format!("https://{account}.")) + "/console",
        None => format!("https://{domain}/"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::endpoint::Endpoint;
    use crate::aws::iam;

    #[test]
    fn each_partition_has_one_iam_signed_for_its_first_region() {
        for (partition, fips) in [
            ("aws", true),
            ("aws-cn", false),
            ("aws-us-gov", true),
            ("aws-iso", false),
            ("aws-iso-b", false),
            ("aws-iso-e", false),
            ("aws-iso-f", false),
            ("aws-eusc", false),
        ] {
            assert_eq!(of_region(default_region(partition)), partition);
            let url = iam::endpoint(partition, false).unwrap();
            assert!(Endpoint::parse(url).is_ok(), "{url}");
            assert_eq!(iam::endpoint(partition, true).is_some(), fips);
        }
        assert_eq!(of_region("eu-west-1"), "aws");
    }

    #[test]
    fn region_is_words_and_a_number() {
        for name in [
            "us-east-1",
            "us-gov-west-1",
            "mx-south-12",
            "us-isob-east-1",
        ] {
            assert!(is_region(name), "{name}");
        }
        for name in [
            "",
            "1",
            "europe",
            "eu-1",
            "eu-west",
            "eu-west-1a",
            "us-east1",
            "EU-WEST-1",
            "eu-west-1 ",
        ] {
            assert!(!is_region(name), "{name}");
        }
    }
}
