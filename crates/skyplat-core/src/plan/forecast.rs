//! How long a plan takes with unlimited parallelism, and which objects that time is spent on.
//!
//! Unlimited, so that a plan does not depend on how it will be run. Replaces that are not certain are taken as done.

use super::latency::{Latency, LatencyTable};
use super::step::{Action, Forecast, Part, Step, Task};
use crate::object::ObjectNode;

/// Returns the seconds that one half of a step takes.
pub(super) fn seconds(
    table: &LatencyTable,
    step: &Step,
    part: Part,
    node: &ObjectNode,
    nothing_to_delete: bool,
) -> f64 {
    let latency = || -> Latency { table.of(&node.kind, &node.inputs) };
    match (part, step.action) {
        (Part::Make, Action::Create | Action::Replace | Action::Wait) => latency().create,
        (Part::Make, Action::Update) => latency().update,
        (Part::Remove, action) if action != Action::Keep && !nothing_to_delete => latency().delete,
        _ => 0.0,
    }
}

/// Fills in how much remains after the start of each task, and adds it up. Tasks are in order.
pub(super) fn forecast(tasks: &mut [Task], steps: &[Step]) -> Forecast {
    let mut next: Vec<Option<usize>> = vec![None; tasks.len()];
    let mut longest = vec![0.0_f64; tasks.len()];
    for at in (0..tasks.len()).rev() {
        let remaining = tasks[at].seconds + longest[at];
        tasks[at].remaining = remaining;
        for before in &tasks[at].after {
            if next[*before].is_none() || remaining >= longest[*before] {
                longest[*before] = remaining;
                next[*before] = Some(at);
            }
        }
    }
    let first = (0..tasks.len()).rev().max_by(|a, b| tasks[*a].remaining.total_cmp(&tasks[*b].remaining));
    let mut critical_path = Vec::new();
    let mut at = first;
    while let Some(task) = at {
        let address = &steps[tasks[task].step].address;
        if tasks[task].seconds > 0.0 && critical_path.last() != Some(address) {
            critical_path.push(address.clone());
        }
        at = next[task];
    }
    Forecast { duration_s: first.map_or(0.0, |first| tasks[first].remaining), critical_path }
}
