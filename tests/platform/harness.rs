//! A platform on a simulated cloud, as a front end runs it: configuration in, plan, apply, and forks of what stands.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use skyplat::config::{PlatformConfig, Target, parse_config};
use skyplat::engine::{Control, Engine, EngineOptions, FinishedStatus, RunContext, RunReport};
use skyplat::executor::Executors;
use skyplat::mock::world::Thing;
use skyplat::mock::{MockCloud, MockOptions, World, inspect};
use skyplat::object::OnDelete;
use skyplat::plan::{Action, Plan, PlanOptions};
use skyplat::state::{LockOwner, MemoryStore, Stack, State, StateStore, StoreSession, Uid};
use skyplat::value::{Address, DigestKey};
use skyplat::workspace::{Description, FactChoice, Prepared, RunError, Workspace, unwatched};

/// The README's configuration.
pub(crate) const README: &str = include_str!("../../examples/hub_spoke.yaml");

/// One region with one cluster.
pub(crate) const STARTER: &str = "\
region: us-west-2
node_pools:
  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
";

/// Where tests put settings of the whole platform into the README's configuration.
pub(crate) const TOP: &str = "config:\n";

const SEED: u64 = 7;

/// A stack, the cloud it lives in and the store that knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) cloud: MockCloud,
    store: MemoryStore,
    parallelism: usize,
}

/// What a platform that stands consists of.
type Built = (Arc<World>, State);

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

/// Replaces one passage of a configuration, which must be there once.
pub(crate) fn edited(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} must occur once in\n{text}");
    text.replace(from, to)
}

/// The README's configuration with settings of the whole platform, such as `tags: {team: ml}`.
pub(crate) fn readme_with(settings: &str) -> String {
    edited(README, TOP, &format!("{TOP}  sp:{settings}\n"))
}

/// The README's platform without its first spoke.
pub(crate) fn without_us_east_1() -> String {
    let start = README.find("    - region: us-east-1").unwrap();
    let end = README.find("    - region: eu-west-1").unwrap();
    format!("{}{}", &README[..start], &README[end..])
}

impl Stand {
    /// An empty account.
    pub(crate) async fn new() -> Self {
        Self::of(World::new(SEED).into(), fresh()).await
    }

    /// A platform that stands. It is built once for every configuration and forked from there on.
    pub(crate) async fn standing(text: &str) -> Self {
        static BUILT: Mutex<BTreeMap<String, Arc<OnceLock<Built>>>> = Mutex::new(BTreeMap::new());
        let slot = {
            let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(built.entry(text.to_owned()).or_default())
        };
        let build = || async {
            let stand = Self::new().await;
            stand.up(text).await;
            (stand.cloud.world(), stand.state().await)
        };
        let (world, state) = slot.get_or_init(|| simulate(build)).clone();
        Self::of(world, state).await
    }

    async fn of(world: Arc<World>, state: State) -> Self {
        let options = MockOptions { seed: SEED, ..MockOptions::default() };
        let stand =
            Self { cloud: MockCloud::with_world(world, options), store: MemoryStore::new(), parallelism: 64 };
        drop(stand.store.lock(state, &owner()).await.unwrap());
        stand
    }

    /// The same platform in a world of its own.
    pub(crate) async fn fork(&self) -> Self {
        Self { parallelism: self.parallelism, ..Self::of(self.cloud.world(), self.state().await).await }
    }

    pub(crate) fn parallelism(self, parallelism: usize) -> Self {
        Self { parallelism, ..self }
    }

    pub(crate) async fn state(&self) -> State {
        self.store.load(STACK).await.unwrap().unwrap_or_else(fresh)
    }

    pub(crate) async fn session(&self) -> Box<dyn StoreSession> {
        self.store.lock(fresh(), &owner()).await.unwrap()
    }

    pub(crate) fn workspace(&self) -> Workspace {
        let parallelism = NonZeroUsize::new(self.parallelism).unwrap();
        Workspace {
            stack: STACK.into(),
            store: Arc::new(self.store.clone()),
            facts: Arc::new(self.cloud.clone()),
            engine: Engine::new(
                Executors::new().with(self.cloud.clone()),
                EngineOptions { parallelism, ..EngineOptions::default() },
            ),
            run: RunContext {
                run_id: "run".into(),
                seed: SEED,
                now: "2026-11-22T00:00:00Z".parse().unwrap(),
            },
        }
    }

