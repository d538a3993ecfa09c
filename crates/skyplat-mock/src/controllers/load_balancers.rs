//! The AWS load balancer controller: a load balancer for every Ingress of the class `alb`.
//!
//! An Ingress has the finalizer `ingress.k8s.aws/resources`: it goes when the controller has taken away what it made
//! for it (<https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/2894>), and never when the controller
//! went first (<https://github.com/kubernetes/kubernetes/issues/95983>). The interfaces of a load balancer stay in their
//! subnets until it is gone, so its group cannot go earlier.

use std::collections::BTreeMap;

use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Cluster, Scene, changed, child, children_of, deleting, gone, made, with_ec2_id};
use crate::catalogue::ACCOUNT;
use crate::names::Names;
use crate::world::{Effect, Thing, World};

const CHART: &str = "aws-load-balancer-controller";
pub(crate) const BALANCER: &str = "elbv2.load_balancer";
const TARGETS: &str = "elbv2.target_group";
const GROUP: &str = "ec2.security_group";

/// The tag by which the controller knows what it made:
/// <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/>.
pub(crate) const CLUSTER_TAG: &str = "elbv2.k8s.aws/cluster";

/// Does what the controller does in a cluster.
pub(super) fn step(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let Some(release) = cluster.running(CHART) else { return Vec::new() };
    let mut effects = Vec::new();
    for ingress in cluster.objects("Ingress").filter(|ingress| is_ours(ingress)) {
        if ingress.is_alive() {
            effects.extend(follow(scene, cluster, release, ingress));
        } else {
            effects.extend(clean(scene, ingress));
        }
    }
    effects
}

fn is_ours(ingress: &Thing) -> bool {
    ingress.text("spec.ingressClassName") == Some("alb")
}

/// Tells why an Ingress does not go at once.
pub(super) fn held(world: &World, ingress: &Thing) -> Option<String> {
    let left =
        [BALANCER, TARGETS, GROUP].into_iter().find_map(|kind| children_of(world, &ingress.uid, kind).next());
    left.map(|thing| format!("{} still has {}", ingress.id, thing.id))
}

/// Makes what an Ingress needs, and moves a load balancer to the subnets that it asks for.
fn follow(scene: Scene<'_>, cluster: Cluster<'_>, release: &Thing, ingress: &Thing) -> Vec<Effect> {
    let world = scene.world;
    let subnets = subnets(world, cluster, ingress);
    let Some(vpc) = subnets.first().and_then(|subnet| subnet.text("vpc_id")) else { return Vec::new() };
    let ids: Vec<&str> = subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    let tags = tags(cluster, release, ingress);
    let group = security_group(world, ingress, vpc, &tags);
    let Some(balancer) = children_of(world, &ingress.uid, BALANCER).next() else {
        let balancer = load_balancer(scene, ingress, &ids, &group, &tags);
        let targets = target_group(world, ingress, vpc, &tags);
        let seconds = scene.seconds(BALANCER).create;
        let new = |thing: &Thing| world.get(&thing.uid).is_none();
        let around = [group, targets].into_iter().filter(new).map(|thing| made(scene, thing, 0.0));
        return around.chain([made(scene, balancer, seconds)]).collect();
    };
    if !balancer.is_alive() {
        return Vec::new();
    }
    let mut inputs = balancer.inputs.clone();
    inputs.set("subnets", tree!(ids));
    if balancer.is_active() && inputs != balancer.inputs {
        return vec![changed(scene, balancer, inputs)];
    }
    interfaces(scene, balancer)
}

/// A load balancer has an interface in every one of its subnets.
fn interfaces(scene: Scene<'_>, balancer: &Thing) -> Vec<Effect> {
    let world = scene.world;
    let (subnets, groups) = (
        crate::rules::texts(&balancer.inputs, "subnets"),
        crate::rules::texts(&balancer.inputs, "security_groups"),
    );
    let wanted = subnets.iter().filter_map(|id| world.with_id(id).next()).map(|subnet| {
        let mut interface =
            super::ec2::interface(world, balancer, &format!("interface-{}", subnet.id), subnet, &groups);
        interface.inputs.set("description", tree!((format!("ELB app/{}", balancer.id))));
        interface.lives_in.insert(balancer.uid.clone());
        interface
    });
    let new = wanted.filter(|interface| world.get(&interface.uid).is_none());
    let mut effects: Vec<Effect> = new.map(|interface| made(scene, interface, 0.0)).collect();
    let there = children_of(world, &balancer.uid, "ec2.network_interface");
    effects
        .extend(there.filter(|one| !subnets.contains(&one.text("subnet_id").unwrap_or_default())).map(gone));
    effects
}

/// Takes away what was made for an Ingress that goes: the load balancer first, then what it used.
fn clean(scene: Scene<'_>, ingress: &Thing) -> Vec<Effect> {
    let world = scene.world;
    if let Some(balancer) = children_of(world, &ingress.uid, BALANCER).next() {
        let seconds = scene.seconds("gate.load_balancers").delete;
        return if balancer.is_alive() { vec![deleting(scene, balancer, seconds)] } else { Vec::new() };
    }
    let around = [TARGETS, GROUP].into_iter().flat_map(|kind| children_of(world, &ingress.uid, kind));
    around.map(gone).collect()
}

