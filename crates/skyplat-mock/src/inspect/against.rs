//! A world against what is known of it: what must hold at every moment, in the middle of a run too.

use std::collections::{BTreeMap, BTreeSet};

use skyplat_core::object::Class;
use skyplat_core::state::{Record, State, Status, Uid};
use skyplat_core::value::Address;

use super::{Finding, finding};
use crate::cloud::STACK_TAG;
use crate::world::{Thing, World};

/// Returns what carries the stack's tag and is neither recorded nor about to be: what nobody will ever delete. Only what a
/// run has let go because it is to be retained may be among it.
pub fn unknown(world: &World, state: &State) -> Vec<Finding> {
    let known: BTreeSet<&Uid> = state.records().map(|record| &record.uid).collect();
    of_stack(world, state)
        .filter(|thing| !known.contains(&thing.uid))
        .map(|thing| finding(thing, format!("the state of {} does not know it", state.stack.tag())))
        .collect()
}

/// Returns live things of the stack that share an address with another. The one that a replace has superseded, and the
/// state knows as such, may be there beside its successor.
pub fn doubles(world: &World, state: &State) -> Vec<Finding> {
    // What was moved has another address in the state than on its tag.
    let recorded: BTreeMap<&Uid, &Address> =
        state.records().map(|record| (&record.uid, &record.node.address)).collect();
    let mut by_address: BTreeMap<&Address, Vec<&Thing>> = BTreeMap::new();
    let live = of_stack(world, state).filter(|thing| thing.is_alive());
    for thing in live.filter(|thing| !state.deposed.contains_key(&thing.uid)) {
        let address = recorded.get(&thing.uid).copied().unwrap_or(&thing.address);
        by_address.entry(address).or_default().push(thing);
    }
    let shared = by_address.into_iter().filter(|(_, things)| things.len() > 1);
    shared
        .flat_map(|(address, things)| {
            let number = things.len();
            let problem = move |thing| finding(thing, format!("one of {number} live things of {address}"));
            things.into_iter().map(problem)
        })
        .collect()
}

/// Returns what the state says is ready, with nothing open, and is not there. After drift that nobody has looked at yet
/// this is no fault of the state.
pub fn ghosts(world: &World, state: &State) -> Vec<Finding> {
    let settled = |record: &&Record| record.status == Status::Ready && record.intent.is_none();
    state
        .records()
        .filter(settled)
        .filter(|record| record.node.class == Class::Owned)
        .filter(|record| !world.get(&record.uid).is_some_and(Thing::is_alive))
        .map(|record| Finding {
            uid: record.uid.clone(),
            address: record.node.address.clone(),
            kind: record.node.kind.clone(),
            id: record.id.clone().unwrap_or_default(),
            problem: "the state says that it is ready, and it is not there".to_owned(),
        })
        .collect()
}

fn of_stack<'w>(world: &'w World, state: &State) -> impl Iterator<Item = &'w Thing> {
    let tag = state.stack.tag();
    world.things().filter(move |thing| thing.tags.get(STACK_TAG) == Some(&tag))
}
