//! Object graphs of a few shapes, and the states they leave behind.
//!
//! Objects are as big as a platform's: a name, tags, a rule or two, a few references. Everything is made through the
//! public API, so that these numbers are an embedder's numbers.

use std::collections::{BTreeMap, BTreeSet};

use skyplat::graph::{ObjectGraph, ResourceEntry};
use skyplat::ids::AccountId;
use skyplat::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
use skyplat::state::{Entry, Record, Stack, State, Uid};
use skyplat::tree;
use skyplat::value::{Address, DigestKey, Reference, Tree, resolve};

/// How objects depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Not at all.
    Flat,
    /// Each on the one before it.
    Chain,
    /// A hub, √n spokes that need it, √n objects in each spoke that need both; the last object needs every spoke.
    HubAndSpoke,
    /// Layers of ten; each object needs three of the layer before.
    Layered,
    /// Layers of two; each object needs both of the layer before, so that paths double with every layer.
    Diamonds,
}

impl Shape {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Flat, Self::Chain, Self::HubAndSpoke, Self::Layered, Self::Diamonds];

    /// Returns the name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Chain => "chain",
            Self::HubAndSpoke => "hub-and-spoke",
            Self::Layered => "layered",
            Self::Diamonds => "diamonds",
        }
    }

    /// Returns the numbers of the objects that object `at` of `size` needs.
    fn needs(self, at: usize, size: usize) -> Vec<usize> {
        match self {
            Self::Flat => Vec::new(),
            Self::Chain => at.checked_sub(1).into_iter().collect(),
            Self::HubAndSpoke => {
                let spokes = size.isqrt();
                match at {
                    0 => Vec::new(),
                    at if at <= spokes => vec![0],
                    at if at + 1 == size => (1..=spokes).collect(),
                    at => vec![0, 1 + at % spokes],
                }
            }
            Self::Layered => layer_before(at, 10).map_or_else(Vec::new, |start| {
                BTreeSet::from([at, at + 3, at + 7].map(|of| start + of % 10)).into_iter().collect()
            }),
            Self::Diamonds => layer_before(at, 2).map_or_else(Vec::new, |start| vec![start, start + 1]),
        }
    }

    /// Makes a graph of `size` objects.
    pub(crate) fn graph(self, size: usize) -> ObjectGraph {
        self.graph_with(size, 0)
    }

    /// Makes a graph of `size` objects of which the first has this revision.
    pub(crate) fn graph_with(self, size: usize, revision: u32) -> ObjectGraph {
        let nodes: Vec<ObjectNode> =
            (0..size).map(|at| node(at, if at == 0 { revision } else { 0 }, &self.needs(at, size))).collect();
        let objects = nodes.iter().map(|node| node.address.clone()).collect();
        let resource = ResourceEntry {
            address: Address::new("bench"),
            kind: "Bench".to_owned(),
            objects,
            depends_on: BTreeSet::new(),
        };
        ObjectGraph::new(vec![resource], nodes, BTreeMap::new()).expect("every need has a lower number")
    }
}

fn layer_before(at: usize, width: usize) -> Option<usize> {
    (at / width).checked_sub(1).map(|layer| layer * width)
}

fn node(at: usize, revision: u32, needs: &[usize]) -> ObjectNode {
    let name = format!("thing-{at:06}");
    let references: Vec<Tree> = needs
        .iter()
        .map(|need| {
            let object = Address::new(format!("bench/thing-{need:06}"));
            Tree::Ref(Reference { object, field: "id".into() })
        })
        .collect();
    ObjectNode {
        address: Address::new(format!("bench/{name}")),
        kind: "bench.thing".into(),
        class: Class::Owned,
        resource: Address::new("bench"),
        placement: Placement {
            account: AccountId::new("123456789012"),
            region: Some("us-west-2".into()),
            container: None,
        },
        inputs: tree!({
            "name": (name.as_str()),
            "revision": revision,
            "needs": references,
            "tags": { "Name": (name.as_str()), "skyplat:stack": "dev/0123456789abcdef", "team": "platform" },
        }),
        natural_key: Some(tree!({ "name": (name.as_str()) })),
        exclusive: None,
        rules: FieldRules::new().replace(["name"]).into(),
        echoes: BTreeMap::from([("name".to_owned(), "name".to_owned())]).into(),
        secret_outputs: BTreeSet::new(),
        after: BTreeSet::new(),
        protect: false,
        on_delete: OnDelete::Delete,
    }
}

/// Returns the state of a stack that has nothing yet.
pub(crate) fn empty() -> State {
    let stack = Stack { name: "dev".to_owned(), id: "0123456789abcdef".to_owned() };
    State::new(stack, DigestKey::new([7; 32]))
}

/// Returns the state after a graph's objects were made.
pub(crate) fn made(graph: &ObjectGraph) -> State {
    make(graph, drop)
}

/// Makes a graph's objects as the engine would, and hands out what it would journal for each.
pub(crate) fn make(graph: &ObjectGraph, mut each: impl FnMut([Entry; 2])) -> State {
    let mut state = empty();
    for node in graph.order() {
        let address = node.address.clone();
        let depends_on = node.depends_on();
        let inputs = resolve(&node.inputs, &|reference| state.output(reference)).expect("keys are literals");
        let node = ObjectNode { inputs, ..node.clone() };
        let uid = Uid::new(&state.stack.id, &address, 0);
        let id = format!("id-{uid}");
        let outputs = BTreeMap::from([("id".to_owned(), tree!(id))]);
        let record = Box::new(Record::planned(node, depends_on, uid.clone(), 0));
        let made = [Entry::CreateBegins { record }, Entry::Created { address, uid, id, outputs }];
        for entry in &made {
            state.apply(entry).expect("a create begins and ends");
        }
        each(made);
    }
    state
}