/// Returns the subnets that an Ingress names, or else those of the cluster's VPC that are tagged for it:
/// <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/>.
fn subnets<'a>(world: &'a World, cluster: Cluster<'a>, ingress: &Thing) -> Vec<&'a Thing> {
    let find =
        |id: &str| world.with_id(id).find(|thing| thing.kind.as_str() == "ec2.subnet" && thing.is_alive());
    if let Some(named) = annotation(ingress, "subnets") {
        return named.split(',').filter_map(|id| find(id.trim())).collect();
    }
    let own = crate::rules::texts(&cluster.thing.inputs, "resources_vpc_config.subnet_ids");
    let vpc = own.first().and_then(|id| find(id)).and_then(|subnet| subnet.text("vpc_id"));
    let tagged = |subnet: &&Thing| {
        let tag = subnet.inputs.get("tags").and_then(|tags| tags.get("kubernetes.io/role/internal-elb"));
        subnet.text("vpc_id") == vpc && tag.is_some()
    };
    world.of_kind("ec2.subnet").filter(tagged).collect()
}

fn annotation<'a>(ingress: &'a Thing, name: &str) -> Option<&'a str> {
    let annotations = ingress.inputs.at("metadata.annotations")?;
    annotations.get(&format!("alb.ingress.kubernetes.io/{name}"))?.as_str()
}

fn tags(cluster: Cluster<'_>, release: &Thing, ingress: &Thing) -> BTreeMap<String, String> {
    let mut tags = super::tags_at(&release.inputs, "values.defaultTags");
    let text = |path: &str| ingress.text(path).unwrap_or_default();
    tags.insert(CLUSTER_TAG.into(), cluster.name().into());
    tags.insert(
        "ingress.k8s.aws/stack".into(),
        format!("{}/{}", text("metadata.namespace"), text("metadata.name")),
    );
    tags
}

/// Returns a name as the controller makes them: `k8s-<namespace>-<name>-<digest>`.
fn name(world: &World, thing: &Thing, ingress: &Thing) -> String {
    let short = |path: &str| -> String {
        let text = ingress.text(path).unwrap_or_default();
        text.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
    };
    let digest = Names::new(world.seed(), &thing.uid).hex("name", 10);
    format!("k8s-{}-{}-{digest}", short("metadata.namespace"), short("metadata.name"))
}

fn load_balancer(
    scene: Scene<'_>,
    ingress: &Thing,
    subnets: &[&str],
    group: &Thing,
    tags: &BTreeMap<String, String>,
) -> Thing {
    let world = scene.world;
    let thing = child(ingress, BALANCER, "load-balancer");
    let name = name(world, &thing, ingress);
    let digits = Names::new(world.seed(), &thing.uid).of("dns name", b"0123456789", 10);
    let region = thing.placement.region.as_ref().map_or("", |region| region.as_str()).to_owned();
    let partition = &scene.options.partition;
    let scheme = annotation(ingress, "scheme").unwrap_or("internal");
    let prefix = if scheme == "internal" { "internal-" } else { "" };
    let arn =
        format!("arn:{partition}:elasticloadbalancing:{region}:{ACCOUNT}:loadbalancer/app/{name}/{digits}");
    Thing {
        inputs: tree!({
            "name": name, "type": "application", "scheme": scheme, "subnets": subnets, "security_groups": [(group.id)],
        }),
        outputs: BTreeMap::from([
            ("arn".to_owned(), tree!(arn)),
            ("dns_name".to_owned(), tree!((format!("{prefix}{name}-{digits}.{region}.elb.amazonaws.com")))),
        ]),
        tags: tags.clone(),
        id: name,
        ..thing
    }
}

fn target_group(world: &World, ingress: &Thing, vpc: &str, tags: &BTreeMap<String, String>) -> Thing {
    let thing = child(ingress, TARGETS, "target-group");
    let name = name(world, &thing, ingress);
    Thing {
        inputs: tree!({ "name": name, "vpc_id": vpc, "target_type": "ip" }),
        tags: tags.clone(),
        id: name,
        ..thing
    }
}

fn security_group(world: &World, ingress: &Thing, vpc: &str, tags: &BTreeMap<String, String>) -> Thing {
    let thing = with_ec2_id(world, "sg", child(ingress, GROUP, "load-balancer-group"));
    let group_name = name(world, &thing, ingress);
    let description = "[k8s] Managed SecurityGroup for LoadBalancer";
    Thing {
        inputs: tree!({ "vpc_id": vpc, "group_name": group_name, "description": description }),
        outputs: BTreeMap::from([("id".to_owned(), Tree::String(thing.id.as_str().into()))]),
        tags: tags.clone(),
        ..thing
    }
}

/// Returns the load balancer of an Ingress, when it works.
pub(crate) fn of_ingress<'a>(world: &'a World, ingress: &'a Thing) -> Option<&'a Thing> {
    children_of(world, &ingress.uid, BALANCER).find(|balancer| balancer.is_active())
}
