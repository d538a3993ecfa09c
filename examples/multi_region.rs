//! A full mesh of three equal regions on a simulated cloud: plan, apply, outputs, destroy.
//!
//! ```text
//! cargo run --example multi_region
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;

use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::plan::{Observations, PlanOptions};
use skyplat::prelude::*;
use skyplat::render::{Plain, outputs::outputs_text};
use skyplat::state::Stack;
use skyplat::value::DigestKey;
use skyplat::workspace::{Description, FactChoice, unwatched};

const CONFIG: &[u8] = b"
regions:
  - us-west-2
  - {region: us-east-1, availability_zones: 2}
  - {region: eu-west-1, cidr: 10.64.0.0/16}
node_pools:
  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
";

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    simulate(run)?
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = parse_config("mesh.yaml", CONFIG, Target::Simulated)?.config;
    let cloud = MockCloud::in_memory(MockOptions::default());
    let workspace = Workspace::simulated("dev", &cloud);
    let stack = Stack { name: "dev".into(), id: "0123456789abcdef".into() };
    let fresh = State::new(stack, DigestKey::new([7; 32]));
    let mut session = workspace.lock(fresh, &workspace.owner("you", "apply")).await?;
    let (control, options) = (Control::new(), PlanOptions::default());

    let description = workspace.describe(&config, &session.state().facts, FactChoice::Recorded).await?;
    let prepared = workspace.plan(description, session.state(), Observations::none(), &options)?;
    let minutes = prepared.plan.forecast.duration_s / 60.0;
    println!("Plan: {} objects in about {minutes:.0} minutes", prepared.plan.summary.create);

    let report = workspace.apply(&prepared, session.as_mut(), &control, &mut unwatched()).await?;
    println!("Applied: {} made, {} failed", report.totals.created, report.totals.failed);
    let outputs = workspace.outputs(session.state(), false, &control).await?;
    print!("{}", outputs_text(&outputs, false, &Plain));

    let options = PlanOptions { destroy: true, ..options };
    let prepared = workspace.plan(Description::default(), session.state(), Observations::none(), &options)?;
    let report = workspace.apply(&prepared, session.as_mut(), &control, &mut unwatched()).await?;
    println!("Destroyed: {} deleted, {} left", report.totals.deleted, cloud.world().len());
    if cloud.world().is_empty() { Ok(()) } else { Err("a destroy leaves nothing".into()) }
}
