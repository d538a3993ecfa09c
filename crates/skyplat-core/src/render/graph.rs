//! The lowered graph: text for people, JSON for programs. [`super::drawing`] draws it.
//!
//! Both hold every direct edge.

use serde_json::{Value as Json, json};

use super::style::{Role, Style};
use super::{count, push_line};
use crate::graph::{ObjectGraph, ResourceEntry};
use crate::object::ObjectNode;
use crate::value::{Address, Map, Tree, paper};

/// Which part of a graph is shown, and how closely.
#[derive(Debug, Clone, Copy, Default)]
pub struct GraphView<'a> {
    /// Whether every object is shown, not only resources.
    pub objects: bool,
    /// The places, resources or objects to show; empty for everything.
    pub within: &'a [Address],
}

/// A resource, and the objects of it that are shown.
pub(super) type Shown<'g> = (&'g ResourceEntry, Vec<&'g ObjectNode>);

impl GraphView<'_> {
    pub(super) fn shows(&self, object: &Address) -> bool {
        self.within.is_empty() || self.within.iter().any(|place| object.is_within(place))
    }

    /// Returns the resources with the objects of theirs that are shown.
    pub(super) fn resources<'g>(&self, graph: &'g ObjectGraph) -> impl Iterator<Item = Shown<'g>> {
        graph.resources().iter().filter_map(|entry| {
            let objects: Vec<&ObjectNode> = entry
                .objects
                .iter()
                .filter(|address| self.shows(address))
                .filter_map(|address| graph.get(address))
                .collect();
            (!objects.is_empty() || self.shows(&entry.address)).then_some((entry, objects))
        })
    }
}

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
pub fn graph_text(graph: &ObjectGraph, view: GraphView<'_>, style: &dyn Style) -> String {
    let mut out = String::new();
    let shown: Vec<_> = view.resources(graph).collect();
    let width = shown.iter().map(|(entry, _)| entry.address.as_str().len()).max().unwrap_or(0);
    let kinds = shown.iter().map(|(entry, _)| entry.kind.len()).max().unwrap_or(0);
    for (entry, objects) in &shown {
        let name = style.paint(Role::Strong, &format!("{:width$}", entry.address.as_str()));
        let after = listed(entry.depends_on.iter().map(Address::as_str));
        let number = count(entry.objects.len(), "object");
        let text = format!("{name}  {:kinds$}  {number:>11}{after}", entry.kind);
        push_line(&mut out, &text);
        if view.objects {
            for node in objects {
                object_text(&mut out, node, style);
            }
        }
    }
    let objects = || shown.iter().flat_map(|(_, objects)| objects);
    let edges: usize = objects().map(|node| node.depends_on().len()).sum();
    push_line(&mut out, "");
    let totals = format!(
        "{}, {}, {}",
        count(shown.len(), "resource"),
        count(objects().count(), "object"),
        count(edges, "direct edge"),
    );
    push_line(&mut out, &totals);
    out
}

fn object_text(out: &mut String, node: &ObjectNode, style: &dyn Style) {
    let edges = node.depends_on();
    let after = listed(edges.iter().map(|edge| within(edge, &node.resource)));
    let kind = style.paint(Role::Faint, node.kind.as_str());
    push_line(out, &format!("    {}  {kind}{after}", within(&node.address, &node.resource)));
}

/// Returns an address as it is called within its own resource.
pub(super) fn within<'a>(address: &'a Address, resource: &Address) -> &'a str {
    let inside = address.as_str().strip_prefix(resource.as_str()).and_then(|rest| rest.strip_prefix('/'));
    inside.unwrap_or(address.as_str())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::new() } else { format!("  after {}", names.join(", ")) }
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
        let view = GraphView::default();
        insta::assert_snapshot!(graph_text(&graph(), view, &Plain));
        insta::assert_snapshot!(graph_text(&graph(), GraphView { objects: true, ..view }, &Plain));
    }

    #[test]
    fn a_part_of_the_graph_is_what_lies_within_an_address() {
        let shown = |within: &[&str]| {
            let within: Vec<Address> = within.iter().copied().map(Address::new).collect();
            graph_text(&graph(), GraphView { objects: true, within: &within }, &Plain)
        };
        let vpc = shown(&["hub/vpc"]);
        assert!(vpc.contains("subnet") && vpc.ends_with("1 resource, 2 objects, 1 direct edge\n"), "{vpc}");
        let ready = shown(&["hub/eks/ready"]);
        assert!(ready.starts_with("hub/eks") && !ready.contains("    cluster"), "{ready}");
        assert_eq!(shown(&["hub"]), shown(&[]), "everything is in the hub");
    }
}
