//! `ec2.subnet`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Cidr, SubnetId, VpcId, ZoneName};
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::{Tree, Value};

/// A subnet of a VPC, in one zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2Subnet {
    /// The VPC it is part of.
    pub vpc_id: Value<VpcId>,
    /// Its addresses, inside the VPC's.
    pub cidr_block: Cidr,
    /// Its zone.
    pub availability_zone: ZoneName,
    /// Whether what is launched in it gets a public address.
    pub map_public_ip_on_launch: bool,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a subnet.
    pub struct Ec2SubnetOutputs of Ec2Subnet {
        /// Its id.
        ID id: SubnetId,
        /// Its addresses.
        CIDR_BLOCK cidr_block: Cidr = echo "cidr_block",
        /// Its zone.
        AVAILABILITY_ZONE availability_zone: ZoneName = echo "availability_zone",
    }
}

impl Object for Ec2Subnet {
    const KIND: &'static str = "ec2.subnet";
    type Outputs = Ec2SubnetOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["vpc_id"])
            .replace(["cidr_block", "availability_zone"])
            .normalised("cidr_block", Normal::Cidr)
    }

    /// Addresses of a VPC belong to one subnet.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.vpc_id), (self.cidr_block)]))
    }
}
