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
//!   [`executor::Executor`] in your own crate; [`graph::ResourceGraph::handle`] gives you the built-in resources to stand
//!   on. `examples/custom_resource.rs` does all of it.
//! * The simulated cloud is [`mock`] (feature `mock`, on by default); `aws` and `k8s` bring the executors for real
//!   accounts.
//! * To test a platform of your own in CI, take a [`workspace::Workspace::simulated`]; `tests/dry_run.rs` is to copy.
//!
//! From a configuration to a plan, without a file, a cloud or a runtime of your own:
//!
//! ```
//! use skyplat::mock::{MockCloud, MockOptions, simulate};
//! use skyplat::plan::{Observations, PlanInput, PlanOptions};
//! use skyplat::prelude::*;
//! use skyplat::state::Stack;
//! use skyplat::value::DigestKey;
//!
//! let yaml = b"
//! hub:
//!   region: us-west-2
//!   node_pools:
//!     - {name: gpu, capacity_type: spot, instance_type: [g5.xlarge]}
//!   skypilot:
//!     ingress_host: skypilot.example.com
//!     ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/uuid
//!     data_planes: [{name: team-a}]
//! spokes:
//!   - region: eu-west-1
//! ";
//! let config = parse_config("platform.yaml", yaml, Target::Simulated)?.config;
//! let resources = build_platform(&config, "dev")?;
//!
//! // Facts come from where the platform will stand: here from the simulated cloud.
//! let cloud = MockCloud::in_memory(MockOptions::default());
//! let questions = resources.questions();
//! let facts = simulate(|| cloud.answer(&questions))??;
//! let graph = lower(&resources, &facts)?;
//!
//! let stack = Stack { name: "dev".into(), id: "0123456789abcdef".into() };
//! let plan = build_plan(PlanInput {
//!     graph: &graph,
//!     state: &State::new(stack, DigestKey::new([0; 32])),
//!     observations: &Observations::none(),
//!     options: &PlanOptions::default(),
//! })?;
//! assert!(plan.summary.create > 200 && plan.summary.delete == 0);
//! assert!(plan.forecast.duration_s < 30.0 * 60.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use skyplat_core::{
    config, drift, engine, executor, facts, graph, ids, object, outputs, plan, platform, policy, render,
    resource, state, tree, value,
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

/// Keeps the README's example compiling and running.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
