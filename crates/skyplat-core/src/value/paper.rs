//! Trees on paper: JSON with a notation for what JSON cannot say.
//!
//! | in a tree | on paper |
//! |---|---|
//! | reference | `{"$ref":{"object":"hub/vpc/vpc","field":"id"}}` |
//! | text | `{"$text":["https://",{"$ref":…}]}` |
//! | JSON text | `{"$json":TREE}` |
//! | unknown | `{"$unknown":"hub/vpc/vpc.id"}` |
//! | digest of a secret | `{"$digest":"…"}` |
//! | secret | `{"$secret":true}`, to look at only: [`write()`] refuses it |
//! | key with a reference | `"${hub/eks/cluster.issuer_host}:sub"` |
//! | `$` in a literal key | `$$` |
//!
//! [`write()`] and [`read`] are exact inverses; [`show`] is for people and programs that only look.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error as _, Serializer};
use serde_json::{Map as JsonMap, Value as Json, json};
use smol_str::SmolStr;

use super::tree::{Address, Key, KeyPart, Reference, Tree};
use super::{Digest, Map, TreeError};

const SECRET_IN_THE_CLEAR: &str = "a secret in the clear cannot be written down";

/// Writes a tree so that [`read`] gives it back.
///
/// # Errors
/// When a secret in the clear is inside: those never go on paper.
pub fn write(tree: &Tree) -> Result<Json, TreeError> {
    if tree.has_secret() {
        return Err(TreeError::new(SECRET_IN_THE_CLEAR));
    }
    Ok(show(tree))
}

/// Shows a tree; secrets and digests show only that they are there.
pub fn display(tree: &Tree) -> Json {
    match tree {
        Tree::Digest(_) => json!({"$secret": true}),
        Tree::List(items) => items.iter().map(display).collect(),
        Tree::Text(parts) => json!({"$text": parts.iter().map(display).collect::<Json>()}),
        Tree::Json(inner) => json!({"$json": display(inner)}),
        Tree::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (write_key(key), display(value))).collect())
        }
        other => show(other),
    }
}

/// Shows a tree in the notation of this module, with secrets as `{"$secret":true}`.
pub fn show(tree: &Tree) -> Json {
    match tree {
        Tree::Null => Json::Null,
        Tree::Bool(v) => Json::Bool(*v),
        Tree::Number(v) => Json::Number(v.clone()),
        Tree::String(v) => v.as_str().into(),
        Tree::List(items) => items.iter().map(show).collect(),
        Tree::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (write_key(key), show(value))).collect())
        }
        Tree::Ref(r) => json!({"$ref": {"object": r.object.as_str(), "field": r.field}}),
        Tree::Text(parts) => json!({"$text": parts.iter().map(show).collect::<Json>()}),
        Tree::Json(inner) => json!({"$json": show(inner)}),
        Tree::Secret(_) => json!({"$secret": true}),
        Tree::Digest(digest) => json!({"$digest": digest}),
        Tree::Unknown(r) => json!({"$unknown": r.to_string()}),
    }
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// When a `$` notation is not one of this module's.
pub fn read(json: &Json) -> Result<Tree, TreeError> {
    Ok(match json {
        Json::Null => Tree::Null,
        Json::Bool(v) => Tree::Bool(*v),
        Json::Number(v) => Tree::Number(v.clone()),
        Json::String(v) => Tree::String(v.into()),
        Json::Array(items) => Tree::List(items.iter().map(read).collect::<Result<_, _>>()?),
        Json::Object(map) => match notation(map) {
            Some((name, value)) => read_notation(name, value)?,
            None => Tree::Map(
                map.iter()
                    .map(|(key, value)| Ok((read_key(key)?, read(value).map_err(|e| e.within(key))?)))
                    .collect::<Result<Map, TreeError>>()?,
            ),
        },
    })
}

/// Returns the notation a one-entry object stands for: `$name`, where `$$` and `${` begin ordinary keys.
fn notation(map: &JsonMap<String, Json>) -> Option<(&str, &Json)> {
    let (key, value) = map.iter().next().filter(|_| map.len() == 1)?;
    let name = key.strip_prefix('$')?;
    (!name.starts_with(['$', '{'])).then_some((name, value))
}

