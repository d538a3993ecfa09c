//! The platform of this crate: it is as it should be, and one thing changed by hand is found.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{short, state};
use crate::config::{PlatformConfig, Target, parse_config};
use crate::graph::{ObjectGraph, lower};
use crate::object::ObjectNode;
use crate::platform::build_platform;
use crate::policy::{Checks, Consents, Finding, Subject, Verdict};
use crate::resource::fixture::facts;
use crate::tree;
use crate::value::Tree;

const README: &str = include_str!("../../../../../examples/hub_spoke.yaml");

fn parse(yaml: &str) -> PlatformConfig {
    parse_config("test.yaml", yaml.as_bytes(), Target::Simulated)
        .unwrap_or_else(|report| panic!("{report:?}\n{yaml}"))
        .config
}

fn lowered(config: &PlatformConfig) -> ObjectGraph {
    let facts = facts(&["us-west-2", "us-east-1", "eu-west-1", "eu-central-1"]);
    lower(&build_platform(config, "dev").unwrap(), &facts).unwrap()
}

fn judge(graph: &ObjectGraph, consents: &Consents) -> Verdict {
    Checks::built_in().judge(&Subject::new(graph, None, &state()), consents)
}

#[test]
fn the_readmes_platform_has_nothing_but_the_endpoints_that_it_asks_for() {
    let verdict = judge(&lowered(&parse(README)), &Consents::none());
    assert_eq!(
        short(&verdict.findings),
        ["warning eu-west-1/eks/cluster", "warning hub/eks/cluster", "warning us-east-1/eks/cluster"]
    );
    assert!(verdict.findings.iter().all(|finding| finding.check == "public_endpoint"));
}

#[test]
fn a_platform_with_narrow_endpoints_has_nothing() {
    for access in ["public_access_cidrs: [203.0.113.0/24]", "endpoint: private"] {
        let yaml = format!("{README}\n  sp:{access}\n");
        assert_eq!(judge(&lowered(&parse(&yaml)), &Consents::none()), Verdict::default(), "{access}");
    }
}

#[test]
fn a_full_mesh_is_found_and_accepted_where_it_is_asked_for() {
    let config = parse(&format!("{README}\n  sp:topology: full_mesh\n"));
    let graph = lowered(&config);
    let found = judge(&graph, &Consents::none());
    let isolation: Vec<&Finding> =
        found.findings.iter().filter(|finding| finding.check == "spoke_isolation").collect();
    assert_eq!(isolation.len(), 3, "the connection, and a route on either side: {isolation:#?}");
    assert!(!judge(&graph, &Consents::of_config(&config)).has_errors());
}

/// The platform with tenants who have all that a tenant can have, and one object changed.
fn changed(address: &str, change: impl FnOnce(&mut ObjectNode)) -> Vec<Finding> {
    let graph = lowered(&parse(&format!("{README}\n  sp:endpoint: private\n")));
    let mut nodes: Vec<ObjectNode> = graph.nodes().values().cloned().collect();
    let node = nodes.iter_mut().find(|node| node.address.as_str() == address);
    change(node.unwrap_or_else(|| panic!("there is no {address}")));
    let graph = ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).unwrap();
    judge(&graph, &Consents::none()).findings
}

/// Fails unless exactly this check finds an error at this object.
#[track_caller]
fn reported(check: &str, address: &str, change: impl FnOnce(&mut ObjectNode)) {
    let found = changed(address, change);
    let told = found.iter().filter(|finding| finding.check == check && finding.address.as_str() == address);
    assert!(told.count() > 0, "{check} says nothing about {address}: {found:#?}");
    assert!(found.iter().all(|finding| finding.check == check), "{found:#?}");
}

/// Returns the place at a path of keys and numbers.
fn at<'t>(tree: &'t mut Tree, path: &str) -> &'t mut Tree {
    path.split('.').fold(tree, |tree, segment| match tree {
        Tree::Map(map) => {
            map.get_mut(&segment.into()).unwrap_or_else(|| panic!("there is no {segment} in {path}"))
        }
        Tree::List(items) => &mut items[segment.parse::<usize>().unwrap()],
        other => panic!("{other:?} has no {segment}"),
    })
}

const TRUST: &str = "assume_role_policy_document.Statement.0";

