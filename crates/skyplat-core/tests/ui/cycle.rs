//! Two resources cannot name each other.

mod common;

use common::Link;
use skyplat_core::graph::{GraphError, Handle, ResourceGraph};

fn main() -> Result<(), GraphError> {
    let mut graph = ResourceGraph::new();
    let right: Handle<Link>;
    let left = graph.add("left", Link { to: Some(right) })?;
    right = graph.add("right", Link { to: Some(left) })?;
    Ok(())
}
