//! Which gates drain.
//!
//! A gate that leaves the graph drains, and so does one that stays when what it stands on is deleted or replaced: the
//! delete half runs the gates that stand on the old object. A gate that something still stands behind would wait for
//! ever; it drains nothing.

use super::decide::Decision;
use super::reasons::reason;
use super::step::{Action, Reason, Why};
use super::table::Table;
use crate::object::Class;

/// Settles which gates drain: those that leave, or whose ground is removed, unless something that came after them
/// stays. That would never be undone.
pub(super) fn settle(table: &Table<'_>, decisions: &mut [Decision<'_>]) {
    let is_gate = |at: usize| table.rows[at].class() == Class::Gate;
    let stays = |at: usize| {
        let row = &table.rows[at];
        let kept = !matches!(decisions[at].action, Action::Delete | Action::Replace);
        row.record.is_some() && row.class() == Class::Owned && !row.gone && kept
    };
    let mut occupied = vec![false; table.rows.len()];
    let mut work: Vec<usize> = (0..table.rows.len()).filter(|at| stays(*at)).collect();
    while let Some(at) = work.pop() {
        for ground in &table.rows[at].leans_on {
            if is_gate(*ground) && !occupied[*ground] {
                occupied[*ground] = true;
                work.push(*ground);
            }
        }
    }
    let goes = |at: usize, decisions: &[Decision<'_>]| {
        let row = &table.rows[at];
        let removed = matches!(decisions[at].action, Action::Delete | Action::Replace);
        removed && row.class() == Class::Owned && !row.gone && !row.deposed
    };
    for at in (0..table.rows.len()).filter(|at| is_gate(*at)) {
        let row = &table.rows[at];
        if row.record.is_none() || row.gone || occupied[at] {
            continue;
        }
        if row.node.is_none() {
            decisions[at].action = Action::Drain;
            decisions[at].bookkeeping = false;
            decisions[at].forget = None;
            continue;
        }
        let Some(ground) = row.leans_on.iter().find(|ground| goes(**ground, decisions)) else { continue };
        decisions[at].drains = true;
        if decisions[at].action == Action::Keep {
            let because =
                Reason { because_of: Some(table.rows[*ground].address.clone()), ..reason(Why::Container) };
            decisions[at].action = Action::Wait;
            decisions[at].bookkeeping = false;
            decisions[at].reasons.push(because);
        }
    }
}
