//! Order of tasks, targets, forecasts.

use super::super::fixture::*;
use super::super::{Observation, Order, Part, PlanError};
use crate::value::Address;

#[test]
fn a_delete_waits_for_what_moves_away() {
    let before = [thing("r/hub").set("x", to("r/spoke.id")), thing("r/spoke")];
    let after = [thing("r/hub").set("x", "none")];
    let plan = plan(&after, &applied(&before));
    assert_eq!(changes(&plan), ["update r/hub", "delete r/spoke"]);
    assert!(waits(&plan, at(&plan, "r/spoke", Part::Remove), at(&plan, "r/hub", Part::Make)));
}

#[test]
fn the_old_half_waits_for_those_who_move_to_the_new_one() {
    let with = |v: i32| [thing("r/a").set("v", v).forced("v"), thing("r/user").set("x", to("r/a.id"))];
    let plan = plan(&with(2), &applied(&with(1)));
    let user = at(&plan, "r/user", Part::Make);
    assert!(waits(&plan, user, at(&plan, "r/a", Part::Make)));
    assert!(waits(&plan, at(&plan, "r/a", Part::Remove), user));
}

#[test]
fn who_needs_the_new_half_of_a_delete_first_replace_comes_after_it() {
    let with = |v: i32| {
        [
            thing("r/a").set("v", v).forced("v").set("name", "n").key("n"),
            thing("r/user").set("x", to("r/a.id")),
        ]
    };
    let plan = plan(&with(2), &applied(&with(1)));
    assert!(at(&plan, "r/a", Part::Remove) < at(&plan, "r/user", Part::Make));
}

#[test]
fn a_delete_comes_before_a_create_of_the_same_natural_key_and_a_move_is_suggested() {
    let plan = plan(&[thing("r/a").named("n")], &applied(&[thing("r/z").named("n")]));
    assert_eq!(changes(&plan), ["delete r/z", "create r/a"]);
    assert!(waits(&plan, at(&plan, "r/a", Part::Make), at(&plan, "r/z", Part::Remove)));
    assert_eq!(plan.warnings[0].code, "same_natural_key");
    assert!(plan.warnings[0].message.contains("r/a"));
}

#[test]
fn the_user_of_a_renamed_object_does_not_close_a_circle() {
    let before = [thing("r/role").named("n"), thing("r/user").set("x", to("r/role.id"))];
    let after = [thing("r/new").named("n"), thing("r/user").set("x", to("r/new.id"))];
    let plan = plan(&after, &applied(&before));
    assert_eq!(changes(&plan), ["delete r/role", "create r/new", "update r/user"]);
}

#[test]
fn two_objects_that_swap_their_names_are_deleted_first() {
    let with = |a: &str, b: &str| [thing("r/a").named(a), thing("r/b").named(b)];
    let plan = plan(&with("y", "x"), &applied(&with("x", "y")));
    assert_eq!(order_of(&plan, "r/a"), Some(Order::DeleteFirst));
    assert_eq!(order_of(&plan, "r/b"), Some(Order::DeleteFirst));
}

