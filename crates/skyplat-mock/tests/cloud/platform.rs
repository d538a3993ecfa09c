//! Whole platforms on the simulated cloud: from a configuration up, read, and down again.

use crate::support::{STACK, down, op, up};
use skyplat_core::config::{Target, parse_config};
use skyplat_core::executor::{Executor, Observed};
use skyplat_core::facts::FactSource;
use skyplat_core::graph::{ObjectGraph, lower};
use skyplat_core::object::Class;
use skyplat_core::platform::build_platform;
use skyplat_mock::{MockCloud, MockOptions, World, inspect};
use tokio::time::Instant;

pub(crate) const HUB_AND_SPOKE: &[u8] = include_bytes!("../../../../examples/hub_spoke.yaml");
const STARTER: &[u8] = b"region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";

const MULTI_REGION: &[u8] = b"
name: mesh
regions: [us-east-1, us-west-1, ca-central-1]
nat: per_az
node_pools:
  - {name: gpu, capacity_type: spot, instance_family: [g5]}
";
const TENANTS: &[u8] = b"
hub:
  region: eu-central-1
  endpoint: private
  node_pools:
    - {name: system, capacity_type: on-demand, instance_category: [c, m], taints: [{key: a}]}
  skypilot:
    ingress_host: sky.example.com
    ingress_ssl_cert_arn: arn:aws:acm:eu-central-1:123456789012:certificate/0b7a9d4e-0000-4000-8000-000000000000
    admin_email: admin@example.com
    data_planes:
      - {name: team-a, policies: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'], quota: {pods: '10'}}
      - {name: team-b, user_role_arn: 'arn:aws:iam::123456789012:role/theirs'}
cluster_admins: ['arn:aws:iam::123456789012:role/admins']
iam: {path: /sky/}
";

pub(crate) async fn platform(cloud: &MockCloud, yaml: &[u8]) -> ObjectGraph {
    let config = parse_config("test.yaml", yaml, Target::Simulated).expect("it is sound").config;
    let graph = build_platform(&config, "dev").unwrap();
    let facts = cloud.answer(&graph.questions()).await.unwrap();
    lower(&graph, &facts).unwrap()
}

fn cloud(seed: u64) -> MockCloud {
    MockCloud::in_memory(MockOptions { seed, ..MockOptions::default() })
}

#[tokio::test(start_paused = true)]
async fn the_platform_of_the_readme_comes_up_and_goes_down_to_nothing() {
    let cloud = cloud(1);
    let graph = platform(&cloud, HUB_AND_SPOKE).await;
    let start = Instant::now();
    let made = up(&cloud, &graph, 64).await;
    let took = start.elapsed();
    assert!((600..3600).contains(&took.as_secs()), "{took:?}");
    assert_eq!(inspect::dangling(&cloud.world()), []);

    let retained = down(&cloud, made, 64).await;
    let left = inspect::left_of_stack(&cloud.world(), STACK);
    let left: Vec<_> = left.iter().filter(|finding| !retained.contains(&finding.uid)).collect();
    // The server's volume stays with its namespace.
    assert!(matches!(left[..], [volume] if volume.kind.as_str() == "ec2.volume"), "{left:?}");
    let world = cloud.world();
    assert!(world.things().all(|thing| retained.contains(&thing.uid) || thing.uid == left[0].uid));
}

#[tokio::test(start_paused = true)]
async fn platforms_of_every_shape_come_up_and_go_down() {
    for yaml in [STARTER, MULTI_REGION, TENANTS] {
        let cloud = cloud(2);
        let graph = platform(&cloud, yaml).await;
        let made = up(&cloud, &graph, 16).await;
        let retained = down(&cloud, made, 16).await;
        let world = cloud.world();
        let mut left = inspect::left_of_stack(&world, STACK);
        left.retain(|finding| !retained.contains(&finding.uid) && finding.kind.as_str() != "ec2.volume");
        assert_eq!(left, []);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_reads_as_it_was_sent() {
    let cloud = cloud(1);
    let graph = platform(&cloud, STARTER).await;
    let made = up(&cloud, &graph, 8).await;
    for record in made.records().filter(|record| record.class == Class::Owned) {
        let cx = op(&record.placement, made.container_of(record));
        let Ok(Observed::Present { inputs, outputs }) =
            cloud.read(&cx, std::slice::from_ref(record)).await.remove(0)
        else {
            panic!("{} is not there", record.address)
        };
        assert_eq!(outputs, record.outputs, "{}", record.address);
        let node = graph.get(&record.address).unwrap();
        let drifted = skyplat_core::plan::drift(&inputs, &record.inputs, &node.rules);
        assert!(drifted.is_empty(), "{}: {drifted:?}", record.address);
    }
}

async fn world_after(seed: u64, parallelism: usize) -> World {
    let cloud = cloud(seed);
    let graph = platform(&cloud, STARTER).await;
    up(&cloud, &graph, parallelism).await;
    std::sync::Arc::unwrap_or_clone(cloud.world())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_world_at_any_parallelism() {
    let one = world_after(7, 1).await;
    assert_eq!(inspect::diff(&one, &world_after(7, 4).await), []);
    assert_eq!(inspect::diff(&one, &world_after(7, 64).await), []);
    assert_ne!(inspect::diff(&one, &world_after(8, 4).await), []);
}

#[tokio::test(start_paused = true)]
async fn every_output_that_an_object_declares_is_given() {
    let cloud = cloud(1);
    let graph = platform(&cloud, HUB_AND_SPOKE).await;
    let made = up(&cloud, &graph, 64).await;
    let mut asked = Vec::new();
    for node in graph.nodes().values() {
        node.inputs.for_each_ref(&mut |reference| asked.push(reference.clone()));
        for (name, path) in node.echoes.iter() {
            let record = made.record(node.address.as_str());
            if let Some(input) = record.inputs.at(path) {
                assert_eq!(record.outputs.get(name), Some(input), "{}.{name}", node.address);
            }
        }
    }
    for reference in asked {
        assert!(
            made.record(reference.object.as_str()).outputs.contains_key(reference.field.as_str()),
            "{reference}"
        );
    }
}
