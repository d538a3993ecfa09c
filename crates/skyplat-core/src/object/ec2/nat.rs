//! `ec2.eip` and `ec2.nat_gateway`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AllocationId, NatGatewayId, SubnetId};
use crate::object::{FieldRules, Object, Tags};
use crate::value::{Tree, Value};

/// An Elastic IP address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2Eip {
    /// What it is for: always `vpc`.
    pub domain: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for an address.
    pub struct Ec2EipOutputs of Ec2Eip {
        /// The id of its allocation.
        ALLOCATION_ID allocation_id: AllocationId,
        /// The address, such as `203.0.113.7`.
        PUBLIC_IP public_ip: String,
    }
}

impl Object for Ec2Eip {
    const KIND: &'static str = "ec2.eip";
    type Outputs = Ec2EipOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["domain"])
    }
}

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2NatGateway {
    /// The public subnet it is in.
    pub subnet_id: Value<SubnetId>,
    /// The address it shows to the world.
    pub allocation_id: Value<AllocationId>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a NAT gateway.
    pub struct Ec2NatGatewayOutputs of Ec2NatGateway {
        /// Its id.
        ID id: NatGatewayId,
    }
}

impl Object for Ec2NatGateway {
    const KIND: &'static str = "ec2.nat_gateway";
    type Outputs = Ec2NatGatewayOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["subnet_id"]).replace(["allocation_id"])
    }

    /// An address serves one gateway.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.allocation_id)]))
    }
}
