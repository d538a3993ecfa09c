//! One command of one process, as a person would run it: read the state, plan, and for `apply` and `destroy` carry it out.
//!
//! What it costs is measured from outside, the way any program is: `benches/terraform/compare.py` runs it beside the
//! same thing described for another tool. Not a bench of its own: `once COMMAND SHAPE SIZE DIRECTORY` after
//! `cargo bench --bench once --no-run`.

#[expect(dead_code, reason = "the other benches use all of it")]
mod common {
    pub(crate) mod planned;
    pub(crate) mod shapes;
    pub(crate) mod world;
}

use std::process::ExitCode;

use skyplat::graph::ObjectGraph;
use skyplat::plan::PlanOptions;
use skyplat::state::{DirectoryStore, State, StateStore};
use tokio::runtime::Builder;

use common::planned::plan;
use common::shapes::{Shape, empty};
use common::world::{apply, instantly, lock};

async fn run(command: &str, graph: &ObjectGraph, directory: &str) -> usize {
    let store = DirectoryStore::new(directory);
    let planned = |state: &State| {
        let options = PlanOptions { destroy: command == "destroy", ..PlanOptions::default() };
        let plan = plan(graph, state, &options);
        let changes = plan.summary;
        (plan, changes.create + changes.update + changes.replace + changes.delete)
    };
    if command == "plan" {
        let state = store.load("dev").await.expect("the files are whole").unwrap_or_else(empty);
        return planned(&state).1;
    }
    let mut session = lock(&store, empty()).await;
    let (plan, changes) = planned(session.state());
    apply(session.as_mut(), &plan, graph, &instantly()).await;
    changes
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what this program is for")]
fn main() -> ExitCode {
    // Cargo adds `--bench` or `--test`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [command, shape, size, directory] = &words[..] else {
        eprintln!("once plan|apply|destroy SHAPE SIZE DIRECTORY");
        return ExitCode::SUCCESS;
    };
    let shape = Shape::ALL.into_iter().find(|known| known.name() == shape);
    let (Some(shape), Ok(size)) = (shape, size.parse()) else {
        eprintln!("there is no such shape, or the size is no number");
        return ExitCode::FAILURE;
    };
    let graph = if command == "destroy" { ObjectGraph::default() } else { shape.graph(size) };
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime of one thread");
    println!("{}", runtime.block_on(run(command, &graph, directory)));
    ExitCode::SUCCESS
}
