//! What EKS checks of a control plane: `CreateCluster`, `UpdateClusterConfig`, `UpdateClusterVersion`.

use std::collections::BTreeSet;

use skyplat_core::executor::ExecError;
use skyplat_core::ids::Cidr;
use skyplat_core::value::Tree;

use crate::quotas::Quotas;
use crate::rules::error::invalid;
use crate::rules::{Call, quota, texts};
use crate::world::Thing;

fn refuse(why: impl Into<String>) -> ExecError {
    invalid("InvalidParameterException", why)
}

/// Judges the inputs of a control plane.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    let name = call.text("name");
    let known = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    // CreateCluster: 1 to 100 of these, and a letter or digit first.
    if name.is_empty() || name.len() > 100 || !name.chars().all(known) || name.starts_with(['-', '_']) {
        return Err(refuse(format!("{name:?} is no name of a cluster")));
    }
    let version = call.text("version");
    if !call.catalogue.kubernetes_versions.contains(version) {
        return Err(refuse(format!("EKS does not run Kubernetes {version:?}")));
    }
    // terraform-aws-modules/terraform-aws-eks#2406: the role exists and trusts EKS.
    let role = call.text("role_arn");
    if !super::trusts(call, role, "eks.amazonaws.com") {
        return Err(refuse(format!(
            "Role with arn: {role}, could not be assumed because it does not exist or the trusted entity is not correct"
        )));
    }
    subnets(call)?;
    groups(call)?;
    endpoint(call)?;
    addresses(call)?;
    logs(call)?;
    let mode = call.text("access_config.authentication_mode");
    if ["", "API", "API_AND_CONFIG_MAP", "CONFIG_MAP"].contains(&mode) {
        return Ok(());
    }
    Err(refuse(format!("{mode:?} is no authentication mode")))
}

/// <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>: at least two subnets of one VPC in different zones,
/// none in a zone that has no room for control planes.
fn subnets(call: &Call<'_>) -> Result<(), ExecError> {
    let known = call.catalogue.zones(call.region());
    let (mut zones, mut vpcs) = (BTreeSet::new(), BTreeSet::new());
    for id in call.texts("resources_vpc_config.subnet_ids") {
        let subnet = call.find("ec2.subnet", id);
        let zone = subnet.and_then(|subnet| subnet.text("availability_zone"));
        if let Some(zone) = known.iter().find(|known| Some(known.name.as_str()) == zone)
            && !call.catalogue.eks_takes(zone)
        {
            let message = format!("EKS does not put control planes into {} ({})", zone.name, zone.id);
            return Err(invalid("UnsupportedAvailabilityZoneException", message));
        }
        zones.extend(zone);
        vpcs.extend(subnet.and_then(|subnet| subnet.text("vpc_id")));
    }
    if zones.len() < 2 {
        return Err(refuse("the subnets of a cluster must lie in at least two zones"));
    }
    if vpcs.len() > 1 {
        return Err(refuse("the subnets of a cluster must belong to one VPC"));
    }
    Ok(())
}

/// Returns the VPC of the cluster that is asked for.
fn vpc<'a>(call: &Call<'a>) -> Option<&'a Thing> {
    let subnet = call.find("ec2.subnet", call.texts("resources_vpc_config.subnet_ids").first()?)?;
    call.find("ec2.vpc", subnet.text("vpc_id")?)
}

/// Its security groups are of its VPC, and few (EKS service quotas).
fn groups(call: &Call<'_>) -> Result<(), ExecError> {
    let groups = call.texts("resources_vpc_config.security_group_ids");
    let vpc = vpc(call).map(|vpc| vpc.id.as_str());
    for group in &groups {
        if call.find("ec2.security_group", group).is_some_and(|group| group.text("vpc_id") != vpc) {
            return Err(refuse(format!("the security group {group} belongs to another VPC")));
        }
    }
    let name = "control plane security groups per cluster";
    quota::hold(call, "InvalidParameterException", name, groups.len(), |quotas: &Quotas| {
        quotas.security_groups_per_cluster
    })
}

