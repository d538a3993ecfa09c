//! The engine: runs a plan's tasks through executors, journaling before and after every call.
//!
//! One owner loop, messages in, events out; no locks shared with executors.

mod call;
pub mod context;
pub mod control;
mod decide;
mod emit;
pub mod error;
pub mod event;
mod host;
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
