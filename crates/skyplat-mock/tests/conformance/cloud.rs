//! The simulated cloud keeps its promises, for every kind that the README's platform has and for one of one's own.

use std::collections::BTreeMap;

use skyplat_core::config::{Target, parse_config};
use skyplat_core::facts::FactSource;
use skyplat_core::graph::{ObjectGraph, lower};
use skyplat_core::object::{Class, ObjectKind, ObjectNode};
use skyplat_core::platform::build_platform;
use skyplat_core::state::{Stack, State};
use skyplat_core::tree;
use skyplat_core::value::{DigestKey, Tree};
use skyplat_mock::conformance::{Check, Specimen, check};
use skyplat_mock::faults::{FaultKind, Faults, Faulty};
use skyplat_mock::inspect::unknown;
use skyplat_mock::{MockCloud, MockOptions, inspect};

use crate::thing::{slow_cloud, specimen};

const README: &[u8] = include_bytes!("../../../../examples/hub_spoke.yaml");

fn cloud() -> MockCloud {
    MockCloud::in_memory(MockOptions::default())
}

async fn platform(cloud: &MockCloud) -> ObjectGraph {
    let config = parse_config("test.yaml", README, Target::Simulated).expect("it is sound").config;
    let resources = build_platform(&config, "dev").unwrap();
    let facts = cloud.answer(&resources.questions()).await.unwrap();
    lower(&resources, &facts).unwrap()
}

/// Returns a specimen of each kind: the one that stands on least.
fn specimens(graph: &ObjectGraph) -> BTreeMap<ObjectKind, Specimen> {
    let mut kinds: BTreeMap<ObjectKind, Specimen> = BTreeMap::new();
    for node in graph.nodes().values() {
        let specimen = Specimen::from_graph(graph, &node.address).expect("it is in the graph");
        let best = kinds.entry(node.kind.clone()).or_insert_with(|| specimen.clone());
        if specimen.prerequisites.len() < best.prerequisites.len() {
            *best = specimen;
        }
    }
    kinds
}

/// Returns the state of a stack of which nothing is recorded.
fn nothing_known(tag: &str) -> State {
    let (name, id) = tag.split_once('/').expect("a tag has two parts");
    State::new(Stack { name: name.into(), id: id.into() }, DigestKey::new([0; 32]))
}

/// Says what can be changed of a kind in place.
fn change(node: &ObjectNode) -> Option<Tree> {
    let (field, value) = match node.kind.as_str() {
        "cognito.user_pool" => ("user_pool_tags", tree!({ "team": "a" })),
        "cognito.user_pool_client" => ("callback_urls", tree!(["https://other.example.com/oauth2/callback"])),
        "eks.addon" => ("resolve_conflicts", tree!("PRESERVE")),
        "events.rule" => ("state", tree!("DISABLED")),
        "helm.release" => ("values", tree!({ "replicas": 3 })),
        "k8s.object" => {
            let mut metadata = node.inputs.get("metadata")?.clone();
            metadata.set("labels", tree!({ "team": "a" }));
            ("metadata", metadata)
        }
        "logs.log_group" => ("retention_in_days", tree!(7)),
        "ec2.security_group_rule" | "secretsmanager.secret" => ("description", tree!("another description")),
        "sqs.queue" => ("message_retention_period", tree!(60)),
        _ => ("tags", node.inputs.get("tags").map(|_| tree!({ "Name": "another name" }))?),
    };
    let mut inputs = node.inputs.clone();
    inputs.set(field, value);
    Some(inputs)
}

#[tokio::test(start_paused = true)]
async fn a_kind_of_ones_own_keeps_every_promise() {
    let cloud = slow_cloud();
    let report = check(&cloud, &specimen()).await;
    report.assert_passed();
    assert!(Check::ALL.into_iter().all(|check| report.passed(check)), "none is skipped: {report}");
    assert!(cloud.world().is_empty(), "{}", inspect::dump(&cloud.world()));
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_the_readmes_platform_keeps_its_promises() {
    let graph = platform(&cloud()).await;
    let (mut checked, mut updated) = (BTreeMap::<Check, usize>::new(), 0);
    for (kind, specimen) in specimens(&graph) {
        let cloud = cloud();
        let mut specimen = Specimen { changed: change(&specimen.node), ..specimen };
        specimen.shared = kind.as_str() == "iam.service_linked_role";
        let report = check(&cloud, &specimen).await;
        report.assert_passed();
        for check in Check::ALL.into_iter().filter(|check| report.passed(*check)) {
            *checked.entry(check).or_default() += 1;
        }
        updated += usize::from(specimen.changed.is_some());
        if specimen.node.class == Class::Owned {
            let life = [Check::Agreement, Check::CutShort, Check::Delete, Check::Permits, Check::NoEffect];
            assert!(life.iter().all(|check| report.passed(*check)), "{report}");
        }
        // What controllers make, and leave behind, carries no tag of the stack.
        let left = unknown(&cloud.world(), &nothing_known(&specimen.stack));
        assert_eq!(left, [], "{kind}");
    }
    assert!(checked.len() == Check::ALL.len() && checked.values().all(|kinds| *kinds >= 10), "{checked:?}");
    assert!(checked[&Check::Update] == updated && updated >= 20, "{checked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_passes_without_an_effect_is_tried_again() {
    let kinds = [FaultKind::Throttled, FaultKind::Busy, FaultKind::NotYetVisible];
    for seed in 0..8 {
        let (cloud, faults) = (slow_cloud(), Faults::seeded(seed, 0.3).kinds(kinds));
        let specimen = specimen();
        check(&Faulty::new(cloud.clone(), faults.clone()), &specimen).await.assert_passed();
        assert!(faults.reached().total() > 0 && cloud.world().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_said_and_leaves_nothing() {
    let graph = platform(&cloud()).await;
    let mut specimen = specimens(&graph).remove("ec2.nat_gateway").unwrap();
    specimen.prerequisites[0].inputs.set("vpc_id", tree!("vpc-0000"));
    let last = specimen.prerequisites.len() - 1;
    specimen.prerequisites[last].inputs.set("cidr_block", tree!("not a range"));
    let cloud = cloud();
    let report = check(&cloud, &specimen).await;
    let failures: Vec<_> = report.failures().collect();
    assert!(
        matches!(failures[..], [(Check::Prerequisites, why)] if why.contains("cannot be made")),
        "{report}"
    );
    assert!(report.to_string().contains("skipped  agreement: "), "{report}");
    assert!(cloud.world().is_empty());
}
