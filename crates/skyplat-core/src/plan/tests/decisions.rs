//! What is done to each object, and why.

use super::super::fixture::*;
use super::super::{Action, Observation, Part, PlanError, Reason, Task, Why};
use crate::executor::OutputMap;
use crate::object::{Class, Normal, OnDelete};
use crate::state::{Entry, Intent, Operation, Status};
use crate::tree;
use crate::value::{Address, Tree};

fn present(inputs: Tree) -> Observation {
    Observation::Present { inputs, outputs: OutputMap::new() }
}

fn reasons(reasons: &[Reason]) -> Vec<Why> {
    reasons.iter().map(|reason| reason.why).collect()
}

#[test]
fn what_is_new_is_created_in_order() {
    let things = [thing("r/a").set("x", to("r/b.id")), thing("r/b")];
    let plan = plan(&things, &empty_state());
    assert_eq!(changes(&plan), ["create r/b", "create r/a"]);
    assert_eq!(plan.summary.create, 2);
}

#[test]
fn a_plan_of_what_was_applied_is_empty() {
    let things = [
        thing("r/a").named("n").set("x", to("r/b.id")),
        thing("r/b").key(to("r/c.name")).after("r/c"),
        thing("r/c").set("name", "c"),
        gate("r/g").set("watch", to("r/a.id")).within("r/b"),
        thing("r/l").kind("lookup.demo").class(Class::Lookup),
    ];
    let plan = plan(&things, &applied(&things));
    assert!(!plan.has_work(), "{:?}", changes(&plan));
    assert_eq!(plan.summary.keep, 3, "gates and lookups are not counted");
}

#[test]
fn a_tag_on_what_everything_lives_in_is_one_update() {
    let rest = [
        thing("r/subnet").lives_in("vpc_id", "r/vpc"),
        thing("r/sg").set("vpc", to("r/vpc.id")).forced("vpc"),
    ];
    let with = |tag: &str| {
        let mut things = rest.to_vec();
        things.push(thing("r/vpc").set("tags", tree!({ "Name": tag })));
        things
    };
    let plan = plan(&with("new"), &applied(&with("old")));
    assert_eq!(changes(&plan), ["update r/vpc"]);
    let reason = &plan.steps.iter().find(|s| s.action == Action::Update).unwrap().reasons[0];
    assert_eq!(reason.field.as_ref().unwrap().to_string(), "tags.Name");
    assert_eq!((reason.old.clone().unwrap(), reason.new.clone().unwrap()), ("old".into(), "new".into()));
}

#[test]
fn an_update_makes_only_recomputed_outputs_unknown() {
    let things = |value: i32| {
        [
            thing("r/a").set("v", value).recomputes("v", "revision"),
            thing("r/keeps").set("x", to("r/a.id")),
            thing("r/moves").set("x", to("r/a.revision")),
        ]
    };
    let plan = plan(&things(2), &applied(&things(1)));
    assert_eq!(changes(&plan), ["update r/a", "update r/moves"]);
    let moves = step(&plan, "r/moves");
    assert_eq!(moves.undecided, [reference("r/a.revision")]);
    assert_eq!(moves.reasons[0].new, Some(serde_json::json!({"$unknown": "r/a.revision"})));
    assert_eq!((moves.reasons[0].why, &moves.reasons[0].because_of), (Why::Reference, &Some("r/a".into())));
}

#[test]
fn a_changed_echo_is_a_known_value_with_its_cause() {
    let things = |name: &str| [thing("r/a").set("name", name), thing("r/b").set("x", to("r/a.name"))];
    let plan = plan(&things("new"), &applied(&things("old")));
    let reason = &step(&plan, "r/b").reasons[0];
    assert_eq!((reason.why, &reason.because_of), (Why::Reference, &Some("r/a".into())));
    assert_eq!(reason.new, Some("new".into()));
    assert!(step(&plan, "r/b").undecided.is_empty());
}

#[test]
fn what_left_the_description_is_deleted_in_reverse() {
    let things = [thing("r/a"), thing("r/b").set("x", to("r/a.id"))];
    let plan = plan(&[], &applied(&things));
    assert_eq!(changes(&plan), ["delete r/b", "delete r/a"]);
    assert_eq!(reasons(&plan.steps[0].reasons), [Why::Requested]);
}

