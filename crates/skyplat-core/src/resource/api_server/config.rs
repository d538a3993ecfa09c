//! The SkyPilot configuration, and how much of it the server starts with.
//!
//! The server takes a configuration from the chart only once, so the chart gets one that never changes and lets nobody
//! do anything ([`start_config`]); what the platform wants is posted to the running server as an object of its own
//! ([`platform_config`]). A new tenant is then an update of that object, not of the release, and between the first start
//! and the first post no tenant is open to anyone.

use super::Tenant;
use crate::config::UserRole;
use crate::resource::data_plane::WORKLOAD_ACCOUNT;
use crate::resource::text::key;
use crate::tree;
use crate::value::{Key, Map, ToTree, Tree};

/// Seconds to wait for a pod: Karpenter may have to launch a GPU node first.
const PROVISION_TIMEOUT: u32 = 900;

/// Returns the configuration that the chart hands over: no contexts, nothing enabled, no administrators.
pub(super) fn start_config() -> Tree {
    tree!({
        "allowed_clouds": ["aws", "kubernetes"],
        "kubernetes": { "allowed_contexts": [] },
        "rbac": { "default_role": "user" },
        "workspaces": { "default": (closed_workspace()) }
    })
}

/// Returns the configuration of the platform.
pub(super) fn platform_config(tenants: &[Tenant], default_role: UserRole, aws_vms: bool) -> Tree {
    let contexts: Vec<Tree> = tenants.iter().map(|tenant| tenant.plane.context.to_tree()).collect();
    let context_configs: Map = tenants
        .iter()
        .map(|tenant| {
            let settings = tree!({
                "remote_identity": WORKLOAD_ACCOUNT,
                "autoscaler": "karpenter",
                "provision_timeout": PROVISION_TIMEOUT
            });
            (key(&tenant.plane.context), settings)
        })
        .collect();
    let mut aws = tree!({ "remote_identity": "NO_UPLOAD" });
    if !aws_vms {
        aws.set("capabilities", tree!(["storage"]));
    }
    tree!({
        "allowed_clouds": ["aws", "kubernetes"],
        "aws": aws,
        "kubernetes": {
            "allowed_contexts": contexts,
            "context_configs": (Tree::Map(context_configs)),
            "custom_metadata": { "annotations": {
                "karpenter.sh/do-not-disrupt": "true",
                "service.beta.kubernetes.io/aws-load-balancer-type": "external",
                "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
                "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"
            } },
            "ports": "loadbalancer"
        },
        "jobs": { "controller": { "consolidation_mode": true } },
        "rbac": { "default_role": (default_role.as_str()) },
        "workspaces": (workspaces(tenants))
    })
}

/// One workspace per tenant; the one that every user starts in reaches nothing.
fn workspaces(tenants: &[Tenant]) -> Tree {
    let mut workspaces = Map::from([(Key::from("default"), closed_workspace())]);
    for tenant in tenants {
        let plane = &tenant.plane;
        let mut name = plane.name.clone();
        while workspaces.contains_key(&Key::from(name.as_str())) {
            name = format!("{}-{name}", plane.cluster.region);
        }
        let mut workspace = tree!({
            "private": (tenant.allowed_users.is_some()),
            "kubernetes": { "allowed_contexts": [(plane.context)] }
        });
        if let Some(users) = &tenant.allowed_users {
            workspace.set("allowed_users", users.to_tree());
        }
        workspaces.insert(name.into(), workspace);
    }
    Tree::Map(workspaces)
}

fn closed_workspace() -> Tree {
    tree!({ "kubernetes": { "disabled": true }, "aws": { "disabled": true } })
}
