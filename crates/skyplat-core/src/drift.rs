//! What a refresh found to be other than recorded, and taking it into the records.
//!
//! ```text
//! State, Observations ─ find_drift ─▶ Drift (to show) ─ accept_drift ─▶ entries (to append)
//! ```
//!
//! Pure. Which fields count is decided by [`crate::plan::drift()`]; whether to put the real object right is a plan's
//! business.

use crate::object::{Class, FieldPath, ObjectKind, Segment};
use crate::plan::{FieldChange, Observation, Observations, drift};
use crate::state::{Entry, Record, State, Uid};
use crate::value::{Address, Key, Tree};

/// An object that is not as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The object.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its identity.
    pub uid: Uid,
    /// What was found.
    pub finding: Finding,
}

/// How an object is not as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Fields have other values: `old` is the real one, `new` the recorded one.
    Changed(Vec<FieldChange>),
    /// It is gone.
    Missing,
    /// It could not be read, so nothing is known.
    Unreachable(String),
}

/// Finds the objects that are not as recorded, by address. Gates and lookups never drift.
pub fn find_drift(state: &State, observations: &Observations) -> Vec<Drift> {
    state
        .objects
        .values()
        .filter(|record| record.node.class == Class::Owned)
        .filter_map(|record| {
            let finding = match observations.get(&record.uid)? {
                Observation::Missing => Finding::Missing,
                Observation::Unreachable { why } => Finding::Unreachable(why.clone()),
                Observation::Present { inputs, .. } => {
                    let changes = drift(inputs, &record.node.inputs, &record.node.rules);
                    if changes.is_empty() {
                        return None;
                    }
                    Finding::Changed(changes)
                }
            };
            let Record { node, uid, .. } = record;
            Some(Drift { address: node.address.clone(), kind: node.kind.clone(), uid: uid.clone(), finding })
        })
        .collect()
}

/// Returns the entries that make the records follow what was found. What could not be read stays as recorded.
pub fn accept_drift(state: &State, observations: &Observations, found: &[Drift]) -> Vec<Entry> {
    found
        .iter()
        .filter_map(|drift| {
            let record = state.record(&drift.address, &drift.uid)?;
            let (address, uid) = (drift.address.clone(), drift.uid.clone());
            match (&drift.finding, observations.get(&drift.uid)) {
                (Finding::Missing, _) => {
                    Some(Entry::Forgotten { address, uid, why: "a refresh found it gone".to_owned() })
                }
                (Finding::Changed(changes), Some(Observation::Present { outputs, .. })) => {
                    let mut inputs = record.node.inputs.clone();
                    for change in changes {
                        put(&mut inputs, &change.path, change.old.clone());
                    }
                    Some(Entry::Observed { address, uid, inputs, outputs: outputs.clone() })
                }
                _ => None,
            }
        })
        .collect()
}

/// Puts a value at a path; none removes a key of a map and empties an item of a list.
fn put(tree: &mut Tree, path: &FieldPath, value: Option<Tree>) {
    let Some((last, above)) = path.0.split_last() else {
        if let Some(value) = value {
            *tree = value;
        }
        return;
    };
    let mut at = tree;
    for segment in above {
        let below = match (at, segment) {
            (Tree::Map(map), Segment::Key(key)) => map.get_mut(&Key::from(key.as_str())),
            (Tree::List(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        };
        let Some(below) = below else { return };
        at = below;
    }
    match (at, last, value) {
        (Tree::Map(map), Segment::Key(key), Some(value)) => {
            map.insert(Key::from(key.as_str()), value);
        }
        (Tree::Map(map), Segment::Key(key), None) => {
            map.remove(&Key::from(key.as_str()));
        }
        (Tree::List(items), Segment::Index(index), value) => {
            if let Some(item) = items.get_mut(*index) {
                *item = value.unwrap_or(Tree::Null);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn path(segments: &[&str]) -> FieldPath {
        segments.iter().fold(FieldPath::default(), |path, segment| match segment.parse() {
            Ok(index) => path.index(index),
            Err(_) => path.key(segment),
        })
    }

    #[test]
    fn an_observed_value_takes_the_place_of_the_recorded_one() {
        let mut tree = tree!({ "tags": { "Name": "a", "old": "x" }, "rules": [{ "port": 1 }] });
        put(&mut tree, &path(&["tags", "Name"]), Some(tree!("b")));
        put(&mut tree, &path(&["tags", "old"]), None);
        put(&mut tree, &path(&["rules", "0", "port"]), Some(tree!(2)));
        put(&mut tree, &path(&["nowhere", "x"]), Some(tree!(3)));
        assert_eq!(tree, tree!({ "tags": { "Name": "b" }, "rules": [{ "port": 2 }] }));
    }
}
