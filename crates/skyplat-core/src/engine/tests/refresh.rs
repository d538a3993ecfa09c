//! Refresh: batches, what is seen, and taking it into the state.

use super::super::{RefreshTotals, accept};
use super::world::Fault;
use super::*;
use crate::executor::{ErrorKind, OutputMap};
use crate::plan::Observation;
use crate::state::{Effect, Next, Record, Uid};

fn placed() -> ObjectGraph {
    let mut inside = ["p1", "p2"].map(|name| node(name, tree!({ "v": 1 })));
    for pod in &mut inside {
        pod.placement.container = Some("cluster".into());
    }
    let elsewhere = ObjectNode { kind: "test.other".into(), ..node("other", tree!({ "v": 1 })) };
    let gate = ObjectNode { kind: "gate.x".into(), class: Class::Gate, ..node("gate", tree!({})) };
    graph(
        [node("a", tree!({ "v": 1 })), node("cluster", tree!({})), elsewhere, gate].into_iter().chain(inside),
    )
}

async fn refresh(lab: &mut Lab) -> (State, Observations, RefreshTotals) {
    let state = lab.state().await;
    let (engine, context) = (lab.engine(), lab.context());
    lab.world.calls();
    let mut events = Vec::new();
    let mut sink = |event: Event| events.push(event);
    let seen = engine.refresh(&state, &context, &Control::new(), &mut sink).await.unwrap();
    let Some(Event::Finished { refresh: Some(totals), .. }) = events.last() else { panic!("{events:?}") };
    (state, seen, *totals)
}

#[tokio::test(start_paused = true)]
async fn objects_of_one_kind_and_place_are_read_at_once_and_contained_ones_last() {
    let mut lab = Lab::default();
    lab.apply(&placed()).await;
    let (_, seen, totals) = refresh(&mut lab).await;
    assert_eq!(lab.world.calls(), ["read other", "read a cluster", "read p1 p2"]);
    assert_eq!((seen.0.len(), totals), (5, RefreshTotals::default()));
}

#[tokio::test(start_paused = true)]
async fn out_of_reach_is_not_gone() {
    let mut lab = Lab::default();
    lab.apply(&placed()).await;
    lab.world.fault("read a cluster", std::iter::repeat_n(Fault::Before(ErrorKind::Unreachable), 99));
    let (state, seen, totals) = refresh(&mut lab).await;
    assert_eq!((totals.unreachable, totals.missing), (4, 0));
    for name in ["cluster", "p1"] {
        let uid = &state.objects[&Address::new(name)].uid;
        assert!(matches!(seen.get(uid), Some(Observation::Unreachable { .. })));
    }
    assert_eq!(accept(&state, &seen), Vec::new());
}

#[tokio::test(start_paused = true)]
async fn drift_is_seen_and_can_be_taken_into_the_state() {
    let mut lab = Lab::default();
    lab.apply(&placed()).await;
    let state = lab.state().await;
    {
        let mut world = lab.world.look();
        let uid = &state.objects[&Address::new("a")].uid;
        world.things.get_mut(uid).unwrap().inputs = tree!({ "v": 7, "theirs": true });
        world.things.retain(|_, thing| thing.address != "other");
    }
    let (state, seen, totals) = refresh(&mut lab).await;
    assert_eq!((totals.drifted, totals.missing), (1, 1));
    let entries = accept(&state, &seen);
    let mut session = lab.session().await;
    session.append(&entries).await.unwrap();
    drop(session);
    let state = lab.state().await;
    assert_eq!(state.objects[&Address::new("a")].node.inputs, tree!({ "v": 7 }));
    assert!(!state.objects.contains_key(&Address::new("other")));
    assert_eq!(refresh(&mut lab).await.2, RefreshTotals::default());
}

