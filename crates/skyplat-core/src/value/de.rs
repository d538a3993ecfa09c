//! Ground [`Tree`]s to Rust values, through serde.
//!
//! Decoding is for executors: they get inputs whose references are all resolved. A reference, an unknown or a digest
//! that is still inside is an error naming its path. Maps come in the order of their keys.

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::tree::{Key, Tree};
use super::{Secret, TreeError, ser::TREE_NAME};

/// Decodes a ground tree into a Rust value.
///
/// # Errors
/// When the tree is not ground or does not fit the type.
pub fn from_tree<T: DeserializeOwned>(tree: &Tree) -> Result<T, TreeError> {
    T::deserialize(TreeDeserializer(tree))
}

/// The serde deserializer behind [`from_tree`].
#[derive(Debug, Clone, Copy)]
pub struct TreeDeserializer<'a>(pub &'a Tree);

impl<'de> Deserializer<'de> for TreeDeserializer<'_> {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.0 {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(v) => visitor.visit_bool(*v),
            Tree::Number(number) => {
                number.deserialize_any(visitor).map_err(|error| TreeError::new(error.to_string()))
            }
            Tree::String(text) => visitor.visit_str(text),
            Tree::Secret(secret) => visitor.visit_newtype_struct(Exposed(secret)),
            Tree::List(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            Tree::Map(map) => visitor.visit_map(Entries { entries: map.iter(), value: None }),
            Tree::Ref(_) | Tree::Text(_) | Tree::Json(_) | Tree::Unknown(_) => {
                Err(TreeError::new(format!("not known yet: {:?}", self.0)))
            }
            Tree::Digest(_) => Err(TreeError::new("only the digest of this secret is at hand")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.0 {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match self.0 {
            Tree::String(variant) => visitor.visit_enum(variant.as_str().into_deserializer()),
            Tree::Map(map) if map.len() == 1 => {
                let (key, value) = map.first_key_value().expect("the map has one entry");
                visitor.visit_enum(Variant { name: literal(key)?, value })
            }
            _ => Err(TreeError::new("expected a variant's name, or a map with it as the only key")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Gives a secret's text to the one visitor that asked for a newtype, and to nobody who asked for plain text.
struct Exposed<'a>(&'a Secret);

impl<'de> Deserializer<'de> for Exposed<'_> {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        visitor.visit_str(self.0.expose())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option newtype_struct
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

fn literal(key: &Key) -> Result<&str, TreeError> {
    match key {
        Key::Literal(text) => Ok(text),
        Key::Text(_) => Err(TreeError::new("a key with a reference that is not known yet")),
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Tree>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = TreeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TreeError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        self.index += 1;
        seed.deserialize(TreeDeserializer(item))
            .map(Some)
            .map_err(|e| e.within(&(self.index - 1).to_string()))
    }
}

struct Entries<'a> {
    entries: super::map::Iter<'a>,
    value: Option<(&'a str, &'a Tree)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = TreeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TreeError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let key = literal(key)?;
        self.value = Some((key, value));
        let as_tree = Tree::String(key.into());
        seed.deserialize(TreeDeserializer(&as_tree)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TreeError> {
        let (key, value) =
            self.value.take().ok_or_else(|| TreeError::new("a value was asked before its key"))?;
        seed.deserialize(TreeDeserializer(value)).map_err(|e| e.within(key))
    }
}

struct Variant<'a> {
    name: &'a str,
    value: &'a Tree,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = TreeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), TreeError> {
        let name = Tree::String(self.name.into());
        Ok((seed.deserialize(TreeDeserializer(&name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = TreeError;

    fn unit_variant(self) -> Result<(), TreeError> {
        Err(TreeError::new(format!("{} has no content", self.name)))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, TreeError> {
        seed.deserialize(TreeDeserializer(self.value)).map_err(|e| e.within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, TreeError> {
        TreeDeserializer(self.value).deserialize_any(visitor).map_err(|e| e.within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        TreeDeserializer(self.value).deserialize_any(visitor).map_err(|e| e.within(self.name))
    }
}

impl<'de> Deserialize<'de> for Tree {
    /// Takes any shape; a secret stays a secret, because only [`TreeDeserializer`] answers with a newtype.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TREE_NAME, TreeVisitor { outer: true })
    }
}

struct TreeVisitor {
    /// Whether the next newtype is the frame that `Tree::deserialize` asked for, and not a secret.
    outer: bool,
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        if self.outer {
            inner.deserialize_any(Self { outer: false })
        } else {
            String::deserialize(inner).map(|text| Tree::Secret(Secret::new(text)))
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Tree, E> {
        Ok(Tree::Number(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Tree, E> {
        Ok(Tree::Number(v.into()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Tree, E> {
        serde_json::Number::from_f64(v)
            .map(Tree::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Tree, E> {
        Ok(Tree::String(v.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::with_capacity(entries.size_hint().unwrap_or(0).min(64));
        while let Some((key, value)) = entries.next_entry::<String, Tree>()? {
            map.push((key.into(), value));
        }
        Ok(Tree::Map(map.into_iter().collect()))
    }
}
