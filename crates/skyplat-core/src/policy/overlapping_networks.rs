//! [`OverlappingNetworks`]: networks that reach each other share no address.
//!
//! Networks reach each other when they are connected, and two that are connected to a third must differ too: the third
//! could not tell them apart. A route to a range of one's own network leads nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::networks::Networks;
use super::{Check, Findings, Subject};
use crate::value::Address;

const HINT: &str = "give one of the two another range (cidr)";

/// Networks that reach each other share no address.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverlappingNetworks;

impl Check for OverlappingNetworks {
    fn name(&self) -> &'static str {
        "overlapping_networks"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        let networks = Networks::of(subject);
        let share = |one: &Address, other: &Address| {
            let (one, other) = (networks.range(one)?, networks.range(other)?);
            one.overlaps(&other).then_some((one, other))
        };
        let mut beside: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
        for connection in networks.connections() {
            let (one, other) = (connection.one, connection.other);
            beside.entry(one).or_default().insert(other);
            beside.entry(other).or_default().insert(one);
            if let Some((range, same)) = share(one, other).filter(|_| one != other) {
                let message =
                    format!("it connects {one} ({range}) and {other} ({same}), which share addresses");
                findings.error(connection.address, message).hint(HINT);
            }
        }
        for (middle, ends) in &beside {
            for one in ends {
                let connected = |other: &&&Address| beside[*one].contains(**other);
                for other in ends.iter().filter(|other| *other > one).filter(|other| !connected(other)) {
                    if let Some((range, same)) = share(one, other) {
                        let message = format!(
                            "{middle} is connected to {one} ({range}) and {other} ({same}), which share addresses"
                        );
                        findings.error(middle, message).hint(HINT);
                    }
                }
            }
        }
        for route in networks.routes() {
            if let Some(own) = networks.range(route.network).filter(|own| own.overlaps(&route.destination)) {
                let message = format!(
                    "it leads to {}, which shares addresses with its own network ({own})",
                    route.destination
                );
                findings.error(route.address, message).hint(HINT);
            }
        }
    }
}
