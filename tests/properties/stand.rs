//! A stack on a simulated cloud, and what can be seen of its runs from outside.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use skyplat::config::{PlatformConfig, Target, parse_config};
use skyplat::engine::{Control, Engine, EngineOptions, Event, FinishedStatus, RunContext, RunReport};
use skyplat::executor::{Executor, Executors};
use skyplat::mock::{MockCloud, MockOptions, World, inspect};
use skyplat::plan::{Action, Plan, PlanOptions};
use skyplat::state::{LockOwner, MemoryStore, Stack, State, StateStore, StoreSession};
use skyplat::value::{Address, DigestKey};
use skyplat::workspace::{Description, FactChoice, Prepared, RunError, Workspace, unwatched};

use crate::watch::{Log, Watched};

/// The README's configuration.
pub(crate) const README: &str = include_str!("../../examples/hub_spoke.yaml");

/// One region with one cluster.
pub(crate) const STARTER: &str = "\
region: us-west-2
node_pools:
  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
";

const SEED: u64 = 7;
const STACK: &str = "dev";

/// Runs a test on virtual time.
pub(crate) fn simulate<F, Fut>(test: F) -> Fut::Output
where
    F: FnOnce() -> Fut + Send,
    Fut: Future,
    Fut::Output: Send,
{
    skyplat::mock::simulate(test).unwrap()
}

/// Reads a configuration that must be sound.
pub(crate) fn config(text: &str) -> PlatformConfig {
    match parse_config("test.yaml", text.as_bytes(), Target::Simulated) {
        Ok(parsed) => parsed.config,
        Err(report) => panic!("{}\n{text}", report.render()),
    }
}

/// A stack, the cloud it lives in and the store that knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) cloud: MockCloud,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) parallelism: usize,
}

/// One run, as seen from outside.
#[derive(Debug)]
pub(crate) struct Run {
    /// The state before it.
    pub(crate) before: State,
    pub(crate) prepared: Prepared,
    pub(crate) report: RunReport,
    pub(crate) events: Vec<Event>,
    pub(crate) log: Log,
}

