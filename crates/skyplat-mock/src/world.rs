//! [`World`]: what exists in the simulated cloud, as plain state.
//!
//! A world is the fold of its [`Record`]s, like a stack's state is the fold of its journal, but it is the other side:
//! what is real, not what is known. It knows no rules (`rules`), no waiting (`cloud`) and no files (`store`); its clock is
//! whatever the records say.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use skyplat_core::executor::OutputMap;
use skyplat_core::object::{ObjectKind, Placement};
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, Tree};

use crate::index::Index;
use crate::paper;

/// Milliseconds on the world's own clock, since it was made.
pub type Moment = u64;

/// Where a thing is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// It has an id and is not usable until this moment.
    Creating {
        /// When it becomes usable.
        until: Moment,
    },
    /// It is usable.
    Ready,
    /// It is usable, and a change of it is under way.
    Changing {
        /// When the change is done.
        until: Moment,
    },
    /// It is being deleted; nothing new may use it.
    Deleting {
        /// When it is gone.
        until: Moment,
    },
    /// Its deletion was asked for and waits for somebody: a finalizer holds it. Nothing new may use it.
    Held,
}

impl Phase {
    /// Returns when what is under way will be done.
    pub fn until(self) -> Option<Moment> {
        match self {
            Self::Ready | Self::Held => None,
            Self::Creating { until } | Self::Changing { until } | Self::Deleting { until } => Some(until),
        }
    }
}

/// For what a controller made a thing that no plan made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The thing that it was made for; it may be gone.
    pub owner: Uid,
    /// The stack of that thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}

/// One real thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Its identity: the `skyplat:object` tag.
    pub uid: Uid,
    /// The `skyplat:address` tag as of the last write; informative.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// Where it is.
    pub placement: Placement,
    /// The id the API gave it.
    pub id: String,
    /// Its fields: as they were sent, with what the server fills in.
    #[serde(with = "paper")]
    pub inputs: Tree,
    /// What the API refuses to have twice.
    #[serde(with = "paper::optional", default, skip_serializing_if = "Option::is_none")]
    pub natural_key: Option<Tree>,
    /// What the API gives back.
    #[serde(with = "paper::named")]
    pub outputs: OutputMap,
    /// The stack's tags.
    pub tags: BTreeMap<String, String>,
    /// What it lives in: when one of these goes, so does it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lives_in: BTreeSet<Uid>,
    /// For what a controller made it; none when it was asked for by a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<Origin>,
    /// When it was asked for.
    pub created_at: Moment,
    /// Where it is in its life.
    pub phase: Phase,
}

impl Thing {
    /// Returns whether new things may refer to it.
    pub fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Deleting { .. } | Phase::Held)
    }

    /// Returns whether it works.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Changing { .. })
    }

    /// Returns the text at a dotted path of its fields.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.inputs.at(path).and_then(Tree::as_str)
    }

    /// Returns an output that is a text.
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).and_then(Tree::as_str)
    }
}

/// What a thing is after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its address.
    pub address: Address,
    /// All its fields.
    #[serde(with = "paper")]
    pub inputs: Tree,
    /// What the API refuses to have twice.
    #[serde(with = "paper::optional", default, skip_serializing_if = "Option::is_none")]
    pub natural_key: Option<Tree>,
    /// Its outputs.
    #[serde(with = "paper::named")]
    pub outputs: OutputMap,
    /// The stack's tags.
    pub tags: BTreeMap<String, String>,
    /// What it lives in.
    pub lives_in: BTreeSet<Uid>,
    /// When the change is done.
    pub until: Moment,
}

/// Something that happened to a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// It was asked for and has an id.
    Made {
        /// The thing.
        thing: Box<Thing>,
    },
    /// It became usable, or a change of it is done.
    Ready {
        /// The thing.
        uid: Uid,
    },
    /// Its fields changed.
    Changed {
        /// The thing.
        uid: Uid,
        /// What it is now.
        change: Box<Change>,
    },
    /// Its deletion was asked for.
    Deleting {
        /// The thing.
        uid: Uid,
        /// When it is gone.
        until: Moment,
    },
    /// Its deletion was asked for, and somebody must do something first.
    Held {
        /// The thing.
        uid: Uid,
    },
    /// It is gone, and all that lives in it.
    Gone {
        /// The thing.
        uid: Uid,
    },
}

/// An effect and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub effect: Effect,
}

/// What exists in the simulated cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    seed: u64,
    clock: Moment,
    things: BTreeMap<Uid, Thing>,
    index: Index,
    /// Things of which something is under way.
    under_way: BTreeSet<Uid>,
    /// Things that controllers made.
    children: BTreeSet<Uid>,
    past: BTreeSet<String>,
}

