//! Graphs that are as deep as they are long: nothing between plan and state may recurse over them.

use super::*;
use crate::plan::Action;
use crate::render::Plain;
use crate::render::plan::{PlanView, plan_text};

/// Runs something where a call for each object of a chain would not fit on the stack.
fn on_a_small_stack(run: impl Future<Output = ()> + Send + 'static) {
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().start_paused(true).enable_time().build();
        runtime.unwrap().block_on(run);
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(body).unwrap();
    assert!(thread.join().is_ok());
}

fn name(at: usize) -> String {
    format!("n{at:06}")
}

#[test]
fn a_long_chain_is_planned_applied_and_destroyed() {
    const LENGTH: usize = 3_000;
    on_a_small_stack(async {
        let link = |at: usize| match at.checked_sub(1) {
            Some(before) => node(&name(at), tree!({ "seconds": 1, "before": (output(&name(before), "id")) })),
            None => node(&name(at), tree!({ "seconds": 1 })),
        };
        let wanted = graph((0..LENGTH).map(link));
        let mut lab = Lab::default();
        let (plan, _) = lab.plan(Some(&wanted), &Observations::none()).await;
        assert_eq!(plan.summary.create, LENGTH);
        let view = PlanView { objects: true, ..PlanView::default() };
        assert!(plan_text(&plan, view, &Plain).contains("n002999"));
        let report = lab.apply(&wanted).await;
        assert_eq!((report.totals.created, report.duration.as_secs()), (LENGTH, LENGTH as u64));
        lab.settled(&wanted).await;
        let report = lab.destroy().await;
        assert_eq!(report.totals.deleted, LENGTH);
        assert!(lab.state().await.is_empty());
    });
}

/// Each object is inside of the one before it and keeps its name, so that its old half goes first: whether the last one
/// goes is asked before anything is known of the others.
#[test]
fn a_long_chain_of_containers_that_is_dragged_along_is_decided() {
    const LENGTH: usize = 3_000;
    on_a_small_stack(async {
        let nested = |v: i64| {
            let first = node("a", tree!({ "v": v, "shade": "dark" }));
            let first = ObjectNode { rules: FieldRules::new().recomputes("v", ["shade"]).into(), ..first };
            let inside = (0..LENGTH).map(|at| {
                let before = at.checked_sub(1).map(name);
                let inputs = match before {
                    Some(_) => tree!({}),
                    None => tree!({ "fixed": (output("a", "shade")) }),
                };
                let mut node = node(&name(at), inputs);
                node.placement.container = before.map(Address::new);
                ObjectNode { natural_key: Some(tree!({ "name": (name(at)) })), ..node }
            });
            graph(std::iter::once(first).chain(inside))
        };
        let mut lab = Lab::default();
        lab.apply(&nested(1)).await;
        lab.world.calls();
        let (plan, _) = lab.plan(Some(&nested(2)), &Observations::none()).await;
        assert_eq!((plan.summary.update, plan.summary.replace), (1, LENGTH));
        assert_eq!(plan.tasks[1].part, crate::plan::Part::Remove);
        let undecided =
            plan.steps.iter().filter(|step| step.action == Action::Replace && !step.undecided.is_empty());
        assert_eq!(undecided.count(), LENGTH);
        let report = lab.apply(&nested(2)).await;
        assert_eq!(lab.world.calls(), ["update a"]);
        assert_eq!((report.totals.updated, report.totals.kept), (1, LENGTH));
    });
}
