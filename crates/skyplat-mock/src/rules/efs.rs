//! EFS: file systems and mount targets.

use std::net::Ipv4Addr;

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::ids::Cidr;
use skyplat_core::object::ObjectKind;

use super::error::{busy, in_use, invalid};
use super::{Call, Made, Rules, quota};
use crate::quotas::Quotas;
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
    match call.kind() {
        "efs.file_system" => return file_system(call),
        "efs.mount_target" => {}
        _ => return Ok(()),
    }
    // CreateMountTarget: the file system is `available`.
    let home = call.find("efs.file_system", call.text("file_system_id"));
    if home.is_some_and(|home| !home.is_active()) {
        return Err(busy("IncorrectFileSystemLifeCycleState", "the file system is not available yet"));
    }
    let subnet = call.find("ec2.subnet", call.text("subnet_id"));
    let zone = subnet.and_then(|subnet| subnet.text("availability_zone"));
    // CreateMountTarget: one in a zone, and all of a file system in one VPC; while one is being deleted it is in the way.
    let vpc_of = |target: &Thing| {
        target
            .text("subnet_id")
            .and_then(|id| call.find("ec2.subnet", id))
            .and_then(|subnet| subnet.text("vpc_id"))
    };
    let vpc = subnet.and_then(|subnet| subnet.text("vpc_id"));
    let is_far = |other: &&Thing| {
        other.text("file_system_id") == Some(call.text("file_system_id")) && vpc_of(other) != vpc
    };
    if let Some(other) = call.others("efs.mount_target").find(is_far) {
        let message = format!("{} is a mount target of the file system in another VPC", other.id);
        return Err(invalid("MountTargetConflict", message));
    }
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
    // CreateMountTarget: up to five groups, of the subnet's VPC.
    let groups = call.texts("security_groups").len();
    quota::hold(
        call,
        "SecurityGroupLimitExceeded",
        "security groups per mount target",
        groups,
        |quotas: &Quotas| quotas.security_groups_per_mount_target,
    )?;
    for group in call.texts("security_groups") {
        if call.find("ec2.security_group", group).is_some_and(|group| group.text("vpc_id") != vpc) {
            return Err(invalid("SecurityGroupNotFound", format!("{group} belongs to another network")));
        }
    }
    Ok(())
}

/// CreateFileSystem: modes are known, and `maxIO` does not go with `elastic`
/// (<https://docs.aws.amazon.com/efs/latest/ug/performance.html>).
fn file_system(call: &Call<'_>) -> Result<(), ExecError> {
    let (performance, throughput) = (call.text("performance_mode"), call.text("throughput_mode"));
    let is_known = ["", "generalPurpose", "maxIO"].contains(&performance)
        && ["", "bursting", "elastic", "provisioned"].contains(&throughput);
    if !is_known || performance == "maxIO" && throughput == "elastic" {
        return Err(invalid(
            "BadRequest",
            format!("there is no file system of {performance} and {throughput}"),
        ));
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

/// DeleteFileSystem: one with mount targets stays.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let mut targets = world.of_kind("efs.mount_target");
    match targets.find(|target| target.text("file_system_id") == Some(&thing.id)) {
        Some(target) if thing.kind.as_str() == "efs.file_system" => {
            Err(in_use("FileSystemInUse", format!("{} still has the mount target {}", thing.id, target.id)))
        }
        _ => Ok(()),
    }
}
