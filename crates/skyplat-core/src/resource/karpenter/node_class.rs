//! EC2 node classes: what a pool's instances look like to EC2.

use super::pools::NodePool;
use crate::object::k8s::K8sObject;
use crate::resource::eks_cluster::EksClusterOutputs;
use crate::tree;
use crate::value::{Tree, Value};

/// Returns the EC2NodeClass of a pool, named like it.
///
/// Subnets and security group are named by id: nothing else that carries a tag is ever taken for them. The role goes by
/// its *name*: given the ARN, Karpenter never finds its own instance profile again and makes new ones without end.
pub(super) fn manifest(
    pool: &NodePool,
    cluster: &EksClusterOutputs,
    node_role: &Value<String>,
    machine_image: &str,
) -> K8sObject {
    let subnets = cluster.vpc.private_subnets.iter().map(|subnet| tree!({ "id": (subnet.id) })).collect();
    let mut spec = tree!({
        "amiSelectorTerms": [{ "alias": machine_image }],
        "role": node_role,
        "subnetSelectorTerms": (Tree::List(subnets)),
        "securityGroupSelectorTerms": [{ "id": (cluster.node_security_group) }],
        "blockDeviceMappings": [{
            "deviceName": "/dev/xvda",
            "ebs": {
                "volumeSize": (pool.ebs_size),
                "volumeType": "gp3",
                "encrypted": true,
                "deleteOnTermination": true
            }
        }],
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "required"
        }
    });
    if !cluster.tags.is_empty() {
        spec.set("tags", tree!(cluster.tags));
    }
    K8sObject::new(tree!({
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": { "name": (pool.name) },
        "spec": spec
    }))
}
