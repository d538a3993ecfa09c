//! skyplat turns one YAML file into a running multi-region, multi-tenant SkyPilot platform on AWS, and is an engine that
//! others embed: a typed resource graph with pluggable executors.
//!
//! ```text
//! YAML ─ config ─▶ PlatformConfig ─ platform ─▶ ResourceGraph ─(facts) lower ─▶ ObjectGraph
//!      ─ plan (against recorded state) ─▶ Plan ─ engine ⇄ Executor ─▶ Journal ▶ State ─▶ Outputs
//!                                                      └──▶ Events (progress, traces, UI)
//! ```
//!
//! Every arrow is one module of [`skyplat_core`], re-exported here. Everything up to and including `plan` is pure: no
//! I/O, no clock, no randomness; the same input gives the same bytes. Only the engine is async.
//!
//! * To run a platform as the command line does, take a [`workspace::Workspace`]: it walks these stages in order.
//! * To add resources and kinds of objects of your own, implement [`graph::Resource`], [`object::Object`] and
//!   [`executor::Executor`] in your own crate.
//! * The simulated cloud is [`mock`] (feature `mock`, on by default); `aws` and `k8s` bring the executors for real
//!   accounts.

pub use skyplat_core::{
    config, drift, engine, executor, facts, graph, ids, object, plan, platform, render, resource, state,
    tree, value,
};

#[cfg(feature = "aws")]
pub use skyplat_aws as aws;
#[cfg(feature = "k8s")]
pub use skyplat_k8s as k8s;
#[cfg(feature = "mock")]
pub use skyplat_mock as mock;

pub mod workspace;

/// What most programs need.
pub mod prelude {
    pub use crate::config::{PlatformConfig, Target, parse_config};
    pub use crate::engine::{Control, Engine, EngineOptions, Event, RunContext, RunReport};
    pub use crate::executor::{Executor, Executors};
    pub use crate::facts::{FactSource, Facts};
    pub use crate::graph::{Handle, ObjectGraph, Resource, ResourceGraph, lower};
    pub use crate::plan::{Plan, build_plan};
    pub use crate::platform::build_platform;
    pub use crate::state::{DirectoryStore, MemoryStore, State, StateStore};
    pub use crate::value::{Address, Value};
    pub use crate::workspace::Workspace;
}
