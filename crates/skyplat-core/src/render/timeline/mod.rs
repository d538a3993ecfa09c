//! A picture of a run over time, as SVG: a bar for each step, and the chain of steps that took the longest.
//!
//! ```text
//! Plan, objects ─▶ Timeline ◀─ events        Timeline ─ critical, layout ─▶ svg ─▶ text
//! ```
//!
//! A [`Timeline`] is an event sink's companion: give it every event of a run, and draw when you like. Times are those of
//! the events, which are the run's own. `critical` finds the chain, `layout` says where everything goes, `svg` writes it.
//!
//! ```no_run
//! # use skyplat_core::{engine::Event, graph::ObjectGraph, plan::Plan, render::timeline::Timeline};
//! # fn drawn(plan: &Plan, graph: &ObjectGraph, run: impl FnOnce(&mut dyn FnMut(Event))) -> String {
//! let mut timeline = Timeline::new(plan, graph.nodes().values());
//! run(&mut |event| timeline.take(&event)); // beside whatever else watches the run
//! timeline.svg(None)
//! # }
//! ```

mod critical;
mod layout;
mod svg;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;

use crate::engine::{Event, FinishedStatus, Phase, Totals};
use crate::object::ObjectNode;
use crate::plan::{Action, Part, Plan, TaskId};
use crate::value::Address;

/// What a run did when.
#[derive(Debug, Clone)]
pub struct Timeline {
    operation: String,
    stack: String,
    /// The region of each place (the first part of an address) that lies in one.
    regions: BTreeMap<String, String>,
    bars: Vec<Bar>,
    of: BTreeMap<Address, Vec<TaskId>>,
    /// The run's time as far as it was told.
    now: f64,
    finished: Option<(FinishedStatus, Totals)>,
}

/// One half of a step.
#[derive(Debug, Clone)]
struct Bar {
    address: Address,
    resource: Address,
    kind: String,
    action: Action,
    part: Part,
    /// What had to be done before.
    after: Vec<TaskId>,
    /// What it did when, without gaps.
    spans: Vec<Span>,
    end: End,
    attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    from: f64,
    to: f64,
    doing: Doing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// An attempt, the last one or one that failed.
    Attempt,
    /// The pause before another attempt, and the wait for its turn.
    Pause,
}

/// How a half ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// Nothing was heard of it: nothing had to be done.
    Unheard,
    /// It runs, as far as is known.
    Open,
    Done,
    Failed(String),
    Skipped(String),
    Retained,
}

impl Bar {
    fn start(&self) -> Option<f64> {
        self.spans.first().map(|span| span.from)
    }

    fn stop(&self) -> Option<f64> {
        self.spans.last().map(|span| span.to)
    }

    fn seconds(&self) -> f64 {
        self.stop().unwrap_or(0.0) - self.start().unwrap_or(0.0)
    }

    /// Returns the address as it is called within its own resource.
    fn name(&self) -> &str {
        super::graph::within(&self.address, &self.resource)
    }

    /// Returns whether nothing is made here, but something waited for or read.
    fn waits(&self) -> bool {
        !self.action.is_change()
    }
}

