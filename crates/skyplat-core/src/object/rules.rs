//! [`FieldRules`]: what planner and engine must know of an object's fields, as data.
//!
//! Rules name fields by dotted patterns over map keys and list indexes, with `*` for any one segment. A pattern covers
//! the field and everything below it, so `tags` covers `tags.Name`, and `*` covers every field. A segment that holds a
//! dot itself (a label) can only be reached by `*` or from above.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How two values of a field are made comparable. The list is closed: a record must be readable by every version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normal {
    /// An IAM document: a single string and a list of one are the same, lists of actions are sets.
    IamDocument,
    /// A CIDR: host bits do not count.
    Cidr,
    /// An ARN: a role's path may be missing.
    Arn,
    /// A Kubernetes quantity: `1000m` is `1`.
    Quantity,
    /// A JSON text: white space and the order of keys do not count.
    JsonText,
}

/// One segment of a field's path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Segment {
    /// An index of a list.
    Index(usize),
    /// A key of a map.
    Key(String),
}

/// The path of one field inside an object's inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(pub Vec<Segment>);

impl FieldPath {
    /// Returns the path one key further down.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.push(Segment::Key(key.to_owned()))
    }

    /// Returns the path one index further down.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.push(Segment::Index(index))
    }

    fn push(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Returns whether `pattern` covers this field.
    pub fn matches(&self, pattern: &str) -> bool {
        let mut segments = self.0.iter();
        pattern.split('.').all(|wanted| match segments.next() {
            Some(_) if wanted == "*" => true,
            Some(Segment::Key(key)) => key == wanted,
            Some(Segment::Index(index)) => wanted.parse() == Ok(*index),
            None => false,
        })
    }
}

impl fmt::Display for FieldPath {
    /// Writes `spec.rules[0].labels["app.kubernetes.io/name"]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if key.contains(['.', '/']) => write!(f, "[\"{key}\"]")?,
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// What planner and engine must know of an object's fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldRules {
    /// A change forces a replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<String>,
    /// A plain reference to what the object lives in: when that is replaced, so is the object, whatever the value says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// A change gives these outputs new values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recomputes: Vec<(String, Vec<String>)>,
    /// A list whose order does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<String>,
    /// The API fills the field in when it is not given; what it fills in is no drift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub server_default: Vec<String>,
    /// Two spellings mean the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub normalised: Vec<(String, Normal)>,
    /// The API never gives the field back; it is compared with what was sent, and is never drift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write_only: Vec<String>,
    /// What to know when the field changes; a plan that changes it says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<(String, String)>,
}

fn owned<const N: usize>(patterns: [&str; N]) -> impl Iterator<Item = String> + '_ {
    patterns.into_iter().map(str::to_owned)
}

impl FieldRules {
    /// Starts with no rule: every field is updated in place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds fields whose change forces a replace.
    #[must_use]
    pub fn replace<const N: usize>(mut self, patterns: [&str; N]) -> Self {
        self.replace.extend(owned(patterns));
        self
    }

    /// Adds fields that name what the object lives in; such a field also forces a replace when its value changes.
    #[must_use]
    pub fn parents<const N: usize>(mut self, patterns: [&str; N]) -> Self {
        self.parents.extend(owned(patterns));
        self.replace.extend(owned(patterns));
        self
    }

    /// Adds outputs that get new values when a field changes.
    #[must_use]
    pub fn recomputes<const N: usize>(mut self, pattern: &str, outputs: [&str; N]) -> Self {
        self.recomputes.push((pattern.to_owned(), owned(outputs).collect()));
        self
    }

    /// Adds lists whose order does not count.
    #[must_use]
    pub fn sets<const N: usize>(mut self, patterns: [&str; N]) -> Self {
        self.sets.extend(owned(patterns));
        self
    }

    /// Adds fields that the API fills in.
    #[must_use]
    pub fn server_default<const N: usize>(mut self, patterns: [&str; N]) -> Self {
        self.server_default.extend(owned(patterns));
        self
    }

    /// Adds a field with more than one spelling.
    #[must_use]
    pub fn normalised(mut self, pattern: &str, normal: Normal) -> Self {
        self.normalised.push((pattern.to_owned(), normal));
        self
    }

    /// Adds fields that the API never gives back.
    #[must_use]
    pub fn write_only<const N: usize>(mut self, patterns: [&str; N]) -> Self {
        self.write_only.extend(owned(patterns));
        self
    }

    /// Adds what to know when a field changes.
    #[must_use]
    pub fn remark(mut self, pattern: &str, remark: &str) -> Self {
        self.remarks.push((pattern.to_owned(), remark.to_owned()));
        self
    }

    /// Returns whether a change of the field forces a replace.
    pub fn forces_replace(&self, field: &FieldPath) -> bool {
        covered(&self.replace, field)
    }

    /// Returns whether the field names what the object lives in.
    pub fn is_parent(&self, field: &FieldPath) -> bool {
        covered(&self.parents, field)
    }

    /// Returns whether the list's order does not count. Exact: a list inside a set is a list of its own.
    pub fn is_set(&self, field: &FieldPath) -> bool {
        self.sets.iter().any(|pattern| field.matches(pattern) && pattern.split('.').count() == field.0.len())
    }

    /// Returns whether the API fills the field in.
    pub fn is_server_default(&self, field: &FieldPath) -> bool {
        covered(&self.server_default, field)
    }

    /// Returns whether the API never gives the field back.
    pub fn is_write_only(&self, field: &FieldPath) -> bool {
        covered(&self.write_only, field)
    }

    /// Returns how values of the field are made comparable. Exact, like [`Self::is_set`].
    pub fn normal(&self, field: &FieldPath) -> Option<Normal> {
        self.normalised
            .iter()
            .find(|(pattern, _)| field.matches(pattern) && pattern.split('.').count() == field.0.len())
            .map(|(_, normal)| *normal)
    }

    /// Returns what to know when the field changes.
    pub fn remarks_on<'a>(&'a self, field: &'a FieldPath) -> impl Iterator<Item = &'a str> {
        self.remarks.iter().filter(|(pattern, _)| field.matches(pattern)).map(|(_, remark)| remark.as_str())
    }

    /// Returns the outputs that get new values when the field changes.
    pub fn recomputed_by<'a>(&'a self, field: &'a FieldPath) -> impl Iterator<Item = &'a str> {
        self.recomputes
            .iter()
            .filter(|(pattern, _)| field.matches(pattern))
            .flat_map(|(_, outputs)| outputs.iter().map(String::as_str))
    }
}

fn covered(patterns: &[String], field: &FieldPath) -> bool {
    patterns.iter().any(|pattern| field.matches(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(keys: &[&str]) -> FieldPath {
        keys.iter().fold(FieldPath::default(), |path, key| path.key(key))
    }

    #[test]
    fn a_pattern_covers_what_lies_below() {
        assert!(path(&["tags", "Name"]).matches("tags"));
        assert!(path(&["subnets"]).index(2).key("id").matches("subnets.*.id"));
        assert!(path(&["anything"]).matches("*"));
        assert!(!path(&["tags"]).matches("tags.Name"));
        assert!(!path(&["tagset"]).matches("tags"));
    }

    #[test]
    fn a_path_reads_as_one_would_write_it() {
        let field = path(&["metadata", "labels", "app.kubernetes.io/name"]);
        assert_eq!(field.to_string(), "metadata.labels[\"app.kubernetes.io/name\"]");
        assert_eq!(path(&["ingress"]).index(0).key("port").to_string(), "ingress[0].port");
    }
}
