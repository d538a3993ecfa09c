//! [`Workspace`]: the stages of a run in order, for one stack.
//!
//! ```text
//! load | lock ─▶ describe (facts, lower) ─▶ refresh ─▶ plan ─▶ judge ─▶ apply ─▶ outputs
//! ```
//!
//! Thin on purpose: every stage is a function of `skyplat-core` that can be called without it. It decides nothing, asks
//! nobody and prints nothing; a front end does that between the stages.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use skyplat_core::config::PlatformConfig;
use skyplat_core::engine::{
    Control, Engine, EngineError, Event, EventSink, RunContext, RunReport, Work, recorded_outputs,
};
use skyplat_core::facts::{FactError, FactSource, Facts};
use skyplat_core::graph::{LowerError, ObjectGraph, ResourceGraph, lower};
use skyplat_core::plan::{
    LatencyTable, Observations, Plan, PlanError, PlanFile, PlanFileError, PlanInput, PlanOptions,
    PlanWarning, build_plan, digest,
};
use skyplat_core::platform::{PlatformError, build_platform, check_account};
use skyplat_core::policy::{Checks, Consents, Subject, Verdict};
use skyplat_core::render::{Exit, Problem};
use skyplat_core::state::{LockOwner, State, StateError, StateStore, StoreSession};
use skyplat_core::value::{Tree, TreeError};

/// One stack and what is needed to work on it.
#[derive(Clone)]
pub struct Workspace {
    /// The stack's name.
    pub stack: String,
    /// Where states are kept.
    pub store: Arc<dyn StateStore>,
    /// Answers what a platform must know of the world.
    pub facts: Arc<dyn FactSource>,
    /// Makes, reads, changes and deletes objects.
    pub engine: Engine,
    /// What a run gets from outside.
    pub run: RunContext,
}

/// Which facts shape the objects, where recorded and fresh ones differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactChoice {
    /// The recorded ones, with a warning.
    Recorded,
    /// The fresh ones.
    Fresh,
}

/// What a configuration describes, lowered.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The objects; empty for a destroy.
    pub graph: ObjectGraph,
    /// The facts that shaped them.
    pub facts: Facts,
    /// What to know before approving a plan of it.
    pub warnings: Vec<PlanWarning>,
}

/// A plan and everything it was made from but the state.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What is wanted.
    pub description: Description,
    /// What was seen of the real world.
    pub observations: Observations,
    /// What will be done.
    pub plan: Plan,
}

impl Prepared {
    fn input<'a>(&'a self, state: &'a State, options: &'a PlanOptions) -> PlanInput<'a> {
        PlanInput { graph: &self.description.graph, state, observations: &self.observations, options }
    }
}

/// A stage that did not work.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration makes no platform, or one for another account.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The world could not be asked.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// A resource cannot be built as described.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// What is wanted cannot be reached from what is.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The run could not be begun or carried through.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An output of the platform does not resolve to a value.
    #[error("cannot resolve the outputs")]
    Outputs(#[from] TreeError),
    /// A saved plan cannot be applied.
    #[error(transparent)]
    PlanFile(#[from] PlanFileError),
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Platform(error) => error.into(),
            RunError::Fact(error) => error.into(),
            RunError::Lower(error) => error.into(),
            RunError::Plan(error) => error.into(),
            RunError::State(error) => error.into(),
            RunError::Engine(error) => error.into(),
            RunError::PlanFile(error) => error.into(),
            RunError::Outputs(_) => Self::of(&error, Exit::Failed),
        }
    }
}

