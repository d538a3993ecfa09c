//! [`Call`]: what a rule looks at.

use skyplat_core::executor::Desired;
use skyplat_core::ids::Partition;
use skyplat_core::value::Tree;

use crate::catalogue::{ACCOUNT, Catalogue};
use crate::names::Names;
use crate::world::{Thing, World};

/// One call and what it is judged by.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The world, at the moment of the call ([`World::clock`]).
    pub world: &'a World,
    /// What can be had.
    pub catalogue: &'a Catalogue,
    /// The partition that ARNs name.
    pub partition: &'a Partition,
    /// What is asked for.
    pub object: &'a Desired,
    /// What the object is inside of.
    pub container: Option<&'a Thing>,
}

impl<'a> Call<'a> {
    /// Returns the kind of the object.
    pub fn kind(&self) -> &'a str {
        self.object.kind.as_str()
    }

    /// Returns where ids and secrets of the new thing are drawn from.
    pub fn names(&self) -> Names<'a> {
        Names::new(self.world.seed(), &self.object.uid)
    }

    /// Tells whether an input is still to be filled in by a person; a simulation goes on with it.
    pub(crate) fn is_placeholder(&self, path: &str) -> bool {
        self.text(path).starts_with('<')
    }

    /// Returns the text at a dotted path of the inputs; empty when there is none.
    pub fn text(&self, path: &str) -> &'a str {
        self.object.inputs.at(path).and_then(Tree::as_str).unwrap_or_default()
    }

    /// Returns the texts of a list at a dotted path of the inputs.
    pub fn texts(&self, path: &str) -> Vec<&'a str> {
        texts(&self.object.inputs, path)
    }

    /// Returns the items of a list at a dotted path of the inputs.
    pub fn items(&self, path: &str) -> &'a [Tree] {
        self.object.inputs.at(path).and_then(Tree::as_list).unwrap_or_default()
    }

    /// Returns the whole number at a dotted path of the inputs.
    pub fn number(&self, path: &str) -> Option<u64> {
        match self.object.inputs.at(path) {
            Some(Tree::Number(number)) => number.as_u64(),
            _ => None,
        }
    }

    /// Returns the truth at a dotted path of the inputs.
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.object.inputs.at(path) {
            Some(Tree::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Returns the region's name; empty for a global service.
    pub fn region(&self) -> &'a str {
        self.object.placement.region.as_ref().map_or("", |region| region.as_str())
    }

    /// Returns an ARN of this account in this call's region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{ACCOUNT}:{resource}", self.partition, self.region())
    }

    /// Returns the live things of a kind in this call's region, the object itself not among them.
    pub fn others(&self, kind: &'a str) -> impl Iterator<Item = &'a Thing> + use<'a> {
        let (world, uid) = (self.world, &self.object.uid);
        let region = &self.object.placement.region;
        world
            .of_kind(kind)
            .filter(move |thing| thing.uid != *uid && thing.placement.region == *region && thing.is_alive())
    }

    /// Returns the live thing of a kind that has this id, in any region.
    pub fn find(&self, kind: &str, id: &str) -> Option<&'a Thing> {
        self.world.with_id(id).find(|thing| thing.kind.as_str() == kind && thing.is_alive())
    }
}

/// Returns the texts of a list at a dotted path.
pub(crate) fn texts<'a>(tree: &'a Tree, path: &str) -> Vec<&'a str> {
    tree.at(path).and_then(Tree::as_list).into_iter().flatten().filter_map(Tree::as_str).collect()
}
