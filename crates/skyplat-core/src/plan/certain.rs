//! Which replaces are certain, and which half of each comes first.
//!
//! A replace that rests on unknown values alone is decided at apply time, before anything is deleted for it. Where a
//! value can only be known after one of these deletes ([`Learned::late`], found by [`super::order`]), the replace is
//! certain; or, when nothing but the replace of the value's own object gives it anew, and that one is not certain, it
//! stands and falls with it.

use std::collections::BTreeSet;

use super::decide::Decision;
use super::step::Action;
use super::table::Table;
use crate::value::Reference;

/// What was learned while ordering.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Values that a replace cannot wait for.
    pub(super) late: BTreeSet<(usize, Reference)>,
    /// Replaces whose old half must go first, because of what others wait for.
    pub(super) flipped: BTreeSet<usize>,
}

/// What is known of one row's replace.
#[derive(Debug, Clone, Default)]
pub(super) struct Certainty {
    /// Whether the old half goes first.
    pub(super) delete_first: bool,
    /// Values that decide it, with the row that doubts them. Empty when the replace is certain.
    pub(super) rests_on: Vec<(usize, Reference)>,
    /// Replaces that are not certain either and take this one along.
    pub(super) dragged_by: Vec<usize>,
}

impl Certainty {
    pub(super) fn is_certain(&self) -> bool {
        self.rests_on.is_empty() && self.dragged_by.is_empty()
    }
}

/// Works out certainty and order of every replace, what is needed first.
pub(super) fn settle(table: &Table<'_>, decisions: &[Decision<'_>], learned: &Learned) -> Vec<Certainty> {
    let mut settled = vec![Certainty::default(); table.rows.len()];
    let is_replace = |at: usize| decisions[at].action == Action::Replace;
    for at in table.order.iter().copied().filter(|at| is_replace(*at)) {
        // What is replaced because of a delete-first replace must be gone before it: anything else is a circle.
        let beneath = |other: &usize| is_replace(*other) && settled[*other].delete_first;
        let clears_the_way = table
            .needs(at)
            .iter()
            .any(|need| table.leans_on(at).binary_search(need).is_ok() && beneath(need));
        let delete_first =
            decisions[at].replace.in_the_way || learned.flipped.contains(&at) || clears_the_way;
        settled[at] = Certainty { delete_first, ..doubts(table, decisions, learned, &settled, at) };
    }
    settled
}

fn doubts(
    table: &Table<'_>,
    decisions: &[Decision<'_>],
    learned: &Learned,
    settled: &[Certainty],
    at: usize,
) -> Certainty {
    let decision = &decisions[at];
    let is_certain = |other: usize| decisions[other].action != Action::Replace || settled[other].is_certain();
    if decision.replace.sure || decision.replace.parents.iter().any(|parent| is_certain(*parent)) {
        return Certainty::default();
    }
    let mut dragged_by = decision.replace.parents.clone();
    let mut rests_on = Vec::new();
    for doubt in &decision.doubts {
        if !learned.late.contains(&(at, doubt.clone())) {
            rests_on.push((at, doubt.clone()));
            continue;
        }
        match table.find_from(at, &doubt.object) {
            Some(other) if !is_certain(other) && !decisions[other].may_change_in_place(&doubt.field) => {
                dragged_by.push(other);
            }
            _ => return Certainty::default(),
        }
    }
    for other in &dragged_by {
        rests_on.extend(settled[*other].rests_on.iter().cloned());
    }
    rests_on.sort();
    rests_on.dedup();
    dragged_by.sort_unstable();
    dragged_by.dedup();
    Certainty { delete_first: false, rests_on, dragged_by }
}
