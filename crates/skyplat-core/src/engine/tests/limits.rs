//! Limits: parallelism, exclusive groups, rates.

use std::time::Duration;

use super::super::{Rate, RateLimits};
use super::world::Fault;
use super::*;
use crate::executor::ErrorKind;

fn flat(count: usize) -> ObjectGraph {
    graph((0..count).map(|n| node(&format!("n{n:02}"), tree!({}))))
}

#[tokio::test(start_paused = true)]
async fn no_more_steps_run_at_once_than_may() {
    let mut lab = Lab::default();
    lab.options.parallelism = 3.try_into().unwrap();
    let report = lab.apply(&flat(9)).await;
    assert_eq!((lab.world.look().peak, report.duration.as_secs()), (3, 30));
}

#[tokio::test(start_paused = true)]
async fn a_step_in_back_off_gives_its_slot_to_another() {
    let mut lab = Lab::default();
    lab.options.parallelism = std::num::NonZeroUsize::MIN;
    lab.world.fault("create n00", std::iter::repeat_n(Fault::Before(ErrorKind::Busy), 6));
    lab.apply(&flat(2)).await;
    let calls = lab.world.calls();
    let place = |call: &str| calls.iter().position(|other| other == call).unwrap();
    let last = calls.iter().rposition(|call| call == "create n00").unwrap();
    assert!(place("create n00") < place("create n01") && place("create n01") < last, "{calls:?}");
    assert_eq!(lab.world.look().peak, 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_uses_up_no_patience() {
    let mut lab = Lab::default();
    lab.options.parallelism = std::num::NonZeroUsize::MIN;
    lab.world.fault("create n00", std::iter::repeat_n(Fault::Before(ErrorKind::NotYetVisible), 2));
    // Has the only slot until its deadline, when that of the other would have passed too.
    lab.world.fault("create n01", [Fault::Hangs]);
    lab.apply(&flat(2)).await;
    assert_eq!(lab.world.addresses(), ["n00"]);
}

#[tokio::test(start_paused = true)]
async fn of_an_exclusive_group_one_runs_at_a_time() {
    let mut lab = Lab::default();
    let nodes = (0..4).map(|n| {
        let group = if n < 3 { "fargate" } else { "other" };
        ObjectNode { exclusive: Some(group.into()), ..node(&format!("n{n}"), tree!({})) }
    });
    let report = lab.apply(&graph(nodes)).await;
    assert_eq!((lab.world.look().peak, report.duration.as_secs()), (2, 30));
}

#[tokio::test(start_paused = true)]
async fn calls_keep_to_their_rate() {
    let mut lab = Lab::default();
    let rate = Rate { every: Duration::from_secs(2), burst: 2 };
    lab.options.rates = RateLimits { default: rate, services: BTreeMap::new() };
    let report = lab.apply(&flat(5)).await;
    // Two at once, then one every two seconds: the fifth begins after six, and takes ten.
    assert_eq!(report.duration.as_secs(), 16);
}
