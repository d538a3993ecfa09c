//! Gates: when they wait, and when they drain.

use super::super::fixture::*;
use super::super::{Action, Part};

/// A controller, a gate that stands on it, and something that must be gone before the controller goes.
fn stack(controller: i32, dependent: i32) -> [Thing; 3] {
    [
        thing("r/controller").set("v", controller).forced("v"),
        gate("r/gate").set("name", "lb").after("r/controller"),
        thing("r/ingress").set("v", dependent).forced("v").after("r/gate"),
    ]
}

#[test]
fn a_new_gate_waits_and_is_not_counted() {
    let plan = plan(&stack(1, 1), &empty_state());
    assert_eq!(changes(&plan), ["create r/controller", "wait r/gate", "create r/ingress"]);
    assert_eq!(plan.summary.create, 2);
}

#[test]
fn a_gate_waits_anew_when_what_it_watches_changes() {
    let with = |v: i32, w: i32| {
        [
            thing("r/a").set("v", v),
            thing("r/b").set("v", w),
            gate("r/gate").set("watch", to("r/a.fixed")).after("r/b"),
        ]
    };
    let state = applied(&with(1, 1));
    assert_eq!(changes(&plan(&with(2, 1), &state)), ["update r/a", "wait r/gate"]);
    assert_eq!(changes(&plan(&with(1, 2), &state)), ["update r/b"], "an order is not watched");
    let renamed = |name: &str| [gate("r/gate").set("crd", name)];
    assert_eq!(changes(&plan(&renamed("b"), &applied(&renamed("a")))), ["wait r/gate"]);
}

#[test]
fn a_destroy_drains_between_what_stands_on_a_gate_and_what_it_stands_on() {
    let plan = Asked::destroy().plan(&[], &applied(&stack(1, 1))).unwrap();
    assert_eq!(changes(&plan), ["delete r/ingress", "drain r/gate", "delete r/controller"]);
    assert_eq!(plan.summary.delete, 2);
}

#[test]
fn the_delete_half_of_a_replace_drains_the_gate_on_the_old_object() {
    let before = [stack(1, 1)[0].clone(), stack(1, 1)[1].clone()];
    let after = [stack(2, 1)[0].clone(), stack(2, 1)[1].clone()];
    let mut state = applied(&before);
    let plan = plan(&after, &state);
    assert_eq!(step(&plan, "r/gate").action, Action::Wait);
    let drain = at(&plan, "r/gate", Part::Remove);
    assert!(drain < at(&plan, "r/controller", Part::Remove));
    carry_out(&mut state, &graph(&after), &plan, plan.tasks.len());
    assert!(!super::super::fixture::plan(&after, &state).has_work());
}

/// What is new waits at a gate of its own; what the old one watched is drained after a crash in between too.
#[test]
fn a_gate_that_drains_and_stays_is_two_gates() {
    let [controller, gate, _] = stack(1, 1);
    let before = [controller, gate];
    let [controller, gate, _] = stack(2, 1);
    let after = [controller, gate];
    let state = applied(&before);
    let plan = plan(&after, &state);
    let (made, drained) = (at(&plan, "r/gate", Part::Make), at(&plan, "r/gate", Part::Remove));
    assert!(made < drained && step(&plan, "r/gate").new_uid.is_some());
    let old = state.objects[&"r/gate".into()].uid.clone();
    let mut crashed = state.clone();
    carry_out(&mut crashed, &graph(&after), &plan, drained);
    assert_ne!(crashed.objects[&"r/gate".into()].uid, old);
    let rest = super::super::fixture::plan(&after, &crashed);
    assert_eq!(changes(&rest), ["drain r/gate", "delete r/controller"]);
    assert!(rest.steps.iter().any(|step| step.action == Action::Drain && step.deposed && step.uid == old));
}

/// The zone is another one, and what stands behind the gate stays: it moves to the new zone before the old one is drained.
#[test]
fn a_gate_that_watches_something_else_drains_what_it_watched() {
    let with = |v: i32| {
        [
            thing("r/zone").set("v", v).forced("v"),
            gate("r/gate").set("zone", to("r/zone.id")),
            thing("r/release").set("host", v).after("r/gate"),
        ]
    };
    let state = applied(&with(1));
    let plan = plan(&with(2), &state);
    assert_eq!(changes(&plan), ["replace r/zone", "wait r/gate", "update r/release"]);
    let drained = at(&plan, "r/gate", Part::Remove);
    assert!(at(&plan, "r/release", Part::Make) < drained && drained < at(&plan, "r/zone", Part::Remove));
    for tasks in 0..plan.tasks.len() {
        let mut crashed = state.clone();
        carry_out(&mut crashed, &graph(&with(2)), &plan, tasks);
        let rest = super::super::fixture::plan(&with(2), &crashed);
        let drains = rest
            .tasks
            .iter()
            .any(|task| task.part == Part::Remove && rest.steps[task.step].address.as_str() == "r/gate");
        assert_eq!(drains, tasks <= drained, "after {tasks} tasks: {:?}", changes(&rest));
    }
}

#[test]
fn a_gate_drains_after_all_that_stood_on_it_is_removed() {
    let state = applied(&stack(1, 1));
    let plan = plan(&stack(2, 2), &state);
    let drain = at(&plan, "r/gate", Part::Remove);
    assert!(at(&plan, "r/ingress", Part::Remove) < drain && drain < at(&plan, "r/controller", Part::Remove));
}

#[test]
fn a_gate_that_something_stands_on_does_not_drain() {
    let state = applied(&stack(1, 1));
    let replaced = plan(&stack(2, 1), &state);
    assert_eq!(changes(&replaced), ["replace r/controller"]);
    assert!(replaced.tasks.iter().all(|task| replaced.steps[task.step].action != Action::Drain));
    let mut without = [stack(1, 1)[0].clone(), stack(1, 1)[2].clone()];
    without[1].0.after.clear();
    let left = plan(&without, &state);
    let gate = step(&left, "r/gate");
    assert!(gate.action == Action::Keep && gate.bookkeeping && gate.gone.is_some(), "{gate:?}");
}

#[test]
fn dropping_one_of_many_drains_its_own_gate() {
    let both = [
        thing("r/class"),
        gate("r/drained").after("r/class"),
        thing("r/pool").after("r/drained"),
        thing("r/other").after("r/class"),
    ];
    let kept = [both[0].clone(), both[3].clone()];
    let plan = plan(&kept, &applied(&both));
    assert_eq!(changes(&plan), ["delete r/pool", "drain r/drained"]);
}
