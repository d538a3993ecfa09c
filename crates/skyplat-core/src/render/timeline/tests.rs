//! Runs that are made up, drawn, and read back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::critical::longest_chain;
use super::layout::{LEFT, RIGHT, WIDTH, place};
use super::{End, Timeline};
use crate::engine::{Event, FinishedStatus, Phase, Totals};
use crate::plan::{Action, Part, Plan};
use crate::render::fixture::{graph, plan, plan_of_creates, step};
use crate::value::Address;

fn event(t: f64, plan: &Plan, step: usize, phase: Phase, attempt: u32, error: Option<&str>) -> Event {
    let step = &plan.steps[step];
    Event::Step {
        t,
        address: step.address.clone(),
        kind: step.kind.clone(),
        action: step.action,
        phase,
        part: None,
        attempt,
        error: error.map(str::to_owned),
    }
}

fn finished(t: f64, status: FinishedStatus, totals: Totals) -> Event {
    Event::Finished { t, status, totals, duration_s: t, refresh: None }
}

/// A cluster that fails after a subnet that was tried twice.
fn failed_run() -> Timeline {
    let plan = plan_of_creates();
    let mut timeline = Timeline::new(&plan, graph().nodes().values());
    let started = Event::Started { t: 0.0, operation: "apply".into(), stack: "dev".into(), steps: 4 };
    timeline.take(&started);
    let events = [
        (0.0, 0, Phase::Started, 1, None),
        (3.0, 0, Phase::Done, 1, None),
        (3.0, 1, Phase::Started, 1, None),
        (4.0, 1, Phase::Retry, 1, Some("Rate exceeded")),
        (6.0, 1, Phase::Started, 2, None),
        (8.0, 1, Phase::Done, 2, None),
        (10.0, 2, Phase::Started, 1, None),
        (70.0, 2, Phase::Failed, 1, Some("the account may hold 100 clusters & has \"100\"")),
        (70.0, 3, Phase::Skipped, 0, Some("because of hub/eks/cluster")),
    ];
    for (t, step, phase, attempt, error) in events {
        timeline.take(&event(t, &plan, step, phase, attempt, error));
    }
    let totals = Totals { created: 2, failed: 1, skipped: 1, ..Totals::default() };
    timeline.take(&finished(70.0, FinishedStatus::Failed, totals));
    timeline
}

/// Returns the elements that stand for steps, by address.
fn steps<'a, 'i>(document: &'a Document<'i>) -> BTreeMap<(&'a str, &'a str), Vec<Node<'a, 'i>>> {
    let mut steps: BTreeMap<_, Vec<Node<'a, 'i>>> = BTreeMap::new();
    for node in document.descendants().filter(|node| node.attribute("class") == Some("step")) {
        let key = (node.attribute("data-address").unwrap(), node.attribute("data-part").unwrap());
        steps.entry(key).or_default().push(node);
    }
    steps
}

fn classes<'a>(node: &Node<'a, '_>) -> Vec<&'a str> {
    node.children().filter_map(|child| child.attribute("class")).collect()
}

#[test]
fn a_failed_run_has_its_attempts_its_failure_and_what_was_not_begun() {
    let svg = failed_run().svg(Some("simulated"));
    insta::assert_snapshot!(svg);
    let document = Document::parse(&svg).unwrap();
    let steps = steps(&document);
    let of = |address| classes(&steps[&(address, "make")][0]);
    assert_eq!(of("hub/vpc/vpc"), ["make", "chain", "label"]);
    assert_eq!(of("hub/vpc/subnet"), ["make", "retry", "pause", "make", "chain", "label"]);
    assert_eq!(of("hub/eks/cluster"), ["bad", "chain", "cross", "label end"]);
    assert_eq!(of("hub/eks/ready"), ["skip", "label end"]);
}

#[test]
fn the_chain_says_where_it_waited_for_a_turn() {
    let svg = failed_run().svg(None);
    for line in ["waiting for a turn", "+ hub/eks/cluster (eks.cluster)", "1 min", "class=\"link turn\""] {
        assert!(svg.contains(line), "{line} is not in {svg}");
    }
    assert!(svg.contains(">apply of dev: 4 steps in 1 min 10 s<"), "{svg}");
}

#[test]
fn a_run_in_which_nothing_was_done_is_a_picture_too() {
    let plan = plan_of_creates();
    let svg = Timeline::new(&plan, []).svg(None);
    let document = Document::parse(&svg).unwrap();
    assert!(steps(&document).is_empty() && svg.contains("It has not come to its end."));
    assert!(svg.contains("No step was begun.") && !svg.contains("class=\"grid\""));
}

