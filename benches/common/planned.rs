//! Planning, without what a refresh would see.

use skyplat::graph::ObjectGraph;
use skyplat::plan::{Observations, Plan, PlanInput, PlanOptions, build_plan};
use skyplat::state::State;

/// Plans.
pub(crate) fn plan(graph: &ObjectGraph, state: &State, options: &PlanOptions) -> Plan {
    let observations = Observations::none();
    build_plan(PlanInput { graph, state, observations: &observations, options })
        .expect("nothing is protected")
}