#[test]
fn a_rule_that_is_opened_is_reported() {
    reported("open_ingress", "us-east-1/eks/rule-cluster-in-hub-https", |node| {
        node.inputs.set("cidr_ipv4", tree!("0.0.0.0/0"));
    });
    reported("open_ingress", "hub/data-plane/team-a-dev/network-policy", |node| {
        *at(&mut node.inputs, "spec.ingress.0.from.1.ipBlock.cidr") = tree!("0.0.0.0/0");
    });
    reported("open_ingress", "hub/api-server/release", |node| {
        at(&mut node.inputs, "values.ingress.annotations")
            .set("alb.ingress.kubernetes.io/scheme", tree!("internet-facing"));
        at(&mut node.inputs, "values.ingress.annotations")
            .set("alb.ingress.kubernetes.io/inbound-cidrs", tree!("0.0.0.0/0"));
    });
}

#[test]
fn an_endpoint_without_a_list_is_reported() {
    reported("public_endpoint", "hub/eks/cluster", |node| {
        *at(&mut node.inputs, "resources_vpc_config.endpoint_public_access") = tree!(true);
    });
}

#[test]
fn a_claim_that_is_dropped_is_reported() {
    for claim in [":aud", ":sub"] {
        reported("wildcard_trust", "hub/role/team-a-dev/role", |node| {
            let condition = at(&mut node.inputs, &format!("{TRUST}.Condition.StringEquals"));
            let Tree::Map(keys) = condition else { panic!("{condition:?}") };
            let before = keys.len();
            keys.retain(|key, _| !format!("{key:?}").contains(claim));
            assert_eq!(keys.len(), before - 1);
        });
    }
}

#[test]
fn another_tenants_account_in_a_trust_is_reported() {
    reported("tenant_isolation", "hub/role/team-a-dev/role", |node| {
        let Tree::Map(keys) = at(&mut node.inputs, &format!("{TRUST}.Condition.StringEquals")) else {
            panic!()
        };
        let subject = keys.keys().find(|key| format!("{key:?}").contains(":sub")).unwrap().clone();
        *keys.get_mut(&subject).unwrap() = tree!("system:serviceaccount:team-b-prod:sky-user-sa");
    });
}

#[test]
fn a_policy_that_allows_everything_is_reported() {
    reported("admin_policy", "hub/api-server/role-policy-rights", |node| {
        *at(&mut node.inputs, "policy_document.Statement.3.Action") = tree!("*");
    });
    reported("admin_policy", "hub/karpenter/controller-role-policy-iam-integration", |node| {
        let statement = at(&mut node.inputs, "policy_document.Statement.0");
        statement.set("Resource", tree!("*"));
        statement.set("Condition", tree!({}));
    });
    reported("admin_policy", "hub/role/team-a-dev/role-attachment-AmazonS3FullAccess", |node| {
        node.inputs.set("policy_arn", tree!("arn:aws:iam::aws:policy/AdministratorAccess"));
    });
}

#[test]
fn a_way_between_spokes_is_reported() {
    reported("spoke_isolation", "peering/us-east-1--us-west-2/route-us-east-1-private", |node| {
        node.inputs.set("destination_cidr_block", super::to("eu-west-1/vpc/vpc.cidr_block"));
    });
    reported("spoke_isolation", "us-east-1/eks/rule-cluster-in-hub-https", |node| {
        node.inputs.set("cidr_ipv4", super::to("eu-west-1/vpc/vpc.cidr_block"));
    });
}

#[test]
fn a_range_that_is_used_twice_is_reported() {
    let spoke = "us-east-1/vpc/vpc";
    let found = changed(spoke, |node| node.inputs.set("cidr_block", tree!("10.11.128.0/17")));
    let told: Vec<&Finding> =
        found.iter().filter(|finding| finding.check == "overlapping_networks").collect();
    assert!(
        told.iter().any(|finding| finding.address.as_str() == "peering/us-east-1--us-west-2/connection"),
        "{told:#?}"
    );
}

