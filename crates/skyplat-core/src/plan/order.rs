//! The tasks and their order.
//!
//! * A make comes after the makes of all that is needed.
//! * A remove comes after the removes of all that depends on the recorded object, and after every make that moves
//!   something away from it; these last give way where they would close a circle.
//! * What went with something that is gone is forgotten before that is made again; no call is made for it, so this gives
//!   way before any move does.
//! * The two halves of a replace are ordered, and a remove comes before the make of another object with the same natural
//!   key.
//! * A remove whose replace is not certain comes after the makes of the values that decide it.
//!
//! Where that closes a circle, something is learned from it and the order is built again: a replace is turned around, a
//! value comes too late to wait for, a move gives way. All on a circle do at first, and those that need not are taken back
//! at the end. What remains is a [`PlanError::Cycle`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{DfsSpace, has_path_connecting, kosaraju_scc};
use petgraph::graph::{DiGraph, NodeIndex};

use super::certain::{Certainty, Learned, settle};
use super::decide::Decision;
use super::error::PlanError;
use super::keys::keys_meet;
use super::step::{Action, Part};
use super::table::Table;
use crate::graph::Edges;
use crate::object::{Class, ObjectKind, Placement};
use crate::state::State;
use crate::value::{Address, Reference, Tree, paper, resolve};

/// Why one task waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Because {
    /// It cannot be otherwise.
    Must,
    /// Something is moved away before what it leaves is deleted.
    Moves,
    /// Something that is gone is forgotten before what it was inside of is there again.
    Forgets,
    /// A value decides whether the delete is done at all: who doubts it, and which. Boxed, because it is rare.
    Decides(Box<(usize, Reference)>),
}

impl Because {
    /// The reasons that give way where they close a circle, the weakest first.
    const GIVING_WAY: [Self; 2] = [Self::Forgets, Self::Moves];

    fn gives_way(&self) -> bool {
        Self::GIVING_WAY.contains(self)
    }
}

#[derive(Debug, Clone)]
struct Edge {
    from: usize,
    to: usize,
    because: Because,
}

/// Tasks in an order in which they could be done one by one.
#[derive(Debug)]
pub(super) struct Ordered {
    /// Row and part of each task.
    pub(super) tasks: Vec<(usize, Part)>,
    /// For each task, the tasks it waits for.
    pub(super) after: Edges,
    /// Certainty by row.
    pub(super) certainty: Vec<Certainty>,
    /// Pairs of a deleted and a created row that have one natural key.
    pub(super) same_key: Vec<(usize, usize)>,
}

/// Orders the plan.
///
/// # Errors
/// [`PlanError::Cycle`] when the steps wait for each other in a circle.
pub(super) fn order(
    table: &Table<'_>,
    decisions: &[Decision<'_>],
    state: &State,
) -> Result<Ordered, PlanError> {
    let tasks = Tasks::new(table, decisions);
    let key_pairs = key_pairs(table, decisions, state);
    let mut learned = Learned::default();
    let mut dropped: BTreeSet<(usize, usize)> = BTreeSet::new();
    'learning: loop {
        let certainty = settle(table, decisions, &learned);
        let (given, mut edges): (Vec<Edge>, Vec<Edge>) = tasks
            .edges(table, decisions, &certainty, &key_pairs)
            .into_iter()
            .partition(|edge| edge.because.gives_way() && dropped.contains(&(edge.from, edge.to)));
        if let Some(sorted) = tasks.sort(&edges) {
            let sorted = tasks.take_back(given, &mut edges).unwrap_or(sorted);
            let same_key = key_pairs
                .into_iter()
                .filter(|(old, new)| {
                    decisions[*old].action == Action::Delete && decisions[*new].action == Action::Create
                })
                .collect();
            return Ok(tasks.finish(&sorted, &edges, certainty, same_key));
        }
        let circles = tasks.circles(&edges, |because| *because == Because::Must);
        let turned = tasks.replaces_within(&circles, |at| !certainty[at].delete_first);
        if !turned.is_empty() {
            learned.flipped.extend(turned);
            continue;
        }
        if circles.any() {
            return Err(PlanError::Cycle { objects: tasks.first_circle(table, &circles) });
        }
        let circles = tasks.circles(&edges, |because| !because.gives_way());
        let known = learned.late.len();
        learned.late.extend(edges.iter().filter(|edge| circles.holds(edge)).filter_map(|edge| {
            if let Because::Decides(doubt) = &edge.because { Some((**doubt).clone()) } else { None }
        }));
        if learned.late.len() > known {
            continue;
        }
        let circles = tasks.circles(&edges, |_| true);
        for weak in Because::GIVING_WAY {
            let given = dropped.len();
            let held = edges.iter().filter(|edge| edge.because == weak && circles.holds(edge));
            dropped.extend(held.map(|edge| (edge.from, edge.to)));
            if dropped.len() > given {
                continue 'learning;
            }
        }
        return Err(PlanError::Cycle { objects: tasks.first_circle(table, &circles) });
    }
}

