//! Why a step is taken, in a form that plans show.

use serde_json::{Value as Json, json};

use super::compare::FieldChange;
use super::step::{Reason, Why};
use crate::object::{FieldPath, ObjectNode, Segment};
use crate::state::Record;
use crate::value::{Tree, paper};

pub(super) fn reason(why: Why) -> Reason {
    Reason { why, field: None, old: None, new: None, forces_replace: false, because_of: None }
}

pub(super) fn field_reason(change: &FieldChange) -> Reason {
    Reason {
        why: Why::Changed,
        field: Some(change.path.clone()),
        old: change.old.as_ref().map(paper::display),
        new: change.new.as_ref().map(paper::display),
        forces_replace: change.forces_replace,
        because_of: None,
    }
}

/// Returns a reason when the object is of another kind or in another place than its record.
pub(super) fn elsewhere(node: &ObjectNode, record: &Record) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut differs = |field: &str, old: Json, new: Json| {
        let field = Some(FieldPath::default().key(field));
        reasons.push(Reason {
            field,
            old: Some(old),
            new: Some(new),
            forces_replace: true,
            ..reason(Why::Changed)
        });
    };
    let old = &record.node;
    if old.kind != node.kind || old.class != node.class {
        differs("kind", json!(old.kind), json!(node.kind));
    }
    if old.placement != node.placement {
        differs("placement", json!(old.placement), json!(node.placement));
    }
    reasons
}

/// Returns the deepest part of a description that still covers a field: above a list that comes from a reference, that
/// is the reference.
pub(super) fn deepest<'a>(inputs: &'a Tree, path: &FieldPath) -> &'a Tree {
    let mut tree = inputs;
    for segment in &path.0 {
        let next = match (tree, segment) {
            (Tree::Map(map), Segment::Key(key)) => map.get_literal(key),
            (Tree::List(items), Segment::Index(index)) => items.get(*index),
            _ => None,
        };
        match next {
            Some(next) => tree = next,
            None => break,
        }
    }
    tree
}
