//! The engine: runs a plan's tasks through executors, journaling before and after every call.
//!
//! One owner loop, messages in, events out; no locks shared with executors.

pub mod context;
pub mod control;
pub mod error;
pub mod event;
pub mod options;
pub mod report;

use std::collections::BTreeMap;

pub use context::RunContext;
pub use control::Control;
pub use error::EngineError;
pub use event::{Event, EventSink, FinishedStatus, Phase, RefreshTotals, Totals};
pub use options::{EngineOptions, Rate, RateLimits};
pub use report::{RunReport, StepOutcome, StepReport};

use crate::executor::Executors;
use crate::facts::Facts;
use crate::graph::ObjectGraph;
use crate::plan::Plan;
use crate::plan::observed::Observations;
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

/// Whether secret outputs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They stay digests.
    Redacted,
    /// They are read again, to be shown.
    Shown,
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
        todo!()
    }

    /// Reads every recorded object. Nothing is written.
    ///
    /// # Errors
    /// When a kind has no executor, or the run was cancelled.
    pub async fn refresh(
        &self,
        state: &State,
        run: &RunContext,
        control: &Control,
        events: &mut dyn EventSink,
    ) -> Result<Observations, EngineError> {
        todo!()
    }

    /// Resolves the outputs of the platform. Redacted secrets are digests, shown ones [`Tree::Secret`].
    ///
    /// # Errors
    /// When a secret that is to be shown cannot be read.
    pub async fn outputs(
        &self,
        state: &State,
        secrets: Secrets,
        run: &RunContext,
        control: &Control,
    ) -> Result<BTreeMap<String, Tree>, EngineError> {
        todo!()
    }
}
