//! The reference model: a naive engine that does one thing after the other and knows every value at once.
//!
//! It shares nothing with planner and engine but the description. It makes no plan: it walks over the description, what
//! is needed first, and does to each object what its values ask for; then it deletes what is no longer wanted. So it
//! needs no unknown values, no undecided steps, no order of deletes, no journal and no clock. What the real engine does
//! must be equal in its actions and in the world it leaves.

use std::collections::{BTreeMap, BTreeSet};

use crate::graphs::{FORCING, Field, Output, PARENT, Wanted};

/// What was done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Did {
    Create,
    Update,
    Replace,
    Delete,
    /// It was left in place, and is no longer ours.
    Retain,
    Keep,
}

/// A value that is there. Identities are numbers: the real ids are another matter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Plain(u64),
    Id(u64),
    Password(u64),
}

type Fields = BTreeMap<String, Known>;

/// What the model knows of an object that it made.
#[derive(Debug, Clone)]
struct Made {
    identity: u64,
    fields: Fields,
    inside: Option<String>,
    protect: bool,
    retain: bool,
}

/// When an object that cannot wait for its values is replaced, whatever they turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// In any case.
    Surely,
    /// When what gives them is replaced.
    WithIt,
}

/// What a run is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// What is wanted, what is needed first; nothing for a destroy.
    pub(crate) wanted: &'a [Wanted],
    /// Old and new addresses.
    pub(crate) moved: &'a [(String, String)],
    /// Whether the world was looked at before.
    pub(crate) refreshed: bool,
    /// The objects that a targeted run is about; all without.
    pub(crate) within: Option<&'a BTreeSet<String>>,
    /// Objects to replace though their values may turn out equal, because these can be known only after the delete.
    pub(crate) late: &'a BTreeMap<String, Late>,
}

/// The naive engine: what is recorded, and what there is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    records: BTreeMap<String, Made>,
    world: BTreeMap<u64, Fields>,
    identities: u64,
}

impl Model {
    /// Does what is asked, or returns the protected objects that would be lost.
    pub(crate) fn run(&mut self, asked: Asked<'_>) -> Result<BTreeMap<String, Did>, BTreeSet<String>> {
        let mut next = self.clone();
        let (done, lost) = next.walk(asked);
        if lost.is_empty() {
            *self = next;
            Ok(done)
        } else {
            Err(lost)
        }
    }

    fn walk(&mut self, asked: Asked<'_>) -> (BTreeMap<String, Did>, BTreeSet<String>) {
        for (from, to) in asked.moved {
            self.rename(from, to);
        }
        let (mut done, mut lost) = (BTreeMap::new(), BTreeSet::new());
        let addresses: BTreeMap<usize, &str> =
            asked.wanted.iter().map(|wanted| (wanted.slot, wanted.address.as_str())).collect();
        let is_within = |address: &str| asked.within.is_none_or(|within| within.contains(address));
        for wanted in asked.wanted.iter().filter(|wanted| is_within(&wanted.address)) {
            let did = self.bring(wanted, &addresses, &done, asked);
            if did == Did::Replace && wanted.protect {
                lost.insert(wanted.address.clone());
            }
            done.insert(wanted.address.clone(), did);
        }
        let names: BTreeSet<&str> = addresses.values().copied().collect();
        let leave: Vec<String> = self
            .records
            .keys()
            .filter(|name| !names.contains(name.as_str()) && is_within(name))
            .cloned()
            .collect();
        for address in leave {
            let made = self.records.remove(&address).expect("it was listed");
            let is_there = self.world.contains_key(&made.identity) || !asked.refreshed;
            if made.protect && is_there {
                lost.insert(address.clone());
            }
            if made.retain && is_there {
                done.insert(address, Did::Retain);
            } else {
                self.world.remove(&made.identity);
                done.insert(address, Did::Delete);
            }
        }
        (done, lost)
    }

    /// Brings one object to what is wanted.
    fn bring(
        &mut self,
        wanted: &Wanted,
        addresses: &BTreeMap<usize, &str>,
        done: &BTreeMap<String, Did>,
        asked: Asked<'_>,
    ) -> Did {
        let inside = wanted.inside.map(|slot| addresses[&slot].to_owned());
        let fields: Fields =
            wanted.fields.iter().map(|(path, field)| (path.clone(), self.value(field, addresses))).collect();
        let is_new = |slot: &usize| matches!(done.get(addresses[slot]), Some(Did::Create | Did::Replace));
        let parents = wanted.fields.iter().filter_map(|(path, field)| match field {
            Field::Of(slot, _) if group(path) == PARENT => Some(*slot),
            _ => None,
        });
        let parent_is_new = parents.chain(wanted.inside).any(|slot| is_new(&slot));
        let seen = self.records.get(&wanted.address).map(|made| self.world.get(&made.identity));
        let did = match (self.records.get(&wanted.address), seen) {
            (None, _) | (_, None) => Did::Create,
            (Some(_), Some(None)) if asked.refreshed => Did::Create,
            (Some(made), Some(there)) => {
                let mut differing = differ(&made.fields, &fields);
                if let Some(there) = there.filter(|_| asked.refreshed) {
                    differing.extend(differ(there, &fields));
                }
                let forced = differing.iter().any(|path| FORCING.contains(&group(path)));
                let elsewhere = made.inside != inside;
                if forced || elsewhere || parent_is_new || Self::is_late(wanted, addresses, done, asked) {
                    Did::Replace
                } else if differing.is_empty() {
                    Did::Keep
                } else {
                    Did::Update
                }
            }
        };
        let (protect, retain) = (wanted.protect, wanted.retain);
        match did {
            Did::Create | Did::Replace => {
                self.identities += 1;
                let identity = self.identities;
                let made = Made { identity, fields: fields.clone(), inside, protect, retain };
                self.world.insert(identity, fields);
                if let Some(old) = self.records.insert(wanted.address.clone(), made).filter(|old| !old.retain)
                {
                    self.world.remove(&old.identity);
                }
            }
            _ => {
                let made = self.records.get_mut(&wanted.address).expect("only a create or replace has none");
                (made.protect, made.retain) = (protect, retain);
                if did == Did::Update {
                    made.fields.clone_from(&fields);
                    self.world.insert(made.identity, fields);
                }
            }
        }
        did
    }

