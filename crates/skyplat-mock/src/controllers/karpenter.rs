//! Karpenter: instances for pods that wait for a node, and what instances need.
//!
//! ```text
//! EC2NodeClass ─▶ instance profile of its role, launch template       removed with the class, when no claim is left
//! NodePool     ─▶ NodeClaim ─▶ instance ─▶ network interfaces         drained when the pool goes
//! ```
//!
//! One node of a pool is enough for all pods that fit it: sizes of pods, limits, consolidation and drift are not
//! simulated. NodeClaims have the finalizer `karpenter.sh/termination`, EC2NodeClasses `karpenter.k8s.aws/termination`:
//! <https://karpenter.sh/docs/concepts/disruption/#control-flow>. A NodePool has none: it is gone at once, and its
//! claims, which it owns, follow: without their controller they stay, and with them what they stand for
//! (<https://github.com/aws/karpenter-provider-aws/issues/6870>).

use std::collections::BTreeMap;

use skyplat_core::object::Placement;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{
    Cluster, Scene, child, child_uid, children_of, deleting, gone, hold, made, tags_at, volumes, with_ec2_id,
};
use crate::catalogue::Catalogue;
use crate::crds;
use crate::names::Names;
use crate::rules::{lookup, texts};
use crate::world::{Effect, Phase, Thing, World};

const CHART: &str = "karpenter";

/// The tag that says for which cluster an instance was launched.
pub(crate) const NODE_TAG: &str = "eks:eks-cluster-name";
/// The tag that says for which NodePool.
pub(crate) const POOL_TAG: &str = "karpenter.sh/nodepool";

/// Charts of which no pod waits for a node: on Fargate, without pods, or of DaemonSets, which run where nodes are and make
/// Karpenter launch none (<https://karpenter.sh/docs/faq/>).
const NEED_NO_NODE: &[&str] = &["karpenter", "karpenter-crd", "aws-for-fluent-bit", "nvidia-device-plugin"];

/// Does what Karpenter does in a cluster.
pub(super) fn step(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    if cluster.running(CHART).is_none() {
        return abandoned(cluster);
    }
    let mut effects = profiles(scene, cluster);
    effects.extend(drains(scene, cluster));
    effects.extend(terminated(scene, cluster));
    if effects.is_empty() {
        effects = launch(scene, cluster);
    }
    effects
}

/// Without the controller nobody ends a drain.
fn abandoned(cluster: Cluster<'_>) -> Vec<Effect> {
    let draining = cluster.objects("NodeClaim").filter(|claim| matches!(claim.phase, Phase::Deleting { .. }));
    draining.map(hold).collect()
}

/// Makes the instance profile of every class whose role is there, and removes those of classes that go.
fn profiles(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for class in cluster.objects("EC2NodeClass") {
        let profile = profile(scene, cluster, class);
        let exists = scene.world.get(&profile.uid).is_some();
        if class.is_active() && has_role(scene, class) && !exists {
            effects.push(made(scene, profile, 0.0));
        }
        if !class.is_alive() && claims_of(cluster, class).next().is_none() {
            let profiles = children_of(scene.world, &class.uid, "iam.instance_profile");
            let templates = children_of(scene.world, &class.uid, "ec2.launch_template");
            effects.extend(profiles.chain(templates).map(gone));
        }
    }
    effects
}

/// A role goes by its name, which is not its ARN: <https://karpenter.sh/docs/concepts/nodeclasses/#specrole>.
fn has_role(scene: Scene<'_>, class: &Thing) -> bool {
    let Some(role) = class.text("spec.role") else { return false };
    scene.world.with_id(role).any(|thing| thing.kind.as_str() == "iam.role" && thing.is_alive())
}

fn profile(scene: Scene<'_>, cluster: Cluster<'_>, class: &Thing) -> Thing {
    let thing = child(class, "iam.instance_profile", "instance-profile");
    let name =
        format!("{}_{}", cluster.name(), Names::new(scene.world.seed(), &thing.uid).hex("profile", 20));
    let role = class.text("spec.role").unwrap_or_default();
    Thing {
        placement: Placement { region: None, ..thing.placement.clone() },
        id: name.clone(),
        inputs: tree!({ "instance_profile_name": name, "role_name": role }),
        tags: tags(cluster, class, None),
        ..thing
    }
}

/// Returns the tags of what Karpenter makes: <https://karpenter.sh/docs/concepts/nodeclasses/#spectags>.
fn tags(cluster: Cluster<'_>, class: &Thing, pool: Option<&str>) -> BTreeMap<String, String> {
    let mut tags = tags_at(&class.inputs, "spec.tags");
    let class = class.text("metadata.name").unwrap_or_default();
    tags.insert(format!("kubernetes.io/cluster/{}", cluster.name()), "owned".into());
    tags.insert(NODE_TAG.into(), cluster.name().into());
    tags.insert("karpenter.k8s.aws/ec2nodeclass".into(), class.into());
    tags.extend(pool.map(|pool| (POOL_TAG.to_owned(), pool.to_owned())));
    tags
}

