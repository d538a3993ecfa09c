//! [`LatencyTable`]: how long operations take, by kind, for forecasts and for the simulated cloud.
//!
//! The built-in table is data (`data/latencies.json`): seconds until usable `[create, delete, update]` by `kind` or
//! `kind:name`, for an object of Kubernetes also by `k8s.object/Kind`. It decides nothing but forecasts and which of two
//! ready tasks goes first. An embedder adds lines for kinds of its own.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::object::ObjectKind;
use crate::value::Tree;

const BUILT_IN: &str = include_str!("../../data/latencies.json");

/// How long the operations on one kind of object take, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Until a new object is usable; for a gate, until what it waits for usually holds.
    pub create: f64,
    /// Until a deleted object is gone; for a gate, until what it waits for is usually undone.
    pub delete: f64,
    /// Until a changed object is usable again.
    pub update: f64,
}

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    /// The text is not a JSON object.
    #[error("a latency table is a JSON object")]
    Json(#[source] serde_json::Error),
    /// A line is not a list of two or three numbers.
    #[error("the latencies of {key} are not [create, delete] or [create, delete, update] in seconds")]
    Line {
        /// The kind, or `kind:name`.
        key: String,
    },
}

/// Latencies by kind.
///
/// ```
/// use skyplat_core::plan::{Latency, LatencyTable};
///
/// let bucket = Latency { create: 2.0, delete: 3.0, update: 1.0 };
/// let table = LatencyTable::default().with("s3.bucket", bucket, "measured in us-west-2, 20 runs");
/// assert_eq!(table.get(&"s3.bucket".into(), Some("logs")), bucket);
/// assert_eq!(table.source("s3.bucket"), Some("measured in us-west-2, 20 runs"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyTable {
    default: Latency,
    kinds: BTreeMap<String, Lines>,
    sources: BTreeMap<String, String>,
}

/// The lines of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
struct Lines {
    /// That of the kind itself.
    kind: Option<Latency>,
    /// Those of objects with a name.
    names: BTreeMap<String, Latency>,
    /// Those of manifests of a kind.
    manifests: BTreeMap<String, Latency>,
}

impl Default for LatencyTable {
    /// Returns the built-in table.
    fn default() -> Self {
        Self::from_json(BUILT_IN).expect("the built-in table is checked by a test")
    }
}

impl LatencyTable {
    /// Reads a table; keys that begin with `_` are remarks.
    ///
    /// # Errors
    /// When the text is no JSON object of lists of numbers.
    pub fn from_json(text: &str) -> Result<Self, LatencyError> {
        let json: BTreeMap<String, Json> = serde_json::from_str(text).map_err(LatencyError::Json)?;
        let default = Latency { create: 1.0, delete: 1.0, update: 1.0 };
        let mut table = Self { default, kinds: BTreeMap::new(), sources: BTreeMap::new() };
        for (key, line) in json.into_iter().filter(|(key, _)| !key.starts_with('_')) {
            let seconds: Option<Vec<f64>> =
                line.as_array().and_then(|line| line.iter().map(Json::as_f64).collect());
            let latency = match seconds.as_deref() {
                Some([create, delete]) => Latency { create: *create, delete: *delete, update: 1.0 },
                Some([create, delete, update]) => {
                    Latency { create: *create, delete: *delete, update: *update }
                }
                _ => return Err(LatencyError::Line { key }),
            };
            table.put(&key, latency);
        }
        Ok(table)
    }

    fn put(&mut self, key: &str, latency: Latency) {
        if key == "default" {
            self.default = latency;
            return;
        }
        let (kind, rest) = key.split_at(key.find([':', '/']).unwrap_or(key.len()));
        let lines = self.kinds.entry(kind.to_owned()).or_default();
        if let Some(name) = rest.strip_prefix(':') {
            lines.names.insert(name.to_owned(), latency);
        } else if let Some(manifest) = rest.strip_prefix('/') {
            lines.manifests.insert(manifest.to_owned(), latency);
        } else {
            lines.kind = Some(latency);
        }
    }

