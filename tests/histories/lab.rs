//! A stack under test: the real planner and engine, a store in memory, a simulated cloud that goes wrong on a schedule,
//! and witnesses between them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use skyplat::engine::{
    Control, Engine, EngineError, EngineOptions, Event, Rate, RateLimits, RunContext, RunReport, Work,
};
use skyplat::executor::Executors;
use skyplat::facts::Facts;
use skyplat::graph::ObjectGraph;
use skyplat::ids::AccountId;
use skyplat::mock::drift::Foreign;
use skyplat::mock::faults::{Faults, Faulty};
use skyplat::mock::{Catalogue, MockCloud, MockOptions, World};
use skyplat::object::Placement;
use skyplat::plan::{LatencyTable, Move, Observations, Plan, PlanError, PlanInput, PlanOptions, build_plan};
use skyplat::state::{Entry, LockOwner, MemoryStore, Stack, State, StateStore, StoreSession, Uid};
use skyplat::value::{Address, DigestKey, Key, Map, Tree};
use tokio::sync::oneshot;

use crate::graphs::LATENCIES;
use crate::model::{DEAD, Picture};
use crate::watch::{Item, Log, Room, Session, Witness};

/// How a run comes to its end before it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It does not.
    Never,
    /// The process is killed when so many entries are in the journal.
    KilledAfter(usize),
    /// The power fails when so many entries were written; what was not synced is lost.
    DarkAfter(usize),
    /// The disk is full after so many entries.
    FullAfter(usize),
    /// The process is killed after this many thousandths of the forecast.
    KilledAt(u32),
    /// It is told to end then.
    Drained(u32),
    /// It is told to end then, and at once.
    Stopped(u32),
}

/// What limits a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) parallelism: usize,
    /// The time that one call uses up, in milliseconds, and how many may be made at once.
    pub(crate) rate: (u64, u32),
}

/// What a run is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'a> {
    /// What is wanted; none for a destroy.
    pub(crate) graph: Option<&'a ObjectGraph>,
    pub(crate) moved: &'a [(String, String)],
    pub(crate) targets: Vec<String>,
    pub(crate) refresh: bool,
    pub(crate) cut: Cut,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum End {
    Reported(RunReport),
    /// The journal could not be written.
    Unwritten,
    Killed,
}

/// A run and all that it did.
#[derive(Debug)]
pub(crate) struct Ran<'a> {
    pub(crate) plan: Plan,
    pub(crate) graph: Cow<'a, ObjectGraph>,
    pub(crate) before: State,
    pub(crate) items: Vec<Item>,
    pub(crate) end: End,
    pub(crate) after: State,
    pub(crate) limits: Limits,
}

impl Ran<'_> {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.items.iter().filter_map(|item| match item {
            Item::Event(event) => Some(&**event),
            _ => None,
        })
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(entry) => Some(&**entry),
            _ => None,
        })
    }
}

/// What does not change from one history to the next.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    latencies: LatencyTable,
    options: MockOptions,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let catalogue = Catalogue {
            regions: ["us-west-2".to_owned()].into(),
            managed_policies: BTreeSet::new(),
            access_policies: BTreeSet::new(),
            kubernetes_versions: BTreeSet::new(),
            addons: BTreeSet::new(),
            charts: BTreeSet::new(),
            instance_families: BTreeSet::new(),
            ami_release: String::new(),
            ..Catalogue::default()
        };
        let latencies = LatencyTable::from_json(LATENCIES).expect("the table is sound");
        let options = MockOptions { latencies: latencies.clone(), catalogue, ..MockOptions::default() };
        Self { latencies, options }
    }
}

/// A stack and its cloud.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) cloud: MockCloud,
    pub(crate) faults: Faults,
    pub(crate) limits: Limits,
    ground: Ground,
    store: MemoryStore,
    log: Log,
    seed: u64,
}

const STACK: &str = "dev";

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

impl Lab {
    pub(crate) fn new(ground: &Ground, seed: u64, limits: Limits) -> Self {
        let options = MockOptions { seed, ..ground.options.clone() };
        Self {
            cloud: MockCloud::with_world(World::new(seed), options),
            faults: Faults::seeded(seed, 0.0),
            limits,
            ground: ground.clone(),
            store: MemoryStore::new(),
            log: Log::default(),
            seed,
        }
    }

