//! Replaces: what they drag along, which half comes first, and when they are decided.

use super::super::fixture::*;
use super::super::{Action, Order, Part, Plan, Why};
use crate::value::Tree;

fn edit(before: &[Thing], after: &[Thing]) -> Plan {
    plan(after, &applied(before))
}

/// An object whose field `v` forces a replace.
fn stone(address: &str, v: i32) -> Thing {
    thing(address).set("v", v).forced("v")
}

/// An object whose output `revision` is new when its field `v` is changed.
fn spring(v: i32) -> Thing {
    thing("r/spring").set("v", v).recomputes("v", "revision")
}

fn assert_certain(plan: &Plan, address: &str) {
    let step = step(plan, address);
    assert_eq!(step.action, Action::Replace, "{address}");
    assert!(step.undecided.is_empty() && step.dragged_by.is_empty(), "{step:?}");
}

#[test]
fn what_lives_in_a_replaced_object_is_replaced_and_others_are_updated() {
    let with = |v| {
        [
            stone("r/vpc", v),
            thing("r/child").lives_in("vpc", "r/vpc"),
            thing("r/grandchild").lives_in("child", "r/child"),
            thing("r/uses").set("x", to("r/vpc.id")),
        ]
    };
    let plan = edit(&with(1), &with(2));
    assert_eq!(changes(&plan), ["replace r/vpc", "replace r/child", "replace r/grandchild", "update r/uses"]);
    let reason = &step(&plan, "r/child").reasons[0];
    assert_eq!(
        (reason.why, &reason.because_of, reason.forces_replace),
        (Why::Container, &Some("r/vpc".into()), true)
    );
    assert_eq!(step(&plan, "r/child").reasons.len(), 1, "the parent says it all");
    for address in ["r/vpc", "r/child", "r/grandchild"] {
        assert_certain(&plan, address);
        assert_eq!(order_of(&plan, address), Some(Order::CreateFirst));
    }
}

#[test]
fn what_is_inside_of_a_replaced_container_is_replaced() {
    let with = |v| [stone("r/cluster", v), thing("r/in").within("r/cluster")];
    let plan = edit(&with(1), &with(2));
    assert_eq!(changes(&plan), ["replace r/cluster", "replace r/in"]);
    assert!(at(&plan, "r/in", Part::Remove) < at(&plan, "r/cluster", Part::Remove));
}

#[test]
fn a_parent_drags_even_when_its_echo_is_equal() {
    let with = |v| {
        let child = thing("r/child").set("ns", to("r/ns.name"));
        let mut child = child.forced("ns");
        child.rules().parents.push("ns".into());
        [stone("r/ns", v).set("name", "n"), child]
    };
    assert_eq!(changes(&edit(&with(1), &with(2))), ["replace r/ns", "replace r/child"]);
}

#[test]
fn an_equal_echo_and_an_order_mean_nothing() {
    let with = |v| {
        [
            stone("r/a", v).set("name", "n"),
            thing("r/echo").set("x", to("r/a.name")).forced("x"),
            thing("r/after").after("r/a"),
        ]
    };
    assert_eq!(changes(&edit(&with(1), &with(2))), ["replace r/a"]);
}

#[test]
fn a_shared_natural_key_means_delete_first_for_all_that_lives_in_it() {
    let with = |v| [stone("r/a", v).set("name", "n").key("n"), thing("r/in").lives_in("a", "r/a")];
    let plan = edit(&with(1), &with(2));
    for address in ["r/a", "r/in"] {
        assert_eq!(order_of(&plan, address), Some(Order::DeleteFirst));
        assert!(at(&plan, address, Part::Remove) < at(&plan, address, Part::Make));
    }
    assert!(at(&plan, "r/in", Part::Remove) < at(&plan, "r/a", Part::Remove));
    let renamed = [thing("r/a").named("m")];
    assert_eq!(order_of(&edit(&[thing("r/a").named("n")], &renamed), "r/a"), Some(Order::CreateFirst));
}

#[test]
fn a_key_part_of_something_made_anew_is_different_and_another_unknown_is_equal() {
    let with = |v| [stone("r/a", v), stone("r/in", v).key(Tree::List(vec![to("r/a.id"), Tree::Bool(true)]))];
    assert_eq!(order_of(&edit(&with(1), &with(2)), "r/in"), Some(Order::CreateFirst));
    let with = |v| [spring(v), stone("r/in", v).key(to("r/spring.revision"))];
    assert_eq!(order_of(&edit(&with(1), &with(2)), "r/in"), Some(Order::DeleteFirst));
}

#[test]
fn what_is_replaced_on_top_of_a_delete_first_replace_is_delete_first_too() {
    let with = |v| [stone("r/a", v).set("name", "n").key("n"), stone("r/b", v).set("x", to("r/a.id"))];
    assert_eq!(order_of(&edit(&with(1), &with(2)), "r/b"), Some(Order::DeleteFirst));
}

