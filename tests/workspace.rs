//! A workspace over its whole life, embedded: what someone changes behind our back is seen, taken over or put right.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

use std::sync::Arc;

use skyplat::config::PlatformConfig;
use skyplat::drift::{Finding, accept_drift, find_drift};
use skyplat::engine::{Control, FinishedStatus};
use skyplat::mock::world::{Change, Effect, Record};
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::plan::{Action, Observations, PlanOptions, Why};
use skyplat::prelude::*;
use skyplat::state::{LockOwner, Stack, StoreSession};
use skyplat::value::DigestKey;
use skyplat::workspace::{Description, FactChoice, Prepared, unwatched};

const STARTER: &[u8] = b"region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";

fn config() -> PlatformConfig {
    parse_config("starter.yaml", STARTER, Target::Simulated).unwrap().config
}

fn workspace(cloud: MockCloud, store: Arc<dyn StateStore>) -> Workspace {
    Workspace {
        stack: "dev".to_owned(),
        store,
        facts: Arc::new(cloud.clone()),
        engine: Engine::new(Executors::new().with(cloud), EngineOptions::default()),
        run: RunContext { run_id: "test".to_owned(), seed: 0, now: "2026-11-22T00:00:00Z".parse().unwrap() },
    }
}

async fn lock(workspace: &Workspace) -> Box<dyn StoreSession> {
    let stack = Stack { name: "dev".to_owned(), id: "0".to_owned() };
    let owner = LockOwner {
        who: "tests".to_owned(),
        process: 1,
        operation: "test".to_owned(),
        run_id: "test".to_owned(),
        since: String::new(),
    };
    workspace.lock(State::new(stack, DigestKey::new([0; 32])), &owner).await.unwrap()
}

async fn prepare(workspace: &Workspace, state: &State, observations: Observations) -> Prepared {
    let described = workspace.describe(&config(), &state.facts, FactChoice::Recorded).await.unwrap();
    workspace.plan(described, state, observations, &PlanOptions::default()).unwrap()
}

async fn apply(workspace: &Workspace, session: &mut dyn StoreSession, prepared: &Prepared) {
    let report = workspace.apply(prepared, session, &Control::new(), &mut unwatched()).await.unwrap();
    assert_eq!(report.status, FinishedStatus::Succeeded, "{:?}", report.failed().collect::<Vec<_>>());
}

async fn observe(workspace: &Workspace, state: &State) -> Observations {
    workspace.observe(state, &Control::new(), &mut unwatched()).await.unwrap()
}

/// Returns the cloud after someone renamed the VPC and deleted a route.
fn meddled_with(cloud: &MockCloud) -> MockCloud {
    let mut world = Arc::unwrap_or_clone(cloud.world());
    let vpc = world.of_kind("ec2.vpc").next().unwrap().clone();
    let route = world.of_kind("ec2.route").next().unwrap().uid.clone();
    let mut inputs = vpc.inputs.clone();
    inputs.set("tags", skyplat::tree!({ "Name": "renamed" }));
    let change = Change {
        address: vpc.address.clone(),
        inputs,
        natural_key: vpc.natural_key.clone(),
        outputs: vpc.outputs.clone(),
        tags: vpc.tags.clone(),
        lives_in: vpc.lives_in.clone(),
        until: world.clock(),
    };
    let at = world.clock();
    world.apply(&Record { at, effect: Effect::Changed { uid: vpc.uid.clone(), change: Box::new(change) } });
    world.apply(&Record { at, effect: Effect::Ready { uid: vpc.uid } });
    world.apply(&Record { at, effect: Effect::Gone { uid: route } });
    MockCloud::with_world(world, MockOptions::default())
}

