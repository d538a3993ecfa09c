//! `ec2.security_group` and `ec2.security_group_rule`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Cidr, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::{Tree, Value};

/// A security group, made without any rule: the one that the API adds (all traffic out) is taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2SecurityGroup {
    /// The VPC it is part of.
    pub vpc_id: Value<VpcId>,
    /// Its name, unique in the VPC.
    pub group_name: String,
    /// What it is for; the API never changes it.
    pub description: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a security group.
    pub struct Ec2SecurityGroupOutputs of Ec2SecurityGroup {
        /// Its id.
        ID id: SecurityGroupId,
        /// Its name.
        GROUP_NAME group_name: String = echo "group_name",
    }
}

impl Object for Ec2SecurityGroup {
    const KIND: &'static str = "ec2.security_group";
    type Outputs = Ec2SecurityGroupOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_id"]).replace(["group_name", "description"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.vpc_id), (self.group_name)]))
    }
}

/// Which way a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What may come in.
    Ingress,
    /// What may go out.
    Egress,
}

/// The protocol and ports of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Everything.
    All,
    /// One TCP port.
    Tcp(u16),
    /// One UDP port.
    Udp(u16),
}

/// One rule: a protocol, ports, and one other end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2SecurityGroupRule {
    /// The group it is part of.
    pub group_id: Value<SecurityGroupId>,
    /// Which way it looks.
    pub direction: Direction,
    /// `tcp`, `udp`, or `-1` for everything.
    pub ip_protocol: String,
    /// First port; none for everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<u16>,
    /// Last port; none for everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<u16>,
    /// The other end, as addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ipv4: Option<Value<Cidr>>,
    /// The other end, as what is in a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referenced_group_id: Option<Value<SecurityGroupId>>,
    /// What it is for.
    pub description: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

impl Ec2SecurityGroupRule {
    /// Makes a rule whose other end is what is in a group.
    pub fn with_group(
        group: &Value<SecurityGroupId>,
        direction: Direction,
        ports: Ports,
        other: &Value<SecurityGroupId>,
        description: &str,
    ) -> Self {
        Self {
            referenced_group_id: Some(other.clone()),
            ..Self::without_end(group, direction, ports, description)
        }
    }

    /// Makes a rule whose other end is a range of addresses.
    pub fn with_cidr(
        group: &Value<SecurityGroupId>,
        direction: Direction,
        ports: Ports,
        other: Value<Cidr>,
        description: &str,
    ) -> Self {
        Self { cidr_ipv4: Some(other), ..Self::without_end(group, direction, ports, description) }
    }

    /// Sets the rule's tags.
    #[must_use]
    pub fn tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    fn without_end(
        group: &Value<SecurityGroupId>,
        direction: Direction,
        ports: Ports,
        description: &str,
    ) -> Self {
        let (protocol, port) = match ports {
            Ports::All => ("-1", None),
            Ports::Tcp(port) => ("tcp", Some(port)),
            Ports::Udp(port) => ("udp", Some(port)),
        };
        Self {
            group_id: group.clone(),
            direction,
            ip_protocol: protocol.into(),
            from_port: port,
            to_port: port,
            cidr_ipv4: None,
            referenced_group_id: None,
            description: description.into(),
            tags: Tags::new(),
        }
    }
}

crate::outputs! {
    /// What the API gives back for a rule.
    pub struct Ec2SecurityGroupRuleOutputs of Ec2SecurityGroupRule {
        /// Its id.
        ID id: SecurityGroupRuleId,
    }
}

impl Object for Ec2SecurityGroupRule {
    const KIND: &'static str = "ec2.security_group_rule";
    type Outputs = Ec2SecurityGroupRuleOutputs;

    /// A rule lives in both groups: neither can be deleted while it stands.
    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["group_id", "referenced_group_id"])
            .replace(["direction", "ip_protocol", "from_port", "to_port", "cidr_ipv4"])
            .normalised("cidr_ipv4", Normal::Cidr)
    }

    fn natural_key(&self) -> Option<Tree> {
        let port = |port: Option<u16>| port.map_or(Tree::Null, |port| crate::tree!(port));
        let end = match (&self.cidr_ipv4, &self.referenced_group_id) {
            (Some(cidr), _) => crate::tree!(cidr),
            (None, Some(group)) => crate::tree!(group),
            (None, None) => Tree::Null,
        };
        let direction = match self.direction {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        };
        Some(crate::tree!([
            (self.group_id),
            direction,
            (self.ip_protocol),
            (port(self.from_port)),
            (port(self.to_port)),
            (end)
        ]))
    }
}
