//! What is found when a world and a state do not agree.

use std::sync::Arc;

use skyplat_core::state::{Status, Uid};
use skyplat_core::value::Address;
use skyplat_mock::faults::Faults;
use skyplat_mock::inspect::{self, Finding};

use crate::engine::{Outcome, bring};

fn standing() -> Outcome {
    bring(&Faults::none(), 64, false)
}

fn uids(findings: &[Finding]) -> Vec<&Uid> {
    findings.iter().map(|finding| &finding.uid).collect()
}

const RULE: &str = "main/karpenter/rule-capacity-reservation";

#[test]
fn a_platform_that_stands_agrees_with_its_state() {
    let Outcome { world, state, .. } = standing();
    assert!(world.len() > 50);
    world.assert_agrees(&state, []);
    world.assert_nothing_dangles();
}

#[test]
fn what_the_state_does_not_know_is_found_but_for_what_is_of_another_stack() {
    let Outcome { world, mut state, .. } = standing();
    let forgotten = state.objects.remove(&Address::new(RULE)).expect("there is such a rule");
    let found = inspect::unknown(&world, &state);
    assert_eq!(uids(&found), [&forgotten.uid]);
    assert!(found[0].to_string().contains(RULE), "{}", found[0]);
    world.assert_agrees(&state, [&forgotten.uid]);
    state.stack.id = "2".into();
    assert_eq!(inspect::unknown(&world, &state), []);
}

#[test]
fn what_the_state_says_is_ready_and_is_gone_is_found() {
    let Outcome { cloud, mut state, .. } = standing();
    let address = Address::new(RULE);
    let uid = state.objects[&address].uid.clone();
    cloud.by_hand().delete(&address).unwrap();
    assert_eq!(uids(&inspect::ghosts(&cloud.world(), &state)), [&uid]);
    state.objects.get_mut(&address).unwrap().status = Status::Uncertain;
    assert_eq!(inspect::ghosts(&cloud.world(), &state), [], "nobody says that it is there");
}

#[test]
fn two_things_for_one_address_are_found_unless_one_is_superseded() {
    let Outcome { world, mut state, .. } = standing();
    let rules = [RULE, "main/karpenter/rule-spot-interruption"];
    let mut other = state.objects.remove(&Address::new(rules[1])).expect("there is another rule");
    let current = state.objects[&Address::new(rules[0])].uid.clone();
    Arc::make_mut(&mut other.node).address = Address::new(rules[0]);
    let other_uid = other.uid.clone();
    // As if the other one had been made for the same address: known by its own, not as superseded.
    state.objects.insert(Address::new("elsewhere"), other.clone());
    let mut expected = vec![&current, &other_uid];
    expected.sort();
    let doubles = inspect::doubles(&world, &state);
    let mut found = uids(&doubles);
    found.sort();
    assert_eq!(found, expected);
    state.objects.remove(&Address::new("elsewhere"));
    state.deposed.insert(other_uid.clone(), other);
    assert_eq!(inspect::doubles(&world, &state), []);
}

#[test]
#[should_panic(expected = "the world and the state of dev/1 disagree")]
fn a_disagreement_fails_a_test() {
    let Outcome { world, mut state, .. } = standing();
    state.objects.pop_first();
    world.assert_agrees(&state, []);
}