/// <https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html>: it can be reached from somewhere, and from the
/// internet only from public addresses.
fn endpoint(call: &Call<'_>) -> Result<(), ExecError> {
    let is_off = |field: &str| call.flag(&format!("resources_vpc_config.{field}")) == Some(false);
    if is_off("endpoint_private_access") && is_off("endpoint_public_access") {
        return Err(refuse("Private and public endpoint access cannot be false"));
    }
    let ranges = call.texts("resources_vpc_config.public_access_cidrs");
    for range in &ranges {
        let Ok(cidr) = range.parse::<Cidr>() else {
            return Err(refuse(format!("The following CIDRs are invalid in publicAccessCidrs: [{range}]")));
        };
        // 0.0.0.0/0 holds them all, and is allowed.
        if cidr.prefix() > 0 && private_ranges().iter().any(|private| private.overlaps(&cidr)) {
            return Err(refuse(format!(
                "The following CIDRs are not allowed in publicAccessCidrs: [{range}]"
            )));
        }
    }
    let name = "public endpoint access CIDR ranges per cluster";
    quota::hold(call, "InvalidParameterException", name, ranges.len(), |quotas: &Quotas| {
        quotas.public_cidrs_per_cluster
    })
}

/// The ranges of RFC 1918.
fn private_ranges() -> [Cidr; 3] {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(|range| range.parse().expect("they are ranges"))
}

/// KubernetesNetworkConfigRequest: services have a private range between /24 and /12 that does not overlap the VPC's.
fn addresses(call: &Call<'_>) -> Result<(), ExecError> {
    let text = call.text("kubernetes_network_config.service_ipv4_cidr");
    if text.is_empty() {
        return Ok(());
    }
    let Ok(range) = text.parse::<Cidr>() else { return Err(refuse(format!("{text:?} is no range"))) };
    let is_private = private_ranges().iter().any(|private| private.contains(&range));
    if !is_private || !(12..=24).contains(&range.prefix()) {
        return Err(refuse(format!("{range} is not a private range between /24 and /12")));
    }
    let vpc = vpc(call).and_then(|vpc| vpc.text("cidr_block")?.parse::<Cidr>().ok());
    match vpc.filter(|vpc| vpc.overlaps(&range)) {
        Some(vpc) => Err(refuse(format!("the service range {range} overlaps the VPC's {vpc}"))),
        None => Ok(()),
    }
}

/// LogSetup: there are five kinds of logs.
fn logs(call: &Call<'_>) -> Result<(), ExecError> {
    const TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];
    for setup in call.items("logging.cluster_logging") {
        if let Some(unknown) = texts(setup, "types").into_iter().find(|name| !TYPES.contains(name)) {
            return Err(refuse(format!("there are no logs {unknown:?} of a control plane")));
        }
    }
    Ok(())
}

/// How callers are let in, from the old way to the new.
const MODES: [&str; 3] = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"];

/// Judges what changes: a cluster goes up one minor version at a time and never down (UpdateClusterVersion), its
/// authentication mode goes from config map to API and never back, and its subnets stay in the zones that it began with
/// (network requirements page).
pub(super) fn check_update(call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
    let minor = |version: &str| version.split_once('.').and_then(|(_, minor)| minor.parse::<u32>().ok());
    let (was, is) = (old.text("version").unwrap_or_default(), call.text("version"));
    match (minor(was), minor(is)) {
        (Some(from), Some(to)) if to == from || to == from + 1 => {}
        _ => {
            return Err(refuse(format!("a cluster cannot go from {was} to {is}"))
                .hint("go up one minor version at a time"));
        }
    }
    let place = |mode: &str| MODES.iter().position(|known| *known == mode).unwrap_or_default();
    let mode = old.text("access_config.authentication_mode").unwrap_or_default();
    if place(call.text("access_config.authentication_mode")) < place(mode) {
        return Err(refuse(format!("the authentication mode {mode} cannot be taken back")));
    }
    let zones = |inputs: &Tree| -> BTreeSet<String> {
        let subnets = texts(inputs, "resources_vpc_config.subnet_ids").into_iter();
        let subnets = subnets.filter_map(|id| call.find("ec2.subnet", id)?.text("availability_zone"));
        subnets.map(str::to_owned).collect()
    };
    if zones(&call.object.inputs).is_subset(&zones(&old.inputs)) {
        return Ok(());
    }
    Err(refuse("the subnets of a cluster stay in the zones that it was made with"))
}
