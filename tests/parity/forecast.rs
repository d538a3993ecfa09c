//! How long the README's platform takes to come up, beside the reference implementation's with the same latency table.

use skyplat::plan::{LatencyTable, Observations, Plan, PlanInput, PlanOptions, build_plan};
use skyplat::state::{Stack, State};
use skyplat::value::DigestKey;

use super::{README, lowered};

/// Seconds on the longest path of the reference implementation's graph for the README, its objects mapped to our kinds and
/// each taken at its `create` in `data/latencies.json`:
///
/// | seconds | what follows what |
/// |--------:|-------------------|
/// | 605 | VPC 3, subnet 2, cluster 600 |
/// | 190 | Fargate profile 90, CoreDNS 100 |
/// | 95 | Karpenter: node role 2, controller role 2, release 90, node class 0.5, node pool 0.5 |
/// | 17.5 | EBS driver: role 2, release 15, storage class 0.5 |
/// | 17 | EFS driver: role 2, release 15 |
/// | 47 | load balancer controller: role 2, release 45 |
/// | 47 | external-dns: role 2, release 45 |
/// | 45 | metrics-server |
/// | 17 | fluent-bit: role 2, release 15 |
/// | 15 | NVIDIA device plugin |
/// | 287.5 | private zone 45, API server's role 2, its credentials 0.5, release `skypilot` 240 |
const REFERENCE: f64 = 605.0 + 190.0 + 95.0 + 17.5 + 17.0 + 47.0 + 47.0 + 45.0 + 17.0 + 15.0 + 287.5;

/// The part of it that ours may take.
const ALLOWED: f64 = 0.85;

fn plan() -> Plan {
    let graph = lowered(README);
    let stack = Stack { name: "dev".into(), id: "0".into() };
    let state = State::new(stack, DigestKey::new([0; 32]));
    let options = PlanOptions { latencies: LatencyTable::default(), ..PlanOptions::default() };
    let observations = Observations::default();
    build_plan(PlanInput { graph: &graph, state: &state, observations: &observations, options: &options })
        .expect("an empty state can be planned from")
}

#[test]
fn the_platform_is_up_sooner() {
    assert!((REFERENCE - 1383.0).abs() < f64::EPSILON);
    let forecast = plan().forecast;
    assert!(
        forecast.duration_s <= ALLOWED * REFERENCE,
        "{} s of at most {} s, on {:?}",
        forecast.duration_s,
        ALLOWED * REFERENCE,
        forecast.critical_path
    );
}

#[test]
fn what_the_time_is_spent_on() {
    let path: Vec<String> = plan().forecast.critical_path.iter().map(ToString::to_string).collect();
    assert_eq!(path.last().map(String::as_str), Some("hub/api-server/config"));
    // Addons stand side by side: of all of them no more than one chart and its gate are on the path.
    let charts = path.iter().filter(|address| address.contains("/addon/") && address.ends_with("/release"));
    assert!(charts.count() <= 1, "{path:?}");
    assert!(path.iter().all(|address| !address.contains("/nat-")), "{path:?}");
}
