//! [`Map`]: the entries of a tree's map.
//!
//! Sorted entries in one allocation: the maps of inputs are small and there are very many of them. Copies share their
//! entries until one of them is changed, so that what a resolved tree has in common with its source is there once.

use std::fmt;
use std::mem;
use std::sync::Arc;

use super::tree::{Key, Tree};

/// The entries of a [`Tree::Map`], in the order of their keys.
#[derive(Clone)]
pub struct Map {
    entries: Arc<[(Key, Tree)]>,
    /// Whether all of it is known to be plain data. Found when the entries are put together, so that nobody has to look
    /// through a large tree to see that there is nothing to resolve in it.
    plain: bool,
}

impl Map {
    /// Returns an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a map of entries that are sorted and different.
    fn of(entries: Vec<(Key, Tree)>) -> Self {
        let plain = entries.iter().all(|(key, value)| matches!(key, Key::Literal(_)) && value.is_plain());
        Self { entries: entries.into(), plain }
    }

    /// Returns whether the map is known to be plain data: neither references nor texts with references, no secret, no
    /// digest and nothing unknown is inside. A map that was changed in place may be plain without being known to be.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Returns the entries, to be changed: from here on nothing is known of them.
    fn changed(&mut self) -> &mut [(Key, Tree)] {
        self.plain = false;
        Arc::make_mut(&mut self.entries)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the value under a key.
    pub fn get(&self, key: &Key) -> Option<&Tree> {
        self.find(key).ok().map(|at| &self.entries[at].1)
    }

    /// Returns the value under a literal key.
    pub fn get_literal(&self, key: &str) -> Option<&Tree> {
        let found = self.entries.binary_search_by(|(other, _)| match other {
            Key::Literal(text) => text.as_str().cmp(key),
            // As in the order of keys: literal ones come first.
            Key::Text(_) => std::cmp::Ordering::Greater,
        });
        found.ok().map(|at| &self.entries[at].1)
    }

    /// Returns the value under a key, to be changed.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Tree> {
        let at = self.find(key).ok()?;
        Some(&mut self.changed()[at].1)
    }

    /// Returns whether there is a value under a key.
    pub fn contains_key(&self, key: &Key) -> bool {
        self.find(key).is_ok()
    }

    /// Returns the first entry.
    pub fn first_key_value(&self) -> Option<(&Key, &Tree)> {
        self.iter().next()
    }

    /// Puts a value under a key and returns the one that was there. Many at once are better collected.
    pub fn insert(&mut self, key: Key, value: Tree) -> Option<Tree> {
        match self.find(&key) {
            Ok(at) => {
                let plain = self.plain && value.is_plain();
                let before = mem::replace(&mut self.changed()[at].1, value);
                self.plain = plain;
                Some(before)
            }
            Err(at) => {
                let mut entries = self.take();
                entries.insert(at, (key, value));
                *self = Self::of(entries);
                None
            }
        }
    }

    /// Returns the value under a key, to be changed; makes one first when there is none.
    pub fn get_or_insert_with(&mut self, key: Key, make: impl FnOnce() -> Tree) -> &mut Tree {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                let mut entries = self.take();
                entries.insert(at, (key, make()));
                *self = Self::of(entries);
                at
            }
        };
        &mut self.changed()[at].1
    }

    /// Takes out the value under a key.
    pub fn remove(&mut self, key: &Key) -> Option<Tree> {
        let at = self.find(key).ok()?;
        let mut entries = self.take();
        let (_, value) = entries.remove(at);
        *self = Self::of(entries);
        Some(value)
    }

    /// Keeps the entries that pass a test.
    pub fn retain(&mut self, mut keep: impl FnMut(&Key, &mut Tree) -> bool) {
        let mut entries = self.take();
        entries.retain_mut(|(key, value)| keep(key, value));
        *self = Self::of(entries);
    }

    /// Iterates over the entries in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.entries.iter())
    }

    /// Iterates over the keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key)
    }

    /// Iterates over the values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Tree> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }

    /// Iterates over the values, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Tree> + ExactSizeIterator {
        self.changed().iter_mut().map(|(_, value)| value)
    }

    fn find(&self, key: &Key) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.cmp(key))
    }

    /// Takes the entries out, by copy when they are shared.
    fn take(&mut self) -> Vec<(Key, Tree)> {
        let entries = match Arc::get_mut(&mut self.entries) {
            Some(entries) => {
                let nothing = || (Key::from(""), Tree::Null);
                entries.iter_mut().map(|entry| mem::replace(entry, nothing())).collect()
            }
            None => self.entries.to_vec(),
        };
        *self = Self::default();
        entries
    }
}

impl Default for Map {
    fn default() -> Self {
        Self { entries: Arc::default(), plain: true }
    }
}

