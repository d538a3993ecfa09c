//! The engine of skyplat: from one YAML file to a running platform.
//!
//! ```text
//! YAML ── config ──▶ PlatformConfig ── platform ──▶ ResourceGraph ──(facts)── lower ──▶ ObjectGraph
//!      ── plan (against the recorded state) ──▶ Plan ── engine ⇄ Executor ──▶ journal ▶ State ──▶ outputs
//!                                                          └──▶ events (progress, traces, front ends)
//! ```
//!
//! Every arrow is one module. Everything up to and including [`plan`] is pure: no I/O, no clock, no randomness; the
//! same input gives the same bytes. Nothing flows backwards. This crate depends on no cloud: executors do.

pub mod config;
pub mod drift;
pub mod engine;
pub mod executor;
pub mod facts;
pub mod graph;
pub mod ids;
pub mod object;
pub mod plan;
pub mod platform;
pub mod policy;
pub mod render;
pub mod resource;
pub mod state;
pub mod value;
