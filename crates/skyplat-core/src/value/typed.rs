//! [`Value<T>`]: what a resource writes into the inputs of its objects.
//!
//! There are no functions on values: whatever form of an output is needed is an output of its own (a cluster has
//! `issuer_url` and `issuer_host`). Order between objects is derived from the references in here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use smol_str::ToSmolStr as _;

use super::ser::{TREE_NAME, hand_over};
use super::tree::{Reference, ToTree, Tree};

/// A value of an input: known, or known when the objects it refers to are made.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<T> {
    /// Known while lowering.
    Known(T),
    /// The output of an object.
    Ref(Reference),
    /// A text with references inside.
    Text(Vec<Tree>),
    /// The JSON text of a tree with references inside.
    Json(Box<Tree>),
}

/// A value that was asked for before it was known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value} is not known yet")]
pub struct NotKnown {
    /// What the value depends on.
    pub value: String,
}

impl<T> Value<T> {
    /// Returns the known value; executors call it after decoding.
    ///
    /// # Errors
    /// When the value still depends on an output.
    pub fn known(&self) -> Result<&T, NotKnown> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Ref(reference) => Err(NotKnown { value: reference.to_string() }),
            Self::Text(_) | Self::Json(_) => Err(NotKnown { value: "a text with references".into() }),
        }
    }

    /// Returns the same reference under another type, for a field whose type says less (`VpcId` as `String`).
    pub fn as_text(&self) -> Value<String>
    where
        T: fmt::Display,
    {
        match self {
            Self::Known(value) => Value::Known(value.to_string()),
            Self::Ref(reference) => Value::Ref(reference.clone()),
            Self::Text(parts) => Value::Text(parts.clone()),
            Self::Json(tree) => Value::Json(tree.clone()),
        }
    }
}

impl<T: From<String>> Value<T> {
    /// Joins parts into a text: `Value::format(["https://".into(), (&host).into()])`. Known when all parts are.
    pub fn format<const N: usize>(parts: [TextPart; N]) -> Self {
        if parts.iter().all(|part| matches!(part.0, Tree::String(_))) {
            let text: String = parts.iter().filter_map(|part| part.0.as_str()).collect();
            return Self::Known(T::from(text));
        }
        Self::Text(parts.into_iter().map(|part| part.0).collect())
    }
}

impl Value<String> {
    /// The JSON text of a tree, serialised only when all of the tree is known.
    pub fn json(tree: Tree) -> Self {
        Self::Json(Box::new(tree))
    }
}

/// One part of [`Value::format`].
#[derive(Debug, Clone)]
pub struct TextPart(Tree);

impl From<&str> for TextPart {
    fn from(text: &str) -> Self {
        Self(Tree::String(text.into()))
    }
}

impl From<&String> for TextPart {
    fn from(text: &String) -> Self {
        Self(Tree::String(text.into()))
    }
}

impl<T: fmt::Display> From<&Value<T>> for TextPart {
    fn from(value: &Value<T>) -> Self {
        Self(match value {
            Value::Known(known) => Tree::String(known.to_smolstr()),
            Value::Ref(reference) => Tree::Ref(reference.clone()),
            Value::Text(parts) => Tree::Text(parts.clone()),
            Value::Json(tree) => Tree::Json(tree.clone()),
        })
    }
}

impl<T> From<T> for Value<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl From<&str> for Value<String> {
    fn from(text: &str) -> Self {
        Self::Known(text.to_owned())
    }
}

impl<T: ToTree> ToTree for Value<T> {
    fn to_tree(&self) -> Tree {
        match self {
            Self::Known(value) => value.to_tree(),
            Self::Ref(reference) => Tree::Ref(reference.clone()),
            Self::Text(parts) => Tree::Text(parts.clone()),
            Self::Json(tree) => Tree::Json(tree.clone()),
        }
    }
}

impl ToTree for super::Secret {
    fn to_tree(&self) -> Tree {
        Tree::Secret(self.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Ref(reference) => write!(f, "${{{reference}}}"),
            Self::Text(parts) => f.debug_tuple("Text").field(parts).finish(),
            Self::Json(tree) => f.debug_tuple("Json").field(tree).finish(),
        }
    }
}

impl<T: Serialize> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Ref(reference) => hand_over(Tree::Ref(reference.clone()), serializer, TREE_NAME),
            Self::Text(parts) => hand_over(Tree::Text(parts.clone()), serializer, TREE_NAME),
            Self::Json(tree) => hand_over(Tree::Json(tree.clone()), serializer, TREE_NAME),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Value<T> {
    /// Takes what `T` takes: only ground trees are decoded.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Frame<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Frame<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a known value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
                T::deserialize(inner)
            }
        }
        deserializer.deserialize_newtype_struct(TREE_NAME, Frame(std::marker::PhantomData)).map(Self::Known)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::value::{Address, Secret, from_tree, to_tree};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inputs {
        vpc: Value<String>,
        token: Secret,
        extra: Option<String>,
    }

    fn reference() -> Reference {
        Reference { object: Address::new("hub/vpc/vpc"), field: "id".into() }
    }

    #[test]
    fn a_value_becomes_a_tree_and_nothing_else() {
        let inputs = Inputs { vpc: Value::Ref(reference()), token: Secret::new("canary"), extra: None };
        let tree = to_tree(&inputs).unwrap();
        assert_eq!(tree.get("vpc"), Some(&Tree::Ref(reference())));
        assert_eq!(tree.get("token"), Some(&Tree::Secret(Secret::new("canary"))));
        assert_eq!(tree.get("extra"), None);
        let error = serde_json::to_string(&inputs).unwrap_err().to_string();
        assert!(error.contains("Tree") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_ground_tree_decodes_and_another_names_the_path() {
        let mut tree =
            to_tree(&Inputs { vpc: "vpc-1".into(), token: Secret::new("s"), extra: None }).unwrap();
        assert_eq!(from_tree::<Inputs>(&tree).unwrap().vpc.known().unwrap(), "vpc-1");
        tree.set("vpc", Tree::Unknown(reference()));
        assert_eq!(from_tree::<Inputs>(&tree).unwrap_err().path, "vpc");
    }

    #[test]
    fn a_tree_inside_a_type_keeps_its_secrets() {
        let tree = crate::tree!({ "data": (Secret::new("canary")), "n": 1, "f": { "l": [true, null] } });
        assert_eq!(from_tree::<Tree>(&tree).unwrap(), tree);
        assert!(!format!("{tree:?}").contains("canary"));
    }

    #[test]
    fn a_secret_is_not_given_to_who_asks_for_plain_text() {
        assert!(from_tree::<String>(&Tree::Secret(Secret::new("canary"))).is_err());
    }
}
