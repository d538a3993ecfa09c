//! How much of the internet a list of ranges holds together.
//!
//! Ranges are added up before they are judged: two halves of the internet are all of it, and one that only leaves out a
//! few addresses is as good as all. Private and reserved addresses do not count, so a network's own range is never wide.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// IPv4 addresses that nobody on the internet has.
const NOT_PUBLIC: [(Ipv4Addr, u8); 12] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// The IPv6 addresses that are given out: `2000::/3`.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// More public IPv4 addresses than this are the world: an eighth of all there can be. Nobody has so many.
const WORLD_V4: u128 = 1 << 29;
/// So many public IPv4 addresses are more than who is meant: a /8.
const WIDE_V4: u128 = 1 << 24;
/// The same for IPv6: an eighth of what is given out, and a /16.
const WORLD_V6: u128 = 1 << 122;
const WIDE_V6: u128 = 1 << 112;

/// How much of the internet is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Somebody.
    Narrow,
    /// More than any one organisation.
    Wide,
    /// The world.
    World,
}

/// Inclusive ranges of addresses, sorted, that neither overlap nor touch.
#[derive(Debug, Clone, Default)]
struct Intervals(Vec<(u128, u128)>);

impl Intervals {
    fn of(mut ranges: Vec<(u128, u128)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// Returns how many addresses are in both.
    fn shared(&self, other: &Self) -> u128 {
        let of_one = |(first, last): &(u128, u128)| -> u128 {
            let common = other.0.iter().map(|(from, to)| (from.max(first), to.min(last)));
            let sizes =
                common.filter(|(from, to)| from <= to).map(|(from, to)| (to - from).saturating_add(1));
            sizes.fold(0, u128::saturating_add)
        };
        self.0.iter().map(of_one).fold(0, u128::saturating_add)
    }
}

fn bounds(net: &IpNet) -> (u128, u128) {
    match net {
        IpNet::V4(net) => (u128::from(net.network().to_bits()), u128::from(net.broadcast().to_bits())),
        IpNet::V6(net) => (net.network().to_bits(), net.broadcast().to_bits()),
    }
}

/// Returns how many addresses of the internet are in `ranges` and not in `except`.
fn public(ranges: &[IpNet], except: &[IpNet], is_public: impl Fn(&IpNet) -> bool, rest: &Intervals) -> u128 {
    let of = |nets: &[IpNet]| nets.iter().filter(|net| is_public(net)).map(bounds).collect::<Vec<_>>();
    let let_in = Intervals::of(of(ranges));
    let mut left_out = of(except);
    left_out.extend(&rest.0);
    let all = let_in.0.iter().map(|(first, last)| (last - first).saturating_add(1));
    all.fold(0, u128::saturating_add).saturating_sub(let_in.shared(&Intervals::of(left_out)))
}

/// Returns how many IPv4 and IPv6 addresses of the internet are in ranges and not in those that are left out.
fn on_the_internet(ranges: &[IpNet], except: &[IpNet]) -> (u128, u128) {
    let not_public: Vec<(u128, u128)> = NOT_PUBLIC
        .iter()
        .map(|(base, prefix)| {
            let first = u128::from(base.to_bits());
            (first, first + (1_u128 << (32 - prefix)) - 1)
        })
        .collect();
    let v4 = public(ranges, except, |net| matches!(net, IpNet::V4(_)), &Intervals::of(not_public));
    let (base, prefix) = (PUBLIC_V6.0.to_bits(), PUBLIC_V6.1);
    let last = base + (1_u128 << (128 - prefix)) - 1;
    let unused = Intervals(vec![(0, base - 1), (last + 1, u128::MAX)]);
    (v4, public(ranges, except, |net| matches!(net, IpNet::V6(_)), &unused))
}

/// Returns how much of the internet ranges hold together, without those that are left out.
pub(super) fn reach_without(ranges: &[IpNet], except: &[IpNet]) -> Reach {
    let (v4, v6) = on_the_internet(ranges, except);
    if v4 > WORLD_V4 || v6 > WORLD_V6 {
        Reach::World
    } else if v4 >= WIDE_V4 || v6 >= WIDE_V6 {
        Reach::Wide
    } else {
        Reach::Narrow
    }
}

/// Returns how much of the internet ranges hold together.
pub(super) fn reach(ranges: &[IpNet]) -> Reach {
    reach_without(ranges, &[])
}

/// Returns whether nobody on the internet has an address of the range.
pub(super) fn is_internal(range: &IpNet) -> bool {
    on_the_internet(std::slice::from_ref(range), &[]) == (0, 0)
}

/// Reads a range, or an address alone as the range of itself.
pub(super) fn parse(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| parse(text).unwrap()).collect()
    }

    #[test]
    fn the_world_is_the_world_however_it_is_cut() {
        for world in [
            &["0.0.0.0/0"][..],
            &["::/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["128.0.0.0/2"],
            &["2000::/3"],
            &["2000::/4", "3000::/4"],
            &["8.0.0.0/5", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/3"],
        ] {
            assert_eq!(reach(&nets(world)), Reach::World, "{world:?}");
        }
    }

    #[test]
    fn a_few_left_out_make_no_difference() {
        let world = nets(&["0.0.0.0/0"]);
        assert_eq!(reach_without(&world, &nets(&["192.0.2.1/32"])), Reach::World);
        assert_eq!(reach_without(&world, &nets(&["0.0.0.0/1", "128.0.0.0/1"])), Reach::Narrow);
    }

    #[test]
    fn a_range_of_nobody_on_the_internet_is_narrow() {
        for narrow in
            [&["10.0.0.0/8"][..], &["224.0.0.0/3"], &["203.0.113.0/24"], &["8.0.0.0/9"], &["fd00::/8"], &[]]
        {
            assert_eq!(reach(&nets(narrow)), Reach::Narrow, "{narrow:?}");
        }
        assert_eq!(reach(&nets(&["8.0.0.0/8"])), Reach::Wide);
        assert_eq!(reach(&nets(&["32.0.0.0/3"])), Reach::Wide, "a /3 is the most that is not the world");
    }

    proptest! {
        /// Cutting ranges into halves, turning them around and repeating them changes nothing.
        #[test]
        fn it_does_not_matter_how_ranges_are_written(
            ranges in prop::collection::vec((any::<u32>(), 0_u8..=31), 0..8),
            salt in any::<u8>(),
        ) {
            let whole: Vec<IpNet> =
                ranges.iter().map(|(base, prefix)| IpNet::new(Ipv4Addr::from_bits(*base).into(), *prefix).unwrap().trunc()).collect();
            let mut cut: Vec<IpNet> = whole
                .iter()
                .enumerate()
                .flat_map(|(at, net)| match (salt >> (at % 8)) & 1 {
                    0 => vec![*net, *net],
                    _ => net.subnets(net.prefix_len() + 1).unwrap().collect(),
                })
                .collect();
            cut.reverse();
            prop_assert_eq!(reach(&whole), reach(&cut));
        }

        /// More ranges never reach less.
        #[test]
        fn what_is_added_never_narrows(base in any::<u32>(), prefix in 0_u8..=32, more in any::<u32>(), size in 0_u8..=32) {
            let net = |base, prefix| IpNet::new(Ipv4Addr::from_bits(base).into(), prefix).unwrap().trunc();
            let one = reach(&[net(base, prefix)]);
            prop_assert!(reach(&[net(base, prefix), net(more, size)]) >= one);
        }
    }
}
