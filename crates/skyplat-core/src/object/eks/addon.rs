//! `eks.addon`: an addon that EKS installs and keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::{Tree, Value};

/// A managed addon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EksAddon {
    /// The cluster's name.
    pub cluster_name: Value<String>,
    /// The addon's name, such as `coredns`.
    pub name: String,
    /// Its version, when it is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addon_version: Option<String>,
    /// The Kubernetes version whose default version of the addon is taken, when none is pinned: so the addon follows
    /// its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<Value<String>>,
    /// Its settings: JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_values: Option<Value<String>>,
    /// What happens to settings that someone else made: `OVERWRITE`, `PRESERVE` or `NONE`.
    pub resolve_conflicts: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for an addon.
    pub struct EksAddonOutputs of EksAddon {
        /// Its ARN.
        ARN arn: String,
        /// Its name.
        NAME name: String = echo "name",
    }
}

impl Object for EksAddon {
    const KIND: &'static str = "eks.addon";
    type Outputs = EksAddonOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["cluster_name"])
            .replace(["name"])
            .normalised("configuration_values", Normal::JsonText)
            .server_default(["addon_version"])
            .write_only(["resolve_conflicts", "kubernetes_version"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.cluster_name), (self.name)]))
    }
}