struct Tasks {
    all: Vec<(usize, Part)>,
    make: Vec<Option<usize>>,
    remove: Vec<Option<usize>>,
}

/// The circles of a graph: for each task, the number of its circle, if it is on one.
struct Circles(Vec<Option<usize>>);

impl Circles {
    fn any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    fn holds(&self, edge: &Edge) -> bool {
        self.0[edge.from].is_some() && self.0[edge.from] == self.0[edge.to]
    }
}

impl Tasks {
    fn new(table: &Table<'_>, decisions: &[Decision<'_>]) -> Self {
        let mut tasks = Vec::with_capacity(table.rows.len());
        let (mut make, mut remove) = (vec![None; table.rows.len()], vec![None; table.rows.len()]);
        for (at, (row, decision)) in table.rows.iter().zip(decisions).enumerate() {
            let ends = row.node.is_none() || decision.action == Action::Replace || decision.drains;
            if row.node.is_some() {
                make[at] = Some(tasks.len());
                tasks.push((at, Part::Make));
            }
            if ends {
                remove[at] = Some(tasks.len());
                tasks.push((at, Part::Remove));
            }
        }
        Self { all: tasks, make, remove }
    }

    fn edges(
        &self,
        table: &Table<'_>,
        decisions: &[Decision<'_>],
        certainty: &[Certainty],
        key_pairs: &[(usize, usize)],
    ) -> Vec<Edge> {
        let mut edges = Vec::new();
        let mut add = |from: Option<usize>, to: Option<usize>, because: Because| {
            if let (Some(from), Some(to)) = (from, to)
                && from != to
            {
                edges.push(Edge { from, to, because });
            }
        };
        for (at, row) in table.rows.iter().enumerate() {
            for need in table.needs(at) {
                add(self.make[*need], self.make[at], Because::Must);
            }
            let Some(remove) = self.remove[at] else { continue };
            let remove = Some(remove);
            let delete_first = certainty[at].delete_first;
            for above in table.carries(at) {
                if self.remove[*above].is_some() {
                    // A record names an address; it may well mean the object that superseded this one, unless it says
                    // which one it is inside of.
                    let within = table.rows[*above].record.and_then(|record| record.within.as_ref());
                    let is_inside = within.is_some() && within == row.record.map(|record| &record.uid);
                    let because = if row.deposed && !is_inside { Because::Moves } else { Because::Must };
                    add(self.remove[*above], remove, because);
                }
                // What stays moves away, and so does what may stay, because its replace is not certain.
                let stays = self.remove[*above].is_none() || !certainty[*above].is_certain();
                let needs_the_new = delete_first && table.needs(*above).binary_search(&at).is_ok();
                if stays && !needs_the_new {
                    add(self.make[*above], remove, Because::Moves);
                }
            }
            if row.gone {
                // What was inside of something is forgotten before that is there again.
                for ground in table.leans_on(at).iter().filter(|ground| decisions[**ground].forget.is_some())
                {
                    add(remove, self.make[*ground], Because::Forgets);
                }
            }
            if row.deposed {
                add(table.find(row.address).and_then(|current| self.make[current]), remove, Because::Moves);
            }
            if decisions[at].action == Action::Replace {
                let (first, second) =
                    if delete_first { (remove, self.make[at]) } else { (self.make[at], remove) };
                add(first, second, Because::Must);
            }
            if decisions[at].drains {
                if table.leans_on(at).iter().any(|ground| certainty[*ground].delete_first) {
                    add(remove, self.make[at], Because::Must);
                } else {
                    add(self.make[at], remove, Because::Moves);
                }
            }
            for doubt in &certainty[at].rests_on {
                let maker = table.find_from(doubt.0, &doubt.1.object).and_then(|maker| self.make[maker]);
                add(maker, remove, Because::Decides(Box::new(doubt.clone())));
            }
        }
        for (old, new) in key_pairs {
            add(self.remove[*old], self.make[*new], Because::Must);
        }
        edges
    }

    /// Returns the tasks in order, by row where there is a choice; none when there is a circle.
    fn sort(&self, edges: &[Edge]) -> Option<Vec<usize>> {
        let sorted = Edges::new(self.all.len(), edges.iter().map(|edge| (edge.to, edge.from))).sorted();
        (sorted.len() == self.all.len()).then_some(sorted)
    }

    /// Takes back what gave way and closes no circle, the strongest reasons first. Returns the order that follows, if
    /// there was anything.
    fn take_back(&self, mut given: Vec<Edge>, edges: &mut Vec<Edge>) -> Option<Vec<usize>> {
        if given.is_empty() {
            return None;
        }
        let strength = |edge: &Edge| Because::GIVING_WAY.iter().position(|weak| *weak == edge.because);
        given.sort_by_key(|edge| Reverse(strength(edge)));
        let mut graph = self.graph(edges.iter());
        let mut space = DfsSpace::new(&graph);
        for edge in given {
            let (from, to) = (NodeIndex::new(edge.from), NodeIndex::new(edge.to));
            if !has_path_connecting(&graph, to, from, Some(&mut space)) {
                graph.add_edge(from, to, ());
                edges.push(edge);
            }
        }
        self.sort(edges)
    }

    fn graph<'a>(&self, edges: impl Iterator<Item = &'a Edge>) -> DiGraph<(), ()> {
        let mut graph = DiGraph::with_capacity(self.all.len(), 0);
        for _ in &self.all {
            graph.add_node(());
        }
        for edge in edges {
            graph.add_edge(NodeIndex::new(edge.from), NodeIndex::new(edge.to), ());
        }
        graph
    }

    fn circles(&self, edges: &[Edge], counts: impl Fn(&Because) -> bool) -> Circles {
        let graph = self.graph(edges.iter().filter(|edge| counts(&edge.because)));
        let mut circles = vec![None; self.all.len()];
        for (number, component) in kosaraju_scc(&graph).iter().enumerate().filter(|(_, c)| c.len() > 1) {
            for node in component {
                circles[node.index()] = Some(number);
            }
        }
        Circles(circles)
    }

    /// Returns the replaces that have both halves on one circle.
    fn replaces_within(&self, circles: &Circles, counts: impl Fn(usize) -> bool) -> Vec<usize> {
        let both = |at: usize| {
            let (make, remove) = (self.make[at]?, self.remove[at]?);
            circles.0[make].filter(|circle| circles.0[remove] == Some(*circle))
        };
        (0..self.make.len()).filter(|at| both(*at).is_some() && counts(*at)).collect()
    }

    fn first_circle(&self, table: &Table<'_>, circles: &Circles) -> Vec<Address> {
        let first = circles.0.iter().flatten().next();
        let mut rows: Vec<usize> = (0..self.all.len())
            .filter(|task| circles.0[*task].as_ref() == first)
            .map(|task| self.all[task].0)
            .collect();
        rows.dedup();
        rows.into_iter().map(|at| table.rows[at].address.clone()).collect()
    }

    fn finish(
        &self,
        sorted: &[usize],
        edges: &[Edge],
        certainty: Vec<Certainty>,
        same_key: Vec<(usize, usize)>,
    ) -> Ordered {
        let mut position = vec![0; sorted.len()];
        sorted.iter().enumerate().for_each(|(at, task)| position[*task] = at);
        let waits = edges.iter().map(|edge| (position[edge.to], position[edge.from]));
        let after = Edges::new(sorted.len(), waits);
        let tasks = sorted.iter().map(|task| self.all[*task]).collect();
        Ordered { tasks, after, certainty, same_key }
    }
}

