//! What controllers make that no plan made: what it blocks, who takes it away, and when it stays.

mod blocked;
mod left;
mod made;
mod order;

use std::time::Duration;

use crate::support::lab::{Ask, Lab, WEST, ask, release, small_world_in};
use crate::support::op;
use skyplat_core::executor::{Deleted, ExecError, Executor};
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::world::Thing;
use skyplat_mock::{MockCloud, MockOptions};

/// A release with values.
fn chart(namespace: &str, chart: &str, values: Tree) -> Ask {
    let mut inputs = release(namespace, chart, chart);
    inputs.set("values", values);
    // The definitions have a release of their own.
    inputs.set("skip_crds", tree!(true));
    ask("helm.release", "cluster", inputs)
}

fn namespace(name: &str) -> Ask {
    ask(
        "k8s.object",
        "cluster",
        tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }),
    )
}

/// Leads both private subnets through the NAT gateway.
async fn way_out(lab: &mut Lab) {
    let inputs = tree!({ "subnet_id": (lab.id("private-b")), "route_table_id": (lab.id("table")) });
    lab.make("association-b", ask("ec2.route_table_association", WEST, inputs)).await;
    let inputs = tree!({
        "route_table_id": (lab.id("table")), "destination_cidr_block": "0.0.0.0/0",
        "nat_gateway_id": (lab.id("nat")),
    });
    lab.make("route", ask("ec2.route", WEST, inputs)).await;
}

fn fargate(lab: &Lab, namespace: &str) -> Ask {
    let inputs = tree!({
        "cluster_name": "c", "fargate_profile_name": "f", "pod_execution_role_arn": (lab.output("pod-role", "arn")),
        "subnets": [(lab.id("private-a"))], "selectors": [{ "namespace": namespace }],
    });
    ask("eks.fargate_profile", WEST, inputs)
}

fn class(lab: &Lab, name: &str) -> Ask {
    let subnets = [tree!({ "id": (lab.id("private-a")) }), tree!({ "id": (lab.id("private-b")) })];
    let inputs = tree!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": { "name": name },
        "spec": {
            "role": "role",
            "subnetSelectorTerms": (Tree::List(subnets.into())),
            "securityGroupSelectorTerms": [{ "id": (lab.id("group")) }],
            "tags": { "team": "ml" },
        },
    });
    ask("k8s.object", "cluster", inputs)
}

fn pool_manifest(name: &str, types: &[&str]) -> Tree {
    tree!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": name },
        "spec": { "template": { "spec": {
            "nodeClassRef": { "name": "nodes" },
            "requirements": [{ "key": "node.kubernetes.io/instance-type", "operator": "In", "values": types }],
        } } },
    })
}

fn pool(name: &str) -> Ask {
    ask("k8s.object", "cluster", pool_manifest(name, &["m7i.large"]))
}

fn zone(lab: &Lab, name: &str) -> Ask {
    let inputs = tree!({ "name": name, "vpc": { "vpc_id": (lab.id("twin")), "vpc_region": WEST } });
    ask("route53.zone", "", inputs)
}

fn dns_values(lab: &Lab, zone: &str, policy: &str) -> Tree {
    tree!({
        "sources": ["ingress"], "policy": policy, "txtOwnerId": "c", "txtPrefix": "own-%{record_type}.",
        "domainFilters": ["example.com"], "extraArgs": { "zone-id-filter": (lab.id(zone)) },
    })
}

fn server_values(lab: &Lab, host: &str) -> Tree {
    let subnets = format!("{},{}", lab.id("private-a"), lab.id("private-b"));
    tree!({
        "ingress": {
            "enabled": true, "ingressClassName": "alb", "host": host,
            "annotations": { "alb.ingress.kubernetes.io/subnets": subnets },
        },
        "storage": {
            "enabled": true, "storageClassName": "gp3", "accessMode": "ReadWriteOnce", "size": "64Gi",
            "annotations": { "helm.sh/resource-policy": "keep" },
        },
    })
}

