//! The order that compiles: what is referred to comes first.

#[path = "../common/mod.rs"]
mod common;

use common::{Cluster, Link, Vpc};
use skyplat_core::graph::{GraphError, ResourceGraph};

fn main() -> Result<(), GraphError> {
    let mut graph = ResourceGraph::new();
    let vpc = graph.add("hub/vpc", Vpc)?;
    graph.add("hub/cluster", Cluster { vpc })?;
    let first = graph.add("first", Link { to: None })?;
    graph.add("second", Link { to: Some(first) })?;
    Ok(())
}
