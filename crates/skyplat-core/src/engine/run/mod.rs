//! The owner loop: the one task that owns state, journal, queue and limits while a plan is applied.
//!
//! ```text
//! start what is ready ─▶ wait ─▶ answer what steps ask (journal, pace, turns, secrets) ─▶ take in what ended ─┐
//!        ▲                                                                                                    │
//!        └────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Steps run in tasks of their own (see [`super::step`]) and reach the loop by message alone. What several steps want
//! journaled at one time is written at once. An intent and an id are durable before anyone goes on; a result is durable
//! with the intents of what follows from it, which are written behind it, or as soon as there is nothing else to do: so
//! each object of a chain waits for the disk once. Whatever comes in at one time is taken in by order of task, so that a
//! run on a paused clock is a function of plan, seed and executors.
//!
//! The loop and what its parts share are here; `start`, `answer` and `end` are those parts.

mod answer;
mod end;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::context::RunContext;
use super::control::Control;
use super::decide::{Decisions, Verdict};
use super::emit::{About, Emitter};
use super::event::EventSink;
use super::half::{Half, Over};
use super::host::{Ask, Pace, Unwritten, channel_room};
use super::job::check;
use super::limits::Limits;
use super::options::EngineOptions;
use super::queue::ReadyQueue;
use super::report::RunReport;
use super::step::End;
use super::{EngineError, Work};
use crate::executor::{ExecError, Executors, OutputMap};
use crate::object::ObjectNode;
use crate::plan::{Action, Observation, Part, TaskId};
use crate::state::{Entry, StateError, StoreSession, Uid};
use crate::value::Address;

/// How long calls get to end after a stop; CI systems kill a process after seven seconds.
const GRACE: Duration = Duration::from_secs(5);

type OutputsReply = oneshot::Sender<Result<Arc<OutputMap>, ExecError>>;

/// What is taken apart to start a run.
pub(super) struct Parts<'a> {
    pub(super) executors: &'a Executors,
    pub(super) options: &'a EngineOptions,
    pub(super) work: Work<'a>,
    pub(super) session: &'a mut dyn StoreSession,
    pub(super) context: &'a RunContext,
    pub(super) control: &'a Control,
    pub(super) events: &'a mut dyn EventSink,
}

/// What ended in a task of its own.
enum Ended {
    Half { task: TaskId, end: End, attempts: u32 },
    Read { uid: Uid, outputs: Result<OutputMap, ExecError> },
}

impl Ended {
    /// What comes in at one time is taken in by this order: reads first, then halves of steps by task.
    fn order(&self) -> (Option<TaskId>, Option<&Uid>) {
        match self {
            Self::Half { task, .. } => (Some(*task), None),
            Self::Read { uid, .. } => (None, Some(uid)),
        }
    }
}

/// A run of a plan.
pub(super) struct Run<'a> {
    executors: &'a Executors,
    options: Arc<EngineOptions>,
    work: Work<'a>,
    session: &'a mut dyn StoreSession,
    context: &'a RunContext,
    control: &'a Control,
    /// What steps listen to: drained with the run, or when the journal is broken.
    steps_control: Control,
    emitter: Emitter<'a>,
    /// Where the step of an address stands in the plan.
    steps: BTreeMap<Address, usize>,
    decisions: Decisions,
    queue: ReadyQueue,
    limits: Limits,
    halves: Vec<Half>,
    turns: BTreeMap<TaskId, oneshot::Sender<()>>,
    jobs: JoinSet<Ended>,
    asks: mpsc::Sender<Ask>,
    pace: mpsc::Sender<Pace>,
    /// Objects that this run has made, changed or kept.
    made: BTreeSet<Address>,
    /// Objects that were found to be gone before this run began, by what was their address then.
    gone: BTreeMap<Address, Uid>,
    /// Outputs of calls of this run, secrets in the clear.
    live: BTreeMap<Uid, Arc<OutputMap>>,
    /// Who waits for outputs that are being read again.
    reading: BTreeMap<Uid, Vec<OutputsReply>>,
    first_failure: Option<Address>,
    /// Whether something was written that may not be durable yet.
    unsynced: bool,
    broken: Option<StateError>,
}

