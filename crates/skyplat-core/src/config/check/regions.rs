//! Regions, their address ranges and their zones.

use std::collections::BTreeMap;

use super::{Finding, Findings, RegionView, region_views};
use crate::config::addresses::{
    AddressError, PRIVATE_RANGES, RESERVED_RANGES, VPC_MIN_PREFIX, subnet_layout,
};
use crate::config::code::Code;
use crate::config::location::item_path;
use crate::config::model::{PlatformConfig, Shape};
use crate::config::regions::{known_regions, partition_of};
use crate::config::report::quoted;
use crate::config::suggest::closest;
use crate::config::words::{Nat, Topology, Zones};
use crate::ids::{Cidr, Partition, Region};

/// Fewest zones a cluster runs in.
const MIN_ZONES: usize = 2;

/// Checks that every region exists, occurs once and shares the partition, and that the topology fits.
pub(super) fn check_regions(config: &PlatformConfig, findings: &mut Findings<'_>) {
    if let Shape::MultiRegion { regions, .. } = &config.shape
        && regions.is_empty()
        && !findings.locations.is_partial("regions")
    {
        findings.add(
            Finding::error(Code::EmptyList, "regions", "`regions` is empty")
                .hint("list at least one region: [us-east-1, us-west-2]"),
        );
    }
    if let (Shape::MultiRegion { .. }, Some(Topology::HubAndSpoke)) = (&config.shape, config.topology) {
        findings.add(
            Finding::error(
                Code::BadTopology,
                "topology",
                "`hub_and_spoke` needs a hub, and `regions` has none",
            )
            .hint("remove `topology`: regions without a hub form a full mesh; or use `hub` and `spokes`"),
        );
    }
    let views = region_views(config);
    let mut given: BTreeMap<&Region, &RegionView<'_>> = BTreeMap::new();
    let mut first_known: Option<(&RegionView<'_>, Partition)> = None;
    for view in &views {
        let path = view.path_of("region");
        if !findings.is_sound(&path) {
            continue;
        }
        let region = view.cluster.region;
        if let Some(first) = given.get(region) {
            let (message, hint) = if first.path == "hub" {
                (
                    format!("the hub's region {region} is among the spokes"),
                    "remove this spoke, and give its node pools and tenants to the hub",
                )
            } else {
                (
                    format!("the region {region} is given twice"),
                    "give each region once: move what this one holds into the first",
                )
            };
            findings.add(
                Finding::error(Code::DuplicateRegion, path, message)
                    .hint(hint)
                    .related(first.path_of("region"), "first given here"),
            );
            continue;
        }
        given.insert(region, view);
        let Some(partition) = partition_of(region) else {
            let known: Vec<&'static str> = known_regions().collect();
            let hint = match (zone_of(region.as_str()), closest(region.as_str(), &known)) {
                (Some(zone_region), _) => format!("this is a zone; its region is `{zone_region}`"),
                (None, Some(meant)) => format!("did you mean `{meant}`?"),
                (None, None) => "write the region's name as AWS does, such as us-west-2".into(),
            };
            let message = format!("{} is no AWS region", quoted(region.as_str()));
            findings.add(Finding::error(Code::UnknownRegion, path, message).hint(hint));
            continue;
        };
        let (first, other) = first_known.get_or_insert((view, partition.clone()));
        if *other != partition {
            let message = format!(
                "{region} is in the partition {partition}, {} in {other}: they cannot be connected",
                first.cluster.region
            );
            findings.add(
                Finding::error(Code::MixedPartitions, path, message)
                    .hint("use one file for each partition")
                    .related(first.path_of("region"), format!("in {other}")),
            );
        }
    }
}

/// The region of a zone's name: `us-west-2` of `us-west-2a`.
fn zone_of(text: &str) -> Option<&str> {
    let region = text.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    known_regions().any(|known| known == region).then_some(region)
}

/// Checks that every VPC's range is usable and that no two share addresses.
pub(super) fn check_addresses(config: &PlatformConfig, findings: &mut Findings<'_>) {
    let views: Vec<RegionView<'_>> = region_views(config)
        .into_iter()
        .filter(|view| {
            // The range of a region that does not exist says nothing.
            let chosen = view.own.is_none_or(|own| own.cidr.is_some());
            let known = chosen || partition_of(view.cluster.region).is_some();
            known && findings.is_sound(&view.path_of("region")) && findings.is_sound(&view.path_of("cidr"))
        })
        .collect();
    let free = free_range(&views);
    for (at, view) in views.iter().enumerate() {
        let path = cidr_path(config, view);
        let cidr = view.cluster.cidr;
        if let Some((_, user)) = RESERVED_RANGES.iter().find(|(range, _)| range.overlaps(&cidr)) {
            findings.add(
                Finding::error(Code::ReservedCidr, &path, format!("{cidr} overlaps the range of {user}"))
                    .hint("choose a range such as 10.1.0.0/16"),
            );
        } else if !PRIVATE_RANGES.iter().any(|range| range.contains(&cidr)) {
            findings.add(
                Finding::error(Code::PublicCidr, &path, format!("{cidr} is not a private range")).hint(
                    "choose one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, such as 10.1.0.0/16",
                ),
            );
        }
        check_size(view, &path, findings);
        let taken = views[..at].iter().find(|first| first.cluster.cidr.overlaps(&cidr));
        if let Some(first) = taken
            && first.cluster.region != view.cluster.region
        {
            let given = |view: &RegionView<'_>| view.own.is_some_and(|own| own.cidr.is_some());
            let both = if first.cluster.cidr == cidr {
                format!("both use {cidr}")
            } else {
                format!("overlap: {} and {cidr}", first.cluster.cidr)
            };
            let origin = if given(view) { "" } else { ", which follows from the region's name" };
            findings.add(
                Finding::error(
                    Code::CidrOverlap,
                    &path,
                    format!("{} and {} {both}{origin}", first.title(), view.title()),
                )
                .hint(format!("give one of them a range of its own, such as `cidr: {free}`"))
                .related(cidr_path(config, first), format!("{} here", first.cluster.cidr)),
            );
        }
    }
}

/// Where a region's range comes from: its `cidr`, else its name.
fn cidr_path(config: &PlatformConfig, view: &RegionView<'_>) -> String {
    let starter = matches!(config.shape, Shape::Starter { cidr: Some(_), .. });
    let given = starter || view.own.is_some_and(|own| own.cidr.is_some());
    view.path_of(if given { "cidr" } else { "region" })
}

/// The first 10.N.0.0/16 that no region of the platform touches.
fn free_range(views: &[RegionView<'_>]) -> String {
    (0..=255u8)
        .map(|number| Cidr::constant([10, number, 0, 0], 16))
        .find(|range| views.iter().all(|view| !view.cluster.cidr.overlaps(range)))
        .map_or_else(|| "192.168.0.0/16".into(), |range| range.to_string())
}

/// Checks that AWS takes a VPC of this size, and that its subnets fit.
fn check_size(view: &RegionView<'_>, path: &str, findings: &mut Findings<'_>) {
    let cidr = view.cluster.cidr;
    if cidr.prefix() < VPC_MIN_PREFIX {
        findings.add(
            Finding::error(
                Code::CidrSize,
                path,
                format!("{cidr} is larger than a VPC can be, a /{VPC_MIN_PREFIX}"),
            )
            .hint(format!("use a part of it, such as {}/{VPC_MIN_PREFIX}", cidr.base())),
        );
        return;
    }
    let zones = match &view.cluster.zones {
        Zones::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        Zones::Names(names) => names.len(),
    }
    .clamp(MIN_ZONES, MAX_ZONES);
    let public = if view.cluster.nat == Nat::PerAz { zones } else { 1 };
    let hint = match subnet_layout(cidr, zones, public) {
        Ok(_) => return,
        Err(AddressError::VpcTooSmall { .. }) => "a VPC has at least a /28, and a useful one a /20 or larger",
        Err(_) => "use a larger range: a /20 or larger leaves room for pods too",
    };
    let message = format!("{cidr} has no room for {zones} private and {public} public subnets");
    findings.add(Finding::error(Code::CidrSize, path, message).hint(hint));
}

/// More zones than any region has.
const MAX_ZONES: usize = 6;

/// Checks numbers and names of availability zones.
pub(super) fn check_zones(config: &PlatformConfig, findings: &mut Findings<'_>) {
    if let (Some(zones), false) = (&config.availability_zones, matches!(config.shape, Shape::Starter { .. }))
    {
        match zones {
            Zones::Count(_) => check_count(zones, "availability_zones", findings),
            Zones::Names(_) => findings.add(
                Finding::error(Code::BadZone, "availability_zones", "names of zones belong to one region")
                    .on_key()
                    .hint("give them in that region; for all regions give a number, such as `availability_zones: 3`"),
            ),
        }
    }
    for view in region_views(config) {
        let own = match view.own {
            Some(own) => own.availability_zones.as_ref(),
            None => config.availability_zones.as_ref(),
        };
        let Some(zones) = own else { continue };
        let path = view.path_of("availability_zones");
        check_count(zones, &path, findings);
        if let Zones::Names(names) = zones
            && findings.is_sound(&view.path_of("region"))
        {
            for (at, name) in names.iter().enumerate() {
                let item = item_path(&path, at);
                let region = view.cluster.region;
                let letter = name.as_str().strip_prefix(region.as_str());
                if names[..at].contains(name) {
                    findings.add(
                        Finding::error(Code::BadZone, item, format!("the zone {name} is given twice"))
                            .hint("give each zone once: two subnets in one zone survive its loss no better than one"),
                    );
                } else if !letter.is_some_and(|l| l.len() == 1 && l.bytes().all(|b| b.is_ascii_lowercase())) {
                    findings.add(
                        Finding::error(
                            Code::BadZone,
                            item,
                            format!("{} is no availability zone of {region}", quoted(name.as_str())),
                        )
                        .hint(format!("zones of {region} are named {region}a, {region}b, …")),
                    );
                }
            }
        }
    }
}

fn check_count(zones: &Zones, path: &str, findings: &mut Findings<'_>) {
    let count = match zones {
        Zones::Count(count) => *count,
        Zones::Names(names) => names.len() as u64,
    };
    if count < MIN_ZONES as u64 {
        findings.add(
            Finding::error(
                Code::TooFewZones,
                path,
                format!("{count} availability zones are too few: EKS needs two"),
            )
            .hint("use 3, the default, or 2"),
        );
    } else if count > MAX_ZONES as u64 {
        findings.add(
            Finding::error(Code::BadZone, path, format!("no region has {count} availability zones"))
                .hint("use 3, the default"),
        );
    }
}
