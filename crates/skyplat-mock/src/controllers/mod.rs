//! What controllers make that no plan made: instances, load balancers, records, volumes, devices.
//!
//! ```text
//! a release is installed ─▶ its controller runs ─▶ sees what it is for ─▶ makes children ─▶ takes them away again
//!                           while it has rights, and pods that run      (things with an origin)
//! ```
//!
//! * `cluster`: a cluster as controllers see it, and which of them run.
//! * `charts`: what Helm makes of a release that matters to controllers.
//! * `karpenter`, `load_balancers`, `dns`, `volumes`, `tailscale`: one controller each.
//! * `ec2`: what EC2 itself does with what is left.
//!
//! Children are things of the [`World`] like all others, so that rules, dumps, forks and the world file see them.
//! [`step`] is pure: from the world at one moment it says what the controllers do at that moment. The cloud calls it
//! whenever something changed, at the very moment of the change (see `cloud`), so that nothing hangs on who looks when.
//! How long things take is in the latency table: with the gates where a gate waits for it, else with the child's kind.
//!
//! What stops a controller is as in AWS: its release, its rights or its last node gone. What it made stays then, and what
//! its finalizers hold hangs: <https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/>.

mod charts;
mod cluster;
mod dns;
mod ec2;
mod karpenter;
mod load_balancers;
mod tailscale;
mod volumes;

use skyplat_core::object::{ObjectKind, Placement};
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, Tree};

pub(crate) use cluster::{Cluster, View, is_watched};
pub(crate) use ec2::CLUSTER_TAG as INTERFACE_TAG;
pub(crate) use karpenter::{NODE_TAG, POOL_TAG, no_node, pool_of};
pub(crate) use load_balancers::{CLUSTER_TAG as BALANCER_TAG, of_ingress};

use crate::cloud::{MockOptions, STACK_TAG};
use crate::names::Names;
use crate::world::{Change, Effect, Moment, Origin, Phase, Thing, World};

/// A moment of the world, and what is known beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) options: &'a MockOptions,
}

/// Returns what the controllers do at this moment; nothing when all is as they want it.
///
/// It may have to be asked again: what is done may lead to more.
pub(crate) fn step(scene: Scene<'_>) -> Vec<Effect> {
    let world = scene.world;
    if world.of_kind("helm.release").next().is_none() && world.children().next().is_none() {
        return Vec::new();
    }
    let per_cluster: [fn(Scene<'_>, Cluster<'_>) -> Vec<Effect>; 8] = [
        charts::step,
        karpenter::step,
        load_balancers::step,
        dns::step,
        volumes::step,
        tailscale::step,
        ec2::second_interfaces,
        released,
    ];
    let view = View::new(world);
    for cluster in view.clusters() {
        for controller in per_cluster {
            let effects = controller(scene, cluster);
            if !effects.is_empty() {
                return effects;
            }
        }
    }
    ec2::detached(scene)
}

/// Returns which finalizer keeps an object of Kubernetes from going at once, if one does.
pub(crate) fn held(world: &World, thing: &Thing) -> Option<String> {
    if thing.kind.as_str() != "k8s.object" || !is_watched(thing) {
        return None;
    }
    held_in(View::new(world).cluster_of(thing)?, thing)
}

fn held_in(cluster: Cluster<'_>, thing: &Thing) -> Option<String> {
    match thing.text("kind")? {
        "NodeClaim" | "EC2NodeClass" => karpenter::held(cluster, thing),
        "Ingress" => load_balancers::held(cluster.world, thing),
        "Connector" => tailscale::held(cluster.world, thing),
        "Namespace" => {
            let mut inside = cluster.all_objects().filter(|other| other.lives_in.contains(&thing.uid));
            inside.find_map(|other| held_in(cluster, other))
        }
        _ => None,
    }
}

/// Lets go what was held and is held no longer.
fn released(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let held_ones = cluster.all_objects().filter(|thing| thing.phase == Phase::Held);
    let free = held_ones.filter(|thing| held_in(cluster, thing).is_none());
    free.map(|thing| match thing.made_for {
        Some(_) => gone(thing),
        None => deleting(scene, thing, scene.seconds("k8s.object").delete),
    })
    .collect()
}

