//! An engine among faults: the same end at any parallelism, and the end of a run without any.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use skyplat_core::config::{Target, parse_config};
use skyplat_core::engine::{Control, Engine, EngineOptions, Event, FinishedStatus, RunContext, Work};
use skyplat_core::executor::Executors;
use skyplat_core::facts::{FactSource, Facts};
use skyplat_core::graph::{ObjectGraph, lower};
use skyplat_core::plan::{Observations, PlanInput, PlanOptions, build_plan};
use skyplat_core::platform::build_platform;
use skyplat_core::state::{LockOwner, MemoryStore, Stack, State, StateStore, StoreSession, Uid};
use skyplat_core::value::{Address, DigestKey};
use skyplat_mock::faults::{FaultKind, Faults, Faulty, Met, Operation};
use skyplat_mock::{MockCloud, MockOptions, World, inspect};

use crate::support::simulate;

const STARTER: &[u8] = b"region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";

/// Where the runs of one stack ended.
pub(crate) struct Outcome {
    pub(crate) cloud: MockCloud,
    pub(crate) world: Arc<World>,
    pub(crate) state: State,
    met: BTreeMap<(Uid, Operation), Met>,
    runs: usize,
}

async fn platform(cloud: &MockCloud) -> (ObjectGraph, Facts) {
    let config = parse_config("test.yaml", STARTER, Target::Simulated).expect("it is sound").config;
    let resources = build_platform(&config, "dev").unwrap();
    let facts = cloud.answer(&resources.questions()).await.unwrap();
    (lower(&resources, &facts).unwrap(), facts)
}

async fn session() -> Box<dyn StoreSession> {
    let state = State::new(Stack { name: "dev".into(), id: "1".into() }, DigestKey::new([7; 32]));
    let (who, operation, run_id) = ("test".into(), "apply".into(), "run".into());
    let owner = LockOwner { who, process: 1, operation, run_id, since: String::new() };
    MemoryStore::new().lock(state, &owner).await.unwrap()
}

/// Plans and applies until there is nothing left to do; returns after how many runs.
async fn settle(
    engine: &Engine,
    session: &mut dyn StoreSession,
    graph: &ObjectGraph,
    facts: &Facts,
) -> usize {
    let (run, control) = (RunContext::fixed("run"), Control::new());
    for runs in 0..20 {
        let mut unwatched = |_: Event| ();
        let observations = Observations::default();
        let options = PlanOptions { destroy: graph.nodes().is_empty(), ..PlanOptions::default() };
        let input =
            PlanInput { graph, state: session.state(), observations: &observations, options: &options };
        let plan = build_plan(input).unwrap();
        if !plan.has_work() {
            return runs;
        }
        let work = Work { plan: &plan, graph, facts, observations: &observations };
        let report = engine.apply(work, &mut *session, &run, &control, &mut unwatched).await.unwrap();
        assert!(matches!(report.status, FinishedStatus::Succeeded | FinishedStatus::Failed));
    }
    panic!("it does not settle");
}

/// Brings a platform up, and down again if asked, while calls go wrong.
pub(crate) fn bring(faults: &Faults, parallelism: usize, and_down: bool) -> Outcome {
    simulate(async {
        let cloud = MockCloud::in_memory(MockOptions { seed: 3, ..MockOptions::default() });
        let (graph, facts) = platform(&cloud).await;
        let parallelism = NonZeroUsize::new(parallelism).unwrap();
        let executors = Executors::new().with(Faulty::new(cloud.clone(), faults.clone()));
        let engine = Engine::new(executors, EngineOptions { parallelism, ..EngineOptions::default() });
        let mut session = session().await;
        let mut runs = settle(&engine, session.as_mut(), &graph, &facts).await;
        if and_down {
            let nothing = (ObjectGraph::default(), Facts::default());
            runs += settle(&engine, session.as_mut(), &nothing.0, &nothing.1).await;
        }
        let (world, state) = (cloud.world(), session.state().clone());
        Outcome { cloud, world, state, met: faults.met(), runs }
    })
}

#[test]
fn the_same_schedule_makes_the_same_faults_and_the_same_world_at_any_parallelism() {
    for seed in 0..2 {
        let with = |parallelism| bring(&Faults::seeded(seed, 0.2), parallelism, false);
        let one = with(1);
        assert!(one.met.len() > 10, "{:?}", one.met);
        for parallelism in [4, 64] {
            let other = with(parallelism);
            assert_eq!(one.met, other.met, "seed {seed}, parallelism {parallelism}");
            assert_eq!(inspect::diff(&one.world, &other.world), []);
        }
    }
}

fn addresses(world: &World) -> Vec<&Address> {
    let mut addresses: Vec<_> = world.things().map(|thing| &thing.address).collect();
    addresses.sort();
    addresses
}

#[test]
fn faults_that_pass_leave_the_world_that_a_run_without_them_leaves() {
    let without = bring(&Faults::none(), 16, false);
    assert_eq!(without.runs, 1);
    for seed in 10..13 {
        let faults = Faults::seeded(seed, 0.25).kinds(FaultKind::PASSING);
        let with = bring(&faults, 16, false);
        with.world.assert_same(&without.world);
        with.world.assert_agrees(&with.state, []);
        let faults = Faults::seeded(seed, 0.25);
        let with = bring(&faults, 16, false);
        assert!(faults.reached().count(FaultKind::Permanent, Operation::Create) > 0 && with.runs > 1);
        // What failed for good without an effect is made anew under another identity.
        assert_eq!(addresses(&without.world), addresses(&with.world), "seed {seed}, with failures for good");
    }
}

#[test]
fn nothing_is_left_after_a_destroy_among_faults() {
    let retained: Vec<Uid> = bring(&Faults::none(), 16, true).world.things().map(|t| t.uid.clone()).collect();
    for seed in 20..24 {
        let left = bring(&Faults::seeded(seed, 0.25), 16, true);
        left.world.assert_nothing_left_but("dev/1", &retained);
        left.world.assert_agrees(&left.state, &retained);
    }
}
