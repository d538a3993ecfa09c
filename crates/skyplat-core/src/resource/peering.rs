//! `Peering`: two networks that reach each other.
//!
//! A is the network whose region comes first in the alphabet, whoever is hub: so a change of topology adds or removes
//! connections and never turns one around. Routes and options come after the acceptance, because they fail on a
//! connection that only one side wants.

use std::collections::BTreeMap;

use super::vpc::{Vpc, VpcOutputs};
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::PeeringId;
use crate::object::Tags;
use crate::object::ec2::{
    Ec2Route, Ec2VpcPeering, Ec2VpcPeeringAcceptance, Ec2VpcPeeringOptions, PeeringSide, PeeringSideOptions,
};
use crate::value::Value;

/// Two networks that reach each other.
#[derive(Debug, Clone)]
pub struct Peering {
    /// The `Name` tag of both sides.
    pub name: String,
    /// One network.
    pub a: Handle<Vpc>,
    /// The other.
    pub b: Handle<Vpc>,
    /// Tags of the connection, on both sides.
    pub tags: BTreeMap<String, String>,
}

/// What a peering offers.
#[derive(Debug, Clone)]
pub struct PeeringOutputs {
    /// The connection, active.
    pub connection: Value<PeeringId>,
    /// Packets flow both ways, and names resolve to private addresses.
    pub ready: Ready,
}

impl Resource for Peering {
    const KIND: &'static str = "Peering";
    type Outputs = PeeringOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<PeeringOutputs, LowerError> {
        let (one, other) = (cx.outputs(self.a)?, cx.outputs(self.b)?);
        let (a, b) = if one.region <= other.region { (one, other) } else { (other, one) };
        if a.region == b.region {
            return Err(cx.error(format!("both networks are in {}", a.region)));
        }
        if a.cidr.overlaps(&b.cidr) {
            return Err(cx
                .error(format!("{} is {} and {} is {}: they overlap", a.region, a.cidr, b.region, b.cidr))
                .hint("give one of the two regions another range (cidr)"));
        }
        let mut tags: Tags = self.tags.clone();
        tags.insert("Name".into(), self.name.clone());
        let connection = Ec2VpcPeering {
            vpc_id: a.vpc_id.clone(),
            peer_vpc_id: b.vpc_id.clone(),
            peer_owner_id: cx.account().clone(),
            peer_region: b.region.clone(),
            tags: tags.clone(),
        };
        let connection = cx.object("connection", connection).region(&a.region).add()?;
        let acceptance =
            Ec2VpcPeeringAcceptance { vpc_peering_connection_id: connection.output(Ec2VpcPeering::ID), tags };
        let acceptance = cx.object("acceptance", acceptance).region(&b.region).add()?;
        let active = acceptance.output(Ec2VpcPeeringAcceptance::ID);
        let here = side(cx, &active, &a, &b, PeeringSide::Requester)?;
        let there = side(cx, &active, &b, &a, PeeringSide::Accepter)?;
        Ok(PeeringOutputs { connection: active, ready: here.and(&there) })
    }
}

/// Adds what one side does once the connection is active: options, and a route to the peer in every private table.
fn side(
    cx: &mut Lowering<'_>,
    active: &Value<PeeringId>,
    own: &VpcOutputs,
    peer: &VpcOutputs,
    side: PeeringSide,
) -> Result<Ready, LowerError> {
    let region = &own.region;
    let dns = PeeringSideOptions { allow_dns_resolution_from_remote_vpc: true };
    let options = Ec2VpcPeeringOptions::new(active.clone(), side, dns);
    let mut ready = cx.object(&format!("options-{region}"), options).region(region).add()?.ready();
    for (name, table) in &own.private_route_tables {
        let route = Ec2Route::to_peer(table.clone(), peer.cidr_block.clone(), active.clone());
        let route = cx.object(&format!("route-{region}-{name}"), route).region(region).add()?;
        ready = ready.and(&route.ready());
    }
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{ObjectGraph, ResourceGraph, lower};
    use crate::resource::fixture::{facts, node, vpc};

    fn peered(a: Vpc, b: Vpc) -> Result<ObjectGraph, LowerError> {
        let mut graph = ResourceGraph::new();
        let a = graph.add("one/vpc", a).unwrap();
        let b = graph.add("other/vpc", b).unwrap();
        let peering = Peering { name: "pair".into(), a, b, tags: BTreeMap::new() };
        graph.add("peering/pair", peering).unwrap();
        lower(&graph, &facts(&["us-west-2", "us-east-1"]))
    }

    #[test]
    fn a_pair_is_the_same_whoever_is_named_first() {
        for (one, other) in [("us-west-2", "us-east-1"), ("us-east-1", "us-west-2")] {
            let graph = peered(vpc(one), vpc(other)).unwrap();
            let region = &node(&graph, "peering/pair/connection").placement.region;
            assert_eq!(*region, Some("us-east-1".into()));
            assert!(graph.get(&"peering/pair/route-us-west-2-private".into()).is_some());
        }
    }

    #[test]
    fn networks_that_overlap_or_share_a_region_are_refused() {
        let overlapping = Vpc { cidr: "10.1.128.0/17".parse().unwrap(), ..vpc("us-west-2") };
        let error = peered(vpc("us-east-1"), overlapping).unwrap_err();
        assert!(error.message.contains("10.1.0.0/16") && error.message.contains("10.1.128.0/17"), "{error}");
        assert!(peered(vpc("us-east-1"), vpc("us-east-1")).unwrap_err().message.contains("us-east-1"));
    }
}