impl Scene<'_> {
    /// Returns how long operations on a kind take.
    fn seconds(&self, kind: &str) -> skyplat_core::plan::Latency {
        self.options.latencies.get(&ObjectKind::new(kind), None)
    }

    fn after(&self, seconds: f64) -> Moment {
        crate::cloud::after(self.world.clock(), seconds)
    }
}

/// Begins a child: it has an identity, and everything else is still to be filled in. The name tells the children of one
/// owner apart.
fn child(owner: &Thing, kind: &str, name: &str) -> Thing {
    let stack = match &owner.made_for {
        Some(origin) => origin.stack.clone(),
        None => owner.tags.get(STACK_TAG).cloned(),
    };
    Thing {
        uid: child_uid(&owner.uid, kind, name),
        address: owner.address.join(name),
        kind: kind.into(),
        placement: Placement { container: None, ..owner.placement.clone() },
        id: name.to_owned(),
        inputs: Tree::map(),
        natural_key: None,
        outputs: std::collections::BTreeMap::new(),
        tags: std::collections::BTreeMap::new(),
        lives_in: std::collections::BTreeSet::new(),
        made_for: Some(Origin { owner: owner.uid.clone(), stack }),
        created_at: 0,
        phase: Phase::Ready,
    }
}

/// Returns the identity of a child: of its owner's and its own name, so that it never hangs on when it was made.
fn child_uid(owner: &Uid, kind: &str, name: &str) -> Uid {
    Uid::new(owner.as_str(), &Address::new(kind).join(name), 0)
}

/// Gives a child of EC2 an id of its own.
fn with_ec2_id(world: &World, prefix: &str, thing: Thing) -> Thing {
    Thing { id: Names::new(world.seed(), &thing.uid).ec2(prefix), ..thing }
}

/// Makes a child that is usable after so many seconds.
fn made(scene: Scene<'_>, thing: Thing, seconds: f64) -> Effect {
    let now = scene.world.clock();
    let until = scene.after(seconds);
    let phase = if until > now { Phase::Creating { until } } else { Phase::Ready };
    Effect::Made { thing: Box::new(Thing { created_at: now, phase, ..thing }) }
}

/// Changes the fields of a child.
fn changed(scene: Scene<'_>, thing: &Thing, inputs: Tree) -> Effect {
    let change = Change {
        address: thing.address.clone(),
        inputs,
        natural_key: thing.natural_key.clone(),
        outputs: thing.outputs.clone(),
        tags: thing.tags.clone(),
        lives_in: thing.lives_in.clone(),
        until: scene.world.clock(),
    };
    Effect::Changed { uid: thing.uid.clone(), change: Box::new(change) }
}

/// Deletes a thing, which takes so many seconds.
fn deleting(scene: Scene<'_>, thing: &Thing, seconds: f64) -> Effect {
    Effect::Deleting { uid: thing.uid.clone(), until: scene.after(seconds) }
}

fn hold(thing: &Thing) -> Effect {
    Effect::Held { uid: thing.uid.clone() }
}

fn gone(thing: &Thing) -> Effect {
    Effect::Gone { uid: thing.uid.clone() }
}

/// Returns the children of one kind that were made for a thing.
fn children_of<'a>(world: &'a World, owner: &'a Uid, kind: &'a str) -> impl Iterator<Item = &'a Thing> {
    world.children().filter(move |child| {
        child.kind.as_str() == kind && child.made_for.as_ref().is_some_and(|origin| origin.owner == *owner)
    })
}

/// Returns the tags that are written as a map of texts at a dotted path.
fn tags_at(tree: &Tree, path: &str) -> std::collections::BTreeMap<String, String> {
    let entries = tree.at(path).and_then(Tree::as_map).into_iter().flatten();
    let text = |(key, value): (&skyplat_core::value::Key, &Tree)| match key {
        skyplat_core::value::Key::Literal(key) => Some((key.to_string(), value.as_str()?.to_owned())),
        skyplat_core::value::Key::Text(_) => None,
    };
    entries.filter_map(text).collect()
}
