//! What must hold for every object that the network half of the platform is lowered to.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::fixture::{
    KUBERNETES, ancestors, cluster, facts, facts_with_zones, hub_and_spoke, inputs, lower_vpc, lowered, node,
    objects, pool, text, vpc, zone,
};
use super::{EksCluster, Karpenter, Vpc};
use crate::config::{IamSettings, Nat, Zones};
use crate::facts::Zone;
use crate::graph::{ObjectGraph, ResourceGraph, lower};
use crate::object::ec2::*;
use crate::object::eks::*;
use crate::object::events::EventsRule;
use crate::object::gate::*;
use crate::object::helm::HelmRelease;
use crate::object::iam::*;
use crate::object::k8s::K8sObject;
use crate::object::logs::LogGroup;
use crate::object::sqs::SqsQueue;
use crate::object::{FieldPath, Object, ObjectNode, Segment};
use crate::value::{Key, Resolved, Tree, from_tree, resolve, to_tree};

fn graph() -> ObjectGraph {
    lowered(&hub_and_spoke().graph)
}

/// Returns the path of every field of an object's inputs, lists and maps included.
fn paths(tree: &Tree, at: &FieldPath, found: &mut Vec<FieldPath>) {
    found.push(at.clone());
    match tree {
        Tree::Map(map) => {
            for (key, value) in map {
                if let Key::Literal(key) = key {
                    paths(value, &at.key(key), found);
                }
            }
        }
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &at.index(index), found);
            }
        }
        _ => {}
    }
}

fn paths_of(node: &ObjectNode) -> Vec<FieldPath> {
    let mut found = Vec::new();
    paths(&node.inputs, &FieldPath::default(), &mut found);
    found
}

#[test]
fn an_echo_repeats_a_field_that_exists() {
    let mut checked = 0;
    for node in graph().nodes().values() {
        for (output, path) in node.echoes.iter() {
            // A Kubernetes object of the whole cluster has no namespace.
            if node.kind.as_str() == K8sObject::KIND && path == "metadata.namespace" {
                continue;
            }
            assert!(
                node.inputs.at(path).is_some(),
                "{}.{output} repeats {path}, which is not there",
                node.address
            );
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} echoes were seen");
}

#[test]
fn every_rule_is_about_a_field_that_exists() {
    let mut used: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for node in graph().nodes().values().filter(|node| node.kind.as_str() != K8sObject::KIND) {
        let rules = &node.rules;
        let with_key =
            |pairs: &[(String, Vec<String>)]| pairs.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>();
        let patterns =
            [&rules.replace, &rules.parents, &rules.sets, &rules.server_default, &rules.write_only]
                .into_iter()
                .flatten()
                .cloned()
                .chain(with_key(&rules.recomputes))
                .chain(rules.normalised.iter().map(|(pattern, _)| pattern.clone()));
        let paths = paths_of(node);
        let kind = used.entry(node.kind.to_string()).or_default();
        for pattern in patterns {
            *kind.entry(pattern.clone()).or_default() |= paths.iter().any(|path| path.matches(&pattern));
        }
    }
    let dead: Vec<_> = used
        .iter()
        .flat_map(|(kind, rules)| rules.iter().filter(|(_, used)| !**used).map(move |(rule, _)| (kind, rule)))
        .collect();
    assert!(dead.is_empty(), "rules about no field of any sample: {dead:?}");
}

#[test]
fn a_tag_never_forces_a_replace() {
    for node in graph().nodes().values() {
        let tag = FieldPath::default().key("tags").key("team");
        assert!(!node.rules.forces_replace(&tag) && !node.rules.is_parent(&tag), "{}", node.address);
    }
}

#[test]
fn a_parent_is_a_plain_reference_or_a_known_thing_of_others() {
    for node in graph().nodes().values() {
        let mut plain = 0;
        for path in paths_of(node).iter().filter(|path| node.rules.is_parent(path)) {
            match field(&node.inputs, path) {
                Some(Tree::Ref(_) | Tree::String(_)) => plain += 1,
                Some(Tree::List(_)) => {}
                other => panic!("{} has {other:?} as its parent {path}", node.address),
            }
        }
        // A Kubernetes object of the whole cluster has the rule and no namespace.
        if node.kind.as_str() != K8sObject::KIND {
            assert_eq!(plain > 0, !node.rules.parents.is_empty(), "{}", node.address);
        }
    }
}

/// Returns the field at a path.
fn field<'a>(inputs: &'a Tree, path: &FieldPath) -> Option<&'a Tree> {
    path.0.iter().try_fold(inputs, |tree, segment| match segment {
        Segment::Key(key) => tree.get(key),
        Segment::Index(at) => tree.as_list()?.get(*at),
    })
}

