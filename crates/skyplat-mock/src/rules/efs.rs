//! EFS: file systems and mount targets.

use std::net::Ipv4Addr;

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::ids::Cidr;
use skyplat_core::object::ObjectKind;

use super::error::{in_use, invalid};
use super::{Call, Made, Rules};
use crate::world::{Thing, World};

/// The rules of EFS.
#[derive(Debug)]
pub(super) struct Efs;

impl Rules for Efs {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "efs"
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

/// Judges the inputs of an object of EFS.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    if call.kind() != "efs.mount_target" {
        return Ok(());
    }
    let subnet = call.find("ec2.subnet", call.text("subnet_id"));
    let zone = subnet.and_then(|subnet| subnet.text("availability_zone"));
    // A file system has one mount target in a zone.
    let twin = call.others("efs.mount_target").find(|other| {
        other.text("file_system_id") == Some(call.text("file_system_id"))
            && other
                .text("subnet_id")
                .and_then(|id| call.find("ec2.subnet", id))
                .and_then(|subnet| subnet.text("availability_zone"))
                == zone
    });
    if let Some(twin) = twin {
        let message = format!("{} is already a mount target in {}", twin.id, zone.unwrap_or_default());
        return Err(ExecError::new(ErrorKind::AlreadyExists, message).code("MountTargetConflict"));
    }
    // Its groups are of the subnet's VPC.
    let vpc = subnet.and_then(|subnet| subnet.text("vpc_id"));
    for group in call.texts("security_groups") {
        if call.find("ec2.security_group", group).is_some_and(|group| group.text("vpc_id") != vpc) {
            return Err(invalid("SecurityGroupNotFound", format!("{group} belongs to another network")));
        }
    }
    Ok(())
}

/// Makes an object of EFS.
fn make(call: &Call<'_>) -> Made {
    let names = call.names();
    match call.kind() {
        "efs.file_system" => {
            let id = names.ec2("fs");
            let arn = call.arn("elasticfilesystem", &format!("file-system/{id}"));
            Made::new(call, id.clone()).output("id", id).output("arn", arn)
        }
        "efs.mount_target" => {
            let id = names.ec2("fsmt");
            let subnet = call.find("ec2.subnet", call.text("subnet_id"));
            let range = subnet.and_then(|subnet| subnet.text("cidr_block")?.parse::<Cidr>().ok());
            // The first four addresses of a subnet and its last are AWS's own.
            let address = range.map_or(Ipv4Addr::UNSPECIFIED, |range| {
                let room = (1_u32 << (32 - range.prefix())) - 5;
                Ipv4Addr::from(u32::from(range.base()) + 4 + names.below("ip_address", room))
            });
            Made::new(call, id.clone()).output("id", id).output("ip_address", address.to_string())
        }
        _ => Made::generic(call),
    }
}

/// A file system with mount targets stays.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let mut targets = world.of_kind("efs.mount_target");
    match targets.find(|target| target.text("file_system_id") == Some(&thing.id)) {
        Some(target) if thing.kind.as_str() == "efs.file_system" => {
            Err(in_use("FileSystemInUse", format!("{} still has the mount target {}", thing.id, target.id)))
        }
        _ => Ok(()),
    }
}
