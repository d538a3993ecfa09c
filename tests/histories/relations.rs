//! Relations: two ways that must lead to one end, over drawn descriptions and edits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError};
use skyplat::graph::ObjectGraph;
use skyplat::object::ObjectNode;
use skyplat::plan::{Action, Observations, Plan};
use skyplat::state::State;
use skyplat::value::Address;

use crate::acts::{Act, Edit, Wish};
use crate::campaign;
use crate::draws;
use crate::graphs::{Description, Shape};
use crate::invariants::Broken;
use crate::lab::{Asked, Cut, End, Ground, Lab, Limits, Ran};

/// The share of the histories that each relation gets.
const SHARE: u32 = 16;

fn config() -> Config {
    let default = Config::default();
    let cases = (default.cases / SHARE).max(SHARE);
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(crate::seed()), ..default }
}

/// Runs something on a paused clock.
fn simulate<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(future)
}

const LIMITS: Limits = Limits { parallelism: 16, rate: (10, 50) };

fn lab(limits: Limits) -> Lab {
    Lab::new(&Ground::new(), 7, limits)
}

fn asked(graph: Option<&ObjectGraph>) -> Asked<'_> {
    Asked { graph, moved: &[], targets: Vec::new(), refresh: true, cut: Cut::Never }
}

/// A description and an edit of it that loses nothing protected.
fn edited() -> impl Strategy<Value = (Description, Description)> {
    (draws::description(), prop::collection::vec(draws::edit(), 1..6)).prop_map(|(before, edits)| {
        let mut wish =
            Wish { description: before.clone(), limits: LIMITS, seed: 7, faults: 0, moved: Vec::new() };
        for edit in edits
            .into_iter()
            .filter(|edit| !matches!(edit, Edit::Protect(_) | Edit::Move(_) | Edit::Rename(_)))
        {
            wish.edit(edit);
        }
        (before, wish.description)
    })
}

impl Lab {
    /// Brings the stack to a graph; nothing goes wrong.
    async fn bring<'a>(&self, graph: Option<&'a ObjectGraph>) -> Ran<'a> {
        let ran = self.run(&asked(graph)).await.expect("nothing protected is lost");
        let End::Reported(report) = &ran.end else { panic!("{:?}", ran.end) };
        assert_eq!(report.failed().collect::<Vec<_>>(), Vec::<&skyplat::engine::StepReport>::new());
        ran
    }

    fn steps(&self, graph: &ObjectGraph, state: &State) -> Plan {
        self.plan(&asked(Some(graph)), state, &Observations::none()).expect("it can be ordered")
    }
}

/// What a plan says, without what it was derived from.
fn words(plan: &Plan) -> Vec<String> {
    let mut words: Vec<String> = plan.steps.iter().map(|step| format!("{step:?}")).collect();
    words.sort();
    words
}

fn work(plan: &Plan) -> Vec<&Address> {
    let works = plan.steps.iter().filter(|step| step.action != Action::Keep || step.bookkeeping);
    works.map(|step| &step.address).collect()
}

fn rebuilt(nodes: impl IntoIterator<Item = ObjectNode>) -> ObjectGraph {
    let nodes = nodes.into_iter().collect();
    ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).expect("it has the edges of a graph")
}

