//! Plan files and digests.

use super::super::fixture::*;
use super::super::{LatencyTable, Observations, PlanFile, PlanFileError, PlanInput, PlanOptions, digest};
use crate::facts::Facts;
use crate::state::State;
use crate::value::Address;

fn file(things: &[Thing], state: &State, options: &PlanOptions) -> PlanFile {
    let (graph, observations) = (graph(things), Observations::none());
    let input = PlanInput { graph: &graph, state, observations: &observations, options };
    let plan = super::super::build_plan(input).unwrap();
    let text = PlanFile::new(&plan, &input, &Facts::default()).unwrap().to_json().unwrap();
    PlanFile::from_json(&text).unwrap()
}

#[test]
fn a_plan_file_derives_the_plan_that_was_approved() {
    let state = applied(&[thing("r/a").set("x", 1)]);
    let things = [thing("r/a").set("x", 2), thing("r/b").set("y", to("r/a.id"))];
    let approved = plan(&things, &state);
    let again =
        file(&things, &state, &PlanOptions::default()).verify(&state, LatencyTable::default()).unwrap();
    assert_eq!(approved, again);
    let destroy = file(&things, &state, &Asked::destroy().options);
    assert_eq!(changes(&destroy.verify(&state, LatencyTable::default()).unwrap()), ["delete r/a"]);
}

#[test]
fn a_stale_plan_is_refused_with_the_steps_that_differ() {
    let mut state = applied(&[thing("r/a").set("x", 1), thing("r/b")]);
    let saved = file(&[thing("r/a").set("x", 2), thing("r/b")], &state, &PlanOptions::default());
    apply(&mut state, &[thing("r/a").set("x", 2), thing("r/b")]);
    match saved.verify(&state, LatencyTable::default()) {
        Err(PlanFileError::Stale { differences, .. }) => assert_eq!(differences, [Address::new("r/a")]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edited_plan_is_refused() {
    let state = applied(&[thing("r/a").set("x", 1)]);
    let text = file(&[thing("r/a").set("x", 2)], &state, &PlanOptions::default()).to_json().unwrap();
    let edited = text.replacen(r#""inputs":{"x":2}"#, r#""inputs":{"x":3}"#, 1);
    assert_ne!(text, edited);
    let error = PlanFile::from_json(&edited).unwrap().verify(&state, LatencyTable::default()).unwrap_err();
    assert_eq!(error.differences(), [Address::new("r/a")]);
    assert!(matches!(error, PlanFileError::Edited { .. }));
}

#[test]
fn a_file_of_another_stack_or_version_is_refused() {
    let state = applied(&[thing("r/a")]);
    let saved = file(&[thing("r/a")], &state, &PlanOptions::default());
    let mut other = state.clone();
    other.stack.id = "0002".into();
    assert!(matches!(saved.verify(&other, LatencyTable::default()), Err(PlanFileError::OtherStack { .. })));
    let newer = saved.to_json().unwrap().replacen("\"format_version\":1", "\"format_version\":9", 1);
    assert!(matches!(PlanFile::from_json(&newer), Err(PlanFileError::Version { found: 9 })));
    assert!(matches!(PlanFile::from_json("{}"), Err(PlanFileError::Unreadable(_))));
}

#[test]
fn a_digest_covers_all_that_a_plan_rests_on_but_how_long_it_takes() {
    let state = applied(&[thing("r/a").set("x", 1)]);
    let wanted = [thing("r/a").set("x", 2)];
    let (graph, observations) = (graph(&wanted), Observations::none());
    let digest = |asked: Asked, state: &State| {
        let options = &asked.options;
        digest(&PlanInput { graph: &graph, state, observations: &observations, options }).unwrap()
    };
    let plain = digest(Asked::default(), &state);
    assert_eq!(plain, digest(Asked::default(), &state));
    assert_eq!(plain, digest(Asked::latencies(r#"{"default":[9,9]}"#), &state));
    assert_ne!(plain, digest(Asked::targets(&["r"]), &state));
    let mut later = state.clone();
    later.serial += 1;
    assert_ne!(plain, digest(Asked::default(), &later));
    let mut changed = state.clone();
    changed.objects.get_mut(&Address::new("r/a")).unwrap().id = Some("other".into());
    assert_ne!(plain, digest(Asked::default(), &changed));
}
