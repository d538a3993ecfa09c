//! One edit at a time: the smallest plan that can do it, and nothing left to do after it.

mod clusters;
mod network;
mod tenants;

use skyplat::plan::{Action, Order, PlanError};
use skyplat::workspace::RunError;

use crate::harness::{
    README, STARTER, Stand, Waits, addresses, assert_changes, changes, edited, readme_with, reversed,
    simulate, without_us_east_1,
};

/// Applies an edit and undoes it: each time exactly these changes, and then nothing.
fn there_and_back(what: &str, from: &str, to: &str, there: &[&str], back: &[&str]) {
    simulate(|| async {
        let stand = Stand::standing(from).await;
        let prepared = stand.up(to).await;
        assert_changes(what, &prepared.plan, there);
        let prepared = stand.up(from).await;
        assert_changes(&format!("{what}, undone"), &prepared.plan, back);
    });
}

/// An edit whose undoing makes what it deletes and deletes what it makes.
fn both_ways(what: &str, from: &str, to: &str, there: &[&str]) {
    let back = reversed(there);
    there_and_back(what, from, to, there, &back.iter().map(String::as_str).collect::<Vec<_>>());
}

const SPOKES: &str = "  # Spoke Regions Configuration\n  sp:spokes:\n";
const TENANT: &str = "- name: team-b-prod\n";

#[test]
fn settings_of_the_server() {
    let with = |settings: &str| {
        edited(README, "      ingress_host", &format!("      {settings}\n      ingress_host"))
    };
    for (what, settings, changes) in [
        ("the default role", "default_user_role: user", ["update hub/api-server/config"].as_slice()),
        // The name of a user of Cognito never changes; the password stays.
        (
            "the administrator",
            "admin_email: ops@example.com",
            &["replace hub/identity/admin", "update hub/identity/admin-secret"],
        ),
        (
            "machines outside of the clusters",
            "aws_vms: true",
            &["update hub/api-server/{config,role-policy-rights}"],
        ),
        (
            "an overview of GPUs",
            "gpu_overview: true",
            &[
                "update hub/data-plane/{team-a-dev,team-b-prod}/sky-sa-cluster-role",
                "update us-east-1/data-plane/team-a-latency-sensitive/sky-sa-cluster-role",
            ],
        ),
    ] {
        both_ways(what, README, &with(settings), changes);
    }
    both_ways(
        "the certificate",
        README,
        &edited(README, "certificate/uuid", "certificate/other"),
        &["update hub/api-server/release"],
    );
}

#[test]
fn another_host() {
    both_ways(
        "another host",
        README,
        &edited(README, "skypilot.example.com", "sky.example.com"),
        &[
            "replace hub/service-discovery/{zone,association-us-east-1,association-eu-west-1}",
            "update hub/addon/external-dns/{release,role-policy-rights}",
            "update hub/identity/client",
            "replace hub/identity/domain",
            // The default email of the administrator is at the host.
            "replace hub/identity/admin",
            "update hub/identity/admin-secret",
            "update hub/api-server/release",
        ],
    );
}

/// A pool of users has one domain.
#[test]
fn the_old_login_domain_goes_before_the_new_one_comes() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.plan(&edited(README, "skypilot.example.com", "sky.example.com")).await.plan;
        let domain = plan.steps.iter().find(|step| step.address.as_str() == "hub/identity/domain").unwrap();
        assert_eq!(domain.order, Some(Order::DeleteFirst));
    });
}

#[test]
fn a_tag_makes_nothing_anew() {
    both_ways("a tag", README, &readme_with("tags: {team: ml}"), &["update *"]);
}

#[test]
fn the_order_of_keys_means_nothing() {
    let gpu = "        capacity_type: spot\n        instance_type: [g5.xlarge]\n";
    let turned = edited(README, gpu, "        instance_type: [g5.xlarge]\n        capacity_type: spot\n");
    let host = "      ingress_host: skypilot.example.com\n";
    let certificate = "      ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/uuid\n";
    let turned = edited(&turned, &format!("{host}{certificate}"), &format!("{certificate}{host}"));
    simulate(|| async { Stand::standing(README).await.is_settled(&turned).await });
}

#[test]
fn what_is_protected_does_not_go() {
    let protected = readme_with("protect: true");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let prepared = stand.up(&protected).await;
        assert_changes("protection", &prepared.plan, &[]);
        let without = edited(&protected, "        - name: team-b-prod\n", "");
        for edit in [Some(without.as_str()), None] {
            let refused = stand.try_plan(edit).await;
            assert!(matches!(refused, Err(RunError::Plan(PlanError::Protected { .. }))), "{refused:?}");
        }
        stand.up(README).await;
        stand.down().await;
    });
}
