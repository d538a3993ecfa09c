//! [`Entry`]: what can be written to a journal, and how it changes the [`State`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::State;
use super::record::{Effect, Next, Record, Uid};
use super::transition::{IllegalTransition, Outcome, RecordEvent};
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
        next: Next,
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
        node: Arc<ObjectNode>,
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

impl Entry {
    /// Returns whether what comes next waits until the entry is durable: a call, or the rest of one that has got an id.
    /// Anything else only has to be durable before something that follows from it: what stands behind it in the journal.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(
            self,
            Self::CreateBegins { .. }
                | Self::UpdateBegins { .. }
                | Self::DeleteBegins { .. }
                | Self::Identified { .. }
        )
    }
}

impl State {
    /// Applies one entry, or changes nothing.
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
            Entry::Deleted { address, uid } => self.transition(address, uid, RecordEvent::Deleted)?,
            Entry::Retained { address, uid, .. } | Entry::Forgotten { address, uid, .. } => {
                self.transition(address, uid, RecordEvent::LetGo)?;
            }
            Entry::Moved { from, to } => self.rename(from, to)?,
            Entry::Bookkeeping { node, depends_on } => {
                let record = self.current(&node.address)?;
                record.node = Arc::clone(node);
                record.depends_on.clone_from(depends_on);
            }
            Entry::Observed { address, uid, inputs, outputs } => {
                let event = RecordEvent::Observed { inputs: inputs.clone(), outputs: outputs.clone() };
                self.transition(address, uid, event)?;
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
        if self.deposed.contains_key(&record.uid) {
            return Err(illegal(address, "a superseded record of this uid", "the begin of a create"));
        }
        if let Some(current) = self.objects.get_mut(address)
            && current.uid == record.uid
        {
            current.transition(RecordEvent::CreateBegins)?;
            // A create that is repeated after a crash may carry inputs that changed since.
            current.node = Arc::clone(&record.node);
            current.depends_on.clone_from(&record.depends_on);
            current.within.clone_from(&record.within);
            return Ok(());
        }
        let mut fresh = record.clone();
        fresh.transition(RecordEvent::CreateBegins)?;
        let generation = self.generations.entry(address.clone()).or_insert(0);
        *generation = (record.generation + 1).max(*generation);
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
            Outcome::Stays => {}
            Outcome::Gone => self.remove(address, uid),
        }
        Ok(())
    }

    /// Removes a record. When a create that superseded another record comes to nothing, the other is current again.
    fn remove(&mut self, address: &Address, uid: &Uid) {
        if self.deposed.remove(uid).is_some() {
            return;
        }
        self.objects.remove(address);
        let superseded = self
            .deposed
            .values()
            .filter(|record| record.node.address == *address)
            .max_by_key(|record| record.generation);
        if let Some(uid) = superseded.map(|record| record.uid.clone())
            && let Some(record) = self.deposed.remove(&uid)
        {
            self.objects.insert(address.clone(), record);
        }
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

pub(super) fn illegal(address: &Address, from: &str, event: &str) -> IllegalTransition {
    IllegalTransition { address: address.clone(), from: from.to_owned(), event: event.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::Operation;
    use super::super::testing::{address, apply, delete, make, planned, state};
    use super::*;
    use crate::tree;

    #[test]
    fn an_address_that_had_an_object_gives_the_next_one_another_identity() {
        let mut state = state();
        let first = make(&mut state, "hub/vpc/vpc");
        delete(&mut state, "hub/vpc/vpc", &first);
        assert!(state.is_empty());
        let second = make(&mut state, "hub/vpc/vpc");
        assert_ne!(first, second);
        assert_eq!(state.objects[&address("hub/vpc/vpc")].generation, 1);
    }

    #[test]
    fn a_superseded_record_waits_for_its_delete_and_comes_back_when_the_new_one_comes_to_nothing() {
        let mut state = state();
        let at = address("hub/vpc/vpc");
        let old = make(&mut state, "hub/vpc/vpc");
        let new = planned(&state, "hub/vpc/vpc");
        let begins = Entry::CreateBegins { record: Box::new(new.clone()) };
        apply(&mut state, [begins.clone()]);
        assert_eq!(state.objects[&at].uid, new.uid);
        assert!(state.deposed.contains_key(&old));
        assert_eq!(state.record(&at, &old).unwrap().status, super::super::Status::Ready);

        let failed = Entry::Failed { address: at.clone(), uid: new.uid.clone(), effect: Effect::None };
        apply(&mut state, [failed]);
        assert_eq!(state.objects[&at].uid, old);
        assert!(state.deposed.is_empty());

        apply(&mut state, [begins]);
        delete(&mut state, "hub/vpc/vpc", &old);
        assert_eq!(state.objects[&at].uid, new.uid);
        assert!(state.deposed.is_empty());
    }

    #[test]
    fn the_latest_of_several_superseded_records_comes_back_first() {
        let mut state = state();
        let at = address("a/x");
        make(&mut state, "a/x");
        let second = make(&mut state, "a/x");
        let third = planned(&state, "a/x");
        let uid = third.uid.clone();
        apply(
            &mut state,
            [
                Entry::CreateBegins { record: Box::new(third) },
                Entry::Failed { address: at.clone(), uid, effect: Effect::None },
            ],
        );
        assert_eq!(state.objects[&at].uid, second);
    }

    #[test]
    fn a_create_that_is_repeated_takes_the_inputs_of_today_and_one_that_is_illegal_changes_nothing() {
        let mut state = state();
        let mut record = planned(&state, "a/x");
        apply(&mut state, [Entry::CreateBegins { record: Box::new(record.clone()) }]);
        Arc::make_mut(&mut record.node).inputs = tree!({ "size": 2 });
        apply(&mut state, [Entry::CreateBegins { record: Box::new(record.clone()) }]);
        assert_eq!(state.objects[&address("a/x")].node.inputs, tree!({ "size": 2 }));
        assert_eq!(state.objects[&address("a/x")].open(), Some(Operation::Create));

        let created = Entry::Created {
            address: address("a/x"),
            uid: record.uid.clone(),
            id: "i-1".into(),
            outputs: OutputMap::new(),
        };
        apply(&mut state, [created]);
        Arc::make_mut(&mut record.node).inputs = tree!({ "size": 3 });
        let serial = state.serial;
        assert!(state.apply(&Entry::CreateBegins { record: Box::new(record) }).is_err());
        assert_eq!(state.objects[&address("a/x")].node.inputs, tree!({ "size": 2 }));
        assert_eq!(state.serial, serial);
    }

    #[test]
    fn an_entry_about_another_identity_is_illegal() {
        let mut state = state();
        make(&mut state, "a/x");
        let stranger = Uid::new("another stack", &address("a/x"), 0);
        let entry = Entry::DeleteBegins { address: address("a/x"), uid: stranger };
        let error = state.apply(&entry).unwrap_err();
        assert_eq!(error.to_string(), "a/x: an entry about it cannot follow no record of this uid");
    }
}
