//! Executors: what makes, reads, changes and deletes objects for real.
//!
//! The trait is small and every method is required, so that a wrapper cannot lose one by a default. Drivers (apply,
//! diff, destroy) belong to the engine; an executor does one thing to one object and says honestly what happened:
//! an [`ErrorKind`] other than [`ErrorKind::Retryable`] and [`ErrorKind::Fatal`] promises that nothing was done.

pub mod error;
pub mod op;
pub mod read_only;
pub mod registry;
pub mod traced;

use std::collections::BTreeMap;
use std::fmt;

/// The attribute that [`Executor`] and other async traits are implemented with.
pub use async_trait::async_trait;
use serde::de::DeserializeOwned;

pub use error::{ErrorKind, ExecError};
pub use op::{Op, OpHost};
pub use read_only::ReadOnly;
pub use registry::Executors;
pub use traced::Traced;

use crate::object::{Class, Object, ObjectKind, OnDelete, Outputs, Placement};
use crate::state::Uid;
use crate::value::{Address, Key, Tree, from_tree, to_tree};

/// Outputs by name. From an executor they are live, with secrets in the clear; in a record secrets are digests.
pub type OutputMap = BTreeMap<String, Tree>;

/// An object as it is wanted: ground inputs, secrets in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Its address; informative.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// What it is to us.
    pub class: Class,
    /// Its identity: the `skyplat:object` tag, and what `find` looks for.
    pub uid: Uid,
    /// Where it is.
    pub placement: Placement,
    /// Its inputs.
    pub inputs: Tree,
    /// What the API refuses to have twice.
    pub natural_key: Option<Tree>,
}

impl Desired {
    /// Decodes the inputs into the object's type.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when they do not fit it.
    pub fn inputs<O: Object>(&self) -> Result<O, ExecError> {
        decode(&self.address, &self.inputs)
    }
}

/// An object as it is recorded: inputs and outputs with digests in the place of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its address; informative.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// What it is to us.
    pub class: Class,
    /// Its identity.
    pub uid: Uid,
    /// Where it is.
    pub placement: Placement,
    /// The id the API gave, if it gave one.
    pub id: Option<String>,
    /// Its inputs when it was last written.
    pub inputs: Tree,
    /// What the API refuses to have twice.
    pub natural_key: Option<Tree>,
    /// Its outputs when it was last written or read.
    pub outputs: OutputMap,
    /// What happens to the real thing on a delete.
    pub on_delete: OnDelete,
}

impl From<&Recorded> for Desired {
    /// A recorded object as one to look for.
    fn from(object: &Recorded) -> Self {
        Self {
            address: object.address.clone(),
            kind: object.kind.clone(),
            class: object.class,
            uid: object.uid.clone(),
            placement: object.placement.clone(),
            inputs: object.inputs.clone(),
            natural_key: object.natural_key.clone(),
        }
    }
}

fn decode<T: DeserializeOwned>(address: &Address, tree: &Tree) -> Result<T, ExecError> {
    from_tree(tree).map_err(|error| ExecError::new(ErrorKind::Invalid, format!("{address}: {error}")))
}

/// Turns typed outputs into what the engine keeps of them.
///
/// # Errors
/// [`ErrorKind::Fatal`] when an output holds what a tree cannot hold.
pub fn output_map<T: Outputs>(outputs: &T) -> Result<OutputMap, ExecError> {
    let tree = to_tree(outputs)
        .map_err(|error| ExecError::new(ErrorKind::Fatal, format!("cannot take the outputs: {error}")))?;
    let entries = tree.as_map().into_iter().flatten();
    Ok(entries
        .filter_map(|(key, value)| match key {
            Key::Literal(name) => Some((name.to_string(), value.clone())),
            Key::Text(_) => None,
        })
        .collect())
}

/// What was made, or found as ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The API's id.
    pub id: String,
    /// The outputs.
    pub outputs: OutputMap,
}

impl Created {
    /// Says what was made, by its typed outputs.
    ///
    /// # Errors
    /// As [`output_map`].
    pub fn new<T: Outputs>(id: impl Into<String>, outputs: &T) -> Result<Self, ExecError> {
        Ok(Self { id: id.into(), outputs: output_map(outputs)? })
    }
}

/// What a read saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// The object is there. `inputs` holds what the API says of the fields, and may hold more than was ever set.
    Present {
        /// The fields, in the shape of the inputs.
        inputs: Tree,
        /// The outputs.
        outputs: OutputMap,
    },
    /// The object is not there: the API said so, it did not merely fail to answer.
    Missing,
}

/// How a delete ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// The thing is gone.
    Deleted,
    /// It was left in place, as asked for, for this reason.
    Retained(String),
}

/// Makes, reads, changes and deletes objects of some kinds.
///
/// Every call may be repeated: after a crash, or when an error leaves the effect open. `create` is repeated only after
/// `find` found nothing; `update` and `delete` of something that is already so succeed.
#[async_trait]
pub trait Executor: fmt::Debug + Send + Sync {
    /// Returns a name for messages, such as `aws`.
    fn name(&self) -> &str;

    /// Returns whether this executor handles a kind, gates included.
    fn supports(&self, kind: &ObjectKind) -> bool;

    /// Reads objects of one kind and placement; one answer for each, in order. One that is being deleted is still in
    /// the way of another: it is waited for until it is gone.
    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>>;

    /// Looks for the object with our uid (or, for a kind that carries no tags, our natural key). That there is none must
    /// be certain: then the object is made anew, or its create is given up. Where an API may not show yet what it has
    /// made, wait, or answer with [`ErrorKind::NotYetVisible`].
    ///
    /// # Errors
    /// When the world could not be asked.
    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError>;

    /// Makes the object and waits until it is usable. Calls [`Op::identified`] as soon as the API gave an id. A gate
    /// waits until it holds, a lookup reads.
    ///
    /// # Errors
    /// Of a kind that says whether anything was done.
    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError>;

    /// Changes the object in place and waits until it is usable again. `old` is what is recorded, with what an
    /// update that was cut off may have added. Its values may be others by now: what counts is that they become `new`.
    ///
    /// # Errors
    /// Of a kind that says whether anything was done.
    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError>;

    /// Deletes the object and waits until it is gone; one that is already gone is deleted. A gate waits until what it
    /// guards is undone.
    ///
    /// # Errors
    /// Of a kind that says whether anything was done.
    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::secretsmanager::SecretsManagerSecretOutputs;
    use crate::value::Secret;

    #[test]
    fn typed_outputs_are_kept_by_name_and_secrets_stay_secrets() {
        let outputs = SecretsManagerSecretOutputs {
            arn: "arn".into(),
            name: "admin".into(),
            password: Secret::new("canary"),
        };
        let created = Created::new("arn", &outputs).unwrap();
        assert_eq!(created.outputs["name"], Tree::String("admin".into()));
        assert_eq!(created.outputs["password"], Tree::Secret(Secret::new("canary")));
        assert_eq!(created.outputs.len(), 3);
    }
}
