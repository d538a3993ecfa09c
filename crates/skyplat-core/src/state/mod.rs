//! State: what is known of the real world, kept as a journal.
//!
//! The engine appends an [`Entry`] before and after every call; [`State`] is the fold of all entries. A store keeps the
//! entries durable and cuts the journal short with a snapshot now and then; a step costs O(1) bytes, whatever the size
//! of the stack.
//!
//! * [`record`]: what is known of one object. [`transition`]: the table of what may happen to it.
//! * `open`: what an update that was cut off may have brought.
//! * [`entry`]: what can be written, and how it changes the state.
//! * `rename`: a move.
//! * [`rehearsal`]: whether entries may follow, before they are written.
//! * [`store`]: the trait of stores; [`memory`] is the one for tests and simulations, [`directory`] the one on disk,
//!   made of `journal`, `snapshot`, `lock` and, below them, `line` and `files`.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod damage;
pub mod directory;
pub mod entry;
mod files;
mod journal;
mod line;
mod lock;
pub mod memory;
mod open;
pub mod record;
pub mod rehearsal;
mod rename;
mod snapshot;
pub mod store;
#[cfg(test)]
mod testing;
pub mod transition;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use directory::DirectoryStore;
pub use entry::Entry;
pub use memory::MemoryStore;
pub use record::{Effect, Intent, Next, Operation, Record, Status, Uid};
pub use store::{LockOwner, StateError, StateStore, StoreSession};
pub use transition::IllegalTransition;

use crate::facts::Facts;
use crate::value::{Address, DigestKey, Reference, Resolved, Tree, paper};

/// A stack: one platform, under a name that may be reused and an id that is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The name a person gave it, such as `dev`.
    pub name: String,
    /// Made once with the stack, so that two stacks named `dev` never adopt each other's objects.
    pub id: String,
}

impl Stack {
    /// Returns the value of the `skyplat:stack` tag.
    pub fn tag(&self) -> String {
        format!("{}/{}", self.name, self.id)
    }
}

/// What is known of a stack's real world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The stack.
    pub stack: Stack,
    /// The key of the digests of secrets.
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub digest_key: DigestKey,
    /// How many entries were ever written.
    pub serial: u64,
    /// The objects.
    pub objects: BTreeMap<Address, Record>,
    /// Objects that a replace has superseded and not deleted yet.
    pub deposed: BTreeMap<Uid, Record>,
    /// How many objects an address has had, where it is not what its record says.
    pub generations: BTreeMap<Address, u32>,
    /// The facts that shaped the objects.
    pub facts: Facts,
    /// The outputs of the platform, with references.
    #[serde(with = "paper::named")]
    pub exports: BTreeMap<String, Tree>,
}

fn write_key<S: Serializer>(key: &DigestKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(key.bytes()))
}

fn read_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DigestKey, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
    Ok(DigestKey::new(bytes))
}

impl State {
    /// Makes the state of a new stack.
    pub fn new(stack: Stack, digest_key: DigestKey) -> Self {
        Self {
            stack,
            digest_key,
            serial: 0,
            objects: BTreeMap::new(),
            deposed: BTreeMap::new(),
            generations: BTreeMap::new(),
            facts: Facts::default(),
            exports: BTreeMap::new(),
        }
    }

    /// Returns whether nothing real is known of the stack.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.deposed.is_empty()
    }

    /// Returns every record, current ones first, superseded ones after them.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.objects.values().chain(self.deposed.values())
    }

    /// Returns the generation the next object of an address will have.
    pub fn next_generation(&self, address: &Address) -> u32 {
        self.generations.get(address).copied().unwrap_or(0)
    }

    /// Resolves a reference against the recorded outputs.
    pub fn output(&self, reference: &Reference) -> Resolved {
        self.objects
            .get(&reference.object)
            .and_then(|record| record.outputs.get(reference.field.as_str()))
            .map_or(Resolved::Unknown, |tree| Resolved::Known(tree.clone()))
    }
}
