//! Route 53: private zones and the VPCs that see them.

use skyplat_core::executor::{ErrorKind, ExecError};

use super::error::{in_use, invalid};
use super::{Call, Made};
use crate::world::{Thing, World};

/// Judges the inputs of an object of Route 53.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    let name = match call.kind() {
        "route53.zone" => {
            let name = call.text("name");
            let is_label = |label: &str| {
                (1..=63).contains(&label.len())
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            };
            if !call.is_placeholder("name") && !name.trim_end_matches('.').split('.').all(is_label) {
                return Err(invalid("InvalidDomainName", format!("{name:?} is no domain name")));
            }
            name
        }
        "route53.zone_association" => call
            .find("route53.zone", call.text("hosted_zone_id"))
            .and_then(|zone| zone.text("name"))
            .unwrap_or_default(),
        _ => return Ok(()),
    };
    let vpc = call.text("vpc.vpc_id");
    // A VPC sees one private zone of a name, and is associated with a zone once.
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

/// A zone with records that others wrote stays:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHostedZone.html>.
pub(super) fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let mut records = world.of_kind("route53.record_set");
    match records.find(|record| record.text("hosted_zone_id") == Some(&thing.id)) {
        Some(record) if thing.kind.as_str() == "route53.zone" => {
            Err(in_use("HostedZoneNotEmpty", format!("{} still has the record {}", thing.id, record.id)))
        }
        _ => Ok(()),
    }
}

/// Makes an object of Route 53.
pub(super) fn make(call: &Call<'_>) -> Made {
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
        _ => super::generic(call),
    }
}