fn broken(broken: Broken) -> TestCaseError {
    TestCaseError::fail(broken.to_string())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_of_declaration_means_nothing((before, after) in edited()) {
        simulate(async {
            let lab = lab(LIMITS);
            lab.bring(Some(&before.graph())).await;
            let state = lab.state().await;
            let reversed = rebuilt(after.graph().nodes().values().rev().cloned());
            prop_assert_eq!(lab.steps(&after.graph(), &state), lab.steps(&reversed, &state));
            Ok(())
        })?;
    }

    #[test]
    fn everything_renamed_and_moved_is_nothing_to_do(description in draws::description()) {
        simulate(async {
            let lab = lab(LIMITS);
            lab.bring(Some(&description.graph())).await;
            let mut wish = Wish { description, limits: LIMITS, seed: 7, faults: 0, moved: Vec::new() };
            for slot in 0..wish.description.slots.len() {
                wish.edit(Edit::Move(u8::try_from(slot).unwrap()));
            }
            let graph = wish.description.graph();
            let moved = Asked { moved: &wish.moved, ..asked(Some(&graph)) };
            let plan = lab.plan(&moved, &lab.state().await, &Observations::none()).unwrap();
            prop_assert_eq!(work(&plan), Vec::<&Address>::new());
            Ok(())
        })?;
    }

    #[test]
    fn an_apply_split_into_targeted_ones_ends_the_same(
        (before, after) in edited(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        simulate(async {
            let (whole, split) = (lab(LIMITS), lab(LIMITS));
            for lab in [&whole, &split] {
                lab.bring(Some(&before.graph())).await;
            }
            let graph = after.graph();
            let addresses: Vec<String> = graph.nodes().keys().map(ToString::to_string).collect();
            for pick in picks.iter().filter(|_| !addresses.is_empty()) {
                let targets = vec![addresses[pick.index(addresses.len())].clone()];
                split.run(&Asked { targets, ..asked(Some(&graph)) }).await.unwrap();
            }
            for lab in [&whole, &split] {
                lab.bring(Some(&graph)).await;
            }
            let (whole, split) = (whole.picture(&whole.state().await), split.picture(&split.state().await));
            prop_assert_eq!(whole, split);
            Ok(())
        })?;
    }

    #[test]
    fn an_unconnected_object_leaves_the_other_steps_alone((before, after) in edited()) {
        simulate(async {
            let lab = lab(LIMITS);
            lab.bring(Some(&before.graph())).await;
            let state = lab.state().await;
            let mut alone = Description { shape: Shape::Flat, slots: before.slots[..1].to_vec() };
            alone.slots[0].there = true;
            alone.slots[0].name = 200;
            alone.slots[0].traits = 0;
            let without = lab.steps(&after.graph(), &state);
            let nodes = after.graph().nodes().values().chain(alone.graph().nodes().values()).cloned().collect::<Vec<_>>();
            let mut with = lab.steps(&rebuilt(nodes), &state);
            with.steps.retain(|step| step.address.as_str() != "h/n00-200");
            prop_assert_eq!(words(&without), words(&with));
            Ok(())
        })?;
    }

    #[test]
    fn a_second_apply_has_nothing_to_do((before, after) in edited()) {
        simulate(async {
            let lab = lab(LIMITS);
            for description in [&before, &after] {
                lab.bring(Some(&description.graph())).await;
                let graph = description.graph();
                let again = lab.bring(Some(&graph)).await;
                prop_assert_eq!(work(&again.plan), Vec::<&Address>::new());
                prop_assert_eq!(again.entries().count(), 0);
            }
            Ok(())
        })?;
    }

    #[test]
    fn parallelism_changes_neither_the_plan_nor_the_end((before, after) in edited()) {
        simulate(async {
            let mut ends = BTreeSet::new();
            for parallelism in [1, 4, 64] {
                let lab = lab(Limits { parallelism, ..LIMITS });
                lab.bring(Some(&before.graph())).await;
                let graph = after.graph();
                let ran = lab.bring(Some(&graph)).await;
                let world = format!("{:?}", lab.picture(&ran.after));
                let ids: Vec<_> = ran.after.objects.values().map(|record| (record.uid.clone(), record.id.clone())).collect();
                let plan = serde_json::to_string(&ran.plan).unwrap();
                ends.insert(format!("{plan}\n{}\n{world}\n{ids:?}", words(&ran.plan).join("\n")));
            }
            prop_assert_eq!(ends.len(), 1, "{:#?}", ends);
            Ok(())
        })?;
    }

    #[test]
    fn there_and_back_is_where_it_was((before, after) in edited()) {
        simulate(async {
            let lab = lab(LIMITS);
            let graph = before.graph();
            let first = lab.bring(Some(&graph)).await;
            let there = lab.picture(&first.after);
            lab.bring(Some(&after.graph())).await;
            let last = lab.bring(Some(&graph)).await;
            prop_assert_eq!(there, lab.picture(&last.after));
            Ok(())
        })?;
    }

    #[test]
    fn an_edge_that_is_there_already_changes_nothing((before, after) in edited()) {
        simulate(async {
            let lab = lab(LIMITS);
            lab.bring(Some(&before.graph())).await;
            let state = lab.state().await;
            let graph = after.graph();
            let doubled = graph.nodes().values().map(|node| {
                let mut node = node.clone();
                let mut named = BTreeSet::new();
                node.inputs.for_each_ref(&mut |reference| {
                    named.insert(reference.object.clone());
                });
                node.after.extend(named);
                node
            });
            let (one, other) = (lab.steps(&graph, &state), lab.steps(&rebuilt(doubled), &state));
            let actions = |plan: &Plan| plan.steps.iter().map(|step| format!("{} {} {:?}", step.address, step.action, step.reasons)).collect::<BTreeSet<_>>();
            prop_assert_eq!(actions(&one), actions(&other));
            Ok(())
        })?;
    }

    #[test]
    fn a_crash_and_another_run_are_one_run((before, after) in edited(), entries in 0_usize..40, how in 0..3_u8) {
        simulate(async {
            let (whole, cut) = (lab(LIMITS), lab(LIMITS));
            for lab in [&whole, &cut] {
                lab.bring(Some(&before.graph())).await;
            }
            let graph = after.graph();
            let end = match how {
                0 => Cut::FullAfter(entries),
                1 => Cut::KilledAfter(entries),
                _ => Cut::DarkAfter(entries),
            };
            cut.run(&Asked { cut: end, ..asked(Some(&graph)) }).await.unwrap();
            for lab in [&whole, &cut] {
                lab.bring(Some(&graph)).await;
            }
            let (one, other) = (whole.state().await, cut.state().await);
            prop_assert_eq!(whole.picture(&one), cut.picture(&other));
            prop_assert!(other.deposed.is_empty());
            Ok(())
        })?;
    }

    #[test]
    fn a_destroy_after_a_create_leaves_nothing(description in draws::description()) {
        simulate(async {
            let lab = lab(LIMITS);
            lab.bring(Some(&description.graph())).await;
            let ran = lab.bring(None).await;
            prop_assert!(ran.after.is_empty());
            prop_assert_eq!(lab.cloud.world().len(), 0);
            Ok(())
        })?;
    }

    #[test]
    fn the_same_seed_tells_the_same_bytes((wish, acts, seen) in draws::history()) {
        let ground = Ground::new();
        let tell = |seen| campaign::run(&ground, &wish, &acts, seen, true).map_err(broken);
        let (one, other) = (tell(seen.as_deref())?, tell(None)?);
        prop_assert_eq!(one.told, other.told);
    }

    #[test]
    fn a_history_ends_the_same_at_any_parallelism((wish, acts, seen) in draws::history()) {
        let ground = Ground::new();
        let acts: Vec<Act> = acts.into_iter().map(uncut).collect();
        let mut pictures = Vec::new();
        for parallelism in [1, 4, 64] {
            let mut wish = wish.clone();
            wish.limits.parallelism = parallelism;
            let seen = seen.as_deref().filter(|_| parallelism == 1);
            pictures.push(campaign::run(&ground, &wish, &acts, seen, false).map_err(broken)?.picture);
        }
        prop_assert_eq!(&pictures[0], &pictures[1]);
        prop_assert_eq!(&pictures[1], &pictures[2]);
    }
}

/// An operation that comes to its own end: what is cut off at a moment has done more with more hands.
fn uncut(act: Act) -> Act {
    match act {
        Act::Apply { edits, refresh, targets, faults, .. } => {
            Act::Apply { edits, refresh, targets, faults, cut: Cut::Never }
        }
        Act::Destroy { faults, .. } => Act::Destroy { faults, cut: Cut::Never },
        other => other,
    }
}
