//! The engine: runs a plan's tasks through executors, journaling before and after every call.
//!
//! One owner loop, messages in, events out; no locks shared with executors.

pub mod event;

pub use event::{Event, FinishedStatus, Phase, Totals};
