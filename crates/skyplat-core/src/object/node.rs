//! [`ObjectNode`]: the one erased form of an object, made when it is lowered.
//!
//! Planner, plan file, state and executors know nothing else of an object. It is plain serialisable data, so a recorded
//! object can be planned, ordered and deleted without its Rust type.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Class, FieldRules, Object, ObjectKind, Outputs};
use crate::ids::{AccountId, Region};
use crate::value::{Address, Tree, TreeError, paper, to_tree};

/// Where an object is: always known at plan time; a change of it is a replace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Placement {
    /// The account.
    pub account: AccountId,
    /// The region, or none for a global service. An object in a cluster has its cluster's region.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<Region>,
    /// The object that this one is inside of (a cluster): when that is gone, so is this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub container: Option<Address>,
}

/// What happens to the real thing when the object leaves the desired graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays; only the record goes.
    Retain,
    /// It is deleted unless the API says that something else uses it.
    RetainIfInUse,
}

/// The erased form of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectNode {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// What it is to us.
    pub class: Class,
    /// The resource it came from.
    pub resource: Address,
    /// Where it is.
    pub placement: Placement,
    /// Its inputs: with references in a desired graph, resolved (secrets as digests) in a record.
    #[serde(with = "paper")]
    pub inputs: Tree,
    /// What the API refuses to have twice.
    #[serde(with = "paper::optional", skip_serializing_if = "Option::is_none", default)]
    pub natural_key: Option<Tree>,
    /// The group of which only one operation may run at a time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exclusive: Option<String>,
    /// What is known of its fields.
    pub rules: Arc<FieldRules>,
    /// Outputs that repeat an input: output name to input path. A record shares them with what it was made from.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub echoes: Arc<BTreeMap<String, String>>,
    /// Outputs that are secret.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub secret_outputs: BTreeSet<String>,
    /// Objects to come after, beyond those that are referred to.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub after: BTreeSet<Address>,
    /// Whether a delete or replace is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub protect: bool,
    /// What happens to the real thing when the object leaves the desired graph.
    #[serde(default)]
    pub on_delete: OnDelete,
}

impl ObjectNode {
    /// Erases a typed object.
    ///
    /// # Errors
    /// When the object has something that a tree cannot hold.
    pub fn new<O: Object>(
        address: Address,
        resource: Address,
        placement: Placement,
        object: &O,
    ) -> Result<Self, TreeError> {
        let fields = <O::Outputs as Outputs>::FIELDS;
        let echoes = fields
            .iter()
            .filter_map(|field| field.echo.map(|path| (field.name.to_owned(), path.to_owned())))
            .collect();
        Ok(Self {
            address,
            kind: O::KIND.into(),
            class: O::CLASS,
            resource,
            placement,
            inputs: to_tree(object)?,
            natural_key: object.natural_key(),
            exclusive: object.exclusive().map(|group| paper::show(&group).to_string()),
            rules: Arc::new(object.rules()),
            echoes: Arc::new(echoes),
            secret_outputs: fields
                .iter()
                .filter(|field| field.secret)
                .map(|field| field.name.to_owned())
                .collect(),
            after: BTreeSet::new(),
            protect: false,
            on_delete: OnDelete::Delete,
        })
    }

    /// Returns every object this one waits for: what it refers to, what it comes after, what it is inside of.
    pub fn depends_on(&self) -> BTreeSet<Address> {
        let mut edges = BTreeSet::new();
        self.for_each_dependency(&mut |address| {
            edges.insert(address.clone());
        });
        edges
    }

    /// Calls `visit` for every object this one waits for, for some of them more than once.
    pub(crate) fn for_each_dependency<'n>(&'n self, visit: &mut impl FnMut(&'n Address)) {
        self.after.iter().chain(&self.placement.container).for_each(&mut *visit);
        let mut referred = |reference: &'n crate::value::Reference| visit(&reference.object);
        self.inputs.for_each_ref(&mut referred);
        if let Some(key) = &self.natural_key {
            key.for_each_ref(&mut referred);
        }
    }

    /// Returns the name by which a latency table and a person may know the object: the input `name`, if it is a text.
    pub fn name(&self) -> Option<&str> {
        self.inputs.get("name").or_else(|| self.inputs.at("metadata.name")).and_then(Tree::as_str)
    }
}