#[test]
fn rights_of_a_tenant_elsewhere_are_reported() {
    reported("tenant_isolation", "hub/data-plane/team-a-dev/sky-sa-role-binding", |node| {
        *at(&mut node.inputs, "metadata.namespace") = super::to("hub/data-plane/team-b-prod/namespace.name");
        // Two bindings of one name in one namespace would be no graph at all.
        *at(&mut node.inputs, "metadata.name") = tree!("planted");
        node.natural_key = None;
    });
    reported("tenant_isolation", "hub/data-plane/team-a-dev/sky-sa-cluster-role-binding", |node| {
        *at(&mut node.inputs, "roleRef.name") = tree!("cluster-admin");
    });
    reported("tenant_isolation", "hub/data-plane/team-a-dev/sky-user-sa", |node| {
        let annotations = at(&mut node.inputs, "metadata.annotations");
        annotations.set("eks.amazonaws.com/role-arn", super::to("hub/karpenter/controller-role.arn"));
    });
}

/// A platform that people may describe.
fn configs() -> impl Strategy<Value = String> {
    let spokes = prop::sample::subsequence(vec!["us-east-1", "eu-west-1", "eu-central-1"], 0..=3);
    let tenants = prop::sample::subsequence(vec!["team-a", "team-b", "team-c"], 0..=3);
    let quota = prop::sample::select(vec!["", ", quota: {pods: 4}", ", allowed_users: [ann@acme.io]"]);
    let role = prop::sample::select(vec![
        "",
        ", user_role_arn: 'arn:aws:iam::123456789012:role/TeamRole'",
        ", policies: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']",
    ]);
    let platform = prop::sample::subsequence(
        vec![
            "topology: full_mesh",
            "endpoint: private",
            "nat: per_az",
            "protect: true",
            "iam: {path: /platform/}",
            "addons: {fluent_bit: false, efs_csi: false, external_dns: false}",
            "cluster_admins: ['arn:aws:iam::123456789012:role/Admin']",
        ],
        0..=7,
    );
    let skypilot = prop::sample::subsequence(
        vec!["aws_vms: true", "gpu_overview: true", "default_user_role: user"],
        0..=3,
    );
    let pool = prop::sample::select(vec!["instance_type: [m7i.large]", "instance_type: [g5.xlarge]"]);
    (spokes, tenants, (quota, role), platform, skypilot, pool, any::<bool>()).prop_map(
        |(spokes, tenants, (quota, role), platform, skypilot, pool, way_in)| {
            let planes: Vec<String> =
                tenants.iter().map(|name| format!("{{name: {name}{quota}{role}}}")).collect();
            let planes = planes.join(", ");
            let pool = format!("node_pools: [{{name: pool, capacity_type: spot, {pool}}}]");
            let spokes: Vec<String> = spokes
                .iter()
                .map(|region| {
                    format!("  - {{region: {region}, {pool}, skypilot: {{data_planes: [{planes}]}}}}\n")
                })
                .collect();
            let secret =
                "tailscale: {oauth_secret_arn: 'arn:aws:secretsmanager:us-west-2:123456789012:secret:ts-1'}";
            format!(
                "hub:\n  region: us-west-2\n  {pool}\n  {}\n  skypilot:\n    ingress_host: sky.acme.io\n    \
                 ingress_ssl_cert_arn: 'arn:aws:acm:us-west-2:123456789012:certificate/0f1e'\n    \
                 data_planes: [{planes}]\n    {}\nspokes:{}\n{}\n",
                if way_in { secret } else { "" },
                skypilot.join("\n    "),
                if spokes.is_empty() { " []".to_owned() } else { format!("\n{}", spokes.concat()) },
                platform.join("\n"),
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever a configuration describes, the platform of it has no error.
    #[test]
    fn no_platform_has_an_error(yaml in configs()) {
        let config = parse(&yaml);
        let verdict = judge(&lowered(&config), &Consents::of_config(&config));
        prop_assert!(!verdict.has_errors(), "{:#?}\n{}", verdict.findings, yaml);
    }
}

#[test]
fn the_smaller_shapes_have_no_error() {
    for yaml in [
        "region: us-west-2\nnode_pools: [{name: system, capacity_type: on-demand, instance_type: [m7i.large]}]\n",
        "regions: [us-west-2, us-east-1, eu-west-1]\nnode_pools: [{name: gpu, capacity_type: spot, instance_type: [g5.xlarge]}]\n",
    ] {
        let config = parse(yaml);
        assert!(!judge(&lowered(&config), &Consents::of_config(&config)).has_errors());
    }
}
