//! Drift: where the real object is not as wanted.
//!
//! Only the fields that are wanted are looked at: what the API fills in and what others write is none of ours. A field
//! that the API never gives back is taken to be as it was sent.

use super::compare::{FieldChange, Scope, run};
use crate::object::FieldRules;
use crate::value::Tree;

/// Returns the wanted fields whose observed value is another one.
pub fn drift(observed: &Tree, wanted: &Tree, rules: &FieldRules) -> Vec<FieldChange> {
    run(observed, wanted, rules, Scope::Wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use crate::value::{Address, DigestKey, Reference, Secret};

    fn paths(observed: &Tree, wanted: &Tree, rules: &FieldRules) -> Vec<String> {
        drift(observed, wanted, rules).iter().map(|change| change.path.to_string()).collect()
    }

    #[test]
    fn fields_of_others_are_no_drift() {
        let observed = tree!({ "a": 1, "theirs": 2, "m": { "x": 1, "theirs": 2 } });
        assert!(paths(&observed, &tree!({ "a": 1, "m": { "x": 1 } }), &FieldRules::new()).is_empty());
        assert_eq!(paths(&observed, &tree!({ "a": 2, "m": { "x": 2 } }), &FieldRules::new()), ["a", "m.x"]);
    }

    #[test]
    fn a_wanted_field_that_is_gone_is_drift() {
        assert_eq!(paths(&tree!({}), &tree!({ "a": 1 }), &FieldRules::new()), ["a"]);
    }

    #[test]
    fn a_list_that_grew_is_drift_as_a_whole() {
        assert_eq!(paths(&tree!({ "l": [1, 2] }), &tree!({ "l": [1] }), &FieldRules::new()), ["l"]);
    }

    #[test]
    fn what_cannot_be_read_back_is_no_drift() {
        let rules = FieldRules::new().write_only(["password"]);
        assert!(paths(&tree!({}), &tree!({ "password": "x" }), &rules).is_empty());
    }

    #[test]
    fn values_that_cannot_be_compared_are_no_drift() {
        let key = DigestKey::new([1; 32]);
        let digest = |text: &str| Tree::Digest(key.digest(&Secret::new(text)));
        let unknown = Tree::Unknown(Reference { object: Address::new("a"), field: "id".into() });
        let parts = Tree::Text(vec![tree!("token "), digest("abc")]);
        let of = |value: Tree| tree!({ "v": value });
        assert!(paths(&of(tree!("x")), &of(unknown), &FieldRules::new()).is_empty());
        assert!(paths(&of(digest("token abc")), &of(parts), &FieldRules::new()).is_empty());
        assert_eq!(paths(&of(digest("a")), &of(digest("b")), &FieldRules::new()), ["v"]);
    }
}
