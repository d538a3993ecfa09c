//! Narrowing a plan to targets: what is named, what it needs, and what must go before it.
//!
//! All order is in the tasks, so the narrowed plan is what can be reached backwards from the named steps.

use super::error::PlanError;
use super::order::Ordered;
use super::step::PlanWarning;
use super::table::Table;
use crate::value::Address;

/// Returns for every row whether it stays in the plan, and a warning when that reaches beyond what was named. `changes`
/// says which rows change something.
///
/// # Errors
/// [`PlanError::UnknownTarget`] when there is nothing under a target.
pub(super) fn narrow(
    table: &Table<'_>,
    ordered: &Ordered,
    targets: &[Address],
    changes: impl Fn(usize) -> bool,
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
        for before in tasks_of[at].iter().flat_map(|task| &ordered.after[*task]) {
            let (other, _) = ordered.tasks[*before];
            if !stays[other] {
                stays[other] = true;
                work.push(other);
            }
        }
    }
    let outside: Vec<&str> = (0..stays.len())
        .filter(|at| stays[*at] && !named[*at] && changes(*at))
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
