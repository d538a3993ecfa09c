//! The lowered graph: text for people, JSON for programs, DOT and Mermaid for drawings.
//!
//! JSON holds every direct edge; a drawing only those that no longer way implies (transitive reduction).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use petgraph::algo::toposort;
use petgraph::algo::tred::{dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::IntoNeighbors;
use serde_json::{Value as Json, json};

use super::style::{Role, Style};
use super::{count, push_line};
use crate::graph::ObjectGraph;
use crate::object::ObjectNode;
use crate::value::{Address, Map, Tree, paper};

/// Returns the graph with the stable keys `resources` and `objects`.
pub fn graph_json(graph: &ObjectGraph) -> Json {
    let resources: Vec<Json> = graph
        .resources()
        .iter()
        .map(|entry| json!({"address": entry.address, "kind": entry.kind, "objects": entry.objects}))
        .collect();
    let objects: Vec<Json> = graph
        .nodes()
        .values()
        .map(|node| {
            // Documents are opened before references become values: a text whose parts are all known is only a text.
            let open = ObjectNode { inputs: open_documents(node.inputs.clone()), ..node.clone() };
            json!({
                "address": node.address,
                "kind": node.kind,
                "resource": node.resource,
                "region": node.placement.region,
                "depends_on": node.depends_on(),
                "inputs": paper::display(&graph.inputs_with_echoes(&open)),
            })
        })
        .collect();
    json!({"resources": resources, "objects": objects})
}

/// Shows IAM documents as such, where an input holds their JSON text.
fn open_documents(tree: Tree) -> Tree {
    match tree {
        Tree::Json(inner) if inner.get("Statement").is_some() => *inner,
        Tree::List(items) => Tree::List(items.into_iter().map(open_documents).collect()),
        Tree::Map(map) => {
            Tree::Map(map.into_iter().map(|(key, value)| (key, open_documents(value))).collect::<Map>())
        }
        other => other,
    }
}

/// Writes the graph for people: a line for each resource, and with `objects` one for each object.
pub fn graph_text(graph: &ObjectGraph, objects: bool, style: &dyn Style) -> String {
    let mut out = String::new();
    let width = graph.resources().iter().map(|entry| entry.address.as_str().len()).max().unwrap_or(0);
    let kinds = graph.resources().iter().map(|entry| entry.kind.len()).max().unwrap_or(0);
    for entry in graph.resources() {
        let name = style.paint(Role::Strong, &format!("{:width$}", entry.address.as_str()));
        let after = listed(entry.depends_on.iter().map(Address::as_str));
        let number = count(entry.objects.len(), "object");
        let text = format!("{name}  {:kinds$}  {number:>11}{after}", entry.kind);
        push_line(&mut out, &text);
        if objects {
            for node in entry.objects.iter().filter_map(|address| graph.get(address)) {
                object_text(&mut out, node, style);
            }
        }
    }
    let edges: usize = graph.nodes().values().map(|node| node.depends_on().len()).sum();
    push_line(&mut out, "");
    let totals = format!(
        "{}, {}, {}",
        count(graph.resources().len(), "resource"),
        count(graph.nodes().len(), "object"),
        count(edges, "direct edge"),
    );
    push_line(&mut out, &totals);
    out
}

fn object_text(out: &mut String, node: &ObjectNode, style: &dyn Style) {
    let edges = node.depends_on();
    let after = listed(edges.iter().map(|edge| short(edge, &node.resource)));
    let kind = style.paint(Role::Faint, node.kind.as_str());
    push_line(out, &format!("    {}  {kind}{after}", short(&node.address, &node.resource)));
}

/// Returns an address as it is called within its own resource.
fn short<'a>(address: &'a Address, resource: &Address) -> &'a str {
    let inside = address.as_str().strip_prefix(resource.as_str()).and_then(|rest| rest.strip_prefix('/'));
    inside.unwrap_or(address.as_str())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::new() } else { format!("  after {}", names.join(", ")) }
}

