//! Rust values to [`Tree`]s, through serde.
//!
//! [`TreeSerializer`] differs from a JSON serializer in two ways. `Value`, `Secret` and `Tree` itself pass through it
//! whole (`hand_over`); to any other serializer they are an error, so that a reference can never be printed as if it
//! were data. And a struct field that is `None` is left out, as the APIs we write for expect.

use std::cell::RefCell;

use serde::ser::{self, Serialize, Serializer};
use smol_str::ToSmolStr as _;

use super::tree::{Key, KeyPart, Tree};
use super::{Map, TreeError, secret::SECRET_NAME};

/// Name of the newtype by which `Value` and `Tree` pass through serde.
pub(super) const TREE_NAME: &str = "skyplat_core::value::Tree";

thread_local! {
    /// The tree being handed from a `Serialize` impl to the `TreeSerializer` that called it. Serde has no way to pass
    /// a value of ours through its data model; a slot that is `Some` only while our own serializer asks for it is
    /// what keeps every other serializer from seeing anything.
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot::Closed) };
}

enum Slot {
    Closed,
    Asked,
    Filled(Tree),
}

/// Hands `tree` to the `TreeSerializer` behind `serializer`; an error with any other serializer.
pub(super) fn hand_over<S: Serializer>(
    tree: Tree,
    serializer: S,
    name: &'static str,
) -> Result<S::Ok, S::Error> {
    struct Payload(Tree);
    impl Serialize for Payload {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            SLOT.with_borrow_mut(|slot| match slot {
                Slot::Asked => {
                    *slot = Slot::Filled(self.0.clone());
                    Ok(())
                }
                _ => Err(ser::Error::custom("a value with references can only become part of a Tree")),
            })?;
            serializer.serialize_unit()
        }
    }
    serializer.serialize_newtype_struct(name, &Payload(tree))
}

/// Turns a Rust value into a [`Tree`].
///
/// # Errors
/// When the value has something a tree cannot hold: raw bytes, a number that is not finite, a map key that is no text.
pub fn to_tree<T: Serialize + ?Sized>(value: &T) -> Result<Tree, TreeError> {
    value.serialize(TreeSerializer)
}

/// The serde serializer behind [`to_tree`].
#[derive(Debug, Clone, Copy)]
pub struct TreeSerializer;

macro_rules! serialize_number {
    ($($method:ident: $number:ty),*) => {$(
        fn $method(self, v: $number) -> Result<Tree, TreeError> {
            Ok(Tree::Number(v.into()))
        }
    )*};
}

impl Serializer for TreeSerializer {
    type Ok = Tree;
    type Error = TreeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    serialize_number!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn serialize_bool(self, v: bool) -> Result<Tree, TreeError> {
        Ok(Tree::Bool(v))
    }

    fn serialize_f32(self, v: f32) -> Result<Tree, TreeError> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<Tree, TreeError> {
        serde_json::Number::from_f64(v)
            .map(Tree::Number)
            .ok_or_else(|| TreeError::new("a number that is not finite"))
    }

    fn serialize_char(self, v: char) -> Result<Tree, TreeError> {
        Ok(Tree::String(v.into()))
    }

