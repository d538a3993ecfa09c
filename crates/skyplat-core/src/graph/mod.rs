//! The two graphs: typed resources, and the objects they are lowered to.
//!
//! ```text
//! ResourceGraph ── questions ──▶ FactSource ── Facts ──▶ lower ──▶ ObjectGraph
//! ```
//!
//! * [`resource`]: what a person names, typed, acyclic by construction.
//! * [`lowering`]: the one step between the two; pure, one function per resource.
//! * [`objects`]: what every later stage speaks of. `edges`: what depends on what, by position.

mod edges;
pub mod lowering;
pub mod objects;
pub mod resource;

pub(crate) use edges::Edges;
pub use lowering::{Added, Container, LowerError, Lowering, Ready, lower};
pub use objects::{ObjectGraph, ResourceEntry};
pub use resource::{GraphError, Handle, Resource, ResourceGraph};
