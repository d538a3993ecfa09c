//! A move: a record gets a new address, and whatever names the old one names the new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::State;
use super::entry::illegal;
use super::transition::IllegalTransition;
use crate::object::ObjectNode;
use crate::value::{Address, Key, KeyPart, Reference, Tree};

impl State {
    pub(super) fn rename(&mut self, from: &Address, to: &Address) -> Result<(), IllegalTransition> {
        if self.objects.contains_key(to) {
            return Err(illegal(to, "a record", "a move to this address"));
        }
        let record = self.objects.remove(from).ok_or_else(|| illegal(from, "no record", "a move"))?;
        self.objects.insert(to.clone(), record);
        if let Some(generation) = self.generations.get(from).copied() {
            let kept = self.generations.entry(to.clone()).or_insert(0);
            *kept = generation.max(*kept);
        }
        for record in self.objects.values_mut().chain(self.deposed.values_mut()) {
            rename_in(&mut record.node, &mut record.depends_on, from, to);
            if let Some(next) = record.intent.as_mut().and_then(|intent| intent.next.as_mut()) {
                rename_in(&mut next.node, &mut next.depends_on, from, to);
            }
        }
        for tree in self.exports.values_mut() {
            rename_references(tree, from, to);
        }
        Ok(())
    }
}

/// Renames an object in the node and edges of a record: its own, or one that names it.
fn rename_in(node: &mut Arc<ObjectNode>, depends_on: &mut BTreeSet<Address>, from: &Address, to: &Address) {
    if depends_on.remove(from) {
        depends_on.insert(to.clone());
    }
    let mut names_it = node.address == *from;
    node.for_each_dependency(&mut |address| names_it |= address == from);
    if !names_it {
        return;
    }
    let node = Arc::make_mut(node);
    if node.address == *from {
        node.address = to.clone();
    }
    if node.after.remove(from) {
        node.after.insert(to.clone());
    }
    if node.placement.container.as_ref() == Some(from) {
        node.placement.container = Some(to.clone());
    }
    rename_references(&mut node.inputs, from, to);
    if let Some(key) = &mut node.natural_key {
        rename_references(key, from, to);
    }
}

fn rename_references(tree: &mut Tree, from: &Address, to: &Address) {
    let rename = |reference: &mut Reference| {
        if reference.object == *from {
            reference.object = to.clone();
        }
    };
    match tree {
        Tree::Ref(reference) | Tree::Unknown(reference) => rename(reference),
        Tree::List(items) | Tree::Text(items) => {
            for item in items {
                rename_references(item, from, to);
            }
        }
        Tree::Json(inner) => rename_references(inner, from, to),
        Tree::Map(map) => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(mut key, mut value)| {
                    if let Key::Text(parts) = &mut key {
                        for part in parts {
                            if let KeyPart::Ref(reference) = part {
                                rename(reference);
                            }
                        }
                    }
                    rename_references(&mut value, from, to);
                    (key, value)
                })
                .collect();
        }
        Tree::Null
        | Tree::Bool(_)
        | Tree::Number(_)
        | Tree::String(_)
        | Tree::Secret(_)
        | Tree::Digest(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::{address, apply, delete, make, node, planned, state};
    use super::super::{Entry, Next};
    use super::*;
    use crate::executor::OutputMap;
    use crate::tree;

    #[test]
    fn a_move_keeps_the_identity_and_both_addresses_keep_their_generation() {
        let mut state = state();
        let moved = make(&mut state, "a/x");
        let mut other = planned(&state, "b/y");
        other.depends_on.insert(address("a/x"));
        let node = Arc::make_mut(&mut other.node);
        node.after.insert(address("a/x"));
        node.placement.container = Some(address("a/x"));
        apply(
            &mut state,
            [
                Entry::CreateBegins { record: Box::new(other) },
                Entry::Exports {
                    exports: BTreeMap::from([(
                        "id".to_owned(),
                        tree!([(Tree::Ref(Reference { object: address("a/x"), field: "id".into() }))]),
                    )]),
                },
                Entry::Moved { from: address("a/x"), to: address("c/z") },
            ],
        );
        let record = &state.objects[&address("c/z")];
        assert_eq!((&record.uid, &record.node.address), (&moved, &address("c/z")));
        let other = &state.objects[&address("b/y")];
        assert!(other.depends_on.contains(&address("c/z")) && other.node.after.contains(&address("c/z")));
        assert_eq!(other.node.placement.container, Some(address("c/z")));
        assert_eq!(
            state.exports["id"],
            tree!([(Tree::Ref(Reference { object: address("c/z"), field: "id".into() }))])
        );
        // Whatever is made next, here or there, is somebody else.
        let at_old = make(&mut state, "a/x");
        delete(&mut state, "c/z", &moved);
        let at_new = make(&mut state, "c/z");
        assert_ne!(at_old, moved);
        assert_ne!(at_new, moved);
        assert_ne!(at_new, at_old);
    }

    #[test]
    fn a_move_reaches_into_an_update_that_is_open() {
        let mut state = state();
        let uid = make(&mut state, "a/x");
        let next = Next { node: node("a/x").into(), depends_on: BTreeSet::new() };
        apply(
            &mut state,
            [
                Entry::UpdateBegins { address: address("a/x"), uid: uid.clone(), next },
                Entry::Moved { from: address("a/x"), to: address("b/y") },
                Entry::Updated { address: address("b/y"), uid, outputs: OutputMap::new() },
            ],
        );
        assert_eq!(state.objects[&address("b/y")].node.address, address("b/y"));
    }

    #[test]
    fn a_move_to_an_address_in_use_is_illegal() {
        let mut state = state();
        make(&mut state, "a/x");
        make(&mut state, "b/y");
        let entry = Entry::Moved { from: address("a/x"), to: address("b/y") };
        assert!(state.apply(&entry).is_err());
        assert_eq!(state.objects.len(), 2);
    }
}
