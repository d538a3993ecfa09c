//! Manifests that more than one resource writes.

use crate::object::k8s::K8sObject;
use crate::tree;
use crate::value::{Map, Tree, Value};

/// Returns a namespace with labels.
pub(super) fn namespace(name: &str, labels: &[(&str, &str)]) -> K8sObject {
    let mut metadata = tree!({ "name": name });
    if !labels.is_empty() {
        let labels: Map = labels.iter().map(|(key, value)| ((*key).into(), tree!(value))).collect();
        metadata.set("labels", Tree::Map(labels));
    }
    K8sObject::new(tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }))
}

/// Returns an opaque Secret.
///
/// Its values stand in `stringData`: `data` wants base64, and a value that is not known yet cannot be encoded.
pub(super) fn secret(name: &str, namespace: &Value<String>, string_data: Tree) -> K8sObject {
    K8sObject::new(tree!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace },
        "type": "Opaque",
        "stringData": string_data
    }))
}