#[test]
fn what_is_kept_about_an_object_changes_without_a_change() {
    let base = || thing("r/a").set("x", 1);
    let state = applied(&[thing("r/b"), base()]);
    let (mut moved_over, mut exclusive) = (base(), base());
    moved_over.0.resource = "s".into();
    exclusive.0.exclusive = Some("one".into());
    let wanted = [
        base().after("r/b"),
        base().protect(),
        base().on_delete(OnDelete::Retain),
        base().forced("other"),
        base().key("k"),
        moved_over,
        exclusive,
    ];
    for thing_now in wanted {
        let plan = plan(&[thing("r/b"), thing_now.clone()], &state);
        assert_eq!(changes(&plan), ["keep r/a"], "{thing_now:?}");
        assert!(step(&plan, "r/a").bookkeeping && plan.is_empty() && plan.has_work());
    }
}

#[test]
fn another_place_or_kind_is_a_replace() {
    let state = applied(&[thing("r/a")]);
    let mut elsewhere = thing("r/a");
    elsewhere.0.placement.region = None;
    for wanted in [elsewhere, thing("r/a").kind("demo.other")] {
        let plan = plan(&[wanted], &state);
        assert_eq!(changes(&plan), ["replace r/a"]);
        assert!(step(&plan, "r/a").reasons[0].forces_replace && step(&plan, "r/a").undecided.is_empty());
    }
}

#[test]
fn what_is_missing_is_made_again_with_a_new_identity() {
    let things = [
        thing("r/vpc"),
        thing("r/subnet").lives_in("vpc", "r/vpc"),
        thing("r/free").set("x", to("r/vpc.fixed")),
    ];
    let mut state = applied(&things);
    let asked = Asked::default().seen(&state, "r/vpc", Observation::Missing);
    let plan = asked.plan(&things, &state).unwrap();
    assert_eq!(changes(&plan), ["create r/vpc", "update r/free", "replace r/subnet"]);
    let vpc = step(&plan, "r/vpc");
    let old = state.objects[&Address::new("r/vpc")].uid.clone();
    assert_eq!((reasons(&vpc.reasons), &vpc.gone), (vec![Why::Drifted], &Some(old.clone())));
    assert_ne!(vpc.uid, old);
    carry_out(&mut state, &graph(&things), &plan, plan.tasks.len());
    assert!(!super::super::fixture::plan(&things, &state).has_work());
}

#[test]
fn what_was_inside_of_something_gone_is_forgotten() {
    let things = [thing("r/cluster"), thing("r/in").within("r/cluster"), thing("r/old").within("r/cluster")];
    let state = applied(&things);
    let asked = Asked::default().seen(&state, "r/cluster", Observation::Missing).seen(
        &state,
        "r/in",
        Observation::Unreachable { why: "no answer".into() },
    );
    let plan = asked.plan(&things[..2], &state).unwrap();
    assert_eq!(changes(&plan), ["delete r/old", "create r/cluster", "create r/in"]);
    assert!(step(&plan, "r/in").gone.is_some() && step(&plan, "r/old").gone.is_some());
}

#[test]
fn what_cannot_be_reached_is_not_taken_for_gone() {
    let things = [thing("r/cluster"), thing("r/in").within("r/cluster")];
    let state = applied(&things);
    let why = || Observation::Unreachable { why: "no answer".into() };
    let asked = Asked::default().seen(&state, "r/cluster", why()).seen(&state, "r/in", why());
    let plan = asked.plan(&things, &state).unwrap();
    assert!(!plan.has_work());
    assert_eq!(plan.warnings.iter().filter(|warning| warning.code == "unreachable").count(), 2);
}

#[test]
fn drift_is_an_update_and_a_change_behind_our_back_of_an_output_reaches_those_who_use_it() {
    let things = [thing("r/a").set("x", 1), thing("r/b").set("y", to("r/a.id"))];
    let state = applied(&things);
    let seen = Observation::Present {
        inputs: tree!({ "x": 2, "theirs": 3 }),
        outputs: OutputMap::from([("id".to_owned(), tree!("other"))]),
    };
    let plan = Asked::default().seen(&state, "r/a", seen).plan(&things, &state).unwrap();
    assert_eq!(changes(&plan), ["update r/a", "update r/b"]);
    let reason = &step(&plan, "r/a").reasons[0];
    assert_eq!((reason.why, reason.old.clone()), (Why::Drifted, Some(2.into())));
    assert_eq!(step(&plan, "r/b").reasons[0].new, Some("other".into()));
}

