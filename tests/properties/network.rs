//! Who reaches whom, computed from the lowered objects alone: connections, acceptances, routes, tables and subnets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use skyplat::graph::ObjectGraph;
use skyplat::ids::Cidr;
use skyplat::object::ObjectNode;
use skyplat::value::{Address, Tree};

use crate::cases;
use crate::configs::{Platform, Shape, Size, platform};
use crate::stand::{Stand, simulate};
use crate::yaml::text;

/// The networks of a platform, as AWS would see them.
struct Networks<'g> {
    graph: &'g ObjectGraph,
    /// The range of each VPC.
    vpcs: BTreeMap<&'g Address, Cidr>,
    /// The two VPCs of each connection that was accepted.
    connections: BTreeMap<&'g Address, [&'g Address; 2]>,
}

/// Returns the object that a field refers to.
fn referred<'g>(node: &'g ObjectNode, field: &str) -> Option<&'g Address> {
    match node.inputs.at(field)? {
        Tree::Ref(reference) => Some(&reference.object),
        _ => None,
    }
}

fn of_kind<'g>(graph: &'g ObjectGraph, kind: &'g str) -> impl Iterator<Item = &'g ObjectNode> {
    graph.nodes().values().filter(move |node| node.kind.as_str() == kind)
}

impl<'g> Networks<'g> {
    fn new(graph: &'g ObjectGraph) -> Self {
        let vpcs = of_kind(graph, "ec2.vpc").map(|vpc| (&vpc.address, range(vpc, "cidr_block"))).collect();
        let accepted = of_kind(graph, "ec2.vpc_peering_acceptance")
            .filter_map(|acceptance| referred(acceptance, "vpc_peering_connection_id"));
        let connections = accepted
            .map(|connection| {
                let node = graph.get(connection).unwrap();
                (connection, ["vpc_id", "peer_vpc_id"].map(|field| referred(node, field).unwrap()))
            })
            .collect();
        Self { graph, vpcs, connections }
    }

    /// Returns a range that is written down or repeated from a VPC.
    fn destination(&self, node: &ObjectNode, field: &str) -> Cidr {
        match referred(node, field) {
            Some(vpc) => self.vpcs[vpc],
            None => range(node, field),
        }
    }

    /// Returns the connection that a route or an option is about, through the acceptance or not.
    fn connection(&self, node: &'g ObjectNode) -> Option<&'g Address> {
        let named = referred(node, "vpc_peering_connection_id")?;
        let node = self.graph.get(named).unwrap();
        if node.kind.as_str() == "ec2.vpc_peering" {
            Some(named)
        } else {
            referred(node, "vpc_peering_connection_id")
        }
    }

    /// Returns, for each subnet of a VPC, the ranges that its table sends through a connection to another VPC.
    fn routes(&self, vpc: &Address) -> Vec<(&'g Address, Vec<(&'g Address, Cidr)>)> {
        let tables: BTreeMap<&Address, &Address> = of_kind(self.graph, "ec2.route_table_association")
            .map(|node| (referred(node, "subnet_id").unwrap(), referred(node, "route_table_id").unwrap()))
            .collect();
        of_kind(self.graph, "ec2.subnet")
            .filter(|subnet| referred(subnet, "vpc_id") == Some(vpc))
            .map(|subnet| {
                let table = tables[&subnet.address];
                let routes = of_kind(self.graph, "ec2.route")
                    .filter(|route| referred(route, "route_table_id") == Some(table))
                    .filter_map(|route| {
                        let ends = self.connections.get(self.connection(route)?)?;
                        let other = ends.iter().find(|end| **end != vpc)?;
                        let is_own = ends.contains(&vpc);
                        assert!(is_own, "{} goes through a connection of others", route.address);
                        Some((*other, self.destination(route, "destination_cidr_block")))
                    })
                    .collect();
                (&subnet.address, routes)
            })
            .collect()
    }

    /// Returns the pairs of VPCs of which something in the first sends packets to the second.
    fn reached(&self) -> BTreeSet<(&'g Address, &'g Address)> {
        let mut reached = BTreeSet::new();
        for vpc in self.vpcs.keys() {
            for (subnet, routes) in self.routes(vpc) {
                for (other, destination) in routes {
                    // A connection carries nothing on to a third network.
                    assert!(
                        self.vpcs[other].contains(&destination),
                        "{subnet} sends {destination} to {other}"
                    );
                    reached.insert((*vpc, other));
                }
            }
        }
        reached
    }
}

fn range(node: &ObjectNode, field: &str) -> Cidr {
    node.inputs.at(field).and_then(Tree::as_str).unwrap().parse().unwrap()
}

