//! Starting: what is ready and within the limits begins, in a task of its own where it needs a call.

use std::sync::Arc;

use super::{Ended, Run};
use crate::engine::decide::{Verdict, View};
use crate::engine::event::Phase;
use crate::engine::half::Over;
use crate::engine::host::Pacer;
use crate::engine::job::{bookkeeping, job};
use crate::engine::secrets::Scrub;
use crate::engine::step::{self, Job, Setting};
use crate::engine::wanted::Source;
use crate::plan::{Action, Part, TaskId};
use crate::state::Entry;

impl Run<'_> {
    /// Starts everything that is ready and within the limits.
    pub(super) async fn start_ready(&mut self) {
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
        self.journal_or_break(&entries).await;
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
}