fn read_notation(name: &str, value: &Json) -> Result<Tree, TreeError> {
    let text = |value: &Json| {
        value.as_str().map(SmolStr::new).ok_or_else(|| TreeError::new(format!("${name} wants a text")))
    };
    match name {
        "ref" => Ok(Tree::Ref(Reference {
            object: Address::new(text(&value["object"])?),
            field: text(&value["field"])?,
        })),
        "text" => match read(value)? {
            Tree::List(parts) => Ok(Tree::Text(parts)),
            _ => Err(TreeError::new("$text wants a list")),
        },
        "json" => Ok(Tree::Json(Box::new(read(value)?))),
        "unknown" => read_reference(&text(value)?).map(Tree::Unknown),
        "digest" => serde_json::from_value::<Digest>(value.clone())
            .map(Tree::Digest)
            .map_err(|e| TreeError::new(e.to_string())),
        "secret" => Err(TreeError::new("a secret that was only shown cannot be read back")),
        _ => Err(TreeError::new(format!("unknown notation ${name}"))),
    }
}

fn read_reference(text: &str) -> Result<Reference, TreeError> {
    let (object, field) = text
        .rsplit_once('.')
        .ok_or_else(|| TreeError::new(format!("{text} is no reference: OBJECT.FIELD")))?;
    Ok(Reference { object: Address::new(object), field: field.into() })
}

/// Writes a key: every `$` of a literal part is doubled, a reference stands in `${…}`.
fn write_key(key: &Key) -> String {
    let escape = |text: &str| text.replace('$', "$$");
    match key {
        Key::Literal(text) => escape(text),
        Key::Text(parts) => parts
            .iter()
            .map(|part| match part {
                KeyPart::Literal(text) => escape(text),
                KeyPart::Ref(reference) => format!("${{{reference}}}"),
            })
            .collect(),
    }
}

fn read_key(text: &str) -> Result<Key, TreeError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(reference) = after.strip_prefix('{') {
            let (reference, tail) = reference
                .split_once('}')
                .ok_or_else(|| TreeError::new(format!("key {text}: ${{ without }}")))?;
            if !literal.is_empty() {
                parts.push(KeyPart::Literal(std::mem::take(&mut literal).into()));
            }
            parts.push(KeyPart::Ref(read_reference(reference)?));
            rest = tail;
        } else {
            literal.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    literal.push_str(rest);
    if parts.is_empty() {
        return Ok(literal.into());
    }
    if !literal.is_empty() {
        parts.push(KeyPart::Literal(literal.into()));
    }
    Ok(Key::Text(parts))
}

/// A tree that is written as it is walked, without a copy of it as JSON. The text is that of [`write()`].
struct Written<'a>(&'a Tree);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Tree::Null => serializer.serialize_unit(),
            Tree::Bool(v) => serializer.serialize_bool(*v),
            Tree::Number(v) => v.serialize(serializer),
            Tree::String(v) => serializer.serialize_str(v),
            Tree::List(items) => serializer.collect_seq(items.iter().map(Written)),
            Tree::Map(map) => write_map(map, serializer),
            Tree::Ref(Reference { object, field }) => {
                serializer.collect_map([("$ref", WrittenReference { field, object })])
            }
            Tree::Text(parts) => {
                serializer.collect_map([("$text", parts.iter().map(Written).collect::<Vec<_>>())])
            }
            Tree::Json(inner) => serializer.collect_map([("$json", Written(inner))]),
            Tree::Secret(_) => Err(S::Error::custom(SECRET_IN_THE_CLEAR)),
            Tree::Digest(digest) => serializer.collect_map([("$digest", digest)]),
            Tree::Unknown(r) => serializer.collect_map([("$unknown", r.to_string())]),
        }
    }
}

/// A reference, its names in the order of [`write()`].
#[derive(Serialize)]
struct WrittenReference<'a> {
    field: &'a str,
    object: &'a Address,
}

/// Writes the entries in the order of their keys on paper, which is that of the keys unless one has to be written
/// differently.
fn write_map<S: Serializer>(map: &Map, serializer: S) -> Result<S::Ok, S::Error> {
    if map.keys().all(|key| plain_key(key).is_some()) {
        let entry = |(key, value)| Some((plain_key(key)?, Written(value)));
        return serializer.collect_map(map.iter().filter_map(entry));
    }
    let entries: BTreeMap<String, Written<'_>> =
        map.iter().map(|(key, value)| (write_key(key), Written(value))).collect();
    serializer.collect_map(entries)
}