/// Returns the VPCs that are to reach each other.
fn wanted<'g>(
    platform: &Platform,
    vpcs: &BTreeMap<&'g Address, Cidr>,
) -> BTreeSet<(&'g Address, &'g Address)> {
    let hub = match platform.shape {
        Shape::HubAndSpoke { .. } if platform.setting("topology") != Some(&text("full_mesh")) => {
            Some("hub/vpc/vpc")
        }
        _ => None,
    };
    let mut pairs = BTreeSet::new();
    for one in vpcs.keys() {
        for other in vpcs.keys() {
            let through_hub = hub.is_none_or(|hub| [one, other].iter().any(|end| end.as_str() == hub));
            if one != other && through_hub {
                pairs.insert((*one, *other));
            }
        }
    }
    pairs
}

fn lowered(platform: &Platform) -> ObjectGraph {
    simulate(|| async { Stand::new().describe(Some(&platform.plain())).await.unwrap().graph })
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn networks_that_are_connected_never_overlap_and_spokes_never_reach_each_other(platform in platform(Size::FULL)) {
        let graph = lowered(&platform);
        let networks = Networks::new(&graph);
        prop_assert_eq!(networks.connections.len(), of_kind(&graph, "ec2.vpc_peering").count());
        for [one, other] in networks.connections.values() {
            let (range, peer) = (networks.vpcs[one], networks.vpcs[other]);
            prop_assert!(!range.overlaps(&peer), "{one} is {range}, {other} is {peer}");
        }
        prop_assert_eq!(networks.reached(), wanted(&platform, &networks.vpcs));
        every_private_subnet_reaches_all(&networks);
        names_resolve_on_both_sides(&networks);
        no_rule_lets_strangers_in(&networks);
    }
}

/// A subnet reaches every network that its VPC reaches, and all of it, or none: public ones hold nothing that would.
fn every_private_subnet_reaches_all(networks: &Networks<'_>) {
    for vpc in networks.vpcs.keys() {
        let all: BTreeSet<&Address> = networks
            .connections
            .values()
            .filter(|ends| ends.contains(vpc))
            .flatten()
            .filter(|end| *end != vpc)
            .copied()
            .collect();
        for (subnet, routes) in networks.routes(vpc) {
            let whole = routes.iter().filter(|(other, range)| networks.vpcs[other] == *range);
            let reached: BTreeSet<&Address> = whole.map(|(other, _)| *other).collect();
            let is_private = subnet.as_str().contains("/private-");
            assert_eq!(reached, if is_private { all.clone() } else { BTreeSet::new() }, "{subnet}");
        }
    }
}

fn names_resolve_on_both_sides(networks: &Networks<'_>) {
    const OPTION: &str = "allow_dns_resolution_from_remote_vpc";
    for connection in networks.connections.keys() {
        for side in ["requester", "accepter"] {
            let path = format!("{side}_peering_connection_options.{OPTION}");
            let on = of_kind(networks.graph, "ec2.vpc_peering_options")
                .filter(|node| networks.connection(node) == Some(*connection))
                .any(|node| node.inputs.at(&path) == Some(&Tree::Bool(true)));
            assert!(on, "{connection} has no {path}");
        }
    }
}

/// A rule lets in only what comes from the group's own network or from one that reaches it.
fn no_rule_lets_strangers_in(networks: &Networks<'_>) {
    let reached = networks.reached();
    let vpc_of = |group: &Address| -> &Address {
        let node = networks.graph.get(group).unwrap();
        // The group that EKS makes is an output of the cluster, and in the network of its subnets.
        if let Some(vpc) = referred(node, "vpc_id") {
            return vpc;
        }
        let subnets = node.inputs.at("resources_vpc_config.subnet_ids").and_then(Tree::as_list).unwrap();
        let Tree::Ref(subnet) = &subnets[0] else { panic!("{group} has no subnets") };
        referred(networks.graph.get(&subnet.object).unwrap(), "vpc_id").unwrap()
    };
    for rule in of_kind(networks.graph, "ec2.security_group_rule") {
        if rule.inputs.at("direction") != Some(&Tree::String("ingress".into())) {
            continue;
        }
        let own = vpc_of(referred(rule, "group_id").unwrap());
        if let Some(other) = referred(rule, "referenced_group_id") {
            assert_eq!(own, vpc_of(other), "{}", rule.address);
        } else {
            let from = networks.destination(rule, "cidr_ipv4");
            let known = networks
                .vpcs
                .iter()
                .any(|(vpc, range)| (*vpc == own || reached.contains(&(*vpc, own))) && range.contains(&from));
            assert!(known, "{} lets {from} in", rule.address);
        }
    }
}
