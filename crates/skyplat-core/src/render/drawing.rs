//! Drawings of the lowered graph, as DOT for Graphviz and as Mermaid for pages that draw it.
//!
//! Boxes stand in a frame for each place (the hub, a region, what is between regions), and objects in one for their
//! resource. An arrow leads from what comes first to what needs it; those that a longer way implies are left out
//! (transitive reduction).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use petgraph::algo::toposort;
use petgraph::algo::tred::{dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::IntoNeighbors;

use super::count;
use super::graph::{GraphView, Shown, within};
use crate::graph::ObjectGraph;
use crate::ids::Region;
use crate::value::Address;

/// Arrows that a page draws with Mermaid's default `maxEdges`, which the page alone can change.
pub const MERMAID_ARROWS: usize = 500;
/// Characters that a page reads with Mermaid's default `maxTextSize`.
pub const MERMAID_CHARACTERS: usize = 50_000;

/// A Mermaid flowchart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mermaid {
    /// Its text.
    pub text: String,
    /// How many arrows it has.
    pub arrows: usize,
}

impl Mermaid {
    /// Returns whether pages with Mermaid's own limits, such as GitHub's and GitLab's, draw it.
    pub fn fits(&self) -> bool {
        self.arrows < MERMAID_ARROWS && self.text.chars().count() <= MERMAID_CHARACTERS
    }
}

/// Writes the graph as a Mermaid flowchart.
pub fn graph_mermaid(graph: &ObjectGraph, view: GraphView<'_>) -> Mermaid {
    let drawing = Drawing::of(graph, view);
    let mut text = String::from("flowchart LR\n");
    let mut ids = BTreeMap::new();
    let mut frames = 0;
    for frame in &drawing.frames {
        mermaid_frame(&mut text, frame, 1, &mut frames, &mut ids);
    }
    let mut arrows = 0;
    for (from, to) in &drawing.arrows {
        if let (Some(from), Some(to)) = (ids.get(from), ids.get(to)) {
            let _ = writeln!(text, "  n{from} --> n{to}");
            arrows += 1;
        }
    }
    // Frames are lines alone, which goes with light pages and dark ones.
    text.push_str("  classDef frame fill:transparent,stroke:#888888\n");
    for frame in 0..frames {
        let _ = writeln!(text, "  class g{frame} frame");
    }
    Mermaid { text, arrows }
}

fn mermaid_frame<'d>(
    out: &mut String,
    frame: &'d Frame,
    depth: usize,
    frames: &mut usize,
    ids: &mut BTreeMap<&'d Address, usize>,
) {
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}subgraph g{frames}[\"{}\"]", mermaid_escaped(&frame.title));
    // Otherwise a frame that no arrow leaves turns by a quarter.
    let _ = writeln!(out, "{indent}  direction LR");
    *frames += 1;
    for node in &frame.boxes {
        let id = ids.len();
        ids.insert(&node.address, id);
        let (name, detail) = (mermaid_escaped(&node.name), mermaid_escaped(&node.detail));
        let _ = writeln!(out, "{indent}  n{id}[\"{name}<br/>{detail}\"]");
    }
    for inner in &frame.frames {
        mermaid_frame(out, inner, depth + 1, frames, ids);
    }
    let _ = writeln!(out, "{indent}end");
}

/// Mermaid reads `#` as the begin of an entity, and HTML in labels.
fn mermaid_escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            c if c.is_control() => out.push('\u{a0}'),
            // Lines end where they are told to: blanks and hyphens are of the kind that keeps together.
            ' ' => out.push('\u{a0}'),
            '-' => out.push('\u{2011}'),
            c => out.push(c),
        }
    }
    out
}

/// Writes the graph in the DOT language of Graphviz.
pub fn graph_dot(graph: &ObjectGraph, view: GraphView<'_>) -> String {
    let drawing = Drawing::of(graph, view);
    let mut out = String::from(
        "digraph skyplat {\n  rankdir=LR;\n  ranksep=0.7;\n  fontname=\"sans-serif\";\n  \
         node [shape=box, fontname=\"sans-serif\"];\n  edge [color=gray40];\n",
    );
    let mut frames = 0;
    for frame in &drawing.frames {
        dot_frame(&mut out, frame, 1, &mut frames);
    }
    for (from, to) in &drawing.arrows {
        let _ = writeln!(out, "  {} -> {};", quoted(from.as_str()), quoted(to.as_str()));
    }
    out.push_str("}\n");
    out
}

