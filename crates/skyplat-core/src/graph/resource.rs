//! The typed resource graph: what a person names.
//!
//! A [`Handle`] is made only by [`ResourceGraph::add`], so a resource can only name resources that were added before
//! it: the graph is acyclic by construction. A handle knows the type behind it, so a cluster where a VPC is wanted does
//! not compile. It also carries its graph's brand; a handle of another graph is an error when it is used.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use indexmap::IndexMap;

use super::lowering::{Exports, LowerError, Lowering};
use crate::facts::Questions;
use crate::value::{Address, Tree};

/// What a person names: a VPC, a cluster, a tenant's namespace.
pub trait Resource: fmt::Debug + Send + Sync + 'static {
    /// The kind, as in plans: `Vpc`.
    const KIND: &'static str;
    /// What other resources may use of it: values and ready marks.
    type Outputs: Clone + Send + Sync + 'static;

    /// Asks what it needs to know before lowering.
    fn facts(&self, questions: &mut Questions) {
        let _ = questions;
    }

    /// Turns the resource into its objects. Pure: no I/O, no clock, no randomness.
    ///
    /// # Errors
    /// When the resource cannot be built as described; the error names it and says what to change.
    fn lower(&self, cx: &mut Lowering<'_>) -> Result<Self::Outputs, LowerError>;
}

/// Stands for a resource that was added to a graph.
pub struct Handle<R> {
    pub(super) index: usize,
    pub(super) brand: u64,
    resource: PhantomData<fn() -> R>,
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Handle<R> {}

impl<R: Resource> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle<{}>({})", R::KIND, self.index)
    }
}

/// A resource that cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two resources with one address.
    #[error("there are two resources at {0}")]
    DuplicateAddress(Address),
    /// An address that is not a path of names.
    #[error("{0} is no address: names of a-z, 0-9, '-' and '.', joined by '/'")]
    BadAddress(Address),
    /// A resource that is asked for and was never added.
    #[error("there is no resource at {0}")]
    NotThere(Address),
    /// A resource of another type than the one asked for.
    #[error("the resource at {address} is a {found}, not a {wanted}")]
    OtherKind {
        /// Where.
        address: Address,
        /// What it is.
        found: &'static str,
        /// What it was taken for.
        wanted: &'static str,
    },
}

/// A resource whose type is forgotten.
pub(super) trait Erased: Any + fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static str;
    fn facts(&self, questions: &mut Questions);
    fn lower(&self, cx: &mut Lowering<'_>) -> Result<Box<dyn Any + Send + Sync>, LowerError>;
}

impl<R: Resource> Erased for R {
    fn kind(&self) -> &'static str {
        R::KIND
    }

    fn facts(&self, questions: &mut Questions) {
        Resource::facts(self, questions);
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<Box<dyn Any + Send + Sync>, LowerError> {
        Resource::lower(self, cx).map(|outputs| Box::new(outputs) as Box<dyn Any + Send + Sync>)
    }
}

/// Makes one output of the platform from the outputs of its resources.
pub(super) type Export = Box<dyn Fn(&Exports<'_>) -> Result<Tree, LowerError> + Send + Sync>;

/// The typed resource graph.
pub struct ResourceGraph {
    brand: u64,
    pub(super) resources: IndexMap<Address, Box<dyn Erased>>,
    pub(super) exports: BTreeMap<String, Export>,
}

impl Default for ResourceGraph {
    fn default() -> Self {
        Self::new()
    }
}

impl ResourceGraph {
    /// Makes an empty graph.
    pub fn new() -> Self {
        // Only tells graphs of one process apart, so that a handle is not used with the wrong one; never printed.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            brand: NEXT.fetch_add(1, Ordering::Relaxed),
            resources: IndexMap::new(),
            exports: BTreeMap::new(),
        }
    }

    /// Adds a resource at an address and returns its handle.
    ///
    /// # Errors
    /// When the address is taken or is no path of names.
    pub fn add<R: Resource>(&mut self, address: &str, resource: R) -> Result<Handle<R>, GraphError> {
        let path = Address::new(address);
        let named = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        };
        if !address.split('/').all(named) {
            return Err(GraphError::BadAddress(path));
        }
        if self.resources.contains_key(&path) {
            return Err(GraphError::DuplicateAddress(path));
        }
        let (index, _) = self.resources.insert_full(path, Box::new(resource));
        Ok(Handle { index, brand: self.brand, resource: PhantomData })
    }

    /// Returns the handle of a resource that was added before, so that a resource of one's own can be put beside the
    /// ones of a platform that [`build_platform`](crate::platform::build_platform) made.
    ///
    /// ```
    /// # use skyplat_core::config::{Target, parse_config};
    /// # use skyplat_core::platform::build_platform;
    /// use skyplat_core::graph::Handle;
    /// use skyplat_core::resource::EksCluster;
    ///
    /// # let yaml = b"region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";
    /// # let config = parse_config("starter.yaml", yaml, Target::Simulated).expect("it is sound").config;
    /// let graph = build_platform(&config, "dev")?;
    /// let cluster: Handle<EksCluster> = graph.handle("main/eks")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When there is no resource at the address, or one of another type.
    pub fn handle<R: Resource>(&self, address: &str) -> Result<Handle<R>, GraphError> {
        let address = Address::new(address);
        let Some((index, _, resource)) = self.resources.get_full(&address) else {
            return Err(GraphError::NotThere(address));
        };
        let resource: &dyn Erased = resource.as_ref();
        if (resource as &dyn Any).is::<R>() {
            return Ok(Handle { index, brand: self.brand, resource: PhantomData });
        }
        Err(GraphError::OtherKind { address, found: resource.kind(), wanted: R::KIND })
    }

    /// Adds an output of the platform, made from the outputs of its resources.
    pub fn export(
        &mut self,
        name: &str,
        export: impl Fn(&Exports<'_>) -> Result<Tree, LowerError> + Send + Sync + 'static,
    ) {
        self.exports.insert(name.to_owned(), Box::new(export));
    }

    /// Collects what all resources need to know.
    pub fn questions(&self) -> Questions {
        let mut questions = Questions::default();
        questions.ask(crate::facts::Question::account());
        for resource in self.resources.values() {
            resource.facts(&mut questions);
        }
        questions
    }

    /// Returns the address of every resource in the order they were added.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.resources.keys()
    }

    pub(super) fn brand(&self) -> u64 {
        self.brand
    }
}

impl fmt::Debug for ResourceGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.resources).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{EksCluster, Vpc};

    #[test]
    fn a_handle_is_given_again_for_what_is_there_and_of_that_type() {
        let crate::resource::fixture::World { graph, hub } = crate::resource::fixture::hub_and_spoke();
        let again = graph.handle::<EksCluster>("hub/eks").unwrap();
        assert_eq!((again.index, again.brand), (hub.index, hub.brand));
        let there = Address::new("hub/eks");
        let other = GraphError::OtherKind { address: there, found: "EksCluster", wanted: "Vpc" };
        assert_eq!(graph.handle::<Vpc>("hub/eks").unwrap_err(), other);
        let missing = GraphError::NotThere(Address::new("hub/none"));
        assert_eq!(graph.handle::<Vpc>("hub/none").unwrap_err(), missing);
    }
}
