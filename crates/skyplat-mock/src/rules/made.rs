//! [`Made`]: what comes out of a create or an update.

use std::collections::{BTreeMap, BTreeSet};

use skyplat_core::executor::{ExecError, OutputMap, output_map};
use skyplat_core::object::Outputs;
use skyplat_core::state::Uid;
use skyplat_core::value::{Key, ToTree, Tree};

use super::Call;
use crate::world::{Moment, Phase, Thing};

/// What a create or an update makes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Made {
    /// The id that the API gives; an update keeps the one that is there.
    pub id: String,
    /// The fields: as they were sent, with what the server fills in.
    pub inputs: Tree,
    /// What the API gives back.
    pub outputs: OutputMap,
    /// What the thing lives in: when one of these goes, so does it.
    pub lives_in: BTreeSet<Uid>,
    /// Things that the service makes beside the one that was asked for.
    pub(crate) beside: Vec<Thing>,
}

impl Made {
    /// Begins with an id, the inputs as they were sent, and no outputs. It lives in the call's container.
    pub fn new(call: &Call<'_>, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            inputs: call.object.inputs.clone(),
            outputs: OutputMap::new(),
            lives_in: call.container.map(|thing| thing.uid.clone()).into_iter().collect(),
            beside: Vec::new(),
        }
    }

    /// Begins with an id and typed outputs.
    ///
    /// # Errors
    /// As [`output_map`].
    pub fn typed<T: Outputs>(call: &Call<'_>, id: impl Into<String>, outputs: &T) -> Result<Self, ExecError> {
        Ok(Self { outputs: output_map(outputs)?, ..Self::new(call, id) })
    }

    /// Makes what is made of a kind without rules: outputs that repeat the inputs by name, an `id` and an `arn`.
    pub fn generic(call: &Call<'_>) -> Self {
        let id = call.names().hex("id", 17);
        let mut made = Self::new(call, id.clone());
        if let Tree::Map(inputs) = &call.object.inputs {
            for (key, value) in inputs {
                if let Key::Literal(name) = key {
                    made.outputs.insert(name.to_string(), value.clone());
                }
            }
        }
        let noun = call.kind().rsplit('.').next().unwrap_or_default();
        let arn = call.arn(call.object.kind.service(), &format!("{noun}/{id}"));
        made.outputs.entry("id".into()).or_insert_with(|| id.to_tree());
        made.outputs.entry("arn".into()).or_insert_with(|| arn.to_tree());
        made
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, name: &str, value: impl ToTree) -> Self {
        self.outputs.insert(name.to_owned(), value.to_tree());
        self
    }

    /// Adds outputs that repeat an input of the same name.
    #[must_use]
    pub fn repeat(mut self, names: &[&str]) -> Self {
        for name in names {
            if let Some(value) = self.inputs.get(name) {
                self.outputs.insert((*name).to_owned(), value.clone());
            }
        }
        self
    }

    /// Says what it lives in.
    #[must_use]
    pub fn inside<'a>(mut self, things: impl IntoIterator<Item = &'a Thing>) -> Self {
        self.lives_in.extend(things.into_iter().map(|thing| thing.uid.clone()));
        self
    }

    /// Returns all that was made; what was asked for comes last.
    pub(crate) fn into_things(
        self,
        call: &Call<'_>,
        tags: BTreeMap<String, String>,
        now: Moment,
    ) -> Vec<Thing> {
        let object = call.object;
        let asked = Thing {
            uid: object.uid.clone(),
            address: object.address.clone(),
            kind: object.kind.clone(),
            placement: object.placement.clone(),
            id: self.id,
            inputs: self.inputs,
            natural_key: object.natural_key.clone(),
            outputs: self.outputs,
            tags,
            lives_in: self.lives_in,
            made_for: None,
            created_at: now,
            phase: Phase::Ready,
        };
        let beside = self.beside.into_iter().map(|thing| Thing { created_at: now, ..thing });
        beside.chain([asked]).collect()
    }
}
