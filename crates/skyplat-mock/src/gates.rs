//! What gates wait for on the way up.
//!
//! A gate asks the world; it makes nothing. On the way down nothing in this world outlives its maker, so what a gate
//! guards is undone when it is asked, after the time that it takes.

use skyplat_core::value::Tree;

use crate::catalogue::Catalogue;
use crate::crds;
use crate::rules::{Call, lookup, texts};
use crate::world::{Thing, World};

/// The release whose pods answer for a webhook's service.
const WEBHOOKS: &[(&str, &str)] = &[("aws-load-balancer-webhook-service", "aws-load-balancer-controller")];

/// Charts whose pods run on Fargate, or that have none.
const NEED_NO_NODE: &[&str] = &["karpenter", "karpenter-crd"];

/// Returns what a gate still waits for; none when it holds.
pub(crate) fn pending(call: &Call<'_>) -> Option<String> {
    let cluster = call
        .container
        .or_else(|| call.others("eks.cluster").find(|cluster| cluster.id == call.text("cluster")));
    match (call.kind(), cluster) {
        ("gate.crd", Some(cluster)) => {
            let name = call.text("crd");
            let holds = crds::is_established(call.world, cluster, name);
            (!holds).then(|| format!("the definition {name} is not established"))
        }
        ("gate.webhook", Some(cluster)) => {
            let service = call.text("service");
            let holds = has_endpoint(call, cluster, call.text("namespace"), service);
            (!holds).then(|| format!("the service {service} has no ready endpoint"))
        }
        ("gate.first_node", Some(cluster)) => no_node(call, cluster),
        ("gate.crd" | "gate.webhook" | "gate.first_node", None) => {
            Some("the cluster is not there".to_owned())
        }
        _ => None,
    }
}

/// Returns the releases of a cluster that are installed.
fn releases<'a>(world: &'a World, cluster: &'a Thing) -> impl Iterator<Item = &'a Thing> {
    world.of_kind("helm.release").filter(|thing| thing.lives_in.contains(&cluster.uid) && thing.is_active())
}

/// A service has an endpoint when its release is installed and a node runs its pods.
fn has_endpoint(call: &Call<'_>, cluster: &Thing, namespace: &str, service: &str) -> bool {
    let chart = WEBHOOKS.iter().find(|(name, _)| *name == service).map(|(_, chart)| *chart);
    let by_chart = releases(call.world, cluster)
        .any(|release| Some(crds::chart(release)) == chart && release.text("namespace") == Some(namespace));
    let by_manifest = lookup(call.world, cluster, "Service", Some(namespace), service).is_some();
    (by_chart || by_manifest) && no_node(call, cluster).is_none()
}

/// Karpenter launches a node when it runs, a pool that some instance fits is there, and some pod needs a node.
fn no_node(call: &Call<'_>, cluster: &Thing) -> Option<String> {
    let world = call.world;
    let mut pools = custom(world, cluster, "NodePool").peekable();
    if !releases(world, cluster).any(|release| crds::chart(release) == "karpenter") {
        Some("Karpenter is not installed, so no node is launched".to_owned())
    } else if pools.peek().is_none() || custom(world, cluster, "EC2NodeClass").next().is_none() {
        Some("there is no NodePool with an EC2NodeClass, so no node is launched".to_owned())
    } else if !pools.any(|pool| has_instance(call.catalogue, pool)) {
        Some("no instance fits any NodePool, so no node is launched".to_owned())
    } else if !releases(world, cluster).any(|release| !NEED_NO_NODE.contains(&crds::chart(release))) {
        Some("no pod is pending, so no node is launched".to_owned())
    } else {
        None
    }
}

/// Returns the objects of one kind in a cluster.
fn custom<'a>(world: &'a World, cluster: &'a Thing, kind: &'a str) -> impl Iterator<Item = &'a Thing> {
    world.of_kind("k8s.object").filter(move |thing| {
        thing.lives_in.contains(&cluster.uid) && thing.text("kind") == Some(kind) && thing.is_active()
    })
}

/// Returns whether the types, families and categories that a pool asks for leave any instance.
fn has_instance(catalogue: &Catalogue, pool: &Thing) -> bool {
    let requirements = pool.inputs.at("spec.template.spec.requirements").and_then(Tree::as_list);
    requirements.into_iter().flatten().all(|requirement| {
        let text = |key: &str| requirement.get(key).and_then(Tree::as_str).unwrap_or_default();
        let known = |value: &str| match text("key") {
            "node.kubernetes.io/instance-type" => catalogue.knows_instance_type(value),
            "karpenter.k8s.aws/instance-family" => catalogue.knows_instance_family(value),
            "karpenter.k8s.aws/instance-category" => catalogue.knows_instance_category(value),
            _ => true,
        };
        text("operator") != "In" || texts(requirement, "values").into_iter().any(known)
    })
}
