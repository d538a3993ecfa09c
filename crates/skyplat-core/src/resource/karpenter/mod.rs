//! `Karpenter`: nodes for a cluster, launched when pods need them.

use crate::config::Taint;
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::{Region, RoleArn};
use crate::object::OnDelete;
use crate::object::iam::IamServiceLinkedRole;
use crate::resource::eks_cluster::EksCluster;
use crate::value::Value;

mod pools;

pub use pools::{CpuRange, NodePool};

/// The node autoscaler of a cluster, with its pools.
#[derive(Debug, Clone)]
pub struct Karpenter {
    /// The cluster.
    pub cluster: Handle<EksCluster>,
    /// The cluster's region; its AMI release is asked there.
    pub region: Region,
    /// The cluster's Kubernetes version; its AMI release is asked for it.
    pub kubernetes: String,
    /// The version of controller and charts.
    pub version: String,
    /// The pools.
    pub pools: Vec<NodePool>,
    /// The account's role for spot instances, needed when any pool is spot.
    pub spot_role: Option<Handle<SpotServiceRole>>,
}

/// What Karpenter offers.
#[derive(Debug, Clone)]
pub struct KarpenterOutputs {
    /// The controller is installed.
    pub controller: Ready,
    /// Every pool can launch nodes.
    pub pools: Ready,
    /// The role of the nodes.
    pub node_role_arn: Value<RoleArn>,
    /// The taints of every pool, for what runs on all nodes.
    pub taints: Vec<Taint>,
    /// Whether any pool has GPUs.
    pub has_gpu: bool,
}

/// The role by which EC2 launches spot instances: one per account, taken as it is when it exists, never deleted.
#[derive(Debug, Clone)]
pub struct SpotServiceRole;

impl Resource for SpotServiceRole {
    const KIND: &'static str = "SpotServiceRole";
    type Outputs = Ready;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<Ready, LowerError> {
        let role = IamServiceLinkedRole { aws_service_name: "spot.amazonaws.com".into() };
        Ok(cx.object("role", role).on_delete(OnDelete::Retain).add()?.ready())
    }
}