fn dot_frame(out: &mut String, frame: &Frame, depth: usize, frames: &mut usize) {
    let indent = "  ".repeat(depth);
    let title = quoted(&frame.title);
    let _ = writeln!(out, "{indent}subgraph cluster_{frames} {{\n{indent}  label={title};");
    *frames += 1;
    for node in &frame.boxes {
        let label = quoted(&format!("{}\n{}", node.name, node.detail));
        let _ = writeln!(out, "{indent}  {} [label={label}];", quoted(node.address.as_str()));
    }
    for inner in &frame.frames {
        dot_frame(out, inner, depth + 1, frames);
    }
    let _ = writeln!(out, "{indent}}}");
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// What a drawing shows.
struct Drawing {
    frames: Vec<Frame>,
    arrows: Vec<(Address, Address)>,
}

#[derive(Default)]
struct Frame {
    title: String,
    boxes: Vec<DrawnBox>,
    frames: Vec<Self>,
}

struct DrawnBox {
    address: Address,
    name: String,
    detail: String,
}

impl Drawing {
    fn of(graph: &ObjectGraph, view: GraphView<'_>) -> Self {
        let shown: Vec<_> = view.resources(graph).collect();
        let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        let mut places: Vec<(&str, Vec<&Shown<'_>>)> = Vec::new();
        for part in &shown {
            let (entry, objects) = part;
            if view.objects {
                edges.extend(objects.iter().map(|node| (node.address.clone(), node.depends_on())));
            } else {
                edges.insert(entry.address.clone(), entry.depends_on.clone());
            }
            let (place, _) = entry.address.as_str().split_once('/').unwrap_or(("", ""));
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, parts)) => parts.push(part),
                None => places.push((place, vec![part])),
            }
        }
        let frames = places.into_iter().map(|(place, parts)| place_frame(place, &parts, view.objects));
        Self { frames: frames.collect(), arrows: reduced(&edges) }
    }
}

fn place_frame(place: &str, parts: &[&Shown<'_>], objects: bool) -> Frame {
    let regions: BTreeSet<&str> = parts
        .iter()
        .flat_map(|(_, nodes)| nodes)
        .filter_map(|node| node.placement.region.as_ref().map(Region::as_str))
        .collect();
    let title = match regions.first() {
        Some(region) if regions.len() == 1 && *region != place => format!("{place} ({region})"),
        _ => place.to_owned(),
    };
    let mut frame = Frame { title, ..Frame::default() };
    for (entry, nodes) in parts {
        let name = entry.address.as_str().strip_prefix(place).map_or("", |rest| rest.trim_start_matches('/'));
        if objects {
            let boxes = nodes.iter().map(|node| DrawnBox {
                address: node.address.clone(),
                name: within(&node.address, &node.resource).to_owned(),
                detail: node.kind.to_string(),
            });
            let title = format!("{name} ({})", entry.kind);
            frame.frames.push(Frame { title, boxes: boxes.collect(), frames: Vec::new() });
        } else {
            frame.boxes.push(DrawnBox {
                address: entry.address.clone(),
                name: name.to_owned(),
                detail: format!("{}, {}", entry.kind, count(entry.objects.len(), "object")),
            });
        }
    }
    frame
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
    use crate::render::fixture::graph;

    const OBJECTS: GraphView<'_> = GraphView { objects: true, within: &[] };

    #[test]
    fn drawings_leave_out_what_a_longer_way_implies() {
        insta::assert_snapshot!(graph_dot(&graph(), OBJECTS));
        insta::assert_snapshot!(graph_mermaid(&graph(), GraphView::default()).text);
        assert!(!graph_dot(&graph(), OBJECTS).contains("\"hub/vpc/vpc\" -> \"hub/eks/cluster\""));
    }

    #[test]
    fn a_drawing_of_a_part_has_no_loose_arrows() {
        let within = [Address::new("hub/vpc")];
        let part = graph_mermaid(&graph(), GraphView { within: &within, ..OBJECTS });
        assert_eq!(part.arrows, 1, "{}", part.text);
        assert!(part.text.contains("n0 --> n1") && !part.text.contains("eks"), "{}", part.text);
    }

    #[test]
    fn a_label_is_text_and_nothing_else() {
        let label = mermaid_escaped("a\"]; click <b>#1</b>\n& go");
        assert_eq!(label, "a#quot;];_click_#lt;b#gt;#35;1#lt;/b#gt;_#amp;_go".replace('_', "\u{a0}"));
    }

    #[test]
    fn a_page_draws_less_than_five_hundred_arrows() {
        let of = |arrows, characters| Mermaid { text: "x".repeat(characters), arrows }.fits();
        assert!(of(MERMAID_ARROWS - 1, MERMAID_CHARACTERS));
        assert!(!of(MERMAID_ARROWS, 1) && !of(1, MERMAID_CHARACTERS + 1));
    }
}
