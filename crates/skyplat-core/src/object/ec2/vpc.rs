//! `ec2.vpc` and `ec2.internet_gateway`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Cidr, InternetGatewayId, VpcId};
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::{Tree, Value};

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2Vpc {
    /// Its addresses.
    pub cidr_block: Cidr,
    /// Whether the resolver at base + 2 answers.
    pub enable_dns_support: bool,
    /// Whether instances with public addresses get public names; private zones need it.
    pub enable_dns_hostnames: bool,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a VPC.
    pub struct Ec2VpcOutputs of Ec2Vpc {
        /// Its id.
        ID id: VpcId,
        /// Its addresses.
        CIDR_BLOCK cidr_block: Cidr = echo "cidr_block",
    }
}

impl Object for Ec2Vpc {
    const KIND: &'static str = "ec2.vpc";
    type Outputs = Ec2VpcOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["cidr_block"]).normalised("cidr_block", Normal::Cidr)
    }
}

/// An internet gateway, attached to its VPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2InternetGateway {
    /// The VPC it is attached to.
    pub vpc_id: Value<VpcId>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for an internet gateway.
    pub struct Ec2InternetGatewayOutputs of Ec2InternetGateway {
        /// Its id.
        ID id: InternetGatewayId,
    }
}

impl Object for Ec2InternetGateway {
    const KIND: &'static str = "ec2.internet_gateway";
    type Outputs = Ec2InternetGatewayOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_id"])
    }

    /// A VPC has at most one.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.vpc_id)]))
    }
}
