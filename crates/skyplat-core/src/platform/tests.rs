//! The README's platform and the two smaller ones, as lowered graphs: what there is, what waits for what, and how little
//! an edit of the configuration changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{API_POOL, PlatformError, SYSTEM_POOL, added_pools, build_platform, check_account};
use crate::config::{PlatformConfig, Target, parse_config};
use crate::graph::{ObjectGraph, lower};
use crate::ids::AccountId;
use crate::object::{FieldPath, Object, ObjectNode, OnDelete};
use crate::resource::fixture::{ancestors, facts, inputs, node, objects};
use crate::value::{Resolved, Tree, from_tree, paper, resolve, to_tree};

const README: &str = include_str!("../../../../examples/hub_spoke.yaml");
const STARTER: &str =
    "region: us-west-2\nnode_pools: [{name: system, capacity_type: on-demand, instance_type: [m7i.large]}]\n";
const MULTI_REGION: &str = "regions: [us-west-2, us-east-1, eu-west-1]\n\
                            node_pools: [{name: gpu, capacity_type: spot, instance_type: [g5.xlarge]}]\n";

fn parse(yaml: &str) -> PlatformConfig {
    parse_config("test.yaml", yaml.as_bytes(), Target::Simulated)
        .unwrap_or_else(|report| panic!("{report:?}"))
        .config
}

fn graph(yaml: &str) -> ObjectGraph {
    let facts = facts(&["us-west-2", "us-east-1", "eu-west-1", "eu-central-1"]);
    lower(&build_platform(&parse(yaml), "dev").unwrap(), &facts).unwrap()
}

/// The README's platform with one text of its configuration replaced by another.
fn edited(from: &str, to: &str) -> ObjectGraph {
    assert!(README.contains(from), "the README has no {from:?}");
    graph(&README.replacen(from, to, 1))
}

fn counts(graph: &ObjectGraph) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for node in graph.nodes().values() {
        *counts.entry(node.kind.as_str()).or_default() += 1;
    }
    counts
}

fn manifests<'a>(graph: &'a ObjectGraph, kind: &'a str) -> impl Iterator<Item = (&'a ObjectNode, Json)> {
    let of_kind = move |node: &&ObjectNode| {
        node.kind.as_str() == "k8s.object" && node.inputs.get("kind").and_then(Tree::as_str) == Some(kind)
    };
    graph.nodes().values().filter(of_kind).map(|node| (node, inputs(graph, node.address.as_str())))
}

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
fn the_readme_has_so_many_objects_of_each_kind() {
    insta::assert_json_snapshot!(counts(&graph(README)));
}

#[test]
fn lowering_twice_gives_the_same_bytes() {
    let write = || serde_json::to_string(&graph(README)).unwrap();
    assert_eq!(write(), write());
}

#[test]
fn every_shape_builds() {
    let starter = graph(STARTER);
    assert!(starter.nodes().keys().all(|address| address.as_str().starts_with("main/")));
    assert_eq!(starter.exports().keys().collect::<Vec<_>>(), ["cluster_name", "vpc_id"]);

    let multi_region = graph(MULTI_REGION);
    assert_eq!(counts(&multi_region)["ec2.vpc_peering"], 3);
    assert!(!counts(&multi_region).contains_key("cognito.user_pool"));
    let regions = multi_region.exports()["clusters"].as_map().unwrap().len();
    assert_eq!(regions, 3);
}