#[test]
fn drift_of_a_field_that_cannot_change_in_place_is_a_replace() {
    let things = [thing("r/a").set("x", 1).forced("x")];
    let state = applied(&things);
    let plan =
        Asked::default().seen(&state, "r/a", present(tree!({ "x": 2 }))).plan(&things, &state).unwrap();
    assert_eq!(changes(&plan), ["replace r/a"]);
}

#[test]
fn another_spelling_is_neither_change_nor_drift() {
    let with = |cpu: &str| [thing("r/a").set("cpu", cpu).normalised("cpu", Normal::Quantity)];
    let state = applied(&with("1"));
    let asked = Asked::default().seen(&state, "r/a", present(tree!({ "cpu": "1000m" })));
    assert!(!asked.plan(&with("1"), &state).unwrap().has_work());
    assert!(plan(&with("1000m"), &state).is_empty());
}

#[test]
fn an_unfinished_create_is_resumed_under_its_identity() {
    let with = |x: i32, forced: i32| [thing("r/a").set("x", x).set("f", forced).forced("f")];
    let mut state = applied(&with(1, 1));
    break_off_create(&mut state, "r/a");
    let uid = state.objects[&Address::new("r/a")].uid.clone();
    let resumed = plan(&with(2, 1), &state);
    let resumed = step(&resumed, "r/a");
    assert_eq!(
        (resumed.action, &resumed.uid, resumed.reasons[0].why),
        (Action::Create, &uid, Why::Incomplete)
    );
    let replaced = plan(&with(1, 2), &state);
    let replaced = step(&replaced, "r/a");
    assert_eq!((replaced.action, replaced.order), (Action::Replace, Some(super::super::Order::DeleteFirst)));
    let missing =
        Asked::default().seen(&state, "r/a", Observation::Missing).plan(&with(1, 1), &state).unwrap();
    assert_eq!(step(&missing, "r/a").uid, uid, "an open intent keeps its identity");
}

#[test]
fn what_is_uncertain_is_never_kept() {
    let things = [thing("r/a").set("x", 1)];
    let mut state = applied(&things);
    let record = state.objects.get_mut(&Address::new("r/a")).unwrap();
    record.status = Status::Uncertain;
    let again = plan(&things, &state);
    assert_eq!(
        (changes(&again), again.steps[0].reasons[0].why),
        (vec!["update r/a".to_owned()], Why::Uncertain)
    );
    assert_eq!(changes(&plan(&[], &state)), ["delete r/a"]);
    let record = state.objects.get_mut(&Address::new("r/a")).unwrap();
    record.intent = Some(Intent { operation: Operation::Delete, before: Status::Ready, next: None });
    assert_eq!(changes(&plan(&things, &state)), ["replace r/a"], "it may be half deleted");
    let asked = Asked::default().seen(&state, "r/a", present(tree!({ "x": 1 })));
    assert_eq!(changes(&asked.plan(&things, &state).unwrap()), ["update r/a"], "it was seen alive");
}

#[test]
fn what_a_crash_left_behind_is_deleted() {
    let with = |x: i32| [thing("r/a").set("x", x).forced("x"), thing("r/b").set("y", to("r/a.id"))];
    let mut state = applied(&with(1));
    let replace = plan(&with(2), &state);
    assert_eq!(changes(&replace), ["replace r/a", "update r/b"]);
    carry_out(&mut state, &graph(&with(2)), &replace, 1);
    let rest = plan(&with(2), &state);
    assert_eq!(changes(&rest), ["update r/b", "delete r/a"]);
    let left = rest.steps.iter().find(|step| step.deposed).unwrap();
    assert_eq!(reasons(&left.reasons), [Why::Incomplete]);
}

#[test]
fn what_was_superseded_stays_until_what_supersedes_it_is_made() {
    let with = |x: i32| [thing("r/a").set("x", x).forced("x")];
    let mut state = applied(&with(1));
    let replace = plan(&with(2), &state);
    carry_out(&mut state, &graph(&with(2)), &replace, 1);
    break_off_create(&mut state, "r/a");
    let [a] = with(2);
    let wanted = [a.set("y", to("r/new.id")), thing("r/new")];
    let plan = plan(&wanted, &state);
    assert_eq!(changes(&plan), ["create r/new", "create r/a", "delete r/a"]);
    let old = plan.tasks.iter().position(|task| plan.steps[task.step].deposed).unwrap();
    assert!(waits(&plan, old, at(&plan, "r/a", Part::Make)));
}

