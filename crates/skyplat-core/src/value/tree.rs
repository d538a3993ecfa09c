//! [`Tree`]: the erased form of inputs and outputs.
//!
//! A tree is JSON's shapes plus the things JSON cannot say: a reference to an output, a text or a JSON text with
//! references inside, a secret, its digest, and a value not known yet. A manifest may itself contain a key `"$ref"`:
//! that is an ordinary map here, never magic.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use smol_str::{SmolStr, format_smolstr};

use super::map::Map;
use super::secret::{Digest, Secret};

/// The address of a resource (`hub/vpc`) or of an object (`hub/vpc/private-a`): a path of names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(SmolStr);

impl Address {
    /// Wraps a path.
    pub fn new(path: impl Into<SmolStr>) -> Self {
        Self(path.into())
    }

    /// Returns the path below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format_smolstr!("{}/{name}", self.0))
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this address is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Address {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

/// Names one output of one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The object that has the output.
    pub object: Address,
    /// The output's name.
    pub field: SmolStr,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.object, self.field)
    }
}

/// A key of a map: nearly always a literal, but an IAM condition key contains a cluster's issuer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A plain key.
    Literal(SmolStr),
    /// A key with references inside.
    Text(Vec<KeyPart>),
}

/// One part of a [`Key::Text`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPart {
    /// Plain text.
    Literal(SmolStr),
    /// The value of an output.
    Ref(Reference),
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Literal(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Literal(text.into())
    }
}

/// The erased form of inputs and outputs.
#[derive(Clone, PartialEq, Eq)]
pub enum Tree {
    /// JSON's null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text without references.
    String(SmolStr),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Map),
    /// The value of an output.
    Ref(Reference),
    /// A text made of parts: strings, references, and after resolving unknowns and digests.
    Text(Vec<Self>),
    /// The JSON text of a tree, written only when all of the tree is known.
    Json(Box<Self>),
    /// A secret in the clear, in memory only.
    Secret(Secret),
    /// What is recorded of a secret.
    Digest(Digest),
    /// The value of an output that is not known yet.
    Unknown(Reference),
}

impl Tree {
    /// Returns an empty map.
    pub fn map() -> Self {
        Self::Map(Map::new())
    }

    /// Returns whether the tree is plain data, as far as that is known without looking through its maps.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(items) => items.iter().all(Self::is_plain),
            Self::Map(map) => map.is_plain(),
            _ => false,
        }
    }

    /// Returns whether the tree is free of references and unknowns, so that it can be decoded and sent.
    pub fn is_ground(&self) -> bool {
        match self {
            Self::Ref(_) | Self::Text(_) | Self::Json(_) | Self::Unknown(_) | Self::Digest(_) => false,
            Self::List(items) => items.iter().all(Self::is_ground),
            Self::Map(map) => {
                let ground =
                    |(key, value): (&Key, &Self)| matches!(key, Key::Literal(_)) && value.is_ground();
                map.is_plain() || map.iter().all(ground)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Secret(_) => true,
        }
    }

    /// Calls `visit` for every reference in the tree, keys included, unknowns not.
    pub fn for_each_ref<'t>(&'t self, visit: &mut impl FnMut(&'t Reference)) {
        match self {
            Self::Ref(reference) => visit(reference),
            Self::List(items) | Self::Text(items) => items.iter().for_each(|item| item.for_each_ref(visit)),
            Self::Json(tree) => tree.for_each_ref(visit),
            Self::Map(map) if !map.is_plain() => {
                for (key, value) in map {
                    if let Key::Text(parts) = key {
                        for part in parts {
                            if let KeyPart::Ref(reference) = part {
                                visit(reference);
                            }
                        }
                    }
                    value.for_each_ref(visit);
                }
            }
            _ => {}
        }
    }

    /// Returns the first unknown inside the tree, if there is one.
    pub fn first_unknown(&self) -> Option<&Reference> {
        match self {
            Self::Unknown(reference) => Some(reference),
            Self::List(items) | Self::Text(items) => items.iter().find_map(Self::first_unknown),
            Self::Json(tree) => tree.first_unknown(),
            Self::Map(map) if !map.is_plain() => map.values().find_map(Self::first_unknown),
            _ => None,
        }
    }

    /// Returns whether any secret in the clear is inside.
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::List(items) | Self::Text(items) => items.iter().any(Self::has_secret),
            Self::Json(tree) => tree.has_secret(),
            Self::Map(map) if !map.is_plain() => map.values().any(Self::has_secret),
            _ => false,
        }
    }

    /// Returns whether the digest of a secret is inside.
    pub fn has_digest(&self) -> bool {
        match self {
            Self::Digest(_) => true,
            Self::List(items) | Self::Text(items) => items.iter().any(Self::has_digest),
            Self::Json(tree) => tree.has_digest(),
            Self::Map(map) if !map.is_plain() => map.values().any(Self::has_digest),
            _ => false,
        }
    }

    /// Returns the value at a dotted path of map keys (`metadata.name`), without wildcards.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |tree, segment| tree.get(segment))
    }

    /// Returns the value under a literal key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get_literal(key),
            _ => None,
        }
    }

    /// Returns the text of a plain string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries of a map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Puts a value under a literal key, turning a non-map into a map first.
    pub fn set(&mut self, key: &str, value: Self) {
        if !matches!(self, Self::Map(_)) {
            *self = Self::map();
        }
        if let Self::Map(map) = self {
            map.insert(key.into(), value);
        }
    }
}

