//! Comparing two resolved input trees field by field, under [`FieldRules`].
//!
//! One function serves every stage: the planner compares what is wanted with what is recorded, the engine does the same
//! again when all values are known, and [`mod@super::drift`] compares with what was seen. Secrets are digests on both sides;
//! a value that is not known differs from every other and is marked with the references that it waits for.
//!
//! A null and a missing field are the same. A field with another spelling of the same meaning
//! ([`Normal`](crate::object::Normal)) is the same.

use crate::object::{FieldPath, FieldRules, Segment};
use crate::value::{Key, KeyPart, Map, Reference, Tree, paper};

use super::normal::canonical;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Which field.
    pub path: FieldPath,
    /// The value it has, if it has one.
    pub old: Option<Tree>,
    /// The value it shall have, if it shall have one.
    pub new: Option<Tree>,
    /// Whether the change alone makes the object be replaced.
    pub forces_replace: bool,
    /// The outputs that are not known yet and may turn out to make the field equal. Empty when it surely differs.
    pub unknown: Vec<Reference>,
}

/// Returns the fields in which `new` differs from `old`, in the order of their paths.
pub fn compare(old: &Tree, new: &Tree, rules: &FieldRules) -> Vec<FieldChange> {
    run(old, new, rules, Scope::Every)
}

/// Which fields count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every field of either side.
    Every,
    /// The fields of the new side that are known, can be read back and can be compared.
    Wanted,
}

pub(super) fn run(old: &Tree, new: &Tree, rules: &FieldRules, scope: Scope) -> Vec<FieldChange> {
    if old == new {
        return Vec::new();
    }
    let mut walk = Walk { rules, scope, path: FieldPath::default(), changes: Vec::new() };
    walk.field(Some(old), Some(new));
    walk.changes
}

struct Walk<'a> {
    rules: &'a FieldRules,
    scope: Scope,
    path: FieldPath,
    changes: Vec<FieldChange>,
}

