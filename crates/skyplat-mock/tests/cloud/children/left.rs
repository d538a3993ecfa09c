//! What stays when a controller goes before what it made.

use std::time::Duration;

use super::{
    HOST, chart, children, class, delete_within, dns_values, gated, objects, passes, pool, with_connector,
    with_server, zone,
};
use crate::support::STACK;
use crate::support::lab::{Lab, WEST};
use skyplat_core::executor::ErrorKind;
use skyplat_core::tree;
use skyplat_mock::inspect;
use skyplat_mock::world::Phase;

/// Fails unless a delete hangs for as long as a step may take.
async fn hangs(lab: &Lab, name: &str) {
    let deleted = delete_within(lab, name, Duration::from_hours(1)).await;
    assert!(matches!(&deleted, Err(error) if error.kind == ErrorKind::Retryable), "{name}: {deleted:?}");
}

#[tokio::test(start_paused = true)]
async fn without_karpenter_nodes_stay_for_ever() {
    let mut lab = with_server().await;
    gated(&mut lab, "gate.nodeclaims", "cluster", tree!({ "cluster": "c", "node_pool": "system" })).await;
    lab.delete("server").await.unwrap();
    passes(5).await;
    lab.delete("controller").await.unwrap();
    lab.delete("system").await.unwrap();
    hangs(&lab, "gate.nodeclaims").await;
    hangs(&lab, "nodes").await;
    for kind in ["ec2.instance", "iam.instance_profile", "ec2.launch_template"] {
        assert_eq!(children(&lab, kind).await.len(), 1, "{kind}");
    }
    assert_eq!(lab.delete("role").await.unwrap_err().code.as_deref(), Some("DeleteConflict"));

    // Installed again, it takes up what it finds.
    lab.make("again", chart("karpenter", "karpenter", tree!({}))).await;
    lab.delete("gate.nodeclaims").await.unwrap();
    lab.delete("nodes").await.unwrap();
    for kind in ["ec2.instance", "iam.instance_profile", "ec2.launch_template"] {
        assert_eq!(children(&lab, kind).await, [], "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_karpenter_goes_in_the_middle() {
    for takes_away in ["controller", "fargate"] {
        let lab = with_server().await;
        lab.delete("server").await.unwrap();
        passes(5).await;
        lab.delete("system").await.unwrap();
        passes(1).await;
        lab.delete(takes_away).await.unwrap();
        passes(120).await;
        let [claim] = &objects(&lab, "NodeClaim").await[..] else { panic!("{takes_away}") };
        assert_eq!(claim.phase, Phase::Held, "{takes_away}");
        assert_eq!(children(&lab, "ec2.instance").await.len(), 1, "{takes_away}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_their_controller_load_balancers_stay_and_hold_their_namespace() {
    for takes_away in ["balancers", "system"] {
        let mut lab = with_server().await;
        gated(&mut lab, "gate.load_balancers", "cluster", tree!({ "cluster": "c" })).await;
        lab.delete(takes_away).await.unwrap();
        lab.delete("server").await.unwrap();
        hangs(&lab, "gate.load_balancers").await;
        hangs(&lab, "skypilot").await;
        for kind in ["elbv2.load_balancer", "elbv2.target_group", "ec2.security_group"] {
            assert_eq!(children(&lab, kind).await.len(), 1, "{kind} without {takes_away}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_way_out_nothing_is_taken_away() {
    for takes_away in ["route", "nat"] {
        let lab = with_server().await;
        lab.delete(takes_away).await.unwrap();
        lab.delete("server").await.unwrap();
        lab.delete("system").await.unwrap();
        passes(60).await;
        for kind in ["elbv2.load_balancer", "ec2.instance"] {
            assert_eq!(children(&lab, kind).await.len(), 1, "{kind} without {takes_away}");
        }
        assert_eq!(children(&lab, "route53.record_set").await.len(), 2, "without {takes_away}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_external_dns_or_its_policy_records_stay() {
    let lab = with_server().await;
    let (upsert, gone, late) = (lab.fork(), lab.fork(), lab.fork());
    let mut inputs = upsert.record("dns").inputs.clone();
    inputs.set("values", dns_values(&upsert, "zone", "upsert-only"));
    upsert.update("dns", inputs).await.unwrap();
    gone.delete("dns").await.unwrap();
    for lab in [&lab, &upsert, &gone, &late] {
        lab.delete("server").await.unwrap();
    }
    // In the middle of its round.
    late.delete("dns").await.unwrap();
    for (lab, left) in [(&lab, 0), (&gone, 2), (&upsert, 2), (&late, 2)] {
        passes(30).await;
        assert_eq!(children(lab, "route53.record_set").await.len(), left);
        assert_eq!(lab.delete("zone").await.is_err(), left > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_operator_a_connector_hangs_or_leaves_its_device() {
    let mut lab = with_server().await;
    with_connector(&mut lab).await;
    let (idle, gone) = (lab.fork(), lab.fork());
    lab.delete("connector").await.unwrap();
    assert_eq!(children(&lab, "tailscale.device").await, []);
    lab.delete("operator").await.unwrap();

    // Its pods reach nothing any more.
    idle.delete("route").await.unwrap();
    hangs(&idle, "connector").await;
    // Its definition goes with it, and the Connector with that.
    gone.delete("operator").await.unwrap();
    gone.delete("connector").await.unwrap();
    for lab in [idle, gone] {
        assert_eq!(children(&lab, "tailscale.device").await.len(), 1);
        let left = inspect::left_of_stack(&lab.cloud.world(), STACK);
        assert!(left.iter().any(|finding| finding.kind.as_str() == "tailscale.device"), "{left:?}");
    }
}

/// A gate sweeps what external-dns does not look at any more, but only what it is asked about.
#[tokio::test(start_paused = true)]
async fn records_of_another_zone_are_swept_by_the_gate() {
    let mut lab = with_server().await;
    lab.make("other", zone(&lab, "sky.example.com")).await;
    let old = tree!({ "zone_id": (lab.id("zone")), "host": HOST });
    gated(&mut lab, "gate.dns_records", "", old).await;
    let mut inputs = lab.record("dns").inputs.clone();
    inputs.set("values", dns_values(&lab, "other", "sync"));
    lab.update("dns", inputs).await.unwrap();
    passes(60).await;
    assert_eq!(children(&lab, "route53.record_set").await.len(), 4, "the old ones stay");
    lab.delete("gate.dns_records").await.unwrap();
    assert_eq!(children(&lab, "route53.record_set").await.len(), 2);
    lab.delete("zone").await.unwrap();
    assert!(lab.delete("other").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_attached_interface_is_not_swept() {
    let mut lab = with_server().await;
    let swept = tree!({ "cluster": "c", "vpc_id": (lab.id("vpc")) });
    gated(&mut lab, "gate.network_interfaces", WEST, swept).await;
    lab.delete("fargate").await.unwrap();
    lab.delete("cluster").await.unwrap();
    let before = children(&lab, "ec2.network_interface").await.len();
    hangs(&lab, "gate.network_interfaces").await;
    assert_eq!(children(&lab, "ec2.network_interface").await.len(), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_stack_shows_children() {
    let lab = with_server().await;
    lab.delete("fargate").await.unwrap();
    lab.delete("cluster").await.unwrap();
    let world = lab.cloud.world();
    let left = inspect::left_of_stack(&world, STACK);
    let problem = |kind: &str| {
        let of_kind: Vec<_> = left.iter().filter(|finding| finding.kind.as_str() == kind).collect();
        of_kind.first().map_or("", |finding| finding.problem.as_str())
    };
    for child in world.children() {
        assert!(left.iter().any(|finding| finding.uid == child.uid), "{}", child.address);
    }
    let orphan = "a controller made it for something of the stack test/1 that is gone";
    assert_eq!((problem("ec2.volume"), problem("ec2.instance")), (orphan, orphan));
    assert!(problem("elbv2.target_group") == orphan, "its Ingress went with the cluster");
    assert!(problem("ec2.network_interface").contains("of the stack test/1"));
    assert_eq!(problem("ec2.vpc"), "it is left of the stack test/1");
    assert_eq!(inspect::left_of_stack(&world, "other/2"), []);
    assert_eq!(inspect::dangling(&world), []);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_comes_again_has_nodes_again() {
    let mut lab = with_server().await;
    lab.delete("system").await.unwrap();
    lab.make("more", pool("more")).await;
    passes(10).await;
    let [claim] = &objects(&lab, "NodeClaim").await[..] else { panic!("one node") };
    assert!(claim.id.starts_with("NodeClaim//more-"), "the pods wait for another: {}", claim.id);
    assert!(claim.is_active());
    lab.make("another", class(&lab, "another")).await;
    assert_eq!(children(&lab, "iam.instance_profile").await.len(), 2);
    lab.delete("another").await.unwrap();
    assert_eq!(children(&lab, "iam.instance_profile").await.len(), 1);
}
