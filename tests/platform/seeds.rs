//! Whatever the seed decides (when roles are seen, how long a retry waits), the README's platform is up and gone within
//! its forecast.

use std::time::Duration;

use skyplat::engine::{Control, FinishedStatus};
use skyplat::mock::{MockCloud, MockOptions};
use skyplat::plan::PlanOptions;
use skyplat::state::{Stack, State};
use skyplat::value::DigestKey;
use skyplat::workspace::{Description, FactChoice, Workspace, unwatched};
use tokio::time::Instant;

use crate::harness::{README, config, simulate};

/// By how much a run may exceed its forecast.
const SLACK: f64 = 1.02;

async fn within_forecast(seed: u64) {
    let cloud = MockCloud::in_memory(MockOptions { seed, ..MockOptions::default() });
    let workspace = Workspace::simulated("dev", &cloud);
    let stack = Stack { name: "dev".into(), id: "0123456789abcdef".into() };
    let fresh = State::new(stack, DigestKey::new([7; 32]));
    let mut session = workspace.lock(fresh, &workspace.owner("you", "apply")).await.unwrap();
    for destroy in [false, true] {
        let facts = session.state().facts.clone();
        let description = if destroy {
            Description::default()
        } else {
            workspace.describe(&config(README), &facts, FactChoice::Recorded).await.unwrap()
        };
        let observed = workspace.observe(session.state(), &Control::new(), &mut unwatched()).await.unwrap();
        let options = PlanOptions { destroy, ..PlanOptions::default() };
        let prepared = workspace.plan(description, session.state(), observed, &options).unwrap();
        let start = Instant::now();
        let report =
            workspace.apply(&prepared, session.as_mut(), &Control::new(), &mut unwatched()).await.unwrap();
        assert_eq!(report.status, FinishedStatus::Succeeded, "seed {seed}, destroy {destroy}");
        let allowed = Duration::from_secs_f64(prepared.plan.forecast.duration_s * SLACK);
        assert!(
            start.elapsed() <= allowed,
            "seed {seed}, destroy {destroy}: {:?} of {allowed:?}",
            start.elapsed()
        );
    }
}

#[test]
fn the_readmes_platform_is_up_and_gone_within_its_forecast() {
    for seed in 0..4 {
        simulate(|| within_forecast(seed));
    }
}