impl Walk<'_> {
    fn field(&mut self, old: Option<&Tree>, new: Option<&Tree>) {
        let old = old.filter(|tree| !matches!(tree, Tree::Null));
        let new = new.filter(|tree| !matches!(tree, Tree::Null));
        if old == new || (new.is_none() && self.rules.is_server_default(&self.path)) {
            return;
        }
        if self.scope == Scope::Wanted && (new.is_none() || self.rules.is_write_only(&self.path)) {
            return;
        }
        match (old, new, self.rules.normal(&self.path)) {
            (Some(old), Some(new), Some(normal)) if new.first_unknown().is_none() => {
                let (old, new) = (canonical(normal, old), canonical(normal, new));
                if old != new {
                    self.shape(Some(&old), Some(&new));
                }
            }
            _ => self.shape(old, new),
        }
    }

    fn shape(&mut self, old: Option<&Tree>, new: Option<&Tree>) {
        match (old, new) {
            (Some(Tree::Map(old)), Some(Tree::Map(new))) => self.map(old, new),
            (Some(Tree::List(old_items)), Some(Tree::List(new_items))) => {
                if !self.rules.is_set(&self.path) {
                    self.list(old_items, new_items);
                } else if !self.same_set(old_items, new_items) {
                    self.changed(old, new);
                }
            }
            _ => self.leaf(old, new),
        }
    }

    fn map(&mut self, old: &Map, new: &Map) {
        let (mut left, mut right) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let (key, old, new) = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some((a, _)), Some((b, _))) if a == b => {
                    let ((key, old), (_, new)) =
                        (left.next().expect("peeked"), right.next().expect("peeked"));
                    (key, Some(old), Some(new))
                }
                (Some((a, _)), Some((b, _))) if a > b => {
                    let (key, new) = right.next().expect("peeked");
                    (key, None, Some(new))
                }
                (Some(_), _) => {
                    let (key, old) = left.next().expect("peeked");
                    (key, Some(old), None)
                }
                (None, Some(_)) => {
                    let (key, new) = right.next().expect("peeked");
                    (key, None, Some(new))
                }
            };
            if old != new {
                self.below(Segment::Key(key_text(key)), |walk| walk.field(old, new));
            }
        }
    }

    fn list(&mut self, old: &[Tree], new: &[Tree]) {
        if self.scope == Scope::Wanted && old.len() > new.len() {
            // What was added behind our back is no field of ours; the list as a whole is.
            self.changed(Some(&Tree::List(old.to_vec())), Some(&Tree::List(new.to_vec())));
            return;
        }
        for index in 0..old.len().max(new.len()) {
            self.below(Segment::Index(index), |walk| walk.field(old.get(index), new.get(index)));
        }
    }

    /// Returns whether every item has its partner, whatever the order.
    fn same_set(&mut self, old: &[Tree], new: &[Tree]) -> bool {
        if old.len() != new.len() {
            return false;
        }
        let sorted = |items: &[Tree]| {
            let mut shown: Vec<String> = items.iter().map(|item| paper::show(item).to_string()).collect();
            shown.sort();
            shown
        };
        if sorted(old) == sorted(new) {
            return true;
        }
        let mut left: Vec<&Tree> = old.iter().collect();
        new.iter().enumerate().all(|(index, new)| {
            let partner = left.iter().position(|old| self.same_item(index, old, new));
            partner.map(|at| left.swap_remove(at)).is_some()
        })
    }

    fn same_item(&self, index: usize, old: &Tree, new: &Tree) -> bool {
        let path = self.path.index(index);
        let mut walk = Walk { rules: self.rules, scope: self.scope, path, changes: Vec::new() };
        walk.field(Some(old), Some(new));
        walk.changes.is_empty()
    }

    fn leaf(&mut self, old: Option<&Tree>, new: Option<&Tree>) {
        if let (Some(Tree::Number(old)), Some(Tree::Number(new))) = (old, new)
            && old.as_f64() == new.as_f64()
        {
            return;
        }
        if self.scope == Scope::Wanted && (new.is_some_and(incomparable) || old.is_some_and(in_parts)) {
            return;
        }
        // A digest says nothing about a text that was read in the clear, or the other way round.
        let one_hidden = matches!(old, Some(Tree::Digest(_))) != matches!(new, Some(Tree::Digest(_)));
        if self.scope == Scope::Wanted && old.is_some() && one_hidden {
            return;
        }
        self.changed(old, new);
    }

    fn changed(&mut self, old: Option<&Tree>, new: Option<&Tree>) {
        let mut unknown = Vec::new();
        if let Some(new) = new {
            unknowns(new, &mut unknown);
            if self.scope == Scope::Wanted && !unknown.is_empty() {
                return;
            }
        }
        if old.is_none() && new.is_some_and(is_empty) || new.is_none() && old.is_some_and(is_empty) {
            return;
        }
        let forces_replace = self.rules.forces_replace(&self.path)
            || [old, new].into_iter().flatten().any(|tree| self.forced_below(&mut self.path.clone(), tree));
        self.changes.push(FieldChange {
            path: self.path.clone(),
            old: old.cloned(),
            new: new.cloned(),
            forces_replace,
            unknown,
        });
    }

    /// Returns whether a field inside a value that comes or goes as a whole forces a replace.
    fn forced_below(&self, path: &mut FieldPath, tree: &Tree) -> bool {
        if self.rules.replace.is_empty() {
            return false;
        }
        let mut step = |segment: Segment, tree: &Tree| {
            path.0.push(segment);
            let forced = self.rules.forces_replace(path) || self.forced_below(path, tree);
            path.0.pop();
            forced
        };
        match tree {
            Tree::Map(map) => map.iter().any(|(key, tree)| step(Segment::Key(key_text(key)), tree)),
            Tree::List(items) => items.iter().enumerate().any(|(at, tree)| step(Segment::Index(at), tree)),
            _ => false,
        }
    }

    fn below(&mut self, segment: Segment, walk: impl FnOnce(&mut Self)) {
        self.path.0.push(segment);
        walk(self);
        self.path.0.pop();
    }
}

/// A map or list without content is the same as none.
fn is_empty(tree: &Tree) -> bool {
    match tree {
        Tree::Map(map) => map.is_empty(),
        Tree::List(items) => items.is_empty(),
        _ => false,
    }
}

fn in_parts(tree: &Tree) -> bool {
    matches!(tree, Tree::Text(_) | Tree::Json(_))
}

fn incomparable(tree: &Tree) -> bool {
    in_parts(tree) || matches!(tree, Tree::Unknown(_))
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Literal(text) => text.to_string(),
        Key::Text(parts) => parts
            .iter()
            .map(|part| match part {
                KeyPart::Literal(text) => text.to_string(),
                KeyPart::Ref(reference) => reference.to_string(),
            })
            .collect(),
    }
}