impl Workspace {
    /// Makes a workspace on a simulated cloud with its states in memory: for tests, and to try things out.
    ///
    /// Executors of your own go before the simulated cloud, which takes whatever kind comes its way:
    /// `Workspace { engine: Engine::new(Executors::new().with(mine).with(cloud), options), ..Workspace::simulated(…) }`.
    #[cfg(feature = "mock")]
    pub fn simulated(stack: &str, cloud: &skyplat_mock::MockCloud) -> Self {
        Self {
            stack: stack.to_owned(),
            store: Arc::new(skyplat_core::state::MemoryStore::new()),
            facts: Arc::new(cloud.clone()),
            engine: Engine::new(
                skyplat_core::executor::Executors::new().with(cloud.clone()),
                skyplat_core::engine::EngineOptions::default(),
            ),
            run: RunContext::fixed("simulated"),
        }
    }

    /// Returns who locks the stack in this run and process, to do what.
    pub fn owner(&self, who: &str, operation: &str) -> LockOwner {
        LockOwner {
            who: who.to_owned(),
            process: std::process::id(),
            operation: operation.to_owned(),
            run_id: self.run.run_id.clone(),
            since: self.run.now.to_string(),
        }
    }

    /// Reads the stack's state without locking it.
    ///
    /// # Errors
    /// When there is no such stack, or its state cannot be read.
    pub async fn load(&self) -> Result<State, RunError> {
        load(self.store.as_ref(), &self.stack).await
    }

    /// Locks the stack for writing; a stack that does not exist is made from `fresh`.
    ///
    /// # Errors
    /// When someone else works on it, or its state cannot be read or written.
    pub async fn lock(&self, fresh: State, owner: &LockOwner) -> Result<Box<dyn StoreSession>, RunError> {
        Ok(self.store.lock(fresh, owner).await?)
    }

    /// Turns a configuration into objects, with the facts it needs.
    ///
    /// # Errors
    /// When the world cannot be asked, or a resource cannot be built as described.
    pub async fn describe(
        &self,
        config: &PlatformConfig,
        recorded: &Facts,
        choice: FactChoice,
    ) -> Result<Description, RunError> {
        let resources = build_platform(config, &self.stack)?;
        let fresh = self.facts.answer(&resources.questions()).await?;
        check_account(config, &fresh)?;
        lower_with(&resources, fresh, recorded, choice)
    }

    /// Turns resources into objects, with the facts they need: those of [`build_platform`] with some of your own beside
    /// them, or a graph made of other resources altogether. An account that the configuration pins is not checked.
    ///
    /// # Errors
    /// When the world cannot be asked, or a resource cannot be built as described.
    pub async fn describe_resources(
        &self,
        resources: &ResourceGraph,
        recorded: &Facts,
        choice: FactChoice,
    ) -> Result<Description, RunError> {
        let fresh = self.facts.answer(&resources.questions()).await?;
        lower_with(resources, fresh, recorded, choice)
    }

    /// Reads every recorded object; nothing is written.
    ///
    /// # Errors
    /// When the run was cancelled or a kind has no executor.
    pub async fn observe(
        &self,
        state: &State,
        control: &Control,
        events: &mut dyn EventSink,
    ) -> Result<Observations, RunError> {
        Ok(self.engine.refresh(state, &self.run, control, events).await?)
    }

    /// Plans what leads from the state to the description.
    ///
    /// # Errors
    /// When a protected object would go, a target is unknown, or a step cannot be taken.
    pub fn plan(
        &self,
        description: Description,
        state: &State,
        observations: Observations,
        options: &PlanOptions,
    ) -> Result<Prepared, RunError> {
        let input = PlanInput { graph: &description.graph, state, observations: &observations, options };
        let mut plan = build_plan(input)?;
        plan.warnings.extend(description.warnings.iter().cloned());
        Ok(Prepared { description, observations, plan })
    }

    /// Runs policy checks on what was prepared; `state` is what it was planned with. An error in the verdict is for the
    /// caller to act on: [`apply`](Self::apply) does not ask.
    pub fn judge(&self, prepared: &Prepared, state: &State, checks: &Checks, consents: &Consents) -> Verdict {
        checks.judge(&Subject::new(&prepared.description.graph, Some(&prepared.plan), state), consents)
    }

