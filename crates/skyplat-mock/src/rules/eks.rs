//! EKS: clusters, addons, Fargate profiles and access entries.

use std::collections::{BTreeMap, BTreeSet};

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::Placement;
use skyplat_core::state::Uid;

use super::error::{busy, in_use, invalid};
use super::{Call, Made, ec2};
use crate::catalogue::ACCOUNT;
use crate::names::Names;
use crate::world::{Phase, Thing, World};

/// Judges the inputs of an object of EKS.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "eks.cluster" => cluster(call),
        "eks.addon" => addon(call),
        "eks.access_entry" => access_entry(call),
        "eks.fargate_profile" => fargate_profile(call),
        _ => Ok(()),
    }
}

/// Judges what only a create must heed.
pub(super) fn check_create(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "eks.fargate_profile" => alone(call.world, call.text("cluster_name"), call.region()),
        _ => Ok(()),
    }
}

fn cluster(call: &Call<'_>) -> Result<(), ExecError> {
    let name = call.text("name");
    let known = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    // A cluster's name is 1 to 100 of these, and begins with a letter or digit.
    if name.is_empty() || name.len() > 100 || !name.chars().all(known) || name.starts_with(['-', '_']) {
        return Err(invalid("InvalidParameterException", format!("{name:?} is no name of a cluster")));
    }
    let version = call.text("version");
    if !call.catalogue.kubernetes_versions.contains(version) {
        let message = format!("EKS does not run Kubernetes {version:?}");
        return Err(invalid("InvalidParameterException", message));
    }
    let zones = call.catalogue.zones(call.region());
    let mut used = BTreeSet::new();
    for id in call.texts("resources_vpc_config.subnet_ids") {
        let zone = call.find("ec2.subnet", id).and_then(|subnet| subnet.text("availability_zone"));
        // Some zones have no room for control planes.
        if let Some(zone) = zones.iter().find(|known| Some(known.name.as_str()) == zone)
            && !call.catalogue.eks_takes(zone)
        {
            let message = format!("EKS does not put control planes into {} ({})", zone.name, zone.id);
            return Err(invalid("UnsupportedAvailabilityZoneException", message));
        }
        used.extend(zone);
    }
    // The subnets lie in at least two zones.
    if used.len() < 2 {
        let message = "the subnets of a cluster must lie in at least two zones";
        return Err(invalid("InvalidParameterException", message));
    }
    Ok(())
}

fn addon(call: &Call<'_>) -> Result<(), ExecError> {
    let name = call.text("name");
    if call.catalogue.addons.contains(name) {
        return Ok(());
    }
    Err(invalid("InvalidParameterException", format!("there is no addon {name:?}")))
}

fn access_entry(call: &Call<'_>) -> Result<(), ExecError> {
    let arn = call.text("principal_arn");
    let is_principal = arn.starts_with("arn:") && (arn.contains(":role/") || arn.contains(":user/"));
    let name = arn.rsplit('/').next().unwrap_or_default();
    // The principal must exist. A role that this world never saw is someone else's; one that it saw go is not there.
    let is_there = match call.find("iam.role", name) {
        Some(role) => role.output("arn") == Some(arn),
        None => !(arn.contains(ACCOUNT) && call.world.is_past(name)),
    };
    if !is_principal || !is_there {
        let message = format!("the principal {arn:?} does not exist");
        return Err(invalid("InvalidParameterException", message));
    }
    for policy in
        call.object.inputs.get("access_policies").and_then(|list| list.as_list()).unwrap_or_default()
    {
        let arn = policy.get("policy_arn").and_then(|arn| arn.as_str()).unwrap_or_default();
        let name = arn.rsplit('/').next().unwrap_or_default();
        if !arn.contains(":eks::aws:cluster-access-policy/") || !call.catalogue.access_policies.contains(name)
        {
            return Err(invalid("InvalidParameterException", format!("there is no access policy {arn:?}")));
        }
    }
    Ok(())
}

fn fargate_profile(call: &Call<'_>) -> Result<(), ExecError> {
    // Fargate pods run in private subnets only.
    for id in call.texts("subnets") {
        let is_public = call.others("ec2.route_table_association").any(|association| {
            association.text("subnet_id") == Some(id)
                && call.others("ec2.route").any(|route| {
                    route.text("route_table_id") == association.text("route_table_id")
                        && route.text("gateway_id").is_some()
                })
        });
        if is_public {
            return Err(invalid("InvalidParameterException", format!("{id} is not a private subnet")));
        }
    }
    // A profile has one to five selectors.
    let selectors = call.object.inputs.get("selectors").and_then(|list| list.as_list()).map_or(0, <[_]>::len);
    if (1..=5).contains(&selectors) {
        return Ok(());
    }
    Err(invalid("InvalidParameterException", format!("a profile has 1 to 5 selectors, not {selectors}")))
}

/// A cluster takes one operation on its Fargate profiles at a time.
fn alone(world: &World, cluster: &str, region: &str) -> Result<(), ExecError> {
    let at_work = world.of_kind("eks.fargate_profile").find(|profile| {
        profile.text("cluster_name") == Some(cluster)
            && profile.placement.region.as_ref().is_some_and(|here| here.as_str() == region)
            && matches!(profile.phase, Phase::Creating { .. } | Phase::Deleting { .. })
    });
    at_work.map_or(Ok(()), |profile| {
        let message = format!("{} of the cluster {cluster} is being made or deleted", profile.id);
        Err(busy("ResourceInUseException", message))
    })
}

