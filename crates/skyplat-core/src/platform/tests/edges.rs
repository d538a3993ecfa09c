//! What waits for what, and so what outlives what.

use super::{README, STARTER, counts, edited, graph, manifests};
use crate::resource::fixture::{ancestors, node};

#[test]
fn a_tenant_waits_for_its_own_cluster_and_no_addon() {
    let graph = graph(README);
    for node in graph.nodes().values() {
        let address = node.address.as_str();
        let Some((region, _)) = address.split_once("/data-plane/") else { continue };
        if node.kind.as_str() == "gate.workloads" {
            continue;
        }
        for needed in ancestors(&graph, address) {
            assert!(
                needed.starts_with(&format!("{region}/")) || needed.starts_with("hub/vpc/"),
                "{address}: {needed}"
            );
            assert!(!needed.contains("/addon/") && !needed.contains("/karpenter/"), "{address}: {needed}");
        }
    }
}

#[test]
fn a_namespace_is_emptied_while_its_controllers_live() {
    let tenant = "- name: team-a-latency-sensitive";
    let graph = edited(tenant, &format!("{tenant}\n            quota: {{requests.cpu: \"64\"}}"));
    node(&graph, "us-east-1/data-plane/team-a-latency-sensitive/quota");
    let gate = "us-east-1/data-plane/team-a-latency-sensitive/workloads";
    let stands_on = ancestors(&graph, gate);
    for needed in [
        "us-east-1/data-plane/team-a-latency-sensitive/namespace",
        "us-east-1/data-plane/team-a-latency-sensitive/sky-sa-token",
        "us-east-1/data-plane/team-a-latency-sensitive/sky-sa-role-binding",
        "us-east-1/data-plane/team-a-latency-sensitive/network-policy",
        "us-east-1/addon/aws-load-balancer-controller/load-balancers",
        "us-east-1/addon/ebs-csi/release",
        "us-east-1/addon/efs-csi/mount-target-a",
        "us-east-1/karpenter/node-pool-system",
    ] {
        assert!(stands_on.contains(needed), "{gate} does not stand on {needed}");
    }
    // What may go while the tenant stays: a gate is drained when anything it stands on goes.
    let directly = node(&graph, gate).depends_on();
    for passing in ["/karpenter/", "/quota", "/mount-target-", "/security-group"] {
        assert!(directly.iter().all(|on| !on.as_str().contains(passing)), "{gate} stands on {passing}");
    }
    // On the way up nothing waits for it.
    assert!(graph.nodes().values().all(|node| !node.depends_on().iter().any(|on| on.as_str() == gate)));
}

#[test]
fn a_driver_outlives_the_attachments_of_its_volumes() {
    let graph = graph(README);
    for user in ["hub/api-server/release", "hub/data-plane/team-a-dev/workloads"] {
        let gate = "hub/addon/ebs-csi/volumes-detached";
        assert!(node(&graph, user).depends_on().contains(&gate.into()), "{user}");
        assert!(ancestors(&graph, gate).contains("hub/addon/ebs-csi/release"));
    }
}

#[test]
fn the_api_server_waits_for_what_it_needs_at_once() {
    let graph = graph(README);
    let waits = ancestors(&graph, "hub/api-server/release");
    for needed in [
        "hub/data-plane/team-a-dev/sky-sa-token",
        "us-east-1/data-plane/team-a-latency-sensitive/sky-sa-token",
        "hub/service-discovery/zone",
        "hub/identity/domain",
        "hub/addon/ebs-csi/storage-class",
        "hub/addon/ebs-csi/first-node",
        "hub/addon/aws-load-balancer-controller/webhook",
        "hub/addon/aws-load-balancer-controller/load-balancers",
        "hub/addon/external-dns/records",
        "hub/karpenter/node-pool-skyplat-api",
    ] {
        assert!(waits.contains(needed), "the release does not wait for {needed}");
    }
    for needless in [
        "us-east-1/karpenter/controller",
        "eu-west-1/eks/cluster",
        "hub/service-discovery/association-us-east-1",
        "hub/addon/metrics-server/release",
        "hub/identity/admin",
    ] {
        assert!(!waits.contains(needless), "the release waits for {needless}");
    }
    assert!(!waits.iter().any(|address| address.starts_with("peering/")));
    let config = ancestors(&graph, "hub/api-server/config");
    for needed in [
        "hub/api-server/release",
        "hub/api-server/kube-credentials",
        "us-east-1/eks/rule-cluster-in-hub-https",
        "peering/us-east-1--us-west-2/acceptance",
    ] {
        assert!(config.contains(needed), "the configuration does not wait for {needed}");
    }
}

#[test]
fn addons_stand_side_by_side() {
    let graph = graph(README);
    for node in graph.nodes().values().filter(|node| node.kind.as_str() == "helm.release") {
        let Some((region, rest)) = node.address.as_str().split_once("/addon/") else { continue };
        let own = format!("{region}/addon/{}", rest.split('/').next().unwrap_or_default());
        for needed in ancestors(&graph, node.address.as_str()) {
            assert!(!needed.contains("/addon/") || needed.starts_with(&own), "{}: {needed}", node.address);
        }
        let waits = ancestors(&graph, node.address.as_str());
        assert!(waits.contains(&format!("{region}/eks/addon-coredns")), "{}", node.address);
        assert!(waits.iter().any(|needed| needed.contains("/karpenter/node-pool-")), "{}", node.address);
    }
}

#[test]
fn the_first_node_is_waited_for_after_a_chart_that_needs_one() {
    let graph = graph(README);
    for region in ["hub", "us-east-1", "eu-west-1"] {
        let gate = format!("{region}/addon/ebs-csi/first-node");
        assert!(ancestors(&graph, &gate).contains(&format!("{region}/addon/ebs-csi/release")));
        let webhook = format!("{region}/addon/aws-load-balancer-controller/webhook");
        assert!(ancestors(&graph, &webhook).contains(&gate));
    }
    let without = |addons: &str| self::graph(&format!("{STARTER}addons: {{{addons}}}\n"));
    node(&without("ebs_csi: false"), "main/addon/efs-csi/first-node");
    let last = without("ebs_csi: false, efs_csi: false");
    let waits = ancestors(&last, "main/addon/aws-load-balancer-controller/webhook");
    assert!(waits.contains("main/addon/aws-load-balancer-controller/first-node"));
    let none = without("ebs_csi: false, efs_csi: false, aws_load_balancer_controller: false");
    assert!(!counts(&none).contains_key("gate.first_node"));
}

#[test]
fn metrics_are_served_no_longer_than_namespaces_live() {
    let graph = graph(README);
    for (node, _) in manifests(&graph, "Namespace") {
        let region = node.address.as_str().split('/').next().unwrap_or_default();
        let metrics = ancestors(&graph, &format!("{region}/addon/metrics-server/release"));
        assert!(metrics.contains(node.address.as_str()), "{} is deleted after metrics-server", node.address);
    }
}

#[test]
fn what_the_hub_says_of_a_spoke_hangs_on_the_spokes_cluster() {
    let graph = graph(README);
    for object in ["hub/subnet-router/connector", "hub/api-server/config"] {
        assert!(ancestors(&graph, object).contains("us-east-1/eks/cluster"), "{object}");
    }
    assert!(ancestors(&graph, "hub/subnet-router/connector").contains("hub/subnet-router/connector-crd"));
}
