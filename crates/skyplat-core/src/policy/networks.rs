//! The networks of a graph as checks read them: ranges, connections, and in which network things are.

use std::collections::BTreeMap;

use super::Subject;
use crate::ids::Cidr;
use crate::object::ObjectNode;
use crate::value::{Address, Tree};

/// The networks of a graph.
#[derive(Debug)]
pub(super) struct Networks<'a> {
    subject: &'a Subject<'a>,
    /// The networks whose range is known.
    ranges: BTreeMap<&'a Address, Cidr>,
}

/// A connection of two networks of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connection<'a> {
    pub(super) address: &'a Address,
    pub(super) one: &'a Address,
    pub(super) other: &'a Address,
}

/// A route from a network of the graph to somewhere else than the internet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) address: &'a Address,
    pub(super) network: &'a Address,
    pub(super) destination: Cidr,
}

impl<'a> Networks<'a> {
    pub(super) fn of(subject: &'a Subject<'a>) -> Self {
        let known =
            |(node, inputs): (&'a ObjectNode, &Tree)| Some((&node.address, cidr(inputs, "cidr_block")?));
        Self { subject, ranges: subject.of_kind("ec2.vpc").filter_map(known).collect() }
    }

    /// Returns the range of a network.
    pub(super) fn range(&self, network: &Address) -> Option<Cidr> {
        self.ranges.get(network).copied()
    }

    /// Returns the networks whose range is known, in order of address.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (&'a Address, Cidr)> {
        self.ranges.iter().map(|(network, range)| (*network, *range))
    }

    /// Returns the connections, in order of address.
    pub(super) fn connections(&self) -> impl Iterator<Item = Connection<'a>> {
        self.subject.of_kind("ec2.vpc_peering").filter_map(|(node, _)| {
            let end = |field| self.subject.referred(node.inputs.get(field));
            Some(Connection { address: &node.address, one: end("vpc_id")?, other: end("peer_vpc_id")? })
        })
    }

    /// Returns the routes to other networks, in order of address.
    pub(super) fn routes(&self) -> impl Iterator<Item = Route<'a>> {
        self.subject.of_kind("ec2.route").filter_map(|(node, inputs)| {
            if ["gateway_id", "nat_gateway_id"].iter().any(|target| inputs.get(target).is_some()) {
                return None;
            }
            let table = self.subject.referred(node.inputs.get("route_table_id"))?;
            let network = self.home(table)?;
            Some(Route {
                address: &node.address,
                network,
                destination: cidr(inputs, "destination_cidr_block")?,
            })
        })
    }

    /// Returns the network that something is in: a route table, a subnet, a security group, or a cluster, whose own
    /// security group is where its subnets are.
    pub(super) fn home(&self, thing: &Address) -> Option<&'a Address> {
        let inputs = |address: &Address| self.subject.graph().get(address).map(|node| &node.inputs);
        if let Some(network) = self.subject.referred(inputs(thing)?.get("vpc_id")) {
            return Some(network);
        }
        let subnets = inputs(thing)?.at("resources_vpc_config.subnet_ids").and_then(Tree::as_list)?;
        let subnet = self.subject.referred(subnets.first())?;
        self.subject.referred(inputs(subnet)?.get("vpc_id"))
    }
}

/// Returns the range in a field, when it is known.
pub(super) fn cidr(inputs: &Tree, field: &str) -> Option<Cidr> {
    inputs.get(field).and_then(Tree::as_str)?.parse().ok()
}
