//! The engine: runs a plan's tasks through executors, journaling before and after every call.
//!
//! ```text
//! Plan ─▶ run (the owner loop) ─ begins ─▶ step, one task each ─ calls ─▶ Executor
//!           │  queue, limits, decide, job       │  retry, call, secrets
//!           │◀── host: journal, permits, turns, secrets in the clear ──┘
//!           ├─▶ StoreSession (entries)   ├─▶ EventSink (events)   └─▶ RunReport
//! ```
//!
//! One owner loop, messages in, events out; no locks shared with executors.
//!
//! * `run`: the loop; it alone owns state, journal, queue and limits. `queue`: what may start next, longest remaining path
//!   first. `limits`: parallelism, exclusive groups, rates. `decide`: what was open at plan time. `job`: what one half of a
//!   step has to do.
//! * `step`: one half of a step from intent to result. `wanted`: its inputs, resolved. `retry`: the table of what is tried
//!   again. `call`: one call, kept in bounds. `host`: what steps and executors ask of the loop. `secrets`: what keeps them
//!   inside.
//! * `read`, [`refresh`], [`outputs`]: reading objects again.
//! * [`event`], [`report`], [`error`]: what comes out. [`control`], [`options`], [`context`]: what goes in.
//!
//! A run in outline:
//!
//! ```no_run
//! # use skyplat_core::{engine::*, executor::Executors, facts::Facts, graph::ObjectGraph, plan::*, state::*};
//! # async fn outline(
//! #     executors: Executors, session: &mut dyn StoreSession, graph: &ObjectGraph, facts: &Facts, run: &RunContext,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(executors, EngineOptions::default());
//! let control = Control::new(); // give a clone to the signal handler
//! let mut show = |event: Event| { /* hand it to a progress display */ };
//!
//! let observations = engine.refresh(session.state(), run, &control, &mut show).await?;
//! let options = PlanOptions::default();
//! let plan = build_plan(PlanInput { graph, state: session.state(), observations: &observations, options: &options })?;
//! let work = Work { plan: &plan, graph, facts, observations: &observations };
//! let report = engine.apply(work, session, run, &control, &mut show).await?;
//! # drop(report);
//! # Ok(())
//! # }
//! ```
//!
//! The engine makes no plans, knows no kinds and never reads a clock but tokio's: on a paused clock a run is a function of
//! plan, seed and executors.

mod call;
pub mod context;
pub mod control;
mod decide;
mod emit;
pub mod error;
pub mod event;
mod half;
mod host;
mod job;
mod limits;
pub mod options;
pub mod outputs;
mod queue;
mod read;
pub mod refresh;
pub mod report;
mod retry;
mod run;
mod secrets;
mod step;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use context::RunContext;
pub use control::Control;
pub use error::EngineError;
pub use event::{Event, EventSink, FinishedStatus, Phase, RefreshTotals, Totals};
pub use options::{EngineOptions, Rate, RateLimits};
pub use outputs::recorded_outputs;
pub use refresh::accept;
pub use report::{RunReport, StepOutcome, StepReport};

use emit::Emitter;
use read::Reading;

use crate::executor::Executors;
use crate::facts::Facts;
use crate::graph::ObjectGraph;
use crate::plan::{Observations, Plan};
use crate::state::{State, StoreSession};
use crate::value::Tree;

/// What is applied: a plan and everything it was derived from but the state.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The graph the plan was made from; empty for a destroy.
    pub graph: &'a ObjectGraph,
    /// The facts that shaped the graph; empty for a destroy.
    pub facts: &'a Facts,
    /// What the plan took as observed; empty without a refresh.
    pub observations: &'a Observations,
}

/// Applies plans and reads the world, through executors.
#[derive(Debug, Clone)]
pub struct Engine {
    executors: Executors,
    options: EngineOptions,
}

impl Engine {
    /// Makes an engine.
    pub fn new(executors: Executors, options: EngineOptions) -> Self {
        Self { executors, options }
    }

    /// Applies a plan. A failed step is in the report, not an error.
    ///
    /// # Errors
    /// When the run as a whole cannot be begun or carried through.
    pub async fn apply(
        &self,
        work: Work<'_>,
        session: &mut dyn StoreSession,
        run: &RunContext,
        control: &Control,
        events: &mut dyn EventSink,
    ) -> Result<RunReport, EngineError> {
        let (executors, options) = (&self.executors, &self.options);
        run::apply(run::Parts { executors, options, work, session, context: run, control, events }).await
    }

    /// Reads every recorded object, in batches of one kind and place. Nothing is written; secrets become digests.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] when the run was told to end. An object that cannot be read is no error: the
    /// observations say so.
    pub async fn refresh(
        &self,
        state: &State,
        run: &RunContext,
        control: &Control,
        events: &mut dyn EventSink,
    ) -> Result<Observations, EngineError> {
        let reading = self.reading(state, run, control);
        refresh::refresh(&reading, &self.executors, state, Emitter::new(events)).await
    }

    /// Resolves the outputs of the platform with secrets in the clear, which are read again; see
    /// [`recorded_outputs`] for the outputs without.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub async fn shown_outputs(
        &self,
        state: &State,
        run: &RunContext,
        control: &Control,
    ) -> Result<BTreeMap<String, Tree>, EngineError> {
        let reading = self.reading(state, run, control);
        outputs::shown_outputs(&reading, &self.executors, state).await
    }

    fn reading(&self, state: &State, run: &RunContext, control: &Control) -> Reading {
        Reading {
            control: control.clone(),
            options: Arc::new(self.options.clone()),
            stack_tag: state.stack.tag(),
            seed: run.seed,
        }
    }
}
