//! [`LatencyTable`]: how long operations take, by kind, for forecasts and for the simulated cloud.
//!
//! The built-in table is data (`data/latencies.json`): seconds until usable `[create, delete, update]` by `kind` or
//! `kind:name`. It decides nothing but forecasts and which of two ready tasks goes first.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::object::ObjectKind;

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
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyTable {
    default: Latency,
    lines: BTreeMap<String, Latency>,
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
        let mut lines = BTreeMap::new();
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
            lines.insert(key, latency);
        }
        let default = lines.remove("default").unwrap_or(Latency { create: 1.0, delete: 1.0, update: 1.0 });
        Ok(Self { default, lines })
    }

    /// Returns the latencies of an object: by kind and name, else by kind, else for a gate by `gate`, else the default.
    pub fn get(&self, kind: &ObjectKind, name: Option<&str>) -> Latency {
        let named = || self.lines.get(&format!("{kind}:{}", name?));
        let gate = || if kind.service() == "gate" { self.lines.get("gate") } else { None };
        named().or_else(|| self.lines.get(kind.as_str())).or_else(gate).copied().unwrap_or(self.default)
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
    fn a_bad_line_is_named() {
        let error = LatencyTable::from_json(r#"{"a.b":[1]}"#).unwrap_err();
        assert!(error.to_string().contains("a.b"));
    }
}
