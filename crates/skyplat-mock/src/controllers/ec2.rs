//! What EC2 and the nodes' network plugin do with network interfaces.

use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Cluster, Scene, changed, child, child_uid, karpenter, made, with_ec2_id};
use crate::rules::texts;
use crate::world::{Effect, Thing, World};

/// The tag by which the interfaces of a cluster's nodes are found.
pub(crate) const CLUSTER_TAG: &str = "cluster.k8s.amazonaws.com/name";

/// The name of a node's second interface.
const SECOND: &str = "second-interface";

/// An interface is detached when its instance is gone.
pub(super) fn detached(scene: Scene<'_>) -> Vec<Effect> {
    let is_alone = |interface: &&Thing| {
        interface.made_for.is_some()
            && interface
                .text("attachment.instance_id")
                .is_some_and(|id| scene.world.with_id(id).next().is_none())
    };
    let alone = scene.world.of_kind("ec2.network_interface").filter(is_alone);
    alone
        .map(|interface| {
            let mut inputs = interface.inputs.clone();
            if let Tree::Map(map) = &mut inputs {
                map.remove(&"attachment".into());
            }
            changed(scene, interface, inputs)
        })
        .collect()
}

/// The network plugin keeps a second interface on every node, to have addresses at hand. It detaches and deletes it by
/// itself; a node that ends meanwhile leaves it behind, `available`, in its subnet and with its groups:
/// <https://github.com/aws/amazon-vpc-cni-k8s/issues/608>, <https://github.com/aws/amazon-vpc-cni-k8s/issues/1223>. Here
/// every node does.
pub(super) fn second_interfaces(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let world = scene.world;
    let is_plugin = |addon: &Thing| {
        addon.lives_in.contains(&cluster.thing.uid)
            && addon.text("name") == Some("vpc-cni")
            && addon.is_active()
    };
    if !world.of_kind("eks.addon").any(is_plugin) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    let nodes = world.of_kind("ec2.instance").filter(|instance| {
        let is_new = world.get(&child_uid(&instance.uid, "ec2.network_interface", SECOND)).is_none();
        instance.made_for.is_some() && instance.is_active() && is_new && karpenter::is_of(cluster, instance)
    });
    for instance in nodes {
        let Some(subnet) = instance.text("subnet_id").and_then(|id| world.with_id(id).next()) else {
            continue;
        };
        let groups = texts(&instance.inputs, "security_groups");
        let mut interface = interface(world, instance, SECOND, subnet, &groups);
        interface.inputs.set("attachment", tree!({ "instance_id": (instance.id), "device_index": 1 }));
        interface.inputs.set("description", tree!((format!("aws-K8S-{}", instance.id))));
        interface.tags.insert(CLUSTER_TAG.into(), cluster.name().into());
        interface.tags.insert("node.k8s.amazonaws.com/instance_id".into(), instance.id.clone());
        effects.push(made(scene, interface, 0.0));
    }
    effects
}

/// Begins a network interface in a subnet.
pub(super) fn interface(world: &World, owner: &Thing, name: &str, subnet: &Thing, groups: &[&str]) -> Thing {
    let thing = with_ec2_id(world, "eni", child(owner, "ec2.network_interface", name));
    Thing {
        inputs: tree!({
            "vpc_id": (subnet.text("vpc_id").unwrap_or_default()),
            "subnet_id": (subnet.id),
            "security_groups": groups,
        }),
        ..thing
    }
}
