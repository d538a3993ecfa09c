//! Lowering: the one step from resources to objects.
//!
//! [`lower`] runs every resource's `lower` in the order they were added and collects the objects. It is pure: the same
//! graph and facts give the same objects, byte for byte. Edges between objects are derived from the references in
//! their inputs; [`ObjectBuilder::after`] adds an order without data.
//!
//! ```text
//! let vpc = cx.object("vpc", Ec2Vpc { … }).region(&self.region).add()?;
//! let subnet = cx.object("private-a", Ec2Subnet { vpc_id: vpc.output(Ec2Vpc::ID), … }).region(&self.region).add()?;
//! ```

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use super::objects::{ObjectGraph, ResourceEntry};
use super::resource::{Handle, Resource, ResourceGraph};
use crate::facts::{FactError, Facts};
use crate::ids::{AccountId, Region};
use crate::object::{Object, ObjectNode, OnDelete, OutputField, Placement};
use crate::value::{Address, ToTree, Tree, TreeError, Value};

/// A resource that cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot lower {address}: {message}")]
pub struct LowerError {
    /// The resource or object.
    pub address: Address,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl LowerError {
    /// Makes an error without a hint.
    pub fn new(address: &Address, message: impl Into<String>) -> Self {
        Self { address: address.clone(), message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A set of objects to come after, without taking data from them: `cx.object(…).after(&vpc.egress)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready(BTreeSet<Address>);

impl Ready {
    /// Returns the mark of nothing: ready at once.
    pub fn now() -> Self {
        Self::default()
    }

    /// Returns the mark that needs both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Joins many marks into one that needs them all.
    pub fn all<'a>(marks: impl IntoIterator<Item = &'a Self>) -> Self {
        Self(marks.into_iter().flat_map(|mark| mark.0.iter().cloned()).collect())
    }
}

/// An object that was added: a source of references to its outputs.
#[derive(Debug, Clone)]
pub struct Added<O> {
    address: Address,
    placement: Placement,
    object: PhantomData<fn() -> O>,
}

impl<O: Object> Added<O> {
    /// Refers to an output.
    pub fn output<T>(&self, field: OutputField<O, T>) -> Value<T> {
        field.of(&self.address)
    }

    /// Returns the mark that this object is done.
    pub fn ready(&self) -> Ready {
        Ready(BTreeSet::from([self.address.clone()]))
    }

    /// Returns the object's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns this object as a place for others to be inside of.
    pub fn container(&self) -> Container {
        Container { address: self.address.clone(), placement: self.placement.clone() }
    }
}

/// An object that others are inside of, such as a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    address: Address,
    placement: Placement,
}

impl Container {
    /// Returns the address of the containing object.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// What a resource has at hand while it is lowered.
#[derive(Debug)]
pub struct Lowering<'a> {
    resource: Address,
    account: AccountId,
    facts: &'a Facts,
    outputs: &'a LoweredOutputs,
    depends_on: BTreeSet<Address>,
    objects: Vec<ObjectNode>,
}

/// The outputs of the resources lowered so far, by position.
#[derive(Debug)]
struct LoweredOutputs {
    brand: u64,
    done: Vec<(Address, Box<dyn Any + Send + Sync>)>,
}

impl LoweredOutputs {
    fn get<R: Resource>(
        &self,
        asker: &Address,
        handle: Handle<R>,
    ) -> Result<(&Address, &R::Outputs), LowerError> {
        if handle.brand != self.brand {
            return Err(LowerError::new(
                asker,
                format!("it holds a handle of a {} of another graph", R::KIND),
            ));
        }
        let (address, outputs) = &self.done[handle.index];
        Ok((address, outputs.downcast_ref().expect("a handle is made with its resource's type")))
    }
}

impl<'a> Lowering<'a> {
    /// Returns the address of the resource being lowered.
    pub fn address(&self) -> &Address {
        &self.resource
    }

    /// Returns the account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the facts.
    pub fn facts(&self) -> &'a Facts {
        self.facts
    }

    /// Makes an error about this resource.
    pub fn error(&self, message: impl Into<String>) -> LowerError {
        LowerError::new(&self.resource, message)
    }

    /// Returns what another resource offers; this is what makes an edge between resources.
    ///
    /// # Errors
    /// When the handle belongs to another graph.
    pub fn outputs<R: Resource>(&mut self, handle: Handle<R>) -> Result<R::Outputs, LowerError> {
        let (address, outputs) = self.outputs.get(&self.resource, handle)?;
        self.depends_on.insert(address.clone());
        Ok(outputs.clone())
    }

    /// Starts an object named `name` below this resource; [`ObjectBuilder::add`] ends it.
    pub fn object<O: Object>(&mut self, name: &str, object: O) -> ObjectBuilder<'_, 'a, O> {
        let address = self.resource.join(name);
        let placement = Placement { account: self.account.clone(), region: None, container: None };
        ObjectBuilder {
            cx: self,
            address,
            object,
            placement,
            after: Ready::now(),
            protect: false,
            on_delete: OnDelete::Delete,
        }
    }
}

impl From<(&Address, FactError)> for LowerError {
    fn from((address, error): (&Address, FactError)) -> Self {
        Self::new(address, error.to_string())
    }
}

/// An object on its way into the graph. Without a region or a container it belongs to a global service.
#[derive(Debug)]
#[must_use = "an object is added by `.add()`"]
pub struct ObjectBuilder<'c, 'a, O> {
    cx: &'c mut Lowering<'a>,
    address: Address,
    object: O,
    placement: Placement,
    after: Ready,
    protect: bool,
    on_delete: OnDelete,
}

impl<O: Object> ObjectBuilder<'_, '_, O> {
    /// Places the object in a region.
    pub fn region(mut self, region: &Region) -> Self {
        self.placement.region = Some(region.clone());
        self
    }

    /// Places the object inside another one, in its account and region.
    pub fn within(mut self, container: &Container) -> Self {
        self.placement =
            Placement { container: Some(container.address.clone()), ..container.placement.clone() };
        self
    }

    /// Orders the object after others without taking data from them.
    pub fn after(mut self, ready: &Ready) -> Self {
        self.after = self.after.and(ready);
        self
    }

    /// Refuses any plan that would delete or replace the object.
    pub fn protect(mut self, protect: bool) -> Self {
        self.protect = protect;
        self
    }

    /// Says what happens to the real thing when the object leaves the desired graph.
    pub fn on_delete(mut self, on_delete: OnDelete) -> Self {
        self.on_delete = on_delete;
        self
    }

    /// Adds the object to the graph.
    ///
    /// # Errors
    /// When its inputs hold something that a tree cannot hold.
    pub fn add(self) -> Result<Added<O>, LowerError> {
        let Self { cx, address, object, placement, after, protect, on_delete } = self;
        let not_a_tree = |error: TreeError| LowerError::new(&address, error.to_string());
        let mut node = ObjectNode::new(address.clone(), cx.resource.clone(), placement.clone(), &object)
            .map_err(not_a_tree)?;
        node.after = after.0;
        node.protect = protect;
        node.on_delete = on_delete;
        cx.objects.push(node);
        Ok(Added { address, placement, object: PhantomData })
    }
}

/// What an output of the platform can be made from.
#[derive(Debug)]
pub struct Exports<'a> {
    outputs: &'a LoweredOutputs,
    /// The facts.
    pub facts: &'a Facts,
}

impl Exports<'_> {
    /// Returns what a resource offers.
    ///
    /// # Errors
    /// When the handle belongs to another graph.
    pub fn outputs<R: Resource>(&self, handle: Handle<R>) -> Result<R::Outputs, LowerError> {
        self.outputs.get(&Address::new("outputs"), handle).map(|(_, outputs)| outputs.clone())
    }
}

/// Lowers every resource of a graph to its objects.
///
/// # Errors
/// The first resource that cannot be built, or a fault of the object graph (see [`ObjectGraph::new`]).
pub fn lower(graph: &ResourceGraph, facts: &Facts) -> Result<ObjectGraph, LowerError> {
    let account =
        facts.account().map_err(|error| LowerError::new(&Address::new("platform"), error.to_string()))?;
    let mut outputs =
        LoweredOutputs { brand: graph.brand(), done: Vec::with_capacity(graph.resources.len()) };
    let mut resources = Vec::with_capacity(graph.resources.len());
    let mut nodes = Vec::new();
    for (address, resource) in &graph.resources {
        let mut cx = Lowering {
            resource: address.clone(),
            account: account.clone(),
            facts,
            outputs: &outputs,
            depends_on: BTreeSet::new(),
            objects: Vec::new(),
        };
        let lowered = resource.lower(&mut cx)?;
        let Lowering { depends_on, objects, .. } = cx;
        resources.push(ResourceEntry {
            address: address.clone(),
            kind: resource.kind().to_owned(),
            objects: objects.iter().map(|node| node.address.clone()).collect(),
            depends_on,
        });
        nodes.extend(objects);
        outputs.done.push((address.clone(), lowered));
    }
    let exports = Exports { outputs: &outputs, facts };
    let exports: BTreeMap<String, Tree> = graph
        .exports
        .iter()
        .map(|(name, export)| export(&exports).map(|tree| (name.clone(), tree.to_tree())))
        .collect::<Result<_, _>>()?;
    ObjectGraph::new(resources, nodes, exports)
}
