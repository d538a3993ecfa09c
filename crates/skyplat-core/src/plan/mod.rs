//! Plan: the difference between what is wanted and what is, as steps with reasons.
//!
//! ```text
//! ObjectGraph  ┐
//! State        ├─▶ build_plan ─▶ Plan { steps, tasks, forecast, warnings }
//! Observations ┘
//!                  moved ▶ table ▶ decide ▶ certain ⇄ order ▶ target ▶ forecast
//! ```
//!
//! Pure: no I/O, no clock, no randomness; the same input gives the same bytes.
//!
//! * [`mod@compare`], [`mod@drift`]: which fields differ, under an object's rules. The engine compares again with the same
//!   functions once all values are known.
//! * [`observed`]: what a refresh saw.
//! * `table`: all objects with their edges. `decide`: what is done to each. `certain`: which replaces rest on values that
//!   are not known yet, and which half comes first. `order`: the tasks.
//! * [`latency`], `forecast`: how long it takes. [`mod@file`]: plans that are approved now and applied later, known by their
//!   [`digest()`].

mod build;
mod certain;
pub mod compare;
mod decide;
mod digest;
pub mod drift;
mod error;
pub mod file;
mod forecast;
mod gates;
mod keys;
pub mod latency;
mod moved;
mod normal;
pub mod observed;
mod order;
mod reasons;
pub mod step;
mod table;
mod target;
mod version;
mod warn;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use build::{PlanInput, PlanOptions, build_plan};
pub use compare::{FieldChange, compare};
pub use digest::digest;
pub use drift::drift;
pub use error::{PlanError, VersionStep};
pub use file::{PlanFile, PlanFileError};
pub use latency::{Latency, LatencyTable};
pub use observed::{Observation, Observations};
pub use step::{
    Action, FORMAT_VERSION, Forecast, Move, Order, Part, Plan, PlanWarning, Reason, Step, Summary, Task,
    TaskId, Why,
};
