//! What each fault does to each call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use skyplat_core::executor::{ErrorKind, ExecError, Executor, Observed};
use skyplat_core::tree;
use skyplat_mock::faults::{FaultKind, Faults, Faulty, Operation};
use tokio::time::Instant;

use crate::support::{Host, cloud, op, op_with, real_size, recorded, thing};

/// How a call ended, whether it had its effect, and how long it took.
struct Ended {
    result: Result<(), ExecError>,
    had_effect: bool,
    took: Duration,
}

/// Makes a call on a thing that is there (or, for a create, is not) which meets a fault.
async fn call(name: &str, operation: Operation, kind: FaultKind) -> Ended {
    let (cloud, faults) = (cloud(), Faults::none());
    let executor = Faulty::new(cloud.clone(), faults.clone());
    let (desired, bigger) = (thing(name, 1), thing(name, 2));
    let there = cloud.create(&op(), &desired).await.unwrap();
    let record = recorded(&desired, &there);
    if operation == Operation::Create {
        cloud.delete(&op(), &record).await.unwrap();
    }
    faults.at(&desired.uid, operation, [kind]);
    let start = Instant::now();
    let cx = op();
    let result = match operation {
        Operation::Read => {
            let seen = executor.read(&cx, std::slice::from_ref(&record)).await.remove(0);
            seen.map(|seen| assert!(matches!(seen, Observed::Present { .. }), "wrongly missing"))
        }
        Operation::Find => executor.find(&cx, &desired).await.map(|found| assert_eq!(found, Some(there))),
        Operation::Create => executor.create(&cx, &desired).await.map(drop),
        Operation::Update => executor.update(&cx, &record, &bigger).await.map(drop),
        Operation::Delete => executor.delete(&cx, &record).await.map(drop),
    };
    assert_eq!(faults.reached().count(kind, operation), 1, "{kind} of a {operation} counts once");
    assert_eq!(faults.planned(), []);
    let size = real_size(&cloud, &desired.uid);
    let had_effect = match operation {
        Operation::Read | Operation::Find => false,
        Operation::Create => size.is_some(),
        Operation::Update => size == Some(tree!(2)),
        Operation::Delete => size.is_none(),
    };
    Ended { result, had_effect, took: start.elapsed() }
}