#[test]
fn what_is_inside_of_something_superseded_goes_before_it_whatever_gives_way() {
    // The cluster's old name is wanted again, so the superseded one has to go before anything is made.
    let cluster = |name: &str| thing("r/c").set("name", name).forced("name").key(name);
    let pod = || thing("r/p").set("x", to("r/c.id")).forced("x");
    let mut state = applied(&[cluster("one"), pod().within("r/c")]);
    let old = state.objects[&Address::new("r/c")].uid.clone();
    state.objects.get_mut(&Address::new("r/p")).unwrap().within = Some(old.clone());
    let moved = [cluster("two"), pod()];
    let replace = plan(&moved, &state);
    assert_eq!(changes(&replace), ["replace r/c", "replace r/p"]);
    carry_out(&mut state, &graph(&moved), &replace, 2);
    assert_eq!(state.deposed.len(), 2);
    let back = plan(&[cluster("one"), pod()], &state);
    let task = |of: &Address| {
        let is_it = |task: &Task| back.steps[task.step].deposed && back.steps[task.step].address == *of;
        back.tasks.iter().position(is_it).unwrap()
    };
    assert!(waits(&back, task(&"r/c".into()), task(&"r/p".into())));
    assert!(waits(&back, at(&back, "r/c", Part::Make), task(&"r/c".into())));
}

#[test]
fn what_is_protected_is_neither_deleted_nor_replaced() {
    let with = |x: i32| [thing("r/a").set("x", x).forced("x").protect(), thing("r/b").protect()];
    let state = applied(&with(1));
    let named = |result: Result<_, PlanError>| match result {
        Err(PlanError::Protected { objects }) => objects,
        other => panic!("{other:?}"),
    };
    assert_eq!(named(Asked::default().plan(&with(2), &state)), [Address::new("r/a")]);
    assert_eq!(named(Asked::destroy().plan(&[], &state)).len(), 2);
    assert_eq!(named(Asked::default().plan(&with(1)[..1], &state)), [Address::new("r/b")]);
    let unprotected = [thing("r/a").set("x", 2).forced("x"), thing("r/b").protect()];
    assert_eq!(changes(&plan(&unprotected, &state)), ["replace r/a"], "what is wanted now counts");
}

#[test]
fn what_is_retained_takes_no_time_and_says_so() {
    let things = [thing("r/a").on_delete(OnDelete::Retain), thing("r/b").on_delete(OnDelete::RetainIfInUse)];
    let plan = Asked::destroy().plan(&[], &applied(&things)).unwrap();
    let codes: Vec<&str> = plan.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["retained", "retained_if_in_use"]);
    assert!(plan.tasks[0].seconds == 0.0 && plan.tasks[1].seconds > 0.0);
}

#[test]
fn what_is_retained_inside_of_what_goes_is_not_said_to_stay() {
    let things = [thing("r/c"), thing("r/a").within("r/c").on_delete(OnDelete::Retain)];
    let state = applied(&things);
    let said = |plan: crate::plan::Plan| plan.warnings[0].message.clone();
    assert!(said(Asked::destroy().plan(&[], &state).unwrap()).contains("goes with r/c"));
    assert!(said(plan(&things[..1], &state)).contains("left in place"));
}

#[test]
fn a_field_with_a_remark_says_it_when_it_changes() {
    let with = |x: i32, y: i32| {
        let mut thing = thing("r/a").set("x", x).set("y", y);
        thing.0.rules = (*thing.0.rules).clone().remark("x", "x reaches new users only").into();
        [thing]
    };
    let remarks = |things: &[Thing]| {
        let plan = plan(things, &applied(&with(1, 1)));
        plan.warnings.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(remarks(&with(2, 1)), ["x reaches new users only"]);
    assert_eq!(remarks(&with(1, 2)), [""; 0]);
}

#[test]
fn a_target_brings_only_its_own_warnings() {
    let things = [thing("r/a").on_delete(OnDelete::Retain), thing("s/b").on_delete(OnDelete::RetainIfInUse)];
    let plan = Asked::targets(&["s"]).plan(&[], &applied(&things)).unwrap();
    let codes: Vec<&str> = plan.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["retained_if_in_use"]);
}

