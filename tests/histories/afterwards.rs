//! What is judged when a run is over: its limits, what it told, what it left.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Serialize;
use skyplat::engine::{Event, FinishedStatus, Phase, RunReport, StepOutcome};
use skyplat::mock::World;
use skyplat::object::{Class, ObjectNode};
use skyplat::plan::{Action, Move, Part, Step, Task};
use skyplat::state::{Entry, Record, State, Status, Uid};
use skyplat::value::{Address, Key, Tree};
use tokio::time::Instant;

use crate::graphs::CANARY;
use crate::invariants::{Broken, Checked, I2, I4, I8, edges, has_delete_first, hold};
use crate::lab::{End, Ran};
use crate::watch::Item;

const I6_GROUPS: &str = "I6, exclusive groups hold";
const I6_RATES: &str = "I6, rates hold";
const I9: &str = "I9, siblings of a failed object go on, its dependents do not";
const I11: &str = "I11, no secret comes out";
const TOLD: &str = "what is told is what was done";

/// In any span of time no more calls are let through than the burst and what the rate adds to it.
pub(crate) fn rates(ran: &Ran) -> Checked {
    let (every, burst) = ran.limits.rate;
    let mut times: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
    for item in &ran.items {
        if let Item::Permit(service, at) = item {
            times.entry(service).or_default().push(*at);
        }
    }
    // The clock ticks in milliseconds, and who waits is woken at the next tick.
    let span = Duration::from_millis(every.saturating_sub(2));
    for (service, times) in times {
        for (first, last) in times.iter().zip(times.iter().skip(burst as usize)) {
            let passed = last.duration_since(*first);
            hold!(passed >= span, I6_RATES, "{burst} calls and one more to {service} within {passed:?}");
        }
    }
    Ok(())
}

/// Returns what a step is about, as it is wanted or recorded: by its identity, because a move gives it another address.
fn node_of<'r>(ran: &'r Ran<'_>, step: &Step) -> Option<&'r ObjectNode> {
    let recorded = || ran.before.records().find(|record| record.uid == step.uid);
    ran.graph.get(&step.address).or_else(|| recorded().map(|record| &*record.node))
}

