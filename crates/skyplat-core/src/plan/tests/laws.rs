//! What holds for every plan, over generated graphs and edits.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::fixture::*;
use super::super::{Action, Order, Part, Plan};
use crate::state::State;

const SIZE: usize = 7;

/// How one object is described; numbers are choices.
#[derive(Debug, Clone)]
struct Plot {
    there: bool,
    tag: u8,
    stone: u8,
    name: u8,
    /// For each object before this one: no edge, or one of six kinds.
    edges: Vec<u8>,
}

fn plot() -> impl Strategy<Value = Plot> {
    (prop::bool::weighted(0.8), 0_u8..3, 0_u8..6, 0_u8..5, prop::collection::vec(0_u8..16, SIZE))
        .prop_map(|(there, tag, stone, name, edges)| Plot { there, tag, stone: stone / 4, name, edges })
}

fn plots() -> impl Strategy<Value = Vec<Plot>> {
    prop::collection::vec(plot(), SIZE)
}

/// A description and an edit of it: some objects described anew.
fn edited() -> impl Strategy<Value = (Vec<Plot>, Vec<Plot>)> {
    (plots(), plots(), prop::collection::vec(prop::bool::weighted(0.4), SIZE)).prop_map(
        |(before, other, pick)| {
            let after = before
                .iter()
                .zip(other)
                .zip(pick)
                .map(|((old, new), pick)| if pick { new } else { old.clone() });
            let after = after.collect();
            (before, after)
        },
    )
}

fn address(at: usize) -> String {
    format!("r/{}", (b'a' + u8::try_from(at).unwrap()) as char)
}

/// Builds what was plotted. `keyed` gives some objects natural keys, unique in one graph.
fn build(plots: &[Plot], keyed: bool) -> Vec<Thing> {
    let mut things = Vec::new();
    for (at, plot) in plots.iter().enumerate().filter(|(_, plot)| plot.there) {
        let is_gate = at == 3;
        let mut thing = if is_gate { gate(&address(at)) } else { thing(&address(at)) };
        thing = thing.set("tag", i32::from(plot.tag)).set("stone", i32::from(plot.stone)).forced("stone");
        thing = thing.recomputes("tag", "revision");
        if keyed && plot.name == 0 && !is_gate {
            thing = thing.named(&address(at));
        }
        for (other, edge) in plot.edges.iter().enumerate().take(at).filter(|(other, _)| plots[*other].there) {
            let (field, target) = (format!("f{other}"), address(other));
            thing = match edge {
                _ if other == 3 && *edge < 6 => thing.after(&target),
                0 => thing.set(&field, to(&format!("{target}.id"))),
                1 => thing.set(&field, to(&format!("{target}.id"))).forced(&field),
                2 => thing.lives_in(&field, &target),
                3 => thing.after(&target),
                4 => thing.set(&field, to(&format!("{target}.revision"))).forced(&field),
                5 => thing.set(&field, to(&format!("{target}.fixed"))),
                6 if thing.0.placement.container.is_none() => thing.within(&target),
                _ => thing,
            };
        }
        things.push(thing);
    }
    things
}

