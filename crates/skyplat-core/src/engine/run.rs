//! The owner loop: the one task that owns state, journal, queue and limits while a plan is applied.
//!
//! ```text
//! start what is ready ─▶ wait ─▶ answer what steps ask (journal, pace, turns, secrets) ─▶ take in what ended ─┐
//!        ▲                                                                                                    │
//!        └────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Steps run in tasks of their own (see [`super::step`]) and reach the loop by message alone. What several steps want
//! journaled at one time is written at once. Whatever comes in at one time is taken in by order of task, so that a run
//! on a paused clock is a function of plan, seed and executors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::context::RunContext;
use super::control::Control;
use super::decide::{Decisions, Verdict, View};
use super::emit::{About, Emitter};
use super::event::{EventSink, FinishedStatus, Phase};
use super::half::{Because, Half, Over, step_reports};
use super::host::{Ask, Pace, Pacer, Unwritten, channel_room};
use super::job::{bookkeeping, check, job};
use super::limits::Limits;
use super::options::EngineOptions;
use super::queue::ReadyQueue;
use super::read::{Reading, container_of_record, reread};
use super::report::{RunReport, StepOutcome, totals};
use super::secrets::Scrub;
use super::step::{End, Job, Setting};
use super::wanted::Source;
use super::{EngineError, Work, step};
use crate::executor::{ErrorKind, ExecError, Executors, OutputMap};
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
    /// Objects that were found to be gone before this run began.
    gone: BTreeSet<Address>,
    /// Outputs of calls of this run, secrets in the clear.
    live: BTreeMap<Uid, Arc<OutputMap>>,
    /// Who waits for outputs that are being read again.
    reading: BTreeMap<Uid, Vec<OutputsReply>>,
    first_failure: Option<Address>,
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
        let gone = gone.map(|record| record.node.address.clone()).collect();
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
        self.append_or_break(&entries).await;
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
                () = tokio::time::sleep_until(end_of_grace), if grace.is_some() => {
                    self.jobs.abort_all();
                    return;
                }
            }
        }
    }

    /// Starts everything that is ready and within the limits.
    async fn start_ready(&mut self) {
        let mut entries = Vec::new();
        loop {
            let failed_fast = self.options.fail_fast && self.first_failure.is_some();
            let may_begin = !failed_fast && !self.steps_control.is_draining();
            let Self { queue, limits, halves, turns, work, .. } = self;
            let is_keep = |task: TaskId| work.plan.steps[work.plan.tasks[task].step].action == Action::Keep;
            if !limits.has_slot() && !queue.best().is_some_and(is_keep) {
                break;
            }
            let next = queue.pop(|task| {
                let half = &halves[task];
                if half.over.is_some() {
                    true
                } else if half.begun {
                    turns.contains_key(&task) && limits.has_slot()
                } else {
                    may_begin && (is_keep(task) || (limits.has_slot() && limits.is_free(half.group.as_ref())))
                }
            });
            let Some(task) = next else { break };
            if self.halves[task].over.is_some() {
                continue;
            }
            if let Some(turn) = self.turns.remove(&task) {
                // A step that gave up while it waited for its turn takes no slot.
                if turn.send(()).is_ok() {
                    self.limits.take_slot();
                    let half = &mut self.halves[task];
                    (half.has_slot, half.attempt) = (true, half.attempt + 1);
                    let attempt = half.attempt;
                    self.emitter.step(self.about(task), Phase::Started, attempt, None);
                }
            } else {
                entries.extend(self.begin_half(task));
            }
        }
        self.append_or_break(&entries).await;
    }

    /// Begins one half of a step; what needs no call is over at once. Returns what is to be journaled with it.
    fn begin_half(&mut self, task: TaskId) -> Option<Entry> {
        let plan = self.work.plan;
        let (step_at, part) = (plan.tasks[task].step, plan.tasks[task].part);
        let step = &plan.steps[step_at];
        let stopped = plan.tasks[task].after.iter().find_map(|before| self.halves[*before].stops.clone());
        if let Some(because) = stopped {
            self.skip(task, because);
            return None;
        }
        let view = View {
            work: self.work,
            state: self.session.state(),
            steps: &self.steps,
            made: &self.made,
            gone: &self.gone,
        };
        // Before it is known what becomes of an object, what it was can go, or stay.
        let verdict = match part {
            Part::Make => self.decisions.verdict(step_at, &view),
            Part::Remove if self.decisions.is_taken(step_at, &view) => Verdict::AsPlanned,
            Part::Remove => Verdict::Keep,
        };
        match (verdict, part) {
            (Verdict::Keep, Part::Make) => {
                let entry = bookkeeping(step, &view);
                self.made.insert(step.address.clone());
                self.over(task, Over::Kept);
                entry
            }
            (Verdict::Keep, Part::Remove) => {
                let is_forgotten = step.action == Action::Keep;
                let record = view.state.record(&step.address, &step.uid).filter(|_| is_forgotten);
                let forgotten = record.map(|_| Entry::Forgotten {
                    address: step.address.clone(),
                    uid: step.uid.clone(),
                    why: "it is no longer wanted, and was never ours".to_owned(),
                });
                self.over(task, Over::Kept);
                forgotten
            }
            (Verdict::Update | Verdict::AsPlanned, _) => {
                match job(step, part, verdict, &view) {
                    Some((job, container)) => self.spawn(task, job, container),
                    None => self.over(task, Over::Done),
                }
                None
            }
        }
    }

    fn spawn(&mut self, task: TaskId, job: Job, container: Option<Source>) {
        let about = self.about(task);
        let Some(executor) = self.executors.for_kind(&about.kind).cloned() else {
            // Checked before the run began.
            return;
        };
        self.limits.take_slot();
        let half = &mut self.halves[task];
        (half.has_slot, half.begun, half.attempt) = (true, true, 1);
        if let Some(group) = &half.group {
            self.limits.take_group(group);
        }
        let state = self.session.state();
        let setting = Setting {
            task,
            executor,
            asks: self.asks.clone(),
            pacer: Pacer {
                sender: self.pace.clone(),
                address: about.address.clone(),
                scrub: Scrub::default(),
            },
            control: self.steps_control.clone(),
            options: Arc::clone(&self.options),
            key: state.digest_key.clone(),
            stack_tag: state.stack.tag(),
            seed: self.context.seed,
            container,
        };
        self.emitter.step(about, Phase::Started, 1, None);
        self.jobs.spawn(async move {
            let (end, attempts) = step::run(setting, job).await;
            Ended::Half { task, end, attempts }
        });
    }

    /// Answers what steps asked at one time: all they want journaled is written at once.
    async fn answer(&mut self, mut asks: Vec<Ask>) {
        asks.sort_by_key(|ask| match ask {
            Ask::Journal { task, .. } | Ask::Backoff { task, .. } | Ask::Resume { task, .. } => *task,
            Ask::Outputs { .. } => usize::MAX,
        });
        let (mut entries, mut written) = (Vec::new(), Vec::new());
        for ask in asks {
            match ask {
                Ask::Journal { entries: more, reply, .. } => {
                    entries.extend(more);
                    written.push(reply);
                }
                Ask::Backoff { task, attempt, error } => {
                    let about = self.about(task);
                    self.emitter.step(about, Phase::Retry, attempt, Some(error));
                    self.release_slot(task);
                }
                Ask::Resume { task, reply } => {
                    self.turns.insert(task, reply);
                    self.queue.push(task);
                }
                Ask::Outputs { uid, reply } => self.outputs(uid, reply),
            }
        }
        let result = self.append(&entries).await;
        for reply in written {
            // Who does not wait for the answer any more was dropped.
            drop(reply.send(result.clone()));
        }
    }

    fn pace(&mut self, paces: Vec<Pace>) {
        let now = Instant::now();
        for pace in paces {
            match pace {
                Pace::Permit { bucket, reply } => drop(reply.send(self.limits.permit(bucket, now))),
                Pace::Progress { address, message } => self.emitter.progress(address, message),
            }
        }
    }

    /// Hands out outputs in the clear: those of this run's calls, else read again, once per object.
    fn outputs(&mut self, uid: Uid, reply: OutputsReply) {
        if let Some(outputs) = self.live.get(&uid) {
            drop(reply.send(Ok(Arc::clone(outputs))));
            return;
        }
        if let Some(waiting) = self.reading.get_mut(&uid) {
            waiting.push(reply);
            return;
        }
        let state = self.session.state();
        let view = View { work: self.work, state, steps: &self.steps, made: &self.made, gone: &self.gone };
        let record = state.records().find(|record| record.uid == uid);
        let executor = record.and_then(|record| self.executors.for_kind(&record.node.kind));
        let (Some(record), Some(executor)) = (record, executor) else {
            let error =
                ExecError::new(ErrorKind::Invalid, "a secret output is needed of what is not recorded");
            drop(reply.send(Err(error)));
            return;
        };
        let superseded = state.deposed.contains_key(&uid);
        let container = container_of_record(state, record, superseded).map(|record| view.source_of(record));
        let reading = Reading {
            control: self.steps_control.clone(),
            options: Arc::clone(&self.options),
            stack_tag: state.stack.tag(),
            seed: self.context.seed,
        };
        let pacer = Pacer {
            sender: self.pace.clone(),
            address: record.node.address.clone(),
            scrub: Scrub::default(),
        };
        let (record, executor, asks) = (record.clone(), Arc::clone(executor), self.asks.clone());
        self.reading.insert(uid.clone(), vec![reply]);
        self.jobs.spawn(async move {
            let outputs = reread(&reading, &*executor, &asks, pacer, &record, container).await;
            Ended::Read { uid, outputs }
        });
    }

    fn take_in(&mut self, mut batch: Vec<Ended>) {
        batch.sort_by(|a, b| a.order().cmp(&b.order()));
        for ended in batch {
            match ended {
                Ended::Read { uid, outputs } => {
                    let outputs = outputs.map(Arc::new);
                    if let Ok(outputs) = &outputs {
                        self.live.insert(uid.clone(), Arc::clone(outputs));
                    }
                    for reply in self.reading.remove(&uid).unwrap_or_default() {
                        drop(reply.send(outputs.clone()));
                    }
                }
                Ended::Half { task, end, attempts } => self.ended(task, end, attempts),
            }
        }
    }

    fn ended(&mut self, task: TaskId, end: End, attempts: u32) {
        self.release_slot(task);
        if let Some(group) = self.halves[task].group.clone() {
            self.limits.give_group(&group);
        }
        self.turns.remove(&task);
        let about = self.about(task);
        match end {
            End::Made(uid, outputs) => {
                self.live.insert(uid, Arc::new(outputs));
                self.made.insert(about.address.clone());
                self.emitter.step(about, Phase::Done, attempts, None);
                self.over(task, Over::Done);
            }
            End::Removed => {
                self.emitter.step(about, Phase::Done, attempts, None);
                self.over(task, Over::Done);
            }
            End::Retained(why) => {
                self.emitter.step(about, Phase::Retained, attempts, None);
                self.over(task, Over::Retained(why));
            }
            End::Failed(error) => self.failed(task, error.message, error.hint, attempts),
            End::Stopped => self.interrupted(task, attempts),
            End::Unwritten => {
                let error = "the journal could not be written; the next run finds out what became of it";
                self.failed(task, error.to_owned(), None, attempts);
            }
        }
    }

    fn interrupted(&mut self, task: TaskId, attempts: u32) {
        let error = "stopped while it ran; the next run finds out what became of it";
        self.failed(task, error.to_owned(), None, attempts);
    }

    fn failed(&mut self, task: TaskId, error: String, hint: Option<String>, attempts: u32) {
        let about = self.about(task);
        self.first_failure.get_or_insert_with(|| about.address.clone());
        self.halves[task].stops = Some(Because(Some(about.address.clone())));
        self.emitter.step(about, Phase::Failed, attempts, Some(error.clone()));
        self.over(task, Over::Failed { error, hint, attempts });
    }

    /// Ends one half that is not begun. A keep is kept all the same, but passes the cause on.
    fn skip(&mut self, task: TaskId, because: Because) {
        self.halves[task].stops = Some(because.clone());
        let plan = self.work.plan;
        if plan.steps[plan.tasks[task].step].action == Action::Keep {
            self.over(task, Over::Kept);
            return;
        }
        let about = self.about(task);
        let why = because
            .0
            .as_ref()
            .map_or_else(|| "the run was told to end".to_owned(), |cause| format!("because of {cause}"));
        self.emitter.step(about, Phase::Skipped, 0, Some(why));
        self.over(task, Over::Skipped(because));
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

    /// Journals. After the first failure nothing is written any more: an open intent loses nothing, a journal with a
    /// gap might.
    async fn append(&mut self, entries: &[Entry]) -> Result<(), Unwritten> {
        if self.broken.is_some() {
            return Err(Unwritten);
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.session.append(entries).await.map_err(|error| {
            self.broken = Some(error);
            self.steps_control.drain();
            Unwritten
        })
    }

    /// Journals what nobody waits for: a failure ends the run through `broken`.
    async fn append_or_break(&mut self, entries: &[Entry]) {
        if let Err(Unwritten) = self.append(entries).await {
            tracing::warn!(entries = entries.len(), "the journal could not be written");
        }
    }

    /// Ends what was not begun, journals the outputs of a platform that is as planned, and reports.
    async fn finish(mut self) -> Result<RunReport, EngineError> {
        for task in 0..self.halves.len() {
            if self.halves[task].begun && self.halves[task].over.is_none() {
                self.interrupted(task, self.halves[task].attempt);
            }
        }
        while let Some(task) = self.queue.pop(|_| true) {
            if self.halves[task].over.is_none() {
                let before = &self.work.plan.tasks[task].after;
                let cause = before.iter().find_map(|before| self.halves[*before].stops.clone()?.0);
                let cause = cause.or_else(|| self.first_failure.clone().filter(|_| self.options.fail_fast));
                self.skip(task, Because(cause));
            }
        }
        let steps = step_reports(self.work.plan, &self.halves, &self.decisions);
        let unfinished = |outcome: &StepOutcome| {
            matches!(outcome, StepOutcome::Failed { .. } | StepOutcome::Skipped { .. })
        };
        let complete = !steps.iter().any(|step| unfinished(&step.outcome));
        if complete {
            self.record_outputs().await;
        }
        let status = if self.control.is_draining() && !complete {
            FinishedStatus::Cancelled
        } else if complete && self.broken.is_none() {
            FinishedStatus::Succeeded
        } else {
            FinishedStatus::Failed
        };
        let totals = totals(&steps);
        self.emitter.finished(status, totals, None);
        match self.broken {
            Some(error) => Err(EngineError::Journal(error)),
            None => Ok(RunReport { status, totals, steps, duration: self.emitter.elapsed() }),
        }
    }

    async fn record_outputs(&mut self) {
        let state = self.session.state();
        // What is left of a platform after a part of it was destroyed keeps its facts and outputs.
        if self.is_destroy() && !state.is_empty() {
            return;
        }
        let mut entries = Vec::new();
        if state.facts != *self.work.facts {
            entries.push(Entry::Facts { facts: self.work.facts.clone() });
        }
        if state.exports != *self.work.graph.exports() {
            entries.push(Entry::Exports { exports: self.work.graph.exports().clone() });
        }
        self.append_or_break(&entries).await;
    }
}