/// Applies a plan.
pub(super) async fn apply(parts: Parts<'_>) -> Result<RunReport, EngineError> {
    check(parts.work, parts.executors, parts.session.state().serial)?;
    let room = channel_room(parts.options);
    let (asks, mut asked) = mpsc::channel(room);
    let (pace, mut paced) = mpsc::channel(room);
    let mut run = Run::new(parts, asks, pace);
    run.begin().await;
    run.work_until_over(&mut asked, &mut paced).await;
    run.finish().await
}

impl<'a> Run<'a> {
    fn new(parts: Parts<'a>, asks: mpsc::Sender<Ask>, pace: mpsc::Sender<Pace>) -> Self {
        let Parts { executors, options, work, session, context, control, events } = parts;
        let plan = work.plan;
        let state = session.state();
        let records: BTreeMap<&Uid, &ObjectNode> =
            state.records().map(|record| (&record.uid, &*record.node)).collect();
        let is_gone = |uid: &Uid| work.observations.get(uid) == Some(&Observation::Missing);
        let gone = state.objects.values().filter(|record| is_gone(&record.uid));
        let gone = gone.map(|record| (record.node.address.clone(), record.uid.clone())).collect();
        let halves = plan
            .tasks
            .iter()
            .map(|task| {
                let step = &plan.steps[task.step];
                let node = match task.part {
                    Part::Make => work.graph.get(&step.address),
                    Part::Remove => records.get(&step.uid).copied(),
                };
                let group = node.and_then(|node| node.exclusive.clone());
                Half { group: group.filter(|_| step.action != Action::Keep), ..Half::default() }
            })
            .collect();
        let current = plan.steps.iter().enumerate().filter(|(_, step)| !step.deposed);
        Self {
            executors,
            options: Arc::new(options.clone()),
            work,
            session,
            context,
            control,
            steps_control: control.part(),
            emitter: Emitter::new(events),
            steps: current.map(|(at, step)| (step.address.clone(), at)).collect(),
            decisions: Decisions::new(plan.steps.len()),
            // What is kept needs neither time nor slot, and goes first.
            queue: ReadyQueue::new(plan.tasks.iter().map(|task| {
                let keep = plan.steps[task.step].action == Action::Keep;
                (task.after.as_slice(), if keep { f64::INFINITY } else { task.remaining })
            })),
            limits: Limits::new(options),
            halves,
            turns: BTreeMap::new(),
            jobs: JoinSet::new(),
            asks,
            pace,
            made: BTreeSet::new(),
            gone,
            live: BTreeMap::new(),
            reading: BTreeMap::new(),
            first_failure: None,
            unsynced: false,
            broken: None,
        }
    }

    fn is_destroy(&self) -> bool {
        self.work.graph.nodes().is_empty()
    }

    /// Tells of the begin, and journals what must hold before the first call: new addresses, and the facts that shape
    /// what is about to be made (a crash must not let fresh facts move it).
    async fn begin(&mut self) {
        let plan = self.work.plan;
        let steps = plan.steps.iter().filter(|step| step.action != Action::Keep).count();
        let operation = if self.is_destroy() { "destroy" } else { "apply" };
        self.emitter.started(operation, &plan.stack, steps);
        for warning in &plan.warnings {
            self.emitter.warning(warning.clone());
        }
        let mut entries: Vec<Entry> = plan
            .moved
            .iter()
            .map(|moved| Entry::Moved { from: moved.from.clone(), to: moved.to.clone() })
            .collect();
        if !self.is_destroy() && self.session.state().facts != *self.work.facts {
            entries.push(Entry::Facts { facts: self.work.facts.clone() });
        }
        self.journal_or_break(&entries).await;
    }