    /// Puts a prepared plan on paper, to be applied later. `state` and `options` are those it was planned with.
    ///
    /// # Errors
    /// When an observation holds a secret in the clear; those of [`observe`](Self::observe) hold none.
    pub fn plan_file(
        &self,
        prepared: &Prepared,
        state: &State,
        options: &PlanOptions,
    ) -> Result<PlanFile, RunError> {
        let input = prepared.input(state, options);
        Ok(PlanFile::new(&prepared.plan, &input, &prepared.description.facts)?)
    }

    /// Returns the digest of a prepared plan, by which one that was approved is known again. `state` and `options` are
    /// those it was planned with.
    ///
    /// # Errors
    /// As for [`plan_file`](Self::plan_file).
    pub fn digest(
        &self,
        prepared: &Prepared,
        state: &State,
        options: &PlanOptions,
    ) -> Result<String, RunError> {
        Ok(digest(&prepared.input(state, options)).map_err(PlanFileError::Unwritable)?)
    }

    /// Derives a saved plan again.
    ///
    /// # Errors
    /// When it is no longer the plan that was approved.
    pub fn prepare_saved(&self, file: PlanFile, state: &State) -> Result<Prepared, RunError> {
        let plan = file.verify(state, LatencyTable::default())?;
        let PlanFile { graph, facts, observations, .. } = file;
        Ok(Prepared { description: Description { graph, facts, warnings: Vec::new() }, observations, plan })
    }

    /// Applies what was prepared. A step that fails is in the report.
    ///
    /// # Errors
    /// When the run as a whole could not be begun or carried through.
    pub async fn apply(
        &self,
        prepared: &Prepared,
        session: &mut dyn StoreSession,
        control: &Control,
        events: &mut dyn EventSink,
    ) -> Result<RunReport, RunError> {
        let Prepared { description, observations, plan } = prepared;
        let work = Work { plan, graph: &description.graph, facts: &description.facts, observations };
        let report = self.engine.apply(work, session, &self.run, control, events).await?;
        session.compact().await?;
        Ok(report)
    }

    /// Returns the outputs of the platform; secrets in the clear, read again, only when they are to be shown.
    ///
    /// # Errors
    /// When a secret that is to be shown cannot be read.
    pub async fn outputs(
        &self,
        state: &State,
        show_secrets: bool,
        control: &Control,
    ) -> Result<BTreeMap<String, Tree>, RunError> {
        if show_secrets {
            return Ok(self.engine.shown_outputs(state, &self.run, control).await?);
        }
        Ok(recorded_outputs(state)?)
    }
}

/// Lowers resources with the facts that were chosen, and says where fresh ones differ from recorded ones.
fn lower_with(
    resources: &ResourceGraph,
    fresh: Facts,
    recorded: &Facts,
    choice: FactChoice,
) -> Result<Description, RunError> {
    let (facts, differences) = match choice {
        FactChoice::Recorded => Facts::merge(recorded, &fresh),
        FactChoice::Fresh => (fresh, Vec::new()),
    };
    let warnings = differences
        .into_iter()
        .map(|difference| PlanWarning {
            code: "fact_changed".to_owned(),
            address: None,
            message: format!(
                "{} has another answer than when it was recorded; the recorded one is kept, because another \
                 would change existing objects (--refresh-facts takes the new one)",
                difference.question
            ),
        })
        .collect();
    Ok(Description { graph: lower(resources, &facts)?, facts, warnings })
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace")
            .field("stack", &self.stack)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// Reads the state of a stack that must be there, without locking it.
///
/// # Errors
/// When there is no such stack, or its state cannot be read.
pub async fn load(store: &dyn StateStore, stack: &str) -> Result<State, RunError> {
    if let Some(state) = store.load(stack).await? {
        return Ok(state);
    }
    let known = store.list().await?;
    Err(StateError::UnknownStack { name: stack.to_owned(), known }.into())
}

/// Takes events and forgets them, for a stage that nobody watches.
pub fn unwatched() -> impl EventSink {
    |_: Event| ()
}
