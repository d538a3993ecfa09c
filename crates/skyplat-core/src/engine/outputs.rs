//! The outputs of the platform: what the state exports, resolved.
//!
//! The state holds digests of secrets; who wants to see them has the objects read again.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Reading, container_of, read_all};
use super::{EngineError, Executors};
use crate::executor::{Observed, OutputMap};
use crate::state::{Record, State, Uid};
use crate::value::{Address, Resolved, Tree, TreeError, resolve};

/// Resolves the exports against what is recorded: secrets are digests.
///
/// # Errors
/// When an export cannot be put together.
pub fn recorded_outputs(state: &State) -> Result<BTreeMap<String, Tree>, TreeError> {
    state
        .exports
        .iter()
        .map(|(name, tree)| Ok((name.clone(), resolve(tree, &|reference| state.output(reference))?)))
        .collect()
}

/// Resolves the exports with secrets in the clear, which are read again.
pub(super) async fn shown_outputs(
    reading: &Reading,
    executors: &Executors,
    state: &State,
) -> Result<BTreeMap<String, Tree>, EngineError> {
    let mut secret = BTreeSet::new();
    for tree in state.exports.values() {
        tree.for_each_ref(&mut |reference| {
            if let Resolved::Known(value) = state.output(reference)
                && value.has_digest()
            {
                secret.insert(reference.object.clone());
            }
        });
    }
    let live = read_again(reading, executors, state, &secret).await?;
    state
        .exports
        .iter()
        .map(|(name, tree)| {
            let lookup = |reference: &crate::value::Reference| match live.get(&reference.object) {
                Some(outputs) => {
                    outputs.get(reference.field.as_str()).cloned().map_or(Resolved::Unknown, Resolved::Known)
                }
                None => state.output(reference),
            };
            let value = resolve(tree, &lookup)
                .map_err(|error| EngineError::Output { name: name.clone(), message: error.to_string() })?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// Reads objects with secret outputs, and what they are inside of where that has secrets too.
async fn read_again(
    reading: &Reading,
    executors: &Executors,
    state: &State,
    addresses: &BTreeSet<Address>,
) -> Result<BTreeMap<Address, OutputMap>, EngineError> {
    let mut records: BTreeMap<Uid, &Record> = BTreeMap::new();
    for address in addresses {
        let mut next = state.objects.get(address);
        while let Some(record) = next {
            let first = records.insert(record.uid.clone(), record).is_none();
            next = container_of(state, &record.node, false)
                .filter(|within| first && within.outputs.values().any(Tree::has_digest));
        }
    }
    let records: Vec<&Record> = records.into_values().collect();
    let mut answers = read_all(reading, executors, state, records, |_, _| {}).await;
    if reading.control.is_draining() {
        return Err(EngineError::Cancelled);
    }
    let mut live = BTreeMap::new();
    for address in addresses {
        let Some(record) = state.objects.get(address) else { continue };
        let failed = |message: String| EngineError::Output { name: address.to_string(), message };
        match answers.remove(&record.uid) {
            Some(Ok(Observed::Present { outputs, .. })) => {
                live.insert(address.clone(), outputs);
            }
            Some(Ok(Observed::Missing)) | None => return Err(failed("it is gone".to_owned())),
            Some(Err(error)) => return Err(failed(error.message)),
        }
    }
    Ok(live)
}