    /// Adds a line, or puts it in the place of the one that is there. The key is a kind (`s3.bucket`), a kind and the
    /// name of one object (`s3.bucket:logs`), a kind and that of a manifest (`k8s.object/Namespace`), or `default`. The
    /// source says where the numbers are from: a measurement, a document.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, latency: Latency, source: impl Into<String>) -> Self {
        let key = key.into();
        self.put(&key, latency);
        self.sources.insert(key, source.into());
        self
    }

    /// Returns where the numbers of a line are from; none for a line that does not say.
    pub fn source(&self, key: &str) -> Option<&str> {
        self.sources.get(key).map(String::as_str)
    }

    /// Returns the latencies of an object by its inputs: as [`Self::get`] by the input `name` or `metadata.name`, and
    /// between name and kind by the `kind` of a manifest (`k8s.object/Namespace`).
    pub fn of(&self, kind: &ObjectKind, inputs: &Tree) -> Latency {
        let lines = self.kinds.get(kind.as_str());
        // Few kinds have lines by name: mostly the inputs need not be looked at.
        let named = lines.filter(|lines| !lines.names.is_empty()).and_then(|lines| {
            let name = inputs.get("name").or_else(|| inputs.at("metadata.name"))?;
            lines.names.get(name.as_str()?)
        });
        let manifest = || {
            let lines = lines.filter(|lines| !lines.manifests.is_empty())?;
            lines.manifests.get(inputs.get("kind")?.as_str()?)
        };
        named.or_else(manifest).copied().unwrap_or_else(|| self.of_kind(kind, lines))
    }

    /// Returns the latencies of an object: by kind and name, else by kind, else for a gate by `gate`, else the default.
    pub fn get(&self, kind: &ObjectKind, name: Option<&str>) -> Latency {
        let lines = self.kinds.get(kind.as_str());
        let named = lines.and_then(|lines| lines.names.get(name?));
        named.copied().unwrap_or_else(|| self.of_kind(kind, lines))
    }

    fn of_kind(&self, kind: &ObjectKind, lines: Option<&Lines>) -> Latency {
        let gate = || self.kinds.get("gate").filter(|_| kind.service() == "gate")?.kind;
        lines.and_then(|lines| lines.kind).or_else(gate).unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(kind: &str, name: Option<&str>) -> f64 {
        LatencyTable::default().get(&kind.into(), name).create
    }

    #[test]
    fn a_name_wins_over_a_kind_and_a_kind_over_the_default() {
        assert!((create("helm.release", Some("karpenter")) - 90.0).abs() < 1e-9);
        assert!((create("helm.release", Some("other")) - 15.0).abs() < 1e-9);
        assert!((create("demo.thing", None) - 1.0).abs() < 1e-9);
        assert!((create("gate.first_node", None) - 75.0).abs() < 1e-9);
        assert!((create("gate.crd", None) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_update_takes_a_second_where_nothing_is_said() {
        let table = LatencyTable::from_json(r#"{"_":"x","a.b":[5,6],"a.c":[5,6,7]}"#).unwrap();
        assert!((table.get(&"a.b".into(), None).update - 1.0).abs() < 1e-9);
        assert!((table.get(&"a.c".into(), None).update - 7.0).abs() < 1e-9);
    }

    #[test]
    fn a_manifest_is_looked_up_by_name_then_by_its_own_kind_then_by_kind() {
        let line = |create| Latency { create, delete: 1.0, update: 1.0 };
        let table = LatencyTable::from_json(r#"{"k8s.object":[1,1],"demo.thing":[2,2]}"#)
            .unwrap()
            .with("k8s.object/Namespace", line(3.0), "a cluster")
            .with("k8s.object:kube-public", line(4.0), "a cluster");
        let create = |kind: &str, noun: &str, name: &str| {
            let inputs = crate::tree!({ "kind": noun, "metadata": { "name": name } });
            table.of(&kind.into(), &inputs).create.to_string()
        };
        assert_eq!(create("k8s.object", "Namespace", "kube-public"), "4");
        assert_eq!(create("k8s.object", "Namespace", "team"), "3");
        assert_eq!(create("k8s.object", "ConfigMap", "team"), "1");
        assert_eq!(create("demo.thing", "Namespace", "team"), "2", "the field `kind` is a manifest's alone");
    }

    #[test]
    fn a_line_of_ones_own_replaces_the_one_that_is_there() {
        let slow = Latency { create: 900.0, delete: 300.0, update: 600.0 };
        let table = LatencyTable::default().with("eks.cluster", slow, "a slow day");
        assert_eq!(table.get(&"eks.cluster".into(), Some("c")), slow);
        assert_eq!((table.source("eks.cluster"), table.source("ec2.vpc")), (Some("a slow day"), None));
        let table = table.with("default", slow, "a slow day").with("demo.thing/Big", slow, "a slow day");
        assert_eq!(table.get(&"demo.other".into(), None), slow);
        assert_eq!(table.of(&"demo.thing".into(), &crate::tree!({ "kind": "Big" })), slow);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = LatencyTable::from_json(r#"{"a.b":[1]}"#).unwrap_err();
        assert!(error.to_string().contains("a.b"));
    }
}
