//! AWS's partitions.

use strsim::osa_distance;

/// The regions of all partitions but the isolated ones, without their numbers.
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const AREAS: [&str; 23] = [
    "af-south",
    "ap-east",
    "ap-northeast",
    "ap-south",
    "ap-southeast",
    "ca-central",
    "ca-west",
    "cn-north",
    "cn-northwest",
    "eu-central",
    "eu-north",
    "eu-south",
    "eu-west",
    "eusc-de-east",
    "il-central",
    "me-central",
    "me-south",
    "mx-central",
    "sa-east",
    "us-east",
    "us-gov-east",
    "us-gov-west",
    "us-west",
];

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

/// The region that `region` was probably meant to be, if its area has one typo: `us-esat-1`. A new number (`eu-west-9`)
/// or an unknown area is no typo.
pub fn misspelled(region: &str) -> Option<String> {
    let number = region.trim_start_matches(|c: char| !c.is_ascii_digit());
    let area = region.strip_suffix(number)?.trim_end_matches('-');
    if number.is_empty() || region == format!("{area}-{number}") && AREAS.contains(&area) {
        return None;
    }
    AREAS
        .iter()
        .find(|known| osa_distance(area, known) <= 1)
        .map(|known| format!("{known}-{number}"))
}

/// The partition that `name` was probably meant to be, if it has one typo. The isolated partitions do not count: their
/// own names differ by one letter.
pub fn misspelled_name(name: &str) -> Option<&'static str> {
    let known = || OTHERS.iter().map(|(name, ..)| *name).chain(["aws"]);
    if known().any(|known| known == name) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    known()
        .filter(|known| !known.starts_with("aws-iso-"))
        .find(|known| osa_distance(&name, known) <= 1)
}

/// The first region of a partition, for requests without a configured region.
pub fn default_region(partition: &str) -> &'static str {
    OTHERS
        .iter()
        .find(|(name, ..)| *name == partition)
        .map_or("us-east-1", |(_, _, first)| first)
}

/// The partition of a region, by its prefix.
pub fn of_region(region: &str) -> &'static str {
    OTHERS
        .iter()
        .find(|(_, start, _)| region.starts_with(start))
        .map_or("aws", |(name, ..)| name)
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
    fn partition_with_one_typo_is_misspelled() {
        for (name, meant) in [
            ("asw", "aws"),
            ("AWS", "aws"),
            ("aws-ch", "aws-cn"),
            ("aws-us-gv", "aws-us-gov"),
        ] {
            assert_eq!(misspelled_name(name), Some(meant), "{name}");
        }
        for name in [
            "aws",
            "aws-cn",
            "aws-iso-f",
            "aws-iso-g",
            "aws-new",
            "",
            "x",
        ] {
            assert_eq!(misspelled_name(name), None, "{name}");
        }
    }

    #[test]
    fn region_with_one_typo_is_misspelled() {
        for (region, meant) in [
            ("us-esat-1", "us-east-1"),
            ("us-east1", "us-east-1"),
            ("eu-wst-2", "eu-west-2"),
            ("eu-cenrtal-1", "eu-central-1"),
        ] {
            assert_eq!(misspelled(region).as_deref(), Some(meant), "{region}");
        }
        for region in [
            "us-east-1",
            "eu-west-9",
            "ap-northwest-1",
            "us-iso-east-1",
            "the moon",
            "",
            "1",
        ] {
            assert_eq!(misspelled(region), None, "{region}");
        }
        for area in AREAS {
            assert_eq!(misspelled(&format!("{area}-1")), None);
        }
    }
}
