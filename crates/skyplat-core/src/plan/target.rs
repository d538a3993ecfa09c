//! Narrowing a plan to targets: what is named, what it needs, what must go before it, and what leans on something that
//! goes.
//!
//! All order is in the tasks, so the first three are what can be reached backwards from the named steps. What leans on
//! something that goes is mostly among it, because it is moved away before; where an order the other way round was
//! stronger, it is brought along all the same, or it would be left with nothing to lean on.

use super::decide::Decision;
use super::error::PlanError;
use super::order::Ordered;
use super::step::{Action, PlanWarning};
use super::table::Table;
use crate::value::Address;

/// Returns for every row whether it stays in the plan, and a warning when that reaches beyond what was named.
///
/// # Errors
/// [`PlanError::UnknownTarget`] when there is nothing under a target.
pub(super) fn narrow(
    table: &Table<'_>,
    decisions: &[Decision<'_>],
    ordered: &Ordered,
    targets: &[Address],
) -> Result<(Vec<bool>, Option<PlanWarning>), PlanError> {
    if targets.is_empty() {
        return Ok((vec![true; table.rows.len()], None));
    }
    for target in targets {
        if !table.rows.iter().any(|row| row.address.is_within(target)) {
            return Err(PlanError::UnknownTarget { target: target.clone(), nearest: nearest(table, target) });
        }
    }
    let named: Vec<bool> =
        table.rows.iter().map(|row| targets.iter().any(|target| row.address.is_within(target))).collect();
    let mut tasks_of: Vec<Vec<usize>> = vec![Vec::new(); table.rows.len()];
    for (task, (at, _)) in ordered.tasks.iter().enumerate() {
        tasks_of[*at].push(task);
    }
    let mut stays = named.clone();
    let mut work: Vec<usize> = (0..stays.len()).filter(|at| stays[*at]).collect();
    while let Some(at) = work.pop() {
        let before = tasks_of[at].iter().flat_map(|task| ordered.after.of(*task));
        let goes = matches!(decisions[at].action, Action::Delete | Action::Replace);
        let leaning = table.carries(at).iter().filter(|_| goes);
        for other in before.map(|task| ordered.tasks[*task].0).chain(leaning.copied()) {
            if !stays[other] {
                stays[other] = true;
                work.push(other);
            }
        }
    }
    let outside: Vec<&str> = (0..stays.len())
        .filter(|at| stays[*at] && !named[*at] && decisions[*at].action.is_change())
        .map(|at| table.rows[at].address.as_str())
        .collect();
    let warning = (!outside.is_empty()).then(|| PlanWarning {
        code: "target_reaches_outside".to_owned(),
        address: None,
        message: format!("the targets need changes outside of them: {}", outside.join(", ")),
    });
    Ok((stays, warning))
}

/// Returns the resource or object whose address looks most like a target that does not exist.
fn nearest(table: &Table<'_>, target: &Address) -> Option<Address> {
    let resources = table.rows.iter().filter_map(|row| row.node.map(|node| &node.resource));
    let addresses = table.rows.iter().map(|row| row.address).chain(resources);
    let close =
        addresses.map(|address| (strsim::damerau_levenshtein(address.as_str(), target.as_str()), address));
    close.min().filter(|(distance, _)| *distance <= 3).map(|(_, address)| address.clone())
}
