//! How the halves of steps stand in a run, and what that makes of a step.

use super::decide::{Decisions, Verdict};
use super::report::{StepOutcome, StepReport};
use crate::plan::{Action, Plan};
use crate::value::Address;

/// Why something is not begun: the step that failed, or none when the run was told to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Because(pub(super) Option<Address>);

/// How one half of a step ended.
#[derive(Debug, Clone)]
pub(super) enum Over {
    Done,
    Kept,
    Retained(String),
    Failed { error: String, hint: Option<String>, attempts: u32 },
    Skipped(Because),
}

/// One half of a step in this run.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// The group of which only one may run.
    pub(super) group: Option<String>,
    /// Whether it holds a slot.
    pub(super) has_slot: bool,
    /// Whether it was begun.
    pub(super) begun: bool,
    /// Which attempt runs, or ran last, from 1.
    pub(super) attempt: u32,
    pub(super) over: Option<Over>,
    /// Why what comes after it is not begun.
    pub(super) stops: Option<Because>,
}

/// Returns what became of every step.
pub(super) fn step_reports(plan: &Plan, halves: &[Half], decisions: &Decisions) -> Vec<StepReport> {
    let mut by_step: Vec<Vec<&Over>> = vec![Vec::new(); plan.steps.len()];
    for (task, half) in plan.tasks.iter().zip(halves) {
        by_step[task.step].extend(half.over.as_ref());
    }
    plan.steps
        .iter()
        .zip(by_step)
        .enumerate()
        .map(|(at, (step, halves))| {
            let action = match decisions.known(at) {
                Some(Verdict::Keep) => Action::Keep,
                Some(Verdict::Update) => Action::Update,
                Some(Verdict::AsPlanned) | None => step.action,
            };
            StepReport {
                address: step.address.clone(),
                kind: step.kind.clone(),
                class: step.class,
                planned: step.action,
                action,
                outcome: outcome(&halves, action),
            }
        })
        .collect()
}

/// How a step ended, from its halves: as badly as the worse one.
fn outcome(halves: &[&Over], action: Action) -> StepOutcome {
    let find = |matches: fn(&Over) -> bool| halves.iter().find(|over| matches(over));
    let worst = find(|over| matches!(over, Over::Failed { .. }))
        .or_else(|| find(|over| matches!(over, Over::Skipped(_))))
        .or_else(|| find(|over| matches!(over, Over::Retained(_))).filter(|_| action == Action::Delete))
        .or_else(|| find(|over| matches!(over, Over::Done | Over::Retained(_))));
    match worst {
        Some(Over::Failed { error, hint, attempts }) => {
            StepOutcome::Failed { error: error.clone(), hint: hint.clone(), attempts: *attempts }
        }
        Some(Over::Skipped(Because(cause))) => StepOutcome::Skipped { because_of: cause.clone() },
        Some(Over::Retained(why)) if action == Action::Delete => StepOutcome::Retained { why: why.clone() },
        Some(Over::Done | Over::Retained(_)) => StepOutcome::Done,
        Some(Over::Kept) | None => StepOutcome::Kept,
    }
}
