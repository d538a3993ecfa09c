//! What was open at plan time, and what is left in place.

use super::world::Fault;
use super::*;
use crate::executor::ErrorKind;
use crate::plan::{Action, Observation};

/// `a` gives a shade that its change recomputes; `b` is replaced when its shade is another.
fn shaded(v: i64, shade: &str) -> ObjectGraph {
    graph([
        ObjectNode {
            rules: FieldRules::new().recomputes("v", ["shade"]).into(),
            ..node("a", tree!({ "v": v, "shade": shade }))
        },
        node("b", tree!({ "fixed": (output("a", "shade")) })),
        node("c", tree!({ "b": (output("b", "id")) })),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_replace_whose_values_turn_out_equal_is_a_keep_with_all_it_drags() {
    let mut lab = Lab::default();
    lab.apply(&shaded(1, "dark")).await;
    lab.world.calls();
    let (plan, _) = lab.plan(Some(&shaded(2, "dark")), &Observations::none()).await;
    let planned: Vec<_> = plan.steps.iter().map(|step| (step.address.as_str(), step.action)).collect();
    assert_eq!(planned, [("a", Action::Update), ("b", Action::Replace), ("c", Action::Update)]);
    let report = lab.apply(&shaded(2, "dark")).await;
    assert_eq!(lab.world.calls(), ["update a"]);
    assert_eq!((report.totals.updated, report.totals.replaced, report.totals.kept), (1, 0, 2));
    lab.settled(&shaded(2, "dark")).await;
}

#[tokio::test(start_paused = true)]
async fn drift_is_put_right_even_when_the_values_turn_out_equal() {
    let of = |v: i64| {
        let a = ObjectNode {
            rules: FieldRules::new().recomputes("v", ["shade"]).into(),
            ..node("a", tree!({ "v": v, "shade": "dark" }))
        };
        graph([a, node("b", tree!({ "fixed": (output("a", "shade")), "size": 1 }))])
    };
    // What drifted is a field that changes in place, or the one whose value has to be waited for.
    let sized = tree!({ "fixed": "dark", "size": 9 });
    let fixed = tree!({ "fixed": "light", "size": 1 });
    for (inputs, calls) in
        [(sized, &["update a", "update b"][..]), (fixed, &["update a", "create b", "delete b"])]
    {
        let mut lab = Lab::default();
        lab.apply(&of(1)).await;
        let record = lab.state().await.objects[&Address::new("b")].clone();
        let mut seen = Observations::none();
        seen.insert(record.uid, Observation::Present { inputs, outputs: record.outputs });
        lab.world.calls();
        let (plan, wanted) = lab.plan(Some(&of(2)), &seen).await;
        let report = lab.run(&plan, &wanted, &seen).await.unwrap();
        assert_eq!(lab.world.calls(), calls);
        assert_eq!((report.totals.updated + report.totals.replaced, report.totals.kept), (2, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replace_whose_values_differ_is_taken_and_counted_once() {
    let mut lab = Lab::default();
    lab.apply(&shaded(1, "dark")).await;
    lab.world.calls();
    lab.events.clear();
    let report = lab.apply(&shaded(2, "light")).await;
    assert_eq!((report.totals.updated, report.totals.replaced), (2, 1));
    assert_eq!(lab.world.calls(), ["update a", "create b", "update c", "delete b"]);
    let parts: Vec<_> = lab
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Step { part: Some(part), phase: Phase::Done, .. } => Some(format!("{part:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(parts, ["Make", "Remove"]);
    lab.settled(&shaded(2, "light")).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_to_stay_stays_and_needs_no_call() {
    let mut lab = Lab::default();
    let kept = ObjectNode { on_delete: OnDelete::Retain, ..node("kept", tree!({})) };
    lab.apply(&graph([kept])).await;
    lab.world.calls();
    lab.events.clear();
    let report = lab.destroy().await;
    assert!(matches!(outcome(&report, "kept"), StepOutcome::Retained { .. }));
    assert_eq!(lab.phases(), ["started kept", "retained kept"]);
    assert_eq!(lab.world.calls(), Vec::<String>::new());
    assert_eq!((lab.world.addresses(), lab.state().await.is_empty()), (vec!["kept".to_owned()], true));
}

#[tokio::test(start_paused = true)]
async fn what_others_use_stays_when_that_was_asked_for() {
    let mut lab = Lab::default();
    let shared = ObjectNode { on_delete: OnDelete::RetainIfInUse, ..node("shared", tree!({})) };
    lab.apply(&graph([shared])).await;
    lab.world.fault("delete shared", std::iter::repeat_n(Fault::Before(ErrorKind::DependencyViolation), 500));
    let report = lab.destroy().await;
    assert!(matches!(outcome(&report, "shared"), StepOutcome::Retained { .. }));
    assert_eq!(report.status, FinishedStatus::Succeeded);
}

fn contained() -> ObjectGraph {
    let mut pod = node("pod", tree!({ "seconds": 1 }));
    pod.placement.container = Some("cluster".into());
    graph([node("cluster", tree!({})), pod])
}

#[tokio::test(start_paused = true)]
async fn what_was_inside_of_something_that_is_gone_is_forgotten() {
    let mut lab = Lab::default();
    lab.apply(&contained()).await;
    lab.world.look().things.clear();
    let state = lab.state().await;
    let (engine, context, control) = (lab.engine(), lab.context(), Control::new());
    let seen = engine.refresh(&state, &context, &control, &mut |_| {}).await.unwrap();
    let uid = &state.objects[&Address::new("pod")].uid;
    assert_eq!(seen.get(uid), Some(&Observation::Missing));
    lab.world.calls();
    let (plan, wanted) = lab.plan(None, &seen).await;
    let report = lab.run(&plan, &wanted, &seen).await.unwrap();
    assert_eq!(report.status, FinishedStatus::Succeeded);
    assert!(lab.state().await.is_empty());
    assert!(!lab.world.calls().contains(&"delete pod".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_gate_waits_and_drains_and_is_never_counted() {
    let mut lab = Lab::default();
    let gate = ObjectNode {
        kind: "gate.ready".into(),
        class: Class::Gate,
        ..after(node("gate", tree!({})), &["a"])
    };
    let gated = graph([node("a", tree!({})), gate, after(node("b", tree!({})), &["gate"])]);
    let report = lab.apply(&gated).await;
    assert_eq!((report.totals.created, report.totals.kept), (2, 0));
    assert_eq!(lab.world.calls(), ["create a", "create gate", "create b"]);
    lab.settled(&gated).await;
    let report = lab.destroy().await;
    assert_eq!(report.totals.deleted, 2);
    assert_eq!(lab.world.calls(), ["delete b", "delete gate", "delete a"]);
    assert!(lab.state().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_gate_on_something_that_is_replaced_drains_and_waits_anew() {
    let gated = |fixed: i64| {
        let gate = ObjectNode {
            kind: "gate.ready".into(),
            class: Class::Gate,
            ..node("gate", tree!({ "a": (output("a", "id")) }))
        };
        graph([node("a", tree!({ "fixed": fixed })), gate])
    };
    let mut lab = Lab::default();
    lab.apply(&gated(1)).await;
    lab.world.calls();
    let report = lab.apply(&gated(2)).await;
    assert_eq!((report.status, report.totals.replaced), (FinishedStatus::Succeeded, 1));
    let mut calls = lab.world.calls();
    calls.sort();
    assert_eq!(calls, ["create a", "create gate", "delete a", "delete gate"]);
    lab.settled(&gated(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_only_changes_in_its_order_is_written_without_a_call() {
    let mut lab = Lab::default();
    let loose = graph([node("a", tree!({})), node("b", tree!({}))]);
    lab.apply(&loose).await;
    lab.world.calls();
    let ordered = graph([node("a", tree!({})), after(node("b", tree!({})), &["a"])]);
    let report = lab.apply(&ordered).await;
    assert_eq!((report.totals.kept, lab.world.calls().len()), (2, 0));
    let state = lab.state().await;
    assert_eq!(state.objects[&Address::new("b")].depends_on, BTreeSet::from(["a".into()]));
}

#[tokio::test(start_paused = true)]
async fn what_an_update_will_give_anew_is_not_known_before_the_update() {
    // A replace of b would need c to go first, so c is decided before b; and b turns out to be an update.
    let chain = |version: i64, shade: &str| {
        let keyed = |name: &str, inputs| ObjectNode { natural_key: Some(tree!(name)), ..node(name, inputs) };
        graph([
            node("a", tree!({ "fixed": version })),
            keyed("b", tree!({ "fixed": (output("a", "colour")), "shade": shade })),
            keyed("c", tree!({ "fixed": (output("b", "shade")) })),
        ])
    };
    let mut lab = Lab::default();
    lab.apply(&chain(1, "dark")).await;
    lab.world.calls();
    let report = lab.apply(&chain(2, "light")).await;
    assert_eq!(report.status, FinishedStatus::Succeeded);
    assert_eq!((report.totals.replaced, report.totals.updated), (2, 1));
    lab.settled(&chain(2, "light")).await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_early_decides_nothing_about_what_it_only_refers_to() {
    // A replace of `keyed` deletes first, and what leans on it before that: so `last` is asked whether it goes while
    // `slow` is still being updated. That must not decide about `middle`, which rests on what `slow` gives.
    let wanted = |v: i64, shade: &str| {
        let mut middle = node("middle", tree!({ "fixed": (output("slow", "shade")) }));
        middle.placement.container = Some("base".into());
        graph([
            ObjectNode {
                rules: FieldRules::new().recomputes("v", ["shade"]).into(),
                ..node("a", tree!({ "v": v }))
            },
            node("base", tree!({ "fixed": (output("a", "shade")) })),
            node("slow", tree!({ "seconds": 1000, "shade": shade })),
            middle,
            ObjectNode {
                natural_key: Some(tree!("k")),
                ..node("keyed", tree!({ "fixed": (output("base", "id")) }))
            },
            node("last", tree!({ "by": (output("middle", "id")), "fixed": (output("keyed", "id")) })),
        ])
    };
    let mut lab = Lab::default();
    lab.apply(&wanted(1, "dark")).await;
    lab.world.calls();
    let report = lab.apply(&wanted(2, "light")).await;
    assert_eq!(report.status, FinishedStatus::Succeeded);
    let calls = ["update a", "update slow", "create middle", "update last", "delete middle"];
    assert_eq!(lab.world.calls(), calls);
    lab.settled(&wanted(2, "light")).await;
}
