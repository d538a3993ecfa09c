//! The command `graph`: the resources and objects of a configuration, as text, data or a drawing.

use skyplat::graph::ObjectGraph;
use skyplat::render::graph::{GraphView, graph_json, graph_text};
use skyplat::render::{Exit, Problem, did_you_mean, drawing};
use skyplat::value::Address;

use crate::cli::{Format, Options};
use crate::input::read_config;
use crate::terminal::{self, Colour};
use crate::world::World;

/// Shows the graph in the form that was asked for.
pub(crate) async fn show(options: &Options) -> Result<Exit, Problem> {
    if options.format == Format::Json && !options.target.is_empty() {
        return Err(Problem::usage("the graph as JSON is always whole")
            .hint("leave --target out, and take what you need from `objects`"));
    }
    let parsed = read_config(options)?;
    let world = World::open(options, "graph", true).await?;
    let state = world.load_or_fresh().await?;
    let workspace = world.workspace()?;
    let described = workspace.describe(&parsed.config, &state.facts, crate::facts(options)).await?;
    let within = crate::targets(options);
    find_targets(&described.graph, &within)?;
    let view = GraphView { objects: options.objects, within: &within };
    match options.format {
        Format::Text => terminal::data(&graph_text(&described.graph, view, &Colour))?,
        Format::Json => terminal::json(&graph_json(&described.graph))?,
        Format::Dot => terminal::data(&drawing::graph_dot(&described.graph, view))?,
        Format::Mermaid => {
            let mermaid = drawing::graph_mermaid(&described.graph, view);
            terminal::data(&mermaid.text)?;
            if !mermaid.fits() {
                terminal::talk(&format!(
                    "note: this has {} arrows; GitHub and other pages draw fewer than {}. --target shows a part, and \
                     `--format dot` knows no limit\n",
                    mermaid.arrows,
                    drawing::MERMAID_ARROWS,
                ));
            }
        }
    }
    Ok(Exit::Done)
}

/// Refuses targets of a drawing that name nothing in it.
fn find_targets(graph: &ObjectGraph, within: &[Address]) -> Result<(), Problem> {
    for target in within {
        if !graph.nodes().keys().any(|address| address.is_within(target)) {
            let resources = graph.resources().iter().map(|entry| entry.address.as_str());
            let known = resources.chain(graph.nodes().keys().map(Address::as_str));
            let problem = Problem::usage(format!("there is nothing at the target {target}"));
            let hint = did_you_mean(target.as_str(), known).map_or_else(
                || "`graph` lists the resources, `graph --objects` their objects".to_owned(),
                |meant| format!("did you mean {meant}?"),
            );
            return Err(problem.hint(hint));
        }
    }
    Ok(())
}
