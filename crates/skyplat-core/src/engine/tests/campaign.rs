//! Properties over generated graphs, faults, limits and crashes: the world ends as without them.

use std::time::Duration;

use proptest::prelude::*;

use super::world::Fault;
use super::*;
use crate::executor::ErrorKind;
use crate::plan::{Action, Part};

/// A graph by its edges (each object may refer to earlier ones), with a version that an edit changes.
#[derive(Debug, Clone)]
struct Shape(Vec<(Vec<prop::sample::Index>, u64)>);

impl Shape {
    fn graph(&self, version: i64, keep: impl Fn(usize) -> bool) -> ObjectGraph {
        let name = |n: usize| format!("n{n:02}");
        graph(self.0.iter().enumerate().filter(|(n, _)| keep(*n)).map(|(n, (edges, seconds))| {
            let mut inputs = tree!({ "seconds": (*seconds), "v": (version * i64::try_from(n % 2).unwrap()) });
            // Every third object is replaced by an edit, and so is not the same to who refers to it.
            inputs.set("fixed", tree!((if n % 3 == 0 { version } else { 0 })));
            for edge in edges.iter().filter(|_| n > 0) {
                let to = edge.index(n);
                if keep(to) {
                    inputs.set(&format!("of{to}"), output(&name(to), "id"));
                }
            }
            // Every other object has a key that the world refuses to have twice, and so is replaced delete-first.
            let natural_key = (n % 2 == 0).then(|| tree!((name(n))));
            ObjectNode { natural_key, ..node(&name(n), inputs) }
        }))
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0..20u64), 1..10)
        .prop_map(Shape)
}

fn fault() -> impl Strategy<Value = (String, Vec<Fault>)> {
    let kind = prop_oneof![
        Just(Fault::Before(ErrorKind::Throttled)),
        Just(Fault::Before(ErrorKind::NotYetVisible)),
        Just(Fault::Before(ErrorKind::Retryable)),
        Just(Fault::After(ErrorKind::Retryable)),
        Just(Fault::After(ErrorKind::Fatal)),
        Just(Fault::Panics),
    ];
    let verb = prop_oneof![Just("create"), Just("update"), Just("delete"), Just("find")];
    (verb, 0..10usize, prop::collection::vec(kind, 1..4))
        .prop_map(|(verb, n, faults)| (format!("{verb} n{n:02}"), faults))
}

/// Asserts that nothing was begun before what it depends on was done.
fn assert_order(events: &[Event], graph: &ObjectGraph) {
    let makes = |event: &Event, wanted: Phase| match event {
        Event::Step { address, phase, action, part, .. }
            if *phase == wanted && *action != Action::Delete && *part != Some(Part::Remove) =>
        {
            Some(address.clone())
        }
        _ => None,
    };
    let begun: BTreeSet<Address> = events.iter().filter_map(|event| makes(event, Phase::Started)).collect();
    let mut done = BTreeSet::new();
    for event in events {
        if let Some(address) = makes(event, Phase::Started) {
            for needed in graph.get(&address).map(ObjectNode::depends_on).unwrap_or_default() {
                assert!(!begun.contains(&needed) || done.contains(&needed), "{address} before {needed}");
            }
        }
        done.extend(makes(event, Phase::Done));
    }
}

async fn history(
    shape: Shape,
    faults: Vec<(String, Vec<Fault>)>,
    parallelism: usize,
    crash: Option<u64>,
    dropped: usize,
) {
    let mut lab = Lab::default();
    lab.options.parallelism = parallelism.try_into().unwrap();
    let first = shape.graph(1, |_| true);
    let wanted = shape.graph(2, |n| n != dropped);
    lab.apply(&first).await;
    lab.settled(&first).await;
    for (call, faults) in faults {
        lab.world.fault(&call, faults);
    }
    lab.events.clear();
    match crash {
        Some(seconds) => {
            drop(tokio::time::timeout(Duration::from_secs(seconds), lab.try_apply(Some(&wanted))).await);
        }
        None => {
            lab.apply(&wanted).await;
        }
    }
    assert_order(&lab.events, &wanted);
    assert!(lab.world.look().peak <= parallelism);
    lab.world.heal();
    lab.events.clear();
    lab.apply(&wanted).await;
    assert_order(&lab.events, &wanted);
    lab.settled(&wanted).await;
    assert!(lab.state().await.deposed.is_empty());
    lab.destroy().await;
    assert!(lab.world.addresses().is_empty() && lab.state().await.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever fails and whenever a run is cut off: the next one ends as wanted, and a destroy leaves nothing.
    #[test]
    fn the_next_run_ends_as_wanted(
        shape in shape(),
        faults in prop::collection::vec(fault(), 0..6),
        parallelism in 1..5usize,
        crash in prop::option::of(0..120u64),
        dropped in 0..12usize,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(history(shape, faults, parallelism, crash, dropped));
    }
}