/// Drains the nodes of pools that are gone. A volume that is still attached to a node is waited for:
/// <https://karpenter.sh/docs/concepts/disruption/#terminationgraceperiod>.
fn drains(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let goes = |claim: &&Thing| {
        let owner = claim.made_for.as_ref().and_then(|origin| scene.world.get(&origin.owner));
        let orphaned = !owner.is_some_and(Thing::is_alive);
        claim.phase == Phase::Held && instances(cluster, claim).next().is_some()
            || claim.is_alive() && orphaned
    };
    let drain = |claim: &Thing| {
        if volumes::attached(cluster, claim) {
            (claim.phase != Phase::Held).then(|| hold(claim))
        } else {
            Some(deleting(scene, claim, scene.seconds("gate.nodeclaims").delete))
        }
    };
    cluster.objects("NodeClaim").filter(goes).filter_map(drain).collect()
}

/// Terminates instances whose claim is gone, drained or lost.
fn terminated(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let lost = |instance: &&Thing| {
        let owner = instance.made_for.as_ref().and_then(|origin| scene.world.get(&origin.owner));
        owner.is_none() && is_of(cluster, instance)
    };
    let instances = scene.world.of_kind("ec2.instance").filter(|instance| instance.made_for.is_some());
    instances.filter(lost).map(gone).collect()
}

/// Returns whether an instance carries the tags of a cluster's Karpenter.
pub(crate) fn is_of(cluster: Cluster<'_>, instance: &Thing) -> bool {
    instance.placement.region == cluster.thing.placement.region
        && instance.tags.get(NODE_TAG).map(String::as_str) == Some(cluster.name())
}

fn instances<'a>(cluster: Cluster<'a>, claim: &'a Thing) -> impl Iterator<Item = &'a Thing> {
    children_of(cluster.world, &claim.uid, "ec2.instance")
}

/// Returns the claims that name a class.
fn claims_of<'a>(cluster: Cluster<'a>, class: &'a Thing) -> impl Iterator<Item = &'a Thing> {
    let name = class.text("metadata.name");
    cluster.objects("NodeClaim").filter(move |claim| claim.text("spec.nodeClassRef.name") == name)
}

/// Tells why a claim or a class does not go at once.
pub(super) fn held(cluster: Cluster<'_>, thing: &Thing) -> Option<String> {
    let name = thing.text("metadata.name").unwrap_or_default();
    if thing.text("kind") == Some("NodeClaim") {
        let instance = instances(cluster, thing).next()?;
        return Some(format!("the node {name} is not drained: {} runs", instance.id));
    }
    if let Some(claim) = claims_of(cluster, thing).next() {
        return Some(format!("the node class {name} is still used by {}", claim.id));
    }
    let profile = children_of(cluster.world, &thing.uid, "iam.instance_profile").next()?;
    Some(format!("the node class {name} still has the instance profile {}", profile.id))
}

/// What a pod asks of its node.
struct Pod {
    selector: BTreeMap<String, String>,
    tolerations: Vec<Tree>,
}

/// Returns what the pods of a release ask for; none when no pod of it waits for a node.
fn pod(release: &Thing) -> Option<Pod> {
    let chart = crds::chart(release);
    if NEED_NO_NODE.contains(&chart) || !release.is_alive() {
        return None;
    }
    let of_server = |path: &str| {
        let path = format!("values.apiService.{path}");
        release.inputs.at(&path).filter(|_| chart == "skypilot")
    };
    let tolerations = of_server("tolerations").and_then(Tree::as_list).unwrap_or_default().to_vec();
    let selector =
        of_server("nodeSelector").map(|tree| tags_at(&tree!({ "of": tree }), "of")).unwrap_or_default();
    Some(Pod { selector, tolerations })
}

impl Pod {
    /// Returns whether the pod can run on the nodes of a pool:
    /// <https://karpenter.sh/docs/concepts/scheduling/>.
    fn fits(&self, pool: &Thing) -> bool {
        let labels = tags_at(&pool.inputs, "spec.template.metadata.labels");
        let taints = pool.inputs.at("spec.template.spec.taints").and_then(Tree::as_list).unwrap_or_default();
        let repels = |taint: &&Tree| taint.get("effect").and_then(Tree::as_str) != Some("PreferNoSchedule");
        self.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
            && taints.iter().filter(repels).all(|taint| self.tolerates(taint))
    }

    fn tolerates(&self, taint: &Tree) -> bool {
        self.tolerations.iter().any(|toleration| {
            let same = |key: &str| toleration.get(key) == taint.get(key);
            let any_value = toleration.get("operator").and_then(Tree::as_str) == Some("Exists");
            same("key")
                && (any_value || same("value"))
                && (toleration.get("effect").is_none() || same("effect"))
        })
    }
}

