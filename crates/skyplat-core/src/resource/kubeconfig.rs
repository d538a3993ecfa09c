//! The kubeconfig with which the API server reaches its tenants.
//!
//! One cluster entry per cluster with tenants, one user and one context per tenant. A tenant's user holds the token of
//! the tenant's own service account, so the server can do in a namespace what that account may do and nothing else.

use super::data_plane::DataPlaneOutputs;
use crate::tree;
use crate::value::{ToTree, Tree};

/// Returns the kubeconfig as a tree; it holds tokens by reference.
pub(super) fn kubeconfig(tenants: &[DataPlaneOutputs]) -> Tree {
    let mut clusters: Vec<Tree> = Vec::new();
    let mut seen = Vec::new();
    for tenant in tenants {
        let cluster = &tenant.cluster;
        if seen.contains(&&cluster.cluster_name) {
            continue;
        }
        seen.push(&cluster.cluster_name);
        clusters.push(tree!({
            "name": (cluster.name),
            "cluster": {
                "server": (cluster.endpoint),
                "certificate-authority-data": (cluster.certificate_authority)
            }
        }));
    }
    let users: Vec<Tree> = tenants
        .iter()
        .map(|tenant| tree!({ "name": (tenant.user), "user": { "token": (tenant.token) } }))
        .collect();
    let contexts: Vec<Tree> = tenants
        .iter()
        .map(|tenant| {
            tree!({
                "name": (tenant.context),
                "context": {
                    "cluster": (tenant.cluster.name),
                    "namespace": (tenant.namespace),
                    "user": (tenant.user)
                }
            })
        })
        .collect();
    tree!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": (clusters),
        "users": (users),
        "contexts": (contexts),
        "current-context": (tenants.first().map_or_else(|| "".to_tree(), |first| first.context.to_tree()))
    })
}
