//! The README's platform and the two smaller ones, as lowered graphs: what there is, what waits for what ([`edges`]), and
//! how little an edit of the configuration changes ([`edits`]).

mod edges;
mod edits;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{API_POOL, PlatformError, SYSTEM_POOL, added_pools, build_platform, check_account};
use crate::config::{PlatformConfig, Target, parse_config};
use crate::graph::{ObjectGraph, lower};
use crate::ids::AccountId;
use crate::object::{Object, ObjectNode, OnDelete};
use crate::resource::fixture::{facts, inputs, node, objects};
use crate::value::{Resolved, Tree, from_tree, paper, resolve, to_tree};

const README: &str = include_str!("../../../../../examples/hub_spoke.yaml");
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
    let service = paper::show(&graph.exports()["skypilot_api_service_config"]);
    assert_eq!(service["reachable_from"], "the VPCs of the platform", "there is no tailnet");
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
    let graph = edited("- name: system", "- name: skyplat-api\n        labels: {skyplat.dev/role: api}");
    let types = inputs(&graph, "hub/karpenter/node-pool-skyplat-api").to_string();
    assert!(types.contains("t3.medium"), "{types}");
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
fn one_name_in_two_regions_gives_two_workspaces() {
    let graph = edited("- name: team-a-latency-sensitive", "- name: team-a-dev");
    let config = inputs(&graph, "hub/api-server/config")["config"].clone();
    let workspaces: Vec<&String> = config["workspaces"].as_object().unwrap().keys().collect();
    assert_eq!(workspaces, ["default", "team-a-dev", "team-b-prod", "us-east-1-team-a-dev"]);

    let taken = README.replacen("- name: team-b-prod", "- name: us-east-1-team-a-dev", 1);
    let graph = self::graph(&taken.replacen("- name: team-a-latency-sensitive", "- name: team-a-dev", 1));
    let config = inputs(&graph, "hub/api-server/config")["config"].clone();
    assert_eq!(config["workspaces"].as_object().unwrap().len(), 4, "{config}");
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
            Resolved::Known(Tree::String(format!("{}-of-{}", reference.field, reference.object).into()))
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
            VolumesDetached,
            WebhookReady,
            WorkloadsGone,
        );
        if let Some(again) = again {
            assert_eq!(again, ground, "{}", node.address);
            kinds.insert(node.kind.to_string());
        }
    }
    assert_eq!(kinds.len(), 21, "{kinds:?}");
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