/// Launches a node for the first pods that wait for one.
fn launch(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let claimed = |pool: &Thing| {
        let name = pool.text("metadata.name");
        cluster.objects("NodeClaim").any(|claim| claim.is_alive() && pool_of(claim) == name)
    };
    // Pools of equal weight are tried by name.
    let mut pools: Vec<&Thing> = cluster.objects("NodePool").filter(|pool| pool.is_active()).collect();
    pools.sort_by_key(|pool| pool.text("metadata.name"));
    for pod in cluster.releases().filter_map(pod) {
        let fitting: Vec<&Thing> = pools.iter().copied().filter(|pool| pod.fits(pool)).collect();
        if fitting.iter().any(|pool| claimed(pool)) {
            continue;
        }
        for pool in fitting.into_iter().filter(|pool| has_instance(&scene.options.catalogue, pool)) {
            // The claim of an earlier pool of this name must be out of the way.
            let is_new = scene.world.get(&child_uid(&pool.uid, "k8s.object", "node")).is_none();
            let class = class_of(cluster, pool).filter(|_| is_new);
            if let Some(effects) = class.and_then(|class| launched(scene, cluster, pool, class)) {
                return effects;
            }
        }
    }
    Vec::new()
}

pub(crate) fn pool_of(claim: &Thing) -> Option<&str> {
    claim.inputs.at("metadata.labels").and_then(|labels| labels.get(POOL_TAG)).and_then(Tree::as_str)
}

/// Returns the class of a pool that is ready: it has its instance profile.
fn class_of<'a>(cluster: Cluster<'a>, pool: &Thing) -> Option<&'a Thing> {
    let name = pool.text("spec.template.spec.nodeClassRef.name")?;
    let class = lookup(cluster.world, cluster.thing, "EC2NodeClass", None, name)?;
    children_of(cluster.world, &class.uid, "iam.instance_profile").next().map(|_| class)
}

/// Launches an instance for a pool: claim, template, instance and its first interface. None when the class names no
/// subnet or group that is there.
fn launched(scene: Scene<'_>, cluster: Cluster<'_>, pool: &Thing, class: &Thing) -> Option<Vec<Effect>> {
    let world = scene.world;
    let selected = |path: &str, kind: &str| -> Vec<&Thing> {
        let terms = class.inputs.at(path).and_then(Tree::as_list).unwrap_or_default();
        let ids = terms.iter().filter_map(|term| term.get("id").and_then(Tree::as_str));
        let find = |id| world.with_id(id).find(|thing| thing.kind.as_str() == kind && thing.is_alive());
        ids.filter_map(find).collect()
    };
    let subnets = selected("spec.subnetSelectorTerms", "ec2.subnet");
    let groups = selected("spec.securityGroupSelectorTerms", "ec2.security_group");
    let groups: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    let profile = children_of(world, &class.uid, "iam.instance_profile").next()?;

    let claim = claim(scene, cluster, pool, class);
    let names = Names::new(world.seed(), &claim.uid);
    let subnet = subnets.get(names.below("subnet", u32::try_from(subnets.len()).ok()?.max(1)) as usize)?;
    if groups.is_empty() {
        return None;
    }
    let tags = tags(cluster, class, pool.text("metadata.name"));
    let template = with_ec2_id(world, "lt", child(class, "ec2.launch_template", "launch-template"));
    let template = Thing {
        inputs: tree!({ "launch_template_data": {
            "iam_instance_profile": (profile.id), "security_group_ids": groups,
        } }),
        tags: tags.clone(),
        ..template
    };
    let instance = with_ec2_id(world, "i", child(&claim, "ec2.instance", "instance"));
    let instance = Thing {
        inputs: tree!({
            "instance_type": (instance_type(&scene.options.catalogue, pool)),
            "iam_instance_profile": (profile.id),
            "subnet_id": (subnet.id),
            "security_groups": groups,
        }),
        tags: tags.clone(),
        ..instance
    };
    let mut interface = super::ec2::interface(world, &instance, "interface", subnet, &groups);
    interface.inputs.set("attachment", tree!({ "instance_id": (instance.id), "device_index": 0 }));
    interface.tags = tags;
    // It goes with its instance: the first interface of an instance is deleted on termination.
    interface.lives_in.insert(instance.uid.clone());

    let until_ready = scene.seconds("gate.first_node").create;
    let mut effects = vec![
        made(scene, claim, until_ready),
        made(scene, instance, until_ready),
        made(scene, interface, 0.0),
    ];
    if world.get(&template.uid).is_none() {
        effects.push(made(scene, template, 0.0));
    }
    Some(effects)
}