#[test]
fn drift_is_found_by_field_and_an_apply_puts_it_right() {
    simulate(|| async {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::new());
        let cloud = MockCloud::in_memory(MockOptions::default());
        let first = workspace(cloud.clone(), Arc::clone(&store));
        let mut session = lock(&first).await;
        let prepared = prepare(&first, session.state(), Observations::none()).await;
        apply(&first, session.as_mut(), &prepared).await;

        let later = workspace(meddled_with(&cloud), Arc::clone(&store));
        let observations = observe(&later, session.state()).await;
        let found = find_drift(session.state(), &observations);
        let kinds: Vec<&str> = found.iter().map(|drift| drift.kind.as_str()).collect();
        assert_eq!(kinds, ["ec2.route", "ec2.vpc"]);
        assert_eq!(found[0].finding, Finding::Missing);
        let Finding::Changed(changes) = &found[1].finding else { panic!("{:?}", found[1]) };
        assert!(changes.iter().any(|change| change.path.to_string() == "tags.Name"), "{changes:?}");

        let repair = prepare(&later, session.state(), observations).await;
        let summary = repair.plan.summary;
        assert_eq!((summary.create, summary.update, summary.replace, summary.delete), (1, 1, 0, 0));
        let update = repair.plan.steps.iter().find(|step| step.action == Action::Update).unwrap();
        assert!(update.reasons.iter().all(|reason| reason.why == Why::Drifted), "{:?}", update.reasons);
        apply(&later, session.as_mut(), &repair).await;
        let observations = observe(&later, session.state()).await;
        assert!(find_drift(session.state(), &observations).is_empty());
    })
    .unwrap();
}

#[test]
fn drift_that_is_accepted_is_recorded_and_the_plan_goes_back_to_the_description() {
    simulate(|| async {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::new());
        let cloud = MockCloud::in_memory(MockOptions::default());
        let first = workspace(cloud.clone(), Arc::clone(&store));
        let mut session = lock(&first).await;
        let prepared = prepare(&first, session.state(), Observations::none()).await;
        apply(&first, session.as_mut(), &prepared).await;

        let later = workspace(meddled_with(&cloud), Arc::clone(&store));
        let observations = observe(&later, session.state()).await;
        let found = find_drift(session.state(), &observations);
        let entries = accept_drift(session.state(), &observations, &found);
        session.append(&entries).await.unwrap();
        let observations = observe(&later, session.state()).await;
        assert!(find_drift(session.state(), &observations).is_empty(), "the records follow the world");
        let plan = prepare(&later, session.state(), observations).await.plan;
        assert_eq!(
            (plan.summary.create, plan.summary.update),
            (1, 1),
            "the description still wants the old ones"
        );
    })
    .unwrap();
}

#[test]
fn a_saved_plan_is_the_same_plan_until_the_state_moves_on() {
    simulate(|| async {
        let cloud = MockCloud::in_memory(MockOptions::default());
        let workspace = workspace(cloud, Arc::new(MemoryStore::new()));
        let mut session = lock(&workspace).await;
        let prepared = prepare(&workspace, session.state(), Observations::none()).await;
        let file = workspace.plan_file(&prepared, session.state(), &PlanOptions::default()).unwrap();
        let digest = workspace.digest(&prepared, session.state(), &PlanOptions::default()).unwrap();
        assert_eq!(digest, file.digest);
        let again = workspace.prepare_saved(file.clone(), session.state()).unwrap();
        assert_eq!(again.plan, prepared.plan);
        apply(&workspace, session.as_mut(), &again).await;
        let error = workspace.prepare_saved(file, session.state()).unwrap_err();
        assert!(error.to_string().contains("stale"), "{error}");
    })
    .unwrap();
}

#[test]
fn a_destroy_empties_world_and_state() {
    simulate(|| async {
        let cloud = MockCloud::in_memory(MockOptions::default());
        let workspace = workspace(cloud.clone(), Arc::new(MemoryStore::new()));
        let mut session = lock(&workspace).await;
        let prepared = prepare(&workspace, session.state(), Observations::none()).await;
        apply(&workspace, session.as_mut(), &prepared).await;
        assert!(!cloud.world().is_empty());
        let options = PlanOptions { destroy: true, ..PlanOptions::default() };
        let prepared =
            workspace.plan(Description::default(), session.state(), Observations::none(), &options).unwrap();
        apply(&workspace, session.as_mut(), &prepared).await;
        assert!(session.state().is_empty() && cloud.world().is_empty(), "{:?}", cloud.world());
    })
    .unwrap();
}
