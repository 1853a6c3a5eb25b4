//! AWS's partitions.

/// The first region of a partition, for requests where nothing names a region.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
pub fn default_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// The partition of a region, by the beginning of its name.
pub fn of_region(region: &str) -> &'static str {
    [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ]
    .iter()
    .find(|(start, _)| region.starts_with(start))
    .map_or("aws", |(_, partition)| partition)
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
}
