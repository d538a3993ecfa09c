//! The three managed addons, without which no pod runs: kube-proxy, vpc-cni and CoreDNS.
//!
//! kube-proxy and vpc-cni are DaemonSets: they are active as soon as the cluster is, before there is any node. CoreDNS
//! runs on Fargate, so that names resolve before the first node.

use super::EksCluster;
use crate::graph::{Added, LowerError, Lowering, Ready};
use crate::ids::Region;
use crate::object::eks::{EksAddon, EksControlPlane};
use crate::tree;
use crate::value::Value;

/// Adds kube-proxy.
pub(super) fn kube_proxy(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    region: &Region,
    control_plane: &Added<EksControlPlane>,
) -> Result<Ready, LowerError> {
    let addon = addon(cluster, control_plane, "kube-proxy", None);
    Ok(cx.object("addon-kube-proxy", addon).region(region).add()?.ready())
}

/// Adds vpc-cni, with network policies: tenants are kept apart by them.
pub(super) fn vpc_cni(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    region: &Region,
    control_plane: &Added<EksControlPlane>,
) -> Result<Ready, LowerError> {
    let settings = Value::json(tree!({ "enableNetworkPolicy": "true" }));
    let addon = addon(cluster, control_plane, "vpc-cni", Some(settings));
    Ok(cx.object("addon-vpc-cni", addon).region(region).add()?.ready())
}

/// Adds CoreDNS, once Fargate pods can run.
pub(super) fn coredns(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    region: &Region,
    control_plane: &Added<EksControlPlane>,
    after: &Ready,
) -> Result<Ready, LowerError> {
    let settings = Value::json(tree!({ "computeType": "Fargate" }));
    let addon = addon(cluster, control_plane, "coredns", Some(settings));
    Ok(cx.object("addon-coredns", addon).region(region).after(after).add()?.ready())
}

/// Returns an addon of the pinned version, or of the one that fits its cluster.
fn addon(
    cluster: &EksCluster,
    control_plane: &Added<EksControlPlane>,
    name: &str,
    configuration_values: Option<Value<String>>,
) -> EksAddon {
    let pinned = cluster.addon_versions.get(name).cloned();
    EksAddon {
        cluster_name: control_plane.output(EksControlPlane::NAME),
        name: name.into(),
        kubernetes_version: pinned.is_none().then(|| control_plane.output(EksControlPlane::VERSION)),
        addon_version: pinned,
        configuration_values,
        resolve_conflicts: "OVERWRITE".into(),
        tags: cluster.tags.clone(),
    }
}