impl Stand {
    /// An empty account.
    pub(crate) fn new() -> Self {
        Self::with_store(Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with_store(store: Arc<dyn StateStore>) -> Self {
        Self { cloud: cloud(World::new(SEED).into()), store, parallelism: 64 }
    }

    /// The same platform in a world of its own.
    pub(crate) async fn fork(&self) -> Self {
        Self::of(self.cloud.world(), self.state().await, self.parallelism).await
    }

    async fn of(world: Arc<World>, state: State, parallelism: usize) -> Self {
        let stand = Self { cloud: cloud(world), store: Arc::new(MemoryStore::new()), parallelism };
        drop(stand.store.lock(state, &owner()).await.unwrap());
        stand
    }

    pub(crate) fn parallelism(self, parallelism: usize) -> Self {
        Self { parallelism, ..self }
    }

    /// The world when its controllers have done what they had still to do: nodes that come up, interfaces that go.
    pub(crate) async fn world(&self) -> World {
        tokio::time::sleep(Duration::from_hours(1)).await;
        self.cloud.catch_up();
        Arc::unwrap_or_clone(self.cloud.world())
    }

    pub(crate) async fn state(&self) -> State {
        self.store.load(STACK).await.unwrap().unwrap_or_else(fresh)
    }

    pub(crate) async fn session(&self) -> Box<dyn StoreSession> {
        self.store.lock(fresh(), &owner()).await.unwrap()
    }

    pub(crate) fn options(&self) -> EngineOptions {
        let parallelism = NonZeroUsize::new(self.parallelism).unwrap();
        // A step that is slowed down again and again is not given up for that.
        EngineOptions { parallelism, deadline: Duration::from_hours(12), ..EngineOptions::default() }
    }

    /// A workspace whose objects are made by an executor, such as one that stands before the cloud.
    pub(crate) fn workspace(&self, executor: impl Executor + 'static) -> Workspace {
        Workspace {
            stack: STACK.into(),
            store: Arc::clone(&self.store),
            facts: Arc::new(self.cloud.clone()),
            engine: Engine::new(Executors::new().with(executor), self.options()),
            run: RunContext {
                run_id: "run".into(),
                seed: SEED,
                now: "2026-11-22T00:00:00Z".parse().unwrap(),
            },
        }
    }

    /// Says what a configuration wants; nothing when there is none.
    pub(crate) async fn describe(&self, text: Option<&str>) -> Result<Description, RunError> {
        let Some(text) = text else { return Ok(Description::default()) };
        let facts = self.state().await.facts;
        self.workspace(self.cloud.clone()).describe(&config(text), &facts, FactChoice::Recorded).await
    }

    /// Plans what leads to a configuration, to nothing when there is none; narrowed to targets when there are any.
    pub(crate) async fn try_plan(
        &self,
        text: Option<&str>,
        targets: &[Address],
    ) -> Result<Prepared, RunError> {
        let description = self.describe(text).await?;
        self.plan_of(description, text.is_none(), targets).await
    }

    pub(crate) async fn plan_of(
        &self,
        description: Description,
        destroy: bool,
        targets: &[Address],
    ) -> Result<Prepared, RunError> {
        let (workspace, state) = (self.workspace(self.cloud.clone()), self.state().await);
        let observations = workspace.observe(&state, &Control::new(), &mut unwatched()).await?;
        let options = PlanOptions { destroy, targets: targets.to_vec(), ..PlanOptions::default() };
        workspace.plan(description, &state, observations, &options)
    }

    pub(crate) async fn plan(&self, text: &str) -> Prepared {
        self.try_plan(Some(text), &[]).await.unwrap()
    }

    /// Applies what was planned through an executor.
    pub(crate) async fn apply_through(
        &self,
        executor: impl Executor + 'static,
        prepared: &Prepared,
    ) -> Result<RunReport, RunError> {
        let mut session = self.session().await;
        let workspace = self.workspace(executor);
        workspace.apply(prepared, session.as_mut(), &Control::new(), &mut unwatched()).await
    }

    /// Applies what was planned, which must succeed in full, and writes down what happens.
    pub(crate) async fn run(&self, prepared: Prepared) -> Run {
        let before = self.state().await;
        let (watched, log) = Watched::new(self.cloud.clone());
        let mut events = Vec::new();
        let mut session = self.session().await;
        let report = self
            .workspace(watched)
            .apply(&prepared, session.as_mut(), &Control::new(), &mut |event| events.push(event))
            .await
            .unwrap();
        succeeded(&report);
        Run { before, prepared, report, events, log }
    }

    /// Brings the platform to a configuration.
    pub(crate) async fn up(&self, text: &str) -> Run {
        let prepared = self.plan(text).await;
        self.run(prepared).await
    }

    /// Takes the platform down.
    pub(crate) async fn down(&self) -> Run {
        let prepared = self.try_plan(None, &[]).await.unwrap();
        self.run(prepared).await
    }

    /// Checks that a plan finds nothing to do, and that nothing refers to what is gone.
    pub(crate) async fn is_settled(&self, text: &str) {
        let again = self.plan(text).await.plan;
        assert!(!again.has_work(), "a second plan is not empty: {:#?}", work(&again));
        let dangling = inspect::dangling(&self.cloud.world());
        assert!(dangling.is_empty(), "{dangling:?}");
    }
}

fn cloud(world: Arc<World>) -> MockCloud {
    MockCloud::with_world(world, MockOptions { seed: SEED, ..MockOptions::default() })
}

pub(crate) fn succeeded(report: &RunReport) {
    let failed: Vec<_> = report.failed().collect();
    assert_eq!(report.status, FinishedStatus::Succeeded, "{failed:#?}");
}

fn owner() -> LockOwner {
    LockOwner {
        who: "test".into(),
        process: 1,
        operation: "test".into(),
        run_id: "run".into(),
        since: String::new(),
    }
}

pub(crate) fn fresh() -> State {
    State::new(Stack { name: STACK.into(), id: "0001".into() }, DigestKey::new([7; 32]))
}

/// Every step that does anything, for messages.
pub(crate) fn work(plan: &Plan) -> Vec<String> {
    let works = |step: &&skyplat::plan::Step| step.action != Action::Keep || step.bookkeeping;
    plan.steps
        .iter()
        .filter(works)
        .map(|step| format!("{} {} {:?}", step.action, step.address, step.reasons))
        .collect()
}

/// Fails unless two worlds are the same.
pub(crate) fn assert_same(what: &str, one: &World, other: &World) {
    let differences = inspect::diff(one, other);
    assert!(differences.is_empty(), "{what}: {differences:#?}");
}
