//! The types of a plan.
//!
//! A plan has two faces. [`Step`]s are what a person approves: one per object, with reasons. [`Task`]s are what the
//! engine runs: a step is one task (make, keep, wait, read: [`Part::Make`]; delete, drain: [`Part::Remove`]) or, for a
//! replace, two. A `wait` whose gate stands on something old has two as well: its Remove drains the old gate.
//! A `keep` with a Remove alone is a gate or lookup that left the graph: its record is forgotten, nothing is called.
//! Tasks carry all order there is; the engine adds none of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::object::{Class, FieldPath, ObjectKind};
use crate::state::Uid;
use crate::value::{Address, Reference};

/// Version of the plan's JSON and of plan files.
pub const FORMAT_VERSION: u32 = 1;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make an object.
    Create,
    /// Change it in place.
    Update,
    /// Make a new one and delete the old one.
    Replace,
    /// Delete it.
    Delete,
    /// Nothing, or only bookkeeping.
    Keep,
    /// A gate waits until something holds.
    Wait,
    /// A gate waits until something is undone.
    Drain,
    /// A lookup reads.
    Read,
}

impl Action {
    /// Returns whether the step is counted as a change.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Replace | Self::Delete)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Keep => "keep",
            Self::Wait => "wait",
            Self::Drain => "drain",
            Self::Read => "read",
        })
    }
}

/// Which half of a replace comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The new object is made before the old one is deleted.
    CreateFirst,
    /// The API refuses both at once.
    DeleteFirst,
}

/// Why a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The description of a field changed.
    Changed,
    /// A field refers to something that changes.
    Reference,
    /// What the object lives in is replaced or deleted.
    Container,
    /// An earlier create did not finish.
    Incomplete,
    /// It is not known how an earlier update or delete ended.
    Uncertain,
    /// The real object is not as recorded.
    Drifted,
    /// It was asked for: a destroy, or the object left the description.
    Requested,
}

/// One reason of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Why.
    pub why: Why,
    /// The field, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default, serialize_with = "field_text")]
    pub field: Option<FieldPath>,
    /// The recorded value, on paper (secrets hidden).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old: Option<Json>,
    /// The wanted value, on paper (unknowns and secrets as such).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new: Option<Json>,
    /// Whether this alone makes it a replace.
    pub forces_replace: bool,
    /// The object whose step is the cause.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because_of: Option<Address>,
}

fn field_text<S: serde::Serializer>(field: &Option<FieldPath>, serializer: S) -> Result<S::Ok, S::Error> {
    match field {
        Some(field) => serializer.collect_str(field),
        None => serializer.serialize_none(),
    }
}

/// One object's part in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The object.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// What is done.
    pub action: Action,
    /// For a replace, which half comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// For a keep: what we keep about the object changes, the object does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bookkeeping: bool,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What the object is to us.
    #[serde(skip)]
    pub class: Class,
    /// The resource it belongs to.
    #[serde(skip)]
    pub resource: Address,
    /// The record it is about: the one to change or delete; for a create, the identity the object will get.
    #[serde(skip)]
    pub uid: Uid,
    /// For a replace, and for a wait that drains too, the identity that the new object will get.
    #[serde(skip)]
    pub new_uid: Option<Uid>,
    /// Whether the record is one that an earlier replace superseded.
    #[serde(skip)]
    pub deposed: bool,
    /// Values not known at plan time that decide whether the step is taken at all: when all turn out equal to what is
    /// recorded, the step (and what it drags along) shrinks to keep. Empty when the step is certain.
    #[serde(skip)]
    pub undecided: Vec<Reference>,
    /// For a replace that is not certain: replaces of which each, when it is really taken, makes this one be taken,
    /// whatever the values say. When none is and the values are equal, this one shrinks. Empty when the step is
    /// certain.
    #[serde(skip)]
    pub dragged_by: Vec<Address>,
    /// A record whose object is known to be gone: it is forgotten, without any call, before the step begins. For a
    /// delete that is all there is to do.
    #[serde(skip)]
    pub gone: Option<Uid>,
}

/// Position of a task in [`Plan::tasks`].
pub type TaskId = usize;

/// Which half of a step a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Create, update, keep, wait, read: bring the object to what is wanted.
    Make,
    /// Delete or drain.
    Remove,
}

/// One unit of work for the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Position of the step in [`Plan::steps`].
    pub step: usize,
    /// Which half of the step.
    pub part: Part,
    /// Tasks that must be done before this one starts; all of them come before it in [`Plan::tasks`].
    pub after: Vec<TaskId>,
    /// Forecast duration in seconds, from the latency table.
    pub seconds: f64,
    /// Length of the longest path from the start of this task to the end of the plan, in seconds: who has more, goes
    /// first.
    pub remaining: f64,
}

/// How many steps change something, by action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Objects to make.
    pub create: usize,
    /// Objects to change in place.
    pub update: usize,
    /// Objects to make anew.
    pub replace: usize,
    /// Objects to delete.
    pub delete: usize,
    /// Objects to keep.
    pub keep: usize,
}

impl Summary {
    /// Returns whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.create + self.update + self.replace + self.delete == 0
    }
}

/// How long the plan will take, with unlimited parallelism.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Seconds until the last task is done.
    pub duration_s: f64,
    /// The objects whose durations add up to that, in order.
    pub critical_path: Vec<Address>,
}

/// Something a person should know before approving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanWarning {
    /// A stable name for programs, such as `fact_changed`.
    pub code: String,
    /// The object or resource it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<Address>,
    /// What to know.
    pub message: String,
}

/// A record that gets a new address before anything else is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Move {
    /// The old address.
    pub from: Address,
    /// The new one.
    pub to: Address,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The stack's name.
    pub stack: String,
    /// The serial of the state it was made from.
    pub serial: u64,
    /// Records that get a new address; journaled before any call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Move>,
    /// What the plan was narrowed to; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Address>,
    /// The steps, in an order in which they could be done one by one.
    pub steps: Vec<Step>,
    /// How many steps change something.
    pub summary: Summary,
    /// How long it will take.
    pub forecast: Forecast,
    /// What to know before approving.
    pub warnings: Vec<PlanWarning>,
    /// What the engine runs.
    #[serde(skip)]
    pub tasks: Vec<Task>,
}

impl Plan {
    /// Returns whether nothing would be done to any object.
    pub fn is_empty(&self) -> bool {
        self.summary.is_empty()
    }

    /// Returns whether applying the plan would do anything at all: change an object, move or update a record, wait,
    /// drain or read.
    pub fn has_work(&self) -> bool {
        let works = |step: &Step| step.action != Action::Keep || step.bookkeeping;
        !self.moved.is_empty() || self.steps.iter().any(works)
    }
}