impl Timeline {
    /// Starts with what a run is going to do. The objects, those wanted and those recorded, say which region a place is.
    pub fn new<'a>(plan: &Plan, objects: impl IntoIterator<Item = &'a ObjectNode>) -> Self {
        let mut regions: BTreeMap<String, Option<String>> = BTreeMap::new();
        for node in objects {
            let Some(region) = &node.placement.region else { continue };
            let known = regions
                .entry(place_of(&node.resource).to_owned())
                .or_insert_with(|| Some(region.as_str().to_owned()));
            if known.as_deref() != Some(region.as_str()) {
                *known = None;
            }
        }
        let bars: Vec<Bar> = plan
            .tasks
            .iter()
            .map(|task| {
                let step = &plan.steps[task.step];
                Bar {
                    address: step.address.clone(),
                    resource: step.resource.clone(),
                    kind: step.kind.to_string(),
                    action: step.action,
                    part: task.part,
                    after: task.after.clone(),
                    spans: Vec::new(),
                    end: End::Unheard,
                    attempts: 0,
                }
            })
            .collect();
        let mut of: BTreeMap<Address, Vec<TaskId>> = BTreeMap::new();
        for (task, bar) in bars.iter().enumerate() {
            of.entry(bar.address.clone()).or_default().push(task);
        }
        Self {
            operation: "run".to_owned(),
            stack: plan.stack.clone(),
            regions: regions.into_iter().filter_map(|(place, region)| Some((place, region?))).collect(),
            bars,
            of,
            now: 0.0,
            finished: None,
        }
    }

    /// Takes one event of the run. Those of steps that are not in the plan change nothing.
    pub fn take(&mut self, event: &Event) {
        let (Event::Started { t, .. }
        | Event::Step { t, .. }
        | Event::Progress { t, .. }
        | Event::Warning { t, .. }
        | Event::Finished { t, .. }) = event;
        // Infinity and what is no number do not come from a run.
        if t.is_finite() {
            self.now = self.now.max(*t);
        }
        match event {
            Event::Started { operation, .. } => self.operation.clone_from(operation),
            Event::Step { address, action, phase, part, attempt, error, .. } => {
                let part = part.unwrap_or(match action {
                    Action::Delete | Action::Drain => Part::Remove,
                    _ => Part::Make,
                });
                let Some(task) = self.find(address, part, *phase) else { return };
                let (now, bar) = (self.now, &mut self.bars[task]);
                (bar.action, bar.attempts) = (*action, bar.attempts.max(*attempt));
                bar.moved(*phase, now, error.as_deref().unwrap_or("no reason given"));
            }
            Event::Finished { status, totals, .. } => self.finished = Some((*status, *totals)),
            Event::Progress { .. } | Event::Warning { .. } => {}
        }
    }

    /// Draws the run. `time` says which time it is in (`simulated`), if that needs saying.
    pub fn svg(&self, time: Option<&str>) -> String {
        let mut told = self.clone();
        for bar in told.bars.iter_mut().filter(|bar| bar.end == End::Open) {
            if let Some(last) = bar.spans.last_mut() {
                last.to = told.now;
            }
        }
        let chain = critical::longest_chain(&told.bars);
        svg::write(&told, &layout::place(&told, &chain), &chain, time)
    }

    /// Finds the half that an event is about. Several deletes may go by one address; they are told apart by what can
    /// happen to them next.
    fn find(&self, address: &Address, part: Part, phase: Phase) -> Option<TaskId> {
        let halves = self.of.get(address)?;
        let fits = |bar: &Bar| match phase {
            Phase::Skipped => bar.end == End::Unheard,
            Phase::Started => {
                let pauses = bar.spans.last().is_some_and(|span| span.doing == Doing::Pause);
                bar.end == End::Unheard || (bar.end == End::Open && pauses)
            }
            Phase::Retry | Phase::Done | Phase::Failed | Phase::Retained => bar.end == End::Open,
        };
        halves.iter().copied().find(|task| self.bars[*task].part == part && fits(&self.bars[*task]))
    }
}

impl Bar {
    fn moved(&mut self, phase: Phase, now: f64, error: &str) {
        if let Some(last) = self.spans.last_mut() {
            last.to = now;
        }
        let next = |doing| Span { from: now, to: now, doing };
        match phase {
            Phase::Started => {
                self.spans.push(next(Doing::Attempt));
                self.end = End::Open;
            }
            Phase::Retry => self.spans.push(next(Doing::Pause)),
            Phase::Done => self.end = End::Done,
            Phase::Failed => self.end = End::Failed(error.to_owned()),
            Phase::Skipped => self.end = End::Skipped(error.to_owned()),
            Phase::Retained => self.end = End::Retained,
        }
    }
}

/// Returns the first part of an address: the hub, a region, what lies between regions.
fn place_of(address: &Address) -> &str {
    address.as_str().split('/').next().unwrap_or_default()
}