impl fmt::Debug for Tree {
    /// Writes the tree as it stands on paper; secrets show as such.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", super::paper::show(self))
    }
}

/// What can stand in a [`tree!`](crate::tree) literal.
pub trait ToTree {
    /// Returns the value as a tree.
    fn to_tree(&self) -> Tree;
}

impl ToTree for Tree {
    fn to_tree(&self) -> Tree {
        self.clone()
    }
}

impl<T: ToTree + ?Sized> ToTree for &T {
    fn to_tree(&self) -> Tree {
        (**self).to_tree()
    }
}

impl<T: ToTree> ToTree for [T] {
    fn to_tree(&self) -> Tree {
        Tree::List(self.iter().map(ToTree::to_tree).collect())
    }
}

impl<T: ToTree> ToTree for Vec<T> {
    fn to_tree(&self) -> Tree {
        self.as_slice().to_tree()
    }
}

impl<T: ToTree, const N: usize> ToTree for [T; N] {
    fn to_tree(&self) -> Tree {
        self.as_slice().to_tree()
    }
}

impl<K: ToString, T: ToTree> ToTree for BTreeMap<K, T> {
    fn to_tree(&self) -> Tree {
        Tree::Map(self.iter().map(|(key, value)| (key.to_string().into(), value.to_tree())).collect())
    }
}

impl ToTree for str {
    fn to_tree(&self) -> Tree {
        Tree::String(self.into())
    }
}

impl ToTree for String {
    fn to_tree(&self) -> Tree {
        Tree::String(self.into())
    }
}

impl ToTree for bool {
    fn to_tree(&self) -> Tree {
        Tree::Bool(*self)
    }
}

macro_rules! number_to_tree {
    ($($number:ty),*) => {$(
        impl ToTree for $number {
            fn to_tree(&self) -> Tree {
                Tree::Number((*self).into())
            }
        }
    )*};
}
number_to_tree!(i32, i64, u16, u32, u64);

macro_rules! text_to_tree {
    ($($text:ty),*) => {$(
        impl ToTree for $text {
            fn to_tree(&self) -> Tree {
                Tree::String(format_smolstr!("{self}"))
            }
        }
    )*};
}
text_to_tree!(crate::ids::Cidr);

/// Writes a [`Tree`](crate::value::Tree) like a JSON literal.
///
/// A value is a literal, a name, a nested `{…}` or `[…]`, or any expression in parentheses whose type implements
/// [`ToTree`](crate::value::ToTree). A key is a literal, or an expression in parentheses that is `Into<Key>`.
///
/// ```
/// use skyplat_core::tree;
/// let name = "sky-sa";
/// let manifest = tree!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } });
/// assert_eq!(manifest.at("metadata.name").and_then(|t| t.as_str()), Some("sky-sa"));
/// ```
#[macro_export]
macro_rules! tree {
    (null) => { $crate::value::Tree::Null };
    ([ $($item:tt),* $(,)? ]) => { $crate::value::Tree::List(vec![ $( $crate::tree!($item) ),* ]) };
    ({ $($key:tt : $value:tt),* $(,)? }) => {
        $crate::value::Tree::Map($crate::value::Map::from([
            $( ($crate::value::Key::from($key), $crate::tree!($value)) ),*
        ]))
    };
    ($other:expr) => { $crate::value::ToTree::to_tree(&$other) };
}
