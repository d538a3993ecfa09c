//! Small typed names that every stage shares: regions, zones, accounts, partitions, address ranges.
//!
//! They are newtypes so that a region is never passed where an account is wanted. None of them talks to a cloud; what
//! exists in an account is a fact (see [`crate::facts`]).

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Declares a text newtype with the conversions every name needs.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Wraps a text without checking that such a thing exists.
            pub fn new(text: impl Into<SmolStr>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl $crate::value::ToTree for $name {
            fn to_tree(&self) -> $crate::value::Tree {
                $crate::value::Tree::String(self.0.clone())
            }
        }
    };
}

name_type!(
    /// An AWS region, such as `us-west-2`.
    Region
);
name_type!(
    /// A twelve-digit AWS account id.
    AccountId
);
name_type!(
    /// An AWS partition: `aws`, `aws-cn` or `aws-us-gov`.
    Partition
);
name_type!(
    /// The name of an availability zone, such as `us-west-2a`.
    ZoneName
);
name_type!(
    /// The id of a VPC, such as `vpc-0a1b`.
    VpcId
);
name_type!(
    /// The id of a subnet.
    SubnetId
);
name_type!(
    /// The id of a security group.
    SecurityGroupId
);
name_type!(
    /// The id of one rule of a security group.
    SecurityGroupRuleId
);
name_type!(
    /// The id of a route table.
    RouteTableId
);
name_type!(
    /// The id of a subnet's association with a route table.
    RouteTableAssociationId
);
name_type!(
    /// The id of a NAT gateway.
    NatGatewayId
);
name_type!(
    /// The id of an internet gateway.
    InternetGatewayId
);
name_type!(
    /// The id of an Elastic IP address.
    AllocationId
);
name_type!(
    /// The id of a VPC peering connection.
    PeeringId
);
name_type!(
    /// The id of a VPC endpoint.
    VpcEndpointId
);
name_type!(
    /// The ARN of an IAM role.
    RoleArn
);
name_type!(
    /// The ARN of an IAM policy.
    PolicyArn
);
name_type!(
    /// The ARN of an IAM OpenID Connect provider.
    OidcProviderArn
);
name_type!(
    /// The ARN of an SQS queue.
    QueueArn
);
name_type!(
    /// The ARN of a CloudWatch log group, without `:*` at its end.
    LogGroupArn
);

impl ZoneName {
    /// Returns the zone's letter (`a` of `us-west-2a`), by which its subnets are named.
    pub fn letter(&self) -> &str {
        let start = self.0.char_indices().last().map_or(0, |(at, _)| at);
        &self.0[start..]
    }
}

name_type!(
    /// The id of an EFS file system, such as `fs-0123456789abcdef0`.
    FileSystemId
);
name_type!(
    /// The id of a Route 53 hosted zone, without `/hostedzone/`.
    HostedZoneId
);
name_type!(
    /// The id of a Cognito user pool.
    UserPoolId
);
name_type!(
    /// The id of a client of a Cognito user pool.
    UserPoolClientId
);

/// An IPv4 address range in CIDR notation, always with its host bits cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Ipv4Net", into = "Ipv4Net")]
pub struct Cidr(Ipv4Net);

impl From<Ipv4Net> for Cidr {
    fn from(net: Ipv4Net) -> Self {
        Self(net.trunc())
    }
}

impl From<Cidr> for Ipv4Net {
    fn from(cidr: Cidr) -> Self {
        cidr.0
    }
}

impl Cidr {
    /// Every address.
    pub const EVERYWHERE: Self = Self::constant([0, 0, 0, 0], 0);

    /// Makes a range that is known when the program is written.
    ///
    /// # Panics
    /// When `prefix` is longer than 32; in a constant that is a compile error.
    pub const fn constant(address: [u8; 4], prefix: u8) -> Self {
        assert!(prefix <= 32, "a prefix has at most 32 bits");
        let mask = if prefix == 0 { 0 } else { u32::MAX << (32 - prefix) };
        Self(Ipv4Net::new_assert(Ipv4Addr::from_bits(u32::from_be_bytes(address) & mask), prefix))
    }

    /// Makes the range of `prefix` bits that contains `address`.
    ///
    /// # Errors
    /// When `prefix` is longer than 32.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Result<Self, ipnet::PrefixLenError> {
        Ok(Self(Ipv4Net::new(address, prefix)?.trunc()))
    }

    /// Returns the range as an [`Ipv4Net`].
    pub fn net(&self) -> Ipv4Net {
        self.0
    }

    /// Returns the first address.
    pub fn base(&self) -> Ipv4Addr {
        self.0.network()
    }

    /// Returns the prefix length in bits.
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Returns whether the two ranges share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }

    /// Returns whether `other` lies wholly inside this range.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cidr {
    type Err = ipnet::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse::<Ipv4Net>()?.trunc()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_symmetric_and_nested_ranges_overlap() {
        let vpc: Cidr = "10.1.0.0/16".parse().unwrap();
        let subnet: Cidr = "10.1.64.0/18".parse().unwrap();
        let other: Cidr = "10.2.0.0/16".parse().unwrap();
        assert!(vpc.overlaps(&subnet) && subnet.overlaps(&vpc));
        assert!(!vpc.overlaps(&other));
    }

    #[test]
    fn host_bits_are_cleared_however_a_range_is_made() {
        let vpc: Cidr = "10.1.0.0/16".parse().unwrap();
        assert_eq!("10.1.2.3/16".parse::<Cidr>().unwrap(), vpc);
        assert_eq!(serde_json::from_str::<Cidr>("\"10.1.2.3/16\"").unwrap(), vpc);
        assert_eq!(Cidr::constant([10, 1, 2, 3], 16), vpc);
        assert_eq!(serde_json::to_string(&vpc).unwrap(), "\"10.1.0.0/16\"");
    }

    #[test]
    fn a_zone_is_known_by_its_letter() {
        assert_eq!(ZoneName::new("us-west-2a").letter(), "a");
    }
}
