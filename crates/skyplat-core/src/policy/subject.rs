//! [`Subject`]: what a check looks at.
//!
//! The inputs of an object are shown with everything in its place that is already decided: outputs that repeat an input
//! (echoes), and recorded outputs of objects that the plan leaves as they are. So a range that a rule takes from a VPC is
//! judged as if it were written there. What is not decided stays a reference.

use std::collections::BTreeMap;

use crate::graph::ObjectGraph;
use crate::object::ObjectNode;
use crate::plan::{Action, Plan, Step};
use crate::state::{Record, State};
use crate::value::{Address, Key, KeyPart, Map, Reference, Resolved, Tree};

/// What a check looks at: what is wanted, what will be done for it, and what is recorded.
#[derive(Debug)]
pub struct Subject<'a> {
    graph: &'a ObjectGraph,
    plan: Option<&'a Plan>,
    state: &'a State,
    inputs: BTreeMap<&'a Address, Tree>,
}

impl<'a> Subject<'a> {
    /// Makes the subject of a graph, with the plan that was made of it and the state it was made from. Without a plan,
    /// what only a plan can tell is not looked at.
    pub fn new(graph: &'a ObjectGraph, plan: Option<&'a Plan>, state: &'a State) -> Self {
        let current = plan.into_iter().flat_map(|plan| &plan.steps).filter(|step| !step.deposed);
        let decided = Decided { graph, state, steps: current.map(|step| (&step.address, step)).collect() };
        let inputs = graph.nodes().values().map(|node| (&node.address, decided.tree(&node.inputs))).collect();
        Self { graph, plan, state, inputs }
    }

    /// Returns the objects that are wanted; none in a destroy.
    pub fn graph(&self) -> &'a ObjectGraph {
        self.graph
    }

    /// Returns what will be done.
    pub fn plan(&self) -> Option<&'a Plan> {
        self.plan
    }

    /// Returns what is recorded.
    pub fn state(&self) -> &'a State {
        self.state
    }

    /// Returns the inputs of a wanted object, with what is decided in its place.
    pub fn inputs(&self, address: &Address) -> Option<&Tree> {
        self.inputs.get(address)
    }

    /// Returns every wanted object with its inputs, in order of address.
    pub fn objects(&self) -> impl Iterator<Item = (&'a ObjectNode, &Tree)> {
        self.graph.nodes().values().zip(self.inputs.values())
    }

    /// Returns the wanted objects of a kind with their inputs, in order of address.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&'a ObjectNode, &Tree)> {
        self.objects().filter(move |(node, _)| node.kind.as_str() == kind)
    }

    /// Returns the wanted Kubernetes objects of a kind of manifest, such as `Service`, with their manifests.
    pub fn manifests(&self, kind: &str) -> impl Iterator<Item = (&'a ObjectNode, &Tree)> {
        self.of_kind("k8s.object")
            .filter(move |(_, manifest)| manifest.get("kind").and_then(Tree::as_str) == Some(kind))
    }

    /// Returns the object that a wanted value is an output of, whatever the value; outputs that repeat a reference are
    /// followed. Ask it of the inputs in the graph, where references stand as they were written.
    pub fn referred(&self, value: Option<&Tree>) -> Option<&'a Address> {
        let mut value = value;
        let mut found = None;
        while let Some(Tree::Ref(reference)) = value {
            let node = self.graph.get(&reference.object)?;
            found = Some(&node.address);
            value = node.echoes.get(reference.field.as_str()).and_then(|path| node.inputs.at(path));
        }
        found
    }

    /// Returns the record that a step of the plan is about.
    pub fn record(&self, step: &Step) -> Option<&'a Record> {
        if step.deposed {
            return self.state.deposed.get(&step.uid);
        }
        let moved = self.plan.into_iter().flat_map(|plan| &plan.moved);
        let from = moved.filter(|moved| moved.to == step.address).map(|moved| &moved.from).next();
        self.state.objects.get(from.unwrap_or(&step.address)).filter(|record| record.uid == step.uid)
    }
}