/// Decodes a node into its type, as an executor does, and writes it again.
fn round_trip<O: Object>(inputs: &Tree) -> Tree {
    to_tree(&from_tree::<O>(inputs).unwrap_or_else(|error| panic!("{}: {error}: {inputs:?}", O::KIND)))
        .unwrap()
}

macro_rules! round_trip_of {
    ($kind:expr, $inputs:expr, [$($object:ty),* $(,)?]) => {
        match $kind {
            $( <$object>::KIND => round_trip::<$object>($inputs), )*
            other => panic!("{other} is not among the types of this test"),
        }
    };
}

#[test]
fn every_object_decodes_into_its_type_and_back() {
    let graph = graph();
    let mut kinds = BTreeSet::new();
    for node in graph.nodes().values() {
        let with_echoes = graph.inputs_with_echoes(node);
        let ground = resolve(&with_echoes, &|reference| {
            Resolved::Known(Tree::String(format!("{}-of-{}", reference.field, reference.object).into()))
        })
        .unwrap();
        let again = round_trip_of!(
            node.kind.as_str(),
            &ground,
            [
                Ec2Vpc,
                Ec2InternetGateway,
                Ec2Subnet,
                Ec2RouteTable,
                Ec2Route,
                Ec2RouteTableAssociation,
                Ec2Eip,
                Ec2NatGateway,
                Ec2VpcEndpoint,
                Ec2VpcPeering,
                Ec2VpcPeeringAcceptance,
                Ec2VpcPeeringOptions,
                Ec2SecurityGroup,
                Ec2SecurityGroupRule,
                IamRole,
                IamPolicy,
                IamPolicyAttachment,
                IamOidcProvider,
                IamServiceLinkedRole,
                EksControlPlane,
                EksAddon,
                EksFargateProfile,
                EksAccessEntry,
                SqsQueue,
                EventsRule,
                LogGroup,
                HelmRelease,
                K8sObject,
                NetworkInterfacesGone,
                LaunchTemplatesGone,
                NodeClaimsGone,
            ]
        );
        assert_eq!(again, ground, "{}", node.address);
        kinds.insert(node.kind.to_string());
    }
    assert_eq!(kinds.len(), 31, "{kinds:?}");
}

#[test]
fn a_control_plane_waits_for_little() {
    let graph = graph();
    for cluster in ["hub/eks/cluster", "us-east-1/eks/cluster"] {
        let kinds: BTreeSet<_> =
            ancestors(&graph, cluster).iter().map(|address| node(&graph, address).kind.to_string()).collect();
        for needless in ["ec2.nat_gateway", "ec2.vpc_peering", "ec2.route", "ec2.route_table", "k8s.object"] {
            assert!(!kinds.contains(needless), "{cluster} waits for a {needless}");
        }
        for needed in ["logs.log_group", "iam.policy_attachment", "gate.network_interfaces"] {
            assert!(kinds.contains(needed), "{cluster} does not wait for a {needed}");
        }
        assert!(!ancestors(&graph, cluster).contains("hub/vpc/public-a"));
    }
}

#[test]
fn pods_wait_for_a_way_out_and_for_nothing_of_other_regions() {
    let graph = graph();
    for (object, egress) in [
        ("hub/eks/addon-coredns", "hub/vpc/route-private-nat"),
        ("hub/karpenter/controller", "hub/vpc/route-private-nat"),
        ("hub/karpenter/node-pool-system", "hub/vpc/association-private-c"),
        ("us-east-1/eks/addon-coredns", "us-east-1/vpc/route-private-b-nat"),
    ] {
        let waits = ancestors(&graph, object);
        assert!(waits.contains(egress), "{object} does not wait for {egress}");
        assert!(!waits.iter().any(|address| address.starts_with("peering/")), "{object} waits for a peering");
    }
    for object in
        ["hub/eks/fargate-profile", "hub/eks/addon-kube-proxy", "hub/eks/addon-vpc-cni", "hub/karpenter/crds"]
    {
        assert!(!ancestors(&graph, object).contains("hub/vpc/nat-a"), "{object} waits for the NAT gateway");
    }
    assert!(!ancestors(&graph, "hub/karpenter/controller").contains("hub/eks/addon-coredns"));
}

