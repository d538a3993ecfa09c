//! How histories are drawn: numbers by proptest, so that a failing one shrinks to a small one.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use skyplat::mock::faults::{FaultKind, Operation};

use crate::acts::{Act, Drift, Edit, Fault, Wish};
use crate::graphs::{Description, Shape, Slot};
use crate::lab::{Cut, Limits};

/// How many faults a history may have.
const FAULTS: usize = 6;

fn slot() -> impl Strategy<Value = Slot> {
    (prop::bool::weighted(0.85), any::<u8>(), any::<u8>()).prop_map(|(there, how, traits)| Slot {
        there,
        size: 0,
        stone: 0,
        shade: 0,
        how,
        traits,
        shift: 0,
        name: 0,
        protect: false,
        retain: false,
    })
}

/// Draws a description of 3 to 60 slots, small ones more often.
pub(crate) fn description() -> impl Strategy<Value = Description> {
    // Of planted bugs, many small histories find as many in the same time as fewer large ones.
    let count = prop_oneof![40 => 3_usize..=5, 10 => 6_usize..=10, 1 => 11_usize..=60];
    let slots = count.prop_flat_map(|count| prop::collection::vec(slot(), count));
    (prop::sample::select(&Shape::ALL[..]), slots).prop_map(|(shape, slots)| Description { shape, slots })
}

pub(crate) fn limits() -> impl Strategy<Value = Limits> {
    let parallelism = prop_oneof![Just(64_usize), Just(4), Just(2), Just(1)];
    let rate = prop_oneof![Just((10_u64, 50_u32)), Just((200, 3))];
    (parallelism, rate).prop_map(|(parallelism, rate)| Limits { parallelism, rate })
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    (0_u8..16, any::<u8>(), any::<u8>()).prop_map(|(which, slot, how)| match which {
        0..=2 => Edit::Size(slot),
        3..=4 => Edit::Shade(slot),
        5..=7 => Edit::Stone(slot),
        8..=10 => Edit::Toggle(slot),
        11 => Edit::Retarget(slot),
        12 => Edit::How(slot, how),
        13 => Edit::Move(slot),
        14 => Edit::Rename(slot),
        _ if how < 128 => Edit::Protect(slot),
        _ => Edit::Retain(slot),
    })
}

fn drift() -> impl Strategy<Value = Drift> {
    (0_u8..8, any::<u8>(), 0_u8..3).prop_map(|(which, slot, number)| match which {
        0..=1 => Drift::Size(slot, number),
        2..=3 => Drift::Shade(slot, number),
        4 => Drift::Stone(slot, number),
        5..=6 => Drift::Lose(slot),
        _ => Drift::Stranger,
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    let pairs: Vec<(FaultKind, Operation)> = FaultKind::ALL
        .into_iter()
        .flat_map(|kind| Operation::ALL.into_iter().map(move |operation| (kind, operation)))
        .filter(|(kind, operation)| kind.meets(*operation))
        .collect();
    (any::<u8>(), prop::sample::select(pairs)).prop_map(|(object, (kind, operation))| Fault {
        object,
        operation,
        kind,
    })
}

fn cut() -> impl Strategy<Value = Cut> {
    (0_u8..16, 0_usize..24, 0_u32..1000).prop_map(|(which, entries, part)| match which {
        0..=10 => Cut::Never,
        11 if part % 2 == 0 => Cut::KilledAfter(entries),
        11 => Cut::DarkAfter(entries),
        12 => Cut::FullAfter(entries),
        13 => Cut::KilledAt(part),
        14 => Cut::Drained(part),
        _ => Cut::Stopped(part),
    })
}

/// Draws what a history does next.
fn act(faults: usize) -> impl Strategy<Value = Act> {
    let edits = prop::collection::vec(edit(), 0..4);
    let faults = prop::collection::vec(fault(), 0..=faults.min(2));
    let targets = prop::collection::vec(any::<u8>(), 0..2);
    let drifts = prop::collection::vec(drift(), 1..3);
    (0_u8..16, (edits, any::<bool>(), targets, faults, cut(), drifts)).prop_map(
        |(which, (edits, refresh, targets, faults, cut, drifts))| match which {
            0..=8 => Act::Apply { edits, refresh, targets: Vec::new(), faults, cut },
            9..=10 => Act::Apply { edits, refresh, targets, faults, cut },
            11..=12 => Act::Drift(drifts),
            13 => Act::Accept,
            _ => Act::Destroy { faults, cut },
        },
    )
}

/// What is wanted at first, what happens then, and where proptest wants the acts counted that were begun, so that it cuts
/// off the others first.
pub(crate) type Drawn = (Wish, Vec<Act>, Option<Arc<AtomicUsize>>);

/// Draws a history of 3 to 8 acts, short ones more often.
pub(crate) fn history() -> impl Strategy<Value = Drawn> {
    prop_oneof![3 => Histories::sequential_strategy(3..=4), 1 => Histories::sequential_strategy(5..=8)]
}

/// The machine that histories are drawn from: its state is what is wanted.
#[derive(Debug)]
pub(crate) struct Histories;

impl ReferenceStateMachine for Histories {
    type State = Wish;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Wish> {
        (description(), limits(), any::<u16>())
            .prop_map(|(description, limits, seed)| Wish {
                description,
                limits,
                seed: seed.into(),
                faults: 0,
                moved: Vec::new(),
            })
            .boxed()
    }

    fn transitions(wish: &Wish) -> BoxedStrategy<Act> {
        act(FAULTS.saturating_sub(wish.faults)).boxed()
    }

    fn apply(wish: Wish, act: &Act) -> Wish {
        wish.follow(act)
    }
}
