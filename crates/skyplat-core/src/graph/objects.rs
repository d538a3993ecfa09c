//! [`ObjectGraph`]: the lowered graph, checked.
//!
//! Planner, plan file and front ends start from here. The graph is data: two equal graphs serialise to equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::toposort;
use petgraph::graph::DiGraph;
use serde::{Deserialize, Serialize};

use super::lowering::LowerError;
use crate::object::{Class, ObjectNode};
use crate::value::{Address, Reference, Resolved, Tree, paper, resolve};

/// A resource as the lowered graph remembers it: to group objects by, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceEntry {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// Its objects, in the order they were added.
    pub objects: Vec<Address>,
    /// The resources it took outputs from.
    pub depends_on: BTreeSet<Address>,
}

/// The lowered graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectGraph {
    resources: Vec<ResourceEntry>,
    nodes: BTreeMap<Address, ObjectNode>,
    #[serde(with = "paper::named")]
    exports: BTreeMap<String, Tree>,
}

impl ObjectGraph {
    /// Builds the graph and checks it.
    ///
    /// # Errors
    /// When two objects have one address or one natural key, when an edge leads to nothing, or when edges form a cycle.
    pub fn new(
        resources: Vec<ResourceEntry>,
        nodes: Vec<ObjectNode>,
        exports: BTreeMap<String, Tree>,
    ) -> Result<Self, LowerError> {
        let mut graph = Self { resources, nodes: BTreeMap::new(), exports };
        for node in nodes {
            if let Some(taken) = graph.nodes.insert(node.address.clone(), node) {
                return Err(LowerError::new(&taken.address, "there are two objects with this address"));
            }
        }
        graph.check_edges()?;
        graph.order()?;
        graph.check_natural_keys()?;
        Ok(graph)
    }

    /// Returns the resources in the order they were added.
    pub fn resources(&self) -> &[ResourceEntry] {
        &self.resources
    }

    /// Returns the objects by address.
    pub fn nodes(&self) -> &BTreeMap<Address, ObjectNode> {
        &self.nodes
    }

    /// Returns the object at an address.
    pub fn get(&self, address: &Address) -> Option<&ObjectNode> {
        self.nodes.get(address)
    }

    /// Returns the outputs of the platform, with references.
    pub fn exports(&self) -> &BTreeMap<String, Tree> {
        &self.exports
    }

    /// Returns the objects so that each comes after all it depends on; ties are in order of address.
    ///
    /// # Errors
    /// When edges form a cycle; the error names one object on it.
    pub fn order(&self) -> Result<Vec<Address>, LowerError> {
        let mut graph = DiGraph::<&Address, ()>::with_capacity(self.nodes.len(), self.nodes.len() * 3);
        let index: BTreeMap<&Address, _> =
            self.nodes.keys().map(|address| (address, graph.add_node(address))).collect();
        for node in self.nodes.values() {
            for dependency in node.depends_on() {
                if let Some(from) = index.get(&dependency) {
                    graph.add_edge(*from, index[&node.address], ());
                }
            }
        }
        toposort(&graph, None).map(|order| order.into_iter().map(|at| graph[at].clone()).collect()).map_err(
            |cycle| LowerError::new(graph[cycle.node_id()], "it depends on itself through other objects"),
        )
    }

    fn check_edges(&self) -> Result<(), LowerError> {
        for node in self.nodes.values() {
            for dependency in node.depends_on() {
                if !self.nodes.contains_key(&dependency) {
                    let message = format!("it depends on {dependency}, which is not in the graph");
                    return Err(LowerError::new(&node.address, message));
                }
            }
        }
        let mut missing = None;
        for (name, tree) in &self.exports {
            tree.for_each_ref(&mut |reference| {
                if !self.nodes.contains_key(&reference.object) {
                    missing = Some((name.clone(), reference.clone()));
                }
            });
        }
        missing.map_or(Ok(()), |(name, reference)| {
            let message = format!("the output {name} refers to {reference}, which is not in the graph");
            Err(LowerError::new(&reference.object, message))
        })
    }

    /// Two objects of one kind and place may not have one natural key, as far as echoes tell.
    fn check_natural_keys(&self) -> Result<(), LowerError> {
        let mut seen = BTreeMap::new();
        for node in self.nodes.values().filter(|node| node.class == Class::Owned) {
            let Some(key) = &node.natural_key else { continue };
            let key = resolve(key, &|reference| self.echo(reference))
                .map_err(|error| LowerError::new(&node.address, error.to_string()))?;
            let place = (node.kind.clone(), node.placement.clone(), paper::show(&key).to_string());
            if let Some(other) = seen.insert(place, &node.address) {
                let message = format!("{other} is the same {}: both are {}", node.kind, paper::show(&key));
                return Err(LowerError::new(&node.address, message).hint("give one of them another name"));
            }
        }
        Ok(())
    }

    /// Returns the value of an output that repeats an input, following echoes of echoes.
    fn echo(&self, reference: &Reference) -> Resolved {
        let value = self.nodes.get(&reference.object).and_then(|node| {
            let path = node.echoes.get(&reference.field)?;
            let input = node.inputs.at(path)?;
            resolve(input, &|inner| self.echo(inner)).ok()
        });
        match value {
            Some(tree) if tree.is_ground() => Resolved::Known(tree),
            _ => Resolved::Unknown,
        }
    }

    /// Returns the inputs of an object with every echo in its place, as far as they are known without any state.
    pub fn inputs_with_echoes(&self, node: &ObjectNode) -> Tree {
        resolve(&node.inputs, &|reference| match self.echo(reference) {
            Resolved::Known(tree) => Resolved::Known(tree),
            Resolved::Unknown => Resolved::Known(Tree::Ref(reference.clone())),
        })
        .unwrap_or_else(|_| node.inputs.clone())
    }
}