/// Copies that share their entries are equal at a glance.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries) || self.entries == other.entries
    }
}

impl Eq for Map {}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Of two entries with one key, the later one counts.
impl FromIterator<(Key, Tree)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Tree)>>(entries: I) -> Self {
        let mut entries: Vec<(Key, Tree)> = entries.into_iter().collect();
        if !entries.is_sorted_by(|(one, _), (other, _)| one < other) {
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            entries.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    mem::swap(later, earlier);
                }
                same
            });
        }
        Self::of(entries)
    }
}

impl<const N: usize> From<[(Key, Tree); N]> for Map {
    fn from(entries: [(Key, Tree); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl Extend<(Key, Tree)> for Map {
    fn extend<I: IntoIterator<Item = (Key, Tree)>>(&mut self, more: I) {
        *self = self.take().into_iter().chain(more).collect();
    }
}

impl IntoIterator for Map {
    type Item = (Key, Tree);
    type IntoIter = std::vec::IntoIter<(Key, Tree)>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.take().into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Tree);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The entries of a [`Map`] in order.
#[derive(Debug, Clone)]
pub struct Iter<'a>(std::slice::Iter<'a, (Key, Tree)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Key, &'a Tree);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::tree;
    use crate::value::Reference;

    fn key() -> impl Strategy<Value = Key> {
        prop_oneof!["[a-c]{0,2}".prop_map(Key::from), Just(Key::Text(Vec::new()))]
    }

    #[derive(Debug, Clone)]
    enum Change {
        Insert(Key, u32),
        Remove(Key),
        Set(Key, u32),
        Extend(Vec<(Key, u32)>),
    }

    /// Some numbers stand for what is not plain, at different depths.
    fn value(number: u32) -> Tree {
        let unknown = || Tree::Unknown(Reference { object: "a".into(), field: "b".into() });
        match number % 6 {
            0 => tree!(["x", (unknown())]),
            1 => tree!({ "x": { "y": (unknown()) } }),
            2 => tree!({ "x": { "y": number } }),
            3 => tree!([number, { "x": number }]),
            _ => tree!(number),
        }
    }

    /// Returns whether there is nothing but plain data, by looking everywhere.
    fn looks_plain(map: &Map) -> bool {
        fn plain(tree: &Tree) -> bool {
            match tree {
                Tree::List(items) => items.iter().all(plain),
                Tree::Map(map) => looks_plain(map),
                other => matches!(other, Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_)),
            }
        }
        map.iter().all(|(key, value)| matches!(key, Key::Literal(_)) && plain(value))
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (key(), any::<u32>()).prop_map(|(key, value)| Change::Insert(key, value)),
            key().prop_map(Change::Remove),
            (key(), any::<u32>()).prop_map(|(key, value)| Change::Set(key, value)),
            prop::collection::vec((key(), any::<u32>()), 0..6).prop_map(Change::Extend),
        ]
    }

    fn trees(entries: &[(Key, u32)]) -> impl Iterator<Item = (Key, Tree)> {
        entries.iter().map(|(key, value)| (key.clone(), self::value(*value)))
    }

    proptest! {
        /// Whatever is done to a map, it holds what a `BTreeMap` holds, and its copies hold what they held.
        #[test]
        fn a_map_is_a_sorted_map(
            first in prop::collection::vec((key(), any::<u32>()), 0..6),
            changes in prop::collection::vec(change(), 0..12),
        ) {
            let mut map: Map = trees(&first).collect();
            let mut model: BTreeMap<Key, Tree> = trees(&first).collect();
            for change in changes {
                let (copy, before) = (map.clone(), model.clone());
                match change {
                    Change::Insert(key, value) => {
                        prop_assert_eq!(map.insert(key.clone(), self::value(value)), model.insert(key, self::value(value)));
                    }
                    Change::Remove(key) => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    Change::Set(key, value) => {
                        map.get_mut(&key).into_iter().for_each(|slot| *slot = self::value(value));
                        model.get_mut(&key).into_iter().for_each(|slot| *slot = self::value(value));
                    }
                    Change::Extend(entries) => {
                        map.extend(trees(&entries));
                        model.extend(trees(&entries));
                    }
                }
                prop_assert!(map.iter().eq(&model));
                prop_assert!(copy.iter().eq(&before));
                prop_assert_eq!(map == copy, model == before);
                prop_assert!(!map.is_plain() || looks_plain(&map));
                prop_assert_eq!(map.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Map>().is_plain(), looks_plain(&map));
                for key in ["", "a", "b", "c", "ab", "zz"] {
                    prop_assert_eq!(map.get_literal(key), model.get(&Key::from(key)));
                }
            }
            prop_assert!(map.into_iter().eq(model));
        }
    }
}
