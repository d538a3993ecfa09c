//! EC2: what its API makes, and what it refuses to delete. What it checks of its inputs is in [`fields`].

mod fields;

use skyplat_core::executor::ExecError;
use skyplat_core::object::ObjectKind;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use fields::check;

use super::{Call, Made, Rules, error, texts};
use crate::world::{Thing, World};

/// The rules of EC2.
#[derive(Debug)]
pub(super) struct Ec2;

impl Rules for Ec2 {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "ec2"
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

/// Makes an object of EC2.
fn make(call: &Call<'_>) -> Made {
    let names = call.names();
    let with_id = |prefix: &str| {
        let id = names.ec2(prefix);
        Made::new(call, id.clone()).output("id", id)
    };
    match call.kind() {
        "ec2.vpc" => with_id("vpc").repeat(&["cidr_block"]),
        "ec2.subnet" => with_id("subnet").repeat(&["cidr_block", "availability_zone"]),
        "ec2.internet_gateway" => with_id("igw"),
        "ec2.eip" => {
            let id = names.ec2("eipalloc");
            // 198.18.0.0/15 is set aside for benchmarks: it is nobody's address.
            let host = names.below("public_ip", 1 << 17);
            let address = std::net::Ipv4Addr::from((198_u32 << 24) + (18 << 16) + host);
            Made::new(call, id.clone())
                .output("id", id.clone())
                .output("allocation_id", id)
                .output("public_ip", address.to_string())
        }
        "ec2.nat_gateway" => with_id("nat"),
        "ec2.route_table" => with_id("rtb"),
        "ec2.route" => {
            let id = format!("{}_{}", call.text("route_table_id"), call.text("destination_cidr_block"));
            Made::new(call, id).inside(call.find("ec2.route_table", call.text("route_table_id")))
        }
        "ec2.route_table_association" => {
            // A subnet that is deleted takes its association along; replacing the table gives a new id.
            let id = names.ec2(&format!("rtbassoc-{}", call.text("route_table_id")));
            let id = format!("rtbassoc-{}", id.rsplit('-').next().unwrap_or_default());
            Made::new(call, id.clone())
                .output("id", id)
                .inside(call.find("ec2.subnet", call.text("subnet_id")))
        }
        "ec2.security_group" => with_id("sg").repeat(&["group_name"]),
        "ec2.security_group_rule" => {
            with_id("sgr").inside(call.find("ec2.security_group", call.text("group_id")))
        }
        "ec2.vpc_endpoint" => with_id("vpce"),
        "ec2.vpc_peering" => with_id("pcx"),
        "ec2.vpc_peering_acceptance" | "ec2.vpc_peering_options" => {
            // Both are states of the connection and go with it.
            let id = call.text("vpc_peering_connection_id");
            Made::new(call, id).output("id", id).inside(call.find("ec2.vpc_peering", id))
        }
        _ => Made::generic(call),
    }
}

/// Refuses to delete what is still used, as EC2 does with `DependencyViolation`. What is being deleted itself still counts.
///
/// DeleteVpc, DeleteSubnet, DeleteSecurityGroup, DetachInternetGateway, ReleaseAddress, DeleteRouteTable.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let id = thing.id.as_str();
    let (code, users): (&str, Vec<&Thing>) = match thing.kind.as_str() {
        // DeleteVpc: everything in a VPC must be gone, security groups and gateways included.
        "ec2.vpc" => {
            let names = |other: &&Thing| {
                other.kind.service() == "ec2"
                    && (other.text("vpc_id") == Some(id) || other.text("peer_vpc_id") == Some(id))
            };
            ("DependencyViolation", world.things().filter(names).collect())
        }
        // NAT gateways, mount targets, control planes and Fargate pods have network interfaces in the subnet.
        "ec2.subnet" => {
            let names = |other: &&Thing| {
                other.kind.as_str() != "ec2.route_table_association" && other.text("subnet_id") == Some(id)
                    || other.kind.as_str() == "eks.cluster"
                        && texts(&other.inputs, "resources_vpc_config.subnet_ids").contains(&id)
                    || other.kind.as_str() == "eks.fargate_profile"
                        && texts(&other.inputs, "subnets").contains(&id)
            };
            ("DependencyViolation", world.things().filter(names).collect())
        }
        // DeleteSecurityGroup: one on a network interface, or named by a rule of another group, stays.
        "ec2.security_group" => {
            let names = |other: &&Thing| {
                texts(&other.inputs, "security_groups").contains(&id)
                    || texts(&other.inputs, "security_group_ids").contains(&id)
                    || texts(&other.inputs, "resources_vpc_config.security_group_ids").contains(&id)
                    || other.text("referenced_group_id") == Some(id) && other.text("group_id") != Some(id)
            };
            ("DependencyViolation", world.things().filter(names).collect())
        }
        // DetachInternetGateway: not while public addresses in its VPC are mapped.
        "ec2.internet_gateway" => {
            let vpc = thing.text("vpc_id");
            let inside = |other: &&Thing| vpc_of(world, other).as_deref() == vpc;
            ("DependencyViolation", world.of_kind("ec2.nat_gateway").filter(inside).collect())
        }
        "ec2.eip" => {
            let names = |other: &&Thing| other.text("allocation_id") == Some(id);
            ("InvalidIPAddress.InUse", world.of_kind("ec2.nat_gateway").filter(names).collect())
        }
        "ec2.route_table" => {
            let names = |other: &&Thing| other.text("route_table_id") == Some(id);
            ("DependencyViolation", world.of_kind("ec2.route_table_association").filter(names).collect())
        }
        _ => return Ok(()),
    };
    match users.first() {
        None => Ok(()),
        Some(first) => {
            let more = if users.len() > 1 { format!(" and {} more", users.len() - 1) } else { String::new() };
            let used = format!("{id} is still used by the {} {}{more}", first.kind, first.id);
            Err(error::in_use(code, used))
        }
    }
}

/// Returns the VPC that a thing with a `subnet_id` is in.
fn vpc_of(world: &World, thing: &Thing) -> Option<String> {
    let subnet = world.with_id(thing.text("subnet_id")?).find(|thing| thing.kind.as_str() == "ec2.subnet")?;
    subnet.text("vpc_id").map(str::to_owned)
}

/// Returns the fields of the security group that EKS makes for a cluster.
pub(super) fn cluster_security_group(cluster: &str, vpc_id: &str) -> Tree {
    tree!({
        "vpc_id": vpc_id,
        "group_name": (format!("eks-cluster-sg-{cluster}")),
        "description": "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.",
    })
}
