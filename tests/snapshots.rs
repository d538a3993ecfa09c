//! What the README's configuration becomes: the objects of one resource of every kind, and the whole first plan.
//!
//! The files in `snapshots/` are meant to be read in a review. `INSTA_UPDATE=always cargo test --test snapshots` takes a
//! change that was read and found right.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::plan::{Observations, PlanInput, PlanOptions};
use skyplat::prelude::*;
use skyplat::render::Plain;
use skyplat::render::graph::graph_json;
use skyplat::render::plan::{PlanView, plan_text};
use skyplat::state::Stack;
use skyplat::value::DigestKey;

fn readme_graph() -> ObjectGraph {
    let yaml = include_bytes!("../examples/hub_spoke.yaml");
    let config = parse_config("hub_spoke.yaml", yaml, Target::Simulated).unwrap().config;
    let resources = build_platform(&config, "dev").unwrap();
    let cloud = MockCloud::in_memory(MockOptions::default());
    let questions = resources.questions();
    let facts = simulate(|| async move { cloud.answer(&questions).await.unwrap() }).unwrap();
    lower(&resources, &facts).unwrap()
}

/// Whether a resource is snapshot: spokes repeat the hub, but for their cluster's endpoint and their way to the hub.
fn is_shown(address: &str) -> bool {
    address.starts_with("hub/")
        || ["account/spot-role", "peering/eu-west-1--us-west-2", "us-east-1/eks"].contains(&address)
}

#[test]
fn the_objects_of_every_kind_of_resource() {
    let graph = graph_json(&readme_graph());
    let mut shown = 0;
    for resource in graph["resources"].as_array().unwrap() {
        let address = resource["address"].as_str().unwrap();
        if !is_shown(address) {
            continue;
        }
        shown += 1;
        let objects: Vec<_> = graph["objects"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|object| object["resource"] == address)
            .collect();
        insta::assert_json_snapshot!(address.replace('/', "_"), objects);
    }
    assert!(shown > 20, "{shown} resources are shown");
}

#[test]
fn the_first_plan() {
    let graph = readme_graph();
    let stack = Stack { name: "dev".into(), id: "0".into() };
    let plan = build_plan(PlanInput {
        graph: &graph,
        state: &State::new(stack, DigestKey::new([0; 32])),
        observations: &Observations::none(),
        options: &PlanOptions::default(),
    })
    .unwrap();
    let view = PlanView { resources: graph.resources(), objects: true };
    insta::assert_snapshot!(plan_text(&plan, view, &Plain));
}