#[test]
fn a_cluster_goes_up_one_minor_version_at_a_time() {
    let with = |version: &str| [thing("r/c").kind("eks.cluster").set("version", version)];
    let state = applied(&with("1.33"));
    assert_eq!(changes(&plan(&with("1.34"), &state)), ["update r/c"]);
    for (to, way) in [("1.35", "1.34"), ("1.32", "1.33")] {
        let error = Asked::default().plan(&with(to), &state).unwrap_err();
        assert!(error.hint().unwrap().contains(way), "{error}");
    }
}

#[test]
fn a_lookup_is_read_when_new_changed_or_seen_to_differ() {
    let with = |arn: &str| {
        [
            thing("r/l").kind("lookup.demo").class(Class::Lookup).set("arn", arn),
            thing("r/s").set("v", to("r/l.fixed")),
        ]
    };
    assert_eq!(changes(&plan(&with("a"), &empty_state())), ["read r/l", "create r/s"]);
    let state = applied(&with("a"));
    assert_eq!(changes(&plan(&with("b"), &state)), ["read r/l", "update r/s"]);
    let seen = Observation::Present {
        inputs: tree!({ "arn": "a" }),
        outputs: OutputMap::from([("fixed".to_owned(), tree!("new"))]),
    };
    let plan = Asked::default().seen(&state, "r/l", seen).plan(&with("a"), &state).unwrap();
    assert_eq!(changes(&plan), ["read r/l", "update r/s"]);
    assert_eq!(plan.summary.update, 1);
}

#[test]
fn a_lookup_that_leaves_is_forgotten_and_not_counted() {
    let mut state = applied(&[thing("r/l").kind("lookup.demo").class(Class::Lookup)]);
    let plan = plan(&[], &state);
    assert!(plan.is_empty() && plan.has_work());
    carry_out(&mut state, &graph(&[]), &plan, plan.tasks.len());
    assert!(state.is_empty());
}

#[test]
fn a_move_keeps_the_object() {
    let old = [thing("r/a").set("x", 1), thing("r/b").set("y", to("r/a.id"))];
    let new = [thing("s/a").set("x", 1), thing("s/b").set("y", to("s/a.id"))];
    let mut state = applied(&old);
    let asked = Asked::moved("r", "s");
    let plan = asked.plan(&new, &state).unwrap();
    assert_eq!((plan.summary.keep, plan.moved.len(), plan.is_empty()), (2, 2, true));
    carry_out(&mut state, &graph(&new), &plan, plan.tasks.len());
    let again = asked.plan(&new, &state).unwrap();
    assert!(!again.has_work(), "a move that was made says nothing");
    let both: Vec<Thing> = old.iter().chain(&new).cloned().collect();
    assert!(matches!(Asked::moved("s", "r").plan(&both, &state), Err(PlanError::Move { .. })));
}

#[test]
fn a_move_onto_something_recorded_is_refused() {
    let state = applied(&[thing("r/a"), thing("r/b")]);
    let error = Asked::moved("r/a", "r/b").plan(&[thing("r/b")], &state).unwrap_err();
    assert!(matches!(error, PlanError::Move { .. }));
}

#[test]
fn secrets_never_show() {
    let key = empty_state().digest_key;
    let digest = |text: &str| Tree::Digest(key.digest(&crate::value::Secret::new(text)));
    let state = applied(&[thing("r/a").set("x", digest("old"))]);
    let plan = plan(&[thing("r/a").set("x", digest("new"))], &state);
    assert_eq!(step(&plan, "r/a").reasons[0].new, Some(serde_json::json!({"$secret": true})));
}

#[test]
fn a_forgotten_object_gets_a_new_identity() {
    let things = [thing("r/a")];
    let mut state = applied(&things);
    let uid = state.objects[&Address::new("r/a")].uid.clone();
    let entry = Entry::Forgotten { address: "r/a".into(), uid: uid.clone(), why: "gone".into() };
    state.apply(&entry).unwrap();
    assert_ne!(step(&plan(&things, &state), "r/a").uid, uid);
}
