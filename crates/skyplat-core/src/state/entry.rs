//! [`Entry`]: what can be written to a journal, and how it changes the [`State`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::record::{Effect, IllegalTransition, Next, Outcome, Record, RecordEvent, Uid};
use super::{State, Status};
use crate::executor::OutputMap;
use crate::facts::Facts;
use crate::object::ObjectNode;
use crate::value::{Address, Tree, paper};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// An object is about to be made. A record that the address already has under another uid becomes superseded.
    CreateBegins {
        /// The record, without outputs.
        record: Box<Record>,
    },
    /// An object is about to be changed in place.
    UpdateBegins {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// What it becomes.
        next: Box<Next>,
    },
    /// An object is about to be deleted.
    DeleteBegins {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
    },
    /// The API gave an id to an object that is being made.
    Identified {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// The API's id.
        id: String,
    },
    /// An object is made and usable.
    Created {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// The API's id.
        id: String,
        /// Its outputs, secrets as digests.
        #[serde(with = "paper::named")]
        outputs: OutputMap,
    },
    /// An object is changed and usable.
    Updated {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// Its outputs, secrets as digests.
        #[serde(with = "paper::named")]
        outputs: OutputMap,
    },
    /// An object is gone.
    Deleted {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
    },
    /// An object is left in place and no longer ours.
    Retained {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// Why.
        why: String,
    },
    /// A call failed.
    Failed {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// Whether it did something.
        effect: Effect,
    },
    /// An object is known to be gone without our doing: with its container, or by someone else.
    Forgotten {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// Why.
        why: String,
    },
    /// An object has a new address.
    Moved {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
    /// Only what we keep about an object changes: order, container, protection, rules.
    Bookkeeping {
        /// The node as it is now, inputs as recorded.
        node: Box<ObjectNode>,
        /// Its edges.
        depends_on: BTreeSet<Address>,
    },
    /// The real object differs from its record, and the record now follows it.
    Observed {
        /// The object.
        address: Address,
        /// Its identity.
        uid: Uid,
        /// The fields of the record with their observed values, secrets as digests.
        #[serde(with = "paper")]
        inputs: Tree,
        /// Its outputs, secrets as digests.
        #[serde(with = "paper::named")]
        outputs: OutputMap,
    },
    /// The facts that shape the objects from now on.
    Facts {
        /// All of them.
        facts: Facts,
    },
    /// The outputs of the platform from now on.
    Exports {
        /// All of them, with references.
        #[serde(with = "paper::named")]
        exports: BTreeMap<String, Tree>,
    },
}

