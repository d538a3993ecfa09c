//! What an update whose end is not recorded may have brought: fields and edges.

use std::sync::Arc;

use super::{Next, Record};
use crate::object::{FieldPath, FieldRules};
use crate::value::{Key, Tree};

impl Record {
    /// Returns what an open update was to bring.
    pub(crate) fn open_update(&self) -> Option<&Next> {
        self.intent.as_ref()?.next.as_ref()
    }

    /// Returns the recorded inputs and, beside them, the fields that an open update was to add.
    pub(crate) fn inputs_it_may_have(&self) -> Tree {
        let mut inputs = self.node.inputs.clone();
        if let Some(next) = self.open_update() {
            add_fields(&mut inputs, &next.node.inputs, &self.node.rules, &FieldPath::default());
        }
        inputs
    }

    /// Ends what is open. An update may have been done: then this has its fields, and leans on what it was to lean on.
    pub(super) fn keep_what_is_open(&mut self) {
        let inputs = self.inputs_it_may_have();
        if let Some(next) = self.intent.take().and_then(|intent| intent.next) {
            Arc::make_mut(&mut self.node).inputs = inputs;
            self.depends_on.extend(next.depends_on);
        }
    }
}

/// Adds the fields that an update was to add. One that cannot be read back is left out, so that it is written again.
fn add_fields(tree: &mut Tree, next: &Tree, rules: &FieldRules, path: &FieldPath) {
    let (Tree::Map(map), Tree::Map(next)) = (tree, next) else { return };
    for (key, value) in next {
        let Key::Literal(name) = key else { continue };
        let path = path.key(name);
        match map.get_mut(key) {
            Some(there) => add_fields(there, value, rules, &path),
            None if rules.is_write_only(&path) => {}
            None => drop(map.insert(key.clone(), value.clone())),
        }
    }
}
