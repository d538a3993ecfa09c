//! Ids inside inputs must name live things of the right kind, in the right region.
//!
//! Every API checks that on its own; here it is one table of field names, because fields that mean the same are named
//! the same. Codes are those of each action's page. What was there and is gone, and what never was, is refused alike, but the message tells.

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::value::{Key, Tree};

use super::visible::{self, Seen};
use super::{Call, error};
use crate::world::Thing;

/// A field that names a thing.
struct Names {
    field: &'static str,
    kind: &'static str,
    /// The API's code when there is no such thing.
    code: &'static str,
}

const fn names(field: &'static str, kind: &'static str, code: &'static str) -> Names {
    Names { field, kind, code }
}

const FIELDS: &[Names] = &[
    names("vpc_id", "ec2.vpc", "InvalidVpcID.NotFound"),
    names("peer_vpc_id", "ec2.vpc", "InvalidVpcID.NotFound"),
    names("subnet_id", "ec2.subnet", "InvalidSubnetID.NotFound"),
    names("subnet_ids", "ec2.subnet", "InvalidSubnetID.NotFound"),
    names("subnets", "ec2.subnet", "InvalidSubnetID.NotFound"),
    names("group_id", "ec2.security_group", "InvalidGroup.NotFound"),
    names("referenced_group_id", "ec2.security_group", "InvalidGroup.NotFound"),
    names("security_groups", "ec2.security_group", "SecurityGroupNotFound"),
    names("security_group_ids", "ec2.security_group", "InvalidGroup.NotFound"),
    names("route_table_id", "ec2.route_table", "InvalidRouteTableID.NotFound"),
    names("route_table_ids", "ec2.route_table", "InvalidRouteTableId.NotFound"),
    names("gateway_id", "ec2.internet_gateway", "InvalidInternetGatewayID.NotFound"),
    names("nat_gateway_id", "ec2.nat_gateway", "InvalidNatGatewayID.NotFound"),
    names("allocation_id", "ec2.eip", "InvalidAllocationID.NotFound"),
    names("vpc_peering_connection_id", "ec2.vpc_peering", "InvalidVpcPeeringConnectionID.NotFound"),
    names("cluster_name", "eks.cluster", "ResourceNotFoundException"),
    names("role_name", "iam.role", "NoSuchEntity"),
    names("role_arn", "iam.role", "InvalidParameterException"),
    names("pod_execution_role_arn", "iam.role", "InvalidParameterException"),
    names("file_system_id", "efs.file_system", "FileSystemNotFound"),
    names("hosted_zone_id", "route53.zone", "NoSuchHostedZone"),
    names("user_pool_id", "cognito.user_pool", "ResourceNotFoundException"),
    names("client_id", "cognito.user_pool_client", "ResourceNotFoundException"),
];

/// Judges every id in the inputs.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.object.kind.service() {
        "ec2" | "iam" | "eks" | "efs" | "route53" | "cognito" => walk(call, &call.object.inputs),
        _ => Ok(()),
    }
}

fn walk(call: &Call<'_>, tree: &Tree) -> Result<(), ExecError> {
    for (key, value) in tree.as_map().into_iter().flatten() {
        let Key::Literal(key) = key else { continue };
        // A role's own name is no reference.
        let own = key == "role_name" && call.kind() == "iam.role";
        match FIELDS.iter().find(|names| names.field == key).filter(|_| !own) {
            Some(names) => {
                let one = value.as_str().into_iter();
                let many = value.as_list().into_iter().flatten().filter_map(Tree::as_str);
                one.chain(many).try_for_each(|id| check_one(call, names, id))?;
            }
            None => walk(call, value)?,
        }
    }
    Ok(())
}

fn check_one(call: &Call<'_>, names: &Names, id: &str) -> Result<(), ExecError> {
    let missing = |why: String| {
        let past = if call.world.is_past(id) { "; it was deleted" } else { "" };
        Err(error::invalid(names.code, format!("{}: {why}{past}", names.field)))
    };
    let mut elsewhere = None;
    for thing in named(call, names.kind, id).filter(|thing| thing.is_alive()) {
        if !is_reachable(call, names, thing) {
            elsewhere = thing.placement.region.as_ref();
        } else if names.kind == "eks.cluster" && !thing.is_active() {
            // CreateAddon, CreateFargateProfile, CreateAccessEntry: the cluster is `ACTIVE`.
            return Err(ExecError::new(ErrorKind::NotYetVisible, format!("the cluster {id} is not active"))
                .code("InvalidRequestException"));
        } else if names.kind == "iam.role"
            && names.field != "role_name"
            && visible::role(call, thing) == Seen::NotYet
        {
            // Inside IAM a role is there at once; for other services it takes a while.
            return Err(visible::not_yet(names.code, id));
        } else {
            return Ok(());
        }
    }
    match elsewhere {
        Some(region) => missing(format!("{id} is in {region}, out of reach from here")),
        None => missing(format!("there is no {} {id}", names.kind)),
    }
}

/// Returns the things of a kind with this id or ARN.
fn named<'a>(call: &Call<'a>, kind: &'a str, id: &'a str) -> Box<dyn Iterator<Item = &'a Thing> + 'a> {
    if id.starts_with("arn:") {
        Box::new(call.world.with_arn(id).filter(move |thing| thing.kind.as_str() == kind))
    } else {
        Box::new(call.world.with_id(id).filter(move |thing| thing.kind.as_str() == kind))
    }
}

/// Ids of EC2, EKS, EFS and Cognito mean something in their own region only. A peering connection is seen from both
/// of its regions and from no third one.
fn is_reachable(call: &Call<'_>, names: &Names, thing: &Thing) -> bool {
    let here = call.region();
    let there = thing.placement.region.as_ref().map_or("", |region| region.as_str());
    match names.field {
        "peer_vpc_id" => there == call.text("peer_region"),
        "vpc_peering_connection_id" => there == here || thing.text("peer_region") == Some(here),
        "vpc_id" if call.kind().starts_with("route53.") => there == call.text("vpc.vpc_region"),
        _ => here.is_empty() || there.is_empty() || here == there,
    }
}