#[test]
fn nodes_change_last_in_an_upgrade_and_names_resolve_until_they_are_gone() {
    let graph = graph();
    let waits = ancestors(&graph, "hub/karpenter/node-class-system");
    for addon in ["kube-proxy", "vpc-cni", "coredns"] {
        assert!(waits.contains(&format!("hub/eks/addon-{addon}")), "{addon}");
    }
    let gate = ancestors(&graph, "hub/karpenter/nodeclaims-gone-system");
    assert!(gate.contains("hub/karpenter/node-class-system"));
}

#[test]
fn roles_queue_and_policies_do_not_wait_for_the_cluster() {
    let graph = graph();
    for object in [
        "hub/eks/fargate-role",
        "hub/eks/fargate-role-attachment-logs",
        "hub/karpenter/node-role-attachment-AmazonEKS_CNI_Policy",
        "hub/karpenter/interruption-queue",
        "hub/karpenter/rule-health",
        "hub/karpenter/controller-role-policy-node-lifecycle",
    ] {
        assert!(!ancestors(&graph, object).contains("hub/eks/cluster"), "{object}");
    }
}

#[test]
fn what_a_controller_must_outlive_stands_on_it() {
    let graph = graph();
    // Each waits for the next on the way up, and so is gone before it on the way down.
    let chain = [
        "hub/karpenter/node-pool-gpu",
        "hub/karpenter/nodeclaims-gone-gpu",
        "hub/karpenter/node-class-gpu",
        "hub/karpenter/controller",
        "hub/karpenter/launch-templates-gone",
        "hub/karpenter/node-role",
    ];
    for pair in chain.windows(2) {
        assert!(ancestors(&graph, pair[0]).contains(pair[1]), "{} does not stand on {}", pair[0], pair[1]);
    }
    let drain = ancestors(&graph, "hub/karpenter/nodeclaims-gone-gpu");
    for needed in [
        "hub/vpc/route-private-nat",
        "hub/eks/addon-vpc-cni",
        "hub/karpenter/node-access-entry",
        "spot-role/role",
    ] {
        assert!(drain.contains(needed), "nodes are drained without {needed}");
    }
    assert!(ancestors(&graph, "hub/karpenter/controller").contains("hub/karpenter/crds"));
    assert!(!ancestors(&graph, "us-east-1/karpenter/node-pool-system").contains("spot-role/role"));
    let gate = ancestors(&graph, "hub/eks/network-interfaces-gone");
    assert!(gate.contains("hub/vpc/private-a") && gate.contains("hub/eks/node-security-group"));
}

#[test]
fn peering_comes_after_its_acceptance_and_lies_in_two_regions() {
    let graph = graph();
    let peering = "peering/us-east-1--us-west-2";
    for (object, region) in [
        ("connection", "us-east-1"),
        ("acceptance", "us-west-2"),
        ("options-us-east-1", "us-east-1"),
        ("options-us-west-2", "us-west-2"),
        ("route-us-east-1-private-a", "us-east-1"),
        ("route-us-west-2-private", "us-west-2"),
    ] {
        let address = format!("{peering}/{object}");
        let placement = &node(&graph, &address).placement;
        assert_eq!(placement.region, Some(region.into()), "{object}");
        let accepted = ancestors(&graph, &address).contains(&format!("{peering}/acceptance"));
        assert_eq!(accepted, !["connection", "acceptance"].contains(&object), "{object}");
    }
    assert_eq!(
        inputs(&graph, &format!("{peering}/route-us-west-2-private"))["destination_cidr_block"],
        "10.1.0.0/16"
    );
    let routes =
        graph.nodes().values().filter(|node| node.address.as_str().starts_with(&format!("{peering}/route-")));
    assert_eq!(routes.count(), 4, "three tables in one region, one in the other");
}

#[test]
fn ec2_accepts_the_description_of_every_rule() {
    let accepted = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    let mut seen = 0;
    for node in graph().nodes().values().filter(|node| node.kind.as_str().starts_with("ec2.security_group")) {
        let text = node.inputs.at("description").and_then(Tree::as_str).unwrap();
        assert!(text.len() <= 255 && text.chars().all(accepted), "{}: {text}", node.address);
        seen += 1;
    }
    assert_eq!(seen, 27, "two groups, twelve rules each, and the hub's way into the spoke");
}

