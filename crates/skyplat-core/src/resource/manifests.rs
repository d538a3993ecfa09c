//! Manifests that more than one resource writes.

use crate::object::k8s::K8sObject;
use crate::tree;
use crate::value::{Map, Tree};

/// Returns a namespace with labels.
pub(super) fn namespace(name: &str, labels: &[(&str, &str)]) -> K8sObject {
    let mut metadata = tree!({ "name": name });
    if !labels.is_empty() {
        let labels: Map = labels.iter().map(|(key, value)| ((*key).into(), tree!(value))).collect();
        metadata.set("labels", Tree::Map(labels));
    }
    K8sObject::new(tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }))
}
