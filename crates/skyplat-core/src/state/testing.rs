//! What the tests of this module share: small records, and sequences of legal entries.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Effect, Entry, LockOwner, Next, Record, Stack, State, Uid};
use crate::executor::OutputMap;
use crate::facts::{Facts, Question};
use crate::ids::{AccountId, Region};
use crate::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
use crate::tree;
use crate::value::{Address, DigestKey, Reference, Secret, Tree};

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
        rules: FieldRules::new().into(),
        echoes: BTreeMap::new().into(),
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

/// Applies entries that are legal.
pub(super) fn apply(state: &mut State, entries: impl IntoIterator<Item = Entry>) {
    for entry in entries {
        state.apply(&entry).unwrap();
    }
}

pub(super) fn make(state: &mut State, at: &str) -> Uid {
    let record = planned(state, at);
    let uid = record.uid.clone();
    apply(
        state,
        [
            Entry::CreateBegins { record: Box::new(record) },
            Entry::Created {
                address: address(at),
                uid: uid.clone(),
                id: format!("id-of-{uid}"),
                outputs: OutputMap::new(),
            },
        ],
    );
    uid
}

pub(super) fn delete(state: &mut State, at: &str, uid: &Uid) {
    let (address, uid) = (address(at), uid.clone());
    apply(
        state,
        [Entry::DeleteBegins { address: address.clone(), uid: uid.clone() }, Entry::Deleted { address, uid }],
    );
}

pub(super) fn owner() -> LockOwner {
    LockOwner {
        who: "ada@analytical".into(),
        process: 1843,
        operation: "apply".into(),
        run_id: "run-1".into(),
        since: "2026-11-22T10:00:00Z".into(),
    }
}

/// Returns all there is to know of a state, in a form that can be compared.
pub(super) fn image(state: &State) -> serde_json::Value {
    serde_json::to_value(state).unwrap()
}

/// One thing that may happen to one of a few objects; whether it is legal depends on what came before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happening {
    what: u8,
    which: u8,
    detail: u8,
}

pub(super) fn happenings(most: usize) -> impl Strategy<Value = Vec<Happening>> {
    let one =
        (0..16_u8, 0..3_u8, any::<u8>()).prop_map(|(what, which, detail)| Happening { what, which, detail });
    prop::collection::vec(one, 0..most)
}

/// Keeps what is legal, as entries.
pub(super) fn legal(happenings: &[Happening]) -> Vec<Entry> {
    let mut state = state();
    let mut entries = Vec::new();
    for happening in happenings {
        let entry = happening.entry(&state);
        if state.apply(&entry).is_ok() {
            entries.push(entry);
        }
    }
    entries
}

impl Happening {
    /// Returns the entry that says so.
    pub(super) fn entry(self, state: &State) -> Entry {
        let at = address(["hub/vpc/vpc", "hub/vpc/private-a", "hub/eks/cluster"][usize::from(self.which)]);
        let superseded = state.deposed.values().find(|record| record.node.address == at);
        let current = state.objects.get(&at);
        let uid = if self.detail.is_multiple_of(2) { current.or(superseded) } else { superseded.or(current) }
            .map_or_else(|| Uid::new("nobody", &at, 0), |record| record.uid.clone());
        let inputs =
            tree!({ "size": (i64::from(self.detail)), "share": (Tree::Number(fraction(self.detail))) });
        let changed = || {
            let mut node = node(at.as_str());
            node.inputs = inputs.clone();
            node
        };
        let depends_on = BTreeSet::from([address("hub/vpc/vpc")]);
        let outputs = OutputMap::from([
            ("id".to_owned(), tree!((format!("id-{}", self.detail)))),
            ("token".to_owned(), Tree::Digest(state.digest_key.digest(&Secret::new("canary")))),
        ]);
        match self.what {
            0 | 1 => Entry::CreateBegins { record: Box::new(planned(state, at.as_str())) },
            2 => Entry::CreateBegins {
                record: Box::new(Record::planned(changed(), depends_on, uid, u32::from(self.detail))),
            },
            3 => Entry::Identified { address: at, uid, id: format!("i-{}", self.detail) },
            4 | 5 => Entry::Created { address: at, uid, id: format!("i-{}", self.detail), outputs },
            6 => Entry::UpdateBegins { next: Next { node: changed().into(), depends_on }, address: at, uid },
            7 => Entry::Updated { address: at, uid, outputs },
            8 => Entry::DeleteBegins { address: at, uid },
            9 => Entry::Deleted { address: at, uid },
            10 => Entry::Failed {
                address: at,
                uid,
                effect: if self.detail.is_multiple_of(2) { Effect::None } else { Effect::Unknown },
            },
            11 => Entry::Forgotten { address: at, uid, why: "its cluster is gone".into() },
            12 => Entry::Moved {
                from: at,
                to: address(["hub/vpc/private-a", "x/y"][usize::from(self.detail % 2)]),
            },
            13 => Entry::Observed { address: at, uid, inputs, outputs },
            14 => {
                let mut facts = Facts::default();
                let region = Region::new(format!("us-east-{}", self.detail));
                facts.insert(Question::ami_release(&region, "1.35"), "v20261110").unwrap();
                Entry::Facts { facts }
            }
            _ => Entry::Exports {
                exports: BTreeMap::from([(
                    "vpc".to_owned(),
                    Tree::Ref(Reference { object: at, field: "id".into() }),
                )]),
            },
        }
    }
}

/// Returns a number whose decimal form is long.
fn fraction(detail: u8) -> serde_json::Number {
    serde_json::Number::from_f64(f64::from(detail) / 7.1).unwrap()
}
