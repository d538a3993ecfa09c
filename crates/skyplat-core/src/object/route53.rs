//! `route53.*`: a private zone and the VPCs that see it.
//!
//! A private zone is made with one VPC; every other VPC is an association of its own, so that a VPC comes and goes
//! without touching the zone. The records inside belong to whoever writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::ids::{HostedZoneId, Region, VpcId};
use crate::value::{Tree, Value};

/// A VPC as Route 53 names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneVpc {
    /// The VPC.
    pub vpc_id: Value<VpcId>,
    /// Its region.
    pub vpc_region: Region,
}

/// What a zone is besides its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostedZoneConfig {
    /// What the zone is for.
    pub comment: String,
    /// Whether only its VPCs see it.
    pub private_zone: bool,
}

/// A hosted zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route53Zone {
    /// The domain.
    pub name: String,
    /// The VPC that the zone is made with.
    pub vpc: ZoneVpc,
    /// Comment and kind.
    pub hosted_zone_config: HostedZoneConfig,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

crate::outputs! {
    /// What the API gives back for a zone.
    pub struct Route53ZoneOutputs of Route53Zone {
        /// Its id, without `/hostedzone/`.
        ID id: HostedZoneId,
        /// The domain.
        NAME name: String = echo "name",
    }
}

impl Object for Route53Zone {
    const KIND: &'static str = "route53.zone";
    type Outputs = Route53ZoneOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .replace(["name", "vpc.vpc_region", "hosted_zone_config.private_zone"])
            .parents(["vpc.vpc_id"])
    }

    /// A VPC sees at most one private zone of a name.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.name), (self.vpc.vpc_id.as_text())]))
    }
}

/// Lets one more VPC see a private zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route53ZoneAssociation {
    /// The zone.
    pub hosted_zone_id: Value<HostedZoneId>,
    /// The VPC.
    pub vpc: ZoneVpc,
}

crate::outputs! {
    /// An association gives nothing back.
    pub struct Route53ZoneAssociationOutputs of Route53ZoneAssociation {}
}

impl Object for Route53ZoneAssociation {
    const KIND: &'static str = "route53.zone_association";
    type Outputs = Route53ZoneAssociationOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["vpc.vpc_region"]).parents(["hosted_zone_id", "vpc.vpc_id"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.hosted_zone_id.as_text()), (self.vpc.vpc_id.as_text())]))
    }

    /// Route 53 takes one change of a zone's VPCs at a time.
    fn exclusive(&self) -> Option<Tree> {
        Some(crate::tree!(["route53.zone", (self.hosted_zone_id.as_text())]))
    }
}