/// Returns pairs of rows of which the first must go before the second can be made: one kind, one place, one natural key.
fn key_pairs(table: &Table<'_>, decisions: &[Decision<'_>], state: &State) -> Vec<(usize, usize)> {
    type Place<'a> = (&'a ObjectKind, &'a Placement);
    let made = |reference: &Reference| {
        table
            .find(&reference.object)
            .is_some_and(|at| matches!(decisions[at].action, Action::Create | Action::Replace))
    };
    let mut leaving: BTreeMap<Place<'_>, BTreeMap<String, Vec<(usize, Tree)>>> = BTreeMap::new();
    for (at, row) in table.rows.iter().enumerate() {
        let Some(record) = row.record.filter(|_| !row.gone) else { continue };
        let ends = matches!(decisions[at].action, Action::Delete | Action::Replace);
        let Some(key) = record.node.natural_key.as_ref().filter(|_| ends && row.class() == Class::Owned)
        else {
            continue;
        };
        let Ok(key) = resolve(key, &|reference| state.output(reference)) else { continue };
        let place = (&record.node.kind, &record.node.placement);
        let same = leaving.entry(place).or_default().entry(paper::show(&key).to_string()).or_default();
        same.push((at, key));
    }
    let mut pairs = Vec::new();
    if leaving.is_empty() {
        return pairs;
    }
    for (at, row) in table.rows.iter().enumerate() {
        let Some(node) = row.node.filter(|node| node.class == Class::Owned) else { continue };
        if !matches!(decisions[at].action, Action::Create | Action::Replace) {
            continue;
        }
        let (Some(key), Some(others)) = (&decisions[at].key, leaving.get(&(&node.kind, &node.placement)))
        else {
            continue;
        };
        let mut add = |candidates: &[(usize, Tree)]| {
            let meeting =
                candidates.iter().filter(|(old, old_key)| *old != at && keys_meet(old_key, key, &made));
            pairs.extend(meeting.map(|(old, _)| (*old, at)));
        };
        if key.first_unknown().is_none() {
            others.get(&paper::show(key).to_string()).into_iter().for_each(|same| add(same));
        } else {
            for same in others.values() {
                add(same);
            }
        }
    }
    pairs
}
