//! Plan: the difference between what is wanted and what is, as steps with reasons.
//!
//! ```text
//! ObjectGraph ┐
//! State       ├─▶ build_plan ─▶ Plan { steps, tasks, forecast, warnings }
//! observed?   ┘
//! ```
//!
//! Pure: no I/O, no clock, no randomness; the same input gives the same bytes.

pub mod step;

pub use step::{
    Action, FORMAT_VERSION, Forecast, Order, Part, Plan, PlanWarning, Reason, Step, Summary, Task, TaskId,
    Why,
};
