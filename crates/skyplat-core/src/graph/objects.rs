//! [`ObjectGraph`]: the lowered graph, checked.
//!
//! Planner, plan file and front ends start from here. The graph is data: two equal graphs serialise to equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::edges::Edges;
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
#[serde(try_from = "Written")]
pub struct ObjectGraph {
    resources: Vec<ResourceEntry>,
    nodes: BTreeMap<Address, ObjectNode>,
    #[serde(with = "paper::named")]
    exports: BTreeMap<String, Tree>,
    /// What each object depends on, by position among the nodes.
    #[serde(skip)]
    edges: Edges,
    /// The positions so that each comes after those it depends on.
    #[serde(skip)]
    order: Vec<usize>,
}

/// A graph as it is read, unchecked.
#[derive(Deserialize)]
struct Written {
    resources: Vec<ResourceEntry>,
    nodes: BTreeMap<Address, ObjectNode>,
    #[serde(with = "paper::named")]
    exports: BTreeMap<String, Tree>,
}

impl TryFrom<Written> for ObjectGraph {
    type Error = LowerError;

    fn try_from(Written { resources, nodes, exports }: Written) -> Result<Self, LowerError> {
        Self::new(resources, nodes.into_values().collect(), exports)
    }
}

impl ObjectGraph {
    /// Builds the graph and checks it.
    ///
    /// # Errors
    /// When two objects have one address or one natural key, when an edge leads to nothing, when edges form a cycle, or
    /// when there is a secret in the clear.
    pub fn new(
        resources: Vec<ResourceEntry>,
        mut nodes: Vec<ObjectNode>,
        exports: BTreeMap<String, Tree>,
    ) -> Result<Self, LowerError> {
        nodes.sort_by(|one, other| one.address.cmp(&other.address));
        if let Some(twins) = nodes.windows(2).find(|pair| pair[0].address == pair[1].address) {
            return Err(LowerError::new(&twins[0].address, "there are two objects with this address"));
        }
        check_secrets(&nodes, &exports)?;
        let edges = edges(&nodes)?;
        let order = edges.sorted();
        if let Some(address) = on_a_circle(&nodes, &edges, &order) {
            return Err(LowerError::new(address, "it depends on itself through other objects"));
        }
        let nodes = nodes.into_iter().map(|node| (node.address.clone(), node)).collect();
        let graph = Self { resources, nodes, exports, edges, order };
        graph.check_exports()?;
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
    pub fn order(&self) -> Vec<&ObjectNode> {
        let nodes: Vec<&ObjectNode> = self.nodes.values().collect();
        self.order.iter().map(|at| nodes[*at]).collect()
    }

    /// Returns the positions of [`Self::order`] among the nodes.
    pub(crate) fn positions_in_order(&self) -> &[usize] {
        &self.order
    }

    /// Returns what each object depends on, by position among the nodes.
    pub(crate) fn edges(&self) -> &Edges {
        &self.edges
    }

    fn check_exports(&self) -> Result<(), LowerError> {
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
        let echoes = Self::known_echoes(&self.order());
        let known = |reference: &Reference| echoed(&echoes, reference);
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

    /// Returns the outputs that natural keys refer to and that repeat an input, as far as they are known without any
    /// state. In order, so that an echo of an echo finds the first one, however long the chain.
    fn known_echoes<'g>(order: &[&'g ObjectNode]) -> Echoes<'g> {
        let mut known = Echoes::new();
        let ask = |tree: &'g Tree, known: &mut Echoes<'g>| {
            tree.for_each_ref(&mut |reference| {
                known.entry((&reference.object, &reference.field)).or_default();
            });
        };
        for node in order.iter().filter(|node| node.class == Class::Owned) {
            node.natural_key.iter().for_each(|key| ask(key, &mut known));
        }
        // What is asked for is found backwards, and its values forwards.
        let mut asked: Vec<(&ObjectNode, &str, &Tree)> = Vec::new();
        for node in order.iter().rev() {
            for (field, path) in node.echoes.iter() {
                if let Some(input) = node.inputs.at(path)
                    && known.contains_key(&(&node.address, field.as_str()))
                {
                    ask(input, &mut known);
                    asked.push((*node, field, input));
                }
            }
        }
        for (node, field, input) in asked.into_iter().rev() {
            let value = resolve(input, &|reference| echoed(&known, reference)).ok().filter(Tree::is_ground);
            known.insert((&node.address, field), value);
        }
        known
    }

    /// Returns the value of an output that repeats an input, following echoes of echoes.
    pub(crate) fn echo(&self, reference: &Reference) -> Resolved {
        let mut reference = reference;
        let input = loop {
            let node = self.nodes.get(&reference.object);
            match node.and_then(|node| node.inputs.at(node.echoes.get(reference.field.as_str())?)) {
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

/// Outputs that repeat an input, by object and name; none for a value that is not known.
type Echoes<'g> = BTreeMap<(&'g Address, &'g str), Option<Tree>>;

fn echoed(known: &Echoes<'_>, reference: &Reference) -> Resolved {
    let value = known.get(&(&reference.object, reference.field.as_str()));
    value.cloned().flatten().map_or(Resolved::Unknown, Resolved::Known)
}

/// A graph is written down: into plan files, and its objects into the journal.
fn check_secrets(nodes: &[ObjectNode], exports: &BTreeMap<String, Tree>) -> Result<(), LowerError> {
    let has_secret = |node: &&ObjectNode| {
        node.inputs.has_secret() || node.natural_key.as_ref().is_some_and(Tree::has_secret)
    };
    let hint = "refer to an output of the object that holds the secret";
    if let Some(node) = nodes.iter().find(has_secret) {
        return Err(LowerError::new(&node.address, "an input is a secret in the clear").hint(hint));
    }
    match exports.iter().find(|(_, tree)| tree.has_secret()) {
        Some((name, _)) => {
            let message = format!("the output {name} is a secret in the clear");
            Err(LowerError::new(&Address::new(name.as_str()), message).hint(hint))
        }
        None => Ok(()),
    }
}

/// Finds what each object depends on, by position.
fn edges(nodes: &[ObjectNode]) -> Result<Edges, LowerError> {
    let position: IndexMap<&Address, usize> =
        nodes.iter().enumerate().map(|(at, node)| (&node.address, at)).collect();
    let mut pairs = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let mut missing: Option<&Address> = None;
        node.for_each_dependency(&mut |address| match position.get(address) {
            Some(other) => pairs.push((at, *other)),
            None => missing = Some(missing.map_or(address, |first| first.min(address))),
        });
        if let Some(missing) = missing {
            let message = format!("it depends on {missing}, which is not in the graph");
            return Err(LowerError::new(&node.address, message));
        }
    }
    Ok(Edges::new(nodes.len(), pairs.iter().copied()))
}

/// Returns an object that depends on itself, if one was left out of the order for that.
fn on_a_circle<'n>(nodes: &'n [ObjectNode], edges: &Edges, order: &[usize]) -> Option<&'n Address> {
    let mut sorted = vec![false; nodes.len()];
    for at in order {
        sorted[*at] = true;
    }
    let mut at = sorted.iter().position(|sorted| !sorted)?;
    // Whoever is left out needs another who is: backwards from any of them lies a circle.
    let mut passed = BTreeSet::new();
    while passed.insert(at) {
        at = edges.of(at).iter().copied().find(|before| !sorted[*before])?;
    }
    Some(&nodes[at].address)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::ObjectGraph;
    use crate::ids::AccountId;
    use crate::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
    use crate::tree;
    use crate::value::{Address, Reference, Secret, Tree};

    /// Makes the nth node, whose name is that of the node before it.
    fn node(at: usize) -> ObjectNode {
        let before = |at: usize| Reference { object: Address::new(format!("n{at}")), field: "name".into() };
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
            rules: FieldRules::new().into(),
            echoes: BTreeMap::from([("name".to_owned(), "name".to_owned())]).into(),
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

    #[test]
    fn a_secret_in_the_clear_is_refused_where_it_stands_and_not_shown() {
        let secret = || Tree::Secret(Secret::new("canary-4711"));
        let inputs = ObjectNode { inputs: tree!({ "deep": [(secret())] }), natural_key: None, ..node(0) };
        let key = ObjectNode { natural_key: Some(secret()), ..node(0) };
        let exports = BTreeMap::from([("password".to_owned(), secret())]);
        for (node, exports, place) in
            [(inputs, BTreeMap::new(), "n0"), (key, BTreeMap::new(), "n0"), (node(0), exports, "password")]
        {
            let error = ObjectGraph::new(Vec::new(), vec![node], exports).unwrap_err();
            assert_eq!(error.address, Address::new(place));
            assert!(error.to_string().contains("a secret in the clear"), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn a_graph_that_is_read_is_checked() {
        let nodes = (0..3).map(node).collect();
        let graph = ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).unwrap();
        assert_eq!(
            graph.order().iter().map(|node| node.address.as_str()).collect::<Vec<_>>(),
            ["n0", "n1", "n2"]
        );
        let mut json = serde_json::to_value(&graph).unwrap();
        assert_eq!(serde_json::from_value::<ObjectGraph>(json.clone()).unwrap(), graph);
        json["nodes"].as_object_mut().unwrap().remove("n1");
        let error = serde_json::from_value::<ObjectGraph>(json).unwrap_err().to_string();
        assert!(error.contains("depends on n1, which is not in the graph"), "{error}");
    }
}