#[test]
fn every_role_has_the_path_and_the_boundary_that_are_asked_for() {
    let mut graph = ResourceGraph::new();
    let network = graph.add("main/vpc", vpc("us-west-2")).unwrap();
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    let iam = IamSettings { path: "/ml/".into(), permissions_boundary_arn: Some(boundary.into()) };
    let cluster = graph.add("main/eks", EksCluster { iam, ..cluster("sp-dev", network) }).unwrap();
    let karpenter = Karpenter {
        cluster,
        region: "us-west-2".into(),
        kubernetes: KUBERNETES.into(),
        version: "1.14.1".into(),
        pools: vec![pool("system")],
        spot_role: None,
    };
    graph.add("main/karpenter", karpenter).unwrap();
    let graph = lowered(&graph);
    let mut seen = 0;
    for node in graph.nodes().values().filter(|node| ["iam.role", "iam.policy"].contains(&node.kind.as_str()))
    {
        let shown = inputs(&graph, node.address.as_str());
        assert_eq!(shown["path"], "/ml/", "{}", node.address);
        if node.kind.as_str() == "iam.role" {
            assert_eq!(shown["permissions_boundary"], boundary, "{}", node.address);
            seen += 1;
        }
    }
    assert_eq!(seen, 4, "service, Fargate, nodes, Karpenter");
}

#[test]
fn two_clusters_of_one_name_are_refused_before_anything_is_made() {
    let mut graph = ResourceGraph::new();
    let network = graph.add("main/vpc", vpc("us-west-2")).unwrap();
    graph.add("main/eks", cluster("sp-dev", network)).unwrap();
    graph.add("main/eks-2", cluster("sp-dev", network)).unwrap();
    let error = lower(&graph, &facts(&["us-west-2"])).unwrap_err();
    assert!(error.message.contains("sp-dev"), "{error}");
}

proptest! {
    /// Whatever zones a region has: a network uses the usable ones once each, or is refused.
    #[test]
    fn subnets_lie_in_usable_zones_and_never_two_in_one(
        zones in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 0..7),
        count in 0u64..6,
        per_az: bool,
    ) {
        let described: Vec<Zone> = zones
            .iter()
            .zip('a'..)
            .map(|((available, whole, open), letter)| {
                let usable = zone(&format!("us-east-1{letter}"), &format!("use1-az{letter}"));
                Zone {
                    state: if *available { "available" } else { "impaired" }.into(),
                    zone_type: if *whole { "availability-zone" } else { "local-zone" }.into(),
                    opt_in_status: if *open { "opt-in-not-required" } else { "opted-in" }.into(),
                    ..usable
                }
            })
            .collect();
        let usable = zones.iter().filter(|(available, whole, open)| *available && *whole && *open).count();
        let expected = usable.min(usize::try_from(count).unwrap());
        let nat = if per_az { Nat::PerAz } else { Nat::One };
        let network = Vpc { zones: Zones::Count(count), nat, ..vpc("us-east-1") };
        match lower_vpc(network, &facts_with_zones("us-east-1", &described)) {
            Err(_) => prop_assert!(expected < 2),
            Ok(graph) => {
                let zones_of = |side: &str| -> Vec<String> {
                    let subnets = graph.nodes().values().filter(|node| {
                        node.kind.as_str() == "ec2.subnet" && node.address.as_str().contains(side)
                    });
                    let zone = |node: &ObjectNode| text(&graph, node.address.as_str(), "availability_zone");
                    subnets.map(zone).collect()
                };
                let private = zones_of("/private-");
                prop_assert_eq!(private.len(), expected);
                prop_assert_eq!(private.iter().collect::<BTreeSet<_>>().len(), expected);
                prop_assert_eq!(zones_of("/public-").len(), if per_az { expected } else { 1 });
            }
        }
    }
}

#[test]
fn lowering_twice_gives_the_same_bytes() {
    let write = || serde_json::to_string(&graph()).unwrap();
    assert_eq!(write(), write());
}

#[test]
fn the_objects_of_a_vpc() {
    insta::assert_json_snapshot!(objects(&graph(), "hub/vpc"));
}

#[test]
fn the_objects_of_a_cluster() {
    insta::assert_json_snapshot!(objects(&graph(), "hub/eks"));
}

#[test]
fn the_objects_of_karpenter() {
    insta::assert_json_snapshot!(objects(&graph(), "us-east-1/karpenter"));
}