fn claim(scene: Scene<'_>, cluster: Cluster<'_>, pool: &Thing, class: &Thing) -> Thing {
    let thing = child(pool, "k8s.object", "node");
    let pool_name = pool.text("metadata.name").unwrap_or_default();
    let letters = Names::new(scene.world.seed(), &thing.uid).of("claim", b"bcdfghjklmnpqrstvwxz2456789", 5);
    let name = format!("{pool_name}-{letters}");
    Thing {
        placement: Placement { container: Some(cluster.thing.address.clone()), ..pool.placement.clone() },
        id: format!("NodeClaim//{name}"),
        inputs: tree!({
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodeClaim",
            "metadata": { "name": name, "labels": { (POOL_TAG): pool_name } },
            "spec": { "nodeClassRef": { "name": (class.text("metadata.name").unwrap_or_default()) } },
        }),
        lives_in: [cluster.thing.uid.clone()].into(),
        ..thing
    }
}

/// Returns what an instance of a pool is: of what the pool asks for, the first.
fn instance_type(catalogue: &Catalogue, pool: &Thing) -> String {
    let first = |key: &str| requirement(pool, key).and_then(|values| values.first().copied());
    let of_category = |category: &str| {
        let of = |family: &&String| {
            let rest = family.strip_prefix(category);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        catalogue.instance_families.iter().rfind(of).map(|family| format!("{family}.2xlarge"))
    };
    let named = first("node.kubernetes.io/instance-type").map(str::to_owned);
    let family = || first("karpenter.k8s.aws/instance-family").map(|family| format!("{family}.xlarge"));
    let category = || of_category(first("karpenter.k8s.aws/instance-category").unwrap_or("m"));
    named.or_else(family).or_else(category).unwrap_or_else(|| "m7i.2xlarge".to_owned())
}

fn requirement<'a>(pool: &'a Thing, key: &str) -> Option<Vec<&'a str>> {
    let all = pool.inputs.at("spec.template.spec.requirements").and_then(Tree::as_list)?;
    let of_key = |one: &&Tree| {
        one.get("key").and_then(Tree::as_str) == Some(key)
            && one.get("operator").and_then(Tree::as_str) == Some("In")
    };
    all.iter().find(of_key).map(|one| texts(one, "values"))
}

/// Returns whether the types, families and categories that a pool asks for leave any instance.
fn has_instance(catalogue: &Catalogue, pool: &Thing) -> bool {
    let any = |key: &str, knows: &dyn Fn(&str) -> bool| {
        requirement(pool, key).is_none_or(|values| values.into_iter().any(knows))
    };
    any("node.kubernetes.io/instance-type", &|name| catalogue.knows_instance_type(name))
        && any("karpenter.k8s.aws/instance-family", &|name| catalogue.knows_instance_family(name))
        && any("karpenter.k8s.aws/instance-category", &|name| catalogue.knows_instance_category(name))
}

/// Tells why a cluster has no node; none when it has one.
pub(crate) fn no_node(cluster: Cluster<'_>, catalogue: &Catalogue) -> Option<String> {
    if cluster.nodes().next().is_some() {
        return None;
    }
    let pools: Vec<&Thing> = cluster.objects("NodePool").filter(|pool| pool.is_active()).collect();
    let pods: Vec<Pod> = cluster.releases().filter_map(pod).collect();
    let fits = |pool: &&Thing| pods.iter().any(|pod| pod.fits(pool));
    let why = if cluster.objects("NodeClaim").any(Thing::is_alive) {
        "the first node is being launched"
    } else if cluster.installed(CHART).is_none() {
        "Karpenter is not installed, so no node is launched"
    } else if cluster.running(CHART).is_none() {
        "Karpenter does not run, so no node is launched"
    } else if !pools.iter().any(|pool| class_of(cluster, pool).is_some()) {
        "there is no NodePool with an EC2NodeClass that is ready, so no node is launched"
    } else if !pools.iter().any(|pool| has_instance(catalogue, pool)) {
        "no instance fits any NodePool, so no node is launched"
    } else if pods.is_empty() {
        "no pod is pending, so no node is launched"
    } else if !pools.iter().any(fits) {
        "no NodePool takes the pods that are pending, so no node is launched"
    } else {
        "no node can be launched"
    };
    Some(why.to_owned())
}

/// Returns the node that the pods of a release run on: of those that fit, the first by name.
pub(super) fn node_for<'a>(world: &'a World, cluster: Cluster<'a>, release: &Thing) -> Option<&'a Thing> {
    let pod = pod(release)?;
    let fits = |claim: &&Thing| {
        let pool = claim.made_for.as_ref().and_then(|origin| world.get(&origin.owner));
        pool.is_some_and(|pool| pod.fits(pool))
    };
    cluster.nodes().filter(fits).min_by_key(|claim| claim.id.as_str())
}
