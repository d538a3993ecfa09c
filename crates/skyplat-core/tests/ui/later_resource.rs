//! A resource cannot name one that is added after it.

mod common;

use common::{Cluster, Vpc};
use skyplat_core::graph::{GraphError, Handle, ResourceGraph};

fn main() -> Result<(), GraphError> {
    let mut graph = ResourceGraph::new();
    let vpc: Handle<Vpc>;
    graph.add("hub/cluster", Cluster { vpc })?;
    vpc = graph.add("hub/vpc", Vpc)?;
    Ok(())
}
