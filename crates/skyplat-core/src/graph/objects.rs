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
        mut nodes: Vec<ObjectNode>,
        exports: BTreeMap<String, Tree>,
    ) -> Result<Self, LowerError> {
        nodes.sort_by(|one, other| one.address.cmp(&other.address));
        if let Some(twins) = nodes.windows(2).find(|pair| pair[0].address == pair[1].address) {
            return Err(LowerError::new(&twins[0].address, "there are two objects with this address"));
        }
        let nodes = nodes.into_iter().map(|node| (node.address.clone(), node)).collect();
        let graph = Self { resources, nodes, exports };
        graph.check_edges()?;
        let order = graph.order()?;
        graph.check_natural_keys(&order)?;
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
    fn check_natural_keys(&self, order: &[Address]) -> Result<(), LowerError> {
        let echoes = self.known_echoes(order);
        let known = |reference: &Reference| {
            let value = echoes.get(&(&reference.object, reference.field.as_str()));
            value.map_or(Resolved::Unknown, |value| Resolved::Known(value.clone()))
        };
        let mut seen = BTreeMap::new();
        for node in self.nodes.values().filter(|node| node.class == Class::Owned) {
            let Some(key) = &node.natural_key else { continue };
            let key =
                resolve(key, &known).map_err(|error| LowerError::new(&node.address, error.to_string()))?;
            let place = (&node.kind, &node.placement, paper::show(&key).to_string());
            if let Some(other) = seen.insert(place, &node.address) {
                let message = format!("{other} is the same {}: both are {}", node.kind, paper::show(&key));
                return Err(LowerError::new(&node.address, message).hint("give one of them another name"));
            }
        }
        Ok(())
    }

    /// Returns the outputs that repeat an input, as far as they are known without any state. In order, so that an echo
    /// of an echo finds the first one, however long the chain.
    fn known_echoes(&self, order: &[Address]) -> BTreeMap<(&Address, &str), Tree> {
        let mut known: BTreeMap<(&Address, &str), Tree> = BTreeMap::new();
        for node in order.iter().filter_map(|address| self.nodes.get(address)) {
            for (field, path) in &node.echoes {
                let lookup = |reference: &Reference| {
                    let value = known.get(&(&reference.object, reference.field.as_str()));
                    value.map_or(Resolved::Unknown, |value| Resolved::Known(value.clone()))
                };
                let value = node.inputs.at(path).and_then(|input| resolve(input, &lookup).ok());
                if let Some(value) = value.filter(Tree::is_ground) {
                    known.insert((&node.address, field.as_str()), value);
                }
            }
        }
        known
    }

    /// Returns the value of an output that repeats an input, following echoes of echoes.
    pub(crate) fn echo(&self, reference: &Reference) -> Resolved {
        let mut reference = reference;
        let input = loop {
            let node = self.nodes.get(&reference.object);
            match node.and_then(|node| node.inputs.at(node.echoes.get(&reference.field)?)) {
                Some(Tree::Ref(inner)) => reference = inner,
                other => break other,
            }
        };
        match input.and_then(|input| resolve(input, &|inner| self.echo(inner)).ok()) {
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::ObjectGraph;
    use crate::ids::AccountId;
    use crate::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
    use crate::tree;
    use crate::value::{Address, Reference, Tree};

    /// Makes the nth node, whose name is that of the node before it.
    fn node(at: usize) -> ObjectNode {
        let before =
            |at: usize| Reference { object: Address::new(format!("n{at}")), field: "name".to_owned() };
        let name = at.checked_sub(1).map_or(tree!("first"), |at| Tree::Ref(before(at)));
        ObjectNode {
            address: Address::new(format!("n{at}")),
            kind: "test.thing".into(),
            class: Class::Owned,
            resource: Address::new("n"),
            placement: Placement { account: AccountId::new("1"), region: None, container: None },
            inputs: tree!({ "name": name }),
            natural_key: Some(tree!({ "name": name, "at": (at.to_string()) })),
            exclusive: None,
            rules: FieldRules::new(),
            echoes: BTreeMap::from([("name".to_owned(), "name".to_owned())]),
            secret_outputs: BTreeSet::new(),
            after: BTreeSet::new(),
            protect: false,
            on_delete: OnDelete::Delete,
        }
    }

    #[test]
    fn echoes_are_followed_however_long_the_chain() {
        const LENGTH: usize = 100_000;
        let mut nodes: Vec<ObjectNode> = (0..LENGTH).map(node).collect();
        let last = nodes.last().unwrap().clone();
        let graph = ObjectGraph::new(Vec::new(), nodes.clone(), BTreeMap::new()).unwrap();
        assert_eq!(graph.inputs_with_echoes(&last), tree!({ "name": "first" }));

        let twin = ObjectNode {
            address: Address::new("twin"),
            natural_key: Some(tree!({ "name": "first", "at": ((LENGTH - 1).to_string()) })),
            ..last
        };
        nodes.push(twin);
        let error = ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).unwrap_err();
        assert_eq!(error.address, Address::new("twin"));
    }
}
