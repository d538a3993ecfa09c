//! A platform comes up and goes: in order, within its limits, in time, and leaves nothing to do and nothing behind.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use skyplat::engine::{EngineOptions, Event, Phase, RateLimits};
use skyplat::mock::inspect;
use skyplat::mock::world::Thing;
use skyplat::object::{Class, ObjectNode};
use skyplat::plan::{Action, Order, Part, PlanError};
use skyplat::state::Uid;
use skyplat::value::Address;
use skyplat::workspace::RunError;
use tokio::time::Instant;

use crate::cases;
use crate::configs::{Size, platform};
use crate::stand::{README, Run, Stand, simulate};
use crate::watch::Notes;

/// When one half of a step began for the first time and ended: places in the stream of events, and seconds.
#[derive(Debug, Clone, Copy)]
struct Span {
    began: (usize, f64),
    ended: Option<(usize, f64)>,
    /// The attempt that is under way.
    attempt: u32,
    /// It failed, and is to be tried again.
    again: bool,
}

type Spans = BTreeMap<(Address, Part), Span>;

/// Reads from the events alone what ran when.
fn spans(run: &Run) -> Spans {
    let mut spans = Spans::new();
    for (at, event) in run.events.iter().enumerate() {
        let Event::Step { t, address, action, phase, part, attempt, .. } = event else { continue };
        let half = part.unwrap_or(match action {
            Action::Delete | Action::Drain => Part::Remove,
            _ => Part::Make,
        });
        let key = (address.clone(), half);
        match phase {
            Phase::Started => match spans.entry(key) {
                Entry::Vacant(entry) => {
                    assert_eq!(*attempt, 1, "{address} began with a later attempt");
                    entry.insert(Span { began: (at, *t), ended: None, attempt: 1, again: false });
                }
                Entry::Occupied(mut entry) => {
                    let span = entry.get_mut();
                    assert!(span.again, "{address} began twice");
                    assert_eq!(*attempt, span.attempt + 1, "{address} began again");
                    (span.attempt, span.again) = (*attempt, false);
                }
            },
            Phase::Retry | Phase::Done | Phase::Retained => {
                let span = spans.get_mut(&key).expect("what fails or ends has begun");
                assert!(!span.again && span.ended.is_none(), "{address}: {phase:?} of nothing under way");
                if *phase == Phase::Retry {
                    span.again = true;
                } else {
                    span.ended = Some((at, *t));
                }
            }
            _ => {}
        }
    }
    spans
}

/// Returns what an object needs: what its fields name, what it is inside of, and what it is to come after.
fn needs(node: &ObjectNode) -> BTreeSet<Address> {
    let mut needs = node.after.clone();
    needs.extend(node.placement.container.clone());
    for tree in [Some(&node.inputs), node.natural_key.as_ref()].into_iter().flatten() {
        tree.for_each_ref(&mut |reference| {
            needs.insert(reference.object.clone());
        });
    }
    needs
}

/// Nothing starts before what it depends on is done; nothing is deleted before all that refers to it is gone, moved to
/// another, or part of the same replace.
pub(crate) fn in_order(run: &Run) {
    let spans = spans(run);
    let before = |key: &(Address, Part), at: usize| {
        spans.get(key).and_then(|span| span.ended).is_some_and(|(ended, _)| ended < at)
    };
    let nodes = run.prepared.description.graph.nodes();
    let order_of = |address: &Address| {
        run.prepared.plan.steps.iter().find(|step| step.address == *address).and_then(|step| step.order)
    };
    for ((address, half), span) in &spans {
        let began = span.began.0;
        if *half == Part::Make {
            for needed in needs(&nodes[address]) {
                let key = (needed.clone(), Part::Make);
                let stands = !spans.contains_key(&key) && run.before.objects.contains_key(&needed);
                assert!(stands || before(&key, began), "{address} began before {needed} was done");
            }
            continue;
        }
        for user in run.before.records().filter(|record| record.depends_on.contains(address)) {
            // What is only looked at, or waited for, refers to nothing behind the API.
            if user.node.class != Class::Owned
                && !spans.contains_key(&(user.node.address.clone(), Part::Remove))
            {
                continue;
            }
            let user = &user.node.address;
            let still = nodes.get(user).is_some_and(|node| needs(node).contains(address));
            let made = (user.clone(), Part::Make);
            let moved = before(&made, began) || (!spans.contains_key(&made) && nodes.contains_key(user));
            let fine = before(&(user.clone(), Part::Remove), began)
                || (moved && (!still || order_of(address).is_some()))
                || (still && order_of(address) == Some(Order::DeleteFirst));
            assert!(fine, "{address} began to go while {user} referred to it");
        }
    }
}

