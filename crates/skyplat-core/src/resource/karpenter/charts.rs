//! The two charts: definitions of its resources first, then the controller.
//!
//! Two, because Helm installs the definitions in a chart's `crds/` once and never upgrades them.

use super::node_role::NodeRole;
use crate::graph::{Added, LowerError, Lowering, Ready};
use crate::object::gate::LaunchTemplatesGone;
use crate::object::helm::HelmRelease;
use crate::object::k8s::K8sObject;
use crate::object::sqs::SqsQueue;
use crate::resource::eks_cluster::EksClusterOutputs;
use crate::resource::irsa_role::IrsaOutputs;
use crate::resource::manifests::namespace;
use crate::tree;
use crate::value::Tree;

/// The controller's namespace; the cluster's Fargate profile selects it.
pub(super) const NAMESPACE: &str = "karpenter";
/// The controller's service account.
pub(super) const SERVICE_ACCOUNT: &str = "karpenter";
/// Where both charts are published.
const REGISTRY: &str = "oci://public.ecr.aws/karpenter";

/// What the controller needs.
pub(super) struct Needs<'a> {
    /// The role it takes.
    pub(super) controller_role: IrsaOutputs,
    /// The queue of interruption notices.
    pub(super) queue: Added<SqsQueue>,
    /// The role of the nodes it launches.
    pub(super) node_role: &'a NodeRole,
}

/// Adds both charts and returns when the controller is installed.
pub(super) fn add(
    cx: &mut Lowering<'_>,
    cluster: &EksClusterOutputs,
    version: &str,
    needs: &Needs<'_>,
) -> Result<Ready, LowerError> {
    let namespace = cx.object("namespace", namespace(NAMESPACE, &[])).within(&cluster.container).add()?;
    let chart = |name: &str, skip_crds: bool, values: Tree| HelmRelease {
        name: name.to_owned(),
        namespace: namespace.output(K8sObject::NAME),
        chart: format!("{REGISTRY}/{name}"),
        repository: None,
        version: version.to_owned(),
        skip_crds,
        values,
    };
    let definitions = chart("karpenter-crd", false, Tree::map());
    let definitions = cx.object("crds", definitions).within(&cluster.container).add()?;

    // On the way down: after the controller, before the role that the templates name.
    let gate = LaunchTemplatesGone { cluster: cluster.name.clone() };
    let gate = cx
        .object("launch-templates-gone", gate)
        .region(&cluster.region)
        .after(&needs.node_role.role)
        .add()?;

    let resources = tree!({ "cpu": "1", "memory": "1Gi" });
    let values = tree!({
        "serviceAccount": {
            "name": SERVICE_ACCOUNT,
            "annotations": { "eks.amazonaws.com/role-arn": (needs.controller_role.role_arn) }
        },
        "settings": {
            "clusterName": (cluster.name),
            "interruptionQueue": (needs.queue.output(SqsQueue::NAME))
        },
        "controller": { "resources": { "requests": resources, "limits": resources } },
        // The resolver of its VPC: so it neither waits for CoreDNS nor falls with it.
        "dnsPolicy": "Default"
    });
    let controller = chart("karpenter", true, values);
    let controller = cx
        .object("controller", controller)
        .within(&cluster.container)
        .after(&definitions.ready())
        .after(&gate.ready())
        .after(&cluster.fargate)
        .after(&needs.controller_role.ready)
        .add()?;
    Ok(controller.ready())
}
