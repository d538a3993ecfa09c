//! For tests of resources: facts of a small world, a hub with one spoke, and questions about a lowered graph.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{CpuRange, EksCluster, Karpenter, NodePool, Peering, SpotServiceRole, Vpc};
use crate::config::{
    Architecture, CapacityType, Endpoint, IamSettings, Nat, Taint, TaintEffect, Zones, region_cidr,
};
use crate::facts::{Facts, Question, Zone};
use crate::graph::{Handle, LowerError, ObjectGraph, ResourceGraph, lower};
use crate::ids::{AccountId, Region, RoleArn};
use crate::object::ObjectNode;
use crate::value::{Address, Tree, paper};

/// The Kubernetes version of every cluster here.
pub(crate) const KUBERNETES: &str = "1.35";

/// Returns a zone of a region that can be used.
pub(crate) fn zone(name: &str, id: &str) -> Zone {
    Zone {
        name: name.into(),
        id: id.into(),
        zone_type: "availability-zone".into(),
        opt_in_status: "opt-in-not-required".into(),
        state: "available".into(),
    }
}

/// Returns facts in which each of these regions has three usable zones, and some that are not.
pub(crate) fn facts(regions: &[&str]) -> Facts {
    let mut facts = Facts::default();
    let mut know = |question, answer: Json| facts.insert(question, answer).unwrap();
    know(Question::account(), json!(AccountId::new("123456789012")));
    for name in regions {
        let region = Region::new(*name);
        let usable = |letter: &str| zone(&format!("{name}{letter}"), &format!("{name}-az{letter}"));
        let zones = [
            Zone { zone_type: "local-zone".into(), ..usable("-lax-1a") },
            usable("c"),
            Zone { opt_in_status: "not-opted-in".into(), ..usable("0") },
            usable("a"),
            Zone { state: "unavailable".into(), ..usable("1") },
            usable("b"),
        ];
        know(Question::zones(&region), json!(zones));
        know(Question::ami_release(&region, KUBERNETES), json!("v20261110"));
    }
    facts
}

/// Returns facts about one region with exactly these zones.
pub(crate) fn facts_with_zones(region: &str, zones: &[Zone]) -> Facts {
    let mut facts = facts(&[]);
    facts.insert(Question::zones(&region.into()), zones).unwrap();
    facts
}

/// Returns a network with three zones and one NAT gateway.
pub(crate) fn vpc(region: &str) -> Vpc {
    let region = Region::new(region);
    Vpc {
        name: format!("sp-dev-{region}"),
        cidr: region_cidr(&region),
        region,
        zones: Zones::Count(3),
        nat: Nat::One,
        tags: BTreeMap::from([("team".into(), "ml".into())]),
        protect: false,
    }
}

/// Returns a cluster with a public endpoint and one administrator.
pub(crate) fn cluster(name: &str, vpc: Handle<Vpc>) -> EksCluster {
    EksCluster {
        name: name.into(),
        vpc,
        hub: None,
        version: KUBERNETES.into(),
        endpoint: Endpoint::Public,
        public_access_cidrs: vec!["0.0.0.0/0".parse().unwrap()],
        admins: vec![RoleArn::new("arn:aws:iam::123456789012:role/ops/Admin")],
        addon_versions: BTreeMap::new(),
        iam: IamSettings::default(),
        tags: BTreeMap::from([("team".into(), "ml".into())]),
        protect: false,
    }
}

/// Returns a pool of on-demand instances of any type.
pub(crate) fn pool(name: &str) -> NodePool {
    NodePool {
        name: name.into(),
        capacity_type: CapacityType::OnDemand,
        architecture: Architecture::Amd64,
        instance_types: Vec::new(),
        instance_families: Vec::new(),
        instance_categories: vec!["c".into(), "m".into()],
        generation_above: Some(4),
        cpus: Some(CpuRange { min: 2, max: 8 }),
        ebs_size: "128Gi".into(),
        vcpu_limit: None,
        memory_limit: None,
        taints: Vec::new(),
        labels: BTreeMap::new(),
    }
}

/// Returns a pool of spot instances with GPUs.
pub(crate) fn gpu_pool(name: &str) -> NodePool {
    NodePool {
        capacity_type: CapacityType::Spot,
        instance_types: vec!["g5.xlarge".into(), "p4d.24xlarge".into()],
        instance_categories: Vec::new(),
        generation_above: None,
        cpus: None,
        vcpu_limit: Some(96),
        memory_limit: Some("512Gi".into()),
        taints: vec![Taint { key: "team".into(), value: Some("a".into()), effect: TaintEffect::NoExecute }],
        labels: BTreeMap::from([("team".into(), "a".into())]),
        ..pool(name)
    }
}