/// One step of a group at a time, from its start to its end, waits between attempts included.
pub(crate) fn groups(ran: &Ran) -> Checked {
    let steps = ran.plan.steps.iter();
    let groups: BTreeMap<&Address, &str> =
        steps.filter_map(|step| Some((&step.address, node_of(ran, step)?.exclusive.as_deref()?))).collect();
    let mut held: BTreeMap<&str, &Address> = BTreeMap::new();
    for event in ran.events() {
        let Event::Step { address, phase, attempt, .. } = event else { continue };
        let Some(group) = groups.get(address).copied() else { continue };
        match phase {
            Phase::Started => {
                let holder = held.insert(group, address);
                // A further attempt begins while the step still holds its group.
                let free = if *attempt > 1 { holder == Some(address) } else { holder.is_none() };
                hold!(free, I6_GROUPS, "{address} is begun while {holder:?} holds {group}");
            }
            Phase::Done | Phase::Failed | Phase::Skipped | Phase::Retained if *attempt > 0 => {
                held.remove(group);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is told is what was done: by the report, by the events, and by the state that is left.
pub(crate) fn told(ran: &Ran) -> Checked {
    let End::Reported(report) = &ran.end else { return Ok(()) };
    let failed: BTreeSet<&Address> = report.failed().map(|step| &step.address).collect();
    let events: BTreeSet<&Address> = ran
        .events()
        .filter_map(|event| match event {
            Event::Step { address, phase: Phase::Failed, .. } => Some(address),
            _ => None,
        })
        .collect();
    hold!(failed == events, TOLD, "{failed:?} failed, events say {events:?}");
    let finished = ran.events().last();
    let Some(Event::Finished { status, totals, .. }) = finished else {
        return Err(Broken { law: TOLD, how: format!("the last event is {finished:?}") });
    };
    hold!((*status, *totals) == (report.status, report.totals), TOLD, "{finished:?} against {report:?}");
    let all = report.steps.iter().all(|step| {
        matches!(step.outcome, StepOutcome::Done | StepOutcome::Kept | StepOutcome::Retained { .. })
    });
    hold!(all == (report.status == FinishedStatus::Succeeded), TOLD, "{:?} with {failed:?}", report.status);
    for (step, report) in ran.plan.steps.iter().zip(&report.steps) {
        let address = &step.address;
        let left = ran.after.record(address, &step.uid);
        let made = |uid: Option<&Uid>| {
            let record = ran.after.objects.get(address);
            record.is_some_and(|record| Some(&record.uid) == uid && record.status == Status::Ready)
        };
        let so = match (&report.outcome, report.action) {
            (StepOutcome::Done, Action::Create | Action::Update) => made(Some(&step.uid)),
            (StepOutcome::Done, Action::Replace) => made(step.new_uid.as_ref()) && left.is_none(),
            (StepOutcome::Done, Action::Delete) | (StepOutcome::Retained { .. }, _) => left.is_none(),
            _ => true,
        };
        hold!(
            so,
            TOLD,
            "{} {address} is told to be {:?}, and {left:?} is left",
            report.action,
            report.outcome
        );
    }
    Ok(())
}

pub(crate) fn no_secret(ran: &Ran) -> Checked {
    let has = |node: &ObjectNode| !node.secret_outputs.is_empty();
    if !ran.graph.nodes().values().any(has) && !ran.before.records().any(|record| has(&record.node)) {
        return Ok(());
    }
    // There are thousands of runs: of four about one is read as it is debugged, and one as it is written down.
    let debugs = match ran.items.len() % 4 {
        0 => true,
        1 => false,
        _ => return Ok(()),
    };
    let mut reader = Reader { debugs, text: String::new() };
    reader.read("the plan", &ran.plan)?;
    for entry in ran.entries() {
        reader.read("the journal", entry)?;
    }
    for event in ran.events() {
        reader.read("an event", event)?;
    }
    let End::Reported(report) = &ran.end else { return Ok(()) };
    hold!(!format!("{report:?}").contains(CANARY), I11, "the report says {report:?}");
    Ok(())
}

/// Reads what comes out of a run.
struct Reader {
    debugs: bool,
    /// Written over: there is much to read.
    text: String,
}

impl Reader {
    fn read(&mut self, what: &str, thing: &(impl fmt::Debug + Serialize)) -> Checked {
        self.text.clear();
        let written = if self.debugs {
            write!(self.text, "{thing:?}").map_err(|error| error.to_string())
        } else {
            serde_json::to_string(thing).map(|json| self.text = json).map_err(|error| error.to_string())
        };
        written.map_err(|how| Broken { law: I11, how })?;
        hold!(!self.text.contains(CANARY), I11, "{what} says {}", self.text);
        Ok(())
    }
}

pub(crate) fn subset(ran: &Ran, report: &RunReport) -> Checked {
    hold!(
        report.steps.len() == ran.plan.steps.len(),
        I8,
        "{} steps of {}",
        report.steps.len(),
        ran.plan.steps.len()
    );
    for (step, told) in ran.plan.steps.iter().zip(&report.steps) {
        let open = !step.undecided.is_empty() || !step.dragged_by.is_empty();
        let within = match (step.action, told.action) {
            (planned, done) if planned == done => true,
            (Action::Update, Action::Keep) | (Action::Replace, Action::Update | Action::Keep) => open,
            _ => false,
        };
        hold!(within, I8, "{} {} became {}", step.action, step.address, told.action);
    }
    Ok(())
}

/// By the plan: nothing is begun that waits for something that failed, and nothing else is skipped because of it.
pub(crate) fn dependents(ran: &Ran, report: &RunReport) -> Checked {
    let plan = &ran.plan;
    // What a replace has superseded shares its address with what superseded it: then there may be two.
    let halves = |address: &Address, action: Action, part: Option<Part>| -> Vec<usize> {
        let goes = matches!(action, Action::Delete | Action::Drain);
        let part = part.unwrap_or(if goes { Part::Remove } else { Part::Make });
        let is_it =
            |at: &usize| plan.tasks[*at].part == part && plan.steps[plan.tasks[*at].step].address == *address;
        (0..plan.tasks.len()).filter(is_it).collect()
    };
    let mut begun = vec![false; plan.tasks.len()];
    let (mut stops, mut may_stop) = (begun.clone(), begun.clone());
    for event in ran.events() {
        let Event::Step { address, action, part, phase, .. } = event else { continue };
        let tasks = halves(address, *action, *part);
        match (phase, &tasks[..]) {
            (Phase::Started, [task]) => begun[*task] = true,
            (Phase::Failed, [task]) => (stops[*task], may_stop[*task]) = (true, true),
            (Phase::Failed, tasks) => tasks.iter().for_each(|task| may_stop[*task] = true),
            _ => {}
        }
    }
    for (at, task) in plan.tasks.iter().enumerate() {
        let waits = task.after.iter().any(|before| stops[*before]);
        let address = &plan.steps[task.step].address;
        hold!(!(waits && begun[at]), I9, "{address} is begun after something it waits for failed");
        stops[at] |= waits;
        may_stop[at] |= task.after.iter().any(|before| may_stop[*before]);
    }
    for (at, step) in report.steps.iter().enumerate() {
        let mut halves = (0..plan.tasks.len()).filter(|task| plan.tasks[*task].step == at);
        let is_skipped = matches!(step.outcome, StepOutcome::Skipped { because_of: Some(_) });
        hold!(
            !is_skipped || halves.any(|task| may_stop[task]),
            I9,
            "{} is skipped without a need",
            step.address
        );
    }
    Ok(())
}

pub(crate) fn siblings(ran: &Ran, report: &RunReport) -> Checked {
    let failed: BTreeSet<&Address> = report.failed().map(|step| &step.address).collect();
    let told_to_end = report.status == FinishedStatus::Cancelled;
    let mut skipped = BTreeSet::new();
    for step in &report.steps {
        if let StepOutcome::Skipped { because_of } = &step.outcome {
            let named = because_of.as_ref().map_or(told_to_end, |cause| failed.contains(cause));
            hold!(named, I9, "{} is skipped because of {because_of:?}", step.address);
            if because_of.is_some() {
                skipped.insert(&step.address);
            }
        }
    }
    let has = |wanted: fn(Action) -> bool| ran.plan.steps.iter().any(|step| wanted(step.action));
    // A gate that waits anew for what it watches may have something else to let go of.
    let lets_go = |task: &Task| task.part == Part::Remove && ran.plan.steps[task.step].action == Action::Wait;
    let removes = has(|action| matches!(action, Action::Delete | Action::Replace | Action::Drain))
        || ran.plan.tasks.iter().any(lets_go);
    let makes =
        has(|action| matches!(action, Action::Create | Action::Update | Action::Replace | Action::Wait));
    let mut after: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
    let needs: BTreeMap<&Address, BTreeSet<Address>> =
        ran.graph.nodes().iter().map(|(address, node)| (address, node.depends_on())).collect();
    // Where things are only removed, what is wanted is kept, and nothing waits for it.
    for (address, needs) in needs.iter().filter(|_| makes || !removes) {
        for need in needs {
            after.entry(need).or_default().insert(address);
            if removes {
                after.entry(address).or_default().insert(need);
            }
        }
    }
    // Records are named as the plan names them.
    let mut before = Cow::Borrowed(&ran.before);
    for Move { from, to } in &ran.plan.moved {
        let moved = Entry::Moved { from: from.clone(), to: to.clone() };
        before.to_mut().apply(&moved).map_err(|error| Broken { law: I9, how: error.to_string() })?;
    }
    let keeps = |record: &Record| {
        ran.plan.steps.iter().any(|step| step.uid == record.uid && step.action == Action::Keep)
    };
    if removes {
        // Where nothing is made, what is kept lets go of others by itself, whatever becomes of what leans on it.
        for record in before.records().filter(|record| makes || !keeps(record)) {
            for need in edges(record) {
                after.entry(&record.node.address).or_default().insert(need);
                if makes {
                    after.entry(need).or_default().insert(&record.node.address);
                }
            }
        }
    }
    let reach = |from: &BTreeSet<&Address>| {
        let mut reached: BTreeSet<Address> = from.iter().copied().cloned().collect();
        let mut work: Vec<&Address> = from.iter().copied().collect();
        while let Some(address) = work.pop() {
            for next in after.get(address).into_iter().flatten() {
                if reached.insert((*next).clone()) {
                    work.push(next);
                }
            }
        }
        reached
    };
    let reached = reach(&failed);
    // What has one natural key with another waits for it without depending on it.
    if !(removes && makes && has_delete_first(ran)) {
        let sibling = skipped.iter().find(|address| !reached.contains(*address));
        hold!(
            sibling.is_none(),
            I9,
            "{sibling:?} is skipped, and depends on nothing that failed ({failed:?})"
        );
    }
    if !(removes && makes) {
        // What a replace has superseded shares its address with what superseded it, and either may have failed.
        let is_one =
            |address: &&Address| report.steps.iter().filter(|step| step.address == **address).count() == 1;
        let reached = reach(&failed.iter().copied().filter(is_one).collect());
        for step in &report.steps {
            let dependent = reached.contains(&step.address) && !failed.contains(&step.address);
            let went_on = matches!(step.outcome, StepOutcome::Done);
            hold!(!(dependent && went_on), I9, "{} goes on, and depends on {failed:?}", step.address);
        }
    }
    Ok(())
}

/// Checks what must hold of the world after a run, whatever its end. `retained` was left in place on purpose, `lost` was
/// taken away behind our back.
pub(crate) fn world(world: &World, state: &State, retained: &BTreeSet<Uid>, lost: &BTreeSet<Uid>) -> Checked {
    let known: BTreeSet<&Uid> = state.records().map(|record| &record.uid).collect();
    for thing in world.things().filter(|thing| thing.tags.contains_key("skyplat:stack")) {
        let ours = known.contains(&thing.uid) || retained.contains(&thing.uid);
        hold!(ours, I2, "{} ({}) is in the world alone", thing.address, thing.uid);
    }
    for record in state.objects.values().filter(|record| record.status == Status::Ready) {
        let there = record.node.class != Class::Owned || world.get(&record.uid).is_some();
        hold!(there || lost.contains(&record.uid), I4, "{} is not there", record.node.address);
    }
    Ok(())
}

/// Checks that what was taken into the state is what there is: the same fields, and where it is a number the same value.
pub(crate) fn taken_in(world: &World, state: &State) -> Checked {
    const TAKEN_IN: &str = "what is accepted is what there is";
    for record in state.records().filter(|record| record.status == Status::Ready) {
        let Some(thing) = world.get(&record.uid) else { continue };
        let (ours, theirs) = (numbers(&record.node.inputs), numbers(&thing.inputs));
        hold!(ours == theirs, TAKEN_IN, "{} has {theirs:?}, recorded is {ours:?}", record.node.address);
    }
    Ok(())
}

/// Returns the fields of inputs by their paths, with those values that are the same on paper.
fn numbers(inputs: &Tree) -> BTreeMap<Vec<&Key>, Option<&Tree>> {
    let mut fields = BTreeMap::new();
    let mut work = vec![(Vec::new(), inputs)];
    while let Some((path, tree)) = work.pop() {
        match tree {
            Tree::Map(map) => {
                work.extend(map.iter().map(|(key, tree)| ([&path[..], &[key]].concat(), tree)));
            }
            Tree::Number(_) => drop(fields.insert(path, Some(tree))),
            _ => drop(fields.insert(path, None)),
        }
    }
    fields
}

/// Checks that a destroy left only what was retained.
pub(crate) fn nothing_left(world: &World, state: &State, retained: &BTreeSet<Uid>) -> Checked {
    const I12: &str = "I12, after a destroy only what is retained is left";
    hold!(state.is_empty(), I12, "the state still has {:?}", state.objects.keys().collect::<Vec<_>>());
    let left = world.things().find(|thing| !retained.contains(&thing.uid));
    hold!(left.is_none(), I12, "{left:?}");
    Ok(())
}

/// Checks how long a run took that nothing went wrong with: the longest path, and what limits added to it.
pub(crate) fn duration(ran: &Ran, report: &RunReport) -> Checked {
    const LIVENESS: &str = "a run takes as long as its longest path and its limits make it";
    let work: f64 = ran.plan.tasks.iter().map(|task| task.seconds + 1.0).sum();
    let in_groups: f64 = ran
        .plan
        .tasks
        .iter()
        .filter(|task| node_of(ran, &ran.plan.steps[task.step]).is_some_and(|node| node.exclusive.is_some()))
        .map(|task| task.seconds)
        .sum();
    let calls = ran.items.iter().filter(|item| matches!(item, Item::Permit(..))).count();
    let (every, _) = ran.limits.rate;
    let waits =
        f64::from(u32::try_from(calls).unwrap_or(u32::MAX)) * Duration::from_millis(every).as_secs_f64();
    let slots = f64::from(u32::try_from(ran.limits.parallelism).unwrap_or(u32::MAX));
    let bound = ran.plan.forecast.duration_s + work / slots + in_groups + waits + 1.0;
    let took = report.duration.as_secs_f64();
    let in_time = took <= bound;
    hold!(in_time, LIVENESS, "it took {took} s where {bound} s are enough");
    Ok(())
}
