//! What the tests of this module share: small records, and sequences of legal entries.

use std::collections::BTreeSet;

use super::{Record, Stack, State, Uid};
use crate::ids::AccountId;
use crate::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
use crate::tree;
use crate::value::{Address, DigestKey};

pub(super) fn address(path: &str) -> Address {
    Address::new(path)
}

pub(super) fn state() -> State {
    named("dev")
}

pub(super) fn named(name: &str) -> State {
    State::new(Stack { name: name.into(), id: "5f2c9a".into() }, DigestKey::new([7; 32]))
}

pub(super) fn node(path: &str) -> ObjectNode {
    ObjectNode {
        address: address(path),
        kind: "demo.thing".into(),
        class: Class::Owned,
        resource: address("a"),
        placement: Placement { account: AccountId::new("123456789012"), region: None, container: None },
        inputs: tree!({ "size": 1 }),
        natural_key: None,
        exclusive: None,
        rules: FieldRules::new(),
        echoes: std::collections::BTreeMap::new(),
        secret_outputs: BTreeSet::new(),
        after: BTreeSet::new(),
        protect: false,
        on_delete: OnDelete::Delete,
    }
}

/// Makes the record that the next create at an address begins with.
pub(super) fn planned(state: &State, path: &str) -> Record {
    let generation = state.next_generation(&address(path));
    let uid = Uid::new(&state.stack.id, &address(path), generation);
    Record::planned(node(path), BTreeSet::new(), uid, generation)
}