/// No more calls at once than allowed, one at a time in an exclusive group, and no faster than the rates.
pub(crate) fn within_limits(run: &Run, options: &EngineOptions) {
    let notes = run.log.notes();
    let most = notes.calls.iter().map(|call| call.alongside + 1).max().unwrap_or_default();
    assert!(most <= options.parallelism.get(), "{most} calls at once, {} allowed", options.parallelism);

    let recorded = run.before.records().map(|record| &*record.node);
    let all = run.prepared.description.graph.nodes().values().chain(recorded);
    let groups: BTreeMap<&Address, &String> =
        all.filter_map(|node| Some((&node.address, node.exclusive.as_ref()?))).collect();
    let mut busy: BTreeMap<&String, Vec<(Instant, Instant, &Address)>> = BTreeMap::new();
    for call in &notes.calls {
        if let (Some(group), Some(ended)) = (groups.get(&call.address), call.ended) {
            busy.entry(group).or_default().push((call.began, ended, &call.address));
        }
    }
    for (group, mut calls) in busy {
        calls.sort();
        for pair in calls.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{group}: {} and {} at once", pair[0].2, pair[1].2);
        }
    }
    within_rates(&notes, &options.rates);
}

fn within_rates(notes: &Notes, limits: &RateLimits) {
    let mut buckets: BTreeMap<(String, Option<String>), Vec<Instant>> = BTreeMap::new();
    for permit in &notes.permits {
        let is_global = ["iam", "route53", "sts"].contains(&permit.service.as_str());
        let region = permit.placement.region.as_ref().filter(|_| !is_global).map(ToString::to_string);
        buckets.entry((permit.service.clone(), region)).or_default().push(permit.at);
    }
    for ((service, region), mut times) in buckets {
        let rate = limits.services.get(&service).unwrap_or(&limits.default);
        times.sort();
        for (at, first) in times.iter().enumerate() {
            for (count, last) in times[at..].iter().enumerate() {
                // Timers are as fine as a millisecond.
                let passed = last.duration_since(*first) + Duration::from_millis(2);
                let allowed = f64::from(rate.burst) + passed.div_duration_f64(rate.every);
                let calls = f64::from(u32::try_from(count + 1).unwrap());
                assert!(calls <= allowed, "{calls} calls of {service} {region:?} within {passed:?}");
            }
        }
    }
}

