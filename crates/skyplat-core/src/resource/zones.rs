//! Which availability zones a network uses.
//!
//! A zone is usable when it is available, is a whole zone (no local or wavelength zone), needs no opt-in, and EKS puts
//! control planes in it. No zone is used twice: a region with fewer usable zones gets fewer subnets, but never one.

use crate::config::Zones;
use crate::facts::Zone;
use crate::graph::{LowerError, Lowering};
use crate::ids::{Region, ZoneName};

/// The fewest zones that EKS accepts.
const FEWEST: usize = 2;

/// Zones that EKS refuses for control planes, by id: names are dealt out per account.
const REFUSED_BY_EKS: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// Chooses the zones of a region, in the order of their names.
///
/// # Errors
/// When the zones are not known, when a wanted one is not usable, or when fewer than two are left.
pub(super) fn choose_zones(
    cx: &Lowering<'_>,
    region: &Region,
    wanted: &Zones,
) -> Result<Vec<ZoneName>, LowerError> {
    let zones = cx.facts().zones(region).map_err(|error| LowerError::from((cx.address(), error)))?;
    let mut usable: Vec<&ZoneName> =
        zones.iter().filter(|zone| is_usable(zone)).map(|zone| &zone.name).collect();
    usable.sort();
    usable.dedup();
    let chosen: Vec<ZoneName> = match wanted {
        Zones::Count(count) => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            usable.iter().take(count).map(|name| (*name).clone()).collect()
        }
        Zones::Names(names) => {
            if let Some(missing) = names.iter().find(|name| !usable.contains(name)) {
                return Err(cx
                    .error(format!("the zone {missing} cannot be used"))
                    .hint(format!("usable zones of {region}: {}", list(&usable))));
            }
            let mut names = names.clone();
            names.sort();
            names.dedup();
            names
        }
    };
    if chosen.len() < FEWEST {
        return Err(cx
            .error(format!("a cluster needs {FEWEST} zones, and this leaves {}", chosen.len()))
            .hint(format!("usable zones of {region}: {}", list(&usable))));
    }
    Ok(chosen)
}

fn is_usable(zone: &Zone) -> bool {
    zone.state == "available"
        && zone.zone_type == "availability-zone"
        && zone.opt_in_status == "opt-in-not-required"
        && !REFUSED_BY_EKS.contains(&zone.id.as_str())
}

fn list(zones: &[&ZoneName]) -> String {
    if zones.is_empty() {
        return "none".into();
    }
    zones.iter().map(|zone| zone.as_str()).collect::<Vec<_>>().join(", ")
}
