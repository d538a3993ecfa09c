//! A cluster is no VPC.

mod common;

use common::{Cluster, Vpc};
use skyplat_core::graph::{GraphError, ResourceGraph};

fn main() -> Result<(), GraphError> {
    let mut graph = ResourceGraph::new();
    let vpc = graph.add("hub/vpc", Vpc)?;
    let cluster = graph.add("hub/cluster", Cluster { vpc })?;
    graph.add("spoke/cluster", Cluster { vpc: cluster })?;
    Ok(())
}
