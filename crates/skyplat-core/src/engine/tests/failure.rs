//! Failure: what is tried again, what is not, and what a failure stops.

use super::world::Fault;
use super::*;
use crate::executor::ErrorKind;
use crate::state::Status;

fn siblings() -> ObjectGraph {
    graph([
        node("a", tree!({})),
        after(node("b", tree!({})), &["a"]),
        after(node("c", tree!({})), &["b"]),
        node("x", tree!({ "seconds": 40 })),
        after(node("y", tree!({})), &["x"]),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let mut lab = Lab::default();
    lab.world.fault("create b", [Fault::Before(ErrorKind::Denied)]);
    let report = lab.apply(&siblings()).await;
    assert_eq!(report.status, FinishedStatus::Failed);
    assert!(matches!(outcome(&report, "b"), StepOutcome::Failed { attempts: 1, .. }));
    assert_eq!(*outcome(&report, "c"), because_of("b"));
    assert_eq!(*outcome(&report, "y"), StepOutcome::Done);
    assert_eq!((report.totals.created, report.totals.failed, report.totals.skipped), (3, 1, 1));
    assert!(lab.phases().contains(&"skipped c".to_owned()));
    // A create that did nothing leaves no record.
    assert!(lab.state().await.objects.keys().all(|address| address.as_str() != "b"));
    lab.apply(&siblings()).await;
    lab.settled(&siblings()).await;
}

#[tokio::test(start_paused = true)]
async fn fail_fast_starts_nothing_after_the_first_failure_and_lets_the_rest_finish() {
    let mut lab = Lab::default();
    lab.options.fail_fast = true;
    lab.world.fault("create b", [Fault::Before(ErrorKind::Denied)]);
    let report = lab.apply(&siblings()).await;
    assert_eq!(*outcome(&report, "x"), StepOutcome::Done);
    assert_eq!(*outcome(&report, "y"), because_of("b"));
}

#[tokio::test(start_paused = true)]
async fn events_say_when_an_attempt_begins_and_when_it_has_failed() {
    let mut lab = Lab::default();
    lab.world.fault("create a", std::iter::repeat_n(Fault::Before(ErrorKind::Throttled), 3));
    lab.apply(&graph([node("a", tree!({ "seconds": 40 }))])).await;
    let mut told: Vec<(Phase, u32, f64)> = Vec::new();
    for event in &lab.events {
        if let Event::Step { phase, attempt, t, .. } = event {
            told.push((*phase, *attempt, *t));
        }
    }
    let begun =
        [1, 2, 3].into_iter().flat_map(|attempt| [(Phase::Started, attempt), (Phase::Retry, attempt)]);
    let phases: Vec<(Phase, u32)> = told.iter().map(|(phase, attempt, _)| (*phase, *attempt)).collect();
    assert_eq!(phases, begun.chain([(Phase::Started, 4), (Phase::Done, 4)]).collect::<Vec<_>>());
    for pair in told.windows(2) {
        let waits = pair[1].2 > pair[0].2;
        assert_eq!(waits, pair[0].0 == Phase::Retry || pair[1].0 == Phase::Done, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_for_its_time_and_no_longer() {
    for (kind, minutes) in
        [(ErrorKind::Throttled, 15), (ErrorKind::NotYetVisible, 2), (ErrorKind::Unreachable, 10)]
    {
        let mut lab = Lab::default();
        lab.world.fault("create a", std::iter::repeat_n(Fault::Before(kind), 500));
        let report = lab.apply(&graph([node("a", tree!({}))])).await;
        let StepOutcome::Failed { attempts, error, .. } = outcome(&report, "a") else { panic!("{report:?}") };
        assert!(*attempts > 3 && error.contains("told to"), "{attempts} {error}");
        let took = report.duration.as_secs();
        assert!(took <= minutes * 60 && took > minutes * 60 - 60, "{kind}: {took} s");
        assert!(lab.state().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_call_that_never_does() {
    let mut lab = Lab::default();
    lab.world.fault("create a", [Fault::Hangs]);
    let report = lab.apply(&graph([node("a", tree!({}))])).await;
    assert_eq!(report.duration, lab.options.deadline);
    assert!(matches!(outcome(&report, "a"), StepOutcome::Failed { .. }));
    // Nobody knows what it did: the next run looks for it before it makes it.
    lab.world.calls();
    lab.apply(&graph([node("a", tree!({}))])).await;
    assert_eq!(lab.world.calls(), ["find a", "create a"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_looked_for_before_anything_is_made_again() {
    let mut lab = Lab::default();
    lab.world.fault("create a", [Fault::After(ErrorKind::Retryable)]);
    lab.world.fault("find a", [Fault::Before(ErrorKind::Throttled)]);
    lab.apply(&chain()).await;
    assert_eq!(lab.world.calls()[..3], ["create a", "find a", "find a"]);
    lab.settled(&chain()).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_effect_is_not_looked_for() {
    let mut lab = Lab::default();
    lab.world.fault("create a", [Fault::Before(ErrorKind::Busy)]);
    lab.apply(&graph([node("a", tree!({}))])).await;
    assert_eq!(lab.world.calls(), ["create a", "create a"]);
}

#[tokio::test(start_paused = true)]
async fn something_in_the_way_is_refused_with_a_hint_unless_it_may_be_ours() {
    let mut lab = Lab::default();
    lab.world.fault("create a", [Fault::Before(ErrorKind::AlreadyExists)]);
    let report = lab.apply(&graph([node("a", tree!({}))])).await;
    let StepOutcome::Failed { hint: Some(hint), .. } = outcome(&report, "a") else { panic!("{report:?}") };
    assert!(hint.contains("import"));
    // After a lost reply it may be: it is looked for again until it shows.
    lab.world.calls();
    lab.world
        .fault("create a", [Fault::Before(ErrorKind::Retryable), Fault::Before(ErrorKind::AlreadyExists)]);
    lab.apply(&graph([node("a", tree!({}))])).await;
    assert_eq!(lab.world.calls(), ["create a", "find a", "create a", "find a", "create a"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_step_and_not_the_run() {
    let mut lab = Lab::default();
    lab.world.fault("create b", [Fault::Panics]);
    let report = lab.apply(&siblings()).await;
    let StepOutcome::Failed { error, .. } = outcome(&report, "b") else { panic!("{report:?}") };
    assert!(error.contains("panicked"));
    assert_eq!(*outcome(&report, "y"), StepOutcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_is_uncertain_when_it_may_have_done_something() {
    for (kind, status) in [(ErrorKind::Fatal, Status::Uncertain), (ErrorKind::Denied, Status::Ready)] {
        let mut lab = Lab::default();
        lab.apply(&graph([node("a", tree!({ "v": 1 }))])).await;
        lab.world.fault("update a", [Fault::Before(kind)]);
        let changed = graph([node("a", tree!({ "v": 2 }))]);
        lab.apply(&changed).await;
        assert_eq!(lab.state().await.objects[&Address::new("a")].status, status);
        lab.apply(&changed).await;
        lab.settled(&changed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_waits_for_what_still_uses_the_thing() {
    let mut lab = Lab::default();
    lab.apply(&graph([node("a", tree!({}))])).await;
    lab.world.fault("delete a", std::iter::repeat_n(Fault::Before(ErrorKind::DependencyViolation), 8));
    let report = lab.destroy().await;
    assert_eq!(report.status, FinishedStatus::Succeeded);
    assert!(lab.state().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_journal_without_room_ends_the_run_and_loses_nothing() {
    let mut lab = Lab { room: Some(4), ..Lab::default() };
    let error = lab.try_apply(Some(&siblings())).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("dev/journal"), "{source}");
    assert!(matches!(lab.events.last(), Some(Event::Finished { status: FinishedStatus::Failed, .. })));
    assert!(!lab.world.calls().contains(&"create b".to_owned()), "something was started after the failure");
    lab.room = None;
    lab.apply(&siblings()).await;
    lab.settled(&siblings()).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_no_longer_fits_is_refused_before_anything_is_done() {
    let mut lab = Lab::default();
    let (plan, wanted) = lab.plan(Some(&chain()), &Observations::none()).await;
    lab.apply(&chain()).await;
    lab.world.calls();
    let error = lab.run(&plan, &wanted, &Observations::none()).await.unwrap_err();
    assert!(matches!(error, EngineError::Stale { planned: 0, .. }), "{error}");
    let unknown = ObjectNode { kind: "unknown.kind".into(), ..node("u", tree!({})) };
    let error = lab.try_apply(Some(&graph([unknown]))).await.unwrap_err();
    assert_eq!(error.to_string(), "no executor handles unknown.kind, the kind of u");
    assert_eq!(lab.world.calls(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_broken_journal_ends_back_offs_too() {
    let mut lab = Lab { room: Some(3), ..Lab::default() };
    lab.world.fault("create a", std::iter::repeat_n(Fault::Before(ErrorKind::Throttled), 99));
    let wide = graph([node("a", tree!({})), node("b", tree!({})), after(node("c", tree!({})), &["b"])]);
    lab.try_apply(Some(&wide)).await.unwrap_err();
    let Some(Event::Finished { duration_s, .. }) = lab.events.last() else { panic!("{:?}", lab.events) };
    assert!(*duration_s < 30.0, "{duration_s}");
    lab.room = None;
    lab.world.heal();
    lab.apply(&wide).await;
    lab.settled(&wide).await;
}