    fn serialize_str(self, v: &str) -> Result<Tree, TreeError> {
        Ok(Tree::String(v.into()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Tree, TreeError> {
        Err(TreeError::new("raw bytes have no place in a tree; encode them as text"))
    }

    fn serialize_none(self) -> Result<Tree, TreeError> {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, TreeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Tree, TreeError> {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, TreeError> {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, TreeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        v: &T,
    ) -> Result<Tree, TreeError> {
        if name != TREE_NAME && name != SECRET_NAME {
            return v.serialize(self);
        }
        SLOT.set(Slot::Asked);
        let outcome = v.serialize(self);
        let slot = SLOT.replace(Slot::Closed);
        match (outcome, slot) {
            (Ok(_), Slot::Filled(tree)) => Ok(tree),
            (Err(error), _) => Err(error),
            (Ok(_), _) => Err(TreeError::new(format!("{name} is a name reserved for values"))),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, TreeError> {
        let value = value.serialize(self).map_err(|e| e.within(variant))?;
        Ok(Tree::Map(Map::from([(variant.into(), value)])))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, TreeError> {
        Ok(Items { variant: None, items: Vec::with_capacity(len.unwrap_or(0)) })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, TreeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, TreeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, TreeError> {
        Ok(Items { variant: Some(variant), items: Vec::with_capacity(len) })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries, TreeError> {
        Ok(Entries { variant: None, key: None, written: Vec::with_capacity(len.unwrap_or(0)) })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Entries, TreeError> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries, TreeError> {
        Ok(Entries { variant: Some(variant), key: None, written: Vec::with_capacity(len) })
    }
}

/// A list being written.
#[derive(Debug)]
pub struct Items {
    variant: Option<&'static str>,
    items: Vec<Tree>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        let index = self.items.len();
        self.items.push(to_tree(value).map_err(|e| e.within(&index.to_string()))?);
        Ok(())
    }

    fn finish(self) -> Tree {
        in_variant(self.variant, Tree::List(self.items))
    }
}

/// A map or struct being written.
#[derive(Debug)]
pub struct Entries {
    variant: Option<&'static str>,
    key: Option<Key>,
    written: Vec<(Key, Tree)>,
}

impl Entries {
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), TreeError> {
        match to_tree(value).map_err(|e| e.within(key))? {
            Tree::Null => {}
            tree => self.written.push((key.into(), tree)),
        }
        Ok(())
    }

    fn finish(self) -> Tree {
        in_variant(self.variant, Tree::Map(self.written.into_iter().collect()))
    }
}

fn in_variant(variant: Option<&'static str>, tree: Tree) -> Tree {
    match variant {
        Some(variant) => Tree::Map(Map::from([(variant.into(), tree)])),
        None => tree,
    }
}

/// Turns what a map key serialised to into a [`Key`].
fn key_of(tree: Tree) -> Result<Key, TreeError> {
    let part = |tree: Tree| match tree {
        Tree::String(text) => Ok(KeyPart::Literal(text)),
        Tree::Ref(reference) => Ok(KeyPart::Ref(reference)),
        _ => Err(TreeError::new("a map key must be a text")),
    };
    match tree {
        Tree::String(text) => Ok(Key::Literal(text)),
        Tree::Number(number) => Ok(Key::Literal(number.to_smolstr())),
        Tree::Text(parts) => parts.into_iter().map(part).collect::<Result<_, _>>().map(Key::Text),
        other => part(other).map(|part| Key::Text(vec![part])),
    }
}

/// Implements the traits by which serde writes a list or a struct; they differ in the name of one method only.
macro_rules! write_through {
    ($(impl $trait:ident for $writer:ident: $method:ident = $push:ident($($key:ident: $key_type:ty)?);)+) => {$(
        impl ser::$trait for $writer {
            type Ok = Tree;
            type Error = TreeError;

            fn $method<T: Serialize + ?Sized>(&mut self, $($key: $key_type,)? value: &T) -> Result<(), TreeError> {
                self.$push($($key,)? value)
            }

            fn end(self) -> Result<Tree, TreeError> {
                Ok(self.finish())
            }
        }
    )+};
}

write_through! {
    impl SerializeSeq for Items: serialize_element = push();
    impl SerializeTuple for Items: serialize_element = push();
    impl SerializeTupleStruct for Items: serialize_field = push();
    impl SerializeTupleVariant for Items: serialize_field = push();
    impl SerializeStruct for Entries: serialize_field = field(key: &'static str);
    impl SerializeStructVariant for Entries: serialize_field = field(key: &'static str);
}

impl ser::SerializeMap for Entries {
    type Ok = Tree;
    type Error = TreeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TreeError> {
        self.key = Some(key_of(to_tree(key)?)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        let key = self.key.take().ok_or_else(|| TreeError::new("a map value without its key"))?;
        self.written.push((key, to_tree(value)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, TreeError> {
        let entries = self.written.len();
        match self.finish() {
            Tree::Map(map) if map.len() != entries => Err(TreeError::new("two equal keys in one map")),
            tree => Ok(tree),
        }
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hand_over(self.clone(), serializer, TREE_NAME)
    }
}
