//! Taking in what ended: one half of a step, an output that was read again, the whole run.

use std::sync::Arc;

use super::{Ended, Run};
use crate::engine::EngineError;
use crate::engine::event::{FinishedStatus, Phase};
use crate::engine::half::{Because, Over, step_reports};
use crate::engine::report::{RunReport, StepOutcome, totals};
use crate::engine::step::End;
use crate::plan::{Action, TaskId};
use crate::state::Entry;

impl Run<'_> {
    pub(super) fn take_in(&mut self, mut batch: Vec<Ended>) {
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
    pub(super) fn skip(&mut self, task: TaskId, because: Because) {
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

    /// Ends what was not begun, journals the outputs of a platform that is as planned, and reports.
    pub(super) async fn finish(mut self) -> Result<RunReport, EngineError> {
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
        // Also after a write that failed: what was written before it is whole.
        self.sync_or_break().await;
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
        self.journal_or_break(&entries).await;
    }
}
