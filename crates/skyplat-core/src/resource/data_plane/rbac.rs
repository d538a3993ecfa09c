//! What a tenant's two service accounts may do.
//!
//! `sky-sa` is the API server's hand in the cluster, `sky-user-sa` the identity of the tenant's workloads. Every verb is
//! spelled out: a verb that a later Kubernetes adds is not granted unseen, and neither account may touch roles.

use crate::tree;
use crate::value::Tree;

/// All verbs of a resource that is managed as a whole.
const MANAGE: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
/// The verbs of a resource that is only looked at.
const READ: [&str; 3] = ["get", "list", "watch"];

/// Returns one rule.
fn rule<const G: usize, const R: usize, const V: usize>(
    groups: [&str; G],
    resources: [&str; R],
    verbs: [&str; V],
) -> Tree {
    tree!({ "apiGroups": (groups), "resources": (resources), "verbs": (verbs) })
}

/// What the API server may do in the tenant's namespace.
pub(super) fn server_role() -> Tree {
    tree!([
        (rule([""], ["pods", "pods/status", "pods/exec", "pods/portforward"], MANAGE)),
        (rule([""], ["services", "secrets", "configmaps", "persistentvolumeclaims"], MANAGE)),
        (rule(["apps"], ["deployments", "deployments/status"], MANAGE)),
        (rule([""], ["events"], READ))
    ])
}

/// What the API server may do in the whole cluster. `gpu_overview` lets it see the pods of every tenant.
pub(super) fn server_cluster_role(gpu_overview: bool) -> Tree {
    let mut rules = vec![
        rule([""], ["nodes"], READ),
        rule(["node.k8s.io"], ["runtimeclasses"], READ),
        rule(["networking.k8s.io"], ["ingressclasses"], READ),
        rule(["storage.k8s.io"], ["storageclasses"], READ),
    ];
    if gpu_overview {
        rules.push(rule([""], ["pods"], ["get", "list"]));
    }
    Tree::List(rules)
}

/// What a workload may do in its own namespace: stop itself, and see what belongs to it.
pub(super) fn workload_role() -> Tree {
    tree!([
        (rule([""], ["pods"], ["get", "list", "delete"])),
        (rule([""], ["services"], ["get", "list", "delete", "deletecollection"])),
        (rule(["apps"], ["deployments"], ["get", "list"])),
        (rule([""], ["events"], ["create"]))
    ])
}

/// What the API server may do in the namespace of SkyPilot's own helpers: run the daemons that mount object storage.
pub(super) fn system_role() -> Tree {
    tree!([(rule(["apps"], ["daemonsets"], MANAGE))])
}

/// Returns the manifest of a Role or ClusterRole.
pub(super) fn role(kind: &str, metadata: Tree, rules: Tree) -> Tree {
    tree!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules })
}

/// Returns the manifest of the binding of a role to a service account.
pub(super) fn binding(kind: &str, metadata: Tree, role_kind: &str, role: Tree, account: Tree) -> Tree {
    tree!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role },
        "subjects": [account]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::paper;

    #[test]
    fn no_rule_has_a_wildcard_or_writes_roles() {
        for rules in [server_role(), server_cluster_role(true), workload_role(), system_role()] {
            let text = paper::show(&rules).to_string();
            assert!(!text.contains('*') && !text.contains("rolebindings"), "{text}");
        }
    }

    #[test]
    fn pods_of_other_tenants_are_seen_only_when_asked_for() {
        let sees_pods = |on| paper::show(&server_cluster_role(on)).to_string().contains("\"pods\"");
        assert!(sees_pods(true) && !sees_pods(false));
    }

    #[test]
    fn a_workload_reads_no_secrets() {
        assert!(!paper::show(&workload_role()).to_string().contains("secrets"));
    }
}
