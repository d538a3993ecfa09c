//! [`Record`]: what is known of one real object. What may happen to it is in `transition`, what an update that was cut off
//! may have brought in `open`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::executor::{OutputMap, Recorded};
use crate::object::ObjectNode;
use crate::value::{Address, paper};

/// The identity of an object: hash of stack, birth address and generation. It is the `skyplat:object` tag and survives
/// a move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(Arc<str>);

impl Uid {
    /// Derives the identity of the `generation`th object born at an address.
    pub fn new(stack_id: &str, birth: &Address, generation: u32) -> Self {
        let hash = Sha256::digest(format!("{stack_id}\n{birth}\n{generation}"));
        let mut digits = [0; 32];
        hex::encode_to_slice(&hash[..16], &mut digits).expect("two digits for each byte");
        Self(str::from_utf8(&digits).expect("digits are ASCII").into())
    }

    /// Returns the identity as text: 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is as recorded.
    Ready,
    /// It is made or being made, and not usable: resumed or replaced.
    Incomplete,
    /// An update or delete failed or is open: read or repeated, never kept.
    Uncertain,
}

/// What is being done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// It is being made.
    Create,
    /// It is being changed in place.
    Update,
    /// It is being deleted.
    Delete,
}

/// Whether a failed call did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It did nothing.
    None,
    /// Nobody knows.
    Unknown,
}

/// A call that was announced and whose end is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What was announced.
    pub operation: Operation,
    /// The status to return to when the call turns out to have done nothing.
    pub before: Status,
    /// For an update, what the object becomes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Next>,
}

/// What an object becomes by an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// The node with its new inputs, resolved, secrets as digests.
    pub node: Arc<ObjectNode>,
    /// Its new edges.
    pub depends_on: BTreeSet<Address>,
}

/// What is known of one real object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The object as it was last written: inputs resolved, secrets as digests. Shared: a state is copied more often than
    /// an object changes.
    pub node: Arc<ObjectNode>,
    /// What it depended on when it was last written.
    pub depends_on: BTreeSet<Address>,
    /// Its identity.
    pub uid: Uid,
    /// The identity of what it was made inside of. The address in its placement may mean a newer one by now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<Uid>,
    /// How many objects this address had before.
    pub generation: u32,
    /// The API's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Its outputs, secrets as digests.
    #[serde(with = "paper::named")]
    pub outputs: OutputMap,
    /// What is known of the real thing.
    pub status: Status,
    /// The call whose end is not recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub intent: Option<Intent>,
}

impl Record {
    /// Makes the record of an object whose create is about to begin.
    pub fn planned(
        node: impl Into<Arc<ObjectNode>>,
        depends_on: BTreeSet<Address>,
        uid: Uid,
        generation: u32,
    ) -> Self {
        Self {
            node: node.into(),
            depends_on,
            uid,
            within: None,
            generation,
            id: None,
            outputs: OutputMap::new(),
            status: Status::Incomplete,
            intent: None,
        }
    }

    /// Returns the record as executors see it, with the fields that an open update may have added.
    pub fn recorded(&self) -> Recorded {
        Recorded {
            address: self.node.address.clone(),
            kind: self.node.kind.clone(),
            class: self.node.class,
            uid: self.uid.clone(),
            placement: self.node.placement.clone(),
            id: self.id.clone(),
            inputs: self.inputs_it_may_have(),
            natural_key: self.node.natural_key.clone(),
            outputs: self.outputs.clone(),
            on_delete: self.node.on_delete,
        }
    }

    /// Returns the operation whose end is not recorded.
    pub fn open(&self) -> Option<Operation> {
        self.intent.as_ref().map(|intent| intent.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::address;
    use super::*;

    #[test]
    fn an_identity_depends_on_stack_birth_address_and_generation() {
        let uid = Uid::new("stack", &address("a/x"), 0);
        assert_eq!(uid.as_str().len(), 32);
        assert_ne!(uid, Uid::new("other", &address("a/x"), 0));
        assert_ne!(uid, Uid::new("stack", &address("a/y"), 0));
        assert_ne!(uid, Uid::new("stack", &address("a/x"), 1));
    }
}