    /// Plans what leads to a configuration; to nothing when there is none.
    pub(crate) async fn try_plan(&self, text: Option<&str>) -> Result<Prepared, RunError> {
        let (workspace, state) = (self.workspace(), self.state().await);
        let description = match text {
            Some(text) => workspace.describe(&config(text), &state.facts, FactChoice::Recorded).await?,
            None => Description::default(),
        };
        let observations = workspace.observe(&state, &Control::new(), &mut unwatched()).await?;
        let options = PlanOptions { destroy: text.is_none(), ..PlanOptions::default() };
        workspace.plan(description, &state, observations, &options)
    }

    pub(crate) async fn plan(&self, text: &str) -> Prepared {
        self.try_plan(Some(text)).await.unwrap()
    }

    pub(crate) async fn try_apply(
        &self,
        prepared: &Prepared,
        session: &mut dyn StoreSession,
    ) -> Result<RunReport, RunError> {
        self.workspace().apply(prepared, session, &Control::new(), &mut unwatched()).await
    }

    /// Applies what was planned, which must succeed in full.
    pub(crate) async fn apply(&self, prepared: &Prepared) -> RunReport {
        let mut session = self.session().await;
        let report = self.try_apply(prepared, session.as_mut()).await.unwrap();
        let failed: Vec<_> = report.failed().collect();
        assert_eq!(report.status, FinishedStatus::Succeeded, "{failed:#?}");
        report
    }

    /// Brings the platform to a configuration and checks that there is nothing left to do.
    pub(crate) async fn up(&self, text: &str) -> Prepared {
        let prepared = self.plan(text).await;
        self.apply(&prepared).await;
        self.is_settled(text).await;
        prepared
    }

    /// Checks that a plan finds nothing to do, and that nothing refers to what is gone.
    pub(crate) async fn is_settled(&self, text: &str) {
        let again = self.plan(text).await.plan;
        assert!(!again.has_work(), "a second plan is not empty: {:#?}", work(&again));
        let dangling = inspect::dangling(&self.cloud.world());
        assert!(dangling.is_empty(), "{dangling:?}");
    }

    /// What a destroy leaves behind because it is to.
    pub(crate) async fn retained(&self) -> BTreeSet<Uid> {
        let state = self.state().await;
        let stays = state.records().filter(|record| record.node.on_delete != OnDelete::Delete);
        stays.map(|record| record.uid.clone()).collect()
    }

    /// Destroys the platform and checks that only what is to be retained is left.
    pub(crate) async fn down(&self) {
        let retained = self.retained().await;
        self.down_to(&retained).await;
    }

    /// Destroys what is left of a platform and checks that only this stays.
    pub(crate) async fn down_to(&self, retained: &BTreeSet<Uid>) {
        let prepared = self.try_plan(None).await.unwrap();
        self.apply(&prepared).await;
        assert!(self.state().await.is_empty());
        let world = self.cloud.world();
        let stays = |thing: &Thing| retained.contains(&thing.uid) || thing.address.as_str() == SERVERS_VOLUME;
        let left: Vec<_> = world.things().filter(|thing| !stays(thing)).collect();
        assert!(left.is_empty(), "{left:#?}");
    }
}

const STACK: &str = "dev";

/// What people keep on the API server stays when the platform goes.
const SERVERS_VOLUME: &str = "hub/api-server/release/persistentvolumeclaim-skypilot-state/volume";

fn owner() -> LockOwner {
    LockOwner {
        who: "test".into(),
        process: 1,
        operation: "test".into(),
        run_id: "run".into(),
        since: String::new(),
    }
}

