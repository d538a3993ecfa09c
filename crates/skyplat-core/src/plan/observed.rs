//! [`Observations`]: what a refresh saw, by identity; the third input of a plan.
//!
//! They are plain data: secrets are digests already, so that a plan file can hold them and `apply --plan` can derive the
//! same plan without reading again. An object without an observation is taken to be as recorded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::executor::OutputMap;
use crate::state::Uid;
use crate::value::{Tree, paper};

/// What a refresh saw of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Observation {
    /// The object is there.
    Present {
        /// The fields, in the shape of the inputs; may hold more than was ever set.
        #[serde(with = "paper")]
        inputs: Tree,
        /// The outputs, secrets as digests.
        #[serde(with = "paper::named")]
        outputs: OutputMap,
    },
    /// The API said that it is not there.
    Missing,
    /// The API did not answer; nothing is known.
    Unreachable {
        /// What went wrong.
        why: String,
    },
}

/// What a refresh saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Observations(pub BTreeMap<Uid, Observation>);

impl Observations {
    /// Returns no observations: every object is taken to be as recorded.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns what was seen of an object.
    pub fn get(&self, uid: &Uid) -> Option<&Observation> {
        self.0.get(uid)
    }

    /// Adds what was seen of an object.
    pub fn insert(&mut self, uid: Uid, observation: Observation) {
        self.0.insert(uid, observation);
    }
}