    fn engine(&self) -> Engine {
        let faulty = Faulty::new(self.cloud.clone(), self.faults.clone());
        let witness = Witness { inner: Arc::new(faulty), log: self.log.clone() };
        let (every, burst) = self.limits.rate;
        let rate = Rate { every: Duration::from_millis(every), burst };
        let options = EngineOptions {
            parallelism: NonZeroUsize::new(self.limits.parallelism).expect("it is never none"),
            rates: RateLimits { default: rate, services: BTreeMap::new() },
            ..EngineOptions::default()
        };
        Engine::new(Executors::new().with(witness), options)
    }

    fn context(&self) -> RunContext {
        RunContext { seed: self.seed, ..RunContext::fixed("run") }
    }

    pub(crate) async fn state(&self) -> State {
        self.store.load(STACK).await.expect("a memory store can be read").unwrap_or_else(fresh)
    }

    async fn session(&self) -> Box<dyn StoreSession> {
        self.store.lock(fresh(), &owner()).await.expect("nobody else works on the stack")
    }

    /// Looks at everything that is recorded.
    pub(crate) async fn look(&self, state: &State) -> Observations {
        let events = self.log.clone();
        let mut sink = move |event: Event| {
            events.push(Item::Event(Box::new(event)));
        };
        let looked = self.engine().refresh(state, &self.context(), &Control::new(), &mut sink).await;
        looked.expect("nobody cancels it")
    }

    /// Takes what was seen into the state.
    pub(crate) async fn accept(&self, observations: &Observations) -> Vec<Entry> {
        let mut session = self.session().await;
        let entries = skyplat::engine::accept(session.state(), observations);
        session.append(&entries).await.expect("what was seen can be recorded");
        entries
    }

    /// Makes a plan.
    pub(crate) fn plan(
        &self,
        asked: &Asked<'_>,
        state: &State,
        observations: &Observations,
    ) -> Result<Plan, Box<PlanError>> {
        let nothing = ObjectGraph::default();
        let options = PlanOptions {
            destroy: asked.graph.is_none(),
            targets: asked.targets.iter().map(|target| Address::new(target.clone())).collect(),
            moved: asked
                .moved
                .iter()
                .map(|(from, to)| Move { from: Address::new(from.clone()), to: Address::new(to.clone()) })
                .collect(),
            latencies: self.ground.latencies.clone(),
        };
        let graph = asked.graph.unwrap_or(&nothing);
        build_plan(PlanInput { graph, state, observations, options: &options }).map_err(Box::new)
    }