    /// A replace that could not wait for the value that it rests on.
    fn is_late(
        wanted: &Wanted,
        addresses: &BTreeMap<usize, &str>,
        done: &BTreeMap<String, Did>,
        asked: Asked<'_>,
    ) -> bool {
        let is_replaced = |slot: &usize| done.get(addresses[slot]) == Some(&Did::Replace);
        match asked.late.get(&wanted.address) {
            None => false,
            Some(Late::Surely) => true,
            Some(Late::WithIt) => wanted.tints().any(is_replaced),
        }
    }

    fn value(&self, field: &Field, addresses: &BTreeMap<usize, &str>) -> Known {
        match field {
            Field::Plain(number) => Known::Plain(*number),
            Field::Of(slot, output) => {
                let Some(made) = self.records.get(addresses[slot]) else { return Known::Id(0) };
                let of = |path: &str| made.fields.get(path).cloned().unwrap_or(Known::Id(0));
                match output {
                    Output::Id => Known::Id(made.identity),
                    Output::Shade => of("shade"),
                    Output::Size => of("size"),
                    Output::Password => Known::Password(made.identity),
                }
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        let Some(made) = self.records.remove(from) else { return };
        self.records.insert(to.to_owned(), made);
        for other in self.records.values_mut() {
            if other.inside.as_deref() == Some(from) {
                other.inside = Some(to.to_owned());
            }
        }
    }

    /// Returns what is recorded though it is no longer there.
    pub(crate) fn missing(&self) -> BTreeSet<String> {
        let gone = self.records.iter().filter(|(_, made)| !self.world.contains_key(&made.identity));
        gone.map(|(address, _)| address.clone()).collect()
    }

    /// Changes a number of an object behind our back. Returns whether there was one.
    pub(crate) fn change(&mut self, address: &str, path: &str, number: u64) -> bool {
        let there = self.records.get(address).and_then(|made| self.world.get_mut(&made.identity));
        there.is_some_and(|fields| fields.insert(path.to_owned(), Known::Plain(number)).is_some())
    }

    /// Takes away an object, and all that is inside of it, behind our back. Returns whether there was one.
    pub(crate) fn lose(&mut self, address: &str) -> bool {
        let Some(made) = self.records.get(address) else { return false };
        let there = self.world.remove(&made.identity).is_some();
        let inside: Vec<String> = self
            .records
            .iter()
            .filter(|(_, other)| there && other.inside.as_deref() == Some(address))
            .map(|(address, _)| address.clone())
            .collect();
        for other in inside {
            self.lose(&other);
        }
        there
    }

    /// Lets the records follow what is there.
    pub(crate) fn accept(&mut self) {
        let world = &self.world;
        self.records.retain(|_, made| world.contains_key(&made.identity));
        for made in self.records.values_mut() {
            made.fields.clone_from(&world[&made.identity]);
        }
    }

    /// Returns the world of what is recorded, in words that do not depend on who gave out the ids.
    pub(crate) fn picture(&self) -> Picture {
        let live = self.records.iter().filter(|(_, made)| self.world.contains_key(&made.identity));
        let names: BTreeMap<u64, &String> = live.map(|(address, made)| (made.identity, address)).collect();
        let name =
            |identity: &u64| names.get(identity).map_or_else(|| DEAD.to_owned(), |name| format!("@{name}"));
        let word = |known: &Known| match known {
            Known::Plain(number) => number.to_string(),
            Known::Password(identity) => format!("password of {}", name(identity)),
            Known::Id(identity) => name(identity),
        };
        let there = self
            .records
            .iter()
            .filter_map(|(address, made)| Some((address, self.world.get(&made.identity)?)));
        there
            .map(|(address, fields)| {
                (address.clone(), fields.iter().map(|(path, known)| (path.clone(), word(known))).collect())
            })
            .collect()
    }
}

/// A world in words: for each address, its fields. The id of an object is `@` and its address.
pub(crate) type Picture = BTreeMap<String, BTreeMap<String, String>>;

/// The id of what is gone.
pub(crate) const DEAD: &str = "@";

fn group(path: &str) -> &str {
    path.split_once('.').map_or(path, |(group, _)| group)
}

/// Returns the fields that differ.
fn differ(old: &Fields, new: &Fields) -> BTreeSet<String> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths.into_iter().filter(|path| old.get(*path) != new.get(*path)).cloned().collect()
}
