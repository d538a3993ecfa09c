//! What is done to each object, in the order of the wanted graph.
//!
//! An object is decided when everything it refers to is: references resolve against what the plan makes of their
//! objects. Outputs survive an update, except those that its rules recompute; after a create or replace nothing is known
//! but echoes. What a value that is not known means for the steps that rest on it is settled later, in
//! [`super::certain`].

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::compare::{FieldChange, compare};
use super::drift::drift;
use super::error::PlanError;
use super::gates;
use super::keys::keys_meet;
use super::observed::Observation;
use super::reasons::{deepest, elsewhere, field_reason, reason};
use super::step::{Action, Reason, Why};
use super::table::{Row, Table};
use crate::object::{Class, FieldPath, ObjectNode, Segment};
use crate::state::{Operation, Record, State, Status, Uid};
use crate::value::{Address, Key, Reference, Resolved, Tree, resolved};

/// What is done to one object.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub(super) action: Action,
    pub(super) bookkeeping: bool,
    pub(super) reasons: Vec<Reason>,
    /// The identity of the record, or of the object to be made.
    pub(super) uid: Uid,
    /// For a replace, the identity of the new object.
    pub(super) new_uid: Option<Uid>,
    /// A record to be forgotten first.
    pub(super) forget: Option<Uid>,
    /// For an update, the wanted inputs, resolved as far as they are known.
    pub(super) inputs: Option<Cow<'a, Tree>>,
    /// The wanted natural key of an object to be made, resolved likewise.
    pub(super) key: Option<Cow<'a, Tree>>,
    /// Outputs that repeat a wanted input, of an object that another one needs.
    pub(super) echoes: Vec<(&'a str, Resolved)>,
    /// Whether all outputs but echoes are new.
    pub(super) fresh: bool,
    /// Outputs that an update gives new values, and a replace that turns out to be one.
    pub(super) recomputed: BTreeSet<String>,
    /// Values not known yet: for a replace, those that force it when they differ; for an update that rests on nothing
    /// else, all of them.
    pub(super) doubts: Vec<Reference>,
    /// What is known of a replace.
    pub(super) replace: Forced,
    /// For a gate that stays: whether what it stands on goes, so that it drains.
    pub(super) drains: bool,
}

/// What is known of a replace.
#[derive(Debug, Default)]
pub(super) struct Forced {
    /// Whether something that is known forces it.
    pub(super) sure: bool,
    /// Objects that this one lives in and that are made anew.
    pub(super) parents: Vec<usize>,
    /// Whether the old object must go before the new one can be made.
    pub(super) in_the_way: bool,
}

impl Decision<'_> {
    fn new(action: Action, uid: Uid) -> Self {
        Self {
            action,
            bookkeeping: false,
            reasons: Vec::new(),
            uid,
            new_uid: None,
            forget: None,
            inputs: None,
            key: None,
            echoes: Vec::new(),
            fresh: matches!(action, Action::Create | Action::Replace),
            recomputed: BTreeSet::new(),
            doubts: Vec::new(),
            replace: Forced::default(),
            drains: false,
        }
    }

    /// Returns whether the object as it was recorded ends, and with it what lives in it.
    fn is_new(&self) -> bool {
        matches!(self.action, Action::Create | Action::Replace)
    }

    /// Returns whether an output that is not known may be another even if the object is only updated.
    pub(super) fn may_change_in_place(&self, field: &str) -> bool {
        self.recomputed.contains(field) || self.echoes.iter().any(|(echo, _)| *echo == field)
    }
}

/// Decides every row.
///
/// # Errors
/// When inputs cannot be resolved.
pub(super) fn decide<'a>(
    table: &Table<'a>,
    state: &'a State,
    destroy: bool,
) -> Result<Vec<Decision<'a>>, PlanError> {
    let mut decider = Decider { table, state, done: Vec::new() };
    decider.done.resize_with(table.rows.len(), || None);
    for at in &table.order {
        let decision = decider.wanted(*at)?;
        decider.done[*at] = Some(decision);
    }
    let done = decider.done.into_iter().enumerate();
    let mut decisions: Vec<Decision<'_>> =
        done.map(|(at, done)| done.unwrap_or_else(|| unwanted(&table.rows[at], destroy))).collect();
    gates::settle(table, state, &mut decisions);
    Ok(decisions)
}

