//! The planner's table: every object that is wanted or recorded, once, with its edges as positions.
//!
//! Wanted and recorded objects share a row when they share an address; records that a replace superseded have rows of
//! their own. Nothing is decided here.

use std::collections::BTreeMap;

use super::observed::{Observation, Observations};
use crate::graph::{Edges, ObjectGraph};
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
    /// How many rows are those of current objects.
    current: usize,
    needs: Edges,
    /// Whether a wanted object comes after that of a row.
    needed: Vec<bool>,
    leans_on: Edges,
    carries: Edges,
}

impl<'a> Table<'a> {
    pub(super) fn new(graph: &'a ObjectGraph, state: &'a State, observations: &'a Observations) -> Self {
        let nodes = graph.nodes();
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
        let current = rows.len();
        rows.extend(state.deposed.values().map(|record| row(None, Some(record), observations, true)));
        let row_of: Vec<usize> = (0..current).filter(|at| rows[*at].node.is_some()).collect();
        let needs = graph.edges().pairs().map(|(node, need)| (row_of[node], row_of[need]));
        let needs = Edges::new(rows.len(), needs);
        let mut needed = vec![false; rows.len()];
        needs.pairs().for_each(|(_, need)| needed[need] = true);
        let order = graph.positions_in_order().iter().map(|node| row_of[*node]).collect();
        let (leans_on, carries) = (Edges::default(), Edges::default());
        let mut table = Self { rows, order, current, needs, needed, leans_on, carries };
        table.link();
        table.mark_gone();
        table
    }

    /// Returns the row of the current object at an address.
    pub(super) fn find(&self, address: &Address) -> Option<usize> {
        self.rows[..self.current].binary_search_by(|row| row.address.cmp(address)).ok()
    }

    /// Does the same on behalf of a row, which mostly means something that it needs.
    pub(super) fn find_from(&self, at: usize, address: &Address) -> Option<usize> {
        let needs = self.needs(at);
        match needs.binary_search_by(|need| self.rows[*need].address.cmp(address)) {
            Ok(found) => Some(needs[found]),
            Err(_) => self.find(address),
        }
    }

    /// Returns the rows that the wanted object of a row comes after.
    pub(super) fn needs(&self, at: usize) -> &[usize] {
        self.needs.of(at)
    }

    /// Returns whether any wanted object comes after that of a row.
    pub(super) fn is_needed(&self, at: usize) -> bool {
        self.needed[at]
    }

    /// Returns the rows that the recorded object of a row depends on, superseded ones included.
    pub(super) fn leans_on(&self, at: usize) -> &[usize] {
        self.leans_on.of(at)
    }

    /// Returns the reverse: the rows whose recorded object depends on that of a row.
    pub(super) fn carries(&self, at: usize) -> &[usize] {
        self.carries.of(at)
    }

    /// Finds what recorded objects depend on.
    fn link(&mut self) {
        let mut deposed: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| row.deposed) {
            deposed.entry(row.address).or_default().push(at);
        }
        let mut pairs = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let Some(record) = row.record else { continue };
            let next = record.open_update();
            let addresses = record
                .depends_on
                .iter()
                .chain(&record.node.placement.container)
                .chain(next.iter().flat_map(|next| &next.depends_on));
            for address in addresses {
                let current = self.find_from(at, address).filter(|at| self.rows[*at].record.is_some());
                let superseded = deposed.get(address).into_iter().flatten().copied();
                let others = current.into_iter().chain(superseded).filter(|other| *other != at);
                pairs.extend(others.map(|other| (at, other)));
            }
        }
        self.leans_on = Edges::new(self.rows.len(), pairs.iter().copied());
        self.carries = self.leans_on.reversed();
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
                let alive =
                    self.leans_on(at).iter().any(|other| holds_it(&self.rows[*other]) && !gone[*other]);
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
    Row { address, node, record, seen, deposed, gone: false }
}
