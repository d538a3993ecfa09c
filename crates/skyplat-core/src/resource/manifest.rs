//! Manifests that more than one resource writes.

use std::collections::BTreeMap;

use crate::tree;
use crate::value::{Tree, Value};

/// Returns the manifest of a Namespace.
pub(super) fn namespace(name: &str, labels: &BTreeMap<&str, &str>) -> Tree {
    let mut metadata = tree!({ "name": name });
    if !labels.is_empty() {
        metadata.set("labels", tree!((labels)));
    }
    tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": (metadata) })
}

/// Returns the manifest of an opaque Secret.
///
/// The values stand in `stringData`: `data` wants base64, and a value that is not known yet cannot be encoded.
pub(super) fn secret(name: &str, namespace: &Value<String>, string_data: Tree) -> Tree {
    tree!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace },
        "type": "Opaque",
        "stringData": string_data
    })
}
