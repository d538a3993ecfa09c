//! The chain of steps that took the longest: from what ended last, back to what it had waited for, and so on.

use super::Bar;
use crate::plan::TaskId;

/// Returns the chain in the order of time. Every step on it needs the one before; where a step begins later than that
/// one ends, it waited for its turn.
pub(super) fn longest_chain(bars: &[Bar]) -> Vec<TaskId> {
    // What was not begun has no end of its own, but passes on what was before it.
    let mut before: Vec<Option<TaskId>> = vec![None; bars.len()];
    let later = |one: Option<TaskId>, other: Option<TaskId>| match (one, other) {
        (Some(a), Some(b)) => {
            let key = |task: TaskId| (bars[task].stop().unwrap_or(0.0), bars[task].seconds());
            let ((a_stop, a_took), (b_stop, b_took)) = (key(a), key(b));
            let order = b_stop.total_cmp(&a_stop).then(b_took.total_cmp(&a_took));
            Some(if order.is_gt() { b } else { a })
        }
        (one, other) => one.or(other),
    };
    // Tasks come after all they wait for, so that one pass is enough.
    for (task, bar) in bars.iter().enumerate() {
        before[task] = bar.after.iter().filter(|other| **other < task).fold(None, |latest, other| {
            let own = if bars[*other].spans.is_empty() { before[*other] } else { Some(*other) };
            later(latest, own)
        });
    }
    let drawn = (0..bars.len()).filter(|task| !bars[*task].spans.is_empty());
    let mut at = drawn.fold(None, |latest, task| later(latest, Some(task)));
    let mut chain = Vec::new();
    while let Some(task) = at {
        chain.push(task);
        at = before[task];
    }
    chain.reverse();
    chain
}
