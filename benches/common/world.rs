//! A world in which every call succeeds at once, and a run in it: what is left is the engine's own cost.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use async_trait::async_trait;
use skyplat::engine::{Control, Engine, EngineOptions, Event, FinishedStatus, RunContext, Work};
use skyplat::executor::{
    Created, Deleted, Desired, ExecError, Executor, Executors, Observed, Op, OutputMap, Recorded,
};
use skyplat::facts::Facts;
use skyplat::graph::ObjectGraph;
use skyplat::object::ObjectKind;
use skyplat::plan::{Observations, Plan};
use skyplat::state::{LockOwner, State, StateStore, StoreSession};
use skyplat::tree;

#[derive(Debug)]
struct Instantly;

fn outputs(id: &str) -> OutputMap {
    BTreeMap::from([("id".to_owned(), tree!(id))])
}

#[async_trait]
impl Executor for Instantly {
    fn name(&self) -> &'static str {
        "instantly"
    }

    fn supports(&self, _: &ObjectKind) -> bool {
        true
    }

    async fn read(&self, _: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let present = |object: &Recorded| Observed::Present {
            inputs: object.inputs.clone(),
            outputs: object.outputs.clone(),
        };
        objects.iter().map(|object| Ok(present(object))).collect()
    }

    async fn find(&self, _: &Op, _: &Desired) -> Result<Option<Created>, ExecError> {
        Ok(None)
    }

    async fn create(&self, _: &Op, object: &Desired) -> Result<Created, ExecError> {
        let id = format!("id-{}", object.uid);
        Ok(Created { outputs: outputs(&id), id })
    }

    async fn update(&self, _: &Op, old: &Recorded, _: &Desired) -> Result<OutputMap, ExecError> {
        Ok(old.outputs.clone())
    }

    async fn delete(&self, _: &Op, _: &Recorded) -> Result<Deleted, ExecError> {
        Ok(Deleted::Deleted)
    }
}

/// Locks the bench's stack, which is made from `fresh` if there is none.
pub(crate) async fn lock(store: &dyn StateStore, fresh: State) -> Box<dyn StoreSession> {
    let owner = LockOwner {
        who: "bench".to_owned(),
        process: std::process::id(),
        operation: "bench".to_owned(),
        run_id: "bench".to_owned(),
        since: String::new(),
    };
    store.lock(fresh, &owner).await.expect("nobody else has the stack")
}

/// The executors of a world in which every call succeeds at once.
pub(crate) fn instantly() -> Executors {
    Executors::new().with(Instantly)
}

/// Applies a plan to a stack that is locked, and returns how many events that gave.
pub(crate) async fn apply(
    session: &mut dyn StoreSession,
    plan: &Plan,
    graph: &ObjectGraph,
    executors: &Executors,
) -> usize {
    let parallelism = NonZeroUsize::new(64).expect("64 is not zero");
    let engine = Engine::new(executors.clone(), EngineOptions { parallelism, ..EngineOptions::default() });
    let (facts, observations) = (Facts::default(), Observations::none());
    let work = Work { plan, graph, facts: &facts, observations: &observations };
    let context = RunContext { run_id: "bench".to_owned(), seed: 0, now: jiff::Timestamp::UNIX_EPOCH };
    let mut events = 0;
    let mut count = |_: Event| events += 1;
    let report = engine.apply(work, session, &context, &Control::new(), &mut count).await;
    let report = report.expect("the plan is of this state");
    assert_eq!(report.status, FinishedStatus::Succeeded);
    events
}

/// Does both where every call succeeds at once, on a stack that is made from `fresh`.
pub(crate) async fn lock_and_apply(
    store: &dyn StateStore,
    fresh: State,
    plan: &Plan,
    graph: &ObjectGraph,
) -> usize {
    let mut session = lock(store, fresh).await;
    apply(session.as_mut(), plan, graph, &instantly()).await
}