impl World {
    /// Makes an empty world. The seed decides every id and secret that will be made in it.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            clock: 0,
            things: BTreeMap::new(),
            index: Index::default(),
            under_way: BTreeSet::new(),
            children: BTreeSet::new(),
            past: BTreeSet::new(),
        }
    }

    /// Returns the seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns what time it is.
    pub fn clock(&self) -> Moment {
        self.clock
    }

    /// Returns every thing, in the order of their uids.
    pub fn things(&self) -> impl Iterator<Item = &Thing> {
        self.things.values()
    }

    /// Returns the things of one kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Thing> {
        self.all(self.index.of_kind(kind))
    }

    /// Returns the things of one kind with a natural key.
    pub fn with_key<'a>(&'a self, kind: &ObjectKind, key: &'a Tree) -> impl Iterator<Item = &'a Thing> {
        self.all(self.index.with_key(kind, key)).filter(move |thing| thing.natural_key.as_ref() == Some(key))
    }

    /// Returns the things that live in another.
    pub fn inside(&self, uid: &Uid) -> impl Iterator<Item = &Thing> {
        self.all(self.index.inside(uid))
    }

    /// Returns what controllers made.
    pub fn children(&self) -> impl Iterator<Item = &Thing> {
        self.children.iter().filter_map(|uid| self.things.get(uid))
    }

    /// Returns the things of which something is under way.
    pub fn under_way(&self) -> impl Iterator<Item = &Thing> {
        self.under_way.iter().filter_map(|uid| self.things.get(uid))
    }

    /// Returns when the next of what is under way will be done.
    pub fn next_change(&self) -> Option<Moment> {
        self.under_way().filter_map(|thing| thing.phase.until()).min()
    }

    /// Returns how many things there are.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Returns whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Returns a thing by its identity.
    pub fn get(&self, uid: &Uid) -> Option<&Thing> {
        self.things.get(uid)
    }

    /// Returns the things with an id. Ids are unique within a kind, region and container, not in the world.
    pub fn with_id(&self, id: &str) -> impl Iterator<Item = &Thing> {
        self.all(self.index.with_id(id))
    }

    /// Returns the things with an ARN that is no secret.
    pub fn with_arn(&self, arn: &str) -> impl Iterator<Item = &Thing> {
        self.all(self.index.with_arn(arn))
    }

    /// Returns the things whose last write said this address: of several stacks, or of a replace, there may be more.
    pub fn at(&self, address: &Address) -> impl Iterator<Item = &Thing> {
        self.all(self.index.at(address))
    }

    fn all<'a>(&'a self, uids: impl Iterator<Item = &'a Uid>) -> impl Iterator<Item = &'a Thing> {
        uids.filter_map(|uid| self.things.get(uid))
    }

    /// Returns whether something with this id existed and is gone.
    pub fn is_past(&self, id: &str) -> bool {
        self.past.contains(id)
    }

    /// Lets time pass: what was under way and would be done by then is done.
    pub fn advance(&mut self, to: Moment) {
        self.clock = self.clock.max(to);
        let clock = self.clock;
        let done: Vec<(Uid, Phase)> = self
            .under_way
            .iter()
            .filter_map(|uid| self.things.get(uid))
            .filter(|thing| thing.phase.until().is_some_and(|until| until <= clock))
            .map(|thing| (thing.uid.clone(), thing.phase))
            .collect();
        for (uid, phase) in done {
            match phase {
                Phase::Deleting { .. } => self.remove(&uid),
                _ => self.set_phase(&uid, Phase::Ready),
            }
        }
    }

    /// Applies a record. An effect on a thing that is not there changes nothing: it went with what it lived in.
    pub fn apply(&mut self, record: &Record) {
        self.advance(record.at);
        match &record.effect {
            Effect::Made { thing } => {
                self.index.insert(thing);
                if thing.made_for.is_some() {
                    self.children.insert(thing.uid.clone());
                }
                self.things.insert(thing.uid.clone(), (**thing).clone());
                self.set_phase(&thing.uid, thing.phase);
            }
            Effect::Ready { uid } => {
                if self.things.get(uid).is_some_and(Thing::is_alive) {
                    self.set_phase(uid, Phase::Ready);
                }
            }
            Effect::Changed { uid, change } => {
                if let Some(thing) = self.things.get_mut(uid) {
                    let Change { address, inputs, natural_key, outputs, tags, lives_in, until } =
                        (**change).clone();
                    self.index.remove(thing);
                    *thing = Thing { address, inputs, natural_key, outputs, tags, lives_in, ..thing.clone() };
                    self.index.insert(thing);
                    self.set_phase(uid, Phase::Changing { until });
                }
            }
            Effect::Deleting { uid, until } => self.set_phase(uid, Phase::Deleting { until: *until }),
            Effect::Held { uid } => self.set_phase(uid, Phase::Held),
            Effect::Gone { uid } => self.remove(uid),
        }
    }

    fn set_phase(&mut self, uid: &Uid, phase: Phase) {
        let Some(thing) = self.things.get_mut(uid) else { return };
        thing.phase = phase;
        if phase.until().is_none() {
            self.under_way.remove(uid);
        } else {
            self.under_way.insert(uid.clone());
        }
    }

    /// Removes a thing and all that lives in it.
    fn remove(&mut self, uid: &Uid) {
        let Some(thing) = self.things.remove(uid) else { return };
        self.under_way.remove(uid);
        self.children.remove(uid);
        self.index.remove(&thing);
        self.past.insert(thing.id);
        let inside: Vec<Uid> = self.index.inside(uid).cloned().collect();
        for uid in inside {
            self.remove(&uid);
        }
    }
}
