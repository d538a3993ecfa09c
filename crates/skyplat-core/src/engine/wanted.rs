//! [`Wanted`]: an object's inputs with every reference replaced by what it stands for, in two forms: secrets in the clear
//! for the call, digests for the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::secrets::seal;
use crate::executor::{Desired, OutputMap};
use crate::object::ObjectNode;
use crate::state::{Next, Uid};
use crate::value::{Address, DigestKey, Reference, Resolved, Tree, resolve};

/// An object whose outputs are needed: its identity, and its outputs as they are recorded.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) uid: Uid,
    pub(super) outputs: OutputMap,
}

/// An object that is to be made or changed.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What is sent.
    pub(super) desired: Desired,
    /// What is recorded.
    pub(super) next: Next,
}

/// Returns the objects of which an output that the node refers to is only recorded as a digest.
pub(super) fn needed_in_the_clear(
    node: &ObjectNode,
    sources: &BTreeMap<Address, Source>,
) -> BTreeSet<Address> {
    let mut needed = BTreeSet::new();
    let mut collect = |reference: &Reference| {
        let source = sources.get(&reference.object);
        if source
            .and_then(|source| source.outputs.get(reference.field.as_str()))
            .is_some_and(Tree::has_digest)
        {
            needed.insert(reference.object.clone());
        }
    };
    node.inputs.for_each_ref(&mut collect);
    if let Some(key) = &node.natural_key {
        key.for_each_ref(&mut collect);
    }
    needed
}

impl Wanted {
    /// Resolves a node against recorded outputs and, where there are any, outputs in the clear.
    ///
    /// # Errors
    /// What is wrong, when a value is missing or two keys of a map become equal.
    pub(super) fn resolve(
        node: &ObjectNode,
        uid: &Uid,
        sources: &BTreeMap<Address, Source>,
        clear: &BTreeMap<Address, Arc<OutputMap>>,
        key: &DigestKey,
    ) -> Result<Self, String> {
        let recorded =
            |reference: &Reference| known(sources.get(&reference.object).map(|s| &s.outputs), reference);
        let sent = |reference: &Reference| match clear.get(&reference.object) {
            Some(outputs) => known(Some(outputs), reference),
            None => recorded(reference),
        };
        let both = |tree: &Tree| -> Result<(Tree, Tree), String> {
            let sent = resolve(tree, &sent).map_err(|error| error.to_string())?;
            if let Some(unknown) = sent.first_unknown() {
                return Err(format!("{unknown} is needed, but has no value"));
            }
            let kept = resolve(tree, &recorded).map_err(|error| error.to_string())?;
            Ok((sent, seal(&kept, key)))
        };
        let (inputs, recorded_inputs) = both(&node.inputs)?;
        let (natural_key, recorded_key) = match &node.natural_key {
            Some(natural_key) => both(natural_key).map(|(sent, kept)| (Some(sent), Some(kept)))?,
            None => (None, None),
        };
        let desired = Desired {
            address: node.address.clone(),
            kind: node.kind.clone(),
            class: node.class,
            uid: uid.clone(),
            placement: node.placement.clone(),
            inputs,
            natural_key,
        };
        let recorded = ObjectNode { inputs: recorded_inputs, natural_key: recorded_key, ..node.clone() };
        Ok(Self { desired, next: Next { node: Arc::new(recorded), depends_on: node.depends_on() } })
    }
}

fn known(outputs: Option<&OutputMap>, reference: &Reference) -> Resolved {
    outputs
        .and_then(|outputs| outputs.get(reference.field.as_str()))
        .map_or(Resolved::Unknown, |tree| Resolved::Known(tree.clone()))
}