impl State {
    /// Applies one entry.
    ///
    /// # Errors
    /// When the entry cannot follow what came before it: the journal is damaged, or the engine has a bug.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), IllegalTransition> {
        match entry {
            Entry::CreateBegins { record } => self.begin_create(record)?,
            Entry::UpdateBegins { address, uid, next } => {
                self.transition(address, uid, RecordEvent::UpdateBegins(next.clone()))?;
            }
            Entry::DeleteBegins { address, uid } => {
                self.transition(address, uid, RecordEvent::DeleteBegins)?;
            }
            Entry::Identified { address, uid, id } => {
                self.transition(address, uid, RecordEvent::Identified(id.clone()))?;
            }
            Entry::Created { address, uid, id, outputs } => {
                self.transition(
                    address,
                    uid,
                    RecordEvent::Created { id: id.clone(), outputs: outputs.clone() },
                )?;
            }
            Entry::Updated { address, uid, outputs } => {
                self.transition(address, uid, RecordEvent::Updated(outputs.clone()))?;
            }
            Entry::Failed { address, uid, effect } => {
                self.transition(address, uid, RecordEvent::Failed(*effect))?;
            }
            Entry::Deleted { address, uid }
            | Entry::Retained { address, uid, .. }
            | Entry::Forgotten { address, uid, .. } => self.remove(address, uid)?,
            Entry::Moved { from, to } => self.rename(from, to)?,
            Entry::Bookkeeping { node, depends_on } => {
                let record = self.current(&node.address)?;
                record.node = (**node).clone();
                record.depends_on.clone_from(depends_on);
            }
            Entry::Observed { address, uid, inputs, outputs } => {
                let record = self.find(address, uid)?;
                record.node.inputs = inputs.clone();
                record.outputs.clone_from(outputs);
                record.status = Status::Ready;
                record.intent = None;
            }
            Entry::Facts { facts } => self.facts = facts.clone(),
            Entry::Exports { exports } => self.exports.clone_from(exports),
        }
        self.serial += 1;
        Ok(())
    }

    /// Returns the record of an object, current or superseded.
    pub fn record(&self, address: &Address, uid: &Uid) -> Option<&Record> {
        self.objects.get(address).filter(|record| record.uid == *uid).or_else(|| self.deposed.get(uid))
    }

    fn begin_create(&mut self, record: &Record) -> Result<(), IllegalTransition> {
        let address = &record.node.address;
        if let Some(current) = self.objects.get_mut(address)
            && current.uid == record.uid
        {
            // A create that is repeated after a crash may carry inputs that changed since.
            current.node = record.node.clone();
            current.depends_on.clone_from(&record.depends_on);
            current.transition(RecordEvent::CreateBegins)?;
            return Ok(());
        }
        let mut fresh = record.clone();
        fresh.transition(RecordEvent::CreateBegins)?;
        self.generations.insert(address.clone(), record.generation + 1);
        if let Some(superseded) = self.objects.insert(address.clone(), fresh) {
            self.deposed.insert(superseded.uid.clone(), superseded);
        }
        Ok(())
    }

    fn transition(
        &mut self,
        address: &Address,
        uid: &Uid,
        event: RecordEvent,
    ) -> Result<(), IllegalTransition> {
        match self.find(address, uid)?.transition(event)? {
            Outcome::Stays => Ok(()),
            Outcome::Gone => self.remove(address, uid),
        }
    }

    /// Removes a record. When a create that superseded another record comes to nothing, the other is current again.
    fn remove(&mut self, address: &Address, uid: &Uid) -> Result<(), IllegalTransition> {
        self.find(address, uid)?;
        if self.deposed.remove(uid).is_some() {
            return Ok(());
        }
        self.objects.remove(address);
        let superseded = self.deposed.values().find(|record| record.node.address == *address);
        if let Some(uid) = superseded.map(|record| record.uid.clone())
            && let Some(record) = self.deposed.remove(&uid)
        {
            self.objects.insert(address.clone(), record);
        }
        Ok(())
    }

    fn rename(&mut self, from: &Address, to: &Address) -> Result<(), IllegalTransition> {
        if self.objects.contains_key(to) {
            return Err(illegal(to, "a record", "a move to this address"));
        }
        let mut record = self.objects.remove(from).ok_or_else(|| illegal(from, "no record", "a move"))?;
        record.node.address = to.clone();
        self.objects.insert(to.clone(), record);
        if let Some(generation) = self.generations.get(from).copied() {
            let kept = self.generations.entry(to.clone()).or_insert(0);
            *kept = generation.max(*kept);
        }
        for record in self.objects.values_mut().chain(self.deposed.values_mut()) {
            if record.depends_on.remove(from) {
                record.depends_on.insert(to.clone());
            }
            if record.node.after.remove(from) {
                record.node.after.insert(to.clone());
            }
            if record.node.placement.container.as_ref() == Some(from) {
                record.node.placement.container = Some(to.clone());
            }
        }
        Ok(())
    }

    fn current(&mut self, address: &Address) -> Result<&mut Record, IllegalTransition> {
        self.objects.get_mut(address).ok_or_else(|| illegal(address, "no record", "an entry about it"))
    }

    fn find(&mut self, address: &Address, uid: &Uid) -> Result<&mut Record, IllegalTransition> {
        let is_current = self.objects.get(address).is_some_and(|record| record.uid == *uid);
        let record = if is_current { self.objects.get_mut(address) } else { self.deposed.get_mut(uid) };
        record.ok_or_else(|| illegal(address, "no record of this uid", "an entry about it"))
    }
}

fn illegal(address: &Address, from: &str, event: &str) -> IllegalTransition {
    IllegalTransition { address: address.clone(), from: from.to_owned(), event: event.to_owned() }
}