/// Handles of [`hub_and_spoke`].
pub(crate) struct World {
    /// The graph.
    pub(crate) graph: ResourceGraph,
    /// The cluster of the hub.
    pub(crate) hub: Handle<EksCluster>,
}

/// Returns a hub in us-west-2 and a spoke in us-east-1 with a narrow public endpoint, peered, each with Karpenter.
pub(crate) fn hub_and_spoke() -> World {
    let mut graph = ResourceGraph::new();
    let spot_role = graph.add("spot-role", SpotServiceRole).unwrap();
    let hub_vpc = graph.add("hub/vpc", vpc("us-west-2")).unwrap();
    let spoke_vpc = graph.add("us-east-1/vpc", Vpc { nat: Nat::PerAz, ..vpc("us-east-1") }).unwrap();
    let peering = Peering {
        name: "sp-dev-us-east-1--us-west-2".into(),
        a: hub_vpc,
        b: spoke_vpc,
        tags: BTreeMap::new(),
    };
    graph.add("peering/us-east-1--us-west-2", peering).unwrap();
    let hub = graph.add("hub/eks", cluster("sp-dev-us-west-2", hub_vpc)).unwrap();
    let spoke = EksCluster {
        hub: Some(hub_vpc),
        public_access_cidrs: vec!["203.0.113.0/24".parse().unwrap()],
        addon_versions: BTreeMap::from([("vpc-cni".into(), "v1.21.0-eksbuild.1".into())]),
        ..cluster("sp-dev-us-east-1", spoke_vpc)
    };
    let spoke = graph.add("us-east-1/eks", spoke).unwrap();
    for (address, cluster, region, pools) in [
        ("hub/karpenter", hub, "us-west-2", vec![pool("system"), gpu_pool("gpu")]),
        ("us-east-1/karpenter", spoke, "us-east-1", vec![pool("system")]),
    ] {
        let karpenter = Karpenter {
            cluster,
            region: region.into(),
            kubernetes: KUBERNETES.into(),
            version: "1.14.1".into(),
            pools,
            spot_role: Some(spot_role),
        };
        graph.add(address, karpenter).unwrap();
    }
    World { graph, hub }
}

/// Lowers a graph in a world of two regions.
pub(crate) fn lowered(graph: &ResourceGraph) -> ObjectGraph {
    lower(graph, &facts(&["us-west-2", "us-east-1"])).unwrap()
}

/// Lowers a graph of one network.
pub(crate) fn lower_vpc(vpc: Vpc, facts: &Facts) -> Result<ObjectGraph, LowerError> {
    let mut graph = ResourceGraph::new();
    graph.add("hub/vpc", vpc).unwrap();
    lower(&graph, facts)
}

/// Returns an object.
pub(crate) fn node<'a>(graph: &'a ObjectGraph, address: &str) -> &'a ObjectNode {
    graph.get(&Address::new(address)).unwrap_or_else(|| panic!("there is no {address}"))
}

/// Returns the text at a path of an object's inputs, with echoes in their place.
pub(crate) fn text(graph: &ObjectGraph, address: &str, path: &str) -> String {
    let inputs = graph.inputs_with_echoes(node(graph, address));
    match inputs.at(path) {
        Some(Tree::String(text)) => text.to_string(),
        other => panic!("{address} has {other:?} at {path}"),
    }
}

/// Returns an object's inputs as they stand on paper, with echoes in their place.
pub(crate) fn inputs(graph: &ObjectGraph, address: &str) -> Json {
    paper::show(&graph.inputs_with_echoes(node(graph, address)))
}

/// Returns everything that an object waits for, directly or not.
pub(crate) fn ancestors(graph: &ObjectGraph, address: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![Address::new(address)];
    while let Some(next) = open.pop() {
        for dependency in node(graph, next.as_str()).depends_on() {
            if found.insert(dependency.to_string()) {
                open.push(dependency);
            }
        }
    }
    found
}

/// Returns the objects of one resource as they stand on paper, for snapshots.
pub(crate) fn objects(graph: &ObjectGraph, resource: &str) -> Json {
    let of_resource = |node: &&ObjectNode| node.resource.as_str() == resource;
    graph
        .nodes()
        .values()
        .filter(of_resource)
        .map(|node| {
            let shown = json!({
                "kind": node.kind,
                "region": node.placement.region,
                "container": node.placement.container,
                "after": node.after,
                "inputs": paper::show(&node.inputs),
            });
            (node.address.to_string(), shown)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}
