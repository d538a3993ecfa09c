//! Address arithmetic: which range a region has, and how a VPC is cut into subnets.
//!
//! Pure. The ranges are a function of the region's name, so adding a region moves no other. Zones are not chosen here:
//! the layout says how the nth subnet lies, lowering says in which zone.

use std::net::Ipv4Addr;

use sha1::{Digest, Sha1};

use crate::ids::{Cidr, Region};

/// Longest prefix of a subnet, and the prefix of every public one.
pub const SUBNET_MAX_PREFIX: u8 = 28;
/// Shortest prefix of a VPC.
pub const VPC_MIN_PREFIX: u8 = 16;

/// The range of a starter's only VPC.
pub const STARTER_CIDR: Cidr = Cidr::constant([10, 0, 0, 0], 16);

/// Service addresses of every cluster.
pub const SERVICE_CIDR: Cidr = Cidr::constant([172, 20, 0, 0], 16);

/// The ranges that no VPC may overlap, and who uses each.
pub const RESERVED_RANGES: [(Cidr, &str); 4] = [
    (SERVICE_CIDR, "the clusters' service addresses"),
    (Cidr::constant([172, 17, 0, 0], 16), "the container bridge of the nodes"),
    (Cidr::constant([100, 64, 0, 0], 10), "Tailscale"),
    (Cidr::constant([169, 254, 0, 0], 16), "link-local addresses and instance metadata"),
];

/// The private ranges (RFC 1918), in one of which a VPC must lie.
pub const PRIVATE_RANGES: [Cidr; 3] = [
    Cidr::constant([10, 0, 0, 0], 8),
    Cidr::constant([172, 16, 0, 0], 12),
    Cidr::constant([192, 168, 0, 0], 16),
];

/// Regions with a number of their own; every other takes one from its name.
const REGION_NUMBERS: &[(&str, u8)] = &[
    ("us-east-1", 1),
    ("us-east-2", 2),
    ("us-west-1", 10),
    ("us-west-2", 11),
    ("eu-west-1", 20),
    ("eu-west-2", 21),
    ("eu-central-1", 22),
    ("eu-north-1", 23),
    ("ap-southeast-1", 40),
    ("ap-southeast-2", 41),
    ("ap-northeast-1", 42),
    ("ap-northeast-2", 43),
    ("ap-south-1", 44),
    ("ca-central-1", 70),
    ("sa-east-1", 80),
];

/// Returns the range of a region's VPC, 10.N.0.0/16.
///
/// N is fixed for the common regions, else 100 plus the SHA-1 of the region's name modulo 100; so two uncommon regions
/// may share a range, which the configuration's checks report.
pub fn region_cidr(region: &Region) -> Cidr {
    let number = REGION_NUMBERS
        .iter()
        .find(|(name, _)| *name == region.as_str())
        .map_or_else(|| 100 + hash_mod_100(region.as_str()), |(_, number)| *number);
    Cidr::constant([10, number, 0, 0], 16)
}

/// The SHA-1 of `text` as a big-endian integer, modulo 100.
fn hash_mod_100(text: &str) -> u8 {
    let digest = Sha1::digest(text.as_bytes());
    let rest = digest.iter().fold(0u32, |rest, byte| (rest * 256 + u32::from(*byte)) % 100);
    u8::try_from(rest).expect("a rest modulo 100 fits a byte")
}

/// The subnets of a VPC, in the order of their zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetLayout {
    /// Subnets of the nodes and of everything else that runs.
    pub private: Vec<Cidr>,
    /// Subnets of the NAT gateways; the nth lies in the zone of the nth private one.
    pub public: Vec<Cidr>,
}

/// Why a VPC cannot be cut as wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The VPC is smaller than the smallest subnet.
    #[error("a VPC of {vpc} is smaller than the smallest subnet, a /{SUBNET_MAX_PREFIX}")]
    VpcTooSmall {
        /// The VPC's range.
        vpc: Cidr,
    },
    /// No private subnet was asked for.
    #[error("a VPC needs at least one private subnet")]
    NoPrivateSubnet,
    /// The subnets do not fit.
    #[error("{vpc} has no room for {private} private and {public} public subnets")]
    NoRoom {
        /// The VPC's range.
        vpc: Cidr,
        /// Private subnets wanted.
        private: usize,
        /// Public subnets wanted.
        public: usize,
    },
}

