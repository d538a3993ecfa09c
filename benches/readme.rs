//! The README's platform (`examples/hub_spoke.yaml`): read, lower, plan, and up and down again on the simulated cloud.

mod common {
    pub(crate) mod cpu;
}

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use skyplat::config::PlatformConfig;
use skyplat::engine::FinishedStatus;
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::plan::{Observations, PlanInput, PlanOptions};
use skyplat::prelude::*;
use skyplat::state::{LockOwner, Stack};
use skyplat::value::DigestKey;
use skyplat::workspace::{Description, FactChoice, unwatched};

use common::cpu::CpuTime;

const YAML: &[u8] = include_bytes!("../examples/hub_spoke.yaml");

fn config() -> PlatformConfig {
    parse_config("hub_spoke.yaml", YAML, Target::Simulated).expect("the example is right").config
}

fn fresh() -> State {
    let stack = Stack { name: "dev".to_owned(), id: "0123456789abcdef".to_owned() };
    State::new(stack, DigestKey::new([7; 32]))
}

fn facts(resources: &ResourceGraph) -> Facts {
    let cloud = MockCloud::in_memory(MockOptions::default());
    let questions = resources.questions();
    simulate(|| cloud.answer(&questions)).expect("a thread").expect("the cloud knows all of them")
}

fn described(config: &PlatformConfig) -> ObjectGraph {
    let resources = build_platform(config, "dev").expect("the example is right");
    lower(&resources, &facts(&resources)).expect("the example is right")
}

/// Brings the platform up and takes it down again, on virtual time; returns the state in between.
async fn up_and_down(config: &PlatformConfig) -> State {
    let cloud = MockCloud::in_memory(MockOptions::default());
    let workspace = Workspace {
        stack: "dev".to_owned(),
        store: Arc::new(MemoryStore::new()),
        facts: Arc::new(cloud.clone()),
        engine: Engine::new(Executors::new().with(cloud), EngineOptions::default()),
        run: RunContext { run_id: "bench".to_owned(), seed: 0, now: jiff::Timestamp::UNIX_EPOCH },
    };
    let owner = LockOwner {
        who: "bench".to_owned(),
        process: 1,
        operation: "bench".to_owned(),
        run_id: "bench".to_owned(),
        since: String::new(),
    };
    let mut session = workspace.lock(fresh(), &owner).await.expect("the stack is new");
    let described = workspace.describe(config, &Facts::default(), FactChoice::Fresh).await;
    let mut described = described.expect("the example is right");
    let mut up = None;
    for destroy in [false, true] {
        let options = PlanOptions { destroy, ..PlanOptions::default() };
        let plan = workspace.plan(described, session.state(), Observations::none(), &options);
        let plan = plan.expect("nothing is protected");
        let report = workspace.apply(&plan, session.as_mut(), &Control::new(), &mut unwatched()).await;
        assert_eq!(report.expect("the plan is fresh").status, FinishedStatus::Succeeded);
        up.get_or_insert_with(|| session.state().clone());
        described = Description::default();
    }
    assert!(session.state().is_empty());
    up.expect("it was up before it was down")
}

fn readme(c: &mut Criterion<CpuTime>) {
    let config = config();
    let resources = build_platform(&config, "dev").expect("the example is right");
    let facts = facts(&resources);
    let graph = described(&config);
    let up = simulate(|| up_and_down(&config)).expect("a thread");
    let (empty, observations, options) = (fresh(), Observations::none(), PlanOptions::default());
    let plan = |state: &State| {
        build_plan(PlanInput { graph: &graph, state, observations: &observations, options: &options })
    };
    let mut group = c.benchmark_group("readme");
    group.bench_function("read", |b| {
        b.iter(|| parse_config("hub_spoke.yaml", black_box(YAML), Target::Simulated));
    });
    group.bench_function("lower", |b| b.iter(|| lower(&resources, black_box(&facts))));
    group.bench_function("plan/create", |b| b.iter(|| plan(black_box(&empty))));
    group.bench_function("plan/unchanged", |b| b.iter(|| plan(black_box(&up))));
    group.sample_size(10);
    group.bench_function("up-and-down", |b| b.iter(|| simulate(|| up_and_down(&config))));
    group.finish();
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(CpuTime); targets = readme);
criterion_main!(benches);
