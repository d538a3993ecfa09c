//! `ec2.route_table`, `ec2.route` and `ec2.route_table_association`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{
    Cidr, InternetGatewayId, NatGatewayId, PeeringId, RouteTableAssociationId, RouteTableId, SubnetId, VpcId,
};
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::{Tree, Value};

/// A route table; its routes are objects of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2RouteTable {
    /// The VPC it is part of.
    pub vpc_id: Value<VpcId>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a route table.
    pub struct Ec2RouteTableOutputs of Ec2RouteTable {
        /// Its id.
        ID id: RouteTableId,
    }
}

impl Object for Ec2RouteTable {
    const KIND: &'static str = "ec2.route_table";
    type Outputs = Ec2RouteTableOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_id"])
    }
}

/// A route: one of the three targets is given, and may change in place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2Route {
    /// The table it is part of.
    pub route_table_id: Value<RouteTableId>,
    /// Where the packets want to go.
    pub destination_cidr_block: Value<Cidr>,
    /// Sends them to the internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<Value<InternetGatewayId>>,
    /// Sends them through a NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<Value<NatGatewayId>>,
    /// Sends them to a peered VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<Value<PeeringId>>,
}

impl Ec2Route {
    /// Makes a route to the internet.
    pub fn to_internet(table: Value<RouteTableId>, gateway: Value<InternetGatewayId>) -> Self {
        Self { gateway_id: Some(gateway), ..Self::without_target(table, Cidr::EVERYWHERE.into()) }
    }

    /// Makes a route to the internet through a NAT gateway.
    pub fn to_nat(table: Value<RouteTableId>, nat: Value<NatGatewayId>) -> Self {
        Self { nat_gateway_id: Some(nat), ..Self::without_target(table, Cidr::EVERYWHERE.into()) }
    }

    /// Makes a route to a peered VPC.
    pub fn to_peer(table: Value<RouteTableId>, destination: Value<Cidr>, peering: Value<PeeringId>) -> Self {
        Self { vpc_peering_connection_id: Some(peering), ..Self::without_target(table, destination) }
    }

    fn without_target(route_table_id: Value<RouteTableId>, destination_cidr_block: Value<Cidr>) -> Self {
        Self {
            route_table_id,
            destination_cidr_block,
            gateway_id: None,
            nat_gateway_id: None,
            vpc_peering_connection_id: None,
        }
    }
}

crate::outputs! {
    /// A route has no id.
    pub struct Ec2RouteOutputs of Ec2Route {}
}

impl Object for Ec2Route {
    const KIND: &'static str = "ec2.route";
    type Outputs = Ec2RouteOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["route_table_id"])
            .replace(["destination_cidr_block"])
            .normalised("destination_cidr_block", Normal::Cidr)
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.route_table_id), (self.destination_cidr_block)]))
    }
}

/// The route table that a subnet uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2RouteTableAssociation {
    /// The subnet.
    pub subnet_id: Value<SubnetId>,
    /// The table.
    pub route_table_id: Value<RouteTableId>,
}

crate::outputs! {
    /// What the API gives back for an association.
    pub struct Ec2RouteTableAssociationOutputs of Ec2RouteTableAssociation {
        /// Its id, a new one with every table.
        ID id: RouteTableAssociationId,
    }
}

impl Object for Ec2RouteTableAssociation {
    const KIND: &'static str = "ec2.route_table_association";
    type Outputs = Ec2RouteTableAssociationOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["subnet_id"]).recomputes("route_table_id", ["id"])
    }

    /// A subnet uses one table.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.subnet_id)]))
    }
}
