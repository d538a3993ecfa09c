//! Addons: the charts that every cluster gets, each of which can be switched off.
//!
//! They are installed side by side. What runs on nodes waits for CoreDNS and for the NodePools, and not for each other:
//! a release is done when the API server has its objects, so running pods are the business of gates.
//!
//! The first chart whose pods need a node makes Karpenter launch one. Its addon holds the cluster's `gate.first_node`,
//! and what needs such pods running comes after that gate through [`FirstNode`].

mod ebs_csi;
mod efs_csi;
mod external_dns;
mod fluent_bit;
mod load_balancer_controller;
mod metrics_server;
mod nvidia_device_plugin;

pub use ebs_csi::{EbsCsi, EbsCsiOutputs};
pub use efs_csi::{EfsCsi, EfsCsiOutputs};
pub use external_dns::{ExternalDns, ExternalDnsOutputs};
pub use fluent_bit::FluentBit;
pub use load_balancer_controller::{LoadBalancerController, LoadBalancerControllerOutputs};
pub use metrics_server::{MetricsServer, Namespaces};
pub use nvidia_device_plugin::NvidiaDevicePlugin;

use crate::graph::{Added, Handle, LowerError, Lowering, Ready};
use crate::object::gate::FirstNode as FirstNodeGate;
use crate::object::helm::HelmRelease;
use crate::resource::eks_cluster::{EksCluster, EksClusterOutputs};
use crate::resource::irsa_role::ServiceAccountRef;
use crate::resource::karpenter::{Karpenter, KarpenterOutputs};
use crate::value::Tree;

/// The namespace of every addon.
const NAMESPACE: &str = "kube-system";

/// What every addon stands on.
#[derive(Debug, Clone)]
pub struct AddonBase {
    /// The cluster.
    pub cluster: Handle<EksCluster>,
    /// What launches its nodes.
    pub karpenter: Handle<Karpenter>,
    /// Version of the chart.
    pub version: String,
}

/// The addon that holds a cluster's `gate.first_node`.
#[derive(Debug, Clone, Copy)]
pub enum FirstNode {
    /// The EBS CSI driver.
    EbsCsi(Handle<EbsCsi>),
    /// The EFS CSI driver.
    EfsCsi(Handle<EfsCsi>),
    /// The load balancer controller.
    LoadBalancerController(Handle<LoadBalancerController>),
}

impl FirstNode {
    /// Returns the mark that the cluster's first node is ready.
    pub(super) fn ready(self, cx: &mut Lowering<'_>) -> Result<Ready, LowerError> {
        Ok(match self {
            Self::EbsCsi(handle) => cx.outputs(handle)?.first_node,
            Self::EfsCsi(handle) => cx.outputs(handle)?.first_node,
            Self::LoadBalancerController(handle) => cx.outputs(handle)?.first_node,
        })
    }
}

/// An addon's chart.
struct Chart<'a> {
    /// Name of the release.
    release: &'a str,
    /// Name of the chart.
    name: &'a str,
    /// Where it comes from.
    repository: &'a str,
    /// Its values.
    values: Tree,
}

/// What an addon stands on, while it is lowered.
struct Ground {
    cluster: EksClusterOutputs,
    karpenter: KarpenterOutputs,
    version: String,
}

impl AddonBase {
    fn ground(&self, cx: &mut Lowering<'_>) -> Result<Ground, LowerError> {
        Ok(Ground {
            cluster: cx.outputs(self.cluster)?,
            karpenter: cx.outputs(self.karpenter)?,
            version: self.version.clone(),
        })
    }
}

impl Ground {
    /// Adds the release, after what its pods need.
    fn release(
        &self,
        cx: &mut Lowering<'_>,
        chart: Chart<'_>,
        after: &Ready,
    ) -> Result<Added<HelmRelease>, LowerError> {
        cx.object("release", self.helm_release(chart))
            .within(&self.cluster.container)
            .after(&self.pods_can_run())
            .after(after)
            .add()
    }

    fn helm_release(&self, chart: Chart<'_>) -> HelmRelease {
        HelmRelease {
            name: chart.release.into(),
            namespace: NAMESPACE.into(),
            chart: chart.name.into(),
            repository: Some(chart.repository.into()),
            version: self.version.clone(),
            skip_crds: false,
            values: chart.values,
        }
    }

    /// Names resolve and nodes are launched for pods.
    fn pods_can_run(&self) -> Ready {
        Ready::all([&self.cluster.nodes, &self.cluster.dns, &self.karpenter.pools])
    }

    /// Adds the gate of the cluster's first node when this addon holds it.
    fn first_node(
        &self,
        cx: &mut Lowering<'_>,
        holds: bool,
        release: &Added<HelmRelease>,
    ) -> Result<Ready, LowerError> {
        if !holds {
            return Ok(Ready::now());
        }
        let gate = cx
            .object("first-node", FirstNodeGate { cluster: self.cluster.name.clone() })
            .within(&self.cluster.container)
            .after(&release.ready())
            .add()?;
        Ok(gate.ready())
    }

    /// Returns the name of the addon's role.
    fn role_name(&self, addon: &str) -> String {
        format!("{}-{addon}", self.cluster.cluster_name)
    }
}

/// Names a service account of an addon.
fn account(name: &str) -> ServiceAccountRef {
    ServiceAccountRef { namespace: NAMESPACE.into(), name: name.into() }
}
