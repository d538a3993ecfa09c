//! [`build_plan`]: every stage of planning in its turn.

use super::decide::{Decision, decide};
use super::error::PlanError;
use super::forecast::{forecast, seconds};
use super::latency::LatencyTable;
use super::observed::Observations;
use super::order::{Ordered, order};
use super::step::{Action, FORMAT_VERSION, Move, Order, Part, Plan, Step, Summary, Task};
use super::table::{Row, Table};
use super::{moved, target, version, warn};
use crate::graph::ObjectGraph;
use crate::object::{Class, OnDelete};
use crate::state::State;
use crate::value::Address;

/// What a plan is derived from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// What is wanted; of no account when everything is to be destroyed.
    pub graph: &'a ObjectGraph,
    /// What is recorded.
    pub state: &'a State,
    /// What was seen.
    pub observations: &'a Observations,
    /// What was asked for.
    pub options: &'a PlanOptions,
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Whether everything is to be destroyed.
    pub destroy: bool,
    /// The resources or objects to narrow the plan to; empty for all.
    pub targets: Vec<Address>,
    /// Resources or objects that have a new address.
    pub moved: Vec<Move>,
    /// How long things take, for the forecast.
    pub latencies: LatencyTable,
}

/// Makes the plan that brings what is recorded to what is wanted.
///
/// # Errors
/// When something protected would be lost, a version cannot go where it is asked to, a move or target makes no sense, or
/// the steps cannot be ordered.
pub fn build_plan(input: PlanInput<'_>) -> Result<Plan, PlanError> {
    let options = input.options;
    let nothing = ObjectGraph::default();
    let graph = if options.destroy { &nothing } else { input.graph };
    let (state, moves) = moved::apply(input.state, graph.nodes(), &options.moved)?;
    let table = Table::new(graph, &state, input.observations);
    let decisions = decide(&table, &state, options.destroy)?;
    let ordered = order(&table, &decisions, &state)?;
    let (stays, reaches_outside) = target::narrow(&table, &decisions, &ordered, &options.targets)?;
    check_protected(&table, &decisions, &stays)?;
    version::check(&table, &decisions)?;
    let mut warnings = warn::warnings(&table, &decisions, &ordered, &stays);
    warnings.extend(reaches_outside);
    let (steps, mut tasks) = assemble(&table, decisions, &ordered, &stays, &options.latencies);
    Ok(Plan {
        format_version: FORMAT_VERSION,
        stack: input.state.stack.name.clone(),
        serial: input.state.serial,
        moved: moves,
        targets: options.targets.clone(),
        summary: summary(&steps),
        forecast: forecast(&mut tasks, &steps),
        steps,
        warnings,
        tasks,
    })
}

/// What is wanted now says whether it may be replaced; of what is not wanted any more, its record does.
fn check_protected(table: &Table<'_>, decisions: &[Decision<'_>], stays: &[bool]) -> Result<(), PlanError> {
    let protected = |row: &Row<'_>| match (row.node, row.record) {
        (Some(node), _) => node.protect,
        (None, Some(record)) => record.node.protect && !row.deposed && !row.gone,
        (None, None) => false,
    };
    let lost = |at: &usize| matches!(decisions[*at].action, Action::Delete | Action::Replace);
    let objects: Vec<Address> = (0..table.rows.len())
        .filter(|at| stays[*at] && lost(at) && protected(&table.rows[*at]))
        .map(|at| table.rows[at].address.clone())
        .collect();
    if objects.is_empty() { Ok(()) } else { Err(PlanError::Protected { objects }) }
}

/// Puts steps and tasks together. A step stands where its make stands, or its remove when it has no other.
fn assemble(
    table: &Table<'_>,
    decisions: Vec<Decision<'_>>,
    ordered: &Ordered,
    stays: &[bool],
    latencies: &LatencyTable,
) -> (Vec<Step>, Vec<Task>) {
    let mut decisions: Vec<Option<Decision<'_>>> = decisions.into_iter().map(Some).collect();
    let mut step_of = vec![usize::MAX; table.rows.len()];
    let mut steps = Vec::with_capacity(table.rows.len());
    for (at, part) in ordered.tasks.iter().copied().filter(|(at, _)| stays[*at]) {
        let row = &table.rows[at];
        if (part == Part::Make) == row.node.is_some()
            && let Some(decision) = decisions[at].take()
        {
            step_of[at] = steps.len();
            steps.push(step(table, ordered, at, decision));
        }
    }
    let mut task_of = vec![usize::MAX; ordered.tasks.len()];
    let mut tasks = Vec::with_capacity(ordered.tasks.len());
    for (position, (at, part)) in ordered.tasks.iter().copied().enumerate().filter(|(_, (at, _))| stays[*at])
    {
        let row = &table.rows[at];
        let step = &steps[step_of[at]];
        let recorded = row.record.map(|record| &*record.node);
        let node = if part == Part::Make { row.node.or(recorded) } else { recorded.or(row.node) };
        let stays_in_place = recorded.is_some_and(|node| node.on_delete == OnDelete::Retain);
        let nothing_to_delete = step.gone.is_some() || stays_in_place;
        let node = node.expect("a row is made of a node or a record");
        // A target keeps whatever its steps wait for, so every task that is waited for has its place by now.
        let after = ordered.after.of(position).iter().map(|before| task_of[*before]).collect();
        task_of[position] = tasks.len();
        tasks.push(Task {
            step: step_of[at],
            part,
            after,
            seconds: seconds(latencies, step, part, node, nothing_to_delete),
            remaining: 0.0,
        });
    }
    (steps, tasks)
}

fn step(table: &Table<'_>, ordered: &Ordered, at: usize, decision: Decision<'_>) -> Step {
    let row = &table.rows[at];
    let certainty = &ordered.certainty[at];
    let node =
        row.node.or_else(|| row.record.map(|record| &*record.node)).expect("a row is made of one of them");
    let replaced = decision.action == Action::Replace;
    let first = if certainty.delete_first { Order::DeleteFirst } else { Order::CreateFirst };
    let mut undecided = decision.doubts;
    if replaced {
        undecided = certainty.rests_on.iter().map(|(_, reference)| reference.clone()).collect();
        undecided.sort();
        undecided.dedup();
    }
    Step {
        address: row.address.clone(),
        kind: node.kind.clone(),
        action: decision.action,
        order: replaced.then_some(first),
        bookkeeping: decision.bookkeeping,
        reasons: decision.reasons,
        class: node.class,
        resource: node.resource.clone(),
        uid: decision.uid,
        new_uid: decision.new_uid,
        deposed: row.deposed,
        undecided,
        dragged_by: certainty.dragged_by.iter().map(|other| table.rows[*other].address.clone()).collect(),
        gone: decision.forget,
    }
}

/// Counts what is ours; gates and lookups are listed, never counted.
fn summary(steps: &[Step]) -> Summary {
    let mut summary = Summary::default();
    for step in steps.iter().filter(|step| step.class == Class::Owned) {
        match step.action {
            Action::Create => summary.create += 1,
            Action::Update => summary.update += 1,
            Action::Replace => summary.replace += 1,
            Action::Delete => summary.delete += 1,
            Action::Keep => summary.keep += 1,
            Action::Wait | Action::Drain | Action::Read => {}
        }
    }
    summary
}
