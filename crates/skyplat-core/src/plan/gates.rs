//! Which gates drain.
//!
//! A gate that leaves the graph drains, and so does one that stays when what it stands on is deleted or replaced: the
//! delete half runs the gates that stand on the old object. Such a gate is two gates, one on the old object and one on the
//! new: it gets a new identity, so that the old one drains what it watched, even after a crash in between. A gate that
//! something still stands behind would wait for ever; it drains nothing, unless it watches something else from now on:
//! then what stays stands behind the new one.

use super::decide::Decision;
use super::reasons::reason;
use super::step::{Action, Reason, Why};
use super::table::Table;
use crate::object::Class;
use crate::state::{State, Uid};

/// Settles which gates drain: those that leave, or whose ground is removed, unless something that came after them
/// stays and means the same gate. That would never be undone.
pub(super) fn settle(table: &Table<'_>, state: &State, decisions: &mut [Decision<'_>]) {
    let is_gate = |at: usize| table.rows[at].class() == Class::Gate;
    let stays = |at: usize| {
        let row = &table.rows[at];
        let kept = !matches!(decisions[at].action, Action::Delete | Action::Replace);
        row.record.is_some() && row.class() == Class::Owned && !row.gone && kept
    };
    let mut occupied = vec![false; table.rows.len()];
    let mut work: Vec<usize> = (0..table.rows.len()).filter(|at| stays(*at)).collect();
    while let Some(at) = work.pop() {
        for ground in table.leans_on(at) {
            if is_gate(*ground) && !occupied[*ground] {
                occupied[*ground] = true;
                work.push(*ground);
            }
        }
    }
    let goes = |at: usize, decisions: &[Decision<'_>]| {
        let row = &table.rows[at];
        let removed = matches!(decisions[at].action, Action::Delete | Action::Replace);
        removed && row.class() == Class::Owned && !row.gone
    };
    for at in (0..table.rows.len()).filter(|at| is_gate(*at)) {
        let row = &table.rows[at];
        // What stands behind a superseded gate, or one that is about to be, means the one that supersedes it.
        let watches_another =
            row.node.is_some() && decisions[at].reasons.iter().any(|why| why.field.is_some());
        let superseded = row.deposed || watches_another;
        if row.record.is_none() || row.gone || occupied[at] && !superseded {
            continue;
        }
        let Some(node) = row.node else {
            decisions[at].action = Action::Drain;
            decisions[at].bookkeeping = false;
            decisions[at].forget = None;
            continue;
        };
        // A gate that watches the same still may stand on what superseded its old ground already.
        let mut grounds = table.leans_on(at).iter().filter(|at| watches_another || !table.rows[**at].deposed);
        let Some(ground) = grounds.find(|ground| goes(**ground, decisions)) else { continue };
        let generation = state.next_generation(&node.address);
        decisions[at].drains = true;
        decisions[at].new_uid = Some(Uid::new(&state.stack.id, &node.address, generation));
        if decisions[at].action == Action::Keep {
            let because =
                Reason { because_of: Some(table.rows[*ground].address.clone()), ..reason(Why::Container) };
            decisions[at].action = Action::Wait;
            decisions[at].bookkeeping = false;
            decisions[at].reasons.push(because);
        }
    }
}
