//! `DataPlaneSystem`: the namespace of SkyPilot's own helpers, one per cluster with tenants.

use super::rbac;
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::object::k8s::K8sObject;
use crate::resource::eks_cluster::EksCluster;
use crate::resource::manifests;
use crate::tree;
use crate::value::Value;

/// The namespace in which SkyPilot runs the daemons that mount object storage, and the role for it.
#[derive(Debug, Clone)]
pub struct DataPlaneSystem {
    /// The cluster.
    pub cluster: Handle<EksCluster>,
    /// Whether the namespace may not be deleted.
    pub protect: bool,
}

/// What the tenants of the cluster need of it.
#[derive(Debug, Clone)]
pub struct DataPlaneSystemOutputs {
    /// The namespace.
    pub namespace: Value<String>,
    /// The role that each tenant's `sky-sa` is bound to.
    pub role: Value<String>,
    /// The namespace is there.
    pub namespace_ready: Ready,
}

impl Resource for DataPlaneSystem {
    const KIND: &'static str = "DataPlaneSystem";
    type Outputs = DataPlaneSystemOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<DataPlaneSystemOutputs, LowerError> {
        let cluster = cx.outputs(self.cluster)?;
        let namespace = cx
            .object("namespace", manifests::namespace("skypilot-system", &[("parent", "skypilot")]))
            .within(&cluster.container)
            .protect(self.protect)
            .add()?;
        let metadata = tree!({
            "name": "skypilot-system-service-account-role",
            "namespace": (namespace.output(K8sObject::NAME)),
            "labels": { "parent": "skypilot" }
        });
        let role = cx
            .object("role", K8sObject::new(rbac::role("Role", metadata, rbac::system_role())))
            .within(&cluster.container)
            .add()?;
        Ok(DataPlaneSystemOutputs {
            namespace: namespace.output(K8sObject::NAME),
            role: role.output(K8sObject::NAME),
            namespace_ready: namespace.ready(),
        })
    }
}
