//! Cancel: the first request drains, the second stops.

use std::time::Duration;

use super::world::Fault;
use super::*;
use crate::executor::ErrorKind;

async fn cancelled_after(lab: &mut Lab, seconds: &[u64], graph: &ObjectGraph) -> RunReport {
    let control = lab.control.clone();
    let seconds = seconds.to_vec();
    let signal = tokio::spawn(async move {
        for wait in seconds {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            control.cancel();
        }
    });
    let report = lab.apply(graph).await;
    signal.abort();
    lab.control = Control::new();
    report
}

#[tokio::test(start_paused = true)]
async fn one_cancel_lets_what_runs_finish_and_starts_nothing() {
    let mut lab = Lab::default();
    let report = cancelled_after(&mut lab, &[15], &chain()).await;
    assert_eq!((report.status, report.duration.as_secs()), (FinishedStatus::Cancelled, 20));
    assert_eq!(*outcome(&report, "b"), StepOutcome::Done);
    assert_eq!(*outcome(&report, "c"), StepOutcome::Skipped { because_of: None });
    lab.apply(&chain()).await;
    lab.settled(&chain()).await;
}

#[tokio::test(start_paused = true)]
async fn a_step_in_back_off_does_not_hold_up_a_drain() {
    let mut lab = Lab::default();
    lab.world.fault("create a", std::iter::repeat_n(Fault::Before(ErrorKind::Throttled), 100));
    let report = cancelled_after(&mut lab, &[120], &chain()).await;
    assert_eq!((report.status, report.duration.as_secs()), (FinishedStatus::Cancelled, 120));
    assert!(lab.state().await.is_empty(), "a create that did nothing leaves no record");
}

#[tokio::test(start_paused = true)]
async fn a_second_cancel_stops_at_once_and_the_next_run_finds_what_was_made() {
    let mut lab = Lab::default();
    let report = cancelled_after(&mut lab, &[11, 2], &chain()).await;
    assert_eq!((report.status, report.duration.as_secs()), (FinishedStatus::Cancelled, 13));
    assert!(matches!(outcome(&report, "b"), StepOutcome::Failed { .. }));
    lab.world.calls();
    lab.apply(&chain()).await;
    assert_eq!(lab.world.calls(), ["find b", "create c"]);
    lab.settled(&chain()).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_listen_is_left_after_five_seconds() {
    let mut lab = Lab::default();
    lab.world.fault("create a", [Fault::Hangs]);
    let report = cancelled_after(&mut lab, &[1, 1], &chain()).await;
    assert_eq!((report.status, report.duration.as_secs()), (FinishedStatus::Cancelled, 7));
    lab.apply(&chain()).await;
    lab.settled(&chain()).await;
}
