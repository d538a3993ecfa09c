//! The planner's table: every object that is wanted or recorded, once, with its edges as positions.
//!
//! Wanted and recorded objects share a row when they share an address; records that a replace superseded have rows of
//! their own. Nothing is decided here.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;

use indexmap::IndexMap;

use super::observed::{Observation, Observations};
use crate::object::{Class, ObjectNode};
use crate::state::{Record, State, Status};
use crate::value::Address;

/// One object.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) address: &'a Address,
    /// As it is wanted.
    pub(super) node: Option<&'a ObjectNode>,
    /// As it is recorded.
    pub(super) record: Option<&'a Record>,
    /// What was seen of the recorded object.
    pub(super) seen: Option<&'a Observation>,
    /// Whether the record is a superseded one.
    pub(super) deposed: bool,
    /// Whether the recorded object is known to be gone, itself or with its container.
    pub(super) gone: bool,
    /// Rows that the wanted object comes after.
    pub(super) needs: Vec<usize>,
    /// Rows that the recorded object depends on, superseded ones included.
    pub(super) leans_on: Vec<usize>,
    /// The reverse: rows whose recorded object depends on this one.
    pub(super) carries: Vec<usize>,
}

impl Row<'_> {
    /// Returns what the object is to us.
    pub(super) fn class(&self) -> Class {
        match (self.node, self.record) {
            (Some(node), _) => node.class,
            (None, Some(record)) => record.node.class,
            (None, None) => Class::Owned,
        }
    }
}

/// Every object, current ones by address, superseded ones after them by identity.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// Rows of wanted objects so that each comes after all it needs; ties are in order of address.
    pub(super) order: Vec<usize>,
    current: IndexMap<&'a Address, usize>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        nodes: &'a BTreeMap<Address, ObjectNode>,
        state: &'a State,
        observations: &'a Observations,
    ) -> Self {
        let mut rows = Vec::with_capacity(nodes.len().max(state.objects.len()) + state.deposed.len());
        let (mut wanted, mut recorded) = (nodes.values().peekable(), state.objects.iter().peekable());
        loop {
            let (node, record) = match (wanted.peek(), recorded.peek()) {
                (None, None) => break,
                (Some(node), Some((address, _))) if node.address == **address => {
                    (wanted.next(), recorded.next())
                }
                (Some(node), Some((address, _))) if node.address > **address => (None, recorded.next()),
                (Some(_), _) => (wanted.next(), None),
                (None, Some(_)) => (None, recorded.next()),
            };
            rows.push(row(node, record.map(|(_, record)| record), observations, false));
        }
        let current = rows.iter().enumerate().map(|(at, row)| (row.address, at)).collect();
        rows.extend(state.deposed.values().map(|record| row(None, Some(record), observations, true)));
        let mut table = Self { rows, order: Vec::new(), current };
        table.link();
        table.mark_gone();
        table.order = table.sort();
        table
    }

    /// Returns the row of the current object at an address.
    pub(super) fn find(&self, address: &Address) -> Option<usize> {
        self.current.get(address).copied()
    }

    fn link(&mut self) {
        let mut deposed: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| row.deposed) {
            deposed.entry(row.address).or_default().push(at);
        }
        let recorded_at = |address: &Address, found: &mut Vec<usize>| {
            found.extend(self.find(address).filter(|at| self.rows[*at].record.is_some()));
            found.extend(deposed.get(address).into_iter().flatten());
        };
        let edges: Vec<(Vec<usize>, Vec<usize>)> = self
            .rows
            .iter()
            .enumerate()
            .map(|(at, row)| {
                let (mut needs, mut leans_on) = (Vec::new(), Vec::new());
                if let Some(node) = row.node {
                    node.inputs.for_each_ref(&mut |reference| needs.extend(self.find(&reference.object)));
                    if let Some(key) = &node.natural_key {
                        key.for_each_ref(&mut |reference| needs.extend(self.find(&reference.object)));
                    }
                    needs.extend(node.after.iter().filter_map(|address| self.find(address)));
                    needs.extend(node.placement.container.as_ref().and_then(|address| self.find(address)));
                }
                if let Some(record) = row.record {
                    let next = record.open_update();
                    let addresses = record
                        .depends_on
                        .iter()
                        .chain(&record.node.placement.container)
                        .chain(next.iter().flat_map(|next| &next.depends_on));
                    addresses.for_each(|address| recorded_at(address, &mut leans_on));
                }
                for list in [&mut needs, &mut leans_on] {
                    list.sort_unstable();
                    list.dedup();
                    list.retain(|other| *other != at);
                }
                (needs, leans_on)
            })
            .collect();
        for (at, (needs, leans_on)) in edges.into_iter().enumerate() {
            for other in &leans_on {
                self.rows[*other].carries.push(at);
            }
            self.rows[at].needs = needs;
            self.rows[at].leans_on = leans_on;
        }
    }

    /// An object is gone when it was seen missing, or when nothing is left of what it was inside of.
    fn mark_gone(&mut self) {
        // A create that did not end is looked for again before it is repeated; gates and lookups are not ours to miss.
        let missing = |row: &Row<'_>| {
            let ended = row.record.is_some_and(|record| record.status != Status::Incomplete);
            ended && row.class() == Class::Owned && matches!(row.seen, Some(Observation::Missing))
        };
        let mut gone: Vec<bool> = self.rows.iter().map(missing).collect();
        // Containers may be inside of containers: a few rounds settle that.
        loop {
            let mut changed = false;
            for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| row.record.is_some()) {
                let Some(record) = row.record else { continue };
                let Some(container) = &record.node.placement.container else { continue };
                let holds_it = |other: &Row<'_>| {
                    let is_it = |other: &Record| record.within.as_ref().is_none_or(|uid| other.uid == *uid);
                    other.address == container && other.record.is_some_and(is_it)
                };
                let alive = row.leans_on.iter().any(|other| holds_it(&self.rows[*other]) && !gone[*other]);
                if !alive && !gone[at] {
                    gone[at] = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        for (row, gone) in self.rows.iter_mut().zip(gone) {
            row.gone = gone;
        }
    }

    fn sort(&self) -> Vec<usize> {
        let mut waits: Vec<usize> = self.rows.iter().map(|row| row.needs.len()).collect();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.rows.len()];
        for (at, row) in self.rows.iter().enumerate() {
            row.needs.iter().for_each(|need| before[*need].push(at));
        }
        let wanted = |at: &usize| self.rows[*at].node.is_some();
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..self.rows.len()).filter(|at| wanted(at) && waits[*at] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(self.rows.len());
        while let Some(Reverse(at)) = ready.pop() {
            order.push(at);
            for other in &before[at] {
                waits[*other] -= 1;
                if waits[*other] == 0 {
                    ready.push(Reverse(*other));
                }
            }
        }
        order
    }
}

fn row<'a>(
    node: Option<&'a ObjectNode>,
    record: Option<&'a Record>,
    observations: &'a Observations,
    deposed: bool,
) -> Row<'a> {
    let address = match (node, record) {
        (Some(node), _) => &node.address,
        (None, Some(record)) => &record.node.address,
        (None, None) => unreachable!("a row is made of a node or a record"),
    };
    let seen = record.and_then(|record| observations.get(&record.uid));
    Row {
        address,
        node,
        record,
        seen,
        deposed,
        gone: false,
        needs: Vec::new(),
        leans_on: Vec::new(),
        carries: Vec::new(),
    }
}