#[test]
fn both_halves_of_a_replace_have_their_bars_and_a_deposed_object_its_own() {
    let mut plan = plan(
        vec![
            step("hub/vpc/subnet", "ec2.subnet", Action::Replace, vec![]),
            step("hub/vpc/subnet", "ec2.subnet", Action::Delete, vec![]),
        ],
        &[1.0, 1.0, 1.0],
        Vec::new(),
    );
    plan.tasks[1] = crate::plan::Task { step: 0, part: Part::Remove, ..plan.tasks[1].clone() };
    plan.tasks[2] = crate::plan::Task { step: 1, part: Part::Remove, ..plan.tasks[2].clone() };
    let mut timeline = Timeline::new(&plan, []);
    let half = |t, step, part, phase| {
        let mut told = event(t, &plan, step, phase, 1, None);
        if let Event::Step { part: at, .. } = &mut told {
            *at = part;
        }
        told
    };
    for (t, step, part) in [(0.0, 0, Some(Part::Make)), (5.0, 0, Some(Part::Remove)), (9.0, 1, None)] {
        timeline.take(&half(t, step, part, Phase::Started));
        timeline.take(&half(t + 4.0, step, part, Phase::Done));
    }
    let svg = timeline.svg(None);
    let document = Document::parse(&svg).unwrap();
    let steps = steps(&document);
    assert_eq!(steps[&("hub/vpc/subnet", "make")].len(), 1);
    assert_eq!(steps[&("hub/vpc/subnet", "remove")].len(), 2);
}

/// How a made-up step goes.
#[derive(Debug, Clone)]
struct Fate {
    after: Vec<usize>,
    attempts: Vec<u32>,
    fails: bool,
    kept: bool,
    action: Action,
}

fn made_up() -> impl Strategy<Value = Vec<Fate>> {
    let action =
        prop_oneof![Just(Action::Create), Just(Action::Update), Just(Action::Wait), Just(Action::Read),];
    let one = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        prop::collection::vec(0_u32..400, 1..4),
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.1),
        action,
    );
    prop::collection::vec(one, 1..140).prop_map(|parts| {
        let part = |(at, (after, attempts, fails, kept, action)): (
            usize,
            (Vec<prop::sample::Index>, _, _, _, _),
        )| {
            let after =
                if at == 0 { Vec::new() } else { after.iter().map(|index| index.index(at)).collect() };
            Fate { after, attempts, fails, kept, action }
        };
        parts.into_iter().enumerate().map(part).collect()
    })
}

/// Runs what was made up, one step after the other in order of time, as many at once as `slots` allows.
fn run(parts: &[Fate], slots: usize, name: &str, message: &str) -> (Plan, Timeline) {
    let steps = parts.iter().enumerate().map(|(at, part)| {
        step(&format!("p{}{name}/r{}/o{at}{name}", at % 3, at % 7), "ec2.vpc", part.action, vec![])
    });
    let mut plan = plan(steps.collect(), &vec![1.0; parts.len()], Vec::new());
    for (task, part) in plan.tasks.iter_mut().zip(parts) {
        task.after.clone_from(&part.after);
    }
    let mut events: Vec<Event> = Vec::new();
    // When each ends, whether what needs it may begin, and when the slots are free.
    let mut ends: Vec<(f64, bool)> = Vec::new();
    let mut free = vec![0.0_f64; slots];
    for (at, part) in parts.iter().enumerate() {
        let ready = part.after.iter().map(|before| ends[*before].0).fold(0.0, f64::max);
        if part.after.iter().any(|before| !ends[*before].1) {
            events.push(event(ready, &plan, at, Phase::Skipped, 0, Some(message)));
            ends.push((ready, false));
            continue;
        }
        if part.kept {
            ends.push((ready, true));
            continue;
        }
        let slot = (0..slots).min_by(|a, b| free[*a].total_cmp(&free[*b])).unwrap();
        let mut t: f64 = if slots >= parts.len() { ready } else { ready.max(free[slot]) };
        for (attempt, seconds) in (1..).zip(&part.attempts) {
            events.push(event(t, &plan, at, Phase::Started, attempt, None));
            t += f64::from(*seconds);
            let last = attempt as usize == part.attempts.len();
            let phase = match (last, part.fails) {
                (false, _) => Phase::Retry,
                (true, true) => Phase::Failed,
                (true, false) => Phase::Done,
            };
            events.push(event(t, &plan, at, phase, attempt, (phase != Phase::Done).then_some(message)));
            t += if last { 0.0 } else { 2.0 };
        }
        free[slot] = t;
        ends.push((t, !part.fails));
    }
    let time = |event: &Event| if let Event::Step { t, .. } = event { *t } else { 0.0 };
    events.sort_by(|a, b| time(a).total_cmp(&time(b)));
    let over = events.last().map_or(0.0, time);
    let mut timeline = Timeline::new(&plan, []);
    for event in events {
        timeline.take(&event);
    }
    timeline.take(&finished(over, FinishedStatus::Succeeded, Totals::default()));
    (plan, timeline)
}

