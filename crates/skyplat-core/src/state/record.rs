//! [`Record`]: what is known of one real object, and the table of legal transitions.
//!
//! | status, open intent | event | becomes |
//! |---|---|---|
//! | none | create begins | Incomplete, create |
//! | Incomplete | create begins again | Incomplete, create |
//! | Incomplete, create | identified | the same, with its id |
//! | Incomplete, create | created | Ready |
//! | Incomplete, create | failed without effect | gone when it has no id, else Incomplete |
//! | Incomplete, create | failed, effect unknown | the same: the next run looks for it |
//! | any, no intent | update begins | Uncertain, update |
//! | Uncertain, update | updated | Ready, with the new inputs |
//! | Uncertain, update | failed without effect | as before the update |
//! | Uncertain, update | failed, effect unknown | Uncertain |
//! | any, no intent or delete | delete begins | Uncertain, delete |
//! | Uncertain, delete | deleted, retained | gone |
//! | Uncertain, delete | failed | Uncertain |
//! | any | forgotten | gone |
//!
//! An update or delete may also begin while one is open: that is how the next run repeats what a crash cut off.
//! Whatever is not in the table is an [`IllegalTransition`]: a journal that says so is damaged.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::executor::{OutputMap, Recorded};
use crate::object::ObjectNode;
use crate::value::{Address, paper};

/// The identity of an object: hash of stack, birth address and generation. It is the `skyplat:object` tag and survives
/// a move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(String);

impl Uid {
    /// Derives the identity of the `generation`th object born at an address.
    pub fn new(stack_id: &str, birth: &Address, generation: u32) -> Self {
        let hash = Sha256::digest(format!("{stack_id}\n{birth}\n{generation}"));
        Self(hex::encode(&hash[..16]))
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
    pub next: Option<Box<Next>>,
}

/// What an object becomes by an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// The node with its new inputs, resolved, secrets as digests.
    pub node: ObjectNode,
    /// Its new edges.
    pub depends_on: BTreeSet<Address>,
}

/// What is known of one real object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The object as it was last written: inputs resolved, secrets as digests.
    pub node: ObjectNode,
    /// What it depended on when it was last written.
    pub depends_on: BTreeSet<Address>,
    /// Its identity.
    pub uid: Uid,
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
    pub fn planned(node: ObjectNode, depends_on: BTreeSet<Address>, uid: Uid, generation: u32) -> Self {
        Self {
            node,
            depends_on,
            uid,
            generation,
            id: None,
            outputs: OutputMap::new(),
            status: Status::Incomplete,
            intent: None,
        }
    }

    /// Returns the record as executors see it.
    pub fn recorded(&self) -> Recorded {
        Recorded {
            address: self.node.address.clone(),
            kind: self.node.kind.clone(),
            class: self.node.class,
            uid: self.uid.clone(),
            placement: self.node.placement.clone(),
            id: self.id.clone(),
            inputs: self.node.inputs.clone(),
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

/// What can happen to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordEvent {
    CreateBegins,
    UpdateBegins(Box<Next>),
    DeleteBegins,
    Identified(String),
    Created { id: String, outputs: OutputMap },
    Updated(OutputMap),
    Failed(Effect),
}

/// An event that the table does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {event} cannot follow {from}")]
pub struct IllegalTransition {
    /// The object.
    pub address: Address,
    /// Status and open intent before.
    pub from: String,
    /// The event.
    pub event: String,
}

/// What becomes of a record after an event.
pub(super) enum Outcome {
    Stays,
    Gone,
}

impl Record {
    /// Applies one event, as the table at the top says.
    pub(super) fn transition(&mut self, event: RecordEvent) -> Result<Outcome, IllegalTransition> {
        use {Operation as Op, RecordEvent as Event};
        let open = self.open();
        match (event, open) {
            (Event::CreateBegins, None | Some(Op::Create)) if self.status == Status::Incomplete => {
                self.intent = Some(Intent { operation: Op::Create, before: self.status, next: None });
            }
            (Event::Identified(id), Some(Op::Create)) => self.id = Some(id),
            (Event::Created { id, outputs }, Some(Op::Create)) => {
                self.id = Some(id);
                self.outputs = outputs;
                self.status = Status::Ready;
                self.intent = None;
            }
            (Event::UpdateBegins(next), None | Some(Op::Update)) => {
                let before = self.intent.as_ref().map_or(self.status, |intent| intent.before);
                self.intent = Some(Intent { operation: Op::Update, before, next: Some(next) });
                self.status = Status::Uncertain;
            }
            (Event::Updated(outputs), Some(Op::Update)) => {
                if let Some(next) = self.intent.take().and_then(|intent| intent.next) {
                    self.node = next.node;
                    self.depends_on = next.depends_on;
                }
                self.outputs = outputs;
                self.status = Status::Ready;
            }
            (Event::DeleteBegins, _) => {
                let before = self.intent.as_ref().map_or(self.status, |intent| intent.before);
                self.intent = Some(Intent { operation: Op::Delete, before, next: None });
                self.status = Status::Uncertain;
            }
            (Event::Failed(Effect::None), Some(Op::Create)) => {
                self.intent = None;
                if self.id.is_none() {
                    return Ok(Outcome::Gone);
                }
            }
            // The intent stays open: only `find` can tell whether there is something.
            (Event::Failed(Effect::Unknown), Some(Op::Create)) => {}
            (Event::Failed(effect), Some(Op::Update)) => {
                let intent = self.intent.take();
                if let (Effect::None, Some(intent)) = (effect, intent) {
                    self.status = intent.before;
                }
            }
            (Event::Failed(_), Some(Op::Delete)) => self.intent = None,
            (event, _) => {
                return Err(IllegalTransition {
                    address: self.node.address.clone(),
                    from: format!("{:?} with {:?} open", self.status, open),
                    event: event.name().to_owned(),
                });
            }
        }
        Ok(Outcome::Stays)
    }
}

impl RecordEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::CreateBegins => "the begin of a create",
            Self::UpdateBegins(_) => "the begin of an update",
            Self::DeleteBegins => "the begin of a delete",
            Self::Identified(_) => "an id",
            Self::Created { .. } => "the end of a create",
            Self::Updated(_) => "the end of an update",
            Self::Failed(_) => "a failure",
        }
    }
}
