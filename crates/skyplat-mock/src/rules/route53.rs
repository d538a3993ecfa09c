//! Route 53: private zones and the VPCs that see them.

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::ObjectKind;
use skyplat_core::state::Uid;

use super::error::{busy, in_use, invalid};
use super::{Call, Made, Rules};
use crate::world::{Phase, Thing, World};

/// The rules of Route 53.
#[derive(Debug)]
pub(super) struct Route53;

impl Rules for Route53 {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "route53"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)
    }

    fn check_update(&self, call: &Call<'_>, _: &Thing) -> Result<(), ExecError> {
        check(call)
    }

    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        check_delete(world, thing)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(make(call))
    }
}

/// Judges the inputs of an object of Route 53.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    let name = match call.kind() {
        "route53.zone" => {
            let name = call.text("name");
            let is_label = |label: &str| {
                (1..=63).contains(&label.len())
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            };
            // CreateHostedZone: at most 255 characters, 63 in a label.
            let is_name = name.len() <= 255 && name.trim_end_matches('.').split('.').all(is_label);
            if !call.is_placeholder("name") && !is_name {
                return Err(invalid("InvalidDomainName", format!("{name:?} is no domain name")));
            }
            name
        }
        "route53.zone_association" => {
            let zone = call.text("hosted_zone_id");
            alone(call.world, zone, &call.object.uid)?;
            call.find("route53.zone", zone).and_then(|zone| zone.text("name")).unwrap_or_default()
        }
        _ => return Ok(()),
    };
    let vpc = call.text("vpc.vpc_id");
    // CreateHostedZone, AssociateVPCWithHostedZone: a VPC sees one private zone of a name, and is associated once.
    let zones = call.world.of_kind("route53.zone").filter(|zone| zone.text("name") == Some(name));
    for zone in zones.filter(|zone| zone.uid != call.object.uid && zone.is_alive()) {
        let associated = call.world.of_kind("route53.zone_association").any(|other| {
            other.uid != call.object.uid
                && other.text("hosted_zone_id") == Some(&zone.id)
                && other.text("vpc.vpc_id") == Some(vpc)
        });
        if zone.text("vpc.vpc_id") == Some(vpc) || associated {
            let message = format!("{vpc} already sees the zone {} for {name}", zone.id);
            return Err(ExecError::new(ErrorKind::AlreadyExists, message).code("ConflictingDomainExists"));
        }
    }
    Ok(())
}

/// AssociateVPCWithHostedZone, DisassociateVPCFromHostedZone: one change of a zone's VPCs at a time.
fn alone(world: &World, zone: &str, asker: &Uid) -> Result<(), ExecError> {
    let is_at_work = |other: &&Thing| {
        other.text("hosted_zone_id") == Some(zone) && other.uid != *asker && other.phase != Phase::Ready
    };
    match world.of_kind("route53.zone_association").find(is_at_work) {
        None => Ok(()),
        Some(other) => {
            Err(busy("PriorRequestNotComplete", format!("the change of {} is not INSYNC yet", other.id)))
        }
    }
}

/// DeleteHostedZone: a zone with records that somebody else wrote stays. That its last VPC stays
/// (DisassociateVPCFromHostedZone, `LastVPCAssociation`) cannot be met here: the VPC of a zone is changed by no call.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    if thing.kind.as_str() == "route53.zone_association" {
        return alone(world, thing.text("hosted_zone_id").unwrap_or_default(), &thing.uid);
    }
    let mut records = world.of_kind("route53.record_set");
    match records.find(|record| record.text("hosted_zone_id") == Some(&thing.id)) {
        Some(record) if thing.kind.as_str() == "route53.zone" => {
            Err(in_use("HostedZoneNotEmpty", format!("{} still has the record {}", thing.id, record.id)))
        }
        _ => Ok(()),
    }
}

/// Makes an object of Route 53.
fn make(call: &Call<'_>) -> Made {
    match call.kind() {
        "route53.zone" => {
            let id = format!("Z{}", call.names().capitals("id", 20));
            Made::new(call, id.clone()).output("id", id).repeat(&["name"])
        }
        "route53.zone_association" => {
            let zone = call.text("hosted_zone_id");
            // Deleting a private zone ends its associations.
            Made::new(call, format!("{zone}/{}", call.text("vpc.vpc_id")))
                .inside(call.find("route53.zone", zone))
        }
        _ => Made::generic(call),
    }
}