/// Returns a key that stands on paper as it is.
fn plain_key(key: &Key) -> Option<&str> {
    match key {
        Key::Literal(text) if !text.as_bytes().contains(&b'$') => Some(text),
        _ => None,
    }
}

/// For `#[serde(with = "paper")]` on a [`Tree`] field of something that is written to a file.
///
/// # Errors
/// When a secret in the clear is inside.
pub fn serialize<S: Serializer>(tree: &Tree, serializer: S) -> Result<S::Ok, S::Error> {
    Written(tree).serialize(serializer)
}

/// The other half of [`serialize`].
///
/// # Errors
/// When the text is not this module's notation.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
    read(&Json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// For `#[serde(with = "paper::optional")]` on an `Option<Tree>` field.
pub mod optional {
    use super::{Deserialize, Deserializer, Json, Serializer, Tree};

    /// Writes the tree, or null.
    ///
    /// # Errors
    /// When a secret in the clear is inside.
    pub fn serialize<S: Serializer>(tree: &Option<Tree>, serializer: S) -> Result<S::Ok, S::Error> {
        match tree {
            Some(tree) => super::serialize(tree, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a tree, or null as none.
    ///
    /// # Errors
    /// When the text is not this module's notation.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tree>, D::Error> {
        match Option::<Json>::deserialize(deserializer)? {
            None | Some(Json::Null) => Ok(None),
            Some(json) => super::read(&json).map(Some).map_err(serde::de::Error::custom),
        }
    }
}

/// For `#[serde(with = "paper::named")]` on a map from names to trees (outputs).
pub mod named {
    use std::collections::BTreeMap;

    use super::{Deserialize, Deserializer, Json, Serializer, Tree, Written};

    /// Writes every tree under its name.
    ///
    /// # Errors
    /// When a secret in the clear is inside.
    pub fn serialize<S: Serializer>(
        trees: &BTreeMap<String, Tree>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(trees.iter().map(|(name, tree)| (name, Written(tree))))
    }

    /// Reads the trees back.
    ///
    /// # Errors
    /// When the text is not this module's notation.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Tree>, D::Error> {
        BTreeMap::<String, Json>::deserialize(deserializer)?
            .into_iter()
            .map(|(name, json)| super::read(&json).map(|tree| (name, tree)))
            .collect::<Result<_, _>>()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference() -> impl Strategy<Value = Reference> {
        ("[a-z]{1,4}(/[a-z-]{1,4}){1,2}", "[a-z_]{1,6}")
            .prop_map(|(object, field)| Reference { object: Address::new(object), field: field.into() })
    }

    fn key() -> impl Strategy<Value = Key> {
        prop_oneof![
            "[$a{}]{0,6}".prop_map(Key::from),
            ("[$a{}]{1,4}", reference())
                .prop_map(|(text, r)| Key::Text(vec![KeyPart::Literal(text.into()), KeyPart::Ref(r)])),
            (reference(), "[$a{}:]{1,4}")
                .prop_map(|(r, text)| Key::Text(vec![KeyPart::Ref(r), KeyPart::Literal(text.into())])),
        ]
    }

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::Bool),
            any::<i64>().prop_map(|n| Tree::Number(n.into())),
            "[$a-z{}]{0,6}".prop_map(|text| Tree::String(text.into())),
            reference().prop_map(Tree::Ref),
            reference().prop_map(Tree::Unknown),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::List),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Text),
                inner.clone().prop_map(|tree| Tree::Json(Box::new(tree))),
                prop::collection::vec((key(), inner), 0..4)
                    .prop_map(|entries| Tree::Map(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn read_undoes_write(tree in tree()) {
            let paper = write(&tree).unwrap();
            prop_assert_eq!(read(&paper).unwrap(), tree);
        }
    }

    proptest! {
        #[test]
        fn a_tree_is_written_the_same_with_and_without_a_copy(tree in tree()) {
            prop_assert_eq!(serde_json::to_string(&Written(&tree)).unwrap(), write(&tree).unwrap().to_string());
        }
    }

    #[test]
    fn a_secret_is_shown_but_never_written() {
        let tree = Tree::Secret(super::super::Secret::new("canary"));
        assert!(serde_json::to_string(&Written(&Tree::List(vec![tree.clone()]))).is_err());
        assert_eq!(show(&tree), json!({"$secret": true}));
        assert!(write(&tree).is_err());
    }
}
