//! `k8s.object`: any object of a Kubernetes API, as its manifest.
//!
//! The inputs are the manifest itself, so that a plan shows what `kubectl` would. Which fields cannot change in place
//! depends on the manifest's own kind; [`K8sObject::rules`] knows the kinds that the platform uses and treats any other
//! as changeable but for what identifies it.

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::value::{Secret, Tree};

/// An object of a Kubernetes API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct K8sObject {
    /// The manifest: `apiVersion`, `kind`, `metadata` and the rest.
    pub manifest: Tree,
}

crate::outputs! {
    /// What the API server gives back for an object.
    pub struct K8sObjectOutputs of K8sObject {
        /// `metadata.name`.
        NAME name: String = echo "metadata.name",
        /// `metadata.namespace`, empty for an object of the whole cluster.
        NAMESPACE namespace: String = echo "metadata.namespace",
        /// The object's UID, new with every object.
        UID uid: String,
        /// The bearer token of a `kubernetes.io/service-account-token` Secret, empty for any other object.
        TOKEN token: Secret = secret,
    }
}

impl K8sObject {
    /// Wraps a manifest.
    pub fn new(manifest: Tree) -> Self {
        Self { manifest }
    }

    fn text(&self, path: &str) -> &str {
        self.manifest.at(path).and_then(Tree::as_str).unwrap_or_default()
    }

    /// Returns the API group: `apps` of `apps/v1`, empty for the core group.
    pub fn group(&self) -> &str {
        self.text("apiVersion").split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the manifest's `kind`.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }
}

impl Object for K8sObject {
    const KIND: &'static str = "k8s.object";
    type Outputs = K8sObjectOutputs;

    fn rules(&self) -> FieldRules {
        let rules = FieldRules::new()
            .replace(["apiVersion", "kind", "metadata.name", "metadata.namespace"])
            .parents(["metadata.namespace"])
            .server_default(["metadata.namespace"]);
        match self.kind() {
            // The API server answers 422 to a change of these fields.
            "RoleBinding" | "ClusterRoleBinding" => rules.replace(["roleRef"]).sets(["subjects"]),
            "StorageClass" => rules.replace([
                "provisioner",
                "parameters",
                "reclaimPolicy",
                "volumeBindingMode",
                "mountOptions",
            ]),
            "Connector" => rules.sets(["spec.subnetRouter.advertiseRoutes"]),
            // `stringData` is folded into `data` by the API server and never given back.
            "Secret" => {
                let rules = rules.replace(["type"]).write_only(["stringData"]);
                match self.text("type") {
                    // Its annotation names the ServiceAccount, with which the token dies.
                    "kubernetes.io/service-account-token" => rules.parents(["metadata.annotations.*"]),
                    _ => rules,
                }
            }
            _ => rules,
        }
    }

    fn natural_key(&self) -> Option<Tree> {
        let name = |path: &str| self.manifest.at(path).cloned().unwrap_or(Tree::Null);
        Some(crate::tree!([
            (self.group()),
            (self.kind()),
            (name("metadata.namespace")),
            (name("metadata.name"))
        ]))
    }
}