    /// Looks, plans and applies.
    pub(crate) async fn run<'a>(&self, asked: &Asked<'a>) -> Result<Ran<'a>, Box<PlanError>> {
        self.run_from(self.state().await, asked).await
    }

    /// Does the same from the state that is known to be recorded.
    pub(crate) async fn run_from<'a>(
        &self,
        before: State,
        asked: &Asked<'a>,
    ) -> Result<Ran<'a>, Box<PlanError>> {
        let observations = if asked.refresh { self.look(&before).await } else { Observations::none() };
        let plan = self.plan(asked, &before, &observations)?;
        let graph = asked.graph.map_or_else(|| Cow::Owned(ObjectGraph::default()), Cow::Borrowed);
        let end = self.apply(&plan, &graph, &observations, asked.cut).await;
        let after = self.state().await;
        Ok(Ran { plan, graph, before, items: self.log.take(), end, after, limits: self.limits })
    }

    async fn apply(&self, plan: &Plan, graph: &ObjectGraph, observations: &Observations, cut: Cut) -> End {
        let (tell, over) = oneshot::channel();
        let room = match cut {
            Cut::KilledAfter(entries) => Room::Killed(entries, Some(tell)),
            Cut::DarkAfter(entries) => Room::Dark(entries, Some(tell)),
            Cut::FullAfter(entries) => Room::Full(entries),
            _ => Room::Endless,
        };
        let (inner, log) = (self.session().await, self.log.clone());
        let mut session = Session { inner, log, room, unsynced: Vec::new() };
        let (engine, context, control, facts) =
            (self.engine(), self.context(), Control::new(), Facts::default());
        let work = Work { plan, graph, facts: &facts, observations };
        let events = self.log.clone();
        let mut sink = move |event: Event| {
            events.push(Item::Event(Box::new(event)));
        };
        let thousandths =
            |part: u32| Duration::from_secs_f64(plan.forecast.duration_s * f64::from(part) / 1000.0);
        let run = engine.apply(work, &mut session, &context, &control, &mut sink);
        let ended = match cut {
            Cut::Never | Cut::FullAfter(_) => run.await,
            Cut::KilledAfter(_) | Cut::DarkAfter(_) => tokio::select! {
                biased;
                report = run => report,
                // Without a sender nobody is killed any more.
                Err(_) = over => return End::Killed,
            },
            Cut::KilledAt(part) => match tokio::time::timeout(thousandths(part), run).await {
                Ok(report) => report,
                Err(_) => return End::Killed,
            },
            Cut::Drained(part) | Cut::Stopped(part) => {
                let told = async {
                    tokio::time::sleep(thousandths(part)).await;
                    if matches!(cut, Cut::Stopped(_)) {
                        control.stop();
                    } else {
                        control.drain();
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    biased;
                    report = run => report,
                    () = told => unreachable!("it waits for ever"),
                }
            }
        };
        match ended {
            Ok(report) => End::Reported(report),
            Err(EngineError::Journal(_)) => End::Unwritten,
            Err(error) => panic!("a run cannot be begun: {error}"),
        }
    }

    /// Shows the world of what is recorded.
    pub(crate) fn picture(&self, state: &State) -> Picture {
        picture(&self.cloud.world(), state)
    }

    /// Changes a number of an object behind our back. What is not there stays so.
    pub(crate) fn change(&self, uid: &Uid, field: &str, number: u64) {
        drop(self.cloud.by_hand().set(uid, field, Tree::Number(number.into())));
    }

    /// Deletes an object, and all that lives in it, behind our back.
    pub(crate) fn lose(&self, uid: &Uid) {
        drop(self.cloud.by_hand().delete(uid));
    }

    /// Makes a thing of someone else's. Returns its identity.
    pub(crate) fn stranger(&self, number: usize) -> Uid {
        let placement = Placement {
            account: AccountId::new(skyplat::mock::catalogue::ACCOUNT),
            region: Some("us-west-2".into()),
            container: None,
        };
        let theirs = Foreign {
            name: format!("theirs-{number}"),
            kind: "test.thing".into(),
            placement,
            inputs: Tree::map(),
            natural_key: None,
        };
        self.cloud.by_hand().add(theirs).expect("nothing is in its way").uid
    }
}

/// Shows the world of what is recorded, in the words of the model.
pub(crate) fn picture(world: &World, state: &State) -> Picture {
    let live = state.objects.iter().filter_map(|(address, record)| Some((address, world.get(&record.uid)?)));
    let names: BTreeMap<&str, String> =
        live.clone().map(|(address, thing)| (thing.id.as_str(), format!("@{address}"))).collect();
    live.map(|(address, thing)| (address.to_string(), words(&thing.inputs, &names))).collect()
}

fn words(inputs: &Tree, names: &BTreeMap<&str, String>) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| DEAD.to_owned());
    let word = |tree: &Tree| match tree {
        Tree::Number(number) => number.to_string(),
        Tree::String(id) => name(id),
        Tree::Secret(arn) => {
            format!("password of {}", name(arn.expose().rsplit('/').next().unwrap_or_default()))
        }
        other => format!("{other:?}"),
    };
    let nothing = Map::new();
    for (key, value) in inputs.as_map().unwrap_or(&nothing) {
        match (key, value) {
            // The group is no field of the model.
            (Key::Literal(name), _) if name == "group" => {}
            (Key::Literal(name), Tree::Map(edges)) => {
                for (edge, value) in edges {
                    if let Key::Literal(edge) = edge {
                        words.insert(format!("{name}.{edge}"), word(value));
                    }
                }
            }
            (Key::Literal(name), value) => drop(words.insert(name.to_string(), word(value))),
            (Key::Text(_), _) => {}
        }
    }
    words
}