fn fresh() -> State {
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

/// The steps that change an object, as `action address`.
pub(crate) fn changes(plan: &Plan) -> BTreeSet<String> {
    let changes = plan.steps.iter().filter(|step| step.action.is_change());
    changes.map(|step| format!("{} {}", step.action, step.address)).collect()
}

/// Fails with the reasons when a plan changes other things than these: lines of `action address`, where `{a,b}` is each
/// of them and a last `*` is whatever follows.
pub(crate) fn assert_changes(what: &str, plan: &Plan, wanted: &[&str]) {
    let found = changes(plan);
    let patterns: Vec<String> = wanted.iter().flat_map(|line| expand(line)).collect();
    let fits = |pattern: &str, line: &str| match pattern.strip_suffix('*') {
        Some(start) => line.starts_with(start),
        None => line == pattern,
    };
    let extra: Vec<&String> =
        found.iter().filter(|line| !patterns.iter().any(|pattern| fits(pattern, line))).collect();
    let missing: Vec<&String> =
        patterns.iter().filter(|pattern| !found.iter().any(|line| fits(pattern, line))).collect();
    let why: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| extra.contains(&&format!("{} {}", step.action, step.address)))
        .map(|step| format!("{}: {:?}", step.address, step.reasons))
        .collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "{what}: too many {extra:#?}, missing {missing:#?}, because {why:#?}"
    );
}

/// Writes out every `{a,b}` of a line.
fn expand(line: &str) -> Vec<String> {
    let Some((before, rest)) = line.split_once('{') else { return vec![line.to_owned()] };
    let (choices, after) = rest.split_once('}').unwrap();
    choices.split(',').flat_map(|choice| expand(&format!("{before}{choice}{after}"))).collect()
}

/// The objects that a plan does this with.
pub(crate) fn addresses(plan: &Plan, action: Action) -> BTreeSet<&str> {
    let steps = plan.steps.iter().filter(|step| step.action == action);
    steps.map(|step| step.address.as_str()).collect()
}

/// Turns the steps of an edit into those of its undoing.
pub(crate) fn reversed(wanted: &[&str]) -> Vec<String> {
    let swap = |line: &str| match line.split_once(' ').unwrap() {
        ("create", address) => format!("delete {address}"),
        ("delete", address) => format!("create {address}"),
        _ => line.to_owned(),
    };
    wanted.iter().map(|line| swap(line)).collect()
}

/// Which tasks wait for which, directly or through others.
pub(crate) struct Waits<'a> {
    plan: &'a Plan,
    behind: Vec<BTreeSet<usize>>,
}

impl<'a> Waits<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let mut behind: Vec<BTreeSet<usize>> = Vec::with_capacity(plan.tasks.len());
        for task in &plan.tasks {
            let mut all: BTreeSet<usize> = task.after.iter().copied().collect();
            for before in &task.after {
                all.extend(&behind[*before]);
            }
            behind.push(all);
        }
        Self { plan, behind }
    }

    fn tasks(&self, pattern: &str) -> Vec<usize> {
        let (action, address) = pattern.split_once(' ').unwrap();
        let fits = |found: &Address| match address.strip_suffix('*') {
            Some(start) => found.as_str().starts_with(start),
            None => found.as_str() == address,
        };
        let found: Vec<usize> = (0..self.plan.tasks.len())
            .filter(|at| {
                let step = &self.plan.steps[self.plan.tasks[*at].step];
                step.action.to_string() == action && fits(&step.address)
            })
            .collect();
        assert!(!found.is_empty(), "no {pattern} in {:#?}", changes(self.plan));
        found
    }

    /// Fails unless every task of the later step waits for every task of the earlier one.
    pub(crate) fn assert_before(&self, earlier: &str, later: &str) {
        for one in self.tasks(earlier) {
            for other in self.tasks(later) {
                let name = |at: usize| &self.plan.steps[self.plan.tasks[at].step].address;
                assert!(
                    self.behind[other].contains(&one),
                    "{later} ({}) does not wait for {earlier} ({})",
                    name(other),
                    name(one)
                );
            }
        }
    }

    /// Fails when a task of one step waits for a task of another.
    pub(crate) fn assert_free(&self, later: &str, earlier: &str) {
        for one in self.tasks(earlier) {
            for other in self.tasks(later) {
                assert!(!self.behind[other].contains(&one), "{later} waits for {earlier}");
            }
        }
    }
}
