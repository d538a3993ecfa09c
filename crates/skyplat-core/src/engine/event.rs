//! What the engine tells the outside while it works.
//!
//! An event is data with stable JSON; who shows it decides how. `t` is seconds of run time.

use serde::{Deserialize, Serialize};

use crate::object::ObjectKind;
use crate::plan::{Action, Part, PlanWarning};
use crate::value::Address;

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It begins, or begins again after a [`Phase::Retry`]: the attempt says which.
    Started,
    /// It failed in a way that may pass, and will be tried again.
    Retry,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It was not begun, because something it needs failed or the run was cancelled.
    Skipped,
    /// The thing was left in place, as asked for.
    Retained,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishedStatus {
    /// Everything was done.
    Succeeded,
    /// Something failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// What a run did, in steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Objects made.
    pub created: usize,
    /// Objects changed in place.
    pub updated: usize,
    /// Objects made anew.
    pub replaced: usize,
    /// Objects deleted.
    pub deleted: usize,
    /// Objects kept, those included whose change turned out to be none.
    pub kept: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not begun.
    pub skipped: usize,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    Started {
        /// Seconds of run time.
        t: f64,
        /// What is run: `apply`, `destroy`, `refresh`.
        operation: String,
        /// The stack.
        stack: String,
        /// How many steps will be taken.
        steps: usize,
    },
    /// A step moved on.
    Step {
        /// Seconds of run time.
        t: f64,
        /// The object.
        address: Address,
        /// Its kind.
        kind: ObjectKind,
        /// What is done to it.
        action: Action,
        /// Where the step is.
        phase: Phase,
        /// Which half, for a replace.
        #[serde(skip_serializing_if = "Option::is_none", default, with = "part_name")]
        part: Option<Part>,
        /// Which attempt, from 1; 0 when it was not begun.
        attempt: u32,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<String>,
    },
    /// What a step waits for, for people.
    Progress {
        /// Seconds of run time.
        t: f64,
        /// The object.
        address: Address,
        /// What it waits for.
        message: String,
    },
    /// Something to know.
    Warning {
        /// Seconds of run time.
        t: f64,
        /// The warning.
        #[serde(flatten)]
        warning: PlanWarning,
    },
    /// The run ended.
    Finished {
        /// Seconds of run time.
        t: f64,
        /// How.
        status: FinishedStatus,
        /// What was done.
        #[serde(flatten)]
        totals: Totals,
        /// How long it took, in seconds of run time.
        duration_s: f64,
        /// For a refresh: what was found.
        #[serde(flatten)]
        refresh: Option<RefreshTotals>,
    },
}

/// What a refresh found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshTotals {
    /// Objects that are not as recorded.
    pub drifted: usize,
    /// Objects that are gone.
    pub missing: usize,
    /// Objects that could not be read.
    pub unreachable: usize,
}

/// Takes events as they happen. A closure is one.
pub trait EventSink: Send {
    /// Takes one event. The engine waits meanwhile, so an implementation hands the event on and returns.
    fn event(&mut self, event: Event);
}

impl<F: FnMut(Event) + Send> EventSink for F {
    fn event(&mut self, event: Event) {
        self(event);
    }
}

/// A replace's halves are called `create` and `delete` outside.
mod part_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Part;

    pub(super) fn serialize<S: Serializer>(part: &Option<Part>, serializer: S) -> Result<S::Ok, S::Error> {
        match part {
            Some(Part::Make) => serializer.serialize_str("create"),
            Some(Part::Remove) => serializer.serialize_str("delete"),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Part>, D::Error> {
        match Option::<String>::deserialize(deserializer)?.as_deref() {
            Some("create") => Ok(Some(Part::Make)),
            Some("delete") => Ok(Some(Part::Remove)),
            None => Ok(None),
            Some(other) => Err(serde::de::Error::custom(format!("{other} is no half of a replace"))),
        }
    }
}