/// Cuts a VPC into equal private subnets from its start and /28 public ones from its end.
///
/// The private ones are the first `private` blocks at the shortest prefix that leaves at least one block over and
/// overlaps no public subnet.
///
/// ```
/// use skyplat_core::config::addresses::subnet_layout;
///
/// let layout = subnet_layout("10.1.0.0/16".parse().unwrap(), 3, 1).unwrap();
/// assert_eq!(layout.private[2].to_string(), "10.1.128.0/18");
/// assert_eq!(layout.public[0].to_string(), "10.1.255.240/28");
/// ```
///
/// # Errors
/// When the VPC is longer than a /28, when `private` is zero, or when no prefix fits.
pub fn subnet_layout(vpc: Cidr, private: usize, public: usize) -> Result<SubnetLayout, AddressError> {
    if vpc.prefix() > SUBNET_MAX_PREFIX {
        return Err(AddressError::VpcTooSmall { vpc });
    }
    if private == 0 {
        return Err(AddressError::NoPrivateSubnet);
    }
    let no_room = AddressError::NoRoom { vpc, private, public };
    let small_blocks = blocks(vpc, SUBNET_MAX_PREFIX);
    let publics: Option<Vec<Cidr>> = (1..=public as u64)
        .map(|back| small_blocks.checked_sub(back).and_then(|index| block(vpc, SUBNET_MAX_PREFIX, index)))
        .collect();
    let Some(publics) = publics else { return Err(no_room) };
    for prefix in vpc.prefix()..=SUBNET_MAX_PREFIX {
        if blocks(vpc, prefix) <= private as u64 {
            continue;
        }
        let privates: Option<Vec<Cidr>> =
            (0..private as u64).map(|index| block(vpc, prefix, index)).collect();
        if let Some(privates) = privates
            && !privates.iter().any(|a| publics.iter().any(|b| a.overlaps(b)))
        {
            return Ok(SubnetLayout { private: privates, public: publics });
        }
    }
    Err(no_room)
}

/// How many blocks of `prefix` bits `vpc` holds.
fn blocks(vpc: Cidr, prefix: u8) -> u64 {
    1 << (prefix - vpc.prefix())
}

/// The block of `prefix` bits at `index` in `vpc`.
fn block(vpc: Cidr, prefix: u8, index: u64) -> Option<Cidr> {
    if index >= blocks(vpc, prefix) {
        return None;
    }
    let base = u64::from(u32::from(vpc.base())) + (index << (32 - prefix));
    Cidr::new(Ipv4Addr::from(u32::try_from(base).ok()?), prefix).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn regions_have_their_known_ranges() {
        for (region, number) in [
            ("us-east-1", 1),
            ("us-west-2", 11),
            ("eu-west-1", 20),
            ("sa-east-1", 80),
            ("ap-northeast-3", 104),
            ("eu-west-3", 143),
            ("me-central-1", 168),
            ("af-south-1", 182),
            ("eu-central-2", 196),
        ] {
            assert_eq!(region_cidr(&Region::new(region)), Cidr::constant([10, number, 0, 0], 16), "{region}");
        }
    }

    #[test]
    fn a_16_with_three_zones_is_cut_into_quarters() {
        let layout = subnet_layout(cidr("10.7.0.0/16"), 3, 1).unwrap();
        assert_eq!(layout.private, ["10.7.0.0/18", "10.7.64.0/18", "10.7.128.0/18"].map(cidr));
        assert_eq!(layout.public, ["10.7.255.240/28"].map(cidr));
    }

    #[test]
    fn one_public_subnet_per_zone_goes_down_from_the_end() {
        let layout = subnet_layout(cidr("10.7.0.0/16"), 3, 3).unwrap();
        assert_eq!(layout.public, ["10.7.255.240/28", "10.7.255.224/28", "10.7.255.208/28"].map(cidr));
    }

    #[test]
    fn a_prefix_is_lengthened_until_the_public_subnets_are_clear() {
        // Eight /28 blocks: three /27 would leave one, of which the public ones need two.
        let layout = subnet_layout(cidr("10.0.0.0/25"), 3, 3).unwrap();
        assert_eq!(layout.private, ["10.0.0.0/28", "10.0.0.16/28", "10.0.0.32/28"].map(cidr));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(matches!(subnet_layout(cidr("10.0.0.0/29"), 1, 1), Err(AddressError::VpcTooSmall { .. })));
        assert_eq!(subnet_layout(cidr("10.0.0.0/16"), 0, 1), Err(AddressError::NoPrivateSubnet));
        assert!(matches!(subnet_layout(cidr("10.0.0.0/28"), 1, 1), Err(AddressError::NoRoom { .. })));
        assert!(matches!(subnet_layout(cidr("10.0.0.0/27"), 2, 1), Err(AddressError::NoRoom { .. })));
    }

    proptest! {
        #[test]
        fn subnets_lie_inside_and_never_overlap(
            base in any::<u32>(), prefix in 16u8..=28, private in 1usize..8, public in 0usize..8,
        ) {
            let vpc = Cidr::new(Ipv4Addr::from(base), prefix).unwrap();
            if let Ok(layout) = subnet_layout(vpc, private, public) {
                prop_assert_eq!((layout.private.len(), layout.public.len()), (private, public));
                let all: Vec<Cidr> = layout.private.iter().chain(&layout.public).copied().collect();
                for (at, one) in all.iter().enumerate() {
                    prop_assert!(vpc.contains(one) && one.prefix() <= SUBNET_MAX_PREFIX);
                    prop_assert!(all[at + 1..].iter().all(|other| !one.overlaps(other)));
                }
            } else {
                // Refused only when even /28 blocks do not suffice, with the one block that is left over.
                let room = 1usize << (28 - prefix);
                prop_assert!(private + public.max(1) > room);
            }
        }

        #[test]
        fn every_region_name_has_a_private_range(name in ".*") {
            let vpc = region_cidr(&Region::new(name));
            prop_assert!(PRIVATE_RANGES.iter().any(|range| range.contains(&vpc)));
            prop_assert!(RESERVED_RANGES.iter().all(|(reserved, _)| !reserved.overlaps(&vpc)));
        }
    }
}
