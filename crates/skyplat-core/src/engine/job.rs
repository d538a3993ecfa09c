//! What a plan asks of a run: whether it can be carried through, and what one half of a step has to do, put together from
//! plan, graph and state at the moment it begins.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::decide::{Verdict, View};
use super::read::{container_of, container_of_record};
use super::step::Job;
use super::wanted::Source;
use super::{EngineError, Work};
use crate::executor::Executors;
use crate::object::ObjectNode;
use crate::plan::{Action, Part, Step};
use crate::state::{Entry, Record};
use crate::value::Address;

/// Refuses what cannot be carried through, before anything is done.
pub(super) fn check(work: Work<'_>, executors: &Executors, serial: u64) -> Result<(), EngineError> {
    if work.plan.serial != serial {
        return Err(EngineError::Stale { planned: work.plan.serial, found: serial });
    }
    for task in &work.plan.tasks {
        let step = &work.plan.steps[task.step];
        if step.action == Action::Keep && !step.bookkeeping {
            continue;
        }
        let address = step.address.clone();
        if executors.for_kind(&step.kind).is_none() {
            return Err(EngineError::NoExecutor { address, kind: step.kind.clone() });
        }
        if task.part == Part::Make && work.graph.get(&step.address).is_none() {
            return Err(EngineError::Mismatch { address, problem: "is not in the graph" });
        }
    }
    Ok(())
}

/// Returns what one half of a step does and what the object is inside of; none when nothing is left to do.
pub(super) fn job(
    step: &Step,
    part: Part,
    verdict: Verdict,
    view: &View<'_>,
) -> Option<(Job, Option<Source>)> {
    match part {
        Part::Make => {
            let node = view.work.graph.get(&step.address)?;
            let uid = match &step.new_uid {
                Some(new) if verdict == Verdict::AsPlanned => new.clone(),
                _ => step.uid.clone(),
            };
            let record = view.state.record(&step.address, &uid).cloned().map(Box::new);
            let sources = references(node)
                .into_iter()
                .filter_map(|address| view.source(&address).map(|source| (address, source)))
                .collect();
            let container = container_of(view.state, node, false).map(|record| view.source_of(record));
            let gone = step.gone.clone().filter(|gone| view.state.record(&step.address, gone).is_some());
            let generation = view.state.next_generation(&step.address);
            let node = Box::new(node.clone());
            Some((Job::Make { node, uid, generation, record, gone, sources }, container))
        }
        Part::Remove => {
            // What a crashed run has deleted already needs no call.
            let record = view.state.record(&step.address, &step.uid)?;
            let gone = view.gone_with_container(record).or_else(|| {
                (step.gone.as_ref() == Some(&step.uid)).then(|| "it was found to be gone".to_owned())
            });
            let container =
                container_of_record(view.state, record, true).map(|record| view.source_of(record));
            let record = Box::new(record.clone());
            Some((Job::Remove { record, gone }, container))
        }
    }
}

fn references(node: &ObjectNode) -> BTreeSet<Address> {
    let mut addresses = BTreeSet::new();
    let mut add = |reference: &crate::value::Reference| {
        addresses.insert(reference.object.clone());
    };
    node.inputs.for_each_ref(&mut add);
    node.natural_key.iter().for_each(|key| key.for_each_ref(&mut add));
    addresses
}

/// What is kept about an object that itself stays as it is: its order, container, protection, rules.
pub(super) fn bookkeeping(step: &Step, view: &View<'_>) -> Option<Entry> {
    // A keep writes what its plan says; a change that turned out to be none writes what there is.
    if step.action == Action::Keep && !step.bookkeeping {
        return None;
    }
    let record: &Record = view.state.objects.get(&step.address)?;
    let wanted = view.work.graph.get(&step.address)?;
    let node = Arc::new(ObjectNode {
        inputs: record.node.inputs.clone(),
        natural_key: record.node.natural_key.clone(),
        ..wanted.clone()
    });
    let depends_on = wanted.depends_on();
    let differs = node != record.node || depends_on != record.depends_on;
    differs.then(|| Entry::Bookkeeping { node, depends_on })
}