/// Judges an update: a cluster goes up one minor version at a time, and never down.
pub(super) fn check_update(call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
    if call.kind() != "eks.cluster" {
        return Ok(());
    }
    let minor = |version: &str| version.split_once('.').and_then(|(_, minor)| minor.parse::<u32>().ok());
    let (was, is) = (old.text("version").unwrap_or_default(), call.text("version"));
    match (minor(was), minor(is)) {
        (Some(from), Some(to)) if to == from || to == from + 1 => Ok(()),
        _ => Err(invalid("InvalidParameterException", format!("a cluster cannot go from {was} to {is}"))
            .hint("go up one minor version at a time")),
    }
}

/// A cluster with Fargate profiles stays, and a profile waits for the others.
pub(super) fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let region = thing.placement.region.as_ref().map_or("", |region| region.as_str());
    match thing.kind.as_str() {
        "eks.fargate_profile" => alone(world, thing.text("cluster_name").unwrap_or_default(), region),
        "eks.cluster" => {
            let profile =
                world.of_kind("eks.fargate_profile").find(|profile| profile.lives_in.contains(&thing.uid));
            profile.map_or(Ok(()), |profile| {
                let message = format!("the cluster {} still has {}", thing.id, profile.id);
                Err(in_use("ResourceInUseException", message))
            })
        }
        _ => Ok(()),
    }
}

/// Makes an object of EKS.
pub(super) fn make(call: &Call<'_>) -> Result<Made, ExecError> {
    if call.kind() == "eks.cluster" {
        return make_cluster(call);
    }
    let cluster = call.text("cluster_name");
    let here = call.others("eks.cluster").find(|thing| thing.id == cluster);
    let (noun, name) = match call.kind() {
        "eks.addon" => ("addon", call.text("name")),
        "eks.fargate_profile" => ("fargateprofile", call.text("fargate_profile_name")),
        "eks.access_entry" => {
            ("access-entry/role", call.text("principal_arn").rsplit('/').next().unwrap_or_default())
        }
        _ => return Ok(super::generic(call)),
    };
    let arn = call.arn("eks", &format!("{noun}/{cluster}/{name}/{}", call.names().uuid("arn")));
    let mut made = Made::new(call, format!("{cluster}/{name}"))
        .output("arn", arn)
        .repeat(&["name", "fargate_profile_name"])
        .inside(here);
    if call.kind() == "eks.addon" && made.inputs.get("addon_version").is_none() {
        // Without a version EKS takes the default one for the cluster's.
        let asked = Some(call.text("kubernetes_version")).filter(|version| !version.is_empty());
        let version = asked.or_else(|| here.and_then(|cluster| cluster.text("version"))).unwrap_or_default();
        made.inputs.set("addon_version", skyplat_core::tree!((format!("v{version}.0-eksbuild.1"))));
    }
    Ok(made)
}

fn make_cluster(call: &Call<'_>) -> Result<Made, ExecError> {
    let (name, region, names) = (call.text("name"), call.region(), call.names());
    let subnet = call
        .texts("resources_vpc_config.subnet_ids")
        .first()
        .and_then(|id| call.find("ec2.subnet", id))
        .ok_or_else(|| ExecError::new(ErrorKind::Invalid, "a cluster has subnets"))?;
    let vpc = subnet.text("vpc_id").unwrap_or_default();
    let suffix = if call.partition.as_str() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let id = names.hex("issuer", 32).to_ascii_uppercase();
    let issuer = format!("oidc.eks.{region}.{suffix}/id/{id}");
    let endpoint = format!(
        "https://{id}.{}.{region}.eks.{suffix}",
        names.of("endpoint", b"abcdefghijklmnopqrstuvwxyz0123456789", 3)
    );
    let group = security_group(call, name, vpc);
    let mut made = Made::new(call, name)
        .output("arn", call.arn("eks", &format!("cluster/{name}")))
        .output("endpoint", endpoint)
        .output("certificate_authority", format!("LS0tLS1CRUdJTi{}==", names.alphanumeric("ca", 64)))
        .output("issuer_url", format!("https://{issuer}"))
        .output("issuer_host", issuer)
        .output("cluster_security_group_id", group.id.as_str())
        .repeat(&["name", "version"]);
    made.beside.push(group);
    Ok(made)
}

/// EKS makes a security group with every cluster, and deletes it with the cluster.
fn security_group(call: &Call<'_>, cluster: &str, vpc: &str) -> Thing {
    let uid = Uid::new(call.object.uid.as_str(), &call.object.address.join("security-group"), 0);
    let id = Names::new(call.world.seed(), &uid).ec2("sg");
    Thing {
        address: call.object.address.join("security-group"),
        kind: "ec2.security_group".into(),
        placement: Placement { container: None, ..call.object.placement.clone() },
        inputs: ec2::cluster_security_group(cluster, vpc),
        natural_key: None,
        outputs: BTreeMap::from([("id".to_owned(), skyplat_core::tree!(id))]),
        tags: BTreeMap::from([("aws:eks:cluster-name".to_owned(), cluster.to_owned())]),
        lives_in: BTreeSet::from([call.object.uid.clone()]),
        made_for: None,
        created_at: 0,
        phase: Phase::Ready,
        id,
        uid,
    }
}