/// Checks what the tasks of any plan promise.
fn check_order(plan: &Plan, state: &State, things: &[Thing]) {
    let mut halves = BTreeMap::new();
    for (position, task) in plan.tasks.iter().enumerate() {
        assert!(task.after.iter().all(|before| *before < position), "tasks are in order");
        let step = &plan.steps[task.step];
        halves.insert((step.uid.clone(), task.part), position);
    }
    let by_address =
        |address: &crate::value::Address| things.iter().find(|thing| thing.0.address == *address);
    for record in state.objects.values() {
        for ground in record.depends_on.iter().filter_map(|address| state.objects.get(address)) {
            let (above, below) = (&record.uid, &ground.uid);
            let Some(end) = halves.get(&(below.clone(), Part::Remove)) else { continue };
            if let Some(removed) = halves.get(&(above.clone(), Part::Remove)) {
                assert!(
                    waits(plan, *end, *removed),
                    "{} goes before {}",
                    record.node.address,
                    ground.node.address
                );
                continue;
            }
            let order = plan.steps[plan.tasks[*end].step].order;
            let still = by_address(&record.node.address)
                .is_some_and(|thing| thing.0.depends_on().contains(&ground.node.address));
            if let Some(made) = halves.get(&(above.clone(), Part::Make))
                && !(order == Some(Order::DeleteFirst) && still)
            {
                assert!(
                    waits(plan, *end, *made),
                    "{} moves away before {} goes",
                    record.node.address,
                    ground.node.address
                );
            }
        }
    }
    for step in plan.steps.iter().filter(|step| !step.undecided.is_empty() && step.action == Action::Replace)
    {
        let delete = halves[&(step.uid.clone(), Part::Remove)];
        for value in &step.undecided {
            let made = at(plan, value.object.as_str(), Part::Make);
            assert!(waits(plan, delete, made), "{} is not deleted before {value} is known", step.address);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_after_an_apply_is_empty((before, after) in edited()) {
        let (before, after) = (build(&before, true), build(&after, true));
        let mut state = applied(&before);
        prop_assert!(!plan(&before, &state).has_work());
        apply(&mut state, &after);
        let again = plan(&after, &state);
        prop_assert!(!again.has_work(), "{:?}", changes(&again));
        prop_assert!(state.deposed.is_empty());
        prop_assert_eq!(state.objects.len(), after.len());
    }

    #[test]
    fn tasks_come_after_all_they_wait_for((before, after) in edited()) {
        let (before, after) = (build(&before, false), build(&after, false));
        let state = applied(&before);
        check_order(&plan(&after, &state), &state, &after);
        check_order(&Asked::destroy().plan(&[], &state).unwrap(), &state, &[]);
    }

    #[test]
    fn a_run_that_stops_anywhere_is_finished_by_the_next((before, after) in edited(), stop in 0_usize..20) {
        let (before, after) = (build(&before, true), build(&after, true));
        let mut state = applied(&before);
        let first = plan(&after, &state);
        carry_out(&mut state, &graph(&after), &first, stop.min(first.tasks.len()));
        apply(&mut state, &after);
        let again = plan(&after, &state);
        prop_assert!(!again.has_work(), "{:?}", changes(&again));
        prop_assert!(state.deposed.is_empty());
    }

    #[test]
    fn a_destroy_leaves_nothing((before, after) in edited(), stop in 0_usize..20) {
        let (before, after) = (build(&before, true), build(&after, true));
        let mut state = applied(&before);
        let first = plan(&after, &state);
        carry_out(&mut state, &graph(&after), &first, stop.min(first.tasks.len()));
        let destroy = Asked::destroy().plan(&[], &state).unwrap();
        carry_out(&mut state, &graph(&[]), &destroy, destroy.tasks.len());
        prop_assert!(state.is_empty());
    }

    #[test]
    fn an_unconnected_object_leaves_the_other_steps_alone((before, after) in edited()) {
        let (before, mut after) = (build(&before, true), build(&after, true));
        let state = applied(&before);
        let without = plan(&after, &state);
        after.push(thing("q/unconnected"));
        let mut with = plan(&after, &state);
        with.steps.retain(|step| step.address.as_str() != "q/unconnected");
        prop_assert_eq!(without.steps, with.steps);
    }

    #[test]
    fn targets_one_by_one_lead_to_the_same_end((before, after) in edited(), picks in prop::collection::vec(0..SIZE, 4)) {
        let (before, after) = (build(&before, true), build(&after, true));
        let (mut whole, mut split) = (applied(&before), applied(&before));
        apply(&mut whole, &after);
        for pick in picks {
            let address = address(pick);
            if let Ok(part) = Asked::targets(&[&address]).plan(&after, &split) {
                carry_out(&mut split, &graph(&after), &part, part.tasks.len());
            }
        }
        apply(&mut split, &after);
        prop_assert!(!plan(&after, &split).has_work());
        prop_assert!(whole.objects.keys().eq(split.objects.keys()));
    }

    #[test]
    fn the_order_of_declaration_means_nothing((before, after) in edited()) {
        let (before, mut after) = (build(&before, true), build(&after, true));
        let state = applied(&before);
        let one = plan(&after, &state);
        after.reverse();
        prop_assert_eq!(one, plan(&after, &state));
    }
}
