//! Deciding at apply time what was open at plan time: an apply does a subset of its plan, never more.
//!
//! A step that rests on values unknown when it was planned is compared again when they are known, by the planner's own
//! comparison. Equal means keep, for the step and for what it would have dragged along; a replace whose differing
//! fields turn out not to force one is an update.
//!
//! There are two questions, because they can be answered at different times. Whether a replace is taken rests on the
//! fields that force one, and the plan orders the makers of their values before the first half of the replace, and of
//! everything it drags along. What is to be done otherwise rests on all fields, and is asked when the object's turn to
//! be made has come: then everything that it refers to is made.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use super::read::container_of_record;
use super::wanted::Source;
use crate::plan::compare::{FieldChange, compare};
use crate::plan::drift::drift;
use crate::plan::{Action, Observation};
use crate::state::{Record, State, Status, Uid};
use crate::value::{Address, Reference, Resolved, Tree, resolve};

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing is to be done after all.
    Keep,
    /// A planned replace is an update.
    Update,
    /// It is taken as planned.
    AsPlanned,
}

/// What a decision may look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) work: Work<'a>,
    pub(super) state: &'a State,
    /// Where the step of an address stands in the plan; steps about superseded records are not in it.
    pub(super) steps: &'a BTreeMap<Address, usize>,
    /// Objects that this run has made, changed or kept.
    pub(super) made: &'a BTreeSet<Address>,
    /// Objects that were found to be gone before this run began, by what was their address then.
    pub(super) gone: &'a BTreeMap<Address, Uid>,
}

impl View<'_> {
    /// Returns an object's identity and outputs as they are known now, secrets as digests: recorded ones when the
    /// object was made in this run or not read, else what was observed.
    pub(super) fn source(&self, address: &Address) -> Option<Source> {
        let record = self.state.objects.get(address)?;
        Some(self.source_of(record))
    }

    /// Returns the step of an object that this run has not brought to what is wanted yet.
    fn pending(&self, address: &Address) -> Option<usize> {
        self.steps.get(address).filter(|_| !self.made.contains(address)).copied()
    }

    /// Returns a record's identity and outputs as they are known now.
    pub(super) fn source_of(&self, record: &Record) -> Source {
        let observed = match self.work.observations.get(&record.uid) {
            Some(Observation::Present { outputs, .. }) if !self.made.contains(&record.node.address) => {
                Some(outputs)
            }
            _ => None,
        };
        Source { uid: record.uid.clone(), outputs: observed.unwrap_or(&record.outputs).clone() }
    }

    /// Says why a recorded object is known to be gone, if what it was inside of is. One that merely cannot be reached is
    /// never taken for gone.
    pub(super) fn gone_with_container(&self, record: &Record) -> Option<String> {
        let address = record.node.placement.container.as_ref()?;
        // The address may have meant a newer one than the one that it was made inside of.
        let is_it = |gone: &Uid| record.within.as_ref().is_none_or(|within| within == gone);
        let gone = self.gone.get(address).is_some_and(is_it)
            || container_of_record(self.state, record, true).is_none();
        gone.then(|| format!("{address}, which it was inside of, is gone"))
    }
}

/// The decisions so far, by step.
#[derive(Debug)]
pub(super) struct Decisions {
    /// Whether a step is taken as it was planned.
    taken: Vec<Option<bool>>,
    verdicts: Vec<Option<Verdict>>,
}

impl Decisions {
    /// Starts with nothing decided.
    pub(super) fn new(steps: usize) -> Self {
        Self { taken: vec![None; steps], verdicts: vec![None; steps] }
    }

    /// Returns what becomes of a step, if that is decided.
    pub(super) fn known(&self, step: usize) -> Option<Verdict> {
        self.verdicts[step]
    }

    /// Returns what becomes of a step whose object is to be made now: all that it needs is made.
    pub(super) fn verdict(&mut self, step: usize, view: &View<'_>) -> Verdict {
        if let Some(verdict) = self.verdicts[step] {
            return verdict;
        }
        let planned = &view.work.plan.steps[step];
        let is_open = !planned.undecided.is_empty() || !planned.dragged_by.is_empty();
        let verdict = match planned.action {
            Action::Keep => Verdict::Keep,
            Action::Replace if self.is_taken(step, view) => Verdict::AsPlanned,
            Action::Replace | Action::Update if is_open => match self.differences(step, view) {
                Some(changes) if changes.is_empty() => Verdict::Keep,
                _ if planned.action == Action::Replace => Verdict::Update,
                _ => Verdict::AsPlanned,
            },
            _ => Verdict::AsPlanned,
        };
        self.verdicts[step] = Some(verdict);
        verdict
    }

