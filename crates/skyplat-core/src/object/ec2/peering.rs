//! `ec2.vpc_peering`, `ec2.vpc_peering_acceptance` and `ec2.vpc_peering_options`.
//!
//! Three kinds, because they live in two regions and in this order: the requester asks, the accepter accepts, and only
//! then either side may say what it lets the other do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, PeeringId, Region, VpcId};
use crate::object::{FieldRules, Object, Tags};
use crate::value::{Tree, Value};

/// A request for a peering connection, made in the requester's region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2VpcPeering {
    /// The requester's VPC.
    pub vpc_id: Value<VpcId>,
    /// The accepter's VPC.
    pub peer_vpc_id: Value<VpcId>,
    /// The accepter's account.
    pub peer_owner_id: AccountId,
    /// The accepter's region.
    pub peer_region: Region,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a request.
    pub struct Ec2VpcPeeringOutputs of Ec2VpcPeering {
        /// The connection's id, the same on both sides.
        ID id: PeeringId,
    }
}

impl Object for Ec2VpcPeering {
    const KIND: &'static str = "ec2.vpc_peering";
    type Outputs = Ec2VpcPeeringOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_id", "peer_vpc_id"]).replace(["peer_owner_id", "peer_region"])
    }

    /// Two VPCs have one connection.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.vpc_id), (self.peer_vpc_id)]))
    }
}

/// The acceptance of a request, made in the accepter's region. It goes with its connection: a delete makes no call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2VpcPeeringAcceptance {
    /// The connection.
    pub vpc_peering_connection_id: Value<PeeringId>,
    /// Tags on the accepter's side, which has tags of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What is known of an acceptance.
    pub struct Ec2VpcPeeringAcceptanceOutputs of Ec2VpcPeeringAcceptance {
        /// The connection's id, for what needs the connection active.
        ID id: PeeringId = echo "vpc_peering_connection_id",
    }
}

impl Object for Ec2VpcPeeringAcceptance {
    const KIND: &'static str = "ec2.vpc_peering_acceptance";
    type Outputs = Ec2VpcPeeringAcceptanceOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_peering_connection_id"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.vpc_peering_connection_id)]))
    }
}

/// One of the two sides of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeeringSide {
    /// The side that asked.
    Requester,
    /// The side that accepted.
    Accepter,
}

/// What one side lets the other do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringSideOptions {
    /// Whether the other side resolves this side's public names to private addresses.
    pub allow_dns_resolution_from_remote_vpc: bool,
}

/// The options of one side, set in that side's region. They go with their connection: a delete makes no call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2VpcPeeringOptions {
    /// The connection, active.
    pub vpc_peering_connection_id: Value<PeeringId>,
    /// The requester's options, when this is its side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_peering_connection_options: Option<PeeringSideOptions>,
    /// The accepter's options, when this is its side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepter_peering_connection_options: Option<PeeringSideOptions>,
}

impl Ec2VpcPeeringOptions {
    /// Makes the options of one side.
    pub fn new(connection: Value<PeeringId>, side: PeeringSide, options: PeeringSideOptions) -> Self {
        Self {
            vpc_peering_connection_id: connection,
            requester_peering_connection_options: (side == PeeringSide::Requester).then_some(options),
            accepter_peering_connection_options: (side == PeeringSide::Accepter).then_some(options),
        }
    }
}

crate::outputs! {
    /// Options give nothing back.
    pub struct Ec2VpcPeeringOptionsOutputs of Ec2VpcPeeringOptions {}
}

impl Object for Ec2VpcPeeringOptions {
    const KIND: &'static str = "ec2.vpc_peering_options";
    type Outputs = Ec2VpcPeeringOptionsOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_peering_connection_id"])
    }

    fn natural_key(&self) -> Option<Tree> {
        let requester = self.requester_peering_connection_options.is_some();
        let side = if requester { "requester" } else { "accepter" };
        Some(crate::tree!([(self.vpc_peering_connection_id), side]))
    }
}
