//! [`Specimen`]: one object that an executor is tried on, and what it stands on.

use std::collections::BTreeSet;

use skyplat_core::graph::ObjectGraph;
use skyplat_core::object::{Object, ObjectNode, Placement};
use skyplat_core::value::{Address, Tree, TreeError};

/// One object that an executor is tried on.
///
/// Its inputs, and those of its prerequisites, may refer to outputs of prerequisites before them, as in an object graph.
#[derive(Debug, Clone)]
pub struct Specimen {
    /// The tag of the stack that everything is made for.
    pub stack: String,
    /// What has to be there, in the order in which it is made; made and deleted by the same executor.
    pub prerequisites: Vec<ObjectNode>,
    /// The object.
    pub node: ObjectNode,
    /// Its inputs after a change that the API makes in place; none when there is no such change.
    pub changed: Option<Tree>,
    /// Another object of the same kind and place, on the same prerequisites: for reads of both at once.
    pub beside: Option<ObjectNode>,
    /// Whether all who ask for it get the same thing, such as an account's service-linked role.
    pub shared: bool,
}

impl Specimen {
    /// Takes an object that stands on nothing.
    pub fn new(node: ObjectNode) -> Self {
        let stack = "conformance/1".to_owned();
        Self { stack, prerequisites: Vec::new(), node, changed: None, beside: None, shared: false }
    }

    /// Takes a typed object that stands on nothing.
    ///
    /// # Errors
    /// When the object has something that a tree cannot hold.
    pub fn of<O: Object>(name: &str, placement: Placement, object: &O) -> Result<Self, TreeError> {
        let resource = Address::new("specimen");
        Ok(Self::new(ObjectNode::new(resource.join(name), resource, placement, object)?))
    }

    /// Takes an object of a graph, with all that it depends on as prerequisites, and another object of its kind when there
    /// is one that needs no more. None when the graph has no such object.
    pub fn from_graph(graph: &ObjectGraph, address: &Address) -> Option<Self> {
        let node = graph.get(address)?;
        let needed = closure(graph, node);
        let order = graph.order();
        let prerequisites = order.into_iter().filter(|node| needed.contains(&node.address));
        let fits = |other: &&ObjectNode| {
            other.address != node.address
                && other.kind == node.kind
                && other.placement == node.placement
                && other.exclusive == node.exclusive
                && !needed.contains(&other.address)
                && closure(graph, other).is_subset(&needed)
        };
        Some(Self {
            prerequisites: prerequisites.cloned().collect(),
            beside: graph.nodes().values().find(fits).cloned(),
            ..Self::new(node.clone())
        })
    }

    /// Says which stack everything is made for.
    #[must_use]
    pub fn stack(self, tag: impl Into<String>) -> Self {
        Self { stack: tag.into(), ..self }
    }

    /// Adds what has to be there, after what was added before.
    #[must_use]
    pub fn after(mut self, prerequisites: impl IntoIterator<Item = ObjectNode>) -> Self {
        self.prerequisites.extend(prerequisites);
        self
    }

    /// Says what its inputs are after a change that the API makes in place.
    #[must_use]
    pub fn changed(self, inputs: Tree) -> Self {
        Self { changed: Some(inputs), ..self }
    }

    /// Says which field the API can change in place, and to what.
    #[must_use]
    pub fn changed_field(self, field: &str, value: Tree) -> Self {
        let mut inputs = self.node.inputs.clone();
        inputs.set(field, value);
        self.changed(inputs)
    }

    /// Says that all who ask for it get the same thing.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// Adds another object of the same kind and place.
    #[must_use]
    pub fn beside(self, node: ObjectNode) -> Self {
        Self { beside: Some(node), ..self }
    }
}

/// Returns all that an object depends on, itself not among it.
fn closure(graph: &ObjectGraph, node: &ObjectNode) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Address> = node.depends_on().into_iter().collect();
    while let Some(address) = open.pop() {
        if let Some(node) = graph.get(&address)
            && found.insert(address)
        {
            open.extend(node.depends_on());
        }
    }
    found
}
