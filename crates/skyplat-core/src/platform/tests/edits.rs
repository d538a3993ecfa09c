//! How little an edit of the configuration changes.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{README, counts, edited, graph};
use crate::graph::ObjectGraph;
use crate::object::FieldPath;
use crate::resource::fixture::{inputs, node};

/// What an edit does to the objects of a platform.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
    changed: BTreeSet<String>,
}

fn difference(before: &ObjectGraph, after: &ObjectGraph) -> Difference {
    let names =
        |graph: &ObjectGraph| -> BTreeSet<String> { graph.nodes().keys().map(ToString::to_string).collect() };
    let (old, new) = (names(before), names(after));
    Difference {
        added: new.difference(&old).cloned().collect(),
        removed: old.difference(&new).cloned().collect(),
        changed: old
            .intersection(&new)
            .filter(|address| inputs(before, address) != inputs(after, address))
            .cloned()
            .collect(),
    }
}

/// Returns the paths at which two inputs differ.
fn differing(old: Option<&Json>, new: Option<&Json>, at: &FieldPath, found: &mut Vec<FieldPath>) {
    match (old, new) {
        (Some(Json::Object(old)), Some(Json::Object(new))) => {
            for key in old.keys().chain(new.keys()) {
                differing(old.get(key), new.get(key), &at.key(key), found);
            }
        }
        (old, new) if old != new => found.push(at.clone()),
        _ => {}
    }
}

/// Returns the fields in which an edit forces the replace of an object.
fn replaced(before: &ObjectGraph, after: &ObjectGraph) -> Vec<String> {
    let mut forced = Vec::new();
    for address in difference(before, after).changed {
        let mut fields = Vec::new();
        let (old, new) = (inputs(before, &address), inputs(after, &address));
        differing(Some(&old), Some(&new), &FieldPath::default(), &mut fields);
        let rules = &node(after, &address).rules;
        forced.extend(
            fields
                .iter()
                .filter(|field| rules.forces_replace(field))
                .map(|field| format!("{address}: {field}")),
        );
    }
    forced
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn the_topology_decides_which_networks_are_peered() {
    assert_eq!(counts(&graph(README))["ec2.vpc_peering"], 2);
    let mesh = graph(&README.replacen("config:\n", "config:\n  sp:topology: full_mesh\n", 1));
    let change = difference(&graph(README), &mesh);
    assert!(change.removed.is_empty() && change.changed.is_empty(), "{change:?}");
    assert!(change.added.iter().all(|address| address.starts_with("peering/eu-west-1--us-east-1/")));
}

#[test]
fn no_common_edit_replaces_anything() {
    let before = graph(README);
    for (what, settings) in [
        ("a tag", "sp:tags: {team: ml}"),
        (
            "versions",
            "sp:component_versions: {skypilot: 0.14.0, ebs_csi: 2.63.0, aws_load_balancer_controller: 3.4.0}",
        ),
        ("the way to the API", "sp:public_access_cidrs: [203.0.113.0/24]"),
        ("an addon", "sp:addons: {fluent_bit: false}"),
    ] {
        let after = graph(&README.replacen("config:\n", &format!("config:\n  {settings}\n"), 1));
        assert!(difference(&before, &after) != Difference::default(), "{what} changes nothing");
        assert_eq!(replaced(&before, &after), Vec::<String>::new(), "{what}");
    }
    for (from, to) in [
        ("skypilot.example.com\n", "skypilot.example.com\n      admin_email: root@example.com\n"),
        ("skypilot.example.com\n", "skypilot.example.com\n      aws_vms: true\n      gpu_overview: true\n"),
        ("- name: team-b-prod", "- name: team-b-prod\n          quota: {requests.cpu: \"64\"}"),
        (
            "- name: team-b-prod",
            "- name: team-b-prod\n          policies: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]",
        ),
    ] {
        let replaced = replaced(&before, &edited(from, to));
        // The first administrator is named by its email.
        assert!(replaced.iter().all(|field| field == "hub/identity/admin: username"), "{to}: {replaced:?}");
    }
}

#[test]
fn the_default_role_changes_the_configuration_alone() {
    let change =
        difference(&graph(README), &edited("ingress_host:", "default_user_role: user\n      ingress_host:"));
    assert_eq!(change, Difference { changed: names(["hub/api-server/config"]), ..Difference::default() });
}

#[test]
fn who_may_use_a_tenant_changes_the_configuration_alone() {
    let change = difference(
        &graph(README),
        &edited("- name: team-b-prod", "- name: team-b-prod\n          allowed_users: [bo@example.com]"),
    );
    assert_eq!(change, Difference { changed: names(["hub/api-server/config"]), ..Difference::default() });
}

#[test]
fn a_pools_limit_changes_the_pool_alone() {
    let change = difference(
        &graph(README),
        &edited("ebs_size: \"50Gi\"", "ebs_size: \"50Gi\"\n        vcpu_limit: 64"),
    );
    assert_eq!(
        change,
        Difference { changed: names(["hub/karpenter/node-pool-system"]), ..Difference::default() }
    );
}

#[test]
fn a_charts_version_changes_its_release_alone() {
    let change = difference(
        &graph(README),
        &graph(&README.replacen(
            "config:\n",
            "config:\n  sp:component_versions: {metrics_server: 3.13.0}\n",
            1,
        )),
    );
    let releases =
        ["eu-west-1", "hub", "us-east-1"].map(|region| format!("{region}/addon/metrics-server/release"));
    assert_eq!(change, Difference { changed: releases.into(), ..Difference::default() });
}

#[test]
fn a_tenant_in_changes_kubeconfig_and_configuration() {
    let change = difference(
        &graph(README),
        &edited("- name: team-b-prod", "- name: team-b-prod\n        - name: team-c"),
    );
    assert_eq!(change.changed, names(["hub/api-server/config", "hub/api-server/kube-credentials"]));
    assert!(change.removed.is_empty());
    let own = |address: &String| {
        address.starts_with("hub/data-plane/team-c/") || address.starts_with("hub/role/team-c/")
    };
    assert!(change.added.iter().all(own), "{change:?}");
}

#[test]
fn a_spoke_in_changes_the_hub_in_few_places() {
    let spoke = "  # Spoke Regions Configuration\n  sp:spokes:\n    - region: eu-central-1\n      node_pools:\n        - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n      skypilot: {data_planes: [{name: team-d}]}\n";
    let change =
        difference(&graph(README), &edited("  # Spoke Regions Configuration\n  sp:spokes:\n", spoke));
    assert_eq!(
        change.changed,
        names([
            "hub/api-server/config",
            "hub/api-server/kube-credentials",
            // The load balancer lets the new network in; no pod changes.
            "hub/api-server/release",
            "hub/subnet-router/connector",
        ])
    );
    assert!(change.removed.is_empty());
    for address in &change.added {
        let new = address.starts_with("eu-central-1/")
            || address.starts_with("peering/eu-central-1--us-west-2/")
            || address == "hub/service-discovery/association-eu-central-1";
        assert!(new, "{address}");
    }
}

#[test]
fn a_policy_that_is_listed_twice_is_attached_once() {
    const ARN: &str = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
    let with = |policies: &str| {
        let tenant = "- name: team-b-prod\n";
        edited(tenant, &format!("{tenant}          policies: [{policies}]\n"))
    };
    assert_eq!(with(ARN), with(&format!("{ARN}, {ARN}")));
}
