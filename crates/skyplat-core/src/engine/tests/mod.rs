//! Tests of the engine: a real planner, a memory store, and a small world that fails on command, on a paused clock.

mod calls;
mod campaign;
mod cancel;
mod crash;
mod decide;
mod deep;
mod failure;
mod limits;
mod order;
mod refresh;
mod secrets;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{
    Control, Engine, EngineError, EngineOptions, Event, FinishedStatus, Phase, RunContext, RunReport,
    StepOutcome, Work,
};
use crate::executor::Executors;
use crate::facts::Facts;
use crate::graph::ObjectGraph;
use crate::ids::AccountId;
use crate::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
use crate::plan::{Observations, Plan, PlanInput, PlanOptions, build_plan};
use crate::state::{Entry, LockOwner, MemoryStore, Stack, State, StateError, StateStore, StoreSession};
use crate::tree;
use crate::value::{Address, DigestKey, Reference, Tree};
use world::World;

/// Makes an object named `name`. Its kind is `test.thing`, or `gate.…` for a gate.
fn node(name: &str, inputs: Tree) -> ObjectNode {
    ObjectNode {
        address: name.into(),
        kind: "test.thing".into(),
        class: Class::Owned,
        resource: "r".into(),
        placement: Placement { account: AccountId::new("1"), region: None, container: None },
        inputs,
        natural_key: None,
        exclusive: None,
        rules: FieldRules::new().replace(["fixed"]).recomputes("shade", ["shade"]).into(),
        echoes: BTreeMap::new().into(),
        secret_outputs: BTreeSet::new(),
        after: BTreeSet::new(),
        protect: false,
        on_delete: OnDelete::Delete,
    }
}

fn after(mut node: ObjectNode, others: &[&str]) -> ObjectNode {
    node.after = others.iter().map(|other| Address::new(*other)).collect();
    node
}

fn output(object: &str, field: &str) -> Tree {
    Tree::Ref(Reference { object: object.into(), field: field.into() })
}

fn graph(nodes: impl IntoIterator<Item = ObjectNode>) -> ObjectGraph {
    ObjectGraph::new(Vec::new(), nodes.into_iter().collect(), BTreeMap::new()).unwrap()
}

/// A chain `a <- b <- c`, by reference.
fn chain() -> ObjectGraph {
    graph([
        node("a", tree!({})),
        node("b", tree!({ "a": (output("a", "id")) })),
        node("c", tree!({ "b": (output("b", "id")) })),
    ])
}

/// A stack, its world, and everything a run needs.
#[derive(Debug, Default)]
struct Lab {
    world: World,
    store: MemoryStore,
    options: EngineOptions,
    control: Control,
    events: Vec<Event>,
    /// Every entry that was journaled.
    journal: Vec<Entry>,
    /// How many entries may still be written before the journal fails.
    room: Option<usize>,
    seed: u64,
}

impl Lab {
    async fn session(&mut self) -> Frail<'_> {
        let owner = LockOwner {
            who: "test".into(),
            process: 1,
            operation: "apply".into(),
            run_id: "r".into(),
            since: "2026-01-01T00:00:00Z".into(),
        };
        let stack = Stack { name: "dev".into(), id: "0123".into() };
        let fresh = State::new(stack, DigestKey::new([5; 32]));
        let inner = self.store.lock(fresh, &owner).await.unwrap();
        Frail { inner, journal: &mut self.journal, room: &mut self.room }
    }

    async fn state(&mut self) -> State {
        self.session().await.state().clone()
    }

    fn engine(&self) -> Engine {
        Engine::new(Executors::new().with(self.world.clone()), self.options.clone())
    }

    fn context(&self) -> RunContext {
        RunContext { run_id: "run".into(), seed: self.seed, now: jiff::Timestamp::UNIX_EPOCH }
    }

    /// Plans and applies; no graph is a destroy.
    async fn try_apply(&mut self, wanted: Option<&ObjectGraph>) -> Result<RunReport, EngineError> {
        let observations = Observations::none();
        let (plan, graph) = self.plan(wanted, &observations).await;
        self.run(&plan, &graph, &observations).await
    }

    async fn plan(
        &mut self,
        wanted: Option<&ObjectGraph>,
        observations: &Observations,
    ) -> (Plan, ObjectGraph) {
        let graph = wanted.cloned().unwrap_or_default();
        let options = PlanOptions { destroy: wanted.is_none(), ..PlanOptions::default() };
        let state = self.state().await;
        let input = PlanInput { graph: &graph, state: &state, observations, options: &options };
        (build_plan(input).unwrap(), graph)
    }

    async fn run(
        &mut self,
        plan: &Plan,
        graph: &ObjectGraph,
        observations: &Observations,
    ) -> Result<RunReport, EngineError> {
        let (engine, context, control) = (self.engine(), self.context(), self.control.clone());
        let mut events = std::mem::take(&mut self.events);
        let facts = Facts::default();
        let mut session = self.session().await;
        let work = Work { plan, graph, facts: &facts, observations };
        let mut sink = |event: Event| events.push(event);
        let report = engine.apply(work, &mut session, &context, &control, &mut sink).await;
        drop(session);
        self.events = events;
        report
    }

    async fn apply(&mut self, graph: &ObjectGraph) -> RunReport {
        self.try_apply(Some(graph)).await.unwrap()
    }

    async fn destroy(&mut self) -> RunReport {
        self.try_apply(None).await.unwrap()
    }

    /// Asserts that the world is as wanted, that nothing wrong was done on the way, and that nothing is left to do.
    async fn settled(&mut self, graph: &ObjectGraph) {
        assert_eq!(self.world.look().wrongs, Vec::<String>::new());
        let wanted: Vec<String> = graph
            .nodes()
            .values()
            .filter(|node| node.class == Class::Owned)
            .map(|node| node.address.to_string())
            .collect();
        assert_eq!(self.world.addresses(), wanted);
        let (plan, _) = self.plan(Some(graph), &Observations::none()).await;
        assert!(plan.is_empty(), "{:#?}", plan.steps);
    }

    /// Lists step events as `done b` or `retry b 2`.
    fn phases(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Step { address, phase, .. } => {
                    Some(format!("{} {address}", format!("{phase:?}").to_lowercase()))
                }
                _ => None,
            })
            .collect()
    }
}

