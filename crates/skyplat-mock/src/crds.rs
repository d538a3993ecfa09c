//! Which custom resource definitions a simulated cluster has, and where they came from.
//!
//! Helm installs what lies in a chart's `crds/` with the first release only, and not when told to skip it; definitions
//! among a chart's templates come and go with the release.

use crate::world::{Thing, World};

/// A definition that a chart brings.
struct Definition {
    chart: &'static str,
    /// Whether it is one of the chart's templates.
    is_template: bool,
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
}

const fn define(
    chart: &'static str,
    is_template: bool,
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Definition {
    Definition { chart, is_template, group, plural, kind }
}

const DEFINITIONS: &[Definition] = &[
    define("karpenter-crd", true, "karpenter.sh", "nodepools", "NodePool"),
    define("karpenter-crd", true, "karpenter.sh", "nodeclaims", "NodeClaim"),
    define("karpenter-crd", true, "karpenter.sh", "nodeoverlays", "NodeOverlay"),
    define("karpenter-crd", true, "karpenter.k8s.aws", "ec2nodeclasses", "EC2NodeClass"),
    define("karpenter", false, "karpenter.sh", "nodepools", "NodePool"),
    define("karpenter", false, "karpenter.sh", "nodeclaims", "NodeClaim"),
    define("karpenter", false, "karpenter.sh", "nodeoverlays", "NodeOverlay"),
    define("karpenter", false, "karpenter.k8s.aws", "ec2nodeclasses", "EC2NodeClass"),
    define("tailscale-operator", true, "tailscale.com", "connectors", "Connector"),
    define("tailscale-operator", true, "tailscale.com", "proxyclasses", "ProxyClass"),
    define("tailscale-operator", true, "tailscale.com", "proxygroups", "ProxyGroup"),
    define("tailscale-operator", true, "tailscale.com", "dnsconfigs", "DNSConfig"),
    define("tailscale-operator", true, "tailscale.com", "recorders", "Recorder"),
    define(
        "aws-load-balancer-controller",
        false,
        "elbv2.k8s.aws",
        "targetgroupbindings",
        "TargetGroupBinding",
    ),
    define(
        "aws-load-balancer-controller",
        false,
        "elbv2.k8s.aws",
        "ingressclassparams",
        "IngressClassParams",
    ),
];

/// Returns the chart's name in a release or a set of definitions: of an address, what follows the last slash.
pub(crate) fn chart(thing: &Thing) -> &str {
    thing.text("chart").unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

/// Returns what gave a cluster the definition of a kind: a release, definitions applied alone, or a manifest.
pub(crate) fn provider<'a>(world: &'a World, cluster: &Thing, group: &str, kind: &str) -> Option<&'a Thing> {
    find(
        world,
        cluster,
        |definition| definition.group == group && definition.kind == kind,
        |manifest| {
            manifest.text("spec.group") == Some(group) && manifest.text("spec.names.kind") == Some(kind)
        },
    )
}

/// Returns whether a definition is established, by its name: `connectors.tailscale.com`.
pub(crate) fn is_established(world: &World, cluster: &Thing, name: &str) -> bool {
    let named = |definition: &Definition| {
        name.split_once('.')
            .is_some_and(|(plural, group)| definition.plural == plural && definition.group == group)
    };
    find(world, cluster, named, |manifest| manifest.text("metadata.name") == Some(name)).is_some()
}

fn find<'a>(
    world: &'a World,
    cluster: &Thing,
    wanted: impl Fn(&Definition) -> bool,
    is_manifest: impl Fn(&Thing) -> bool,
) -> Option<&'a Thing> {
    let inside = |thing: &&Thing| thing.lives_in.contains(&cluster.uid) && thing.is_active();
    let brings = |thing: &Thing, templates_too: bool| {
        let skips = thing.inputs.get("skip_crds") == Some(&skyplat_core::tree!(true));
        DEFINITIONS.iter().filter(|definition| wanted(definition)).any(|definition| {
            definition.chart == chart(thing) && if definition.is_template { templates_too } else { !skips }
        })
    };
    let release = world.of_kind("helm.release").filter(inside).find(|thing| brings(thing, true));
    let alone = || world.of_kind("helm.crds").filter(inside).find(|thing| brings(thing, false));
    let manifest = || {
        let mut manifests = world.of_kind("k8s.object").filter(inside);
        manifests.find(|thing| thing.text("kind") == Some("CustomResourceDefinition") && is_manifest(thing))
    };
    release.or_else(alone).or_else(manifest)
}