/// Collects every unknown inside a value.
pub(super) fn unknowns(tree: &Tree, found: &mut Vec<Reference>) {
    match tree {
        Tree::Unknown(reference) if !found.contains(reference) => found.push(reference.clone()),
        Tree::List(items) | Tree::Text(items) => items.iter().for_each(|item| unknowns(item, found)),
        Tree::Json(inner) => unknowns(inner, found),
        Tree::Map(map) => map.values().for_each(|value| unknowns(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Normal;
    use crate::tree;
    use crate::value::Address;

    fn paths(old: &Tree, new: &Tree, rules: &FieldRules) -> Vec<String> {
        compare(old, new, rules).iter().map(|change| change.path.to_string()).collect()
    }

    fn unknown(object: &str) -> Tree {
        Tree::Unknown(Reference { object: Address::new(object), field: "id".into() })
    }

    #[test]
    fn only_the_fields_that_differ_are_named() {
        let old = tree!({ "a": 1, "b": { "c": "x", "d": [1, 2] }, "gone": true });
        let new = tree!({ "a": 1, "b": { "c": "y", "d": [1, 3, 4] }, "new": true });
        assert_eq!(paths(&old, &new, &FieldRules::new()), ["b.c", "b.d[1]", "b.d[2]", "gone", "new"]);
    }

    #[test]
    fn null_and_missing_and_empty_are_the_same() {
        let (old, new) = (tree!({ "a": null, "b": {}, "c": [] }), tree!({}));
        assert!(paths(&old, &new, &FieldRules::new()).is_empty());
        assert!(paths(&new, &old, &FieldRules::new()).is_empty());
    }

    #[test]
    fn the_order_of_a_set_does_not_count_and_that_of_a_list_does() {
        let (old, new) = (tree!({ "s": [1, 2], "l": [1, 2] }), tree!({ "s": [2, 1], "l": [2, 1] }));
        assert_eq!(paths(&old, &new, &FieldRules::new().sets(["s"])), ["l[0]", "l[1]"]);
        let rules = FieldRules::new().sets(["s", "l"]);
        assert!(paths(&old, &new, &rules).is_empty());
        assert_eq!(paths(&old, &tree!({ "s": [1, 1], "l": [1, 2] }), &rules), ["s"]);
    }

    #[test]
    fn items_of_a_set_are_compared_under_the_rules() {
        let rules = FieldRules::new().sets(["s"]).normalised("s.*.cpu", Normal::Quantity);
        let (old, new) = (
            tree!({ "s": [{ "cpu": "1" }, { "cpu": "2" }] }),
            tree!({ "s": [{ "cpu": "2000m" }, { "cpu": "1" }] }),
        );
        assert!(paths(&old, &new, &rules).is_empty());
    }

    #[test]
    fn another_spelling_is_no_change() {
        let rules = FieldRules::new().normalised("limits.cpu", Normal::Quantity);
        let of = |cpu: &str| tree!({ "limits": { "cpu": cpu } });
        assert!(paths(&of("1000m"), &of("1"), &rules).is_empty());
        assert_eq!(paths(&of("1000m"), &of("2"), &rules), ["limits.cpu"]);
    }

    #[test]
    fn a_field_the_api_fills_in_may_be_left_out_but_not_changed() {
        let rules = FieldRules::new().server_default(["a"]);
        assert!(paths(&tree!({ "a": 1 }), &tree!({}), &rules).is_empty());
        assert_eq!(paths(&tree!({ "a": 1 }), &tree!({ "a": 2 }), &rules), ["a"]);
    }

    #[test]
    fn a_replace_is_forced_from_above_and_from_inside() {
        let rules = FieldRules::new().replace(["whole", "items.*.id"]);
        let forced = |old: &Tree, new: &Tree| compare(old, new, &rules)[0].forces_replace;
        assert!(forced(&tree!({ "whole": { "x": 1 } }), &tree!({ "whole": { "x": 2 } })));
        assert!(forced(&tree!({ "items": [] }), &tree!({ "items": [{ "id": 1 }] })));
        assert!(forced(&tree!({ "items": [{ "id": 1 }] }), &tree!({ "items": (unknown("x")) })));
        assert!(!forced(&tree!({ "items": [{ "n": 1 }] }), &tree!({ "items": [{ "n": 2 }] })));
    }

    #[test]
    fn an_unknown_is_a_change_that_names_what_it_waits_for() {
        let text = Tree::Text(vec![tree!("https://"), unknown("a/b")]);
        let changes = compare(&tree!({ "url": "https://x" }), &tree!({ "url": text }), &FieldRules::new());
        assert_eq!(changes[0].unknown[0].object, Address::new("a/b"));
    }

    #[test]
    fn numbers_compare_by_value() {
        let float = Tree::Number(serde_json::Number::from_f64(2.0).unwrap());
        assert!(paths(&tree!({ "n": 2 }), &tree!({ "n": float }), &FieldRules::new()).is_empty());
    }
}
