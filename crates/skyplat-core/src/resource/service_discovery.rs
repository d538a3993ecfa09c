//! `ServiceDiscovery`: a private DNS zone that every VPC of the platform sees.
//!
//! The zone is made with the hub's VPC and each other VPC is associated by an object of its own, so that a spoke comes
//! and goes without touching the zone. A zone with records cannot be deleted, and external-dns leaves behind what it wrote
//! when it is switched off before the zone goes: a gate of the zone's own sweeps that.

use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::HostedZoneId;
use crate::object::Tags;
use crate::object::gate::DnsRecordsGone;
use crate::object::route53::{HostedZoneConfig, Route53Zone, Route53ZoneAssociation, ZoneVpc};
use crate::resource::vpc::{Vpc, VpcOutputs};
use crate::value::Value;

/// A private DNS zone.
#[derive(Debug, Clone)]
pub struct ServiceDiscovery {
    /// The zone's domain.
    pub domain: String,
    /// The hub's VPC.
    pub hub: Handle<Vpc>,
    /// The other VPCs.
    pub spokes: Vec<Handle<Vpc>>,
    /// Tags of the zone.
    pub tags: Tags,
}

/// What others need of the zone.
#[derive(Debug, Clone)]
pub struct ServiceDiscoveryOutputs {
    /// The zone.
    pub zone_id: Value<HostedZoneId>,
    /// The zone's domain.
    pub name: Value<String>,
    /// The zone is there. What writes records comes after this, so that it is gone when what it left is swept.
    pub ready: Ready,
}

impl Resource for ServiceDiscovery {
    const KIND: &'static str = "ServiceDiscovery";
    type Outputs = ServiceDiscoveryOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<ServiceDiscoveryOutputs, LowerError> {
        let member =
            |vpc: &VpcOutputs| ZoneVpc { vpc_id: vpc.vpc_id.clone(), vpc_region: vpc.region.clone() };
        let hub = cx.outputs(self.hub)?;
        let zone = cx
            .object(
                "zone",
                Route53Zone {
                    name: self.domain.clone(),
                    vpc: member(&hub),
                    hosted_zone_config: HostedZoneConfig {
                        comment: "SkyPilot service discovery".into(),
                        private_zone: true,
                    },
                    tags: self.tags.clone(),
                },
            )
            .add()?;
        let (zone_id, host) = (zone.output(Route53Zone::ID).as_text(), zone.output(Route53Zone::NAME));
        let records = cx.object("records", DnsRecordsGone { zone_id, host }).add()?;
        for spoke in &self.spokes {
            let spoke = cx.outputs(*spoke)?;
            cx.object(
                &format!("association-{}", spoke.region),
                Route53ZoneAssociation { hosted_zone_id: zone.output(Route53Zone::ID), vpc: member(&spoke) },
            )
            .add()?;
        }
        Ok(ServiceDiscoveryOutputs {
            zone_id: zone.output(Route53Zone::ID),
            name: zone.output(Route53Zone::NAME),
            ready: records.ready(),
        })
    }
}
