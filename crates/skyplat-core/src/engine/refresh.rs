//! Refresh: what is real of what is recorded, as [`Observations`] for the planner; and taking it into the state.
//!
//! A refresh writes nothing. Gates are not read, they have no state; nor are objects whose create was cut off, which
//! the next apply looks for.

use crate::executor::Observed;
use crate::object::{Class, FieldPath, Segment};
use crate::plan::{Observation, Observations, PlanWarning, drift};
use crate::state::{Entry, Record, State, Status};
use crate::value::{Key, Tree};

use super::emit::Emitter;
use super::event::{FinishedStatus, RefreshTotals, Totals};
use super::read::{Reading, read_all};
use super::secrets::{seal, seal_outputs};
use super::{EngineError, Executors};

/// Reads every recorded object.
pub(super) async fn refresh(
    reading: &Reading,
    executors: &Executors,
    state: &State,
    mut emitter: Emitter<'_>,
) -> Result<Observations, EngineError> {
    let records: Vec<&Record> = state
        .records()
        .filter(|record| record.node.class != Class::Gate && record.status != Status::Incomplete)
        .collect();
    emitter.started("refresh", &state.stack.name, records.len());
    let mut answers = read_all(reading, executors, state, records.clone(), |address, message| {
        emitter.progress(address, message);
    })
    .await;
    if reading.control.is_draining() {
        emitter.finished(FinishedStatus::Cancelled, Totals::default(), Some(RefreshTotals::default()));
        return Err(EngineError::Cancelled);
    }
    let mut observations = Observations::default();
    let mut totals = RefreshTotals::default();
    for record in records {
        let observation = match answers.remove(&record.uid) {
            Some(Ok(Observed::Present { inputs, outputs })) => Observation::Present {
                inputs: seal(&inputs, &state.digest_key),
                outputs: seal_outputs(&outputs, &state.digest_key),
            },
            Some(Ok(Observed::Missing)) => Observation::Missing,
            Some(Err(error)) => Observation::Unreachable { why: error.message },
            None => continue,
        };
        match &observation {
            Observation::Present { inputs, .. } => {
                let differs = !drift(inputs, &record.node.inputs, &record.node.rules).is_empty();
                totals.drifted += usize::from(differs && record.node.class == Class::Owned);
            }
            Observation::Missing => totals.missing += 1,
            Observation::Unreachable { why } => {
                totals.unreachable += 1;
                emitter.warning(PlanWarning {
                    code: "unreachable".to_owned(),
                    address: Some(record.node.address.clone()),
                    message: format!("{} cannot be read: {why}", record.node.address),
                });
            }
        }
        observations.insert(record.uid.clone(), observation);
    }
    emitter.finished(FinishedStatus::Succeeded, Totals::default(), Some(totals));
    Ok(observations)
}

/// Returns the entries that make the state follow what was seen: drifted fields take their observed values, what is
/// gone is forgotten, what could not be read stays as it is. Of an update that was cut off, the fields and edges that it
/// was to bring are taken in too: it may have been done.
pub fn accept(state: &State, observations: &Observations) -> Vec<Entry> {
    let mut entries = Vec::new();
    for record in state.records() {
        let (address, uid) = (record.node.address.clone(), record.uid.clone());
        match observations.get(&uid) {
            Some(Observation::Present { inputs, outputs }) => {
                let inputs = follow(record, inputs);
                let same = inputs == record.node.inputs && *outputs == record.outputs;
                if same && record.status == Status::Ready {
                    continue;
                }
                entries.push(Entry::Observed { address, uid, inputs, outputs: outputs.clone() });
            }
            Some(Observation::Missing) => {
                entries.push(Entry::Forgotten { address, uid, why: "it was found to be gone".to_owned() });
            }
            Some(Observation::Unreachable { .. }) | None => {}
        }
    }
    entries
}

/// The recorded inputs and those that an open update was to add, with the observed values of the fields that differ.
fn follow(record: &Record, observed: &Tree) -> Tree {
    let mut inputs = record.inputs_it_may_have();
    for change in drift(observed, &inputs, &record.node.rules) {
        put(&mut inputs, &change.path, change.old);
    }
    inputs
}

/// Puts a value at a path that exists, or takes out what is there.
fn put(tree: &mut Tree, path: &FieldPath, value: Option<Tree>) {
    let mut place = Some(tree);
    let Some((last, above)) = path.0.split_last() else {
        if let (Some(place), Some(value)) = (place, value) {
            *place = value;
        }
        return;
    };
    for segment in above {
        place = place.and_then(|tree| match (tree, segment) {
            (Tree::Map(map), Segment::Key(key)) => map.get_mut(&Key::from(key.as_str())),
            (Tree::List(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        });
    }
    match (place, last, value) {
        (Some(Tree::Map(map)), Segment::Key(key), Some(value)) => {
            map.insert(Key::from(key.as_str()), value);
        }
        (Some(Tree::Map(map)), Segment::Key(key), None) => {
            map.remove(&Key::from(key.as_str()));
        }
        (Some(Tree::List(items)), Segment::Index(index), value) if *index < items.len() => match value {
            Some(value) => items[*index] = value,
            None => drop(items.remove(*index)),
        },
        _ => {}
    }
}
