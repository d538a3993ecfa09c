//! Where things are found by what they say of themselves: id, ARN, address, kind, natural key, home.
//!
//! A rule that looks for a thing would otherwise look at all of them, and the cost of a simulation would grow with the
//! square of its size.

use std::collections::{BTreeMap, BTreeSet};

use skyplat_core::object::ObjectKind;
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, Tree, paper};

use crate::world::Thing;

type Found<K> = BTreeMap<K, BTreeSet<Uid>>;

/// The things of a world, by what they say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    ids: Found<String>,
    arns: Found<String>,
    addresses: Found<Address>,
    kinds: Found<ObjectKind>,
    /// By kind and natural key, as a person sees it: secrets in it are not told apart.
    keys: Found<(ObjectKind, String)>,
    /// By what they live in.
    homes: Found<Uid>,
}

impl Index {
    pub(crate) fn insert(&mut self, thing: &Thing) {
        self.each(thing, &mut Put(&thing.uid));
    }

    pub(crate) fn remove(&mut self, thing: &Thing) {
        self.each(thing, &mut Take(&thing.uid));
    }

    fn each(&mut self, thing: &Thing, act: &mut impl Act) {
        act.on(&mut self.ids, thing.id.clone());
        if let Some(arn) = thing.output("arn") {
            act.on(&mut self.arns, arn.to_owned());
        }
        act.on(&mut self.addresses, thing.address.clone());
        act.on(&mut self.kinds, thing.kind.clone());
        if let Some(key) = &thing.natural_key {
            act.on(&mut self.keys, (thing.kind.clone(), text(key)));
        }
        for home in &thing.lives_in {
            act.on(&mut self.homes, home.clone());
        }
    }

    pub(crate) fn with_id(&self, id: &str) -> impl Iterator<Item = &Uid> {
        self.ids.get(id).into_iter().flatten()
    }

    pub(crate) fn with_arn(&self, arn: &str) -> impl Iterator<Item = &Uid> {
        self.arns.get(arn).into_iter().flatten()
    }

    pub(crate) fn at(&self, address: &Address) -> impl Iterator<Item = &Uid> {
        self.addresses.get(address).into_iter().flatten()
    }

    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Uid> {
        self.kinds.get(kind).into_iter().flatten()
    }

    /// Returns those that may have a natural key.
    pub(crate) fn with_key(&self, kind: &ObjectKind, key: &Tree) -> impl Iterator<Item = &Uid> {
        self.keys.get(&(kind.clone(), text(key))).into_iter().flatten()
    }

    pub(crate) fn inside(&self, uid: &Uid) -> impl Iterator<Item = &Uid> {
        self.homes.get(uid).into_iter().flatten()
    }
}

fn text(key: &Tree) -> String {
    paper::display(key).to_string()
}

/// What is done with an entry of an index.
trait Act {
    fn on<K: Ord>(&mut self, found: &mut Found<K>, key: K);
}

struct Put<'a>(&'a Uid);

impl Act for Put<'_> {
    fn on<K: Ord>(&mut self, found: &mut Found<K>, key: K) {
        found.entry(key).or_default().insert(self.0.clone());
    }
}

struct Take<'a>(&'a Uid);

impl Act for Take<'_> {
    fn on<K: Ord>(&mut self, found: &mut Found<K>, key: K) {
        if let Some(uids) = found.get_mut(&key) {
            uids.remove(self.0);
            if uids.is_empty() {
                found.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skyplat_core::ids::AccountId;
    use skyplat_core::object::Placement;
    use skyplat_core::tree;

    use super::*;
    use crate::world::{Change, Effect, Phase, Record, World};

    fn uid(number: u8) -> Uid {
        Uid::new("0001", &Address::new("a"), number.into())
    }

    /// A thing that says of itself one of few things in everything, so that others say the same.
    fn thing(number: u8, says: u8, home: u8) -> Thing {
        Thing {
            uid: uid(number),
            address: Address::new(format!("a/{}", says % 2)),
            kind: if number.is_multiple_of(2) { "test.one" } else { "test.two" }.into(),
            placement: Placement { account: AccountId::new("1"), region: None, container: None },
            id: format!("id-{}", number % 3),
            inputs: tree!({}),
            natural_key: (!says.is_multiple_of(3)).then(|| tree!([(u64::from(says % 3))])),
            outputs: [("arn".to_owned(), tree!(format!("arn:{}", says % 3)))].into(),
            tags: BTreeMap::new(),
            lives_in: if home < number { [uid(home)].into() } else { BTreeSet::new() },
            made_for: None,
            created_at: 0,
            phase: Phase::Ready,
        }
    }

    fn effect(act: u8, number: u8, says: u8, home: u8, world: &World) -> Effect {
        let thing = thing(number, says, home);
        match act {
            0 if world.get(&thing.uid).is_none() => Effect::Made { thing: Box::new(thing) },
            0 | 1 => {
                let Thing { uid, address, inputs, natural_key, outputs, tags, lives_in, .. } = thing;
                let change = Change { address, inputs, natural_key, outputs, tags, lives_in, until: 0 };
                Effect::Changed { uid, change: Box::new(change) }
            }
            2 => Effect::Deleting { uid: thing.uid, until: 0 },
            _ => Effect::Gone { uid: thing.uid },
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_look_at_everything_finds(
            effects in prop::collection::vec((0..4_u8, 0..8_u8, 0..6_u8, 0..8_u8), 1..60),
        ) {
            let mut world = World::new(0);
            for (at, (act, number, says, home)) in effects.into_iter().enumerate() {
                let effect = effect(act, number, says, home, &world);
                world.apply(&Record { at: at as u64, effect });
                for one in (0..8).map(|number| thing(number, says, home)) {
                    let scan = |is: &dyn Fn(&Thing) -> bool| -> Vec<Uid> {
                        world.things().filter(|thing| is(thing)).map(|thing| thing.uid.clone()).collect()
                    };
                    let uids = |found: &mut dyn Iterator<Item = &'_ Thing>| -> Vec<Uid> {
                        found.map(|thing| thing.uid.clone()).collect()
                    };
                    let kind = one.kind.as_str();
                    let arn = one.output("arn").unwrap_or_default();
                    prop_assert_eq!(uids(&mut world.with_id(&one.id)), scan(&|t| t.id == one.id));
                    prop_assert_eq!(uids(&mut world.with_arn(arn)), scan(&|t| t.output("arn") == Some(arn)));
                    prop_assert_eq!(uids(&mut world.at(&one.address)), scan(&|t| t.address == one.address));
                    prop_assert_eq!(uids(&mut world.of_kind(kind)), scan(&|t| t.kind == one.kind));
                    prop_assert_eq!(uids(&mut world.inside(&one.uid)), scan(&|t| t.lives_in.contains(&one.uid)));
                    if let Some(key) = &one.natural_key {
                        let has = |t: &Thing| t.kind == one.kind && t.natural_key.as_ref() == Some(key);
                        prop_assert_eq!(uids(&mut world.with_key(&one.kind, key)), scan(&has));
                    }
                }
            }
        }
    }
}