/// The error kinds that a fault may show itself by.
fn kinds(fault: FaultKind) -> &'static [ErrorKind] {
    match fault {
        FaultKind::FailsBefore => &[ErrorKind::Retryable, ErrorKind::Unreachable],
        FaultKind::ReplyLost => &[ErrorKind::Retryable],
        FaultKind::Permanent => &[ErrorKind::Fatal, ErrorKind::Denied],
        FaultKind::Throttled => &[ErrorKind::Throttled],
        FaultKind::Slow => &[],
        FaultKind::NotYetVisible => &[ErrorKind::NotYetVisible],
        FaultKind::StillInUse => &[ErrorKind::DependencyViolation],
        FaultKind::Busy => &[ErrorKind::Busy],
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_shows_itself_as_it_says_and_only_a_lost_reply_or_a_slow_call_has_an_effect() {
    for fault in FaultKind::ALL {
        for operation in Operation::ALL.into_iter().filter(|operation| fault.meets(*operation)) {
            let mut seen = BTreeSet::new();
            for at in 0..24 {
                let ended = call(&format!("thing-{at}"), operation, fault).await;
                let changes = !operation.only_looks();
                match &ended.result {
                    Ok(()) => assert_eq!(fault, FaultKind::Slow, "{operation}"),
                    Err(error) => {
                        assert!(kinds(fault).contains(&error.kind), "{fault} of a {operation}: {error:?}");
                        seen.insert(error.kind);
                    }
                }
                let has_effect = matches!(fault, FaultKind::ReplyLost | FaultKind::Slow);
                assert_eq!(ended.had_effect, has_effect && changes, "{fault} of a {operation}");
            }
            let all: BTreeSet<_> = kinds(fault).iter().copied().collect();
            assert_eq!(seen, all, "{fault} of a {operation} shows itself in all its ways");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_takes_seconds_or_minutes_and_half_an_hour_at_most() {
    let half_an_hour = Duration::from_mins(30);
    for operation in Operation::ALL {
        let mut times = Vec::new();
        for at in 0..40 {
            times.push(call(&format!("thing-{at}"), operation, FaultKind::Slow).await.took);
        }
        let (shortest, longest) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        assert!(*longest > Duration::from_mins(5), "{operation}: {longest:?}");
        assert!(*longest < half_an_hour + Duration::from_mins(1), "{operation}: {longest:?}");
        assert!(*shortest < Duration::from_secs(30), "{operation}: {shortest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_ends_when_the_run_is_stopped_and_by_its_deadline() {
    for operation in [Operation::Find, Operation::Create] {
        for at in 0..8 {
            let desired = thing(&format!("thing-{at}"), 1);
            let faults = Faults::none();
            let executor = Faulty::new(cloud(), faults.clone());
            faults.at(&desired.uid, operation, [FaultKind::Slow, FaultKind::Slow]);
            let mut cx = op();
            let run = async |cx: &skyplat_core::executor::Op| match operation {
                Operation::Find => executor.find(cx, &desired).await.map(drop),
                _ => executor.create(cx, &desired).await.map(drop),
            };
            cx.deadline = Instant::now() + Duration::from_millis(500);
            let error = run(&cx).await.unwrap_err();
            assert!(Instant::now() <= cx.deadline + Duration::from_millis(2), "{operation}");
            let cx = op();
            cx.cancel.cancel();
            let start = Instant::now();
            let stopped = run(&cx).await.unwrap_err();
            assert_eq!(start.elapsed(), Duration::ZERO);
            let kind = if operation.only_looks() { ErrorKind::Unreachable } else { ErrorKind::Retryable };
            assert_eq!((error.kind, stopped.kind), (kind, kind), "{operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_loses_its_reply_may_or_may_not_have_told_the_id_and_is_found_again() {
    let mut told = BTreeSet::new();
    for at in 0..24 {
        let (cloud, faults, host) = (cloud(), Faults::none(), Arc::new(Host::default()));
        let executor = Faulty::new(cloud.clone(), faults.clone());
        let desired = thing(&format!("thing-{at}"), 1);
        faults.at("thing-9", Operation::Update, [FaultKind::Busy]);
        faults.at(&desired.address, Operation::Create, [FaultKind::ReplyLost]);
        executor.create(&op_with(Arc::clone(&host)), &desired).await.unwrap_err();
        let found = executor.find(&op(), &desired).await.unwrap().expect("it is there");
        assert_eq!(executor.create(&op(), &desired).await.unwrap(), found, "again is the same thing");
        assert_eq!(cloud.world().len(), 1);
        let ids = host.ids.lock().unwrap().clone();
        assert!(ids.iter().all(|id| *id == found.id));
        told.insert(ids.len());
    }
    assert_eq!(told, BTreeSet::from([0, 1]));
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_lost_only_when_there_was_one() {
    let faults = Faults::none();
    let executor = Faulty::new(cloud(), faults.clone());
    let mut desired = thing("a", 1);
    desired.kind = "ec2.subnet".into();
    faults.at("a", Operation::Create, [FaultKind::ReplyLost]);
    let error = executor.create(&op(), &desired).await.unwrap_err();
    assert!(error.kind.had_no_effect(), "the refusal is passed on: {error:?}");
    assert_eq!(faults.reached().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_one_answer_for_each_in_order() {
    let (cloud, faults) = (cloud(), Faults::none());
    let executor = Faulty::new(cloud.clone(), faults.clone());
    let mut records = Vec::new();
    for at in 0..6_u32 {
        let desired = thing(&format!("thing-{at}"), at);
        records.push(recorded(&desired, &cloud.create(&op(), &desired).await.unwrap()));
    }
    cloud.delete(&op(), &records[4]).await.unwrap();
    faults.at("thing-1", Operation::Read, [FaultKind::Throttled]);
    faults.at("thing-3", Operation::Read, [FaultKind::Slow]);
    faults.at("thing-5", Operation::Read, [FaultKind::NotYetVisible]);
    let said: Vec<String> = executor
        .read(&op(), &records)
        .await
        .into_iter()
        .map(|answer| match answer {
            Ok(Observed::Present { inputs, .. }) => inputs.get("name").unwrap().as_str().unwrap().to_owned(),
            Ok(Observed::Missing) => "missing".to_owned(),
            Err(error) => error.kind.to_string(),
        })
        .collect();
    assert_eq!(said, ["thing-0", "throttled", "thing-2", "thing-3", "missing", "not yet visible"]);
    let again = executor.read(&op(), &records).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
}
