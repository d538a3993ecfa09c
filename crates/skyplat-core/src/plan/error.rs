//! [`PlanError`]: why there is no plan.

use crate::object::ObjectKind;
use crate::value::{Address, TreeError};

/// A plan that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The plan would delete or replace what is protected.
    #[error("cannot plan: {} protected and would be deleted or replaced", list(objects))]
    Protected {
        /// The objects.
        objects: Vec<Address>,
    },
    /// A version would go where it cannot go in one step.
    #[error("cannot plan {}: {} cannot go from {} {} to {}", .0.address, .0.kind, .0.field, .0.from, .0.to)]
    Version(Box<VersionStep>),
    /// The steps wait for each other in a circle.
    #[error("cannot order the plan: {} wait for each other", names(objects))]
    Cycle {
        /// The objects on the circle.
        objects: Vec<Address>,
    },
    /// The inputs of an object cannot be resolved.
    #[error("cannot plan {address}")]
    Inputs {
        /// The object.
        address: Address,
        /// Why not.
        #[source]
        source: TreeError,
    },
    /// There is nothing under a target.
    #[error("cannot plan for the target {target}: there is no such resource or object")]
    UnknownTarget {
        /// The target.
        target: Address,
        /// The address that looks most like it.
        nearest: Option<Address>,
    },
    /// A move that cannot be made.
    #[error("cannot move {from} to {to}: {problem}")]
    Move {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
        /// What is in the way.
        problem: String,
    },
}

/// A step of a version that the API refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionStep {
    /// The object.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// The field that holds the version.
    pub field: String,
    /// The recorded version.
    pub from: String,
    /// The wanted one.
    pub to: String,
    /// The way to go.
    pub hint: String,
}

impl PlanError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Protected { .. } => {
                Some("take `protect` off and apply that first, or leave them as they are".into())
            }
            Self::Version(step) => Some(step.hint.clone()),
            Self::UnknownTarget { nearest, .. } => {
                nearest.as_ref().map(|nearest| format!("did you mean {nearest}?"))
            }
            Self::Cycle { .. } => Some("make the change in two steps, one of these objects at a time".into()),
            Self::Move { .. } | Self::Inputs { .. } => None,
        }
    }
}

fn names(objects: &[Address]) -> String {
    objects.iter().map(Address::as_str).collect::<Vec<_>>().join(", ")
}

fn list(objects: &[Address]) -> String {
    format!("{} {}", names(objects), if objects.len() == 1 { "is" } else { "are" })
}