#[test]
fn records_that_depend_on_each_other_are_an_error_that_names_them() {
    let mut state = applied(&[thing("r/a"), thing("r/b").after("r/a"), thing("r/c")]);
    state.objects.get_mut(&Address::new("r/a")).unwrap().depends_on.insert("r/b".into());
    match Asked::destroy().plan(&[], &state) {
        Err(PlanError::Cycle { objects }) => assert_eq!(objects, [Address::new("r/a"), Address::new("r/b")]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_target_takes_what_it_needs_and_what_must_go_before_it() {
    let before = [
        thing("r/base").set("v", 1),
        thing("s/old"),
        thing("t/on-old").after("s/old"),
        thing("u/free").set("v", 1),
    ];
    let after =
        [thing("r/base").set("v", 2), thing("s/new").set("x", to("r/base.id")), thing("u/free").set("v", 2)];
    let state = applied(&before);
    let plan = Asked::targets(&["s"]).plan(&after, &state).unwrap();
    assert_eq!(changes(&plan), ["update r/base", "create s/new", "delete t/on-old", "delete s/old"]);
    let warning = plan.warnings.iter().find(|warning| warning.code == "target_reaches_outside").unwrap();
    assert!(warning.message.contains("r/base") && warning.message.contains("t/on-old"));
    assert!(!warning.message.contains("s/new"));
    let destroy = Asked {
        options: super::super::PlanOptions { destroy: true, ..Asked::targets(&["s/old"]).options },
        ..Asked::default()
    };
    assert_eq!(changes(&destroy.plan(&[], &state).unwrap()), ["delete t/on-old", "delete s/old"]);
}

#[test]
fn a_target_brings_along_what_leans_on_something_that_goes() {
    let before = [thing("r/old").key("k"), thing("u/on").after("r/old")];
    let after = [thing("r/new").key("k"), thing("u/on").after("r/new")];
    let plan = Asked::targets(&["r/old"]).plan(&after, &applied(&before)).unwrap();
    assert_eq!(changes(&plan), ["delete r/old", "create r/new", "keep u/on"]);
}

#[test]
fn what_is_outside_of_the_targets_may_be_protected() {
    let with = |v: i32| [thing("r/a").set("v", v).forced("v").protect(), thing("s/b").set("v", v)];
    let plan = Asked::targets(&["s"]).plan(&with(2), &applied(&with(1))).unwrap();
    assert_eq!(changes(&plan), ["update s/b"]);
}

#[test]
fn an_unknown_target_is_an_error_with_a_guess() {
    let error = Asked::targets(&["hub/vcp"]).plan(&[thing("hub/vpc/vpc")], &empty_state()).unwrap_err();
    assert!(error.to_string().contains("hub/vcp") && error.hint().unwrap().contains("hub/vpc?"));
}

#[test]
fn a_forecast_is_the_longest_path_and_names_what_it_is_spent_on() {
    let table = r#"{"default":[1,1],"demo.slow":[100,1,50],"demo.thing":[10,1,5]}"#;
    let things = [
        thing("r/slow").kind("demo.slow"),
        thing("r/next").set("x", to("r/slow.id")),
        thing("r/aside").set("x", to("r/first.id")),
        thing("r/first"),
    ];
    let plan = Asked::latencies(table).plan(&things, &empty_state()).unwrap();
    assert!((plan.forecast.duration_s - 110.0).abs() < 1e-9);
    assert_eq!(plan.forecast.critical_path, [Address::new("r/slow"), Address::new("r/next")]);
    let remaining = |address: &str| plan.tasks[at(&plan, address, Part::Make)].remaining;
    assert!((remaining("r/first") - 20.0).abs() < 1e-9 && (remaining("r/aside") - 10.0).abs() < 1e-9);
    let kept = Asked::latencies(table).plan(&things, &applied(&things)).unwrap();
    assert!(kept.forecast.duration_s == 0.0 && kept.forecast.critical_path.is_empty());
}

#[test]
fn an_old_object_waits_for_a_replace_that_may_turn_out_to_be_an_update() {
    let with = |v: i32| {
        let giver = thing("r/giver").set("on", to("r/turned.id")).forced("on");
        let user = thing("r/user").set("on", to("r/turned.id")).set("tint", to("r/giver.fixed"));
        [thing("r/turned").set("v", v).forced("v"), giver, user.forced("tint").key("k")]
    };
    let plan = plan(&with(2), &applied(&with(1)));
    assert_eq!(order_of(&plan, "r/user"), Some(Order::DeleteFirst));
    assert!(!step(&plan, "r/user").undecided.is_empty());
    assert!(waits(&plan, at(&plan, "r/turned", Part::Remove), at(&plan, "r/user", Part::Make)));
}

#[test]
fn no_move_gives_way_that_closes_no_circle() {
    // Three leave one object each and go over to the successor, of the same name, of what another one leaves: a circle
    // with three moves, and one of them is enough to open it.
    let old = |n: i32| thing(&format!("r/old-{n}")).named(&format!("name-{n}"));
    let leaver = |n: i32| thing(&format!("r/leaver-{n}")).set("on", to(&format!("r/old-{n}.id")));
    let before: Vec<Thing> = (0..3).flat_map(|n| [old(n), leaver(n)]).collect();
    let taker = |n: i32| thing(&format!("r/taker-{n}")).named(&format!("name-{n}"));
    let next = |n: i32| thing(&format!("r/leaver-{n}")).set("on", to(&format!("r/taker-{}.id", (n + 2) % 3)));
    let after: Vec<Thing> = (0..3).flat_map(|n| [taker(n), next(n)]).collect();
    let plan = plan(&after, &applied(&before));
    let kept = |n: &i32| {
        let (old, leaver) = (format!("r/old-{n}"), format!("r/leaver-{n}"));
        waits(&plan, at(&plan, &old, Part::Remove), at(&plan, &leaver, Part::Make))
    };
    assert_eq!((0..3).filter(kept).count(), 2, "{:#?}", plan.tasks);
}

#[test]
fn what_is_only_forgotten_gives_way_before_a_move_does() {
    let turned =
        |fixed: i32, on: &str| thing("r/turned").set("fixed", fixed).forced("fixed").set("on", to(on));
    let mover = || thing("r/mover").set("by", to("r/turned.id"));
    let lost = thing("r/lost").set("on", to("r/ground.id"));
    let state = applied(&[thing("r/ground"), lost, turned(1, "r/lost.id"), mover()]);
    // What stood on the ground went with it. It is to be forgotten before the ground is there again, and only after the
    // old one that leaned on it, whose successor stands on the new ground: a circle.
    let asked = Asked::default().seen(&state, "r/ground", Observation::Missing).seen(
        &state,
        "r/lost",
        Observation::Missing,
    );
    let plan = asked.plan(&[thing("r/ground"), turned(2, "r/ground.id"), mover()], &state).unwrap();
    let (update, delete) = (at(&plan, "r/mover", Part::Make), at(&plan, "r/turned", Part::Remove));
    assert!(waits(&plan, delete, update), "{:#?}", plan.tasks);
}
