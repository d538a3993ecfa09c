//! [`Observations`]: what a refresh saw of the real world, as the planner takes it.

use std::collections::BTreeMap;

use crate::executor::OutputMap;
use crate::state::Uid;
use crate::value::Tree;

/// What a refresh saw of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It is there.
    Present {
        /// Its fields as the API says, secrets as digests.
        inputs: Tree,
        /// Its outputs, secrets as digests.
        outputs: OutputMap,
    },
    /// It is not there.
    Missing,
    /// It could not be read, for this reason.
    Unreachable(String),
}

/// What a refresh saw, by identity; what was not read is not in it.
pub type Observations = BTreeMap<Uid, Observation>;
