//! The two graphs: typed resources, and the objects they are lowered to.
//!
//! ```text
//! ResourceGraph ── questions ──▶ FactSource ── Facts ──▶ lower ──▶ ObjectGraph
//! ```
//!
//! * [`resource`]: what a person names, typed, acyclic by construction.
//! * [`lowering`]: the one step between the two; pure, one function per resource.
//! * [`objects`]: what every later stage speaks of.

pub mod lowering;
pub mod objects;
pub mod resource;

pub use lowering::{Added, Container, LowerError, Lowering, Ready, lower};
pub use objects::{ObjectGraph, ResourceEntry};
pub use resource::{GraphError, Handle, Resource, ResourceGraph};
