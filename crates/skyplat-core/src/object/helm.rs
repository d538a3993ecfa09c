//! `helm.release`: a chart installed in a cluster; `helm.crds`: the custom resource definitions in its `crds/`.
//!
//! Helm installs what is in `crds/` once and never upgrades it, so where a chart has definitions that change with its
//! version they are an object of their own, applied before the release.

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::value::{Tree, Value};

/// A chart installed in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelmRelease {
    /// The release's name.
    pub name: String,
    /// The namespace it is installed in.
    pub namespace: Value<String>,
    /// The chart's name, or its whole `oci://` address.
    pub chart: String,
    /// The chart repository; none when `chart` is an `oci://` address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repository: Option<String>,
    /// The chart's version.
    pub version: String,
    /// Whether Helm leaves the chart's `crds/` alone: Helm installs them once and never upgrades them.
    #[serde(default)]
    pub skip_crds: bool,
    /// The values, as one would write them in `values.yaml`.
    pub values: Tree,
}

crate::outputs! {
    /// What is known of an installed release.
    pub struct HelmReleaseOutputs of HelmRelease {
        /// The release's name.
        NAME name: String = echo "name",
        /// The namespace it is installed in.
        NAMESPACE namespace: String = echo "namespace",
    }
}

impl Object for HelmRelease {
    const KIND: &'static str = "helm.release";
    type Outputs = HelmReleaseOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["name", "namespace"]).parents(["namespace"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.namespace), (self.name)]))
    }
}

/// The custom resource definitions in a chart's `crds/`, applied by us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelmCrds {
    /// The chart's name, or its whole `oci://` address.
    pub chart: String,
    /// The chart repository; none when `chart` is an `oci://` address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repository: Option<String>,
    /// The chart's version.
    pub version: String,
}

crate::outputs! {
    /// Definitions give nothing back.
    pub struct HelmCrdsOutputs of HelmCrds {}
}

impl Object for HelmCrds {
    const KIND: &'static str = "helm.crds";
    type Outputs = HelmCrdsOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["chart"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.chart)]))
    }
}
