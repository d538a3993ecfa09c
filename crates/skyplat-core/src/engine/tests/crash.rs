//! Crash: the run ends at any journal entry, or at any moment, and the next run ends where one without a crash would.

use std::time::Duration;

use super::world::Fault;
use super::*;
use crate::executor::ErrorKind;
use crate::state::{Record, Status};

/// Something of everything: references, a replace of either order, an update, a delete.
fn before() -> ObjectGraph {
    graph([
        node("a", tree!({ "v": 1 })),
        node("b", tree!({ "fixed": 1, "a": (output("a", "id")) })),
        after(node("c", tree!({ "b": (output("b", "id")) })), &["a"]),
        after(node("old", tree!({})), &["c"]),
        node("other", tree!({ "seconds": 3 })),
    ])
}

fn wanted() -> ObjectGraph {
    graph([
        node("a", tree!({ "v": 2 })),
        node("b", tree!({ "fixed": 2, "a": (output("a", "id")) })),
        after(node("c", tree!({ "b": (output("b", "id")) })), &["a"]),
        node("new", tree!({ "c": (output("c", "id")) })),
        node("other", tree!({ "seconds": 3 })),
    ])
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_at_any_journal_entry_the_next_run_ends_where_it_should() {
    for crash in 0.. {
        let mut lab = Lab::default();
        lab.apply(&before()).await;
        lab.room = Some(crash);
        let crashed = lab.try_apply(Some(&wanted())).await.is_err();
        lab.room = None;
        lab.apply(&wanted()).await;
        lab.settled(&wanted()).await;
        assert!(lab.state().await.deposed.is_empty(), "crash at {crash}");
        lab.destroy().await;
        assert!(lab.world.addresses().is_empty() && lab.state().await.is_empty(), "crash at {crash}");
        if !crashed {
            assert!(crash > 8, "there were only {crash} entries");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_is_durable_before_the_run_waits_for_another() {
    let mut lab = Lab::default();
    let wanted = graph([node("quick", tree!({ "seconds": 1 })), node("slow", tree!({ "seconds": 60 }))]);
    let run = tokio::time::timeout(Duration::from_secs(2), lab.apply(&wanted));
    assert!(run.await.is_err());
    // What a session did not make durable is lost with it.
    let state = lab.state().await;
    let status = |address: &str| state.objects[&Address::new(address)].status;
    assert_eq!((status("quick"), status("slow")), (Status::Ready, Status::Incomplete));
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_about_an_object_is_recorded_when_its_create_is_finished() {
    let mut lab = Lab { room: Some(2), ..Lab::default() };
    assert!(lab.try_apply(Some(&graph([node("a", tree!({}))]))).await.is_err());
    lab.room = None;
    let wanted = graph([ObjectNode { protect: true, ..node("a", tree!({})) }]);
    lab.apply(&wanted).await;
    assert!(lab.state().await.objects[&Address::new("a")].node.protect);
    lab.settled(&wanted).await;
    let (plan, _) = lab.plan(Some(&wanted), &Observations::none()).await;
    assert!(!plan.has_work(), "{:#?}", plan.steps);
}

/// A cluster with a pod in it.
fn cluster(fixed: i64) -> ObjectGraph {
    let mut pod = node("pod", tree!({}));
    pod.placement.container = Some("cluster".into());
    graph([node("cluster", tree!({ "fixed": fixed })), pod])
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_in_a_superseded_container_is_made_anew_in_the_new_one() {
    for crash in 0.. {
        let mut lab = Lab::default();
        lab.apply(&cluster(1)).await;
        let first = lab.state().await.objects[&Address::new("pod")].uid.clone();
        lab.room = Some(crash);
        let crashed = lab.try_apply(Some(&cluster(2))).await.is_err();
        lab.room = None;
        lab.apply(&cluster(2)).await;
        let state = lab.state().await;
        let pod = &state.objects[&Address::new("pod")];
        assert_ne!(pod.uid, first, "crash at {crash}");
        assert_eq!(pod.within.as_ref(), Some(&state.objects[&Address::new("cluster")].uid));
        lab.settled(&cluster(2)).await;
        if !crashed {
            assert!(crash > 5, "there were only {crash} entries");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_in_a_superseded_container_is_deleted_even_if_the_new_one_is_lost() {
    let mut lost = 0;
    for crash in 0.. {
        let mut lab = Lab::default();
        lab.apply(&cluster(1)).await;
        lab.room = Some(crash);
        let crashed = lab.try_apply(Some(&cluster(2))).await.is_err();
        lab.room = None;
        let state = lab.state().await;
        if !state.deposed.is_empty() {
            lost += 1;
            let new = &state.objects[&Address::new("cluster")].uid;
            let goes = |record: &&Record| record.uid == *new || record.within.as_ref() == Some(new);
            for record in state.records().filter(goes) {
                lab.world.look().things.remove(&record.uid);
            }
        }
        let (engine, context, control) = (lab.engine(), lab.context(), Control::new());
        let seen = engine.refresh(&state, &context, &control, &mut |_| {}).await.unwrap();
        let (plan, wanted) = lab.plan(Some(&cluster(2)), &seen).await;
        assert_eq!(lab.run(&plan, &wanted, &seen).await.unwrap().status, FinishedStatus::Succeeded);
        lab.settled(&cluster(2)).await;
        if !crashed {
            assert!(lost > 2, "only {lost} of {crash} crashes left something superseded");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_at_any_moment_nothing_is_made_twice_or_lost() {
    for second in 0..60 {
        let mut lab = Lab::default();
        lab.world.fault("create b", [Fault::After(ErrorKind::Retryable)]);
        let first = before();
        let run = tokio::time::timeout(Duration::from_secs(second), lab.try_apply(Some(&first)));
        let over = run.await.is_ok();
        lab.world.heal();
        // What is to be made may have changed in the meantime.
        lab.apply(&wanted()).await;
        if lab.plan(Some(&wanted()), &Observations::none()).await.0.has_work() {
            lab.apply(&wanted()).await;
        }
        lab.settled(&wanted()).await;
        if over {
            assert!(second > 20);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_after_a_crash_finds_what_was_made() {
    for second in 0..40 {
        let mut lab = Lab::default();
        let first = before();
        let run =
            tokio::time::timeout(Duration::from_millis(1000 * second + 500), lab.try_apply(Some(&first)));
        drop(run.await);
        lab.destroy().await;
        assert_eq!(lab.world.addresses(), Vec::<String>::new(), "crash after {second} s");
        assert!(lab.state().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_stay_is_looked_for_when_its_create_was_cut_off() {
    for was_made in [false, true] {
        let mut lab = Lab::default();
        if !was_made {
            lab.world.fault("create kept", std::iter::repeat_n(Fault::Before(ErrorKind::Retryable), 500));
        }
        let kept = graph([ObjectNode { on_delete: OnDelete::Retain, ..node("kept", tree!({})) }]);
        drop(tokio::time::timeout(Duration::from_secs(5), lab.try_apply(Some(&kept))).await);
        lab.world.heal();
        lab.world.calls();
        let report = lab.destroy().await;
        assert_eq!(matches!(outcome(&report, "kept"), StepOutcome::Retained { .. }), was_made);
        assert_eq!(lab.world.calls(), ["find kept"]);
        assert_eq!(
            (lab.world.addresses().len(), lab.state().await.is_empty()),
            (usize::from(was_made), true)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_resumed_create_is_updated_when_its_inputs_changed_since() {
    let mut lab = Lab::default();
    let first = graph([node("a", tree!({ "v": 1 }))]);
    drop(tokio::time::timeout(Duration::from_secs(5), lab.try_apply(Some(&first))).await);
    lab.world.calls();
    let changed = graph([node("a", tree!({ "v": 2 }))]);
    lab.apply(&changed).await;
    assert_eq!(lab.world.calls(), ["find a", "update a"]);
    lab.settled(&changed).await;
}
