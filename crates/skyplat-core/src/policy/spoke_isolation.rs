//! [`SpokeIsolation`]: from a spoke one reaches the hub, and no other spoke.
//!
//! The hub's networks are those of resources below one address, `hub` unless it is said otherwise; all others are spokes.
//! Without a hub there are no spokes, and nothing to say. A full mesh that was asked for is accepted by
//! [`Consents::of_config`](super::Consents::of_config).

use std::collections::BTreeMap;

use super::networks::{Networks, cidr};
use super::{Check, Findings, Subject};
use crate::ids::Cidr;
use crate::value::{Address, Tree};

/// From a spoke one reaches the hub, and no other spoke.
#[derive(Debug, Clone)]
pub struct SpokeIsolation {
    hub: Address,
}

impl Default for SpokeIsolation {
    fn default() -> Self {
        Self::around("hub")
    }
}

impl SpokeIsolation {
    /// Takes the networks of resources at an address and below it for the hub's.
    pub fn around(hub: impl Into<Address>) -> Self {
        Self { hub: hub.into() }
    }
}

impl Check for SpokeIsolation {
    fn name(&self) -> &'static str {
        "spoke_isolation"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        let networks = Networks::of(subject);
        let spokes: BTreeMap<&Address, Cidr> =
            networks.ranges().filter(|(network, _)| !network.is_within(&self.hub)).collect();
        if spokes.len() == networks.ranges().count() {
            return;
        }
        let other_spoke = |network: &Address, range: &Cidr| {
            let others = spokes.iter().filter(|(other, _)| **other != network);
            others.filter(|(_, other)| other.overlaps(range)).map(|(other, _)| *other).next()
        };
        for connection in networks.connections() {
            let (one, other) = (connection.one, connection.other);
            if one != other && spokes.contains_key(one) && spokes.contains_key(other) {
                findings
                    .error(connection.address, format!("it connects two spokes, {one} and {other}"))
                    .hint("connect spokes with the hub alone, or ask for `topology: full_mesh`");
            }
        }
        for route in networks.routes().filter(|route| spokes.contains_key(route.network)) {
            if let Some(other) = other_spoke(route.network, &route.destination) {
                let message = format!("it leads from {} to another spoke, {other}", route.network);
                findings.error(route.address, message).hint("let spokes have routes to the hub alone");
            }
        }
        for (node, inputs) in subject.of_kind("ec2.security_group_rule") {
            if inputs.get("direction").and_then(Tree::as_str) != Some("ingress") {
                continue;
            }
            let home = |field| networks.home(subject.referred(node.inputs.get(field))?);
            let Some(network) = home("group_id").filter(|network| spokes.contains_key(network)) else {
                continue;
            };
            // All of the world is another check's.
            let range = cidr(inputs, "cidr_ipv4").filter(|range| range.prefix() > 0);
            let from = range.and_then(|range| other_spoke(network, &range)).or_else(|| {
                home("referenced_group_id").filter(|other| *other != network && spokes.contains_key(other))
            });
            if let Some(other) = from {
                findings
                    .error(&node.address, format!("it lets another spoke, {other}, into {network}"))
                    .hint("let the hub in, and no other network");
            }
        }
    }
}
