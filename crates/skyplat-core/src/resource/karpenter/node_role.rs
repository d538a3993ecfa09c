//! The role of nodes, and the access entry by which they join their cluster.

use crate::graph::{LowerError, Lowering, Ready};
use crate::ids::RoleArn;
use crate::object::eks::EksAccessEntry;
use crate::object::iam::{PolicyDocument, Principal, Statement};
use crate::resource::eks_cluster::EksClusterOutputs;
use crate::resource::role::{NewRole, RoleHome, RolePolicies, add_role};
use crate::value::Value;

/// What a node may do: join, get pod addresses, pull images.
const POLICIES: [&str; 3] =
    ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"];

/// The role of nodes.
pub(super) struct NodeRole {
    /// Its ARN.
    pub(super) arn: Value<RoleArn>,
    /// Its name.
    pub(super) name: Value<String>,
    /// The role with its rights, before there is a cluster.
    pub(super) role: Ready,
    /// A node that has the role is let in and may do what it must.
    pub(super) ready: Ready,
}

/// Adds the role and its access entry.
pub(super) fn add(cx: &mut Lowering<'_>, cluster: &EksClusterOutputs) -> Result<NodeRole, LowerError> {
    let trust = PolicyDocument::new([
        Statement::allow(["sts:AssumeRole"]).principal(Principal::service("ec2.amazonaws.com"))
    ]);
    let role = NewRole {
        object_name: "node-role",
        role_name: format!("{}-karpenter-node", cluster.cluster_name),
        trust,
        description: format!("Taken by the nodes of {}", cluster.cluster_name),
    };
    let home = RoleHome { region: &cluster.region, iam: &cluster.iam, tags: &cluster.tags };
    let role = add_role(cx, home, role, RolePolicies::managed(POLICIES))?;
    let entry = EksAccessEntry {
        cluster_name: cluster.name.clone(),
        principal_arn: role.role_arn.clone(),
        r#type: "EC2_LINUX".into(),
        access_policies: Vec::new(),
        tags: cluster.tags.clone(),
    };
    let entry = cx.object("node-access-entry", entry).region(&cluster.region).add()?;
    Ok(NodeRole {
        arn: role.role_arn,
        name: role.role_name,
        ready: role.ready.and(&entry.ready()),
        role: role.ready,
    })
}