    /// Returns whether a replace is one after all; of other steps, whether they change anything. The values that decide
    /// it must be known by now.
    ///
    /// Without recursion: what drags what along may be as long a chain as there are objects.
    pub(super) fn is_taken(&mut self, step: usize, view: &View<'_>) -> bool {
        let mut asked = vec![step];
        while let Some(step) = asked.last().copied() {
            let dragging = &view.work.plan.steps[step].dragged_by;
            let open =
                |cause: &Address| view.steps.get(cause).copied().filter(|at| self.taken[*at].is_none());
            if self.taken[step].is_some() {
                asked.pop();
            } else if let Some(cause) = dragging.iter().find_map(open) {
                asked.push(cause);
            } else {
                self.taken[step] = Some(self.forces(step, view));
            }
        }
        self.taken[step] == Some(true)
    }

    /// Decides whether a step is taken, when those that may drag it along are decided.
    fn forces(&self, step: usize, view: &View<'_>) -> bool {
        let planned = &view.work.plan.steps[step];
        let is_certain = planned.undecided.is_empty() && planned.dragged_by.is_empty();
        if planned.action != Action::Replace || is_certain {
            return planned.action != Action::Keep;
        }
        let is_dragged =
            |cause: &Address| view.steps.get(cause).is_some_and(|at| self.taken[*at] == Some(true));
        planned.dragged_by.iter().any(is_dragged)
            || self
                .differences(step, view)
                .is_none_or(|changes| changes.iter().any(|change| change.forces_replace))
    }

    /// Compares what is recorded, and what was seen, with what is wanted as far as that is known; none when there is
    /// nothing to compare. What someone else changed is to be put right, whatever the values turn out to be.
    fn differences(&self, step: usize, view: &View<'_>) -> Option<Vec<FieldChange>> {
        let step = &view.work.plan.steps[step];
        let record = view.state.record(&step.address, &step.uid)?;
        let node = view.work.graph.get(&step.address)?;
        if record.status != Status::Ready {
            return None;
        }
        let inputs = resolve(&node.inputs, &|reference: &Reference| self.value(reference, view)).ok()?;
        let mut changes = compare(&record.node.inputs, &inputs, &node.rules);
        if let Some(Observation::Present { inputs: seen, .. }) = view.work.observations.get(&record.uid) {
            changes.extend(drift(seen, &inputs, &node.rules));
        }
        Some(changes)
    }

    /// Returns what a reference will stand for. What an object has not been brought to yet is as the plan knew it: its
    /// echoes repeat what it is to be, and of the rest only a replace leaves nothing. Values of which the plan knew less
    /// decide nothing before they are made; see [`crate::plan`]. An echo of an echo is followed, however long the chain.
    fn value(&self, reference: &Reference, view: &View<'_>) -> Resolved {
        let mut reference = reference;
        while let Some(step) = view.pending(&reference.object) {
            let node = view.work.graph.get(&reference.object);
            match node.and_then(|node| node.inputs.at(node.echoes.get(reference.field.as_str())?)) {
                Some(Tree::Ref(inner)) => reference = inner,
                Some(echo) => {
                    let echo = resolve(echo, &|inner: &Reference| self.value(inner, view)).ok();
                    let known = echo.filter(|echo| echo.first_unknown().is_none());
                    return known.map_or(Resolved::Unknown, Resolved::Known);
                }
                None => match view.work.plan.steps[step].action {
                    Action::Create => return Resolved::Unknown,
                    Action::Replace if self.taken[step] != Some(false) => return Resolved::Unknown,
                    _ => break,
                },
            }
        }
        let output = view
            .source(&reference.object)
            .and_then(|source| source.outputs.get(reference.field.as_str()).cloned());
        output.map_or(Resolved::Unknown, Resolved::Known)
    }
}