#[test]
fn an_indirect_circle_turns_a_replace_around() {
    // `top` needs the new `a` through `middle` only, and its old self stands on the old `a`.
    let with = |v, base: &str| {
        [
            stone("r/a", v).set("name", "n").key("n"),
            thing("r/middle").set("x", to("r/a.id")),
            stone("r/top", v).set("y", to(base)),
        ]
    };
    let plan = edit(&with(1, "r/a.fixed"), &with(2, "r/middle.fixed"));
    assert_eq!(order_of(&plan, "r/top"), Some(Order::DeleteFirst));
}

#[test]
fn an_unknown_value_leaves_a_replace_open_until_it_is_known() {
    let with = |v| {
        [
            spring(v),
            thing("r/a").set("x", to("r/spring.revision")).forced("x").set("name", "n").key("n"),
            thing("r/in").lives_in("a", "r/a"),
        ]
    };
    let plan = edit(&with(1), &with(2));
    let (a, inside) = (step(&plan, "r/a"), step(&plan, "r/in"));
    assert_eq!(a.undecided, [reference("r/spring.revision")]);
    assert!(a.dragged_by.is_empty());
    assert_eq!((&inside.undecided, &inside.dragged_by), (&a.undecided, &vec!["r/a".into()]));
    let made = at(&plan, "r/spring", Part::Make);
    for address in ["r/a", "r/in"] {
        assert!(
            waits(&plan, at(&plan, address, Part::Remove), made),
            "{address} is not deleted before that is known"
        );
    }
}

#[test]
fn a_child_of_an_open_replace_waits_for_the_same_values_and_not_for_its_parent() {
    let with = |v| {
        [
            spring(v),
            thing("r/a").set("x", to("r/spring.revision")).forced("x"),
            thing("r/in").lives_in("a", "r/a"),
        ]
    };
    let plan = edit(&with(1), &with(2));
    assert_eq!(order_of(&plan, "r/a"), Some(Order::CreateFirst));
    assert_eq!(step(&plan, "r/in").undecided, [reference("r/spring.revision")]);
}

#[test]
fn what_a_known_change_forces_is_certain() {
    let with =
        |v| [spring(v), thing("r/a").set("x", to("r/spring.revision")).forced("x").set("y", v).forced("y")];
    assert_certain(&edit(&with(1), &with(2)), "r/a");
}

#[test]
fn a_replace_is_certain_when_its_value_is_known_only_after_its_delete() {
    // The new `a` cannot be made before the old one is gone, and `b` stands on that.
    let with =
        |v| [stone("r/a", v).set("name", "n").key("n"), thing("r/b").set("x", to("r/a.id")).forced("x")];
    let plan = edit(&with(1), &with(2));
    assert_certain(&plan, "r/b");
    assert_eq!(order_of(&plan, "r/b"), Some(Order::DeleteFirst));
}

#[test]
fn a_late_value_of_an_open_replace_stands_and_falls_with_it() {
    let with = |v| {
        [
            spring(v),
            thing("r/a").set("x", to("r/spring.revision")).forced("x").set("name", "n").key("n"),
            thing("r/b").set("x", to("r/a.id")).forced("x"),
        ]
    };
    let plan = edit(&with(1), &with(2));
    let b = step(&plan, "r/b");
    assert_eq!(b.dragged_by, ["r/a".into()]);
    assert_eq!(b.undecided, [reference("r/spring.revision")]);
}

#[test]
fn a_value_of_a_create_first_replace_can_be_waited_for() {
    let with = |v| [stone("r/a", v), thing("r/b").set("x", to("r/a.id")).forced("x")];
    let plan = edit(&with(1), &with(2));
    assert_eq!(step(&plan, "r/b").undecided, [reference("r/a.id")]);
    assert!(at(&plan, "r/a", Part::Make) < at(&plan, "r/b", Part::Remove));
    assert!(at(&plan, "r/b", Part::Remove) < at(&plan, "r/a", Part::Remove));
}

#[test]
fn a_child_of_a_certain_replace_is_certain_whatever_else_is_unknown() {
    let with = |v| {
        [
            spring(v),
            stone("r/a", v),
            thing("r/in").lives_in("a", "r/a").set("x", to("r/spring.revision")).forced("x"),
        ]
    };
    assert_certain(&edit(&with(1), &with(2)), "r/in");
}

#[test]
fn a_change_of_parent_is_a_replace() {
    let parents = [thing("r/a"), thing("r/b")];
    let with = |parent: &str| [parents[0].clone(), parents[1].clone(), thing("r/in").lives_in("p", parent)];
    assert_eq!(changes(&edit(&with("r/a"), &with("r/b"))), ["replace r/in"]);
}
