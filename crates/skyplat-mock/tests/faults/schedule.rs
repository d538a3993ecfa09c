//! What the schedule promises: what is drawn, how much in a row, and the end of it.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use skyplat_core::executor::{ErrorKind, Executor};
use skyplat_core::state::Uid;
use skyplat_mock::faults::{Coverage, FaultKind, Faults, Faulty, Met, Operation};
use tokio::time::Instant;

use crate::support::{cloud, op, recorded, simulate, thing};

/// Makes each of some things go through `rounds` of its life, thing by thing or round by round.
async fn lives(faults: &Faults, names: &[String], rounds: usize, interleaved: bool) {
    let executor = Faulty::new(cloud(), faults.clone());
    let life = async |name: &String| {
        let desired = thing(name, 1);
        drop(executor.find(&op(), &desired).await);
        let Ok(created) = executor.create(&op(), &desired).await else { return };
        let record = recorded(&desired, &created);
        drop(executor.update(&op(), &record, &thing(name, 2)).await);
        drop(executor.read(&op(), std::slice::from_ref(&record)).await);
        drop(executor.delete(&op(), &record).await);
    };
    if interleaved {
        for _ in 0..rounds {
            for name in names.iter().rev() {
                life(name).await;
            }
        }
    } else {
        for name in names {
            for _ in 0..rounds {
                life(name).await;
            }
        }
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("thing-{at}")).collect()
}

/// Calls `find` of one thing so many times, a second apart; says which went wrong.
async fn finds(faults: &Faults, times: usize) -> Vec<Option<ErrorKind>> {
    let executor = Faulty::new(cloud(), faults.clone());
    let mut ended = Vec::new();
    for _ in 0..times {
        ended.push(executor.find(&op(), &thing("a", 1)).await.err().map(|error| error.kind));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ended
}

type Story = BTreeMap<(Uid, Operation), Met>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_an_object_meets_does_not_depend_on_the_others(seed in any::<u64>(), rate in 0.05..0.6) {
        let story = |interleaved, count| -> Story {
            simulate(async move {
                // Time passes differently in the two orders, so what lasts for a time is left out.
                let kinds = FaultKind::ALL.into_iter().filter(|kind| *kind != FaultKind::NotYetVisible);
                let faults = Faults::seeded(seed, rate).kinds(kinds);
                lives(&faults, &names(count), 4, interleaved).await;
                faults.met()
            })
        };
        let alone = story(false, 3);
        prop_assert_eq!(&alone, &story(true, 3));
        let among_others = story(true, 5);
        for (key, met) in &alone {
            prop_assert_eq!(Some(met), among_others.get(key));
        }
    }

    #[test]
    fn no_more_go_wrong_in_a_row_than_allowed(seed in any::<u64>(), max in 0_u32..5, rate in 0.3..1.0) {
        let kinds = FaultKind::ALL.into_iter().filter(|kind| *kind != FaultKind::NotYetVisible && *kind != FaultKind::Slow);
        let faults = Faults::seeded(seed, rate).kinds(kinds).bursts(max);
        let ended = simulate(async { finds(&faults, 120).await });
        let longest = ended.split(Option::is_none).map(<[_]>::len).max().unwrap_or(0);
        prop_assert!(longest <= max as usize, "{longest} in a row");
        prop_assert_eq!(longest == 0, max == 0);
    }

    #[test]
    fn only_what_was_chosen_goes_wrong(
        seed in any::<u64>(),
        kind in prop::sample::select(FaultKind::ALL.to_vec()),
        operation in prop::sample::select(Operation::ALL.to_vec()),
    ) {
        let faults = Faults::seeded(seed, 0.5).kinds([kind]).operations([operation]);
        simulate(async { lives(&faults, &names(12), 3, true).await });
        let reached = faults.reached();
        prop_assert_eq!(reached.total(), reached.count(kind, operation));
        prop_assert_eq!(reached.total() > 0, kind.meets(operation), "{}", reached);
    }

    #[test]
    fn after_healing_nothing_goes_wrong(seed in any::<u64>()) {
        let faults = Faults::seeded(seed, 0.9);
        let ended = simulate(async {
            finds(&faults, 10).await;
            faults.at("a", Operation::Find, [FaultKind::Permanent]);
            faults.heal();
            finds(&faults, 50).await
        });
        prop_assert!(ended.iter().all(Option::is_none));
        prop_assert_eq!(faults.planned(), []);
    }

    #[test]
    fn nothing_stays_invisible_for_more_than_a_minute(seed in any::<u64>()) {
        let faults = Faults::seeded(seed, 1.0).kinds([FaultKind::NotYetVisible]).bursts(1);
        simulate(async {
            let executor = Faulty::new(cloud(), faults.clone());
            let start = Instant::now();
            while executor.find(&op(), &thing("a", 1)).await.is_err() && start.elapsed() < Duration::from_mins(2) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert!(start.elapsed() <= Duration::from_secs(61), "{:?}", start.elapsed());
            assert_eq!(faults.reached().total(), 1, "all that time counts once");
        });
    }
}

#[test]
fn planned_faults_come_in_order_and_before_drawn_ones() {
    let faults = Faults::seeded(1, 1.0).kinds([FaultKind::Permanent]).bursts(1);
    faults.at("a", Operation::Find, [FaultKind::Throttled, FaultKind::NotYetVisible]);
    faults.at(thing("a", 1).uid, Operation::Find, [FaultKind::Throttled]);
    let ended = simulate(async { finds(&faults, 5).await });
    let (throttled, invisible) = (Some(ErrorKind::Throttled), Some(ErrorKind::NotYetVisible));
    assert_eq!(ended[..3], [throttled, throttled, invisible]);
    assert!(
        matches!(ended[3], Some(ErrorKind::Fatal | ErrorKind::Denied)) && ended[4].is_none(),
        "{ended:?}"
    );
}

#[test]
#[should_panic(expected = "a read cannot meet the fault StillInUse")]
fn what_cannot_meet_cannot_be_planned() {
    Faults::none().at("a", Operation::Read, [FaultKind::StillInUse]);
}

#[test]
fn enough_seeds_reach_every_pair_that_can_meet() {
    let mut all = Coverage::default();
    assert_eq!(all.missing().len(), 33);
    for seed in 0..40 {
        let faults = Faults::seeded(seed, 0.3);
        simulate(async { lives(&faults, &names(6), 4, false).await });
        all.merge(&faults.reached());
    }
    assert_eq!(all.missing(), [], "{all}");
    let table = all.to_string();
    assert_eq!(table.lines().count(), 1 + FaultKind::ALL.len());
    assert_eq!(table.matches(" -").count(), 7, "pairs that cannot meet:\n{table}");
    assert!(!table.contains(" 0"), "{table}");
}
