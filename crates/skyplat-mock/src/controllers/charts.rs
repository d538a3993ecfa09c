//! What a release brings that controllers act on: the Ingress and the volume claim of the SkyPilot chart.
//!
//! Helm makes the objects at the start of an install and takes them away at the start of an uninstall, without waiting
//! for them; what is annotated `helm.sh/resource-policy: keep` stays:
//! <https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource>. What is in a namespace goes
//! with it. Other objects of charts matter to nobody here and are not made.

use skyplat_core::object::Placement;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Cluster, Scene, changed, child, child_uid, gone, held_in, hold, made};
use crate::crds;
use crate::rules::lookup;
use crate::world::{Effect, Thing};

/// Does what Helm does.
pub(super) fn step(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for release in cluster.releases().filter(|release| release.is_alive()) {
        effects.extend(wanted(cluster, release).into_iter().filter_map(|thing| {
            match scene.world.get(&thing.uid) {
                None => Some(made(scene, thing, 0.0)),
                Some(old) => {
                    let differs = old.is_active() && old.inputs != thing.inputs;
                    differs.then(|| changed(scene, old, thing.inputs))
                }
            }
        }));
    }
    let brought = |kind| cluster.objects(kind).filter(|thing| thing.made_for.is_some() && thing.is_alive());
    for thing in brought("Ingress").chain(brought("PersistentVolumeClaim")) {
        if !stays(scene, cluster, thing) {
            effects.push(if held_in(cluster, thing).is_some() { hold(thing) } else { gone(thing) });
        }
    }
    effects
}

/// An object stays with its namespace, and with its release unless it outlives it.
fn stays(scene: Scene<'_>, cluster: Cluster<'_>, thing: &Thing) -> bool {
    let mut namespaces = cluster.objects("Namespace").filter(|other| thing.lives_in.contains(&other.uid));
    let has_owner = || {
        let owner = thing.made_for.as_ref().and_then(|origin| scene.world.get(&origin.owner));
        owner.is_some_and(|release| {
            release.is_alive() && wanted(cluster, release).iter().any(|wanted| wanted.uid == thing.uid)
        })
    };
    let policy =
        thing.inputs.at("metadata.annotations").and_then(|notes| notes.get("helm.sh/resource-policy"));
    let kept = policy.and_then(Tree::as_str) == Some("keep");
    namespaces.all(Thing::is_alive) && (kept || has_owner())
}

/// Returns what a release brings. In a namespace that goes nothing new can be made.
fn wanted(cluster: Cluster<'_>, release: &Thing) -> Vec<Thing> {
    let mut namespaces = cluster.objects("Namespace").filter(|other| release.lives_in.contains(&other.uid));
    if crds::chart(release) != "skypilot" || !namespaces.all(Thing::is_alive) {
        return Vec::new();
    }
    let is_on = |path: &str| release.inputs.at(path) == Some(&tree!(true));
    let ingress = is_on("values.ingress.enabled").then(|| ingress(cluster, release));
    let volume = is_on("values.storage.enabled").then(|| volume_claim(cluster, release));
    ingress.into_iter().chain(volume).collect()
}

fn ingress(cluster: Cluster<'_>, release: &Thing) -> Thing {
    let name = format!("{}-ingress", release.text("name").unwrap_or_default());
    let given = |path: &str| release.inputs.at(path).cloned().unwrap_or_else(Tree::map);
    let inputs = tree!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": (given("namespace")),
            "annotations": (given("values.ingress.annotations")),
        },
        "spec": {
            "ingressClassName": (given("values.ingress.ingressClassName")),
            "rules": [{ "host": (given("values.ingress.host")) }],
        },
    });
    object(cluster, release, "Ingress", &name, inputs)
}

fn volume_claim(cluster: Cluster<'_>, release: &Thing) -> Thing {
    let name = format!("{}-state", release.text("name").unwrap_or_default());
    let given = |path: &str| release.inputs.at(path).cloned().unwrap_or_else(Tree::map);
    let inputs = tree!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": (given("namespace")),
            "annotations": (given("values.storage.annotations")),
        },
        "spec": {
            "storageClassName": (given("values.storage.storageClassName")),
            "accessModes": [(given("values.storage.accessMode"))],
            "resources": { "requests": { "storage": (given("values.storage.size")) } },
        },
    });
    let thing = object(cluster, release, "PersistentVolumeClaim", &name, inputs);
    // A release that is installed again takes the claim that an earlier one left.
    let namespace = release.text("namespace").unwrap_or_default();
    Thing { uid: child_uid(&cluster.thing.uid, "k8s.object", &format!("claim/{namespace}/{name}")), ..thing }
}

/// Returns an object of a release, in the release's namespace.
fn object(cluster: Cluster<'_>, release: &Thing, kind: &str, name: &str, inputs: Tree) -> Thing {
    let namespace = release.text("namespace").unwrap_or_default();
    let mut thing = child(release, "k8s.object", &format!("{}-{name}", kind.to_lowercase()));
    thing.lives_in.insert(cluster.thing.uid.clone());
    let namespace_thing = lookup(cluster.world, cluster.thing, "Namespace", None, namespace);
    thing.lives_in.extend(namespace_thing.map(|thing| thing.uid.clone()));
    Thing {
        id: format!("{kind}/{namespace}/{name}"),
        placement: Placement { container: Some(cluster.thing.address.clone()), ..release.placement.clone() },
        inputs,
        ..thing
    }
}
