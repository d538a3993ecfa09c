//! The walls around a tenant's namespace.
//!
//! Pods, nodes and internal load balancers of a cluster share the private subnets, and a policy by address also covers
//! pods. So addresses inside are excluded and pods are allowed by their namespace: what has no wall around it may be
//! reached, other tenants and the platform's own namespaces may not. The addresses of Services are excluded as well; the
//! one of the Kubernetes API stays open, on 443.

use crate::ids::Cidr;
use crate::tree;
use crate::value::{ToTree, Tree};

/// Addresses of a cluster's Services.
const SERVICE_CIDR: &str = "172.20.0.0/16";
/// The Service of the Kubernetes API.
const KUBERNETES_API: &str = "172.20.0.1/32";
/// Where an instance gives away its role.
const INSTANCE_METADATA: &str = "169.254.169.254/32";
/// Namespaces of the platform that no tenant may reach.
const CLOSED_NAMESPACES: [&str; 3] = ["karpenter", "skypilot", "tailscale"];

fn block(cidr: &impl ToTree) -> Tree {
    tree!({ "ipBlock": { "cidr": (cidr.to_tree()) } })
}

/// Returns the policy's `spec`. `private_subnets` hold the pods and the load balancers of the cluster.
pub(super) fn policy_spec(private_subnets: &[Cidr]) -> Tree {
    let same_namespace = || tree!({ "podSelector": {} });
    let balancers = private_subnets.iter().map(block);
    let sources: Vec<Tree> = std::iter::once(same_namespace()).chain(balancers).collect();

    let open_namespaces = tree!({ "namespaceSelector": { "matchExpressions": [
        { "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": (CLOSED_NAMESPACES) },
        { "key": "parent", "operator": "NotIn", "values": ["skypilot"] }
    ] } });
    let mut inside: Vec<Tree> = vec![INSTANCE_METADATA.to_tree(), SERVICE_CIDR.to_tree()];
    inside.extend(private_subnets.iter().map(ToTree::to_tree));
    let outside = tree!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": (inside) } });
    let https: Vec<Tree> =
        std::iter::once(block(&KUBERNETES_API)).chain(private_subnets.iter().map(block)).collect();

    tree!({
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{ "from": (sources) }],
        "egress": [
            { "to": [(same_namespace()), (open_namespaces), (outside)] },
            { "to": (https), "ports": [{ "protocol": "TCP", "port": 443 }] }
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::paper;

    #[test]
    fn the_way_out_leaves_out_metadata_and_what_is_inside() {
        let spec = policy_spec(&["10.1.0.0/18".parse().unwrap(), "10.1.64.0/18".parse().unwrap()]);
        let to = spec.get("egress").and_then(Tree::as_list).unwrap()[0].get("to").unwrap();
        let except = paper::show(to.as_list().unwrap()[2].at("ipBlock.except").unwrap()).to_string();
        for closed in [INSTANCE_METADATA, SERVICE_CIDR, "10.1.0.0/18", "10.1.64.0/18"] {
            assert!(except.contains(closed), "{closed} in {except}");
        }
    }
}