/// The whole takes no longer than the longest path and a fair share of all work: nobody idles while something is ready.
/// What is in an exclusive group may have to wait for all the others in it.
pub(crate) fn in_time(run: &Run, parallelism: usize) {
    let spans = spans(run);
    let seconds: BTreeMap<&Address, f64> = spans
        .iter()
        .filter_map(|((address, _), span)| Some((address, span.ended?.1 - span.began.1)))
        .collect();
    let goes = run.prepared.description.graph.nodes().is_empty();
    // What comes before what: what is needed on the way up, who needs it on the way down.
    let mut after: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
    let mut groups: BTreeMap<&Address, &str> = BTreeMap::new();
    let nodes = run.prepared.description.graph.nodes();
    let needs: BTreeMap<&Address, BTreeSet<Address>> = if goes {
        run.before.records().map(|record| (&record.node.address, record.depends_on.clone())).collect()
    } else {
        nodes.iter().map(|(address, node)| (address, needs(node))).collect()
    };
    let recorded = run.before.records().map(|record| &*record.node);
    for node in nodes.values().chain(recorded) {
        if let Some(group) = &node.exclusive {
            groups.insert(&node.address, group);
        }
    }
    for (address, needed) in &needs {
        for needed in needed {
            let Some((needed, _)) = needs.get_key_value(needed) else { continue };
            let (first, second) = if goes { (*address, *needed) } else { (*needed, *address) };
            after.entry(second).or_default().insert(first);
        }
    }
    let mut work_of: BTreeMap<&str, f64> = BTreeMap::new();
    for (address, group) in &groups {
        *work_of.entry(group).or_default() += seconds.get(address).copied().unwrap_or_default();
    }
    let mut longest: BTreeMap<&Address, f64> = BTreeMap::new();
    // The order in which things began is one in which each comes after what it waits for.
    let mut began: Vec<(&Address, usize)> =
        spans.iter().map(|((address, _), span)| (address, span.began.0)).collect();
    began.sort_by_key(|(_, at)| *at);
    for (address, _) in began {
        let own = match groups.get(address) {
            Some(group) => work_of[group],
            None => seconds[address],
        };
        let before = after.get(address).into_iter().flatten();
        let most = before.filter_map(|other| longest.get(other)).fold(0.0_f64, |most, path| most.max(*path));
        longest.insert(address, most + own);
    }
    let path = longest.values().fold(0.0_f64, |most, path| most.max(*path));
    let work: f64 = seconds.values().sum();
    let share = work / f64::from(u32::try_from(parallelism).unwrap());
    let took = run.report.duration.as_secs_f64();
    assert!(took <= (path + share) * 1.001 + 0.1, "{took} s, of a path of {path} s and {work} s of work");
}

/// The volume that the server's claim is bound to. The claim stays with its namespace, so the volume stays when the
/// cluster goes.
const SERVERS_VOLUME: &str = "hub/api-server/release/persistentvolumeclaim-skypilot-state/volume";

/// Takes the platform down and checks that nothing is left of it but what is to stay: the role that all stacks of the
/// account share, and the server's volume.
async fn goes(stand: &Stand) -> Run {
    let staying = |thing: &&Thing| match thing.kind.as_str() {
        "iam.service_linked_role" => true,
        "ec2.volume" => thing.address.as_str() == SERVERS_VOLUME,
        _ => false,
    };
    let stays: BTreeSet<Uid> =
        stand.world().await.things().filter(staying).map(|thing| thing.uid.clone()).collect();
    let down = stand.down().await;
    assert!(stand.state().await.is_empty());
    let world = stand.world().await;
    let left: BTreeSet<Uid> = world.things().map(|thing| thing.uid.clone()).collect();
    assert_eq!(left, stays, "{}", inspect::dump(&world));
    down
}

proptest! {
    #![proptest_config(cases(9))]

    #[test]
    fn a_platform_comes_up_and_goes_and_keeps_every_promise(
        platform in platform(Size::SMALL), parallelism in prop::sample::select(vec![1, 4, 64]),
    ) {
        let text = platform.plain();
        simulate(|| async {
            let stand = Stand::new().parallelism(parallelism);
            let up = stand.up(&text).await;
            in_order(&up);
            within_limits(&up, &stand.options());
            in_time(&up, parallelism);
            stand.is_settled(&text).await;

            let state = stand.state().await;
            if state.records().any(|record| record.node.protect) {
                let refused = stand.try_plan(None, &[]).await;
                assert!(matches!(refused, Err(RunError::Plan(PlanError::Protected { .. }))), "{refused:?}");
                let run = stand.up(&platform.with("protect", None).plain()).await;
                assert!(run.prepared.plan.is_empty());
            }
            let down = goes(&stand).await;
            in_order(&down);
            within_limits(&down, &stand.options());
            in_time(&down, parallelism);
        });
    }
}

#[test]
fn the_platform_of_the_readme_is_up_and_gone_in_the_time_of_its_critical_path() {
    for parallelism in [64, 4, 1] {
        simulate(|| async {
            let stand = Stand::new().parallelism(parallelism);
            let up = stand.up(README).await;
            let down = goes(&stand).await;
            for run in [&up, &down] {
                in_time(run, parallelism);
                let (took, path) = (run.report.duration.as_secs_f64(), run.prepared.plan.forecast.duration_s);
                assert!(parallelism < 64 || took <= 1.02 * path, "{took} s, of a path of {path} s");
            }
        });
    }
}