fn new_cloud() -> MockCloud {
    MockCloud::in_memory(MockOptions::default())
}

const HOST: &str = "sky.example.com";

/// The small world with Karpenter in its cluster: `fargate`, `karpenter`, the class `nodes`, and no pool.
async fn with_karpenter(cloud: MockCloud) -> Lab {
    let mut lab = small_world_in(cloud).await;
    for name in ["karpenter", "skypilot"] {
        lab.make(name, namespace(name)).await;
    }
    way_out(&mut lab).await;
    lab.make("fargate", fargate(&lab, "karpenter")).await;
    lab.make("cni", ask("eks.addon", WEST, tree!({ "cluster_name": "c", "name": "vpc-cni" }))).await;
    lab.make("crds", chart("karpenter", "karpenter-crd", Tree::map())).await;
    lab.make("controller", chart("karpenter", "karpenter", Tree::map())).await;
    lab.make("nodes", class(&lab, "nodes")).await;
    lab
}

/// With a pool, every controller of the platform, and the SkyPilot server: everything that makes children.
async fn with_server() -> Lab {
    with_server_in(new_cloud()).await
}

async fn with_server_in(cloud: MockCloud) -> Lab {
    let mut lab = with_karpenter(cloud).await;
    lab.make("system", pool("system")).await;
    let balancers = tree!({ "defaultTags": { "team": "ml" } });
    lab.make("balancers", chart("kube-system", "aws-load-balancer-controller", balancers)).await;
    let dns = dns_values(&lab, "zone", "sync");
    lab.make("dns", chart("kube-system", "external-dns", dns)).await;
    lab.make("ebs", chart("kube-system", "aws-ebs-csi-driver", Tree::map())).await;
    let class = tree!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "gp3" },
        "provisioner": "ebs.csi.aws.com", "parameters": { "type": "gp3" },
    });
    lab.make("gp3", ask("k8s.object", "cluster", class)).await;
    let server = server_values(&lab, HOST);
    lab.make("server", chart("skypilot", "skypilot", server)).await;
    lab
}

/// Adds the Tailscale operator and a Connector.
async fn with_connector(lab: &mut Lab) {
    lab.make("tailscale", namespace("tailscale")).await;
    lab.make("operator", chart("tailscale", "tailscale-operator", Tree::map())).await;
    let connector = tree!({
        "apiVersion": "tailscale.com/v1alpha1", "kind": "Connector", "metadata": { "name": "router" },
        "spec": { "hostname": "router", "subnetRouter": { "advertiseRoutes": ["10.0.0.0/16"] } },
    });
    lab.make("connector", ask("k8s.object", "cluster", connector)).await;
}

/// The children in a world by kind, at the present moment.
async fn children(lab: &Lab, kind: &str) -> Vec<Thing> {
    lab.read("queue").await.unwrap();
    let world = lab.cloud.world();
    world.children().filter(|child| child.kind.as_str() == kind).cloned().collect()
}

/// The children that are objects of Kubernetes of one kind.
async fn objects(lab: &Lab, kind: &str) -> Vec<Thing> {
    let mut all = children(lab, "k8s.object").await;
    all.retain(|thing| thing.text("kind") == Some(kind));
    all
}

/// Deletes with this much patience.
async fn delete_within(lab: &Lab, name: &str, patience: Duration) -> Result<Deleted, ExecError> {
    let record = lab.record(name);
    let container = record.placement.container.as_ref().map(|_| lab.record("cluster").outputs.clone());
    let mut cx = op(&record.placement, container);
    cx.deadline = tokio::time::Instant::now() + patience;
    lab.cloud.delete(&cx, record).await
}

/// A gate that was passed on the way up.
async fn gated(lab: &mut Lab, kind: &'static str, place: &'static str, inputs: Tree) {
    lab.make(kind, ask(kind, place, inputs)).await;
}

async fn passes(minutes: u64) {
    tokio::time::sleep(Duration::from_mins(minutes)).await;
}