    async fn work_until_over(&mut self, asked: &mut mpsc::Receiver<Ask>, paced: &mut mpsc::Receiver<Pace>) {
        let room = asked.max_capacity();
        let control = self.control;
        let mut grace: Option<Instant> = None;
        let (mut questions, mut said) = (Vec::new(), Vec::new());
        loop {
            self.start_ready().await;
            if self.jobs.is_empty() {
                return;
            }
            let end_of_grace = grace.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = control.stop_token().cancelled(), if grace.is_none() => {
                    grace = Some(Instant::now() + GRACE);
                }
                _ = asked.recv_many(&mut questions, room) => self.answer(std::mem::take(&mut questions)).await,
                _ = paced.recv_many(&mut said, room) => self.pace(std::mem::take(&mut said)),
                Some(ended) = self.jobs.join_next() => {
                    let mut batch = vec![ended];
                    while let Some(ended) = self.jobs.try_join_next() {
                        batch.push(ended);
                    }
                    self.take_in(batch.into_iter().map(|ended| {
                        ended.expect("a step catches the panics of its executor, and nothing aborts it")
                    }).collect());
                }
                // Steps that can go on do so first: what they write becomes durable with the rest.
                () = tokio::task::yield_now(), if self.unsynced => self.sync_or_break().await,
                () = tokio::time::sleep_until(end_of_grace), if grace.is_some() => {
                    self.jobs.abort_all();
                    return;
                }
            }
        }
    }

    fn over(&mut self, task: TaskId, over: Over) {
        self.halves[task].over = Some(over);
        self.queue.finish(task);
    }

    fn release_slot(&mut self, task: TaskId) {
        if std::mem::take(&mut self.halves[task].has_slot) {
            self.limits.give_slot();
        }
    }

    fn about(&self, task: TaskId) -> About {
        let plan = self.work.plan;
        let part = plan.tasks[task].part;
        let step = &plan.steps[plan.tasks[task].step];
        let verdict = self.decisions.known(plan.tasks[task].step);
        let action = match (step.action, part) {
            (Action::Wait, Part::Remove) => Action::Drain,
            (Action::Replace, _) if verdict == Some(Verdict::Update) => Action::Update,
            (action, _) => action,
        };
        About {
            address: step.address.clone(),
            kind: step.kind.clone(),
            action,
            part: (action == Action::Replace).then_some(part),
        }
    }

    /// Journals; what something waits for is durable when this returns. After the first failure nothing is written any
    /// more: an open intent loses nothing, a journal with a gap might.
    async fn journal(&mut self, entries: &[Entry]) -> Result<(), Unwritten> {
        if self.broken.is_some() {
            return Err(Unwritten);
        }
        if entries.is_empty() {
            return Ok(());
        }
        let written = self.session.write(entries).await;
        self.unsynced |= written.is_ok();
        self.or_break(written)?;
        if entries.iter().any(Entry::is_awaited) { self.sync().await } else { Ok(()) }
    }

    /// Makes durable what was written.
    async fn sync(&mut self) -> Result<(), Unwritten> {
        if !std::mem::take(&mut self.unsynced) {
            return Ok(());
        }
        let synced = self.session.sync().await;
        self.or_break(synced)
    }

    fn or_break(&mut self, result: Result<(), StateError>) -> Result<(), Unwritten> {
        result.map_err(|error| {
            tracing::warn!(%error, "the journal could not be written");
            self.broken.get_or_insert(error);
            self.steps_control.drain();
            Unwritten
        })
    }

    /// Journals what nobody waits for: a failure ends the run through `broken`.
    async fn journal_or_break(&mut self, entries: &[Entry]) {
        let _ = self.journal(entries).await;
    }

    /// Makes durable what nobody waits for.
    async fn sync_or_break(&mut self) {
        let _ = self.sync().await;
    }
}
