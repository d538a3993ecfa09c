//! Where each value of a configuration stands in its file, by path.
//!
//! The decoder fills it in; the checks look places up by the path of the value they complain about. A path is written as
//! people would: `hub.node_pools[0].name`.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Span;

/// The places of one configuration's values.
#[derive(Debug, Default)]
pub(super) struct Locations {
    places: BTreeMap<String, Place>,
    unread: BTreeSet<String>,
    partial: BTreeSet<String>,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: Option<Span>,
    value: Span,
}

impl Locations {
    /// Notes where the value at `path` stands, and its key.
    pub(super) fn insert(&mut self, path: &str, key: Option<Span>, value: Span) {
        self.places.insert(path.into(), Place { key, value });
    }

    /// Notes that the value at `path` could not be read: what stands there now is a stand-in, not the user's.
    pub(super) fn mark_unread(&mut self, path: &str) {
        self.unread.insert(path.into());
    }

    /// Returns whether the value at `path`, or one that it stands in, could not be read.
    pub(super) fn is_unread(&self, path: &str) -> bool {
        ancestors(path).any(|path| self.unread.contains(path))
    }

    /// Forgets an element of a list that could not be read, so that the next one takes its path; notes that the list is
    /// not whole.
    pub(super) fn drop_item(&mut self, list: &str, item: &str) {
        self.places.remove(item);
        self.unread.remove(item);
        self.partial.insert(list.into());
    }

    /// Returns whether something that stood in the list at `path` could not be read.
    pub(super) fn is_partial(&self, path: &str) -> bool {
        self.partial.contains(path) || self.is_unread(path)
    }

    /// Returns whether the file gives a value at `path`.
    pub(super) fn is_given(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Returns the place of the value at `path`. When the file does not give it: the key of what it would stand in.
    pub(super) fn value(&self, path: &str) -> Option<Span> {
        match self.places.get(path) {
            Some(place) => Some(place.value),
            None => ancestors(path).find_map(|path| self.key_or_value(path)),
        }
    }

    /// Returns the place of the key at `path`, or of the nearest one around it.
    pub(super) fn key(&self, path: &str) -> Option<Span> {
        ancestors(path).find_map(|path| self.key_or_value(path))
    }

    fn key_or_value(&self, path: &str) -> Option<Span> {
        self.places.get(path).map(|place| place.key.unwrap_or(place.value))
    }
}

/// The path itself, then each path around it, the empty one last.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        if path.is_empty() { None } else { Some(&path[..path.rfind(['.', '[']).unwrap_or(0)]) }
    })
}

/// The path of a key below a path.
pub(super) fn key_path(path: &str, key: &str) -> String {
    if path.is_empty() { key.into() } else { format!("{path}.{key}") }
}

/// The path of an element of a list.
pub(super) fn item_path(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_given_stands_at_the_key_around_it() {
        let span = |line| Span { line, column: 1, len: 1 };
        let mut locations = Locations::default();
        locations.insert("hub", Some(span(1)), span(2));
        locations.insert("hub.node_pools[0]", None, span(3));
        assert_eq!(locations.value("hub"), Some(span(2)));
        assert_eq!(locations.value("hub.cidr"), Some(span(1)));
        assert_eq!(locations.value("hub.node_pools[0].name"), Some(span(3)));
        assert_eq!(locations.value("spokes[3]"), None);
    }

    #[test]
    fn what_stands_in_an_unread_value_is_unread() {
        let mut locations = Locations::default();
        locations.mark_unread("hub.skypilot");
        assert!(locations.is_unread("hub.skypilot.data_planes[0].name"));
        assert!(!locations.is_unread("hub.region"));
    }
}
