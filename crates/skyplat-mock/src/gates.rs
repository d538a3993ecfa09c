//! What gates wait for.
//!
//! A gate asks the world; it makes nothing. On the way up it waits until something holds, on the way down until what
//! controllers made is gone. Two gates also sweep what nobody else takes away, as far as the API allows it. A gate with
//! nothing in this world to watch takes the time of its line in the latency table.

use std::time::Duration;

use skyplat_core::executor::Recorded;
use skyplat_core::value::Tree;

use crate::controllers::{self, Cluster, View};
use crate::crds;
use crate::rules::{Call, lookup};
use crate::world::{Phase, Thing, World};

/// The release whose pods answer for a webhook's service.
const WEBHOOKS: &[(&str, &str)] = &[("aws-load-balancer-webhook-service", "aws-load-balancer-controller")];

/// Three rounds of external-dns, which looks once a minute.
const ROUNDS_OF_DNS: Duration = Duration::from_mins(3);

/// Returns whether all that a gate waits for on the way up is in the world.
pub(crate) fn is_watched_up(kind: &str) -> bool {
    kind == "gate.first_node"
}

/// Returns whether all that a gate waits for on the way down is in the world.
pub(crate) fn is_watched_down(kind: &str) -> bool {
    [
        "gate.nodeclaims",
        "gate.launch_templates",
        "gate.load_balancers",
        "gate.volume_attachments",
        "gate.network_interfaces",
        "gate.dns_records",
    ]
    .contains(&kind)
}

/// Returns what a gate still waits for on the way up; none when it holds.
pub(crate) fn pending(call: &Call<'_>) -> Option<String> {
    let cluster = call
        .container
        .or_else(|| call.others("eks.cluster").find(|cluster| cluster.id == call.text("cluster")));
    let view = View::new(call.world);
    let cluster = cluster.and_then(|thing| view.cluster_of(thing));
    match (call.kind(), cluster) {
        ("gate.crd", Some(cluster)) => {
            let name = call.text("crd");
            let holds = crds::is_established(call.world, cluster.thing, name);
            (!holds).then(|| format!("the definition {name} is not established"))
        }
        ("gate.webhook", Some(cluster)) => {
            let service = call.text("service");
            let holds = has_endpoint(cluster, call.text("namespace"), service);
            (!holds).then(|| format!("the service {service} has no ready endpoint"))
        }
        ("gate.first_node", Some(cluster)) => controllers::no_node(cluster, call.catalogue),
        ("gate.crd" | "gate.webhook" | "gate.first_node", None) => {
            Some("the cluster is not there".to_owned())
        }
        _ => None,
    }
}

/// A service has an endpoint when its release is installed and a node runs its pods.
fn has_endpoint(cluster: Cluster<'_>, namespace: &str, service: &str) -> bool {
    let chart = WEBHOOKS.iter().find(|(name, _)| *name == service).map(|(_, chart)| *chart);
    let release = chart.and_then(|chart| cluster.installed(chart));
    let by_chart = release.is_some_and(|release| release.text("namespace") == Some(namespace));
    let by_manifest = lookup(cluster.world, cluster.thing, "Service", Some(namespace), service).is_some();
    (by_chart || by_manifest) && cluster.nodes().next().is_some()
}

/// Returns what a gate still waits for on the way down; none when it is undone.
pub(crate) fn left(world: &World, gate: &Recorded) -> Option<String> {
    let thing = guarded(world, gate).next()?;
    Some(format!("{} {} is still there", thing.kind, thing.id))
}

/// Returns what a gate that has waited for so long takes away by itself: launch templates; network interfaces that no
/// instance has any more, for an attached one cannot be deleted
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkInterface.html>); and records that external-dns
/// leaves alone, because it looks at another zone by now or is switched off.
pub(crate) fn swept<'a>(
    world: &'a World,
    gate: &'a Recorded,
    waited: Duration,
) -> impl Iterator<Item = &'a Thing> {
    let sweeps = move |thing: &&Thing| match gate.kind.as_str() {
        "gate.launch_templates" => true,
        "gate.network_interfaces" => thing.inputs.get("attachment").is_none(),
        "gate.dns_records" => waited >= ROUNDS_OF_DNS,
        _ => false,
    };
    guarded(world, gate).filter(sweeps).filter(|thing| !matches!(thing.phase, Phase::Deleting { .. }))
}

/// Returns what must be gone before a gate is undone.
fn guarded<'a>(world: &'a World, gate: &'a Recorded) -> Box<dyn Iterator<Item = &'a Thing> + 'a> {
    let text = |path: &str| gate.inputs.at(path).and_then(Tree::as_str).unwrap_or_default();
    let cluster = text("cluster");
    let of_kinds = |kinds: &'static [&'static str]| {
        let things = kinds.iter().flat_map(|kind| world.of_kind(kind));
        things.filter(move |thing| {
            let here = &gate.placement.region;
            thing.made_for.is_some() && (here.is_none() || thing.placement.region == *here)
        })
    };
    let tagged =
        |thing: &Thing, tag: &str, value: &str| thing.tags.get(tag).is_some_and(|found| found == value);
    let of_cluster = move |thing: &Thing| {
        tagged(thing, controllers::NODE_TAG, cluster) || tagged(thing, controllers::INTERFACE_TAG, cluster)
    };
    match gate.kind.as_str() {
        "gate.nodeclaims" => {
            let pool = text("node_pool");
            let claims = of_kinds(&["k8s.object"]).filter(move |claim| {
                controllers::pool_of(claim) == Some(pool)
                    && claim.placement.container == gate.placement.container
            });
            let instances = of_kinds(&["ec2.instance"]).filter(move |instance| {
                of_cluster(instance) && tagged(instance, controllers::POOL_TAG, pool)
            });
            Box::new(claims.chain(instances))
        }
        "gate.launch_templates" => {
            Box::new(of_kinds(&["ec2.launch_template"]).filter(move |thing| of_cluster(thing)))
        }
        "gate.load_balancers" => {
            let kinds = &["elbv2.load_balancer", "elbv2.target_group", "ec2.security_group"];
            Box::new(of_kinds(kinds).filter(move |thing| tagged(thing, controllers::BALANCER_TAG, cluster)))
        }
        "gate.volume_attachments" => {
            let driver = text("driver");
            Box::new(of_kinds(&["k8s.object"]).filter(move |thing| {
                thing.text("spec.attacher") == Some(driver)
                    && thing.placement.container == gate.placement.container
            }))
        }
        "gate.network_interfaces" => {
            let vpc = text("vpc_id");
            Box::new(
                of_kinds(&["ec2.network_interface"])
                    .filter(move |thing| thing.text("vpc_id") == Some(vpc) && of_cluster(thing)),
            )
        }
        "gate.dns_records" => {
            let (zone, host) = (text("zone_id"), text("host"));
            Box::new(of_kinds(&["route53.record_set"]).filter(move |thing| {
                thing.text("hosted_zone_id") == Some(zone) && thing.text("host") == Some(host)
            }))
        }
        _ => Box::new(std::iter::empty()),
    }
}
