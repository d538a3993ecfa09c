//! Deciding at apply time what was open at plan time: an apply does a subset of its plan, never more.
//!
//! A step that rests on values unknown when it was planned is compared again when they are known, by the planner's own
//! comparison. Equal means keep, for the step and for what it would have dragged along; a replace whose differing
//! fields turn out not to force one is an update. Steps are decided on demand, before the first half of any of them
//! starts: the plan orders the makers of the values before that.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use super::read::container_of_record;
use super::wanted::Source;
use crate::plan::compare::compare;
use crate::plan::drift::drift;
use crate::plan::{Action, Observation, Why};
use crate::state::{Record, State, Status};
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
    /// Objects that were found to be gone before this run began.
    pub(super) gone: &'a BTreeSet<Address>,
}

impl View<'_> {
    /// Returns an object's identity and outputs as they are known now, secrets as digests: recorded ones when the
    /// object was made in this run or not read, else what was observed.
    pub(super) fn source(&self, address: &Address) -> Option<Source> {
        let record = self.state.objects.get(address)?;
        Some(self.source_of(record))
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
        let container = container_of_record(self.state, record, true);
        let gone = self.gone.contains(address) || container.is_none();
        gone.then(|| format!("{address}, which it was inside of, is gone"))
    }
}

/// The decisions so far, by step.
#[derive(Debug)]
pub(super) struct Decisions(Vec<Option<Verdict>>);

/// A step that has to be decided first.
struct Open(usize);

impl Decisions {
    /// Starts with nothing decided.
    pub(super) fn new(steps: usize) -> Self {
        Self(vec![None; steps])
    }

    /// Returns what becomes of a step. Its undecided values must be known by now.
    ///
    /// Without recursion: what drags what along may be as long a chain as there are objects.
    pub(super) fn verdict(&mut self, step: usize, view: &View<'_>) -> Verdict {
        let mut asked: Vec<usize> = if self.0[step].is_none() { vec![step] } else { Vec::new() };
        while let Some(step) = asked.last().copied() {
            // What asks for itself through others finds the plan as it stands.
            self.0[step] = Some(Verdict::AsPlanned);
            match self.decide(step, view) {
                Ok(verdict) => {
                    self.0[step] = Some(verdict);
                    asked.pop();
                }
                Err(Open(other)) => asked.push(other),
            }
        }
        self.0[step].unwrap_or(Verdict::AsPlanned)
    }

    /// Returns what becomes of a step, if that is decided.
    pub(super) fn known(&self, step: usize) -> Option<Verdict> {
        self.0[step]
    }

    fn decided(&self, step: usize) -> Result<Verdict, Open> {
        self.0[step].ok_or(Open(step))
    }

    fn decide(&self, step: usize, view: &View<'_>) -> Result<Verdict, Open> {
        let plan = view.work.plan;
        let step = &plan.steps[step];
        if step.action == Action::Keep {
            return Ok(Verdict::Keep);
        }
        if step.undecided.is_empty() && step.dragged_by.is_empty() {
            return Ok(Verdict::AsPlanned);
        }
        let record = view.state.record(&step.address, &step.uid);
        let (Some(record), Some(node)) = (record, view.work.graph.get(&step.address)) else {
            return Ok(Verdict::AsPlanned);
        };
        if record.status != Status::Ready {
            return Ok(Verdict::AsPlanned);
        }
        for cause in &step.dragged_by {
            if let Some(cause) = view.steps.get(cause)
                && self.decided(*cause)? == Verdict::AsPlanned
            {
                return Ok(Verdict::AsPlanned);
            }
        }
        let mut references = BTreeSet::new();
        node.inputs.for_each_ref(&mut |reference| {
            references.insert(reference.clone());
        });
        let values: BTreeMap<Reference, Resolved> = references
            .into_iter()
            .map(|reference| {
                let value = self.value(&reference, view)?;
                Ok((reference, value))
            })
            .collect::<Result<_, Open>>()?;
        let lookup = |reference: &Reference| values.get(reference).cloned().unwrap_or(Resolved::Unknown);
        let Ok(inputs) = resolve(&node.inputs, &lookup) else { return Ok(Verdict::AsPlanned) };
        let mut changes = compare(&record.node.inputs, &inputs, &node.rules);
        // What someone else changed is to be put right, whatever the values turn out to be.
        if let Some(Observation::Present { inputs: seen, .. }) = view.work.observations.get(&record.uid) {
            changes.extend(drift(seen, &inputs, &node.rules));
        }
        Ok(if changes.is_empty() {
            Verdict::Keep
        } else if step.action == Action::Replace && !changes.iter().any(|change| change.forces_replace) {
            Verdict::Update
        } else {
            Verdict::AsPlanned
        })
    }

    /// Returns what a reference will stand for, as far as that is known: an object that is still to be made has only
    /// its echoes, one that is still to be updated what the update leaves, any other its outputs. An echo of an echo is
    /// followed, however long the chain.
    fn value(&self, reference: &Reference, view: &View<'_>) -> Result<Resolved, Open> {
        let mut reference = reference;
        while self.is_to_be_made(&reference.object, view)? {
            let node = view.work.graph.get(&reference.object);
            match node.and_then(|node| node.inputs.at(node.echoes.get(&reference.field)?)) {
                Some(Tree::Ref(inner)) => reference = inner,
                Some(tree) if tree.is_ground() => return Ok(Resolved::Known(tree.clone())),
                _ => return Ok(Resolved::Unknown),
            }
        }
        if self.is_to_be_recomputed(reference, view)? {
            return Ok(Resolved::Unknown);
        }
        Ok(view
            .source(&reference.object)
            .and_then(|source| source.outputs.get(&reference.field).cloned())
            .map_or(Resolved::Unknown, Resolved::Known))
    }

    fn is_to_be_made(&self, address: &Address, view: &View<'_>) -> Result<bool, Open> {
        let pending = view.steps.get(address).filter(|_| !view.made.contains(address)).copied();
        let Some(step) = pending else { return Ok(false) };
        let makes =
            matches!(view.work.plan.steps[step].action, Action::Create | Action::Replace | Action::Read);
        Ok(makes && self.decided(step)? == Verdict::AsPlanned)
    }

    /// Returns whether an output is given anew by a replace that turned out to be an update and is still to come. It may
    /// come after this question, because the replace would have; an update that was planned as one comes before it.
    fn is_to_be_recomputed(&self, reference: &Reference, view: &View<'_>) -> Result<bool, Open> {
        let address = &reference.object;
        let pending = view.steps.get(address).filter(|_| !view.made.contains(address)).copied();
        let (Some(step), Some(node)) = (pending, view.work.graph.get(address)) else { return Ok(false) };
        let planned = &view.work.plan.steps[step];
        // Drift that is put right leaves what is recorded.
        let changes =
            planned.reasons.iter().filter(|reason| matches!(reason.why, Why::Changed | Why::Reference));
        let fields = changes.filter_map(|reason| reason.field.as_ref());
        let mut recomputed = fields.flat_map(|field| node.rules.recomputed_by(field));
        if !recomputed.any(|output| output == reference.field) {
            return Ok(false);
        }
        Ok(planned.action == Action::Replace && self.decided(step)? == Verdict::Update)
    }
}