#[test]
fn a_platform_without_tenants_or_a_way_in_builds() {
    let graph = graph(
        "hub:\n  region: us-west-2\n  skypilot:\n    ingress_host: sky.example.com\n    ingress_ssl_cert_arn: \
         arn:aws:acm:us-west-2:123456789012:certificate/0b8e5a3e-52a4-4a3c-9a53-0a4a1c1f1111\n",
    );
    assert!(graph.nodes().keys().all(|address| !address.as_str().contains("/data-plane/")));
    let kubeconfig = &inputs(&graph, "hub/api-server/kube-credentials")["stringData"]["config"];
    assert!(kubeconfig.as_str().unwrap().contains(r#""current-context":"""#), "{kubeconfig}");
    assert!(!counts(&graph).contains_key("lookup.secret"));
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
fn pools_are_added_where_the_platform_cannot_do_without() {
    let graph = graph(README);
    let pools: BTreeSet<&str> = graph
        .nodes()
        .keys()
        .filter_map(|address| address.as_str().split_once("/node-pool-"))
        .map(|(_, pool)| pool)
        .collect();
    assert_eq!(pools, BTreeSet::from(["gpu-workers", "system", API_POOL, SYSTEM_POOL]));
    let added: Vec<_> =
        added_pools(&parse(README)).into_iter().map(|added| (added.region.to_string(), added.pool)).collect();
    let own = [("us-west-2", API_POOL), ("eu-west-1", SYSTEM_POOL)];
    assert_eq!(added, own.map(|(region, pool)| (region.to_owned(), pool.to_owned())));
    // Only the hub runs the API server, and only eu-west-1 has no pool for ordinary pods.
    node(&graph, "hub/karpenter/node-pool-skyplat-api");
    node(&graph, "eu-west-1/karpenter/node-pool-skyplat-system");
}

#[test]
fn a_pool_of_that_name_takes_the_place_of_an_own_pool() {
    let graph = edited("- name: system", "- name: skyplat-api");
    let types = inputs(&graph, "hub/karpenter/node-pool-skyplat-api").to_string();
    assert!(types.contains("t3.medium"), "{types}");
}

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
    let graph = graph(README);
    let gate = "us-east-1/data-plane/team-a-latency-sensitive/workloads";
    let stands_on = ancestors(&graph, gate);
    for needed in [
        "us-east-1/data-plane/team-a-latency-sensitive/namespace",
        "us-east-1/data-plane/team-a-latency-sensitive/sky-sa-token",
        "us-east-1/data-plane/team-a-latency-sensitive/sky-sa-role-binding",
        "us-east-1/addon/aws-load-balancer-controller/load-balancers",
        "us-east-1/addon/ebs-csi/release",
        "us-east-1/addon/efs-csi/mount-target-a",
        "us-east-1/karpenter/node-pool-system",
    ] {
        assert!(stands_on.contains(needed), "{gate} does not stand on {needed}");
    }
    // On the way up nothing waits for it.
    assert!(graph.nodes().values().all(|node| !node.depends_on().iter().any(|on| on.as_str() == gate)));
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
    assert!(config.contains("hub/api-server/release") && config.contains("hub/api-server/kube-credentials"));
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

#[test]
fn no_tenant_has_a_wildcard_or_touches_roles() {
    let graph = edited("ingress_host:", "gpu_overview: true\n      ingress_host:");
    for kind in ["Role", "ClusterRole"] {
        let mut seen = 0;
        for (node, manifest) in manifests(&graph, kind) {
            let rules = manifest["rules"].to_string();
            assert!(!rules.contains("\"*\""), "{}", node.address);
            for forbidden in ["roles", "rolebindings", "clusterroles", "clusterrolebindings"] {
                assert!(!rules.contains(&format!("\"{forbidden}\"")), "{} names {forbidden}", node.address);
            }
            seen += 1;
        }
        assert!(seen >= 3, "only {seen} of kind {kind}");
    }
}

#[test]
fn the_servers_volume_outlives_the_platform() {
    let graph = graph(README);
    assert_eq!(node(&graph, "hub/api-server/namespace").on_delete, OnDelete::Retain);
    let storage = &inputs(&graph, "hub/api-server/release")["values"]["storage"];
    assert_eq!(storage["annotations"]["helm.sh/resource-policy"], "keep");
    assert_eq!(
        (&storage["storageClassName"], &storage["accessMode"]),
        (&json!("gp3"), &json!("ReadWriteOnce"))
    );
}

#[test]
fn secrets_are_references_to_secret_outputs() {
    let graph = graph(README);
    for (address, field) in [
        ("hub/identity/client", "secret"),
        ("hub/identity/admin-secret", "password"),
        ("hub/subnet-router/oauth", "client_secret"),
        ("hub/data-plane/team-a-dev/sky-sa-token", "token"),
    ] {
        assert!(node(&graph, address).secret_outputs.contains(field), "{address}.{field}");
    }
    let oauth = inputs(&graph, "hub/subnet-router/oauth-secret");
    assert_eq!(oauth["stringData"]["client_secret"]["$ref"]["object"], "hub/subnet-router/oauth");
    assert!(
        node(&graph, "hub/subnet-router/oauth-secret").rules.write_only.contains(&"stringData".to_owned())
    );
    // A token dies with its account.
    let token = node(&graph, "hub/data-plane/team-a-dev/sky-sa-token");
    assert!(token.rules.parents.contains(&"metadata.annotations.*".to_owned()));
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
fn one_name_in_two_regions_gives_two_workspaces() {
    let graph = edited("- name: team-a-latency-sensitive", "- name: team-a-dev");
    let config = inputs(&graph, "hub/api-server/config")["config"].clone();
    let workspaces: Vec<&String> = config["workspaces"].as_object().unwrap().keys().collect();
    assert_eq!(workspaces, ["default", "team-a-dev", "team-b-prod", "us-east-1-team-a-dev"]);
}

#[test]
fn a_role_that_is_given_is_not_made() {
    let arn = "arn:aws:iam::123456789012:role/TeamARole";
    let graph = edited("# user_role_arn:", "user_role_arn:");
    assert!(graph.nodes().keys().all(|address| !address.as_str().starts_with("hub/role/team-a-dev/")));
    let account = inputs(&graph, "hub/data-plane/team-a-dev/sky-user-sa");
    assert_eq!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], arn);
}

#[test]
fn another_account_is_refused() {
    let mut config = parse(STARTER);
    let facts = facts(&["us-west-2"]);
    assert_eq!(check_account(&config, &facts), Ok(()));
    config.account_id = Some(AccountId::new("210987654321"));
    assert!(matches!(check_account(&config, &facts), Err(PlatformError::OtherAccount { .. })));
}

#[test]
fn an_api_server_without_its_addons_is_refused() {
    let mut config = parse(README);
    config.addons.ebs_csi = false;
    let error = build_platform(&config, "dev").unwrap_err();
    assert_eq!(error, PlatformError::MissingAddon { addon: "ebs_csi" });
    assert!(error.hint().is_some());
}

/// Decodes a node into its type, as an executor does, and writes it again.
fn round_trip<O: Object>(inputs: &Tree) -> Tree {
    to_tree(&from_tree::<O>(inputs).unwrap_or_else(|error| panic!("{}: {error}: {inputs:?}", O::KIND)))
        .unwrap()
}

#[test]
fn every_object_of_the_application_half_decodes_and_back() {
    use crate::object::gate::*;
    use crate::object::{cognito::*, efs::*, helm::*, lookup::*, route53::*, secretsmanager::*, skypilot::*};

    let graph = graph(README);
    let mut kinds = BTreeSet::new();
    for node in graph.nodes().values() {
        let ground = resolve(&graph.inputs_with_echoes(node), &|reference| {
            Resolved::Known(Tree::String(format!("{}-of-{}", reference.field, reference.object)))
        })
        .unwrap();
        macro_rules! decoded {
            ($($object:ty),* $(,)?) => {
                match node.kind.as_str() {
                    $( <$object>::KIND => Some(round_trip::<$object>(&ground)), )*
                    _ => None,
                }
            };
        }
        let again = decoded!(
            CognitoManagedLoginBranding,
            CognitoUserPool,
            CognitoUserPoolClient,
            CognitoUserPoolDomain,
            CrdEstablished,
            DnsRecordsGone,
            EfsFileSystem,
            EfsMountTarget,
            FirstNode,
            HelmCrds,
            HelmRelease,
            LoadBalancersGone,
            LookupIngress,
            LookupSecret,
            Route53Zone,
            Route53ZoneAssociation,
            SecretsManagerSecret,
            SkyPilotConfig,
            WebhookReady,
            WorkloadsGone,
        );
        if let Some(again) = again {
            assert_eq!(again, ground, "{}", node.address);
            kinds.insert(node.kind.to_string());
        }
    }
    assert_eq!(kinds.len(), 20, "{kinds:?}");
}

#[test]
fn a_user_is_decoded_with_its_password() {
    let mut inputs = node(&graph(README), "hub/identity/admin").inputs.clone();
    inputs.set("user_pool_id", Tree::String("us-west-2_abc".into()));
    inputs.set("password", Tree::Secret(crate::value::Secret::new("canary")));
    assert_eq!(round_trip::<crate::object::cognito::CognitoUser>(&inputs), inputs);
    assert!(!format!("{inputs:?}").contains("canary"));
}

#[test]
fn the_values_of_the_skypilot_release() {
    insta::assert_json_snapshot!(inputs(&graph(README), "hub/api-server/release"));
}

#[test]
fn the_configuration_of_the_api_server() {
    insta::assert_json_snapshot!(inputs(&graph(README), "hub/api-server/config"));
}

#[test]
fn the_values_of_external_dns() {
    insta::assert_json_snapshot!(inputs(&graph(README), "hub/addon/external-dns/release"));
}

#[test]
fn the_objects_of_a_data_plane() {
    insta::assert_json_snapshot!(objects(&graph(README), "hub/data-plane/team-a-dev"));
}

#[test]
fn the_objects_of_identity_and_subnet_router() {
    let graph = graph(README);
    insta::assert_json_snapshot!(json!([
        objects(&graph, "hub/identity"),
        objects(&graph, "hub/subnet-router")
    ]));
}

#[test]
fn the_outputs_of_the_platform() {
    let graph = graph(README);
    let shown: BTreeMap<&String, Json> =
        graph.exports().iter().map(|(name, tree)| (name, paper::show(tree))).collect();
    insta::assert_json_snapshot!(shown);
}