/// What is known of outputs before anything is done.
struct Decided<'a> {
    graph: &'a ObjectGraph,
    state: &'a State,
    steps: BTreeMap<&'a Address, &'a Step>,
}

impl Decided<'_> {
    fn tree(&self, tree: &Tree) -> Tree {
        match tree {
            Tree::Ref(reference) => self.output(reference).unwrap_or_else(|| tree.clone()),
            Tree::List(items) => Tree::List(items.iter().map(|item| self.tree(item)).collect()),
            Tree::Text(parts) => text(parts.iter().map(|part| self.tree(part)).collect()),
            Tree::Json(inner) => Tree::Json(Box::new(self.tree(inner))),
            Tree::Map(map) => {
                let entries = map.iter().map(|(key, value)| (self.key(key), self.tree(value)));
                Tree::Map(entries.collect::<Map>())
            }
            other => other.clone(),
        }
    }

    fn key(&self, key: &Key) -> Key {
        let Key::Text(parts) = key else { return key.clone() };
        let parts: Vec<KeyPart> = parts
            .iter()
            .map(|part| match part {
                KeyPart::Ref(reference) => match self.output(reference) {
                    Some(Tree::String(text)) => KeyPart::Literal(text),
                    _ => part.clone(),
                },
                KeyPart::Literal(_) => part.clone(),
            })
            .collect();
        let literals = parts.iter().map(|part| match part {
            KeyPart::Literal(text) => Some(text.as_str()),
            KeyPart::Ref(_) => None,
        });
        match literals.collect::<Option<String>>() {
            Some(text) => text.into(),
            None => Key::Text(parts),
        }
    }

    fn output(&self, reference: &Reference) -> Option<Tree> {
        if let Resolved::Known(value) = self.graph.echo(reference) {
            return Some(value);
        }
        let step = self.steps.get(&reference.object)?;
        let record = self.state.objects.get(&reference.object).filter(|record| record.uid == step.uid)?;
        let recomputes =
            |(_, outputs): &(String, Vec<String>)| outputs.iter().any(|output| reference.field == *output);
        let stays = match step.action {
            Action::Keep => true,
            Action::Update => !record.node.rules.recomputes.iter().any(recomputes),
            _ => false,
        };
        record.outputs.get(reference.field.as_str()).filter(|_| stays).cloned()
    }
}

/// Joins the parts of a text when all are known.
fn text(parts: Vec<Tree>) -> Tree {
    match parts.iter().map(Tree::as_str).collect::<Option<String>>() {
        Some(text) => Tree::String(text.into()),
        None => Tree::Text(parts),
    }
}

/// Calls `visit` for every map in a tree, in JSON texts too, whether they were written as one or as a tree.
pub(super) fn for_each_map(tree: &Tree, visit: &mut dyn FnMut(&Tree)) {
    match tree {
        Tree::Map(map) => {
            visit(tree);
            for value in map.values() {
                for_each_map(value, visit);
            }
        }
        Tree::List(items) => items.iter().for_each(|item| for_each_map(item, visit)),
        Tree::Json(inner) => for_each_map(inner, visit),
        Tree::String(text) if text.trim_start().starts_with(['{', '[']) => {
            if let Ok(json) = serde_json::from_str(text) {
                for_each_map(&from_json(json), visit);
            }
        }
        _ => {}
    }
}

fn from_json(json: serde_json::Value) -> Tree {
    use serde_json::Value as Json;
    match json {
        Json::Null => Tree::Null,
        Json::Bool(value) => Tree::Bool(value),
        Json::Number(number) => Tree::Number(number),
        Json::String(text) => Tree::String(text.into()),
        Json::Array(items) => Tree::List(items.into_iter().map(from_json).collect()),
        Json::Object(map) => {
            Tree::Map(map.into_iter().map(|(key, value)| (key.into(), from_json(value))).collect())
        }
    }
}
