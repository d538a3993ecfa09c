//! Who reaches whom: the security group of nodes, and the rules between it and the cluster's own group.
//!
//! EKS makes the cluster's group, for control plane and Fargate pods, so every rule that names it comes after the
//! cluster.

use super::EksCluster;
use crate::graph::{Added, LowerError, Lowering, Ready};
use crate::ids::{Cidr, SecurityGroupId};
use crate::object::Tags;
use crate::object::ec2::{Direction, Ec2SecurityGroup, Ec2SecurityGroupRule, Ports};
use crate::object::eks::EksControlPlane;
use crate::resource::vpc::VpcOutputs;
use crate::value::Value;

use Direction::{Egress, Ingress};
use Ports::{All, Tcp, Udp};

/// What nodes admit from the control plane: rule, port, purpose.
const FROM_CONTROL_PLANE: [(&str, Ports, &str); 3] = [
    ("kubelet", Tcp(10250), "kubelet from the control plane"),
    ("https", Tcp(443), "webhooks and aggregated APIs from the control plane"),
    ("webhook", Tcp(9443), "webhook of the load balancer controller from the control plane"),
];

/// What control plane and Fargate pods admit from nodes: rule, port, purpose.
const FROM_NODES: [(&str, Ports, &str); 6] = [
    ("https", Tcp(443), "Kubernetes API from nodes"),
    ("dns-udp", Udp(53), "CoreDNS from nodes"),
    ("dns-tcp", Tcp(53), "CoreDNS over TCP from nodes"),
    ("kubelet", Tcp(10250), "kubelets of Fargate nodes from nodes"),
    ("dns-metrics", Tcp(9153), "CoreDNS metrics from nodes"),
    ("karpenter-metrics", Tcp(8085), "Karpenter metrics from nodes"),
];

/// Adds the security group of nodes, without any rule.
pub(super) fn node_group(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
) -> Result<Added<Ec2SecurityGroup>, LowerError> {
    let name = format!("{}-node", cluster.name);
    let group = Ec2SecurityGroup {
        vpc_id: vpc.vpc_id.clone(),
        group_name: name.clone(),
        description: format!("Nodes of {}", cluster.name),
        tags: named(&cluster.tags, &name),
    };
    cx.object("node-security-group", group).region(&vpc.region).add()
}

/// Adds the rules between nodes, control plane and Fargate pods, and returns when they hold.
pub(super) fn rules(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
    control_plane: &Added<EksControlPlane>,
    nodes: &Value<SecurityGroupId>,
) -> Result<Ready, LowerError> {
    let own = control_plane.output(EksControlPlane::SECURITY_GROUP_ID);
    let group = Ec2SecurityGroupRule::with_group;
    let mut rules = vec![
        ("node-in-self".to_owned(), group(nodes, Ingress, All, nodes, "everything between nodes")),
        ("node-in-nfs".to_owned(), group(nodes, Ingress, Tcp(2049), nodes, "NFS between nodes")),
        (
            "node-out-all".to_owned(),
            Ec2SecurityGroupRule::with_cidr(nodes, Egress, All, Cidr::EVERYWHERE.into(), "everything out"),
        ),
    ];
    rules.extend(
        FROM_CONTROL_PLANE
            .map(|(name, ports, why)| (format!("node-in-{name}"), group(nodes, Ingress, ports, &own, why))),
    );
    rules.extend(
        FROM_NODES.map(|(name, ports, why)| {
            (format!("cluster-in-{name}"), group(&own, Ingress, ports, nodes, why))
        }),
    );
    let mut ready = Ready::now();
    for (name, rule) in rules {
        ready = ready.and(&add(cx, cluster, vpc, &name, rule)?);
    }
    Ok(ready)
}

/// Lets the hub's network reach the API of a spoke: the API server there starts work here.
pub(super) fn hub_rule(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
    hub: &VpcOutputs,
    control_plane: &Added<EksControlPlane>,
) -> Result<Ready, LowerError> {
    let own = control_plane.output(EksControlPlane::SECURITY_GROUP_ID);
    let from = hub.cidr_block.clone();
    let rule = Ec2SecurityGroupRule::with_cidr(&own, Ingress, Tcp(443), from, "Kubernetes API from the hub");
    add(cx, cluster, vpc, "cluster-in-hub-https", rule)
}

fn add(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
    name: &str,
    rule: Ec2SecurityGroupRule,
) -> Result<Ready, LowerError> {
    let rule = rule.tags(cluster.tags.clone());
    Ok(cx.object(&format!("rule-{name}"), rule).region(&vpc.region).add()?.ready())
}

fn named(tags: &Tags, name: &str) -> Tags {
    let mut tags = tags.clone();
    tags.insert("Name".into(), name.into());
    tags
}
