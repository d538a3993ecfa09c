//! The regions that exist, and the partition of each.
//!
//! A table, because a mistyped region must be found before anything is asked of a cloud.

use crate::ids::{Partition, Region};

/// The regions of the commercial partition.
const COMMERCIAL: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The regions of the Chinese partition.
const CHINA: &[&str] = &["cn-north-1", "cn-northwest-1"];

/// The regions of the partition of the United States government.
const GOVERNMENT: &[&str] = &["us-gov-east-1", "us-gov-west-1"];

/// Returns the partition of a region, or none when there is no such region.
pub fn partition_of(region: &Region) -> Option<Partition> {
    let name = region.as_str();
    [("aws", COMMERCIAL), ("aws-cn", CHINA), ("aws-us-gov", GOVERNMENT)]
        .into_iter()
        .find(|(_, regions)| regions.contains(&name))
        .map(|(partition, _)| Partition::new(partition))
}

/// Returns the name of every region.
pub fn known_regions() -> impl Iterator<Item = &'static str> {
    COMMERCIAL.iter().chain(CHINA).chain(GOVERNMENT).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_one_partition_by_its_prefix() {
        for name in known_regions() {
            let expected = match name {
                _ if name.starts_with("cn-") => "aws-cn",
                _ if name.starts_with("us-gov-") => "aws-us-gov",
                _ => "aws",
            };
            assert_eq!(partition_of(&Region::new(name)), Some(Partition::new(expected)), "{name}");
        }
        assert_eq!(partition_of(&Region::new("us-west-9")), None);
    }
}
