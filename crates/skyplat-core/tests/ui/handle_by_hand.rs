//! Only a graph makes handles: neither by hand nor by default.

mod common;

use common::Link;
use skyplat_core::graph::{GraphError, Handle, ResourceGraph};

fn main() -> Result<(), GraphError> {
    let mut graph = ResourceGraph::new();
    graph.add("left", Link { to: Some(Handle { index: 1, brand: 0 }) })?;
    graph.add("right", Link { to: Some(Handle::default()) })?;
    Ok(())
}