/// Decides a recorded object that is not wanted (any more).
fn unwanted<'a>(row: &Row<'a>, destroy: bool) -> Decision<'a> {
    let uid = row.record.map(|record| record.uid.clone()).expect("a row that is not wanted is recorded");
    let action = if row.class() == Class::Owned { Action::Delete } else { Action::Keep };
    let mut decision = Decision::new(action, uid.clone());
    decision.bookkeeping = action == Action::Keep;
    decision.forget = (row.gone || decision.bookkeeping).then_some(uid);
    let why = if row.deposed && !destroy { Why::Incomplete } else { Why::Requested };
    decision.reasons.push(reason(why));
    decision
}

struct Decider<'t, 'a> {
    table: &'t Table<'a>,
    state: &'a State,
    done: Vec<Option<Decision<'a>>>,
}

impl<'a> Decider<'_, 'a> {
    fn wanted(&self, at: usize) -> Result<Decision<'a>, PlanError> {
        let row = &self.table.rows[at];
        let node = row.node.expect("the order holds wanted objects");
        let inputs_error = |source| PlanError::Inputs { address: node.address.clone(), source };
        let output = |reference: &Reference| self.output(at, reference);
        let inputs = resolved(&node.inputs, &output).map_err(inputs_error)?;
        let key = node.natural_key.as_ref().map(|key| resolved(key, &output));
        let key = key.transpose().map_err(inputs_error)?;
        let mut decision = match (node.class, row.record) {
            (Class::Owned, Some(record)) if row.gone => self.again(node, record),
            (Class::Owned, Some(record)) => self.owned(row, node, record, &inputs, key.as_deref()),
            (Class::Owned, None) => Decision::new(Action::Create, self.next_uid(node)),
            (Class::Gate, record) => self.gate(row, node, record, &inputs),
            (Class::Lookup, record) => self.lookup(row, node, record, &inputs),
        };
        if decision.action == Action::Keep
            && let Some(record) = row.record
        {
            decision.bookkeeping = self.books_differ(at, node, record, key.as_deref());
        }
        let echoed = |(field, path): (&'a String, &'a String)| {
            let value = inputs.at(path)?;
            let known = value.first_unknown().is_none();
            Some((field.as_str(), if known { Resolved::Known(value.clone()) } else { Resolved::Unknown }))
        };
        if self.table.is_needed(at) {
            // A list that is collected without knowing its length begins with room for four.
            decision.echoes.reserve_exact(node.echoes.len());
            decision.echoes.extend(node.echoes.iter().filter_map(echoed));
        }
        decision.key = key.filter(|_| decision.is_new());
        decision.inputs = Some(inputs).filter(|_| decision.action == Action::Update);
        Ok(decision)
    }

    fn next_uid(&self, node: &ObjectNode) -> Uid {
        Uid::new(&self.state.stack.id, &node.address, self.state.next_generation(&node.address))
    }

    fn decision(&self, at: usize) -> &Decision<'a> {
        self.done[at].as_ref().expect("the order puts what is needed first")
    }

    /// Returns what an output that a row refers to will be, as far as the plan knows.
    fn output(&self, from: usize, reference: &Reference) -> Resolved {
        let Some(at) = self.table.find_from(from, &reference.object) else { return Resolved::Unknown };
        let (Some(decision), row) = (&self.done[at], &self.table.rows[at]) else { return Resolved::Unknown };
        let mut echoes = decision.echoes.iter();
        if let Some((_, value)) = echoes.find(|(field, _)| *field == reference.field) {
            return value.clone();
        }
        if decision.fresh || decision.recomputed.contains(reference.field.as_str()) {
            return Resolved::Unknown;
        }
        let seen = match row.seen {
            Some(Observation::Present { outputs, .. }) => outputs.get(reference.field.as_str()),
            _ => None,
        };
        let recorded = || row.record.and_then(|record| record.outputs.get(reference.field.as_str()));
        seen.or_else(recorded).map_or(Resolved::Unknown, |value| Resolved::Known(value.clone()))
    }

    /// The recorded object is gone: it is made again.
    fn again(&self, node: &ObjectNode, record: &Record) -> Decision<'a> {
        let mut decision = Decision::new(Action::Create, self.next_uid(node));
        decision.forget = Some(record.uid.clone());
        decision.reasons.push(reason(Why::Drifted));
        decision
    }

    fn owned(
        &self,
        row: &Row<'_>,
        node: &ObjectNode,
        record: &Record,
        inputs: &Tree,
        key: Option<&Tree>,
    ) -> Decision<'a> {
        let changes = compare(&record.node.inputs, inputs, &node.rules);
        let drifted = match row.seen {
            Some(Observation::Present { inputs: seen, .. }) => drift(seen, inputs, &node.rules),
            _ => Vec::new(),
        };
        let drifted: Vec<FieldChange> = drifted
            .into_iter()
            .filter(|drift| !changes.iter().any(|change| change.path == drift.path))
            .collect();

        let (parents, mut reasons) = self.parents(node);
        let mut lives_elsewhere = elsewhere(node, record);
        lives_elsewhere.extend(self.left_behind(record));
        let mut doubts = Vec::new();
        let mut sure = !lives_elsewhere.is_empty()
            || drifted.iter().any(|drift| drift.forces_replace)
            || parents.iter().any(|parent| self.decision(*parent).action == Action::Create);
        let mut forced = sure || !parents.is_empty();
        reasons.extend(lives_elsewhere);
        for change in &changes {
            let from_parent = change.unknown.iter().all(|unknown| {
                self.table.find(&unknown.object).is_some_and(|object| {
                    parents.contains(&object) && !self.decision(object).may_change_in_place(&unknown.field)
                })
            });
            if node.rules.is_parent(&change.path) && !change.unknown.is_empty() && from_parent {
                continue;
            }
            reasons.push(self.because(node, change));
            if change.forces_replace {
                forced = true;
                sure |= change.unknown.is_empty();
                doubts.extend(change.unknown.iter().cloned());
            }
        }
        reasons.extend(drifted.iter().map(|drift| Reason { why: Why::Drifted, ..field_reason(drift) }));

        let seen = matches!(row.seen, Some(Observation::Present { .. }));
        let half_deleted = record.open() == Some(Operation::Delete) && !seen;
        let unclear = match record.status {
            Status::Ready => None,
            Status::Incomplete => Some(Why::Incomplete),
            Status::Uncertain => Some(Why::Uncertain),
        };
        reasons.splice(0..0, unclear.map(reason));

        let action = match record.status {
            _ if forced || half_deleted => Action::Replace,
            Status::Incomplete => Action::Create,
            Status::Ready if changes.is_empty() && drifted.is_empty() => Action::Keep,
            Status::Ready | Status::Uncertain => Action::Update,
        };
        let mut decision = Decision::new(action, record.uid.clone());
        decision.reasons = reasons;
        if matches!(action, Action::Replace | Action::Update) {
            let fields = changes.iter().chain(&drifted);
            let recomputed = fields.flat_map(|change| node.rules.recomputed_by(&change.path));
            decision.recomputed = recomputed.map(str::to_owned).collect();
        }
        match action {
            Action::Replace => {
                decision.new_uid = Some(self.next_uid(node));
                decision.doubts = doubts;
                let in_the_way = record.status == Status::Incomplete
                    || half_deleted
                    || self.may_be_same(record, node, key);
                decision.replace = Forced { sure: sure || half_deleted, parents, in_the_way };
            }
            Action::Update => {
                let only_unknown = !changes.is_empty() && changes.iter().all(|c| !c.unknown.is_empty());
                if only_unknown && drifted.is_empty() && record.status == Status::Ready {
                    decision.doubts =
                        changes.iter().flat_map(|change| change.unknown.iter().cloned()).collect();
                }
            }
            _ => {}
        }
        decision.doubts.sort();
        decision.doubts.dedup();
        decision
    }

    /// Returns the objects that this one lives in and that are made anew, with the reasons they give.
    fn parents(&self, node: &ObjectNode) -> (Vec<usize>, Vec<Reason>) {
        let (mut parents, mut reasons) = (Vec::new(), Vec::new());
        let mut add = |address: &Address, field: Option<FieldPath>| {
            let Some(at) = self.table.find(address).filter(|at| self.decision(*at).is_new()) else { return };
            if parents.contains(&at) {
                return;
            }
            parents.push(at);
            let because_of = Some(address.clone());
            reasons.push(Reason { field, because_of, forces_replace: true, ..reason(Why::Container) });
        };
        if let Some(container) = &node.placement.container {
            add(container, None);
        }
        for pattern in &node.rules.parents {
            let segments: Vec<&str> = pattern.split('.').collect();
            plain_references(&node.inputs, &segments, &mut FieldPath::default(), &mut |reference, path| {
                add(&reference.object, Some(path.clone()));
            });
        }
        (parents, reasons)
    }

    /// Says that an object is still inside of what an interrupted replace has superseded, if it is.
    fn left_behind(&self, record: &Record) -> Option<Reason> {
        let within = record.within.as_ref()?;
        let because_of = record.node.placement.container.clone();
        let superseded = self.state.deposed.contains_key(within);
        superseded.then(|| Reason { because_of, forces_replace: true, ..reason(Why::Container) })
    }

    /// Says why a field changes: because its description did, or because what it refers to does.
    fn because(&self, node: &ObjectNode, change: &FieldChange) -> Reason {
        let mut cause = change.unknown.first().map(|unknown| unknown.object.clone());
        if cause.is_none() {
            deepest(&node.inputs, &change.path).for_each_ref(&mut |reference| {
                let at = self.table.find(&reference.object);
                let moves = at.is_some_and(|at| {
                    let decision = self.decision(at);
                    decision.action.is_change() || decision.action == Action::Read
                });
                if cause.is_none() && moves {
                    cause = Some(reference.object.clone());
                }
            });
        }
        let why = if cause.is_some() { Why::Reference } else { Why::Changed };
        Reason { why, because_of: cause, ..field_reason(change) }
    }

    fn old_key<'r>(&self, record: &'r Record) -> Option<Cow<'r, Tree>> {
        let key = record.node.natural_key.as_ref()?;
        resolved(key, &|reference| self.state.output(reference)).ok()
    }

    /// Returns whether the API would refuse to have both: the safe answer where that is not known.
    fn may_be_same(&self, record: &Record, node: &ObjectNode, key: Option<&Tree>) -> bool {
        let same_place = node.kind == record.node.kind && node.placement == record.node.placement;
        match (self.old_key(record), key) {
            (Some(old), Some(new)) if same_place => keys_meet(&old, new, &|unknown| self.is_made(unknown)),
            _ => false,
        }
    }

    fn is_made(&self, unknown: &Reference) -> bool {
        self.table.find(&unknown.object).is_some_and(|at| self.decision(at).is_new())
    }

    fn gate(&self, row: &Row<'_>, node: &ObjectNode, record: Option<&Record>, inputs: &Tree) -> Decision<'a> {
        let Some(record) = record else { return Decision::new(Action::Wait, self.next_uid(node)) };
        if row.gone {
            let again = self.again(node, record);
            return Decision { action: Action::Wait, fresh: false, ..again };
        }
        let mut decision = Decision::new(Action::Keep, record.uid.clone());
        decision.reasons = self.parents(node).1;
        decision.reasons.extend(elsewhere(node, record));
        let changes = compare(&record.node.inputs, inputs, &node.rules);
        decision.reasons.extend(changes.iter().map(|change| self.because(node, change)));
        let mut watched = BTreeSet::new();
        node.inputs.for_each_ref(&mut |reference| watched.extend(self.table.find(&reference.object)));
        for at in watched.into_iter().filter(|at| self.decision(*at).action.is_change()) {
            let because_of = Some(self.table.rows[at].address.clone());
            if !decision.reasons.iter().any(|reason| reason.because_of == because_of) {
                decision.reasons.push(Reason { because_of, ..reason(Why::Reference) });
            }
        }
        if record.status != Status::Ready {
            decision.reasons.push(reason(Why::Incomplete));
        }
        for reason in &mut decision.reasons {
            reason.forces_replace = false;
        }
        if !decision.reasons.is_empty() {
            decision.action = Action::Wait;
        }
        decision
    }

    fn lookup(
        &self,
        row: &Row<'_>,
        node: &ObjectNode,
        record: Option<&Record>,
        inputs: &Tree,
    ) -> Decision<'a> {
        let read = |uid: Uid, fresh: bool| Decision { fresh, ..Decision::new(Action::Read, uid) };
        let Some(record) = record else { return read(self.next_uid(node), true) };
        if row.gone {
            let again = self.again(node, record);
            return Decision { action: Action::Read, ..again };
        }
        let changes = compare(&record.node.inputs, inputs, &node.rules);
        let (parents, _) = self.parents(node);
        let mut reasons = elsewhere(node, record);
        reasons.extend(changes.iter().map(|change| self.because(node, change)));
        if record.status != Status::Ready {
            reasons.push(reason(Why::Incomplete));
        }
        for reason in &mut reasons {
            reason.forces_replace = false;
        }
        if !reasons.is_empty() || !parents.is_empty() {
            return Decision { reasons, ..read(record.uid.clone(), true) };
        }
        match row.seen {
            Some(Observation::Present { outputs, .. }) if *outputs != record.outputs => {
                Decision { reasons: vec![reason(Why::Drifted)], ..read(record.uid.clone(), false) }
            }
            Some(Observation::Missing) => {
                Decision { reasons: vec![reason(Why::Drifted)], ..read(record.uid.clone(), true) }
            }
            _ => Decision::new(Action::Keep, record.uid.clone()),
        }
    }

    /// Returns whether what we keep about an object differs, though the object does not.
    fn books_differ(&self, at: usize, node: &ObjectNode, record: &Record, key: Option<&Tree>) -> bool {
        let old = &record.node;
        let key_differs = match (self.old_key(record).as_deref(), key) {
            (_, Some(key)) if key.first_unknown().is_some() => false,
            (old, new) => old != new,
        };
        // Rows of wanted objects are in order of address, and so are the recorded edges.
        let needs = self.table.needs(at).iter().map(|need| self.table.rows[*need].address);
        key_differs
            || old.resource != node.resource
            || old.exclusive != node.exclusive
            || old.rules != node.rules
            || old.echoes != node.echoes
            || old.secret_outputs != node.secret_outputs
            || old.after != node.after
            || old.protect != node.protect
            || old.on_delete != node.on_delete
            || !record.depends_on.iter().eq(needs)
    }
}

/// Calls `visit` for every plain reference that a pattern covers.
fn plain_references(
    tree: &Tree,
    pattern: &[&str],
    path: &mut FieldPath,
    visit: &mut impl FnMut(&Reference, &FieldPath),
) {
    let inside = |wanted: &str, segment: &Segment| match segment {
        _ if wanted == "*" => true,
        Segment::Key(key) => key == wanted,
        Segment::Index(index) => wanted.parse() == Ok(*index),
    };
    let mut step = |segment: Segment, tree: &Tree| {
        let rest = match pattern.split_first() {
            Some((wanted, rest)) if inside(wanted, &segment) => rest,
            Some(_) => return,
            None => pattern,
        };
        path.0.push(segment);
        plain_references(tree, rest, path, visit);
        path.0.pop();
    };
    match tree {
        Tree::Ref(reference) if pattern.is_empty() => visit(reference, path),
        Tree::Map(map) => {
            for (key, value) in map {
                if let Key::Literal(key) = key {
                    step(Segment::Key(key.to_string()), value);
                }
            }
        }
        Tree::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| step(Segment::Index(index), item));
        }
        _ => {}
    }
}
