//! EKS: clusters, addons, Fargate profiles and access entries. What it checks of each is in a module of its own.

mod access;
mod cluster;
mod pods;

use std::collections::{BTreeMap, BTreeSet};

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::ObjectKind;
use skyplat_core::object::Placement;
use skyplat_core::state::Uid;
use skyplat_core::value::Tree;

use super::error::{busy, in_use};
use super::{Call, Made, Rules, ec2, texts};
use crate::names::Names;
use crate::world::{Phase, Thing, World};

/// The rules of EKS.
#[derive(Debug)]
pub(super) struct Eks;

impl Rules for Eks {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "eks"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)?;
        match call.kind() {
            "eks.fargate_profile" => pods::alone(call.world, call.text("cluster_name"), call.region()),
            _ => Ok(()),
        }
    }

    fn check_update(&self, call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
        check(call)?;
        match call.kind() {
            "eks.cluster" => cluster::check_update(call, old),
            _ => Ok(()),
        }
    }

    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        check_delete(world, thing)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        make(call)
    }

    fn pending(&self, world: &World, thing: &Thing) -> Option<String> {
        if thing.kind.as_str() == "eks.addon" { pods::pending(world, thing) } else { None }
    }
}

/// Judges the inputs of an object of EKS.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "eks.cluster" => cluster::check(call),
        "eks.addon" => pods::addon(call),
        "eks.access_entry" => access::check(call),
        "eks.fargate_profile" => pods::fargate_profile(call),
        _ => Ok(()),
    }
}

/// Returns whether a role of this world lets a service take it.
fn trusts(call: &Call<'_>, role: &str, service: &str) -> bool {
    let name = role.rsplit('/').next().unwrap_or_default();
    let Some(role) = call.find("iam.role", name) else { return false };
    let trust = role.inputs.get("assume_role_policy_document").unwrap_or(&Tree::Null);
    let statements = trust.get("Statement").and_then(Tree::as_list).unwrap_or_default();
    statements.iter().any(|statement| {
        let services = statement.at("Principal.Service");
        let one = services.and_then(Tree::as_str) == Some(service);
        let many = services.and_then(Tree::as_list).unwrap_or_default();
        statement.get("Effect").and_then(Tree::as_str) == Some("Allow")
            && (one || many.iter().any(|item| item.as_str() == Some(service)))
    })
}

/// Returns the id of the VPC that a cluster of this region lies in.
fn vpc_of<'a>(call: &Call<'a>, cluster: &str) -> Option<&'a str> {
    let cluster = call.others("eks.cluster").find(|thing| thing.id == cluster)?;
    let subnet = *texts(&cluster.inputs, "resources_vpc_config.subnet_ids").first()?;
    call.find("ec2.subnet", subnet)?.text("vpc_id")
}

/// Judges a delete. What is being made or changed cannot be deleted yet (`DeleteCluster`, `DeleteAddon`,
/// `DeleteFargateProfile`: `ResourceInUseException`), profiles go one at a time, and a cluster with profiles stays.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let region = thing.placement.region.as_ref().map_or("", |region| region.as_str());
    if thing.kind.as_str() == "eks.fargate_profile" {
        pods::alone(world, thing.text("cluster_name").unwrap_or_default(), region)?;
    }
    if thing.kind.as_str() != "eks.cluster" {
        return Ok(());
    }
    if !matches!(thing.phase, Phase::Ready) {
        return Err(busy(
            "ResourceInUseException",
            format!("the cluster {} is being made or changed", thing.id),
        ));
    }
    let profile = world.of_kind("eks.fargate_profile").find(|profile| profile.lives_in.contains(&thing.uid));
    profile.map_or(Ok(()), |profile| {
        let message = format!("the cluster {} still has {}", thing.id, profile.id);
        Err(in_use("ResourceInUseException", message))
    })
}

/// Makes an object of EKS.
fn make(call: &Call<'_>) -> Result<Made, ExecError> {
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
        _ => return Ok(Made::generic(call)),
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