/// Writes the graph in the DOT language of Graphviz.
pub fn graph_dot(graph: &ObjectGraph, objects: bool) -> String {
    let drawing = Drawing::of(graph, objects);
    let mut out =
        String::from("digraph skyplat {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (number, cluster) in drawing.clusters.iter().enumerate() {
        if let Some(title) = &cluster.title {
            let _ = writeln!(out, "  subgraph cluster_{number} {{\n    label={};", quoted(title));
        }
        let indent = if cluster.title.is_some() { "  " } else { "" };
        for node in &cluster.nodes {
            let label = quoted(&format!("{}\n{}", node.name, node.detail));
            let _ = writeln!(out, "  {indent}{} [label={label}];", quoted(node.address.as_str()));
        }
        if cluster.title.is_some() {
            out.push_str("  }\n");
        }
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(out, "  {} -> {};", quoted(from.as_str()), quoted(to.as_str()));
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Writes the graph as a Mermaid flowchart.
pub fn graph_mermaid(graph: &ObjectGraph, objects: bool) -> String {
    let drawing = Drawing::of(graph, objects);
    let mut out = String::from("flowchart LR\n");
    let mut ids: BTreeMap<&Address, usize> = BTreeMap::new();
    for (number, cluster) in drawing.clusters.iter().enumerate() {
        if let Some(title) = &cluster.title {
            let _ = writeln!(out, "  subgraph g{number}[\"{title}\"]");
        }
        let indent = if cluster.title.is_some() { "  " } else { "" };
        for node in &cluster.nodes {
            let id = ids.len();
            ids.insert(&node.address, id);
            let _ = writeln!(out, "  {indent}n{id}[\"{}<br/>{}\"]", node.name, node.detail);
        }
        if cluster.title.is_some() {
            out.push_str("  end\n");
        }
    }
    for (from, to) in &drawing.edges {
        if let (Some(from), Some(to)) = (ids.get(from), ids.get(to)) {
            let _ = writeln!(out, "  n{from} --> n{to}");
        }
    }
    out
}

/// What a drawing shows: boxes in frames, and arrows from what comes first to what comes after.
struct Drawing {
    clusters: Vec<Cluster>,
    edges: Vec<(Address, Address)>,
}

struct Cluster {
    title: Option<String>,
    nodes: Vec<DrawnNode>,
}

struct DrawnNode {
    address: Address,
    name: String,
    detail: String,
}

impl Drawing {
    fn of(graph: &ObjectGraph, objects: bool) -> Self {
        let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        if objects {
            for node in graph.nodes().values() {
                edges.insert(node.address.clone(), node.depends_on());
            }
            let clusters = graph
                .resources()
                .iter()
                .map(|entry| Cluster {
                    title: Some(format!("{} ({})", entry.address, entry.kind)),
                    nodes: entry
                        .objects
                        .iter()
                        .filter_map(|address| graph.get(address))
                        .map(|node| DrawnNode {
                            address: node.address.clone(),
                            name: short(&node.address, &node.resource).to_owned(),
                            detail: node.kind.to_string(),
                        })
                        .collect(),
                })
                .collect();
            return Self { clusters, edges: reduced(&edges) };
        }
        for entry in graph.resources() {
            edges.insert(entry.address.clone(), entry.depends_on.clone());
        }
        let nodes = graph
            .resources()
            .iter()
            .map(|entry| DrawnNode {
                address: entry.address.clone(),
                name: entry.address.to_string(),
                detail: format!("{}, {}", entry.kind, count(entry.objects.len(), "object")),
            })
            .collect();
        Self { clusters: vec![Cluster { title: None, nodes }], edges: reduced(&edges) }
    }
}

/// Returns the arrows that remain when every arrow that a longer way implies is left out.
fn reduced(depends_on: &BTreeMap<Address, BTreeSet<Address>>) -> Vec<(Address, Address)> {
    let mut graph: DiGraph<&Address, ()> = DiGraph::new();
    let index: BTreeMap<&Address, NodeIndex> =
        depends_on.keys().map(|address| (address, graph.add_node(address))).collect();
    for (address, before) in depends_on {
        for from in before.iter().filter_map(|edge| index.get(edge)) {
            graph.add_edge(*from, index[address], ());
        }
    }
    let Ok(order) = toposort(&graph, None) else {
        // Lowered graphs have no cycle; a drawing of anything else shows it as it is.
        return graph
            .edge_indices()
            .filter_map(|edge| graph.edge_endpoints(edge))
            .map(|(from, to)| (graph[from].clone(), graph[to].clone()))
            .collect();
    };
    let (sorted, _) = dag_to_toposorted_adjacency_list::<_, u32>(&graph, &order);
    let (reduction, _) = dag_transitive_reduction_closure(&sorted);
    let address = |position: u32| graph[order[position as usize]].clone();
    let mut edges: Vec<(Address, Address)> = (0..u32::try_from(order.len()).unwrap_or(u32::MAX))
        .flat_map(|from| reduction.neighbors(from).map(move |to| (from, to)).collect::<Vec<_>>())
        .map(|(from, to)| (address(from), address(to)))
        .collect();
    edges.sort();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Plain;
    use crate::render::fixture::graph;

    #[test]
    fn the_json_has_its_stable_keys_and_sorted_direct_edges() {
        let json = graph_json(&graph());
        assert_eq!(json["resources"][1]["objects"], json!(["hub/eks/cluster", "hub/eks/ready"]));
        let cluster = &json["objects"][0];
        let keys: Vec<&String> = cluster.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["address", "depends_on", "inputs", "kind", "region", "resource"]);
        assert_eq!(cluster["depends_on"], json!(["hub/vpc/subnet", "hub/vpc/vpc"]));
        assert_eq!(cluster["region"], "us-west-2");
        assert_eq!(cluster["inputs"]["vpc_cidr"], "10.10.0.0/16", "an echo has its value");
        assert_eq!(cluster["inputs"]["policy"]["Statement"][0]["Effect"], "Allow");
    }

    #[test]
    fn text_lists_resources_or_objects() {
        insta::assert_snapshot!(graph_text(&graph(), false, &Plain));
        insta::assert_snapshot!(graph_text(&graph(), true, &Plain));
    }

    #[test]
    fn drawings_leave_out_what_a_longer_way_implies() {
        insta::assert_snapshot!(graph_dot(&graph(), true));
        insta::assert_snapshot!(graph_mermaid(&graph(), false));
        assert!(!graph_dot(&graph(), true).contains("\"hub/vpc/vpc\" -> \"hub/eks/cluster\""));
    }
}