/// A session that remembers what was journaled, and may run out of room.
#[derive(Debug)]
struct Frail<'a> {
    inner: Box<dyn StoreSession>,
    journal: &'a mut Vec<Entry>,
    room: &'a mut Option<usize>,
}

#[async_trait]
impl StoreSession for Frail<'_> {
    fn state(&self) -> &State {
        self.inner.state()
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        let fits = self.room.map_or(entries.len(), |room| room.min(entries.len()));
        self.inner.write(&entries[..fits]).await?;
        self.journal.extend_from_slice(&entries[..fits]);
        if let Some(room) = self.room {
            *room -= fits;
        }
        if fits < entries.len() {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StateError::Io { action: "write", path: "dev/journal".into(), source });
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        self.inner.sync().await
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        self.inner.compact().await
    }
}

fn outcome<'a>(report: &'a RunReport, address: &str) -> &'a StepOutcome {
    let step = report.steps.iter().find(|step| step.address.as_str() == address);
    &step.unwrap_or_else(|| panic!("no step for {address}")).outcome
}

fn because_of(address: &str) -> StepOutcome {
    StepOutcome::Skipped { because_of: Some(address.into()) }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(start_paused = true)]
async fn a_platform_comes_up_is_kept_and_goes_down() {
    let mut lab = Lab::default();
    let report = lab.apply(&chain()).await;
    assert_eq!((report.status, report.totals.created), (FinishedStatus::Succeeded, 3));
    assert_eq!(report.duration.as_secs(), 30);
    assert_eq!(lab.phases(), ["started a", "done a", "started b", "done b", "started c", "done c"]);
    lab.settled(&chain()).await;
    lab.world.calls();
    let report = lab.apply(&chain()).await;
    assert_eq!((report.totals.kept, report.totals.created), (3, 0));
    assert_eq!(lab.world.calls(), Vec::<String>::new());
    let report = lab.destroy().await;
    assert_eq!((report.status, report.totals.deleted), (FinishedStatus::Succeeded, 3));
    assert_eq!(lab.world.calls(), ["delete c", "delete b", "delete a"]);
    assert!(lab.world.addresses().is_empty() && lab.state().await.is_empty());
}

#[test]
fn a_run_can_be_spawned_on_a_runtime_with_many_threads() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().start_paused(true).enable_time().build().unwrap();
    runtime.block_on(async {
        let mut lab = Lab::default();
        let report = is_send(lab.try_apply(Some(&chain()))).await.unwrap();
        assert_eq!(report.status, FinishedStatus::Succeeded);
    });
}

#[tokio::test(start_paused = true)]
async fn events_frame_the_run_and_keeps_are_silent() {
    let mut lab = Lab::default();
    lab.apply(&chain()).await;
    lab.events.clear();
    lab.apply(&chain()).await;
    assert!(
        matches!(&lab.events[..], [Event::Started { steps: 0, .. }, Event::Finished { .. }]),
        "{:?}",
        lab.events
    );
    lab.destroy().await;
    let Some(Event::Started { operation, steps, .. }) = lab.events.get(2) else { panic!("{:?}", lab.events) };
    assert_eq!((operation.as_str(), *steps), ("destroy", 3));
    let phases = lab.events.iter().filter(|event| matches!(event, Event::Step { phase: Phase::Done, .. }));
    assert_eq!(phases.count(), 3);
}
