//! What children block, and that their controllers take them away in time.

use std::time::Duration;

use super::{HOST, children, delete_within, gated, objects, passes, with_server};
use crate::support::lab::{Lab, WEST};
use skyplat_core::executor::{Deleted, ErrorKind};
use skyplat_core::tree;
use skyplat_mock::world::Phase;
use tokio::time::Instant;

/// Everything else that uses the network is gone: the cluster too, with its nodes and its load balancer left.
async fn without_a_cluster() -> Lab {
    let lab = with_server().await;
    for name in ["mount", "association", "nat", "fargate", "cluster"] {
        lab.delete(name).await.unwrap();
    }
    lab
}

#[tokio::test(start_paused = true)]
async fn what_a_cluster_leaves_blocks_the_network_it_was_in() {
    let lab = without_a_cluster().await;
    let world = lab.cloud.world();
    for kind in ["ec2.instance", "ec2.network_interface", "elbv2.load_balancer", "iam.instance_profile"] {
        assert!(world.of_kind(kind).next().is_some(), "{kind} stays");
    }
    assert!(objects(&lab, "NodeClaim").await.is_empty(), "objects go with their cluster");
    for (name, code, user) in [
        ("private-a", "DependencyViolation", "ec2."),
        ("private-b", "DependencyViolation", "ec2."),
        ("group", "DependencyViolation", "ec2."),
        ("vpc", "DependencyViolation", "ec2."),
        ("role", "DeleteConflict", "c_"),
        ("zone", "HostedZoneNotEmpty", "_A"),
    ] {
        let error = lab.delete(name).await.unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_deref()),
            (ErrorKind::DependencyViolation, Some(code)),
            "{name}"
        );
        let by_type = error.message.contains(user) || name == "zone" && error.message.contains("_TXT");
        assert!(by_type, "{name}: {}", error.message);
    }
}

/// Alone in the subnet where no node is, the load balancer's interface blocks it; without it nothing does.
#[tokio::test(start_paused = true)]
async fn a_load_balancer_blocks_every_subnet_it_is_in() {
    let lab = with_server().await;
    let node = children(&lab, "ec2.instance").await[0].text("subnet_id").unwrap().to_owned();
    let other = ["private-a", "private-b"].into_iter().find(|name| lab.id(name) != node).unwrap();
    let network = |lab: &Lab| {
        let world = lab.cloud.world();
        world
            .of_kind("ec2.network_interface")
            .filter(|one| one.text("subnet_id") == Some(&lab.id(other)))
            .count()
    };
    assert_eq!(network(&lab), 1);
    lab.delete("server").await.unwrap();
    passes(5).await;
    children(&lab, "ec2.instance").await;
    assert_eq!(network(&lab), 0);
    for name in ["mount", "association", "nat", "fargate", "cluster"] {
        lab.delete(name).await.unwrap();
    }
    assert_eq!(lab.delete(other).await, Ok(Deleted::Deleted));
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_goes_with_its_ingress_after_a_while() {
    let mut lab = with_server().await;
    let cluster = || tree!({ "cluster": "c" });
    let dns = tree!({ "zone_id": (lab.id("zone")), "host": HOST });
    gated(&mut lab, "gate.load_balancers", "cluster", cluster()).await;
    gated(&mut lab, "gate.dns_records", "", dns).await;
    let start = Instant::now();
    lab.delete("server").await.unwrap();
    let [ingress] = &objects(&lab, "Ingress").await[..] else { panic!("a finalizer holds it") };
    assert_eq!(ingress.phase, Phase::Held);
    lab.delete("gate.dns_records").await.unwrap();
    assert!((55..=65).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    lab.delete("gate.load_balancers").await.unwrap();
    assert!((88..=95).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    for kind in ["elbv2.load_balancer", "elbv2.target_group", "ec2.security_group", "route53.record_set"] {
        assert_eq!(children(&lab, kind).await, [], "{kind}");
    }
    assert_eq!(objects(&lab, "Ingress").await, []);
    assert_eq!(lab.delete("zone").await, Ok(Deleted::Deleted));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_waits_for_the_ingress_inside() {
    let lab = with_server().await;
    let start = Instant::now();
    assert_eq!(lab.delete("skypilot").await, Ok(Deleted::Deleted));
    assert!((90..=95).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(children(&lab, "elbv2.load_balancer").await, []);
    passes(1).await;
    // The claim went with its namespace, so its volume goes too.
    assert_eq!(children(&lab, "ec2.volume").await, []);
}

#[tokio::test(start_paused = true)]
async fn nodes_are_drained_when_their_pool_goes() {
    let mut lab = with_server().await;
    lab.delete("server").await.unwrap();
    passes(5).await;
    let drained = tree!({ "cluster": "c", "node_pool": "system" });
    gated(&mut lab, "gate.nodeclaims", "cluster", drained).await;
    gated(&mut lab, "gate.launch_templates", WEST, tree!({ "cluster": "c" })).await;
    let swept = tree!({ "cluster": "c", "vpc_id": (lab.id("vpc")) });
    gated(&mut lab, "gate.network_interfaces", WEST, swept).await;
    let start = Instant::now();
    lab.delete("system").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "the pool itself has no finalizer");
    let held = lab.fork();
    let error = delete_within(&held, "nodes", Duration::from_mins(2)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Retryable, "a class waits for the nodes that are made of it");
    lab.delete("gate.nodeclaims").await.unwrap();
    assert!((235..=245).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(children(&lab, "ec2.instance").await, []);

    let [interface] = &children(&lab, "ec2.network_interface").await[..] else {
        panic!("one is left behind")
    };
    assert!(
        interface.inputs.get("attachment").is_none()
            && interface.tags.contains_key("cluster.k8s.amazonaws.com/name")
    );
    assert_eq!(lab.delete("nodes").await, Ok(Deleted::Deleted));
    assert_eq!(children(&lab, "iam.instance_profile").await, []);
    assert_eq!(children(&lab, "ec2.launch_template").await, []);
    assert_eq!(lab.delete("role").await, Ok(Deleted::Deleted), "no profile holds it");
    lab.delete("mount").await.unwrap();
    assert_eq!(lab.delete("group").await.unwrap_err().code.as_deref(), Some("DependencyViolation"));
    lab.delete("gate.network_interfaces").await.unwrap();
    assert_eq!(lab.delete("group").await, Ok(Deleted::Deleted));
}

/// A volume is detached when its pod goes, and a node is not drained before.
#[tokio::test(start_paused = true)]
async fn a_node_with_a_volume_is_drained_once_it_is_detached() {
    let mut lab = with_server().await;
    let detached = tree!({ "cluster": "c", "driver": "ebs.csi.aws.com" });
    gated(&mut lab, "gate.volume_attachments", "cluster", detached).await;
    let stuck = lab.fork();
    stuck.delete("ebs").await.unwrap();
    for lab in [&lab, &stuck] {
        lab.delete("server").await.unwrap();
    }
    lab.delete("gate.volume_attachments").await.unwrap();
    delete_within(&stuck, "gate.volume_attachments", Duration::from_hours(1)).await.unwrap_err();
    for (lab, nodes) in [(&lab, 0), (&stuck, 1)] {
        lab.delete("system").await.unwrap();
        passes(60).await;
        assert_eq!(children(lab, "ec2.instance").await.len(), nodes);
        assert_eq!(children(lab, "ec2.volume").await.len(), 1, "the claim is kept, and with it the volume");
    }
}
