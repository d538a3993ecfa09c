//! Plan files: what was approved, to be applied later.
//!
//! A file holds what the plan was derived from, not the plan: applying derives it again from the file and the state, and
//! refuses unless it is the same plan. The steps are kept only to say which of them differ.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::build::{PlanInput, PlanOptions, build_plan};
use super::digest::digest;
use super::error::PlanError;
use super::latency::LatencyTable;
use super::observed::Observations;
use super::step::{FORMAT_VERSION, Move, Plan};
use crate::facts::Facts;
use crate::graph::ObjectGraph;
use crate::policy::Consents;
use crate::state::{Stack, State};
use crate::value::Address;

/// A plan on paper.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanFile {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The stack.
    pub stack: Stack,
    /// The serial of the state it was made from.
    pub serial: u64,
    /// The digest of the plan.
    pub digest: String,
    /// What was asked for: whether to destroy everything.
    pub destroy: bool,
    /// What was asked for: targets.
    pub targets: Vec<Address>,
    /// What was asked for: moves.
    pub moved: Vec<Move>,
    /// What is wanted.
    pub graph: ObjectGraph,
    /// The facts that shaped it.
    pub facts: Facts,
    /// What was seen.
    pub observations: Observations,
    /// The steps as they were shown, to compare with.
    pub steps: Vec<Json>,
    /// What was accepted of the findings of policy checks, by whoever approved it.
    #[serde(default, skip_serializing_if = "Consents::is_empty")]
    pub consents: Consents,
}

/// A plan file that cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The text is no plan file.
    #[error("cannot read the plan file")]
    Unreadable(#[source] serde_json::Error),
    /// An observation holds a secret in the clear, which never goes on paper.
    #[error("cannot write the plan file")]
    Unwritable(#[source] serde_json::Error),
    /// The file was written by another version.
    #[error("the plan file has format version {found}; this version reads {FORMAT_VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// The file belongs to another stack.
    #[error("the plan file is for the stack {file}, not for {stack}")]
    OtherStack {
        /// The file's stack, name and id.
        file: String,
        /// The stack it was to be applied to.
        stack: String,
    },
    /// The state is no longer the one that the plan was made from.
    #[error("the plan is stale: it was made from serial {planned} of the state, which is now at {current}")]
    Stale {
        /// The serial it was made from.
        planned: u64,
        /// The serial of today.
        current: u64,
        /// The steps that would be others today.
        differences: Vec<Address>,
    },
    /// The file does not derive the plan that it claims to be.
    #[error("the plan file was edited: it no longer describes the plan that was approved")]
    Edited {
        /// The steps that differ from those that were shown.
        differences: Vec<Address>,
    },
    /// Today there is no plan at all.
    #[error("the plan cannot be derived again")]
    Plan(#[source] Box<PlanError>),
}

impl PlanFileError {
    /// Returns the steps that differ, if that is what is wrong.
    pub fn differences(&self) -> &[Address] {
        match self {
            Self::Stale { differences, .. } | Self::Edited { differences } => differences,
            _ => &[],
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Plan(error) => error.hint(),
            Self::OtherStack { .. } => Some("select the stack that the plan was made for".into()),
            Self::Unwritable(_) => None,
            Self::Unreadable(_) | Self::Version { .. } | Self::Stale { .. } | Self::Edited { .. } => {
                Some("plan again and look at the new plan".into())
            }
        }
    }
}

impl PlanFile {
    /// Puts a plan on paper, with what it was derived from.
    ///
    /// # Errors
    /// When an observation holds a secret in the clear; those of a refresh hold none.
    pub fn new(plan: &Plan, input: &PlanInput<'_>, facts: &Facts) -> Result<Self, PlanFileError> {
        Ok(Self {
            format_version: plan.format_version,
            stack: input.state.stack.clone(),
            serial: plan.serial,
            digest: digest(input).map_err(PlanFileError::Unwritable)?,
            destroy: input.options.destroy,
            targets: input.options.targets.clone(),
            moved: input.options.moved.clone(),
            graph: if input.options.destroy { ObjectGraph::default() } else { input.graph.clone() },
            facts: facts.clone(),
            observations: input.observations.clone(),
            steps: shown(plan),
            consents: Consents::none(),
        })
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// When an observation holds a secret in the clear.
    pub fn to_json(&self) -> Result<String, PlanFileError> {
        serde_json::to_string(self).map_err(PlanFileError::Unwritable)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is no plan file, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, PlanFileError> {
        let json: Json = serde_json::from_str(text).map_err(PlanFileError::Unreadable)?;
        match json["format_version"].as_u64() {
            Some(found) if found != u64::from(FORMAT_VERSION) => Err(PlanFileError::Version { found }),
            _ => serde_json::from_value(json).map_err(PlanFileError::Unreadable),
        }
    }

    /// Derives the plan again from the file and the state of today.
    ///
    /// # Errors
    /// When the stack is another one, or the plan is no longer the one that was approved.
    pub fn verify(&self, state: &State, latencies: LatencyTable) -> Result<Plan, PlanFileError> {
        if self.stack != state.stack {
            return Err(PlanFileError::OtherStack { file: self.stack.tag(), stack: state.stack.tag() });
        }
        let options = PlanOptions {
            destroy: self.destroy,
            targets: self.targets.clone(),
            moved: self.moved.clone(),
            latencies,
        };
        let input =
            PlanInput { graph: &self.graph, state, observations: &self.observations, options: &options };
        let plan = build_plan(input);
        let is_stale = self.serial != state.serial;
        let plan = match plan {
            Ok(plan) => plan,
            Err(_) if is_stale => {
                return Err(PlanFileError::Stale {
                    planned: self.serial,
                    current: state.serial,
                    differences: Vec::new(),
                });
            }
            Err(error) => return Err(PlanFileError::Plan(Box::new(error))),
        };
        let steps = shown(&plan);
        if is_stale {
            let differences = differences(&self.steps, &steps);
            return Err(PlanFileError::Stale { planned: self.serial, current: state.serial, differences });
        }
        let digest = digest(&input).map_err(PlanFileError::Unreadable)?;
        if self.digest != digest || self.steps != steps {
            return Err(PlanFileError::Edited { differences: differences(&self.steps, &steps) });
        }
        Ok(plan)
    }
}

fn shown(plan: &Plan) -> Vec<Json> {
    plan.steps
        .iter()
        .map(|step| serde_json::to_value(step).expect("a step is plain data with text keys"))
        .collect()
}

/// Returns the addresses of steps that are in only one of two lists, sorted.
fn differences(one: &[Json], other: &[Json]) -> Vec<Address> {
    let texts = |steps: &[Json]| -> BTreeSet<String> { steps.iter().map(Json::to_string).collect() };
    let (left, right) = (texts(one), texts(other));
    let differs = |step: &&Json, others: &BTreeSet<String>| !others.contains(&step.to_string());
    let steps = one
        .iter()
        .filter(|step| differs(step, &right))
        .chain(other.iter().filter(|step| differs(step, &left)));
    let mut addresses: Vec<Address> =
        steps.map(|step| Address::new(step["address"].as_str().unwrap_or_default())).collect();
    addresses.sort();
    addresses.dedup();
    addresses
}
