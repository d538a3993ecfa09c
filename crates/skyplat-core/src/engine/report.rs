//! [`RunReport`]: what a run did, step by step.

use std::time::Duration;

use crate::object::{Class, ObjectKind};
use crate::plan::Action;
use crate::value::Address;

use super::event::{FinishedStatus, Totals};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was taken.
    Done,
    /// Nothing was to be done: it was planned so, or the values turned out equal to what is recorded.
    Kept,
    /// It failed.
    Failed {
        /// What went wrong, without secrets.
        error: String,
        /// What to do about it.
        hint: Option<String>,
        /// How many attempts were made.
        attempts: u32,
    },
    /// It was not begun, or only one half of it was.
    Skipped {
        /// The step whose failure is the cause; none when the run was told to end.
        because_of: Option<Address>,
    },
    /// The thing was left in place, as asked for.
    Retained {
        /// Why.
        why: String,
    },
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// The object.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// What the object is to us.
    pub class: Class,
    /// What was planned.
    pub planned: Action,
    /// What was done: the planned action, or less when values turned out equal.
    pub action: Action,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// How it ended.
    pub status: FinishedStatus,
    /// How many steps ended how. A failed gate or lookup counts as failed; otherwise only our own objects count.
    pub totals: Totals,
    /// Every step, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// How long it took, in run time.
    pub duration: Duration,
}

impl RunReport {
    /// Returns the steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = &StepReport> {
        self.steps.iter().filter(|step| matches!(step.outcome, StepOutcome::Failed { .. }))
    }
}

/// Counts steps. A replace counts once, when both halves are done.
pub(super) fn totals(steps: &[StepReport]) -> Totals {
    let mut totals = Totals::default();
    for step in steps {
        let counted = step.class == Class::Owned;
        match &step.outcome {
            StepOutcome::Failed { .. } => totals.failed += 1,
            _ if !counted => {}
            StepOutcome::Skipped { .. } => totals.skipped += 1,
            // What is retained is no longer ours, but it is still there: nothing was deleted.
            StepOutcome::Kept | StepOutcome::Retained { .. } => totals.kept += 1,
            StepOutcome::Done => match step.action {
                Action::Create => totals.created += 1,
                Action::Update => totals.updated += 1,
                Action::Replace => totals.replaced += 1,
                Action::Delete => totals.deleted += 1,
                Action::Keep | Action::Wait | Action::Drain | Action::Read => {}
            },
        }
    }
    totals
}