/// Returns whether `task` needs `before`, directly or through steps that have no bar.
fn needs(timeline: &Timeline, task: usize, before: usize) -> bool {
    timeline.bars[task]
        .after
        .iter()
        .any(|at| *at == before || (timeline.bars[*at].spans.is_empty() && needs(timeline, *at, before)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_picture_is_well_formed_and_whole(
        parts in made_up(), slots in 1_usize..200, name in "\\PC{0,12}|[&<>\"'\\]]{0,6}", message in any::<String>(),
    ) {
        let (_, timeline) = run(&parts, slots, &name.replace('/', "|"), &message);
        let svg = timeline.svg(Some(&message));
        let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{error} in {svg}"));
        let root = document.root_element();
        let height: f64 = root.attribute("height").unwrap().parse().unwrap();
        let steps = steps(&document);
        let heard = timeline.bars.iter().filter(|bar| bar.end != End::Unheard).count();
        prop_assert_eq!(steps.len(), heard, "each step appears");
        prop_assert!(steps.values().all(|nodes| nodes.len() == 1), "each step appears once");
        for rect in steps.values().flatten().flat_map(Node::children).filter(|node| node.has_tag_name("rect")) {
            let number = |name: &str| -> f64 { rect.attribute(name).unwrap().parse().unwrap() };
            prop_assert!(number("x") >= LEFT - 0.1 && number("x") + number("width") <= RIGHT + 0.1);
            prop_assert!(number("y") >= 0.0 && number("y") + number("height") <= height);
        }
        for text in document.descendants().filter(|node| node.has_tag_name("text")) {
            prop_assert!(text.attribute("x").unwrap().parse::<f64>().unwrap() <= WIDTH);
        }
    }

    #[test]
    fn the_chain_goes_from_step_to_step_that_needs_it(parts in made_up(), slots in 1_usize..200) {
        let (_, timeline) = run(&parts, slots, "", "");
        let chain = longest_chain(&timeline.bars);
        let bar = |task: usize| &timeline.bars[task];
        for pair in chain.windows(2) {
            prop_assert!(needs(&timeline, pair[1], pair[0]));
            prop_assert!(bar(pair[1]).start() >= bar(pair[0]).stop());
            // Nobody else ended later of what it needs.
            for other in 0..timeline.bars.len() {
                prop_assert!(!needs(&timeline, pair[1], other) || bar(other).stop() <= bar(pair[0]).stop());
            }
        }
        let last = timeline.bars.iter().filter_map(super::Bar::stop).reduce(f64::max);
        prop_assert_eq!(chain.last().and_then(|task| bar(*task).stop()), last);
        if slots >= parts.len() && let (Some(first), Some(last)) = (chain.first(), last) {
            prop_assert_eq!(bar(*first).start(), Some(0.0));
            let worked: f64 = chain.iter().map(|task| bar(*task).seconds()).sum();
            prop_assert!((worked - last).abs() < 1e-6, "with a slot for each, nothing waits for a turn");
        }
    }

    #[test]
    fn bars_of_a_large_run_do_not_cover_each_other(parts in made_up()) {
        let (_, timeline) = run(&parts, 200, "", "");
        let placed: Vec<_> = place(&timeline, &longest_chain(&timeline.bars)).bars.into_values().collect();
        for (at, one) in placed.iter().enumerate() {
            for other in &placed[at + 1..] {
                let apart = (one.y - other.y).abs() >= f64::midpoint(one.height, other.height) - 1e-6;
                prop_assert!(apart || one.to <= other.from || other.to <= one.from, "{one:?} {other:?}");
            }
        }
    }
}

#[test]
fn events_of_other_steps_and_times_that_are_none_change_nothing() {
    let mut timeline = failed_run();
    let before = timeline.svg(None);
    let plan = plan_of_creates();
    let mut strange = event(f64::INFINITY, &plan, 0, Phase::Retry, 1, None);
    timeline.take(&strange);
    if let Event::Step { address, t, .. } = &mut strange {
        (*address, *t) = (Address::new("some/where"), f64::NAN);
    }
    timeline.take(&strange);
    assert_eq!(timeline.svg(None), before);
}