/// An update is done, and its end is not written down; another one that overrides it may have failed.
async fn what_a_cut_off_update_brought_can_be_undone(overridden: bool) {
    let plain = graph([node("a", tree!({ "shade": "dark" })), node("b", tree!({ "v": 1 }))]);
    let mut lab = Lab::default();
    lab.apply(&plain).await;
    let record = lab.state().await.objects[&Address::new("b")].clone();
    let (address, uid) = (Address::new("b"), record.uid.clone());
    let inputs = tree!({ "v": 1, "hue": "dark" });
    lab.world.look().things.get_mut(&uid).unwrap().inputs = inputs.clone();
    let begins = |inputs: Tree, depends_on| {
        let node = ObjectNode { inputs, ..(*record.node).clone() }.into();
        Entry::UpdateBegins { address: address.clone(), uid: uid.clone(), next: Next { node, depends_on } }
    };
    let mut entries = vec![begins(inputs.clone(), BTreeSet::from(["a".into()]))];
    if overridden {
        entries.push(begins(tree!({ "v": 1 }), BTreeSet::new()));
        entries.push(Entry::Failed { address: address.clone(), uid: uid.clone(), effect: Effect::None });
    }
    let mut session = lab.session().await;
    session.append(&entries).await.unwrap();
    drop(session);
    let (state, seen, _) = refresh(&mut lab).await;
    let entries = accept(&state, &seen);
    let mut session = lab.session().await;
    session.append(&entries).await.unwrap();
    drop(session);
    let taken = lab.state().await.objects[&address].clone();
    assert_eq!(taken.node.inputs, inputs);
    assert_eq!((taken.depends_on, taken.intent), (BTreeSet::from(["a".into()]), None));
    lab.world.calls();
    lab.apply(&plain).await;
    assert_eq!(lab.world.calls(), ["update b"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_off_update_may_have_brought_is_taken_in_and_can_be_undone() {
    what_a_cut_off_update_brought_can_be_undone(false).await;
    what_a_cut_off_update_brought_can_be_undone(true).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_open_of_a_superseded_object_says_nothing_about_its_successor() {
    let mut lab = Lab::default();
    lab.apply(&graph([node("a", tree!({})), node("b", tree!({ "v": 1 }))])).await;
    let mut state = lab.state().await;
    let address = Address::new("b");
    let old = state.objects[&address].uid.clone();
    let with = |v: u64| node("b", tree!({ "v": v }));
    let generation = state.next_generation(&address);
    let uid = Uid::new(&state.stack.id, &address, generation);
    let new = Record::planned(with(3), BTreeSet::new(), uid.clone(), generation);
    let next = Next { node: with(2).into(), depends_on: BTreeSet::from(["a".into()]) };
    let outputs = OutputMap::new();
    for entry in [
        Entry::UpdateBegins { address: address.clone(), uid: old.clone(), next },
        Entry::CreateBegins { record: Box::new(new) },
        Entry::Created { address: address.clone(), uid, id: "i".into(), outputs: outputs.clone() },
    ] {
        state.apply(&entry).unwrap();
    }
    let mut seen = Observations::default();
    seen.insert(old.clone(), Observation::Present { inputs: tree!({ "v": 2 }), outputs });
    for entry in accept(&state, &seen) {
        state.apply(&entry).unwrap();
    }
    assert_eq!(*state.objects[&address].node, with(3));
    assert_eq!(state.deposed[&old].depends_on, BTreeSet::from(["a".into()]));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_cancelled_waits_for_nothing() {
    let mut lab = Lab::default();
    lab.apply(&placed()).await;
    lab.world.fault("read other", [Fault::Hangs]);
    let state = lab.state().await;
    let (engine, context, control) = (lab.engine(), lab.context(), Control::new());
    let signal = control.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        signal.cancel();
    });
    let start = tokio::time::Instant::now();
    let result = engine.refresh(&state, &context, &control, &mut |_| {}).await;
    assert!(matches!(result, Err(EngineError::Cancelled)));
    assert_eq!(start.elapsed().as_secs(), 3);
}
