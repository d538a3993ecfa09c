//! The EBS CSI driver: a volume for every claim, attached to a node while a pod uses it.
//!
//! With `WaitForFirstConsumer` the volume is made where the pod's node is. With the reclaim policy `Delete` it goes with
//! its claim while the driver runs; a claim that is never deleted, because its cluster goes first, leaves it:
//! <https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html>,
//! <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming>. An attachment is ended by the driver alone.

use skyplat_core::object::Placement;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Cluster, Scene, child, children_of, deleting, gone, made, with_ec2_id};
use crate::rules::lookup;
use crate::world::{Effect, Thing};

const CHART: &str = "aws-ebs-csi-driver";
const DRIVER: &str = "ebs.csi.aws.com";
const VOLUME: &str = "ec2.volume";

/// Does what the driver does in a cluster.
pub(super) fn step(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let Some(release) = cluster.running(CHART) else { return Vec::new() };
    let mut effects = Vec::new();
    for claim in cluster.objects("PersistentVolumeClaim").filter(|claim| claim.is_active()) {
        let Some(node) = node_of(scene, cluster, claim) else { continue };
        match children_of(scene.world, &claim.uid, VOLUME).next() {
            None => effects.extend(volume(scene, cluster, release, claim, node)),
            Some(volume) if volume.is_active() && attachments(cluster, volume).next().is_none() => {
                effects.push(made(scene, attachment(cluster, volume, claim, node), 0.0));
            }
            Some(_) => {}
        }
    }
    effects.extend(unused(scene, cluster));
    effects
}

/// Ends what nobody uses: attachments without a pod, and volumes without a claim.
fn unused(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let volumes = scene.world.of_kind(VOLUME).filter(|volume| {
        volume.tags.get("KubernetesCluster").map(String::as_str) == Some(cluster.name())
            && volume.placement.region == cluster.thing.placement.region
    });
    for volume in volumes {
        let claim = volume.made_for.as_ref().and_then(|origin| scene.world.get(&origin.owner));
        let node = claim.and_then(|claim| node_of(scene, cluster, claim));
        let idle =
            |one: &&Thing| node.is_none_or(|node| one.text("spec.nodeName") != node.text("metadata.name"));
        effects.extend(attachments(cluster, volume).filter(idle).map(gone));
        if claim.is_none() && volume.is_alive() && volume.text("reclaim_policy") == Some("Delete") {
            effects.push(deleting(scene, volume, scene.seconds(VOLUME).delete));
        }
    }
    effects
}

/// Returns the node on which the pod runs that uses a claim: the server's, while its release is installed.
fn node_of<'a>(scene: Scene<'a>, cluster: Cluster<'a>, claim: &Thing) -> Option<&'a Thing> {
    let namespace = claim.text("metadata.namespace");
    let release = cluster.releases().find(|release| {
        release.is_alive()
            && release.text("namespace") == namespace
            && crate::crds::chart(release) == "skypilot"
            && claim.text("metadata.name")
                == Some(&format!("{}-state", release.text("name").unwrap_or_default()))
    })?;
    super::karpenter::node_for(scene.world, cluster, release)
}

fn volume(
    scene: Scene<'_>,
    cluster: Cluster<'_>,
    release: &Thing,
    claim: &Thing,
    node: &Thing,
) -> Option<Effect> {
    let class = claim.text("spec.storageClassName")?;
    let class = lookup(scene.world, cluster.thing, "StorageClass", None, class)?;
    if class.text("provisioner") != Some(DRIVER) {
        return None;
    }
    let instance = children_of(scene.world, &node.uid, "ec2.instance").next()?;
    let subnet = instance.text("subnet_id").and_then(|id| scene.world.with_id(id).next())?;
    let mut thing = with_ec2_id(scene.world, "vol", child(claim, VOLUME, "volume"));
    thing.inputs = tree!({
        "availability_zone": (subnet.text("availability_zone").unwrap_or_default()),
        "size": (claim.inputs.at("spec.resources.requests.storage").cloned().unwrap_or(Tree::Null)),
        "volume_type": (class.inputs.at("parameters.type").cloned().unwrap_or(Tree::Null)),
        "reclaim_policy": (class.text("reclaimPolicy").unwrap_or("Delete")),
    });
    thing.tags = super::tags_at(&release.inputs, "values.controller.extraVolumeTags");
    thing.tags.insert("KubernetesCluster".into(), cluster.name().into());
    thing.tags.insert("ebs.csi.aws.com/cluster".into(), "true".into());
    let claim_name = claim.text("metadata.name").unwrap_or_default();
    thing.tags.insert("kubernetes.io/created-for/pvc/name".into(), claim_name.into());
    Some(made(scene, thing, scene.seconds(VOLUME).create))
}

fn attachment(cluster: Cluster<'_>, volume: &Thing, claim: &Thing, node: &Thing) -> Thing {
    let node_name = node.text("metadata.name").unwrap_or_default();
    let thing = child(volume, "k8s.object", &format!("attachment-{node_name}"));
    Thing {
        placement: Placement { container: Some(cluster.thing.address.clone()), ..claim.placement.clone() },
        id: format!("VolumeAttachment//{}", thing.uid),
        inputs: tree!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "VolumeAttachment",
            "spec": { "attacher": DRIVER, "nodeName": node_name },
        }),
        lives_in: [cluster.thing.uid.clone()].into(),
        ..thing
    }
}

fn attachments<'a>(cluster: Cluster<'a>, volume: &'a Thing) -> impl Iterator<Item = &'a Thing> {
    children_of(cluster.world, &volume.uid, "k8s.object")
}

/// Returns whether a volume is attached to a node.
pub(super) fn attached(cluster: Cluster<'_>, node: &Thing) -> bool {
    let name = node.text("metadata.name");
    cluster.objects("VolumeAttachment").any(|one| one.text("spec.nodeName") == name)
}
